"""The table of the Maglev paper: full, fair, the same everywhere, and hardly disturbed."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from balancing.maglev import SIZE, table

NAMES = st.sets(st.text("abcxyz0123456789", min_size=1, max_size=6), min_size=1, max_size=8)
SMALL = 1009  # a prime


@given(NAMES)
def test_equal_servers_own_the_same_to_within_one_slot(names: set[str]) -> None:
    owned = Counter(table(dict.fromkeys(names, 3), SMALL))
    assert set(owned) == names
    assert max(owned.values()) - min(owned.values()) <= 1


@given(st.lists(st.integers(1, 20), min_size=1, max_size=6))
@example([1, 1, 1, 1, 2, 19])
def test_weights_are_met_to_within_a_round(weights: list[int]) -> None:
    """To within 1 + p (n - 2) of the slots, p = w/W.

    Proof. In R whole rounds server j has had R w/max turns, less what it has saved up for its next one, and in the
    round that is cut off one more at most: R w/max + e, |e| <= 1. All together have R W/max + E, E the sum of all e,
    and that is every slot. So server i is off its p of them by e - p E, which is e (1 - p) less p times the others' e.
    """
    owned = Counter(table({f"s{n}": weight for n, weight in enumerate(weights)}, SMALL))
    for n, weight in enumerate(weights):
        part = weight / sum(weights)
        assert abs(owned[f"s{n}"] - SMALL * part) <= 1 + part * (len(weights) - 2) + 1e-9


@given(NAMES)
def test_the_order_of_the_servers_does_not_matter(names: set[str]) -> None:
    assert table(dict.fromkeys(sorted(names), 1), SMALL) == table(dict.fromkeys(sorted(names, reverse=True), 1), SMALL)


def test_it_is_the_same_in_every_process() -> None:
    assert "".join(owner[1] for owner in table({"s1": 1, "s2": 1, "s3": 1}, 23)) == "33113213212211213123322"


@pytest.mark.parametrize("servers", [3, 10, 50])
def test_when_a_server_leaves_hardly_anybody_else_moves(servers: int) -> None:
    """The paper's figure 12: below 2 % for 1,000 servers and this size; modulo moves all but 1 in N."""
    names = [f"srv{n}" for n in range(servers)]
    before, after = table(dict.fromkeys(names, 1)), table(dict.fromkeys(names[1:], 1))
    moved = sum(old != new for old, new in zip(before, after, strict=True) if old != names[0])
    assert moved / SIZE < 0.02
    by_modulo = sum(names[slot % servers] != names[1:][slot % (servers - 1)] for slot in range(SIZE))
    assert by_modulo / SIZE > 0.6
