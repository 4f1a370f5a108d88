#!/bin/bash
# run: `make run` on the real cluster: the pages first, then everything; stopped by Ctrl-C, by a killed terminal, by SIGTERM; again over kept data; beside an
# instance that somebody else started; with KUBECONFIG. Wants the finished programs of the cluster.
set -u
. "$(dirname "$0")/lib.sh"
tell() { printf '    %s\n' "$*"; }
state_is() { [ "$("$tool" status --name "$name" --json | jq -r .state)" = "$1" ]; }
nothing_left() { server_gone && state_is stopped && ! ip -o link | grep -q "makmal$(cat "$MAKMAL_HOME/cluster/$name/slot"):" && ! find /sys/fs/cgroup -maxdepth 2 -name "makmal-$name" | grep .; }

MAKMAL_USER=nobody
MAKMAL_INGRESS_PORT=$(free_port)
export MAKMAL_INGRESS_PORT
begun=$SECONDS
terminal first make -C "$root" run
holds "the pages come first" within 300 page /
tell "pages after $((SECONDS - begun)) s"
holds "while the cluster is not ready yet" eval '! cluster_is ready'
holds "it says where it stands" eval 'for n in 1 2 3 4; do within 20 shows first "^== $n/4 " || exit 1; done'
holds "the link for the first administrator leads to a page" eval 'page "$(grep -oE "/setup\?k=[a-z0-9]+" "$work/first.txt" | head -n 1)" | grep -qi "<form"'
holds "everything runs" within 240 shows first 'everything runs: http'
tell "everything after $((SECONDS - begun)) s"
holds "the server sees its cluster" within 30 cluster_is ready
ingress_is_reached() { [ "$(curl -q -s --noproxy '*' --max-time 5 "http://127.0.0.1:$MAKMAL_INGRESS_PORT/")" = '404 page not found' ]; } # Traefik's own words
holds "Ingress is reached through the port that was asked for" within 30 ingress_is_reached
as_nobody() { [ "$(ps -o user= -p "$(pgrep -f "makmal serve --cluster $name")")" = nobody ]; }
holds "the server has given up root" as_nobody
holds "a second one is told that the port is taken, in one line" eval '! "$root/server/launch/run" > "$work/said" 2>&1 < /dev/null && grep -q "port $port of 127.0.0.1 is taken" "$work/said" && [ "$(wc -l < "$work/said")" = 1 ]'

# the same cluster by KUBECONFIG, on another port
"$tool" kubeconfig --name "$name" > "$work/kubeconfig"
other_port=$(free_port)
other=(env KUBECONFIG="$work/kubeconfig" MAKMAL_PORT="$other_port" MAKMAL_API_PORT="$(free_port)" MAKMAL_HOME="$work/other" MAKMAL_CLUSTER="$name-none" MAKMAL_USER=root)
terminal asked "${other[@]}" make -C "$root" run
holds "KUBECONFIG: it shows context and server and asks" within 60 shows asked "$("$tool" status --name "$name" --json | jq -r .server)"
within 10 shows asked '\[y/N\]'
types asked 'n\n'
holds "no ends it" within 20 gone "$TERMINAL"
terminal answered "${other[@]}" make -C "$root" run
within 60 shows answered '\[y/N\]'
types answered 'y\n'
other_page() { port=$other_port page "$1"; }
holds "yes serves with that cluster" within 60 eval 'other_page /api/v1/cluster | jq -se ".[0] | .state == \"ready\" and .embedded == false"'
holds "and starts none" eval '[ ! -e /run/makmal/$name-none ]'
types answered '\003'
holds "Ctrl-C ends it" within 30 gone "$TERMINAL"
holds "and leaves that cluster alone" cluster_is ready
"${other[@]}" make -C "$root" run YES=1 > "$work/yes.txt" 2>&1 < /dev/null &
yes=$!
holds "YES=1 is not asked" within 60 other_page /healthz
kill -TERM $yes
holds "SIGTERM to make ends it" within 30 gone $yes

types first '\003'
begun=$SECONDS
holds "Ctrl-C ends server and cluster" within 60 nothing_left
tell "after $((SECONDS - begun)) s"
holds "and the terminal is free" within 5 eval '! pgrep -f "script -qefc.*$work/first.sh"'

begun=$SECONDS
terminal second make -C "$root" run
holds "the second time the pages are there in seconds" within 60 page /
tell "pages after $((SECONDS - begun)) s"
holds "and everything, over kept data" within 120 shows second 'everything runs: http'
tell "everything after $((SECONDS - begun)) s"
kill -KILL "$TERMINAL"
holds "a killed terminal ends server and cluster" within 60 nothing_left

make -C "$root" run > "$work/third.txt" 2>&1 < /dev/null &
third=$!
within 60 page /healthz
within 60 state_is starting
kill -TERM $third
holds "SIGTERM in the middle of the cluster's start ends all of it" within 60 nothing_left

"$tool" up --name "$name" > /dev/null 2>&1
make -C "$root" run > "$work/fourth.txt" 2>&1 < /dev/null &
fourth=$!
holds "an instance that runs already is used" within 60 shows fourth 'everything runs: http'
kill -TERM $fourth
holds "its server ends" within 30 server_gone
holds "and the instance goes on" state_is ready
holds "which is said" within 10 shows fourth 'ran before and goes on'
summary
