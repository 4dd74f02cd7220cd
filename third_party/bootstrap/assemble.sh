# shellcheck shell=bash
# Assembles a relocated Bazel from Debian packages: nothing is installed, no root is needed.
#
# The packages are built for a newer glibc than stable Debian has, so they bring their own loader and libraries: each
# native program gets its interpreter and rpath rewritten to the folder it will live in. Java and the jars come the same
# way. The folder is filled under a temporary name and renamed when it works.

BAZEL_SUITE=forky

# The first Debian archive (URI and keyring) that the machine's own apt is set up for.
debian_source() {
  local files=() f
  for f in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
    [[ -r $f ]] && files+=("$f")
  done
  ((${#files[@]})) || return 1
  awk '
    function flush() {
      if (uri != "" && key_ok) { print uri " " key; done = 1; exit }
      uri = ""; key = ""; key_ok = 0
    }
    FNR == 1 { flush() }
    /^[[:space:]]*#/ { next }
    /^deb[[:space:]]/ {                                    # one-line format
      key = ""; line = $0
      if (match(line, /signed-by=[^] ,]+/)) key = substr(line, RSTART + 10, RLENGTH - 10)
      sub(/^deb[[:space:]]+(\[[^]]*\][[:space:]]*)?/, "", line)
      split(line, part, /[[:space:]]+/)
      if (part[1] ~ /\/debian\/?$/) { uri = part[1]; key_ok = 1; flush() }
      next
    }
    /^[[:space:]]*$/ { flush(); next }
    /^URIs:/ { if ($2 ~ /\/debian\/?$/) { uri = $2; key_ok = 1 } }
    /^Signed-By:/ { key = $2 }
    END { if (!done) flush() }
  ' "${files[@]}"
}

# Writes a private apt root into $1 and updates it; leaves its settings in APT_CONF. Suites: $2...
private_apt() {
  local dir=$1 source uri key suite
  shift
  command -v apt-get >/dev/null ||
    die "no apt" "PATH" "no apt-get" "apt-get, or a folder of packages" "set BAZELW_DEBS, or install bazelisk"
  source=$(debian_source) && [[ -n $source ]] ||
    die "no Debian archive" "/etc/apt" "no source that ends in /debian" "one" "set BAZELW_DEBS, or install bazelisk"
  uri=${source%% *} key=${source#* }
  [[ -n $key ]] || key=/usr/share/keyrings/debian-archive-keyring.gpg
  mkdir -p "$dir"/{state/lists/partial,cache/archives/partial,etc}
  : >"$dir/state/status"
  for suite in "$@"; do
    printf 'deb [signed-by=%s] %s %s main\ndeb-src [signed-by=%s] %s %s main\n' "$key" "$uri" "$suite" "$key" "$uri" "$suite"
  done >"$dir/etc/sources.list"
  APT_CONF=$dir/apt.conf
  cat >"$APT_CONF" <<CONF
Dir::State "$dir/state";
Dir::State::status "$dir/state/status";
Dir::Cache "$dir/cache";
Dir::Etc::sourcelist "$dir/etc/sources.list";
Dir::Etc::sourceparts "-";
Dir::Etc::preferencesparts "-";
Acquire::Check-Valid-Until "false";
Acquire::Languages "none";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
APT::Architecture "amd64";
APT::Architectures { "amd64"; };
APT::Sandbox::User "$(id -un)";
APT::Install-Recommends "false";
CONF
  APT_CONFIG=$APT_CONF apt-get -qq update >"$dir/log" 2>&1 && ! grep -q '^E:' "$dir/log"
}

# Copies the packages into $1 from BAZELW_DEBS, else downloads them, else takes $BAZELW_HOME/debs.
collect_debs() {
  local dest=$1 folder=${BAZELW_DEBS:-} packages
  mapfile -t packages <"$BAZELW_REPO/third_party/bootstrap/packages.txt"
  if [[ -z $folder ]]; then
    note "downloading ${#packages[@]} Debian packages (150 MB) ..."
    if private_apt "$dest/apt" "$BAZEL_SUITE" &&
      (cd "$dest" && APT_CONFIG=$APT_CONF apt-get -qq download "${packages[@]}" >>"$dest/apt/log" 2>&1); then
      return
    fi
    [[ -d $BAZELW_HOME/debs ]] ||
      die "packages not available" "the machine's Debian archive, suite $BAZEL_SUITE" \
        "'$(grep -m1 '^[EW]:' "$dest/apt/log" 2>/dev/null | cut -c1-200 | sed -E 's#[a-z]+://[^ ]+#...#g')'" "${#packages[@]} packages" \
        "set BAZELW_DEBS to a folder of these packages with SHA256SUMS, or put it at $BAZELW_HOME/debs"
    note "the mirror failed; using $BAZELW_HOME/debs"
    folder=$BAZELW_HOME/debs
  fi
  [[ -f $folder/SHA256SUMS ]] ||
    die "packages not usable" "BAZELW_DEBS" "no SHA256SUMS in '$folder'" "a list of the sha256 of every package" ""
  local sum file
  while read -r sum file; do
    [[ $file == *.deb ]] || continue
    file=${file#\*}
    [[ -f $folder/$file ]] || die "package missing" "$folder/SHA256SUMS" "no file '$file'" "every listed package" ""
    [[ $(sha256_of "$folder/$file") == "$sum" ]] ||
      die "wrong package" "$folder/$file" "sha256 $(sha256_of "$folder/$file")" "$sum" "copy the file again"
    cp -- "$folder/$file" "$dest/$(basename -- "$file")"
  done <"$folder/SHA256SUMS"
}

# Path of a patchelf that runs here: the machine's, one from the packages' host folder, or one unpacked into $1.
find_patchelf() {
  local dir=$1 deb
  if PATCHELF=$(command -v patchelf); then return; fi
  mkdir -p "$dir/patchelf"
  deb=$(find "${BAZELW_DEBS:-$BAZELW_HOME/debs}/host" -name 'patchelf_*.deb' 2>/dev/null | head -n 1 || true)
  if [[ -z $deb ]]; then
    (cd "$dir/patchelf" && apt-get -qq download patchelf >/dev/null 2>&1) || {
      # An image whose apt lists were removed: ask for the suite of this machine privately.
      private_apt "$dir/apt-host" "$(. /etc/os-release && printf %s "${VERSION_CODENAME:-stable}")" &&
        (cd "$dir/patchelf" && APT_CONFIG=$APT_CONF apt-get -qq download patchelf >/dev/null 2>&1)
    } || die "no patchelf" "PATH" "none, and apt has none" "patchelf" "install patchelf"
    deb=$(find "$dir/patchelf" -name 'patchelf_*.deb' | head -n 1)
  fi
  dpkg-deb -x "$deb" "$dir/patchelf"
  PATCHELF=$dir/patchelf/usr/bin/patchelf
}

# relocate TMP FINAL: rewrites loader, rpath, absolute links and the class path for life in FINAL/root.
relocate() {
  local root=$1/root home=$2/root lib=usr/lib/x86_64-linux-gnu jre loader link target f jar
  while IFS= read -r -d '' link; do
    target=$(readlink -- "$link")
    ln -sfn -- "$home$target" "$link"
  done < <(find "$root" -type l -lname '/*' -print0)
  jre=$(cd "$root" && find usr/lib/jvm -maxdepth 1 -name 'java-*-openjdk-amd64' -type d | head -n 1)
  loader=$(cd "$root" && find usr -name 'ld-linux-x86-64.so.2' -type f | head -n 1)
  [[ -n $jre && -n $loader ]] || die "packages incomplete" "$1" "no Java or no loader" "openjdk-*-jre-headless and libc6" ""
  for f in usr/bin/bazel usr/libexec/x86_64-linux-gnu/bazel/{linux-sandbox,process-wrapper,build-runfiles,daemonize,zipper}; do
    "$PATCHELF" --set-interpreter "$home/$loader" --force-rpath --set-rpath "$home/$lib" "$root/$f"
  done
  for f in "$jre/bin/java" "$jre/lib/jspawnhelper"; do
    "$PATCHELF" --set-interpreter "$home/$loader" --force-rpath --set-rpath "$home/$jre/lib:$home/$lib" "$root/$f"
  done
  # Jars that the listed ones name in Class-Path have to be listed themselves: without perfmark no call is answered.
  f=$root/usr/share/bazel/bazel_classpath_debian_depends.txt
  {
    sed "s#^/#$home/#" "$f"
    printf '\n'
    for jar in perfmark-api protobuf animal-sniffer-annotations error-prone-annotations; do
      if [[ -e $root/usr/share/java/$jar.jar ]]; then printf '%s\n' "$home/usr/share/java/$jar.jar"; fi
    done
  } | grep -v '^$' >"$f.new"
  mv -f -- "$f.new" "$f"
  cat >"$1/bazel" <<RUN
#!/bin/sh
# Bazel from Debian packages, relocated by bazelw.
case "\${1-}" in --version) echo "bazel $(cat "$root/usr/share/bazel/build-label.txt")"; exit 0 ;; esac
exec "$home/usr/bin/bazel" --nosystem_rc "--install_base=$home/usr/share/bazel" --trust_install_base \\
  "--server_javabase=$home/$jre" "\$@"
RUN
  chmod +x "$1/bazel"
}

make_bazel() {
  local final=$BAZELW_HOME/bazel-$BAZEL_RECIPE tmp=$BAZELW_HOME/.tmp.$$ deb start=$SECONDS
  [[ -x $final/bazel ]] && return # another bazelw was quicker
  need_space 1500
  mkdir -p "$tmp/debs" "$tmp/out/root"
  # A failure or an interrupt removes everything; a kill leaves a .tmp folder that the next run removes.
  # shellcheck disable=SC2064  # the value of now is meant
  trap "rm -rf -- '$tmp'" EXIT
  collect_debs "$tmp/debs"
  find_patchelf "$tmp"
  note "unpacking ..."
  for deb in "$tmp"/debs/*.deb; do
    dpkg-deb -x "$deb" "$tmp/out/root" 2>"$tmp/dpkg.log" ||
      die "package not readable" "$(basename "$deb")" "'$(head -n 1 "$tmp/dpkg.log")'" "a Debian package" \
        "check the free space of $BAZELW_HOME"
  done
  note "relocating ..."
  relocate "$tmp/out" "$final"
  rm -rf -- "$final"
  mv -T -- "$tmp/out" "$final"
  note "Bazel $("$final/bazel" --version | cut -d' ' -f2) is ready in $final ($((SECONDS - start)) s)"
}

assemble_bazel() {
  [[ -x $BAZELW_HOME/bazel-$BAZEL_RECIPE/bazel ]] && return
  [[ $(uname -s) == Linux && $(uname -m) == x86_64 ]] ||
    die "no Bazel" "PATH" "$(uname -s) $(uname -m) without bazel or bazelisk" "one of them (or x86_64 Linux with dpkg)" \
      "install bazelisk, or set BAZEL"
  command -v dpkg-deb >/dev/null ||
    die "no Bazel" "PATH" "no bazel, no bazelisk, no dpkg-deb" "one of them" "install bazelisk, or set BAZEL"
  note "no Bazel >= 7.7 on PATH: assembling one from Debian packages into $BAZELW_HOME"
  with_lock make_bazel
}
