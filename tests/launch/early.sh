#!/bin/bash
# early: what `make run` says when it cannot go on, a line each; and Ctrl-C, a killed terminal and SIGTERM while it installs, compiles or builds the
# cluster. Stand-ins only for what cannot be provoked: a package that is missing (dpkg-query), an endless installation (apt-get), an endless build (go).
set -u
. "$(dirname "$0")/lib.sh"
run=("$root/server/launch/run")
endless=$((100000 + $$)) # so many seconds: nobody else's sleep

# refused PATTERN COMMAND...: not zero, one line in all, with a cure
refused() {
  local pattern=$1 code=0
  shift
  timeout 60 "$@" > "$work/said" 2>&1 < /dev/null || code=$?
  cat "$work/said"
  [ $code != 0 ] && [ $code != 124 ] && [ "$(grep -c . "$work/said")" = 1 ] && grep -qE "$pattern" "$work/said" && grep -q 'Cure: ' "$work/said"
}
nc.openbsd -lk 127.0.0.1 "$port" > /dev/null 2>&1 &
listener=$!
within 5 nc.openbsd -z 127.0.0.1 "$port"
holds "a taken port: one line" refused "port $port of 127.0.0.1 is taken" "${run[@]}"
kill $listener
wait $listener 2> /dev/null
holds "KUBECONFIG that is not there: one line" refused 'cannot be read' env KUBECONFIG="$work/none" "${run[@]}"
holds "KUBECONFIG of several files: one line" refused 'names several files' env KUBECONFIG="$work/a:$work/b" "${run[@]}"
: > "$work/kubeconfig"
holds "KUBECONFIG and nobody to ask: one line" refused 'YES=1' env KUBECONFIG="$work/kubeconfig" "${run[@]}"
mkdir "$work/small"
mount -t tmpfs -o size=20m tmpfs "$work/small"
holds "no room: one line" refused 'MiB are free' env MAKMAL_HOME="$work/small/home" "${run[@]}"
holds "an unknown option: one line" eval '! "${run[@]}" --what > "$work/said" 2>&1 && [ "$(wc -l < "$work/said")" = 1 ]'

# stand-ins
mkdir "$work/bin"
cat > "$work/bin/dpkg-query" <<'S'
#!/bin/bash
exec /usr/bin/dpkg-query "${@/libyaml-dev/no-such-package}"
S
cat > "$work/bin/apt-get" <<S
#!/bin/bash
case " \$* " in *" update "*) exit 0 ;; esac
echo Unpacking
: > "$work/installing"
sleep $endless & # what dpkg would be
wait
S
chmod 755 "$work"/bin/*
mkdir -p "$work/mine/server" "$work/mine/cluster"
cp -r "$root/server/launch" "$work/mine/server/"
cp "$root/cluster/packages.txt" "$work/mine/cluster/"
chown -R nobody "$work/mine"
without_root() {
  env PATH="$work/bin:$PATH" HOME="$work/mine" MAKMAL_HOME="$work/mine/home" MAKMAL_CACHE="$work/mine/cache" setpriv --reuid=nobody --regid=nogroup --clear-groups \
    "$work/mine/server/launch/run" > "$work/said" 2>&1 < /dev/null
  local code=$?
  cat "$work/said"
  [ $code = 1 ] && grep -q 'not root: the embedded cluster is not started' "$work/said" && grep -q 'packages are missing: libyaml-dev. Cure: ' "$work/said"
}
holds "without root, and a package is missing: says so and how" without_root

policy() { stat -c '%n %s %Y' /usr/sbin/policy-rc.d 2>&1; }
before=$(policy)
ends_installing() { # WAY...
  rm -f "$work/installing" "$work"/packages.keys
  terminal packages env PATH="$work/bin:$PATH" MAKMAL_CACHE="$work/cache" make -C "$root" run
  within 30 test -e "$work/installing" || { cat "$work/packages.txt"; return 1; }
  "$@"
  within 15 gone "$TERMINAL" && within 5 nobody_runs "sleep $endless" && [ "$(policy)" = "$before" ]
}
hang_up() { kill -KILL "$TERMINAL"; }
# `make` passes SIGTERM on to what it runs
end_make() { kill -TERM "$(pgrep -s "$(ps -o pid= --ppid "$TERMINAL" | tr -d ' ')" -x make)"; }
holds "Ctrl-C while packages are installed ends the installation" ends_installing types packages '\003'
holds "so does a killed terminal" ends_installing hang_up
holds "so does SIGTERM" ends_installing end_make

ends_compiling() {
  rm -rf "$work/build" "$work"/compile.keys
  terminal compile env BUILD="$work/build" make -C "$root" run
  within 60 grep -q Building "$work/build/ninja.log" || { cat "$work/compile.txt"; return 1; }
  "$@"
  within 15 gone "$TERMINAL" && within 5 nobody_runs "$work/build"
}
holds "Ctrl-C while it compiles ends the compilers" ends_compiling types compile '\003'
holds "so does a killed terminal" ends_compiling hang_up

# A cluster that must be built first, by a compiler that never ends.
cat > "$work/bin/go" <<S
#!/bin/bash
[ "\$1" != env ] || { echo go1.26.4; exit; }
for i in {1..600}; do echo "package/\$i"; done
sleep $endless & # what a compiler would be
wait
S
chmod 755 "$work/bin/go"
export MAKMAL_GO=$work/bin/go
building=(env MAKMAL_CACHE="$work/cache2" PATH="$work/bin:$PATH")
rm "$work/bin/dpkg-query" "$work/bin/apt-get"
terminal cluster "${building[@]}" make -C "$root" run
holds "the pages are there before the cluster is built" within 120 page /
holds "the link for the first administrator is printed" within 5 shows cluster "http://127.0.0.1:$port/setup\?k="
holds "the page is told how far the build is" within 30 eval 'page /api/v1/cluster | jq -se ".[0] | .state == \"building\" and .percent >= 10 and .program == \"kubernetes\""'
waits() {
  timeout 6 "${building[@]}" "$tool" up --name "$name-2" > "$work/second" 2>&1
  cat "$work/second"
  "$tool" down --name "$name-2" --wipe > /dev/null 2>&1
  grep -qE 'building kubernetes: [1-9][0-9]* %' "$work/second" && [ "$(pgrep -cf "^sleep $endless")" = 1 ]
}
holds "another process waits for the same build and shows its progress" waits
types cluster '\003'
holds "Ctrl-C while the cluster is built ends it all" within 30 gone "$TERMINAL"
holds "no compiler is left" within 5 nobody_runs "sleep $endless"
holds "no server is left" within 5 server_gone
holds "status says that it stopped" eval '[ "$("$tool" status --name "$name" --json | jq -r .state)" = stopped ]'
summary
