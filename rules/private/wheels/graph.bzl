"""Strongly connected components of a graph of dependencies.

Problem: python packages may need each other in a circle, and targets may not.
Idea: Tarjan's algorithm; all members of a circle become one target.
Invariant: a component is complete when everything that it needs is complete, so the components come dependencies first.
Cost: linear in nodes and edges. Starlark has no recursion and no `while`: the stack is a list, and the loop has a bound.
"""

visibility(["//rules/private/wheels", "//tests/wheels/..."])

def components(edges):
    """Finds the strongly connected components.

    Args:
      edges: dict from node to the list of nodes that it needs; every node is a key.

    Returns:
      a list of sorted lists of nodes; a component comes after those that it needs.
    """
    index, low, on_stack, stack = {}, {}, {}, []
    found = []
    for start in edges:
        if start in index:
            continue
        index[start] = len(index)
        low[start] = index[start]
        stack.append(start)
        on_stack[start] = True

        # (node, how many of its edges are done). Every step finishes an edge or a node.
        path = [[start, 0]]
        for _ in range(_BOUND):
            if not path:
                break
            node, done = path[-1]
            if done < len(edges[node]):
                path[-1][1] += 1
                target = edges[node][done]
                if target not in index:
                    index[target] = len(index)
                    low[target] = index[target]
                    stack.append(target)
                    on_stack[target] = True
                    path.append([target, 0])
                elif target in on_stack:
                    low[node] = min(low[node], index[target])
                continue
            path.pop()
            if path:
                low[path[-1][0]] = min(low[path[-1][0]], low[node])
            if low[node] == index[node]:
                found.append(_pop(stack, on_stack, node))
    return found

# More steps than any graph of packages has; the loop ends when the path is empty.
_BOUND = 1 << 30

def _pop(stack, on_stack, node):
    members = []
    for _ in range(len(stack)):
        member = stack.pop()
        on_stack.pop(member)
        members.append(member)
        if member == node:
            break
    return sorted(members)
