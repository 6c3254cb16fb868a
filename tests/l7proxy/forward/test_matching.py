"""Names and URL patterns, against the simplest thing that could be right."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l7proxy.forward.matching import glob, globs, hosts
from layerlab import LabError


@pytest.mark.parametrize(("pattern", "name", "met"), [
    ("shop.example", "shop.example", True),
    ("Shop.Example.", "shop.example", True),
    ("shop.example", "www.shop.example", False),
    ("shop.example", "xshop.example", False),
    (".shop.example", "shop.example", True),
    (".shop.example", "www.shop.example", True),
    (".shop.example", "a.b.shop.example", True),
    (".shop.example", "xshop.example", False),
    (".shop.example", "shop.example.org", False),
    ("*.shop.example", "shop.example", False),
    ("*.shop.example", "www.shop.example", True),
    ("*.shop.example", "a.b.shop.example", True),
    (".example", "shop.example", True),
    ("10.0.0.1", "10.0.0.1", True),
])
def test_a_name_is_in_the_list_or_not(pattern, name, met):
    assert hosts([pattern])(name) is met
    assert hosts(["other.example", pattern, "*.other.example"])(name) is met


@pytest.mark.parametrize("pattern", ["", "*", ".", "*.", "*shop.example", "a*.example", "shop..example", "shop example",
                                     "b\u00fccher.example", "shop.example/x", "shop.example:80", "[::1]"])
def test_what_is_no_name_is_refused(pattern):
    with pytest.raises(LabError, match="no host name"):
        hosts([pattern])


def test_a_long_list_costs_no_more_than_a_short_one():
    match = hosts(f".ads{number}.example" for number in range(100_000))
    assert match("x.y.ads99999.example")
    assert not match("x.y.ads100000.example")


@given(st.text("ab*", max_size=8), st.text("ab", max_size=10))
def test_a_glob_is_what_a_regular_expression_says(pattern, text):
    expected = re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text) is not None
    assert glob(pattern)(text) is expected


def test_what_takes_a_regular_expression_for_ever_is_nothing():
    match = globs(["*a*a*a*a*a*a*a*a*a*a*a*a*b"])
    began = time.process_time()
    assert not match("a" * 8192)
    assert time.process_time() - began < 1
