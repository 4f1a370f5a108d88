# What Pods keep lies on a file system of its own, in a file of fixed size, so that a learner who fills it fills neither the machine's disk nor the
# cluster's. Mounted inside the instance only, before any part starts: a Pod over kept data must never find the empty folder beneath.
# ROOT/volumes.img becomes ROOT/volumes, with dynamic/ and shared/ for the add-on local-path and static/ for volumes made by hand.
# shellcheck shell=bash

VOLUMES_OPTIONS=loop,nosuid,nodev,noatime,discard,noinit_itable

# volumes_wanted: what MAKMAL_VOLUMES says, in MiB; fails on anything but a size.
volumes_wanted() {
  local wanted=${MAKMAL_VOLUMES:-10G}
  [[ $wanted =~ ^[1-9][0-9]{0,6}[MG]$ ]] || return 1
  case $wanted in *G) wanted=$((${wanted%G} * 1024)) ;; *) wanted=${wanted%M} ;; esac
  [ "$wanted" -ge 64 ] && printf '%d\n' "$wanted"
}
# volumes_size: that, and never more than a quarter of what is free, because the file grows only as it is filled.
volumes_size() {
  local wanted quarter
  wanted=$(volumes_wanted) || return 1
  quarter=$(($(df -Pk "$ROOT" | awk 'NR == 2 { print $4 }') / 4096))
  printf '%d\n' $((wanted < quarter ? wanted : quarter))
}

# make_volumes: makes the file system or looks whether it is whole. Without loop devices volumes lie in a plain folder, and ROOT/volumes.why says so to status.
make_volumes() {
  local img=$ROOT/volumes.img why new=
  mkdir -p "$ROOT/volumes"
  rm -f "$ROOT/volumes.why" "$img.part"
  if [ ! -e "$img" ]; then
    if [ -n "$(ls -A "$ROOT/volumes")" ]; then
      echo "volumes were begun in a plain folder on the machine's disk; up --fresh begins anew" >"$ROOT/volumes.why"
      return
    fi
    new=1
    { truncate -s "$(volumes_size)M" "$img.part" && mkfs.ext4 -q -m 0 -E lazy_itable_init=1,lazy_journal_init=1 "$img.part"; } >"$ROOT/log/volumes.log" 2>&1 ||
      die "the file system for volumes could not be made: $(tail -n 1 "$ROOT/log/volumes.log")"
    mv "$img.part" "$img"
  elif e2fsck -p "$img" >"$ROOT/log/volumes.log" 2>&1 || [ $? -lt 4 ]; then
    :
  else
    die "the file system with the volumes, $img, is damaged. Cure: e2fsck -f $img mends it by hand; or cluster up --fresh"
  fi
  if ! why=$(unshare --mount mount -o "$VOLUMES_OPTIONS" "$img" "$ROOT/volumes" 2>&1); then
    why=${why//$'\n'/ }
    [ -n "$new" ] || die "the file system with the volumes, $img, cannot be mounted ($why). Cure: allow loop devices here; or cluster up --fresh"
    rm -f "$img"
    echo "volumes lie in a plain folder on the machine's disk, which they may fill: no loop device is to be had here ($why)" >"$ROOT/volumes.why"
  fi
}

# mount_volumes: inside, by the first process.
mount_volumes() {
  [ ! -e "$ROOT/volumes.img" ] || mount -o "$VOLUMES_OPTIONS" "$ROOT/volumes.img" "$ROOT/volumes" || return 1
  mkdir -p "$ROOT"/volumes/{dynamic,shared,static}
}

# loop_devices: those that hold the file; the kernel lets go of one a moment after the last mount.
loop_devices() { grep -lsxF "$ROOT/volumes.img" /sys/block/loop*/loop/backing_file; }

# nfs_client: whether a volume of kind nfs can be mounted on this machine; if not, says why and what there is instead.
nfs_client() {
  local why
  if ! grep -qw nfs /proc/filesystems && ! modprobe --dry-run --quiet nfs 2>/dev/null; then
    why="this machine's kernel has no NFS client"
  elif ! command -v mount.nfs >/dev/null; then
    why="mount.nfs is missing on this machine (apt-get install nfs-common)"
  else
    return 0
  fi
  echo "$why, so a volume of kind nfs cannot be mounted here; a claim of class nfs without a volume of its own gets a shared folder instead"
  return 1
}
