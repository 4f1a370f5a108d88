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

# policies_seen: a policy is *seen* to refuse and to allow. It is that of CoreDNS (25-policies.yaml): Pods may ask for names and for nothing else. Asked from a
# network of its own on the Pods' bridge, as a Pod would have it, and from the node, which always reaches every Pod.
policies_seen() {
  local dns host=10.244.255.254 try
  if [ -s "$ROOT/run/lack" ]; then
    order cannot networkpolicy "$(cat "$ROOT/run/lack")"
    order 'done' policies
    return
  fi
  ip netns delete proof 2>/dev/null
  ip netns add proof
  ip link add proof0 type veth peer name eth0 netns proof
  ip link set proof0 master cni0 up
  ip -n proof address add "$host/16" dev eth0
  ip -n proof link set eth0 up
  from_proof() { nsenter --net=/run/netns/proof nc.openbsd -z -w 2 "$dns" "$1"; }
  for try in {1..40}; do
    dns=$(awk '$2 == "kube-system" && $3 ~ /^coredns-/ { print $1 }' "$ROOT"/run/pods/* 2>/dev/null | tail -n 1)
    nft "add element inet makmal covered { $host }"
    # Refused by the policy, and not by the guard: kube-router may have written the set anew meanwhile.
    if [ -n "$dns" ] && from_proof 53 && nc.openbsd -z -w 2 "$dns" 8080 && ! from_proof 8080 && from_proof 53; then
      order can networkpolicy kube-router
      break
    fi
    [ "$try" != 40 ] || order cannot networkpolicy 'a connection that a policy denies was not refused, or one that it allows was'
    sleep 0.1
  done
  ip netns delete proof
  nft "delete element inet makmal covered { $host }"
  order 'done' policies
}

import &
until [ "$(api /readyz)" = ok ]; do sleep 0.05; done
order 'done' api
order start kube-controller-manager
order start kube-scheduler
order start kube-proxy
order doing rights
apply -f "$ROOT/manifests/10-rights.yaml" -f "$ROOT/manifests/12-own-account.yaml"
order 'done' rights
until [ -e "$ROOT/run/imported-pause" ]; do sleep 0.05; done
order start kubelet
order doing node
[ -s "$ROOT/run/lack" ] || order start kube-router
until node_usable; do sleep 0.1; done
order 'done' node
order can nodes kubelet
order doing images
until [ -e "$ROOT/run/imported-coredns" ]; do sleep 0.05; done
order 'done' images
order doing DNS
# After the import: a pod scheduled earlier would wait 15 s for its second try.
apply -f "$ROOT/manifests/20-dns.yaml" -f "$ROOT/manifests/25-policies.yaml" -f "$ROOT/manifests/15-fairness.yaml"
until busybox nslookup kubernetes.default.svc.cluster.local "$DNS_ADDRESS" >/dev/null 2>&1; do sleep 0.2; done
order 'done' dns
policies_seen &
order can controllers kube-controller-manager
order can dns coredns
order can nodeport kube-proxy
order doing policies
wait
order ready

# begin ADDON: once its program is there, which may be half an hour later.
begin() {
  [ -x "$ROOT/bin/$1" ] || hook "$1" absent
  until [ -x "$ROOT/bin/$1" ]; do sleep 0.3; done
  hook "$1" begin
  order 'done' "$1"
}
for addon in "${ADDONS[@]}"; do begin "$addon" & done
for addon in $(addons_left_out); do hook "$addon" absent; done
wait
