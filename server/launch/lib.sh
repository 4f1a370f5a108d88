# lib.sh: what the scripts of `make run` and `make test` share. Sourced; sets root, cache, build and home, and knows how to wait for a step so that it can
# be ended at any moment. A script that sources it traps its signals itself and calls end_step first.
# shellcheck shell=bash disable=SC2034
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
if [ "$(id -u)" = 0 ]; then
  cache=${MAKMAL_CACHE:-/var/cache/makmal}
else
  cache=${MAKMAL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/makmal}
fi
build=${BUILD:-$root/build}
case $build in /*) ;; *) build=$root/$build ;; esac
export MAKMAL_CACHE=$cache

step() { printf '\n== %s\n' "$*"; }
say() { printf '   %s\n' "$*"; }
die() { printf 'makmal: %s\n' "$*" >&2; exit 1; }

# --- steps that can be ended -------------------------------------------------
# A step has a process group of its own: Ctrl-C reaches the script alone, which ends the step and whatever else it has started, in order.
STEP=

# run_step COMMAND...: waits for it; its status
run_step() {
  local code=0
  set -m
  "$@" < /dev/null &
  STEP=$!
  set +m
  wait "$STEP" || code=$?
  STEP=
  return $code
}

# patiently WHAT LOG COMMAND...: its output goes to LOG; a line every ten seconds says that it lives. Its status.
patiently() {
  local what=$1 log=$2 code=0 since=$SECONDS told=$SECONDS
  shift 2
  set -m
  "$@" > "$log" 2>&1 < /dev/null &
  STEP=$!
  set +m
  while kill -0 "$STEP" 2> /dev/null; do
    sleep 0.1
    if [ $((SECONDS - told)) -ge 10 ]; then
      told=$SECONDS
      say "$what: $((SECONDS - since)) s, $(tail -n 1 "$log" | tr -d '\r' | cut -c1-100)"
    fi
  done
  wait "$STEP" || code=$?
  STEP=
  return $code
}

# end_step: ends the step under way and everything it has started; waits for that, ten seconds at most.
end_step() {
  local i
  [ -n "$STEP" ] || return 0
  kill -TERM -- "-$STEP" 2> /dev/null || true
  for i in {1..100}; do
    kill -0 -- "-$STEP" 2> /dev/null || break
    [ "$i" != 100 ] || kill -KILL -- "-$STEP" 2> /dev/null || true
    sleep 0.1
  done
  wait "$STEP" 2> /dev/null || true
  STEP=
}

# --- packages ----------------------------------------------------------------
# wanted FILE...: the package names in those lists
wanted() { sed -e 's/#.*//' -e 's/[[:space:]]//g' -e '/^$/d' "$@" | sort -u; }

# missing NAME...: those that are not installed
missing() { comm -23 <(printf '%s\n' "$@" | sort -u) <(dpkg-query -W -f='${Package} ${Status}\n' "$@" 2> /dev/null | sed -n 's/ install ok installed$//p' | sort -u); }

# apt_install NAME...: run as a step. No daemon starts: policy-rc.d answers 101 meanwhile, unless the machine has one of its own. What an interrupted
# installation has left half done is completed first. An archive that does not answer matters only if a package comes from it.
apt_install() {
  local policy=/usr/sbin/policy-rc.d mark='# made by Makmal for the time of an installation' apt=(apt-get -q -y -o DPkg::Lock::Timeout=900 -o Dpkg::Use-Pty=0)
  trap 'exit 143' TERM INT HUP
  if [ ! -e $policy ] || grep -qxF "$mark" $policy; then
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    printf '#!/bin/sh\n%s\nexit 101\n' "$mark" > $policy
    chmod 755 $policy
  fi
  export DEBIAN_FRONTEND=noninteractive
  if [ -n "$(dpkg --audit)" ] || find /var/lib/dpkg/updates -name '[0-9]*' | grep -q .; then dpkg --configure -a; fi
  "${apt[@]}" update || echo "(not every archive answered; going on)"
  "${apt[@]}" install --no-install-recommends --fix-broken "$@"
}

# install_packages FILE...: installs what lacks.
install_packages() {
  local lack=() names=()
  mapfile -t names < <(wanted "$@")
  mapfile -t lack < <(missing "${names[@]}")
  # A Node.js that is already there, from wherever, serves as well as Debian's.
  command -v node > /dev/null || lack+=(nodejs)
  command -v npm > /dev/null || lack+=(npm)
  # Docker's own containerd is used, never replaced.
  if command -v containerd > /dev/null && command -v runc > /dev/null; then
    mapfile -t lack < <(printf '%s\n' "${lack[@]}" | grep -vxE 'containerd|runc')
  fi
  [ -n "${lack[*]}" ] || { say "all packages are there"; return 0; }
  [ "$(id -u)" = 0 ] || die "these packages are missing: ${lack[*]}. Cure: run it as root (sudo make run), or install them yourself"
  say "installing ${#lack[@]}: $(printf '%s ' "${lack[@]}" | cut -c1-110)"
  mkdir -p "$cache"
  patiently "installing" "$cache/apt.log" apt_install "${lack[@]}" || {
    grep -E '^(E|W|dpkg): ' "$cache/apt.log" | tail -n 8 >&2
    die "the packages could not be installed (whole log: $cache/apt.log). Cure: let 'apt-get update' and 'apt-get install ${lack[0]}' work by hand, then call it again"
  }
}

# --- Go ----------------------------------------------------------------------
go_is_new_enough() {
  command -v go > /dev/null || return 1
  printf '%s\n%s\n' go1.26.4 "$(GOTOOLCHAIN=local go env GOVERSION 2> /dev/null)" | sort -V -C
}

# debian_mirror: the archive of Debian that this machine's apt uses. What it is called is known once its lists are there.
debian_mirror() {
  local all
  all=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian')
  if [ -z "$all" ]; then
    apt-get -q update > /dev/null 2>&1
    all=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian')
  fi
  printf '%s\n' "${all%%$'\n'*}"
}

# fetch_go MIRROR: Go 1.26 from trixie-backports, unpacked under the cache and not installed.
fetch_go() {
  local work keys=/usr/share/keyrings/debian-archive-keyring.gpg link target deb
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  trap 'exit 143' TERM INT HUP
  mkdir -p "$work/lists/partial" "$work/archives/partial" "$work/go"
  printf 'deb [signed-by=%s] %s trixie-backports main\ndeb [signed-by=%s] %s trixie main\n' "$keys" "$1" "$keys" "$1" > "$work/sources.list"
  local apt=(apt-get -q -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null -o Dir::State::lists="$work/lists"
    -o Dir::Cache::archives="$work/archives" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root)
  cd "$work" && "${apt[@]}" update && "${apt[@]}" download golang-1.26-go golang-1.26-src || return 1
  for deb in "$work"/*.deb; do dpkg-deb -x "$deb" "$work/go" || return 1; done
  # Debian's tree points into /usr/share/go-1.26: those links lead into the unpacked tree.
  while read -r link; do
    target=$(readlink "$link")
    case $target in /*) ln -sfn "$cache/go$target" "$link" ;; esac
  done < <(find "$work/go/usr/lib/go-1.26" -type l)
  rm -rf "$cache/go"
  mv "$work/go" "$cache/go"
}

# provide_go: Go >= 1.26.4 on PATH.
provide_go() {
  local mirror
  export PATH=$cache/go/usr/lib/go-1.26/bin:$PATH
  ! go_is_new_enough || return 0
  mkdir -p "$cache"
  mirror=$(debian_mirror)
  [ -n "$mirror" ] || die "this machine's apt names no Debian archive to fetch Go from. Cure: install Go 1.26.4 or newer and call it again"
  say "fetching Go 1.26 (from trixie-backports, unpacked under $cache/go)"
  patiently "fetching Go" "$cache/go.log" fetch_go "$mirror" || { tail -n 5 "$cache/go.log" >&2; die "Go 1.26 could not be fetched. Cure: install Go 1.26.4 or newer and call it again"; }
  hash -r
  go_is_new_enough || die "the unpacked Go does not run. Cure: remove $cache/go, or install Go 1.26.4 or newer"
}
