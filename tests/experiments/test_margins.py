"""Who is called a winner, and who is not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from experiments.margins import NOBODY, contest, margin, percentile_ms

ROUND = st.lists(st.floats(0.001, 10), min_size=1, max_size=30)
ROUNDS = st.lists(ROUND, min_size=3, max_size=3)


def level(*p95_ms: float) -> list[list[float]]:
    """Rounds in which every request took as long."""
    return [[ms / 1000] * 20 for ms in p95_ms]


def test_a_winner_is_ahead_of_everybody_in_every_round() -> None:
    found = contest({"a": level(100, 200, 100), "b": level(110, 240, 130), "plain": level(300, 300, 200)}, "plain")
    assert (found["winner"], found["lowest_p95"], found["runner_up"], found["level_with"]) == ("a", "a", "b", [])
    assert (found["margin"], found["margin_low"], found["margin_high"]) == (1.2, 1.1, 1.3)
    assert (found["plain_margin"], found["plain_margin_low"], found["plain_margin_high"]) == (2.0, 1.5, 3.0)


def test_who_was_behind_in_one_round_is_no_winner() -> None:
    found = contest({"a": level(100, 200, 100), "b": level(99, 400, 400), "c": level(300, 300, 101)}, "c")
    assert (found["winner"], found["lowest_p95"], found["level_with"]) == (NOBODY, "a", ["b"])


def test_level_in_a_round_is_not_ahead() -> None:
    assert contest({"a": level(100, 100), "b": level(100, 120)}, "a")["winner"] == NOBODY


def test_who_is_level_need_not_be_the_runner_up() -> None:
    """c was ahead once, though b had the second lowest p95 of all."""
    found = contest({"a": level(100, 100), "b": level(110, 110), "c": level(90, 400)}, "b")
    assert (found["runner_up"], found["level_with"], found["winner"]) == ("b", ["c"], NOBODY)


def test_a_machine_that_slows_between_rounds_changes_no_margin() -> None:
    fast, slow = level(100, 100, 100), level(150, 150, 150)
    factors = (1.0, 7.0, 3.0)
    scaled = [[[took_s * factor for took_s in one] for one, factor in zip(rounds, factors, strict=True)]
              for rounds in (fast, slow)]
    assert [round(value, 9) for value in margin(*scaled)] == [1.5] * 3 == [round(value, 9) for value in margin(
        fast, slow)]


@given(st.dictionaries(st.sampled_from("abcdef"), ROUNDS, min_size=2))
def test_what_a_row_says_is_so(rivals: dict[str, list[list[float]]]) -> None:
    yardstick = next(iter(rivals))
    found = contest(rivals, yardstick)
    p95 = {name: percentile_ms([took_s for one in rounds for took_s in one], 95) for name, rounds in rivals.items()}
    assert p95[found["lowest_p95"]] == min(p95.values())
    assert sorted(p95.values())[1] == p95[found["runner_up"]]
    ahead = {name for name, rounds in rivals.items() if name != found["lowest_p95"]
             and all(percentile_ms(own, 95) < percentile_ms(theirs, 95)
                     for own, theirs in zip(rivals[found["lowest_p95"]], rounds, strict=True))}
    assert set(found["level_with"]) == set(rivals) - ahead - {found["lowest_p95"]}
    assert (found["winner"] == NOBODY) == bool(found["level_with"])
    assert found["margin_low"] <= found["margin"] <= found["margin_high"]
