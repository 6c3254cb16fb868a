"""A Config in words: how it was understood, for `--check`; and the keys that there are, for the manual.

     listeners   web  http  127.0.0.1:8080
     routes      web  1  static   path /static          pool files, asked for /{rest}
                      2  rest     every other request   pool app
     pools       app  round-robin   127.0.0.1:8001 w=1, 127.0.0.1:8002 w=2   tested every 1 s at /

The reference in docs/proxy.md is `reference()`; LAYER_LAB_COMPILED=0 python -m l7proxy.config_words writes it there
anew (compiled classes have no docstrings to draw from).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

from balancing import Backend
from l7proxy.config import Address, Answer, Config, Listener, PoolTerms, Redirect, Rule
from l7proxy.config_keys import REQUIRED, SECTIONS, Inner, Key
from l7proxy.config_kinds import UNITS
from l7proxy.config_reader import title

MANUAL = Path(__file__).parents[1] / "docs" / "proxy.md"
BEGINS, ENDS = "<!-- every key, drawn from l7proxy/config_keys.py -->\n", "<!-- end of the keys -->\n"


def understood(config: Config) -> str:
    """What the proxy will do, in lines."""
    lines = ["listeners", *_columns(map(_listener, config.listeners))]
    for listener in config.listeners:
        lines += ["", f"routes of {listener.name}: the first that matches", *_columns(_rules(config, listener))]
    used = {rule.action for rule in config.rules}
    lines += ["", "pools", *_columns((*_pool(pool), "" if pool.name in used else "no route leads here")
                                     for pool in config.pools)]
    return "\n".join(lines + _cache(config))


def forward_understood(config: Config) -> str:
    """What a forward proxy will do, in lines."""
    assert config.forward is not None
    filters = [(str(number), one.action, one.name, str(one)) for number, one in enumerate(config.forward.filters, 1)]
    lines = [config.forward.access.understood()]
    if filters:
        lines += ["", "filters: an answer meets them in this order", *_columns(filters)]
    return "\n".join(lines + _cache(config))


def _cache(config: Config) -> list[str]:
    if config.cache is None:
        return []
    return ["", f"cache: {_size(config.cache.size_bytes)}, answers of at most {_size(config.cache.max_object_bytes)}"]


def _listener(listener: Listener) -> tuple[str, ...]:
    shown = "shows " + ", ".join(listener.certificates) if listener.tls else ""
    return listener.name, "https" if listener.tls else "http", str(listener.address), shown


def _rules(config: Config, listener: Listener) -> Iterator[tuple[str, ...]]:
    if listener.https_port is not None:
        yield "1", "to https", "every request", f"308 to https, port {listener.https_port}"
        return
    for number, rule in enumerate(config.rules_of(listener), 1):
        yield str(number), rule.name, str(rule.match or "every request"), _then(rule, config)
    if all(rule.match for rule in config.rules_of(listener)):
        yield "", "", "every other request", "404"


def _then(rule: Rule, config: Config) -> str:
    if isinstance(rule.action, Answer):
        return f"{rule.action.status}, {len(rule.action.body)} bytes of {rule.action.content_type}"
    if isinstance(rule.action, Redirect):
        return f"{rule.action.status} to {rule.action.to}"
    asked = f", asked for {rule.rewrite}" if rule.rewrite else ""
    return f"pool {rule.action}{asked}" + (", never from the cache" if config.cache and not rule.cache else "")


def _pool(pool: PoolTerms) -> tuple[str, ...]:
    service, check = pool.service, pool.service.health
    servers = ", ".join(map(_server, service.backends))
    tested = f"tested every {check.interval_s:g} s at {check.path}" if check else "not tested"
    policy = pool.policy
    words = [tested]
    if policy.sticky is not None:
        known_by = "cookie" if policy.sticky.kind == "own" else f"hash of {policy.sticky.kind}"
        words.append(f"sticky by {known_by} {policy.sticky.name}")
    if policy.most is not None:
        words.append(f"{policy.most} requests at a server, {policy.queue} wait")
    return pool.name, service.algorithm, servers, ", ".join(words)


def _server(backend: Backend) -> str:
    place = str(Address(backend.ip, backend.port or 0))
    name = place if backend.name == place else f"{backend.name} at {place}"
    return f"{name} w={backend.weight}" + (" draining" if backend.draining else "")


def _size(octets: int) -> str:
    """In the largest unit that it is a whole number of.

    >>> _size(8 * 2**20)
    '8MiB'
    """
    unit = next(unit for unit in ("GiB", "MiB", "KiB", "B") if octets % UNITS[unit] == 0)
    return f"{octets // UNITS[unit]}{unit}"


def _columns(rows: Iterable[Sequence[str]]) -> list[str]:
    """Rows, each column as wide as its widest word."""
    table = list(rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return ["  " + "  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip()
            for row in table]


# The manual.

def reference() -> str:
    """Every key of the file, as tables in Markdown."""
    assert all(key.meaning for keys in SECTIONS.values() for key in keys), "set LAYER_LAB_COMPILED=0"
    return "\n".join(f"### {_title(section)}\n\n| key | value | default | |\n|---|---|---|---|\n"
                     + "".join(_row(list(group)) for _, group in groupby(keys, lambda key: key.meaning))
                     for section, keys in SECTIONS.items())


def _title(section: str) -> str:
    return f"`{title(section)}`" if section else "The file"


def _row(keys: Sequence[Key]) -> str:
    """The row of these keys, which have one meaning."""
    columns = ([f"`{key.name}`" for key in keys], [_value(key) for key in keys], [_default(key) for key in keys])
    return "| " + " | ".join("<br>".join(column) for column in columns) + f" | {keys[0].meaning.rstrip('.')} |\n"


def _value(key: Key) -> str:
    if isinstance(key.kind, Inner):
        return f"table{'s' if key.kind.many else ''} `{title(key.kind.section)}`"
    return key.kind.words


def _default(key: Key) -> str:
    if key.default is REQUIRED:
        return "*required*"
    if key.shown or key.default in (None, (), ""):
        return key.shown or "none"
    words = {True: "true", False: "false"}
    return f"`{words[key.default]}`" if isinstance(key.default, bool) else (
        f'`"{key.default}"`' if isinstance(key.default, str) else f"`{key.default}`")


def drawn_anew(page: str) -> str:
    """The manual with today's reference in it."""
    return re.sub(f"(?s){re.escape(BEGINS)}.*?{re.escape(ENDS)}", lambda _: f"{BEGINS}\n{reference()}\n{ENDS}", page)


if __name__ == "__main__":
    MANUAL.write_text(drawn_anew(MANUAL.read_text()))
