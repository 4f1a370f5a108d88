"""Family 2: reading: courses, modules, labs, progress; what is wrong in a lab folder."""
import os, re, shutil, tempfile
from talk import Browser, Server, root, say, talk, wait_for


@talk
def pages_read_without_a_login_and_without_scripts(server):
    nobody = Browser(server)
    home = nobody.get("/", 200).text
    say("/learn/services" in home and "<h1>" in home)
    module = nobody.get("/learn/services", 200).text
    say(module.count("<h2") >= 3 and "<svg" in module and "<details" in module and "<pre>" in module.replace("<pre ", "<pre>"), "text, figure and code stand in the page")
    say("/lab/mend-selector" in module, "it leads to its labs")
    say(module.count("<h1") == 1, "one main heading")
    lab = nobody.get("/lab/mend-selector", 200)
    say('id="lab"' in lab.text and 'data-lab="mend-selector"' in lab.text)
    nonce = re.search(r'data-nonce="([0-9a-f]{32})"', lab.text)[1]
    say(f"'nonce-{nonce}'" in lab.headers["Content-Security-Policy"], "the nonce of the page is the one of its policy")
    say(nonce not in nobody.get("/lab/mend-selector").text, "each page has its own nonce")
    say("style=" not in module and "<style" not in module and "onclick" not in module, "nothing a strict policy would refuse")


@talk
def the_same_page_in_both_languages(server):
    nobody = Browser(server)
    english = nobody.get("/learn/services", **{"Accept-Language": "en"}).text
    malay = nobody.get("/learn/services", **{"Accept-Language": "ms"}).text
    say('<html lang="en"' in english and '<html lang="ms"' in malay and english != malay)
    ids = lambda page: re.findall(r'<h2 id="([^"]+)"', page)
    say(ids(english) and ids(english) == ids(malay), "headings keep their ids")


@talk
def an_unchanged_page_is_not_sent_twice(server):
    nobody = Browser(server)
    for path in ("/", "/learn/services", "/j"):
        first = nobody.get(path, 200)
        say(first.headers["Cache-Control"] == "no-cache")
        again = nobody.get(path, **{"If-None-Match": first.headers["ETag"]})
        say(again.status == 304 and not again.body, f"{path} answered {again.status}")
    say(server.learner(server.workshop(server.administrator())["code"], "Aina").get("/").headers["Cache-Control"] == "no-store", "with a login it is personal")


@talk
def the_catalogue_as_json(server):
    catalog = Browser(server).get("/api/v1/catalog", 200).json
    module = next(m for c in catalog["courses"] for m in c["modules"] if m["id"] == "services")
    say([lab["id"] for lab in module["labs"]] == ["mend-selector", "mend-ports"], f"{module}")
    lab = Browser(server).get("/api/v1/labs/mend-selector", 200).json
    say(lab["points"] > 0 and lab["checks"] and lab["steps"][0]["html"] and lab["attempt"] is None)
    say(lab["next"] == {"title": "Mend the ports", "path": "/lab/mend-ports"}, f"after it comes {lab['next']}")
    text = str(lab)
    say("solution" not in text, "the solution never leaves the server")
    say(Browser(server).get("/api/v1/labs/nowhere").status == 404)


@talk
def nobody_has_no_progress_and_cannot_begin(server):
    nobody = Browser(server)
    page = nobody.get("/me")
    say(page.status == 401 and "/signin?next=/me" in page.text, "it leads to the sign-in and back")
    say(nobody.post("/api/v1/labs/mend-selector/attempts", {}).status == 401)
    learner = server.learner(server.workshop(server.administrator())["code"], "Aina")
    say(learner.get("/me", 200) and learner.get("/api/v1/progress", 200).json["courses"])


@talk
def a_quiz_is_graded_for_everybody_and_kept_for_who_has_joined(server):
    learner = server.learner(server.workshop(server.administrator())["code"], "Aina")
    item = re.search(r'data-props=(?:"|\')\{[^}]*item(?:&quot;|"):(?:&quot;|")([a-z0-9-]+)', learner.get("/learn/services").text)[1]
    answers = [Browser(server).post(f"/api/v1/modules/services/quiz/{item}", {"answer": n}) for n in range(3)]
    say(sum(a.status == 200 and a.json["right"] for a in answers) >= 1, "one answer is right")
    wrong = next(a.json for a in answers if a.status == 200 and not a.json["right"])
    say(wrong.get("betrays_text"), "a wrong one tells what it betrays")
    say(Browser(server).post(f"/api/v1/modules/services/quiz/{item}", {"answer": 99}).status in (400, 404))
    quiz = lambda: next(m["quiz"] for c in learner.get("/api/v1/progress").json["courses"] for m in c["modules"] if m["id"] == "services")
    say(quiz()["right"] == 0)
    right = next(n for n, a in enumerate(answers) if a.status == 200 and a.json["right"])
    learner.post(f"/api/v1/modules/services/quiz/{item}", {"answer": right}, 200)
    say(quiz()["right"] == 1)


@talk
def unknown_and_odd_addresses_have_a_page_of_their_own(server):
    for path in ("/nowhere", "/learn/nowhere", "/lab/nowhere", "/learn/", "/%2e%2e/"):
        answer = Browser(server).get(path)
        say(answer.status in (400, 404) and "<h1>" in answer.text and answer.headers["X-Request-Id"] in answer.text, f"{path} answered {answer.status}")
    answer = Browser(server).get("/api/v1/nowhere")
    say(answer.status == 404 and answer.json["error"]["request"] == answer.headers["X-Request-Id"])


@talk
def every_answer_carries_the_headers(server):
    wanted = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin"}
    for path in ("/", "/learn/services", "/lab/mend-selector", "/nowhere", "/api/v1/me", "/api/v1/nowhere", "/assets/nowhere.js", "/healthz", "/metrics"):
        answer = Browser(server).get(path)
        for name, value in wanted.items():
            say(answer.headers[name] == value, f"{path} lacks {name}")
        policy = answer.headers["Content-Security-Policy"]
        say(policy.startswith("default-src 'none'") and "frame-ancestors 'none'" in policy and "unsafe" not in policy, f"{path}: {policy}")
        say(not answer.headers["Server"] and not answer.headers["Access-Control-Allow-Origin"])


@talk(server=False)
def a_mistake_in_a_lab_leaves_out_that_lab_and_is_said():
    labs = os.path.join(tempfile.mkdtemp(prefix="makmal-talk-"), "labs")
    shutil.copytree(os.path.join(root, "labs"), labs)
    with open(os.path.join(labs, "kubernetes/services/mend-ports/lab.yaml"), "a") as f:
        f.write("\nnonsense: 1\n")
    server = Server(settings=["--labs", labs])
    try:
        server.start()
        wait_for(lambda: "left out: " in server.text(), "the sentence at the start")
        say(re.search(r"left out: \S*mend-ports/lab\.yaml:\d+: .*nonsense", server.text()), "it names file, line and what is wrong")
        nobody = Browser(server)
        say(nobody.get("/lab/mend-ports").status == 404 and nobody.get("/lab/mend-selector").status == 200, "the others stand")
        say("mend-ports/lab.yaml" not in nobody.get("/status").text, "learners are not bothered with it")
        say("mend-ports/lab.yaml" in server.administrator().get("/status", 200).text, "staff read it on the status page")
    finally:
        server.close()
        shutil.rmtree(os.path.dirname(labs))
