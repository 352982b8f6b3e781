"""What every line of the analytic engine is answered with: throughput, parts per place, and what stations do.

answer.throughput, answer.exact, answer.method     # 0.6704661, True, "continuous-time Markov chain, 44 states"
answer.stations[1].blocked                         # share of machine time, 0 to 1
answer.wip, answer.lead_time                       # parts in all, and by Little's law the time a part spends
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sized
from dataclasses import dataclass

from jangin.errors import JanginError

__all__ = ["BadNumbers", "LineAnswer", "StationShares", "numbers", "same_length", "whole"]


class BadNumbers(JanginError):
    """Rates, probabilities or capacities that describe no line, or none that the method holds for."""


@dataclass(frozen=True)
class StationShares:
    """What share of its machines' time a station spends in each state; running + blocked + starved + down = 1.

    An idle machine that has no part is starved, also when it could not start one because there is no space ahead of it.
    `starved_and_blocked` is the share that is both; it is counted in `starved`.
    """

    running: float
    blocked: float
    starved: float
    down: float
    starved_and_blocked: float = 0.0


@dataclass(frozen=True)
class LineAnswer:
    """A line in steady state.

    Attributes:
        throughput: parts that leave per unit of time (per slot in slotted lines).
        wip_stations: mean parts in each station's machines: in work, held by a failure, or finished and blocked.
        wip_buffers: mean parts in each buffer between two stations, one fewer than stations.
        wip_queue: mean parts that wait before the first station; None for a saturated line, which has no such queue.
        stations: what each station does.
        exact: True for a result of the model itself up to rounding; False for an approximation of it.
        method: the formula or chain, and its source.
        error: an upper estimate of the relative error of `throughput`: for exact results by how much the stations'
            throughputs differ (rounding, truncation); None for an approximation, whose error is not known.
        lost: share of the arriving parts that find the queue full; 0 for a saturated line.
    """

    throughput: float
    wip_stations: tuple[float, ...]
    wip_buffers: tuple[float, ...]
    wip_queue: float | None
    stations: tuple[StationShares, ...]
    exact: bool
    method: str
    error: float | None
    lost: float = 0.0

    @property
    def wip(self) -> float:
        """Mean number of parts in all places."""
        return sum(self.wip_stations) + sum(self.wip_buffers) + (self.wip_queue or 0.0)

    @property
    def lead_time(self) -> float:
        """Mean time from entering the line (its queue, if it has one) to leaving it, by Little's law."""
        return self.wip / self.throughput


def numbers(
    name: str, values: Iterable[float], *, low: float = 0.0, high: float = math.inf, open_low: bool = True
) -> tuple[float, ...]:
    """The values as floats, each above `low` (or at it, unless open) and at most `high`, finite.

    Raises: BadNumbers that names the first that is not.
    """
    found = tuple(float(v) for v in values)
    for k, v in enumerate(found):
        which = name if len(found) == 1 else f"{name}[{k}]"
        if not (math.isfinite(v) and (v > low if open_low else v >= low) and v <= high):
            above = f"{'above' if open_low else 'at least'} {low:g}" + (
                f" and at most {high:g}" if high < math.inf else ""
            )
            raise BadNumbers(f"{which} is {v:g}; give a finite number {above}.")
    if not found:
        raise BadNumbers(f"{name} is empty; give one number per station.")
    return found


def whole(name: str, values: Iterable[int], *, low: int) -> tuple[int, ...]:
    """The values as ints of at least `low`. Raises: BadNumbers that names the first that is not."""
    found = tuple(values)
    for k, v in enumerate(found):
        if not math.isfinite(v) or v != int(v) or v < low:
            which = name if len(found) == 1 else f"{name}[{k}]"
            raise BadNumbers(f"{which} is {v}; give a whole number of at least {low}.")
    return tuple(int(v) for v in found)


def same_length(name: str, values: Sized, wanted: int, of: str) -> None:
    """Raises: BadNumbers unless there are as many values as wanted."""
    if len(values) != wanted:
        raise BadNumbers(f"{name} has {len(values)} entries for {of}; give {wanted}.")
