"""The locator, against documents that say themselves on which line each thing stands, and against tomllib."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l7proxy.config_lines import key_lines, line_of

# Each leaf's value is its own line.
SAYS_ITS_LINES = '''\
a = 1
b.c = 2  # "x = [
"q.r".'s t'.u = 3
"\\u00e9\\"" = 4

[table]
d = 7
[table.inner]
e.f = 9
[[many]]
g = 11
[many.sub]
h = 13
[[many.deep]]
i = 15
[[many.deep]]
i = 17
[[many]]
g = 19
[[many.deep]]
i = 21
list = [
  23, # ]
24
  , 25]
tables = [ { j = 26, k.l = 26 }, { m = [ 26,
  27 ] },
  { n = 28 } ]
[last]
text = [ """
x = [ "quoted" ]
\\""" # """"",
  \'\'\'
y\'\'\' , "a # \\" b", 'c # " d', 1979-05-27 07:32:00,
  35 ]
o = 36
'''


def leaves(value, path=()):
    """Every key path of a document that tomllib has read, with what stands there if it is no table or list."""
    if path:
        yield path, value
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from leaves(one, (*path, key))


def test_each_thing_is_where_it_says():
    lines = key_lines(SAYS_ITS_LINES)
    said = {path: value for path, value in leaves(tomllib.loads(SAYS_ITS_LINES)) if type(value) is int}
    assert len(said) == 22
    assert {path: lines[path] for path in said} == said
    assert [lines["last", "text", place] for place in range(6)] == [30, 33, 34, 34, 34, 35]


def test_nothing_is_left_out_and_nothing_is_made_up():
    assert key_lines(SAYS_ITS_LINES).keys() == {path for path, _ in leaves(tomllib.loads(SAYS_ITS_LINES))}


@pytest.mark.parametrize("text", ["", "\n", "# only this", "a = 1", "a=1\r\n[b]\r\nc=2", "[a]", "a={}", "a=[]", "a=''"])
def test_the_edges(text):
    assert key_lines(text).keys() == {path for path, _ in leaves(tomllib.loads(text))}


def test_what_is_not_there_is_where_it_would_stand():
    lines = key_lines("[a]\nb = 1\n[[c]]\nd = 2\n")
    assert [line_of(lines, path) for path in [("a", "x"), ("c", 0, "x", 1), ("c", 5), ("x",), ()]] == [1, 3, 3, 1, 1]


KEY = st.text("ab.\"'\\ #=[]é", max_size=4)
TEXT = st.text("ab\"'\\ #=[]{},é", max_size=6)
VALUE = st.recursive(
    st.integers(0, 9) | st.booleans() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEY, inner, max_size=3), max_leaves=8)


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def written(value, newline):
    """`value` as TOML, with a new line wherever `newline` lets there be one."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quoted(key)} = {written(one, newline)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + "".join(f"{newline}{written(one, newline)},{newline}" for one in value) + "]"
    return quoted(value) if isinstance(value, str) else str(value).lower()


@given(st.dictionaries(KEY, VALUE, max_size=4), st.sampled_from(["", "\n", " # ] } \" '\n", "\r\n"]))
def test_whatever_tomllib_reads_is_found(form, newline):
    text = "".join(f"{quoted(key)} = {written(value, newline)}\n" for key, value in form.items())
    read = tomllib.loads(text)
    assert read == form
    lines, rows = key_lines(text), text.split("\n")
    assert lines.keys() == {path for path, _ in leaves(read)}
    for path, value in leaves(read):
        if not isinstance(value, dict | list):
            shown = f"{quoted(path[-1])} = " if isinstance(path[-1], str) else ""
            assert shown + written(value, newline) in rows[lines[path] - 1]
