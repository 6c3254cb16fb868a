"""What the cost table says of the turns, and that the turns are real."""

from __future__ import annotations

import pytest

from experiments.cost import PATHS, Size, Turn, for_people, lab_for, measure, moral, rows


def turn(path: str, connections: float, requests: float = 100.0) -> Turn:
    return Turn(path, connections, requests, 1.0, 2.0, {"switch": 3.0}, 4, 5)


def test_ratios_are_taken_within_a_round() -> None:
    """A machine that halves its speed between rounds changes no ratio."""
    turns = [turn(path, speed if path == "plain" else speed / 2) for speed in (1000.0, 500.0, 2000.0) for path in PATHS]
    for row in rows(turns)[1:]:
        assert {row[f"connections_ratio{end}"] for end in ("", "_low", "_high")} == {0.5}
        assert row["rounds"] == 3


def test_the_median_and_the_range_are_the_rounds_own() -> None:
    turns = [turn("plain", 100.0) for _ in range(3)] + [turn("l4", rate) for rate in (10.0, 40.0, 20.0)]
    turns += [turn(path, 100.0) for path in ("l2", "l3", "l7") for _ in range(3)]
    (row,) = [row for row in rows(turns) if row["layer"] == "l4"]
    assert (row["connections_ratio"], row["connections_ratio_low"], row["connections_ratio_high"]) == (0.2, 0.1, 0.4)
    assert row["packet_ins"] == 15
    assert "L4 0.2 (0.1 to 0.4)" in moral(rows(turns))
    assert for_people(rows(turns))[3]["beside plain"] == "0.2 (0.1 to 0.4)"


@pytest.mark.live
def test_each_path_is_measured_on_its_own_way() -> None:
    size = Size(clients=3, servers=2, rounds=2, seconds=0.2)
    with lab_for(size) as lab:
        found = {row["layer"]: row for row in rows(measure(lab, size, seed=3))}
    assert list(found) == list(PATHS)
    for path, row in found.items():
        assert int(str(row["connections_per_s"])) > 0
        assert float(str(row["latency_p99_ms"])) >= float(str(row["latency_p50_ms"])) > 0
        assert path == "l7" or float(str(row["proxy_cpu_ms"])) < float(str(found["l7"]["proxy_cpu_ms"])), \
            "only L7 goes through the proxy; for the others it has its clock and its probes"
    assert found["plain"]["packet_ins"] == found["l7"]["packet_ins"] == 0
    for layer in ("l2", "l3"):
        assert 3 <= int(str(found[layer]["packet_ins"])) < 20, "a client is a unit; a few packets outrun its flow"
    assert int(str(found["l4"]["packet_ins"])) > 20, "every connection is a unit"
