"""Small change for sentences: names, lists and numbers as people write them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from experiments.envelope import Row

LAYER_NAMES = {"plain": "plain switching"}


def layer_name(layer: object) -> str:
    """
    >>> [layer_name(word) for word in ("l4", "plain")]
    ['L4', 'plain switching']
    """
    word = str(layer)
    return LAYER_NAMES.get(word, word.upper())


def listed(words: Iterable[object], joint: str = "and") -> str:
    """
    >>> listed(["L2", "L3", "L4"]), listed(["L2"]), listed([])
    ('L2, L3 and L4', 'L2', 'none')
    """
    *most, last = [str(word) for word in words] or ["none"]
    return f"{', '.join(most)} {joint} {last}" if most else last


def counted(number: float, noun: str) -> str:
    """
    >>> counted(1, "unit"), counted(1200, "unit"), counted(2, "flow entry")
    ('1 unit', '1,200 units', '2 flow entries')
    """
    plural = noun.removesuffix("ry") + "ries" if noun.endswith("ry") else noun + "s"
    return f"{amount(number)} {noun if number == 1 else plural}"


def amount(number: float) -> str:
    """A number to about three digits that count.

    >>> [amount(number) for number in (0, 0.0234, 0.5, 3.14159, 31.4159, 48.0, 153.26, 12345)]
    ['0', '0.023', '0.50', '3.14', '31.4', '48', '153', '12,345']
    """
    if number == int(number) or abs(number) >= 100:
        return f"{number:,.0f}"
    return f"{number:.1f}" if abs(number) >= 10 else f"{number:.2f}" if abs(number) >= 0.1 else f"{number:.3f}"


def percent(part: float) -> str:
    r"""A part of the whole; the space doesn’t break.

    >>> percent(1 / 3)
    '33\xa0%'
    """
    return f"{100 * part:.0f}\N{NO-BREAK SPACE}%"


def milliseconds(value: float) -> str:
    r"""
    >>> milliseconds(0.31)
    '0.31\xa0ms'
    """
    return f"{amount(value)}\N{NO-BREAK SPACE}ms"


def capital(words: str) -> str:
    """
    >>> capital("behind a NAT")
    'Behind a NAT'
    """
    return words[:1].upper() + words[1:]


def verb(subjects: Iterable[object], one: str, several: str) -> str:
    """The verb's form for one subject, or for several."""
    return one if len(list(subjects)) == 1 else several


def number(row: Row, column: str) -> float:
    """A cell as a number; 0 where there is nothing."""
    value = row.get(column)
    return float(value) if isinstance(value, int | float) else 0.0


def share_of(row: Row) -> dict[str, float]:
    """The cell `share`: what each server had."""
    share = row.get("share")
    return {str(server): float(count) for server, count in share.items()} if isinstance(share, Mapping) else {}


def fullest(share: Mapping[str, float]) -> float:
    """The part of the whole that the fullest server had, 0 where nobody had anything."""
    return max(share.values(), default=0.0) / (sum(share.values()) or 1)
