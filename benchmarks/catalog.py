"""What there is: every benchmark, by the word that `./lab bench` takes."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence

from experiments.display import Display
from experiments.experiment import Experiment, Options, Part


def _parts(module: str) -> Callable[[], Sequence[Callable[[Options, Display], Part]]]:
    """The parts of `benchmarks.module`, imported when they are wanted."""
    return lambda: importlib.import_module(f"benchmarks.{module}").PARTS  # type: ignore[no-any-return]


def _peers(module: str) -> Callable[[Options], object]:
    """What installs the peers of `benchmarks.module`: before the capsule is entered, where there is no network."""
    return lambda options: importlib.import_module(f"benchmarks.{module}").everybody()


BENCHMARKS: dict[str, Experiment] = {
    one.name: one
    for one in (
        Experiment("algorithms", "how long does a choice take, and how does it grow with the servers?",
                   _parts("algorithms"), command="bench", lab=False),
        Experiment("dataplane", "how near to plain switching is each realisation, and how does that grow?",
                   _parts("dataplane"), command="bench"),
        Experiment("forward", "how near to Squid does a forward proxy in Python come, for the same CPU?",
                   _parts("forward"), check=_peers("forward"), command="bench"),
        Experiment("proxy", "how near to nginx does a proxy in Python come, for the same CPU?", _parts("proxy"),
                   check=_peers("proxy"), command="bench"),
        Experiment("routing", "what does it cost the proxy to find a request's route, and how does that grow?",
                   _parts("routing"), command="bench", lab=False),
    )
}
