# Looks at everything a start needs and says all that is missing at once, a
# line each with its cure, before anything is changed. Sourced by `cluster`.
# shellcheck shell=bash

# needs PROGRAM PACKAGE
needs() { command -v "$1" >/dev/null 2>&1 || problem "$1 is missing. Cure: apt-get install $2"; }
problem() {
  warn "  - $*"
  PROBLEMS=$((PROBLEMS + 1))
}

# have_module NAME: loaded, built in, or loadable.
have_module() {
  [ -d "/sys/module/$1" ] || modprobe -q "$1" 2>/dev/null || grep -qsE "/$1\.ko" "/lib/modules/$(uname -r)/modules.builtin"
}

# there FOLDER: itself, or the nearest folder above that exists.
there() {
  local folder=$1
  while [ ! -d "$folder" ]; do folder=$(dirname "$folder"); done
  printf '%s\n' "$folder"
}

# disk FOLDER GIB SETTING: that much is free where FOLDER is or will be.
disk() {
  local folder free
  folder=$(there "$1")
  [ -w "$folder" ] || { problem "$folder cannot be written. Cure: another $3"; return; }
  free=$(df -Pk "$folder" 2>/dev/null | awk 'NR == 2 { print int($4 / 1048576) }')
  [ "${free:-0}" -ge "$2" ] || problem "only ${free:-0} GiB are free under $1, $2 are needed. Cure: free some, or another $3"
}

preflight() {
  local pair controllers c free kernel built=1 name nft_test
  PROBLEMS=0
  for pair in containerd:containerd containerd-shim-runc-v2:containerd ctr:containerd runc:runc nft:nftables iptables:iptables \
    ipset:ipset ip:iproute2 openssl:openssl jq:jq curl:curl busybox:busybox nc.openbsd:netcat-openbsd conntrack:conntrack \
    modprobe:kmod mkfs.ext4:e2fsprogs e2fsck:e2fsprogs flock:util-linux nsenter:util-linux unshare:util-linux setsid:util-linux gcc:gcc; do
    needs "${pair%%:*}" "${pair##*:}"
  done
  for name in bridge portmap host-local loopback; do
    [ -x /usr/lib/cni/$name ] || { problem "/usr/lib/cni/$name is missing. Cure: apt-get install containernetworking-plugins"; break; }
  done
  if command -v busybox >/dev/null && ! ldd "$(command -v busybox)" >/dev/null 2>&1; then
    problem "busybox is the static one, which cannot resolve names. Cure: apt-get install busybox"
  fi
  [ -e /usr/include/civetweb.h ] || problem "the web server library is missing. Cure: apt-get install libcivetweb-dev"
  kernel=$(uname -r)
  [ "$(printf '%s\n' 5.13 "$kernel" | sort -V | head -n 1)" = 5.13 ] || problem "kernel $kernel is older than 5.13. Cure: a newer one (Debian 12 has 6.1)"
  for c in CAP_SYS_ADMIN:21 CAP_NET_ADMIN:12; do
    (((0x$(awk '/^CapBnd/ { print $2 }' /proc/self/status) >> ${c##*:}) & 1)) || problem "${c%%:*} is not allowed here. Cure: run on a machine or in a privileged container"
  done
  if [ $PROBLEMS -gt 0 ]; then :; elif ! unshare --net --mount --pid --fork true 2>/dev/null; then problem "new namespaces cannot be made. Cure: run on a machine or in a privileged container"
  else
    nft_test=$(unshare --net nft list tables 2>&1) || problem "the kernel lacks nf_tables (${nft_test//$'\n'/ }). Cure: modprobe nf_tables"
  fi
  if [ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ]; then
    controllers=" $(cat /sys/fs/cgroup/cgroup.controllers) "
    [ -w /sys/fs/cgroup ] || problem "/sys/fs/cgroup is read-only. Cure: mount -o remount,rw /sys/fs/cgroup"
    for c in cpu cpuset memory pids; do
      [[ $controllers == *" $c "* ]] || problem "the cgroup controller $c is off. Cure: enable it for this machine (kernel option cgroup_enable=$c)"
    done
  else
    for c in cpu cpuset memory pids; do
      # The folder above them is read-only under systemd, and that is fine.
      if [ ! -d /sys/fs/cgroup/$c ]; then problem "the cgroup controller $c is not mounted. Cure: mount -t cgroup -o $c $c /sys/fs/cgroup/$c"
      elif [ ! -w /sys/fs/cgroup/$c ]; then problem "/sys/fs/cgroup/$c is read-only. Cure: mount -o remount,rw /sys/fs/cgroup/$c"; fi
    done
  fi
  # Of each user. kubelet, API server and controller-manager take some 22 of root's; without, the kubelet ends at once.
  free=$(($(cat /proc/sys/fs/inotify/max_user_instances) - $(find /proc/[0-9]*/fd -uid 0 -lname 'anon_inode:inotify' 2>/dev/null | wc -l)))
  [ "$free" -ge 24 ] || problem "only $free inotify instances are free, 24 are needed. Cure: sysctl -w fs.inotify.max_user_instances=1024"
  grep -qw overlay /proc/filesystems || have_module overlay || problem "the kernel has no overlay file system. Cure: modprobe overlay"
  [ -e /proc/sys/net/bridge/bridge-nf-call-iptables ] || have_module br_netfilter || problem "the kernel lacks br_netfilter. Cure: modprobe br_netfilter"
  for name in "${CORE_PROGRAMS[@]}" "${ADDONS_WANTED[@]}"; do program_path "$name" >/dev/null || built=0; done
  if [ $built = 0 ] && ! find_go; then
    problem "programs are not built yet, or damaged, and no Go >= $GO_NEEDED is here. Cure: make run fetches one; or copy $MAKMAL_CACHE/bin from a machine that has built them"
  fi
  disk "$ROOT" 2 MAKMAL_HOME
  [ $built = 1 ] || disk "$MAKMAL_CACHE" 10 MAKMAL_CACHE
  free=$(awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo)
  [ "$free" -ge $((built == 1 ? 2000 : 4000)) ] || problem "only $free MiB of memory are free, $((built == 1 ? 2000 : 4000)) are needed. Cure: end other programs"
  name=$(stat -fc %T "$(there "$ROOT")" 2>/dev/null)
  case $name in
    overlayfs | fuseblk | nfs | tmpfs | ramfs) problem "$ROOT is on $name, where image layers cannot be stacked. Cure: a MAKMAL_HOME on a disk of the machine" ;;
  esac
  volumes_wanted >/dev/null || problem "MAKMAL_VOLUMES is '$MAKMAL_VOLUMES', which is no size. Cure: one like 512M or 10G, at least 64M"
  [ "$(date +%s)" -gt 1767225600 ] || problem "the clock says $(date +%F): certificates would not be valid. Cure: set the clock"
  if [ $PROBLEMS -gt 0 ]; then
    warn "cluster: $PROBLEMS of the things it needs are missing; nothing was changed"
    exit 1
  fi
}
