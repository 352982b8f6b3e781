"""Part times of a station with evidence for the path engine: many parts of many columns at once, from counted streams.

    key = streams.key("line/door/peg", seed=7, purpose="path")
    times = PathTimes(drawn, inner=30, key=key)
    times(480)                       # (480, K * 30) [s]: the next 480 parts, columns of one draw side by side
    times.scrapped                   # (480, K * 30) bool: which of these parts were given up as scrap

Promises
    The time of part i in column c follows from (key, i, c) alone: however many parts are asked for at once, and
    whether the draws are worked on together or in parts (`Outer.part`).
    No two columns, parts, attempts or purposes share a random number. The second attempt of a part has the same number
    whether or not others failed, so two layouts that differ elsewhere stay in step (common random numbers).

The recipe is that of `evidence_posterior.EvidenceTable`. The numbers are Philox 4x64: counter word 0 counts columns and
parts of one block of 64 parts, word 1 is the lane (0: manual; 2 a - 1: attempt a; 2 a: recovery after it), word 2 the
block. Whole blocks are drawn, 512 columns at a time, so that the working arrays stay in the cache.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from jangin.line.evidence_posterior import Outer, cumulative
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

__all__ = ["PathTimes", "quantiles"]

Array = np.ndarray

BLOCK = 64  # parts; a multiple of 4, the numbers that one Philox counter gives
WIDE = 512  # columns worked on at once
MANUAL = 0


class PathTimes:
    """Part times of one station, the next n parts at each call.

    Attributes:
        columns: R = K * inner; column c belongs to draw c // inner.
        may_scrap: whether parts given up are scrap; needs an engine that can take parts out, or the last station.
        scrapped: (n, R) bool of the last call; (0, R) before the first.
    """

    def __init__(self, drawn: Outer, inner: int, key: Array) -> None:
        evidence, declared = drawn.evidence, drawn.evidence.declared
        self.columns = len(drawn) * inner
        self.may_scrap = declared.given_up == "scrap"
        self.scrapped = np.zeros((0, self.columns), bool)
        self._inner, self._key, self._first = inner, np.asarray(key, np.uint64), drawn.first * inner
        self._cumulative, self._m = cumulative(drawn.p), drawn.table_s.shape[1]
        self._stretch = self._m / self._cumulative[:, 0]  # from u to a place in the table
        self._table = np.ascontiguousarray(drawn.table_s).ravel()
        self._attempts, self._handling_s, self._failed_s = declared.attempts, declared.handling_s, evidence.failed_s
        self._recovery = [evidence.recovery(r) for r in evidence.failures]
        self._manual = None if self.may_scrap else declared.manual
        self._next = 0  # part
        self._times = np.empty((BLOCK, self.columns))  # the block that part `_next` is in, unless it is its first
        self._scrap = np.empty((BLOCK, self.columns), bool)

    def __call__(self, n: int) -> Array:
        """Times of the next n parts, (n, R) [s]; what became of them is in `scrapped`."""
        times, scrapped = np.empty((n, self.columns)), np.empty((n, self.columns), bool)
        done = 0
        while done < n:
            block, at = divmod(self._next, BLOCK)
            if at == 0:
                for begin in range(0, self.columns, WIDE):
                    self._fill(block, begin, min(begin + WIDE, self.columns))
            count = min(BLOCK - at, n - done)
            times[done : done + count] = self._times[at : at + count]
            scrapped[done : done + count] = self._scrap[at : at + count]
            done += count
            self._next += count
        self.scrapped = scrapped
        return times

    def _uniforms(self, block: int, lane: int, begin: int, end: int) -> Array:
        """((end - begin) * BLOCK,) uniforms of columns begin .. end - 1, column after column."""
        counter = np.array([(self._first + begin) * (BLOCK // 4), lane, block, 0], np.uint64)
        philox = np.random.Philox(key=self._key, counter=counter)
        return np.random.Generator(philox).random((end - begin) * BLOCK)

    def _fill(self, block: int, begin: int, end: int) -> None:
        """Times and scrap of one block of parts in some columns."""
        column_draws = np.arange(begin, end) // self._inner
        u = self._uniforms(block, 1, begin, end)
        times = self._success_s(u.reshape(-1, BLOCK), column_draws[:, None]).ravel()
        times += self._handling_s
        scrap = np.zeros(len(u), bool)
        failed = np.flatnonzero(u.reshape(-1, BLOCK) >= self._cumulative[column_draws, :1])
        times[failed] = self._handling_s
        u, draws = u[failed], column_draws[failed // BLOCK]
        for attempt in range(1, self._attempts + 1):
            if not len(failed):
                break
            lost = self._failure_s(u, draws, failed, partial(self._uniforms, block, 2 * attempt, begin, end))
            times[failed] += lost
            if attempt == self._attempts:
                break
            u = self._uniforms(block, 2 * attempt + 1, begin, end)[failed]
            again = u >= self._cumulative[draws, 0]
            times[failed[~again]] += self._success_s(u[~again], draws[~again])
            failed, u, draws = failed[again], u[again], draws[again]
        if self._manual is None:
            scrap[failed] = True
        elif len(failed):
            times[failed] += quantiles(self._manual, self._uniforms(block, MANUAL, begin, end)[failed])
        self._times[:, begin:end] = times.reshape(-1, BLOCK).T
        self._scrap[:, begin:end] = scrap.reshape(-1, BLOCK).T

    def _success_s(self, u: Array, draws: Array) -> Array:
        """Times of successful attempts, of the broadcast shape; any time of the draw's where u is no success."""
        at = (u * self._stretch[draws]).astype(np.int64)
        np.minimum(at, self._m - 1, out=at)
        at += draws * self._m
        return self._table.take(at)

    def _failure_s(self, u: Array, draws: Array, which: Array, uniforms: Callable[[], Array]) -> Array:
        """Times of failed attempts with their recoveries; `uniforms` of the recoveries are drawn only if needed."""
        lost = np.full(len(u), self._failed_s)
        if all(isinstance(d, Constant) and d == self._recovery[0] for d in self._recovery):
            return lost + quantiles(self._recovery[0], u)
        reason = (u[:, None] >= self._cumulative[draws]).sum(axis=1) - 1  # of the failures: success is behind already
        v = uniforms()[which]
        for r, recovery in enumerate(self._recovery):
            own = reason == r
            lost[own] += quantiles(recovery, v[own])
        return lost


def quantiles(time: Distribution, u: Array) -> Array:
    """Quantiles [s] of a declared time at u (n,) in [0, 1): one uniform makes one time.

    Raises: ValueError for a trace, whose values come in an order.
    """
    match time:
        case Constant():
            return np.full(len(u), float(time.value_s))
        case Exponential():
            return -time.mean_s * np.log1p(-u)
        case Uniform():
            return time.low_s + (time.high_s - time.low_s) * u
        case Triangular():
            return _triangular(time, u)
        case Weibull():
            scale = time.mean_s / math.gamma(1.0 + 1.0 / time.shape)
            return np.asarray(scale * (-np.log1p(-u)) ** (1.0 / time.shape))
        case Empirical():
            return np.asarray(time.values_s, float)[(u * len(time.values_s)).astype(np.int64)]
        case Trace():
            raise ValueError("A trace has an order and no quantiles; give its values as empirical.")
    return _special(time, u)


def _triangular(time: Triangular, u: Array) -> Array:
    a, b, c = time.low_s, time.mode_s, time.high_s
    rising = u * (c - a) < b - a
    return np.where(rising, a + np.sqrt(u * (c - a) * (b - a)), c - np.sqrt((1.0 - u) * (c - a) * (c - b)))


def _special(time: Normal | Lognormal | Gamma | Erlang, u: Array) -> Array:
    """Those that need special functions."""
    from jangin.stats import inverse

    match time:
        case Normal():
            return np.maximum(time.mean_s + time.sd_s * inverse.normal(u), 0.0)
        case Lognormal():
            spread = math.log1p(time.cv**2)
            return time.mean_s * np.exp(math.sqrt(spread) * inverse.normal(u) - spread / 2.0)
        case Gamma():
            if time.cv == 0.0:
                return np.full(len(u), float(time.mean_s))
            return time.mean_s * time.cv**2 * inverse.gamma(u, time.cv**-2)
        case Erlang():
            return time.mean_s / time.phases * inverse.gamma(u, float(time.phases))
