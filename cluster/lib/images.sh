# Makes the images: one layer each, the same bytes each time, from programs
# built here and from Debian's packages. Sourced by `cluster`. They lie under
# $MAKMAL_CACHE/images/<key>: blobs/sha256/*, manifests (name and digest),
# import/*.tar (what containerd gets before the registry is there), registry.
# shellcheck shell=bash

IMAGES_FROM_PACKAGES=(busybox curl netcat-openbsd wget libc6 gcc libcivetweb1)

# images_key: what the images are made of.
images_key() {
  {
    cat "$CLUSTER_DIR"/images/* "$CLUSTER_DIR/lib/images.sh"
    dpkg-query -W -f '${Package} ${Version} ${Status}\n' "${IMAGES_FROM_PACKAGES[@]}" 2>/dev/null
    program_path coredns
    uname -m
  } | sha256sum | cut -c1-64
}

sha() { sha256sum "$1" | cut -c1-64; }

# flat_tar FOLDER OUT WHAT...: the same files give the same bytes.
flat_tar() {
  local from=$1 out=$2
  shift 2
  tar -C "$from" --format=gnu --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf "$out" "$@"
}

# copy_libraries ROOT PROGRAM: every library it loads, at the same place.
copy_libraries() {
  local root=$1 program=$2 library
  while read -r library; do
    [ ! -e "$root$library" ] || continue
    mkdir -p "$root$(dirname "$library")"
    cp -L "$library" "$root$library"
  done < <(ldd "$program" | grep -oE '/[^ ]+')
}

# copy_program ROOT PROGRAM: the program at the same place, with all it loads.
copy_program() {
  mkdir -p "$1$(dirname "$2")"
  cp -L "$2" "$1$2"
  copy_libraries "$1" "$2"
}

# copyright ROOT PACKAGE...
copyright() {
  local root=$1 package
  shift
  for package; do
    [ -e "/usr/share/doc/$package/copyright" ] || continue
    mkdir -p "$root/usr/share/doc/$package"
    cp -L "/usr/share/doc/$package/copyright" "$root/usr/share/doc/$package/"
  done
}

# bare_root ROOT: what every image has.
bare_root() {
  mkdir -p "$1"/{etc,tmp,var/run,home}
  chmod 1777 "$1/tmp"
  printf 'root:x:0:0:root:/:/bin/sh\nnginx:x:101:101::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n' >"$1/etc/passwd"
  printf 'root:x:0:\nnginx:x:101:\nnogroup:x:65534:\n' >"$1/etc/group"
  printf 'hosts: files dns\n' >"$1/etc/nsswitch.conf"
}

# image NAME ROOT CONFIG [FULL-NAME]: layer, config and manifest; with FULL-NAME also import/NAME.tar.
image() {
  local name=$1 root=$2 config=$3 full=${4:-} arch layer inner packed wrote manifest size layout
  arch=$(dpkg --print-architecture)
  chmod -R u+rwX,go+rX,go-w "$root"
  chmod 1777 "$root/tmp"
  flat_tar "$root" "$WORK/layer" .
  inner=$(sha "$WORK/layer")
  gzip -n -6 <"$WORK/layer" >"$WORK/packed"
  layer=$(sha "$WORK/packed")
  packed=$(stat -c %s "$WORK/packed")
  mv "$WORK/packed" "$OUT/blobs/sha256/$layer"
  jq -cn --arg arch "$arch" --arg inner "sha256:$inner" --argjson config "$config" \
    '{architecture: $arch, os: "linux", config: $config, rootfs: {type: "layers", diff_ids: [$inner]}}' >"$WORK/config"
  wrote=$(sha "$WORK/config")
  size=$(stat -c %s "$WORK/config")
  mv "$WORK/config" "$OUT/blobs/sha256/$wrote"
  jq -cn --arg config "sha256:$wrote" --argjson size "$size" --arg layer "sha256:$layer" --argjson packed "$packed" '
    {schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json",
     config: {mediaType: "application/vnd.oci.image.config.v1+json", digest: $config, size: $size},
     layers: [{mediaType: "application/vnd.oci.image.layer.v1.tar+gzip", digest: $layer, size: $packed}]}' >"$WORK/manifest"
  manifest=$(sha "$WORK/manifest")
  size=$(stat -c %s "$WORK/manifest")
  mv "$WORK/manifest" "$OUT/blobs/sha256/$manifest"
  printf '%s sha256:%s\n' "$name" "$manifest" >>"$OUT/manifests"
  [ -n "$full" ] || return 0
  layout=$WORK/layout
  rm -rf "$layout"
  mkdir -p "$layout/blobs/sha256"
  ln "$OUT/blobs/sha256/$layer" "$OUT/blobs/sha256/$wrote" "$OUT/blobs/sha256/$manifest" "$layout/blobs/sha256/"
  printf '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
  jq -cn --arg digest "sha256:$manifest" --argjson size "$size" --arg arch "$arch" --arg full "$full" '
    {schemaVersion: 2, manifests: [{mediaType: "application/vnd.oci.image.manifest.v1+json", digest: $digest, size: $size,
      platform: {architecture: $arch, os: "linux"}, annotations: {"io.containerd.image.name": $full}}]}' >"$layout/index.json"
  flat_tar "$layout" "$OUT/import/$name.tar" oci-layout index.json blobs
}

# compile SOURCE OUT [FLAGS...]
compile() {
  local source=$1 out=$2
  shift 2
  gcc -std=c17 -O2 -Wall -Wextra -Wshadow -Wstrict-prototypes -Werror -fno-ident -Wl,--build-id=none -s -o "$out" "$CLUSTER_DIR/images/$source" "$@"
}

# fetch_nginx FOLDER: Debian's nginx, unpacked, never installed.
fetch_nginx() {
  local debs=$MAKMAL_CACHE/debs deb try
  mkdir -p "$debs"
  if ! compgen -G "$debs/nginx_*.deb" >/dev/null; then
    for try in 1 2; do
      (cd "$debs" && apt-get download -q nginx nginx-common) >"$WORK/apt.log" 2>&1 && break
      [ $try = 2 ] || apt-get update -q >>"$WORK/apt.log" 2>&1 || true
    done
  fi
  if ! compgen -G "$debs/nginx_*.deb" >/dev/null; then
    tail -n 5 "$WORK/apt.log" >&2
    die "the package nginx could not be fetched. Cure: give apt a way to Debian's archive once, or put nginx_*.deb and nginx-common_*.deb into $debs"
  fi
  for deb in "$debs"/nginx*.deb; do dpkg-deb -x "$deb" "$1"; done
  [ -x "$1/usr/sbin/nginx" ] || die "$debs: no nginx program in these packages"
}

make_web() {
  local unpacked=$WORK/nginx root port name user
  fetch_nginx "$unpacked"
  ! ldd "$unpacked/usr/sbin/nginx" | grep 'not found' >&2 || die "nginx needs the libraries above. Cure: apt-get install libpcre2-8-0 libssl3 zlib1g libcrypt1"
  for port in 80 8080; do
    name=web user=
    [ $port = 80 ] || name=web-8080 user=101:101
    root=$WORK/$name
    bare_root "$root"
    mkdir -p "$root"/{usr/sbin,etc/nginx/conf.d,usr/share/nginx/html,usr/share/doc,var/log/nginx,var/cache/nginx}
    copy_libraries "$root" "$unpacked/usr/sbin/nginx"
    cp "$unpacked/usr/sbin/nginx" "$root/usr/sbin/nginx"
    ln -s /dev/stdout "$root/var/log/nginx/access.log"
    ln -s /dev/stderr "$root/var/log/nginx/error.log"
    cp "$unpacked/etc/nginx/mime.types" "$root/etc/nginx/"
    cp "$CLUSTER_DIR/images/nginx.conf" "$root/etc/nginx/"
    sed "s/@PORT@/$port/" "$CLUSTER_DIR/images/default.conf" >"$root/etc/nginx/conf.d/default.conf"
    cp "$CLUSTER_DIR/images/index.html" "$root/usr/share/nginx/html/"
    cp -r "$unpacked"/usr/share/doc/nginx* "$root/usr/share/doc/"
    copy_tools "$root"
    copyright "$root" libc6 libpcre2-8-0 libssl3 libssl3t64 zlib1g libcrypt1
    image $name "$root" "$(jq -cn --arg user "$user" --arg port "$port/tcp" \
      '{Env: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"], User: $user, ExposedPorts: {($port): {}}, Entrypoint: [], Cmd: ["/usr/sbin/nginx", "-e", "/dev/stderr"], StopSignal: "SIGQUIT"}')"
  done
}

# copy_tools ROOT: busybox with every applet, curl, a full nc and wget, our nslookup.
copy_tools() {
  local root=$1 applet
  copy_program "$root" /usr/bin/curl
  mkdir -p "$root/bin"
  cp -L "$(command -v busybox)" "$root/bin/busybox"
  copy_program "$root" "$(command -v busybox)"
  [ ! -x /usr/bin/wget ] || copy_program "$root" /usr/bin/wget
  copy_program "$root" /bin/nc.openbsd
  mkdir -p "$root/usr/bin"
  cp "$WORK/nslookup" "$root/usr/bin/nslookup"
  copy_libraries "$root" "$WORK/nslookup"
  [ "$(command -v busybox)" = /bin/busybox ] || rm -f "$root$(command -v busybox)"
  ln -sf /bin/nc.openbsd "$root/usr/bin/nc"
  for applet in $(busybox --list); do
    [ -e "$root/bin/$applet" ] || [ -e "$root/usr/bin/$applet" ] || [ -e "$root/usr/sbin/$applet" ] || [ "$applet" = nc ] || ln -s busybox "$root/bin/$applet"
  done
  ln -sf /bin/nc.openbsd "$root/bin/nc"
  copyright "$root" busybox curl libc6 netcat-openbsd wget
}

make_images() {
  local root name delay
  compile nslookup.c "$WORK/nslookup" -lresolv
  root=$WORK/pause
  bare_root "$root"
  compile pause.c "$root/pause" -static
  image pause "$root" '{"Entrypoint":["/pause"],"User":"65534:65534"}' registry.k8s.io/pause:3.10

  root=$WORK/coredns
  bare_root "$root"
  cp "$(program_path coredns)" "$root/coredns"
  image coredns "$root" '{"Entrypoint":["/coredns"],"User":"65534:65534"}' \
    "registry.k8s.io/coredns/coredns:$(module_version "$CLUSTER_DIR/addons/coredns" github.com/coredns/coredns)"

  root=$WORK/tools
  bare_root "$root"
  copy_tools "$root"
  image tools "$root" '{"Env":["PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],"Cmd":["sh"]}'
  install -m 755 "$CLUSTER_DIR/images/curl.sh" "$root/entrypoint.sh"
  image curl "$root" '{"Env":["PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],"Entrypoint":["/entrypoint.sh"],"Cmd":["curl","--help"],"User":"100:101"}'

  make_web

  root=$WORK/whoami
  bare_root "$root"
  copy_tools "$root"
  compile whoami.c "$root/whoami" -static -pthread
  for name in 1 2 3 slow; do
    delay=0
    [ $name != slow ] || delay=20
    image whoami-$name "$root" "$(jq -cn --arg version "$name" --arg delay "$delay" \
      '{Env: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "WHOAMI_VERSION=\($version)", "WHOAMI_DELAY=\($delay)"], ExposedPorts: {"80/tcp": {}}, Entrypoint: ["/whoami"]}')"
  done

  root=$WORK/burn
  bare_root "$root"
  copy_tools "$root"
  compile burn.c "$root/burn" -static -pthread -lm
  image burn "$root" '{"Env":["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],"ExposedPorts":{"80/tcp":{}},"Entrypoint":["/burn"]}'

  compile registry.c "$OUT/registry" -lcivetweb
  cp "$CLUSTER_DIR/images/list" "$OUT/list"
}

# build_images: makes them unless they are there; IMAGES is the folder.
build_images() {
  local lock key
  key=$(images_key)
  IMAGES=$MAKMAL_CACHE/images/$key
  whole "$IMAGES" && return 0
  mkdir -p "$MAKMAL_CACHE/images"
  exec {lock}>"$MAKMAL_CACHE/images/lock"
  flock --nonblock "$lock" || { say "waiting for another process that makes the images" && flock "$lock"; }
  if ! whole "$IMAGES"; then
    say "making the images$([ ! -e "$IMAGES" ] || echo ' anew: the finished ones are damaged')"
    rm -rf "$MAKMAL_CACHE/images"/.work.??????
    WORK=$(mktemp -d "$MAKMAL_CACHE/images/.work.XXXXXX")
    OUT=$WORK/out
    mkdir -p "$OUT/blobs/sha256" "$OUT/import"
    # In the background, or `if` would switch `set -e` off.
    (
      set -e
      umask 022
      make_images
    ) &
    if ! wait $!; then
      rm -rf "$WORK"
      die "the images could not be made; the lines above say why"
    fi
    chmod 755 "$OUT"
    seal "$OUT"
    rm -rf "$IMAGES"
    mv -T "$OUT" "$IMAGES"
    rm -rf "$WORK"
  fi
  exec {lock}>&-
}
