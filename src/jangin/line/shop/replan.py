"""A new plan for what has not begun, when the day went differently: a machine broke down, or something took longer.

    state = ShopState(now=120, done=(2, 0), running=(Running(1, machine=0, remaining=30),), down=(Down(2, 90, 180),))
    new = replan(instance, state, time_limit_s=1.0, workers=2, seed=0, hint=old_sequences)
    new.sequences[0]                            # what machine 0 does once it has ended job 1: ((0, 2), (3, 1), ...)

What has begun stays where it is and is finished first; if its machine is down, after the repair. What has not begun is
planned anew, wholly outside the windows in which a machine is down. With the old sequences as a hint the new plan is
never worse than going on with them, as far as can be known now. `rolling` does this at every breakdown of a day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from jangin.errors import BadSchedule
from jangin.line.shop.cpsat import Solution, Tell, solve_pending
from jangin.line.shop.follow import Day, follow, resumed
from jangin.line.shop.instance import Instance
from jangin.line.shop.pending import Pending, Window, merged
from jangin.line.shop.timetable import Schedule, Sequences

__all__ = ["Down", "Replan", "Rolled", "Running", "ShopState", "pending_of", "replan", "rolling"]


class Running(NamedTuple):
    """A job whose next operation has begun on a machine and needs so many ticks more, repairs apart."""

    job: int
    machine: int
    remaining: int


class Down(NamedTuple):
    """A machine that is, or will be, down in [begin, end)."""

    machine: int
    begin: int
    end: int


@dataclass(frozen=True)
class ShopState:
    """How far a shop has come, in whole ticks.

    Attributes:
        now: the tick at which the state is taken; nothing new begins before it.
        done: how many operations of each job have ended, (jobs,).
        running: what has begun and not ended; of each job it is the operation after those done.
        down: when machines are or will be down, as far as it is known.
        entered: of a permutation flow shop the jobs that have begun, in their order; () elsewhere.
    """

    now: int
    done: tuple[int, ...]
    running: tuple[Running, ...] = ()
    down: tuple[Down, ...] = ()
    entered: tuple[int, ...] = ()


@dataclass(frozen=True)
class Replan:
    """The plan for what had not begun.

    Attributes:
        solution: its schedule, in the ticks of the state, with bound and gap.
        running_ends: of each entry of `running` the tick at which it should end, (running,).
    """

    state: ShopState = field(repr=False)
    solution: Solution
    running_ends: tuple[int, ...]

    @property
    def sequences(self) -> Sequences:
        """Of each machine the (job, operation) it is to do, in order; what runs already is not among them."""
        return self.solution.schedule.sequences(self.state.entered)

    @property
    def makespan(self) -> int:
        """The tick at which the last job should end; those that only finish what has begun included."""
        return max(self.solution.makespan, *self.running_ends, 0)


def pending_of(instance: Instance, state: ShopState) -> tuple[Pending, tuple[int, ...]]:
    """What is still to be planned, and when each running operation should end.

    Raises: BadSchedule for a state that the instance cannot be in.
    """
    _refuse_state(instance, state)
    down: list[list[Window]] = [[] for _ in range(instance.machines)]
    for machine, begin, end in state.down:
        if end > state.now:
            down[machine].append((max(begin, state.now), end))
    done, ready = list(state.done), [max(state.now, instance.released(j)) for j in range(len(instance.jobs))]
    ends, closed = [], [list(windows) for windows in down]
    for job, machine, remaining in state.running:
        end = resumed(merged(down[machine]), state.now, remaining)
        ends.append(end)
        ready[job] = end
        done[job] += 1
        closed[machine].append((state.now, end))
    pending = Pending(instance, tuple(done), tuple(ready), tuple(map(merged, closed)), state.entered)
    if instance.permutation:
        _refuse_entered(pending)
    return pending, tuple(ends)


def replan(
    instance: Instance,
    state: ShopState,
    *,
    time_limit_s: float,
    workers: int = 1,
    seed: int = 0,
    objective: str = "makespan",
    hint: Sequences | None = None,
    work_limit: float | None = None,
    on_progress: Tell | None = None,
) -> Replan:
    """Plan what has not begun, within a time limit; options as for `solve`.

    `hint` is what each machine was to do, in order; operations in it that have begun are passed over.

    Raises: BadSchedule for a state that the instance cannot be in, or in which everything has begun; MissingExtra.
    """
    pending, ends = pending_of(instance, state)
    start = None
    if hint is not None:
        left = set(pending.operations)
        start = follow(pending, tuple(tuple(o for o in queue if o in left) for queue in hint))
    solution = solve_pending(
        pending,
        time_limit_s=time_limit_s,
        workers=workers,
        seed=seed,
        objective=objective,
        hint=start,
        work_limit=work_limit,
        on_progress=on_progress,
    )
    return Replan(state, solution, ends)


@dataclass(frozen=True)
class Rolled:
    """A day that was re-planned as it went.

    Attributes:
        schedule: what happened: true times, repairs included.
        sequences: what each machine did in the end, in order.
        planned_at: of each operation that a re-plan placed, the tick of the last one that did; it began no earlier.
        replans: how often a new plan was made.
        changed: how often it moved an operation to another machine or another place in the order.
    """

    schedule: Schedule
    sequences: Sequences
    planned_at: Mapping[tuple[int, int], int]
    replans: int
    changed: int


def rolling(
    instance: Instance,
    sequences: Sequences,
    day: Day,
    *,
    time_limit_s: float,
    workers: int = 1,
    seed: int = 0,
    objective: str = "makespan",
    work_limit: float | None = None,
) -> Rolled:
    """Follow sequences through a day, and re-plan what has not begun whenever a machine breaks down.

    At a breakdown its end is known (the fitter says how long), later ones are not; true durations are known when an
    operation ends. An operation that has run longer than planned is taken to end at the next tick.
    """
    everything = Pending.of(instance)
    planned_at: dict[tuple[int, int], int] = {}
    replans = changed = 0
    for now in day.news:
        happened = follow(everything, sequences, day, planned_at)
        if now >= max(row.start for row in happened.rows):
            break
        state = state_at(happened, sequences, day, now)
        new = replan(
            instance,
            state,
            time_limit_s=time_limit_s,
            workers=workers,
            seed=seed,
            objective=objective,
            hint=sequences,
            work_limit=work_limit,
        ).sequences
        begun = {(row.job, row.operation) for row in happened.rows if row.start < now}
        before = [tuple(o for o in queue if o in begun) for queue in sequences]
        joined = tuple(old + rest for old, rest in zip(before, new, strict=True))
        planned_at |= dict.fromkeys((operation for queue in new for operation in queue), now)
        replans, changed, sequences = replans + 1, changed + (joined != sequences), joined
    return Rolled(follow(everything, sequences, day, planned_at), sequences, planned_at, replans, changed)


def state_at(happened: Schedule, sequences: Sequences, day: Day, now: int) -> ShopState:
    """What is known at a tick of a day on which these sequences were followed: what has begun before it, what has
    ended, which machines are down."""
    instance = happened.instance
    done, running = [0] * len(instance.jobs), []
    for row in happened.rows:
        if row.end <= now and row.start < now:
            done[row.job] += 1
        elif row.start < now:
            planned = instance.duration_on(row.job, row.operation, row.machine)
            assert planned is not None
            left = max(1, planned - day.worked(row.machine, row.start, now))
            running.append(Running(row.job, row.machine, left))
    down = [Down(m, begin, end) for m, windows in enumerate(day.down) for begin, end in windows if begin <= now < end]
    entered: tuple[int, ...] = ()
    if instance.permutation:
        begun = {row.job for row in happened.rows if row.machine == 0 and row.start < now}
        entered = tuple(j for j, _ in sequences[0] if j in begun)
    return ShopState(now, tuple(done), tuple(running), tuple(down), entered)


def _refuse_state(instance: Instance, state: ShopState) -> None:
    name, jobs = instance.name, len(instance.jobs)
    if state.now < 0 or len(state.done) != jobs:
        raise BadSchedule(
            f"{name}: tick {state.now} and {len(state.done)} entries in done; give one for each of {jobs} jobs."
        )
    for j, (count, operations) in enumerate(zip(state.done, instance.jobs, strict=True)):
        if not 0 <= count <= len(operations):
            raise BadSchedule(f"{name}: {count} operations of job {j} are done; it has {len(operations)}.")
    for job, machine, remaining in state.running:
        if not 0 <= job < jobs or state.done[job] == len(instance.jobs[job]):
            raise BadSchedule(f"{name}: job {job} runs, but it is not there or has ended.")
        if instance.duration_on(job, state.done[job], machine) is None or remaining < 0:
            raise BadSchedule(
                f"{name}: job {job} runs operation {state.done[job]} on machine {machine} with {remaining} ticks to "
                "go; the machine cannot do it, or the ticks are below 0."
            )
    for what, values in (("job", [r.job for r in state.running]), ("machine", [r.machine for r in state.running])):
        if len(set(values)) < len(values):
            raise BadSchedule(f"{name}: a {what} runs two operations at once.")
    for machine, begin, end in state.down:
        if not 0 <= machine < instance.machines or begin >= end:
            raise BadSchedule(
                f"{name}: machine {machine} down from {begin} until {end}; machines are numbered 0 to "
                f"{instance.machines - 1}, and a breakdown ends after it begins."
            )


def _refuse_entered(pending: Pending) -> None:
    """In a permutation flow shop the order of what has begun cannot be read off counts, and decides the rest."""
    begun = {j for j, count in enumerate(pending.done) if count}
    counts = [pending.done[j] for j in pending.entered if j in begun]
    if set(pending.entered) != begun or len(pending.entered) != len(begun) or counts != sorted(counts, reverse=True):
        raise BadSchedule(
            f"{pending.instance.name}: `entered` is {list(pending.entered)}; in a permutation flow shop it names the "
            f"jobs that have begun, {sorted(begun)}, in the order they keep."
        )
