"""Which wheels share a layer.

Problem: an image should load what it needs and nothing else, an update should replace few bytes, several images should have
their layers in common, and there is a bound on the number of layers of an image.

Idea: a heavy wheel has a layer of its own. Light wheels that the same images use share one, so that a layer never brings a
wheel that its image does not ask for. An image with more layers than its budget allows gets its smallest layers of light
wheels once more as one layer of its own, which costs bytes and nothing else.

Invariant: the layers of an image hold its wheels, each exactly once. The plan follows from names and sizes alone.

Order: layers that many images use come first, as a runtime shares unpacked layers only where everything below is the same;
then named wheels in their order, then by size.
"""

visibility(["//rules/private", "//tests/analysis"])

def _sum(ids, sizes):
    total = 0
    for id in ids:
        total += sizes[id]
    return total

def _heavy(images, sizes, named, heavy_bytes, budget):
    """Returns the heavy wheels in order: those that are named, then the large ones as far as every image's budget goes."""
    automatic = sorted([
        (-size, id)
        for id, size in sizes.items()
        if heavy_bytes and size >= heavy_bytes and id not in named
    ])
    kept = {id: None for _, id in automatic}
    for image in sorted(images):
        mine = images[image]
        count = len([id for id in mine if id in named or id in kept])
        has_light = count < len(mine)
        for _, id in reversed(automatic):
            if count + (1 if has_light else 0) <= budget:
                break
            if id in kept and id in mine:
                kept.pop(id)
                count -= 1
                has_light = True
    return [id for id in named] + [id for _, id in automatic if id in kept]

def _fold(own, groups, spare, sizes):
    """Takes the smallest groups out of `groups` until at most `spare` layers are left, one of which holds what was taken.

    Args:
      own: key of the group that only this image uses.
      groups: dict from key to ids, of one image.
      spare: how many layers there may be.
      sizes: dict from id to bytes.

    Returns:
      a dict as `groups`.
    """
    left = dict(groups)
    for _, key in sorted([(_sum(ids, sizes), key) for key, ids in groups.items() if key != own]):
        if len(left) <= max(1, spare):
            break
        left[own] = left.get(own, []) + left.pop(key)
    return left

def plan_tiers(images, sizes, heavy, heavy_bytes, budget):
    """Plans the layers of all images.

    Args:
      images: dict from image to its list of wheels, each a comparable id that tells its name.
      sizes: dict from wheel to bytes; 0 where that is not known.
      heavy: wheels that get a layer of their own in any case.
      heavy_bytes: so do wheels from this size on, as far as `budget` goes; 0: none.
      budget: greatest number of layers of an image.

    Returns:
      dict from image to its list of layers, bottom first: struct (bytes, heavy, wheels, users), where `heavy` says that its one
      wheel is alone, `wheels` is sorted, and `users` are the images that have the layer.
    """
    wheels_of = {image: {id: None for id in wheels} for image, wheels in images.items()}
    named = {id: None for id in heavy}
    alone = _heavy(wheels_of, sizes, named, heavy_bytes, budget)
    is_alone = {id: rank for rank, id in enumerate(alone)}

    users = {}
    for image in sorted(wheels_of):
        for id in wheels_of[image]:
            users.setdefault(id, []).append(image)

    plan = {}
    for image, mine in wheels_of.items():
        groups = {}
        for id in mine:
            if id not in is_alone:
                groups.setdefault(tuple(users[id]), []).append(id)
        spare = budget - len([id for id in mine if id in is_alone])
        layers = [
            ((-len(users[id]), 0, is_alone[id], ""), struct(bytes = sizes[id], heavy = True, wheels = (id,), users = tuple(users[id])))
            for id in mine
            if id in is_alone
        ]
        for key, ids in _fold((image,), groups, spare, sizes).items():
            layer = struct(bytes = _sum(ids, sizes), heavy = False, wheels = tuple(sorted(ids)), users = key)
            layers.append(((-len(key), 1, -layer.bytes, layer.wheels[0]), layer))
        plan[image] = [layer for _, layer in sorted(layers, key = lambda ranked: ranked[0])]
    return plan
