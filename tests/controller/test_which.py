"""Which framework is taken."""

from __future__ import annotations

import pytest

from controller import which
from layerlab import LabError


@pytest.mark.parametrize(
    ("installed", "wanted", "taken"),
    [
        ({"ryu", "os_ken"}, "", "ryu"),
        ({"os_ken"}, "", "os_ken"),
        ({"ryu", "os_ken"}, "os_ken", "os_ken"),
        ({"ryu", "os_ken"}, "os-ken", "os_ken"),
    ],
)
def test_the_one_that_is_wanted_or_else_the_first_that_is_there(
    monkeypatch: pytest.MonkeyPatch, installed: set[str], wanted: str, taken: str
) -> None:
    monkeypatch.setattr(which, "find_spec", lambda name: name in installed)
    monkeypatch.setenv(which.VARIABLE, wanted)
    assert which.framework() == taken


@pytest.mark.parametrize(
    ("installed", "wanted", "said"),
    [
        (set(), "", "ryu and os-ken not installed"),
        ({"ryu"}, "os_ken", "os-ken not installed"),
        ({"ryu"}, "rio", "there is no LAYER_LAB_FRAMEWORK 'rio'"),
    ],
)
def test_what_is_not_there_is_said_with_what_to_type(
    monkeypatch: pytest.MonkeyPatch, installed: set[str], wanted: str, said: str
) -> None:
    monkeypatch.setattr(which, "find_spec", lambda name: name in installed)
    monkeypatch.setenv(which.VARIABLE, wanted)
    with pytest.raises(LabError, match=said) as error:
        which.framework()
    assert error.value.hint or "one of ryu, os_ken" in str(error.value)
