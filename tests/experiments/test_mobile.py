"""Clients that move for real, and what is said of their sessions."""

from __future__ import annotations

import pytest

from experiments.clients import ClientHost, session
from experiments.mobile import (
    AFFINITIES,
    BY_COOKIE,
    CLAIMS,
    WITH_CANARY,
    Size,
    as_predicted,
    canary_rows,
    measure,
    of,
    rows,
)
from experiments.mobile_lab import MobileLab
from experiments.traffic import ask
from experiments.verdicts import of_part
from tests.experiments.claims import mobile as data


def test_every_way_to_keep_a_session_is_claimed_of() -> None:
    assert AFFINITIES == ("L2 by MAC", "L3 by address", "L4 by address", "L7 by address", "L7 by cookie")
    assert set(CLAIMS) == set(AFFINITIES)


def test_a_condition_that_is_not_needed_is_not_as_predicted() -> None:
    assert as_predicted(data.supporting())
    assert not as_predicted([CLAIMS["L3 by address"].judge(of_part(40, 40), of_part(40, 40))])


def test_the_tables_count_sessions() -> None:
    kept = data.sessions("L4 by address", stayed=True, moved=False)
    row = next(row for row in rows(kept) if row["affinity"] == "L4 by address")
    assert row == {"affinity": "L4 by address", "stayed": 40, "stayed_kept": 40, "moved": 40, "moved_kept": 0,
                   "moved_expected": 0.333}
    assert canary_rows(data.sessions(WITH_CANARY, stayed=True, moved=True, at_canary=2))[0] == {
        "round": 1, "sessions": 20, "at_canary": 2, "share_of_new": 0.1, "stated": 0.1, "kept_side": 20}


@pytest.mark.live
def test_a_client_that_moves_is_somebody_else_to_all_but_the_cookie() -> None:
    with MobileLab(clients=6) as lab:
        host = ClientHost("h1", lab.netns("h1"))
        with session(host) as jar:
            before = ask(jar, host, f"http://{lab.by_name(AFFINITIES[1]).vip}/", "fresh")
            place = lab.move("h1")
            after = ask(jar, host, f"http://{lab.by_name(AFFINITIES[1]).vip}/", "fresh")
        assert before.client_seen.startswith("10.0.1.1:")
        assert after.client_seen.startswith(f"{place}:")
        found = measure(lab, Size(rounds=2, clients=6), 7, lambda words: None)
        assert all(one.kept for name in AFFINITIES for one in of(found, name, moves=False))
        assert all(one.kept for one in of(found, BY_COOKIE, moves=True))
        assert all(one.kept_side for one in of(found, WITH_CANARY))
