"""Reader of TOML, as far as uv.lock and pylock.toml need it: strict, without recursion, in linear time.

Tables, arrays of tables, dotted keys, inline tables, arrays over several lines, all kinds of strings, integers, floats and
booleans are values of Starlark; dates and times stay text. Every table that has a header carries the line of the header
under LINE, a key that no file can have.

Problem: nested values, without recursion and without `while`.
Idea: one pass over the lines; open arrays and inline tables are a stack, and `want` says what may come next.
Invariant: `want` is "statement" between statements, and then the stack is empty.
Cost: each token is looked at once, each line is copied once.
"""

load(":errors.bzl", "error_text")
load(":toml_tokens.bzl", "continue_string", "row_of_line", "tokens_of_line")

visibility(["//rules/private/wheels", "//tests/wheels/..."])

LINE = "\n"

_BARE = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
_CLOSING = {"[": "]", "{": "}"}

def parse_toml(text, file):
    """Parses a file.

    Args:
      text: its text.
      file: its name, for messages.

    Returns:
      (table, error): a dict and None, or None and a text for `fail()`.
    """
    root = {LINE: 1}

    # table: where `key = value` goes. kinds: how each table came to be, by its path.
    state = struct(stack = [], keys = [], kinds = {})
    table, path, want, opened = root, "", "statement", None
    number, known, rows = 0, {}, {}
    for raw in text.split("\n"):
        number += 1
        line = raw[:-1] if raw.endswith("\r") else raw
        if want == "item" and line.endswith("},"):
            row = row_of_line(line, rows)
            if row:
                state.stack[-1][1].append(row)
                continue
        if opened:
            tokens, opened, error = continue_string(opened, line)
        else:
            tokens, opened, error = tokens_of_line(line, known)
        if not error and want == "statement" and tokens and tokens[0] == "[":
            table, path, error = _header(root, state.kinds, line, tokens, number)
        elif not error:
            want, error = _values(state, table, path, want, tokens, opened)
        if error:
            got, _, expected = error.removeprefix("got ").partition(", expected ")
            return None, error_text("toml", "{}:{}".format(file, number), got, expected)
    if want != "statement" or opened:
        return None, error_text("toml", "{}:{}".format(file, number), "the end of the file", "the end of a value")
    return root, None

def _values(state, table, path, want, tokens, opened):
    """Reads the tokens of a line after `want`. Returns (what may come next, error)."""
    stack, keys = state.stack, state.keys
    for token in tokens:
        if want == "key" or want == "statement":
            if token == "=" and keys:
                want = "value"
            elif token == "}" and want == "key" and not keys:
                want, error = _close(state, table, path)
                if error:
                    return None, error
            elif token in "{}[],=":
                return None, "got '{}', expected a key".format(token)
            else:
                keys.append(token)
            continue
        if want == "next":
            if token == ",":
                want = "item" if stack[-1][0] == "[" else "key"
                continue
            if token != _CLOSING[stack[-1][0]]:
                return None, "got '{}', expected ',' or '{}'".format(token.removeprefix("\""), _CLOSING[stack[-1][0]])
            want, error = _close(state, table, path)
        elif want == "end":
            return None, "got '{}', expected the end of the line".format(token.removeprefix("\""))
        elif token == "]" and want == "item":
            want, error = _close(state, table, path)
        elif token == "[":
            stack.append(("[", [], None))
            want, error = "item", None
        elif token == "{":
            # The keys before `=` belong to this table; those inside are collected anew.
            stack.append(("{", {}, list(keys)))
            keys.clear()
            want, error = "key", None
        elif token[0] == "\"":
            want, error = _put(state, table, path, token[1:])
        else:
            value, error = _scalar(token)
            if not error:
                want, error = _put(state, table, path, value)
        if error:
            return None, error
    if stack or opened:
        return want, None
    if want == "end" or (want == "statement" and not keys):
        return "statement", None
    return None, "got the end of the line, expected " + ("a value" if want == "value" else "'='")

def _put(state, table, path, value):
    """Puts a complete value where it belongs. Returns (what may come next, error)."""
    if not state.stack:
        error = _assign(table, path, state.kinds, state.keys, value)
        state.keys.clear()
        return "end", error
    kind, container, _ = state.stack[-1]
    if kind == "[":
        container.append(value)
        return "next", None
    error = _assign(container, None, None, state.keys, value)
    state.keys.clear()
    return "next", error

def _close(state, table, path):
    """Closes the array or inline table on top of the stack."""
    _, value, keys = state.stack.pop()
    if keys != None:
        state.keys.clear()
        state.keys.extend(keys)
    return _put(state, table, path, value)

def _assign(table, path, kinds, tokens, value):
    """Sets one key, which may be dotted. `path` and `kinds`: of a table with a header; None inside an inline table."""
    if len(tokens) == 1 and tokens[0].strip(_BARE) == "":
        key = tokens[0]
        if key in table:
            return "got the key '{}' a second time, expected each one once".format(key)
        table[key] = value
        return None
    parts, error = _key_path(tokens)
    if error:
        return error
    for part in parts[:-1]:
        path = None if path == None else path + "." + part
        if part not in table:
            table[part] = {}
            if path != None:
                kinds[path] = "dotted"
        elif type(table[part]) != "dict" or (path != None and kinds.get(path) != "dotted"):
            return "got the key '{}' a second time, expected each one once".format(part)
        table = table[part]
    if parts[-1] in table:
        return "got the key '{}' a second time, expected each one once".format(".".join(parts))
    table[parts[-1]] = value
    return None

def _key_path(tokens):
    """Returns (parts, error) of a key such as a."b.c".d."""
    parts, want = [], True
    for token in tokens:
        if token[0] == "\"":
            if not want or LINE in token:
                return None, "got the key '{}', expected a name".format(token[1:])
            parts.append(token[1:])
            want = False
            continue
        for index, word in enumerate(token.split(".")):
            if index > 0:
                if want:
                    return None, "got the key '{}', expected a name".format(token)
                want = True
            if word:
                if not want or word.strip(_BARE):
                    return None, "got the key '{}', expected a name".format(token)
                parts.append(word)
                want = False
    return (None, "got an empty name in a key, expected a name") if want else (parts, None)

def _header(root, kinds, line, tokens, number):
    """Opens `[table]` or `[[array of tables]]`. Returns (table, path, error)."""
    text = line.strip(" \t")
    depth = 2 if text.startswith("[[") else 1
    if len(tokens) < 2 * depth + 1 or tokens[-depth:] != ["]"] * depth or (depth == 2 and "]]" not in text):
        return None, None, "got '{}', expected [name] or [[name]]".format(text)
    parts, error = _key_path(tokens[depth:-depth])
    if error:
        return None, None, error
    table, path = root, ""
    for part in parts[:-1]:
        path += "." + part
        if part not in table:
            table[part] = {}
            kinds[path] = "implicit"
        kind = kinds.get(path)
        if kind == None:
            return None, None, "got a table inside of '{}', which is a value, expected a name of its own".format(path[1:])
        table = table[part]
        if kind == "array":
            path += "#" + str(len(table))
            table = table[-1]
    name = parts[-1]
    path += "." + name
    kind = kinds.get(path)
    if depth == 2:
        if name not in table:
            table[name] = []
            kinds[path] = "array"
        elif kind != "array":
            return None, None, "got '{}' a second time, expected each one once".format(path[1:])
        table[name].append({LINE: number})
        return table[name][-1], path + "#" + str(len(table[name])), None
    if name in table and kind != "implicit":
        return None, None, "got '{}' a second time, expected each one once".format(path[1:])
    table = table.setdefault(name, {})
    table[LINE] = number
    kinds[path] = "table"
    return table, path, None

def _scalar(token):
    """Returns (value, error) of a bare word."""
    if token == "true" or token == "false":
        return token == "true", None
    if token.isdigit() and (token[0] != "0" or token == "0"):
        return int(token), None
    digits = token[1:] if token[0] in "+-" else token
    plain = digits.replace("_", "")
    wrong = "got '{}', expected a value".format(token)
    if not digits or not (digits[0].isdigit() or digits in ["inf", "nan"]):
        return None, wrong
    if digits.startswith("_") or digits.endswith("_") or "__" in digits:
        return None, wrong
    for prefix, base, allowed in [("0x", 16, "0123456789abcdefABCDEF"), ("0o", 8, "01234567"), ("0b", 2, "01")]:
        if token.startswith(prefix):
            ok = plain[2:] and not plain[2:].strip(allowed)
            return (int(plain[2:], base), None) if ok else (None, wrong)
    if plain.isdigit():
        return (int(token.replace("_", "")), None) if plain[0] != "0" or plain == "0" else (None, wrong)
    if ":" in token or len(token) == 10 and token[4] == "-" and token[7] == "-":
        # A date or a time.
        return (token, None) if not token.strip("0123456789-:.TtZz+") else (None, wrong)
    whole, _, rest = plain.replace("E", "e").partition("e")
    left, dot, right = whole.partition(".")
    exponent = rest.lstrip("+-")
    if plain in ["inf", "nan"]:
        return float(token), None
    if not left.isdigit() or (left[0] == "0" and left != "0") or (dot and not right.isdigit()):
        return None, wrong
    if ("e" in plain.lower()) and (not exponent.isdigit() or len(rest) - len(exponent) > 1):
        return None, wrong
    return float(token.replace("_", "")), None
