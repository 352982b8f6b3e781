"""What is still to be scheduled: at the start everything, under way the rest.

    Pending.of(instance)                                    # nothing has begun
    Pending(instance, done=(1, 0), ready=(7, 4), blocked=(((4, 9),), ()))   # machine 0 is not to be had from 4 to 9

Rules and solver see only this, so a first plan and a re-plan are one problem. A machine is blocked while it is down or
finishes what it has begun; what is newly planned lies wholly before or after such a window and is not split by it.
"""

from __future__ import annotations

from dataclasses import dataclass

from jangin.line.shop.instance import Instance, Operation

__all__ = ["Pending", "Window", "merged"]

Window = tuple[int, int]  # from this tick until, and without, that one


@dataclass(frozen=True)
class Pending:
    """The operations that have not begun.

    Attributes:
        instance: all jobs.
        done: how many operations of each job have begun or ended, (jobs,); the rest is to be scheduled.
        ready: the tick from which each job may go on, (jobs,).
        blocked: of each machine the windows in which it takes nothing new; ascending and apart, (machines,).
        entered: of a permutation flow shop, the jobs that have begun, in the order that they keep.
    """

    instance: Instance
    done: tuple[int, ...]
    ready: tuple[int, ...]
    blocked: tuple[tuple[Window, ...], ...]
    entered: tuple[int, ...] = ()

    @classmethod
    def of(cls, instance: Instance) -> Pending:
        """All of an instance."""
        jobs = range(len(instance.jobs))
        return cls(instance, (0,) * len(jobs), tuple(map(instance.released, jobs)), ((),) * instance.machines)

    @property
    def operations(self) -> tuple[tuple[int, int], ...]:
        """What is to be scheduled, as (job, operation) in ascending order."""
        return tuple((j, k) for j, job in enumerate(self.instance.jobs) for k in range(self.done[j], len(job)))

    def modes(self, job: int, operation: int) -> Operation:
        """The machines that can do it, and how long each takes."""
        return self.instance.jobs[job][operation]

    def start_on(self, machine: int, at: int, duration: int) -> int:
        """The first tick, not before `at`, from which a machine has so long between two of its windows."""
        for begin, end in self.blocked[machine]:
            if at + duration <= begin:
                return at
            at = max(at, end)
        return at

    def horizon(self) -> int:
        """A tick by which every semi-active schedule has ended: nothing overlaps, and every window is waited for."""
        work = sum(max(d for _, d in self.modes(j, k)) for j, k in self.operations)
        last = max((end for windows in self.blocked for _, end in windows), default=0)
        return max(*self.ready, last, 0) + work

    def bound(self) -> int:
        """No schedule ends before this: the longest job by itself, each machine with the work that no other can do."""
        instance, ends = self.instance, []
        for j, job in enumerate(instance.jobs):
            if self.done[j] < len(job):  # what only ends what has begun is not this schedule's
                ends.append(self.ready[j] + sum(min(d for _, d in modes) for modes in job[self.done[j] :]))
        return max(*ends, *(self._machine_bound(m) for m in range(instance.machines)))

    def _machine_bound(self, machine: int) -> int:
        """Earliest arrival, all the work that only this machine can do, shortest way out."""
        heads, tails, work = [], [], 0
        for j, job in enumerate(self.instance.jobs):
            at = self.ready[j]
            rest = sum(min(d for _, d in modes) for modes in job[self.done[j] :])
            for modes in job[self.done[j] :]:
                shortest = min(d for _, d in modes)
                rest -= shortest
                if len(modes) == 1 and modes[0].machine == machine:
                    heads.append(at)
                    tails.append(rest)
                    work += shortest
                at += shortest
        return min(heads) + work + min(tails) if heads else 0


def merged(windows: list[Window]) -> tuple[Window, ...]:
    """Windows in ascending order with those that touch or overlap made one; empty ones are dropped."""
    found: list[Window] = []
    for begin, end in sorted(w for w in windows if w[1] > w[0]):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((begin, end))
    return tuple(found)
