#!/usr/bin/env bash
# The image of examples/comfy, read by tools that this project did not write. Environment: see lib.bash.
set -uo pipefail
# shellcheck source=tests/acceptance/lib.bash
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.bash"

build_or_die //examples/comfy:image @comfy_wheels//:all_wheels
layout=$(files_of //examples/comfy:image)
mapfile -t wheels < <(files_of @comfy_wheels//:all_wheels)
tree=(python3 tests/acceptance/tree.py)

# --- what the image says of itself -------------------------------------------------------------------------------------

if needs "skopeo inspect" skopeo; then
  skopeo inspect "oci:$layout:latest" >"$SCRATCH/inspect.json"
  equal "skopeo inspect" "$(python3 -c '
import json, sys
i = json.load(open(sys.argv[1]))
print(i["Architecture"], i["Os"], len(i["Layers"]), i["Digest"])' "$SCRATCH/inspect.json")" "amd64 linux 12 $(manifest_of "$layout")"
fi

if needs "skopeo copy --dest-decompress" skopeo; then
  skopeo copy -q --dest-decompress "oci:$layout:latest" "dir:$SCRATCH/plain" >"$SCRATCH/log" 2>&1
  # Decompressed layers carry their diff_id as their name.
  got=$(cd "$SCRATCH/plain" && for f in *; do [[ ${#f} == 64 ]] && sha256sum "$f" | awk '{ if ($1 != $2) print $2 }'; done)
  python3 - "$layout" "$SCRATCH/plain" >"$SCRATCH/diff_ids" <<'PY'
import json, pathlib, sys
layout, plain = map(pathlib.Path, sys.argv[1:])
blob = lambda digest: (layout / "blobs" / digest.replace(":", "/")).read_bytes()
manifest = json.loads(blob(json.loads((layout / "index.json").read_text())["manifests"][0]["digest"]))
diff_ids = json.loads(blob(manifest["config"]["digest"]))["rootfs"]["diff_ids"]
copied = [layer["digest"] for layer in json.loads((plain / "manifest.json").read_text())["layers"]]
print("equal" if diff_ids == copied else f"{copied} instead of {diff_ids}")
PY
  equal "skopeo copy --dest-decompress" "$got$(cat "$SCRATCH/diff_ids")" equal
  rm -rf "$SCRATCH/plain"
fi

python3 examples/comfy/show_layers.py "$layout" >"$SCRATCH/layers.txt"
same "layers.txt shows the plan" "$SCRATCH/layers.txt" examples/comfy/layers.txt

# --- the tree that comes out of it -------------------------------------------------------------------------------------

rootfs=$SCRATCH/bundle/rootfs
if needs "umoci unpack" umoci; then
  if umoci unpack --rootless --image "$layout:latest" "$SCRATCH/bundle" >"$SCRATCH/log" 2>&1; then
    "${tree[@]}" scan "$rootfs" >"$SCRATCH/unpacked.txt"
    {
      "${tree[@]}" wheels "$PREFIX" "${wheels[@]}"
      "${tree[@]}" files . examples/comfy/base | sed 's#^\./##'
      "${tree[@]}" files app examples/comfy/app
      printf 'models\tdir\t-\nmodels/upscale_2x.onnx\tfile\t%s\n' "$(sha256sum examples/comfy/model/upscale_2x.onnx | cut -d' ' -f1)"
      printf '%s\tdir\t-\n' home home/comfy root tmp
    } | LC_ALL=C sort -u >"$SCRATCH/expected.txt"
    LC_ALL=C sort -u -o "$SCRATCH/unpacked.txt" "$SCRATCH/unpacked.txt"
    same "umoci unpack gives what the wheels contain" "$SCRATCH/unpacked.txt" "$SCRATCH/expected.txt"
    equal "the tree is not empty" "$(($(wc -l <"$SCRATCH/expected.txt") > 5000))" 1
  else
    fail "umoci unpack" "$(tail -n 1 "$SCRATCH/log")"
  fi
fi

# The interpreter: python3.11, or a python3 of that version.
python=$(command -v python3.11 || command -v python3)
if [[ ! -d $rootfs ]]; then
  skip "Python runs the image's packages" "nothing was unpacked"
elif [[ $("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])') != 3.11 ]]; then
  skip "Python runs the image's packages" "no Python 3.11"
else
  got=$(cd / && env -i PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$rootfs/$PREFIX" "$python" -s - "$rootfs" 2>&1 <<'PY'
import sys
import cv2, numpy, onnx, onnxruntime, scipy.linalg
for module in [cv2, numpy, onnx, onnxruntime, scipy]:
    assert module.__file__.startswith(sys.argv[1]), module.__file__
session = onnxruntime.InferenceSession(sys.argv[1] + "/models/upscale_2x.onnx", providers=["CPUExecutionProvider"])
image = numpy.arange(12, dtype=numpy.float32).reshape(1, 3, 2, 2)
result = session.run(None, {"image": image})[0]
assert (result == image.repeat(2, axis=2).repeat(2, axis=3)).all(), result
print("ok")
PY
  )
  equal "Python imports numpy, scipy, cv2, onnxruntime and runs the model" "${got##*$'\n'}" ok
  got=$(cd / && env -i PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$rootfs/$PREFIX" COMFY_MODEL="$rootfs/models/upscale_2x.onnx" \
    "$python" -s "$rootfs/app/main.py" --self-test 2>&1)
  equal "the service passes its self-test" "${got##*$'\n'}" "self-test passed"
fi
rm -rf "$SCRATCH/bundle"

# --- every layer, by every reader --------------------------------------------------------------------------------------

mapfile -t layers < <(python3 - "$layout" <<'PY'
import json, pathlib, sys
layout = pathlib.Path(sys.argv[1])
path = lambda digest: layout / "blobs" / digest.replace(":", "/")
manifest = json.loads(path(json.loads((layout / "index.json").read_text())["manifests"][0]["digest"]).read_text())
diff_ids = json.loads(path(manifest["config"]["digest"]).read_text())["rootfs"]["diff_ids"]
for layer, diff_id in zip(manifest["layers"], diff_ids):
    print(path(layer["digest"]), diff_id.partition(":")[2])
PY
)

# extract READER BLOB DIRECTORY: unpacks a layer.
extract() {
  case $1 in
  tar) tar -xzf "$2" -C "$3" ;;
  bsdtar) bsdtar -xf "$2" -C "$3" ;;
  busybox) busybox tar -xzf "$2" -C "$3" ;;
  esac
}

for reader in tar bsdtar busybox; do
  needs "every layer, by $reader" "$reader" || continue
  wrong=
  for i in "${!layers[@]}"; do
    read -r blob _ <<<"${layers[i]}"
    [[ -e $SCRATCH/layer.$i ]] || "${tree[@]}" tar "$blob" >"$SCRATCH/layer.$i"
    mkdir "$SCRATCH/out"
    # Warnings count: a reader that finds something odd says so and goes on.
    extract "$reader" "$blob" "$SCRATCH/out" >"$SCRATCH/log" 2>&1 || wrong+=" layer $i: exit code $?"
    [[ -s $SCRATCH/log ]] && wrong+=" layer $i: $(head -n 1 "$SCRATCH/log")"
    "${tree[@]}" scan "$SCRATCH/out" | cmp -s - "$SCRATCH/layer.$i" || wrong+=" layer $i: other files than Python's tarfile"
    chmod -R u+rwX "$SCRATCH/out"
    rm -rf "$SCRATCH/out"
  done
  equal "every layer, by $reader" "${wrong:-ok}" ok
done

decompress() {
  case $1 in
  gzip) gzip -dc "$2" ;;
  pigz) pigz -dc "$2" ;;
  busybox) busybox gzip -dc "$2" ;;
  python) python3 -c 'import gzip, shutil, sys; shutil.copyfileobj(gzip.open(sys.argv[1]), sys.stdout.buffer, 1 << 20)' "$2" ;;
  esac
}

for reader in gzip pigz busybox python; do
  [[ $reader == python ]] || needs "every layer has its diff_id, by $reader" "$reader" || continue
  wrong=
  for i in "${!layers[@]}"; do
    read -r blob diff_id <<<"${layers[i]}"
    got=$(decompress "$reader" "$blob" 2>&1 | sha256sum | cut -d' ' -f1)
    [[ $got == "$diff_id" ]] || wrong+=" layer $i: $got"
  done
  equal "every layer has its diff_id, by $reader" "${wrong:-ok}" ok
done

exit "$FAILED"
