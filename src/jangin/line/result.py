"""What an engine gives: one row per replication, and what a line is answered with.

    runs = engine.simulate(...)      # Replications: arrays (R,) and (R, stations, states)
    runs.good / runs.seconds * 3600  # parts per hour of each replication

All engines give the same; what one cannot measure is None, never zero.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jangin.line.iso22400 import STATES

__all__ = ["PERSON_STATES", "STATES", "VEHICLE_STATES", "Replications"]

Array = np.ndarray

PERSON_STATES = ("busy", "walking", "off", "idle")  # of people; see `Replications.people`
VEHICLE_STATES = ("empty", "loaded", "handling", "waiting", "charging", "idle")  # of vehicles; see `.vehicles`


@dataclass(frozen=True, eq=False)
class Replications:
    """R independent runs of one layout, measured over `seconds` after the warm-up.

    Attributes:
        seconds: (R,) time measured [s].
        good: (R,) good parts that left.
        scrapped: (R,) parts scrapped; None where the engine does not scrap.
        wip: (R,) mean parts in the line.
        lead_s: (R,) mean time from release to leaving of the good parts that left [s]; NaN where none left.
        states: (R, nstations, len(STATES)) machine-seconds in each of STATES (`iso22400.STATES`).
        finished: (R, nstations) parts that each station finished.
        station_scrapped, reworked: (R, nstations) of these scrapped, and sent to rework.
        buffers: (R, nbuffers) mean parts in each buffer.
        bins: (R, n) good parts that left in each n-th of the time from 0 to the end, warm-up included.
        good_by_part: (R, nparts); None where there is one type.
        stuck: (R,) time at which nothing could ever move again [s], inf where that did not happen.
        waiting: (R, nstations) bool: stations that hold finished parts at the end; None where not kept.
        engine: "analytic", "path" or "events".
        people: (R, ncrews, len(PERSON_STATES)) person-seconds of each crew: busy (at a machine: running it, repairing
            it, or with it while it is down or stopped), walking there, off (with a machine whose station is off shift
            and whose repair has not begun; or free while all stations that call the crew are off shift), idle.
        vehicles: (R, nfleets, len(VEHICLE_STATES)) vehicle-seconds of each fleet: driving empty (also to the charger)
            and loaded, handling (loading and unloading), waiting (for a place in a zone, or before a machine that
            cannot give its part), charging, idle.
        deliveries: (R, nfleets) parts put down.
        most_driven_s: (R, nfleets) longest driving since charging, at the end of a vehicle's drive [s]; NaN: no drive.
        left_first: (R,) of `good`, parts that were never reworked.
        first, good_first: (R, nstations) of `finished`, parts that had never been reworked, and the good ones of these.

    Whatever is declared None by default is None where the engine does not keep it.
    """

    seconds: Array
    good: Array
    scrapped: Array
    wip: Array
    lead_s: Array
    states: Array
    finished: Array
    station_scrapped: Array
    reworked: Array
    buffers: Array
    engine: str
    bins: Array | None = None
    good_by_part: Array | None = None
    stuck: Array | None = None
    waiting: Array | None = None
    people: Array | None = None
    vehicles: Array | None = None
    deliveries: Array | None = None
    most_driven_s: Array | None = None
    left_first: Array | None = None
    first: Array | None = None
    good_first: Array | None = None

    def __len__(self) -> int:
        return len(self.seconds)

    @property
    def per_hour(self) -> Array:
        """(R,) good parts per hour."""
        return self.good / self.seconds * 3600.0

    @staticmethod
    def concat(parts: Sequence[Replications]) -> Replications:
        """The replications of all parts, in order."""
        first = parts[0]
        joined: dict[str, Any] = {}
        for f in dataclasses.fields(Replications):
            values = [getattr(p, f.name) for p in parts]
            whole = isinstance(values[0], np.ndarray)
            joined[f.name] = np.concatenate(values) if whole else values[0]
        return dataclasses.replace(first, **joined)
