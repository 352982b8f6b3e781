"""A shop as a plant: a job shop or a flow shop declared as a layout, for the line's own engine to run.

    broken = Failure("broken", Exponential(900.0), Exponential(90.0), counts="time")
    plant = as_line(instance, cv=0.2, failures=(broken,))           # every machine fails so
    plant = as_line(day)                                            # a `Day`: its true durations, its breakdowns

| of the shop | in the plant |
|---|---|
| machine 3 | station "m3"; none for a machine that no job visits |
| job 2 | part type "j2", of which one part is released, at the job's release date |
| operation 1 of job 2 | buffer "j2.1" before its machine, without limit; the duration is the machine's cycle for "j2" |
| the shop's door | station "door", which takes no time and sends every job to its first machine |

A tick is `tick_s` seconds. The layout is like any other: give its stations operators, repair crews, shifts or set-ups,
its buffers places or a fleet, with `dataclasses.replace`, and `drive` it; a plan knows of none of these before they
happen. What a layout cannot say is refused: a job that comes to a machine twice (a station tells parts apart by their
type alone), and an operation that chooses between machines.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from jangin.errors import BadSchedule
from jangin.line.layout import (
    Buffer,
    Constant,
    Cycle,
    Distribution,
    Failure,
    Layout,
    Lognormal,
    Release,
    Route,
    Station,
    Trace,
)
from jangin.line.shop.follow import Day
from jangin.line.shop.instance import Instance

__all__ = ["DOOR", "NEVER_S", "as_line", "job_name", "machine_name", "waiting_name"]

DOOR = "door"
NEVER_S = 1e15  # later than any shop ends: about thirty million years


def machine_name(machine: int) -> str:
    """The station of a machine."""
    return f"m{machine}"


def job_name(job: int) -> str:
    """The part type of a job."""
    return f"j{job}"


def waiting_name(job: int, operation: int) -> str:
    """The buffer in which a job waits for an operation."""
    return f"j{job}.{operation}"


def as_line(
    shop: Instance | Day,
    *,
    cv: float = 0.0,
    stretch: Sequence[Sequence[float]] = (),
    failures: Sequence[Failure] = (),
    tick_s: float = 1.0,
) -> Layout:
    """The plant that is this shop, or this shop on one day.

    Args:
        shop: a job shop or a flow shop; or a day of one, whose durations and breakdowns then are the plant's.
        cv: coefficient of variation of the durations, lognormal about the planned ones, drawn by the engine; 0: none.
        stretch: true over planned duration of each operation, (jobs, operations), the same in every replication;
            () is 1 for all.
        failures: how each machine fails.
        tick_s: length of a tick [s].

    Raises: BadSchedule for a shop that no layout can say, and for a day together with other times or failures.
    """
    day = shop if isinstance(shop, Day) else None
    instance = shop if isinstance(shop, Instance) else shop.instance
    if day is not None and (cv or stretch or failures):
        raise BadSchedule(f"{instance.name}: a day says what happens; leave cv, stretch and failures out.")
    _refuse(instance, cv, stretch, tick_s)

    def time(job: int, operation: int, machine: int) -> Distribution:
        if day is not None:
            return Constant(day.lasts(job, operation, machine) * tick_s)
        planned = instance.duration_on(job, operation, machine)
        assert planned is not None
        true_s = planned * (stretch[job][operation] if stretch else 1.0) * tick_s
        return Lognormal(true_s, cv) if cv and true_s else Constant(true_s)

    cycles: dict[int, dict[str, Distribution]] = {}
    routes: dict[int, list[Route]] = {}
    buffers = []
    before: dict[int, str] = dict.fromkeys(range(len(instance.jobs)), DOOR)
    for j, job in enumerate(instance.jobs):
        for k, modes in enumerate(job):
            m, last = modes[0].machine, k + 1 == len(job)
            cycles.setdefault(m, {})[job_name(j)] = time(j, k, m)
            onward = "out" if last else waiting_name(j, k + 1)
            routes.setdefault(m, []).append(Route(onward, parts=(job_name(j),)))
            buffers.append(Buffer(waiting_name(j, k), (before[j],), (machine_name(m),)))
            before[j] = machine_name(m)
    stations = [
        Station(
            machine_name(m),
            Cycle(cycles[m]),
            routes=tuple(routes[m]),
            failures=tuple(failures) if day is None else _breakdowns(day, m, tick_s),
        )
        for m in sorted(cycles)
    ]
    door, release = _door(instance, tick_s)
    parts = tuple(map(job_name, range(len(instance.jobs))))
    return Layout(instance.name, (*stations, door), tuple(buffers), (release,), parts)


def _door(instance: Instance, tick_s: float) -> tuple[Station, Release]:
    """Lets every job in once, at its release date; the next part would come when nobody waits for it any more."""
    jobs = sorted(range(len(instance.jobs)), key=lambda j: (instance.released(j), j))
    dates = [0, *map(instance.released, jobs)]
    gaps = [(late - early) * tick_s for early, late in itertools.pairwise(dates)]
    routes = tuple(Route(waiting_name(j, 0), parts=(job_name(j),)) for j in range(len(jobs)))
    release = Release(DOOR, "push", Trace((*gaps, NEVER_S)), sequence=tuple(map(job_name, jobs)))
    return Station(DOOR, Cycle(Constant(0.0)), routes=routes), release


def _breakdowns(day: Day, machine: int, tick_s: float) -> tuple[Failure, ...]:
    """The machine's windows of a day as times up and times to repair, whatever the machine is doing."""
    windows = day.down[machine]
    if not windows:
        return ()
    repaired = [0, *(end for _, end in windows)]
    up = [(begin - end) * tick_s for (begin, _), end in zip(windows, repaired[:-1], strict=True)]
    down = tuple((end - begin) * tick_s for begin, end in windows)
    return (Failure("breakdown", Trace((*up, NEVER_S)), Trace(down), counts="time"),)


def _refuse(instance: Instance, cv: float, stretch: Sequence[Sequence[float]], tick_s: float) -> None:
    if not (0.0 <= cv < 10.0 and 0.0 < tick_s < 1e6):
        raise BadSchedule(f"{instance.name}: cv {cv:g} and ticks of {tick_s:g} s; give cv from 0 to 10, ticks above 0.")
    if stretch and [len(row) for row in stretch] != [len(job) for job in instance.jobs]:
        raise BadSchedule(f"{instance.name}: stretch needs one number for every operation of every job.")
    if any(not 0.0 < s < 1e6 for row in stretch for s in row):
        raise BadSchedule(f"{instance.name}: a stretch is a positive number; 1 is as planned.")
    for j, job in enumerate(instance.jobs):
        visited: set[int] = set()
        for k, modes in enumerate(job):
            if len(modes) > 1:
                raise BadSchedule(
                    f"{instance.name}: job {j}, operation {k} chooses between machines "
                    f"{', '.join(str(m) for m, _ in modes)}, which a line cannot do; give it one, or run it with "
                    "`rolling`."
                )
            if modes[0].machine in visited:
                raise BadSchedule(
                    f"{instance.name}: job {j} comes to machine {modes[0].machine} twice, and a station tells parts "
                    "apart by their type alone; run it with `rolling`."
                )
            visited.add(modes[0].machine)
