#!/bin/bash
# Outside the namespaces: makes them, starts init.sh as their first process,
# gives it its link (here and not in `up`, which may be killed meanwhile) and
# says so in status.json when that ends without `cluster down`. Descriptors 9
# and 10 (the locks) are handed on, so they are held as long as init.sh lives.
# shellcheck source-path=SCRIPTDIR
set -u
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/host.sh"
use_name "$NAME"
use_slot "$SLOT"

for procs in "$@"; do # its own leaf in every cgroup hierarchy
  echo $$ >"$procs" || exit 1
done
rm -f "$ROOT/why"
exec 8</proc
unshare --net --mount --propagation private --pid --fork --kill-child --mount-proc /bin/bash "$CLUSTER_DIR/lib/init.sh" &
child=$!
exec 8<&- 9<&- 10<&-
why='its first process ended: call cluster up again'
until [ -s "$ROOT/first.pid" ] || ! kill -0 $child 2>/dev/null; do sleep 0.02; done
first=$(cat "$ROOT/first.pid" 2>/dev/null)
if [ -n "$first" ] && ! connect "$first"; then
  why="the link $LINK could not be made: see $ROOT/log/init.log"
  kill -9 "$first"
fi
wait $child
[ ! -s "$ROOT/why" ] || why=$(cat "$ROOT/why")
jq -c --argjson now "$(now_ms)" --arg why "$why" '.state = "broken" | .why = $why | .since_ms = $now | .at_ms = $now | .capabilities = [] | .processes = []' \
  "$RUN/status.json" 2>/dev/null | put "$RUN/status.json" 644
