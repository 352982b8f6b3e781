"""What the models in other programs write down as they run: the statistics of `jangin.line.result`, and no more.

    tally = Tally(stations=5)
    tally.show(0, RUNNING, env.now)      # station 0 is in another state from now on
    tally.level(0, +1, env.now)          # a part came into the buffer behind station 0
    tally.left(born, env.now)            # a part left that was taken into the line at `born`
    tally.begin(env.now)                 # the warm-up is over: forget everything but what is going on
    tally.result(env.now, "simpy")       # Replications, with one row

Plain lists and a few additions per part: kept as light as a careful user of those programs would keep it, so that what
is measured is the program and not its bookkeeping.
"""

from __future__ import annotations

import numpy as np

from jangin.line.iso22400 import STATES
from jangin.line.result import Replications

__all__ = ["BLOCKED", "DOWN", "RUNNING", "STARVED", "WAITING", "Tally"]

RUNNING, BLOCKED, STARVED, WAITING, DOWN = (
    STATES.index(name) for name in ("running", "blocked", "starved", "waiting", "down")
)


class Tally:
    """One replication of a row of single machines, starved at first."""

    def __init__(self, stations: int) -> None:
        self.state, self.levels = [STARVED] * stations, [0] * (stations - 1)
        self.begin(0.0)

    def begin(self, now_s: float) -> None:
        """Measure from now on."""
        stations = len(self.state)
        self.began_s = now_s
        self.since = [now_s] * stations
        self.seconds = [[0.0] * len(STATES) for _ in range(stations)]
        self.level_since, self.level_s = [now_s] * (stations - 1), [0.0] * (stations - 1)
        self.finished = [0] * stations
        self.good, self.lead_s = 0, 0.0

    def show(self, station: int, state: int, now_s: float) -> None:
        """The station is in this state from now on."""
        self.seconds[station][self.state[station]] += now_s - self.since[station]
        self.since[station], self.state[station] = now_s, state

    def level(self, buffer: int, change: int, now_s: float) -> None:
        """So many parts more are in the buffer from now on."""
        self.level_s[buffer] += self.levels[buffer] * (now_s - self.level_since[buffer])
        self.level_since[buffer] = now_s
        self.levels[buffer] += change

    def left(self, born_s: float, now_s: float) -> None:
        """A good part left the line, taken in at `born_s`."""
        self.good += 1
        self.lead_s += now_s - born_s

    def result(self, now_s: float, engine: str) -> Replications:
        """Everything until now, states and levels that go on included; parts in the line were not watched (NaN)."""
        for station, state in enumerate(self.state):
            self.show(station, state, now_s)
        for buffer in range(len(self.levels)):
            self.level(buffer, 0, now_s)
        lasted = now_s - self.began_s
        none = np.zeros((1, len(self.state)))
        return Replications(
            seconds=np.array([lasted]),
            good=np.array([float(self.good)]),
            scrapped=np.zeros(1),
            wip=np.full(1, np.nan),
            lead_s=np.array([self.lead_s / self.good if self.good else np.nan]),
            states=np.array([self.seconds]),
            finished=np.array([self.finished], float),
            station_scrapped=none,
            reworked=none,
            buffers=np.array([self.level_s]) / lasted,
            engine=engine,
        )
