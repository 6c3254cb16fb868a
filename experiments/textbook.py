"""The balancers of the textbook: what most published labs put into a switch, as ovs-ofctl's own words. No controller.

    modulo hash      multipath(symmetric_l3l4, modulo_n, N) ──► row k of N: rewrite, switch   (a row a unit of weight)
    select group     group, type=select ──► one bucket a server, with its weight: rewrite, switch

and how each takes a server out, or lets it drain:

    scheme                           the server leaves              it is drained
    modulo hash                      its rows go, N is smaller      the same
    select group, bucket deleted     its bucket goes                the same
    select group, weight 0           its bucket has weight 0        the same
    select group, dead watch port    nothing: the switch sees that  its bucket watches a port that
                                     the port it watches is down    isn't there

The modulus is that of the 5-tuple, not of the client: so that all schemes are asked the same question, whose
*connections* are moved. What is rewritten, and how servers' answers come back, is taken from the lab's own rules
(controller/rules.py), so schemes differ in how they choose and in nothing else. Pure, but for `install`.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from balancing import Backend, Service
from controller import hashed, rules
from controller.cookies import Cookie, Kind
from controller.flows import Flow, Goto, Load, Multipath, Select, family
from layerlab import LabError

WORDS = {"ipv4_src": "ip_src", "ipv4_dst": "ip_dst", "icmpv4_type": "icmp_type", "in_port_nxm": "NXM_OF_IN_PORT[]"}
NO_PORT = 0xFEFF  # OpenFlow's numbers of real ports end at 0xff00

Gone = Collection[str]  # names of servers that are out of reach


@dataclass(frozen=True)
class Bucket:
    """One server's bucket in a select group. watch_port: it serves only while this port is up; 0: always."""

    backend: Backend
    weight: int
    watch_port: int = 0


# -- how each scheme chooses -------------------------------------------------------------------


def _deleted(service: Service, gone: Gone) -> list[Bucket]:
    return [Bucket(backend, backend.weight) for backend in service.backends if _serves(backend, gone)]


def _weightless(service: Service, gone: Gone) -> list[Bucket]:
    return [Bucket(backend, backend.weight if _serves(backend, gone) else 0) for backend in service.backends]


def _watching(service: Service, gone: Gone) -> list[Bucket]:
    """srvN is at port N of s1 (topologies/base.py). Who is out of reach isn't looked at: the switch sees it itself."""
    return [Bucket(backend, backend.weight, NO_PORT if backend.draining else backend.id)
            for backend in service.backends]


BUCKETS: dict[str, Callable[[Service, Gone], list[Bucket]]] = {
    "select group, bucket deleted": _deleted,
    "select group, weight 0": _weightless,
    "select group, dead watch port": _watching,
}
MODULO = "modulo hash"
TEXTBOOK = (MODULO, *BUCKETS)


def _serves(backend: Backend, gone: Gone) -> bool:
    return not backend.draining and backend.name not in gone


# -- the rules ---------------------------------------------------------------------------------


def rules_text(scheme: str, service: Service, gone: Gone = ()) -> list[str]:
    """Everything a switch must hold for a service, as lines of `ovs-ofctl bundle`: they also replace an earlier state.

    scheme: a word of TEXTBOOK. service: at L4, by TCP, without a health check; backends that drain get nothing new.
    Raises LabError if nobody is left to serve.
    """
    if not any(_serves(backend, gone) for backend in service.backends):
        raise LabError(f"nobody is left to serve {service.name!r}", "one server that is in reach and does not drain")
    own = _modulo(service, gone) if scheme == MODULO else [_by_group(service)]
    groups = [] if scheme == MODULO else [group_text(service, BUCKETS[scheme](service, gone))]
    flows = [*own, *rules.common(service), *rules.replies(service), rules.SWITCHING]
    return [*groups, f"flow delete table={hashed.CHOOSE},reg2={service.id}",
            *(f"flow add {flow_text(flow)}" for flow in flows)]


def _modulo(service: Service, gone: Gone) -> list[Flow]:
    """Hash modulo N: N rows, each server as many as its weight."""
    rows = [backend for backend in service.backends if _serves(backend, gone) for _ in range(backend.weight)]
    choose = Multipath("symmetric_l3l4", len(rows), "reg1")
    return [rules.classify(service, (Load("reg2", service.id, 32), choose, Goto(hashed.CHOOSE))),
            *(_row(service, number, backend) for number, backend in enumerate(rows))]


def _row(service: Service, number: int, backend: Backend) -> Flow:
    fields = {**family(service, ports=True), "reg1": number, "reg2": service.id}
    return Flow(hashed.CHOOSE, 10, Cookie(Kind.SLOT, service.id, backend.id), fields, rules.forward(service, backend))


def _by_group(service: Service) -> Flow:
    return rules.classify(service, (Select(service.id),))


def flow_text(flow: Flow) -> str:
    """A rule in ovs-ofctl's words: `Flow` says OXM's."""
    return re.sub("|".join(WORDS), lambda found: WORDS[found[0]], str(flow))


def group_text(service: Service, buckets: Sequence[Bucket]) -> str:
    """A select group of weighted buckets, one a server; it has its service's number."""
    return ",".join([f"group add_or_mod group_id={service.id},type=select",
                     *(_bucket_text(service, bucket) for bucket in buckets)])


def _bucket_text(service: Service, bucket: Bucket) -> str:
    actions = ",".join(map(str, rules.forward(service, bucket.backend)))
    watch = f"watch_port:{bucket.watch_port}," if bucket.watch_port else ""
    return f"bucket=weight:{bucket.weight},{watch}actions={actions}".replace("ipv4_dst", WORDS["ipv4_dst"])


# -- into a switch -----------------------------------------------------------------------------


def install(lines: Sequence[str], switch: str = "s1") -> None:
    """Send `rules_text` to a switch, all of it at once or nothing. Raises LabError with its words if it refuses."""
    done = subprocess.run(["ovs-ofctl", "-O", "OpenFlow13", "bundle", switch, "-"], input="\n".join(lines) + "\n",
                          capture_output=True, text=True)
    if done.returncode:
        raise LabError(f"{switch} refuses the rules: {done.stderr.strip()}", "an OVS that takes them", "./lab doctor")
