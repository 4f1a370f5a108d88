#!/bin/bash
# The order of a start, run beside init.sh and told to it line by line through
# ROOT/run/orders. Every step looks until it is true and may be repeated, so
# init.sh simply runs this again if it dies.
# shellcheck source-path=SCRIPTDIR
set -u
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/addons.sh"
. "$(dirname "$0")/volumes.sh"
use_name "$NAME"
use_slot "$SLOT"
read_addons
BEGUN=$(date -u +%FT%TZ)

order() { printf '%s\n' "$*" >"$ROOT/run/orders"; }
kubectl() { env HOME=/nonexistent KUBECACHEDIR="$ROOT/run/kubecache" "$ROOT/bin/kubectl" --kubeconfig "$CONF/super-admin.conf" "$@"; }
api() {
  curl -q -s --noproxy '*' --max-time 5 --cacert "$PKI/ca.crt" --cert "$PKI/makmal-up.crt" --key "$PKI/makmal-up.key" "${@:2}" "$API_URL$1"
}
# apply FILES: until the API server takes all of them.
apply() {
  until kubectl apply --server-side --force-conflicts --field-manager=makmal-cluster "$@"; do sleep 0.3; done
}

# Images that must be there before the registry can be asked.
import() {
  local tar
  for tar in pause coredns; do
    until ctr -a "$ROOT/run/containerd.sock" version >/dev/null 2>&1; do sleep 0.05; done
    until ctr -a "$ROOT/run/containerd.sock" -n k8s.io images import "$IMAGES/import/$tar.tar"; do sleep 0.3; done
    : >"$ROOT/run/imported-$tar"
  done
}

# Ready, no taints, and said so since this start: over kept data the node object tells of the life before. (The first lease of a new node comes after 10 s.)
node_usable() {
  # --slurp: jq 1.6 is content when it is given nothing at all
  api "/api/v1/nodes/$NODE_NAME" | jq --slurp -e --arg begun "$BEGUN" '.[0] | (.spec.taints // [] | length) == 0 and
    any(.status.conditions[]?; .type == "Ready" and .status == "True" and .lastHeartbeatTime > $begun)' >/dev/null 2>&1
}

policies_stand() {
  until iptables -w -S KUBE-ROUTER-FORWARD 2>/dev/null | grep -q KUBE-NWPLCY-TAIL; do sleep 0.1; done
  until ! nft list chain inet makmal boot >/dev/null 2>&1; do nft delete chain inet makmal boot; done
  order 'done' policies
  order can networkpolicy kube-router
}

import &
until [ "$(api /readyz)" = ok ]; do sleep 0.05; done
order 'done' api
order start kube-controller-manager
order start kube-scheduler
order start kube-proxy
order doing rights
apply -f "$ROOT/manifests/10-rights.yaml"
order 'done' rights
until [ -e "$ROOT/run/imported-pause" ]; do sleep 0.05; done
order start kubelet
order doing node
# kube-router reads the annotation once, at its start.
until api "/api/v1/nodes/$NODE_NAME" -f -o /dev/null -X PATCH -H 'Content-Type: application/merge-patch+json' \
  -d "{\"metadata\":{\"annotations\":{\"kube-router.io/pod-cidrs\":\"$POD_RANGE\"}}}"; do sleep 0.1; done
order start kube-router
policies_stand &
until node_usable; do sleep 0.1; done
order 'done' node
order can nodes kubelet
order doing images
until [ -e "$ROOT/run/imported-coredns" ]; do sleep 0.05; done
order 'done' images
order doing DNS
# After the import: a pod scheduled earlier would wait 15 s for its second try.
apply -f "$ROOT/manifests/20-dns.yaml" -f "$ROOT/manifests/15-fairness.yaml"
until busybox nslookup kubernetes.default.svc.cluster.local "$DNS_ADDRESS" >/dev/null 2>&1; do sleep 0.2; done
order 'done' dns
order can controllers kube-controller-manager
order can dns coredns
order can nodeport kube-proxy
order doing policies
wait
order ready

# begin ADDON: once its program is there, which may be half an hour later.
begin() {
  until [ -x "$ROOT/bin/$1" ]; do sleep 0.3; done
  hook "$1" begin
  order 'done' "$1"
}
for addon in "${ADDONS[@]}"; do begin "$addon" & done
wait
