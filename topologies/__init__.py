"""WHAT is wired to what: Mininet topologies, and the capsule they live in.

Rules of this room:

1. Only `nodes.py` imports Mininet. Only `capsule.py` and `running.py` know about namespaces and /run.
2. A topology knows hosts, links and addresses. It knows nothing of services or balancing and
   imports no other room, so that `from topologies import Flat` works in any Mininet script.
3. One address plan, for all of them: `addresses.py`.
"""

from topologies.base import LabTopo
from topologies.campus import Campus
from topologies.flat import Flat
from topologies.nat import Nat
from topologies.routed import Routed

TOPOLOGIES: dict[str, type[LabTopo]] = {topology.name: topology for topology in (Flat, Routed, Nat, Campus)}

__all__ = ["TOPOLOGIES", "Campus", "Flat", "LabTopo", "Nat", "Routed"]
