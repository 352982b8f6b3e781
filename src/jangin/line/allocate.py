"""Where to put a number of buffer places so that most good parts leave per hour.

    found = allocate(read_layout("door.yaml"), total=12, horizon_s=8 * 3600, warmup_s=3600, seed=1)
    found.places                # {"b1": 3, "b2": 5, "b3": 4}
    found.gain.sentence         # against the declared places, on common random numbers
    found.sentence              # "12 places as b1 3, b2 5, b3 4: 121.3 ± 0.4 good parts per hour ..."

The places go to the buffers that have a capacity; a buffer without limit stays as it is.
    Search.    Up to 200 allocations: all are simulated. Otherwise from the declared proportions or an equal split, by
               exchanges of places between two buffers, many at first and one at the end. An exchange is made only if
               it is better by a paired test on common random numbers, at a level that holds for all exchanges of a
               round together. It ends where no exchange of one place is shown to be better.
    Decision.  The best few and the allocation compared with are simulated again, with fresh random numbers and four
               times as many, because what won the search is likely to have been lucky in it. The intervals of the
               table hold together at 95 %, and so do those of the differences, whichever wins.
               Where the exact chain holds the line it decides instead: among the same few, and then from the best of
               them by exchanges of one place until none is better.
A search by exchanges ends in an optimum among neighbours. That throughput is concave in the places, so that this is the
best of all, is known for some serial lines only; `complete` says whether all allocations were looked at.

With evidence every replication is another draw of what the trials leave open, the same for all allocations, and the
finalists meet at fresh draws: the answer is the best for the mean over what is left open. One run of each draw, because
for a mean a further draw always tells more than a further run of the same.

Intervals hold together by Bonferroni's inequality: n of them at 95 % are each taken at 1 - 0.05 / n.
Source of the problem: Gershwin and Schor, Annals of Operations Research 93 (2000) 117, the dual problem.
"""

from __future__ import annotations

import dataclasses
import heapq
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jangin.errors import BadLayout, JanginError
from jangin.line import analysed
from jangin.line.duration import length_s
from jangin.line.engines import ready
from jangin.line.evidence_runs import EvidenceRuns, carries_evidence, located
from jangin.line.flow import Progress
from jangin.line.iso22400 import STATES
from jangin.line.layout import Layout
from jangin.line.layout_check import check
from jangin.line.result import Replications
from jangin.stats.output import Interval, Paired, mean_interval, paired_interval

__all__ = ["Allocation", "BadAllocation", "Candidate", "allocate"]

Array = np.ndarray
Places = tuple[int, ...]  # of the buffers that have a capacity, in declared order

CONFIDENCE = 0.95
ENUMERATED = 200  # allocations: up to so many, all are simulated
FINALISTS = 5
AGAIN = 4  # times as many replications for the finalists
WARM_SHARE = 0.2  # of a replication, where no warm-up is given
TOGETHER = 16  # allocations that draw their numbers once for all
EQUAL = 1e-9  # relative difference of two exact throughputs below which they are one; the chain's rounding is smaller


class BadAllocation(JanginError):
    """A number of places, or a way to simulate them, that cannot be; or a plant with nothing to allocate."""


@dataclass(frozen=True)
class Candidate:
    """One of the best allocations.

    Attributes:
        places: by buffer.
        per_hour: good parts per hour; half_width 0 where exact. Of a table of n these intervals hold together.
        behind: by how much the chosen allocation is better, on common random numbers; they hold together too.
    """

    places: Mapping[str, int]
    per_hour: Interval
    behind: Interval


@dataclass(frozen=True)
class Allocation:
    """Where the places go.

    Attributes:
        layout: the plant with the new capacities.
        places: by buffer, in declared order.
        per_hour: good parts per hour with them.
        gain: difference to `against`, chosen minus that.
        against: places by buffer of the allocation compared with.
        against_is: "declared" where the declared places add up to the total, else "an equal split" of the total (as
            equal as batches allow), or "the best other start" where that cannot run.
        best: the best few, the chosen one first, then by throughput; `against` is among them.
        equals: how many others are exactly as good, of those the exact chain was asked for.
        decided: "exact", "only one allocation", or "simulation, difference to the next best ...".
        exact: the exact chain decided.
        complete: every allocation was looked at.
        engine, replications: of the search; the finalists had four times as many replications, others than these.
        open: replications are draws of what the evidence of stations leaves open; the intervals are then those of the
            mean over it, not its width. `warnings`: what to know of that evidence.
        evaluations: different allocations simulated or solved.
        sentence: the answer.
    """

    layout: Layout
    places: Mapping[str, int]
    per_hour: Interval
    gain: Paired
    against: Mapping[str, int]
    against_is: str
    best: tuple[Candidate, ...]
    equals: int
    decided: str
    exact: bool
    complete: bool
    engine: str
    replications: int
    evaluations: int
    open: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """The allocation, what it makes, what it gains, and how that was decided."""
        gain, n = self.gain.difference, sum(self.places.values())
        of = ", over draws of the evidence" if self.open else ""
        within = ", exactly for the model" if self.exact else f" ({CONFIDENCE:.0%}, for all of the table together{of})"
        text = f"{n} place{'s' * (n != 1)} as {_words(self.places)}: {_rate(self.per_hour)} good parts per hour{within}"
        name = "the declared places" if self.against_is == "declared" else self.against_is
        if self.against == self.places:
            text += f"; these are {name}" if name == "the declared places" else f"; this is {name}"
        else:
            shown = "" if self.exact or _clear(gain) else ", which shows no difference"
            text += f", {_difference(gain)} against {name} ({_words(self.against)}){shown}"
        if self.decided == "only one allocation":
            return f"{text}. There is no other allocation."
        if self.exact:
            others = (
                f"; {self.equals} other{'s are' if self.equals > 1 else ' is'} exactly as good" if self.equals else ""
            )
            return f"{text}. Decided by the exact chain{others}."
        return f"{text}. Decided by {self.decided}" + ("." if _clear(self.best[1].behind) else ", which is none shown.")


def allocate(
    layout: Layout,
    *,
    total: int,
    horizon_s: float | None = None,
    warmup_s: float | None = None,
    replications: int = 20,
    seed: int = 0,
    folder: Path | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Allocation:
    """The allocation of `total` places to the buffers that have a capacity, for most good parts per hour.

    Args:
        layout: the plant; checked here.
        total: places in all, >= 0.
        horizon_s: end of a replication [s]; None: from the slowest station and the calendars.
        warmup_s: when measuring begins [s]; None: after a fifth, because every allocation has a warm-up of its own.
        replications: of each allocation in the search, >= 2; of draws, where stations are evidence.
        seed: fixes every draw, and so the answer.
        folder: where the run folders of stations with evidence are relative to; None: the working directory.

    Raises: BadLayout; BadAllocation for a total, a horizon or replications that cannot be, for a plant without such
    buffers, and where no start can run; JanginError for a plant that no engine can honour.
    """
    check(layout)
    names = tuple(b.name for b in layout.buffers if b.capacity is not None)
    known, plant = EvidenceRuns(), located(layout, folder or Path())
    horizon = length_s(plant, known.part_s(plant, seed)) if horizon_s is None else horizon_s
    warmup = WARM_SHARE * horizon if warmup_s is None else warmup_s
    _check_request(layout, names, total, horizon, warmup, replications)
    tell = on_progress or (lambda progress: None)
    study = _Study(layout, plant, known, names, total, seed, horizon, warmup, replications, tell)
    declared = tuple(b.capacity for b in layout.buffers if b.capacity is not None)
    level = _level(total, [_needed(layout, name) for name in names])
    starts = [level, _in_proportion(total, declared)]
    called = {level: "an equal split"}
    if sum(declared) == total:
        starts, called = [declared, *starts], called | {declared: "declared"}
    complete = math.comb(total + len(names) - 1, total) <= ENUMERATED
    if complete:
        study.simulate(_all(total, len(names)))
    else:
        _search(study, starts)
    ranked = study.ranked()
    if not ranked:
        raise study.refusal()
    against = next(a for a in [*starts, *ranked] if a in ranked)
    few = list(dict.fromkeys([*ranked[:FINALISTS], against]))
    decided = _exactly(study, few, against) or _simulated(study, few, against)
    named = called.get(against, "the best other start")
    asked, warned = len(study.seen), known.warnings(plant)
    return dataclasses.replace(decided, against_is=named, complete=complete, evaluations=asked, warnings=warned)


def _check_request(
    layout: Layout, names: Sequence[str], total: int, horizon_s: float, warmup_s: float, replications: int
) -> None:
    if not names:
        raise BadAllocation(
            f"Layout {layout.name!r} has no buffer with a capacity, so there is nothing to allocate; give the buffers "
            "that share the places a capacity, whatever it is."
        )
    if isinstance(total, bool) or not isinstance(total, int | np.integer) or total < 0:
        raise BadAllocation(f"A total of {total} places cannot be allocated; give a whole number of 0 or more.")
    if not 0.0 <= warmup_s < horizon_s < math.inf:
        raise BadAllocation(f"A warm-up of {warmup_s:g} s in {horizon_s:g} s; give 0 <= warmup_s < horizon_s.")
    if replications < 2:
        raise BadAllocation(f"{replications} replications leave no interval; give 2 or more, 20 as a rule.")


# ── simulating ───────────────────────────────────────────────────────────────────────────────────────────────────


class _Study:
    """Allocations of one plant on common random numbers; each is simulated once.

    Attributes:
        layout: as declared.
        open: whether stations are evidence, so that replications are draws of what it leaves open.
        rates: (replications,) good parts per hour of each allocation that can run.
        promise: (nbuffers,) how often its sources wait for room times how often its targets wait for parts: a place
            more can only help where both happen.
        seen: every allocation asked for, those that cannot run included.
        refused: why the last such one cannot run.
    """

    def __init__(
        self, layout: Layout, plant: Layout, known: EvidenceRuns, names: tuple[str, ...], total: int, seed: int,
        horizon_s: float, warmup_s: float, replications: int, tell: Callable[[Progress], None],
    ) -> None:  # fmt: skip
        self.layout, self.names, self.total, self.replications = layout, names, total, replications
        self.open, self._plant = carries_evidence(layout), plant
        self.rates: dict[Places, Array] = {}
        self.promise: dict[Places, Array] = {}
        self.seen: set[Places] = set()
        self.refused = ""
        self._settings, self._tell, self._done = {"seed": seed, "horizon_s": horizon_s, "warmup_s": warmup_s}, tell, 0
        widest = plant.with_capacities(dict.fromkeys(names, total))  # the recursion fits it: it fits all
        self.engine = "path" if not known.unfit(widest)["path"] else known.choose(plant, "events")[0]
        self._compare = (known.ready(self.engine) if self.open else ready(self.engine)).compare
        index = {s.name: k for k, s in enumerate(layout.stations)}
        finite = [b for b in layout.buffers if b.capacity is not None]
        self._ends = [([index[s] for s in b.source], [index[s] for s in b.target]) for b in finite]

    def plant(self, places: Places) -> Layout:
        return self._plant.with_capacities(self.named(places))

    def named(self, places: Places) -> dict[str, int]:
        return dict(zip(self.names, places, strict=True))

    def simulate(self, allocations: Iterable[Places]) -> None:
        """Every allocation that has not been simulated yet and can run."""
        new = [a for a in dict.fromkeys(allocations) if a not in self.seen]
        self.seen.update(new)
        able = [a for a in new if self._allowed(a)]
        for a, runs in zip(able, self.runs(able, 0, self.replications), strict=True):
            if not self.stands_still(a, runs):
                self.rates[a], self.promise[a] = runs.per_hour, self._promise(runs)

    def runs(self, allocations: Sequence[Places], first: int, replications: int) -> Iterator[Replications]:
        """Replications first, first + 1 ... of each allocation."""
        settings = {**self._settings, "first": first, "replications": replications}
        for k in range(0, len(allocations), TOGETHER):
            group = allocations[k : k + TOGETHER]
            yield from self._compare([self.plant(a) for a in group], **settings)
            self.tell(f"{len(self.seen)} allocations", len(group) * replications)

    def stands_still(self, places: Places, runs: Replications) -> bool:
        """Whether a replication came to a state in which nothing could ever move again."""
        if runs.stuck is None or not np.isfinite(runs.stuck).any():
            return False
        self.refused = f"With {_words(self.named(places))} it comes to a standstill."
        return True

    def tell(self, stage: str, replications: int = 0) -> None:
        self._done += replications
        self._tell(Progress(stage, self._done, None))

    def refusal(self) -> BadAllocation:
        """What to say when nothing can run."""
        return BadAllocation(
            f"Layout {self.layout.name!r} runs with none of the allocations of {self.total} places that were tried. "
            f"{self.refused} Give more places."
        )

    def ranked(self) -> list[Places]:
        """What can run, the best first."""
        return sorted(self.rates, key=lambda a: (-float(self.rates[a].mean()), a))

    def better(self, a: Places, b: Places, confidence: float) -> bool:
        """Whether a is shown to be better than b."""
        return paired_interval(self.rates[a], self.rates[b], confidence).difference.low > 0.0

    def _allowed(self, places: Places) -> bool:
        try:
            check(self.plant(places))
        except BadLayout as e:  # as a batch that does not fit its buffer
            self.refused = str(e)
            return False
        return True

    def _promise(self, runs: Replications) -> Array:
        share = runs.states.mean(axis=0)
        share = share / np.maximum(share.sum(axis=1, keepdims=True), 1e-300)
        blocked, starved = share[:, STATES.index("blocked")], share[:, STATES.index("starved")]
        return np.array([blocked[source].max() * starved[target].max() for source, target in self._ends])


# ── searching ────────────────────────────────────────────────────────────────────────────────────────────────────


def _search(study: _Study, starts: Sequence[Places]) -> None:
    """Exchanges between two buffers as long as one is shown to be better; halves their size where none is."""
    study.simulate(starts)
    if not study.rates:
        return
    now, n = study.ranked()[0], len(study.names)
    step = max(1, sum(now) // (2 * n))
    level = 1.0 - (1.0 - CONFIDENCE) / max(1, n * (n - 1))
    while True:
        nxt = _better_exchange(study, now, step, level)
        if nxt is not None:
            now = nxt
        elif step == 1:
            return
        else:
            step //= 2


def _better_exchange(study: _Study, now: Places, step: int, level: float) -> Places | None:
    """The best exchange that is shown to be better, of the first group in which there is one, the likely ones first."""
    promise, n = study.promise[now], len(now)
    moved = {_exchanged(now, i, j, step): promise[j] - promise[i] for i, j in _pairs(now, step)}
    likely = sorted(moved, key=lambda a: -moved[a])
    for k in range(0, len(likely), n):
        group = likely[k : k + n]
        study.simulate(group)
        shown = [a for a in group if a in study.rates and study.better(a, now, level)]
        if shown:
            return max(shown, key=lambda a: float(study.rates[a].mean()))
    return None


def _pairs(places: Places, step: int) -> Iterator[tuple[int, int]]:
    """From which buffer to which so many places can go."""
    return ((i, j) for i, j in itertools.permutations(range(len(places)), 2) if places[i] >= step)


def _exchanged(places: Places, i: int, j: int, step: int) -> Places:
    moved = list(places)
    moved[i] -= step
    moved[j] += step
    return tuple(moved)


def _all(total: int, n: int) -> Iterator[Places]:
    """Every way to divide the total among n buffers."""
    if n == 1:
        yield (total,)
        return
    for first in range(total, -1, -1):
        yield from ((first, *rest) for rest in _all(total - first, n - 1))


def _needed(layout: Layout, name: str) -> int:
    """Places without which a batch might never come together."""
    target = next(b.target for b in layout.buffers if b.name == name)
    return max((layout.station(s).batch for s in target if layout.station(s).batch > 1), default=0)


def _level(total: int, least: Sequence[int]) -> Places:
    """As equal as can be with these at least (if the total suffices); what does not divide goes to the first."""
    places = list(least) if sum(least) <= total else [0] * len(least)
    fewest = [(n, k) for k, n in enumerate(places)]
    heapq.heapify(fewest)
    for _ in range(total - sum(places)):
        n, k = fewest[0]
        heapq.heapreplace(fewest, (n + 1, k))
        places[k] += 1
    return tuple(places)


def _in_proportion(total: int, declared: Sequence[int]) -> Places:
    """The declared proportions, by largest remainders."""
    whole = sum(declared)
    if not whole:
        return _level(total, [0] * len(declared))
    places = [total * d // whole for d in declared]
    by_remainder = sorted(range(len(declared)), key=lambda k: (-(total * declared[k] % whole), k))
    for k in by_remainder[: total - sum(places)]:
        places[k] += 1
    return tuple(places)


# ── deciding ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _simulated(study: _Study, few: Sequence[Places], against: Places) -> Allocation:
    """The best of a few by fresh replications; the intervals are widened so that they hold together."""
    fresh = list(study.runs(few, study.replications, AGAIN * study.replications))
    rates = {a: runs.per_hour for a, runs in zip(few, fresh, strict=True)}
    stuck = {a: study.stands_still(a, runs) for a, runs in zip(few, fresh, strict=True)}
    order = sorted(few, key=lambda a: (stuck[a], -round(float(rates[a].mean()), 9), a != against, a))
    if stuck[order[0]]:
        raise study.refusal()
    each = 1.0 - (1.0 - CONFIDENCE) / len(few)
    pair = 1.0 - (1.0 - CONFIDENCE) / max(1, math.comb(len(few), 2))
    first = order[0]
    best = [
        Candidate(
            study.named(a), mean_interval(rates[a], each), paired_interval(rates[first], rates[a], pair).difference
        )
        for a in order
    ]
    decided = f"simulation, difference to the next best {_difference(best[1].behind)}" if best[1:] else ""
    return _answer(study, best, paired_interval(rates[first], rates[against], pair), against, decided, exact=False)


def _exactly(study: _Study, few: Sequence[Places], against: Places) -> Allocation | None:
    """The best of a few by the exact chain, and of what exchanges of one place lead to; None where it does not hold."""
    values: dict[Places, float] = {}

    def order(a: Places) -> tuple[bool, bool, Places]:
        """The best before the others; among equals the one compared with, which changes nothing in the plant."""
        return values[a] < max(values.values()) * (1.0 - EQUAL), a != against, a

    new = list(few)
    while new:
        if any(analysed.unfit(study.plant(a)) for a in new):
            return None
        for a in new:
            values[a] = analysed.answer(study.plant(a), "", CONFIDENCE).per_hour.mean
            study.seen.add(a)
            study.tell(f"{len(values)} exact chains")
        now = min(values, key=order)
        new = [a for a in (_exchanged(now, i, j, 1) for i, j in _pairs(now, 1)) if a not in values]
    equals = sum(not order(a)[0] for a in values) - 1
    table = sorted(values, key=lambda a: (order(a)[:1], -values[a] if order(a)[0] else 0.0, order(a)[1:]))
    shown = list(dict.fromkeys([*table[:FINALISTS], against]))
    best = [Candidate(study.named(a), _point(values[a]), _point(max(0.0, values[now] - values[a]))) for a in shown]
    gain = Paired(_point(values[now] - values[against]), None, None)
    return dataclasses.replace(_answer(study, best, gain, against, "exact", exact=True), equals=equals)


def _answer(
    study: _Study, best: Sequence[Candidate], gain: Paired, against: Places, decided: str, *, exact: bool
) -> Allocation:
    chosen = best[0]
    return Allocation(
        layout=study.layout.with_capacities(chosen.places),
        places=chosen.places,
        per_hour=chosen.per_hour,
        gain=gain,
        against=study.named(against),
        against_is="",
        best=tuple(best),
        equals=0,
        decided=decided if best[1:] else "only one allocation",
        exact=exact,
        complete=False,
        engine=study.engine,
        replications=study.replications,
        evaluations=0,
        open=study.open,
    )


# ── words ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _point(value: float) -> Interval:
    return Interval(value, 0.0, CONFIDENCE, 1)


def _clear(difference: Interval) -> bool:
    return abs(difference.mean) > difference.half_width


def _words(places: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {n}" for name, n in places.items())


def _rate(rate: Interval) -> str:
    return f"{rate.mean:.6g}" if rate.half_width == 0.0 else f"{rate.mean:.4g} ± {rate.half_width:.2g}"


def _difference(d: Interval) -> str:
    mean = round(d.mean, 9) + 0.0  # what rounding leaves of equal rates is no difference
    return f"{mean:+.3g}" if d.half_width == 0.0 else f"{mean:+.3g} ± {d.half_width:.2g}"
