"""From times to what a plant asks: seconds in each state, parts in each place, parts that left.

Two windows. `FixedTime`: one stretch of real time, the same for all stations; every interval is cut to it, so nothing
is approximated. `FixedParts`: each station from its `warmup_parts`-th to its `parts`-th departure, which needs no
cutting and wastes no part; for long runs.

Every machine's time is starved (free ... taken), blocked (before a run that may not start, or finished ... left), down,
or running; so the four sum to machines x window. With c machines the part taken k-th goes to the one freed (k-c)-th.
"""

from __future__ import annotations

import numpy as np

from jangin.line.layout import Layout
from jangin.line.path.clock import Clock
from jangin.line.path.recursion import Path, Place
from jangin.line.path.supply import Supply
from jangin.line.result import STATES, Replications

__all__ = ["FixedParts", "FixedTime"]

Array = np.ndarray
_RUNNING, _BLOCKED, _STARVED, _DOWN, _OFF = (STATES.index(s) for s in ("running", "blocked", "starved", "down", "off"))


class _Window:
    """Sums so far, one column per replication."""

    def __init__(self, layout: Layout, clock: Clock, width: int) -> None:
        stations = len(layout.stations)
        self.layout, self.clock, self.width = layout, clock, width
        self.states = np.zeros((stations, len(STATES), width))
        self.finished = np.zeros((stations, width))
        self.buffers = np.zeros((stations - 1, width))  # part-seconds
        self.in_line = np.zeros(width)  # part-seconds
        self.lead = np.zeros(width)  # of good parts, in all
        self.good, self.scrapped = np.zeros(width), np.zeros(width)
        self.by_part = np.zeros((len(layout.parts), width)) if len(layout.parts) > 1 else None
        self._carried: dict[int, Array] = {}  # when the parts that parallel machines hold were released

    def births(self, path: Path, supply: Supply) -> Array:
        """(n, R) when each part that the last station takes was released, in real time."""
        born = supply.arrivals
        if born is None:
            born = self.clock.real(path.places[0].start)
        for i, place in enumerate(path.places[:-1]):
            if place.machines > 1:  # parts overtake: they leave in the order of their finishing times
                held = self._carried.get(i, np.full(place.pending.shape, -np.inf))
                all_born = np.concatenate([held, born])
                order = np.argsort(np.concatenate([place.pending_before, place.done]), axis=0, kind="stable")
                sorted_born = np.take_along_axis(all_born, order, axis=0)
                born, self._carried[i] = sorted_born[: len(born)], sorted_born[len(born) :]
        return np.maximum(born, 0.0) if born[0].min() < 0.0 else born

    def leaves(self, path: Path) -> Array:
        """(n, R) when the last station's parts leave, in the order in which it takes them, in real time."""
        done = path.places[-1].done
        return self.clock.real(np.maximum(done, 0.0) if done[0].min() < 0.0 else done)

    def count(self, counted: Array | None, supply: Supply, born: Array, left: Array) -> None:
        """Counts the parts in the window (None: all) as good or scrapped, and their times in the line."""
        good = counted
        if supply.scrap is not None:
            good = ~supply.scrap if counted is None else counted & ~supply.scrap
            self.scrapped += supply.scrap.sum(axis=0) if counted is None else (counted & supply.scrap).sum(axis=0)
        if good is None:
            self.good += len(left)
            self.lead += (left - born).sum(axis=0)
        else:
            self.good += good.sum(axis=0)
            self.lead += np.where(good, left - born, 0.0).sum(axis=0)
        if self.by_part is not None and supply.types is not None:
            for k in range(len(self.by_part)):
                own = supply.types == k
                self.by_part[k] += (own if good is None else own & good).sum(axis=0)

    def replications(self, keep: slice, seconds: Array, bins: Array | None) -> Replications:
        """The columns `keep` as a result."""
        stations = len(self.layout.stations)
        with np.errstate(invalid="ignore", divide="ignore"):
            lead = np.where(self.good > 0, self.lead / self.good, np.nan)
            wip, buffers = self.in_line / seconds, self.buffers / seconds
        scrapped = np.zeros((self.width, stations))
        scrapped[:, -1] = self.scrapped
        return Replications(
            seconds=seconds[keep],
            good=self.good[keep],
            scrapped=self.scrapped[keep],
            wip=wip[keep],
            lead_s=lead[keep],
            states=np.ascontiguousarray(self.states.transpose(2, 0, 1)[keep]),
            finished=np.ascontiguousarray(self.finished.T[keep]),
            station_scrapped=scrapped[keep],
            reworked=np.zeros((self.width, stations))[keep],
            buffers=np.ascontiguousarray(buffers.T[keep]),
            engine="path",
            bins=None if bins is None else bins[keep],
            good_by_part=None if self.by_part is None else np.ascontiguousarray(self.by_part.T[keep]),
            stuck=np.full(self.width, np.inf)[keep],
        )


class FixedTime(_Window):
    """Everything from `begin_s` to `end_s`, real time."""

    def __init__(
        self, layout: Layout, clock: Clock, width: int, begin_s: float, end_s: float, bins: int, *, states: bool = True
    ) -> None:
        super().__init__(layout, clock, width)
        self._measures = states
        self.begin, self.end = begin_s, end_s
        self.on = float(clock.worked(np.array(begin_s))), float(clock.worked(np.array(end_s)))
        self.bins = np.zeros((width, bins)) if bins else None
        lag = sum(s.machines - 1 for s in layout.stations)
        self._more = lag + max(s.machines for s in layout.stations) + 1  # steps after the first part beyond the end
        self._past = -1
        self._ordered = lag == 0  # parts leave the line in the order in which they came

    @property
    def done(self) -> bool:
        """Every replication is past the end, at every station."""
        return self._past >= self._more

    def add(self, path: Path, supply: Supply) -> None:
        """One portion more."""
        if self._measures:
            for i, place in enumerate(path.places):
                self._station(i, place, supply)
                if i:
                    since, until = self.clock.real(path.places[i - 1].left), self.clock.real(place.start)
                    self.buffers[i - 1] += _between(since, until, self.begin, self.end)
        born, left = self.births(path, supply), self.leaves(path)
        self.in_line += _between(born, left, self.begin, self.end, ordered=self._ordered)
        if born.min() > self.begin and left.max() <= self.end:
            self.count(None, supply, born, left)
        elif left.max() > self.begin and left.min() <= self.end:
            self.count((left > self.begin) & (left <= self.end), supply, born, left)
        if self.bins is not None:
            self._bin(supply, left)
        self._look_ahead(path, supply)

    def result(self, keep: slice) -> Replications:
        if not self._measures:
            for unknown in (self.states, self.finished, self.buffers):
                unknown[:] = np.nan
        for i, station in enumerate(self.layout.stations):
            off = (self.end - self.begin) - (self.on[1] - self.on[0])
            self.states[i, _OFF] = station.machines * max(0.0, off)
        return self.replications(keep, np.full(self.width, self.end - self.begin), self.bins)

    def _station(self, i: int, place: Place, supply: Supply) -> None:
        low, high = self.on
        states = self.states[i]
        states[_STARVED] += _between(place.free, place.taken, low, high)
        if place.start is not place.taken:
            states[_BLOCKED] += _between(place.taken, place.start, low, high)
        if place.left is not place.finished:
            states[_BLOCKED] += _between(place.finished, place.left, low, high)
        busy = _between(place.start, place.done, low, high, ordered=place.machines == 1)
        repairs = supply.repairs[i]
        if repairs is not None:
            began = place.start[repairs.row, repairs.column] + repairs.after_s
            lasts = np.clip(began + repairs.lasts_s, low, high) - np.clip(began, low, high)
            down = np.bincount(repairs.column, lasts, minlength=self.width)
            states[_DOWN] += down
            busy -= down
        states[_RUNNING] += busy
        if place.finished[0].min() > low and place.finished[-1].max() <= high:
            self.finished[i] += len(place.finished)
        else:
            self.finished[i] += ((place.finished > low) & (place.finished <= high)).sum(axis=0)

    def _bin(self, supply: Supply, left: Array) -> None:
        assert self.bins is not None
        n = self.bins.shape[1]
        counted = (left > 0.0) & (left <= self.end)
        if supply.scrap is not None:
            counted &= ~supply.scrap
        row, column = np.nonzero(counted)
        bin_ = np.minimum((left[row, column] * (n / self.end)).astype(np.intp), n - 1)
        self.bins += np.bincount(column * n + bin_, minlength=self.width * n).reshape(self.width, n)

    def _look_ahead(self, path: Path, supply: Supply) -> None:
        n = len(path.arrived)
        if self._past >= 0:
            self._past += n
            return
        beyond = path.places[0].taken.min(axis=1) > self.on[1]
        if supply.arrivals is not None:
            beyond &= supply.arrivals.min(axis=1) > self.end
        if beyond.any():
            self._past = n - 1 - int(np.argmax(beyond))


class FixedParts(_Window):
    """Each station from its `first`-th departure (0: the start) to its `last`-th."""

    def __init__(self, layout: Layout, clock: Clock, width: int, first: int, last: int) -> None:
        super().__init__(layout, clock, width)
        self.first, self.last, self._at = first, last, 0
        self._steps = last + sum(s.machines - 1 for s in layout.stations)
        shape = (len(layout.stations), width)
        self._begin, self._end = np.zeros(shape), np.zeros(shape)  # of each station's window, on shift

    @property
    def done(self) -> bool:
        """Every station has had its last part."""
        return self._at >= self._steps

    def add(self, path: Path, supply: Supply) -> None:
        """One portion more."""
        for i, place in enumerate(path.places):
            self._station(i, place, supply)
            rows = self._rows(place.ghosts, len(place.taken))
            if i and rows.stop > rows.start:
                since, until = (self.clock.real(x[rows]) for x in (path.places[i - 1].left, place.start))
                self.buffers[i - 1] += (until - since).sum(axis=0)
        born, left = self.births(path, supply), self.leaves(path)
        rows = self._rows(path.places[-1].ghosts, len(left))
        if rows.stop > rows.start:
            self.in_line += (left[rows] - born[rows]).sum(axis=0)
            counted = None
            if rows.stop - rows.start < len(left):
                counted = np.zeros(left.shape, bool)
                counted[rows] = True
            self.count(counted, supply, born, left)
        self._at += len(path.arrived)

    def result(self, keep: slice) -> Replications:
        """Every station's seconds are scaled to the last one's window, from which they differ by a few parts."""
        begin, end = self.clock.real(self._begin), self.clock.real(self._end)
        off = np.maximum((end - begin) - (self._end - self._begin), 0.0)
        seconds = (end - begin)[-1]
        for i, station in enumerate(self.layout.stations):
            self.states[i, _OFF] = off[i] * station.machines
            with np.errstate(invalid="ignore"):  # no time at all: no shares
                self.states[i] *= station.machines * seconds / self.states[i].sum(axis=0)
            self.finished[i] = self.last - self.first
            if i:
                self.buffers[i - 1] *= seconds / (end - begin)[i]
        return self.replications(keep, seconds, None)

    def _rows(self, lag: int, n: int) -> slice:
        """The rows of this portion in the window, of a sequence that began `lag` steps late."""
        first, last = (min(n, max(0, k + lag - self._at)) for k in (self.first, self.last))
        return slice(first, last)

    def _station(self, i: int, place: Place, supply: Supply) -> None:
        n = len(place.taken)
        takes, gives = self._rows(place.ghosts, n), self._rows(place.ghosts + place.machines - 1, n)
        states = self.states[i]
        free = np.maximum(place.free[takes], 0.0)  # before its first part a machine is free from time 0
        states[_STARVED] += (place.taken[takes] - free).sum(axis=0)
        if place.start is not place.taken:
            states[_BLOCKED] += (place.start[takes] - place.taken[takes]).sum(axis=0)
        if place.left is not place.finished:
            states[_BLOCKED] += (place.left[gives] - place.finished[gives]).sum(axis=0)
        if place.machines == 1:
            states[_RUNNING] += (place.done[takes] - place.start[takes]).sum(axis=0)
        else:
            states[_RUNNING] += place.finished[gives].sum(axis=0) - place.start[takes].sum(axis=0)
        repairs = supply.repairs[i]
        if repairs is not None:
            counted = (repairs.row >= takes.start) & (repairs.row < takes.stop)
            down = np.bincount(repairs.column, np.where(counted, repairs.lasts_s, 0.0), minlength=self.width)
            states[_DOWN] += down
            states[_RUNNING] -= down
        for k, edge in ((self.first, self._begin), (self.last, self._end)):
            row = k - 1 + place.ghosts + place.machines - 1 - self._at
            if k and 0 <= row < n:
                edge[i] = place.left[row]


def _between(since: Array, until: Array, low: float, high: float, *, ordered: bool = True) -> Array:
    """Sum over rows of how much of since ... until lies between low and high, (R,).

    `ordered`: no row is earlier than the one before it, so two rows say whether anything needs to be cut.
    """
    begin, end = (since[0], until[-1]) if ordered else (since, until)
    if begin.min() >= low and end.max() <= high:
        return np.asarray((until - since).sum(axis=0))
    if end.max() <= low or begin.min() >= high:
        return np.zeros(since.shape[1])
    return np.asarray((np.clip(until, low, high) - np.clip(since, low, high)).sum(axis=0))
