"""What programs of one target are linked with, and the toolchains for it.

Start files, stubs of the C library (which carry the symbol versions of the asked glibc and no code), libc++, libunwind and
compiler-rt are compiled here by the pinned compiler from the pinned sources: about half a minute. Then no action ever has to, and
none has a cache beside Bazel's.

The bytes are the same on every machine. For the usual versions of glibc they are pinned, which proves it each time, and lets
Bazel's repository cache keep them: another output base does not compile them again.
"""

load("//rules/private/wheels:errors.bzl", "error_text")
load("//rules/private/wheels:fetch.bzl", "find_python")
load(":pins.bzl", "LIBRARIES", "TARGETS", "ZIG_WHEELS")
load(":wrappers.bzl", "WRAPPERS", "wrapper")

# Repositories made in WORKSPACE files load this.
visibility("public")

# All libraries in one archive, as Bazel's repository cache holds single files.
_BUNDLE = "libraries.a"

# The shared libraries that a stub stands for; `ld` is the loader.
_STUBS = {"c": 6, "dl": 2, "ld": 2, "m": 6, "pthread": 0, "resolv": 2, "rt": 1, "util": 1}
_ARCHIVES = ["libc++.a", "libc++abi.a", "libc_nonshared.a", "libcompiler_rt.a", "libunwind.a"]

_BUILD = """\
package(default_visibility = ["//visibility:public"])

filegroup(
    name = "lib",
    srcs = glob(["lib/**"]),
)
"""

_TOOLCHAIN = """\
load("{macro}", "hermetic_cc_toolchain")

hermetic_cc_toolchain(
    name = "cc_toolchain",
    cpu = "{cpu}",
    glibc = "{glibc}",
    headers = "{headers}",
    lib = "//:lib",
    zig = "{zig}",
)
"""

def _host_cpu(rctx):
    cpu = {"amd64": "x86_64", "arm64": "aarch64"}.get(rctx.os.arch, rctx.os.arch)
    if cpu not in ZIG_WHEELS or rctx.os.name != "linux":
        _fail(rctx, "{} on {}".format(rctx.os.name, cpu), "linux on " + " or ".join(sorted(ZIG_WHEELS)))
    return cpu

def _fail(rctx, got, expected):
    fail("\n" + error_text("hermetic_cc", "linux_{}, glibc {}".format(rctx.attr.cpu, rctx.attr.glibc), got, expected))

def _compile_libraries(rctx, zig):
    """Makes Zig link a program, and packs what it links it with into the file `bundle`."""
    rctx.report_progress("compiling start files, libc++ and compiler-rt for linux_" + rctx.attr.cpu)

    # Names of sources get into debug information of assembly and into assertions: from here they have one path on every machine.
    rctx.symlink(zig.dirname.get_child("lib"), "zig_lib")
    rctx.file("probe.cc", "int main() { return 0; }\n", executable = False)
    result = rctx.execute(
        [zig, "c++", "-target", "{}-linux-gnu.{}".format(rctx.attr.cpu, rctx.attr.glibc)] +
        ["-O2", "-s", "-fPIE", "-pie", "probe.cc", "-o", "probe"],
        environment = {
            "ZIG_GLOBAL_CACHE_DIR": "cache",
            "ZIG_LIB_DIR": "zig_lib",
            "ZIG_LOCAL_CACHE_DIR": "cache",
            "ZIG_VERBOSE_LINK": "1",
        },
        # Half a minute on an idle machine; a busy one is no reason to fail.
        timeout = 3600,
    )

    # What it calls its linkers with; the names of folders in its cache are not the same everywhere.
    commands = [line.split(" ") for line in result.stderr.split("\n")]
    links = [command for command in commands if command[0] == "ld.lld" and "probe" in command]
    if result.return_code != 0 or not links:
        _fail(rctx, "exit code {} and '{}'".format(result.return_code, result.stderr[-500:]), "a linked program")
    objects = {_basename(command[2]): command[3:] for command in commands if command[:2] == ["ar", "rcs"]}
    wanted = _wanted()
    files = []
    for path in links[-1]:
        name = wanted.pop(_basename(path), None) if path.startswith("cache/") else None
        if not name:
            continue
        if name in objects:
            # Anew: the archive in the cache has those names in it.
            _run(rctx, [zig, "ar", "rcs", name] + objects[name])
        else:
            _run(rctx, ["cp", path, name])
        files.append(name)
    if wanted:
        _fail(rctx, "no " + ", ".join(sorted(wanted)), "it in '{}'".format(" ".join(links[-1])))
    _run(rctx, [zig, "ar", "rcs", _BUNDLE] + sorted(files))
    for name in ["cache", "probe", "probe.cc", "zig_lib"] + files:
        rctx.delete(name)

def _wanted():
    """Returns a dict from the name of a library to the name that a linker looks for; a stub has its version in the first one."""
    wanted = {name: name for name in _ARCHIVES} | {"Scrt1.o": "Scrt1.o"}
    return wanted | {"lib{}.so.{}".format(stub, version): "lib{}.so".format(stub) for stub, version in _STUBS.items()}

def _basename(path):
    return path.rpartition("/")[2]

def _run(rctx, command):
    result = rctx.execute(command)
    if result.return_code != 0:
        _fail(rctx, "'{}'".format((result.stderr + result.stdout).strip()), "no error from {}".format(command[:3]))

def _get_libraries(rctx):
    """Puts the libraries into the folder `lib`: from Bazel's repository cache where they are pinned and in it, else compiled."""
    zig = rctx.path(rctx.attr.zigs[_host_cpu(rctx)])
    pinned = LIBRARIES.get(rctx.attr.cpu + " " + rctx.attr.glibc)
    found = pinned and rctx.download(url = [], output = _BUNDLE, sha256 = pinned, canonical_id = pinned, allow_fail = True).success
    if not found:
        _compile_libraries(rctx, zig)
        bundle = "file://{}".format(rctx.path(_BUNDLE)).replace("%", "%25").replace(" ", "%20")
        got = rctx.download(url = bundle, output = "checked.a").sha256
        if pinned and got != pinned:
            _fail(rctx, "libraries with sha256 " + got, "{}, which every machine makes".format(pinned))
        if pinned:
            # Checked again on its way into the cache; under another name, as Bazel is content with a file that is there.
            rctx.download(url = bundle, output = "cached.a", sha256 = pinned, canonical_id = pinned)
            rctx.delete("cached.a")
        rctx.delete("checked.a")
    rctx.file("lib/README", "Made by rules_inference, see its docs/hermetic_cc.md.\n", executable = False)
    _run(rctx, [zig, "ar", "x", "--output", "lib", _BUNDLE])
    rctx.delete(_BUNDLE)
    _leave_to_glibc(rctx, zig)
    if rctx.attr.cpu == "x86_64":
        source = rctx.path(Label(":cpu_model.c"))
        headers = zig.dirname.get_child("lib").get_child("include")
        command = [zig, "clang", "--no-default-config", "--target=x86_64-linux-gnu", "-nostdinc", "-isystem", headers]
        _run(rctx, command + ["-O2", "-g0", "-fPIC", "-c", source, "-o", "cpu_model.o"])
        _run(rctx, [zig, "ar", "rcs", "lib/libcompiler_rt.a", "cpu_model.o"])
        rctx.delete("cpu_model.o")

def _leave_to_glibc(rctx, zig):
    """Takes memcpy and the like out of compiler-rt: leave_to_glibc.py says why."""
    _run(rctx, [zig, "ar", "x", "--output", "parts", "lib/libcompiler_rt.a"])
    parts = rctx.path("parts").readdir()
    python = find_python(rctx, struct(
        file = "",
        package = "hermetic_cc",
        platform = "linux_" + rctx.attr.cpu,
        python = "3",
        version = rctx.attr.glibc,
    ))
    stubs = ["lib/lib{}.so".format(stub) for stub in _STUBS]
    for part in parts:
        _run(rctx, [python, "-I", rctx.path(Label(":leave_to_glibc.py")), part] + stubs)
    rctx.delete("lib/libcompiler_rt.a")
    _run(rctx, [zig, "ar", "rcs", "lib/libcompiler_rt.a"] + parts)
    rctx.delete("parts")

def _target_repository_impl(rctx):
    _get_libraries(rctx)
    rctx.file("BUILD.bazel", _BUILD, executable = False)
    for exec_cpu, zig in rctx.attr.zigs.items():
        folder = "from_" + exec_cpu
        for name in WRAPPERS:
            rctx.file(
                "{}/bin/{}".format(folder, name),
                wrapper(name, rctx.attr.cpu, rctx.attr.glibc, zig.workspace_name),
            )
        rctx.file(folder + "/BUILD.bazel", _TOOLCHAIN.format(
            cpu = rctx.attr.cpu,
            glibc = rctx.attr.glibc,
            headers = zig.relative("//:headers_" + rctx.attr.cpu),
            macro = Label("//rules/private/hermetic_cc:cc_toolchain.bzl"),
            zig = zig,
        ), executable = False)
    return rctx.repo_metadata(reproducible = True) if hasattr(rctx, "repo_metadata") else None

target_repository = repository_rule(
    implementation = _target_repository_impl,
    doc = "Libraries and toolchains of one target: `:lib`, `//from_x86_64:cc_toolchain` and `//from_aarch64:cc_toolchain`.",
    attrs = {
        "cpu": attr.string(doc = "CPU that is compiled for.", mandatory = True, values = sorted(TARGETS)),
        "glibc": attr.string(doc = "Oldest version of glibc that programs start with.", mandatory = True),
        "zigs": attr.string_keyed_label_dict(doc = "CPU of the machine that compiles -> its compiler.", mandatory = True),
    },
)
