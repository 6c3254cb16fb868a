"""Question: by what can each layer send a request to the servers that are meant for it?

Prediction: L4 adds the port to what L2 and L3 know, L7 everything that is in the request.

                              L2   L3   L4   L7
    port, same server         no   no   yes  yes     VIP:80 and VIP:81 to two programs of one server
    port, different servers   no   no   yes  yes     VIP:82 and VIP:83 to different servers
    URL category              no   no   no   yes     /video to one server, the rest to the others
    header                    no   no   no   yes     X-Version: beta
    cookie                    no   no   no   yes     group=b

Method: one lab in which each layer has its best try at each criterion (`services`): two services where the layer can
hold two, else one over all the servers. Then real requests of both kinds, mixed. "Yes" means that every single one was
answered by a program that was meant for it, as the program itself says.

The claims: every request is a case, and the layer that is said to do is held against the best of those below it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from balancing import LAYERS, Service
from experiments.display import Display
from experiments.experiment import Options, Part
from experiments.lab import Lab
from experiments.tables import table
from experiments.traffic import Plan, Step, run_plan
from experiments.verdicts import Claim, Rule, Verdict, of_part
from topologies import addresses

SERVERS = 3
QUICK, FULL = 16, 50  # requests of each kind in a cell
RUNS = {"": (80, 81, 82, 83, 84, 85, 86, 8001), "-b": (8002,)}  # srv1 and, on 8002, srv1-b beside it


@dataclass(frozen=True)
class Kind:
    """One kind of request, and the programs that are meant for it: (server's number, program's suffix, its port)."""

    port: int
    meant: tuple[tuple[int, str, int], ...]
    path: str = "/"
    header: tuple[str, str] = ("", "")

    @property
    def names(self) -> set[str]:
        """What the programs that are meant for it call themselves."""
        return {f"srv{number}{suffix}" for number, suffix, _ in self.meant}


@dataclass(frozen=True)
class Criterion:
    """What tells two kinds of request apart. route: how L7 is told, where the ports are the same."""

    by: str
    kinds: tuple[Kind, Kind]
    route: dict[str, Any] | None = None

    @property
    def by_port(self) -> bool:
        """Whether the two kinds come to different ports of the VIP."""
        return self.route is None


def _by_content(by: str, port: int, route: dict[str, Any], **special: Any) -> Criterion:
    """The special kind belongs to srv3, everything else to srv1 and srv2."""
    others = Kind(port, ((1, "", port), (2, "", port)), path="/text/1")
    return Criterion(by, (Kind(port, ((3, "", port),), **{"path": "/text/1"} | special), others), route)


CRITERIA = (
    Criterion("port, same server", (Kind(80, ((1, "", 8001),)), Kind(81, ((1, "-b", 8002),)))),
    Criterion("port, different servers", (Kind(82, ((1, "", 82),)), Kind(83, ((2, "", 83), (3, "", 83))))),
    _by_content("URL category", 84, {"path": "/video"}, path="/video/1"),
    _by_content("header", 85, {"header": {"name": "X-Version", "value": "beta"}}, header=("X-Version", "beta")),
    _by_content("cookie", 86, {"cookie": {"name": "group", "value": "b"}}, header=("Cookie", "group=b")),
)


AS_WISHED = Rule("part of the requests that the right program answered", ">", 0.85)
CLAIMS = {  # by what tells requests apart: the least layer that is said to do, and the claim
    "port, same server": ("l4", Claim(5, "several programs on one server are told apart by port", AS_WISHED,
                                      "the layer is L4 or higher")),
    **{by: ("l7", Claim(6, f"requests are split by {by}", AS_WISHED, "the layer is L7"))
       for by in ("URL category", "header", "cookie")},
}


@dataclass(frozen=True)
class Cell:
    """One layer by one criterion. as_wished: requests that a program meant for them answered."""

    layer: str
    by: str
    requests: int
    as_wished: int
    distinguished: bool


def services() -> list[Service]:
    """Every layer's best try, each layer on a VIP of its own."""
    found: list[Service] = []
    for number, layer in enumerate(LAYERS):
        for kinds, route in _tries(layer):
            meant = sorted({one for kind in kinds for one in kind.meant})
            found.append(_service(layer, number, len(found) + 1, kinds[0].port, meant, route))
    return found


def _tries(layer: str) -> Iterator[tuple[Sequence[Kind], dict[str, Any] | None]]:
    """The services that `layer` can hold: the kinds of request that each takes, and its route at L7."""
    row = LAYERS[layer]
    if row.in_switch and not row.by_port:
        yield (Kind(80, tuple((n, "", 80) for n in range(1, SERVERS + 1))),), None  # all of the VIP is one service
        return
    for criterion in CRITERIA:
        first, second = criterion.kinds
        if criterion.by_port or not row.in_switch:
            yield (first,), criterion.route
            yield (second,), None
        else:
            yield (first, second), None


def _service(layer: str, number: int, id: int, port: int, meant: Sequence[tuple[int, str, int]],
             route: dict[str, Any] | None) -> Service:
    backends = [{"id": n + 100 * bool(suffix), "name": f"srv{n}{suffix}", "port": own,
                 "ip": str(addresses.service_address(number, n)), "mac": addresses.mac(addresses.server(n))}
                for n, suffix, own in meant]
    form = {"id": id, "name": f"{layer}-{id}", "vip": str(addresses.vip(number)), "layer": layer, "port": port,
            "backends": backends}
    return Service.from_json(form | ({"route": route} if route else {}))


def lab_for(say: Callable[[str], object] = lambda words: None) -> Lab:
    """The lab, not yet up."""
    return Lab("flat", services(), clients=6, servers=SERVERS, runs=RUNS,
               say=lambda words: say(f"distinguish: {words}"))


def measure(lab: Lab, requests: int, seed: int, say: Callable[[str], object] = lambda words: None) -> Iterator[Cell]:
    """Every layer by every criterion, `requests` of each kind. Yields each cell as it is done."""
    for layer in LAYERS:
        for criterion in CRITERIA:
            say(f"distinguish: {layer} by {criterion.by}")
            yield _cell(lab, layer, criterion, requests, seed)


def _cell(lab: Lab, layer: str, criterion: Criterion, requests: int, seed: int) -> Cell:
    vip = next(one.vip for one in lab.services if one.layer == layer)
    kinds = [kind for kind in criterion.kinds for _ in range(requests)]
    random.Random(seed).shuffle(kinds)
    clients = lab.clients()
    steps = tuple(Step(clients[n % len(clients)], f"http://{vip}:{kind.port}{kind.path}",
                       (kind.header,) if kind.header[0] else ()) for n, kind in enumerate(kinds))
    answers = run_plan(Plan(steps), concurrency=4)
    wished = sum(answer.server in kind.names for kind, answer in zip(kinds, answers, strict=True))
    return Cell(layer, criterion.by, len(kinds), wished, wished == len(kinds))


def rows(cells: Sequence[Cell]) -> list[dict[str, object]]:
    """The table `distinguish`."""
    return [asdict(cell) for cell in cells]


def grid(cells: Sequence[Cell]) -> list[dict[str, object]]:
    """The same for people: a row a criterion, a column a layer, with the requests that went as wished."""
    found = {(cell.by, cell.layer): cell for cell in cells}
    return [{"send by": criterion.by, **{layer.upper(): _words(found[criterion.by, layer])
                                         for layer in LAYERS if (criterion.by, layer) in found}}
            for criterion in CRITERIA]


def _words(cell: Cell) -> str:
    return "yes" if cell.distinguished else f"no ({cell.as_wished}/{cell.requests})"


def moral(cells: Sequence[Cell]) -> str:
    """What is to be seen, in the run's own figures."""
    able = {layer: [cell.by for cell in cells if cell.layer == layer and cell.distinguished] for layer in LAYERS}
    words = [f"{layer.upper()} by {' and '.join(map(repr, known))}" if known else f"{layer.upper()} by none of it"
             for layer, known in able.items()]
    return f"Who can send by what: {', '.join(words)}. A number: so many went where they were meant to, by chance."


def verdicts(cells: Sequence[Cell]) -> list[Verdict]:
    """What came of the claims."""
    found = {(cell.by, cell.layer): cell for cell in cells}
    order = list(LAYERS)
    judged = []
    for by, (least, claim) in CLAIMS.items():
        below = max((found[by, layer] for layer in order[:order.index(least)]), key=lambda cell: cell.as_wished)
        does = min((found[by, layer] for layer in order[order.index(least):]), key=lambda cell: cell.as_wished)
        judged.append(claim.judge(of_part(does.as_wished, does.requests), of_part(below.as_wished, below.requests)))
    return judged


def part(options: Options, display: Display) -> Part:
    """Measure it, in a lab of its own. As predicted: L7 by everything, L4 by ports, L2 and L3 by none of it."""
    cells = []
    with lab_for(display.say) as lab:
        for cell in measure(lab, QUICK if options.quick else FULL, options.seed, display.say):
            cells.append(cell)
            display.show(table("distinguish", grid(cells)))
    return Part("distinguish", rows(cells), moral(cells), all(cell.distinguished is predicted(cell) for cell in cells),
                shown=grid(cells), style=lambda row, column: "green" if row[column] == "yes" else "",
                verdicts=verdicts(cells))


def predicted(cell: Cell) -> bool:
    """Whether the layer sees what the two kinds of request differ in."""
    row = LAYERS[cell.layer]
    return not row.in_switch or (row.by_port and cell.by.startswith("port"))
