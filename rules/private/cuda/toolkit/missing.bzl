"""A component that cannot be had; whoever builds it reads why."""

# Hub repositories load this.
visibility("public")

def _cuda_missing_impl(ctx):
    fail(ctx.attr.message)

cuda_missing = rule(
    implementation = _cuda_missing_impl,
    doc = "Fails in analysis with a message.",
    attrs = {"message": attr.string(mandatory = True, doc = "What the user reads.")},
)
