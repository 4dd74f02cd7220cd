"""The rule `oci_push`."""

load("//rules/private:oci_base.bzl", "layout_of")
load("//rules/private:runfile.bzl", "rlocation")

visibility("//rules/...")

def _oci_push_impl(ctx):
    layout = layout_of(ctx.label, "image", ctx.attr.image)
    launcher = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.symlink(output = launcher, target_file = ctx.executable._launcher, is_executable = True)

    # The launcher looks for its request beside itself, under its own name.
    request = ctx.actions.declare_file(ctx.label.name + ".request.json")
    path = rlocation(ctx, layout.marker)
    ctx.actions.write(request, json.encode({
        "layout": path if layout.marker.is_directory else path.rpartition("/")[0],
        "mountFrom": ctx.attr.mount_from,
        "plainHttp": ctx.attr.plain_http,
        "repository": ctx.attr.repository,
        "tagFiles": [rlocation(ctx, file) for file in ctx.files.tag_files],
        "tags": ctx.attr.tags_of_image,
    }) + "\n")

    runfiles = ctx.runfiles([request] + ctx.files.tag_files, transitive_files = layout.files)
    return [DefaultInfo(
        executable = launcher,
        files = depset([launcher, request]),
        runfiles = runfiles.merge(ctx.attr._launcher[DefaultInfo].default_runfiles),
    )]

_oci_push = rule(
    implementation = _oci_push_impl,
    doc = "See the macro `oci_push`.",
    attrs = {
        "image": attr.label(
            doc = "The `oci_image`, an `oci_model`, or any other OCI layout with one image or one index of images.",
            mandatory = True,
        ),
        "mount_from": attr.string_list(doc = "Repositories of the same registry, without its host."),
        "plain_http": attr.bool(doc = "http in the place of https."),
        "repository": attr.string(doc = "Such as `registry.example.com/team/app`."),
        "tag_files": attr.label_list(allow_files = True, doc = "Files with a tag on each line."),
        "tags_of_image": attr.string_list(doc = "Tags of the image."),
        "_launcher": attr.label(
            # It runs on the machine of the user, whatever the platform of the image.
            cfg = "exec",
            default = "//toolchains/plugins:oci_push",
            doc = "Pushes the layout.",
            executable = True,
        ),
    },
    executable = True,
)

def oci_push(name, image, repository = None, tags = [], **kwargs):
    """Pushes an image to a registry: `bazel run :NAME`.

    What the registry has is not sent again: not the image when it has the manifest, no layer that it has, none that `mount_from` has. Broken
    uploads go on where they ended, and tags come last. Flags after `--`: `--tag TAG`, `--repository NAME`, `--mount-from PATH`, `--dry-run`,
    `--digest-file FILE`, `--parallel N`. Prints `NAME:TAG@sha256:...` for each tag, or `NAME@sha256:...`.

    Credentials are those of `docker login`, `podman login` and credential helpers ($REGISTRY_AUTH_FILE, $DOCKER_CONFIG, ~/.docker).

    Args:
      name: name of the target.
      image: the `oci_image`, an `oci_model` that is not in reference mode, or any other OCI layout directory with one image or one index of
        images.
      repository: such as `registry.example.com/team/app`. Default: what `--repository` says.
      tags: tags that the image gets. None: it is found by its digest only. Bazel's own `tags` of the target go in `bazel_tags`.
      **kwargs: `tag_files` (files with a tag on each line, such as stamped ones), `mount_from` (repositories of the same registry, such as
        that of the base image, without its host), `plain_http` (http in the place of https, which loopback hosts get anyway), `visibility`,
        `testonly`, `bazel_tags` and other common attributes.
    """
    _oci_push(
        name = name,
        image = image,
        repository = repository,
        tags = kwargs.pop("bazel_tags", []),
        tags_of_image = tags,
        **kwargs
    )
