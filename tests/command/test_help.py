"""--help of every command, and the manual page that is made from it."""
import os, re, subprocess
from talk import build, root, say, talk


def makmal(*words, **more):
    got = subprocess.run([os.path.join(build, "makmal"), *words], capture_output=True, text=True, stdin=subprocess.DEVNULL, cwd="/", env={"PATH": os.environ["PATH"], **more})
    return got.returncode, got.stdout, got.stderr


def commands():
    listed = re.findall(r"^  ([a-z]+) +\S", makmal("--help")[1], re.M)
    return [word for word in listed if word != "makmal"]


@talk(server=False)
def every_command_says_what_it_takes_and_how_it_ends():
    say(len(commands()) >= 8, f"{commands()}")
    for command in commands():
        status, out, err = makmal(command, "--help")
        say((status, err) == (0, "") and out.startswith(f"usage: makmal {command}"), f"{command}: {status} {out[:60]!r} {err[:200]!r}")
        say("exit status: 0 " in out, f"{command} does not say its exit status")
        say(all(line == line.rstrip() for line in out.splitlines()) and out.endswith("\n"), f"{command}: blanks behind a line")
        status, out, err = makmal(command, "--nonsense")
        say(status == 2 and out == "" and err.count("\n") == 1 and "nonsense" in err, f"{command} --nonsense: {status} {err[:200]!r}")


@talk(server=False)
def the_help_of_grade_names_every_format():
    out = makmal("grade", "--help")[1]
    refused = makmal("grade", "mend-ports", "-", "--format", "nonsense")[2]
    formats = re.findall(r"\b(text|json|junit|tap|gradescope|sarif|csv)\b", refused)
    say(len(set(formats)) == 7, f"{refused!r}")
    for name in set(formats):
        say(re.search(rf"^  {name} +\S", out, re.M), f"{name} is not explained")


@talk(server=False)
def the_manual_page_has_every_command_and_option_and_is_not_stale():
    with open(os.path.join(root, "server/app/makmal.1"), encoding="utf-8") as f:
        page = f.read().replace("\\-", "-")
    for command in commands():
        say(f"\n.SH {command.upper()}\n" in page, f"{command} has no section")
        section = page.split(f"\n.SH {command.upper()}\n")[1].split("\n.SH ")[0]
        for option in set(re.findall(r"^  (--[a-z-]+)", makmal(command, "--help")[1], re.M)):
            say(f"\\fB{option}" in section, f"{command} {option} is missing")
    got = subprocess.run([os.path.join(root, "server/app/gen"), "--check", os.path.join(build, "makmal")], capture_output=True, text=True, env={**os.environ, "MAKMAL_PORT": "9", "MAKMAL_HOME": "/nowhere"})
    say(got.returncode == 0, got.stderr[-2000:])
