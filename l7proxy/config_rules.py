"""[[route]] to Rule: conditions as a balancing.Route, and where it leads.

     checked                                          by
     conditions that can be met, and go together      Route, which raises LabError with a field
     a field that can be read, a template that fits   conditions.py and templates.py, compiled to hear what they say
     a row that some request reaches                  _check_reach
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from balancing import Route
from l7proxy import conditions, templates
from l7proxy.config import Answer, Listener, Redirect, Rule
from l7proxy.config_reader import Form, Reader

_CONDITIONS = ("host", "path", "path_exact", "path_pattern", "header", "cookie", "method")
_ACTIONS = ("pool", "redirect", "answer")


def rules(reader: Reader, form: Form, listeners: Sequence[Listener]) -> list[Rule]:
    """The rows of the table; without a route, one that leads to the only pool."""
    pools = list(dict.fromkeys(one["name"] for one in form["pool"] if one.fields.get("name")))
    if not form["route"]:
        if len(form["pool"]) != 1:
            reader.fault((), f"there are {len(form['pool'])} pools and no [[route]]",
                         "one pool, which then takes every request; or routes")
        return [Rule(name, name) for name in pools[:1]]
    names = [listener.name for listener in listeners]
    made = [(one, _rule(reader, one, number, pools, names)) for number, one in enumerate(form["route"], 1)]
    found = [(one, rule) for one, rule in made if rule is not None]
    _check_reach(reader, found)
    if len(found) == len(made):
        _check_listeners(reader, form, [rule for _, rule in found], listeners)
    return [rule for _, rule in found]


def _rule(reader: Reader, form: Form, number: int, pools: Iterable[str], listeners: Sequence[str]) -> Rule | None:
    if not form.fields:
        return None
    action = _action(reader, form, pools)
    known = [reader.named((*form.path, "listeners", place), name, listeners, "listener")
             for place, name in enumerate(form["listeners"] or ())]
    asked = {key: form[key] for key in _CONDITIONS if form[key] is not None}
    match = reader.each(form.path, Route, asked) if asked else None
    if not form.whole or action is None or not all(known) or (asked and match is None):
        return None
    rule = Rule(form["name"] or f"route-{number}", action, match, form["listeners"], form["rewrite"], form["cache"])
    return rule if _compiles(reader, form, rule) else None


def _action(reader: Reader, form: Form, pools: Iterable[str]) -> str | Redirect | Answer | None:
    given = [key for key in _ACTIONS if form[key] is not None]
    if len(given) != 1:
        reader.fault(form.path, f"the route leads to {' and '.join(given) or 'nothing'}",
                     "one of " + ", ".join(_ACTIONS))
        return None
    if form["rewrite"] and form["pool"] is None:
        reader.fault((*form.path, "rewrite"), f"there is a rewrite beside {given[0]}", "a rewrite beside a pool",
                     "a redirect has a template of its own: to" if form["redirect"] else "")
    if form["pool"] is not None:
        return form["pool"] if reader.named((*form.path, "pool"), form["pool"], pools, "pool") else None
    if form["redirect"] is not None:
        return Redirect(form["redirect"]["to"], form["redirect"]["status"])
    return Answer(form["answer"]["status"], form["answer"]["body"], form["answer"]["content_type"])


def _compiles(reader: Reader, form: Form, rule: Rule) -> bool:
    """Whether `rule` can be compiled as routing.py will."""
    match, action, before = rule.match, rule.action, reader.faulty
    if match:
        reader.attempt(form.path, lambda: conditions.condition(match))
    if rule.rewrite:
        reader.attempt(form.path, lambda: templates.rewrite(rule.rewrite, match))
    if isinstance(action, Redirect):
        reader.attempt((*form.path, "redirect"), lambda: templates.location(action.to, match))
    return reader.faulty == before


def _check_reach(reader: Reader, found: Sequence[tuple[Form, Rule]]) -> None:
    """A row that no request reaches: one before it takes all, or the same, of its listeners."""
    names: dict[object, Any] = {}
    for place, (form, rule) in enumerate(found):
        reader.unique((*form.path, "name"), "routes called", repr(rule.name), names)
        for _, other in found[:place]:
            wider = not other.listeners or (rule.listeners and set(rule.listeners) <= set(other.listeners))
            if wider and other.match in (None, rule.match):
                taken = "every request" if other.match is None else "the same requests"
                reader.fault(form.path, f"no request reaches the route {rule.name!r}: {other.name!r} before it takes "
                             f"{taken}", "each condition once, and a route without conditions last")
                break


def _check_listeners(reader: Reader, form: Form, rules: Sequence[Rule], listeners: Sequence[Listener]) -> None:
    """A listener that no row is for."""
    for listener in listeners:
        if listener.https_port is None and not any(rule.of(listener) for rule in rules):
            place = next(one.path for one in form["listener"]
                         if one.whole and listener.name in (one["name"], str(one["address"])))
            reader.fault(place, f"no route is for the listener {listener.name!r}", "at least one")
