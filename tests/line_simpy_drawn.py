"""Of the line's twin: its random numbers, drawn as the layout declares."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from jangin.line import layout as declared

__all__ = ["Sampled", "releases_of"]


def releases_of(layout: declared.Layout) -> tuple[declared.Release, ...]:
    """The declared releases, then a saturated one for each station that nothing feeds and no release names."""
    named = {r.into for r in layout.releases}
    fed = {s for b in layout.buffers for s in b.target}
    implied = (declared.Release(s.name) for s in layout.stations if s.name not in named | fed)
    return layout.releases + tuple(implied)


class Sampled:
    """Draws as `layout` says, one stream for each quantity and place; `given` replaces the first u of a station.

        Sampled(layout, seed=1, fate={"weld": (0.99, 0.01)})  # the second run at the station "weld" is scrapped

    A trace or a constant is what it says, so a layout of these alone has nothing random.
    """

    def __init__(
        self, layout: declared.Layout, *, seed: int = 0, fate: Mapping[str, Sequence[float]] | None = None,
        route: Mapping[str, Sequence[float]] | None = None,
    ) -> None:  # fmt: skip
        self.layout, self.seed = layout, seed
        self.releases = releases_of(layout)
        self.given = {"fate": fate or {}, "route": route or {}}
        self.streams: dict[tuple[Any, ...], list[float]] = {}
        self.more: dict[tuple[Any, ...], Iterator[Sequence[float]]] = {}

    def cycle(self, station: int, k: int, part_type: int) -> float:
        time = self.layout.stations[station].cycle.time
        assert not isinstance(time, declared.Evidence), "the twin knows no evidence"
        if isinstance(time, Mapping):
            return self.at(("cycle", station, part_type), time[self.layout.parts[part_type]], k)
        return self.at(("cycle", station), time, k)

    def fate(self, station: int, k: int) -> float:
        return self.u("fate", station, k)

    def route(self, station: int, k: int) -> float:
        return self.u("route", station, k)

    def fail_after(self, station: int, machine: int, mode: int, k: int) -> float:
        return self.at(("after", station, machine, mode), self.layout.stations[station].failures[mode].after, k)

    def repair(self, station: int, machine: int, mode: int, k: int) -> float:
        return self.at(("repair", station, machine, mode), self.layout.stations[station].failures[mode].repair, k)

    def arrival(self, release: int, k: int) -> float:
        every = self.releases[release].every
        assert every is not None
        return self.at(("arrival", release), every, k)

    def part_type(self, release: int, k: int) -> int:
        of, names = self.releases[release], self.layout.parts
        if of.sequence:
            return names.index(of.sequence[k % len(of.sequence)])
        if not of.mix:
            return 0
        cumulated = np.cumsum(list(of.mix.values()))
        u = self.at(("type", release), declared.Uniform(0.0, cumulated[-1]), k)
        return names.index(list(of.mix)[int(np.searchsorted(cumulated, u, side="right"))])

    def u(self, what: str, station: int, k: int) -> float:
        given = self.given[what].get(self.layout.stations[station].name, ())
        return given[k] if k < len(given) else self.at((what, station), declared.Uniform(0.0, 1.0), k)

    def at(self, key: tuple[Any, ...], time: declared.Distribution, k: int) -> float:
        """The k-th number of a stream."""
        if key not in self.streams:
            name = [self.seed, *key[0].encode(), *key[1:]]
            self.streams[key], self.more[key] = [], blocks(time, np.random.default_rng(name))
        while k >= len(self.streams[key]):
            self.streams[key].extend(next(self.more[key]))
        return self.streams[key][k]


def blocks(time: declared.Distribution, rng: np.random.Generator, n: int = 256) -> Iterator[list[float]]:
    """Numbers of this distribution without end, n at a time."""
    while True:
        match time:
            case declared.Constant(value):
                yield [value] * n
            case declared.Trace(values):
                yield list(values)
            case declared.Empirical(values):
                yield rng.choice(values, n).tolist()
            case declared.Exponential(mean):
                yield rng.exponential(mean, n).tolist()
            case declared.Uniform(low, high):
                yield rng.uniform(low, high, n).tolist()
            case declared.Triangular(low, mode, high):
                yield rng.triangular(low, mode, high, n).tolist()
            case declared.Normal(mean, sd):
                yield np.maximum(rng.normal(mean, sd, n), 0.0).tolist()
            case declared.Lognormal(mean, cv):
                s2 = math.log1p(cv * cv)
                yield rng.lognormal(math.log(mean) - s2 / 2, math.sqrt(s2), n).tolist()
            case declared.Gamma(mean, cv):
                yield rng.gamma(1 / cv**2, mean * cv**2, n).tolist()
            case declared.Erlang(mean, phases):
                yield rng.gamma(phases, mean / phases, n).tolist()
            case declared.Weibull(mean, shape):
                yield (rng.weibull(shape, n) * mean / math.gamma(1 + 1 / shape)).tolist()
