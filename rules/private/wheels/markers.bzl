"""Environment markers of requirements (PEP 508), evaluated without a Python interpreter.

Grammar: `marker = term (("and" | "or") term)*`, `term = value operator value | "(" marker ")"`; `and` binds tighter.
What a python ("3.11") and a platform do not decide is unknown, never a guess: `platform_release`, or a patch release when
only "3.11" is known. Unknown and false is false, unknown or true is true; a marker that stays unknown is an error.
"""

load(":names.bzl", "normalize_name")
load(":versions.bzl", "ORDER_OPERATORS", "compare_interval", "version_interval")

visibility(["//rules/private/wheels", "//tests/wheels/..."])

_VERSIONS = ["python_version", "python_full_version", "implementation_version"]

# Variables whose values are known on the machine only.
_UNKNOWN = ["platform_release", "platform_version"]
_MIRRORED = {"!=": "!=", "<": ">", "<=": ">=", "==": "==", "===": "===", ">": "<", ">=": "<="}

# Names of before PEP 508, which setuptools still lets through.
_ALIASES = {
    "os.name": "os_name",
    "platform.machine": "platform_machine",
    "platform.python_implementation": "platform_python_implementation",
    "python_implementation": "platform_python_implementation",
    "sys.platform": "sys_platform",
}

_PRECEDENCE = {"(": 0, "and": 2, "or": 1}

def evaluate_marker(text, environment):
    """Evaluates a marker.

    Args:
      text: the marker, for example `sys_platform == 'linux' and python_version < '3.12'`.
      environment: dict from variable to value, see `marker_environment`. A value may be a list or the keys of a dict:
        `extra`, `extras` and `dependency_groups` are what is asked for.

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
    value = values[0]
    return (value, None) if type(value) == "bool" else (None, value)

def _reduce(values, operators, precedence):
    """Applies the operators on top of the stack that bind at least as tight as `precedence`."""
    for _ in range(len(operators)):
        if _PRECEDENCE[operators[-1]] < precedence:
            break
        operator, right, left = operators.pop(), values.pop(), values.pop()
        decides = operator == "or"
        if left == decides or right == decides:
            values.append(decides)
        else:
            # Both are the other one, or unknown: a text.
            values.append(left if type(left) == "string" else right)

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
    """Evaluates `value operator value`, which `tokens` begin with. Returns (True, False or why it is unknown; error)."""
    if tokens[1:3] == ["not", "in"]:
        tokens = [tokens[0], "not in"] + tokens[3:]
    if len(tokens) < 3:
        return None, "got '{}', expected a comparison".format(" ".join(tokens))
    left, operator, right = [_ALIASES.get(token, token) for token in tokens[:3]]
    for side in [left, right]:
        if side[0] != "'" and side not in environment and side not in _UNKNOWN:
            return None, "got '{}', expected a literal or one of {}".format(side, ", ".join(sorted(environment)))
    if operator not in ORDER_OPERATORS + ["in", "not in"]:
        return None, "got operator '{}', expected one of {}, in, not in".format(operator, " ".join(ORDER_OPERATORS))
    if left[0] == "'" and right[0] == "'":
        return None, "got two literals, {}' and {}', expected a variable".format(left, right)
    for side in [left, right]:
        if side in _UNKNOWN:
            return "got {}, which only the machine knows, expected a variable that python and platform decide".format(side), None
    variable, literal = (right, left) if left[0] == "'" else (left, right)
    if type(environment[variable]) != "string":
        return _compare_set(variable, operator, literal, environment, variable == left)
    if operator in ORDER_OPERATORS and variable in _VERSIONS and literal[0] == "'":
        if variable == right and operator == "~=":
            return None, "got '{}' ~= {}, expected the variable first".format(literal[1:], variable)
        return _compare_version(variable, operator if variable == left else _MIRRORED[operator], literal[1:], environment)
    if environment[variable].count(".") == 1 and variable in ["python_full_version", "implementation_version"]:
        return None, "got {} with '{}', expected a comparison with a version".format(variable, operator)
    a, b = _value(left, environment), _value(right, environment)
    if operator in ["==", "!=", "==="]:
        return (a == b) == (operator != "!="), None
    if operator in ["in", "not in"]:
        return (a in b) == (operator == "in"), None
    return None, "got '{}' between texts, expected ==, !=, in or not in".format(operator)

def _compare_set(variable, operator, literal, environment, first):
    """Compares with what is asked for: `extra == 'x'`, or `'x' in extras`."""
    allowed = ["==", "!="] if variable == "extra" else ["in", "not in"]
    if operator not in allowed or literal[0] != "'" or (first and variable != "extra"):
        return None, "got {} with '{}', expected {}".format(
            variable,
            operator,
            "extra == 'name'" if variable == "extra" else "'name' in " + variable,
        )
    return (normalize_name(literal[1:]) in environment[variable]) == (operator == allowed[0]), None

def _value(token, environment):
    return token[1:] if token[0] == "'" else environment[token]

def _compare_version(variable, operator, text, environment):
    interval = version_interval(environment[variable], full = variable != "python_version")
    result = compare_interval(interval, operator, text)
    if result == None:
        return "got {} {} '{}', expected a comparison that all releases of python {} answer alike".format(
            variable,
            operator,
            text,
            environment[variable],
        ), None
    if type(result) == "string":
        return None, "got {}, expected a release such as '3.11'".format(result)
    return result, None
