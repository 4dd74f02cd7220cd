"""What the names of variants mean."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//rules/private/release:variant.bzl", "declared_properties", "parse_variant", "variant")

visibility("private")

# Name -> archs, cuda, cublas, cudnn.
_NAMES = {
    "cpu": ([], False, False, False),
    "cublas-sm80": (["sm_80"], True, True, False),
    "cuda": ([], True, False, False),
    "cuda-cublas-cudnn-sm90": (["sm_90a"], True, True, True),
    "cuda-cudnn-sm90": (["sm_90a"], True, False, True),
    "cuda-cudnn-sm90a-ptx90": (["sm_90a", "compute_90"], True, False, True),
    "cuda-sm100f": (["sm_100f"], True, False, False),
    "cuda-sm75": (["sm_75"], True, False, False),
    "cuda-sm80-sm86": (["sm_80", "sm_86"], True, False, False),
}

def _names_impl(ctx):
    env = unittest.begin(ctx)
    for name, expected in _NAMES.items():
        read = parse_variant(name)
        asserts.equals(env, (name,) + expected, (read.name, read.archs, read.cuda, read.cublas, read.cudnn))
    return unittest.end(env)

_names_test = unittest.make(_names_impl)

def _properties_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(env, {"accelerator": "cpu"}, declared_properties(parse_variant("cpu"), "13.0"))
    asserts.equals(
        env,
        {"accelerator": "cpu", "cpu_level": "x86-64-v3"},
        declared_properties(variant("fast", properties = {"cpu_level": "x86-64-v3"}), "13.0"),
    )
    asserts.equals(
        env,
        {"accelerator": "cuda", "cubins": ["sm_86"], "ptx": []},
        declared_properties(parse_variant("cuda-sm86"), ""),
    )
    asserts.equals(
        env,
        {
            "accelerator": "cuda",
            "cubins": ["sm_90"],
            "cuda": "12.8",
            "cudnn": "9",
            "ptx": [{"arch": "compute_90"}],
        },
        declared_properties(
            variant("x", archs = ["sm_90", "compute_90"], properties = {"cuda": "12.8", "cudnn": "9"}),
            "13.0",
        ),
    )
    asserts.equals(
        env,
        {"accelerator": "cuda", "cubins": ["sm_80"], "ptx": [], "sonames": ["libown.so.1"]},
        declared_properties(
            variant("x", archs = ["sm_80"], cublas = True, properties = {"sonames": ["libown.so.1"]}),
            "",
        ),
    )
    return unittest.end(env)

_properties_test = unittest.make(_properties_impl)

def variant_test_suite(name):
    unittest.suite(name, _names_test, _properties_test)
