"""Family 4: labs edited while a class is at work: who began with a version is graded and shown by it, through restarts and with the lab gone, until a regrade brings the new one."""
import os, shutil, signal
from talk import say, wait_for
from own_course import AFTER, BEFORE, carry_out, course, earned, hand_in, points, preview

STEP = "steps/10-name.en.md"


def read_anew(mine):
    read = mine.server.text().count("what=serve.reload")
    mine.server.process.send_signal(signal.SIGHUP)
    wait_for(lambda: mine.server.text().count("what=serve.reload") > read, "the courses read anew")


def two_who_began(mine, staff):
    """Aina begins before the lab is edited, Ben after it."""
    code = mine.server.workshop(staff)["code"]
    aina, ben = mine.server.learner(code, "Aina"), mine.server.learner(code, "Ben")
    begun = aina.post("/api/v1/labs/good/attempts", {}, 202).json["attempt"]
    mine.write(AFTER)
    read_anew(mine)
    return aina, ben, begun


@course()
def a_running_attempt_keeps_its_version_when_the_lab_is_edited(mine, staff):
    aina, ben, begun = two_who_began(mine, staff)
    say(earned(aina, hand_in(aina, "abc")) == "5" and earned(aina, hand_in(aina, "xyz")) == "2", "what counted when she began counts")
    say(earned(ben, hand_in(ben, "abc")) == "2" and earned(ben, hand_in(ben, "xyz")) == "5", "he began with the new one")
    mine.server.stop()
    mine.server.start()
    say(earned(aina, hand_in(aina, "abc")) == "5", "after a restart too")
    say(len(mine.rows("SELECT version FROM lab_kept WHERE lab = 'good'")) == 2, "each version is kept once")
    aina.delete(f"/api/v1/attempts/{begun['id']}", 202)
    wait_for(lambda: aina.get(f"/api/v1/attempts/{begun['id']}").json["attempt"]["state"] in ("ending", "gone"), "its end")
    say(earned(aina, hand_in(aina, "abc")) == "2", "a new attempt begins with the lab as it is")


@course()
def its_text_its_editor_and_its_checks_stay_what_they_were(mine, staff):
    os.makedirs(os.path.join(mine.lab, "starter"), exist_ok=True)
    starter = os.path.join(mine.lab, "starter/map.yaml")
    with open(starter, "w", encoding="utf-8") as f:
        f.write("# begin here\n")
    read_anew(mine)
    code = mine.server.workshop(staff)["code"]
    aina, ben = mine.server.learner(code, "Aina"), mine.server.learner(code, "Ben")
    begun = aina.post("/api/v1/labs/good/attempts", {}, 202).json["attempt"]
    with open(starter, "w", encoding="utf-8") as f:
        f.write("# begin elsewhere\n")
    with open(os.path.join(mine.lab, STEP), "w", encoding="utf-8") as f:
        f.write("# Another title\n\nAnother text.\n")
    mine.write(AFTER.replace('check "valued"', 'check "other"'))
    with open(os.path.join(mine.lab, "words.yaml"), "a", encoding="utf-8") as f:
        f.write("other.title: { en: Something else, ms: Yang lain }\n")
    words = os.path.join(mine.lab, "words.yaml")
    text = open(words, encoding="utf-8").read()
    open(words, "w", encoding="utf-8").write("".join(line for line in text.splitlines(True) if not line.startswith("valued.")))
    read_anew(mine)
    say("begin here" in aina.get(f"/api/v1/attempts/{begun['id']}/draft").body.decode(), "her editor")
    hers, his = aina.get("/api/v1/labs/good").json, ben.get("/api/v1/labs/good").json
    say([c["id"] for c in hers["checks"]] == ["named", "valued"] and [c["id"] for c in his["checks"]] == ["named", "other"], f"{hers['checks']} {his['checks']}")
    say("Another" not in hers["steps"][0]["title"] and "Another" not in hers["attempt"]["steps"][0]["title"] and "Another" in his["steps"][0]["title"], "the text beside it")
    say("Another text" not in aina.get("/lab/good", 200).text and "Another text" in ben.get("/lab/good", 200).text, "the page too")
    got = hand_in(aina, "abc")
    titles = [c["title"] for c in aina.get(f"/api/v1/submissions/{got}").json["verdict"]["checks"]]
    say(titles[1] == "Its value is right", f"findings in the words that she knows: {titles}")


@course()
def a_lab_that_is_broken_or_gone_is_finished_by_those_who_began_it(mine, staff):
    code = mine.server.workshop(staff)["code"]
    aina = mine.server.learner(code, "Aina")
    aina.post("/api/v1/labs/good/attempts", {}, 202)
    mine.write("check 'nonsense")
    read_anew(mine)
    say(mine.server.learner(code, "Ben").post("/api/v1/labs/good/attempts", {}).key == "lab.missing", "nobody begins a broken lab")
    say(earned(aina, hand_in(aina, "abc")) == "5", "she goes on")
    shutil.rmtree(mine.lab)
    mine.server.stop()
    mine.server.start()
    aina.get("/lab/good", 200)
    say(earned(aina, hand_in(aina, "xyz")) == "2", "and when its folder is gone")


@course()
def a_regrade_brings_running_attempts_to_the_lab_as_it_is(mine, staff):
    aina, ben, begun = two_who_began(mine, staff)
    first = hand_in(aina, "xyz")
    say(earned(aina, first) == "2", "by her own version")
    staff_sees = staff.get("/api/v1/labs/good/regrading").json
    say(staff_sees["earlier"] == 1, f"shown as graded with an earlier version: {staff_sees}")
    got = preview(staff)
    say(got["attempts"] == 1 and "One running attempt began with an older version" in staff.get(f"/regrades/{got['id']}", 200).text, "the preview says that she comes along")
    carry_out(staff, got["id"])
    say(earned(aina, first) == "5" and points(aina) == "5", "what was handed in")
    say(earned(aina, hand_in(aina, "abc")) == "2", "and what is handed in from now on")
    say([g["earned"] for g in aina.get(f"/api/v1/submissions/{first}").json["grades"]] == ["5", "2"], "the old grade stays")
    mine.write(BEFORE.replace("points = 2", "points = 4"))
    read_anew(mine)
    say(earned(aina, hand_in(aina, "xyz")) == "5", "what it was brought to is kept in its turn")


@course()
def an_attempt_that_lacks_a_parameter_of_the_new_version_stays_with_its_own(mine, staff):
    aina, ben, begun = two_who_began(mine, staff)
    first = hand_in(aina, "xyz")
    text = open(os.path.join(mine.lab, "lab.yaml"), encoding="utf-8").read()
    say("params:\n" in text, "the practice lab has parameters")
    with open(os.path.join(mine.lab, "lab.yaml"), "w", encoding="utf-8") as f:
        f.write(text.replace("params:\n", "params:\n  more: { int: [1, 9], example: 3 }\n"))
    read_anew(mine)
    carry_out(staff, preview(staff)["id"])
    say(earned(aina, hand_in(aina, "abc")) == "5", "it goes on with what was drawn for it")


@course()
def who_has_handed_in_nothing_yet_is_brought_along_too(mine, staff):
    code = mine.server.workshop(staff)["code"]
    aina = mine.server.learner(code, "Aina")
    say(staff.post("/api/v1/regrades", {"lab": "good"}).key == "regrade.none", "nothing is there to grade, and nobody is behind")
    aina.post("/api/v1/labs/good/attempts", {}, 202)
    say(staff.post("/api/v1/regrades", {"lab": "good"}).key == "regrade.none", "she is at work with the lab as it is")
    mine.write(AFTER)
    read_anew(mine)
    got = preview(staff)
    say((got["of"], got["attempts"]) == (0, 1), f"{got}")
    say(staff.get(f"/regrades/{got['id']}", 200).text.count('name="reason"') == 1, "with a reason, as ever")
    carry_out(staff, got["id"])
    say(earned(aina, hand_in(aina, "xyz")) == "5", "her first hand-in is graded by the mended check")
    say(mine.rows("SELECT after FROM audit WHERE what = 'regrade.done'") == [("handins=0 attempts=1",)], "on record")
