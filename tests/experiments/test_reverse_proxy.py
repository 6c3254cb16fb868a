"""The experiment `reverse-proxy`, at its smallest; and that its captures can tell when something shows."""

from __future__ import annotations

import subprocess

import pytest
import requests

from experiments.reverse_proxy import PREDICTED, Size, contradictions, moral, run
from experiments.reverse_proxy_lab import SHOP, ShopLab
from experiments.reverse_proxy_rows import HTTPS, visitor, wire
from experiments.shop import MARK
from experiments.wiretap import watch
from tests.experiments.report import rows

SLOW = "half of the requests took as long as without the "  # of a busy machine that may be true


@pytest.mark.parametrize("table", PREDICTED)
def test_the_moral_says_what_came_out(table):
    assert "therwise" not in moral(table, rows.TABLES[table]())


def test_the_moral_says_what_came_out_otherwise():
    found = rows.caching()
    found[2]["origin_requests"] = 144
    assert moral("caching", found).startswith("Otherwise than predicted: 144 pages were made for 12 that exist. ")


@pytest.mark.live
def test_what_the_proxy_does_for_its_servers():
    with ShopLab() as lab:
        tables = run(lab, Size(2, 2, 1, 1, 4, 10), seed=3, say=lambda words: None)
        wrong = [one for table, found in tables.items() for one in contradictions(table, found)]
        assert [one for one in wrong if not one.startswith(SLOW)] == []
        assert list(tables["by_content"][0]["servers"]) == ["srv1", "srv2", "srv3"]


@pytest.mark.live
def test_what_shows_is_seen():
    """A client that goes around the proxy, and one that doesn't trust its authority."""
    with ShopLab() as lab:
        client = lab.clients()[0]
        files = lab.tap()
        with visitor(lab, client) as own:
            assert MARK in own.get("http://10.0.2.1/account").text
            assert own.get(f"http://{SHOP}/text/1", allow_redirects=False).headers["Location"] == f"{HTTPS}/text/1"
        lab.untap()
        seen = watch(files["clients"], MARK.encode(), lab.server_addresses(), lab.server_macs())
        assert seen.readable
        assert seen.showing
        assert seen.tls_bytes == 0
        with visitor(lab, client) as own, pytest.raises(requests.exceptions.SSLError):
            own.get(HTTPS, verify=True)
        assert contradictions("wire", wire(lab, 1)) == []
        done = subprocess.run(["mnexec", "-a", str(lab.net["h1"].pid), "curl", "-sS", "--cacert", lab.authority.bundle,
                               f"{HTTPS}/account"], capture_output=True, text=True)
        assert MARK in done.stdout
