"""A course of one lab whose checks are changed under a running server, and what is done with it: hand in, preview, regrade."""
import itertools, os, shutil, signal, sqlite3, tempfile
from talk import Server, root, talk, wait_for

BEFORE = '''check "named" { step = "name", points = 2, on = "files", run = function(t)
  t:share(t:one("ConfigMap", p.app):get("data.token"):exists())
end }
check "valued" { step = "name", points = 3, on = "files", run = function(t)
  t:share(t:one("ConfigMap", p.app):get("data.token"):equals("abc"))
end }
'''
AFTER = BEFORE.replace('"abc"', '"xyz"')                                   # who was right is wrong, and the other way round


class Course:
    """A course of one lab of one's own, whose checks can be changed under a running server."""

    def __init__(self, extra=""):
        self.folder = tempfile.mkdtemp(prefix="makmal-talk-labs-")
        shutil.copytree(os.path.join(root, "tests/fixtures/labs/practice"), os.path.join(self.folder, "practice"))
        self.lab = os.path.join(self.folder, "practice/first/good")
        with open(os.path.join(self.lab, "words.yaml"), "a", encoding="utf-8") as f:
            f.write("valued.title: { en: Its value is right, ms: Nilainya betul }\n")
        with open(os.path.join(self.lab, "lab.yaml"), "a", encoding="utf-8") as f:
            f.write(extra)
        self.write(BEFORE)
        self.server = Server(settings=["--labs", self.folder, "--rates=no"])

    def write(self, script):
        with open(os.path.join(self.lab, "checks.lua"), "w", encoding="utf-8") as f:
            f.write(script)

    def change(self, staff, script, earlier):
        """Written, and read by the server: `earlier` hand-ins were graded with what stood there before."""
        self.write(script)
        read = self.server.text().count("what=serve.reload")
        self.server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: self.server.text().count("what=serve.reload") > read, "the courses read anew")
        wait_for(lambda: staff.get("/api/v1/labs/good/regrading").json["earlier"] == earlier, f"{earlier} graded with an earlier version")

    def rows(self, sql):
        with sqlite3.connect(f"file:{os.path.join(self.server.home, 'makmal.db')}?mode=ro", uri=True) as db:
            return db.execute(sql).fetchall()

    def close(self):
        self.server.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def course(extra="", **wants):
    def keep(f):
        def run():
            mine = Course(extra)
            try:
                mine.server.start()
                staff = mine.server.administrator()
                f(mine, staff)
            finally:
                mine.close()
        run.__name__, run.__doc__ = f.__name__, f.__doc__
        return talk(server=False, **wants)(run)
    return keep


presses = itertools.count()


def hand_in(learner, token):
    """Always another text: equal files within ten seconds would be one press."""
    attempt = learner.post("/api/v1/labs/good/attempts", {}, 202).json["attempt"]
    text = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: {attempt['params']['app']} }}\ndata: {{ token: {token} }} # {next(presses)}\n"
    taken = learner.post(f"/api/v1/attempts/{attempt['id']}/submissions", {"files": [{"name": "map.yaml", "text": text}]}, 202).json["submission"]
    wait_for(lambda: learner.get(f"/api/v1/submissions/{taken['id']}").json["submission"]["state"] == "graded", "the verdict", 30)
    return taken["id"]


def two_learners(mine, staff):
    """Aina has what the first check wants, Ben what the mended one wants."""
    code = mine.server.workshop(staff)["code"]
    aina, ben = mine.server.learner(code, "Aina"), mine.server.learner(code, "Ben")
    return aina, hand_in(aina, "abc"), ben, hand_in(ben, "xyz")


def points(learner):
    return [lab["earned"] for c in learner.get("/api/v1/progress").json["courses"] for m in c["modules"] for lab in m["labs"] if lab["id"] == "good"][0]


def earned(learner, submission):
    return learner.get(f"/api/v1/submissions/{submission}").json["submission"]["earned"]


def preview(staff, **ask):
    one = staff.post("/api/v1/regrades", {"lab": "good", **ask}, 202).json["id"]
    return wait_for(lambda: (lambda got: got if got["state"] in ("preview", "failed") else None)(staff.get(f"/api/v1/regrades/{one}").json), "the preview", 30)


def carry_out(staff, one, reason="The check wanted the wrong value"):
    staff.post(f"/api/v1/regrades/{one}/runs", {"reason": reason}, 202)
    return ended(staff, one)


def ended(staff, one):
    return wait_for(lambda: (lambda got: got if got["state"] in ("done", "stopped") else None)(staff.get(f"/api/v1/regrades/{one}").json), "the regrade", 60)


def changes(got):
    return {row["name"]: (row["old"], row["new"], row["change"]) for row in got["rows"]}
