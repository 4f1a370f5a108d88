# Writes the config file of every part from the templates in conf/. The words
# between @ stand for the instance's paths and addresses. Sourced by `cluster`.
# shellcheck shell=bash

# render TEMPLATE OUT
render() {
  sed -e "s|@ROOT@|$ROOT|g" -e "s|@NODE_ADDRESS@|$NODE_ADDRESS|g" -e "s|@CGROUP@|$CGROUP|g" -e "s|@POD_RANGE@|$POD_RANGE|g" \
    -e "s|@DNS_ADDRESS@|$DNS_ADDRESS|g" -e "s|@NODE_NAME@|$NODE_NAME|g" \
    -e "s|@COREDNS_VERSION@|$(module_version "$CLUSTER_DIR/addons/coredns" github.com/coredns/coredns)|g" "$1" >"$2"
}

make_conf() {
  mkdir -p "$CONF" "$ROOT"/{cni,cni-bin,run,log,certs.d/_default,manifests}
  local file addon
  for file in authentication.yaml scheduler.yaml containerd.toml kubelet.yaml kube-proxy.yaml resolv.conf; do
    render "$CLUSTER_DIR/conf/$file" "$CONF/$file"
  done
  if [ "$FRESH" = 1 ]; then
    # A cluster for tests: nothing is evicted, whatever the machine is short of.
    printf 'evictionHard: {memory.available: "0%%", nodefs.available: "0%%", nodefs.inodesFree: "0%%", imagefs.available: "0%%", imagefs.inodesFree: "0%%"}\n' >>"$CONF/kubelet.yaml"
  else
    # Pods must not starve the server beside them.
    printf 'evictionHard: {memory.available: "300Mi", nodefs.available: "5%%", nodefs.inodesFree: "2%%", imagefs.available: "5%%", imagefs.inodesFree: "2%%"}\nsystemReserved: {memory: 1Gi}\n' >>"$CONF/kubelet.yaml"
  fi
  render "$CLUSTER_DIR/conf/hosts.toml" "$ROOT/certs.d/_default/hosts.toml"
  render "$CLUSTER_DIR/conf/pods.conflist" "$ROOT/cni/10-pods.conflist"
  ln -sfn /usr/lib/cni/{bridge,portmap,host-local,loopback} "$CLUSTER_DIR/lib/pod-network" "$ROOT/cni-bin/"
  rm -f "$ROOT"/manifests/*
  for file in "$CLUSTER_DIR"/manifests/*.yaml; do
    render "$file" "$ROOT/manifests/$(basename "$file")"
  done
  for addon in "${ADDONS[@]}"; do
    for file in "$CLUSTER_DIR/addons/$addon"/*.yaml; do
      [ ! -e "$file" ] || render "$file" "$ROOT/manifests/$addon-$(basename "$file")"
    done
    hook "$addon" conf
  done
}
