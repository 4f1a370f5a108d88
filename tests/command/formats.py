"""formats: is this JUnit, TAP 14, SARIF 2.1.0, Gradescope, a gradebook? What their published rules say about the parts that we write; `say` ends a test."""
import csv, io, json, re, xml.etree.ElementTree as xml
from talk import say


def only(thing, where, required, optional=()):
    say(set(required) <= set(thing) <= set(required) | set(optional), f"{where} has {sorted(thing)}; {sorted(required)} are wanted, {sorted(optional)} allowed")


def is_text(value, where):
    say(isinstance(value, str) and value != "", f"{where} is {value!r}, not a text")


def junit(text):
    """The schema that Jenkins' xUnit reader keeps: names, attributes, their types, sums, order of children. Gives {suite: {case: outcome}}."""
    root = xml.fromstring(text)
    say(root.tag == "testsuites" and set(root.attrib) <= {"name", "tests", "failures", "errors", "time", "disabled"}, "the root is testsuites")
    got = {}
    for suite in root:
        say(suite.tag == "testsuite", suite.tag)
        only(suite.attrib, "testsuite", {"name", "tests"}, {"failures", "errors", "skipped", "time", "timestamp", "hostname", "id", "package"})
        order = [child.tag for child in suite]
        say(order == sorted(order, key=["properties", "testcase", "system-out", "system-err"].index), f"children in the order of the schema: {order}")
        say(all(set(p.attrib) == {"name", "value"} for p in suite.iterfind("properties/property")), "a property has name and value")
        float(suite.get("time"))
        cases = suite.findall("testcase")
        say(len({(c.get("classname"), c.get("name")) for c in cases}) == len(cases), "each case has a name of its own")
        outcomes = {}
        for case in cases:
            only(case.attrib, "testcase", {"name", "classname"}, {"time", "status", "assertions"})
            say(len(case) <= 1 and all(c.tag in ("failure", "error", "skipped") for c in case), "a case has one outcome")
            for child in case:
                only(child.attrib, child.tag, {"message"}, {"type"})
                is_text(child.get("message"), child.tag)
            outcomes[case.get("name")] = case[0].tag if len(case) else "pass"
        counted = list(outcomes.values())
        sums = {"tests": len(cases), "failures": counted.count("failure"), "errors": counted.count("error"), "skipped": counted.count("skipped")}
        for name, count in sums.items():
            say(int(suite.get(name, 0)) == count, f"{name} of {suite.get('name')} is {suite.get(name)}, counted {count}")
        got[suite.get("name")] = outcomes
    return got


POINT = re.compile(r"^(not ok|ok) (\d+) - ((?:[^#\\]|\\[#\\])*?)(?: # (SKIP|TODO) (.+))?$")


def tap_level(lines, indent):
    """One document or subtest: plan first, points by number, a YAML block behind a point, a subtest before it. Gives [(ok, description, skip)]."""
    points, plan, children, bailed = [], None, 0, False
    while lines and lines[0].startswith(indent):
        line = lines.pop(0)[len(indent):]
        if line.startswith("# Subtest: "):
            say(lines and lines[0].startswith(indent + "    "), "a subtest follows its comment")
            tap_level(lines, indent + "    ")
            children += 1
        elif line.startswith("1.."):
            say(plan is None and not points, "one plan, in front")
            plan = int(line[3:])
        elif line == "  ---":
            say(points, "a block belongs to a point")
            block = []
            while lines and lines[0] != indent + "  ...":
                block.append(lines.pop(0))
            say(lines and all(b.startswith(indent + "  ") for b in block), "the block is closed and indented")
            lines.pop(0)
            for b in block:                                           # keys bare, values as JSON, which is YAML
                part = re.match(r"^ *(?:- )?[a-z_]+:(?: (.*))?$", b)
                say(part, f"a line of a block: {b!r}")
                if part[1]:
                    json.loads(part[1])
        elif line.startswith("Bail out!"):
            bailed = True
        elif line.startswith("    ") or not line:
            say(False, f"a line that belongs nowhere: {line!r}")
        else:
            point = POINT.match(line)
            say(point and int(point[2]) == len(points) + 1, f"a point in order: {line!r}")
            points.append((point[1] == "ok", point[3], point[4]))
    say(plan == len(points) or (bailed and plan > len(points)), f"planned {plan}, found {len(points)}")
    return points


def tap(text):
    lines = text.split("\n")
    say(lines.pop(0) == "TAP version 14" and lines.pop() == "", "it begins with the version and ends with a line")
    say(not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", text), "no control characters")
    points = tap_level(lines, "")
    say(not lines, f"left over: {lines[:1]}")
    return points


def sarif(text):
    """Of the schema: what is required, which names are allowed, ranges of numbers, forms of addresses. Gives the results."""
    log = json.loads(text)
    only(log, "the log", {"version", "runs"}, {"$schema"})
    say(log["version"] == "2.1.0" and len(log["runs"]) == 1, "one run of 2.1.0")
    run = log["runs"][0]
    only(run, "the run", {"tool", "results", "columnKind", "invocations"})
    say(run["columnKind"] == "unicodeCodePoints", "our reader counts code points")
    driver = run["tool"]["driver"]
    only(driver, "the driver", {"name", "version", "rules"})
    rules = {}
    for rule in driver["rules"]:
        only(rule, "a rule", {"id", "messageStrings"})
        say(rule["id"] not in rules, f"rule {rule['id']} stands twice")
        for message in rule["messageStrings"].values():
            only(message, "a message string", {"text"})
            say(not re.search(r"(?<!\{)\{(?!\{)|(?<!\})\}(?!\})", message["text"].replace("{{", "").replace("}}", "")), f"braces are doubled: {message['text']}")
        rules[rule["id"]] = rule
    for result in run["results"]:
        only(result, "a result", {"ruleId", "level", "message", "locations"}, {"properties"})
        say(result["ruleId"] in rules and result["level"] in ("error", "warning", "note"), f"{result['ruleId']} {result['level']}")
        is_text(result["message"]["text"], "a message")
        say(result["locations"], "a result has a place")
        for place in result["locations"]:
            only(place, "a location", (), {"physicalLocation", "logicalLocations"})
            physical = place.get("physicalLocation", {})
            only(physical, "a physical location", (), {"artifactLocation", "region"})
            if physical:
                say(re.fullmatch(r"(?:[A-Za-z0-9\-._~/:]|%[0-9A-F]{2})+", physical["artifactLocation"]["uri"]), f"an address: {physical['artifactLocation']['uri']}")
            for value in physical.get("region", {"startLine": 1}).values():
                say(isinstance(value, int) and value >= 1, f"a region counts from 1: {physical}")
            for logical in place.get("logicalLocations", []):
                only(logical, "a logical location", {"name", "fullyQualifiedName", "kind"})
    for invocation in run["invocations"]:
        only(invocation, "an invocation", {"executionSuccessful", "toolExecutionNotifications"})
        say(invocation["executionSuccessful"] == (not invocation["toolExecutionNotifications"]), "a notice of ours means that it did not succeed")
    return run["results"]


def gradescope(text):
    """What the autograder's specification allows in results.json. Gives it."""
    got = json.loads(text)
    only(got, "results.json", {"tests"}, {"score", "execution_time", "output", "output_format", "visibility", "stdout_visibility", "extra_data", "test_output_format", "test_name_format"})
    number = lambda value: isinstance(value, (int, float)) and not isinstance(value, bool)
    say(all(number(got[name]) for name in ("score", "execution_time") if name in got), "score and time are numbers")
    for test in got["tests"]:
        only(test, "a test", {"name"}, {"score", "max_score", "status", "number", "output", "output_format", "name_format", "tags", "visibility", "extra_data"})
        say(all(number(test[name]) for name in ("score", "max_score") if name in test), "points are numbers")
        say(test.get("status", "passed") in ("passed", "failed"), test.get("status"))
        say(test.get("visibility", "visible") in ("hidden", "after_due_date", "after_published", "visible"), test.get("visibility"))
        say(test.get("output_format", "text") in ("text", "html", "simple_format", "md", "ansi"), test.get("output_format"))
    return got


def gradebook(text):
    """RFC 4180; no cell that a spreadsheet would run. Gives a list of rows by column."""
    say(text.endswith("\r\n") and "\n" not in text.replace("\r\n", ""), "lines end in CR LF")
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    say(all(len(row) == len(rows[0]) for row in rows), "each row has as many cells")
    say(not any(cell[:1] in "=+-@\t\r" for row in rows for cell in row if cell), "no cell is a formula")
    return [dict(zip(rows[0], row)) for row in rows[1:]]
