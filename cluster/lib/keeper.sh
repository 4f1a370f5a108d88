#!/bin/bash
# Outside the namespaces: makes them, starts init.sh as their first process and
# says so in status.json when that ends without `cluster down`. Descriptors 9
# and 10 (the locks) are handed on, so they are held as long as init.sh lives.
# shellcheck source-path=SCRIPTDIR
set -u
. "$(dirname "$0")/common.sh"
use_name "$NAME"
use_slot "$SLOT"

for procs in "$@"; do # its own leaf in every cgroup hierarchy
  echo $$ >"$procs" || exit 1
done
exec 8</proc
unshare --net --mount --propagation private --pid --fork --kill-child --mount-proc /bin/bash "$CLUSTER_DIR/lib/init.sh" &
child=$!
exec 8<&- 9<&- 10<&-
wait $child
jq -c --argjson now "$(now_ms)" '.state = "broken" | .why = "its first process ended: call cluster up again" | .since_ms = $now | .at_ms = $now | .capabilities = [] | .processes = []' \
  "$RUN/status.json" 2>/dev/null | put "$RUN/status.json" 644
