"""From what was measured to what is said: shares and indicators of stations, people and fleets, and the sentence.

answer = completed(Throughput(..., stations=station_answers(layout, runs), runs=runs, sentence=""))
answer.people[0].shares["walking"], answer.fleets[0].per_hour, answer.sentence
"""

from __future__ import annotations

import dataclasses

import numpy as np

from jangin.line.iso22400 import STATES, Counts, Times, counts_of_station, indicators, times_of_station
from jangin.line.layout import Layout
from jangin.line.result import PERSON_STATES, VEHICLE_STATES, Replications
from jangin.line.throughput import CrewAnswer, FleetAnswer, StationAnswer, Throughput
from jangin.stats.output import Interval, mean_interval

__all__ = ["completed", "crew_answers", "first_pass", "fleet_answers", "station_answers", "wording"]


def completed(answer: Throughput) -> Throughput:
    """The answer with what its runs say of people, fleets and first passes, and with its sentence."""
    layout, runs, split = answer.layout, answer.runs, answer.split
    if runs is not None:
        fleets = fleet_answers(layout, runs)
        answer = dataclasses.replace(
            answer,
            people=crew_answers(layout, runs),
            fleets=fleets,
            first_pass=first_pass(runs, answer.per_hour.confidence, 1 if split is None else split.inner),
            warnings=(*answer.warnings, *(w for f in fleets for w in _empty(f))),
        )
    return dataclasses.replace(answer, sentence=wording(answer))


def station_answers(layout: Layout, runs: Replications) -> tuple[StationAnswer, ...]:
    """What each station does, means over the replications."""
    return tuple(_station(layout, runs, k) for k in range(len(layout.stations)))


def _station(layout: Layout, runs: Replications, k: int) -> StationAnswer:
    station, hours = layout.stations[k], float(runs.seconds.mean()) / 3600.0
    seconds = {state: float(s) for state, s in zip(STATES, runs.states[:, k].mean(axis=0), strict=True)}
    total = sum(seconds.values())
    finished, scrapped, reworked = (
        float(np.mean(counted[:, k])) for counted in (runs.finished, runs.station_scrapped, runs.reworked)
    )
    first, good_first = (
        None if counted is None else float(np.mean(counted[:, k])) for counted in (runs.first, runs.good_first)
    )
    found = None
    if finished:
        good = finished - scrapped - reworked
        found = indicators(
            times_of_station(seconds, pri=station.pri_s, aoet=None),
            counts_of_station(
                finished=finished,
                good=good,
                scrapped=scrapped,
                reworked=reworked,
                inspected=first,
                good_first=good_first,
            ),
        )
    return StationAnswer(
        name=station.name,
        shares={state: s / total if total else 0.0 for state, s in seconds.items()},
        per_hour=finished / hours,
        indicators=found,
    )


def crew_answers(layout: Layout, runs: Replications) -> tuple[CrewAnswer, ...]:
    """What each crew does, means over the replications; empty where the runs do not keep it."""
    if runs.people is None:
        return ()
    found = []
    for crew, seconds in zip(layout.crews, runs.people.mean(axis=0), strict=True):
        shares = dict(zip(PERSON_STATES, (seconds / seconds.sum()).tolist(), strict=True))
        at_work = indicators(Times(apwt=shares["busy"], apat=1.0 - shares["off"]), Counts())
        efficiency = at_work.worker_efficiency
        found.append(CrewAnswer(crew.name, crew.people, shares, None if efficiency is None else float(efficiency)))
    return tuple(found)


def fleet_answers(layout: Layout, runs: Replications) -> tuple[FleetAnswer, ...]:
    """What each fleet does, means over the replications; empty where the runs do not keep it."""
    if runs.vehicles is None or runs.deliveries is None or runs.most_driven_s is None:
        return ()
    found = []
    hours = float(runs.seconds.mean()) / 3600.0
    for k, (fleet, seconds) in enumerate(zip(layout.fleets, runs.vehicles.mean(axis=0), strict=True)):
        shares = dict(zip(VEHICLE_STATES, (seconds / seconds.sum()).tolist(), strict=True))
        driven = runs.most_driven_s[:, k]
        charge = None
        if fleet.drive_s is not None and np.isfinite(driven).any():
            charge = 1.0 - float(np.nanmax(driven)) / fleet.drive_s
        per_hour = float(runs.deliveries[:, k].mean()) / hours
        found.append(FleetAnswer(fleet.name, fleet.vehicles, shares, per_hour, charge))
    return tuple(found)


def _empty(fleet: FleetAnswer) -> tuple[str, ...]:
    if fleet.least_charge is None or fleet.least_charge >= 0.0:
        return ()
    return (
        f"A vehicle of fleet {fleet.name!r} drove on with an empty battery, {-fleet.least_charge:.0%} of a full one "
        "too far: give it a larger reserve_s.",
    )


def first_pass(runs: Replications, confidence: float, together: int = 1) -> Interval | None:
    """First pass yield of the line: good parts that left without rework, of all that left or were scrapped.

    `together` runs in a row are one observation, where only these are independent. None where some has no such part,
    or there is only one.
    """
    if runs.left_first is None or runs.scrapped is None:
        return None
    ended = (runs.good + runs.scrapped).reshape(-1, together).sum(axis=1)
    if len(ended) < 2 or not ended.all():
        return None
    return mean_interval(runs.left_first.reshape(-1, together).sum(axis=1) / ended, confidence)


def wording(answer: Throughput) -> str:
    """The answer in a sentence or two."""
    rate = answer.per_hour
    if answer.split is not None:
        low, high = answer.split.long_run
        text = (
            f"{answer.split.mean.mean:.4g} good parts per hour; the evidence leaves {low:.4g} to {high:.4g} open for "
            f"the long run ({rate.confidence:.0%})"
        )
    elif answer.exact:
        text = f"{rate.mean:.6g} good parts per hour, exactly for the model"
    else:
        text = f"{rate.mean:.4g} ± {rate.half_width:.2g} good parts per hour ({rate.confidence:.0%})"
    if answer.arrow is not None and answer.arrow.primary is not None:
        text += f"; the bottleneck is {answer.stations[answer.arrow.primary].name!r}"
    if answer.layout.on_shift < 1.0:
        text += f"; that is {rate.mean / answer.layout.on_shift:.4g} per hour on shift"
    text += "."
    if answer.takt_met is not None and answer.layout.takt_s is not None:
        takt = answer.layout.takt_s
        kept = f"{answer.takt_met:.0%} of the runs keep"
        if answer.exact:
            kept = "the line keeps" if answer.takt_met else "the line misses"
        when = " on shift" if answer.layout.on_shift < 1.0 else ""
        text += f" Asked are {3600.0 / takt:.4g} per hour{when} (a takt of {takt:g} s): {kept} it."
    return text
