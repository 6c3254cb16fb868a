"""The capsule: what is inside stays inside, and what ends it ends all of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence

import pytest

from tests.outside import USERS, become, offspring, outside, processes, wait_until


@pytest.fixture(scope="module", params=USERS)
def prefix(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """How to run a command in a capsule as this user."""
    with become(request.param) as user:
        yield [*user, sys.executable, "-m", "topologies.capsule"]


def start(prefix: Sequence[str], *command: str) -> subprocess.Popen[str]:
    return subprocess.Popen([*prefix, *command], cwd="/", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def run(prefix: Sequence[str], *command: str) -> str:
    process = start(prefix, *command)
    output = process.communicate(timeout=60)[0]
    assert process.returncode == 0, output
    return output


def test_first_ping_through_a_switch(prefix: list[str]) -> None:
    script = ("from topologies import Flat, capsule\nfrom topologies.nodes import LabNet\n"
              "net = LabNet(Flat(clients=1, servers=1), capsule.datapath()); net.start()\n"
              "print(net['h1'].cmd('ping -c 1 -W 5 10.0.2.1'))")
    assert "1 received" in run(prefix, sys.executable, "-c", script)


def test_it_is_root_inside_with_its_own_network_and_processes(prefix: list[str]) -> None:
    output = run(prefix, "sh", "-c", "id -u; ls /proc | grep -c '^[0-9]'; ip -br link; ls /run; cat /etc/hosts")
    uid, count, *rest = output.splitlines()
    assert uid == "0"
    assert int(count) < 15
    assert rest[0].split()[0] == "lo"
    assert "openvswitch" in output
    assert "eth0" not in output


def test_the_command_s_exit_code_comes_out(prefix: list[str]) -> None:
    process = start(prefix, "sh", "-c", "exit 7")
    process.communicate(timeout=60)
    assert process.returncode == 7


MOMENTS = {  # what has been printed when the blow falls; None means nothing is waited for
    "at once": (None, "true"),
    "while OVS starts": (None, "sleep 60"),
    "with a bridge": ("ready", "ovs-vsctl add-br s9 -- set bridge s9 datapath_type=netdev; echo ready; sleep 60"),
    "with a host": ("ready", "ip netns add h9; ip link add v9 type veth peer name v8 netns h9;"
                             " touch /run/left; ip netns exec h9 sleep 60 & echo ready; sleep 60"),
}


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGTERM])
def test_killed_at_any_moment_it_leaves_nothing(prefix: list[str], moment: str, blow: signal.Signals) -> None:
    word, script = MOMENTS[moment]
    before = outside()
    process = start(prefix, "sh", "-c", script)
    assert process.stdout is not None
    if word:
        assert process.stdout.readline().strip() == word
    elif moment != "at once":
        wait_until(lambda: any("ovs" in processes().get(pid, "") for pid in offspring(process.pid)), "OVS to start")
    family = offspring(process.pid)
    os.kill(process.pid, blow)
    process.wait(30)
    process.stdout.close()
    wait_until(lambda: not family & set(processes()), f"{family} to be gone")
    assert outside() == before


def test_two_capsules_side_by_side_do_not_see_each_other(prefix: list[str]) -> None:
    script = "ip link add twin type veth && echo ready && read line && ovs-vsctl show && ip -br link show twin"
    pair = [subprocess.Popen([*prefix, "sh", "-c", script], cwd="/", stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True) for _ in range(2)]
    for process in pair:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "ready"
    for process in pair:
        output, _ = process.communicate("go\n", timeout=30)
        assert process.returncode == 0, output
        assert "twin" in output
