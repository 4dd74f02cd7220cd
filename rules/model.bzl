"""Models as targets.

A lock of models is declared with the module extension `models` (rules/extensions.bzl), or with `models_lock`
(rules/repositories.bzl) in a WORKSPACE file; its models are then `@models//whisper_base_en`.
"""

load("//rules/private/providers:model_info.bzl", _ModelInfo = "ModelInfo")

visibility("public")

ModelInfo = _ModelInfo
