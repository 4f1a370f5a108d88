# Traefik: Ingress at ports 80 and 443 of the node. Hooks: lib/addons.sh.
# shellcheck shell=bash disable=SC2034,SC2054

# A uid that nobody has. It may enter neither the instance's folder nor any key; its kubeconfig lies beside the server's.
TRAEFIK_UID=65531
TRAEFIK_CONFIG=traefik.kubeconfig

traefik_program() {
  P_PACKAGE=github.com/traefik/traefik/v3/cmd/traefik P_LINES=2800
  P_LDFLAGS+=" -X github.com/traefik/traefik/v3/pkg/version.Version=$(traefik_version) -X github.com/traefik/traefik/v3/pkg/version.BuildDate=2026-01-01T00:00:00Z"
}
# Which rule goes first is not as the Ingress API has it, and no setting makes it so: one function of Traefik's is ours (patch/priority.go).
traefik_sources() {
  local mux=traefik/pkg/muxer/http
  cp -r "$("$GO" mod download -json "github.com/traefik/traefik/v3@$(traefik_version)" | jq -r .Dir)" traefik && cp patch/priority.go $mux/ &&
    grep -q '^func GetRulePriority(' $mux/mux.go && sed -i 's/^func GetRulePriority(/func lengthOfRule(/' $mux/mux.go && echo 'replace github.com/traefik/traefik/v3 => ./traefik' >>go.mod
}
traefik_version() { module_version "$CLUSTER_DIR/addons/traefik" github.com/traefik/traefik/v3; }
traefik_certificates() { client traefik "/CN=makmal:traefik"; }
traefik_conf() { put "$RUN/$TRAEFIK_CONFIG" 600 <"$CONF/traefik.conf" && chown "$TRAEFIK_UID:$TRAEFIK_UID" "$RUN/$TRAEFIK_CONFIG"; }

traefik_command() {
  PART_ENV+=(KUBECONFIG="$RUN/$TRAEFIK_CONFIG")
  PART_COMMAND=(setpriv --reuid "$TRAEFIK_UID" --regid "$TRAEFIK_UID" --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs
    "$(readlink -f "$ROOT/bin/traefik")"
    --global.checknewversion=false --global.sendanonymoususage=false --log.level=INFO --log.nocolor=true
    --entrypoints.web.address="$NODE_ADDRESS:80" --entrypoints.websecure.address="$NODE_ADDRESS:443" --entrypoints.websecure.http.tls=true
    # A change is served after half a second at most, however many others there are, and a storm of Pods does not keep it busy.
    --providers.providersthrottleduration=500ms --providers.kubernetesingress.throttleduration=200ms --providers.kubernetesingressnginx.throttleduration=200ms
    # Class traefik. Strict: /a is a path by itself and with what follows a slash, never /ab.
    --providers.kubernetesingress=true --providers.kubernetesingress.strictprefixmatching=true --providers.kubernetesingress.allowemptyservices=true
    --providers.kubernetesingress.ingressendpoint.ip="$NODE_ADDRESS"
    # Class nginx, with the annotations that its manifests use; snippets are off. An external name would be asked of this machine's resolver.
    --providers.kubernetesingressnginx=true --providers.kubernetesingressnginx.disablesvcexternalname=true --providers.kubernetesingressnginx.publishstatusaddress="$NODE_ADDRESS")
}

# traefik_answers CLASS HOST: the trial Ingress of that class leads to a Pod, and carries the node's address.
traefik_answers() {
  [ "$(curl -q -s --noproxy '*' --max-time 2 -H "Host: $1.$2" "http://$NODE_ADDRESS/health")" = OK ] &&
    api "/apis/networking.k8s.io/v1/namespaces/kube-system/ingresses/trial-$1" |
    jq --slurp -e --arg node "$NODE_ADDRESS" '.[0].status.loadBalancer.ingress[0].ip == $node' >/dev/null 2>&1
}

traefik_begin() {
  local class trial=trial-${EPOCHREALTIME//[.,]/}.invalid
  until nft -D uid=$TRAEFIK_UID -f "$CLUSTER_DIR/addons/traefik/wall.nft"; do sleep 0.3; done
  apply -f "$ROOT/manifests/traefik-10-rights.yaml" -f "$ROOT/manifests/traefik-20-classes.yaml"
  order start traefik
  # Two true Ingresses of this start's own host, to the Pod of CoreDNS, which tells its health; gone when they have answered.
  sed "s|@TRIAL@|$trial|g" "$ROOT/manifests/traefik-30-trial.yaml" >"$ROOT/run/trial.yaml"
  apply -f "$ROOT/run/trial.yaml"
  for class in nginx traefik; do until traefik_answers $class "$trial"; do sleep 0.1; done; done
  order can ingress traefik
  until kubectl -n kube-system delete --ignore-not-found --wait=false ingress/trial-nginx ingress/trial-traefik service/trial; do sleep 0.3; done
}
