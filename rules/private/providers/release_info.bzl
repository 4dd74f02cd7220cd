"""What a release is to rules of the build that makes it."""

visibility("//rules/...")

ReleaseInfo = provider(
    doc = "Archives of one program for several accelerators and platforms.",
    fields = {
        "artifact": "string: its name.",
        "rows": "list of structs, one for each archive: `name` and `platform` of the variant, `archive` (File), `row` (File: what " +
                "the lock says of it, a Variant as JSON).",
        "version": "string: when nothing is stamped; may be empty.",
    },
)
