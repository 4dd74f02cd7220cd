"""Checks of layouts as tests."""

load("@rules_python//python:py_test.bzl", "py_test")

visibility("public")

def layout_test(name, layout, golden = None, expect_layers = None, args = [], **kwargs):
    """Checks digests, sizes and diff_ids of an OCI layout, and the entries of its layers.

    Args:
      name: of the test.
      layout: target that gives one layout directory or one archive.
      golden: file with the lines that `check_layout.py --list` must print. Default: not compared.
      expect_layers: number of layers. Default: not compared.
      args: more flags of `check_layout.py`.
      **kwargs: attributes of the py_test.
    """
    args = ["$(rootpath {})".format(layout)] + args
    if golden:
        args += ["--golden", "$(rootpath {})".format(golden)]
    if expect_layers != None:
        args += ["--expect-layers", str(expect_layers)]
    py_test(
        name = name,
        size = "small",
        srcs = ["//tests/image:check_layout.py"],
        args = args,
        data = [layout] + ([golden] if golden else []),
        main = "//tests/image:check_layout.py",
        **kwargs
    )
