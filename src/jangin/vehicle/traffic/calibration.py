"""The driver behind recorded traffic: `idm`'s parameters fitted to recorded pairs of leader and follower.

    runs = [run for name, r in recordings for run in followings(r, source=name)]
    fit, kept = held_out(runs, share=0.3, seed=1)           # by source: none is in both
    found = calibrated(fit, kept, seed=1)
    found.driver, found.held_out.rmse_m, found.textbook_held_out.rmse_m

A follower is simulated in closed loop from its recorded first state behind its recorded leader, so errors add up as
they would in a simulation. One driver is fitted to all runs: an average driver, to simulate such traffic with. How well
it does on the runs held out, beside the textbook's driver, is what counts; where it was fitted it has to do well.

What a run cannot tell it does not tell: behind a slower leader nobody shows a desired speed, and short runs leave
acceleration and braking nearly free. Look at `Calibration.sensitivity` before trusting a parameter.

Error measures: Kesting, Treiber, Transportation Research Record 2088 (2008) 148 (arXiv 0803.4063).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numba
import numpy as np

from jangin.errors import BadLog
from jangin.stats.minimise import minimise
from jangin.streams import generator
from jangin.vehicle.recorded import Recorded
from jangin.vehicle.traffic.drivers import TREIBER_KESTING, Driver
from jangin.vehicle.traffic.following import idm
from jangin.vehicle.traffic.paths import contact, paths
from jangin.vehicle.traffic.replay import BRAKES_M_S2, REACTING, replayed

__all__ = ["BOUNDS", "Calibration", "Error", "Following", "calibrated", "error", "followings", "held_out", "simulated"]

Array = np.ndarray

BOUNDS: dict[str, tuple[float, float]] = {
    "desired_speed_m_s": (5.0, 50.0),
    "headway_s": (0.1, 4.0),
    "accel_m_s2": (0.2, 5.0),
    "decel_m_s2": (0.2, 8.0),
    "jam_gap_m": (0.1, 8.0),
}
"""What is searched; the exponent stays 4, which the data could hardly tell."""

_CLOSEST_M = 0.5  # closer than this is an error of the recording's boxes, not of a driver's
_ALIGNED_RAD = 0.35  # a leader that drives this much across is crossing, not leading


@dataclass(frozen=True, eq=False)
class Following:
    """One recorded follower behind one leader, at k instants `step_s` apart.

    Attributes:
        source: the recording it is from; runs of one source are held out together.
        step_s: between two instants.
        speed_m_s, gap_m, lead_speed_m_s: (k,) the follower's speed, its gap bumper to bumper, the leader's speed.
        travelled_m: (k,) how far the follower has come; from its speed unless given.
    """

    source: str
    step_s: float
    speed_m_s: Array
    gap_m: Array
    lead_speed_m_s: Array
    travelled_m: Array | None = None

    def __post_init__(self) -> None:
        arrays = [self.speed_m_s, self.gap_m, self.lead_speed_m_s]
        if self.travelled_m is not None:
            arrays.append(self.travelled_m)
        shapes = {np.shape(a) for a in arrays}
        if len(shapes) != 1 or len(next(iter(shapes))) != 1 or len(self.speed_m_s) < 2:
            raise BadLog(
                f"A run of {self.source!r} has arrays of shapes {sorted(shapes)}; give two or more instants each."
            )
        if not all(np.all(np.isfinite(a)) for a in arrays) or np.min(self.gap_m) <= 0.0 or not self.step_s > 0.0:
            raise BadLog(
                f"A run of {self.source!r} has a gap of 0 or less, a value that is not finite or no step; a follower "
                "is behind its leader all the time, so cut the run there."
            )

    @property
    def lead_m(self) -> Array:
        """(k,) where the leader's rear is, from where the follower's front was at the first instant."""
        if self.travelled_m is not None:
            return self.gap_m + self.travelled_m - self.travelled_m[0]
        steps = 0.5 * (self.speed_m_s[1:] + self.speed_m_s[:-1]) * self.step_s
        return self.gap_m + np.concatenate([[0.0], np.cumsum(steps)])


@dataclass(frozen=True)
class Error:
    """How far simulated gaps are from recorded ones, over all instants of all runs.

    Attributes:
        rmse_m: root of the mean squared difference.
        relative: root of the mean squared difference in units of the recorded gap.
        mixed: root of (the mean of squared difference over gap) over (the mean gap); between the two in what it weighs.
        crashes: runs in which the simulated follower reached its leader.
        runs, instants: how many.
    """

    rmse_m: float
    relative: float
    mixed: float
    crashes: int
    runs: int
    instants: int


@dataclass(frozen=True)
class Calibration:
    """A fitted driver and what it is worth.

    Attributes:
        driver: the fitted one.
        fitted, held_out: its errors where it was fitted and on the runs held out.
        textbook_fitted, textbook_held_out: the textbook's driver's on the same.
        sensitivity: of each searched parameter, by how much the error rises (as a share) when it alone is 10 % off;
            the larger of the two directions. Near 0: the data do not say.
        evaluations: drivers tried.
        seed: of the search.
    """

    driver: Driver
    fitted: Error
    held_out: Error
    textbook_fitted: Error
    textbook_held_out: Error
    sensitivity: dict[str, float]
    evaluations: int
    seed: int


def followings(recorded: Recorded, *, source: str, least_s: float = 3.0, farthest_m: float = 80.0) -> list[Following]:
    """All runs in a recording: the same leader for `least_s` or longer, never farther than `farthest_m`.

    A leader is whoever a vehicle would touch first if it went on along its recorded way (`paths.contact`), so neither a
    map nor lanes are needed, and driving more or less the same way. A lane change begins a new run.
    """
    ways = paths(recorded)
    reacts = np.isin(recorded.kinds, REACTING)
    n, steps = recorded.x_m.shape
    gap, lead_speed = np.full((n, steps), np.inf), np.full((n, steps), np.nan)
    lead = np.full((n, steps), -1)
    for k in range(steps):
        boxes = replayed(recorded, k * recorded.step_s)
        _leaders(
            boxes, reacts, ways.travelled_m[:, k], farthest_m, *ways.arrays, gap[:, k], lead[:, k], lead_speed[:, k]
        )
    least = max(2, int(np.ceil(least_s / recorded.step_s)) + 1)
    runs = []
    for i in range(n):
        ends = np.flatnonzero(np.diff(lead[i])) + 1
        for a, b in zip([0, *ends], [*ends, steps], strict=True):
            if lead[i, a] >= 0 and b - a >= least:
                runs.append(
                    Following(
                        source,
                        recorded.step_s,
                        recorded.speed_m_s[i, a:b],
                        gap[i, a:b],
                        lead_speed[i, a:b],
                        ways.travelled_m[i, a:b],
                    )
                )
    return runs


@numba.njit(nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _leaders(  # type: ignore[no-untyped-def]
    boxes, reacts, travelled, farthest, first, x, y, heading, line, gap, lead, lead_speed
):
    """Everybody's leader at one instant; -1 without one."""
    for i in range(len(boxes)):
        if not reacts[i] or np.isnan(boxes[i, 0]):
            continue
        found, j, facing = contact(i, travelled[i], first, x, y, heading, line, boxes, farthest)
        if j >= 0 and reacts[j] and found >= _CLOSEST_M and np.cos(boxes[j, 2] - facing) > np.cos(_ALIGNED_RAD):
            gap[i], lead[i], lead_speed[i] = found, j, boxes[j, 5] * np.cos(boxes[j, 2] - facing)


def held_out(runs: Sequence[Following], *, share: float, seed: int) -> tuple[list[Following], list[Following]]:
    """Runs to fit to and runs held out: whole sources, drawn with the seed, so many that they are about `share`."""
    sources = sorted({run.source for run in runs})
    if len(sources) < 2 or not 0.0 < share < 1.0:
        raise BadLog(
            f"Runs of {len(sources)} recording(s) cannot be split {share:g} to the rest; give two or more and a share "
            "between 0 and 1."
        )
    order = generator("vehicle/calibration", seed=seed, purpose="held-out", trial=0).permutation(len(sources))
    n = min(max(1, round(share * len(sources))), len(sources) - 1)
    out = {sources[k] for k in order[:n]}
    return [r for r in runs if r.source not in out], [r for r in runs if r.source in out]


def simulated(run: Following, driver: Driver) -> tuple[Array, Array]:
    """Gaps [m] and speeds [m/s] of a driver in the follower's place, (k,) each; braking limited to 8 m/s^2.

    The speed changes evenly within a step. An overlap is a negative gap, from which the driver falls back.
    """
    flat = _flat([run])
    gaps, speeds = np.empty(len(run.gap_m)), np.empty(len(run.gap_m))
    _follow(0, *flat, np.array(driver.following), gaps, speeds)
    return gaps, speeds


def error(runs: Sequence[Following], driver: Driver) -> Error:
    """How far off a driver is in the place of the recorded followers."""
    flat = _flat(runs)
    squares, per_gap, per_gap2, crashes = _sums(*flat, np.array(driver.following))
    n = len(flat[3])
    mean_gap = float(np.mean(flat[3]))
    return Error(
        rmse_m=float(np.sqrt(squares / n)),
        relative=float(np.sqrt(per_gap2 / n)),
        mixed=float(np.sqrt(per_gap / n / mean_gap)),
        crashes=int(crashes),
        runs=len(runs),
        instants=n,
    )


def calibrated(
    runs: Sequence[Following],
    kept: Sequence[Following],
    *,
    seed: int,
    generations: int = 120,
    textbook: Driver = TREIBER_KESTING.typical,
) -> Calibration:
    """The driver with the smallest mixed error on `runs` within BOUNDS, judged on the runs `kept` back.

    Parameters that are not searched are the textbook's. Raises BadLog when one of the two is empty.
    """
    if not runs or not kept:
        raise BadLog(f"{len(runs)} runs to fit to and {len(kept)} held out; give at least one each.")
    flat, names = _flat(runs), tuple(BOUNDS)

    def mixed(points: Array) -> Array:
        rows = np.column_stack([points, np.full(len(points), textbook.exponent)])
        return np.array([_sums(*flat, row)[1] for row in rows])  # the same minimum as its root over the mean gap

    found = minimise(
        mixed,
        low=[BOUNDS[name][0] for name in names],
        high=[BOUNDS[name][1] for name in names],
        rng=generator("vehicle/calibration", seed=seed, purpose="search", trial=0),
        generations=generations,
        tolerance=1e-12,
    )
    off = np.concatenate([found.x * (1.0 + 0.1 * side * np.eye(len(names))) for side in (1, -1)])
    rise = np.sqrt(mixed(off) / found.value).reshape(2, -1).max(axis=0) - 1.0
    driver = replace(textbook, **dict(zip(names, map(float, found.x), strict=True)))
    return Calibration(
        driver=driver,
        fitted=error(runs, driver),
        held_out=error(kept, driver),
        textbook_fitted=error(runs, textbook),
        textbook_held_out=error(kept, textbook),
        sensitivity=dict(zip(names, map(float, rise), strict=True)),
        evaluations=found.evaluations,
        seed=seed,
    )


def _flat(runs: Sequence[Following]) -> tuple[Array, Array, Array, Array, Array, Array]:
    """Runs one after the other: (ends, step, first speed) a run, (gap, leader's place, leader's speed) an instant."""
    ends = np.cumsum([0, *(len(run.gap_m) for run in runs)]).astype(np.int64)
    return (
        ends,
        np.array([run.step_s for run in runs]),
        np.array([max(run.speed_m_s[0], 0.0) for run in runs]),
        np.concatenate([run.gap_m for run in runs]).astype(float),
        np.concatenate([run.lead_m for run in runs]).astype(float),
        np.concatenate([run.lead_speed_m_s for run in runs]).astype(float),
    )


@numba.njit(nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _follow(r, ends, step, first_speed, gap, lead, lead_speed, d, gaps, speeds):  # type: ignore[no-untyped-def]
    """One run in closed loop; `gaps` and `speeds` are written."""
    speed, at, dt = first_speed[r], 0.0, step[r]
    for k in range(ends[r], ends[r + 1]):
        here = lead[k] - at
        gaps[k - ends[r]], speeds[k - ends[r]] = here, speed
        accel = max(idm(speed, here, lead_speed[k], d[0], d[1], d[2], d[3], d[4], d[5]), -BRAKES_M_S2)
        after = speed + accel * dt
        if after >= 0.0:
            at += 0.5 * (speed + after) * dt
            speed = after
        else:  # stands before the step is over
            at -= 0.5 * speed * speed / accel
            speed = 0.0


@numba.njit(nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _sums(ends, step, first_speed, gap, lead, lead_speed, d):  # type: ignore[no-untyped-def]
    """Over all instants: the squared differences, those per gap and per squared gap; and runs that end in a crash."""
    squares, per_gap, per_gap2, crashes = 0.0, 0.0, 0.0, 0
    longest = 0
    for r in range(len(step)):
        longest = max(longest, ends[r + 1] - ends[r])
    gaps, speeds = np.empty(longest), np.empty(longest)
    for r in range(len(step)):
        _follow(r, ends, step, first_speed, gap, lead, lead_speed, d, gaps, speeds)
        crashed = False
        for k in range(ends[r], ends[r + 1]):
            was = gap[k]
            square = (gaps[k - ends[r]] - was) ** 2
            squares += square
            per_gap += square / was
            per_gap2 += square / (was * was)
            crashed = crashed or gaps[k - ends[r]] <= 0.0
        crashes += crashed
    return squares, per_gap, per_gap2, crashes
