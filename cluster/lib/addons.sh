# Add-ons: what an instance has beside its core, each a folder addons/NAME with go.mod, go.sum, its manifests and addon.sh. The name is also that of
# its program, its part and its log. addon.sh is sourced and defines what it needs of these functions (dashes in NAME become underscores):
#   NAME_program       sets P_PACKAGE, P_LINES (package lines of a cold build), adds to P_LDFLAGS; P_DIR is set          build.sh
#   NAME_sources       changes the copy of addons/NAME that it is called in, where a module is to be compiled differently  build.sh
#   NAME_version       prints the version that status tells                                                             init.sh
#   NAME_certificates  keys of its own by `sign` and `client`, made anew with those of the core                         certs.sh
#   NAME_conf          config files in CONF, from templates by `render`, at each start                                  conf.sh
#   NAME_command       sets PART_COMMAND and PART_ENV                                                                   parts.sh, in init.sh
#   NAME_begin         run inside once the core is ready and the program is built: applies what it needs, orders its
#                      part to start, waits until what it gives is *seen*, orders `can WORD NAME`                       sequence.sh
#                      (`cannot WORD WHY`: a word that this machine keeps from it, and status tells the reason)
#   NAME_absent        run inside while its program is not there, or when this instance is to be without it: takes away
#                      what a start with it left and what does harm alone                                               sequence.sh
# An add-on comes when its program is built; until then, and when it fails, the cluster is ready without its words. Sourced by `cluster`, init.sh, sequence.sh.
# shellcheck shell=bash

ADDONS_ALWAYS=(local-path traefik metrics-server)
ADDONS=() # of this instance: choose_addons, read_addons

for _addon in "$CLUSTER_DIR"/addons/*/addon.sh; do
  # shellcheck disable=SC1090
  [ ! -e "$_addon" ] || . "$_addon"
done
unset _addon

# words_of NAME: the capability words that its addon.sh will order, so that status can tell what is still to come.
words_of() { sed -n "s/.*order can \([a-z-]*\) $1\b.*/\1/p" "$CLUSTER_DIR/addons/$1/addon.sh" | sort -u; }

is_addon() { [ -e "$CLUSTER_DIR/addons/$1/addon.sh" ]; }
# has_hook NAME HOOK; hook NAME HOOK: runs it, and is content when there is none.
has_hook() { declare -F "${1//-/_}_$2" >/dev/null; }
hook() { ! has_hook "$1" "$2" || "${1//-/_}_$2"; }

# want_addons: ADDONS_WANTED by the options. CORE=1: none. FAKE_NODES (empty: as at the last start of this instance's data) nodes, or fewer than there
# are: kwok too, which also takes them away.
want_addons() {
  local before=0
  ADDONS_WANTED=()
  [ "$CORE" = 1 ] || ADDONS_WANTED=("${ADDONS_ALWAYS[@]}")
  [ "$FRESH" = 1 ] || before=$(fake_nodes_wanted)
  : "${FAKE_NODES:=$before}"
  [ "$FAKE_NODES$before" = 00 ] || ADDONS_WANTED+=(kwok)
}
# choose_addons: this start has the wanted ones, noted for init.sh and the next caller.
choose_addons() {
  ADDONS=("${ADDONS_WANTED[@]}")
  printf '%s\n' "${ADDONS[@]}" | put "$ROOT/addons" 644
  printf '%s\n' "$FAKE_NODES" | put "$ROOT/fake-nodes" 644
}
fake_nodes_wanted() { grep -xE '[0-9]{1,4}' "$ROOT/fake-nodes" 2>/dev/null || echo 0; }
has_addon() { [[ " ${ADDONS[*]} " == *" $1 "* ]]; } # this instance
read_addons() { mapfile -t ADDONS < <(grep . "$ROOT/addons" 2>/dev/null); }
# addons_left_out: those that there are and that this instance is to be without.
addons_left_out() {
  local file addon
  for file in "$CLUSTER_DIR"/addons/*/addon.sh; do
    addon=$(basename "$(dirname "$file")")
    has_addon "$addon" || printf '%s\n' "$addon"
  done
}
