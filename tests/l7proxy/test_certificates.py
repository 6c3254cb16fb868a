"""Certificates: which one is shown, what it is good for, and what is said of files that are not one."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from experiments.authority import Authority
from l7proxy.certificates import Certificate, CertificateFiles, Certificates, wildcard
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


@pytest.mark.parametrize(("name", "place"), [
    ("shop.lab", 0), ("SHOP.lab", 0), ("shop.lab.", 0),
    ("cart.shop.lab", 0), ("www.shop.lab", 1),  # exact before wildcard
    ("a.b.shop.lab", 0), ("other.lab", 1), ("a.other.lab", 0), ("lab", 0), ("", 0), (None, 0),  # nobody's: the first
])
def test_the_name_asked_for_decides_which_is_shown(shop, other, name, place):
    certificates = Certificates([shop, other], 60)
    assert certificates.find(name) is certificates.all[place]


def test_of_two_for_one_name_the_earlier_is_shown(authority, other):
    certificates = Certificates([authority.issue("twice.lab"), other, authority.issue("more.lab", "twice.lab")], 60)
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
    certificate = Certificate(shop)
    assert [certificate.covers(host) for _ in range(2)] == [covered, covered]


def test_what_a_certificate_remembers_is_bounded(shop):
    certificate = Certificate(shop)
    assert all(certificate.covers(b"%d.shop.lab" % n) for n in range(5_000))
    assert len(certificate._hosts) <= 1_024


def test_a_wildcard_is_for_one_label():
    assert wildcard("a.shop.lab") == "*.shop.lab"
    assert wildcard("a.b.shop.lab") == "*.b.shop.lab"


# What is wrong with files, in words that lead on.


def complaint(certificate, key):
    with pytest.raises(LabError) as caught:
        Certificates([CertificateFiles(certificate, key)], 60)
    assert caught.value.hint
    return caught.value.saw


def test_a_file_that_is_missing(shop, tmp_path):
    assert "none.pem can't be read: No such file" in complaint(tmp_path / "none.pem", shop.key)
    assert "none.key can't be read: No such file" in complaint(shop.certificate, tmp_path / "none.key")


def test_a_file_that_is_a_folder(shop, tmp_path):
    assert "Is a directory" in complaint(shop.certificate, tmp_path)


@pytest.mark.parametrize("content", [b"", b"garbage", b"\0\xff" * 100,
                                     b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_a_certificate_that_is_none(shop, tmp_path, content):
    (tmp_path / "bad.pem").write_bytes(content)
    assert "bad.pem holds no certificate in PEM form" in complaint(tmp_path / "bad.pem", shop.key)


@pytest.mark.parametrize("content", [b"", b"garbage", b"-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----"])
def test_a_key_that_is_none(shop, tmp_path, content):
    (tmp_path / "bad.key").write_bytes(content)
    said = complaint(shop.certificate, tmp_path / "bad.key")
    assert "bad.key" in said
    assert "no key" in said or "can't be used" in said


def test_a_key_of_another_certificate(shop, other):
    assert complaint(shop.certificate, other.key).startswith(f"the key in {other.key} is not the key of")


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


def test_a_key_of_another_kind(shop, tmp_path):
    openssl("genpkey", "-algorithm", "RSA", "-out", tmp_path / "rsa.key")
    assert "is not the key of" in complaint(shop.certificate, tmp_path / "rsa.key")


def test_a_key_under_a_password_is_not_asked_for(shop, tmp_path):
    openssl("pkey", "-in", shop.key, "-aes256", "-passout", "pass:secret", "-out", tmp_path / "locked.key")
    assert "locked by a password" in complaint(shop.certificate, tmp_path / "locked.key")


def test_a_certificate_without_a_name(tmp_path):
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=shop.lab", "-keyout", tmp_path / "x.key",
            "-out", tmp_path / "x.pem")
    assert "x.pem is for no name" in complaint(tmp_path / "x.pem", tmp_path / "x.key")


def test_a_key_that_is_too_small(tmp_path):
    openssl("req", "-x509", "-newkey", "rsa:1024", "-nodes", "-subj", "/CN=x", "-addext", "subjectAltName=DNS:x.lab",
            "-keyout", tmp_path / "x.key", "-out", tmp_path / "x.pem")
    assert "too small" in complaint(tmp_path / "x.pem", tmp_path / "x.key")


def test_certificate_and_key_may_be_in_one_file(shop, tmp_path):
    (tmp_path / "both.pem").write_bytes(shop.certificate.read_bytes() + shop.key.read_bytes())
    assert "shop.lab" in Certificate(CertificateFiles(tmp_path / "both.pem", tmp_path / "both.pem")).names


def test_no_certificate_at_all():
    with pytest.raises(LabError):
        Certificates([], 60)


def test_an_expired_one_is_shown_and_warned_of(authority, shop):
    now = datetime.now(UTC)
    certificates = Certificates([shop, authority.issue("late.lab", until=now - timedelta(days=1))], 60)
    (warning,) = certificates.warnings(now)
    assert "late.lab.pem has expired: it was valid until" in warning
    assert certificates.find("late.lab") is certificates.all[1]
    assert all("not valid yet" in it for it in certificates.warnings(datetime(1999, 1, 1, tzinfo=UTC)))


def test_what_can_not_be_loaded_changes_nothing(shop, other, tmp_path):
    certificates = Certificates([shop], 60)
    before = certificates.all
    with pytest.raises(LabError):
        certificates.load([other, CertificateFiles(tmp_path / "none", tmp_path / "none")])
    assert certificates.all is before
    assert certificates.find("other.lab") is before[0]
    certificates.load([other])
    assert certificates.find("shop.lab").files == other


def test_the_labs_keys_are_for_their_owner_only_and_its_own_is_not_written(authority, shop):
    assert shop.key.stat().st_mode & 0o077 == 0
    assert not [name for name in os.listdir(authority.folder) if name.startswith("ca.") and name != "ca.pem"]
