"""What the proxy is told by the lab, and how it says no."""

from __future__ import annotations

import json
import socket
import subprocess
import sys

import pytest

from l7proxy.config_kinds import address
from l7proxy.config_services import of_services, read_services
from layerlab import LabError

BACKENDS = [{"id": 1, "name": "s1", "ip": "127.0.0.1", "port": 8001, "mac": "02:00:00:02:00:01"}]
WEB = {"id": 1, "name": "web", "vip": "127.0.0.1", "port": 80, "layer": "l7", "backends": BACKENDS}


@pytest.fixture
def services(tmp_path):
    def write(*forms):
        path = tmp_path / "services.json"
        path.write_text(json.dumps(list(forms)))
        return path
    return write


def read(path, listen=None):
    return of_services(path, listen)


def test_only_the_l7_services_are_the_proxys(services):
    found = read(services(WEB, WEB | {"id": 2, "name": "other", "layer": "l4", "vip": "10.0.0.9"}))
    assert [pool.name for pool in found.pools] == ["web"]
    assert [str(listener.address) for listener in found.listeners] == ["127.0.0.1:80"]


def test_services_of_one_vip_and_port_stand_behind_one_door(services):
    video = WEB | {"id": 2, "name": "video", "route": {"path": "/video"}}
    found = read(services(video, WEB | {"id": 3, "name": "other", "port": 81}, WEB))
    assert [[rule.name for rule in found.rules_of(it)] for it in found.listeners] == [["video", "web"], ["other"]]
    shared = read(services(video, WEB), "127.0.0.1:8080")
    assert [str(it.address) for it in shared.listeners] == ["127.0.0.1:8080"]
    assert [rule.action for rule in shared.rules_of(shared.listeners[0])] == ["video", "web"]


def test_services_of_one_name_are_refused(services):
    with pytest.raises(LabError, match="two services have one name"):
        read(services(WEB, WEB | {"id": 2, "port": 81}))


def test_services_that_no_request_can_reach_are_refused(services):
    with pytest.raises(LabError, match="'web' has no route and takes every request"):
        read_services(services(WEB, WEB | {"id": 2, "name": "video", "route": {"path": "/video"}}))


def test_a_route_by_a_field_that_ends_at_the_proxy_is_exit_2(services):
    done = run("--services", services(WEB | {"route": {"header": {"name": "X-Forwarded-For", "value": "10.0.0.1"}}}))
    assert done.returncode == 2
    assert "there is a route by x-forwarded-for" in done.stderr


@pytest.mark.parametrize("text", ["", "{", "{}", "3", "[]", '[{"name": "x"}]'])
def test_a_file_that_is_none_is_refused(tmp_path, text):
    path = tmp_path / "services.json"
    path.write_text(text)
    with pytest.raises(LabError):
        read_services(path)


@pytest.mark.parametrize(("text", "found"), [
    ("127.0.0.1:8080", "127.0.0.1:8080"), ("10.0.0.1", "10.0.0.1:80"), ("::1", "[::1]:80"), ("[::1]:0", "[::1]:0")])
def test_an_address_is_read(text, found):
    assert str(address(text, 80)) == found


@pytest.mark.parametrize("text", [
    "", "localhost", "1.2.3.4:x", "1.2.3.4:70000", "[::g]", "1.2.3.4:+80", "[::1]x:80", ":80", "1.2.3"])
def test_what_is_no_address_is_refused(text):
    with pytest.raises(LabError, match="is no address"):
        address(text, 80)


def test_listen_needs_services_of_one_vip_and_port(services):
    with pytest.raises(LabError, match="services of 2"):
        read(services(WEB, WEB | {"id": 2, "name": "other", "port": 81}), "127.0.0.1")
    with pytest.raises(LabError, match="--listen is 'x'"):
        read(services(WEB), "x")


def run(*arguments):
    return subprocess.run([sys.executable, "-m", "l7proxy", *arguments], capture_output=True, text=True, timeout=60)


def test_an_address_in_use_is_said_so(services):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("--services", services(WEB), "--listen", f"127.0.0.1:{port}")
    assert done.returncode == 2
    assert f"127.0.0.1:{port} is in use" in done.stderr
    assert "Traceback" not in done.stderr


def test_no_l7_service_is_exit_2(services):
    done = run("--services", services(WEB | {"layer": "l4"}))
    assert done.returncode == 2
    assert "no service of layer l7" in done.stderr
