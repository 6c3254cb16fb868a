"""TEST DATA for and against the claims that `reverse-proxy` tries."""

from __future__ import annotations

from typing import Any

from experiments.reverse_proxy_claims import JUDGED, judged
from experiments.verdicts import Verdict
from tests.experiments.report import rows

AGAINST: dict[str, list[dict[str, Any]]] = {  # what the rows are in their place, one by one
    "wire": [{"show_the_others": 230, "readable": 60}, {"readable": 60}],
    "passing": [{"through": 2}, {"through": 2, "show_clients": 200}, {}],
    "caching": [{}, {}, {"made_rounds": [50, 50, 50], "p50_ms_rounds": [60.0, 64.0, 66.0]}],
    "connections": [{"busiest_server": 60}, *[{"busiest_server": 60, "server_connections": 60}] * 2],
}


def supporting() -> list[Verdict]:
    return [verdict for table in JUDGED for verdict in judged(table, rows.TABLES[table]())]


def refuting() -> list[Verdict]:
    return [verdict for table, cells in AGAINST.items()
            for verdict in judged(table, [row | own for row, own in zip(rows.TABLES[table](), cells, strict=True)])]
