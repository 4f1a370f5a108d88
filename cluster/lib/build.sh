# Builds the programs of the cluster from Go modules and keeps them under
# $MAKMAL_CACHE/bin/<key>. Sourced by `cluster`. With bin/<key> there, neither
# Go nor a network is needed. One build runs at a time; a second caller waits
# for it and shows the same progress.
# shellcheck shell=bash

GO_NEEDED=1.26.4
GO_BUILD_FLAGS=(-mod=readonly -trimpath -buildvcs=false)
CORE_PROGRAMS=(kubernetes kubectl etcd coredns kube-router)

# program NAME: module folder, package, package lines of a cold build, extra linker flags.
program() {
  local version minor package
  version=$(kubernetes_version)
  minor=${version#v1.}
  minor=${minor%%.*}
  P_LDFLAGS="-s -w"
  case $1 in
    kubernetes | kubectl)
      for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
        P_LDFLAGS+=" -X $package.gitVersion=$version -X $package.gitMajor=1 -X $package.gitMinor=$minor"
        P_LDFLAGS+=" -X $package.gitCommit=0000000000000000000000000000000000000000"
        P_LDFLAGS+=" -X $package.gitTreeState=clean -X $package.buildDate=2026-01-01T00:00:00Z"
      done
      P_DIR=$CLUSTER_DIR
      if [ "$1" = kubectl ]; then P_PACKAGE=k8s.io/kubernetes/cmd/kubectl P_LINES=107; else P_PACKAGE=. P_LINES=2875; fi
      ;;
    etcd) P_DIR=$CLUSTER_DIR/addons/etcd P_PACKAGE=go.etcd.io/etcd/server/v3 P_LINES=386 ;;
    coredns) P_DIR=$CLUSTER_DIR/addons/coredns P_PACKAGE=. P_LINES=531 ;;
    kube-router)
      P_DIR=$CLUSTER_DIR/addons/kube-router P_PACKAGE=. P_LINES=450
      ;;
    *)
      has_hook "$1" program || die "no program is called '$1'; there are: ${CORE_PROGRAMS[*]} ${ADDONS_ALWAYS[*]}"
      P_DIR=$CLUSTER_DIR/addons/$1
      hook "$1" program
      ;;
  esac
}

# find_go: sets GO to a Go that is new enough, or leaves it empty.
find_go() {
  local candidate version
  GO=
  for candidate in "${MAKMAL_GO:-}" "$(command -v go 2>/dev/null)" /usr/local/go/bin/go /usr/lib/go-*/bin/go /usr/lib/go/bin/go "$MAKMAL_CACHE"/go/usr/lib/go-*/bin/go; do
    [ -x "$candidate" ] || continue
    version=$(GOTOOLCHAIN=local "$candidate" env GOVERSION 2>/dev/null) || continue
    version=${version#go}
    if [ "$(printf '%s\n%s\n' "$GO_NEEDED" "$version" | sort -V | head -n 1)" = "$GO_NEEDED" ]; then
      GO=$candidate GO_VERSION=$version
      return 0
    fi
  done
  return 1
}

# source_key: what the program is made of, without the compiler.
source_key() {
  local beside
  {
    cat "$P_DIR/go.mod" "$P_DIR/go.sum"
    [ ! -e "$P_DIR/main.go" ] || cat "$P_DIR/main.go"
    for beside in ext patch; do # a module by a `replace`; what is changed of another
      [ ! -d "$P_DIR/$beside" ] || cat "$P_DIR/$beside"/*
    done
    beside=${P_DIR##*/} # and how it is changed
    ! has_hook "$beside" sources || declare -f "${beside//-/_}_sources"
    printf '%s\n' "$P_PACKAGE" "${GO_BUILD_FLAGS[*]}" "$P_LDFLAGS" CGO_ENABLED=0 "$(uname -m)"
  } | sha256sum | cut -c1-64
}

# program_path NAME: prints the finished program, or fails.
program_path() {
  local source key found
  program "$1"
  source=$(source_key)
  if [ -n "${GO:-}" ] || find_go; then
    key=$(program_key "$source")
    finished "$1" "$MAKMAL_CACHE/bin/$key" && return 0
    [ "${AGAIN:-0}" = 0 ] || return 1
  fi
  # Another compiler's program from the same sources will do: half an hour of building is not repeated for it (`build --again` does).
  while read -r found; do
    finished "$1" "${found%/source}" && return 0
  done < <(grep -lxs "$source" "$MAKMAL_CACHE"/bin/*/source 2>/dev/null)
  return 1
}
finished() { [ -x "$2/$1" ] && whole "$2" && echo "$2/$1"; } # NAME FOLDER
program_key() { printf '%s %s\n' "$1" "$GO_VERSION" | sha256sum | cut -c1-64; } # SOURCE-KEY

# report PROGRAM PERCENT SECONDS LAST: build.json, and the terminal.
report() {
  [ ! -d "$RUN" ] || printf '{"schema":1,"program":"%s","percent":%d,"seconds":%d,"at_ms":%s,"last":%s}\n' "$1" "$2" "$3" "$(now_ms)" "$(json_text "$4")" |
    put "$RUN/build.json" 644
  if [ -n "${QUIET:-}" ]; then return; fi
  if [ -t 1 ]; then
    printf '\r\033[Kbuilding %s: %d %%, %d s  %.60s' "$1" "$2" "$3" "$4"
  elif [ $(($3 - SHOWN)) -ge 15 ]; then
    SHOWN=$3
    printf 'building %s: %d %%, %d s  %s\n' "$1" "$2" "$3" "$4"
  fi
}

# follow LOG TOTAL PROGRAM BEGUN: one report of how far the build is.
follow() {
  local lines last percent
  lines=$(wc -l <"$1" 2>/dev/null || echo 0)
  last=$(tail -n 1 "$1" 2>/dev/null)
  percent=$((lines * 100 / $2))
  [ $percent -le 99 ] || percent=99
  report "$3" $percent $((SECONDS - $4)) "$last"
}

# stop_builder: ends a build that is under way, compilers included.
stop_builder() {
  [ -z "${BUILDER:-}" ] || kill -TERM -- "-$BUILDER" 2>/dev/null
  BUILDER=
}

# build_program NAME: makes it unless it is there. The locks are held by the build itself too: if only `up` is killed, the next one waits for what is
# still being compiled, and then has it from Go's cache.
build_program() {
  local name=$1 source key work sources log begun=$SECONDS lock failed=0
  program_path "$name" >/dev/null && return 0
  program "$name"
  find_go || die "$name is not built yet or its finished program is damaged, and no Go >= $GO_NEEDED is here. Cure: apt-get install golang-go from backports (trixie-backports has it), or copy $MAKMAL_CACHE/bin from a machine that has built it"
  source=$(source_key)
  key=$(program_key "$source")
  mkdir -p "$MAKMAL_CACHE"/{bin,go-build,go-mod}
  SHOWN=-15
  log=$MAKMAL_CACHE/bin/$key.log
  exec {lock}>"$MAKMAL_CACHE/bin/$key.lock"
  until flock --nonblock "$lock"; do # somebody else builds it: show the same progress
    follow "$log" "$P_LINES" "$name" "$begun"
    sleep 0.5
  done
  local one
  exec {one}>"$MAKMAL_CACHE/bin/build.lock"
  until flock --nonblock "$one"; do
    report "$name" 0 $((SECONDS - begun)) "waiting for another build to end"
    sleep 0.5
  done
  if ! finished "$name" "$MAKMAL_CACHE/bin/$key" >/dev/null; then
    [ ! -e "$MAKMAL_CACHE/bin/$key" ] || say "the finished $name under $MAKMAL_CACHE is damaged: it is made anew"
    rm -rf "$MAKMAL_CACHE/bin/.$name".??????
    work=$(mktemp -d "$MAKMAL_CACHE/bin/.$name.XXXXXX")
    sources=$work/sources
    : >"$log"
    set -m # a group of its own, so that it can be ended as a whole
    (
      unset GOROOT GOOS GOARCH GOEXPERIMENT
      export CGO_ENABLED=0 GOTOOLCHAIN=local GOWORK=off GOFLAGS=-modcacherw GOCACHE=$MAKMAL_CACHE/go-build GOMODCACHE=$MAKMAL_CACHE/go-mod
      if has_hook "$name" sources; then
        cp -r "$P_DIR" "$sources" && cd "$sources" && hook "$name" sources || exit 1
      else
        cd "$P_DIR" || exit 1
      fi
      exec nice -n 10 "$GO" build -v "${GO_BUILD_FLAGS[@]}" -ldflags "$P_LDFLAGS" -o "$work/$name" "$P_PACKAGE"
    ) >>"$log" 2>&1 </dev/null 6>&- &
    BUILDER=$!
    set +m
    while kill -0 $BUILDER 2>/dev/null; do
      follow "$log" "$P_LINES" "$name" "$begun"
      sleep 0.5
    done
    wait $BUILDER || failed=1
    BUILDER=
    [ ! -t 1 ] || [ -n "${QUIET:-}" ] || printf '\r\033[K'
    if [ $failed = 1 ]; then
      warn "building $name failed; the last lines:"
      tail -n 40 "$log" >&2
      rm -rf "$work"
      report "$name" 0 $((SECONDS - begun)) failed
      if grep -q 'signal: killed' "$log"; then
        die "the compiler was killed: 4 GiB of free memory are needed. Cure: stop other programs, call again; what is compiled is kept"
      elif grep -qE 'dial tcp|no such host|i/o timeout|TLS handshake|proxyconnect' "$log"; then
        die "the sources could not be fetched. Cure: give this machine a way to the Go module proxy (GOPROXY, HTTPS_PROXY), or copy $MAKMAL_CACHE/bin here"
      elif grep -q 'no space left' "$log"; then
        die "the disk is full. Cure: free 10 GB under $MAKMAL_CACHE"
      fi
      die "whole log: $log"
    fi
    rm -rf "$sources"
    printf '%s\n' "$source" >"$work/source"
    chmod 755 "$work"
    seal "$work"
    rm -rf "${MAKMAL_CACHE:?}/bin/$key"
    mv -T "$work" "$MAKMAL_CACHE/bin/$key"
    report "$name" 100 $((SECONDS - begun)) 'done'
    say "built $name in $((SECONDS - begun)) s"
  fi
  rm -f "$log"
  exec {one}>&- {lock}>&-
}

# build_programs NAME...
build_programs() {
  local name
  for name; do
    build_program "$name" || return 1
  done
  [ ! -d "$RUN" ] || rm -f "$RUN/build.json"
}
