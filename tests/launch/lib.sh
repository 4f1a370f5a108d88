# lib.sh: what the tests of `make run` share. Sourced; sets root, tool, work (gone afterwards), name, port. Each test has an instance name, a folder and
# ports of its own. The server stays root unless a test says otherwise.
# shellcheck shell=bash disable=SC2034
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
tool=$root/cluster/cluster
work=$(mktemp -d /var/tmp/makmal-launch-XXXXXX)
chmod 755 "$work"
name=launch-$$
passed=0 failed=0
unset KUBECONFIG MAKMAL_CONFIG MAKMAL_SERVER_NAMES
export MAKMAL_HOME=$work/home MAKMAL_CLUSTER=$name MAKMAL_USER=root BUILD=${BUILD:-$root/build}
terminals=()

clean_up() {
  local pid
  for pid in "${terminals[@]}"; do kill -TERM "$pid" 2> /dev/null; done
  sleep 0.5
  "$tool" down --name "$name" --wipe > /dev/null 2>&1
  umount -l "$work"/* 2> /dev/null
  rm -rf --one-file-system "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

holds() { # SENTENCE COMMAND...
  local sentence=$1 since=$EPOCHREALTIME
  shift
  if "$@" > "$work/out" 2>&1; then
    passed=$((passed + 1))
    printf '  ✓ %s (%s s)\n' "$sentence" "$(awk -v a="$since" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')"
  else
    failed=$((failed + 1))
    printf '  ✖ %s\n' "$sentence"
    sed 's/^/      /' "$work/out" | tail -n 25
  fi
}
within() { # SECONDS COMMAND...
  local until=$((SECONDS + $1))
  shift
  until "$@" > "$work/last" 2>&1; do
    [ $SECONDS -lt $until ] || { cat "$work/last"; return 1; }
    sleep 0.1
  done
}
free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 10000))
    (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null || { echo "$port"; return; }
  done
}
port=$(free_port)
MAKMAL_API_PORT=$(free_port)
export MAKMAL_PORT=$port MAKMAL_API_PORT

# terminal WHAT COMMAND...: in a terminal of its own (a pty, a session); what it shows is in work/WHAT.txt, what is typed goes to work/WHAT.keys. Sets TERMINAL.
terminal() {
  local what=$1
  shift
  mkfifo "$work/$what.keys"
  exec {KEYS}<> "$work/$what.keys"
  printf '%q ' "$@" > "$work/$what.sh"
  set -m # or it would begin with SIGINT ignored, and so would everything in it (nohup, or a `&` further up, has the same effect)
  SHELL=/bin/sh env --default-signal=INT,HUP,QUIT,TERM script -qefc "exec sh '$work/$what.sh'" /dev/null < "$work/$what.keys" > "$work/$what.txt" 2>&1 &
  TERMINAL=$!
  set +m
  disown
  terminals+=("$TERMINAL")
}
types() { printf '%b' "$2" > "$work/$1.keys"; } # WHAT TEXT
shows() { grep -qE -- "$2" "$work/$1.txt" || { tail -n 15 "$work/$1.txt"; return 1; }; } # WHAT PATTERN
gone() { ! kill -0 "$1" 2> /dev/null; }
nobody_runs() { # PATTERN: no process has it in its command line (this shell and its parents left out)
  local pid
  for pid in $(pgrep -f -- "$1"); do
    case " $$ $BASHPID $PPID " in *" $pid "*) continue ;; esac
    [ "$(cut -d' ' -f3 "/proc/$pid/stat" 2> /dev/null)" != Z ] || continue
    tr '\0' ' ' < "/proc/$pid/cmdline" 2> /dev/null && return 1
  done
  true
}
page() { curl -q -fsS --noproxy '*' "http://127.0.0.1:$port$1"; }
cluster_is() { page /api/v1/cluster | jq -se --arg s "$1" '.[0].state == $s'; } # --slurp: jq 1.6 is content when it is given nothing at all
server_gone() { ! page /healthz && nobody_runs "makmal serve.*$name"; }

summary() {
  printf '%s passed, %s failed\n' "$passed" "$failed"
  [ "$failed" = 0 ]
}
