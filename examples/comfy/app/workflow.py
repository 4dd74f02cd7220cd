"""Checks and runs workflows: {"1": {"class_type": "Gradient", "inputs": {"width": 8, "height": 8}}, ...}.

An input is a value, or ["<node id>", 0] for what another node gives.
"""

import graphlib
import inspect

from nodes import NODES


class BadWorkflow(ValueError):
    """A workflow that cannot run; the text says which node and why."""


def _link(value):
    return value[0] if isinstance(value, list) and len(value) == 2 and value[1] == 0 else None


def order(workflow):
    """Returns the node ids so that each comes after those that it needs."""
    if not isinstance(workflow, dict) or not workflow:
        raise BadWorkflow("got no nodes, expected an object of nodes")
    needs = {}
    for name, node in workflow.items():
        kind = node.get("class_type") if isinstance(node, dict) else None
        if kind not in NODES:
            raise BadWorkflow(f"node {name}: got class_type {kind!r}, expected one of {', '.join(sorted(NODES))}")
        inputs = node.get("inputs", {})
        wanted = set(inspect.signature(NODES[kind]).parameters)
        if set(inputs) != wanted:
            raise BadWorkflow(f"node {name}: got inputs {sorted(inputs)}, expected {sorted(wanted)}")
        needs[name] = {link for link in map(_link, inputs.values()) if link is not None}
        for other in needs[name]:
            if other not in workflow:
                raise BadWorkflow(f"node {name}: got a link to {other!r}, expected one of {sorted(workflow)}")
    try:
        return list(graphlib.TopologicalSorter(needs).static_order())
    except graphlib.CycleError as error:
        raise BadWorkflow(f"got a cycle {' -> '.join(error.args[1])}, expected none") from error


def run(workflow):
    """Returns the values of the nodes that no other node uses."""
    values, used = {}, set()
    for name in order(workflow):
        arguments = {}
        for key, value in workflow[name].get("inputs", {}).items():
            link = _link(value)
            arguments[key] = value if link is None else values[link]
            used.add(link)
        values[name] = NODES[workflow[name]["class_type"]](**arguments)
    return {name: value for name, value in values.items() if name not in used}
