"""One timer for the whole proxy: a wheel of slots, moved on by whoever has a clock.

A request changes what it waits for several times, and a timer per change would cost more than the
request. So an alarm that is put off stays where it was filed and is filed anew only when its slot comes up:

     slot   0   1   2   3   4   5  ...        due 9, filed 3: at tick 3 it is not due, so it moves to 9;
                   now  ▲                     due 2, filed 9: sooner than filed, so it moves at once.

Rules kept here:

1. Pure: ticks are counted, never read from a clock.
2. An alarm rings at most once for each `set`, never before it is due, and on the very tick it is due.
"""

from __future__ import annotations

from collections.abc import Callable

NEVER = -1


class Alarm:
    """Something that rings when it has not been put off in time. Made by `Wheel.alarm`."""

    __slots__ = ("due", "filed", "ring", "wheel")

    def __init__(self, wheel: Wheel, ring: Callable[[], object]) -> None:
        self.wheel, self.ring = wheel, ring
        self.due = self.filed = NEVER

    def set(self, ticks: int) -> None:
        """Ring `ticks` (at least one) from now, whatever was set before."""
        self.due = due = self.wheel.now + ticks
        if self.filed == NEVER or due < self.filed:
            self.wheel.file(self)

    def hush(self) -> None:
        """Don't ring, until set again. Costs nothing now; the wheel finds out when the slot comes up."""
        self.due = NEVER

    def cancel(self) -> None:
        """Don't ring, and be forgotten by the wheel."""
        self.due = NEVER
        self.wheel.forget(self)

    def __repr__(self) -> str:
        return "<Alarm off>" if self.due == NEVER else f"<Alarm in {self.due - self.wheel.now} ticks>"


class Wheel:
    """Alarms by the tick they were filed under."""

    def __init__(self) -> None:
        self.now = 0
        self._slots: dict[int, set[Alarm]] = {}

    def alarm(self, ring: Callable[[], object]) -> Alarm:
        """A new alarm that calls `ring`; it is off until it is set."""
        return Alarm(self, ring)

    def file(self, alarm: Alarm) -> None:
        """Put `alarm` into the slot of the tick it is due."""
        self.forget(alarm)
        alarm.filed = alarm.due
        self._slots.setdefault(alarm.due, set()).add(alarm)

    def forget(self, alarm: Alarm) -> None:
        """Take `alarm` out of its slot."""
        if alarm.filed != NEVER:
            self._slots[alarm.filed].discard(alarm)
            alarm.filed = NEVER

    def advance(self) -> None:
        """One tick has passed: ring what is due, file anew what was put off."""
        self.now += 1
        for alarm in self._slots.get(self.now, set()).copy():
            self.forget(alarm)
            if alarm.due > self.now:
                self.file(alarm)
            elif alarm.due != NEVER:
                alarm.due = NEVER
                alarm.ring()
        self._slots.pop(self.now, None)

    def __len__(self) -> int:
        return sum(map(len, self._slots.values()))

    def __repr__(self) -> str:
        return f"<Wheel at tick {self.now}: {len(self)} alarms>"
