# kwok: nodes that only seem to be there, for tests of scale (`up --fake-nodes N`). It says of them and of their Pods what a kubelet would; nothing runs.
# The label type=fake names them to everybody else. Hooks: lib/addons.sh.
# shellcheck shell=bash disable=SC2034,SC2054

KWOK_PORT=10247
KWOK_PODS=10.245.0.0/16 # addresses that no true Pod has

kwok_program() {
  P_PACKAGE=sigs.k8s.io/kwok/cmd/kwok P_LINES=500
  P_LDFLAGS+=" -X sigs.k8s.io/kwok/pkg/consts.Version=$(kwok_version)"
}
kwok_version() { module_version "$CLUSTER_DIR/addons/kwok" sigs.k8s.io/kwok; }
kwok_certificates() {
  client kwok "/CN=makmal:kwok" &&
    sign kwok-server "/CN=makmal:kwok-server" "extendedKeyUsage=serverAuth\nkeyUsage=digitalSignature\nsubjectAltName=IP:$NODE_ADDRESS"
}
kwok_conf() { printf '%s\n' 'This Pod is on a node that only seems to be there: nothing runs in it.' >"$CONF/fake-pod.log"; }

kwok_command() {
  PART_COMMAND=("$ROOT/bin/kwok" --kubeconfig="$CONF/kwok.conf" --config="$ROOT/manifests/kwok-stages.yaml" --v=WARN
    --manage-nodes-with-label-selector=type=fake --cidr="$KWOK_PODS" --node-ip="$NODE_ADDRESS" --node-port="$KWOK_PORT"
    --server-address="$NODE_ADDRESS:$KWOK_PORT" --tls-cert-file="$PKI/kwok-server.crt" --tls-private-key-file="$PKI/kwok-server.key")
}

# fake_nodes FIRST LAST: those nodes, as one List. The taint keeps away whatever does not tolerate it by name.
fake_nodes() {
  jq -cn --argjson first "$1" --argjson last "$2" '{apiVersion: "v1", kind: "List", items: [range($first; $last + 1) | ("fake-\(.)") as $name |
    {apiVersion: "v1", kind: "Node",
     metadata: {name: $name, labels: {type: "fake", "kubernetes.io/hostname": $name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
       "node-role.kubernetes.io/fake": "", "topology.kubernetes.io/zone": "zone-\(. % 3 + 1)"}},
     spec: {taints: [{key: "makmal/fake", value: "true", effect: "NoSchedule"}]}}]}'
}
# fake_names: of all that there are.
fake_names() { kubectl get nodes -l type=fake -o name | sed 's|^node/||'; }
fake_nodes_stand() { # N: neither more nor less, and every one Ready
  api '/api/v1/nodes?labelSelector=type%3Dfake' | jq --slurp -e --argjson n "$1" '.[0].items | length == $n and
    all(any(.status.conditions[]?; .type == "Ready" and .status == "True"))' >/dev/null 2>&1
}

kwok_begin() {
  local n first part jobs=() surplus
  n=$(fake_nodes_wanted)
  apply -f "$ROOT/manifests/kwok-rights.yaml"
  order start kwok
  # Several hands at once, a hundred nodes each: one alone waits for each answer.
  for ((first = 1; first <= n; first += 100)); do
    part=$ROOT/run/fake-$first.json
    fake_nodes "$first" $((first + 99 < n ? first + 99 : n)) >"$part"
    apply -f "$part" >/dev/null &
    jobs+=($!)
  done
  [ ${#jobs[@]} = 0 ] || wait "${jobs[@]}"
  surplus=$(fake_names | awk -F- -v n="$n" '$2 > n')
  # shellcheck disable=SC2086
  [ -z "$surplus" ] || kubectl delete node --ignore-not-found --wait=false $surplus >/dev/null
  until fake_nodes_stand "$n"; do sleep 0.2; done
  [ "$n" = 0 ] || order can fake-nodes kwok
}
