"""A campus up: its origins answer the proxy's host by name, HTTP and HTTPS, and nobody else."""

from __future__ import annotations

import json

import pytest

from experiments.campus_lab import CampusLab
from experiments.lab import Lab
from experiments.services import service
from layerlab import LabError


def test_a_service_on_it_is_refused_before_anything_is_built() -> None:
    with pytest.raises(LabError, match="nothing is balanced on campus") as refused:
        Lab("campus", [service("l4")])
    assert refused.value.expected == "one of flat, routed, nat"


@pytest.mark.live
def test_the_proxys_host_reaches_every_site_and_a_client_none() -> None:
    with CampusLab(clients=1, servers=2, edge_mbit=50) as lab:
        assert set(lab.counts().values()) == {0}
        trust = f"--cacert {lab.authority.bundle}"
        for name in lab.topo.names():
            for scheme in ("http", "https"):
                seen = json.loads(lab.net["proxy"].cmd(f"curl -s --max-time 10 {trust} {scheme}://{name}/see"))
                assert (seen["site"], seen["peer"], seen["tls"]) == (name, "198.51.100.2", scheme == "https")
                assert seen["head"].startswith(f"GET /see HTTP/1.1\r\nHost: {name}\r\n")
        assert lab.counts() == {"srv1": 4, "srv2": 4}
        assert lab.heads("srv1")[0]["site"] == "news.example"
        for target in ("http://news.example/see", "http://203.0.113.1/see"):
            code = lab.net["h1"].cmd(f"curl -s --max-time 5 {target}; echo $?").split()[-1]
            assert code in ("6", "7"), "no such name, and no way (curl(1), exit codes)"
        assert lab.counts() == {"srv1": 4, "srv2": 4}
