"""Certificates: which one is shown, what it is good for, and what is said of files that are not one."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from experiments.authority import Authority
from l7proxy.certificates import Certificates, Identity, read, wildcard
from l7proxy.config import Certificate
from layerlab import LabError


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def shop(authority):
    return authority.issue("shop.lab", "*.shop.lab", "10.0.0.101", "2001:db8::1")


@pytest.fixture(scope="module")
def other(authority):
    return authority.issue("other.lab", "www.shop.lab")


def loaded(sources):
    return [Identity(source) for source in sources]


@pytest.mark.parametrize(("name", "place"), [
    ("shop.lab", 0), ("SHOP.lab", 0), ("shop.lab.", 0),
    ("cart.shop.lab", 0), ("www.shop.lab", 1),  # exact before wildcard
    ("a.b.shop.lab", 0), ("other.lab", 1), ("a.other.lab", 0), ("lab", 0), ("", 0), (None, 0),  # nobody's: the first
])
def test_the_name_asked_for_decides_which_is_shown(shop, other, name, place):
    certificates = Certificates(loaded([shop, other]), 60)
    assert certificates.find(name) is certificates.all[place]


def test_of_two_for_one_name_the_earlier_is_shown(authority, other):
    sources = [authority.issue("twice.lab"), other, authority.issue("more.lab", "twice.lab")]
    certificates = Certificates(loaded(sources), 60)
    assert certificates.find("twice.lab") is certificates.all[0]
    assert certificates.find("more.lab") is certificates.all[2]


@pytest.mark.parametrize(("host", "covered"), [
    (b"shop.lab", True), (b"shop.lab:8443", True), (b"SHOP.LAB", True), (b"shop.lab.", True), (b"cart.shop.lab", True),
    (b"10.0.0.101", True), (b"10.0.0.101:443", True), (b"[2001:db8::1]", True), (b"[2001:DB8:0::1]:443", True),
    (b"other.lab", False), (b"a.b.shop.lab", False), (b".shop.lab", False), (b"xshop.lab", False), (b"lab", False),
    (b"10.0.0.102", False), (b"[2001:db8::2]", False), (b"[", False), (b"[]", False), (b"", False), (b":443", False),
    (b"*.shop.lab", False), (b"\xff.lab", False),
])
def test_a_certificate_covers_the_hosts_that_it_names_and_no_others(shop, host, covered):
    identity = Identity(shop)
    assert [identity.covers(host) for _ in range(2)] == [covered, covered]


def test_what_a_certificate_remembers_is_bounded(shop):
    identity = Identity(shop)
    assert all(identity.covers(b"%d.shop.lab" % n) for n in range(5_000))
    assert len(identity._hosts) <= 1_024


def test_a_wildcard_is_for_one_label():
    assert wildcard("a.shop.lab") == "*.shop.lab"
    assert wildcard("a.b.shop.lab") == "*.b.shop.lab"


# What is wrong with files, in words that lead on.


def complaint(certificate, key):
    with pytest.raises(LabError) as caught:
        Certificates(loaded([Certificate("x", certificate, key)]), 60)
    assert caught.value.hint
    return caught.value.saw


def test_a_file_that_is_missing(shop, tmp_path):
    assert "none.pem can't be read: No such file" in complaint(tmp_path / "none.pem", shop.key)
    assert "none.key can't be read: No such file" in complaint(shop.cert, tmp_path / "none.key")


def test_a_file_that_is_a_folder(shop, tmp_path):
    assert "Is a directory" in complaint(shop.cert, tmp_path)


@pytest.mark.parametrize("content", [b"", b"garbage", b"\0\xff" * 100,
                                     b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_a_certificate_that_is_none(shop, tmp_path, content):
    (tmp_path / "bad.pem").write_bytes(content)
    assert "bad.pem holds no certificate in PEM form" in complaint(tmp_path / "bad.pem", shop.key)


@pytest.mark.parametrize("content", [b"", b"garbage", b"-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----"])
def test_a_key_that_is_none(shop, tmp_path, content):
    (tmp_path / "bad.key").write_bytes(content)
    said = complaint(shop.cert, tmp_path / "bad.key")
    assert "bad.key" in said
    assert "no key" in said or "can't be used" in said


def test_a_key_of_another_certificate(shop, other):
    assert complaint(shop.cert, other.key).startswith(f"the key in {other.key} is not the key of")


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


def test_a_key_of_another_kind(shop, tmp_path):
    openssl("genpkey", "-algorithm", "RSA", "-out", tmp_path / "rsa.key")
    assert "is not the key of" in complaint(shop.cert, tmp_path / "rsa.key")


def test_a_key_under_a_password_is_not_asked_for(shop, tmp_path):
    openssl("pkey", "-in", shop.key, "-aes256", "-passout", "pass:secret", "-out", tmp_path / "locked.key")
    assert "locked by a password" in complaint(shop.cert, tmp_path / "locked.key")


def test_a_certificate_without_a_name(tmp_path):
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=shop.lab", "-keyout", tmp_path / "x.key",
            "-out", tmp_path / "x.pem")
    assert "x.pem is for no name" in complaint(tmp_path / "x.pem", tmp_path / "x.key")


def test_a_key_that_is_too_small(tmp_path):
    openssl("req", "-x509", "-newkey", "rsa:1024", "-nodes", "-subj", "/CN=x", "-addext", "subjectAltName=DNS:x.lab",
            "-keyout", tmp_path / "x.key", "-out", tmp_path / "x.pem")
    assert "too small" in complaint(tmp_path / "x.pem", tmp_path / "x.key")


def test_certificate_and_key_may_be_in_one_file(shop, tmp_path):
    (tmp_path / "both.pem").write_bytes(shop.cert.read_bytes() + shop.key.read_bytes())
    assert "shop.lab" in Identity(Certificate("x", tmp_path / "both.pem", tmp_path / "both.pem")).names


def test_what_is_shown_is_said_and_whether_clients_will_take_it(authority, shop):
    now = datetime.now(UTC)
    late = authority.issue("late.lab", until=now - timedelta(days=1))
    good, expired = Certificates(loaded([shop, late]), 60).words(now)
    assert good == "shows *.shop.lab, 10.0.0.101, 2001:db8::1, shop.lab until 3000-01-01 00:00 UTC"
    assert expired.startswith(f"shows late.lab until {now - timedelta(days=1):%Y-%m-%d}")
    assert f"expired, put a new one into {late.cert}" in expired
    (early,) = Certificates(loaded([shop]), 60).words(datetime(1999, 1, 1, tzinfo=UTC))
    assert "not valid yet, only from 2000-01-01" in early


def test_names_that_are_configured_stand_for_those_in_it(shop):
    identity = Identity(replace(shop, names=("only.lab",)))
    assert identity.names == {"only.lab"}
    assert identity.covers(b"only.lab")
    assert not identity.covers(b"shop.lab")


def test_read_names_what_it_has_read(shop, other, tmp_path):
    assert {name: it.source for name, it in read([shop, other]).items()} == {"shop.lab": shop, "other.lab": other}
    with pytest.raises(LabError):
        read([other, Certificate("x", tmp_path / "none", tmp_path / "none")])


def test_the_labs_keys_are_for_their_owner_only_and_its_own_is_not_written(authority, shop):
    assert shop.key.stat().st_mode & 0o077 == 0
    assert not [name for name in os.listdir(authority.folder) if name.startswith("ca.") and name != "ca.pem"]
