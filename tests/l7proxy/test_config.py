"""What the proxy is told, and how it says no."""

from __future__ import annotations

import json
import socket
import subprocess
import sys

import pytest

from l7proxy.config import doors, parse_address, read_services
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


def test_only_the_l7_services_are_the_proxys(services):
    found = read_services(services(WEB, WEB | {"id": 2, "name": "other", "layer": "l4", "vip": "10.0.0.9"}))
    assert [service.name for service in found] == ["web"]
    assert [str(door.address) for door in doors(found, None)] == ["127.0.0.1:80"]


def test_services_of_one_vip_and_port_stand_behind_one_door(services):
    video = WEB | {"id": 2, "name": "video", "route": {"path": "/video"}}
    found = read_services(services(video, WEB | {"id": 3, "name": "other", "port": 81}, WEB))
    assert [[service.name for service in door.services] for door in doors(found, None)] == [["video", "web"], ["other"]]
    shared, = doors((found[0], found[2]), "127.0.0.1:8080")
    assert (str(shared.address), len(shared.services)) == ("127.0.0.1:8080", 2)


def test_services_that_no_request_can_reach_are_refused(services):
    with pytest.raises(LabError, match="'web' has no route and takes every request"):
        read_services(services(WEB, WEB | {"id": 2, "name": "video", "route": {"path": "/video"}}))


def test_a_route_by_a_field_that_ends_at_the_proxy_is_exit_2(services):
    done = run("--services", services(WEB | {"route": {"header": {"name": "X-Forwarded-For", "value": "10.0.0.1"}}}))
    assert done.returncode == 2
    assert "'web' has a route by x-forwarded-for" in done.stderr


@pytest.mark.parametrize("text", ["", "{", "{}", "3", "[]", '[{"name": "x"}]'])
def test_a_file_that_is_none_is_refused(tmp_path, text):
    path = tmp_path / "services.json"
    path.write_text(text)
    with pytest.raises(LabError):
        read_services(path)


@pytest.mark.parametrize(("text", "address"), [
    ("127.0.0.1:8080", "127.0.0.1:8080"), ("10.0.0.1", "10.0.0.1:80"), ("::1", "[::1]:80"), ("[::1]:0", "[::1]:0")])
def test_an_address_is_read(text, address):
    assert str(parse_address(text, 80)) == address


@pytest.mark.parametrize("text", ["", "localhost", "1.2.3.4:x", "1.2.3.4:70000", "[::1", ":80", "1.2.3"])
def test_what_is_no_address_is_refused(text):
    with pytest.raises(LabError, match="--listen"):
        parse_address(text, 80) if text != "[::1" else parse_address("[::g]", 80)


def test_listen_needs_services_of_one_vip_and_port(services):
    two = read_services(services(WEB, WEB | {"id": 2, "name": "other", "port": 81}))
    with pytest.raises(LabError, match="services of 2"):
        doors(two, "127.0.0.1")


def run(*arguments):
    return subprocess.run([sys.executable, "-m", "l7proxy", *arguments], capture_output=True, text=True, timeout=60)


def test_help_shows_an_example():
    done = run("--help")
    assert done.returncode == 0
    assert "Example: python -m l7proxy --services" in done.stdout


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
