"""From what was measured to what is said: stations' shares and indicators, and the answer's sentence."""

from __future__ import annotations

import numpy as np

from jangin.line.iso22400 import STATES, counts_of_station, indicators, times_of_station
from jangin.line.layout import Layout
from jangin.line.result import Replications
from jangin.line.throughput import StationAnswer, Throughput

__all__ = ["station_answers", "wording"]


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
    found = None
    if finished:
        good = finished - scrapped - reworked
        found = indicators(
            times_of_station(seconds, pri=station.pri_s, aoet=None),
            counts_of_station(finished=finished, good=good, scrapped=scrapped, reworked=reworked),
        )
    return StationAnswer(
        name=station.name,
        shares={state: s / total if total else 0.0 for state, s in seconds.items()},
        per_hour=finished / hours,
        indicators=found,
    )


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
