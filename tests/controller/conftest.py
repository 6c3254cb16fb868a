"""Both frameworks, for the tests that ask for them; and connections that are closed in the end."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from controller import which


@pytest.fixture(params=which.FRAMEWORKS)
def framework(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The framework that the labs' controllers of this test run under, by the name that it is installed under."""
    package: str = request.param
    if not find_spec(package):
        pytest.skip(f"{which.FRAMEWORKS[package]} is not installed")
    monkeypatch.setenv(which.VARIABLE, package)
    return which.FRAMEWORKS[package]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where both are installed, os-ken tries one layer of several: they differ in rules, not in messages."""
    if not all(map(find_spec, which.FRAMEWORKS)):
        return
    spared = [item for item in items if isinstance(item, pytest.Function) and hasattr(item, "callspec")
              and item.callspec.params.get("framework") == "os_ken"
              and item.callspec.params.get("layer") in ("l2", "l3")]
    config.hook.pytest_deselected(items=spared)
    items[:] = [item for item in items if item not in spared]


@pytest.fixture
def sockets() -> Iterator[list[socket.socket]]:
    """Connections that a test has opened; closed at its end, those that it has not closed itself."""
    found: list[socket.socket] = []
    yield found
    for sock in found:
        sock.close()
