"""docs/pipelines.md, drawn from the rules themselves: `python -m controller.drawing > docs/pipelines.md`.

     a sample service of each layer and realisation ──pipelines.rules_of──► flows, groups ──► tables, arrows, rules

Nothing of a pipeline is written here: who changes a rule draws the page anew (a test says so).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from itertools import groupby

from balancing import LAYERS, REALISATIONS, Backend, HealthCheck, Service, Unit
from controller.cookies import Kind
from controller.flows import Action, Flow, Goto, Output, Resubmit, Select, Track
from controller.pipelines import SLOTS, Rules, rules_of
from controller.rules import SWITCHING, unit_flow

TABLES = {0: "what is it?", 1: "what of a connection, or a unit?", 2: "whose unit is it?", 3: "whose slot is it?",
          4: "what is done for that backend?"}
ENDS = {"CONTROLLER": "controller([controller])", "IN_PORT": "back([back])"}
UNITS = {"l2": ("02:00:0a:00:01:01",), "l3": ("10.0.1.1",), "l4": ("10.0.1.1", 40_000)}
HEAD = """# What the switch holds

Drawn from the rules themselves by `python -m controller.drawing`; don't edit it. The code:
[controller/rules.py](../controller/rules.py) (every service, and `reactive`), [hashed.py](../controller/hashed.py),
[tracked.py](../controller/tracked.py). Shown is a service with one backend; further ones add rows like its own. At L2
and L3 a service is TCP, UDP and all else alike. `reg0` is the backend's id, `reg1` the slot, `reg2` the service's id.
"""


def page() -> str:
    """The page, in Markdown."""
    return "\n".join([HEAD, *(section(service) for service in samples())])


def samples() -> Iterator[Service]:
    """A service of each layer and realisation that a switch can do, and of UDP at L4."""
    for layer, row in LAYERS.items():
        for realisation in REALISATIONS:
            if row.in_switch and realisation != "proxy":
                for protocol in ("tcp", "udp") if row.by_port else ("tcp",):
                    yield sample(layer, realisation, protocol)


def sample(layer: str, realisation: str, protocol: str = "tcp") -> Service:
    """One of them."""
    backend = Backend(1, "srv1", ip_address("10.0.10.1"), "02:00:0a:00:02:01", 8001 if layer == "l4" else None)
    return Service(1, "web", ip_address("10.0.0.100"), layer, (backend,), "random", realisation, protocol, 80,
                   health=HealthCheck(source=ip_address("10.0.0.3")))


def section(service: Service) -> str:
    """One pipeline: its tables as a flowchart, then its rules as a table."""
    rules = rules_of(service, [service.backends[0]] * SLOTS if service.realisation != "reactive" else ())
    flows = sorted([*rules.flows.values(), *_units(service), SWITCHING], key=lambda flow: (flow.table, -flow.priority))
    title = f"{service.realisation} at {service.layer.upper()}" + (
        f", {service.protocol.upper()}" if service.row.by_port else "")
    lines = [f"## {title}", "", "```mermaid", "flowchart LR", *arrows(flows, rules), "```", "",
             "| table | priority | rule | match | actions |", "|---|---|---|---|---|", *rows(flows)]
    lines += [f"| group | | {SLOTS} buckets | | each: `{_words(group.buckets[0])}` |"
              for group in rules.groups.values()]
    return "\n".join(lines) + "\n"


def _units(service: Service) -> list[Flow]:
    """What the controller adds, or the switch learns, for each unit."""
    if service.realisation == "reactive":
        return [unit_flow(service, Unit(UNITS[service.layer], b""), service.backends[0])]
    return []


def arrows(flows: Iterable[Flow], rules: Rules) -> list[str]:
    """From table to table, and out of them, with the kinds of the rules that lead there."""
    ways: dict[tuple[str, str], list[str]] = {}
    for flow in flows:
        for target in dict.fromkeys(targets(flow.actions, rules)):
            kinds = ways.setdefault((f"t{flow.table}", target), [])
            if (kind := flow.cookie.kind.name.lower().replace("_", " ")) not in kinds:
                kinds.append(kind)
    nodes = dict.fromkeys(node for way in ways for node in way if node[0] == "t")
    shown = [f'  {node}["table {node[1:]}: {TABLES[int(node[1:])]}"]' for node in sorted(nodes)]
    return shown + [f'  {start} -- "{", ".join(kinds)}" --> {end}' for (start, end), kinds in ways.items()]


def targets(actions: Iterable[Action], rules: Rules) -> Iterator[str]:
    """Where a packet goes on: another table, a port, the controller; nowhere, if there is no action."""
    found = False
    for action in actions:
        found = True
        match action:
            case Goto(table) | Resubmit(table) | Track(table=int(table)):
                yield f"t{table}"
            case Select(number):
                yield from targets(rules.groups[number].buckets[0], rules)
            case Output(port):
                yield ENDS.get(str(port), "out([switched])")
    if not found:
        yield "drop([drop])"


def rows(flows: Iterable[Flow]) -> Iterator[str]:
    """The rules; of the slots' rows the first, for all."""
    for _, same in groupby(flows, key=lambda flow: flow.place if flow.cookie.kind is not Kind.SLOT else Kind.SLOT):
        flow, *more = same
        kind = flow.cookie.kind.name.lower().replace("_", " ") + (f", {1 + len(more)} rows" if more else "")
        fields = str(flow).split("priority=")[1].partition(",")[2].partition("actions=")[0].strip()
        shown = fields.replace(",", ", ") or "any"
        yield f"| {flow.table} | {flow.priority} | {kind} | `{shown}` | `{_words(flow.actions)}` |"


def _words(actions: Iterable[Action]) -> str:
    return ", ".join(map(str, actions)) or "drop"


if __name__ == "__main__":
    print(page(), end="")
