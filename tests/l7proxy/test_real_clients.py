"""Clients that others wrote, against the proxy in a lab: curl, requests, and a browser."""

from __future__ import annotations

import json
import os
import shutil
import ssl
import subprocess
from base64 import b64encode
from pathlib import Path

import pytest
import requests

from experiments.reverse_proxy_lab import SHOP, ShopLab
from experiments.reverse_proxy_rows import HTTPS, visitor
from experiments.shop import MARK

POLICIES = Path("/etc/chromium/policies/managed")
WHOLE, UNTRUSTED, MISFIT = 0, 60, 35  # curl(1), EXIT CODES


def in_host(lab, host, *command, **more):
    return subprocess.run(["mnexec", "-a", str(lab.net[host].pid), *map(str, command)], text=True, capture_output=True,
                          timeout=60, **more)


@pytest.mark.live
def test_curl():
    with ShopLab() as lab:
        by_curl(lab)


def by_curl(lab):
    def curl(*words, trust=("--cacert", lab.authority.bundle)):
        return in_host(lab, "h1", "curl", "-sS", *trust, *words)

    assert MARK in curl(f"{HTTPS}/text/1").stdout
    assert curl(f"{HTTPS}/text/1", trust=()).returncode == UNTRUSTED
    assert curl(f"{HTTPS}/text/1", "--connect-to", f"other.lab:443:{lab.vip}:443").returncode == WHOLE
    assert curl("https://other.lab/", "--connect-to", f"other.lab:443:{lab.vip}:443").returncode == UNTRUSTED
    assert curl(f"{HTTPS}/", "--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0").returncode == MISFIT
    assert "421 Misdirected" in curl(f"{HTTPS}/", "-H", "Host: other.lab").stdout
    assert curl("-I", f"{HTTPS}/goods/1").stdout.startswith("HTTP/1.1 ")
    assert MARK in curl("--http1.0", f"{HTTPS}/text/1").stdout

    jar = lab.directory / "jar"
    went = curl("-L", "-b", jar, "-c", jar, "-w", "\n%{num_redirects} %{url_effective}", f"http://{SHOP}/login").stdout
    said, where = went.rsplit("\n", 1)
    assert where == f"2 {HTTPS}/account"  # to https, and from /login to where it leads
    assert ["Cookie", "basket=seven"] in json.loads(said)["said"]

    assert MARK in curl("-H", "Expect: 100-continue", "-d", '{"by": "curl"}', f"{HTTPS}/report").stdout
    assert {"by": "curl"} in reports(lab)


@pytest.mark.live
def test_requests():
    with ShopLab() as lab, visitor(lab, lab.clients()[1]) as session:
        went = session.get(f"http://{SHOP}/login")
        assert [it.status_code for it in went.history] == [308, 302]
        assert went.url == f"{HTTPS}/account"
        assert session.cookies["basket"] == "seven"
        assert ["Cookie", "basket=seven"] in went.json()["said"]
        assert session.post(f"{HTTPS}/report", json={"by": "requests"}).ok
        assert len(session.get(f"{HTTPS}/goods/7").content) == 2048
        with pytest.raises(requests.exceptions.SSLError):
            session.get(HTTPS, verify=True)
        assert reports(lab) == [{"by": "requests"}]


def reports(lab):
    """What clients have reported, to whichever server."""
    return [report for name in lab.topo.server_names() for report in lab.stats(name)["reports"]]


@pytest.mark.live
@pytest.mark.skipif(not shutil.which("chromium"), reason="there is no chromium (./lab setup --browser installs it)")
def test_a_browser_with_cookies_a_redirect_and_a_websocket():
    """Its own TLS, and its own idea of which certificates are good: a policy says that the lab's authority is."""
    POLICIES.parents[1].mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "none", POLICIES.parents[1]], check=True)  # in this capsule only
    POLICIES.mkdir(parents=True)
    with ShopLab() as lab:
        der = ssl.PEM_cert_to_DER_cert(lab.authority.bundle.read_text())
        (POLICIES / "lab.json").write_text(json.dumps({"CACertificates": [b64encode(der).decode()]}))
        home = lab.directory / "home"
        command = ["mnexec", "-a", str(lab.net["h3"].pid), "chromium", "--headless", "--no-sandbox", "--disable-gpu",
                   f"--user-data-dir={home}", f"{HTTPS}/app"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
                              env=os.environ | {"HOME": str(home)}) as browser:
            try:
                lab.wait("the browser's report", lambda: reports(lab))
            finally:
                os.killpg(browser.pid, 9)
        (found,) = reports(lab)
        assert found["before"] == "visit=first"
        assert (found["redirected"], found["url"]) == (True, f"{HTTPS}/account")
        said = dict(found["fields"]["said"])
        assert set(said["Cookie"].split("; ")) == {"visit=first", "basket=seven"}
        assert said["X-Forwarded-For"] == "10.1.1.3"
        assert found["echo"] == "hello through the proxy"
        assert "10.0." not in json.dumps([found["url"], found["before"]])
