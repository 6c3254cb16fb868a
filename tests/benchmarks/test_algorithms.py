"""The benchmark of the algorithms, run small; and what it says of times that are given. Never a time of its own."""

from __future__ import annotations

import doctest
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from balancing import ALGORITHMS
from benchmarks import algorithms, maglev_table, speed_words
from benchmarks.algorithms import KINDS, Size, for_people, measure, moral, rows
from benchmarks.catalog import BENCHMARKS
from benchmarks.speed_words import contradictions, limit, sizes
from benchmarks.use import WEIGHTS
from experiments.cli import cli
from experiments.experiment import Options
from layerlab import LabError
from tests.benchmarks.tables import SERVERS, given
from topologies import capsule

LAB = [sys.executable, "-P", "-m", "experiments"]
FIGURES = ["ns_3", "ns_30", "ns_300", "ns_3000", "growth", "exponent", "beside_scan"]


def test_a_small_run_has_a_row_for_each_with_each_weights() -> None:
    size = Size(servers=(2, 6), rounds=2, sample_s=0.0001)
    table = rows(measure(size, seed=1), size)
    assert [(row["algorithm"], row["weights"]) for row in table] == [(name, one) for name in KINDS for one in WEIGHTS]
    assert set(ALGORITHMS) < set(KINDS)
    for row in table:
        assert row["rounds"] == 2
        assert row["bound"] in ("O(1)", "O(log n)", "O(n)")
        for figure in ("ns_2", "ns_6", "growth", "exponent", "beside_scan"):
            assert row[f"{figure}_low"] <= row[figure] <= row[f"{figure}_high"]
        assert row["ns_2_low"] > 0
    assert json.loads(json.dumps(table, allow_nan=False)) == table
    assert moral(table)
    assert len(for_people(table)) == len(table)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_names_its_bound(algorithm: str) -> None:
    """No worse than O(log n), as balancing/algorithms promises."""
    assert ALGORITHMS[algorithm].bound in ("O(1)", "O(log n)")


def test_figures_are_taken_within_a_round() -> None:
    """A machine that is a tenth slower in one round changes no ratio."""
    table = given(grows=2.0)
    for row in table:
        own = 300.0 if row["algorithm"] == "min-scan" else 2.0
        assert row["growth"] == row["growth_low"] == row["growth_high"] == own
        assert row["exponent"] == pytest.approx({300.0: 0.826, 2.0: 0.1}[own], abs=0.001)
    assert (table[0]["ns_3"], table[0]["ns_3_low"], table[0]["ns_3_high"]) == (1000, 900, 1100)
    assert table[0]["beside_scan"] == pytest.approx(2000 / 150_000, abs=1e-4)
    assert [column for column in table[0] if column in FIGURES] == FIGURES


def test_the_exponent_is_what_is_fitted() -> None:
    assert doctest.testmod(algorithms).failed == 0
    assert doctest.testmod(speed_words).failed == 0


def test_a_run_as_predicted_says_so() -> None:
    table = given(grows=2.0, least_connections=3.0, round_robin=1.1)
    assert limit(table) == pytest.approx(7.288, abs=0.001)
    assert sizes(table) == list(SERVERS)
    assert contradictions(table) == []
    words = moral(table)
    assert "From 3 to 3,000 servers a unit takes 1.1 (round-robin) to 3.0 (least-connections, 3.0 to 3.0)" in words
    assert "looking at every server takes 300 times as long, exponent 0.83" in words
    assert "the slowest of the 8, least-connections, takes 1/50 of what looking at every server takes" in words
    assert "Without any choice a unit takes 1000 ns" in words


@pytest.mark.parametrize(("table", "clause"), [
    (given(grows=2.0, maglev=9.0), "maglev (equal) took 9.0 times as long"),
    (given(grows=2.0, scan=5.0), "looking at every server (1 to 5) took only 5.0 times as long"),
])
def test_a_run_otherwise_than_predicted_says_so(table: list[dict[str, Any]], clause: str) -> None:
    assert clause in contradictions(table)
    assert moral(table).startswith("Otherwise than predicted: ")
    assert clause in moral(table)


def test_where_the_scan_still_wins_is_said_and_only_there() -> None:
    words = "With 3 servers there is little to look at: the scan takes 500 ns, less than round-robin"
    assert words in moral(given(2.0))
    quick = [row | {"ns_3": 400} if row["algorithm"] != "min-scan" else row for row in given(2.0)]
    assert "little to look at" not in moral(quick)


# -- maglev's table ------------------------------------------------------------------------------


def test_a_small_run_of_the_table_has_a_row_a_size() -> None:
    size = maglev_table.Size(servers=(2, 6), rounds=2, slots=101)
    table = maglev_table.rows(maglev_table.measure(size, seed=1), size)
    assert [(row["servers"], row["weights"]) for row in table] == [(n, one) for n in (2, 6) for one in WEIGHTS]
    for row in table:
        assert (row["slots"], row["rounds"]) == (101, 2)
        assert row["ms_low"] <= row["ms"] <= row["ms_high"]


def test_the_table_is_measured_at_its_own_size() -> None:
    assert maglev_table.FULL.slots == maglev_table.QUICK.slots == 65_537


@pytest.mark.parametrize(("most_ms", "right"), [(90.0, True), (500.0, False)])
def test_a_table_that_grows_too_much_says_so(most_ms: float, right: bool) -> None:
    size = maglev_table.Size()
    found = {(weights, servers): [most_ms if servers == 3000 else 40.0] * 3
             for servers in SERVERS for weights in WEIGHTS}
    table = maglev_table.rows(found, size)
    words = maglev_table.moral(table, size)
    assert words.startswith("Otherwise than predicted: 12.5 times as long") is not right
    assert f"takes 40 ms for 3 servers and {most_ms:.0f} ms for 3,000" in words


# -- the command line ----------------------------------------------------------------------------


def lab(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*LAB, *words], capture_output=True, text=True, timeout=120, cwd=cwd, check=False)


def test_without_a_word_it_says_what_there_is() -> None:
    done = lab("bench")
    assert done.returncode == 0
    for name, benchmark in BENCHMARKS.items():
        assert name in done.stdout
        assert benchmark.question in done.stdout


def test_they_are_in_the_lists() -> None:
    found = json.loads(lab("list", "--json").stdout)
    assert [row["name"] for row in found["benchmarks"]] == list(BENCHMARKS)


@pytest.mark.parametrize(("words", "saw", "helps"), [
    ("bench algoritms", "there is no benchmark 'algoritms'", "algorithms (did you mean that?)"),
    ("bench algorithms --json /nowhere/x.json", "there is no folder /nowhere", "mkdir -p /nowhere"),
    ("bench --quik", "'--quik'", "--quick"),
])
def test_a_wrong_word_is_answered_before_anything_is_measured(words: str, saw: str, helps: str) -> None:
    done = lab(*words.split())
    assert done.returncode == 2
    assert saw in done.stderr
    assert helps in done.stderr
    assert "round 1" not in done.stderr


def test_it_is_an_experiment_without_a_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As typed, but small: tables and a moral on the terminal, the envelope in a file, a page; and no capsule."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(algorithms, "QUICK", Size(servers=(3, 9), rounds=2, sample_s=0.0002))
    monkeypatch.setattr(maglev_table, "QUICK", maglev_table.Size(servers=(3, 9), rounds=2, slots=101))
    monkeypatch.setattr(capsule, "enter", lambda: pytest.fail("a capsule"))
    done = CliRunner().invoke(cli, ["bench", "algorithms", "--quick", "--seed", "3", "--json", "b.json",
                                    "--report", "report"])
    assert done.exit_code in (0, 1), done.output  # 1: otherwise than predicted, as may be with so little measured
    envelope = json.loads((tmp_path / "b.json").read_text())
    assert (envelope["name"], envelope["seed"]) == ("bench-algorithms", 3)
    assert "datapath" not in envelope["environment"]
    assert list(envelope["tables"]) == ["algorithms_speed", "maglev_table", "verdicts"]
    assert {"ns_3", "ns_9", "ns_9_low", "growth", "exponent"} <= set(envelope["tables"]["algorithms_speed"][0])
    assert "power-of-two-choices" in done.output
    assert "slots takes" in done.output
    page = (tmp_path / "report" / "bench-algorithms.html").read_text()
    assert "./lab bench algorithms --quick --seed 3" in page.replace("<span>", "").replace("</span>", "")
    assert page.count("<svg") == 1


def test_who_lists_them_does_not_wait_for_them() -> None:
    code = "import sys, benchmarks.catalog; sys.exit(bool({'benchmarks.algorithms', 'scapy'} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_cannot_be_written_is_refused() -> None:
    with pytest.raises(LabError, match="there is no folder"):
        BENCHMARKS["algorithms"].conduct(Options(json=Path("/nowhere/x.json")))
