"""What a variant of a release is built with: its name says it, or `variant()` does."""

visibility(["//rules/...", "//tests/release/..."])

# Code that a name means where its number alone is not what one wants. `sm_90a` runs on every device that `sm_90` runs on,
# and is the only code with the matrix instructions of that generation; the `a` code of later ones would lose devices.
_MEANT = {"90": "90a"}

_PROPERTIES = ["cpu_level", "cuda", "cudnn", "sonames"]

_WORDS = "expected words of cpu, cublas, cuda, cudnn, smNN, ptxNN with '-' between, or variant(name = ..., archs = [...])"

def _bad(where, got, expected):
    fail("\nerror: variant_release: {}: got {}, {}".format(where, got, expected))

def _number(word, prefix):
    """"90a" of "sm90a"; None of what is no such word."""
    number = word.removeprefix(prefix)
    if number == word or not number[:2].isdigit() or len(number) > 4:
        return None
    return number if number.rstrip("af").isdigit() and len(number) - len(number.rstrip("af")) <= 1 else None

def parse_variant(name):
    """Reads what a name says.

    Args:
      name: such as `cuda-cudnn-sm90`.

    Returns:
      struct(name, archs, cublas, cuda, cudnn, properties) as of `variant`.
    """
    archs = []
    words = name.split("-")
    for word in words:
        sm = _number(word, "sm")
        ptx = _number(word, "ptx")
        if sm:
            archs.append("sm_" + _MEANT.get(sm, sm))
        elif ptx:
            archs.append("compute_" + ptx)
        elif word not in ["cpu", "cublas", "cuda", "cudnn"]:
            _bad("variants", "{} in {}".format(repr(word), repr(name)), _WORDS)
    cuda = bool(archs) or "cuda" in words or "cublas" in words or "cudnn" in words
    if ("cpu" in words) == cuda:
        _bad("variants", repr(name), "expected a variant for the CPU or for CUDA")
    return struct(
        archs = archs,
        cublas = "cublas" in words,
        cuda = cuda,
        cudnn = "cudnn" in words,
        name = name,
        properties = {},
    )

def variant(name, archs = [], cublas = False, cudnn = False, properties = {}):
    """A variant whose name does not say how it is built.

    Args:
      name: lower-case letters, digits, `-`, `_` and `.`.
      archs: what `//rules:cuda_archs` is set to, such as `["sm_90", "compute_90"]`; none: a variant without CUDA.
      cublas: what `//rules:cublas` is set to.
      cudnn: what `//rules:cudnn` is set to.
      properties: of the row in the lock what no file tells: `cuda`, `cudnn`, `cpu_level`; `sonames`, a list of the libraries
        that the program opens by name and that make it this variant, beside those that its files name.

    Returns:
      an element for `variants` of `variant_release`.
    """
    if not name or name != name.lower():
        _bad("variant", "name " + repr(name), "expected lower-case text")
    for arch in archs:
        if not arch.startswith("sm_") and not arch.startswith("compute_"):
            _bad("variant " + repr(name), "arch " + repr(arch), "expected sm_NN or compute_NN")
    for library, wanted in [("cublas", cublas), ("cudnn", cudnn)]:
        if wanted and not archs:
            _bad("variant " + repr(name), library + " without archs", "expected both")
    unknown = [key for key in properties if key not in _PROPERTIES]
    if unknown:
        _bad("variant " + repr(name), "properties " + repr(unknown), "expected some of " + ", ".join(_PROPERTIES))
    for soname in properties.get("sonames", []):
        if "/" in soname or not soname.startswith("lib"):
            _bad("variant " + repr(name), "soname " + repr(soname), "expected the name of a library, such as libcublasLt.so.13")
    return struct(
        archs = archs,
        cublas = cublas,
        cuda = bool(archs),
        cudnn = cudnn,
        name = name,
        properties = properties,
    )

def declared_properties(variant, cuda_version):
    """The properties that the row of an archive is meant to have, as far as they are known before it is read.

    Args:
      variant: struct as of `variant`, with the archs that it is built with.
      cuda_version: release of the toolkit, or empty.

    Returns:
      dict, as VariantProperties in JSON.
    """
    if not variant.cuda:
        return {"accelerator": "cpu"} | variant.properties
    properties = {
        "accelerator": "cuda",
        "cubins": [arch for arch in variant.archs if arch.startswith("sm_")],
        "ptx": [{"arch": arch} for arch in variant.archs if arch.startswith("compute_")],
    }
    if cuda_version:
        properties["cuda"] = cuda_version
    return properties | variant.properties
