"""Small Maglev tables for every test of this room: 65,537 slots take a twentieth of a second to fill."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from balancing.algorithms import Maglev


@pytest.fixture(autouse=True, scope="module")
def _small_tables() -> Iterator[None]:
    """What is said in these tests holds for a table of any size; who wants the full one patches it back."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Maglev, "size", 251)
        yield
