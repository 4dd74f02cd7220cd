"""Image rules: providers, actions, and what they refuse."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//rules:image.bzl", "oci_image", "oci_index", "oci_load", "oci_push")
load("//rules:layer.bzl", "file_layer")
load("//rules:providers.bzl", "OciImageInfo")
load(":util.bzl", "action_of", "failure_test", "request_lines")

visibility("private")

def _names(files):
    return sorted([file.basename for file in files])

def _image_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    info = target[OciImageInfo]
    asserts.true(env, info.layout.is_directory)
    asserts.equals(env, [info.layout], target[DefaultInfo].files.to_list())
    asserts.equals(env, ["lower.tar.gz", "upper.tar.gz"], [layer.blob.basename for layer in info.layers])
    asserts.equals(env, None, info.base)
    groups = target[OutputGroupInfo]
    for (group, names) in {
        "config": ["stacked.config.json"],
        "index": ["stacked.index.json"],
        "layers": ["lower.tar.gz", "upper.tar.gz"],
        "manifest": ["stacked.manifest.json"],
        "side_files": ["lower.layer.json", "stacked.image.json", "upper.layer.json"],
    }.items():
        asserts.equals(env, names, _names(groups[group].to_list()), group)
    return analysistest.end(env)

_image_test = analysistest.make(_image_impl)

def _manifest_action_impl(ctx):
    env = analysistest.begin(ctx)
    action = action_of(env, "OciManifest")

    # The promise of this rule: an image's digest is known without reading a byte of a layer. Side files of the base are
    # not needed either, its config and manifest say it all.
    inputs = [name for name in _names(action.inputs.to_list()) if name.endswith(".json") or ".tar" in name]
    asserts.equals(env, ["bottom.config.json", "bottom.manifest.json", "upper.layer.json"], inputs)
    asserts.false(env, [file for file in action.inputs.to_list() if file.is_directory])

    settings = {}
    for line in request_lines(action):
        settings.update(line["image"])
    asserts.equals(env, "v8", settings["platform"]["variant"])
    asserts.equals(env, "arm64", settings["platform"]["architecture"])
    asserts.equals(env, [{"key": "Z", "value": "1"}, {"key": "A", "value": "2"}], settings["env"])
    asserts.equals(env, ["/serve", "-x"], settings["entrypoint"])
    asserts.equals(env, {}, {name: value for (name, value) in action.env.items()})
    return analysistest.end(env)

_manifest_action_test = analysistest.make(_manifest_action_impl)

def _layout_action_impl(ctx):
    env = analysistest.begin(ctx)
    action = action_of(env, "OciLayout")
    names = _names(action.inputs.to_list())
    for name in ["lower.tar.gz", "upper.tar.gz", "stacked.config.json", "stacked.index.json", "stacked.manifest.json"]:
        asserts.true(env, name in names, name)
    return analysistest.end(env)

_layout_action_test = analysistest.make(_layout_action_impl)

def _imported_impl(ctx):
    env = analysistest.begin(ctx)
    info = analysistest.target_under_test(env)[OciImageInfo]
    asserts.equals(env, "oci-layout", info.base.marker.basename)
    lines = request_lines(action_of(env, "OciManifest"))
    roots = [line["image"]["baseLayout"] for line in lines if "baseLayout" in line["image"]]
    asserts.equals(env, ["tests/analysis/layout"], roots)
    return analysistest.end(env)

_imported_test = analysistest.make(_imported_impl)

def _load_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    asserts.equals(env, ["load.tar"], _names(target[OutputGroupInfo].tarball.to_list()))
    asserts.false(env, "load.tar" in _names(target[DefaultInfo].files.to_list()), "the tarball is made on demand only")
    tags = [line["archive"]["tags"] for line in request_lines(action_of(env, "OciArchive")) if "tags" in line["archive"]]
    asserts.equals(env, [["app:1"]], tags)
    runfiles = _names(target[DefaultInfo].default_runfiles.files.to_list())
    for name in ["load.request.json", "lower.tar.gz", "upper.layer.json", "stacked.config.json"]:
        asserts.true(env, name in runfiles, name)
    return analysistest.end(env)

_load_test = analysistest.make(_load_impl)

def _push_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    request = [action for action in analysistest.target_actions(env) if action.mnemonic == "FileWrite" and action.content.startswith("{")]
    asserts.equals(
        env,
        [{
            "layout": ctx.workspace_name + "/tests/analysis/stacked",
            "mountFrom": ["team/base"],
            "plainHttp": False,
            "repository": "registry.example.com/team/app",
            "tagFiles": [ctx.workspace_name + "/tests/analysis/a.txt"],
            "tags": ["1"],
        }],
        [json.decode(action.content) for action in request],
    )
    runfiles = _names(target[DefaultInfo].default_runfiles.files.to_list())
    for name in ["push.request.json", "stacked", "a.txt"]:
        asserts.true(env, name in runfiles, name)
    return analysistest.end(env)

_push_test = analysistest.make(_push_impl)

def _index_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    output = target[DefaultInfo].files.to_list()
    asserts.equals(env, (["index"], [True]), (_names(output), [file.is_directory for file in output]))
    action = action_of(env, "OciIndex")
    lines = [line["index"] for line in request_lines(action)]
    settings = [line for line in lines if "refName" in line]
    asserts.equals(env, [{"annotations": [{"key": "A", "value": "2"}, {"key": "Z", "value": "1"}], "refName": "v1"}], settings)

    # Each image for each platform, in the order of the attributes; builds for two platforms are two directories.
    layouts = [line["layouts"][0] for line in lines if "layouts" in line]
    asserts.equals(env, ["bottom", "bottom", "stacked", "stacked"], [path.rpartition("/")[2] for path in layouts])
    asserts.equals(env, 4, len({path: True for path in layouts}))
    folders = [path.rpartition("/")[0] for path in layouts]
    asserts.equals(env, folders[:2], folders[2:])

    # No layer is an input but as what the links in a layout lead to.
    asserts.equals(env, sorted(layouts), sorted([file.path for file in action.inputs.to_list() if file.is_directory]))
    asserts.false(env, [name for name in _names(action.inputs.to_list()) if ".tar" in name])
    return analysistest.end(env)

_index_test = analysistest.make(_index_impl)

def image_test_suite(name):
    """Tests of the image rules.

    Args:
      name: of the suite.
    """
    manual = {"tags": ["manual"]}
    file_layer(name = "lower", srcs = ["a.txt"], **manual)
    file_layer(name = "upper", srcs = ["b.sh"], **manual)
    oci_image(name = "bottom", architecture = "arm64", layers = [":lower"], **manual)
    oci_image(
        name = "stacked",
        architecture = "arm64",
        base = ":bottom",
        entrypoint = ["/serve", "-x"],
        env = {"Z": "1", "A": "2"},
        layers = [":upper"],
        variant = "v8",
        **manual
    )
    oci_image(name = "on_files", base = ":layout_files", layers = [":upper"], **manual)
    oci_push(
        name = "push",
        bazel_tags = ["manual"],
        image = ":stacked",
        mount_from = ["team/base"],
        repository = "registry.example.com/team/app",
        tag_files = ["a.txt"],
        tags = ["1"],
    )
    native.platform(name = "amd64", constraint_values = ["@platforms//cpu:x86_64", "@platforms//os:linux"])
    native.platform(name = "arm64", constraint_values = ["@platforms//cpu:aarch64", "@platforms//os:linux"])
    oci_index(
        name = "index",
        annotations = {"Z": "1", "A": "2"},
        images = [":bottom", ":stacked"],
        platforms = [":amd64", ":arm64"],
        tag = "v1",
        **manual
    )
    oci_index(name = "index_of_files", images = [":layout_files"], **manual)
    oci_load(name = "load", image = ":stacked", bazel_tags = ["manual"], tags = ["app:1"])
    _image_test(name = "image_providers_test", target_under_test = ":stacked")
    _manifest_action_test(name = "manifest_action_test", target_under_test = ":stacked")
    _layout_action_test(name = "layout_action_test", target_under_test = ":stacked")
    _imported_test(name = "imported_test", target_under_test = ":on_files")
    _index_test(name = "index_rule_test", target_under_test = ":index")
    failure_test(
        name = "index_of_files_test",
        message = "images: got files of a layout, expected an oci_image or one OCI layout directory",
        target_under_test = ":index_of_files",
    )
    _load_test(name = "load_rule_test", target_under_test = ":load")
    _push_test(name = "push_rule_test", target_under_test = ":push")

    native.filegroup(name = "layout_files", srcs = native.glob(["layout/**"]), **manual)
    oci_image(name = "bad_base", base = "a.txt", **manual)
    failure_test(
        name = "bad_base_test",
        message = "a.txt with 0 files named oci-layout among 1, expected an oci_image, one OCI layout directory, or all " +
                  "files of one OCI layout",
        target_under_test = ":bad_base",
    )
    native.test_suite(
        name = name,
        tests = [
            ":bad_base_test",
            ":image_providers_test",
            ":imported_test",
            ":index_of_files_test",
            ":index_rule_test",
            ":layout_action_test",
            ":load_rule_test",
            ":push_rule_test",
            ":manifest_action_test",
        ],
    )
