# The machine's side of an instance: slot, cgroups, link, and taking all of it
# away again. Sourced by `cluster`; nothing here touches the machine's own
# firewall, routes or containers.
# shellcheck shell=bash

# take_slot: a free slot on descriptor 9, the one used before if it can be had.
take_slot() {
  local k before
  mkdir -p "$RUN_ROOT/slots"
  before=$(cat "$ROOT/slot" 2>/dev/null)
  for k in $before {0..62}; do
    if ! [[ $k =~ ^[0-9]+$ ]] || [ "$k" -gt 62 ]; then continue; fi
    exec 9>"$RUN_ROOT/slots/$k"
    if flock --nonblock 9; then
      if ip -4 route show 172.31.77.$((4 * k))/30 2>/dev/null | grep -q . && ! ip link show "makmal$k" >/dev/null 2>&1; then
        exec 9>&-
        continue # somebody else routes these addresses
      fi
      use_slot "$k"
      drop_link "$LINK" # of an instance that was killed as a whole: with the slot ours, nobody uses it
      echo "$k" >"$ROOT/slot"
      return 0
    fi
    exec 9>&-
  done
  return 1
}

# cgroup_roots: the root folder of every hierarchy that pods use.
cgroup_roots() {
  local h
  if [ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ]; then
    echo /sys/fs/cgroup
    return
  fi
  for h in /sys/fs/cgroup/*; do
    [ -L "$h" ] || [ "$(stat -fc %T "$h")" != cgroupfs ] || echo "$h"
  done
}

make_cgroups() {
  local h leaf
  while read -r h; do
    leaf=$h/$CGROUP/system
    if [ -e "$h/cgroup.controllers" ]; then
      for c in cpu cpuset memory pids io; do echo "+$c" >"$h/cgroup.subtree_control" 2>/dev/null; done
      mkdir -p "$h/$CGROUP"
      for c in cpu cpuset memory pids io; do echo "+$c" >"$h/$CGROUP/cgroup.subtree_control" 2>/dev/null; done
      mkdir -p "$leaf"
    else
      mkdir -p "$h/$CGROUP"
      [ ! -e "$h/cpuset.cpus" ] || { cat "$h/cpuset.cpus" >"$h/$CGROUP/cpuset.cpus"; cat "$h/cpuset.mems" >"$h/$CGROUP/cpuset.mems"; }
      mkdir -p "$leaf"
      [ ! -e "$h/cpuset.cpus" ] || { cat "$h/cpuset.cpus" >"$leaf/cpuset.cpus"; cat "$h/cpuset.mems" >"$leaf/cpuset.mems"; }
    fi
    echo "$leaf/cgroup.procs"
  done < <(cgroup_roots)
}

# members: every process of the instance, by its cgroups.
members() {
  local dir
  while read -r dir; do
    find "$dir" -name cgroup.procs -exec cat {} + 2>/dev/null
  done < <(find /sys/fs/cgroup -maxdepth 2 -type d -name "$CGROUP" 2>/dev/null) | sort -un
}

# alive PID: there, and not a zombie that waits for its parent.
alive() {
  local stat
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
  case ${stat##*) } in [ZX]*) return 1 ;; esac
}

# drop_link LINK: gone when this returns. A link goes with its namespace too, but a moment later.
drop_link() {
  local i
  for i in {1..100}; do
    ip link show "$1" >/dev/null 2>&1 || return 0
    ip link delete "$1" 2>/dev/null
    sleep 0.02
  done
}

# clear_away: ends everything that belongs to the instance and removes what
# namespaces do not take along. The same after an orderly life and a crash.
clear_away() {
  local pid first left i dir
  first=$(cat "$ROOT/first.pid" 2>/dev/null)
  for i in {1..500}; do
    left=
    for pid in $(members); do
      alive "$pid" || continue
      left+=" $pid"
    done
    [ -n "$left" ] || break
    # The first process takes the rest along; only what is outside comes after it.
    if [ "$i" = 1 ] && [[ " $left " == *" $first "* ]]; then kill -9 "$first" 2>/dev/null; else
      # shellcheck disable=SC2086
      kill -9 $left 2>/dev/null
    fi
    sleep 0.02
  done
  [ -z "$left" ] || warn "these processes do not end:$left"
  # The link of the slot that it had, unless another instance has that slot by now.
  i=$(grep -xE '[0-9]{1,2}' "$ROOT/slot" 2>/dev/null) && mkdir -p "$RUN_ROOT/slots" &&
    { flock --nonblock 9 && drop_link "makmal$i"; } 9>"$RUN_ROOT/slots/$i"
  for i in {1..250}; do
    left=$(loop_devices)
    [ -n "$left" ] || break
    sleep 0.02
  done
  [ -z "$left" ] || warn "still in use, and the volumes' file with it: $left"
  for i in {1..100}; do
    left=$(find /sys/fs/cgroup -maxdepth 2 -type d -name "$CGROUP" 2>/dev/null)
    [ -n "$left" ] || break
    while read -r dir; do find "$dir" -depth -type d -delete 2>/dev/null; done <<<"$left"
    sleep 0.02
  done
  rm -f "$ROOT/first.pid"
}

# Folders that init.sh covers must exist on the machine; the ones made for that
# are noted, and removed when no instance lives any more (removing one that is
# covered in another instance would uncover it there).
make_covered() {
  local dir
  (
    flock 5
    for dir in "${COVERED[@]}"; do
      [ -d "$dir" ] || { mkdir -p "$dir" && echo "$dir" >>"$RUN_ROOT/made"; }
    done
  ) 5>"$RUN_ROOT/made.lock"
}

remove_covered() {
  local k dir
  (
    flock 5
    for k in "$RUN_ROOT"/slots/*; do locked "$k" && exit 0; done
    [ -e "$RUN_ROOT/made" ] || exit 0
    while read -r dir; do rmdir "$dir" 2>/dev/null; done <"$RUN_ROOT/made"
    rm -f "$RUN_ROOT/made"
  ) 5>"$RUN_ROOT/made.lock"
}

# connect FIRST: the link between the machine and the namespace of process FIRST.
connect() {
  ip link add "$LINK" type veth peer name eth0 netns "$1" &&
    ip address add "$HOST_ADDRESS/30" dev "$LINK" &&
    ip link set "$LINK" up &&
    nsenter -t "$1" -n ip address add "$NODE_ADDRESS/30" dev eth0 &&
    nsenter -t "$1" -n ip link set eth0 up
}
