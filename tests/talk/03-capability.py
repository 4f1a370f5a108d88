"""What the cluster can do decides which labs are offered, and why not is a sentence."""
import json, os, re, shutil, tempfile, threading, time
from talk import Browser, Server, root, say, talk, wait_for

LAB = "mend-selector"


def labs_that_need(words):
    """A copy of the course in which one lab needs these words and has no paper form."""
    folder = os.path.join(tempfile.mkdtemp(prefix="makmal-talk-"), "labs")
    shutil.copytree(os.path.join(root, "labs"), folder)
    path = os.path.join(folder, "kubernetes/services", LAB, "lab.yaml")
    with open(path) as f:
        text = f.read()
    text = re.sub(r"(?m)^cluster:.*$", f"cluster: [{', '.join(words)}]", re.sub(r"(?m)^paper:.*\n", "", text))
    with open(path, "w") as f:
        f.write(text)
    return folder


class Told:
    """An embedded cluster as the server sees it: its three files. What answers behind them is the real cluster; what it says of itself is ours to change."""

    def __init__(self):
        self.name = f"talk-{os.getpid()}-{id(self) % 10000}"
        self.folder = os.path.join("/run/makmal", self.name)
        os.makedirs(self.folder)
        shutil.copy(os.environ["TEST_CLUSTER_KUBECONFIG"], os.path.join(self.folder, "server.kubeconfig"))
        self.says = {"schema": 1, "name": self.name, "state": "starting", "why": "node", "version": "v1.36.4", "parts": {"done": 3, "total": 8, "names": []}, "capabilities": [], "coming": {},
                     "processes": [{"name": "etcd", "kind": "process", "version": "3.6.14", "pid": 1, "state": "running", "rss_kib": 51200, "started_ms": int(time.time() * 1000) - 3600000,
                                    "restarts": 2, "gives": []},
                                   {"name": "coredns", "kind": "pod", "version": "1.14.7", "pid": 0, "state": "running", "rss_kib": 20480, "started_ms": int(time.time() * 1000) - 60000,
                                    "restarts": 0, "gives": ["dns"]}]}
        self.over = threading.Event()
        self.say()
        threading.Thread(target=self._alive, daemon=True).start()

    def put(self, name, what):
        path = os.path.join(self.folder, name)
        with open(path + ".new", "w") as f:
            json.dump({**what, "at_ms": int(time.time() * 1000)}, f)
        os.replace(path + ".new", path)

    def say(self, **news):
        self.says = {**self.says, **news}
        self.put("status.json", self.says)

    def _alive(self):
        while not self.over.wait(1):
            try:
                self.say()
            except OSError:
                return

    def close(self):
        self.over.set()
        shutil.rmtree(self.folder, ignore_errors=True)


@talk(server=False, cluster=True, seconds=60)
def a_word_that_is_still_to_come_is_waited_for_and_one_that_never_comes_is_refused():
    told = Told()
    labs = labs_that_need(["nodes", "metrics"])
    server = Server(settings=["--cluster", told.name, "--labs", labs, "--user", "root"])
    try:
        server.start()
        staff = server.administrator()
        aina, budi, citra = (server.learner(server.workshop(staff)["code"], name) for name in ("Aina", "Budi", "Citra"))
        lab = lambda browser=aina: browser.get(f"/api/v1/labs/{LAB}", 200).json
        cluster = lambda browser=aina: browser.get("/api/v1/cluster", 200).json
        wait_for(lambda: cluster()["state"] == "starting", "the cluster's start")
        say(lab()["missing"] == [], "while nobody knows yet a lab may be wanted")
        early = budi.post(f"/api/v1/labs/{LAB}/attempts", {}, 202).json["attempt"]

        told.say(state="ready", why="", capabilities=["nodes", "dns"], coming={"metrics": "metrics-server"})
        told.put("build.json", {"schema": 1, "program": "metrics-server", "percent": 41, "seconds": 9, "last": "k8s.io/api"})
        stream = aina.stream("cluster")
        wait_for(lambda: lab()["missing"] == ["metrics"], "the missing word", 20)
        say("metrics-server" in lab()["missing_text"] and "as soon as" in lab()["missing_text"], lab()["missing_text"])
        now = wait_for(lambda: cluster()["percent"] == 41 and cluster(), "the build of the add-on")
        say(now["lacking"]["metrics"] == {"state": "coming", "with": "metrics-server"} and now["lacking"]["pv"] == {"state": "no"} and now["program"] == "metrics-server", f"{now}")
        refused = aina.post(f"/api/v1/labs/{LAB}/attempts", {}, 503)
        say(refused.key == "lab.needs-coming" and "metrics-server" in refused.json["error"]["message"] and refused.headers["Retry-After"], refused.text)
        aina.form("/language", {"language": "ms", "back": "/"})
        say("sebaik sahaja metrics-server" in lab()["missing_text"], lab()["missing_text"])
        say("sebaik sahaja metrics-server" in aina.get(f"/lab/{LAB}").text, "the page without scripts says so too")
        say("41 %" in aina.get("/").text, "and how far it is")
        waits = budi.get(f"/api/v1/attempts/{early['id']}", 200).json["attempt"]
        say(waits["state"] == "wanted", "what was wanted before goes on waiting")
        wait_for(lambda: budi.get(f"/api/v1/attempts/{early['id']}").json["attempt"]["why"] == "attempt.waits-words", "why it waits", 20)

        before = len(stream.events)
        told.say(capabilities=["nodes", "dns", "metrics"], coming={})
        wait_for(lambda: any(e[0] == "cluster" and "metrics" in e[1]["capabilities"] for e in stream.events[before:]), "the word, told to open pages", 15)
        say(lab()["missing"] == [] and lab()["missing_text"] == "", f"{lab()['missing']}")
        aina.post(f"/api/v1/labs/{LAB}/attempts", {}, 202)
        ready = wait_for(lambda: (a := budi.get(f"/api/v1/attempts/{early['id']}").json["attempt"])["state"] not in ("wanted",) and a, "the attempt that waited", 60)
        say(ready["state"] == "ready", ready["why_text"])
        stream.close()

        told.say(capabilities=["nodes", "dns"], coming={"metrics": "metrics-server"})
        told.put("build.json", {"schema": 1, "program": "metrics-server", "percent": 0, "seconds": 9, "last": "failed"})
        wait_for(lambda: cluster()["lacking"].get("metrics", {}).get("state") == "no", "a build that failed")
        refused = citra.post(f"/api/v1/labs/{LAB}/attempts", {}, 409)
        say(refused.key == "lab.needs" and "metrics" in refused.json["error"]["message"], "it will not come: one clear no")
        say("metrics" in staff.get("/status").text and "Building metrics-server failed" in staff.get("/status").text, "staff read why")
    finally:
        server.close()
        told.close()
        shutil.rmtree(os.path.dirname(labs))


@talk(server=False, cluster=True, seconds=30)
def staff_see_each_part_and_learners_what_it_can_do():
    told = Told()
    server = Server(settings=["--cluster", told.name, "--user", "root"])
    try:
        server.start()
        told.say(state="ready", why="", capabilities=["nodes", "dns"], coming={"ingress": "traefik"}, lacks={"nfs": "no client", "networkpolicy": "the kernel lacks xt_set"})
        staff, nobody = server.administrator(), Browser(server)
        wait_for(lambda: staff.get("/api/v1/cluster").json["state"] == "ready", "the cluster", 20)
        page = staff.get("/status", 200).text
        cells = [re.sub(r"<[^>]*>", "|", row) for row in re.findall(r"<tr>.*?</tr>", page, re.S)]
        row = lambda word: next((c for c in cells if f"|{word}|" in c), "")
        say(all(piece in row("etcd") for piece in ("3.6.14", "50 MiB", "1 h 0 min", "restarted 2 times")), row("etcd"))
        say("runs as a Pod" in row("coredns") and "dns" in row("coredns"), row("coredns"))
        say("|70 MiB|" in row("together"), row("together"))
        say("comes with traefik" in row("ingress") and "|no|" in row("pv") and "|yes|" in row("nodes"), row("ingress"))
        say("Pod Security refuses a privileged Pod" in page, "what the check before labs found")
        say("|no|" in row("nfs") and "no NFS client" in row("nfs"), "what the cluster's machine keeps from it, and why: " + row("nfs"))
        say("|no|" in row("networkpolicy") and "the kernel lacks xt_set" in row("networkpolicy"), "and in the cluster's own words: " + row("networkpolicy"))
        parts = staff.get("/api/v1/cluster").json["components"]
        say([p["name"] for p in parts] == ["etcd", "coredns"] and parts[0]["version"] == "3.6.14", f"{parts}")
        open_page = nobody.get("/status", 200).text
        say("etcd" not in open_page and "components" not in nobody.get("/api/v1/cluster").json, "parts are for staff")
        say("comes with traefik" in open_page, "what the cluster can do is for all")
        staff.form("/language", {"language": "ms", "back": "/"})
        page = staff.get("/status", 200).text
        say("tersedia bersama traefik" in page and "berjalan sebagai Pod" in page and "Bahagian" in page and "dimulakan semula 2 kali" in page, "in both languages")
    finally:
        server.close()
        told.close()


@talk(server=False, cluster=True, seconds=90)
def somebody_elses_cluster_is_asked_and_tried():
    """The same cluster by its kubeconfig alone: what it says of itself is not read."""
    labs = labs_that_need(["networkpolicy"])
    server = Server(settings=["--labs", labs], cluster=os.environ["TEST_CLUSTER_KUBECONFIG"])
    try:
        server.start()
        staff = server.administrator()
        aina = server.learner(server.workshop(staff)["code"], "Aina")
        cluster = lambda: aina.get("/api/v1/cluster", 200).json
        now = wait_for(lambda: cluster()["state"] == "ready" and cluster(), "the cluster", 30)
        if "networkpolicy" not in now["capabilities"]:
            say(now["lacking"]["networkpolicy"]["state"] == "looking", f"{now['lacking']}")
            refused = aina.post(f"/api/v1/labs/{LAB}/attempts", {})
            say(refused.status == 202 or refused.key == "lab.needs-looking", refused.text)
        now = wait_for(lambda: "networkpolicy" in cluster()["capabilities"] and cluster(), "a policy that was seen to refuse", 120)
        say({"nodes", "controllers", "dns", "nodeport"} <= set(now["capabilities"]), f"{now}")
        say("let through again without it" in staff.get("/status").text, "staff read how it is known")
        say("let through again without it" not in aina.get("/status").text)
        aina.post(f"/api/v1/labs/{LAB}/attempts", {}, 202)
        say("components" not in staff.get("/api/v1/cluster").json, "nobody tells of its parts")
    finally:
        server.close()
        shutil.rmtree(os.path.dirname(labs))
