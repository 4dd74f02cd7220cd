# shellcheck shell=bash
# The closed set-up: everything Bazel would fetch from source hosting, from Debian instead.
#
# $BAZELW_HOME/sources   verified source archives, named by sha256
# $BAZELW_HOME/closed-K  extracted modules with the overlays of third_party/closed, a file registry with stubs for modules
#                        that only the module graph names, and closed.rc; K is the hash of all that goes into it

# Modules that the packages bring, as "module folder"; copied, because some get a small addition. Bazel refuses an override of
# a module that is not in the graph, so each of these is a dependency (of a dependency) of this one.
CLOSED_RULES="
bazel_features tools/features
bazel_skylib tools/skylib
platforms tools/platforms
rules_cc rules/cc
rules_java rules/java
rules_license rules/license
rules_pkg rules/pkg
rules_proto rules/proto
rules_python rules/python
rules_shell rules/shell
"
# Modules that are named in the graph and never loaded, as "module version".
CLOSED_STUBS="
apple_support 1.23.1
buildozer 7.1.2
"
# Names of the same folders in WORKSPACE mode, as "repository module".
CLOSED_REPOSITORIES="
abseil-cpp abseil-cpp
com_google_absl abseil-cpp
com_google_protobuf protobuf
com_google_googletest googletest
googletest googletest
boringssl boringssl
curl curl
highway highway
libdeflate libdeflate
libmicrohttpd libmicrohttpd
cli11 cli11
xz xz
ogg ogg
vorbis vorbis
miniaudio miniaudio
zlib zlib
zstd zstd
bazel_features bazel_features
bazel_skylib bazel_skylib
platforms platforms
rules_cc rules_cc
rules_java rules_java
rules_license rules_license
rules_pkg rules_pkg
rules_proto rules_proto
rules_python rules_python
rules_shell rules_shell
"

# Sources that are no module (rules/private/third_party.bzl). As repositories of a module extension they have names that
# depend on who is the main module, and on the version of Bazel.
CLOSED_UNREGISTERED="miniaudio"
CLOSED_EXTENSION_PREFIXES="_main~third_party~ rules_inference~~third_party~ +third_party+ rules_inference++third_party+"

closed_key() {
  (
    cd "$BAZELW_REPO/third_party" &&
      { printf '%s\n' "$BAZEL_RECIPE"; find closed bootstrap/closed.sh bootstrap/sources.tsv ./*/overlay.BUILD.bazel -type f -print0 |
        LC_ALL=C sort -z | xargs -0 sha256sum; } | sha256sum | cut -c1-12
  )
}

# Fetches one source archive: fetch_source MODULE. Sets SOURCE to the verified file.
fetch_source() {
  local module=$1 tmp=$2 name package file sum got tried="" found
  mkdir -p "$BAZELW_HOME/sources"
  while IFS=$'\t' read -r name package file sum; do
    [[ $name == "$module" ]] || continue
    SOURCE=$BAZELW_HOME/sources/$sum-$file
    if [[ -f $SOURCE && $(sha256_of "$SOURCE") == "$sum" ]]; then return; fi
  done <"$BAZELW_REPO/third_party/bootstrap/sources.tsv"
  if [[ -z ${SOURCES_APT:-} ]]; then
    note "asking apt for third-party sources ..."
    private_apt "$tmp/apt-src" bookworm trixie forky || note "apt update reported errors; trying with what it has"
    SOURCES_APT=$APT_CONF
  fi
  while IFS=$'\t' read -r name package file sum; do
    [[ $name == "$module" ]] || continue
    tried+=" $file"
    # Newest version first; the line is: 'URI' FILE SIZE SHA256:HEX
    found=$(APT_CONFIG=$SOURCES_APT apt-cache showsrc "$package" 2>/dev/null | awk '/^Version:/ { print $2 }' | sort -u |
      while read -r version; do
        APT_CONFIG=$SOURCES_APT apt-get source --print-uris --only-source "$package=$version" 2>/dev/null
      done | awk -v file="$file" -v sum="SHA256:$sum" '$2 == file && $4 == sum { gsub("\047", "", $1); print $1; exit }' || true)
    [[ -n $found ]] || continue
    SOURCE=$BAZELW_HOME/sources/$sum-$file
    APT_CONFIG=$SOURCES_APT /usr/lib/apt/apt-helper download-file "$found" "$tmp/source" "SHA256:$sum" >>"$tmp/apt-src/log" 2>&1 || continue
    got=$(sha256_of "$tmp/source")
    [[ $got == "$sum" ]] ||
      die "wrong source" "$file" "sha256 $got" "$sum" "the archive of this machine is not Debian's"
    mv -f -- "$tmp/source" "$SOURCE"
    return
  done <"$BAZELW_REPO/third_party/bootstrap/sources.tsv"
  die "source not available" "$module" "none of$tried from the machine's Debian archive" "one of them" \
    "put the file into $BAZELW_HOME/sources as SHA256-NAME (see third_party/bootstrap/sources.tsv), or use BAZELW_OFFLINE=0"
}

make_closed() {
  local final=$1 tmp=$BAZELW_HOME/.tmp.closed.$$ start=$SECONDS module folder version repository prefix
  local share=$BAZELW_HOME/bazel-$BAZEL_RECIPE/root/usr/share/bazel
  [[ -f $final/closed.rc ]] && return
  need_space 700
  # shellcheck disable=SC2064  # the value of now is meant
  trap "rm -rf -- '$tmp'" EXIT
  mkdir -p "$tmp/out/registry/modules" "$tmp/out/registry/stub"
  for module in $(awk -F'\t' '!/^#/ { print $1 }' "$BAZELW_REPO/third_party/bootstrap/sources.tsv" | uniq); do
    fetch_source "$module" "$tmp"
    note "unpacking ${SOURCE##*/sources/*-}"
    mkdir -p "$tmp/out/$module"
    tar -xf "$SOURCE" -C "$tmp/out/$module" --strip-components=1 --no-same-owner
    [[ ! -e $BAZELW_REPO/third_party/$module/overlay.BUILD.bazel ]] ||
      cp -- "$BAZELW_REPO/third_party/$module/overlay.BUILD.bazel" "$tmp/out/$module/BUILD.bazel"
    [[ ! -d $BAZELW_REPO/third_party/closed/$module ]] ||
      cp -R -- "$BAZELW_REPO/third_party/closed/$module/." "$tmp/out/$module/"
    : >>"$tmp/out/$module/WORKSPACE"
  done
  while read -r module folder; do
    [[ -n $module ]] || continue
    cp -RL -- "$share/$folder" "$tmp/out/$module"
    [[ ! -d $BAZELW_REPO/third_party/closed/$module ]] ||
      cp -R -- "$BAZELW_REPO/third_party/closed/$module/." "$tmp/out/$module/"
  done <<<"$CLOSED_RULES"
  # Abseil selects on a compiler that this rules_cc does not name.
  if ! grep -q emscripten "$tmp/out/rules_cc/cc/compiler/BUILD"; then
    sed -n '/^config_setting(/,/^)/p' "$tmp/out/rules_cc/cc/compiler/BUILD" |
      awk '/^config_setting\(/ { n++ } n == 1' | sed -E 's/(name = )"[^"]*"/\1"emscripten"/; s/(:compiler": )"[^"]*"/\1"emscripten"/' \
      >>"$tmp/out/rules_cc/cc/compiler/BUILD"
  fi
  while read -r module version; do
    [[ -n $module ]] || continue
    mkdir -p "$tmp/out/registry/modules/$module/$version"
    printf 'module(name = "%s", version = "%s")\n' "$module" "$version" >"$tmp/out/registry/modules/$module/$version/MODULE.bazel"
    printf '{"type": "local_path", "path": "%s"}\n' "$final/registry/stub" >"$tmp/out/registry/modules/$module/$version/source.json"
  done <<<"$CLOSED_STUBS"
  printf '{}\n' >"$tmp/out/registry/bazel_registry.json"
  {
    printf '# Written by bazelw: this machine does not reach source hosting. BAZELW_OFFLINE=0 turns it off.\n'
    printf 'common --registry=file://%s/registry\n' "$final"
    # Without this the WORKSPACE suffix that is built into Bazel registers toolchains that it would download.
    printf 'common --noenable_workspace\n'
    # A lock file would name the folders of this machine.
    printf 'common --lockfile_mode=off\n'
    printf 'common --distdir=%s\n' "$BAZELW_HOME/sources"
    for module in $(awk -F'\t' '!/^#/ { print $1 }' "$BAZELW_REPO/third_party/bootstrap/sources.tsv" | uniq) \
      $(awk 'NF { print $1 }' <<<"$CLOSED_RULES"); do
      [[ " $CLOSED_UNREGISTERED " == *" $module "* ]] ||
        printf 'common --override_module=%s=%s/%s\n' "$module" "$final" "$module"
    done
    for module in $CLOSED_UNREGISTERED; do
      for prefix in $CLOSED_EXTENSION_PREFIXES; do
        printf 'common --override_repository=%s%s=%s/%s\n' "$prefix" "$module" "$final" "$module"
      done
    done
    while read -r repository module; do
      [[ -z $repository ]] || printf 'common --override_repository=%s=%s/%s\n' "$repository" "$final" "$module"
    done <<<"$CLOSED_REPOSITORIES"
  } >"$tmp/out/closed.rc"
  rm -rf -- "$final"
  mv -T -- "$tmp/out" "$final"
  note "closed set-up is ready in $final ($((SECONDS - start)) s)"
}

# Prepares the closed set-up once per state of third_party/; sets CLOSED_RC.
prepare_closed() {
  local final
  final=$BAZELW_HOME/closed-$(closed_key)
  CLOSED_RC=$final/closed.rc
  [[ -f $CLOSED_RC ]] && return
  assemble_bazel # the rules come with it, also where another Bazel runs
  with_lock make_closed "$final"
}
