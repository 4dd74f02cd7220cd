"""Macro `models_lock` for WORKSPACE files."""

load(":hub_repository.bzl", "hub_repository")

visibility(["//rules"])

def models_lock(name, file, mode = "hermetic", allow = []):
    """Makes the repository `name` from a lock of models.

    A WORKSPACE file learns the names of the models' repositories in a second step:

        models_lock(name = "models", file = "//:models.lock.json")
        load("@models//:install.bzl", "install_models")
        install_models()

    Args:
      name: name of the repository.
      file: models.lock.json.
      mode: "hermetic", or "reference" where a model is its manifest.
      allow: formats that a build takes although they are not safe, "pickle" or "other".
    """
    hub_repository(name = name, hub = name, file = file, mode = mode, allow = allow)
