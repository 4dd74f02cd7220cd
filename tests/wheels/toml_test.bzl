"""Tests of the TOML reader: what it reads, and the exact text for each thing that it refuses."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//rules/private/wheels:toml.bzl", "LINE", "parse_toml")  # buildifier: disable=bzl-visibility

visibility("private")

_TEXT = """\
# A comment with "quotes" and 'quotes'.
int = 1_000\t# after a tab
negative = -3
hex = 0xFF
float = 1.5e3
bool = true
date = 2026-01-02T03:04:05Z
basic = "a # b \\" \\u00e9 \\U0001F600 \\\\"
literal = 'C:\\x "y"'
dotted."k e y".z = ''
array = [ 1, [2, "]"], { x = { y = [3] } }, ]
several = [
  { a = "x = [1]", b = 2 },  # one

  { a = "it's" },
  { a = "x" , c-d_1 = 3, b = { c = "]" } },
  { a.b = "x", },
  { a = "x" }, { a = "y" },
  { "" = 'x' },
]
lines = \"\"\"
one
  "two" \"\"\"\"
raw = '''first\\n
second'''

[empty]
[a.b]
k = 1
[a]
k = 2

[[p]]
n = 1
[p.m]
k = 1
[[p.q]]
n = 1
[[p.q]]
n = 2
[[p]]
[p.m]
k = 2\r
"""

_VALUE = {
    LINE: 1,
    "a": {LINE: 30, "b": {LINE: 28, "k": 1}, "k": 2},
    "array": [1, [2, "]"], {"x": {"y": [3]}}],
    "basic": "a # b \" é 😀 \\",
    "bool": True,
    "date": "2026-01-02T03:04:05Z",
    "dotted": {"k e y": {"z": ""}},
    "empty": {LINE: 27},
    "float": 1500.0,
    "hex": 255,
    "int": 1000,
    "lines": "one\n  \"two\" \"",
    "literal": "C:\\x \"y\"",
    "negative": -3,
    "p": [
        {
            LINE: 33,
            "m": {LINE: 35, "k": 1},
            "n": 1,
            "q": [{LINE: 37, "n": 1}, {LINE: 39, "n": 2}],
        },
        {LINE: 41, "m": {LINE: 42, "k": 2}},
    ],
    "raw": "first\\n\nsecond",
    "several": [{"a": "x = [1]", "b": 2}, {"a": "it's"}, {"a": "x", "b": {"c": "]"}, "c-d_1": 3}, {"a": {"b": "x"}}, {"a": "x"}, {"a": "y"}, {"": "x"}],
}

def _reads_impl(ctx):
    env = unittest.begin(ctx)
    value, error = parse_toml(_TEXT, "f.toml")
    asserts.equals(env, None, error)
    asserts.equals(env, _VALUE, value)
    return unittest.end(env)

reads_test = unittest.make(_reads_impl)

# Text -> line, what is got and what is expected.
_REFUSED = {
    "= 1": (1, "'='", "a key"),
    "[[a]]\n[a]": (2, "'a' a second time", "each one once"),
    "[[x]": (1, "'[[x]'", "[name] or [[name]]"),
    "[a b]": (1, "the key 'b'", "a name"),
    "[x\n": (1, "'[x'", "[name] or [[name]]"),
    "[x]\n\n[x]": (3, "'x' a second time", "each one once"),
    "a": (1, "the end of the line", "'='"),
    "a =": (1, "the end of the line", "a value"),
    "a = \"\"\"x": (1, "the end of the file", "the end of a value"),
    "a = \"\\q\"": (1, "the escape '\\q'", "one that TOML has"),
    "a = \"\\ud800\"": (1, "the escape '\\u'", "one that TOML has"),
    "a = \"x": (1, "a string without its closing quote", "one"),
    "a = \"x\" \"y\"": (1, "'y'", "the end of the line"),
    "a = 'x": (1, "a string without its closing quote", "one"),
    "a = 01": (1, "'01'", "a value"),
    "a = 1 2": (1, "'2'", "the end of the line"),
    "a = [,]": (1, "','", "a value"),
    "a = [\n{ b = \"x\" \"y\" },\n]": (2, "'y'", "',' or '}'"),
    "a = [\n{ b = \"x\", b = 1 },\n]": (2, "the key 'b' a second time", "each one once"),
    "a = [\n{ b = 01 },\n]": (2, "'01'", "a value"),
    "a = [1\n\n": (3, "the end of the file", "the end of a value"),
    "a = [1\n2]": (2, "'2'", "',' or ']'"),
    "a = yes": (1, "'yes'", "a value"),
    "a = {b = 1, b = 2}": (1, "the key 'b' a second time", "each one once"),
    "a = {b}": (1, "'}'", "a key"),
    "a = }": (1, "'}'", "a value"),
    "a..b = 1": (1, "the key 'a..b'", "a name"),
    "a.b = 1\n[a]": (2, "'a' a second time", "each one once"),
    "a=1\na=2": (2, "the key 'a' a second time", "each one once"),
    "a=1\n[a.b]": (2, "a table inside of 'a', which is a value", "a name of its own"),
    "x = {}\n[x.y]": (2, "a table inside of 'x', which is a value", "a name of its own"),
}

def _refuses_impl(ctx):
    env = unittest.begin(ctx)
    for text, (line, got, expected) in _REFUSED.items():
        _, error = parse_toml(text, "f.toml")
        asserts.equals(env, "error: toml: f.toml:{}: got {}, expected {}".format(line, got, expected), error, text)
    return unittest.end(env)

refuses_test = unittest.make(_refuses_impl)

def toml_test_suite(name):
    unittest.suite(name, reads_test, refuses_test)
