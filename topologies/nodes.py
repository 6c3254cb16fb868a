"""The nodes that a lab is made of, and the net that starts them. The only file that imports Mininet.

What our nodes add to Mininet's, each for a reason met in practice:

- offloads off: on OVS's userspace datapath nobody fills in the checksum that a veth left out, and TCP dies;
- IPv6 off: its autoconfiguration floods every lab with packets that nobody asked for;
- `net.core.txrehash=0`: a retransmission must not look like another flow;
- no name server in `campus`: a name is known where the lab says so, and fails at once where not;
- `batch=True` switches: without it, more than 58 ports are silently left off.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from mininet.cli import CLI
from mininet.link import TCLink as ShapedLink
from mininet.log import setLogLevel
from mininet.net import Mininet
from mininet.node import Host, OVSSwitch
from mininet.topo import Topo

from layerlab import LabError

__all__ = ["CLI", "MN_SWITCHES", "CampusHost", "EdgeHost", "Gateway", "LabBridge", "LabHost", "LabNet", "LabSwitch",
           "NatGateway", "OriginHost", "ServerHost", "ShapedLink", "Topo", "prompt"]


Mininet.inited = True  # keeps Mininet.init from running fixLimits, which writes the machine's sysctls


class LabHost(Host):
    """A host whose TCP works on every datapath."""

    def settings(self) -> list[str]:
        """The shell lines that make it what it is; they print nothing when all is well."""
        return [
            "sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1",
            "sysctl -qw net.core.txrehash=0 2>/dev/null",  # Linux 5.18 and later
            *(f"ethtool -K {interface} tx off tso off gso off gro off >/dev/null" for interface in self.intfNames()),
        ]

    def config(self, **params: Any) -> dict[str, Any]:
        """Mininet's own configuration, then ours. Raises LabError if a line of `settings` complains."""
        result: dict[str, Any] = super().config(**params)
        if complaint := self.cmd("; ".join(self.settings())).strip():
            raise LabError(f"{self.name} could not be set up: {complaint}", "no complaint", "./lab doctor")
        return result


class ServerHost(LabHost):
    """A host that may hold a VIP on its loopback and must not answer ARP for it (direct server return)."""

    def settings(self) -> list[str]:
        return [*super().settings(), "sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2"]


class Gateway(LabHost):
    """A Linux router. What comes out of it has its MAC: that is all L2 balancing can see."""

    def settings(self) -> list[str]:
        return [*super().settings(), "sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.send_redirects=0"]


class NatGateway(Gateway):
    """A router that also masquerades: what clients start comes out with its MAC and its address.

    There is no firewall: a server that knows the way can still reach in, as pingall does.
    """

    def settings(self) -> list[str]:
        outside = self.intfNames()[0]
        return [
            *super().settings(),
            "nft add table ip nat",
            "nft 'add chain ip nat postrouting { type nat hook postrouting priority srcnat; }'",
            f"nft add rule ip nat postrouting oifname {outside} masquerade",
        ]


class CampusHost(LabHost):
    """A host without a name server: the machine's own resolv.conf is out of its sight.

    Every Mininet host has a mount namespace of its own (mnexec -n): what is mounted here is seen here only.
    """

    def settings(self) -> list[str]:
        return [*super().settings(),
                "if [ -e /etc/resolv.conf ]; then mount --bind /dev/null /etc/resolv.conf; fi"]  # resolv.conf(5)


class OriginHost(CampusHost, ServerHost):
    """A server in the Internet of `campus`."""


class EdgeHost(CampusHost):
    """Between two networks, of which it forwards nothing: its first interface is inside, its second outside.

    Each side reaches only the address on its own side (RFC 1122, 3.3.4.2, the strong model of hosts).
    outside: its address there. names: (address, names of it) that resolve here, by an /etc/hosts of its own.
    """

    def settings(self) -> list[str]:
        within, beyond = self.intfNames()
        mine = self.params["outside"]
        return [
            *super().settings(),
            "sysctl -qw net.ipv4.ip_forward=0",
            f"sysctl -qw net.ipv4.conf.{beyond}.arp_ignore=1 net.ipv4.conf.{within}.arp_ignore=1",
            f"ip route add default dev {beyond}",
            "nft add table ip edge",
            "nft 'add chain ip edge input { type filter hook input priority filter; }'",
            f"nft add rule ip edge input iifname {beyond} ip daddr != {mine} drop",
            f"nft add rule ip edge input iifname {within} ip daddr {mine} drop",
        ]

    def config(self, **params: Any) -> dict[str, Any]:
        result = super().config(**params)
        lines = [" ".join((address, *names)) for address, names in self.params["names"]]
        for line in ("mount -t tmpfs names /mnt && cat /etc/hosts >/mnt/hosts",
                     *(f"echo {line} >>/mnt/hosts" for line in lines),
                     "mount --bind /mnt/hosts /etc/hosts && umount -l /mnt"):
            if complaint := self.cmd(line).strip():
                raise LabError(f"{self.name} could not be given its names: {complaint}", "no complaint", "./lab doctor")
        return result


class LabSwitch(OVSSwitch):
    """An OVS switch, started in one go with the others. OpenFlow 1.3 for the controller, 1.0 for a bare ovs-ofctl.

    datapath: Mininet's words, "kernel" and "user"; if not given, what there is.
    """

    def __init__(self, name: str, **params: Any) -> None:
        if "datapath" not in params:
            from topologies import capsule  # not above: `python -m topologies.capsule` would find itself imported

            params["datapath"] = "user" if capsule.datapath() == "userspace" else "kernel"
        super().__init__(name, **{"batch": True, "protocols": "OpenFlow10,OpenFlow13", "reconnectms": 1000, **params})


class LabBridge(LabSwitch):
    """A switch that nobody controls."""

    def __init__(self, name: str, **params: Any) -> None:
        super().__init__(name, **{"failMode": "standalone", **params})


# For mn: what it takes with a controller, and without one. Not SWITCHES: names of a --custom file become mn's own.
MN_SWITCHES = {"default": LabSwitch, "ovsbr": LabBridge}


class LabNet(Mininet):
    """A topology brought up, without a controller of Mininet's.

    datapath: "kernel" or "userspace".
    controlled: switches wait for a controller's rules (fail mode secure) and keep them when it
        dies; otherwise they are ordinary learning switches.
    """

    def __init__(self, topo: Topo, datapath: str, controlled: bool = False) -> None:
        switch = partial(LabSwitch, datapath="user" if datapath == "userspace" else "kernel",
                         failMode="secure" if controlled else "standalone")
        super().__init__(topo, switch=switch, host=LabHost, controller=None, waitConnected=False)

    def connect(self, target: str) -> None:
        """Point every switch at the controller at `target`, such as tcp:127.0.0.1:6653."""
        for switch in self.switches:
            switch.cmd("ovs-vsctl set-controller", switch, target)


class _Prompt(CLI):
    """Mininet's own prompt; its history file in the user's home is left alone."""

    readlineInited = True


def prompt(net: LabNet) -> None:
    """Mininet's prompt on `net`, until Ctrl-D, `exit`, or the end of what is piped in."""
    setLogLevel("info")
    _Prompt(net)
