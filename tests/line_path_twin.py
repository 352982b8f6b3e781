"""A slow second engine for serial lines: machines, parts and events one by one, in plain Python; it shares no code."""

from __future__ import annotations

from dataclasses import dataclass, field

INF = float("inf")


@dataclass
class Machine:
    """One machine; `part` is (number of release, release time) while it has one."""

    what: str = "starved"  # starved, held (a part is there and may not start), running, down, blocked
    since: float = 0.0
    part: tuple[int, float] | None = None
    left: float = 0.0  # running time that the part still needs
    begun: float = 0.0  # when it began to run, or was repaired
    until: float = INF  # when what it does will end
    done: float = 0.0
    clocks: list[float] = field(default_factory=list)  # running time to each mode's next failure
    failures: list[int] = field(default_factory=list)


class Twin:
    """A line from empty until `horizon`, measured from `warmup` on.

    times: per station, the running times by order of start. capacities: places per buffer, INF for no limit.
    arrivals: when parts come; None for a saturated line. fails: per station a list of modes (afters, repairs).
    """

    def __init__(self, times, capacities, *, machines, before, horizon, warmup, arrivals=None, fails=None):
        self.n = len(times)
        self.times, self.capacities, self.before = times, capacities, before
        self.fails = fails or [[] for _ in times]
        self.horizon, self.warmup, self.arrivals = horizon, warmup, arrivals
        self.machines = [[Machine() for _ in range(c)] for c in machines]
        for i, row in enumerate(self.machines):
            for m in row:
                m.clocks = [after[0] for after, _ in self.fails[i]]
                m.failures = [0] * len(self.fails[i])
        self.buffers = [[] for _ in capacities]
        self.started = [0] * self.n
        self.spent = [dict.fromkeys(("starved", "held", "running", "down", "blocked"), 0.0) for _ in times]
        self.departures = [[] for _ in times]
        self.completions = [[] for _ in times]
        self.left, self.released, self.in_buffers = [], [], [0.0 for _ in capacities]
        self.now, self.taken = 0.0, 0

    def overlap(self, since, until):
        return max(0.0, min(until, self.horizon) - max(since, self.warmup))

    def turn(self, i, m, what):
        self.spent[i][m.what] += self.overlap(m.since, self.now)
        m.what, m.since = what, self.now

    def offered(self, i):
        """The next part for station i, or None."""
        if i:
            return bool(self.buffers[i - 1])
        return self.arrivals is None or self.arrivals[self.taken] <= self.now

    def take(self, i, m, part):
        m.part = part
        self.begin(i, m)

    def may_start(self, i):
        if not self.before[i] or i == self.n - 1:
            return True
        behind = sum(m.part is not None for m in self.machines[i + 1]) + len(self.buffers[i])
        working = sum(m.what in ("running", "down") for m in self.machines[i])
        return working + behind < self.capacities[i] + len(self.machines[i + 1])

    def begin(self, i, m):
        m.left = self.times[i][self.started[i]]
        self.started[i] += 1
        m.done = self.now
        self.run(i, m)

    def run(self, i, m):
        self.turn(i, m, "running")
        m.begun = self.now
        m.until = self.now + min([m.left, *(c for c in m.clocks if c < m.left)])

    def end_of(self, i, m):
        """The end of a run, a failure, or the end of a repair."""
        if m.what == "down":
            self.run(i, m)
            return
        first = min(m.clocks, default=INF)
        if first < m.left:
            k = m.clocks.index(first)
            m.left -= first
            m.clocks = [c - first for c in m.clocks]
            afters, repairs = self.fails[i][k]
            number = m.failures[k]
            m.failures[k] += 1
            m.clocks[k] = afters[number + 1]
            self.turn(i, m, "down")
            m.until = self.now + repairs[number]
            return
        m.clocks = [c - m.left for c in m.clocks]
        m.until, m.done = INF, self.now
        self.completions[i].append(self.now)
        self.turn(i, m, "blocked")

    def settle(self):
        """Everything that can move moves, until nothing can."""
        while any(self.move(i) for i in reversed(range(self.n))):
            pass

    def move(self, i):
        for m in sorted((m for m in self.machines[i] if m.what == "blocked"), key=lambda m: m.done):
            if self.leave(i, m):
                return True
        for m in self.machines[i]:
            if m.what not in ("starved", "held") or not self.offered(i):
                continue
            if self.may_start(i):
                self.take(i, m, self.next_part(i))
                return True
            if m.what == "starved":
                self.turn(i, m, "held")
                return True
        return False

    def next_part(self, i):
        """Out of the buffer, or out of the release."""
        if i:
            since, part = self.buffers[i - 1].pop(0)
            self.in_buffers[i - 1] += self.overlap(since, self.now)
            return part
        part = (self.taken, self.now if self.arrivals is None else self.arrivals[self.taken])
        self.taken += 1
        self.released.append(part[1])
        return part

    def leave(self, i, m):
        part = m.part
        if i < self.n - 1:
            idle = next((x for x in self.machines[i + 1] if x.what == "starved"), None)
            if len(self.buffers[i]) < self.capacities[i]:
                self.buffers[i].append((self.now, part))
            elif idle is not None and not self.buffers[i] and self.may_start(i + 1):
                self.take(i + 1, idle, part)
            else:
                return False
        else:
            self.left.append((self.now, part))
        self.departures[i].append(self.now)
        m.part = None
        self.turn(i, m, "starved")
        return True

    def go(self):
        while True:
            self.settle()
            coming = [(m.until, i, m) for i, row in enumerate(self.machines) for m in row]
            soonest = min(t for t, _, _ in coming)
            if self.arrivals is not None:
                soonest = min([soonest, *self.arrivals[self.taken :][:1]] if self.offers_later() else [soonest])
            if soonest > self.horizon:
                break
            self.now = soonest
            for t, i, m in coming:
                if t == soonest:
                    self.end_of(i, m)
        self.now = self.horizon
        for i, row in enumerate(self.machines):
            for m in row:
                self.turn(i, m, m.what)
        return self

    def offers_later(self):
        return self.arrivals[self.taken] > self.now

    def in_buffers_at_end(self):
        """Part-seconds in each buffer, those still there included."""
        rest = [sum(self.overlap(since, self.horizon) for since, _ in b) for b in self.buffers]
        return [gone + there for gone, there in zip(self.in_buffers, rest, strict=True)]

    def shares(self):
        """Per station: running, blocked, starved, down seconds."""
        return [[s["running"], s["blocked"] + s["held"], s["starved"], s["down"]] for s in self.spent]

    def counted(self):
        """Good parts in the window, their mean time in the line, and the mean number in the line."""
        inside = [(t, born) for t, (_, born) in self.left if self.warmup < t <= self.horizon]
        gone = {part[0]: t for t, part in self.left}
        arrived = self.released if self.arrivals is None else [a for a in self.arrivals if a <= self.horizon]
        in_line = sum(self.overlap(born, gone.get(k, INF)) for k, born in enumerate(arrived))
        lead = sum(t - born for t, born in inside) / max(1, len(inside))
        return len(inside), lead, in_line / (self.horizon - self.warmup)
