# lib.sh: what the scripts of `make run` and `make test` share. Sourced; sets root, cache and the step printer.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cache=${MAKMAL_CACHE:-/var/cache/makmal}
build=${BUILD:-$root/build}
case $build in /*) ;; *) build=$root/$build ;; esac
export MAKMAL_CACHE=$cache

step() { printf '\n== %s\n' "$*"; }
say() { printf '   %s\n' "$*"; }
die() { printf 'makmal: %s\n' "$*" >&2; exit 1; }

# wanted FILE...: the package names in those lists
wanted() { sed -e 's/#.*//' -e 's/[[:space:]]//g' -e '/^$/d' "$@" | sort -u; }

# missing NAME...: those that are not installed
missing() {
  local name
  for name; do
    dpkg-query -W -f='${Status}\n' "$name" 2>/dev/null | grep -q '^install ok installed' || printf '%s\n' "$name"
  done
}

# install_packages FILE...: installs what lacks, so that no daemon starts (policy-rc.d answers 101 meanwhile).
install_packages() {
  local lack policy=/usr/sbin/policy-rc.d ours= status=0
  mapfile -t lack < <(missing $(wanted "$@"))
  # a Node.js that is already there, from wherever, serves as well as Debian's
  if ! command -v node >/dev/null; then lack+=(nodejs); fi
  if ! command -v npm >/dev/null; then lack+=(npm); fi
  # Docker's own containerd is used, never replaced
  if command -v containerd >/dev/null && command -v runc >/dev/null; then
    mapfile -t lack < <(printf '%s\n' "${lack[@]}" | grep -vxE 'containerd|runc' || true)
  fi
  [ ${#lack[@]} -gt 0 ] && [ -n "${lack[0]}" ] || { say "all packages are there"; return 0; }
  [ "$(id -u)" = 0 ] || die "these packages are missing: ${lack[*]}; run as root, or install them yourself"
  say "installing: ${lack[*]}"
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' > $policy
    chmod 755 $policy
    ours=1
  fi
  export DEBIAN_FRONTEND=noninteractive
  { apt-get -q -o DPkg::Lock::Timeout=900 update &&
    apt-get -q -y -o DPkg::Lock::Timeout=900 -o Dpkg::Use-Pty=0 install --no-install-recommends "${lack[@]}"; } > "$cache/apt.log" 2>&1 || status=$?
  [ -z "$ours" ] || rm -f $policy
  if [ $status != 0 ]; then
    tail -n 15 "$cache/apt.log" >&2
    die "apt-get could not install the packages (whole log: $cache/apt.log)"
  fi
}

go_is_new_enough() {
  command -v go >/dev/null || return 1
  printf '%s\n%s\n' go1.26.4 "$(go env GOVERSION)" | sort -V -C
}

# provide_go: Go >= 1.26.4 on PATH. Debian 12's is older: trixie-backports' is unpacked under the cache, from the mirror that apt uses already.
provide_go() {
  export PATH=$cache/go/usr/lib/go-1.26/bin:$PATH
  go_is_new_enough && return 0
  say "fetching Go 1.26 (from trixie-backports, unpacked under $cache/go)"
  local work mirror keys
  work=$(mktemp -d)
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v -i security | head -n 1)
  keys=/usr/share/keyrings/debian-archive-keyring.gpg
  mkdir -p "$work/lists/partial" "$work/archives/partial"
  printf 'deb [signed-by=%s] %s trixie-backports main\ndeb [signed-by=%s] %s trixie main\n' "$keys" "$mirror" "$keys" "$mirror" > "$work/sources.list"
  local options=(-q -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null -o Dir::State::lists="$work/lists"
    -o Dir::Cache::archives="$work/archives" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root)
  ( cd "$work" && apt-get "${options[@]}" update && apt-get "${options[@]}" download golang-1.26-go golang-1.26-src ) > "$cache/go.log" 2>&1 ||
    { tail -n 5 "$cache/go.log" >&2; rm -rf "$work"; die "Go 1.26 could not be fetched; install Go 1.26.4 or newer and try again"; }
  mkdir -p "$cache/go"
  for deb in "$work"/*.deb; do dpkg-deb -x "$deb" "$cache/go"; done
  # Debian's tree points into /usr/share/go-1.26: make those links relative to the unpacked tree
  local link target
  find "$cache/go/usr/lib/go-1.26" -type l | while read -r link; do
    target=$(readlink "$link")
    case $target in
      /*) ln -sfn "$cache/go$target" "$link" ;;
      ../../share/*) ;;
    esac
  done
  rm -rf "$work"
  go_is_new_enough || die "the unpacked Go does not run; see $cache/go"
}
