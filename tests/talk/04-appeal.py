"""Family 4: a learner asks for a regrade: in words, one at a time, five a day; the instructor of the workshop sees it and answers by a regrade or in words, and the learner reads the answer."""
import os, sqlite3, subprocess
from talk import Browser, build, say, wait_for
from own_course import AFTER, carry_out, course, hand_in, preview, two_learners

WHY = "I followed the text, it says xyz"


def asked(learner, submission):
    return learner.get(f"/api/v1/submissions/{submission}").json["appeal"]


def appeals(staff):
    return staff.get("/api/v1/regrades").json["appeals"]


@course()
def a_regrade_answers_who_asked_and_says_what_it_brought(mine, staff):
    aina, hers, ben, his = two_learners(mine, staff)
    say(asked(ben, his) is None, "nothing is asked by itself")
    made = ben.post(f"/api/v1/submissions/{his}/appeals", {"reason": f"  {WHY}\n"}, 201).json["appeal"]
    say((made["state"], made["reason"]) == ("open", WHY), f"{made}")
    again = ben.post(f"/api/v1/submissions/{his}/appeals", {"reason": "please"})
    say(again.status == 409 and again.key == "appeal.open", "one open at a time")
    [one] = appeals(staff)
    say((one["name"], one["reason"], one["earned"], one["max"], one["lab_title"]) == ("Ben", WHY, "2", "5", "A good lab"), f"{one}")
    aina.post(f"/api/v1/submissions/{hers}/appeals", {"reason": "me too"}, 201)
    mine.change(staff, AFTER, 2)
    stream = ben.stream(f"attempt:{ben.get(f'/api/v1/submissions/{his}').json['submission']['attempt']}")
    got = preview(staff, workshop=one["workshop"])
    say(asked(ben, his)["state"] == "open", "a preview answers nobody")
    carry_out(staff, got["id"], "The text and the check differed")
    wait_for(lambda: any(e[0] == "regraded" and e[1]["submission"] == his for e in stream.events), "the page is told")
    stream.close()
    answer = asked(ben, his)
    say((answer["state"], answer["outcome"], answer["answer"]) == ("regraded", "regraded", "The text and the check differed"), f"{answer}")
    grades = ben.get(f"/api/v1/submissions/{his}").json["grades"]
    say([(g["earned"], g["reason"], g["counts"]) for g in grades] == [("5", "The text and the check differed", True), ("2", None, False)], f"{grades}")
    say(appeals(staff) == [], "nothing is left to answer")
    ben.post(f"/api/v1/submissions/{his}/appeals", {"reason": "and once more"}, 201)
    carry_out(staff, preview(staff)["id"], "Looked at again")
    say(asked(ben, his)["outcome"] == "same" and len(ben.get(f"/api/v1/submissions/{his}").json["grades"]) == 2, "the same result is an answer too, and adds no row")


@course()
def a_refusal_in_words_is_read_by_the_learner_and_stays(mine, staff):
    aina, hers, ben, his = two_learners(mine, staff)
    made = ben.post(f"/api/v1/submissions/{his}/appeals", {"reason": WHY}, 201).json["appeal"]["id"]
    for wrong in ("", " \n", "x" * 301, "bell \u0007"):
        say(staff.post(f"/api/v1/appeals/{made}/refusals", {"reason": wrong}).key == "appeal.reason", f"{wrong[:9]!r}")
    staff.post(f"/api/v1/appeals/{made}/refusals", {"reason": "Step 2 asks for abc"}, 204)
    answer = asked(ben, his)
    say((answer["state"], answer["answer"]) == ("refused", "Step 2 asks for abc"), f"{answer}")
    say(staff.post(f"/api/v1/appeals/{made}/refusals", {"reason": "again"}).key == "appeal.answered", "answered once")
    with sqlite3.connect(os.path.join(mine.server.home, "makmal.db")) as db:
        try:
            db.execute("UPDATE appeal SET answer = 'another'")
            say(False, "an answer was changed")
        except sqlite3.IntegrityError:
            pass
    say(mine.rows("SELECT count(*) FROM audit WHERE what = 'appeal.refused'") == [(1,)], "who refused is on record")
    say(mine.rows("SELECT count(*) FROM audit WHERE coalesce(before, '') || coalesce(after, '') LIKE '%abc%'") == [(0,)], "without anybody's words")
    ben.post(f"/api/v1/submissions/{his}/appeals", {"reason": "the text says otherwise"}, 201)
    say(asked(ben, his)["state"] == "open", "asked again, the newest is shown")


@course()
def it_is_limited_in_length_and_number_and_to_ones_own_graded_work(mine, staff):
    aina, hers, ben, his = two_learners(mine, staff)
    for wrong in ("", "  ", "x" * 301, "\u001b[2J"):
        refused = aina.post(f"/api/v1/submissions/{hers}/appeals", {"reason": wrong})
        say(refused.status == 400 and refused.key == "appeal.reason", f"{wrong[:9]!r}: {refused.status} {refused.key}")
    say(aina.post(f"/api/v1/submissions/{hers}/appeals", {"reason": "é" * 300}).status == 201, "300 characters, however many bytes")
    say(aina.post(f"/api/v1/submissions/{his}/appeals", {"reason": WHY}).key == "submission.missing", "another's hand-in is not there")
    say(staff.post(f"/api/v1/submissions/{hers}/appeals", {"reason": WHY}).key == "submission.missing", "nobody asks for another")
    say(aina.post("/api/v1/submissions/nothing/appeals", {"reason": WHY}).key == "submission.missing", "nor is one that never was")
    attempt = aina.post("/api/v1/labs/good/attempts", {}).json["attempt"]
    unread = aina.post(f"/api/v1/attempts/{attempt['id']}/submissions", {"files": [{"name": "map.yaml", "text": "a: [\n"}]}, 202).json["submission"]["id"]
    wait_for(lambda: aina.get(f"/api/v1/submissions/{unread}").json["submission"]["state"] == "refused", "the refusal")
    say(aina.post(f"/api/v1/submissions/{unread}/appeals", {"reason": WHY}).key == "appeal.not-graded", "what could not be read was not graded")
    for n in range(4):
        aina.post(f"/api/v1/submissions/{hand_in(aina, 'abc')}/appeals", {"reason": WHY}, 201)
    sixth = aina.post(f"/api/v1/submissions/{hand_in(aina, 'abc')}/appeals", {"reason": WHY})
    say(sixth.status == 429 and sixth.key == "appeal.often", f"the sixth of a day: {sixth.status} {sixth.key}")
    ben.post(f"/api/v1/submissions/{his}/appeals", {"reason": WHY}, 201)


@course()
def only_the_instructor_of_the_workshop_sees_and_answers(mine, staff):
    aina, hers, ben, his = two_learners(mine, staff)
    made = ben.post(f"/api/v1/submissions/{his}/appeals", {"reason": WHY}, 201).json["appeal"]["id"]
    say(aina.post(f"/api/v1/appeals/{made}/refusals", {"reason": "no"}).status == 403 and ben.post(f"/api/v1/appeals/{made}/refusals", {"reason": "no"}).status == 403, "no learner answers")
    mine.server.stop()
    subprocess.run([os.path.join(build, "makmal"), "user", "add", "Rahim", "--role", "instructor", "--home", mine.server.home], input="another long password\n", text=True, check=True, capture_output=True)
    mine.server.start()
    rahim = Browser(mine.server)
    rahim.post("/api/v1/logins", {"name": "Rahim", "password": "another long password"}, 201)
    say(appeals(rahim) == [] and rahim.post(f"/api/v1/appeals/{made}/refusals", {"reason": "no"}).key == "appeal.missing", "another's workshop is not there for him")
    say(rahim.post("/api/v1/appeals/nothing/refusals", {"reason": "no"}).key == "appeal.missing", "nor one that never was")
    say(asked(ben, his)["state"] == "open" and len(appeals(staff)) == 1, "it waits through a restart")


@course()
def the_forms_work_without_scripts_and_what_a_learner_writes_is_text(mine, staff):
    aina, hers, ben, his = two_learners(mine, staff)
    made = ben.post(f"/api/v1/submissions/{his}/appeals", {"reason": "<script>alert(1)</script> & \"more\""}, 201).json["appeal"]["id"]
    page = staff.get("/regrades", 200).text
    say("&lt;script&gt;alert(1)&lt;/script&gt; &amp;" in page and "<script>alert(1)" not in page, "escaped")
    say("A good lab, hand-in 1: 2 of 5 points" in page, "which hand-in, and what it has")
    mine.change(staff, AFTER, 2)
    workshop = appeals(staff)[0]["workshop"]
    there = staff.form("/regrades", {"lab": "good", "workshop": workshop})
    say(there.status == 303 and "/regrades/" in there.headers["Location"], f"{there.status}")
    empty = staff.form(f"/appeals/{made}", {"reason": "  "})
    say(empty.status == 400 and "Write the reason in words" in empty.text and "<details open>" in empty.text, f"{empty.status}: said in its place")
    say(staff.form(f"/appeals/{made}", {"reason": "It asks for abc"}).status == 303, "refused")
    late = staff.form(f"/appeals/{made}", {"reason": "It asks for abc"})
    say(late.status == 409 and "answered already" in late.text, "and once")
    say("Asked for by learners" not in staff.get("/regrades", 200).text, "nothing is left")
