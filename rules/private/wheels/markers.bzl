"""Environment markers of requirements (PEP 508), evaluated without a Python interpreter.

Grammar: `marker = term (("and" | "or") term)*`, `term = value operator value | "(" marker ")"`; `and` binds tighter.
What cannot be decided from a python ("3.11") and a platform is an error, never a guess.
"""

load(":versions.bzl", "ORDER_OPERATORS", "compare_interval", "version_interval")

visibility(["//rules/private/wheels", "//tests/wheels/..."])

_VERSIONS = ["python_version", "python_full_version"]
_MIRRORED = {"!=": "!=", "<": ">", "<=": ">=", "==": "==", ">": "<", ">=": "<="}
_PRECEDENCE = {"(": 0, "and": 2, "or": 1}

def evaluate_marker(text, environment):
    """Evaluates a marker.

    Args:
      text: the marker, for example `sys_platform == 'linux' and python_version < '3.12'`.
      environment: dict from variable to value, see `marker_environment`.

    Returns:
      (value, error): a bool and None, or None and a text of the form "got X, expected Y".
    """
    tokens, error = _tokenize(text)
    if error:
        return None, error
    values, operators = [], []
    skip = 0
    want_term = True
    for index, token in enumerate(tokens):
        if skip > 0:
            skip -= 1
        elif want_term and token == "(":
            operators.append(token)
        elif want_term:
            value, error = _compare(tokens[index:index + 4], environment)
            if error:
                return None, error
            values.append(value)
            skip = 3 if tokens[index + 1:index + 3] == ["not", "in"] else 2
            want_term = False
        elif token == ")":
            _reduce(values, operators, 1)
            if not operators:
                return None, "got ')' without '(' in '{}', expected pairs".format(text)
            operators.pop()
        elif token in ["and", "or"]:
            _reduce(values, operators, _PRECEDENCE[token])
            operators.append(token)
            want_term = True
        else:
            return None, "got '{}', expected 'and' or 'or'".format(token)
    if want_term:
        return None, "got the end of '{}', expected a comparison".format(text)
    _reduce(values, operators, 1)
    if operators:
        return None, "got '(' without ')' in '{}', expected pairs".format(text)
    return values[0], None

def _reduce(values, operators, precedence):
    """Applies the operators on top of the stack that bind at least as tight as `precedence`."""
    for _ in range(len(operators)):
        if _PRECEDENCE[operators[-1]] < precedence:
            break
        operator, right, left = operators.pop(), values.pop(), values.pop()
        values.append((left and right) if operator == "and" else (left or right))

def _tokenize(text):
    """Splits a marker into words, operators, parentheses and literals (which keep their opening quote)."""
    tokens = []
    quote, word = None, ""
    for char in text.elems() + [" "]:
        if quote:
            if char == quote:
                tokens.append("'" + word)
                quote, word = None, ""
            else:
                word += char
            continue
        is_operator = word != "" and word[0] in "<>=!~"
        if word and (char in " \t()'\"" or (char in "<>=!~") != is_operator):
            tokens.append(word)
            word = ""
        if char in "'\"":
            quote = char
        elif char in "()":
            tokens.append(char)
        elif char not in " \t":
            word += char
    if quote:
        return None, "got a literal without its closing {}, expected one".format(quote)
    return tokens, None

def _compare(tokens, environment):
    """Evaluates `value operator value`, which `tokens` begin with."""
    if tokens[1:3] == ["not", "in"]:
        tokens = [tokens[0], "not in"] + tokens[3:]
    if len(tokens) < 3:
        return None, "got '{}', expected a comparison".format(" ".join(tokens))
    left, operator, right = tokens[:3]
    for side in [left, right]:
        if side[0] != "'" and side not in environment:
            return None, "got '{}', expected a literal or one of {}".format(side, ", ".join(sorted(environment)))
    if operator not in ORDER_OPERATORS + ["in", "not in"]:
        return None, "got operator '{}', expected one of {}, in, not in".format(operator, " ".join(ORDER_OPERATORS))
    if left[0] == "'" and right[0] == "'":
        return None, "got two literals, {}' and {}', expected a variable".format(left, right)
    if operator in ORDER_OPERATORS:
        if left in _VERSIONS and right[0] == "'":
            return _compare_version(left, operator, right[1:], environment)
        if right in _VERSIONS and left[0] == "'":
            return _compare_version(right, _MIRRORED[operator], left[1:], environment)
    if "python_full_version" in [left, right]:
        return None, "got python_full_version with '{}', expected a comparison with a version".format(operator)
    a, b = _value(left, environment), _value(right, environment)
    if operator == "==" or operator == "!=":
        return (a == b) == (operator == "=="), None
    if operator == "in" or operator == "not in":
        return (a in b) == (operator == "in"), None
    return None, "got '{}' between texts, expected ==, !=, in or not in".format(operator)

def _value(token, environment):
    return token[1:] if token[0] == "'" else environment[token]

def _compare_version(variable, operator, text, environment):
    interval = version_interval(environment[variable], full = variable == "python_full_version")
    result = compare_interval(interval, operator, text)
    if result == None:
        return None, "got {} {} '{}', expected a comparison that all releases of python {} answer alike".format(
            variable,
            operator,
            text,
            environment[variable],
        )
    if type(result) == "string":
        return None, "got {}, expected a release such as '3.11'".format(result)
    return result, None
