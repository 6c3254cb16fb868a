"""What more cores cost, bought in one chip or rented in one machine: data, for the price half of the lecture's claim.

    CHIPS    a chip of more cores costs more for each core: one generation's list prices at its launch, in US dollars
             (I. Cutress, J. De Gelas, "Sizing Up Servers: Intel's Skylake-SP Xeon versus AMD's EPYC 7000", AnandTech,
             July 2017). Clock and cache differ as well: it is a price by cores, not by what they do.
    RENTED   a rented machine of more cores costs the same for each: c5 machines of Amazon's EC2, US dollars an hour
             (Amazon EC2 Auto Scaling user guide, "Spot price per unit hour example", on-demand column, where they are
             called example prices).

They say of their own market and year what they say, and of no other; nothing of it is measured here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Offer:
    """One line of a price list, in US dollars: of a chip, or of an hour."""

    name: str
    cores: int
    price: float

    @property
    def per_core(self) -> float:
        """What each core costs."""
        return self.price / self.cores


CHIPS = (Offer("Xeon Silver 4110", 8, 501), Offer("Xeon Silver 4114", 10, 694), Offer("Xeon Gold 6130", 16, 1894),
         Offer("Xeon Gold 6148", 20, 3072), Offer("Xeon Platinum 8160", 24, 4702),
         Offer("Xeon Platinum 8180", 28, 10009))
RENTED = (Offer("c5.2xlarge", 8, 0.34), Offer("c5.4xlarge", 16, 0.68), Offer("c5.12xlarge", 48, 2.04),
          Offer("c5.18xlarge", 72, 3.06), Offer("c5.24xlarge", 96, 4.08))
LISTS = {"chips": CHIPS, "rented": RENTED}


def growth(offers: tuple[Offer, ...]) -> float:
    """What a core costs in the largest, as times what it costs in the smallest.

    >>> round(growth(CHIPS), 2), round(growth(RENTED), 2)
    (5.71, 1.0)
    """
    return offers[-1].per_core / offers[0].per_core


def rows() -> list[dict[str, object]]:
    """The table `prices`."""
    return [{"list": name, "offer": one.name, "cores": one.cores, "dollars": one.price,
             "dollars_per_core": round(one.per_core, 4),
             "times_the_smallest": round(one.per_core / offers[0].per_core, 2)}
            for name, offers in LISTS.items() for one in offers]
