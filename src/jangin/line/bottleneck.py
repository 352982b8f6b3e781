"""Which station holds the line up: by blocked and starved shares, and by the longest active period at each moment.

    found = arrow_rule(blocked, starved)                     # (n,) shares of the stations of a serial line
    found.primary, found.bottlenecks, found.sentence
    found = shifting_bottleneck(StateLog.from_names(station, state, start_s, end_s))
    found.sole["weld"], found.shifting["weld"], found.sentence

Arrows need only two shares per station, from a simulation, an exact formula or a plant, and name one bottleneck in the
long run. The shifting bottleneck needs the log of states, and says how long which station was the bottleneck, and when.
Neither says how much a faster station would bring: that is an experiment (a paired one).

Source: Kuo, Lim and Meerkov, Math. Probl. Eng. 2 (1996) 233, and Li and Meerkov, Production Systems Engineering (2009)
ch. 5 (arrows, severity); Roser, Nakano and Tanaka, Proc. Winter Simulation Conf. 2002, 1079, and 2003, 1192 (active
periods).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from jangin.errors import BadLog, nearest
from jangin.line.iso22400 import STATES

__all__ = ["ACTIVE", "ArrowRule", "ShiftingBottleneck", "StateLog", "arrow_rule", "shifting_bottleneck"]

Array = np.ndarray

ACTIVE = (
    "running",
    "setup",
    "down",
)  # whoever does one of these makes the others wait; who waits is not the bottleneck
_ABSENT = ("stopped", "off")  # not counted at all while every station is so


@dataclass(frozen=True)
class ArrowRule:
    """Bottlenecks by blocked and starved shares.

    Attributes:
        bottlenecks: numbers of the stations that no arrow leaves, ascending.
        primary: the most severe of them; None where there is none (arrows in a circle, through a rework loop).
        severity: of every station, the differences of the shares on its connections added up.
        arrows: (from, to); a connection with equal shares has none.
        agreement: share of the replications whose own arrows make this station the primary; None without replications.
        names: of the stations.
    """

    bottlenecks: tuple[int, ...]
    primary: int | None
    severity: tuple[float, ...]
    arrows: tuple[tuple[int, int], ...]
    agreement: float | None
    names: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """The bottleneck and its severity, or why there is none."""
        if self.primary is None:
            return (
                "No bottleneck: the arrows of blocked and starved shares run in a circle; use the shifting bottleneck."
            )
        others = [self.names[i] for i in self.bottlenecks if i != self.primary]
        also = f"; further ones: {', '.join(others)}" if others else ""
        agree = "" if self.agreement is None else f", in {self.agreement:.0%} of the replications too"
        return (
            f"Bottleneck: station {self.names[self.primary]}, severity {self.severity[self.primary]:.3f} (what feeds "
            f"it is blocked more than it starves, what it feeds starves more than it blocks){agree}{also}."
        )


@dataclass(frozen=True, eq=False)
class StateLog:
    """Who was in which state from when to when; rows in any order.

    Attributes:
        station: (n,) number of the station of each row; of parallel machines, each is a station here.
        state: (n,) number of its state.
        start_s, end_s: (n,) [s].
        stations: names by number.
        states: names by number, of `iso22400.STATES`.
    """

    station: Array
    state: Array
    start_s: Array
    end_s: Array
    stations: tuple[str, ...]
    states: tuple[str, ...] = STATES

    def __post_init__(self) -> None:
        columns = [np.asarray(c) for c in (self.station, self.state, self.start_s, self.end_s)]
        n = len(columns[0]) if columns[0].ndim == 1 else 0
        if not n or any(c.shape != (n,) for c in columns):
            raise BadLog(
                f"A log of columns {[c.shape for c in columns]} is none; give four of one length, 1 row or more."
            )
        for name in self.states:
            if name not in STATES:
                hint = nearest(name, STATES)
                did = f" Did you mean {hint!r}?" if hint else ""
                raise BadLog(f"There is no state {name!r}.{did} A station is: {', '.join(STATES)}.")
        for what, numbers, names in (("station", columns[0], self.stations), ("state", columns[1], self.states)):
            wrong = np.flatnonzero((numbers < 0) | (numbers >= len(names)))
            if len(wrong):
                row = int(wrong[0])
                raise BadLog(f"Row {row} of the log is of {what} {numbers[row]}; there are 0 to {len(names) - 1}.")
        wrong = np.flatnonzero(~(np.isfinite(columns[2]) & np.isfinite(columns[3]) & (columns[2] <= columns[3])))
        if len(wrong):
            row = int(wrong[0])
            raise BadLog(
                f"Row {row} of the log lasts from {columns[2][row]:g} s to {columns[3][row]:g} s; "
                "give an end that is not before the start."
            )

    @classmethod
    def from_names(cls, station: Iterable[str], state: Iterable[str], start_s: ArrayLike, end_s: ArrayLike) -> StateLog:
        """From columns with names; stations are numbered in the order in which they first appear."""
        number: dict[str, int] = {}
        stations = [number.setdefault(name, len(number)) for name in station]
        code: dict[str, int] = {}
        states = [code.setdefault(name, len(code)) for name in state]
        return cls(
            np.array(stations, np.int64),
            np.array(states, np.int64),
            np.asarray(start_s, float),
            np.asarray(end_s, float),
            tuple(number),
            tuple(code),
        )


@dataclass(frozen=True, eq=False)
class ShiftingBottleneck:
    """How long which station was the bottleneck, as shares of the counted time.

    Attributes:
        momentary: of each station, the share of time in which its active period was the longest under way.
        sole: the share in which it was so alone: no period of the bottleneck before or after it overlapped.
        shifting: the share in which its period and that of a neighbouring bottleneck overlapped. It counts for both.
        idle: the share in which no station was active.
        moving: the share in which the bottleneck was shifting. Sum of sole + moving + idle = 1.
        primary: the station with the largest sole + shifting; None where no station was ever active.
        counted_s: the window, less the time in which every station was stopped or off [s].
        station, from_s, to_s: (m,) the momentary bottlenecks one after another, in the log's own time.
    """

    momentary: Mapping[str, float]
    sole: Mapping[str, float]
    shifting: Mapping[str, float]
    idle: float
    moving: float
    primary: str | None
    counted_s: float
    station: tuple[str, ...] = field(repr=False)
    from_s: Array = field(repr=False)
    to_s: Array = field(repr=False)

    @property
    def sentence(self) -> str:
        """The bottleneck, how much of the time it was, and the next one."""
        if self.primary is None:
            return "No bottleneck: no station was active in the counted time."
        ranked = sorted(self.sole, key=lambda s: (self.sole[s] + self.shifting[s], self.sole[s]), reverse=True)
        runner = [s for s in ranked if s != self.primary and self.sole[s] + self.shifting[s] > 0.0][:1]
        then = "".join(f"; next {s}, {self.sole[s]:.0%} and {self.shifting[s]:.0%}" for s in runner)
        return (
            f"Bottleneck: station {self.primary}, alone {self.sole[self.primary]:.0%} of the time and shifting "
            f"{self.shifting[self.primary]:.0%}{then}."
        )


def arrow_rule(
    blocked: ArrayLike,
    starved: ArrayLike,
    *,
    edges: Sequence[tuple[int, int]] | None = None,
    per_edge: bool = False,
    names: Sequence[str] | None = None,
) -> ArrowRule:
    """Bottlenecks from shares of time, (n,) or (R, n) replications: arrows point towards them.

    A connection i -> j gets an arrow to j where i is blocked more than j is starved, to i where it is blocked less, and
    none where the two are equal. A station that no arrow leaves is a bottleneck; of several, the primary one is where
    sum over its connections of |blocked_i - starved_j| is largest. Replications are averaged first.

    `edges` are the connections, by default 0 -> 1 -> ... -> n - 1. An assembly starves for one part or another: with
    `per_edge` the shares are of the connections, (m,) or (R, m): how long i is blocked, and j starved, by this one.

    Proved for Bernoulli lines of two machines, a heuristic beyond. Take the shares from long runs without warm-up.

    Raises: BadLog for shares outside [0, 1], shapes that differ, or connections of stations that do not exist.
    """
    b, s = (np.atleast_2d(np.asarray(v, float)) for v in (blocked, starved))
    if b.shape != s.shape or b.ndim != 2 or not b.size:
        raise BadLog(f"Blocked shares of shape {b.shape} and starved of {s.shape}; give one of each per station.")
    if not (np.all((b >= 0.0) & (b <= 1.0)) and np.all((s >= 0.0) & (s <= 1.0))):
        raise BadLog("Blocked and starved are shares of time; give numbers in [0, 1].")
    if per_edge and edges is None:
        raise BadLog("Shares per connection need the connections; give edges.")
    n = 1 + max(max(e) for e in edges) if per_edge and edges else b.shape[1]
    if names is not None:
        n = len(names) if per_edge else n
        if len(names) != n:
            raise BadLog(f"{len(names)} names for {n} stations; give one each.")
    links = np.array([(i, i + 1) for i in range(n - 1)] if edges is None else edges, np.int64).reshape(-1, 2)
    if links.size and not (links.min() >= 0 and links.max() < n):
        raise BadLog(f"A connection leads to station {links.max()}; there are 0 to {n - 1}.")
    if per_edge and b.shape[1] != len(links):
        raise BadLog(f"{b.shape[1]} shares for {len(links)} connections; give one of each per connection.")
    excess = b - s if per_edge else b[:, links[:, 0]] - s[:, links[:, 1]]  # > 0: the arrow goes with the flow
    mean = excess.mean(axis=0, keepdims=True)
    left, severity = _leaves(mean, links, n)[0], _severity(mean, links, n)[0]
    primary = _primary(mean, links, n)[0]
    agreement = float(np.mean(_primary(excess, links, n) == primary)) if len(b) > 1 and primary >= 0 else None
    heads = [(int(i), int(j)) if d > 0.0 else (int(j), int(i)) for (i, j), d in zip(links, mean[0], strict=True) if d]
    return ArrowRule(
        bottlenecks=tuple(int(i) for i in np.flatnonzero(~left)),
        primary=int(primary) if primary >= 0 else None,
        severity=tuple(float(v) for v in severity),
        arrows=tuple(heads),
        agreement=agreement,
        names=tuple(names) if names is not None else tuple(str(i) for i in range(n)),
    )


def shifting_bottleneck(
    log: StateLog,
    *,
    window_s: tuple[float, float] | None = None,
    active: Sequence[str] = ACTIVE,
    tolerance_s: float = 1e-6,
) -> ShiftingBottleneck:
    """The bottleneck of every moment of a log: the station that has the longest uninterrupted active period then.

    Active is who works, is set up or is repaired: the others wait for it. Blocked, starved and waiting (for an operator
    or a transport) are inactive. A period is measured from end to end, beyond the moment too; the window, by default
    the whole log, cuts it off. Rows of no length interrupt nothing. Of periods of one length the earlier one counts;
    stations active over exactly the same longest period share it: it is shifting for each and sole for none, and
    `momentary` counts it for the first of them.

    Time in which *every* station is stopped or off is taken out: the clock stands still, and a period goes on behind a
    break. A station that alone is stopped or off is inactive; add "stopped" to `active` where planned stops hold the
    line up like repairs.

    Each station is logged without gap or overlap (beyond `tolerance_s`) over the window. Time and memory are
    O(n log n) in rows.

    Raises: BadLog for a gap or an overlap, a state that does not exist, or a window of no length.
    """
    for name in active:
        if name not in STATES:
            raise BadLog(f"There is no state {name!r} to be active in. A station is: {', '.join(STATES)}.")
    start, end = np.asarray(log.start_s, float), np.asarray(log.end_s, float)
    low, high = window_s if window_s is not None else (float(start.min()), float(end.max()))
    if not low < high:
        raise BadLog(f"A window from {low:g} s to {high:g} s has no length; give a start before its end.")
    start, end = np.clip(start, low, high), np.clip(end, low, high)
    rows = np.flatnonzero(end > start)
    rows = rows[np.lexsort((start[rows], np.asarray(log.station)[rows]))]
    station, state, start, end = np.asarray(log.station)[rows], np.asarray(log.state)[rows], start[rows], end[rows]
    _check_cover(log, station, start, end, low, high, tolerance_s)
    is_of = np.array([[name in group for name in log.states] for group in (active, _ABSENT)])
    breaks = _all_absent(start[is_of[1][state]], end[is_of[1][state]], len(log.stations), tolerance_s)
    clock = _Clock(low, high, breaks)
    first, last = _periods(station, is_of[0][state], clock(start), clock(end), tolerance_s)
    return _shares(station[first], clock(start[first]), clock(end[last]), clock, log.stations)


class _Clock:
    """Counted time since the window's start: stands still during breaks, (m, 2), disjoint and ascending."""

    def __init__(self, low: float, high: float, breaks: Array) -> None:
        edges = np.concatenate([[low], breaks.ravel(), [high]])
        self._at = edges
        self._counted = np.concatenate([[0.0], np.cumsum(np.diff(edges) * (np.arange(len(edges) - 1) % 2 == 0))])
        self.length = float(self._counted[-1])

    def __call__(self, time_s: Array) -> Array:
        return np.interp(time_s, self._at, self._counted)

    def back(self, counted_s: Array, *, after: bool) -> Array:
        """The log's time; of a moment that a break is at, the time after it or before it."""
        i = np.searchsorted(self._counted, counted_s, side="right" if after else "left")
        i = np.clip(i - 1, 0, len(self._at) - 2)
        return self._at[i] + (counted_s - self._counted[i])


def _check_cover(
    log: StateLog, station: Array, start: Array, end: Array, low: float, high: float, tolerance_s: float
) -> None:
    """Refuses a station that is logged twice at a time, or not at all: what it did then is not known."""
    missing = np.setdiff1d(np.arange(len(log.stations)), station)
    if len(missing):
        raise BadLog(
            f"Station {log.stations[missing[0]]} is not logged from {low:g} s to {high:g} s; log every station."
        )
    opens = np.concatenate([[True], station[1:] != station[:-1]])
    closes = np.concatenate([opens[1:], [True]])
    step = np.concatenate([[0.0], start[1:] - end[:-1]])
    step[opens] = start[opens] - low
    wrong = np.flatnonzero(np.abs(step) > tolerance_s)
    if len(wrong):
        row = int(wrong[0])
        before = low if opens[row] else end[row - 1]
        what = "is not logged" if step[row] > 0.0 else "is in two states"
        a, b = sorted((before, start[row]))
        raise BadLog(
            f"Station {log.stations[station[row]]} {what} from {a:g} s to {b:g} s; "
            "give it one state at any time ('off' where nobody was there)."
        )
    early = np.flatnonzero(closes & (high - end > tolerance_s))
    if len(early):
        row = int(early[0])
        raise BadLog(
            f"Station {log.stations[station[row]]} is not logged from {end[row]:g} s to {high:g} s; "
            "log every station to the end of the window, or end the window sooner."
        )


def _all_absent(start: Array, end: Array, stations: int, tolerance_s: float) -> Array:
    """Intervals in which all stations are in one of these rows, (m, 2)."""
    time = np.concatenate([start, end])
    step = np.concatenate([np.ones(len(start), np.int64), -np.ones(len(end), np.int64)])
    order = np.lexsort((-step, time))  # who comes at a moment is counted before who goes: breaks join
    time, absent = time[order], np.cumsum(step[order])
    whole = np.flatnonzero(absent == stations)
    found = np.stack([time[whole], time[whole + 1]], axis=1) if len(whole) else np.zeros((0, 2))
    return found[found[:, 1] - found[:, 0] > tolerance_s]


def _periods(station: Array, active: Array, start: Array, end: Array, tolerance_s: float) -> tuple[Array, Array]:
    """First and last row of every uninterrupted active period, of rows by station and time, in counted time."""
    counted = np.flatnonzero(end - start > 0.0)  # a break took the others out: they interrupt nothing
    on, of = active[counted], station[counted]
    same = (of[1:] == of[:-1]) & (start[counted][1:] - end[counted][:-1] <= tolerance_s)
    goes_on = np.concatenate([[False], same & on[:-1]])
    begins = on & ~goes_on
    ends = on & ~np.concatenate([goes_on[1:] & on[1:], [False]])
    return counted[begins], counted[ends]


def _shares(station: Array, start: Array, end: Array, clock: _Clock, names: tuple[str, ...]) -> ShiftingBottleneck:
    """The result from active periods in counted time, (p,)."""
    n, length = len(names), clock.length
    chain, tied, win_start, win_end = _chain(station, start, end)
    s, e = start[chain], end[chain]
    overlapped_until = np.concatenate([[-np.inf], e[:-1]])
    overlapped_from = np.concatenate([s[1:], [np.inf]])
    alone = np.maximum(0.0, np.minimum(e, overlapped_from) - np.maximum(s, overlapped_until))
    alone[np.isin(np.arange(len(chain)), tied[:, 0])] = 0.0
    shared = (e - s) - alone
    of = station[chain]
    per = 1.0 / length if length else 0.0
    sole = np.bincount(of, alone, n) * per
    shifting = (
        np.bincount(np.concatenate([of, station[tied[:, 1]]]), np.concatenate([shared, shared[tied[:, 0]]]), n) * per
    )
    momentary = np.bincount(of, win_end - win_start, n) * per
    idle = max(0.0, 1.0 - float(momentary.sum()))
    best = max(range(n), key=lambda i: (sole[i] + shifting[i], sole[i]))
    return ShiftingBottleneck(
        momentary=dict(zip(names, momentary.tolist(), strict=True)),
        sole=dict(zip(names, sole.tolist(), strict=True)),
        shifting=dict(zip(names, shifting.tolist(), strict=True)),
        idle=idle,
        moving=max(0.0, 1.0 - idle - float(sole.sum())),
        primary=names[best] if len(chain) else None,
        counted_s=length,
        station=tuple(names[i] for i in of),
        from_s=clock.back(win_start, after=True),
        to_s=clock.back(win_end, after=False),
    )


def _chain(station: Array, start: Array, end: Array) -> tuple[Array, Array, Array, Array]:
    """The periods that are the longest at some moment, in order of time, and from when to when each is.

    Also `tied`, (m, 2): place in the chain, and a further period over exactly the same time.

    A period within a longer one never wins. Without those, both starts and ends ascend, and a period wins from the end
    of the last one before it that is no shorter, to the start of the first one after it that is longer.
    """
    order = np.lexsort((station, -end, start))
    s, e = start[order], end[order]
    reach = np.maximum.accumulate(np.concatenate([[-np.inf], e[:-1]]))
    kept = np.flatnonzero(e > reach)
    twin = np.flatnonzero((s[1:] == s[:-1]) & (e[1:] == e[:-1])) + 1 if len(s) else np.zeros(0, np.int64)
    s, e = s[kept], e[kept]
    before, after = _no_shorter_before(e - s), _longer_after(e - s)
    win_start = np.maximum(s, np.concatenate([e, [-np.inf]])[before])
    win_end = np.minimum(e, np.concatenate([s, [np.inf]])[after])
    wins = np.flatnonzero(win_start < win_end)
    chain = kept[wins]
    of_twin = np.searchsorted(kept, twin, side="right") - 1  # the kept period that it follows
    same = (s[of_twin] == start[order][twin]) & (e[of_twin] == end[order][twin]) & np.isin(of_twin, wins)
    tied = np.stack([np.searchsorted(wins, of_twin[same]), order[twin[same]]], axis=1)
    return order[chain], tied, win_start[wins], win_end[wins]


def _no_shorter_before(length: Array) -> Array:
    """Of each, the last one before it that is no shorter; -1 where there is none."""
    found = np.full(len(length), -1, np.int64)
    stack: list[int] = []
    values: list[float] = length.tolist()
    for i, this in enumerate(values):
        while stack and values[stack[-1]] < this:
            stack.pop()
        if stack:
            found[i] = stack[-1]
        stack.append(i)
    return found


def _longer_after(length: Array) -> Array:
    """Of each, the first one after it that is longer; len(length) where there is none."""
    found = np.full(len(length), len(length), np.int64)
    stack: list[int] = []
    values: list[float] = length.tolist()
    for i, this in enumerate(values):
        while stack and values[stack[-1]] < this:
            found[stack.pop()] = i
        stack.append(i)
    return found


def _leaves(excess: Array, links: Array, n: int) -> Array:
    """Which stations an arrow leaves, (R, n), from blocked_i - starved_j of each connection, (R, m)."""
    leaves = np.zeros((len(excess), n), bool)
    for (i, j), d in zip(links, excess.T, strict=True):
        leaves[:, i] |= d > 0.0
        leaves[:, j] |= d < 0.0
    return leaves


def _severity(excess: Array, links: Array, n: int) -> Array:
    """Sum of |blocked_i - starved_j| over the connections of each station, (R, n)."""
    total = np.zeros((n, len(excess)))
    for end in (0, 1):
        np.add.at(total, links[:, end], np.abs(excess).T)
    return total.T


def _primary(excess: Array, links: Array, n: int) -> Array:
    """The most severe station that no arrow leaves, (R,); -1 where there is none."""
    rank = np.where(_leaves(excess, links, n), -1.0, _severity(excess, links, n))
    return np.where(rank.max(axis=1) >= 0.0, rank.argmax(axis=1), -1)
