"""Family 4: grading again out of the evidence: a preview that writes nothing, a reason, both directions told, old grades kept, once through kill -9, the same bytes for the same script."""
import os, random, signal, sqlite3, subprocess, tempfile, threading
from talk import Browser, Server, build, say, talk, wait_for
from own_course import AFTER, BEFORE, Course, carry_out, changes, course, earned, ended, hand_in, points, preview, two_learners


@course()
def a_preview_tells_who_gains_and_who_loses_and_writes_nothing(mine, staff):
    aina, hers, ben, his = two_learners(mine, staff)
    mine.change(staff, AFTER, 2)
    before = mine.rows("SELECT (SELECT count(*) FROM verdict), (SELECT count(*) FROM regrade), (SELECT count(*) FROM audit), (SELECT group_concat(earned) FROM progress)")
    got = preview(staff)
    say(got["people"] == {"up": 1, "down": 0, "held": 1, "same": 0}, f"{got['people']}")
    say(changes(got) == {"Aina": ("5", "5", "held"), "Ben": ("2", "5", "up")}, f"{changes(got)}")
    say((got["handins"]["up"], got["handins"]["down"]) == (1, 1), f"{got['handins']}")
    valued = next(c for c in got["checks"] if c["id"] == "valued")
    say((valued["before"]["pass"], valued["after"]["pass"]) == (1, 1) and len(got["checks"]) == 2, f"{valued}")
    page = staff.get(f"/regrades/{got['id']}", 200).text
    say("Aina" in page and "part-up" in page and "part-held" in page, "drawn on the page")
    staff.delete(f"/api/v1/regrades/{got['id']}", 204)
    say(staff.get(f"/api/v1/regrades/{got['id']}").key == "regrade.missing", "a dropped preview is gone")
    say(staff.post(f"/api/v1/regrades/{got['id']}/runs", {"reason": "late"}).status == 404, "and cannot be carried out")
    after = mine.rows("SELECT (SELECT count(*) FROM verdict), (SELECT count(*) FROM regrade), (SELECT count(*) FROM audit), (SELECT group_concat(earned) FROM progress)")
    say(before == after, f"{before} became {after}")


@course()
def carried_out_it_moves_verdicts_both_ways_keeps_the_old_and_lowers_no_points(mine, staff):
    aina, hers, ben, his = two_learners(mine, staff)
    say(aina.get(f"/api/v1/submissions/{hers}").json["grades"] == [], "one grade alone is no history")
    mine.change(staff, AFTER, 2)
    say(aina.get(f"/api/v1/submissions/{hers}").json["verdict"]["earlier"], "graded with an earlier version, and it says so")
    got = preview(staff)
    for wrong in ("", "  \n", "x" * 501, "a\u0007"):
        refused = staff.post(f"/api/v1/regrades/{got['id']}/runs", {"reason": wrong})
        say(refused.status == 400 and refused.key == "regrade.reason", f"{wrong!r}: {refused.status} {refused.body[:200]}")
    say(staff.post(f"/api/v1/regrades/{got['id']}/runs", {}).key == "body.missing", "a reason is asked for")
    stream = staff.stream(f"regrade:{got['id']}")
    done = carry_out(staff, got["id"])
    wait_for(lambda: any(e[0] == "regrade" and e[1]["state"] == "done" for e in stream.events), "the event")
    stream.close()
    say(done["state"] == "done" and changes(done) == changes(got), f"done as previewed: {changes(done)}")
    say((points(aina), points(ben)) == ("5", "5"), "nobody's points fall where the best counts")
    say((earned(aina, hers), earned(ben, his)) == ("2", "5"), "the hand-ins themselves say what the check says")
    grades = aina.get(f"/api/v1/submissions/{hers}").json["grades"]
    say([(g["earned"], g["counts"]) for g in grades] == [("2", True), ("5", False)] and grades[0]["reason"] == "The check wanted the wrong value", f"{grades}")
    verdict = aina.get(f"/api/v1/submissions/{hers}").json["verdict"]
    say(not verdict["earlier"] and next(c for c in verdict["checks"] if c["id"] == "valued")["outcome"] == "fail", "the new verdict is the one that is shown")
    audit = [row[0] for row in mine.rows("SELECT what FROM audit WHERE what LIKE 'regrade.%' ORDER BY seq")]
    say(audit == ["regrade.begun", "regrade.done"], f"{audit}")
    say(mine.rows("SELECT count(*) FROM audit WHERE coalesce(before, '') || coalesce(after, '') LIKE '%wrong value%'") == [(0,)], "no text of a person's in the audit trail")
    say(staff.post(f"/api/v1/regrades/{got['id']}/runs", {"reason": "again"}).status == 404, "carried out once")
    say("The check wanted the wrong value" in staff.get("/regrades", 200).text, "it stands in the list")


@course("keep: last\n")
def where_the_last_counts_points_follow_down_too_and_the_preview_says_so(mine, staff):
    aina, hers, ben, his = two_learners(mine, staff)
    mine.change(staff, AFTER, 2)
    got = preview(staff)
    say(got["keep_last"] and changes(got) == {"Aina": ("5", "2", "down"), "Ben": ("2", "5", "up")}, f"{changes(got)}")
    say(changes(carry_out(staff, got["id"])) == changes(got), "as previewed")
    say((points(aina), points(ben)) == ("2", "5"), "both ways")


@course()
def the_same_script_gives_the_same_bytes_and_back_again_the_first_grade(mine, staff):
    aina, hers, ben, his = two_learners(mine, staff)
    first = mine.rows("SELECT submission, body_sha256 FROM verdict ORDER BY submission")
    done = carry_out(staff, preview(staff)["id"], "To see that nothing moves")
    say(done["handins"] == {"regraded": 0, "same": 2, "kept": 0, "up": 0, "down": 0}, f"{done['handins']}")
    say(mine.rows("SELECT submission, body_sha256 FROM verdict ORDER BY submission") == first, "no row was added")
    mine.change(staff, AFTER, 2)
    carry_out(staff, preview(staff)["id"])
    mine.change(staff, BEFORE, 2)
    carry_out(staff, preview(staff)["id"], "The first check was right after all")
    last = mine.rows("SELECT s.id, v.body_sha256 FROM submission s JOIN verdict v ON v.id = s.verdict ORDER BY s.id")
    say(last == first, "the same script over the same evidence: the same bytes as at the first time")
    say((earned(aina, hers), earned(ben, his)) == ("5", "2"), "the first grades")
    runs = mine.rows("SELECT submission, count(*), sum(final) FROM verdict GROUP BY submission")
    say(all(n == 3 and final == 3 for _, n, final in runs), f"old ones stay: {runs}")


@course()
def one_check_alone_is_graded_anew_and_the_others_keep_what_they_had(mine, staff):
    aina, hers, ben, his = two_learners(mine, staff)
    mine.change(staff, AFTER.replace('data.token"):exists()', 'data.nothing"):exists()'), 2)        # both checks changed
    got = preview(staff, check="valued")
    say(changes(got)["Ben"] == ("2", "5", "up") and [c["id"] for c in got["checks"]] == ["valued"], f"{changes(got)}")
    carry_out(staff, got["id"])
    outcomes = {c["id"]: c["outcome"] for c in ben.get(f"/api/v1/submissions/{his}").json["verdict"]["checks"]}
    say(outcomes == {"named": "pass", "valued": "pass"}, f"{outcomes}")
    say(staff.post("/api/v1/regrades", {"lab": "good", "check": "nothing"}).key == "regrade.no-check", "another check is not there")


@course()
def what_the_evidence_lacks_is_no_fail_and_a_broken_script_takes_nothing(mine, staff):
    aina, hers, ben, his = two_learners(mine, staff)
    mine.change(staff, BEFORE.replace("points = 3", "points = 3").replace(':equals("abc"))', ':nonsense("abc"))'), 2)
    got = preview(staff, check="valued")
    say(got["handins"]["kept"] == 2 and got["kept"]["failed"] == 2, f"{got['kept']}")
    done = carry_out(staff, got["id"])
    say(done["handins"]["kept"] == 2 and (earned(aina, hers), earned(ben, his)) == ("5", "2"), "our mistake costs nobody a point")
    mine.change(staff, AFTER, 2)
    mine.server.stop()
    with sqlite3.connect(os.path.join(mine.server.home, "makmal.db")) as db:                          # forgotten, as a person may ask
        db.execute("DELETE FROM verdict_body WHERE what = 'evidence' AND person = (SELECT person FROM submission WHERE id = ?)", (hers,))
    mine.server.start()
    got = preview(staff)
    say(got["kept"]["forgotten"] == 1 and changes(got)["Aina"][2] == "same" and changes(got)["Ben"][2] == "up", f"{got['kept']} {changes(got)}")


@course()
def only_who_opened_the_workshop_may_and_no_learner(mine, staff):
    aina, hers, ben, his = two_learners(mine, staff)
    mine.change(staff, AFTER, 2)
    got = preview(staff)
    for method, path, body in (("GET", "/api/v1/regrades", None), ("POST", "/api/v1/regrades", {"lab": "good"}), ("GET", f"/api/v1/regrades/{got['id']}", None), ("DELETE", f"/api/v1/regrades/{got['id']}", None),
                               ("POST", f"/api/v1/regrades/{got['id']}/runs", {"reason": "mine"}), ("GET", "/api/v1/labs/good/regrading", None), ("GET", "/regrades", None), ("GET", f"/regrades/{got['id']}", None)):
        say(aina.ask(method, path, body).status == 403, f"{method} {path}")
    say(aina.stream(f"regrade:{got['id']}").status == 404, "nor the stream")
    mine.server.stop()
    subprocess.run([os.path.join(build, "makmal"), "user", "add", "Rahim", "--role", "instructor", "--home", mine.server.home], input="another long password\n", text=True, check=True, capture_output=True)
    mine.server.start()
    rahim = Browser(mine.server)
    rahim.post("/api/v1/logins", {"name": "Rahim", "password": "another long password"}, 201)
    say(rahim.get("/api/v1/regrades", 200).json["labs"] == [], "another's workshop is not there for him")
    say(rahim.post("/api/v1/regrades", {"lab": "good"}).key == "regrade.none", "nothing of his was graded")
    workshop = staff.get("/api/v1/workshops").json["workshops"][0]["id"]
    say(rahim.post("/api/v1/regrades", {"workshop": workshop}).key == "workshop.unknown", "nor by the workshop's id")
    got = preview(staff)
    say(rahim.get(f"/api/v1/regrades/{got['id']}").status == 404 and rahim.post(f"/api/v1/regrades/{got['id']}/runs", {"reason": "x"}).status == 404, "nor by the preview's id")
    mine_too = mine.server.workshop(rahim, "Mine")
    hand_in(mine.server.learner(mine_too["code"], "Chong"), "abc")
    say(set(changes(preview(rahim))) == {"Chong"}, "his own he may")
    say(set(changes(preview(staff, workshop=workshop))) == {"Aina", "Ben"}, "a workshop narrows")
    whole = staff.post("/api/v1/regrades", {"workshop": workshop}, 202).json["id"]
    wait_for(lambda: staff.get(f"/api/v1/regrades/{whole}").json["state"] == "preview", "the preview of a workshop")
    for body, key in (({}, "regrade.scope"), ({"check": "named", "workshop": workshop}, "regrade.scope"), ({"lab": "nothing"}, "lab.missing")):
        say(staff.post("/api/v1/regrades", body).key == key, f"{body}")
    staff.token, token = "0" * 64, staff.token
    say(staff.post("/api/v1/regrades", {"lab": "good"}).status == 403, "without the login's token nothing is done")
    staff.token = token


@course()
def a_lab_changed_behind_the_preview_is_not_graded_with_what_nobody_saw(mine, staff):
    two_learners(mine, staff)
    mine.change(staff, AFTER, 2)
    got = preview(staff)
    mine.change(staff, BEFORE, 0)
    say(staff.post(f"/api/v1/regrades/{got['id']}/runs", {"reason": "late"}).key == "regrade.changed", "it says so")


@course()
def the_forms_work_without_scripts_in_both_languages(mine, staff):
    aina, hers, ben, his = two_learners(mine, staff)
    mine.change(staff, AFTER, 2)
    say("/regrades/lab/good" in staff.get("/regrades", 200).text, "the lab is listed")
    page = staff.get("/regrades/lab/good", 200).text
    say('value="valued"' in page and "Its value is right" in page, "each check has its button")
    where = staff.form("/regrades", {"lab": "good", "check": "", "workshop": ""}, 303).headers["Location"]
    wait_for(lambda: 'name="reason"' in staff.get(where, 200).text, "the reason's field")
    refused = staff.form(where, {"reason": " "})
    say(refused.status == 400 and "role=\"alert\"" in refused.text and 'name="reason"' in refused.text, "asked for again")
    say(staff.form(where, {"reason": "Wrong value"}, 303).headers["Location"] == where, "back to it")
    wait_for(lambda: "Graded again" in staff.get(where, 200).text, "the result")
    staff.form("/language", {"language": "ms", "back": "/regrades"}, 303)
    malay = staff.get(where, 200).text
    say("Telah digred semula" in malay and "regrade." not in malay.replace("page.regrade", "").split("<main", 1)[1], "no key without its sentence")


@course(seconds=90)
def killed_at_any_moment_it_goes_on_and_grades_nothing_twice(mine, staff):
    dice = random.Random(11)
    code = mine.server.workshop(staff)["code"]
    for n in range(12):
        learner = mine.server.learner(code, f"Learner {n}")
        for token in ("abc", "xyz", "abc", "xyz"):
            hand_in(learner, token)
    total, script, kills, n = 48, AFTER, 0, 0
    rounds = int(os.environ.get("TEST_REGRADE_KILLS", "12"))
    while n < rounds or not kills:
        n += 1
        say(n < 10 * rounds, "no kill ever hit a regrade under way: the test saw too little")
        mine.change(staff, script, total)
        one = preview(staff)["id"]
        killer = threading.Timer(dice.uniform(0.0, 0.06), lambda: mine.server.process.send_signal(signal.SIGKILL))
        killer.start()
        try:
            staff.post(f"/api/v1/regrades/{one}/runs", {"reason": f"Round {n}"})
        except OSError:
            pass
        except Exception:
            pass
        killer.join()
        mine.server.process.wait()
        waiting = mine.rows(f"SELECT count(*) FROM regrade_item WHERE regrade = '{one}' AND state = 'waiting'")[0][0]
        kills += 0 < waiting < total
        mine.server.start()
        if mine.rows(f"SELECT count(*) FROM regrade WHERE id = '{one}'")[0][0]:                       # it was decided before the kill
            say(ended(staff, one)["state"] == "done", "what was decided is carried out")
            doubled = mine.rows(f"SELECT count(*) FROM (SELECT submission FROM verdict WHERE regrade = '{one}' GROUP BY submission HAVING count(*) > 1)")[0][0]
            say(doubled == 0, "no hand-in has two verdicts of one regrade")
            say(mine.rows(f"SELECT count(*), count(DISTINCT submission) FROM regrade_item WHERE regrade = '{one}' AND state = 'regraded'") == [(total, total)], "each was graded once")
            say(mine.rows("SELECT count(*) FROM submission s JOIN verdict v ON v.id = s.verdict WHERE s.earned <> v.earned") == [(0,)], "row and verdict agree")
            script = BEFORE if script == AFTER else AFTER
    say(mine.rows("PRAGMA integrity_check") == [("ok",)], "the file is whole")


@course(seconds=20)
def many_hand_ins_are_previewed_and_their_sums_are_a_recount(mine, staff):
    code = mine.server.workshop(staff)["code"]
    for n in range(10):
        learner = mine.server.learner(code, f"Learner {n}")
        for token in ("abc", "xyz", "other"):
            hand_in(learner, token)
    mine.change(staff, AFTER, 30)
    done = carry_out(staff, preview(staff)["id"])
    say(done["handins"] == {"regraded": 30, "same": 0, "kept": 0, "up": 10, "down": 10}, f"{done['handins']}")
    say(done["people"] == {"up": 0, "down": 0, "held": 10, "same": 0}, f"{done['people']}")
    say(mine.rows("SELECT count(*) FROM verdict") == [(60,)], "thirty old, thirty new")
    sums = mine.rows("SELECT sum(CAST(v.earned AS INTEGER)), sum(CAST(s.earned AS INTEGER)) FROM submission s JOIN verdict v ON v.id = s.verdict")
    say(sums == [(10 * (2 + 5 + 2), 10 * (2 + 5 + 2))], f"{sums}")


@course()
def makmal_replay_tells_what_differs_beside_a_running_server(mine, staff):
    aina, hers, ben, his = two_learners(mine, staff)

    def replay(*arguments):
        ran = subprocess.run([os.path.join(build, "makmal"), "replay", *arguments, "--home", mine.server.home, "--labs", mine.folder], capture_output=True, text=True)
        return ran.returncode, ran.stdout, ran.stderr
    code, out, err = replay(hers)
    say(code == 0 and out.startswith("= ") and "1 the same, 0 differ, 0 not graded anew" in out, f"{code} {out} {err}")
    verdict = mine.rows(f"SELECT id FROM verdict WHERE submission = '{hers}'")[0][0]
    say(replay(verdict)[1] == out, "a verdict's id names it too")
    before = mine.rows("SELECT (SELECT count(*) FROM verdict), (SELECT count(*) FROM body), (SELECT count(*) FROM audit)")
    with tempfile.TemporaryDirectory(prefix="makmal-talk-script-") as other:
        with open(os.path.join(other, "checks.lua"), "w", encoding="utf-8") as f:
            f.write(AFTER)
        code, out, err = replay("--lab", "good", "--script-from", other)
        say(code == 1 and f"- {hers} good: 5 of 5 -> 2 of 5" in out and f"+ {his} good: 2 of 5 -> 5 of 5" in out and "was pass" in out and "is  fail" in out, f"{code} {out} {err}")
        code, out, err = replay("--lab", "good", "--check", "named", "--script-from", other)
        say("2 of 5 -> 5" not in out and "5 of 5 -> 2" not in out, f"one check alone: {out}")
        with open(os.path.join(other, "checks.lua"), "w", encoding="utf-8") as f:
            f.write("check (")
        code, out, err = replay("--lab", "good", "--script-from", other)
        say(code == 2 and err.startswith("makmal: "), f"a mistake in it is said: {code} {err}")
    say(mine.rows("SELECT (SELECT count(*) FROM verdict), (SELECT count(*) FROM body), (SELECT count(*) FROM audit)") == before, "nothing was written")
    for arguments in ((), ("nonsense",), (hers, "--lab", "good"), ("--nothing",)):
        say(replay(*arguments)[0] == 2, f"{arguments} is wrong use")
    say(replay("0" * 26)[0] == 2, "an id that nobody has")
    aina.get("/api/v1/progress", 200)


@talk(cluster=True, settings=["--rates=no"], seconds=60)
def tomorrows_check_reads_what_todays_did_not_when_the_namespace_is_gone(server):
    mine = Course()
    with open(os.path.join(mine.lab, "lab.yaml"), encoding="utf-8") as f:
        text = f.read().replace("hand-in: files", "hand-in: both")
    with open(os.path.join(mine.lab, "lab.yaml"), "w", encoding="utf-8") as f:
        f.write(text)
    mine.server.close()
    mine.server = Server(settings=["--labs", mine.folder, "--rates=no"], cluster=os.environ["TEST_CLUSTER_KUBECONFIG"])
    live = BEFORE.replace('points = 3, on = "files"', 'points = 3, on = "live"')
    try:
        staff = mine.server.start(60).administrator()
        aina = mine.server.learner(mine.server.workshop(staff)["code"], "Aina")
        attempt = aina.post("/api/v1/labs/good/attempts", {}, 202).json["attempt"]
        where = f"/api/v1/attempts/{attempt['id']}"
        wait_for(lambda: aina.get(where).json["attempt"]["state"] == "ready", "a ready attempt", 90)
        files = {"files": [{"name": "m.yaml", "text": f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: {attempt['params']['app']} }}\ndata: {{ token: abc }}\n"}]}
        applied = aina.post(f"{where}/applies", files, 202).json["apply"]["id"]
        wait_for(lambda: aina.get(f"/api/v1/applies/{applied}").json["apply"]["state"] == "done", "the apply", 60)
        hers = aina.post(f"{where}/submissions", files, 202).json["submission"]["id"]
        wait_for(lambda: aina.get(f"/api/v1/submissions/{hers}").json["submission"]["state"] == "graded", "the verdict", 60)
        aina.delete(where, 202)
        wait_for(lambda: aina.get(where).json["attempt"]["state"] == "gone", "the namespace gone", 120)
        mine.change(staff, live, 1)
        got = preview(staff)
        say(got["handins"]["kept"] == 0 and next(c for c in got["checks"] if c["id"] == "valued")["after"]["pass"] == 1, f"a list that no check asked for then: {got['handins']} {got['checks']}")
        carry_out(staff, got["id"])
        mine.change(staff, live.replace('equals("abc")', 'equals("zzz")'), 1)
        say(next(c for c in preview(staff)["checks"] if c["id"] == "valued")["after"]["fail"] == 1, "what stood there is what is graded")
        mine.change(staff, live.replace('t:one("ConfigMap", p.app):get("data.token"):equals("abc")', 't:one("Role", "makmal-learner"):get("metadata.name"):exists()'), 1)
        got = preview(staff, check="valued")
        say(got["kept"]["unobserved"] == 1 and changes(got)["Aina"] == ("5", "5", "same"), f"a kind that the snapshot lacks takes nothing: {got['kept']} {got['rows']}")
    finally:
        mine.close()
