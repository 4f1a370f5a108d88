# Sourced by each file of promises/: what a file of promises needs. Each is called with NAME, a running instance, and asks it with the real kubectl.
# shellcheck shell=bash disable=SC2034
set -u
export LC_ALL=C.UTF-8
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
name=${1:?the name of a running instance}
tool=$root/cluster/cluster
work=$(mktemp -d "${TMPDIR:-/tmp}/makmal-promise-XXXXXX")
space=promise-$$
spaces=()
passed=0 failed=0
home=${MAKMAL_HOME:-/var/lib/makmal}/cluster/$name
"$tool" kubeconfig --name "$name" > "$work/kubeconfig" || exit 1
clean_up() {
  [ ${#spaces[@]} = 0 ] || kc delete namespace "${spaces[@]}" --wait=false > /dev/null 2>&1
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# kc ARGUMENTS...: kubectl as administrator
kc() { env -i HOME="$work" KUBECACHEDIR="$work/cache" KUBECONFIG="$work/kubeconfig" "$home/bin/kubectl" "$@"; }
# take_space NAME: a namespace of this file's, gone when it ends; the first one is $space
take_space() {
  local made=$1
  kc create namespace "$made" > /dev/null && spaces+=("$made")
}
# status FILTER: what status.json says, by jq
status() { "$tool" status --name "$name" --json | jq -r "$1"; }
# holds SENTENCE COMMAND...: one promise
holds() {
  local sentence=$1 since=$EPOCHREALTIME; shift
  if "$@" > "$work/out" 2>&1; then
    passed=$((passed + 1)); printf '  ✓ %s (%s s)\n' "$sentence" "$(awk -v a="$since" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')"
  else
    failed=$((failed + 1)); printf '  ✖ %s\n' "$sentence"; tail -n 12 "$work/out" | sed 's/^/      /'
  fi
}
# within SECONDS COMMAND...: until it succeeds
within() {
  local until=$((SECONDS + $1)); shift
  until "$@" > "$work/last" 2>&1; do
    [ $SECONDS -lt $until ] || { cat "$work/last"; return 1; }
    sleep 0.2
  done
}
finish() {
  printf '%s passed, %s failed\n' "$passed" "$failed"
  [ "$failed" = 0 ]
}
