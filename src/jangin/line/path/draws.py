"""Random times in bulk: one stream per station, purpose and block of replications.

    stream = Stream(seed=7, name="weld/cycle", time=Exponential(10.0), blocks=range(2))
    stream.fill(times)                      # (n, 2 WIDTH): the next n times of the replications 0 ... 2 WIDTH - 1

Replication r lies in block r // WIDTH, so it has the same numbers however many are run. A time is drawn from the shape
of its distribution and scaled afterwards: layouts that differ in means or capacities share their numbers (common random
numbers). NumPy fills element by element, so it does not matter in how many portions a stream is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from jangin import streams
from jangin.line.layout import (
    Constant,
    Distribution,
    Empirical,
    Erlang,
    Exponential,
    Gamma,
    Lognormal,
    Normal,
    Trace,
    Triangular,
    Uniform,
    Weibull,
)

__all__ = ["WIDTH", "Pool", "Shared", "Stream", "shape_of"]

Array = np.ndarray
WIDTH = 64  # replications per block; part of what a seed means


def shape_of(time: Distribution) -> tuple[str, float]:
    """What is drawn for a distribution before scaling: the kind of number, and its parameter."""
    match time:
        case Exponential() | Weibull():
            return "exponential", 0.0
        case Normal() | Lognormal():
            return "normal", 0.0
        case Gamma():
            return "gamma", 1.0 / time.cv**2
        case Erlang():
            return "gamma", float(time.phases)
        case Constant() | Trace():
            return "none", 0.0
    return "uniform", 0.0


class Shared:
    """Numbers before scaling, drawn once for several layouts that go through the same portions in step."""

    def __init__(self) -> None:
        self._drawn: dict[tuple[str, str, float], tuple[int, Array]] = {}
        self._generators: dict[tuple[str, str, float], list[np.random.Generator]] = {}

    def rows(self, stream: Stream, at: int, n: int) -> Array:
        """Rows at ... at + n - 1 of a stream, (blocks, n, WIDTH); asked for in order, or the last ones again."""
        key = (stream.name, *stream.shape)
        if key not in self._generators:
            self._generators[key] = stream.generators()
            self._drawn[key] = (-1, np.empty((0, 0, WIDTH)))
        start, drawn = self._drawn[key]
        if (start, drawn.shape[1]) != (at, n):
            drawn = np.empty((len(stream.blocks), n, WIDTH))
            for rng, rows in zip(self._generators[key], drawn, strict=True):
                _draw(rng, stream.shape, rows)
            self._drawn[key] = (at, drawn)
        return drawn


class Stream:
    """The times of one distribution, portion by portion."""

    def __init__(
        self, *, seed: int, name: str, time: Distribution, blocks: Sequence[int], shared: Shared | None = None
    ) -> None:
        self.name, self.shape, self.blocks = name, shape_of(time), blocks
        self._time, self._seed, self._shared, self._at = time, seed, shared, 0
        self._generators = [] if shared else self.generators()

    def generators(self) -> list[np.random.Generator]:
        """One per block, at its beginning."""
        words = [int(word) for word in streams.key("line", seed=self._seed, purpose=f"path/{self.name}")]
        seeds = [np.random.SeedSequence([*words, block]) for block in self.blocks]
        return [np.random.Generator(np.random.SFC64(seed)) for seed in seeds]

    def fill(self, out: Array) -> None:
        """The next times [s] into `out`, (n, blocks * WIDTH)."""
        n, at = len(out), self._at
        self._at += n
        if self.shape[0] == "none":
            _without_chance(self._time, out, at)
            return
        drawn = self._shared.rows(self, at, n) if self._shared else None
        one = np.empty((n, WIDTH))
        for b in range(len(self.blocks)):
            if drawn is None:
                _draw(self._generators[b], self.shape, one)
            _scale(self._time, one if drawn is None else drawn[b], out[:, b * WIDTH : (b + 1) * WIDTH])


class Pool:
    """The k-th time of each replication, where every replication has its own k; for failures and repairs."""

    _ROWS = 32

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._first = 0  # the number of the first row that is kept
        self._rows = np.empty((0, len(stream.blocks) * WIDTH))

    def at(self, k: Array, column: Array) -> Array:
        """Time number k[j] of column[j], (m,)."""
        while self._first + len(self._rows) <= int(k.max()):
            more = np.empty((self._ROWS, self._rows.shape[1]))
            self._stream.fill(more)
            self._rows = np.concatenate([self._rows, more])
        return np.asarray(self._rows[k - self._first, column])

    def forget(self, least: int) -> None:
        """No number below `least` will be asked for again."""
        drop = least - self._first
        if drop >= self._ROWS:
            self._rows, self._first = self._rows[drop:], least


def _draw(rng: np.random.Generator, shape: tuple[str, float], out: Array) -> None:
    kind, parameter = shape
    if kind == "exponential":
        rng.standard_exponential(out=out)
    elif kind == "normal":
        rng.standard_normal(out=out)
    elif kind == "gamma":
        rng.standard_gamma(parameter, out=out)
    else:
        rng.random(out=out)


def _without_chance(time: Distribution, out: Array, at: int) -> None:
    if isinstance(time, Constant):
        out[...] = time.value_s
    elif isinstance(time, Trace):
        values = np.asarray(time.values_s, float)
        out[...] = values[(at + np.arange(len(out))) % len(values)][:, None]


def _scale(time: Distribution, drawn: Array, out: Array) -> None:
    match time:
        case Exponential():
            np.multiply(drawn, time.mean_s, out=out)
        case Weibull():
            np.power(drawn, 1.0 / time.shape, out=out)
            out *= time.mean_s / math.gamma(1.0 + 1.0 / time.shape)
        case Normal():
            np.multiply(drawn, time.sd_s, out=out)
            out += time.mean_s
            np.maximum(out, 0.0, out=out)
        case Lognormal():
            s2 = math.log1p(time.cv**2)
            np.multiply(drawn, math.sqrt(s2), out=out)
            out += math.log(time.mean_s) - 0.5 * s2
            np.exp(out, out=out)
        case Gamma():
            np.multiply(drawn, time.mean_s * time.cv**2, out=out)
        case Erlang():
            np.multiply(drawn, time.mean_s / time.phases, out=out)
        case Uniform():
            np.multiply(drawn, time.high_s - time.low_s, out=out)
            out += time.low_s
        case Triangular():
            out[...] = _triangular(time, drawn)
        case Empirical():
            values = np.asarray(time.values_s, float)
            out[...] = values[(drawn * len(values)).astype(np.intp)]


def _triangular(time: Triangular, u: Array) -> Array:
    low, mode, high = time.low_s, time.mode_s, time.high_s
    if high == low:
        return np.full_like(u, low)
    rising = low + np.sqrt(u * ((high - low) * (mode - low)))
    falling = high - np.sqrt((1.0 - u) * ((high - low) * (high - mode)))
    return np.where(u < (mode - low) / (high - low), rising, falling)
