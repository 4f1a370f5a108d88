"""makmal grade: whatever is handed in, in every form and format, a class of two thousand, and what goes wrong."""
import contextlib, http.server, io, json, os, pty, re, shutil, signal, ssl, subprocess, tarfile, tempfile, threading, time, zipfile
import formats
from talk import build, root, say, talk, wait_for

LABS = os.path.join(root, "labs")
FIXTURES = os.path.join(root, "tests/fixtures/labs")
GOOD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: {name} }}\ndata: {{ token: abc }}\n"
PARAMS = "app: kedai-17\n"


def environment(labs=FIXTURES, **more):
    return {"PATH": os.environ["PATH"], "MAKMAL_LABS": labs, **more}


def grade(*words, labs=FIXTURES, given=None, seconds=120, **more):
    got = subprocess.run([os.path.join(build, "makmal"), "grade", *words], input=given, capture_output=True, timeout=seconds, cwd="/", env=environment(labs, **more),
                         **({} if given is not None else {"stdin": subprocess.DEVNULL}))
    return got.returncode, got.stdout.decode(), got.stderr.decode()


def rows_of(text):
    return [json.loads(line) for line in text.splitlines()]


@contextlib.contextmanager
def folder():
    where = tempfile.mkdtemp(prefix="makmal-command-")
    try:
        yield where
    finally:
        shutil.rmtree(where, ignore_errors=True)


def put(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(text.encode() if isinstance(text, str) else text)
    return path


def zipped(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        for name, text in files:
            z.writestr(name, text)
    return path


def tarred(path, files, mode="w:gz"):
    with tarfile.open(path, mode) as t:
        for name, text in files:
            one = tarfile.TarInfo(name)
            if isinstance(text, bytes):                       # a type of its own: a link, a device
                one.type, one.linkname = text, "/etc/passwd"
                t.addfile(one)
            else:
                one.size = len(text.encode())
                t.addfile(one, io.BytesIO(text.encode()))
    return path


@talk(server=False)
def a_file_a_folder_and_every_archive_of_it_get_the_same_verdict():
    with folder() as where:
        text = GOOD.format(name="kedai-17").replace("abc", '""')
        files = [("web.yaml", text), (".hidden.yaml", "no: object"), ("notes.txt", "hello")]
        params = put(f"{where}/params.yaml", PARAMS)
        put(f"{where}/file/web.yaml", text)
        for name, body in files:
            put(f"{where}/folder/{name}", body)
            put(f"{where}/deeper/one/two/{name}", body)
        put(f"{where}/inside/answer.zip", open(zipped(f"{where}/a.zip", files), "rb").read())
        paths = [f"{where}/file/web.yaml", f"{where}/folder", f"{where}/folder/", f"{where}/deeper", f"{where}/inside", f"{where}/a.zip",
                 zipped(f"{where}/b.ZIP", [("top/", "")] + [(f"top/{n}", t) for n, t in files] + [("__MACOSX/top/._web.yaml", "\0")]),
                 tarred(f"{where}/c.tar.gz", files), tarred(f"{where}/d.tgz", [(f"./x/{n}", t) for n, t in files]), tarred(f"{where}/e.tar", files, "w"), "-"]
        given = open(f"{where}/c.tar.gz", "rb").read()
        status, out, err = grade("good", *paths, "--params", params, "--format", "json", "--quiet", given=given)
        rows = rows_of(out)
        say((status, err) == (0, ""), f"{status} {err}")
        say([row["path"] for row in rows] == paths, "in the order given")
        part = lambda row: json.dumps({name: row[name] for name in ("lab", "lab_hash", "params", "params_from", "result", "state", "points", "max", "reading", "checks", "left_out")})
        say(len({part(row) for row in rows}) == 1, "all say the same:\n" + "\n".join(sorted({part(row) for row in rows})))
        say((rows[0]["points"], rows[0]["max"], rows[0]["result"]) == ("2", "2", "passed"), out.splitlines()[0])
        status, out, err = grade("good", "-", "--params", params, "--format", "json", "--quiet", given=b"kind: [")
        say((status, rows_of(out)[0]["result"], rows_of(out)[0]["checks"][0]["findings"][0]["at"]["file"]) == (1, "refused", "stdin.yaml"), out)


@talk(server=False)
def a_class_becomes_a_gradebook_each_with_parameters_of_its_own():
    with folder() as where:
        learners = {}
        for name in ["aina", "=cmd", "chong"]:
            put(f"{where}/class/{name}/map.yaml", "kind: ConfigMap")
        rows = rows_of(grade("good", "--roster", f"{where}/class", "--format", "json")[1])
        for row in rows:
            learners[row["name"]] = row["params"]["app"]
        say(len(set(learners.values())) == 3, f"each has a value of their own: {learners}")
        for name, app in learners.items():
            put(f"{where}/class/{name}/map.yaml", GOOD.format(name=app))
        put(f"{where}/class/devi/params.yaml", PARAMS)
        put(f"{where}/class/devi/map.yaml", GOOD.format(name="kedai-17"))
        os.rename(f"{where}/class/chong", f"{where}/chong")
        zipped(f"{where}/class/chong.zip", [("map.yaml", open(f"{where}/chong/map.yaml").read())])
        put(f"{where}/class/esther.yaml", GOOD.format(name=learners["aina"]))                      # another learner's
        put(f"{where}/class/grades.ods", "no hand-in")
        os.mkdir(f"{where}/class/farid")
        # a hand-in may not choose its own parameters from inside an archive
        zipped(f"{where}/class/gita.zip", [("map.yaml", GOOD.format(name="kedai-17")), ("params.yaml", PARAMS)])
        status, out, err = grade("good", "--roster", f"{where}/class", "--format", "csv")
        book = {row["name"]: row for row in formats.gradebook(out)}
        say(status == 1 and re.search(r"7 graded: 4 passed, 2 failed, 1 broken, 0 without a score", err), f"{status} {err}")
        say(list(book) == ["'=cmd", "aina", "chong", "devi", "esther", "farid", "gita"], f"by name, formulas defused: {list(book)}")
        said = {name: (row["result"], row["points"], row["max"], row["check.named"], row["params_from"]) for name, row in book.items()}
        say(said["aina"] == said["'=cmd"] == said["chong"] == ("passed", "2", "2", "2", "name"), f"{said}")
        say(said["devi"] == ("passed", "2", "2", "2", "params.yaml"), f"{said['devi']}")
        say(said["esther"] == said["gita"] == ("failed", "0", "2", "0", "name"), f"{said['esther']} {said['gita']}")
        say(said["farid"] == ("refused", "0", "2", "0", "name") and "holds no manifest" in book["farid"]["note"], f"{book['farid']}")
        status, out, _ = grade("good", f"{where}/class/chong.zip", "--seed", "chong", "--format", "json")
        say((status, rows_of(out)[0]["params"]["app"]) == (0, learners["chong"]), "one of them alone, by the same seed")
        say(grade("good", f"{where}/class/devi")[0] == 0, "its folder's parameters hold for one hand-in too")


@talk(server=False)
def what_hand_ins_are_worth_can_be_compared():
    with folder() as where:
        put(f"{where}/0-broken.yaml", "a: {")
        put(f"{where}/1-empty.yaml", "")
        put(f"{where}/2-other.yaml", GOOD.format(name="x"))
        os.makedirs(f"{where}/3-nothing")
        solution = os.path.join(LABS, "kubernetes/services/mend-ports/solution")
        for name in os.listdir(solution):
            put(f"{where}/4-right/{name}", open(os.path.join(solution, name)).read().replace("${port}", "8123"))
        put(f"{where}/params.yaml", "port: 8123")
        rows = rows_of(grade("mend-ports", "--roster", where, "--params", f"{where}/params.yaml", "--format", "json", labs=LABS)[1])
        say(len(rows) == 5 and [row["points"] for row in rows][-1] == "3", f"{[(row['name'], row['points']) for row in rows]}")
        say({(row["max"], tuple(sorted(row["left_out"]))) for row in rows} == {("3", ("accepted", "answers"))}, f"{[(row['name'], row['max'], row['left_out']) for row in rows]}")


def bad_zip(path, patch):
    data = bytearray(open(zipped(path, [("web.yaml", GOOD.format(name="x"))]), "rb").read())
    return put(path, bytes(patch(data)))


def encrypted(data):
    data[6] |= 1
    at = data.index(b"PK\1\2")
    data[at + 8] |= 1
    return data


@talk(server=False)
def a_broken_hand_in_is_a_row_with_one_sentence_and_stops_nobody():
    with folder() as where:
        put(f"{where}/params.yaml", PARAMS)
        good = GOOD.format(name="kedai-17")
        os.makedirs(f"{where}/c/empty")
        os.symlink("loop", f"{where}/c/loop")
        os.makedirs(f"{where}/c/many-folders/a"), os.makedirs(f"{where}/c/many-folders/b")
        os.makedirs(f"{where}/c/levels/" + "/".join("abcdefghijkl"))
        for i in range(21):
            put(f"{where}/c/many-files/{i:02}.yaml", good)
        put(f"{where}/c/links/x.txt", "")
        os.symlink("/etc/passwd", f"{where}/c/links/a.yaml")
        os.mkfifo(f"{where}/c/links/pipe.yaml")
        put(f"{where}/c/zero.yaml", "")
        put(f"{where}/c/comments.yaml", "# nothing\n---\n")
        put(f"{where}/c/ten-megabytes.yaml", b"a: b\n" * 2_000_000)
        put(f"{where}/c/binary.yaml", bytes(range(256)) * 40)
        put(f"{where}/c/deep.yaml", "a: " + "[" * 20000)
        put(f"{where}/c/bombs.yaml", "a: &a [x]\n" + "".join(f"b{i}: &b{i} [*a, *a]\n" for i in range(3000)))
        put(f"{where}/c/noise.zip", os.urandom(5000))
        put(f"{where}/c/noise.tar.gz", b"\x1f\x8b" + os.urandom(5000))
        put(f"{where}/c/cut.tar.gz", open(tarred(f"{where}/c/cut.tar.gz", [("web.yaml", good + "# " + os.urandom(40000).hex())]), "rb").read()[:-20000])
        bad_zip(f"{where}/c/cut.zip", lambda data: data[:-30])
        bad_zip(f"{where}/c/encrypted.zip", encrypted)
        zipped(f"{where}/c/climbs.zip", [("../../web.yaml", good)])
        tarred(f"{where}/c/absolute.tar", [("/etc/web.yaml", good)], "w")
        tarred(f"{where}/c/control.tar", [("a\x1b[2J.yaml", good)], "w")
        tarred(f"{where}/c/twice.tar", [("web.yaml", good), ("web.yaml", good)], "w")
        tarred(f"{where}/c/entries.tar.gz", [(f"{i}.txt", "") for i in range(1100)])
        tarred(f"{where}/c/only-links.tar", [("web.yaml", tarfile.SYMTYPE), ("b.yaml", tarfile.LNKTYPE), ("c.yaml", tarfile.CHRTYPE), ("d.yaml", tarfile.FIFOTYPE)], "w")
        tarred(f"{where}/c/bomb.tar.gz", [("zeros.bin", "0" * 40_000_000)])
        zipped(f"{where}/c/bomb.zip", [("zeros.yaml", "0" * 40_000_000)])
        put(f"{where}/c/packed-large.zip", b"PK\3\4" + os.urandom(17 << 20))
        zipped(f"{where}/c/large-inside.zip", [("web.yaml", "# " + os.urandom(200_000).hex())])
        zipped(f"{where}/c/without.zip", [("readme.txt", "hello")])
        put(f"{where}/c/zz-good/web.yaml", good)
        wanted = {
            "empty": "hand-in.none", "many-folders": "hand-in.none", "levels": "hand-in.none", "many-files": "files.many", "links": "hand-in.none", "zero": None, "comments": None,
            "ten-megabytes": "files.large", "binary": None, "deep": "yaml.deep", "bombs": None, "noise": "archive.unreadable", "cut": "archive.unreadable",
            "encrypted": "archive.unreadable", "climbs": "archive.name", "absolute": "archive.name", "control": "archive.name", "twice": "archive.twice", "entries": "archive.entries",
            "only-links": "hand-in.none", "bomb": "archive.bomb", "packed-large": None, "large-inside": "files.large", "without": "hand-in.none"}
        status, out, err = grade("good", "--roster", f"{where}/c", "--params", f"{where}/params.yaml", "--format", "json", "--quiet")
        rows = rows_of(out)
        names = [row["name"] for row in rows]
        say(status == 3 and len(rows) == len(os.listdir(f"{where}/c")), f"{status}, {len(rows)} rows")
        say(set(names) == set(wanted) | {"loop", "zz-good"}, f"{sorted(set(names) ^ (set(wanted) | {'loop', 'zz-good'}))}")
        for row in rows:
            first = (row["reading"] or [{"key": None, "text": ""}])[0]
            if row["name"] == "zz-good":
                say(row["result"] == "passed" and row["points"] == "2", "the last is graded like the first")
            elif row["name"] == "loop":
                say(row["result"] == "error" and row["points"] is None and row["error"]["key"] == "file.unreadable", f"no point is lost to what cannot be read: {row}")
            else:
                say(row["points"] == "0" and row["max"] == "2" and row["result"] in ("refused", "failed"), f"{row['name']}: {row['result']} {row['points']} of {row['max']}")
                say(wanted[row["name"]] in (None, first["key"]), f"{row['name']} ends with {first['key']}")
                say("\n" not in first["text"] and "{" not in first["text"] and len(first["text"]) > 20, f"{row['name']}: one sentence, not {first['text']!r}")
        say([line for line in err.splitlines() if "loop" not in line] == [], f"nothing else is said: {err}")
        say("root:" not in out and "passwd" not in out, "nothing behind a link is read")
        say("\x1b" not in grade("good", "--roster", f"{where}/c", "--params", f"{where}/params.yaml")[1], "nothing in a report steers a terminal")


CLASS = [("right", GOOD.format(name="kedai-17"), "passed"), ("wrong <&\"'>", GOOD.format(name="kedai-17").replace("token", "tokn"), "failed"),
         ("not # yaml\\", "a: [", "refused"), ("-zero", "", "failed"), ("nama ✓ é", "kind: \"\x07\"\nb: 'x'", "refused")]


@talk(server=False)
def every_format_keeps_the_rules_of_who_reads_it():
    with folder() as where:
        params = put(f"{where}/params.yaml", PARAMS)
        for name, text, _ in CLASS:
            put(f"{where}/c/{name}/map.yaml", text)
        os.symlink("loop", f"{where}/c/loop")
        want = {name: result for name, _, result in CLASS} | {"loop": "error"}
        out = {}
        for lang in ("en", "ms"):
            for form in ("text", "json", "junit", "tap", "sarif", "csv"):
                status, out[form], err = grade("good", "--roster", f"{where}/c", "--params", params, "--format", form, "--lang", lang, "--quiet", "--output", f"{where}/out")
                say((status, out[form]) == (3, ""), f"{form} {lang} ended {status}: {err}")
                out[form] = open(f"{where}/out", encoding="utf-8", newline="").read()
            got = {row["name"]: row["result"] for row in rows_of(out["json"])}
            say(got == want, f"{got}")
            suites = formats.junit(out["junit"])
            kinds = {"passed": "pass", "failed": "failure", "refused": "failure", "error": "error"}
            say({name: list(cases.values()) for name, cases in suites.items()} == {name: [kinds[result]] for name, result in want.items()}, f"{suites}")
            points = formats.tap(out["tap"])
            say([ok for ok, _, _ in points] == [want[name] == "passed" for name in sorted(want)], f"{points}")
            results = formats.sarif(out["sarif"])
            say({r["properties"]["name"] for r in results} == {name for name, result in want.items() if result not in ("passed", "error")}, "each that did not pass has a result")
            places = [r["locations"][0]["physicalLocation"] for r in results if r["properties"]["name"].startswith("wrong")]
            say(places and all(p["artifactLocation"]["uri"].endswith("/c/wrong%20%3C%26%22%27%3E/map.yaml") and p["region"]["startLine"] == 4 for p in places), f"{places}")
            book = formats.gradebook(out["csv"])
            say({row["name"].lstrip("'"): (row["result"], row["points"]) for row in book} ==
                {name: (result, {"passed": "2", "error": ""}.get(result, "0")) for name, result in want.items()}, f"{book}")
            say(("Lulus" if lang == "ms" else "Passed") in out["text"] and ("mata" if lang == "ms" else "points") in out["text"], "in the language asked for")
        for name, text, result in CLASS:
            status, text, _ = grade("good", f"{where}/c/{name}", "--params", params, "--format", "gradescope", "--quiet")
            got = formats.gradescope(text)
            say(got["score"] == (2 if result == "passed" else 0) and sum(t.get("score", 0) for t in got["tests"]) == got["score"], f"{name}: {text}")
        got = formats.gradescope(grade("good", f"{where}/c/loop", "--params", params, "--format", "gradescope", "--quiet")[1])
        say("score" not in got and not any("score" in t for t in got["tests"]) and got["output"], f"no score rather than a nought: {got}")


@talk(server=False)
def visibility_is_said_in_gradescopes_words_and_points_are_rounded_once():
    with folder() as where:
        shutil.copytree(f"{FIXTURES}/practice", f"{where}/labs/practice")
        lab = f"{where}/labs/practice/first/good"
        words = 'name.title: { en: N, ms: N }\n'
        script = ""
        for i, visible in enumerate(["always", "after-due", "after-release", "never", "after-try(2)"]):
            script += (f'check "c{i}" {{ step = "name", points = 2, on = "files", visible = "{visible}", run = function(t)\n'
                       f'  t:share(t:one("ConfigMap", p.app):get("data.token"):exists())\n  t:share(t:one("ConfigMap", p.app):get("data.nothing"):exists(), {{ weight = 2 }})\nend }}\n')
            words += f"c{i}.title: {{ en: Check {i}, ms: Semakan {i} }}\n"
        put(f"{lab}/checks.lua", script)
        put(f"{lab}/words.yaml", words.split("\n", 1)[1])
        put(f"{where}/params.yaml", PARAMS)
        put(f"{where}/map.yaml", GOOD.format(name="kedai-17"))
        status, out, err = grade("good", f"{where}/map.yaml", "--params", f"{where}/params.yaml", "--format", "gradescope", "--quiet", labs=f"{where}/labs")
        got = formats.gradescope(out)
        say([t["visibility"] for t in got["tests"]] == ["visible", "after_due_date", "after_published", "hidden", "hidden"], f"{got}")
        say([t["score"] for t in got["tests"]] == [0.6667] * 5 and got["score"] == 3.3333, "two thirds, five times: ten thirds")
        row = rows_of(grade("good", f"{where}/map.yaml", "--params", f"{where}/params.yaml", "--format", "json", labs=f"{where}/labs")[1])[0]
        say(row["points"] == "10/3" and row["checks"][0]["earned"] == "2/3", "exact in JSON")


def peak_of(words, count, where):
    """Runs it; gives status, output, and the most memory it held (KiB), its own and not its workers'."""
    out = open(f"{where}/out-{count}", "w+b")
    process = subprocess.Popen([os.path.join(build, "makmal"), "grade", *words], stdout=out, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, cwd="/", env=environment())
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    out.seek(0)
    return process.returncode, out.read().decode(), used.ru_maxrss


@talk(server=False)
def two_thousand_are_graded_in_order_and_memory_stays_flat():
    with folder() as where:
        params = put(f"{where}/params.yaml", PARAMS)
        for i in range(2000):
            name = f"{i:04}"
            if i % 100 == 50:
                put(f"{where}/c/{name}.zip", os.urandom(3000))
            elif i % 100 == 51:
                put(f"{where}/c/{name}.yaml", b"x: y\n" * 60000)
            else:
                put(f"{where}/c/{name}/map.yaml", GOOD.format(name="kedai-17" if i % 2 else "x") + "# " + "x" * 8000 + "\n")
        few = [f"{where}/c/{name}" for name in sorted(os.listdir(f"{where}/c"))[:200]]
        _, _, small = peak_of(["good", *few, "--params", params, "--format", "json"], 200, where)
        status, out, large = peak_of(["good", "--roster", f"{where}/c", "--params", params, "--format", "json"], 2000, where)
        rows = rows_of(out)
        say(status == 1 and [row["name"] for row in rows] == [f"{i:04}" for i in range(2000)], f"status {status}, {len(rows)} rows, in order")
        say([row["result"] for row in rows].count("refused") == 40 and [row["result"] for row in rows].count("passed") == 980, "broken ones are rows of their own")
        sanitized = "-fsanitize" in open(os.path.join(build, "build.ninja")).read()
        say(sanitized or large < small + 8 * 1024, f"200 took {small} KiB, 2,000 took {large} KiB")


def begun(*words, out=subprocess.PIPE, err=subprocess.PIPE, labs=FIXTURES, **more):
    return subprocess.Popen([os.path.join(build, "makmal"), "grade", *words], stdout=out, stderr=err, stdin=subprocess.DEVNULL, cwd="/", env=environment(labs, **more), start_new_session=True)


@talk(server=False)
def an_interrupted_run_keeps_what_was_graded_and_its_output_is_whole():
    with folder() as where:
        params, path = put(f"{where}/params.yaml", PARAMS), put(f"{where}/m.yaml", GOOD.format(name="kedai-17"))
        wrong = put(f"{where}/w.yaml", "")                           # SARIF tells nothing of what passed
        for number, form in ((signal.SIGINT, "json"), (signal.SIGINT, "junit"), (signal.SIGTERM, "tap"), (signal.SIGINT, "sarif")):
            process = begun("good", *[wrong if form == "sarif" else path] * 20000, "--params", params, "--format", form, "--output", f"{where}/out.{form}", err=open(f"{where}/err", "wb"))
            wait_for(lambda: any(os.path.getsize(f"{where}/{name}") > 4096 for name in os.listdir(where) if name.startswith(f"out.{form}")), f"the first rows of {form}", 60)
            os.killpg(process.pid, number)                          # as a terminal does: to all of the group
            process.communicate(timeout=60)
            err = open(f"{where}/err").read()
            say(process.returncode == 128 + number, f"{form} ended {process.returncode}: {err}")
            stopped = re.search(r"stopped after (\d+) of 20000", err)
            say(stopped and 0 < int(stopped[1]) < 20000, err)
            text = open(f"{where}/out.{form}").read()
            if form == "json":
                say([row["result"] for row in rows_of(text)] == ["passed"] * int(stopped[1]), "no row is lost, none is an error")
            elif form == "junit":
                say(text.count("<testsuite ") == int(stopped[1]) and "<error" not in text and formats.junit(text), "a whole document")
            elif form == "tap":
                say(f"Bail out! stopped after {stopped[1]} of 20000" in text and len(formats.tap(text)) == int(stopped[1]), "it bails out")
            else:
                formats.sarif(text)
            say(sorted(os.listdir(where)) == sorted({"params.yaml", "m.yaml", "w.yaml", "err", f"out.{form}"} | {f"out.{f}" for f in ("json", "junit", "tap") if os.path.exists(f"{where}/out.{f}")}), "nothing else lies about")


@talk(server=False)
def a_reader_that_goes_away_ends_it_without_a_word():
    with folder() as where:
        params, path = put(f"{where}/params.yaml", PARAMS), put(f"{where}/m.yaml", GOOD.format(name="kedai-17"))
        process = begun("good", *[path] * 5000, "--params", params, "--format", "json", "--quiet")
        say(json.loads(process.stdout.readline())["result"] == "passed")
        process.stdout.close()
        say(process.wait(60) == -signal.SIGPIPE and process.stderr.read() == b"", f"ended {process.returncode}")
        process.stderr.close()


@talk(server=False)
def our_fault_is_a_row_without_a_score_and_never_a_lost_point():
    with folder() as where:
        shutil.copytree(f"{FIXTURES}/practice", f"{where}/labs/practice")
        put(f"{where}/labs/practice/first/good/checks.lua",
            'check "named" { step = "name", points = 2, on = "files", run = function(t)\n  local token = t:one("ConfigMap", p.app):get("data.token")\n'
            '  if token:text() == "loop" then while true do end end\n  t:share(token:exists())\nend }\n')
        params = put(f"{where}/params.yaml", PARAMS)
        good, loop = put(f"{where}/good.yaml", GOOD.format(name="kedai-17")), put(f"{where}/loop.yaml", GOOD.format(name="kedai-17").replace("abc", "loop"))
        status, out, err = grade("good", good, loop, good, "--params", params, "--format", "json", "--quiet", labs=f"{where}/labs")
        rows = rows_of(out)
        say(status == 3 and [(row["result"], row["points"]) for row in rows] == [("passed", "2"), ("error", None), ("passed", "2")], f"{status} {out}")
        say(rows[1]["error"]["key"] == "error.steps" and "fault" in err, f"{rows[1]['error']} {err}")
        # workers killed from outside, again and again, while it runs
        process = begun("good", *[good] * 3000, "--params", params, "--format", "json", "--quiet", labs=f"{where}/labs", out=open(f"{where}/out", "wb"))
        wait_for(lambda: os.path.getsize(f"{where}/out"), "the first rows", 60)
        for _ in range(20):                                           # then it goes on in peace
            if process.poll() is not None:
                break
            try:
                for task in os.listdir(f"/proc/{process.pid}/task"):
                    for child in open(f"/proc/{process.pid}/task/{task}/children").read().split():
                        os.kill(int(child), signal.SIGKILL)
            except (OSError, ValueError):
                pass
            time.sleep(0.05)
        err = process.stderr.read().decode()
        process.wait(120)
        process.stderr.close()
        rows = rows_of(open(f"{where}/out").read())
        say(len(rows) == 3000 and process.returncode in (0, 3), f"{len(rows)} rows, ended {process.returncode}: {err[-500:]}")
        say({(row["result"], row["points"]) for row in rows} <= {("passed", "2"), ("error", None)}, f"{ {(row['result'], row['points']) for row in rows} }")
        say((process.returncode == 3) == any(row["result"] == "error" for row in rows), "the status says it")
        say(grade("good", good, "--params", params, labs=f"{where}/labs", MAKMAL_WORKER="/bin/false")[0] == 3, "no worker at all")


@talk(server=False)
def progress_is_a_bar_on_a_terminal_a_line_elsewhere_and_nothing_when_quiet():
    with folder() as where:
        params, path = put(f"{where}/params.yaml", PARAMS), put(f"{where}/m.yaml", GOOD.format(name="kedai-17"))
        words = ["good", *[path] * 1500, "--params", params, "--format", "json", "--output", f"{where}/out"]
        ours, theirs = pty.openpty()
        process = begun(*words, err=theirs)
        os.close(theirs)
        said = b""
        with contextlib.suppress(OSError):
            while piece := os.read(ours, 65536):
                said += piece
        os.close(ours)
        say(process.wait(60) == 0, f"ended {process.returncode}")
        process.stdout.close()
        say(re.search(rb"\r\x1b\[K\[#*\.*\] \d+/1500", said) and b"1500 graded: 1500 passed" in said, f"a bar, then the sum: {said[:200]}")
        status, out, err = grade(*words)
        say(status == 0 and "\r" not in err and "\x1b" not in err and "makmal: 1500 graded: 1500 passed, 0 failed, 0 broken, 0 without a score" in err, err)
        say(grade(*words, "--quiet")[1:] == ("", ""), "quiet")
        say(grade("good", path, "--params", params)[2] == "", "a single hand-in needs no sum")


@talk(server=False)
def what_is_written_to_a_file_is_whole_or_not_there():
    with folder() as where:
        params, path = put(f"{where}/params.yaml", PARAMS), put(f"{where}/m.yaml", GOOD.format(name="kedai-17"))
        put(f"{where}/out", "old")
        say(grade("good", path, "--params", params, "--format", "csv", "--output", f"{where}/out")[0] == 0 and open(f"{where}/out").read().startswith("name,path"), "the new one is there")
        status, _, err = grade("good", path, "--params", params, "--output", f"{where}/nowhere/out")
        say((status, err.count("\n")) == (3, 1) and f"{where}/nowhere/out cannot be written" in err, f"{status} {err}")
        with open("/dev/full", "w") as full:
            got = subprocess.run([os.path.join(build, "makmal"), "grade", "good", path, "--params", params], stdout=full, stderr=subprocess.PIPE, env=environment(), cwd="/", timeout=60)
        say(got.returncode == 3 and b"standard output cannot be written" in got.stderr, f"{got.returncode} {got.stderr}")
        say(sorted(os.listdir(where)) == ["m.yaml", "out", "params.yaml"], f"{os.listdir(where)}")


@talk(server=False)
def wrong_use_is_one_line_and_status_two():
    with folder() as where:
        path = put(f"{where}/m.yaml", GOOD.format(name="kedai-17"))
        os.mkdir(f"{where}/none")
        put(f"{where}/flag.yaml", "no: 1")
        rows = [([], "at least one path"), (["good"], "at least one path"), (["good", path, "--format", "html"], "html"), (["good", path, "--jobs", "0"], "--jobs"), (["good", path, "--colour"], "--colour"),
                (["good", path, "--seed", "a", "--params", path], "exclude"), (["none", path], "'none'"), (["good", path, path, "--format", "gradescope"], "one hand-in"),
                (["good", "--roster", f"{where}/none"], "no learner"), (["good", "--roster", f"{where}/gone"], "is not there"), (["good", "-", "-"], "standard input"),
                (["good", path, "--params", f"{where}/gone"], "is not there"), (["good", path, "--params", f"{where}/flag.yaml"], "lacks the parameter app"),
                (["good", path, "--namespace", "x"], "go together"), (["good", path, path, "--namespace", "x", "--kubeconfig", path], "one hand-in"),
                (["good", path, "--namespace", "x", "--kubeconfig", path], "No check of the lab")]
        for words, part in rows:
            status, out, err = grade(*words, "--quiet")
            say((status, out, err.count("\n")) == (2, "", 1) and part in err, f"{words} ended {status}: {out} {err!r}")
        status, out, err = grade("good", f"{where}/gone.yaml", path, "--seed", "x", "--format", "json", "--quiet")
        say(status == 2 and [row["result"] for row in rows_of(out)] == ["error", "failed"], "a path that is not there is told, and the rest graded")
        say("130 or 143" in grade("--help")[1] and grade("--help")[0] == 0)


# --- a live namespace ------------------------------------------------------------------------------------------------------------------------------

CERTIFICATE = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost",
               "-addext", "subjectAltName=IP:127.0.0.1"]


@contextlib.contextmanager
def api_server(where, answers):
    """An API server of a few fixed answers, which remembers what it was asked: (method, path)."""
    subprocess.run([*CERTIFICATE, "-keyout", f"{where}/key.pem", "-out", f"{where}/ca.pem"], check=True, capture_output=True)
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self):
            path = self.path.split("?")[0]
            asked.append((self.command, path))
            status, body = answers.get(path, (404, {"kind": "Status", "status": "Failure", "message": "not found", "code": 404}))
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{where}/ca.pem", f"{where}/key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    put(f"{where}/kubeconfig", f"""apiVersion: v1
kind: Config
current-context: c
clusters: [{{name: c, cluster: {{server: "https://127.0.0.1:{server.server_address[1]}", certificate-authority: {where}/ca.pem}}}}]
users: [{{name: u, user: {{token: t}}}}]
contexts: [{{name: c, context: {{cluster: c, user: u}}}}]
""")
    try:
        yield asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


LIVE = '''check "file" { step = "name", points = 1, on = "files", run = function(t) t:share(t:one("ConfigMap", "m"):get("data.token"):equals("abc")) end }
check "taken" { step = "name", points = 1, on = "files", strict = true, run = function(t) t:share(t:strict()) end }
check "there" { step = "name", points = 2, on = "live", run = function(t) t:share(t:one("ConfigMap", "m"):get("data.token"):equals("abc")) end }
check "kept" { step = "name", points = 4, on = "live", run = function(t) t:must(start("ConfigMap", "m"):kept()) t:share(t:one("ConfigMap", "m"):get("data.token"):exists()) end }
'''


@talk(server=False)
def a_live_namespace_is_looked_at_and_left_alone():
    with folder() as where:
        shutil.copytree(f"{FIXTURES}/practice", f"{where}/labs/practice")
        lab = f"{where}/labs/practice/first/good"
        put(f"{lab}/checks.lua", LIVE)
        put(f"{lab}/words.yaml", "".join(f"{name}.title: {{ en: {name}, ms: {name} }}\n" for name in ("file", "taken", "there", "kept")))
        text = open(f"{lab}/lab.yaml").read().replace("hand-in: files", "hand-in: both")
        put(f"{lab}/lab.yaml", text)
        path = put(f"{where}/m.yaml", GOOD.format(name="m"))
        one = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m", "namespace": "work", "uid": "u1", "resourceVersion": "1"}, "data": {"token": "abc"}}
        answers = {"/api/v1/namespaces/work": (200, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "work"}}),
                   "/api/v1/namespaces/work/configmaps": (200, {"apiVersion": "v1", "kind": "ConfigMapList", "metadata": {"resourceVersion": "1"}, "items": [one]})}
        with api_server(where, answers) as asked:
            words = ["good", "--namespace", "work", "--kubeconfig", f"{where}/kubeconfig", "--params", put(f"{where}/p.yaml", PARAMS), "--format", "json", "--quiet"]
            status, out, err = grade(*words, path, labs=f"{where}/labs")
            row = rows_of(out)[0]
            say({c["id"]: c["outcome"] for c in row["checks"]} == {"file": "pass", "taken": "unobserved", "there": "pass", "kept": "unobserved"}, out + err)
            say((status, row["points"], row["max"], sorted(row["left_out"])) == (0, "3", "3", ["kept", "taken"]), f"{status} {row['points']} of {row['max']} {row['left_out']}")
            status, out, err = grade(*words, labs=f"{where}/labs")
            row = rows_of(out)[0]
            say({c["id"]: c["outcome"] for c in row["checks"]} == {"there": "pass", "kept": "unobserved"} and row["name"] == "work" and row["max"] == "2", out + err)
            one["data"]["token"] = "no"
            status, out, err = grade(*words, labs=f"{where}/labs")
            finding = rows_of(out)[0]["checks"][0]["findings"][0]
            say(status == 1 and finding["object"]["name"] == "m" and finding["path"] == "data.token" and "at" not in finding, f"{finding}")
            form = [word if word != "json" else "sarif" for word in words]
            result = formats.sarif(grade(*form, labs=f"{where}/labs")[1])[0]
            say("physicalLocation" not in result["locations"][0] and result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == "ConfigMap/m/data.token", f"{result}")
            say({method for method, _ in asked} == {"GET"}, f"nothing but GET: {set(asked)}")
            wrong = [word if word != "work" else "gone" for word in words]
            status, out, err = grade(*wrong, labs=f"{where}/labs")
            say((status, out, err.count("\n")) == (2, "", 1), f"a namespace that is not there is not graded as an empty one: {status} {err}")
            answers["/api/v1/namespaces/work"] = (403, {"kind": "Status", "message": "no", "code": 403})
            one["data"]["token"] = "abc"
            say(grade(*words, labs=f"{where}/labs")[0] == 0, "who may not ask for the namespace may still read in it")
            answers["/api/v1/namespaces/work/configmaps"] = (500, {"kind": "Status", "message": "etcd", "code": 500})
            status, out, err = grade(*words, labs=f"{where}/labs")
            say(status == 3 and rows_of(out)[0]["points"] is None, f"the cluster's fault is no lost point: {status} {out}")
        status, out, err = grade(*words, labs=f"{where}/labs")
        say((status, out) == (3, "") and err.count("\n") == 1, f"no cluster there: {status} {err}")
