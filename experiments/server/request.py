"""A request as it was received, and what its query wishes of the answer."""

from __future__ import annotations

from typing import NamedTuple

from experiments.server.settings import MAX_BODY_BYTES, MAX_SERVICE_TIME_S, MAX_SLOWNESS, MAX_WORKERS


class Request(NamedTuple):
    """One HTTP request, whole.

    target:     the request target as it stood in the request line.
    headers:    names and values as received, in order.
    body_bytes: how many bytes of content came with it.
    last:       no further request of this connection will be read.
    error:      why it can't be understood (then it is answered by 400), or "".
    """

    method: str
    target: str
    headers: list[tuple[str, str]]
    body_bytes: int
    last: bool
    error: str = ""


class Wishes(NamedTuple):
    """What one request may ask for instead of the server's settings: ?bytes=N&sleep=SECONDS."""

    body_bytes: int
    service_time_s: float


def read_wishes(query: str, default: Wishes) -> Wishes:
    """Read `bytes` and `sleep` from a query string; other parameters are none of ours.

    Raises ValueError, fit to be shown, for a value that isn't a number within bounds.
    """
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if name == "bytes":
            default = default._replace(body_bytes=int(_within(name, value, MAX_BODY_BYTES)))
        elif name == "sleep":
            default = default._replace(service_time_s=_within(name, value, MAX_SERVICE_TIME_S))
    return default


def read_change(query: str) -> tuple[int | None, float | None, int | None]:
    """Read the `workers` and `slowness` that /_capacity is to have, and of which `port`; None for what is not named.

    Raises ValueError, fit to be shown, for any other name, and for a value out of bounds.
    """
    workers = slowness = port = None
    for pair in filter(None, query.split("&")):
        name, _, value = pair.partition("=")
        if name == "workers":
            workers = int(_within(name, value, MAX_WORKERS, least=1))
        elif name == "slowness":
            slowness = _within(name, value, MAX_SLOWNESS)
        elif name == "port":
            port = int(_within(name, value, 65_535, least=1))
        else:
            raise ValueError(f"there is no {name!r}, expected workers, slowness or port")
    return workers, slowness, port


def _within(name: str, text: str, most: float, least: float = 0) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not least <= value <= most:  # NaN is not within anything
        raise ValueError(f"{name} is {text!r}, expected a number from {least:g} to {most:g}")
    return value
