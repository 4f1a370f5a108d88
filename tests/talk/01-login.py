"""Family 1: joining, signing in and out, roles, language."""
import re
from talk import Browser, say, talk


@talk
def a_learner_joins_and_comes_back_with_the_key(server):
    code = server.workshop(server.administrator())["code"]
    aina = server.learner(code, "Aina")
    key = aina.joined["return_key"]
    me = aina.get("/api/v1/me").json
    say(me["person"]["name"] == "Aina" and me["person"]["role"] == "learner" and me["workshop"]["name"] == "UTM", f"{me}")
    elsewhere = Browser(server)
    back = elsewhere.post("/api/v1/joins", {"return_key": key.lower().replace("-", " ")}, 201).json
    say(back["person"]["id"] == aina.joined["person"]["id"], "the same person")
    say("return_key" not in back, "the key is told once")
    spaced = server.learner(" ".join(code.upper()), "Ben")
    say(spaced.joined["person"]["name"] == "Ben", "case, spaces and hyphens do not matter")
    say(Browser(server).post("/api/v1/joins", {"code": "ZZZZZZ", "name": "Eve"}).key == "join.closed")
    say(Browser(server).post("/api/v1/joins", {"code": code}).key == "join.form")
    say(Browser(server).post("/api/v1/joins", {"return_key": "wrong"}).key == "return.wrong")


@talk
def a_closed_workshop_takes_nobody(server):
    staff = server.administrator()
    room = server.workshop(staff)
    inside = server.learner(room["code"], "Aina")
    staff.delete(f"/api/v1/workshops/{room['id']}", 204)
    say(Browser(server).post("/api/v1/joins", {"code": room["code"], "name": "Late"}).status == 404)
    say(inside.get("/api/v1/me").json["person"]["name"] == "Aina", "who is inside stays")


@talk
def a_role_is_not_taken_from_a_body(server):
    code = server.workshop(server.administrator())["code"]
    for more in ({"role": "administrator"}, {"ROLE": "administrator"}, {"Name": "x"}):
        answer = Browser(server).post("/api/v1/joins", {"code": code, "name": "Eve", **more})
        say(answer.status == 400 and answer.key == "body.unknown", f"{more} answered {answer.status}")
    aina = server.learner(code, "Aina")
    say(aina.put("/api/v1/me", {"language": "ms", "role": "administrator"}).status == 400)


@talk
def the_language_follows_the_person(server):
    code = server.workshop(server.administrator())["code"]
    aina = server.learner(code, "Aina")
    say('<html lang="en"' in aina.get("/j").text)
    say(aina.put("/api/v1/me", {"language": "ms"}, 200).json["language"] == "ms")
    say('<html lang="ms"' in aina.get("/j").text)
    say(aina.post("/api/v1/joins", {"code": "ZZZZZZ", "name": "Eve"}).json["error"]["message"].startswith("Tiada bengkel"), "errors too")
    elsewhere = Browser(server)
    elsewhere.post("/api/v1/joins", {"return_key": aina.joined["return_key"]}, 201)
    say(elsewhere.get("/api/v1/me").json["language"] == "ms")
    say('<html lang="ms"' in Browser(server).get("/j", **{"Accept-Language": "ms-MY,ms;q=0.9,en;q=0.5"}).text)


@talk
def forms_do_without_scripts(server):
    staff = Browser(server)
    page = staff.get("/setup?k=" + server.setup_key(), 200).text
    key = re.search(r'name="key" value="([^"]+)"', page)[1]
    say(staff.form("/setup", {"key": key, "name": "Siti", "password": "short"}).status >= 400, "a short password is refused")
    say(staff.form("/setup", {"key": key, "name": "Siti", "password": "correct horse battery"}).status == 303)
    say(staff.get("/workshops", 200) and staff.token, "the page carries the token")
    say(staff.form("/workshops", {"name": "UTM", "hours": "3"}).status == 303)
    code = re.search(r'<code class="code" data-copy>([^<]+)</code>', staff.get("/workshops").text)[1]
    learner = Browser(server)
    say(code in learner.get("/j?k=" + code, 200).text, "the code is filled in")
    joined = learner.form("/j", {"code": code, "name": "Aina", "language": "en"})
    say(joined.status == 200 and 'class="once"' in joined.text, "the return key is shown")
    learner.get("/j")
    say(learner.form("/language", {"language": "ms", "back": "/me"}).headers["Location"] == "/me")
    say(learner.form("/signout", {}).status == 303 and not learner.cookies.get("makmal"))
    shut = re.search(r'name="close" value="([^"]+)"', staff.get("/workshops").text)[1]
    say(staff.form("/workshops", {"close": shut}).status == 303)
    say(Browser(server).form("/j", {"code": code, "name": "Late", "language": "en"}).status == 404)
    say('class="alert"' in Browser(server).form("/signin", {"name": "Siti", "password": "nonsense nonsense"}).text)


@talk
def every_write_without_its_token_or_from_elsewhere_is_refused(server):
    code = server.workshop(server.administrator())["code"]
    aina = server.learner(code, "Aina")
    good = {"Origin": f"http://127.0.0.1:{server.port}"}
    for headers in ({"Origin": None}, {"Origin": "null"}, {"Origin": "http://evil.example"}, {"X-Makmal-Token": None}, {"X-Makmal-Token": "0" * 64}, {"Sec-Fetch-Site": "cross-site"}):
        answer = aina.ask("PUT", "/api/v1/me", {"language": "ms"}, headers={**good, **headers})
        say(answer.status == 403, f"{headers} answered {answer.status}")
    say(aina.get("/api/v1/me").json["language"] == "en", "nothing changed")


@talk(seconds=20)
def wrong_passwords_are_slowed_and_names_are_not_told(server):
    server.administrator()
    wrong = [Browser(server).post("/api/v1/logins", {"name": "Siti", "password": "wrong password"}) for _ in range(8)]
    unknown = Browser(server).post("/api/v1/logins", {"name": "Nobody", "password": "wrong password"})
    say(wrong[0].status == 401 and wrong[0].key == unknown.key == "login.wrong", "known and unknown names get the same answer")
    say(wrong[-1].status == 429 and int(wrong[-1].headers["Retry-After"]) > 0, f"the eighth answered {wrong[-1].status}")


@talk
def secrets_stand_in_no_log(server):
    key = server.setup_key()
    staff = server.administrator()
    room = server.workshop(staff)
    aina = server.learner(room["code"], "Aina")
    aina.get("/j?k=" + room["code"])
    Browser(server).post("/api/v1/logins", {"name": "Siti", "password": "correct horse battery"}, 201)
    stream = aina.stream()
    stream.expect("hello")
    stream.close()
    text = "\n".join(line for line in server.text().splitlines() if line.startswith("time="))
    for what, secret in (("set-up key", key), ("join code", room["code"]), ("return key", aina.joined["return_key"]), ("cookie", aina.cookies["makmal"]), ("token", aina.token), ("password", "correct horse")):
        say(secret not in text, f"the {what} stands in the log")
    with open(server.home + "/makmal.db", "rb") as f, open(server.home + "/makmal.db-wal", "rb") as wal:
        stored = f.read() + wal.read()
    for what, secret in (("cookie", aina.cookies["makmal"]), ("return key", aina.joined["return_key"]), ("password", "correct horse")):
        say(secret.encode() not in stored, f"the {what} stands in the database")
    with open(f"/proc/{server.process.pid}/cmdline", "rb") as f:
        say(b"correct horse" not in f.read())
