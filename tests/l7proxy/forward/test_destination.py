"""Where a request goes: each form, each spelling, and everything that is none, with its status."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l7proxy.forward.destination import Destination, destination
from l7proxy.refusal import Refused


def read(target, method="GET"):
    return destination(method.encode(), target.encode("latin-1"))


@pytest.mark.parametrize(("target", "scheme", "name", "port", "path", "host"), [
    ("http://shop.example/", "http", "shop.example", 80, "/", "shop.example"),
    ("http://shop.example", "http", "shop.example", 80, "/", "shop.example"),
    ("HTTP://Shop.EXAMPLE/A", "http", "shop.example", 80, "/A", "shop.example"),
    ("http://shop.example./", "http", "shop.example", 80, "/", "shop.example"),
    ("http://shop.example:80/", "http", "shop.example", 80, "/", "shop.example"),
    ("http://shop.example:/", "http", "shop.example", 80, "/", "shop.example"),
    ("http://shop.example:08080/", "http", "shop.example", 8080, "/", "shop.example:8080"),
    ("http://shop.example:443/", "http", "shop.example", 443, "/", "shop.example:443"),
    ("http://shop.example?a=/../b", "http", "shop.example", 80, "/?a=/../b", "shop.example"),
    ("http://shop.example//b", "http", "shop.example", 80, "//b", "shop.example"),
    ("https://shop.example/", "https", "shop.example", 443, "/", "shop.example"),
    ("https://shop.example:8443/", "https", "shop.example", 8443, "/", "shop.example:8443"),
    ("http://10.0.0.1:81/", "http", "10.0.0.1", 81, "/", "10.0.0.1:81"),
    ("http://[::1]/", "http", "::1", 80, "/", "[::1]"),
    ("http://[2001:DB8:0::1]:81/", "http", "2001:db8::1", 81, "/", "[2001:db8::1]:81"),
    ("http://_dmarc.a-b.example/", "http", "_dmarc.a-b.example", 80, "/", "_dmarc.a-b.example"),
    ("http://xn--bcher-kva.example/", "http", "xn--bcher-kva.example", 80, "/", "xn--bcher-kva.example"),
    ("http://printer/", "http", "printer", 80, "/", "printer"),
    ("http://4you.example/", "http", "4you.example", 80, "/", "4you.example"),
])
def test_an_absolute_form(target, scheme, name, port, path, host):
    found = read(target)
    assert (found.scheme.decode(), found.name, found.port) == (scheme, name, port)
    assert (found.target.decode(), found.authority.decode()) == (path, host)
    assert not found.tunnel


@pytest.mark.parametrize(("target", "name", "port"), [
    ("shop.example:443", "shop.example", 443),
    ("SHOP.example.:443", "shop.example", 443),
    ("10.0.0.1:1", "10.0.0.1", 1),
    ("[::1]:65535", "::1", 65535),
    ("[::ffff:10.0.0.1]:443", "::ffff:a00:1", 443),
])
def test_an_authority_form(target, name, port):
    found = read(target, "CONNECT")
    assert (found.name, found.port, found.tunnel, found.target, found.url) == (name, port, True, b"", "")


@pytest.mark.parametrize(("target", "address"), [
    ("http://10.0.0.1/", IPv4Address("10.0.0.1")),
    ("http://10.0.0.1./", IPv4Address("10.0.0.1")),
    ("http://[::1]/", IPv6Address("::1")),
    ("http://shop.example/", None),
])
def test_an_address_is_known_as_one(target, address):
    assert read(target).address == address


@pytest.mark.parametrize(("method", "target", "status", "why"), [
    ("CONNECT", "shop.example", 400, "without a port"),
    ("CONNECT", "shop.example:", 400, "without a port"),
    ("CONNECT", "shop.example:0", 400, "1 to 65535"),
    ("CONNECT", "shop.example:65536", 400, "1 to 65535"),
    ("CONNECT", "shop.example:100000", 400, "five digits"),
    ("CONNECT", "shop.example:-1", 400, "five digits"),
    ("CONNECT", "shop.example:https", 400, "five digits"),
    ("CONNECT", "shop.example:443/", 400, "five digits"),
    ("CONNECT", "shop.example:443:443", 400, "brackets"),
    ("CONNECT", ":443", 400, "no host"),
    ("CONNECT", "ann@shop.example:443", 400, "userinfo"),
    ("CONNECT", "ann:secret@shop.example:443", 400, "userinfo"),
    ("CONNECT", "http://shop.example:443", 400, "brackets|five digits"),
    ("CONNECT", "/", 400, "host"),
    ("CONNECT", "*", 400, "host"),
    ("CONNECT", "::1:443", 400, "brackets|no host"),
    ("CONNECT", "2001:db8::1:443", 400, "brackets"),
    ("CONNECT", "[::1]", 400, "without a port"),
    ("CONNECT", "[::1:443", 400, "host"),
    ("CONNECT", "[fe80::1%25eth0]:443", 400, "zone"),
    ("CONNECT", "[fe80::1%eth0]:443", 400, "zone"),
    ("CONNECT", "[v1.x]:443", 400, "version"),
    ("CONNECT", "[::1::2]:443", 400, "no address"),
    ("CONNECT", "[10.0.0.1]:443", 400, "no address"),
    ("CONNECT", "[]:443", 400, "host"),
    ("GET", "http://", 400, "no host"),
    ("GET", "http:///path", 400, "no host"),
    ("GET", "http://:80/", 400, "no host"),
    ("GET", "http://ann@shop.example/", 400, "userinfo"),
    ("GET", "http://shop.example:99999/", 400, "1 to 65535"),
    ("GET", "http://shop.example:0/", 400, "1 to 65535"),
    ("GET", "http://shop%2eexample/", 400, "an escape"),
    ("GET", "http://[fe80::1%25lo]/", 400, "zone"),
    ("GET", "http://127.1/", 400, "no address"),
    ("GET", "http://0x7f.0.0.1/", 400, "no address"),
    ("GET", "http://0x7f000001/", 400, "no address"),
    ("GET", "http://2130706433/", 400, "no address"),
    ("GET", "http://0177.0.0.1/", 400, "no address"),
    ("GET", "http://127.0.0.256/", 400, "no address"),
    ("GET", "http://a.127/", 400, "no address"),
    ("GET", "http://a.0x/", 400, "no address"),
    ("GET", "http://.example/", 400, "no name"),
    ("GET", "http://a..example/", 400, "no name"),
    ("GET", "http://a.example../", 400, "no name"),
    ("GET", "http://./", 400, "no name"),
    ("GET", "http://-a.example/", 400, "no name"),
    ("GET", "http://a!b.example/", 400, "not host"),
    ("GET", "http://a,b/", 400, "not host"),
    ("GET", f"http://{'a' * 64}.example/", 400, "no name"),
    ("GET", f"http://{'a.' * 127}aa/", 400, "no name"),
    ("GET", "http://shop.example/#top", 400, "fragment"),
    ("GET", "http://shop.example/a/../b", 400, "dot-segments"),
    ("GET", "http://shop.example/a/%2e%2e/b", 400, "dot-segments"),
    ("GET", "http://shop.example/..%2fb", 400, "dot-segments"),
    ("GET", "http:/shop.example/", 400, "none of the four"),
    ("GET", "http:shop.example", 400, "none of the four"),
    ("GET", "//shop.example/", 400, "whole URI"),
    ("GET", "/", 400, "whole URI"),
    ("GET", "*", 400, "none of the four"),
    ("GET", "shop.example:80", 400, "none of the four"),
    ("GET", "ftp://shop.example/", 501, "scheme"),
    ("GET", "file:///etc/passwd", 501, "scheme"),
    ("GET", "gopher://shop.example/", 501, "scheme"),
    ("OPTIONS", "http://ann@shop.example", 400, "userinfo"),
])
def test_what_is_no_destination(method, target, status, why):
    with pytest.raises(Refused, match=why) as refused:
        read(target, method)
    assert refused.value.status == status
    assert refused.value.section.startswith("RFC ")


def test_options_has_two_asterisks():
    assert read("*", "OPTIONS") is None
    assert read("http://shop.example:81", "OPTIONS").target == b"*"
    assert read("http://shop.example:81", "OPTIONS").written == b"http://shop.example:81"
    assert read("http://shop.example/", "OPTIONS").target == b"/"


@pytest.mark.parametrize(("target", "url"), [
    ("http://A.example:80/%7Eann/%2f?q=%62ad", "http://a.example/~ann/%2F?q=bad"),
    ("https://a.example:80/", "https://a.example:80/"),
    ("http://a.example/%c3%a9", "http://a.example/%C3%A9"),
])
def test_urls_are_compared_in_one_form_and_written_as_they_came(target, url):
    found = read(target)
    assert found.url == url
    assert found.target.decode() == target[target.index("/", 8):]


LABELS = st.from_regex(r"[a-z][a-z0-9]{0,9}(-[a-z0-9]{1,9})?", fullmatch=True)


@given(st.lists(LABELS, min_size=1, max_size=5).map(".".join), st.integers(1, 65535), st.booleans())
def test_what_is_written_reads_the_same(name, port, dot):
    """The Host that goes on, read again, is the same destination: there is one spelling."""
    found = read(f"http://{name.upper()}{'.' * dot}:{port}/x")
    assert (found.name, found.port) == (name, port)
    assert read(found.written.decode()) == found
    assert read(f"{name}:{port}", "CONNECT").authority == f"{name}:{port}".encode()


@given(st.ip_addresses())
def test_every_address_has_one_spelling(address):
    text = f"[{address.exploded}]" if address.version == 6 else str(address)
    found = read(f"{text}:443", "CONNECT")
    assert found.address == address
    assert ip_address(found.name) == address


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7e), max_size=30), st.sampled_from(["CONNECT", "GET"]))
def test_whatever_is_asked_there_is_a_destination_or_a_refusal(text, method):
    try:
        found = read(text if method == "CONNECT" else f"http://{text}", method)
    except Refused as refused:
        found = refused
    if isinstance(found, Refused):
        assert found.status == 400
    else:
        assert isinstance(found, Destination)
        assert 0 < found.port < 65536
        assert not set(found.name) & set("@%/?#[]\\ ")
        assert read(found.written.decode(), method) == found
