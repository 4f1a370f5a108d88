"""Family 4: handing in and being graded: once for each press, kept through kill -9, our fault never a point, what is refused and how it is said."""
import concurrent.futures, json, os, random, re, signal, socket, threading, time
from talk import Browser, Server, free_port, root, say, talk, wait_for

LAB = "mend-selector"


def lab_files(folder, params, lab=LAB):
    """The lab's files with the attempt's parameters filled in, as the editor would hold them."""
    where = os.path.join(root, "labs/kubernetes/services", lab, folder)
    fill = lambda text: re.sub(r"\$\{(\w+)\}", lambda m: str(params.get(m[1], m[0])), text)
    return [{"name": name, "text": fill(open(os.path.join(where, name), encoding="utf-8").read())} for name in sorted(os.listdir(where))]


def start(browser, state=None, lab=LAB):
    attempt = browser.post(f"/api/v1/labs/{lab}/attempts", {}, 202).json["attempt"]
    if state:
        wait_for(lambda: browser.get(f"/api/v1/attempts/{attempt['id']}").json["attempt"]["state"] == state, f"attempt {state}", 60)
        attempt = browser.get(f"/api/v1/attempts/{attempt['id']}").json["attempt"]
    return attempt


def hand_in(browser, attempt, files, key=None, status=202):
    headers = {"Idempotency-Key": key} if key else {}
    return browser.post(f"/api/v1/attempts/{attempt['id']}/submissions", {"files": files}, status, **headers).json.get("submission")


def graded(browser, submission, seconds=90):
    """The submission's final word."""
    def ended():
        got = browser.get(f"/api/v1/submissions/{submission['id']}").json
        return got if got["submission"]["state"] not in ("received", "grading") else None
    return wait_for(ended, "the verdict", seconds)


def outcome(got, check):
    return next(c for c in got["verdict"]["checks"] if c["id"] == check)["outcome"]


def settled(browser, attempt):
    """Until the set-up stands still and its start state is taken: every Pod Running and ready."""
    def still():
        objects = browser.get(f"/api/v1/attempts/{attempt['id']}/objects").json["objects"]
        pods = [o.get("object", o) for o in objects if o["kind"] == "Pod"]
        return len(pods) >= 3 and all(any(c["type"] == "Ready" and c["status"] == "True" for c in p.get("status", {}).get("conditions", [])) for p in pods)
    wait_for(still, "three ready Pods", 60)


def one_learner(server, name="Aina"):
    server.staff = server.administrator()
    return server.learner(server.workshop(server.staff)["code"], name)


@talk
def without_a_cluster_files_are_graded_and_reading_goes_on(server):
    aina = one_learner(server)
    attempt = start(aina)
    say(attempt["state"] == "wanted", attempt["state"])
    got = graded(aina, hand_in(aina, attempt, lab_files("solution", attempt["params"])))
    say(outcome(got, "selectors") == "pass", "the file check passes")
    say(got["submission"]["earned"] == "3", got["submission"]["earned"])
    say(aina.get("/learn/services").status == 200 and aina.get("/me").status == 200)


@talk
def what_only_an_api_server_can_say_keeps_no_point_from_the_sheet(server):
    aina = one_learner(server)
    attempt = start(aina, lab="mend-ports")
    got = graded(aina, hand_in(aina, attempt, lab_files("solution", attempt["params"], "mend-ports")))
    say((outcome(got, "ports"), outcome(got, "accepted")) == ("pass", "unobserved"), f"{[(c['id'], c['outcome']) for c in got['verdict']['checks']]}")
    labs = [lab for course in aina.get("/api/v1/progress").json["courses"] for module in course["modules"] for lab in module["labs"] if lab["id"] == "mend-ports"]
    say([lab["earned"] for lab in labs] == ["3"], f"{[lab['earned'] for lab in labs]}")


@talk
def one_press_is_one_submission_however_often_it_arrives(server):
    aina = one_learner(server)
    attempt = start(aina)
    files = lab_files("starter", attempt["params"])
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        ids = {s["id"] for s in pool.map(lambda _: hand_in(aina, attempt, files, "press-0001"), range(50))}
    say(len(ids) == 1, f"{len(ids)} submissions for one press")
    graded(aina, {"id": ids.pop()})
    listed = aina.get(f"/api/v1/attempts/{attempt['id']}/submissions").json["submissions"]
    say(len(listed) == 1, f"{len(listed)} rows")
    again = hand_in(aina, attempt, files, "press-0001")
    say(again["id"] == listed[0]["id"], "the same answer later too")


@talk(settings=["--rates=no"])
def a_second_submission_while_one_is_graded_is_refused_and_named(server):
    aina = one_learner(server)
    attempt = start(aina)
    files = lab_files("starter", attempt["params"])
    other = [{"name": "a.yaml", "text": "# nothing\n"}]
    answers = []
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: answers.append(aina.post(f"/api/v1/attempts/{attempt['id']}/submissions", {"files": other + [{"name": "b.yaml", "text": f"# {n}\n"}]})), range(24)))
    for answer in answers:
        say(answer.status in (202, 409, 429), f"{answer.status} {answer.body[:200]}")
        if answer.status == 409:
            say(answer.key == "submission.running" and answer.json["error"]["params"]["submission"], "names the one that runs")
    taken = [a.json["submission"]["id"] for a in answers if a.status == 202]
    for one in taken:
        graded(aina, {"id": one})
    listed = {s["id"] for s in aina.get(f"/api/v1/attempts/{attempt['id']}/submissions").json["submissions"]}
    say(listed == set(taken), "nothing lost, nothing doubled")
    say(files)


@talk
def what_cannot_be_read_is_refused_with_line_and_column_and_costs_no_try(server):
    aina = one_learner(server)
    attempt = start(aina)
    rows = {"a tab": ("a:\n\tb: 1\n", "yaml.tab", 2), "a key twice": ("a: 1\na: 2\n", "yaml.duplicate-key", 2), "deep": ("[" * 20000, "yaml.deep", 1),
            "a bomb": ("a: &a [1,1]\n" + "".join(f"b{i}: [" + ",".join(["*a"] * 99) + "]\n" for i in range(40)), None, None), "no kind": ("apiVersion: v1\nmetadata: {name: x}\n", "object.no-kind", 1)}
    for what, (text, key, line) in rows.items():
        time.sleep(0.1)
        answer = aina.post(f"/api/v1/attempts/{attempt['id']}/submissions", {"files": [{"name": "a.yaml", "text": text}]})
        if answer.status == 429:
            time.sleep(11)
            answer = aina.post(f"/api/v1/attempts/{attempt['id']}/submissions", {"files": [{"name": "a.yaml", "text": text}]})
        say(answer.status == 202, f"{what}: {answer.status}")
        got = graded(aina, answer.json["submission"])
        say(got["submission"]["state"] == "refused", f"{what}: {got['submission']['state']}")
        finding = next(f for f in got["verdict"]["reading"] if f["level"] == "refuse")
        say(finding["text"] and not finding["text"].startswith("yaml."), f"{what} has a sentence")
        if key:
            say(finding["key"] == key, f"{what}: {finding['key']}")
            say(finding["at"]["line"] == line and finding["at"]["col"] >= 1, f"{what}: {finding['at']}")
    ladders = aina.get(f"/api/v1/attempts/{attempt['id']}/hints").json["ladders"]
    say(all(not ladder["next"]["open"] for ladder in ladders if ladder.get("next")), "no hint opened: no try was spent")


@talk
def sizes_names_and_numbers_of_files_have_limits_that_are_said(server):
    aina = one_learner(server)
    attempt = start(aina)
    where = f"/api/v1/attempts/{attempt['id']}/submissions"
    large = aina.post(where, {"files": [{"name": "a.yaml", "text": "a" * (300 * 1024)}]})
    say(large.status == 413, f"{large.status}")
    say("300" in large.json["error"]["message"] and "256" in large.json["error"]["message"], large.json["error"]["message"])
    for files in ([{"name": "../a", "text": ""}], [{"name": "A.yaml", "text": ""}], [{"name": "", "text": ""}], [{"name": "a" * 65, "text": ""}], [{"name": "a.yaml", "text": ""}] * 2):
        say(aina.post(where, {"files": files}).status == 400, f"{files}"[:80])
    many = aina.post(where, {"files": [{"name": f"f{i}.yaml", "text": ""} for i in range(21)]})
    say(many.status in (400, 413, 429), f"{many.status}")
    say(len(aina.get(where).json["submissions"]) == 0, "none of them became a row")


@talk
def another_learners_work_is_not_there(server):
    aina = one_learner(server)
    ben = server.learner(server.workshop(server.staff, "Other")["code"], "Ben")
    attempt = start(aina)
    mine = hand_in(aina, attempt, lab_files("starter", attempt["params"]))
    graded(aina, mine)
    for path in (f"/api/v1/attempts/{attempt['id']}", f"/api/v1/attempts/{attempt['id']}/submissions", f"/api/v1/submissions/{mine['id']}", f"/api/v1/attempts/{attempt['id']}/draft",
                 f"/api/v1/attempts/{attempt['id']}/objects", f"/api/v1/attempts/{attempt['id']}/kubeconfig", f"/api/v1/attempts/{attempt['id']}/hints"):
        say(ben.get(path).status == 404, f"{path} answered {ben.get(path).status}")
    for tail, body in (("submissions", {"files": []}), ("applies", {"files": []}), ("dryruns", {"files": []}), ("reset", {}), ("extend", {}), ("revoke", {})):
        answer = ben.post(f"/api/v1/attempts/{attempt['id']}/{tail}", body)
        say(answer.status == 404, f"POST {tail} answered {answer.status}")
    say(ben.stream(f"attempt:{attempt['id']}").status == 404, "nor is its stream")


@talk(server=False, seconds=120)
def what_was_acknowledged_is_graded_once_after_kill_9_at_any_moment():
    """G2: 100 kills at random moments; each acknowledged submission has one final verdict in the end."""
    kills = int(os.environ.get("TEST_KILLS", "100"))
    dice = random.Random(77)
    server = Server(settings=["--rates=no"]).start()
    try:
        aina = one_learner(server)
        attempt = start(aina)
        files = lab_files("starter", attempt["params"])
        acknowledged, number, stop = [], 0, False

        def press():
            nonlocal number
            number += 1
            body = files + [{"name": "n.yaml", "text": f"# {number}\n"}]
            try:
                answer = aina.post(f"/api/v1/attempts/{attempt['id']}/submissions", {"files": body}, **{"Idempotency-Key": f"press-{number:06}"})
            except OSError:
                return
            except Exception:
                return
            if answer.status == 202:
                acknowledged.append(answer.json["submission"]["id"])
            elif answer.status == 429 and answer.key == "submission.many":
                raise StopIteration

        done = 0
        while done < kills:
            killer = threading.Timer(dice.uniform(0.0, 0.08), lambda: server.process.send_signal(signal.SIGKILL))
            killer.start()
            try:
                while server.process.poll() is None:
                    press()
            except StopIteration:
                killer.join()
                server.process.wait()
                server.start()
                aina.delete(f"/api/v1/attempts/{attempt['id']}", 202)
                wait_for(lambda: aina.get(f"/api/v1/attempts/{attempt['id']}").json["attempt"]["state"] in ("ending", "gone"), "the end of the full attempt")
                attempt = start(aina)
                files = lab_files("starter", attempt["params"])
            else:
                killer.join()
                server.process.wait()
                server.start()
            done += 1
        for one in acknowledged:
            got = graded(aina, {"id": one}, 30)
            say(got["submission"]["state"] == "graded" or got["submission"]["state"] == "error", got["submission"]["state"])
        say(len(acknowledged) == len(set(acknowledged)), "one id for each press")
        say(len(acknowledged) >= kills // 4, f"only {len(acknowledged)} were acknowledged: the test saw too little")
        import sqlite3
        server.stop()
        rows = sqlite3.connect(os.path.join(server.home, "makmal.db")).execute("SELECT submission, sum(final), count(*) FROM verdict GROUP BY submission").fetchall()
        finals = {submission: final for submission, final, _ in rows}
        say(all(finals.get(one) == 1 for one in acknowledged), "each has exactly one final run")
    finally:
        server.close()


class Gate:
    """A TCP relay before the API server, that the test can shut: the cluster goes away for this server alone."""

    def __init__(self, host, port):
        self.to, self.open, self.pairs = (host, port), True, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            if not self.open:
                client.close()
                continue
            try:
                server = socket.create_connection(self.to)
            except OSError:
                client.close()
                continue
            self.pairs += [client, server]
            for a, b in ((client, server), (server, client)):
                threading.Thread(target=self._copy, args=(a, b), daemon=True).start()

    def _copy(self, a, b):
        try:
            while data := a.recv(65536):
                b.sendall(data)
        except OSError:
            pass
        for s in (a, b):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def shut(self):
        self.open = False
        for s in self.pairs:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.pairs = []

    def close(self):
        self.shut()
        self.listener.close()


@talk(server=False, cluster=True, seconds=100)
def a_cluster_that_goes_away_in_the_middle_costs_no_point():
    config = json.load(open(os.environ["TEST_CLUSTER_KUBECONFIG"]))
    real = config["clusters"][0]["cluster"]
    host, port = re.match(r"https://([^:]+):(\d+)", real["server"]).groups()
    gate = Gate(host, int(port))
    real["server"], real["tls-server-name"] = f"https://127.0.0.1:{gate.port}", host
    server = Server(settings=["--kubeconfig", "/dev/null"])
    path = os.path.join(server.home, "kubeconfig")
    with open(path, "w") as f:
        json.dump(config, f)
    server.settings = [s for s in server.settings if s not in ("--kubeconfig", "/dev/null")] + ["--kubeconfig", path, "--yes"]
    server.start(30)
    try:
        aina = one_learner(server)
        attempt = start(aina, "ready")
        settled(aina, attempt)
        gate.shut()
        wrong = graded(aina, hand_in(aina, attempt, lab_files("starter", attempt["params"]), "press-away"), 120)
        say(wrong["submission"]["state"] == "error", wrong["submission"]["state"])
        say(outcome(wrong, "endpoints") == "error", outcome(wrong, "endpoints"))
        text = next(c for c in wrong["verdict"]["checks"] if c["id"] == "endpoints")["error_text"]
        say(text and "cluster" in text, f"the page says so: {text}")
        say(aina.get("/learn/services").status == 200, "reading goes on")
        ladders = aina.get(f"/api/v1/attempts/{attempt['id']}/hints").json["ladders"]
        say(all(not ladder["next"]["open"] for ladder in ladders if ladder.get("next")), "an error is no try")
        gate.open = True
        files = lab_files("solution", attempt["params"])

        def applied():
            got = aina.post(f"/api/v1/attempts/{attempt['id']}/applies", {"files": files})
            if got.status != 202:
                time.sleep(1)
                return None
            ident = got.json["apply"]["id"]
            end = wait_for(lambda: (a := aina.get(f"/api/v1/applies/{ident}").json["apply"])["state"] in ("done", "error") and a, "the apply", 30)
            return end if end["state"] == "done" else time.sleep(2)
        end = wait_for(applied, "an apply once the cluster is back", 60)
        say(end["ok"], f"{end}")
        got = graded(aina, hand_in(aina, attempt, files, "press-back"), 90)
        say(got["submission"]["earned"] == "10", f"{got['submission']} {[ (c['id'], c['outcome']) for c in got['verdict']['checks']]}")
        aina.delete(f"/api/v1/attempts/{attempt['id']}", 202)
    finally:
        server.close()
        gate.close()


@talk(cluster=True, seconds=60)
def the_whole_lab_over_http(server):
    aina = one_learner(server)
    attempt = start(aina, "ready")
    say(attempt["proof"]["refused"] == attempt["proof"]["of"] >= 10, f"{attempt['proof'] and attempt['proof']['of']}")
    settled(aina, attempt)
    stream = aina.stream(f"attempt:{attempt['id']}")
    wrong = graded(aina, hand_in(aina, attempt, lab_files("starter", attempt["params"])))
    say(wrong["submission"]["earned"] == "0", wrong["submission"]["earned"])
    say({f["key"] for c in wrong["verdict"]["checks"] for f in c["findings"]} >= {"service.selects-none", "service.also-selects"}, "both faults are told at once")
    say(any(e[0] == "check" for e in stream.events), "findings arrive one by one on the stream")
    stream.expect("verdict")
    refused = aina.post(f"/api/v1/attempts/{attempt['id']}/applies", {"files": [{"name": "a.yaml", "text": "apiVersion: v1\nkind: Namespace\nmetadata: {name: x}\n"}]}, 202).json["apply"]
    end = wait_for(lambda: (a := aina.get(f"/api/v1/applies/{refused['id']}").json["apply"])["state"] == "done" and a, "the apply")
    say(not end["ok"] and end["objects"][0]["findings"][0]["key"] == "object.cluster-scoped", f"{end}")
    files = lab_files("solution", attempt["params"])
    taken = aina.post(f"/api/v1/attempts/{attempt['id']}/applies", {"files": files}, 202).json["apply"]
    end = wait_for(lambda: (a := aina.get(f"/api/v1/applies/{taken['id']}").json["apply"])["state"] == "done" and a, "the apply", 20)
    say(end["ok"], f"{end}")
    right = graded(aina, hand_in(aina, attempt, files))
    say(right["submission"]["earned"] == "10", f"{right['submission']}")
    progress = aina.get("/api/v1/progress").json
    say("10" in json.dumps(progress), "progress knows")
    stream.close()
    aina.delete(f"/api/v1/attempts/{attempt['id']}", 202)



@talk(cluster=True, seconds=60)
def a_wait_that_fails_says_what_the_cluster_reported(server):
    aina = one_learner(server)
    attempt = start(aina, "ready", "mend-ports")
    say(30000 <= attempt["params"]["nodeport"] <= 32767 and attempt["params"]["ingressclass"], f"{attempt['params']}")
    files = lab_files("solution", attempt["params"], "mend-ports")
    for file in files:
        file["text"] = file["text"].replace("  replicas: 1\n", "  replicas: 1\n  strategy: { rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } }\n").replace("nginx:1.29", "nginx:nowhere")
    taken = aina.post(f"/api/v1/attempts/{attempt['id']}/applies", {"files": files}, 202).json["apply"]
    end = wait_for(lambda: (a := aina.get(f"/api/v1/applies/{taken['id']}").json["apply"])["state"] == "done" and a, "the apply", 20)
    say(end["ok"], f"{end}")
    got = graded(aina, hand_in(aina, attempt, files))
    answers = next(c for c in got["verdict"]["checks"] if c["id"] == "answers")
    events = [event for finding in answers["findings"] for event in finding.get("events", [])]
    say(answers["outcome"] == "fail" and 1 <= len(events) <= 15, f"{answers}")
    say({"Failed", "BackOff"} & {event["reason"] for event in events} and any("nowhere" in event["message"] for event in events), f"{events}")
    say(any(finding.get("false_ms", 0) > 0 for finding in answers["findings"]), "and how long it was not so")
    aina.delete(f"/api/v1/attempts/{attempt['id']}", 202)


@talk
def the_seventh_submission_of_a_minute_waits_and_is_told_how_long(server):
    aina = one_learner(server)
    attempt = start(aina)
    for n in range(6):
        graded(aina, hand_in(aina, attempt, [{"name": "a.yaml", "text": f"# {n}\n"}]))
    answer = aina.post(f"/api/v1/attempts/{attempt['id']}/submissions", {"files": [{"name": "a.yaml", "text": "# seven\n"}]})
    say(answer.status == 429 and answer.key == "submission.often", f"{answer.status}")
    say(int(answer.headers["Retry-After"]) > 0, "with the time to wait")
    say(len(aina.get(f"/api/v1/attempts/{attempt['id']}/submissions").json["submissions"]) == 6, "and is no row")


@talk(server=False, cluster=True, seconds=60)
def what_was_handed_in_before_a_kill_is_graded_on_the_cluster_and_not_on_files_alone():
    """By the embedded cluster's name where there is one: right after a start nobody has looked yet whether it is there."""
    name = os.environ.get("TEST_CLUSTER")
    server = (Server(settings=["--cluster", name, "--user", "root"]) if name else Server(cluster=os.environ["TEST_CLUSTER_KUBECONFIG"])).start(30)
    try:
        aina = one_learner(server)
        attempt = start(aina, "ready")
        settled(aina, attempt)
        files = lab_files("solution", attempt["params"])
        taken = hand_in(aina, attempt, files, "press-kill")               # right files, nothing applied
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
        server.start(30)
        got = graded(aina, taken, 90)
        say(got["verdict"]["max"] == "10", f"graded on {got['verdict']['max']} points, left out {got['verdict']['left_out']}")
        say(outcome(got, "endpoints") in ("fail", "error"), outcome(got, "endpoints"))
        say(all(not lab["done"] for c in aina.get("/api/v1/progress").json["courses"] for m in c["modules"] for lab in m["labs"]), "nothing is done")
        aina.delete(f"/api/v1/attempts/{attempt['id']}", 202)
    finally:
        server.close()
