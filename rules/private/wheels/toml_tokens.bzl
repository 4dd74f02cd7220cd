"""Tokens of one line of TOML.

Problem: Starlark has no regular expressions and no `while`, and a search from the middle of a text copies the rest of it,
so that a scanner over a whole lock would be quadratic.
Idea: a line at a time, and for most lines native calls only: `split` at the quotes, where pieces 1, 3, 5, ... are then the
strings, and `replace` plus `split` for what is between them.
Invariant: the quick way is taken only where it cannot be wrong: no backslash, no other quote outside of the strings, no
multi-line string. All other lines are read character by character.
Cost: linear in the line on both ways.

A token is a text: punctuation as it is, a bare word as it is, and a string with a `"` before its value.
"""

visibility(["//rules/private/wheels", "//tests/wheels/..."])

_PUNCTUATION = "{}[],="
_BARE = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
_ESCAPES = {"\"": "\"", "\\": "\\", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_HEX = "0123456789abcdef"
_MULTI = ["\"\"\"", "'''"]

def tokens_of_line(line, known):
    """Splits a line into tokens.

    Args:
      line: text without its end of line.
      known: dict that remembers the tokens between strings, because they repeat on most lines; changed.

    Returns:
      (tokens, rest, error): `rest` is None, or the multi-line string that this line opens, see `continue_string`; `error` is
      None or "got X, expected Y".
    """
    if "\\" in line or "\"\"\"" in line:
        return _scan(line)
    tokens = []
    pieces = line.split("\"")
    outside = True
    for piece in pieces:
        if not outside:
            tokens.append("\"" + piece)
        elif piece in known:
            tokens.extend(known[piece])
        elif piece:
            if "'" in piece:
                return _scan(line)
            if "#" in piece:
                tokens.extend(_words(piece.partition("#")[0]))
                return tokens, None, None
            known[piece] = _words(piece)
            tokens.extend(known[piece])
        outside = not outside
    if outside:
        return None, None, "got a string without its closing quote, expected one"
    return tokens, None, None

def row_of_line(line, known):
    """Reads a line that is one row of an array, `{ key = "text", key = 1 },`: nearly all of a large lock is such lines.

    What is between the strings becomes JSON, and the native reader of JSON does the rest.

    Args:
      line: text without its end of line.
      known: dict that remembers what is between strings as JSON; changed.

    Returns:
      a dict; or None when the line may be anything else, or wrong.
    """
    if "\\" in line or "#" in line:
        return None
    pieces = line[:-1].split("\"")
    keys = 0
    for index in range(0, len(pieces), 2):
        piece = pieces[index]
        if piece not in known:
            known[piece] = _as_json(piece)
        if known[piece] == None:
            return None
        pieces[index], count = known[piece]
        keys += count
    row = json.decode("\"".join(pieces), default = None)

    # A key that is there twice, or a table within, would differ.
    return row if row and len(row) == keys else None

def _as_json(piece):
    """Returns (what is between strings as JSON, how many keys it gives a value), or None when it is not plain."""
    words = _words(piece)
    out = []
    for word, after in zip(words, words[1:] + [""]):
        if word == "=":
            out.append(":")
        elif word in "{},":
            out.append(word)
        elif after == "=" and not word.strip(_BARE):
            out.append("\"" + word + "\"")
        elif word.isdigit() and (word[0] != "0" or word == "0") and after != "=":
            out.append(word)
        else:
            return None
    return "".join(out), len([word for word in out if word == ":"])

def _words(piece):
    for char in _PUNCTUATION.elems():
        if char in piece:
            piece = piece.replace(char, " " + char + " ")
    if "\t" in piece:
        piece = piece.replace("\t", " ")
    return [word for word in piece.split(" ") if word]

def continue_string(opened, line):
    """Reads on in a multi-line string.

    Args:
      opened: struct (quote, parts) from `tokens_of_line`; changed.
      line: the next line.

    Returns:
      (tokens, rest, error) as `tokens_of_line`.
    """
    value, end, error = _string(line, 0, opened.quote)
    if error:
        return None, None, error
    opened.parts.append(value)
    if end < 0:
        return [], opened, None
    text = "".join(opened.parts)
    tokens, rest, error = _scan(line[end:])
    return (None, None, error) if error else (["\"" + text] + tokens, rest, None)

def _scan(line):
    tokens = []
    skip_to, word = 0, -1
    for index in range(len(line) + 1):
        if index < skip_to:
            continue
        char = line[index] if index < len(line) else " "
        special = char in " \t\"'#" or char in _PUNCTUATION
        if not special:
            word = index if word < 0 else word
            continue
        if word >= 0:
            tokens.append(line[word:index])
            word = -1
        if char in "\"'":
            quote = line[index:index + 3]
            quote = quote if quote in _MULTI else char
            value, end, error = _string(line, index + len(quote), quote)
            if error:
                return None, None, error
            if end < 0:
                # A line end right after the opening quotes does not count.
                return tokens, struct(quote = quote, parts = [value] if value != "\n" else []), None
            tokens.append("\"" + value)
            skip_to = end
        elif char == "#":
            break
        elif char not in " \t":
            tokens.append(char)
    return tokens, None, None

def _string(line, start, quote):
    """Reads a string from `start`. Returns (value, position after the closing quote or -1, error)."""
    literal = quote[0] == "'"
    value = []
    skip_to, begin, joined = start, start, False
    for index in range(start, len(line)):
        if index < skip_to:
            continue
        char = line[index]
        if char == quote[0] and line[index:index + len(quote)] == quote:
            # Up to two quotes may stand before the closing three.
            extra = 0
            if len(quote) == 3:
                extra = len(line[index + 3:index + 5]) - len(line[index + 3:index + 5].lstrip(quote[0]))
            value.append(line[begin:index + extra])
            return "".join(value), index + extra + len(quote), None
        if char == "\\" and not literal:
            value.append(line[begin:index])
            if len(quote) == 3 and not line[index + 1:].strip():
                joined, begin = True, len(line)
                break
            text, used = _escape(line[index + 1:index + 10])
            if text == None:
                return None, 0, "got the escape '{}', expected one that TOML has".format(line[index:index + 2])
            value.append(text)
            skip_to = index + 1 + used
            begin = skip_to
    if len(quote) == 1:
        return None, 0, "got a string without its closing quote, expected one"
    if joined:
        return None, 0, "got a line that ends in a backslash, expected a string without (no lock has them)"
    return "".join(value) + line[begin:] + "\n", -1, None

def _escape(text):
    """Returns (value, characters used) of an escape, or (None, 0)."""
    char = text[:1]
    if char in _ESCAPES:
        return _ESCAPES[char], 1
    digits = {"U": 8, "u": 4}.get(char, 0)
    code = text[1:1 + digits].lower()
    if not digits or len(code) != digits or code.strip("0123456789abcdef"):
        return None, 0
    point = int(code, 16)
    if point > 0x10ffff or (point >= 0xd800 and point <= 0xdfff):
        return None, 0
    return _utf8(point), digits + 1

def _utf8(point):
    """Returns a character as Bazel has it in texts of files: the bytes of UTF-8, each as one character."""
    if point < 0x80:
        data = [point]
    elif point < 0x800:
        data = [0xc0 | point >> 6, 0x80 | point & 63]
    elif point < 0x10000:
        data = [0xe0 | point >> 12, 0x80 | point >> 6 & 63, 0x80 | point & 63]
    else:
        data = [0xf0 | point >> 18, 0x80 | point >> 12 & 63, 0x80 | point >> 6 & 63, 0x80 | point & 63]
    return json.decode("\"" + "".join(["\\u00" + _HEX[byte >> 4] + _HEX[byte & 15] for byte in data]) + "\"")
