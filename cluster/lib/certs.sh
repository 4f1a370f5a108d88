# Keys, certificates and kubeconfigs of an instance. kubeadm makes most of
# them, openssl the rest. Idempotent: made anew when missing, when the names
# have changed or when they end within 30 days; the authorities are kept.
# Sourced by `cluster`; paths by use_name and use_slot.
# shellcheck shell=bash

# server_names: what the API server's certificate is valid for, sorted. A name that no certificate can carry (my_host) is left out.
server_names() {
  {
    printf '%s\n' localhost 127.0.0.1 kubernetes "$HOST_ADDRESS"
    uname -n
    hostname -f 2>/dev/null
    ip -j -4 address show scope global 2>/dev/null | jq -r '.[].addr_info[].local' 2>/dev/null | grep -v '^172\.31\.77\.'
    tr ',' ' ' <<<"${MAKMAL_SERVER_NAMES:-}" | xargs -rn1
  } | tr '[:upper:]' '[:lower:]' | grep -xE '([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]*[a-z0-9])?|[0-9a-f:]+:[0-9a-f:.]*' | sort -u
}

# sign NAME SUBJECT EXTENSIONS: a key and a certificate of the cluster's authority.
sign() {
  local base=$PKI/$1
  (
    umask 077
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$base.key" -out "$base.csr" -subj "$2" &&
      openssl x509 -req -in "$base.csr" -CA "$PKI/ca.crt" -CAkey "$PKI/ca.key" -set_serial "0x$(openssl rand -hex 16 | sed 's/^./1/')" \
        -days 365 -out "$base.crt" -extfile <(printf '%b' "$3")
  ) 2>>"$ROOT/log/certs.log" || return 1
  rm -f "$base.csr"
}

# kubeconfig CLIENT: standard output; the client's certificate inside.
kubeconfig() {
  # shellcheck disable=SC2153
  jq -n --arg server "$API_URL" --arg ca "$(base64 -w0 "$PKI/ca.crt")" --arg crt "$(base64 -w0 "$PKI/$1.crt")" --arg key "$(base64 -w0 "$PKI/$1.key")" --arg name "makmal-$NAME" '
    {apiVersion: "v1", kind: "Config", "current-context": $name,
     clusters: [{name: $name, cluster: {server: $server, "certificate-authority-data": $ca}}],
     users: [{name: $name, user: {"client-certificate-data": $crt, "client-key-data": $key}}],
     contexts: [{name: $name, context: {cluster: $name, user: $name}}]}'
}

# A client: `name subject`, with a kubeconfig CONF/name.conf.
client() {
  sign "$1" "$2" 'extendedKeyUsage=clientAuth\nkeyUsage=digitalSignature' && kubeconfig "$1" | put "$CONF/$1.conf" 600
}

# fits BASE: certificate (or the public key of tokens) and private key belong together, and neither was cut short.
fits() {
  local public
  if [ -e "$PKI/$1.pub" ]; then public=$(cat "$PKI/$1.pub"); else public=$(openssl x509 -pubkey -noout -in "$PKI/$1.crt" 2>/dev/null); fi
  [ -n "$public" ] && [ "$public" = "$(openssl pkey -pubout -in "$PKI/$1.key" 2>/dev/null)" ]
}

AUTHORITIES=(ca front-proxy-ca etcd/ca)
# certificates_good NAMES: all are there and whole, for these names, signed by these authorities, and good for 30 days more.
certificates_good() {
  local name file authority
  [ "$(cat "$PKI/names" 2>/dev/null)" = "$1" ] || return 1
  for name in "${AUTHORITIES[@]}" apiserver apiserver-kubelet-client front-proxy-client kubelet-server makmal-server makmal-up kube-proxy kube-router \
    apiserver-etcd-client etcd/server etcd/peer; do
    [ -e "$PKI/$name.crt" ] || return 1
  done
  for file in "$PKI"/*.crt "$PKI"/etcd/*.crt "$PKI/sa.pub"; do
    name=${file#"$PKI/"}
    fits "${name%.*}" || return 1
  done
  openssl verify -attime $(($(date +%s) + 2592000)) -CAfile <(cat "$PKI"/{,front-proxy-,etcd/}ca.crt) \
    "$PKI"/*.crt "$PKI"/etcd/*.crt >/dev/null 2>&1 || return 1
  for name in admin super-admin controller-manager scheduler kubelet kube-proxy kube-router makmal-server makmal-up; do
    [ -e "$CONF/$name.conf" ] || return 1
  done
  authority=$(base64 -w0 "$PKI/ca.crt")
  for file in "$CONF"/*.conf; do
    [ "$file" != "$CONF/resolv.conf" ] || continue # no kubeconfig
    # kubeadm writes YAML whose last line is the key, `client` JSON.
    if ! grep -qF "$authority" "$file" || ! grep -q client-key-data "$file" || [ -n "$(tail -c 1 "$file")" ]; then return 1; fi
    [ "$(head -c 1 "$file")" != '{' ] || [ "$(tail -n 1 "$file")" = '}' ] || return 1
  done
  for name in "${ADDONS[@]}"; do
    ! has_hook "$name" certificates || [ -e "$PKI/made-for-$name" ] || return 1
  done
}

# kubeadm_config NAMES FOLDER: what kubeadm is asked with; keys and certificates lie in FOLDER.
kubeadm_config() {
  cat <<Y
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint: {advertiseAddress: $NODE_ADDRESS, bindPort: 6443}
nodeRegistration: {name: $NODE_NAME, criSocket: "unix://$ROOT/run/containerd.sock"}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: $(kubernetes_version)
clusterName: makmal-$NAME
certificatesDir: $2
encryptionAlgorithm: ECDSA-P256
networking: {serviceSubnet: $SERVICE_RANGE, podSubnet: $POD_RANGE, dnsDomain: cluster.local}
apiServer:
  certSANs:
$(sed 's/^/  - "/; s/$/"/' <<<"$1")
etcd: {local: {dataDir: $ROOT/etcd}}
Y
}

# add_names: the instance runs; a name it does not know yet comes into its API server's certificate, which is read anew by itself.
add_names() {
  local names folder=$ROOT/run/names
  names=$({ server_names; tail -n +2 "$PKI/names"; } | sort -u)
  [ "$NODE_ADDRESS"$'\n'"$names" != "$(cat "$PKI/names")" ] || return 0
  rm -rf "$folder"
  (
    umask 077
    mkdir -p "$folder" && cp "$PKI/ca.crt" "$PKI/ca.key" "$folder" && kubeadm_config "$names" "$folder" >"$folder/kubeadm.yaml" &&
      env -i PATH="$SAFE_PATH" "$ROOT/bin/kubeadm" init phase certs apiserver --config "$folder/kubeadm.yaml"
  ) >>"$ROOT/log/certs.log" 2>&1 || die "the names could not be added to the certificate: see $ROOT/log/certs.log"
  mv -f "$folder/apiserver.key" "$folder/apiserver.crt" "$PKI/"
  printf '%s\n%s\n' "$NODE_ADDRESS" "$names" >"$PKI/names"
  rm -rf "$folder"
  say "the API server's certificate carries these names now: $(tr '\n' ' ' <<<"$names")"
}

make_certificates() {
  local name names want jobs=() job addon
  names=$(server_names)
  want=$NODE_ADDRESS$'\n'$names
  certificates_good "$want" && return 0
  mkdir -p "$PKI/etcd" "$CONF"
  for name in "${AUTHORITIES[@]}" sa; do
    if fits "$name" || ! ls "$PKI/$name".* >/dev/null 2>&1; then continue; fi
    # Every Pod of kept data was told whom to trust when it began.
    if [ "$name" = ca ] && [ -d "$ROOT/etcd/member" ]; then
      die "the key or certificate of the authority ($PKI/ca.key, ca.crt) is damaged, and the data kept here trusts it. Cure: put them back from a copy, or cluster up --fresh, which throws the data away"
    fi
    rm -f "$PKI/$name".*
    say "the keys of $name were damaged and are made anew: kubeconfigs and tokens handed out before are worth nothing now"
  done
  find "$PKI" -type f ! -name 'ca.*' ! -name 'front-proxy-ca.*' ! -name 'sa.*' -delete
  find "$CONF" -name '*.conf' -delete
  kubeadm_config "$names" "$PKI" >"$CONF/kubeadm.yaml"
  (
    umask 077
    env -i PATH="$SAFE_PATH" "$ROOT/bin/kubeadm" init phase certs all --config "$CONF/kubeadm.yaml" &&
      env -i PATH="$SAFE_PATH" "$ROOT/bin/kubeadm" init phase kubeconfig all --config "$CONF/kubeadm.yaml" --kubeconfig-dir "$CONF"
  ) >>"$ROOT/log/certs.log" 2>&1 || die "the certificates could not be made: see $ROOT/log/certs.log"
  sign kubelet-server "/O=system:nodes/CN=system:node:$NODE_NAME" \
    "extendedKeyUsage=serverAuth\nkeyUsage=digitalSignature\nsubjectAltName=IP:$NODE_ADDRESS,DNS:$NODE_NAME" &
  jobs+=($!)
  client kube-proxy "/CN=system:kube-proxy" &
  jobs+=($!)
  client kube-router "/CN=makmal:kube-router" &
  jobs+=($!)
  client makmal-server "/CN=makmal:server" &
  jobs+=($!)
  client makmal-up "/O=system:masters/CN=makmal:up" &
  jobs+=($!)
  for addon in "${ADDONS[@]}"; do
    { hook "$addon" certificates && : >"$PKI/made-for-$addon"; } &
    jobs+=($!)
  done
  for job in "${jobs[@]}"; do
    wait "$job" || die "a certificate could not be made: see $ROOT/log/certs.log"
  done
  printf '%s\n' "$want" >"$PKI/names"
}
