"""Every random number of a line by name: (seed, replication, element, purpose, count) and nothing else.

    key = stream_keys(seed=7, replication=3, n=40)[5]     # one stream per element and purpose
    draw(di, df, values, row, key, k)                     # the k-th time of that stream, from distribution `row`

Counted numbers (`engine/counted.py`): a draw needs no memory. It is the same in any order of events and on any number
of threads, and two layouts that differ in one place draw the same numbers in all others (common random numbers).
Numba's own generator has one state per thread and could promise none of this.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from jangin import streams
from jangin.engine.counted import GOLDEN, mix, uniform, unit

__all__ = ["draw", "stream_keys", "uniform"]

CONSTANT, EXPONENTIAL, UNIFORM, TRIANGULAR, NORMAL, LOGNORMAL, GAMMA, ERLANG, WEIBULL, EMPIRICAL, TRACE = range(11)

_jit = numba.njit(nogil=True, error_model="numpy")


@_jit
def _normal(u):  # type: ignore[no-untyped-def]
    """Inverse of the standard normal distribution, relative error below 1e-15: Wichura, algorithm AS 241 (1988)."""
    q = u - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        num = ((((((2509.0809287301226727 * r + 33430.575583588128105) * r + 67265.770927008700853) * r
                + 45921.953931549871457) * r + 13731.693765509461125) * r + 1971.5909503065514427) * r
                + 133.14166789178437745) * r + 3.387132872796366608  # fmt: skip
        den = ((((((5226.495278852545925 * r + 28729.085735721942674) * r + 39307.89580009271061) * r
                + 21213.794301586595867) * r + 5394.1960214247511077) * r + 687.1870074920579083) * r
                + 42.313330701600911252) * r + 1.0  # fmt: skip
        return q * num / den
    r = math.sqrt(-math.log(min(u, 1.0 - u) if 0.0 < u < 1.0 else 1e-17))
    if r <= 5.0:
        r -= 1.6
        num = ((((((7.7454501427834140764e-4 * r + 0.0227238449892691845833) * r + 0.24178072517745061177) * r
                + 1.27045825245236838258) * r + 3.64784832476320460504) * r + 5.7694972214606914055) * r
                + 4.6303378461565452959) * r + 1.42343711074968357734  # fmt: skip
        den = ((((((1.05075007164441684324e-9 * r + 5.475938084995344946e-4) * r + 0.0151986665636164571966) * r
                + 0.14810397642748007459) * r + 0.68976733498510000455) * r + 1.6763848301838038494) * r
                + 2.05319162663775882187) * r + 1.0  # fmt: skip
    else:
        r -= 5.0
        num = ((((((2.01033439929228813265e-7 * r + 2.71155556874348757815e-5) * r + 0.0012426609473880784386) * r
                + 0.026532189526576123093) * r + 0.29656057182850489123) * r + 1.7848265399172913358) * r
                + 5.4637849111641143699) * r + 6.6579046435011037772  # fmt: skip
        den = ((((((2.04426310338993978564e-15 * r + 1.4215117583164458887e-7) * r + 1.8463183175100546818e-5) * r
                + 7.868691311456132591e-4) * r + 0.0148753612908506148525) * r + 0.13692988092273580531) * r
                + 0.59983220655588793769) * r + 1.0  # fmt: skip
    return num / den if q > 0 else -num / den


@_jit
def _gamma(shape, state):  # type: ignore[no-untyped-def]
    """Standard gamma by Marsaglia and Tsang, ACM TOMS 26 (2000) 363; the stream goes on from `state`."""
    boost = 1.0
    a = shape
    if a < 1.0:
        state += GOLDEN
        boost = (1.0 - unit(mix(state))) ** (1.0 / a)
        a += 1.0
    d = a - 1.0 / 3.0
    c = 1.0 / math.sqrt(9.0 * d)
    while True:
        state += GOLDEN
        x = _normal(unit(mix(state)))
        v = (1.0 + c * x) ** 3
        state += GOLDEN
        u = 1.0 - unit(mix(state))
        if v > 0.0 and math.log(u) < 0.5 * x * x + d - d * v + d * math.log(v):
            return d * v * boost


@_jit
def _rarer(kind, a, b, c, state, u):  # type: ignore[no-untyped-def]
    if kind == UNIFORM:
        return a + (b - a) * u
    if kind == TRIANGULAR:  # low a, mode b, high c
        split = (b - a) / (c - a) if c > a else 0.0
        if u < split:
            return a + math.sqrt(u * (c - a) * (b - a))
        return c - math.sqrt((1.0 - u) * (c - a) * (c - b))
    if kind == NORMAL:
        return max(0.0, a + b * _normal(u))
    if kind == LOGNORMAL:  # a, b: mean and sd of the logarithm
        return math.exp(a + b * _normal(u))
    if kind == WEIBULL:  # scale a, shape b
        return a * (-math.log(1.0 - u)) ** (1.0 / b)
    if kind == GAMMA:  # scale a, shape b
        return a * _gamma(b, state)
    total = 0.0  # ERLANG: mean of a phase a, phases b
    for _ in range(int(b)):
        state += GOLDEN
        total -= math.log(1.0 - unit(mix(state)))
    return a * total


@_jit
def draw(di, df, values, row, key, k):  # type: ignore[no-untyped-def]
    """The k-th time [s] of stream `key` from distribution `row` of the tables di (n, 3), df (n, 3) and values (m,)."""
    kind = di[row, 0]
    if kind == CONSTANT:
        return df[row, 0]
    if kind == TRACE:
        return values[di[row, 1] + k % di[row, 2]]
    state = mix(key + np.uint64(k + 1) * GOLDEN)
    u = unit(state)
    if kind == EXPONENTIAL:
        return -df[row, 0] * math.log(1.0 - u)
    if kind == EMPIRICAL:
        return values[di[row, 1] + int(u * di[row, 2])]
    return _rarer(kind, df[row, 0], df[row, 1], df[row, 2], state, u)


def stream_keys(*, seed: int, replication: int, n: int) -> np.ndarray:
    """Keys of n streams of one replication, (n,) uint64."""
    base = int(streams.key("line", seed=seed, purpose="events")[0])
    with np.errstate(over="ignore"):
        start = np.uint64((base + 0x632BE59BD9B4E019 * (replication + 1)) & 0xFFFFFFFFFFFFFFFF)
        counter = np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0xD1342543DE82EF95)
        over_arrays = mix.py_func
        mixed = over_arrays(over_arrays(np.array([start], np.uint64)))
        return np.asarray(over_arrays(mixed + counter))
