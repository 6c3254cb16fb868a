"""Traces follow their law, to within bounds that are computed, and are the same for the same seed."""

from __future__ import annotations

import math
from collections import Counter

import pytest

from experiments.browsing import MOST_IMAGES, Browsing, requests, trace
from experiments.sites import describe
from layerlab import LabError

SITES = ("news.example", "video.example", "wiki.example")
CLASS = Browsing(SITES, ads="ads.example", pages=60, zipf=0.8, clients=20, visits=200, think_s=0.5)
N = CLASS.clients * CLASS.visits
DOUBT = 1e-6  # the chance that a right trace is outside a bound
DKW = math.sqrt(math.log(2 / DOUBT) / (2 * N))  # Dvoretzky-Kiefer-Wolfowitz, with Massart's constant (1990)


def ranks(browsing: Browsing, seed: int) -> list[int]:
    rank = {browsing.page(number).url: number for number in range(browsing.pages)}
    return [rank[visit.page.url] for reader in trace(browsing, seed) for visit in reader.visits]


def test_the_same_seed_gives_the_same_trace_and_another_one_another() -> None:
    assert trace(CLASS, 1) == trace(CLASS, 1)
    assert trace(CLASS, 1) != trace(CLASS, 2)


def test_more_readers_and_longer_sessions_change_nothing_before() -> None:
    few = trace(Browsing(SITES, clients=2, visits=5), 7)
    many = trace(Browsing(SITES, clients=4, visits=9), 7)
    assert [reader.visits for reader in few] == [reader.visits[:5] for reader in many[:2]]


def off(found: list[int], chances: tuple[float, ...]) -> float:
    """How far the share of ranks up to any is from what the chances sum up to."""
    counts, so_far, wanted, worst = Counter(found), 0, 0.0, 0.0
    for rank, chance in enumerate(chances):
        so_far, wanted = so_far + counts[rank], wanted + chance
        worst = max(worst, abs(so_far / len(found) - wanted))
    return worst


@pytest.mark.parametrize("zipf", [0.0, 0.8, 1.2])
def test_pages_are_as_popular_as_zipf_says(zipf: float) -> None:
    browsing = Browsing(SITES, pages=60, zipf=zipf, clients=20, visits=200)
    assert off(ranks(browsing, 1), browsing.chances) < DKW
    assert browsing.chances[0] / browsing.chances[9] == pytest.approx(10 ** zipf)


def test_the_bound_tells_one_law_from_another() -> None:
    other = Browsing(SITES, pages=60, zipf=0.5, clients=20, visits=200)
    assert off(ranks(CLASS, 1), other.chances) > DKW


def test_as_many_pages_are_seen_as_should_be() -> None:
    """Of the pages, a number that one visit changes by 1 at most: McDiarmid's bound."""
    browsing = Browsing(SITES, pages=2_000, clients=20, visits=50)
    number = browsing.clients * browsing.visits
    wanted = sum(1 - (1 - chance) ** number for chance in browsing.chances)
    assert abs(len(set(ranks(browsing, 3))) - wanted) < math.sqrt(number * math.log(2 / DOUBT) / 2)
    assert wanted < 0.6 * number, "so a cache has something to do"


def test_readers_think_for_an_exponential_time() -> None:
    times = sorted(visit.think_s for reader in trace(CLASS, 4) for visit in reader.visits)
    worst = max(abs((n + 1) / N - (1 - math.exp(-time / CLASS.think_s))) for n, time in enumerate(times))
    assert worst < DKW + 1 / N


def test_a_page_is_the_same_whoever_asks_and_made_of_what_there_is() -> None:
    for rank in range(CLASS.pages):
        page = CLASS.page(rank)
        assert page == CLASS.page(rank)
        assert page.url.startswith(f"http://{SITES[rank % 3]}/page/")
        assert 5 <= len(page.objects) <= 4 + MOST_IMAGES
        assert len(set(page.objects)) == len(page.objects)
        assert page.objects[-1].startswith("http://ads.example/ad/")
        for url in (page.url, *page.objects):
            host, _, path = url.removeprefix("http://").partition("/")
            assert describe(host, f"/{path}")
    assert len({CLASS.page(rank).url for rank in range(CLASS.pages)}) == CLASS.pages


def test_all_that_is_asked_for() -> None:
    readers = trace(Browsing(SITES, clients=2, visits=3), 1)
    assert len(requests(readers)) == sum(1 + len(visit.page.objects) for reader in readers for visit in reader.visits)


@pytest.mark.parametrize("words", [{"sites": ()}, {"pages": 0}, {"clients": 0}, {"visits": 0}, {"zipf": -1},
                                   {"think_s": math.nan}])
def test_what_could_not_be_browsed_is_refused(words: dict[str, object]) -> None:
    with pytest.raises(LabError):
        Browsing(**{"sites": SITES, **words})  # type: ignore[arg-type]
