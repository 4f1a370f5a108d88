#!/bin/bash
# The first process inside an instance's network, pid and mount namespaces.
# Mounts, addresses and guard rules first; then it starts every part, reaps,
# restarts a dead part after 0.5 s (doubling to 10 s) and writes status.json.
# What must happen in order (sequence.sh) runs beside it and gives orders
# through a pipe. Started by keeper.sh with an empty environment but for
# MAKMAL_HOME, NAME, SLOT, FRESH, IMAGES, VERSION; descriptor 8 is the
# machine's /proc, 9 and 10 are the locks that say this instance is alive.
# shellcheck source-path=SCRIPTDIR
set -u
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/addons.sh"
. "$(dirname "$0")/parts.sh"
. "$(dirname "$0")/volumes.sh"

MILESTONES_CORE=7

declare -A PID=() HOST_PID=() STARTED=() RESTARTS=() DELAY=() DUE=() ENDED=() LIFE=() PART_VERSION=() GIVES=() LACKS=() PROMISED=()
ORDER=()
STATE=starting WHY='' SINCE=$(now_ms) NOW_DOING=network READY_ONCE=0
MILESTONES=() COREDNS=0
PAGE_KIB=$(($(getconf PAGESIZE) / 1024))

# cannot WHY: the start ends here, and keeper.sh tells the reason. Nothing may run without the walls.
cannot() {
  printf '%s: see cluster logs init\n' "$*" | put "$ROOT/why" 600
  exit 1
}

prepare_mounts() {
  local dir
  { mount --make-rshared / && mount --bind "$ROOT" "$ROOT" && mount --make-rshared "$ROOT"; } || cannot "its folders could not be mounted"
  for dir in "${COVERED[@]}"; do
    mount -t tmpfs -o mode=755 tmpfs "$dir" || cannot "this machine's own $dir could not be covered"
  done
  mount_volumes || cannot "the file system with the volumes could not be mounted"
}

prepare_network() {
  until ip -4 address show dev eth0 2>/dev/null | grep -q "$NODE_ADDRESS/"; do sleep 0.02; done
  ip link set lo up
  # The node itself reaches Services without a default route.
  ip route replace "$SERVICE_RANGE" dev lo src "$NODE_ADDRESS"
  echo 1 >/proc/sys/net/ipv4/ip_forward
  [ ! -e /proc/sys/net/bridge/bridge-nf-call-iptables ] || echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables
  echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start
  # What one Pod sends another passes the filter too, whatever its family.
  [ ! -e /proc/sys/net/bridge/bridge-nf-call-ip6tables ] || echo 1 >/proc/sys/net/bridge/bridge-nf-call-ip6tables
  # A refusal by a policy answers at once instead of one a second.
  echo 0 >/proc/sys/net/ipv4/icmp_ratelimit
  nft -f "$CLUSTER_DIR/conf/guard.nft" || cannot "the walls around its Pods could not be made"
  policies_lack >"$ROOT/run/lack"
  if [ -s "$ROOT/run/lack" ]; then
    # Without kube-router nobody would ever let a Pod through. The outer wall stays.
    : >"$ROOT/run/pods-not-enforced"
    nft 'delete chain inet makmal fresh; delete chain inet makmal fresh_to_node'
  fi
}

# What kube-router's rules are made of.
POLICY_MATCHES=(
  'ip_set, xt_set:-m set --match-set makmal-try src -j RETURN'
  'xt_physdev:-m physdev --physdev-is-bridged -j RETURN'
  'xt_addrtype:-m addrtype --src-type LOCAL -j RETURN'
  'xt_conntrack:-m conntrack --ctstate RELATED,ESTABLISHED -j RETURN'
  'xt_multiport:-p tcp -m multiport --dports 80:90 -j RETURN'
  'xt_mark:-m mark ! --mark 0x10000/0x10000 -j MARK --set-mark 0x20000/0x20000'
  'xt_comment:-m comment --comment try -j RETURN'
  'xt_limit, xt_NFLOG:-m limit --limit 10/minute --limit-burst 10 -j NFLOG --nflog-group 100'
  'ipt_REJECT:-j REJECT'
)
# takes RULE...: whether the kernel does, asked in a network namespace that is thrown away.
takes() {
  { echo '*filter' && echo ':MAKMAL-TRY - [0:0]' && printf -- '-A MAKMAL-TRY %s\n' "$@" && echo COMMIT; } |
    unshare --net /bin/sh -c 'ipset create makmal-try hash:ip timeout 0; iptables-restore' >>"$ROOT/log/init.log" 2>&1
}
# policies_lack: prints what the kernel lacks for NetworkPolicies, or nothing.
policies_lack() {
  local pair lack=()
  [ -e /proc/sys/net/bridge/bridge-nf-call-iptables ] || lack+=(br_netfilter)
  if ! takes "${POLICY_MATCHES[@]#*:}"; then
    for pair in "${POLICY_MATCHES[@]}"; do takes "${pair#*:}" || lack+=("${pair%%:*}"); done
  fi
  [ ${#lack[@]} = 0 ] || printf 'the kernel lacks %s: policies are taken and nothing is refused' "$(printf '%s, ' "${lack[@]}" | sed 's/, $//')"
}

# start PART: with an empty environment; its output is appended to its log.
start() {
  local name=$1 log=$ROOT/log/$1.log
  command_of "$name" || return
  rm -f "$ROOT/run/$name.host-pid" # that of the process before would be told for this one
  [ ! -e "$log" ] || [ "$(stat -c %s "$log")" -lt 33554432 ] || mv -f "$log" "$log.1"
  (
    # Opened by this very process, so the machine's /proc says its number there.
    read -r number _ </proc/self/fd/8/self/stat
    printf '%s\n' "$number" >"$ROOT/run/$name.host-pid"
    exec 8<&- 9<&- 10<&- 7<&-
    exec env -i PATH="$SAFE_PATH" "${PART_ENV[@]}" "${PART_COMMAND[@]}"
  ) >>"$log" 2>&1 </dev/null &
  PID[$name]=$!
  STARTED[$name]=$(now_ms)
  LIFE[$name]=$SECONDS
  HOST_PID[$name]=0
  DUE[$name]=0
  [[ " ${ORDER[*]} " == *" $name "* ]] || ORDER+=("$name")
  : "${RESTARTS[$name]:=0}" "${DELAY[$name]:=500}" "${PART_VERSION[$name]:=$(version_of "$name")}"
}

# look: which parts have died, which are due again.
look() {
  local name now trouble=''
  now=$(now_ms)
  for name in "${ORDER[@]}"; do
    if [ "${DUE[$name]}" != 0 ]; then
      if [ "$now" -ge "${DUE[$name]}" ]; then
        RESTARTS[$name]=$((RESTARTS[$name] + 1))
        start "$name"
        printf '%(%F %T)T %s started again %d ms after its end was seen\n' -1 "$name" $((STARTED[$name] - ENDED[$name])) >>"$ROOT/log/init.log"
        CHANGED=1
      fi
    elif ! kill -0 "${PID[$name]}" 2>/dev/null; then
      wait "${PID[$name]}" 2>/dev/null
      local code=$?
      [ $((SECONDS - LIFE[$name])) -lt 60 ] || DELAY[$name]=500
      ENDED[$name]=$now
      DUE[$name]=$((now + DELAY[$name]))
      DELAY[$name]=$((DELAY[$name] * 2))
      [ "${DELAY[$name]}" -le 10000 ] || DELAY[$name]=10000
      printf '%(%F %T)T %s ended (%s), again in %d ms\n' -1 "$name" "$code" $((DUE[$name] - now)) >>"$ROOT/log/init.log"
      CHANGED=1
    elif [ "${DELAY[$name]}" != 500 ] && [ $((SECONDS - LIFE[$name])) -ge 60 ]; then
      DELAY[$name]=500
      CHANGED=1
    fi
    if keeps_ending "$name"; then
      # Without an add-on the rest goes on, and only its words are gone.
      if is_addon "$name"; then TROUBLE_SOFT="$name keeps ending: see 'cluster logs $name'"; else trouble="$name keeps ending: see 'cluster logs $name'"; fi
    elif [ "${DUE[$name]}" != 0 ]; then
      TROUBLE_SOFT="$name is being started again"
    fi
  done
  if [ -z "$trouble" ] && [ $READY_ONCE = 0 ] && [ $SECONDS -ge 180 ]; then
    trouble="not ready after $SECONDS s, waiting for: $NOW_DOING"
  fi
  if [ -n "$trouble" ]; then
    become broken "$trouble"
  elif [ $READY_ONCE = 1 ]; then
    become ready "${TROUBLE_SOFT:-}"
  else
    become starting "$NOW_DOING"
  fi
  TROUBLE_SOFT=
}

keeps_ending() { [ "${DELAY[$1]:-500}" -ge 8000 ]; }

become() {
  [ "$STATE" = "$1" ] || { STATE=$1 SINCE=$(now_ms) CHANGED=1; }
  [ "$WHY" = "$2" ] || { WHY=$2 CHANGED=1; }
}

words() { # as a JSON list
  local list='' word
  for word; do list+=",\"$word\""; done
  printf '[%s]' "${list#,}"
}

# coming: the words that an add-on will give, each with its name, as a JSON map. One that keeps ending promises nothing.
coming() {
  local name word list=
  for name in "${ADDONS[@]}"; do
    keeps_ending "$name" && continue
    for word in ${PROMISED[$name]:-}; do
      [[ " ${GIVES[$name]:-} " == *" $word "* ]] || list+=",\"$word\":\"$name\""
    done
  done
  printf '{%s}' "${list#,}"
}

# look_for_coredns: its process; it is a Pod's, so somebody else starts it, and it changes with the Pod.
look_for_coredns() {
  local dir word
  { read -r word <"/proc/$COREDNS/comm"; } 2>/dev/null && [ "$word" = coredns ] && return
  COREDNS=0
  for dir in /proc/[0-9]*; do
    { read -r word <"$dir/comm"; } 2>/dev/null || continue
    [ "$word" != coredns ] || COREDNS=${dir#/proc/}
  done
}

# component NAME KIND PID HOST-PID STATE STARTED-MS RESTARTS: one entry of `processes`.
component() {
  local rss=0
  { read -r _ rss _ <"/proc/$3/statm"; } 2>/dev/null || rss=0
  # shellcheck disable=SC2086
  printf '{"name":"%s","kind":"%s","version":"%s","pid":%s,"inner_pid":%s,"state":"%s","rss_kib":%d,"started_ms":%s,"restarts":%d,"gives":%s}' \
    "$1" "$2" "${PART_VERSION[$1]:-}" "$4" "$3" "$5" $((rss * PAGE_KIB)) "$6" "$7" "$(words ${GIVES[$1]:-})"
}

write_status() {
  local name list='' state host can=() lacks=''
  for name in "${ORDER[@]}"; do
    state=running
    [ "${DUE[$name]}" = 0 ] || state=waiting
    if [ "${HOST_PID[$name]}" = 0 ]; then
      host=0
      [ ! -s "$ROOT/run/$name.host-pid" ] || read -r host <"$ROOT/run/$name.host-pid"
      HOST_PID[$name]=$host
    fi
    list+=,$(component "$name" process "${PID[$name]}" "${HOST_PID[$name]}" "$state" "${STARTED[$name]}" "${RESTARTS[$name]}")
    # shellcheck disable=SC2206
    keeps_ending "$name" || can+=(${GIVES[$name]:-})
  done
  look_for_coredns
  if [ "$COREDNS" != 0 ]; then
    : "${PART_VERSION[coredns]:=$(version_of coredns)}"
    list+=,$(component coredns pod "$COREDNS" 0 running "$(($(stat -c %Y "/proc/$COREDNS" 2>/dev/null || echo 0) * 1000))" 0)
    # shellcheck disable=SC2206
    can+=(${GIVES[coredns]:-})
  fi
  for name in "${!LACKS[@]}"; do lacks+=",\"$name\":$(json_text "${LACKS[$name]}")"; done
  printf '{"schema":1,"name":"%s","state":"%s","why":%s,"since_ms":%s,"at_ms":%s,"parts":{"done":%d,"total":%d,"names":%s},"slot":%d,"address":"%s","host_address":"%s","server":"%s","api_port":%d,"version":"%s","fresh":%s,"fake_nodes":%d,"first_pid":%d,"capabilities":%s,"coming":%s,"lacks":{%s},"processes":[%s]}\n' \
    "$NAME" "$STATE" "$(json_text "$WHY")" "$SINCE" "$(now_ms)" "${#MILESTONES[@]}" $((MILESTONES_CORE + ${#ADDONS[@]})) "$(words "${MILESTONES[@]}")" \
    "$SLOT" "$NODE_ADDRESS" "$HOST_ADDRESS" "$API_URL" "$API_PORT" "$VERSION" "$([ "$FRESH" = 1 ] && echo true || echo false)" \
    "$FAKE_NODES" "$FIRST_PID" "$(words "${can[@]}")" "$(coming)" "${lacks#,}" "${list#,}" | put "$RUN/status.json" 644
  CHANGED=0
  WRITTEN=$SECONDS
}

obey() {
  case $1 in
    start) [ -n "${PID[$2]:-}" ] || start "$2" ;; # the sequence may be run again
    doing) NOW_DOING="$2 $3" ;;
    done) [[ " ${MILESTONES[*]} " == *" $2 "* ]] || MILESTONES+=("$2") ;;
    cannot) LACKS[$2]=$3 ;;
    can) [[ " ${GIVES[$3]:-} " == *" $2 "* ]] || GIVES[$3]="${GIVES[$3]:-} $2" ;;
    ready) READY_ONCE=1 ;;
  esac
  CHANGED=1
}

sequence() {
  env -i PATH="$SAFE_PATH" MAKMAL_HOME="$MAKMAL_HOME" NAME="$NAME" SLOT="$SLOT" FRESH="$FRESH" IMAGES="$IMAGES" \
    /bin/bash "$CLUSTER_DIR/lib/sequence.sh" >>"$ROOT/log/sequence.log" 2>&1 </dev/null 8<&- 9<&- 10<&- &
  SEQUENCE=$!
}

main() {
  local verb a b piece pending=
  use_name "$NAME"
  use_slot "$SLOT"
  read_addons
  for a in "${ADDONS[@]}"; do PROMISED[$a]=$(words_of "$a" | xargs); done
  FAKE_NODES=$(fake_nodes_wanted)
  read -r FIRST_PID _ </proc/self/fd/8/self/stat
  CHANGED=1 WRITTEN=0 TROUBLE_SOFT=''
  rm -rf "$ROOT/run"
  mkdir -p "$ROOT/run"
  mkfifo -m 600 "$ROOT/run/orders"
  exec 7<>"$ROOT/run/orders"
  prepare_mounts
  echo "$FIRST_PID" | put "$ROOT/first.pid" 600
  prepare_network
  obey 'done' network ''
  NOW_DOING='API server'
  start containerd
  start registry
  start etcd
  start kube-apiserver
  sequence
  while :; do
    # The wait is the clock: a quarter of a second, or at once with an order.
    # A line that the clock cuts in two is kept and goes on with the next piece.
    if read -r -t 0.25 -u 7 piece; then
      read -r verb a b <<<"$pending$piece"
      pending=
      obey "$verb" "${a:-}" "${b:-}"
    else
      pending+=$piece
    fi
    look
    if [ -n "$SEQUENCE" ] && ! kill -0 "$SEQUENCE" 2>/dev/null; then
      # Its last order may still be in the pipe: only a failure is repeated.
      if wait "$SEQUENCE"; then SEQUENCE=; else sequence; fi
    fi
    if [ $CHANGED = 1 ] || [ $((SECONDS - WRITTEN)) -ge 2 ]; then write_status; fi
  done
}

main
exit
