# What every part is started with. Sourced by init.sh.
# shellcheck shell=bash disable=SC2034,SC2054

# Folders that some part uses whatever its config says; each is covered by an
# empty tmpfs inside the instance, so that the machine's own stay untouched.
COVERED=(/run/netns /run/containerd /var/lib/cni /var/log/containers /var/lib/kubelet)

# command_of PART: sets PART_COMMAND and PART_ENV.
command_of() {
  local bin=$ROOT/bin
  PART_ENV=(LANG=C.UTF-8)
  case $1 in
    containerd)
      PART_COMMAND=(containerd --config "$CONF/containerd.toml")
      ;;
    registry)
      PART_COMMAND=("$IMAGES/registry" "$IMAGES" "$IMAGES/list" 127.0.0.1:5005)
      ;;
    etcd)
      PART_COMMAND=("$bin/etcd" --name="$NODE_NAME" --data-dir="$ROOT/etcd"
        --listen-client-urls=https://127.0.0.1:2379 --advertise-client-urls=https://127.0.0.1:2379
        --listen-peer-urls=https://127.0.0.1:2380 --initial-advertise-peer-urls=https://127.0.0.1:2380
        --initial-cluster="$NODE_NAME=https://127.0.0.1:2380"
        --cert-file="$PKI/etcd/server.crt" --key-file="$PKI/etcd/server.key"
        --client-cert-auth --trusted-ca-file="$PKI/etcd/ca.crt"
        --peer-cert-file="$PKI/etcd/peer.crt" --peer-key-file="$PKI/etcd/peer.key"
        --peer-client-cert-auth --peer-trusted-ca-file="$PKI/etcd/ca.crt"
        --quota-backend-bytes=8589934592 --auto-compaction-mode=periodic --auto-compaction-retention=10m --log-level=warn)
      [ "$FRESH" != 1 ] || PART_COMMAND+=(--unsafe-no-fsync)
      ;;
    kube-apiserver)
      PART_COMMAND=("$bin/kube-apiserver"
        --etcd-servers=https://127.0.0.1:2379 --etcd-cafile="$PKI/etcd/ca.crt"
        --etcd-certfile="$PKI/apiserver-etcd-client.crt" --etcd-keyfile="$PKI/apiserver-etcd-client.key"
        --advertise-address="$NODE_ADDRESS" --secure-port=6443
        --client-ca-file="$PKI/ca.crt" --tls-cert-file="$PKI/apiserver.crt" --tls-private-key-file="$PKI/apiserver.key"
        --kubelet-client-certificate="$PKI/apiserver-kubelet-client.crt" --kubelet-client-key="$PKI/apiserver-kubelet-client.key"
        --kubelet-certificate-authority="$PKI/ca.crt" --kubelet-preferred-address-types=InternalIP
        --service-account-issuer=https://kubernetes.default.svc
        --service-account-key-file="$PKI/sa.pub" --service-account-signing-key-file="$PKI/sa.key"
        --requestheader-client-ca-file="$PKI/front-proxy-ca.crt" --requestheader-allowed-names=front-proxy-client
        --requestheader-username-headers=X-Remote-User --requestheader-group-headers=X-Remote-Group
        --requestheader-extra-headers-prefix=X-Remote-Extra-
        --proxy-client-cert-file="$PKI/front-proxy-client.crt" --proxy-client-key-file="$PKI/front-proxy-client.key"
        --enable-aggregator-routing=true --service-cluster-ip-range="$SERVICE_RANGE"
        --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction,DenyServiceExternalIPs --allow-privileged=true
        --profiling=false --event-ttl=15m --delete-collection-workers=8 --authentication-config="$CONF/authentication.yaml")
      # Thousands of fake nodes and their watchers are more callers than the usual seats.
      ! has_addon kwok || PART_COMMAND+=(--max-requests-inflight=800 --max-mutating-requests-inflight=400)
      ;;
    kube-controller-manager)
      PART_COMMAND=("$bin/kube-controller-manager" --kubeconfig="$CONF/controller-manager.conf"
        --authentication-kubeconfig="$CONF/controller-manager.conf" --authorization-kubeconfig="$CONF/controller-manager.conf"
        --client-ca-file="$PKI/ca.crt" --requestheader-client-ca-file="$PKI/front-proxy-ca.crt"
        --root-ca-file="$PKI/ca.crt" --cluster-signing-cert-file="$PKI/ca.crt" --cluster-signing-key-file="$PKI/ca.key"
        --service-account-private-key-file="$PKI/sa.key" --use-service-account-credentials
        --leader-elect=false --bind-address=127.0.0.1 --profiling=false --kube-api-qps=300 --kube-api-burst=600
        --node-monitor-period=1s --flex-volume-plugin-dir="$ROOT/volumeplugins"
        --horizontal-pod-autoscaler-sync-period=2s --horizontal-pod-autoscaler-downscale-stabilization=10s
        --horizontal-pod-autoscaler-cpu-initialization-period=10s --horizontal-pod-autoscaler-initial-readiness-delay=2s)
      # Fake nodes renew their leases once a minute.
      ! has_addon kwok || PART_COMMAND+=(--node-monitor-grace-period=300s)
      ;;
    kube-scheduler)
      PART_COMMAND=("$bin/kube-scheduler" --config="$CONF/scheduler.yaml" --authentication-kubeconfig="$CONF/scheduler.conf"
        --authorization-kubeconfig="$CONF/scheduler.conf" --bind-address=127.0.0.1)
      ;;
    kube-proxy)
      PART_COMMAND=("$bin/kube-proxy" --config="$CONF/kube-proxy.yaml")
      ;;
    kubelet)
      PART_COMMAND=("$bin/kubelet" --config="$CONF/kubelet.yaml" --kubeconfig="$CONF/kubelet.conf"
        --hostname-override="$NODE_NAME" --node-ip="$NODE_ADDRESS" --root-dir="$ROOT/kubelet" --cert-dir="$PKI")
      PART_ENV+=(PATH="$CLUSTER_DIR/node:$SAFE_PATH")
      ;;
    kube-router)
      PART_COMMAND=("$bin/kube-router" --kubeconfig="$CONF/kube-router.conf" --node="$NODE_NAME" --services="$SERVICE_RANGE"
        --addresses="$ROOT/run/pods" --socket="$ROOT/run/policies.sock")
      ;;
    *)
      has_hook "$1" command || return 1
      hook "$1" command
      ;;
  esac
}

# version_of PART: what status tells.
version_of() {
  case $1 in
    kube-router) module_version "$CLUSTER_DIR/addons/kube-router" github.com/cloudnativelabs/kube-router/v2 ;;
    kube*) printf '%s\n' "$VERSION" ;;
    containerd) containerd --version | awk '{ sub(/^v?/, "v", $3); sub(/[~+].*/, "", $3); print $3 }' ;;
    etcd) module_version "$CLUSTER_DIR/addons/etcd" go.etcd.io/etcd/server/v3 ;;
    coredns) module_version "$CLUSTER_DIR/addons/coredns" github.com/coredns/coredns ;;
    *) hook "$1" version ;;
  esac
}
