"""The best schedule that CP-SAT finds within a time limit, with a bound on how much better any schedule could be.

    found = solve(instance, time_limit_s=10, seed=0)
    found.makespan, found.lower_bound, found.gap, found.optimal         # 930, 930, 0.0, True on ft10
    found.rule, found.rule_schedule.makespan                            # "SPT", 1074: what dispatching gives

An operation is an interval, of which a machine holds one at a time (no-overlap); one that several machines can do has
an optional interval on each, exactly one of them present. The search starts from the best rule's schedule, so what
comes back is never worse, and there is always a time limit. Ctrl-C ends the search early and keeps the best found.

What repeats: with one worker and a seed the search is the same every time, so a search that ends by itself (`optimal`)
or at `work_limit`, which CP-SAT counts in its own work and not in seconds, gives the same schedule on every run. A
search that the clock ends stops wherever the machine had got to, and several workers race: the bound holds, the
makespan is that of a checked schedule, but another run may give another one. `on_progress` is called from the
search's own thread.

Source: OR-Tools CP-SAT (Apache-2.0); Baptiste, Le Pape and Nuijten, Constraint-Based Scheduling, Kluwer 2001.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from jangin.errors import BadSchedule, MissingExtra
from jangin.line.shop.follow import follow
from jangin.line.shop.instance import Instance
from jangin.line.shop.pending import Pending
from jangin.line.shop.rules import best_of_rules, objective_of
from jangin.line.shop.timetable import Row, Schedule

__all__ = ["OBJECTIVES", "Solution", "Tell", "gap_of", "solve", "solve_pending"]

OBJECTIVES = ("makespan", "tardiness")
Tell = Callable[[int, int, float], None]  # is told what was found, the bound, after how many seconds

_MOST_ORDERINGS = 1_000_000  # (pairs of jobs) x machines of a permutation flow shop: about 1 GB of model


@dataclass(frozen=True)
class Solution:
    """What was found.

    Attributes:
        schedule: the best schedule, checked.
        objective: "makespan" or "tardiness" (total weighted tardiness): what was minimised.
        lower_bound: no schedule's objective is below this.
        optimal: the objective equals the bound: proven.
        interrupted: the search was ended by Ctrl-C.
        wall_s: seconds of all, rules and model included.
        rule, rule_schedule: the best dispatching rule, and what it gives.
    """

    schedule: Schedule
    objective: str
    lower_bound: int
    optimal: bool
    interrupted: bool
    wall_s: float
    rule: str
    rule_schedule: Schedule = field(repr=False)

    @property
    def makespan(self) -> int:
        """The tick at which the last operation ends."""
        return self.schedule.makespan

    @property
    def value(self) -> int:
        """The objective of the schedule."""
        return objective_of(self.schedule, self.objective)[0]

    @property
    def gap(self) -> float:
        """See `gap_of`."""
        return gap_of(self.value, self.lower_bound)


def gap_of(value: int, lower_bound: int) -> float:
    """(value - bound)/bound: a schedule is at most this share above the optimum; inf above a bound of 0."""
    if value == lower_bound:
        return 0.0
    return (value - lower_bound) / lower_bound if lower_bound else math.inf


def solve(
    instance: Instance,
    *,
    time_limit_s: float,
    workers: int = 1,
    seed: int = 0,
    objective: str = "makespan",
    hint: Schedule | None = None,
    work_limit: float | None = None,
    on_progress: Tell | None = None,
) -> Solution:
    """Schedule an instance within a time limit.

    Args:
        time_limit_s: of everything but loading OR-Tools.
        workers: threads of the search.
        seed: of the search.
        objective: "makespan", or "tardiness" for total weighted tardiness, which needs due dates.
        hint: a schedule to start from where it is better than every rule's.
        work_limit: end the search after so much work in CP-SAT's deterministic seconds; None is no such limit.
        on_progress: told of every improvement: (objective, bound, seconds).

    Raises: MissingExtra without OR-Tools; BadSchedule for options that make no sense or a hint that is no schedule.
    """
    return solve_pending(
        Pending.of(instance),
        time_limit_s=time_limit_s,
        workers=workers,
        seed=seed,
        objective=objective,
        hint=hint,
        work_limit=work_limit,
        on_progress=on_progress,
    )


def solve_pending(
    pending: Pending,
    *,
    time_limit_s: float,
    workers: int = 1,
    seed: int = 0,
    objective: str = "makespan",
    hint: Schedule | None = None,
    work_limit: float | None = None,
    on_progress: Tell | None = None,
) -> Solution:
    """The same for what is pending; at least one operation must be."""
    _refuse(pending, time_limit_s, workers, seed, objective, work_limit)
    cp_model = _cp_model()
    began = time.monotonic()
    rule, by_rule = best_of_rules(pending, objective)
    start = by_rule
    if hint is not None:
        hint.check(pending)
        start = min(start, hint, key=lambda s: objective_of(s, objective))
    model = _Model(cp_model, pending, objective, start)
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = max(0.01, time_limit_s - (time.monotonic() - began))
    solver.parameters.num_workers = workers
    solver.parameters.random_seed = seed
    # A shop's linear relaxation says next to nothing: without it ft10 is proven in 2.4 s by one worker, with it not in
    # 12 s (two cores of an AMD EPYC, 25 Nov 2026). use_strong_propagation_in_disjunctive would halve that and stays
    # off: with it OR-Tools 9.15 calls some flow shops with operations of no duration infeasible.
    solver.parameters.linearization_level = 0
    if work_limit is not None:
        solver.parameters.max_deterministic_time = work_limit
    told = _callback(cp_model, on_progress, time.monotonic() - began)
    status, interrupted = _run(solver, model.model, told)
    assert status in (cp_model.OPTIMAL, cp_model.FEASIBLE, cp_model.UNKNOWN), solver.status_name(status)
    best = start
    if status != cp_model.UNKNOWN:
        early = follow(pending, model.schedule(solver).sequences(pending.entered))  # as early as this order permits
        best = min(start, early, key=lambda s: objective_of(s, objective))
    best.check(pending)
    bound = _whole_bound(solver.best_objective_bound)
    bound = max(bound, pending.bound()) if objective == "makespan" else max(bound, 0)
    optimal = objective_of(best, objective)[0] == bound
    return Solution(best, objective, bound, optimal, interrupted, time.monotonic() - began, rule, by_rule)


def _run(solver: Any, model: Any, told: Any) -> tuple[Any, bool]:
    """The status of the search, and whether Ctrl-C ended it.

    It runs in a thread of its own: Python hears of Ctrl-C in the main thread alone, and only while that is not in C++.
    An event says when it is over, because a `join` that is interrupted takes the thread for ended.
    """
    found: list[Any] = []
    failed: list[BaseException] = []
    over, interrupted = threading.Event(), False
    solver.parameters.catch_sigint_signal = False

    def search() -> None:
        try:
            found.append(solver.solve(model, told))
        except BaseException as e:  # carried to the caller's thread
            failed.append(e)
        finally:
            over.set()

    threading.Thread(target=search, daemon=True).start()
    while not over.is_set():
        try:
            over.wait(0.1)
            if interrupted:
                solver.stop_search()  # again: the search may not have begun when it was first told
        except KeyboardInterrupt:
            interrupted = True
    if told is not None and told.raised is not None:
        failed.append(told.raised)
    if failed:
        raise failed[0]
    return found[0], interrupted


class _Model:
    """The constraints of what is pending, and how to read a schedule off their solution."""

    def __init__(self, cp_model: Any, pending: Pending, objective: str, hint: Schedule) -> None:
        self.pending, self.model = pending, cp_model.CpModel()
        # a makespan above the hint's is of no interest; a tardiness may need one
        last = hint.makespan if objective == "makespan" else pending.horizon()
        self.start: dict[tuple[int, int], Any] = {}
        self.end: dict[tuple[int, int], Any] = {}
        self.on: dict[tuple[int, int, int], Any] = {}  # (job, operation, machine): whether it runs there
        self.busy: list[list[Any]] = [[] for _ in range(pending.instance.machines)]
        for j in range(len(pending.instance.jobs)):
            self._add_job(j, last)
        for machine, intervals in enumerate(self.busy):
            if intervals:
                closed = [
                    self.model.new_fixed_size_interval_var(begin, end - begin, f"closed {machine} {begin}")
                    for begin, end in pending.blocked[machine]
                ]
                self.model.add_no_overlap(intervals + closed)
        if pending.instance.permutation:
            self._keep_one_order(hint)
        self._minimise(objective, last, hint)
        self._add_hint(hint)

    def _add_job(self, j: int, last: int) -> None:
        pending, model = self.pending, self.model
        shortest = [min(d for _, d in modes) for modes in pending.instance.jobs[j]]
        head = pending.ready[j]
        for k in range(pending.done[j], len(shortest)):
            modes = pending.modes(j, k)
            latest = last - sum(shortest[k + 1 :])
            start = model.new_int_var(head, latest - shortest[k], f"start {j} {k}")
            if len(modes) == 1:
                machine, lasts = modes[0]
                end = start + lasts
                self.busy[machine].append(model.new_fixed_size_interval_var(start, lasts, f"run {j} {k}"))
            else:
                end = model.new_int_var(head + shortest[k], latest, f"end {j} {k}")
                self._add_alternatives(j, k, start, end)
            if k > pending.done[j]:
                model.add(start >= self.end[j, k - 1])
            self.start[j, k], self.end[j, k] = start, end
            head += shortest[k]

    def _add_alternatives(self, j: int, k: int, start: Any, end: Any) -> None:
        modes = self.pending.modes(j, k)
        chosen = [self.model.new_bool_var(f"on {j} {k} {m}") for m, _ in modes]
        self.model.add_exactly_one(chosen)
        self.model.add(end - start == sum(d * on for (_, d), on in zip(modes, chosen, strict=True)))
        for (machine, lasts), on in zip(modes, chosen, strict=True):
            run = self.model.new_optional_interval_var(start, lasts, end, on, f"run {j} {k} {machine}")
            self.busy[machine].append(run)
            self.on[j, k, machine] = on

    def _keep_one_order(self, hint: Schedule) -> None:
        """For each pair of jobs one literal that orders them on every machine; those that have entered keep theirs."""
        pending, model = self.pending, self.model
        jobs, machines = len(pending.instance.jobs), pending.instance.machines
        place = {j: p for p, j in enumerate(pending.entered)}
        ends = hint.completion()
        for i in range(jobs):
            for j in range(i + 1, jobs):
                first = model.new_bool_var(f"{i} before {j}")
                if i in place or j in place:
                    model.add(first == (place.get(i, jobs) < place.get(j, jobs)))
                model.add_hint(first, place.get(i, jobs) < place.get(j, jobs) if place else ends[i] <= ends[j])
                for m in range(max(pending.done[i], pending.done[j]), machines):
                    model.add(self.start[j, m] >= self.end[i, m]).only_enforce_if(first)
                    model.add(self.start[i, m] >= self.end[j, m]).only_enforce_if(~first)

    def _minimise(self, objective: str, last: int, hint: Schedule) -> None:
        instance, model = self.pending.instance, self.model
        ends = {j: self.end[j, len(job) - 1] for j, job in enumerate(instance.jobs) if (j, len(job) - 1) in self.end}
        if objective == "makespan":
            makespan = model.new_int_var(min(self.pending.bound(), last), last, "makespan")
            for end in ends.values():
                model.add(makespan >= end)
            model.add_hint(makespan, hint.makespan)
            model.minimize(makespan)
            return
        late = []
        for j, end in ends.items():
            due = instance.due_of(j)
            if due is not None:
                tardiness = model.new_int_var(0, max(0, last - due), f"late {j}")
                model.add(tardiness >= end - due)
                model.add_hint(tardiness, max(0, hint.completion()[j] - due))
                late.append(instance.weight_of(j) * tardiness)
        model.minimize(sum(late))

    def _add_hint(self, hint: Schedule) -> None:
        for row in hint.rows:
            self.model.add_hint(self.start[row.job, row.operation], row.start)
            modes = self.pending.modes(row.job, row.operation)
            if len(modes) > 1:
                self.model.add_hint(self.end[row.job, row.operation], row.end)
                for machine, _ in modes:
                    self.model.add_hint(self.on[row.job, row.operation, machine], machine == row.machine)

    def schedule(self, solver: Any) -> Schedule:
        """The schedule that the solver's values say."""
        rows = []
        for (j, k), start in self.start.items():
            modes = self.pending.modes(j, k)
            machine, lasts = next(m for m in modes if len(modes) == 1 or solver.boolean_value(self.on[j, k, m.machine]))
            at = solver.value(start)
            rows.append(Row(j, k, machine, at, at + lasts))
        return Schedule.of(self.pending.instance, rows)


def _callback(cp_model: Any, on_progress: Tell | None, before_s: float) -> Any:
    """CP-SAT's view of `on_progress`; None where nobody listens."""
    if on_progress is None:
        return None

    tell = on_progress

    class Listener(cp_model.CpSolverSolutionCallback):  # type: ignore[misc,name-defined]
        raised: BaseException | None = None

        def on_solution_callback(self) -> None:
            try:
                bound = _whole_bound(self.best_objective_bound)
                tell(round(self.objective_value), bound, before_s + self.wall_time)
            except BaseException as e:  # it would be lost in C++: the search is ended, and it is raised afterwards
                self.raised = e
                self.stop_search()

    return Listener()


def _whole_bound(bound: float) -> int:
    """The bound as a whole number: every objective is one."""
    return math.ceil(bound - 1e-6) if math.isfinite(bound) else 0


def _cp_model() -> Any:
    try:
        from ortools.sat.python import cp_model
    except ImportError as e:
        raise MissingExtra("ortools", "schedule", "An optimised schedule") from e
    return cp_model


def _refuse(
    pending: Pending, time_limit_s: float, workers: int, seed: int, objective: str, work_limit: float | None
) -> None:
    """Raises: BadSchedule for options that make no sense."""
    instance = pending.instance
    if not 0.0 < time_limit_s <= 1e7:
        raise BadSchedule(f"A time limit of {time_limit_s:g} s; give more than 0, as 10.")
    if work_limit is not None and not 0.0 < work_limit < math.inf:
        raise BadSchedule(f"A work limit of {work_limit:g}; give more than 0, as 5, or leave it out.")
    if not 1 <= workers <= 1024 or not 0 <= seed < 2**31:
        raise BadSchedule(f"{workers} workers and seed {seed}; give 1 or more workers and a seed from 0 to 2147483647.")
    if objective not in OBJECTIVES:
        raise BadSchedule(f"The objective {objective!r} is not known; give 'makespan' or 'tardiness'.")
    if objective == "tardiness" and not instance.has_due_dates:
        raise BadSchedule(f"{instance.name} has no due dates, so nothing can be late; give them or minimise makespan.")
    if not pending.operations:
        raise BadSchedule(f"{instance.name}: every operation has begun, so there is nothing to schedule.")
    if instance.permutation and len(instance.jobs) ** 2 * instance.machines > 2 * _MOST_ORDERINGS:
        raise BadSchedule(f"{instance} is too large for CP-SAT here; choose a dispatching rule, as MWKR.")
