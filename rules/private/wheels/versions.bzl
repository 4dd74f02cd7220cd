"""Versions and their comparison, by PEP 440; and comparison of a whole line of pythons, for environment markers.

A lock may be written for "3.11", not for "3.11.7": `python_full_version` then stands for every 3.11.x at once. It is an
interval, and a comparison has three answers: true for all of them, false for all of them, or undecided. With "3.11.7" it
is one version and every comparison is decided.
"""

visibility(["//rules/private/wheels", "//tests/wheels/..."])

ORDER_OPERATORS = ["===", "~=", "==", "!=", "<=", ">=", "<", ">"]

# Larger than any patch release.
_ANY_PATCH = 1 << 30
_INFINITE = 1 << 62
_PRE = {"a": 0, "alpha": 0, "b": 1, "beta": 1, "c": 2, "pre": 2, "preview": 2, "rc": 2}
_POST = ["post", "rev", "r"]

def parse_version(text):
    """Parses a version.

    Args:
      text: the version, for example `1!2.0rc1.post2.dev3+local.1`.

    Returns:
      a struct (key, epoch, release, pre, post, dev, local), of which the keys compare as the versions do; or None.
    """
    public, plus, local = text.strip(" \t").lower().removeprefix("v").partition("+")
    epoch, bang, rest = public.partition("!")
    if not bang:
        epoch, rest = "0", public
    if not epoch.isdigit() or (plus and not local):
        return None
    tokens = _split(rest)
    release = []
    position, want = 0, True
    for token in tokens:
        if not (token.isdigit() if want else token == "."):
            break
        if want:
            release.append(int(token))
        want = not want
        position += 1
    if want and release:
        # The dot belongs to what follows: 1.0.dev1.
        position -= 1
    suffixes = _suffixes(tokens[position:]) if release else None
    locals = [_local_part(part) for part in local.replace("-", ".").replace("_", ".").split(".")] if plus else []
    if suffixes == None or None in locals:
        return None
    pre, post, dev = suffixes
    short = list(release)
    for _ in release[1:]:
        if short[-1] == 0:
            short.pop()
    phase = pre or ((-1, 0) if dev != None and post == None else (3, 0))
    key = (int(epoch), short, phase, -1 if post == None else post, _INFINITE if dev == None else dev, locals)
    return struct(key = key, epoch = int(epoch), release = release, pre = pre, post = post, dev = dev, local = locals)

def _split(text):
    """Splits into runs of digits, runs of letters, and single other characters."""
    tokens, kind = [], ""
    for char in text.elems():
        now = "d" if char.isdigit() else ("l" if char.isalpha() else "")
        if now and now == kind:
            tokens[-1] += char
        else:
            tokens.append(char)
        kind = now
    return tokens

def _suffixes(tokens):
    """Reads what follows the release. Returns (pre, post, dev), or None."""
    pre, post, dev = None, None, None
    stage, skip = 0, 0
    for index, token in enumerate(tokens):
        if skip > 0:
            skip -= 1
            continue
        separator = token in ["-", "_", "."]
        if token == "-" and stage < 2 and tokens[index + 1:index + 2] and tokens[index + 1].isdigit():
            # 1.0-1 is a post release.
            post, stage, skip = int(tokens[index + 1]), 2, 1
            continue
        word = token if not separator else (tokens[index + 1] if index + 1 < len(tokens) else "")
        after = index + (2 if separator else 1)
        used = after - index - 1
        if tokens[after:after + 1] and tokens[after] in ["-", "_", "."] and tokens[after + 1:after + 2] and tokens[after + 1].isdigit():
            after, used = after + 1, used + 1
        number = 0
        if tokens[after:after + 1] and tokens[after].isdigit():
            number, used = int(tokens[after]), used + 1
        if word in _PRE and stage < 1:
            pre, stage = (_PRE[word], number), 1
        elif word in _POST and stage < 2:
            post, stage = number, 2
        elif word == "dev" and stage < 3:
            dev, stage = number, 3
        else:
            return None
        skip = used
    return pre, post, dev

def _local_part(part):
    if not part or not part.isalnum():
        return None
    return (1, int(part), "") if part.isdigit() else (0, 0, part)

def compare_version(version, operator, text):
    """Tells whether a version meets `operator text`.

    Args:
      version: result of `parse_version`.
      operator: one of ORDER_OPERATORS, without `===`.
      text: a version, or for == and != also a prefix such as `3.9.*`.

    Returns:
      (answer, error): a bool and None, or None and what is wrong with `text`.
    """
    prefix = text.endswith(".*")
    wanted = parse_version(text[:-2] if prefix else text)
    if wanted == None:
        return None, "version '{}'".format(text)
    if prefix and (operator not in ["==", "!="] or wanted.local or wanted.pre or wanted.post != None or wanted.dev != None):
        return None, "'{} {}'".format(operator, text)
    if operator == "~=":
        if len(wanted.release) < 2 or wanted.local:
            return None, "'{} {}'".format(operator, text)
        return version.key[:5] >= wanted.key[:5] and _has_prefix(version, wanted, wanted.release[:-1]), None
    if operator in ["==", "!="]:
        if prefix:
            equal = _has_prefix(version, wanted, wanted.release)
        else:
            equal = version.key == wanted.key if wanted.local else version.key[:5] == wanted.key[:5]
        return equal == (operator == "=="), None
    if operator == "<=":
        return version.key[:5] <= wanted.key[:5], None
    if operator == ">=":
        return version.key[:5] >= wanted.key[:5], None
    same = (version.epoch, _pad(version.release, 9)) == (wanted.epoch, _pad(wanted.release, 9))
    if operator == "<":
        early = (version.pre != None or version.dev != None) and wanted.post == None
        early = early or (version.dev != None and version.post == wanted.post)
        final = wanted.pre == None and wanted.dev == None
        return version.key < wanted.key and not (same and early and final), None
    post = same and version.pre == wanted.pre and version.post != None and wanted.post == None and wanted.dev == None
    return version.key[:5] > wanted.key[:5] and not post, None

def _has_prefix(version, wanted, release):
    return version.epoch == wanted.epoch and _pad(version.release, len(release))[:len(release)] == release

def _pad(release, width):
    return release + [0] * (width - len(release))

def meets(version, specifiers):
    """Tells whether a version meets a list of specifiers such as `>=3.11,<4`.

    Args:
      version: result of `version_interval`.
      specifiers: text; empty: every version.

    Returns:
      (answer, error) as `compare_interval`.
    """
    all = True
    for specifier in [part.strip(" \t") for part in specifiers.split(",") if part.strip(" \t")]:
        operator = specifier[:len(specifier) - len(specifier.lstrip("<>=!~"))]
        if operator not in ORDER_OPERATORS:
            return None, "'{}'".format(specifier)
        answer = compare_interval(version, operator, specifier[len(operator):].strip(" \t"))
        if type(answer) == "string":
            return None, answer
        if answer == False:
            return False, None
        all = None if answer == None else all
    return all, None

def version_interval(python, full):
    """Returns (lowest, highest) version of `python` ("3.11"); with `full` over all its patch releases.

    Args:
      python: `3.11` or `3.11.7`.
      full: whether the patch release counts.

    Returns:
      a pair of results of `parse_version`.
    """
    parts = python.split(".")
    if len(parts) > 2 and full:
        return parse_version(python), parse_version(python)
    base = ".".join(parts[:2])
    return parse_version(base), parse_version("{}.{}".format(base, _ANY_PATCH) if full else base)

def compare_interval(interval, operator, text):
    """Compares all versions of an interval with a version.

    What meets an operator is an interval too, but for `!=`; so the two ends, and whether `text` is between, say it all.

    Args:
      interval: result of `version_interval`.
      operator: one of ORDER_OPERATORS.
      text: a version such as "3.9", or for == and != a prefix such as "3.9.*".

    Returns:
      True or False when all versions agree, None when they do not, and a text that says what is wrong with `text`.
    """
    answer = _compare_ends(interval, "==" if operator in ["!=", "==="] else operator, text)
    return (not answer) if operator == "!=" and type(answer) == "bool" else answer

def _compare_ends(interval, operator, text):
    low, error = compare_version(interval[0], operator, text)
    if error:
        return error
    high, _ = compare_version(interval[1], operator, text)
    if low and high:
        return True
    if low or high:
        return None
    wanted = parse_version(text.removesuffix(".*"))
    return None if operator in ["==", "~="] and interval[0].key < wanted.key and wanted.key < interval[1].key else False
