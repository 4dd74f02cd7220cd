"""Layer rules: providers, actions, and what they refuse."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//rules:layer.bzl", "file_layer", "wheel_layer", "wheel_layers", "wheel_tiers")
load("//rules:providers.bzl", "LayerGroupInfo", "LayerInfo")
load("//rules:wheel.bzl", "wheel_file", "wheel_tree")
load(":util.bzl", "action_of", "failure_test", "request_lines")

visibility("private")

def _file_layer_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    info = target[LayerInfo]
    asserts.equals(env, "files.tar.zst", info.blob.basename)
    asserts.equals(env, "files.layer.json", info.side_file.basename)
    asserts.equals(env, [info.blob], target[DefaultInfo].files.to_list())
    asserts.equals(env, [info.side_file], target[OutputGroupInfo].side_file.to_list())

    action = action_of(env, "FileLayer")
    files = [line["layer"]["files"][0] for line in request_lines(action) if "files" in line["layer"]]
    asserts.equals(
        env,
        [
            ("opt/a.txt", "FILE", "0640"),
            ("opt/b.sh", "FILE", "0755"),
            ("opt/program", "FILE", "0755"),
            ("bin/b", "SYMLINK", ""),
            ("tmp", "DIRECTORY", "1777"),
            ("etc/empty", "EMPTY", "0640"),
        ],
        [(file["path"], file["type"], file.get("mode", "")) for file in files],
    )
    for file in files:
        asserts.equals(env, (7, 8), (file["uid"], file["gid"]))
    settings = [line["layer"] for line in request_lines(action) if "mode" in line["layer"]][0]
    asserts.equals(env, ("ZSTD", 9, 2), (settings["mode"], settings["level"], settings["threads"]))
    return analysistest.end(env)

_file_layer_test = analysistest.make(_file_layer_impl)

def _runfiles_impl(ctx):
    env = analysistest.begin(ctx)
    action = action_of(env, "FileLayer")
    workspace = ctx.workspace_name
    files = {
        line["layer"]["files"][0]["path"]: line["layer"]["files"][0]["type"]
        for line in request_lines(action)
        if "files" in line["layer"]
    }
    package = "app/program.runfiles/{}/tests/analysis/".format(workspace)
    for path in [package + "program", package + "a.txt", "app/program.runfiles/root_link.txt"]:
        asserts.equals(env, "FILE", files.get(path), path)
    asserts.equals(env, "FILE", files.get("app/program"))
    return analysistest.end(env)

_runfiles_test = analysistest.make(_runfiles_impl)

def _wheel_layers_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    layers = target[LayerGroupInfo].layers

    # The shared layer is taken as it is, and its wheel is in no other one.
    asserts.equals(
        env,
        ["shared.tar.gz", "light.tar.gz"],
        [layer.blob.basename for layer in layers],
    )
    actions = [action for action in analysistest.target_actions(env) if action.mnemonic == "WheelLayer"]
    wheels = [
        [line["layer"]["wheels"][0]["source"].rpartition("/")[2] for line in request_lines(action) if "wheels" in line["layer"]]
        for action in actions
    ]
    asserts.equals(env, [["two-2.0-py3-none-any.whl"]], wheels)
    prefixes = [line["layer"]["wheels"][0]["prefix"] for line in request_lines(actions[0]) if "wheels" in line["layer"]]
    asserts.equals(env, ["usr/lib/python3/site-packages"], prefixes)
    return analysistest.end(env)

_wheel_layers_test = analysistest.make(_wheel_layers_impl)

def _by_size_impl(ctx):
    env = analysistest.begin(ctx)
    layers = analysistest.target_under_test(env)[LayerGroupInfo].layers
    asserts.equals(env, ["one-1.0.tar.gz", "light.tar.gz"], [layer.blob.basename for layer in layers])
    return analysistest.end(env)

_by_size_test = analysistest.make(_by_size_impl)

def _wheel_tiers_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    layers = target[LayerGroupInfo].layers

    # Both images have wheel one, so it is at the bottom; only this one has wheel two.
    asserts.equals(env, ["light-batch+web.tar.gz", "light-web.tar.gz"], [layer.blob.basename for layer in layers])
    asserts.equals(env, [["one-1.0"], ["two-2.0"]], [
        [wheel.whl.basename.partition("-py3")[0] for wheel in layer.wheels]
        for layer in layers
    ])
    return analysistest.end(env)

_wheel_tiers_test = analysistest.make(_wheel_tiers_impl)

def _links_impl(ctx):
    env = analysistest.begin(ctx)
    lines = request_lines(action_of(env, "FileLayer"))
    files = [line["layer"]["files"][0] for line in lines if "files" in line["layer"]]
    asserts.equals(env, [("TREE", ctx.attr.kept)], [(file["type"], file.get("keepLinks", False)) for file in files])
    return analysistest.end(env)

_links_test = analysistest.make(_links_impl, attrs = {"kept": attr.bool()})

def layer_test_suite(name, wheels, program):
    """Tests of the layer rules.

    Args:
      name: of the suite.
      wheels: labels of two wheel files, `one` and `two`.
      program: label of an executable with runfiles.
    """
    manual = {"tags": ["manual"]}
    file_layer(
        name = "files",
        srcs = ["a.txt", "b.sh", program],
        compress = "zstd",
        default_mode = "0640",
        empty_dirs = ["/tmp"],
        empty_files = ["etc/empty"],
        level = 9,
        modes = {"/opt/*.sh": "0755", "/tmp": "1777"},
        owner = "7:8",
        prefix = "opt/",
        symlinks = {"/bin/b": "/opt/b.sh"},
        **manual
    )
    _file_layer_test(name = "file_layer_test", target_under_test = ":files")

    file_layer(name = "with_runfiles", srcs = [program], include_runfiles = True, prefix = "/app", **manual)
    _runfiles_test(name = "runfiles_test", target_under_test = ":with_runfiles")

    wheel_tree(name = "links_tree", wheel = wheels[0], **manual)
    for kind in ["follow", "keep"]:
        file_layer(name = "links_" + kind, srcs = [":links_tree"], directory_links = kind, **manual)
        _links_test(name = "links_{}_test".format(kind), kept = kind == "keep", target_under_test = ":links_" + kind)

    wheel_layer(name = "shared", wheels = [wheels[0]], **manual)
    wheel_layers(name = "group", heavy = [":shared"], wheels = wheels, budget = 2, **manual)
    _wheel_layers_test(name = "wheel_layers_test", target_under_test = ":group")

    wheel_file(name = "large", src = wheels[0], package = "one", version = "1.0", bytes = str(20 * 1024 * 1024), **manual)
    wheel_layers(name = "by_size", wheels = [":large", wheels[1]], heavy_mib = 20, **manual)
    _by_size_test(name = "by_size_test", target_under_test = ":by_size")
    wheel_file(name = "bad_bytes", src = wheels[0], package = "one", version = "1.0", bytes = "20M", **manual)

    wheel_tiers(name = "tiers", images = {"batch": [wheels[0]], "web": wheels}, **manual)
    _wheel_tiers_test(name = "wheel_tiers_test", target_under_test = ":tiers_web")
    wheel_tiers(name = "bad_tiers", images = {"batch": [wheels[0]]}, heavy = [wheels[1]], **manual)
    wheel_tiers(name = "many_tiers", budget = 1, images = {"web": wheels}, heavy = [wheels[0]], **manual)

    bad = {
        "bad_bytes": "bytes: got \"20M\", expected a number of bytes",
        "bad_budget": "budget: got 2 layers (1 heavy and 1 for the rest), expected at most 1; take 1 out of `heavy`",
        "bad_level": "level: got 13, expected 0 to 12 for compress = \"deflate\"",
        "bad_mode": "modes: got \"4755\", expected four octal digits without setuid and setgid, like \"0755\"",
        "bad_owner": "owner: got \"root\", expected \"UID:GID\" in decimal, like \"0:0\"",
        "bad_prefix": "prefix: got \"/a/../b\", expected a path like \"/opt/app\" without empty, \".\" or \"..\" parts",
        "bad_tiers": "heavy: got two-2.0, which no image has; expected a wheel of an image",
        "many_tiers": "budget: got 2 layers (1 heavy and 1 for the rest), expected at most 1; take 1 out of `heavy`",
        "bad_strip": "strip_prefix: got \"a.txt\", which is not below \"data\"; split it into another file_layer",
        "bad_wheels": "bad_wheels_src, which has no .whl file; expected a wheel target or a .whl file",
        "no_wheels": "wheels: got no wheel, expected at least one",
    }
    wheel_layers(name = "bad_budget", heavy = [wheels[0]], wheels = wheels, budget = 1, **manual)
    file_layer(name = "bad_level", compress = "deflate", level = 13, **manual)
    file_layer(name = "bad_mode", srcs = ["a.txt"], modes = {"a.txt": "4755"}, **manual)
    file_layer(name = "bad_owner", owner = "root", **manual)
    file_layer(name = "bad_prefix", prefix = "/a/../b", **manual)
    file_layer(name = "bad_strip", srcs = ["a.txt"], strip_prefix = "data", **manual)
    native.filegroup(name = "bad_wheels_src", srcs = ["a.txt"], **manual)
    wheel_layer(name = "bad_wheels", wheels = [":bad_wheels_src"], **manual)
    wheel_layers(name = "no_wheels", **manual)
    for (target, message) in bad.items():
        failure_test(name = target + "_test", message = message, target_under_test = ":" + target)

    native.test_suite(
        name = name,
        tests = [":file_layer_test", ":runfiles_test", ":links_follow_test", ":links_keep_test", ":wheel_layers_test", ":by_size_test", ":wheel_tiers_test"] + [":{}_test".format(target) for target in bad],
    )
