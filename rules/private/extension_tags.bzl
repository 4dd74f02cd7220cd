"""Tags of module extensions that each make a repository of their name."""

load("//rules/private/wheels:errors.bzl", "error_text")

visibility("//rules/private/...")

def named_tags(module_ctx, extension, tags_of):
    """Collects the tags of all modules, and fails where two have one name.

    Args:
      module_ctx: the context of the extension.
      extension: its name, for messages.
      tags_of: function from `tags` of a module to those that make a repository of their `name`.

    Returns:
      (tags, metadata): the list of tags, and what the extension returns. It has to be a function of the tags and of files
      in source trees, as MODULE.bazel.lock remembers nothing of it.
    """
    owners, tags, direct, direct_dev = {}, [], [], []
    for module in module_ctx.modules:
        for tag in tags_of(module.tags):
            if tag.name in owners:
                fail("\n" + error_text(
                    extension,
                    "module '{}'".format(module.name),
                    "name '{}', which module '{}' has too".format(tag.name, owners[tag.name]),
                    "a name of its own",
                ))
            owners[tag.name] = module.name
            tags.append(tag)
            if module.is_root:
                (direct_dev if module_ctx.is_dev_dependency(tag) else direct).append(tag.name)
    return tags, module_ctx.extension_metadata(
        root_module_direct_deps = direct,
        root_module_direct_dev_deps = direct_dev,
        reproducible = True,
    )
