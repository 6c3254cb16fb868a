"""Basic credentials: what is read, what is believed, what is remembered, and what it costs."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from l7proxy.forward import users
from l7proxy.forward.users import Users, entry, read, read_users
from layerlab import LabError
from tests.l7proxy.forward.conftest import read_request

CHEAP = 4


def basic(text, scheme="Basic"):
    return f"{scheme} ".encode() + base64.b64encode(text if isinstance(text, bytes) else text.encode())


@pytest.fixture(scope="module")
def known():
    lines = [entry("ann", "secret", CHEAP), "# a comment", "", entry("bob", "a:b", CHEAP),
             entry("J\u00f6rg", "p\u00e4ss", CHEAP)]
    return read_users("\n".join(lines), "users.txt")


@pytest.mark.parametrize(("value", "user", "password"), [
    (basic("ann:secret"), "ann", "secret"),
    (basic("ann:secret", "bAsIc"), "ann", "secret"),
    (basic("ann:secret", "Basic  "), "ann", "secret"),
    (basic("ann:a:b"), "ann", "a:b"),
    (basic("ann:"), "ann", ""),
    (basic("J\u00f6rg:x"), "J\u00f6rg", "x"),
    (basic("Jo\u0308rg:x"), "J\u00f6rg", "x"),
    (basic("J\u00f6rg:x".encode("latin-1")), "J\u00f6rg", "x"),
])
def test_credentials_are_read(value, user, password):
    assert read(value) == (user, password)
    assert password not in repr(read(value)) or not password or password in user


@pytest.mark.parametrize("value", [
    b"", b"Basic", b"Basic ", b"Basic !!!", b"Basic YW5u", b"Bearer YW5uOng=", b"Basic YW5uOng", b"Basic YW5u Ong=",
    b"Basic YW5uOng==", b"BasicYW5uOng=", basic(":x"), basic("a\nb:x"), basic("ann:x\0"),
    basic("ann:" + "x" * 2000),
])
def test_what_is_no_basic_is_nothing(value, known):
    assert read(value) is None
    assert known.verify(value) == ""


@pytest.mark.parametrize(("text", "user"), [
    ("ann:secret", "ann"), ("ann:Secret", ""), ("ann:", ""), ("ann:secret ", ""), ("Ann:secret", ""),
    ("bob:a:b", "bob"), ("bob:a", ""), ("eve:secret", ""), ("J\u00f6rg:p\u00e4ss", "J\u00f6rg"),
    ("Jo\u0308rg:pa\u0308ss", "J\u00f6rg"),
])
def test_only_the_right_password_of_a_known_user_is_believed(known, text, user):
    assert known.verify(basic(text)) == user


@settings(deadline=None, max_examples=30)
@example("a\x85b", "c", "d")  # what Python, but no file, calls the end of a line
@given(st.text(min_size=1, max_size=8), st.text(min_size=1, max_size=8), st.text(min_size=1, max_size=8))
def test_every_entry_fits_its_own_password_and_no_other(user, password, other):
    try:
        line = entry(user, password, CHEAP)
    except LabError:
        return
    it = read_users(line, "x")
    value = basic(f"{user}:{other}")
    right = users.unicodedata.normalize("NFC", password) == users.unicodedata.normalize("NFC", other)
    assert bool(it.verify(basic(f"{user}:{password}")))
    assert bool(it.verify(value)) is right


def test_an_entry_is_scrypt_with_a_salt_of_its_own():
    one, other = entry("ann", "secret", CHEAP), entry("ann", "secret", CHEAP)
    assert one != other
    assert "secret" not in one
    user, _, rest = one.partition(":")
    _, kind, terms, salt, digest = rest.split("$")
    made = hashlib.scrypt(b"secret", salt=base64.b64decode(salt + "=="), n=2**CHEAP, r=8, p=1, dklen=32)
    assert (user, kind, terms) == ("ann", "scrypt", "ln=4,r=8,p=1")
    assert base64.b64decode(digest + "=") == made


def test_the_usual_cost_is_that_of_16_mib():
    assert ":$scrypt$ln=14,r=8,p=1$" in entry("ann", "secret")


@pytest.mark.parametrize(("user", "password"), [("", "x"), ("a:b", "x"), ("a\nb", "x"), ("#a", "x"), (" a", "x"),
                                                ("ann", ""), ("ann", "a\0")])
def test_an_entry_that_could_not_be_used_is_refused(user, password):
    with pytest.raises(LabError):
        entry(user, password, CHEAP)


@pytest.mark.parametrize("line", ["ann", "ann:secret", "ann:$scrypt$ln=4,r=8,p=1$x", ":$scrypt$ln=4,r=8,p=1$eA$eA",
                                  "ann:$scrypt$ln=4,r=8,p=1$eHh4eA$eA", "ann:$2b$12$abc",
                                  "ann:$scrypt$ln=40,r=8,p=1$eHh4eA$" + "A" * 43])
def test_a_file_says_which_line_is_wrong(line):
    with pytest.raises(LabError, match=r"users\.txt:2: no entry"):
        read_users(entry("bob", "x", CHEAP) + "\n" + line, "users.txt")


def test_a_user_stands_in_a_file_once():
    with pytest.raises(LabError, match=r"users\.txt:2: a second entry"):
        read_users(entry("bob", "x", CHEAP) + "\n" + entry("bob", "y", CHEAP), "users.txt")


def test_what_was_verified_is_known_afterwards_right_or_wrong(known):
    right, wrong = basic("ann:secret"), basic("ann:guess")
    for value, user in ((right, "ann"), (wrong, "")):
        assert known.known(value) is None
        known.remember(value, known.verify(value))
        assert known.known(value) == user


def test_what_is_remembered_is_bounded_and_guesses_push_nobody_out(known):
    known.remember(basic("ann:secret"), "ann")
    for number in range(3000):
        known.remember(basic(f"ann:{number}"), "")
    assert known.known(basic("ann:secret")) == "ann"
    assert len(known._wrong) == users.MOST_KNOWN
    assert known.known(basic("ann:0")) is None


def test_passwords_are_nowhere_in_what_is_remembered(known):
    value = basic("ann:secret")
    known.remember(value, "ann")
    assert all(value not in key and b"secret" not in key for key in known._right)


def test_an_unknown_user_costs_a_hash_as_well(known, monkeypatch):
    costs = []
    real = hashlib.scrypt
    monkeypatch.setattr(hashlib, "scrypt", lambda *args, **more: costs.append(more["n"]) or real(*args, **more))
    assert known.verify(basic("eve:secret")) == ""
    assert known.verify(basic("ann:guess")) == ""
    assert costs == [2**CHEAP] * 2


def test_nobody_gets_in_where_there_are_no_users():
    assert Users({}).verify(basic("ann:secret")) == ""


def test_credentials_reach_the_proxy_and_never_what_is_forwarded():
    value = basic("ann:secret").decode()
    head, said = read_request(f"Proxy-Authorization: {value}", "X-A: b", "PROXY-authorization: x")
    assert [one.name for one in head.fields] == [b"x-a"]
    assert [one.value for one in said] == [value.encode(), b"x"]
