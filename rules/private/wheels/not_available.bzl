"""A wheel that cannot be had; whoever builds it reads why."""

# Hub repositories load this.
visibility("public")

def _wheel_not_available_impl(ctx):
    fail("\n" + ctx.attr.message)

wheel_not_available = rule(
    implementation = _wheel_not_available_impl,
    doc = "Fails in analysis with a message.",
    attrs = {"message": attr.string(mandatory = True, doc = "What the user reads.")},
)
