"""What the compiled engine draws, by name, for the independent twin: the same numbers, asked for one at a time."""

from __future__ import annotations

from jangin.line.events import state as c
from jangin.line.events.draws import draw, stream_keys, uniform
from jangin.line.events.tables import tables
from jangin.line.layout import Layout

__all__ = ["Streams"]


class Streams:
    """The twin's `Drawn`, from the streams of (seed, replication)."""

    def __init__(self, layout: Layout, *, seed: int, replication: int = 0) -> None:
        self.plant, self.modes = tables(layout)
        self.keys = stream_keys(seed=seed, replication=replication, n=int(self.plant.slots[c.X_STREAMS]))

    def _time(self, row: int, stream: int, k: int) -> float:
        p = self.plant
        return float(draw(p.dist, p.shape, p.values, int(row), self.keys[stream], k))

    def _row(self, station: int, machine: int, mode: int):
        first = self.modes.machine_first[self.plant.station[station, c.S_MACHINE] + machine]
        return self.modes.rows[first + mode]

    def cycle(self, station: int, k: int, part_type: int) -> float:
        row = self.plant.number[self.plant.station[station, c.S_CYCLE] + part_type]
        return self._time(row, self.plant.streams[c.Y_CYCLES] + station, k)

    def fate(self, station: int, k: int) -> float:
        return float(uniform(self.keys[self.plant.streams[c.Y_FATES] + station], k))

    def route(self, station: int, k: int) -> float:
        return float(uniform(self.keys[self.plant.streams[c.Y_ROUTES] + station], k))

    def fail_after(self, station: int, machine: int, mode: int, k: int) -> float:
        row = self._row(station, machine, mode)
        return self._time(row[c.F_AFTER], row[c.F_STREAM], k)

    def repair(self, station: int, machine: int, mode: int, k: int) -> float:
        row = self._row(station, machine, mode)
        return self._time(row[c.F_REPAIR], row[c.F_STREAM] + 1, k)

    def arrival(self, release: int, k: int) -> float:
        return self._time(self.plant.release[release, c.R_EVERY], self.plant.streams[c.Y_ARRIVALS] + release, k)

    def part_type(self, release: int, k: int) -> int:
        p = self.plant
        if p.release[release, c.R_SEQUENCES]:
            return int(p.number[p.release[release, c.R_SEQUENCE] + k % p.release[release, c.R_SEQUENCES]])
        if p.mix.shape[1] == 1:
            return 0
        u = uniform(self.keys[p.streams[c.Y_TYPES] + release], k)
        return int((u >= p.mix[release, :-1]).sum())
