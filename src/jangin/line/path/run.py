"""Runs of a line: replications in groups that fit the cache, portions of parts, one window."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from jangin.line.layout import Layout
from jangin.line.path.clock import Clock
from jangin.line.path.draws import WIDTH, Shared
from jangin.line.path.fit import NotExact, unfit
from jangin.line.path.measure import FixedParts, FixedTime
from jangin.line.path.recursion import Path
from jangin.line.path.supply import Supply, Times
from jangin.line.result import Replications

__all__ = ["common_random", "simulate", "simulate_until"]

Window = FixedTime | FixedParts

ROWS = 32  # parts per portion
GROUP = 8  # blocks that go through a line together: 512 replications are fastest, a row then fits the first cache


def simulate(
    layout: Layout, *, seed: int, replications: int, first: int = 0, parts: int, warmup_parts: int = 0,
    times: Times | None = None,
) -> Replications:  # fmt: skip
    """The line in steady state: every station from its `warmup_parts`-th departure to its `parts`-th.

    The windows of the stations differ by a few parts; states and buffers are scaled to the last one's, so that they sum
    to machines x `seconds`. With parallel machines the parts at either end of a window are counted with the machine
    that frees up next, which shifts a share by less than machines / (parts - warmup_parts).

    Args:
        replications: how many, numbered first, first + 1 ...; a number has the same random numbers in every call.
        times: by station number, a function that gives (n, replications) seconds for its next n runs, in place of the
            station's own distribution; failures still happen.

    Raises: NotExact if the recursion is not exact for the layout, or for counts that mean nothing.
    """
    _counts(replications, first)
    if not 0 <= warmup_parts < parts:
        raise NotExact(f"{warmup_parts} of {parts} parts are warm-up; give 0 <= warmup_parts < parts.")

    def window(plant: Layout, clock: Clock, width: int) -> Window:
        return FixedParts(plant, clock, width, warmup_parts, parts)

    return _all([layout], window, seed, replications, first, [times or {}], parts)[0]


def simulate_until(
    layout: Layout, *, seed: int, replications: int, first: int = 0, horizon_s: float, warmup_s: float = 0.0,
    times: Times | None = None, bins: int = 0,
) -> Replications:  # fmt: skip
    """The line from empty, measured from `warmup_s` to `horizon_s` exactly; the form that all engines share.

    Args: as `simulate`; bins: how many equal stretches of 0 ... horizon_s to count good parts in, 0 for none.

    Raises: as `simulate`.
    """
    return _until([layout], seed, replications, first, horizon_s, warmup_s, [times or {}], bins)[0]


def common_random(
    layouts: Sequence[Layout], *, seed: int, replications: int, first: int = 0, horizon_s: float, warmup_s: float = 0.0,
    times: Sequence[Times] = (), bins: int = 0, states: bool = True,
) -> list[Replications]:  # fmt: skip
    """Several designs on the same random numbers, as `simulate_until` of each, and the same to the last bit.

    Stations of the same name share their numbers where their distributions are of one kind: other means, capacities or
    failures do not disturb them. Where all designs have as many machines, each number is drawn once for all.

    Args: times: one mapping per layout, or none; functions that give the same numbers keep them common. states: whether
    to measure what stations and buffers do as well; NaN without, and a third of the time saved.

    Raises: as `simulate`; the first design that does not fit is named.
    """
    if not layouts:
        raise NotExact("No layouts to compare; give at least one.")
    if len(times) not in (0, len(layouts)):
        raise NotExact(f"Times for {len(times)} of {len(layouts)} layouts; give one mapping for each, or none.")
    return _until(layouts, seed, replications, first, horizon_s, warmup_s, times or [{}] * len(layouts), bins, states)


def _until(
    layouts: Sequence[Layout], seed: int, replications: int, first: int, horizon_s: float, warmup_s: float,
    times: Sequence[Times], bins: int, states: bool = True,
) -> list[Replications]:  # fmt: skip
    _counts(replications, first)
    if not 0.0 <= warmup_s < horizon_s < float("inf"):
        raise NotExact(f"A warm-up of {warmup_s:g} s in {horizon_s:g} s; give 0 <= warmup_s < horizon_s.")
    if bins < 0:
        raise NotExact(f"{bins} bins cannot be; give 0 for none, or more.")

    def window(layout: Layout, clock: Clock, width: int) -> Window:
        return FixedTime(layout, clock, width, warmup_s, horizon_s, bins, states=states)

    return _all(layouts, window, seed, replications, first, times, None)


def _all(
    layouts: Sequence[Layout], window: Callable[[Layout, Clock, int], Window], seed: int, replications: int,
    first: int, times: Sequence[Times], parts: int | None,
) -> list[Replications]:  # fmt: skip
    """Every layout's replications, group by group; within a group all layouts go forward in step."""
    for layout, given in zip(layouts, times, strict=True):
        why = unfit(layout, given)
        if why:
            raise NotExact(f"Layout {layout.name!r} does not fit the engine 'path': {why} Use the engine 'events'.")
    machines = {tuple(s.machines for s in layout.stations) for layout in layouts}
    together = len(layouts) > 1 and len(machines) == 1
    begin, end = first // WIDTH, -(-(first + replications) // WIDTH)
    size = end - begin if any(times) else GROUP  # the caller's times are for all replications at once
    found: list[list[Replications]] = [[] for _ in layouts]
    for low in range(begin, end, size):
        blocks = range(low, min(end, low + size))
        columns = slice(max(first - low * WIDTH, 0), min(first + replications - low * WIDTH, len(blocks) * WIDTH))
        shared = Shared() if together else None
        runs = [
            _Run(one, window, seed, blocks, columns, given, shared, parts)
            for one, given in zip(layouts, times, strict=True)
        ]
        while any(not run.window.done for run in runs):
            for run in runs:
                if not run.window.done:
                    run.go_on()
        for run, own in zip(runs, found, strict=True):
            own.append(run.window.result(columns))
    return [Replications.concat(own) for own in found]


class _Run:
    """One layout, one group of replications."""

    def __init__(
        self, layout: Layout, window: Callable[[Layout, Clock, int], Window], seed: int, blocks: range, columns: slice,
        times: Times, shared: Shared | None, parts: int | None,
    ) -> None:  # fmt: skip
        clock, width = Clock(layout), len(blocks) * WIDTH
        self.path = Path(layout, ROWS, width)
        self.window = window(layout, clock, width)
        self.supply = Supply(
            layout, clock, seed=seed, blocks=blocks, columns=columns, times=times, shared=shared, parts=parts
        )

    def go_on(self) -> None:
        """The next portion of parts."""
        self.supply.fill(self.path)
        self.path.advance()
        self.window.add(self.path, self.supply)
        self.path.go_on()


def _counts(replications: int, first: int) -> None:
    if replications < 1 or first < 0:
        raise NotExact(f"{replications} replications from number {first} on cannot be; give at least 1, from 0 on.")
