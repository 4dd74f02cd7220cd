"""The rule `oci_load`."""

load("//rules/private:layer_action.bzl", "LAYER_TOOLCHAIN_TYPE", "MAPPED_PATHS", "add_path")
load("//rules/private:oci_action.bzl", "add_base_layout", "add_documents", "add_layers")
load("//rules/private:plugin_action.bzl", "plugin_args", "run_plugin")
load("//rules/private:runfile.bzl", "rlocation")
load("//rules/private/providers:oci_image_info.bzl", "OciImageInfo")

visibility("//rules/...")

def _tarball_action(ctx, image):
    tarball = ctx.actions.declare_file(ctx.label.name + ".tar")
    args = plugin_args(ctx)
    add_path(args, '{"archive":{"output":%s}}', tarball)
    add_documents(args, "archive", image)
    add_layers(args, "archive", image.layers)
    add_base_layout(args, "archive", image.base)
    args.add(json.encode({"archive": {"tags": ctx.attr.tags_of_image}}))
    run_plugin(
        ctx,
        toolchain_type = LAYER_TOOLCHAIN_TYPE,
        args = args,
        inputs = _image_files(image),
        outputs = [tarball],
        mnemonic = "OciArchive",
        progress_message = "Image archive %{output}",
        # As large as the image, and cheap to make from it: not worth a place in a cache.
        execution_requirements = MAPPED_PATHS | {"no-remote-cache-upload": "1"},
    )
    return tarball

def _image_files(image):
    return depset(
        [image.config, image.manifest] +
        [layer.blob for layer in image.layers] +
        [layer.side_file for layer in image.layers],
        transitive = [image.base.files] if image.base else [],
    )

def _request(ctx, image):
    """The archive request of `bazel run`, with runfiles paths."""
    archive = {
        "config": rlocation(ctx, image.config),
        "layers": [
            {"blob": rlocation(ctx, layer.blob), "sideFile": rlocation(ctx, layer.side_file)}
            for layer in image.layers
        ],
        "manifest": rlocation(ctx, image.manifest),
        "output": "-",
        "tags": ctx.attr.tags_of_image,
    }
    if image.base:
        marker = image.base.marker
        path = rlocation(ctx, marker)
        archive["baseLayout"] = path if marker.is_directory else path.rpartition("/")[0]
    return {"archive": archive}

def _oci_load_impl(ctx):
    image = ctx.attr.image[OciImageInfo]
    launcher = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.symlink(output = launcher, target_file = ctx.executable._launcher, is_executable = True)

    # The launcher looks for its request beside itself, under its own name.
    request = ctx.actions.declare_file(ctx.label.name + ".request.json")
    ctx.actions.write(request, json.encode(_request(ctx, image)) + "\n")

    runfiles = ctx.runfiles([request], transitive_files = _image_files(image))
    return [
        DefaultInfo(
            executable = launcher,
            files = depset([launcher, request]),
            runfiles = runfiles.merge(ctx.attr._launcher[DefaultInfo].default_runfiles),
        ),
        OutputGroupInfo(tarball = depset([_tarball_action(ctx, image)])),
    ]

_oci_load = rule(
    implementation = _oci_load_impl,
    doc = "See the macro `oci_load`.",
    attrs = {
        "image": attr.label(doc = "The `oci_image`.", mandatory = True, providers = [OciImageInfo]),
        "tags_of_image": attr.string_list(doc = "`repository:tag` names of the image."),
        "_launcher": attr.label(
            # It runs on the machine of the user, whatever the platform of the image.
            cfg = "exec",
            default = "//toolchains/plugins:oci_load",
            doc = "Streams the archive into docker or podman.",
            executable = True,
        ),
    },
    executable = True,
    toolchains = [LAYER_TOOLCHAIN_TYPE],
)

def oci_load(name, image, tags = [], **kwargs):
    """Loads an image into docker or podman.

    `bazel run :NAME` streams the archive into the first of `docker` and `podman` on PATH; `bazel run :NAME -- --output
    FILE` writes it to a file. The output group `tarball` holds the same archive as a build output, made on demand.

    Args:
      name: name of the target.
      image: the `oci_image`.
      tags: `repository:tag` names that the image gets. Bazel's own `tags` of the target go in `bazel_tags`.
      **kwargs: `visibility`, `testonly`, `bazel_tags` and other common attributes.
    """
    _oci_load(
        name = name,
        image = image,
        tags = kwargs.pop("bazel_tags", []),
        tags_of_image = tags,
        **kwargs
    )
