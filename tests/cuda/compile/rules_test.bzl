"""Tests of actions and failures of the CUDA rules, in analysis."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//rules:cuda.bzl", "CudaInfo", "cuda_device_link", "cuda_library", "cuda_objects")

visibility("private")

def _failure_impl(ctx):
    env = analysistest.begin(ctx)
    asserts.expect_failure(env, ctx.attr.message)
    return analysistest.end(env)

_failure_test = analysistest.make(
    _failure_impl,
    attrs = {"message": attr.string(mandatory = True)},
    expect_failure = True,
)

def _actions_impl(ctx):
    env = analysistest.begin(ctx)
    counts = {}
    for action in analysistest.target_actions(env):
        if action.mnemonic.startswith("Cuda"):
            counts[action.mnemonic] = counts.get(action.mnemonic, 0) + 1
    asserts.equals(env, {
        "CudaCompile": 3,
        "CudaFatbinary": 1,
        # A cubin and PTX of sm_90 are made of the same text.
        "CudaPreprocess": 2,
        "CudaSplit": 1,
    }, counts)
    asserts.equals(env, ["sm_80", "sm_90", "compute_90"], analysistest.target_under_test(env)[CudaInfo].archs)
    return analysistest.end(env)

_actions_test = analysistest.make(_actions_impl)

def rules_test_suite(name):
    """Declares the tests and their targets.

    Args:
      name: name of the suite.
    """
    tags = ["manual"]
    cuda_library(name = name + "_actions", srcs = ["scale.cu", "scale.cuh"], archs = ["compute_90", "sm_90", "sm_80"], tags = tags)
    _actions_test(name = name + "_actions_test", target_under_test = name + "_actions")

    cuda_library(name = name + "_old", srcs = ["scale.cu"], archs = ["sm_60"], tags = tags)
    _failure_test(
        name = name + "_old_test",
        message = ": archs: got \"sm_60\", expected sm_75 or newer: CUDA ",
        target_under_test = name + "_old",
    )

    cuda_library(name = name + "_own_flag", srcs = ["scale.cu"], cuda_copts = ["-arch=sm_80"], tags = tags)
    _failure_test(
        name = name + "_own_flag_test",
        message = ": cuda_copts: got \"-arch=sm_80\", expected archs",
        target_under_test = name + "_own_flag",
    )

    cuda_objects(name = name + "_a", srcs = ["scale.cu", "scale.cuh"], archs = ["sm_80"], tags = tags)
    cuda_objects(name = name + "_b", srcs = ["scaled.cu", "scale.cuh"], archs = ["sm_80", "sm_90"], tags = tags)
    cuda_device_link(name = name + "_mixed", tags = tags, deps = [name + "_a", name + "_b"])
    _failure_test(
        name = name + "_mixed_test",
        message = "hint: give both the same archs",
        target_under_test = name + "_mixed",
    )
    native.test_suite(
        name = name,
        tests = [name + suffix for suffix in ["_actions_test", "_old_test", "_own_flag_test", "_mixed_test"]],
    )
