"""Unpacked wheels as an attribute: one tree, or a wheel with all that it needs."""

load("//rules/private/providers:wheel_tree_info.bzl", "WheelTreeInfo")
load("//rules/private/providers:wheel_trees_info.bzl", "WheelTreesInfo")

visibility(["//rules/private/wheels"])

# What such an attribute accepts.
TREE_PROVIDERS = [[WheelTreeInfo], [WheelTreesInfo]]

def trees_of(targets):
    """Finds the trees of targets.

    Args:
      targets: list of targets with one of TREE_PROVIDERS.

    Returns:
      list of WheelTreeInfo, each tree once.
    """
    trees = depset(
        [target[WheelTreeInfo] for target in targets if WheelTreeInfo in target],
        transitive = [target[WheelTreesInfo].trees for target in targets if WheelTreesInfo in target],
    ).to_list()
    return {info.tree: info for info in trees}.values()
