"""What a line is fed with, portion by portion: arrivals, part types, times of runs with their repairs, scrap."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from jangin.line.layout import Constant, Distribution, Evidence, Layout, Station, Uniform
from jangin.line.path.clock import Clock
from jangin.line.path.draws import Shared, Stream
from jangin.line.path.failures import Failures, Repairs
from jangin.line.path.fit import NotExact
from jangin.line.path.recursion import Path, Place

__all__ = ["Supply", "Times"]

Array = np.ndarray
Times = Mapping[int, Callable[[int], Array]]  # station -> (n -> (n, R) seconds of its next n runs)


class Supply:
    """Fills a `Path` before each portion. Afterwards holds what is to be known about the portion besides its times.

    Attributes:
        arrivals: (n, R) when parts arrive, in real time [s]; None for a saturated line.
        types: (n, R) part types by number; None where there is one.
        scrap: (n, R) whether the last station scraps the part; None where it never does.
        repairs: by station, in the order of its runs; None for one that never fails.
    """

    def __init__(
        self, layout: Layout, clock: Clock, *, seed: int, blocks: Sequence[int], columns: slice, times: Times,
        shared: Shared | None, parts: int | None,
    ) -> None:  # fmt: skip
        self._layout, self._clock, self._seed, self._blocks, self._shared = layout, clock, seed, blocks, shared
        self._columns, self._given, self._parts, self._at = columns, times, parts, 0
        self.arrivals: Array | None = None
        self.types: Array | None = None
        self.scrap: Array | None = None
        self.repairs: list[Repairs | None] = [None] * len(layout.stations)
        self._release()
        self._cycles = [{} if i in times else self._streams(s) for i, s in enumerate(layout.stations)]
        self._fails = [Failures(s, seed=seed, blocks=blocks) if s.failures else None for s in layout.stations]
        self._scrap = self._stream("scrap", Uniform(0.0, 1.0)) if layout.stations[-1].scrap > 0.0 else None

    def fill(self, path: Path) -> None:
        """The next portion's arrivals and times into `path`."""
        n, width = path.arrived.shape
        if self._every is not None:
            self._arrive(path)
        if len(self._layout.parts) > 1:
            self.types = self._types(n, width)
        for i, place in enumerate(path.places):
            self._fill(i, place)
        if self._scrap is not None:
            chance = np.ones((n, width))
            self._scrap.fill(chance[self._ghosts(path.places[-1]) :])
            self.scrap = chance < self._layout.stations[-1].scrap
        self._at += n

    def _ghosts(self, place: Place) -> int:
        """Rows of this portion that stand before the station's first part."""
        return min(len(place.time), max(0, place.ghosts - self._at))

    def _fill(self, i: int, place: Place) -> None:
        ghosts = self._ghosts(place)
        place.time[:ghosts] = 0.0
        rows = place.time[ghosts:]
        if not len(rows):
            return
        if i in self._given:
            self._take(i, place, rows)
        elif len(self._cycles[i]) == 1:
            self._cycles[i][-1].fill(rows)
        else:
            assert self.types is not None
            one = np.empty_like(rows)
            for number, stream in self._cycles[i].items():
                stream.fill(one)
                np.copyto(rows, one, where=self.types[ghosts:] == number)
        fails = self._fails[i]
        if fails is not None:
            self.repairs[i] = fails.prolong(place.time)

    def _take(self, i: int, place: Place, rows: Array) -> None:
        """Times that the caller gives, of no more parts than are asked for."""
        done = max(0, self._at - place.ghosts)
        n = len(rows) if self._parts is None else max(0, min(len(rows), self._parts - done))
        rows[n:] = 0.0
        if n:
            given = np.asarray(self._given[i](n), float)
            wanted = n, self._columns.stop - self._columns.start
            if given.shape != wanted:
                raise NotExact(
                    f"Times of shape {given.shape} were given for station {self._layout.stations[i].name!r}; "
                    f"give {wanted}, seconds by part and replication."
                )
            rows[:n] = given[:, :1]  # columns of the block that nobody asked for; without time they would never end
            rows[:n, self._columns] = given

    def _release(self) -> None:
        release = next(iter(self._layout.releases), None)
        self._every: Stream | None = None
        self._sequence: list[int] = []
        self._mix: tuple[Array, Stream] | None = None
        if release is None:
            return
        if release.kind != "saturated":
            self._every = self._stream("release/every", release.every or Constant(0.0))
        parts = self._layout.parts
        self._sequence = [parts.index(p) for p in release.sequence]
        if release.mix:
            shares = np.array([release.mix.get(p, 0.0) for p in parts])
            self._mix = (np.cumsum(shares) / shares.sum(), self._stream("release/type", Uniform(0.0, 1.0)))

    def _arrive(self, path: Path) -> None:
        assert self._every is not None
        between = np.empty(path.arrived.shape)
        self._every.fill(between)
        if self.arrivals is not None:
            between[0] += self.arrivals[-1]
        self.arrivals = np.cumsum(between, axis=0)
        path.arrived[...] = self._clock.worked(self.arrivals)

    def _types(self, n: int, width: int) -> Array:
        if self._sequence:
            turn = (self._at + np.arange(n)) % len(self._sequence)
            return np.broadcast_to(np.asarray(self._sequence)[turn][:, None], (n, width))
        if self._mix is None:
            return np.zeros((n, width), np.intp)
        up_to, stream = self._mix
        chance = np.empty((n, width))
        stream.fill(chance)
        return np.minimum(np.searchsorted(up_to, chance, side="right"), len(up_to) - 1)

    def _streams(self, station: Station) -> dict[int, Stream]:
        """The station's times by number of the part type, or under -1 where all types take the same."""
        own = station.cycle.time
        assert not isinstance(own, Evidence)  # `unfit` has said so
        if not isinstance(own, Mapping):
            return {-1: self._stream(f"{station.name}/cycle", own)}
        parts = self._layout.parts
        if len(parts) == 1:
            return {-1: self._stream(f"{station.name}/cycle", own[parts[0]])}
        return {k: self._stream(f"{station.name}/cycle/{p}", own[p]) for k, p in enumerate(parts)}

    def _stream(self, name: str, time: Distribution) -> Stream:
        return Stream(seed=self._seed, name=name, time=time, blocks=self._blocks, shared=self._shared)
