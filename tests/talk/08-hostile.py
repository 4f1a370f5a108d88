"""Family 8: hostile input. What a single odd request is told stands in tests/unit/web/test_door.c; here is what takes time or a whole server."""
import json, socket, subprocess, sys, threading, time
from talk import Browser, build, say, talk, wait_for
import os


def connect(server):
    s = socket.create_connection(("127.0.0.1", server.port), timeout=40)
    return s


def gone(s, seconds):
    """Whether the other side closed within so many seconds."""
    s.settimeout(seconds)
    try:
        while True:
            if not s.recv(65536):
                return True
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


@talk(seconds=45)
def a_body_a_byte_a_second_is_given_up_after_30_seconds(server):
    head = b"POST /api/v1/joins HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nContent-Type: application/json\r\nContent-Length: 200\r\n\r\n"
    since = time.monotonic()
    s = connect(server)
    s.sendall(head)
    s.settimeout(1.0)
    got = b""
    while time.monotonic() - since < 40:
        try:
            s.sendall(b" ")
            piece = s.recv(4096)
            if not piece:
                break
            got += piece
            break
        except TimeoutError:
            continue
        except OSError:
            break
    took = time.monotonic() - since
    say(got.startswith(b"HTTP/1.1 408 "), f"it answered {got[:60]!r}")
    say(took >= 28, f"after {took:.0f} s, and a byte a second would have gone on for 200")
    s.close()


@talk(seconds=25)
def half_heads_half_bodies_and_silence_do_not_keep_others_out(server):
    sockets = []
    for i in range(300):
        s = connect(server)
        if i % 3 == 0:
            s.sendall(b"GET / HTTP/1.1\r\nHost: loc")
        elif i % 3 == 1:
            s.sendall(b"POST /api/v1/joins HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
        sockets.append(s)
    for _ in range(20):
        say(server.get("/healthz").status == 200)
    say(not any(gone(s, 0.01) for s in sockets[-3:]), "pages answer while the others hold their places")
    say(all(gone(s, 9) for s in sockets), "all of them are cut")


@talk(seconds=25)
def more_silent_sockets_than_threads_are_gone_in_ten_seconds(server):
    sockets = [connect(server) for _ in range(600)]
    since = time.monotonic()
    say(server.get("/healthz").status == 200)
    say(time.monotonic() - since < 10, f"a page came after {time.monotonic() - since:.1f} s")
    for s in sockets:
        s.close()


@talk(seconds=40)
def a_stream_that_is_never_read_is_given_up(server):
    learner = server.learner(server.workshop(server.administrator())["code"], "Aina")
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.connect(("127.0.0.1", server.port))
    cookie = "; ".join(f"{k}={v}" for k, v in learner.cookies.items())
    s.sendall(f"GET /api/v1/live?topics=cluster HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\nX-Makmal-Token: {learner.token}\r\n\r\n".encode())
    wait_for(lambda: "makmal_streams 1\n" in server.get("/metrics").text, "the stream")
    s.close()                                   # gone without a word: noticed at the pings
    wait_for(lambda: "makmal_streams 0\n" in server.get("/metrics").text, "the end of the stream", 35)


@talk
def upgrades_and_web_sockets_are_refused(server):
    for more in ("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: x\r\n"):
        for path in ("/", "/api/v1/live", "/nowhere"):
            say(server.status_of(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n".encode()) == 400, f"{path} with {more!r}")


def routes():
    out = subprocess.run([os.path.join(build, "makmal"), "--routes"], capture_output=True, text=True, check=True).stdout
    return [line.split()[:3] for line in out.splitlines()]


@talk(seconds=30)
def no_route_takes_a_malformed_body(server):
    learner = server.learner(server.workshop(server.administrator())["code"], "Aina")
    browsers = {"anyone": Browser(server), "learner": learner}
    bad = [b"", b"[]", b"null", b"7", b'"x"', b"{", b'{"x":1}', b'{"files":{}}', b'{"name":"a","name":"b"}', b'{"ROLE":"administrator"}', b'{"name":"a\\u0000b"}', b'{"n":9007199254740993}',
           b'{"a":' * 100 + b"1" + b"}" * 100, b"{}x", b'{"name":"\xff"}', b'{"files":[{"name":"../x","text":""}]}', b'{"files":[{"name":"a.yaml"}]}', b'{"files":[{"name":"a.yaml","text":"","more":1}]}',
           b'{"files":[{"name":"a.yaml","base64":"***"}]}', json.dumps({"files": [{"name": "a.yaml", "text": "x" * 300 * 1024}]}).encode()]
    tried = 0
    for method, path, need in routes():
        if method in ("GET", "DELETE") or not path.startswith("/api/") or need not in browsers:
            continue
        real = path
        while "{" in real:
            real = real[:real.index("{")] + "01arz3ndektsv4rrffq69g5fav" + real[real.index("}") + 1:]
        for body in bad:
            answer = browsers[need].ask(method, real, body)
            tried += 1
            say(400 <= answer.status < 500, f"{method} {path} with {body[:40]!r} answered {answer.status} {answer.body[:200]!r}")
            if answer.status == 429:
                time.sleep(0.5)
            error = answer.json["error"]
            say(error["message"] and error["message"] != error["key"], f"{error['key']} has no sentence")
    say(tried > 100, "the table was empty")


@talk
def what_is_foreign_or_missing_looks_the_same(server):
    code = server.workshop(server.administrator())["code"]
    aina = server.learner(code, "Aina")
    for method, path, need in routes():
        if need not in ("learner", "instructor") or not path.startswith("/api/") or "{" not in path or "quiz" in path:
            continue
        real = path
        while "{" in real:
            real = real[:real.index("{")] + "01arz3ndektsv4rrffq69g5fav" + real[real.index("}") + 1:]
        body = {"files": []} if path.endswith(("submissions", "applies", "dryruns", "draft")) and method != "GET" else {"key": "hints", "rung": 1} if path.endswith("hints") else \
               {"topics": "cluster"} if "live" in path else {}
        answer = aina.ask(method, real, None if method in ("GET", "DELETE") else body)
        wanted = (403,) if need == "instructor" else (404, 400)
        if answer.status == 503 and answer.key == "cluster.away":
            continue                            # told before anybody looks for the attempt
        say(answer.status in wanted, f"{method} {path} answered {answer.status} {answer.body[:200]!r}")
    nobody = Browser(server)
    for method, path, need in routes():
        if need in ("learner", "instructor", "administrator") and "{" not in path:
            answer = nobody.ask(method, path, None if method in ("GET", "DELETE") else {})
            say(answer.status in (401, 400, 411, 415), f"{method} {path} answered nobody with {answer.status}")


@talk(seconds=20)
def a_flood_from_one_login_is_slowed(server):
    aina = server.learner(server.workshop(server.administrator())["code"], "Aina")
    statuses = [aina.get("/api/v1/me").status for _ in range(140)]
    say(statuses[:40].count(200) >= 35, "the first ones pass")
    say(429 in statuses, "then it is told to wait")
    say(500 not in statuses and 503 not in statuses)


@talk
def markup_in_names_is_only_text(server):
    staff = server.administrator()
    odd = '<img src=x onerror=alert(1)>"\'&'
    room = server.workshop(staff, odd)
    learner = server.learner(room["code"], odd)
    for browser, path in ((staff, "/workshops"), (learner, "/j"), (learner, "/status")):
        page = browser.get(path, 200).text
        say("<img" not in page, f"{path} shows markup")
    say(Browser(server).get("/j?k=%22%3E%3Cimg%20src=x%3E", 200).text.count("<img") == 0)


@talk(settings=["--proxy", "127.0.0.1", "--public-name", "lab.example.my"])
def a_listed_proxy_speaks_for_browsers_and_nobody_else_does(server):
    https = {"Host": "lab.example.my", "X-Forwarded-Proto": "https", "X-Forwarded-For": "198.51.100.9, 203.0.113.7", "Origin": "https://lab.example.my"}
    answer = Browser(server).ask("POST", "/api/v1/setups", {"key": server.setup_key(), "name": "Siti", "password": "correct horse battery"}, headers=https)
    say(answer.status == 201, f"answered {answer.status} {answer.body!r}")
    cookie = answer.headers["Set-Cookie"]
    say(cookie.startswith("__Host-makmal=") and cookie.endswith("; Secure"), cookie)
    say(answer.headers["Strict-Transport-Security"])
    wait_for(lambda: "status=201" in server.text(), "the log line")
    say("address=203.0.113.7" in server.text() and "address=198.51.100.9" not in server.text(), "the proxy's own word counts, not what the browser put before it")
    server.status_of(b"GET /j HTTP/1.1\r\nHost: lab.example.my\r\nX-Forwarded-For: 198.51.100.9\r\nX-Forwarded-For: 203.0.113.8\r\n\r\n")
    wait_for(lambda: "address=203.0.113.8" in server.text(), "the log line of a proxy that adds a header of its own")
    say("address=198.51.100.9" not in server.text(), "the browser's own header does not count")
    say(Browser(server).ask("POST", "/api/v1/joins", {"return_key": "x"}, headers={**https, "Origin": "http://lab.example.my"}).status == 403, "the origin is the one browsers see")
    say(Browser(server).get("/metrics", **{"X-Forwarded-For": "203.0.113.7"}).status == 404, "numbers are not for the world")


@talk
def forwarded_headers_of_strangers_are_ignored(server):
    answer = Browser(server).get("/j", **{"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"})
    say(answer.status == 200 and not answer.headers["Strict-Transport-Security"] and "evil" not in answer.text)
    say("203.0.113.7" not in server.text())
