"""The table `placement`: what a proxy costs at each place, and who shares its fate."""

from __future__ import annotations

from experiments.placement import contradictions, moral
from experiments.report.section import Reading, Rows
from experiments.report.wording import capital


def read(rows: Rows) -> Reading:
    """What was lost at each place, and where the proxy was."""
    points = tuple((capital(str(row["place"])), (
        f"the proxy in {row['died']} died: {row['lost']} of {row['while_dead']} requests were lost, and "
        f"{row['lost_late']} of the {row['later']} that came when it could have been noticed."))
        for row in rows if row["died"])
    return Reading(moral(rows), as_predicted=not contradictions(rows), points=points)
