"""Family 7: from another machine: the kubeconfig that a learner downloads, used by a kubectl that has nothing but a wire to this server."""
import contextlib, itertools, json, os, random, re, shutil, subprocess, tempfile, time
from talk import Server, root, say, talk, wait_for

NAME = "makmal.test"
ADDED = "added.makmal.test"
POD = """
apiVersion: v1
kind: Pod
metadata: {name: tools}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - {name: tools, image: busybox, command: [sh, -c, "mkdir /tmp/www; cd /tmp/www; echo from the pod > index.html; busybox httpd -p 8080 -h /tmp/www; i=0; while sleep 1; do i=$((i+1)); echo line $i; done"]}
"""


class Machine:
    """A second machine: a network namespace with a wire to this one, a hosts file of its own, and no other way out. All of it ends with one process."""

    def __init__(self, names):
        self.folder = tempfile.mkdtemp(prefix="makmal-machine-")
        self.keeper = None
        for _ in range(50):                                            # a piece of the range for benchmarks that nobody here uses
            a, b = random.randrange(18, 20), random.randrange(256)
            self.server, self.address = f"198.{a}.{b}.1", f"198.{a}.{b}.2"
            if not subprocess.run(["ip", "route", "show", "root", f"198.{a}.{b}.0/24"], capture_output=True).stdout:
                break
        self.link = f"mkm{os.getpid() % 100000}x{random.randrange(1000)}"
        with open(f"{self.folder}/hosts", "w") as f:
            f.write(f"127.0.0.1 localhost\n{self.server} {' '.join(names)}\n")
        self.keeper = subprocess.Popen(["unshare", "--net", "--mount", "--propagation", "private", "sh", "-c", f"mount --bind {self.folder}/hosts /etc/hosts && ip link set lo up && echo there && exec sleep infinity"],
                                       stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        say(self.keeper.stdout.readline() == b"there\n", "no second machine could be made")
        pid = str(self.keeper.pid)
        for line in (f"link add {self.link} type veth peer name eth0 netns {pid}", f"address add {self.server}/30 dev {self.link}", f"link set {self.link} up"):
            subprocess.run(["ip", *line.split()], check=True)
        for line in (f"address add {self.address}/30 dev eth0", "link set eth0 up"):
            subprocess.run(["nsenter", "-t", pid, "-n", "ip", *line.split()], check=True)

    def start(self, *command, **how):
        return subprocess.Popen(["nsenter", "-t", str(self.keeper.pid), "-n", "-m", "env", "-i", "PATH=/usr/bin:/bin", f"HOME={self.folder}", *command], text=True, **how)

    def run(self, *command, stdin=None):
        done = self.start(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            return done.communicate(stdin, 120)[0], done.returncode
        finally:
            done.kill()

    def close(self):
        if self.keeper:
            self.keeper.kill()
            self.keeper.wait()
        subprocess.run(["ip", "link", "delete", self.link], capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)


class Kubectl:
    """kubectl on that machine, as the learner whose kubeconfig was downloaded."""

    def __init__(self, machine, config):
        self.machine = machine
        self.path = f"{machine.folder}/config"
        with open(self.path, "w") as f:
            f.write(config)
        self.program = [os.environ["TEST_KUBECTL"], "--kubeconfig", self.path]

    def __call__(self, *arguments, stdin=None):
        text, code = self.machine.run(*self.program, *arguments, stdin=stdin)
        say(code == 0, f"kubectl {' '.join(arguments)}: {text}")
        return text

    @contextlib.contextmanager
    def going_on(self, *arguments):
        running = self.machine.start(*self.program, *arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            yield running
        finally:
            running.kill()
            running.wait()
            running.stdout.close()


def serve_to(machine, *names):
    settings = ["--cluster", os.environ["TEST_CLUSTER"], "--user", "root", "--listen", machine.server, "--plain-http"]
    for name in names:
        settings += ["--public-name", name]
    server = Server(settings=settings)
    server.address = machine.server
    return server.start(30)


def downloaded(server, name):
    """A learner's kubeconfig, fetched under that name of the server."""
    aina = server.learner(server.workshop(server.administrator())["code"], "Aina")
    attempt = aina.post("/api/v1/labs/mend-selector/attempts", {}, 202).json["attempt"]
    look = lambda: aina.get(f"/api/v1/attempts/{attempt['id']}").json["attempt"]
    wait_for(lambda: look()["state"] == "ready", "the namespace", 90)
    path = f"/api/v1/attempts/{attempt['id']}/kubeconfig"
    answer = wait_for(lambda: (lambda got: got.status == 200 and got)(aina.get(path, Host=f"{name}:{server.port}")), "the kubeconfig", 30)
    return aina, attempt, answer.text


@talk(server=False, embedded=True, seconds=60)
def a_downloaded_kubeconfig_does_everything_from_another_machine():
    machine = Machine([NAME])
    server = None
    try:
        server = serve_to(machine, NAME)
        aina, attempt, config = downloaded(server, NAME)
        say(re.search(rf"https://{re.escape(NAME)}:\d+", config), config[:300])
        kubectl = Kubectl(machine, config)
        wait_for(lambda: len(kubectl("get", "pods", "-o", "name").split()) >= 3, "the lab's Pods by get", 30)
        kubectl("apply", "-f", "-", stdin=POD)
        kubectl("wait", "--for=condition=Ready", "pod/tools", "--timeout=90s")
        say(kubectl("exec", "-i", "tools", "--", "tr", "a-z", "A-Z", stdin="both ways\n") == "BOTH WAYS\n", "exec carries both directions")
        with kubectl.going_on("logs", "-f", "tools") as logs:
            seen = list(itertools.islice(logs.stdout, 3))
        say(seen == ["line 1\n", "line 2\n", "line 3\n"], f"logs -f goes on: {seen}")
        with open(f"{machine.folder}/there", "wb") as f:
            f.write(os.urandom(3_000_000))
        kubectl("cp", f"{machine.folder}/there", "tools:/tmp/there")
        kubectl("cp", "tools:/tmp/there", f"{machine.folder}/back")
        with open(f"{machine.folder}/there", "rb") as there, open(f"{machine.folder}/back", "rb") as back:
            say(there.read() == back.read(), "cp brings 3 MB there and back, the same bytes")
        with kubectl.going_on("port-forward", "pod/tools", "8080") as forward:
            say("127.0.0.1:8080" in forward.stdout.readline(), "port-forward listens")
            say(machine.run("curl", "-q", "-sS", "--noproxy", "*", "http://127.0.0.1:8080/")[0] == "from the pod\n", "port-forward reaches the Pod")
        refused, code = machine.run(*kubectl.program, "get", "secrets", "-A")
        say(code != 0 and "forbidden" in refused, f"what a learner may not do is refused there too: {refused}")
        text, code = machine.run("curl", "-q", "-sS", "--noproxy", "*", "--max-time", "2", f"https://{wall(machine)}:6443/readyz")
        say(code != 0, f"the API server itself is out of its reach, the relay is the one way: {text}")
    finally:
        if server:
            server.close()
        machine.close()


def wall(machine):
    """The address of the cluster's node."""
    with open(f"/run/makmal/{os.environ['TEST_CLUSTER']}/status.json") as f:
        return json.load(f)["address"]


def carried(name):
    """Whether the API server's certificate carries the name: asked anew each time, as a client does."""
    machine, port, authority = name[1:]
    return machine.run("curl", "-q", "-sS", "--noproxy", "*", "--max-time", "2", "--cacert", authority, f"https://{name[0]}:{port}/readyz")[0] == "ok"


@talk(server=False, embedded=True, seconds=30)
def names_given_to_the_server_are_in_the_certificate_and_one_added_later_works_within_two_seconds():
    machine = Machine([NAME, ADDED])
    server = None
    try:
        server = serve_to(machine, NAME, ADDED)
        _, _, config = downloaded(server, ADDED)
        kubectl = Kubectl(machine, config)
        say(kubectl("get", "services", "-o", "name"), "a name that the certificate does not carry works by the name kubernetes, which the kubeconfig asks for")
        port = re.search(r"https://[^:]+:(\d+)", config)[1]
        authority = f"{machine.folder}/ca.crt"
        shutil.copy(f"{os.environ['MAKMAL_HOME']}/cluster/{os.environ['TEST_CLUSTER']}/pki/ca.crt", authority)
        fresh = f"n{random.randrange(10**9)}.{ADDED}"                   # not added by any run before
        with open(f"{machine.folder}/hosts", "a") as f:
            f.write(f"{machine.server} {fresh}\n")
        say(not carried((fresh, machine, port, authority)), "a name nobody has given is not in the certificate")
        added = subprocess.run([f"{root}/cluster/cluster", "up", "--name", os.environ["TEST_CLUSTER"]], env={**os.environ, "MAKMAL_SERVER_NAMES": f"{NAME} {fresh}"}, capture_output=True, text=True)
        say(added.returncode == 0, added.stdout + added.stderr)
        since = time.monotonic()
        wait_for(lambda: carried((fresh, machine, port, authority)), "the added name", 30)
        took = time.monotonic() - since
        say(took < 2 or os.getloadavg()[0] > 2 * os.cpu_count(), f"the added name worked after {took:.1f} s")
        say(carried((NAME, machine, port, authority)), "and the others go on")
        say(kubectl("get", "services", "-o", "name"), "and so does a kubeconfig from before")
    finally:
        if server:
            server.close()
        machine.close()
