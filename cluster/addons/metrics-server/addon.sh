# metrics-server: what Pods and nodes use, behind the API server's aggregation layer (`kubectl top`, autoscalers). A process on the node; it asks the
# kubelet and keeps the last samples in memory, nothing else. Hooks: lib/addons.sh.
# shellcheck shell=bash disable=SC2034,SC2054

METRICS_PORT=4443

metrics_server_program() {
  local package
  P_PACKAGE=sigs.k8s.io/metrics-server/cmd/metrics-server P_LINES=1334
  for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do P_LDFLAGS+=" -X $package.gitVersion=$(metrics_server_version)"; done
}
metrics_server_version() { module_version "$CLUSTER_DIR/addons/metrics-server" sigs.k8s.io/metrics-server; }
metrics_server_certificates() {
  client metrics-server "/CN=makmal:metrics-server" &&
    sign metrics-server-serving "/CN=makmal:metrics-server" \
      "extendedKeyUsage=serverAuth\nkeyUsage=digitalSignature\nsubjectAltName=DNS:metrics-server.kube-system.svc,IP:$NODE_ADDRESS"
}
# The authority may be another one than at the start before, and the API server believes the one that stands here.
metrics_server_conf() { sed -i "s|@CA@|$(base64 -w0 "$PKI/ca.crt")|" "$ROOT/manifests/metrics-server-20-api.yaml"; }

metrics_server_command() {
  local access=$CONF/metrics-server.conf
  PART_COMMAND=("$ROOT/bin/metrics-server" --kubeconfig="$access" --authentication-kubeconfig="$access" --authorization-kubeconfig="$access"
    --bind-address="$NODE_ADDRESS" --secure-port="$METRICS_PORT"
    --tls-cert-file="$PKI/metrics-server-serving.crt" --tls-private-key-file="$PKI/metrics-server-serving.key" --tls-min-version=VersionTLS12
    --kubelet-certificate-authority="$PKI/ca.crt" --kubelet-preferred-address-types=InternalIP
    # The least that it takes. A kubelet that answers later than this is asked again in the next round.
    --metric-resolution=10s --kubelet-request-timeout=9s
    # Nodes that only seem to be there (kwok) would be asked at the address of the true one.
    --node-selector='type!=fake' --profiling=false)
}

metrics_server_healthy() {
  [ "$(curl -q -s --noproxy '*' --max-time 5 --cacert "$PKI/ca.crt" "https://$NODE_ADDRESS:$METRICS_PORT/livez")" = ok ]
}
# metrics_server_tells PATH: the first item there has used memory and says how much processor.
metrics_server_tells() {
  api "/apis/metrics.k8s.io/v1beta1/$1" | jq --slurp -e '[.[0].items[0] | (.usage // .containers[0].usage) | .cpu, .memory] | all(. != null)' >/dev/null 2>&1
}

metrics_server_begin() {
  apply -f "$ROOT/manifests/metrics-server-10-rights.yaml"
  order start metrics-server
  # Only what answers is put behind the API server: a group that does not answer keeps every namespace from being deleted.
  until metrics_server_healthy; do sleep 0.1; done
  apply -f "$ROOT/manifests/metrics-server-20-api.yaml"
  # A rate needs two samples, some ten seconds apart.
  until metrics_server_tells nodes && metrics_server_tells namespaces/kube-system/pods; do sleep 0.2; done
  order can metrics metrics-server
}
# For the same reason an instance that has it no longer forgets the group.
metrics_server_absent() { until kubectl delete apiservice v1beta1.metrics.k8s.io --ignore-not-found; do sleep 0.3; done; }
