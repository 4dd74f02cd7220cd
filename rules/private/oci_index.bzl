"""The rule `oci_index`."""

load("//rules/private:layer_action.bzl", "LAYER_TOOLCHAIN_TYPE", "add_path", "path_json")
load("//rules/private:oci_action.bzl", "LAYOUT_REQUIREMENTS")
load("//rules/private:oci_base.bzl", "layout_of")
load("//rules/private:plugin_action.bzl", "plugin_args", "run_plugin")

visibility("//rules/...")

_PLATFORMS = "//command_line_option:platforms"

def _platforms_split_impl(settings, attr):
    if not attr.platforms:
        return {"": {_PLATFORMS: settings[_PLATFORMS]}}
    return {str(platform): {_PLATFORMS: [str(platform)]} for platform in attr.platforms}

_platforms_split = transition(
    implementation = _platforms_split_impl,
    inputs = [_PLATFORMS],
    outputs = [_PLATFORMS],
)

def _oci_index_impl(ctx):
    builds = ctx.split_attr.images

    # In the order of the attribute, for each image; builds that are no split have no key.
    keys = [str(platform.label) for platform in ctx.attr.platforms] if ctx.attr.platforms else builds.keys()
    layouts = [
        layout_of(ctx.label, "images", builds[key][i])
        for i in range(len(ctx.attr.images) // len(keys))
        for key in keys
    ]
    output = ctx.actions.declare_directory(ctx.label.name)
    args = plugin_args(ctx)
    add_path(args, '{"index":{"output":%s}}', output)
    args.add(json.encode({"index": {
        "annotations": [{"key": key, "value": ctx.attr.annotations[key]} for key in sorted(ctx.attr.annotations)],
        "refName": ctx.attr.tag,
    }}))
    for layout in layouts:
        if not layout.marker.is_directory:
            fail("{}: images: got files of a layout, expected an oci_image or one OCI layout directory".format(ctx.label))
    args.add_all(
        [layout.marker for layout in layouts],
        expand_directories = False,
        format_each = '{"index":{"layouts":[%s]}}',
        map_each = path_json,
    )
    run_plugin(
        ctx,
        toolchain_type = LAYER_TOOLCHAIN_TYPE,
        args = args,
        inputs = depset(transitive = [layout.files for layout in layouts]),
        outputs = [output],
        mnemonic = "OciIndex",
        progress_message = "OCI layout %{label}",
        execution_requirements = LAYOUT_REQUIREMENTS,
    )
    return [DefaultInfo(files = depset([output]))]

oci_index = rule(
    implementation = _oci_index_impl,
    doc = """Images for several platforms under one name: an OCI layout directory with an index of them, for `oci_push`, skopeo, crane.

Either the images of each platform are named, or one image is built for each of `platforms`. The platform of an image is what its config \
says; two images for one platform are an error. Blobs are linked, and read by nobody.""",
    attrs = {
        "annotations": attr.string_dict(doc = "Annotations of the index. Default: none."),
        "images": attr.label_list(
            allow_empty = False,
            cfg = _platforms_split,
            doc = "Targets of `oci_image`, or others with an OCI layout directory of one image.",
            mandatory = True,
        ),
        "platforms": attr.label_list(
            doc = "Platforms that each of `images` is built for, such as `//toolchains/cc:linux_aarch64`. Default: the one that is built for.",
        ),
        "tag": attr.string(
            default = "latest",
            doc = "`org.opencontainers.image.ref.name` of the index in the layout. Default `latest`.",
        ),
        "_allowlist_function_transition": attr.label(
            default = "@bazel_tools//tools/allowlists/function_transition_allowlist",
        ),
    },
    toolchains = [LAYER_TOOLCHAIN_TYPE],
)
