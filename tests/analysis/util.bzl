"""What the analysis tests share."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")

visibility("private")

def action_of(env, mnemonic):
    """The one action of the target under test with this mnemonic."""
    actions = [action for action in analysistest.target_actions(env) if action.mnemonic == mnemonic]
    asserts.equals(env, 1, len(actions), "actions " + mnemonic)
    return actions[0]

def request_lines(action):
    """The fragments of a plugin's request, decoded."""
    return [json.decode(argument) for argument in action.argv if argument.startswith("{")]

def _failure_impl(ctx):
    env = analysistest.begin(ctx)
    asserts.expect_failure(env, ctx.attr.message)
    return analysistest.end(env)

failure_test = analysistest.make(
    _failure_impl,
    attrs = {"message": attr.string(doc = "Part of the message that analysis must fail with.", mandatory = True)},
    expect_failure = True,
)
