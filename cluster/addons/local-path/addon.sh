# Volumes: rancher's local-path-provisioner makes a folder for each claim and takes it away again, by a helper Pod. It runs as a process on the node.
# The classes are in classes.yaml, the folders on the file system of lib/volumes.sh.
# shellcheck shell=bash disable=SC2034,SC2054

local_path_program() {
  P_PACKAGE=github.com/rancher/local-path-provisioner P_LINES=500
  P_LDFLAGS+=" -X main.VERSION=$(local_path_version)"
}
local_path_version() { module_version "$CLUSTER_DIR/addons/local-path" github.com/rancher/local-path-provisioner; }
local_path_certificates() { client local-path "/CN=makmal:local-path"; }
local_path_conf() { render "$CLUSTER_DIR/addons/local-path/classes.json" "$CONF/local-path.json"; }
local_path_command() {
  PART_COMMAND=("$ROOT/bin/local-path" start --kubeconfig "$CONF/local-path.conf" --config "$CONF/local-path.json"
    --namespace local-path-storage --service-account-name default --configmap-name local-path-scripts
    --helper-image busybox:1.36 --helper-pod-file "$ROOT/manifests/local-path-helper.yaml")
}

local_path_begin() {
  local seen=$ROOT/manifests/local-path-seen.yaml why
  if why=$(nfs_client); then order can nfs kubelet; else order cannot nfs "$why"; fi
  [ ! -s "$ROOT/volumes.why" ] || order cannot volume-limit "$(cat "$ROOT/volumes.why")"
  apply -f "$ROOT/manifests/local-path-rights.yaml" -f "$ROOT/manifests/local-path-classes.yaml"
  order start local-path
  # Seen: one Pod writes on a claim of each kind and on a volume made by hand.
  until kubectl delete -f "$seen" --ignore-not-found --timeout=60s; do sleep 0.3; done
  apply -f "$seen"
  until kubectl -n local-path-storage wait --for=jsonpath='{.status.phase}'=Succeeded pod/seen --timeout=60s; do sleep 0.3; done
  order can storage local-path
  order can rwx local-path
  order can pv local-path
  kubectl delete -f "$seen" --ignore-not-found --wait=false
}
