"""Python wheels as targets.

A lock of wheels is declared with the module extension `wheels` (rules/extensions.bzl), or with `wheels_lock`
(rules/repositories.bzl) in a WORKSPACE file; its packages are then `@wheels//numpy`. A wheel from elsewhere, for example
one that a build made, becomes a wheel target by `wheel_file`. `wheel_tree` unpacks one: `@wheels//numpy:tree` is such a tree.
`patched_wheel` changes files of one, `sdist_wheel` builds one of a source archive.
`wheel_venv` makes a virtual environment of such trees.
"""

load("//rules/private/providers:wheel_info.bzl", _WheelInfo = "WheelInfo")
load("//rules/private/providers:wheel_tree_info.bzl", _WheelTreeInfo = "WheelTreeInfo")
load("//rules/private/providers:wheel_trees_info.bzl", _WheelTreesInfo = "WheelTreesInfo")
load("//rules/private/providers:wheel_venv_info.bzl", _WheelVenvInfo = "WheelVenvInfo")
load(
    "//rules/private/wheels:coverage.bzl",
    _wheel_coverage = "wheel_coverage",
    _wheel_coverage_test = "wheel_coverage_test",
)
load("//rules/private/wheels:elf_closure.bzl", _elf_closure_test = "elf_closure_test")
load("//rules/private/wheels:patched_wheel.bzl", _patched_wheel = "patched_wheel")
load("//rules/private/wheels:sdist_wheel.bzl", _sdist_wheel = "sdist_wheel")
load("//rules/private/wheels:venv.bzl", _wheel_venv = "wheel_venv")
load("//rules/private/wheels:venv_test.bzl", _wheel_venv_test = "wheel_venv_test")
load("//rules/private/wheels:wheel_file.bzl", _wheel_file = "wheel_file")
load("//rules/private/wheels:wheel_tree.bzl", _wheel_tree = "wheel_tree")

visibility("public")

WheelInfo = _WheelInfo
WheelTreeInfo = _WheelTreeInfo
WheelTreesInfo = _WheelTreesInfo
WheelVenvInfo = _WheelVenvInfo
elf_closure_test = _elf_closure_test
patched_wheel = _patched_wheel
sdist_wheel = _sdist_wheel
wheel_coverage = _wheel_coverage
wheel_coverage_test = _wheel_coverage_test
wheel_file = _wheel_file
wheel_tree = _wheel_tree
wheel_venv = _wheel_venv
wheel_venv_test = _wheel_venv_test
