"""The programs that rules run or ship. A set of plugins has all of them, as `bin/NAME`."""

visibility(["//rules/private/prebuilt", "//toolchains/..."])

# Name -> the target that makes it from source. `//toolchains/plugins:NAME` is what rules ask for.
PROGRAMS = {
    "cuda_archs_test": Label("//plugins/release:archs_test"),
    "cuda_step": Label("//plugins/cuda:step_main"),
    "detector": Label("//plugins/launcher:detector"),
    "elf_closure": Label("//plugins/wheel:elf_closure"),
    "inferctl": Label("//plugins/inferctl"),
    "launcher": Label("//plugins/launcher"),
    "layer": Label("//plugins/layer"),
    "oci_load": Label("//plugins/layer/oci:load"),
    "oci_push": Label("//plugins/layer/registry:push"),
    "plugin_conformance": Label("//plugins/sdk:conformance"),
    "release": Label("//plugins/release"),
    "release_export": Label("//plugins/release:export"),
    "select": Label("//plugins/select"),
    "wheel": Label("//plugins/wheel"),
}
