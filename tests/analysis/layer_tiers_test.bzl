"""Which wheels share a layer."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//rules/private:layer_tiers_plan.bzl", "plan_tiers")

visibility("private")

_MIB = 1024 * 1024

def _plan(images, sizes = {}, heavy = [], heavy_mib = 10, budget = 20):
    """The plan as dict from image to the wheels of its layers; sizes in MiB, 1 when not given."""
    wheels = {wheel: sizes.get(wheel, 1) * _MIB for mine in images.values() for wheel in mine}
    plan = plan_tiers(images, wheels, heavy, heavy_mib * _MIB, budget)
    return {image: [list(layer.wheels) for layer in layers] for image, layers in plan.items()}

def _light_wheels_share_by_users_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(
        env,
        {
            "batch": [["attrs"], ["numpy"], ["pandas", "pytz"]],
            "train": [["attrs"], ["numpy"], ["torch"], ["tqdm"]],
            "web": [["attrs"], ["fastapi", "starlette"]],
        },
        _plan(
            {
                "batch": ["attrs", "numpy", "pandas", "pytz"],
                "train": ["numpy", "torch", "attrs", "tqdm"],
                "web": ["fastapi", "starlette", "attrs"],
            },
            sizes = {"numpy": 17, "torch": 900},
        ),
    )
    return unittest.end(env)

_light_wheels_share_by_users_test = unittest.make(_light_wheels_share_by_users_impl)

def _named_come_first_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(
        env,
        {"a": [["small"], ["large"], ["largest"], ["rest"]]},
        _plan({"a": ["rest", "largest", "large", "small"]}, {"large": 20, "largest": 30}, heavy = ["small", "large"]),
    )
    return unittest.end(env)

_named_come_first_test = unittest.make(_named_come_first_impl)

def _large_wheels_are_merged_over_budget_impl(ctx):
    env = unittest.begin(ctx)
    sizes = {"a": 50, "b": 40, "c": 30, "d": 20}
    asserts.equals(env, {"i": [["a"], ["b"], ["c"], ["d"]]}, _plan({"i": ["a", "b", "c", "d"]}, sizes, budget = 4))
    asserts.equals(env, {"i": [["a"], ["b"], ["c", "d"]]}, _plan({"i": ["a", "b", "c", "d"]}, sizes, budget = 3))
    asserts.equals(env, {"i": [["a", "b", "c", "d"]]}, _plan({"i": ["a", "b", "c", "d"]}, sizes, budget = 1))

    # A wheel that is light for one image is light for all.
    asserts.equals(
        env,
        {"i": [["a"], ["c"], ["d", "e"]], "j": [["a"], ["c"], ["d"]]},
        _plan({"i": ["a", "c", "d", "e"], "j": ["a", "c", "d"]}, sizes, budget = 3),
    )
    return unittest.end(env)

_large_wheels_are_merged_over_budget_test = unittest.make(_large_wheels_are_merged_over_budget_impl)

def _small_groups_are_stored_again_over_budget_impl(ctx):
    env = unittest.begin(ctx)
    images = {"i": ["a", "b", "c", "own"], "j": ["a", "b"], "k": ["a", "c"]}
    sizes = {"a": 5, "b": 2, "c": 3}
    asserts.equals(
        env,
        {"i": [["a"], ["c"], ["b"], ["own"]], "j": [["a"], ["b"]], "k": [["a"], ["c"]]},
        _plan(images, sizes),
    )
    asserts.equals(
        env,
        {"i": [["a"], ["b", "c", "own"]], "j": [["a"], ["b"]], "k": [["a"], ["c"]]},
        _plan(images, sizes, budget = 2),
    )
    asserts.equals(env, {"i": [["a", "b", "c", "own"]], "j": [["a", "b"]], "k": [["a", "c"]]}, _plan(images, sizes, budget = 1))
    return unittest.end(env)

_small_groups_are_stored_again_over_budget_test = unittest.make(_small_groups_are_stored_again_over_budget_impl)

def _every_image_has_its_wheels_once_impl(ctx):
    env = unittest.begin(ctx)

    # 30 wheels whose sizes and users follow from their number, in every budget.
    names = ["w{}".format(n) for n in range(30)]
    sizes = {name: (n * n * 7) % 41 for n, name in enumerate(names)}
    images = {
        image: [name for n, name in enumerate(names) if (n * 5 + n // 7) % divisor != 0]
        for image, divisor in {"five": 5, "four": 4, "three": 3, "two": 2}.items()
    }
    for budget in range(1, 25):
        plan = _plan(images, sizes, budget = budget)
        for image, layers in plan.items():
            asserts.equals(env, sorted(images[image]), sorted([wheel for layer in layers for wheel in layer]))
            asserts.true(env, len(layers) <= budget, "{} layers of {}".format(len(layers), budget))
    return unittest.end(env)

_every_image_has_its_wheels_once_test = unittest.make(_every_image_has_its_wheels_once_impl)

def layer_tiers_test_suite(name):
    unittest.suite(
        name,
        _light_wheels_share_by_users_test,
        _named_come_first_test,
        _large_wheels_are_merged_over_budget_test,
        _small_groups_are_stored_again_over_budget_test,
        _every_image_has_its_wheels_once_test,
    )
