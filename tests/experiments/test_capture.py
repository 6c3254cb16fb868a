"""Captures prove what was on each wire: an L4 service rewrites between h1's link and the server's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP
from scapy.utils import rdpcap

from experiments.capture import folder
from layerlab import LabError


def spoken(pcap: Path) -> set[tuple[str, int]]:
    """Both ends of all TCP in a capture, but for the client's own port."""
    ends = {end for packet in rdpcap(str(pcap)) if TCP in packet
            for end in ((packet[IP].src, packet[TCP].sport), (packet[IP].dst, packet[TCP].dport))}
    return {(address, port if port < 32_768 else 0) for address, port in ends}


def test_what_each_wire_carried(tmp_path: Path) -> None:
    words = ["shell", "--clients", "1", "--servers", "2", "--capture", str(tmp_path)]
    done = subprocess.run([sys.executable, "-m", "experiments", *words], input="h1 curl -s http://vip/\n",
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    (lab,) = tmp_path.iterdir()
    names = {f"{host}.{side}.pcap" for host in ("h1", "srv1", "srv2", "proxy") for side in ("host", "s1")}
    assert {path.name for path in lab.iterdir()} == names
    client, vip, server = ("10.0.1.1", 0), ("10.0.0.100", 80), ("10.0.10.1", 8001)
    assert spoken(lab / "h1.host.pcap") == spoken(lab / "h1.s1.pcap") == {client, vip}
    assert spoken(lab / "srv1.host.pcap") == spoken(lab / "srv1.s1.pcap") == {client, server}
    assert spoken(lab / "srv2.s1.pcap") == set()


@pytest.mark.parametrize(("path", "saw"), [("/run/captures", "/run/captures"), ("/proc/captures", "/proc/captures")])
def test_a_folder_that_cannot_be_used_is_refused(path: str, saw: str) -> None:
    with pytest.raises(LabError, match=saw):
        folder(path)
