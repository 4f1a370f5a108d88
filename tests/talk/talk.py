"""talk: what conversations are made of: a server of one's own, a browser without a screen, raw bytes, a stream. Standard library only.

A conversation is a function with @talk in tests/talk/NN-topic.py; its name is a sentence. It gets a Server that runs, with an empty home.
`say(condition, "what is wrong")` ends it. Families: 0 start-up, 1 login, 2 catalogue, 3 attempts, 4 grading, 5 progress, 6 workshops, 7 live, 8 hostile, 9 regressions.
"""
import http.client, json, os, re, shutil, signal, socket, subprocess, tempfile, threading, time, urllib.parse

root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
build = os.environ.get("BUILD", os.path.join(root, "build"))
talks = []


class Wrong(Exception):
    pass


def say(condition, what="that is not so"):
    if not condition:
        raise Wrong(what)


def talk(function=None, **wants):
    """@talk, or @talk(server=False) for who starts servers itself, @talk(settings=[…]), @talk(cluster=True), @talk(embedded=True), @talk(seconds=90)."""
    def keep(f):
        talks.append((f, wants))
        return f
    return keep(function) if function else keep


def wait_for(condition, what, seconds=10.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        got = condition()
        if got:
            return got
        time.sleep(0.05)
    raise Wrong(f"{what} did not come within {seconds:g} s")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """A makmal serve of one's own: free port, temporary home, log in a file."""

    def __init__(self, settings=(), home=None, cluster=None, environment=None):
        self.own_home = home is None
        self.home = home or tempfile.mkdtemp(prefix="makmal-talk-")
        self.address = "127.0.0.1"                                     # and whatever --listen in settings says
        self.port = free_port()
        self.log_path = os.path.join(self.home, "log.txt")
        self.settings = ["--home", self.home, "--port", str(self.port), "--api-port", str(free_port())]
        if cluster:
            self.settings += ["--kubeconfig", cluster, "--yes"]
        elif not any(s.startswith("--cluster") or s.startswith("--kubeconfig") for s in settings):
            self.settings += ["--cluster", "none"]
        self.settings += list(settings)
        self.environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **(environment or {})}
        self.process = None
        self.admin_key = None

    def start(self, seconds=20):
        self.log = open(self.log_path, "ab")
        self.process = subprocess.Popen([os.path.join(build, "makmal"), "serve", *self.settings], stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL, env=self.environment, cwd="/")
        try:
            wait_for(lambda: self.process.poll() is not None or self.up(), "the server", seconds)
        except Wrong:
            raise Wrong("the server does not answer; its log ends:\n" + self.text()[-2000:])
        say(self.process.poll() is None, "the server ended:\n" + self.text()[-2000:])
        return self

    def up(self):
        try:
            return self.get("/healthz").status == 200
        except OSError:
            return False

    def text(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def setup_key(self):
        """Of the newest one-time link."""
        return re.findall(r"/setup\?k=([0-9a-z-]+)", wait_for(lambda: "/setup?k=" in self.text() and self.text(), "the one-time link"))[-1]

    def stop(self, how=signal.SIGTERM, seconds=25):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise Wrong(f"the server did not stop within {seconds} s")
        return self.process.returncode if self.process else None

    def close(self):
        try:
            self.stop()
        finally:
            if self.own_home:
                shutil.rmtree(self.home, ignore_errors=True)

    def get(self, path, **headers):
        return Browser(self).ask("GET", path, headers=headers)

    def raw(self, data, seconds=5.0, more=()):
        """Sends bytes as they are, then each (pause, bytes) of more; gives all that came until it closed or the time was over."""
        with socket.create_connection((self.address, self.port), timeout=seconds) as s:
            s.sendall(data)
            got = b""
            end = time.monotonic() + seconds
            for pause, piece in more:
                time.sleep(pause)
                try:
                    s.sendall(piece)
                except OSError:
                    break
            while time.monotonic() < end:
                s.settimeout(max(0.01, end - time.monotonic()))
                try:
                    piece = s.recv(65536)
                except (TimeoutError, ConnectionResetError):
                    break
                if not piece:
                    break
                got += piece
                head, _, body = got.partition(b"\r\n\r\n")
                length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
                if length and len(body) >= int(length[1]):
                    break
            return got

    def status_of(self, data, **how):
        got = self.raw(data, **how)
        return int(got[9:12]) if got.startswith(b"HTTP/1.1 ") else 0

    def memory(self):
        """Resident bytes."""
        with open(f"/proc/{self.process.pid}/status") as f:
            return int(re.search(r"VmRSS:\s+(\d+)", f.read())[1]) * 1024

    def administrator(self, name="Siti", password="correct horse battery"):
        browser = Browser(self)
        browser.post("/api/v1/setups", {"key": self.setup_key(), "name": name, "password": password}, 201)
        return browser

    def workshop(self, staff, name="UTM"):
        return staff.post("/api/v1/workshops", {"name": name}, 201).json

    def learner(self, code, name):
        browser = Browser(self)
        browser.joined = browser.post("/api/v1/joins", {"code": code, "name": name, "language": "en"}, 201).json
        return browser


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def text(self):
        return self.body.decode("utf-8")

    @property
    def key(self):
        return self.json["error"]["key"]


class Browser:
    """Cookies, Origin and token, as a browser sends them."""

    def __init__(self, server):
        self.server, self.cookies, self.token = server, {}, ""

    def ask(self, method, path, body=None, headers=None, form=False, status=None):
        own = {"Host": f"{self.server.address}:{self.server.port}"}
        if self.cookies:
            own["Cookie"] = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
        if method != "GET":
            own["Origin"] = f"http://{self.server.address}:{self.server.port}"
            if self.token and not form:
                own["X-Makmal-Token"] = self.token
        if form:
            data = urllib.parse.urlencode({**({"token": self.token} if self.token else {}), **body}).encode()
            own["Content-Type"] = "application/x-www-form-urlencoded"
        elif isinstance(body, (bytes, str)):
            data = body.encode() if isinstance(body, str) else body
            own["Content-Type"] = "application/json"
        elif body is not None:
            data = json.dumps(body).encode()
            own["Content-Type"] = "application/json"
        else:
            data = None
        for name, value in (headers or {}).items():
            if value is None:
                own.pop(name, None)
            else:
                own[name] = value
        connection = http.client.HTTPConnection(self.server.address, self.server.port, timeout=45)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in own.items():
                connection.putheader(name, value)
            if data is not None:
                connection.putheader("Content-Length", str(len(data)))
            connection.endheaders(data)
            reply = connection.getresponse()
            answer = Answer(reply.status, reply.headers, reply.read())
        finally:
            connection.close()
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = cookie.split(";")[0].partition("=")
            if "Max-Age=0" in cookie:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
        if "json" in answer.headers.get("Content-Type", "") and answer.body:
            got = answer.json
            if isinstance(got, dict) and got.get("csrf"):
                self.token = got["csrf"]
        elif answer.body and (match := re.search(rb'name="makmal-token" content="([0-9a-f]+)"', answer.body)):
            self.token = match[1].decode()
        if status is not None:
            say(answer.status == status, f"{method} {path} answered {answer.status}, not {status}: {answer.body[:300]!r}")
        return answer

    def get(self, path, status=None, **headers):
        return self.ask("GET", path, headers=headers, status=status)

    def post(self, path, body, status=None, **headers):
        return self.ask("POST", path, body, headers=headers, status=status)

    def put(self, path, body, status=None):
        return self.ask("PUT", path, body, status=status)

    def delete(self, path, status=None):
        return self.ask("DELETE", path, status=status)

    def form(self, path, fields, status=None):
        return self.ask("POST", path, fields, form=True, status=status)

    def stream(self, topics="cluster", since=None):
        return Stream(self, topics, since)


class Stream:
    """The live stream of one tab, read by a thread. events: [(name, data, id)]."""

    def __init__(self, browser, topics, since):
        self.events, self.status, self.ended, self.headers = [], 0, False, {}
        self.connection = http.client.HTTPConnection(browser.server.address, browser.server.port, timeout=40)
        path = "/api/v1/live?topics=" + urllib.parse.quote(topics) + (f"&since={since}" if since else "")
        self.connection.request("GET", path, headers={"Cookie": "; ".join(f"{k}={v}" for k, v in browser.cookies.items()), "X-Makmal-Token": browser.token})
        self.reply = self.connection.getresponse()
        self.status, self.headers = self.reply.status, self.reply.headers
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        name = data = ident = None
        try:
            for line in self.reply:
                field, _, value = line.decode().rstrip("\n").partition(": ")
                if field == "event":
                    name = value
                elif field == "data":
                    data = value
                elif field == "id":
                    ident = value
                elif not field and name:
                    self.events.append((name, json.loads(data), ident))
                    name = data = ident = None
        except (OSError, ValueError, http.client.HTTPException, AttributeError):
            pass
        self.ended = True

    def expect(self, name, seconds=5.0):
        return wait_for(lambda: next((e for e in self.events if e[0] == name), None), f"event {name}", seconds)

    def last_id(self):
        return next((e[2] for e in reversed(self.events) if e[2]), None)

    def close(self):
        try:
            self.connection.sock and self.connection.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.connection.close()
