"""Words in a text that comes in pieces: the same comes out however it is cut, and no more is kept than must be."""

from __future__ import annotations

import re
import time

from hypothesis import example, given
from hypothesis import strategies as st

from l7proxy.forward.scanning import Scanner, Word, Words


def through(words, pieces):
    scanner = Scanner(Words(words), lambda rule: b"<%d>" % rule)
    return b"".join([*map(scanner.feed, pieces), scanner.end()])


def plainly(words, text):
    """The same by the book: at each octet the first word in the list that is there."""
    out = b""
    while text:
        for word in words:
            begin = text[:len(word.octets)]
            if begin == word.octets or (word.any_case and begin.lower() == word.octets.lower()):
                out, text = out + b"<%d>" % word.rule, text[len(word.octets):]
                break
        else:
            out, text = out + text[:1], text[1:]
    return out


WORDS = st.lists(st.builds(Word, st.text("abA", min_size=1, max_size=4).map(str.encode), st.booleans(),
                           st.integers(0, 3)), min_size=1, max_size=4)


@given(WORDS, st.lists(st.text("abAB", max_size=6).map(str.encode), max_size=8))
@example([Word(b"abab", False, 0), Word(b"ba", False, 1)], [b"aba", b"ba", b"b"])
def test_however_it_is_cut_the_same_comes_out(words, pieces):
    expected = plainly(words, b"".join(pieces))
    assert through(words, pieces) == expected
    assert through(words, [bytes([octet]) for octet in b"".join(pieces)]) == expected


@given(WORDS, st.lists(st.text("abA", max_size=6).map(str.encode), max_size=8))
def test_what_is_kept_is_shorter_than_the_longest_word(words, pieces):
    scanner = Scanner(Words(words), lambda rule: b"")
    for piece in pieces:
        scanner.feed(piece)
        assert len(scanner._kept) < max(len(word.octets) for word in words)


def test_what_no_word_begins_with_goes_on_at_once():
    scanner = Scanner(Words([Word(b"secret", True, 0)]), lambda rule: b"***")
    assert scanner.feed(b"data: x\n\n") == b"data: x\n\n"
    assert scanner.feed(b"a SEC") == b"a "
    assert scanner.feed(b"ret, s") == b"***, "
    assert scanner.feed(b"o.") == b"so."
    assert scanner.end() == b""


def test_what_was_put_in_is_not_searched_again():
    assert through([Word(b"a", False, 0), Word(b"<0>", False, 1)], [b"a<0>"]) == b"<0><1>"


def test_a_text_made_to_cost_costs_what_its_length_does():
    words = [Word(b"a" * 50 + b"b", True, 0)]
    began = time.process_time()
    assert through(words, [b"a" * 65_536] * 4) == b"a" * 262_144
    assert time.process_time() - began < 5


def test_octets_that_mean_something_in_an_expression_are_only_octets():
    for octets in (b".*", b"[a", b"\\", b"(?i)", b"a|b", b"\n", b"$", bytes(range(256))):
        assert through([Word(octets, True, 0)], [b"x" + octets + b"y"]) == b"x<0>y"
        assert re.escape(octets)
