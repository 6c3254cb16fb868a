"""Both frameworks, for the tests that ask for them."""

from __future__ import annotations

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
