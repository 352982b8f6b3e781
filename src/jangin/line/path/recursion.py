"""The recursion itself: a portion of parts through all stations, every row of times a whole set of replications.

Times are (n, R), in the order in which parts start at a station (`start`, `done`) or leave it (`left`).

With c machines parts may finish in another order than they started. Parts taken in turn start when the c-th last
departure is over, so c - 1 finishing times are kept in order, `pending`; the new one is sorted in, the least comes out.
A station with c machines gives its departures c - 1 steps late, and whatever comes after it works on parts that much
earlier. Before the first part stand "ghosts", which left at minus infinity.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from jangin.line.layout import Layout

__all__ = ["Path", "Place"]

Array = np.ndarray
Step = tuple[Callable[..., object], Array, Array, Array]  # an operation, two operands, the result


class Place:
    """One station's times in the present portion.

    Attributes:
        machines: in parallel.
        ghosts: steps before its first part.
        time: how long each run takes, repairs included; to be filled before `Path.advance`.
        taken: when part and machine are there; start: when it is taken and its run starts; done: when the run ends, by
            order of start.
        finished: `done` in ascending order; left: when parts leave, in that order.
        free: when the machine that takes the part became free.
    """

    def __init__(
        self, shape: tuple[int, int], machines: int, ghosts: int, keep: int, *, waits: bool, holds: bool
    ) -> None:
        n, width = shape
        self.machines, self.ghosts, self.keep = machines, ghosts, keep
        self.time = np.zeros(shape)
        self.taken = np.empty(shape)
        self.start = np.empty(shape) if waits else self.taken
        self.history = np.full((keep + n, width), -np.inf)
        self.left = self.history[keep:]
        self.free = self.history[keep - 1 : -1]
        self.finished = np.empty(shape) if holds else self.left
        self.done = np.empty(shape) if machines > 1 else self.finished
        self.pending = np.full((machines - 1, width), -np.inf)
        self.pending_before = self.pending.copy()

    def go_on(self) -> None:
        """The last departures become the history of the next portion."""
        n = len(self.time)
        self.history[: self.keep] = self.history[n:].copy() if self.keep > n else self.history[n:]
        self.pending_before[...] = self.pending


class Path:
    """All stations of a serial layout, portion by portion."""

    def __init__(self, layout: Layout, n: int, width: int) -> None:
        row = layout.serial
        assert row is not None  # `unfit` has said so
        self._room = [None if b.capacity is None else b.capacity + 1 for b in row] + [None]  # how many steps back
        lags = np.cumsum([0] + [s.machines - 1 for s in layout.stations])
        self.arrived = np.zeros((n, width))  # when each part may be taken by the first station
        self.places = [
            Place(
                (n, width),
                s.machines,
                int(lags[i]),
                max(1, self._room[i - 1] or 1) if i else 1,
                waits=s.blocking == "before" and self._room[i] is not None,
                holds=s.blocking == "after" and self._room[i] is not None,
            )
            for i, s in enumerate(layout.stations)
        ]
        self._steps = [step for j in range(n) for i in range(len(self.places)) for step in self._at(i, j)]

    def advance(self) -> None:
        """The next n parts. Fill `arrived` (unless saturated) and every place's `time` before, `go_on` after."""
        for operation, a, b, out in self._steps:
            operation(a, b, out=out)

    def go_on(self) -> None:
        for place in self.places:
            place.go_on()

    def _at(self, i: int, j: int) -> Sequence[Step]:
        """What is to be calculated at station i in row j, in order."""
        place, back = self.places[i], self._room[i]
        before = self.places[i - 1].left if i else self.arrived
        steps: list[Step] = [(np.maximum, before[j], place.free[j], place.taken[j])]
        room = None
        if back is not None:
            behind = self.places[i + 1]
            room = behind.history[behind.keep + j - back]
        if place.start is not place.taken:
            assert room is not None
            steps.append((np.maximum, place.taken[j], room, place.start[j]))
        steps.append((np.add, place.start[j], place.time[j], place.done[j]))
        if place.machines > 1:
            steps += _sort_in(place.done[j], place.pending, place.finished[j])
        if place.finished is not place.left:
            assert room is not None
            steps.append((np.maximum, place.finished[j], room, place.left[j]))
        return steps


def _sort_in(new: Array, pending: Array, least: Array) -> list[Step]:
    """The least of `new` and `pending` into `least`; the others stay in `pending`, in order."""
    carry = np.empty_like(new)
    steps: list[Step] = [(np.minimum, new, pending[0], least), (np.maximum, new, pending[0], carry)]
    for m in range(1, len(pending)):
        steps.append((np.minimum, carry, pending[m], pending[m - 1]))
        steps.append((np.maximum, carry, pending[m], carry))
    steps.append((np.add, carry, np.zeros_like(carry), pending[-1]))
    return steps
