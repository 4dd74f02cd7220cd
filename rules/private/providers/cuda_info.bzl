"""What CUDA code is between rules."""

visibility("//rules/...")

CudaInfo = provider(
    doc = "Device code of a target and of all that it depends on.",
    fields = {
        "archs": "list of strings: architectures of the target itself, sorted, such as `sm_90a`, `compute_90`.",
        "fatbins": "depset of Files: fat binaries, one for each source.",
        "relocatable": "depset of structs that a device link takes: `archs`, `images` (tuple of structs: `arch`, `file`; cubins, or " +
                       "objects with LTO code), `label`, `module_id`. Empty without `rdc`.",
    },
)
