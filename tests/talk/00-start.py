"""Family 0: start and stop."""
import os, re, signal, socket, subprocess, tempfile, threading, time
from talk import Browser, Server, build, free_port, say, talk, wait_for


def run(*words, seconds=10, **environment):
    got = subprocess.run([os.path.join(build, "makmal"), *words], capture_output=True, text=True, timeout=seconds, stdin=subprocess.DEVNULL, cwd="/",
                         env={"PATH": os.environ["PATH"], **environment})
    return got.returncode, got.stdout, got.stderr


@talk
def it_prints_its_address_and_a_link_while_there_is_no_administrator(server):
    wait_for(lambda: f"http://127.0.0.1:{server.port}/\n" in server.text(), "the address")
    first = server.setup_key()
    server.stop()
    server.start()
    second = wait_for(lambda: server.text().count("/setup?k=") == 2 and server.setup_key(), "the second link")
    say(first != second, "each start has its own link")
    say(Browser(server).post("/api/v1/setups", {"key": first, "name": "Eve", "password": "a long enough one"}).status != 201, "an earlier link is dead")
    server.administrator()
    server.stop()
    before = server.text().count("/setup?k=")
    server.start()
    say(server.text().count("/setup?k=") == before, "with an administrator there is no link")


@talk
def health_readiness_and_numbers_answer(server):
    say(server.get("/healthz").body == b"ok\n")
    say(server.get("/readyz").body == b"ready\n")
    text = server.get("/metrics").text
    say(re.search(r'makmal_requests_total\{class="health",status="2xx"\} [1-9]', text), "requests are counted")
    say("makmal_store_commits_total" in text and "makmal_workers_alive" in text and "makmal_process_resident_bytes" in text, "store, workers and memory are told")


@talk(server=False)
def what_is_wrong_is_one_line_and_an_exit_status():
    home = tempfile.mkdtemp(prefix="makmal-talk-")
    try:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = str(taken.getsockname()[1])
            rows = [(["serve", "--home", home, "--cluster", "none", "--port", port], 3, port), (["serve", "--prot", "80"], 2, "--prot"), (["serve", "--port", "eighty"], 2, "eighty"),
                    (["serve", "--home", "/proc/nowhere", "--cluster", "none", "--port", "0"], 3, "/proc/nowhere"), (["serve", "--home", home, "--listen", "192.0.2.1", "--plain-http"], 2, "192.0.2.1"),
                    (["serve", "--home", home, "--listen", "0.0.0.0", "--port", "0"], 2, "--plain-http"), (["nonsense"], 2, "nonsense"),
                    (["serve", "--home", home, "--config", "/nowhere.conf"], 2, "/nowhere.conf")]
            for words, status, part in rows:
                got, out, err = run(*words)
                say(got == status, f"{words} ended {got}, not {status}: {err}")
                lines = [line for line in err.splitlines() if not line.startswith("time=")]
                say(len(lines) == 1 and part in lines[0], f"{words} says {err!r}")
        say(run("--version")[0] == 0 and run("--help")[0] == 0 and run("serve", "--help")[0] == 0 and run()[0] == 2)
        say("/api/v1/attempts/{attempt}/submissions" in run("--routes")[1], "--routes prints the table")
    finally:
        os.rmdir(home) if not os.listdir(home) else subprocess.run(["rm", "-rf", home])


@talk
def a_second_server_on_the_same_home_is_refused(server):
    got, out, err = run("serve", "--home", server.home, "--cluster", "none", "--port", str(free_port()))
    lines = [line for line in err.splitlines() if not line.startswith("time=")]
    say(got in (2, 3) and len(lines) == 1 and "Another Makmal" in lines[0], f"ended {got}: {err}")


@talk
def beyond_this_machine_without_encryption_only_when_it_is_accepted(server):
    other = Server(settings=["--listen", "0.0.0.0", "--plain-http"]).start()
    try:
        page = other.get("/signin").text
        say('data-tone="warn"' in page and "plain-http" in page, "the sign-in page says that anybody can read along")
    finally:
        other.close()
    say('data-tone="warn"' not in server.get("/signin").text, "on this machine there is nothing to say")


@talk
def a_stop_says_goodbye_and_cuts_nobody_off(server):
    staff = server.administrator()
    learner = server.learner(server.workshop(staff)["code"], "Aina")
    stream = learner.stream()
    stream.expect("hello")
    statuses, stop = [], threading.Event()

    def press():
        while not stop.is_set():
            try:
                statuses.append(learner.get("/api/v1/me").status)
            except OSError:
                statuses.append(0)          # refused: the door is closed
                return
    pressing = threading.Thread(target=press)
    pressing.start()
    time.sleep(0.3)
    since = time.monotonic()
    say(server.stop() == 0, "an orderly end has status 0")
    say(time.monotonic() - since < 10, "it took too long")
    stop.set()
    pressing.join()
    say(set(statuses) <= {200, 429, 0} and statuses.count(200) > 3, f"answers were {set(statuses)}")
    say(wait_for(lambda: stream.ended, "the end of the stream"))
    name, data, _ = stream.events[-1]
    say(name == "bye" and data["retry_ms"] > 0, "the stream ends with bye")


@talk
def killed_at_any_moment_it_starts_again(server):
    staff = server.administrator()
    code = server.workshop(staff)["code"]
    for i in range(3):
        learner = server.learner(code, f"L{i}")
        server.stop(signal.SIGKILL)
        since = time.monotonic()
        server.start()
        say(time.monotonic() - since < 10, "ready within 10 s")
        say(learner.get("/api/v1/me").json["person"]["name"] == f"L{i}", "what was acknowledged is there")


@talk
def a_catalogue_is_read_anew_on_a_signal(server):
    server.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "what=serve.reload courses=read" in server.text(), "the new edition")
    say(server.get("/readyz").status == 200)
