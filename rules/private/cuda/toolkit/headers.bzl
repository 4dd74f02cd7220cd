"""What the headers of a toolkit say: which host compilers it takes, and which functions the driver has."""

visibility(["//rules/private/cuda/toolkit", "//tests/cuda/..."])

def _number(text):
    digits = ""
    for char in text.strip().elems():
        if not char.isdigit():
            break
        digits += char
    return int(digits) if digits else 0

def host_compilers(text):
    """Reads crt/host_config.h, which refuses newer compilers: `#if __GNUC__ > 15`, `#if (__clang_major__ >= 21) || ...`.

    Args:
      text: content of the header.

    Returns:
      a struct: `gcc_max` and `clang_max`, the newest majors; 0 where it does not say.
    """
    gcc, clang = 0, 0
    for line in text.split("\n"):
        words = line.replace("(", " ").replace(")", " ").strip()
        if not words.startswith("#if"):
            continue
        if "__GNUC__ >" in words:
            gcc = _number(words.split("__GNUC__ >")[1])
        elif "__clang_major__ >=" in words:
            clang = _number(words.split("__clang_major__ >=")[1]) - 1
        elif "__clang_major__ >" in words:
            clang = _number(words.split("__clang_major__ >")[1])
    return struct(clang_max = max(clang, 0), gcc_max = gcc)

def _is_function(name):
    return len(name) > 2 and name.startswith("cu") and not [char for char in name.elems() if not (char.isalnum() or char == "_")]

def driver_functions(text):
    """Lists the functions of libcuda that cuda.h declares.

    The header renames what it declares: by `#define cuMemAlloc cuMemAlloc_v2`, and by `__CUDA_API_PTDS(cuMemcpy)`, which is
    cuMemcpy or cuMemcpy_ptds by the macro of default streams. The library has all of these names, so all are listed, whatever
    a program defines.

    Args:
      text: content of cuda.h.

    Returns:
      a sorted list of names.
    """
    names = {}
    for part in text.split("CUDAAPI")[1:]:
        name = part.lstrip().partition("(")[0].strip()
        if _is_function(name):
            names[name] = None
    for line in text.split("\n"):
        words = [word for word in line.split(" ") if word]
        if len(words) != 3 or words[0] != "#define" or not words[1].startswith("cu"):
            continue
        macro, _, argument = words[2].partition("(")
        suffix = {"__CUDA_API_PTDS": "_ptds", "__CUDA_API_PTSZ": "_ptsz"}.get(macro)
        name = argument.rstrip(")") if suffix else macro
        if not _is_function(name):
            continue
        names[name] = None
        if suffix:
            names[name + suffix] = None
    return sorted(names)

_STUB = """\
/* Functions of the driver's library, for the linker alone: the driver of the machine has the real ones. */
{functions}"""

def driver_stub(names):
    """Returns a C file that defines functions with these names."""
    return _STUB.format(functions = "".join(["void {}(void) {{}}\n".format(name) for name in names]))

def cubin_archs(text):
    """Reads the help of ptxas: 'sm_90','sm_90a', ...

    Args:
      text: what `ptxas --help` prints.

    Returns:
      the cubin architectures, from the oldest to the newest.
    """
    found = {}
    for word in text.split("'"):
        if word.startswith("sm_") and word[3:].rstrip("af").isdigit():
            found[word] = (int(word[3:].rstrip("af")), word)
    return sorted(found, key = lambda word: found[word])

def nvcc_version(text):
    """Reads what `nvcc --version` prints.

    Args:
      text: its output, with a line such as `Cuda compilation tools, release 13.0, V13.0.88`.

    Returns:
      (release, version), such as ("13.0", "13.0.88"); empty texts when there is no such line.
    """
    for line in text.split("\n"):
        if "release " in line and ", V" in line:
            return line.split("release ")[1].partition(",")[0].strip(), line.rpartition(", V")[2].strip()
    return "", ""
