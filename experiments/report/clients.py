"""The table `clients`: whom each client met again, by a hash of its address, when a server changed."""

from __future__ import annotations

from experiments.disruption_claims import moral_of_clients
from experiments.report.section import Reading, Rows


def read(rows: Rows) -> Reading:
    """What part was moved."""
    return Reading(moral_of_clients([dict(row) for row in rows]))
