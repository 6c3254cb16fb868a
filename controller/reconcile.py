"""What a controller does with the rules that it finds in a switch: adopt, keep or delete. Pure.

A switch keeps its rules when its controller dies (fail mode secure), so the next one finds what the last one left:

    a unit's flow of a service and backend that we know ──► adopt: the unit keeps its server, its flow is renewed
    a rule that we are about to send anyway              ──► keep:  sending it again replaces it in place
    any other rule that bears our mark                   ──► delete: nobody knows what it is for any more

Rules without our mark are somebody else's and not looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from balancing import Backend, Service, Unit
from controller.cookies import Cookie, Kind
from controller.flows import Flow, Match, Place, place
from controller.frame import unit_of
from controller.rules import resolve, unit_flow

REMEMBER = ("reactive", "tracked")  # realisations that keep a rule for each unit


@dataclass(frozen=True)
class Found:
    """A rule as the switch reports it."""

    table: int
    priority: int
    cookie: int
    match: Match

    @property
    def place(self) -> Place:
        """Where it stands, as Flow.place."""
        return place(self.table, self.priority, self.match)


@dataclass
class Reconciliation:
    """adopt: units with the service and backend that they have. delete: rules to be taken out."""

    adopt: list[tuple[Service, Unit, Backend]] = field(default_factory=list)
    delete: list[Found] = field(default_factory=list)


def reconcile(found: Iterable[Found], services: Mapping[int, Service], wanted: Iterable[Flow]) -> Reconciliation:
    """Sort what was found. services: by id, those of this switch. wanted: the rules that will be sent."""
    places = {flow.place for flow in wanted}
    result = Reconciliation()
    for rule in found:
        cookie = Cookie.read(rule.cookie)
        if cookie and (assignment := _assignment(rule, cookie, services)):
            result.adopt.append(assignment)
        elif cookie and rule.place not in places:
            result.delete.append(rule)
    return result


def _assignment(rule: Found, cookie: Cookie, services: Mapping[int, Service]) -> tuple[Service, Unit, Backend] | None:
    """The unit in a unit's flow, if the rule is still what we would write for it."""
    service = services.get(cookie.service)
    if cookie.kind is not Kind.UNIT or service is None or service.realisation not in REMEMBER:
        return None
    backend = next((backend for backend in service.backends if backend.id == cookie.backend), None)
    fields = {name: rule.match.get(resolve(service, name)) for name in service.row.unit}
    if backend is None or any(not isinstance(value, str | int) for value in fields.values()):
        return None
    unit = unit_of(service.row, fields)  # type: ignore[arg-type]
    return (service, unit, backend) if unit_flow(service, unit, backend).place == rule.place else None
