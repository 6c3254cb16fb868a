"""Patterns: against a reader that is slow and obvious, and against paths that would drown one that tries again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l7proxy.conditions import glob


def obvious(pattern, path):
    """Whether `path` has the shape `pattern`, by trying everything."""
    if pattern.endswith("/**"):
        body = pattern[:-3]
        return any(obvious(body, path[:end]) for end in range(len(path)) if path[end] == "/")
    if not pattern:
        return not path
    if pattern[0] == "*":
        return obvious(pattern[1:], path) or (bool(path) and path[0] != "/" and obvious(pattern, path[1:]))
    return bool(path) and path[0] == pattern[0] and obvious(pattern[1:], path[1:])


@pytest.mark.parametrize(("pattern", "path", "groups"), [
    ("/*.png", "/a.png", ("a",)),
    ("/*.png", "/.png", ("",)),
    ("/*.png", "/a.png.png", ("a.png",)),
    ("/*.png", "/a/b.png", None),
    ("/*.png", "/a.pngx", None),
    ("/*-*", "/a-b-c", ("a", "b-c")),
    ("/*-*-*", "/a-b", None),
    ("/u/*/p/*", "/u/1/p/2", ("1", "2")),
    ("/u/*/p/*", "/u/1/p/2/3", None),
    ("/u/*/p/**", "/u/1/p/2/3", ("1", "2/3")),
    ("/u/**", "/u/", ("",)),
    ("/u/**", "/u", None),
    ("/a.b/*", "/axb/c", None),
])
def test_a_star_stays_in_its_segment(pattern, path, groups):
    found = glob(pattern).fullmatch(path)
    assert (found and found.groups()) == groups


SEGMENT = st.text("ab*", max_size=5).filter(lambda text: "**" not in text)


@given(st.lists(SEGMENT, min_size=1, max_size=3), st.booleans(), st.text("ab/", max_size=9))
def test_it_finds_what_trying_everything_finds(segments, tail, path):
    pattern = "/" + "/".join(segments) + ("/**" if tail else "")
    assert bool(glob(pattern).fullmatch("/" + path)) is obvious(pattern, "/" + path)


def test_no_path_makes_it_try_again():
    """Each of these takes an expression that goes back longer than the test's machine will stand."""
    for pattern in ("/" + "*a" * 30 + "*b", "/" + "*a*" * 0 + "*a" * 30 + "b", "/" + "/".join(["*a*a*"] * 10) + "/**"):
        assert glob(pattern).fullmatch("/" + "a" * 8000) is None
