# Shared by every part of the cluster tool: where things live, how to speak,
# how to write a file that readers may look at meanwhile. Sourced, never run.
# shellcheck shell=bash disable=SC2034

CLUSTER_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
SAFE_PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

MAKMAL_CACHE=${MAKMAL_CACHE:-/var/cache/makmal}
MAKMAL_HOME=${MAKMAL_HOME:-/var/lib/makmal}
RUN_ROOT=/run/makmal
SERVICE_RANGE=10.96.0.0/16
POD_RANGE=10.244.0.0/16
DNS_ADDRESS=10.96.0.10
NODE_NAME=node1

say() { [ -n "${QUIET:-}" ] || printf '%s\n' "$*"; }
warn() { printf '%s\n' "$*" >&2; }
# die WORDS: says so and ends; during a start (TELLS=1) status.json says it too.
die() {
  warn "cluster: $*"
  [ -z "${TELLS:-}" ] || [ "$(state_of)" = broken ] || write_state broken "$*"
  exit 1
}
now_ms() { local t=${EPOCHREALTIME/[.,]/}; echo "${t%???}"; }

# use_name NAME: sets every path of that instance.
use_name() {
  case $1 in
    '' | *[!a-z0-9-]* | -*) die "a name has small letters, digits and dashes, not '$1'" ;;
  esac
  [ ${#1} -le 40 ] || die "the name '$1' is longer than 40 letters"
  NAME=$1
  ROOT=$MAKMAL_HOME/cluster/$NAME
  RUN=$RUN_ROOT/$NAME
  PKI=$ROOT/pki
  CONF=$ROOT/conf
  CGROUP=makmal-$NAME
}

# use_slot K: addresses and ports of slot K.
use_slot() {
  SLOT=$1
  HOST_ADDRESS=172.31.77.$((4 * SLOT + 1))
  NODE_ADDRESS=172.31.77.$((4 * SLOT + 2))
  API_PORT=$((7443 + SLOT))
  LINK=makmal$SLOT
  API_URL=https://$NODE_ADDRESS:6443
}

# put FILE MODE: standard input becomes FILE, replaced by rename.
put() {
  local part=$1.$BASHPID.part
  if (umask 077 && cat >"$part") && chmod "$2" "$part" && mv -f "$part" "$1"; then return 0; fi
  rm -f "$part"
  return 1
}

write_state() { # STATE WHY: status.json while no first process writes it
  jq -cn --arg name "$NAME" --arg state "$1" --arg why "$2" --argjson now "$(now_ms)" --arg version "$(kubernetes_version)" '
    {schema: 1, name: $name, state: $state, why: $why, since_ms: $now, at_ms: $now, parts: {done: 0, total: 7, names: []},
     version: $version, capabilities: [], processes: []}' | put "$RUN/status.json" 644
}

# A finished folder of the cache: `sums` has the digest of every file in it, made when it was finished; `seen` how the files were when that was last found
# right. So a file is read through only when it has changed since, or came with a copied cache, and neither half of a folder nor of a file is taken for one.
# seal FOLDER; whole FOLDER
seal() {
  local sums
  sums=$(cd "$1" && find . -type f ! -name sums ! -name seen -print0 | sort -z | xargs -0 sha256sum) && put "$1/sums" 644 <<<"$sums"
}
whole() {
  local now
  [ -s "$1/sums" ] || return 1
  now=$(find "$1" -type f ! -name seen -printf '%P %s %C@\n' | sort)
  [ "$now" != "$(cat "$1/seen" 2>/dev/null)" ] || return 0
  (cd "$1" && sha256sum --check --status --strict sums) 2>/dev/null || return 1
  (put "$1/seen" 644 <<<"$now") 2>/dev/null || true # somebody who may only read looks again the next time
}

state_of() { jq -r '.state // "stopped"' "$RUN/status.json" 2>/dev/null || echo stopped; }

# json_text TEXT: as a JSON string, with quotes.
json_text() {
  local s=$1
  s=${s//\\/\\\\}
  s=${s//\"/\\\"}
  s=${s//[[:cntrl:]]/ }
  printf '"%s"' "$s"
}

# locked FILE: true if somebody holds a lock on FILE.
locked() { [ -e "$1" ] && ! flock --nonblock "$1" true 2>/dev/null; }

# module_version DIR MODULE: the version that DIR/go.mod asks for.
module_version() {
  awk -v m="$2" '$1 == "replace" { next } $1 == "require" { sub(/^require /, "") } $1 == m && $2 ~ /^v/ { print $2; exit }' "$1/go.mod"
}
kubernetes_version() { module_version "$CLUSTER_DIR" k8s.io/kubernetes; }
