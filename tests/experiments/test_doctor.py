"""The doctor: every outcome of every judgement, on any machine; and the looks on this one."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

from experiments import doctor, machine
from experiments.doctor import Check, Finding
from layerlab import LabError

ALL_THERE = dict.fromkeys(doctor.COMMANDS, "/bin/it")
OUTCOMES: list[tuple[Callable[..., Finding], tuple[Any, ...], str, str]] = [
    (doctor.judge_python, ((3, 11, 2),), "ok", "3.11.2"),
    (doctor.judge_python, ((3, 10, 12),), "missing", "vagrant up"),
    (doctor.judge_mininet, ("2.3.0",), "ok", "2.3.0"),
    (doctor.judge_mininet, (None,), "missing", "./lab setup"),
    (doctor.judge_framework, ({"ryu": "4.34", "os-ken": None},), "ok", "ryu 4.34"),
    (doctor.judge_framework, ({"ryu": None, "os-ken": "4.2.2"},), "note", "fork"),
    (doctor.judge_framework, ({"ryu": None, "os-ken": None},), "missing", "./lab setup"),
    (doctor.judge_framework, ({"ryu": "4.34", "os-ken": "4.2.2"}, "os_ken"), "ok", "os-ken 4.2.2"),
    (doctor.judge_framework, ({"ryu": "4.34", "os-ken": None}, "os_ken"), "missing", "LAYER_LAB_FRAMEWORK is os_ken"),
    (doctor.judge_libraries, ({"scapy": "2.8", "uvloop": "0.23"},), "ok", "scapy 2.8"),
    (doctor.judge_libraries, ({"scapy": "2.8", "uvloop": None},), "missing", "no uvloop"),
    (doctor.judge_commands, (ALL_THERE,), "ok", "ovs-vswitchd"),
    (doctor.judge_commands, (ALL_THERE | {"nft": None, "tc": None},), "missing", "install iproute2 nftables"),
    (doctor.judge_ovs, ((3, 1, 0),), "ok", "3.1.0"),
    (doctor.judge_ovs, ((2, 17, 9),), "note", "linger"),
    (doctor.judge_ovs, ((2, 13, 8),), "missing", "2.13.8"),
    (doctor.judge_ovs, (None,), "missing", "./lab setup"),
    (doctor.judge_datapath, (True,), "ok", "openvswitch"),
    (doctor.judge_datapath, (False,), "note", "slower"),
    (doctor.judge_tun, ("", False), "ok", "opens"),
    (doctor.judge_tun, ("Permission denied", False), "missing", "sudo ./lab"),
    (doctor.judge_tun, ("Permission denied", True), "note", "userspace"),
    (doctor.judge_tun, ("No such file or directory", False), "missing", "modprobe tun"),
    (doctor.judge_namespaces, ("", True, {}), "ok", "root"),
    (doctor.judge_namespaces, ("", False, {}), "ok", "without root"),
    (doctor.judge_namespaces, ("Operation not permitted", True, {}), "missing", "--privileged"),
    (doctor.judge_namespaces, ("Operation not permitted", False, {}), "missing", "sudo ./lab"),
    (doctor.judge_namespaces, ("no", False, {"kernel.apparmor_restrict_unprivileged_userns": "1"}), "missing",
     "kernel.apparmor_restrict_unprivileged_userns=0"),
    (doctor.judge_namespaces, ("no", False, {"kernel.unprivileged_userns_clone": "0"}), "missing",
     "kernel.unprivileged_userns_clone=1"),
    (doctor.judge_namespaces, ("no", False, {"user.max_user_namespaces": "96365"}), "missing", "refused to you: no"),
    (doctor.judge_links, ({"netem": True, "tbf": True},), "ok", "netem"),
    (doctor.judge_links, ({"netem": False, "tbf": True},), "note", "think time"),
    (doctor.judge_links, ({"netem": None},), "note", "not tried"),
    (doctor.judge_size, (2, 4096), "ok", "2 cores"),
    (doctor.judge_size, (1, 4096), "note", "1 core,"),
    (doctor.judge_size, (4, 300), "note", "300 MiB"),
]  # fmt: skip


def here(finding: Finding) -> Check:
    return Check(lambda: finding, lambda seen: seen, "something better")


@pytest.mark.parametrize(("judge", "seen", "status", "words"), OUTCOMES)
def test_a_judgement(judge: Callable[..., Finding], seen: tuple[Any, ...], status: str, words: str) -> None:
    finding = judge(*seen)
    assert finding.status == status
    assert words in " ".join([finding.saw, finding.follows, finding.hint])


@pytest.mark.parametrize(("judge", "seen", "status", "words"), OUTCOMES)
def test_what_is_missing_says_what_follows_and_what_to_type(
    judge: Callable[..., Finding], seen: tuple[Any, ...], status: str, words: str
) -> None:
    finding = judge(*seen)
    assert status != "missing" or (finding.follows and finding.hint)


def test_the_first_thing_missing_stops_a_lab_before_it_is_built() -> None:
    ok, bad = Finding("a", "ok", "fine"), Finding("switch", "missing", "no Open vSwitch", "no switches", "./lab setup")
    with pytest.raises(LabError) as caught:
        doctor.check_system([here(ok), here(bad)])
    assert str(caught.value).split("\n") == [
        "no Open vSwitch: no switches",
        "  expected: something better",
        "  try:      ./lab setup",
    ]


def test_a_note_stops_nothing() -> None:
    doctor.check_system([here(Finding("links", "note", "no sch_netem"))])


def test_the_report_is_read_without_colour_and_says_what_it_comes_to() -> None:
    out = StringIO()
    doctor.report([Finding("tun", "missing", "[no] tun", "no ports", "sudo it")], Console(file=out, width=60))
    words = [" ".join(line.split()) for line in out.getvalue().splitlines()]
    assert words == ["missing tun [no] tun", "no ports", "try: sudo it", "", "No lab can run here yet: tun."]


@pytest.mark.parametrize(("status", "code"), [("ok", 0), ("note", 0), ("missing", 1)])
def test_the_command_prints_json_and_its_exit_code_says_whether_a_lab_can_run(
    monkeypatch: pytest.MonkeyPatch, status: Any, code: int
) -> None:
    monkeypatch.setattr(doctor, "examine", lambda: [Finding("tun", status, "it")])
    result = CliRunner().invoke(doctor.command, ["--json"])
    assert result.exit_code == code
    assert json.loads(result.output) == [{"topic": "tun", "status": status, "saw": "it", "follows": "", "hint": ""}]


def test_this_machine_is_examined_topic_by_topic() -> None:
    topics = [finding.topic for finding in doctor.examine()]
    assert topics == ["python", "mininet", "framework", "libraries", "commands", "switch", "datapath", "tun",
                      "namespaces", "links", "size"]  # fmt: skip


def test_what_runs_before_every_lab_is_quick() -> None:
    def once() -> float:
        began = time.perf_counter()
        for check in doctor.CHECKS:
            if check.needs:
                check.look()
        return time.perf_counter() - began

    assert min(once() for _ in range(5)) < 0.1  # about 20 ms on an idle machine


def test_a_package_or_a_command_that_is_not_there_is_none() -> None:
    assert machine.packages(["pytest", "no-such-package"])["no-such-package"] is None
    assert machine.packages(["pytest"])["pytest"] == pytest.__version__
    assert machine.commands(["sh", "no-such-command"])["no-such-command"] is None


def test_a_device_that_does_not_open_says_why(tmp_path: Path) -> None:
    assert machine.tun_refusal(str(tmp_path / "tun")) == "No such file or directory"
    (tmp_path / "tun").touch()
    assert machine.tun_refusal(str(tmp_path / "tun")) == ""


def test_only_the_sysctls_that_this_kernel_has_are_read(tmp_path: Path) -> None:
    (tmp_path / "user").mkdir()
    (tmp_path / "user/max_user_namespaces").write_text("7\n")
    assert machine.sysctls(doctor.FORBIDDING, tmp_path) == {"user.max_user_namespaces": "7"}


@pytest.mark.parametrize(
    ("script", "version"),
    [
        ("echo 'ovs-vsctl (Open vSwitch) 2.17.9'", (2, 17, 9)),
        ("echo 'ovs-vsctl (Open vSwitch) 3.5.0-1'", (3, 5, 0)),
        ("echo broken 1.2.3; exit 1", None),
    ],
)
def test_open_vswitch_says_its_version(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, version: tuple[int, ...] | None
) -> None:
    (tmp_path / "ovs-vsctl").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "ovs-vsctl").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert machine.ovs_version() == version


def test_a_qdisc_that_no_kernel_has_is_not_there() -> None:
    assert machine.qdisc("no-such-discipline") in (False, None)
