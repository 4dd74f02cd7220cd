"""The compiler: the wheel `ziglang`, unpacked. It holds clang, lld and ar in one static program, and the sources of the C library's
start files, of libc++ and of compiler-rt.

Only its clang, lld and ar run in actions; they know no cache and write nothing but their output. Zig itself, which has a cache,
runs once for each target, in target_repository.bzl.
"""

load("//rules/private/wheels:errors.bzl", "error_text")
load("//rules/private/wheels:fetch.bzl", "fetch_wheel", "find_python")
load(":pins.bzl", "TARGETS", "ZIG_VERSION", "ZIG_WHEELS")

# Repositories made in WORKSPACE files load this.
visibility("public")

# Headers that belong to no system that is compiled for: each file is one more link in the sandbox of each action.
_OTHER_HEADERS = {
    "aarch64": ["*mmintrin.h", "amx*.h", "avx*.h", "hvx_*.h", "hexagon_*.h"],
    "x86_64": ["arm*.h", "hvx_*.h", "hexagon_*.h"],
}
_NO_HEADERS = ["*_wrappers/**", "riscv_*.h", "wasm_*.h", "altivec.h", "ve*.h", "l*sxintrin.h"]

def _headers(cpu):
    folders = ["lib/libcxx/include", "lib/libcxxabi/include"] + ["lib/libc/include/" + name for name in TARGETS[cpu].headers]
    return struct(
        exclude = ["lib/include/" + pattern for pattern in _NO_HEADERS + _OTHER_HEADERS[cpu]],
        include = ["lib/include/**"] + [folder + "/**" for folder in folders],
    )

# What Zig compiles a target's libraries of.
_SOURCES = [
    "c.zig",
    "c/",
    "compiler_rt.zig",
    "compiler_rt/",
    "include/",
    "libc/glibc/",
    "libcxx/",
    "libcxxabi/",
    "libunwind/",
    "std/",
    "ubsan_rt.zig",
]

def _unpack(rctx, pinned, wheel):
    """Unpacks what is needed: the rest is three quarters of 18,000 files."""
    headers = {"libc/include/{}/".format(name): None for target in TARGETS.values() for name in target.headers}
    command = [find_python(rctx, pinned), "-I", rctx.path(Label(":unpack_zig.py")), wheel, ".", "ziglang/LICENSE", "ziglang/zig"]
    result = rctx.execute(command + ["ziglang/lib/" + name for name in _SOURCES + headers.keys()])
    if result.return_code != 0:
        fail("\n" + error_text("hermetic_cc", wheel, "'{}'".format(result.stderr.strip()), "the compiler"))

def _zig_repository_impl(rctx):
    cpu = rctx.attr.cpu
    pinned = struct(
        package = "ziglang",
        version = ZIG_VERSION,
        python = "3.11",
        platform = "linux_" + cpu,
        hashes = [ZIG_WHEELS[cpu]],
        lock = str(Label("//rules/private/hermetic_cc:pins.bzl")),
        newest = {},
        file = "",
        url = "",
        path = "",
    )
    wheel = fetch_wheel(rctx, pinned)
    _unpack(rctx, pinned, wheel)
    rctx.delete(wheel)
    lines = ["package(default_visibility = [\"//visibility:public\"])", "exports_files([\"ziglang/zig\"])"]
    for target in sorted(TARGETS):
        headers = _headers(target)
        lines.append("filegroup(name = \"headers_{}\", srcs = glob({}, exclude = {}))".format(
            target,
            ["ziglang/" + pattern for pattern in headers.include],
            ["ziglang/" + pattern for pattern in headers.exclude],
        ))
    rctx.file("BUILD.bazel", "\n\n".join(lines) + "\n", executable = False)
    return rctx.repo_metadata(reproducible = True) if hasattr(rctx, "repo_metadata") else None

zig_repository = repository_rule(
    implementation = _zig_repository_impl,
    doc = "The compiler for machines of one CPU: `ziglang/zig`, and the headers of each target.",
    attrs = {"cpu": attr.string(doc = "CPU of the machine that compiles.", mandatory = True, values = sorted(ZIG_WHEELS))},
)
