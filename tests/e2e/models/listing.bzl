"""A rule of a user that takes a model."""

load("@rules_inference//rules:model.bzl", "ModelInfo")

def _listing_impl(ctx):
    model = ctx.attr.model[ModelInfo]
    out = ctx.actions.declare_file(ctx.label.name + ".txt")
    lines = ["{} {} {}".format(model.name, model.variant, "reference" if model.reference else "files")]
    lines += ["{} {} {}".format(item.path, item.format, item.file.basename) for item in model.files]
    ctx.actions.write(out, "\n".join(lines) + "\n")
    return [DefaultInfo(files = depset([out]))]

listing = rule(
    implementation = _listing_impl,
    doc = "Writes down what is known of a model.",
    attrs = {"model": attr.label(mandatory = True, providers = [ModelInfo], doc = "The model.")},
)
