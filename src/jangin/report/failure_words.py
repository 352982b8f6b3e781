"""What a map of failures says, in sentences a person reads, in the units a person uses.

    sides_text(conditions, box)        "lean > 1.60 ° and friction > 0.520"
    box_sentence(conditions, entry)    "Fails in 62 % of trials when lean > 1.60 ° and ..."

The numbers come as `explain.json` holds them; nothing is computed here but units.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jangin.report.wording import Shown, count, number, rate, share, shown
from jangin.stats.boxes import FEWEST
from jangin.task import Choice, Condition, Conditions

__all__ = [
    "box_sentence",
    "likely_sentence",
    "map_sentence",
    "nudge_sentence",
    "regions_sentence",
    "sensitivity_sentence",
    "shown_condition",
    "sides_text",
]

_SHOWN = 5  # conditions that are named at a place
_NAMED = 3  # conditions that are named in a nudge's sentence
_EDGE = 0.02  # of the way to the median: a failure that so little undoes stands on a knife's edge


def shown_condition(condition: Condition) -> Shown:
    """How a condition is shown: in the unit that suits its declared range."""
    ends = condition.distribution.ppf(np.array([0.0, np.nextafter(1.0, 0.0)]))
    return shown(condition.name, condition.unit, np.asarray(ends, float))


def map_sentence(trials: int, failures: int, invalid: int, bound: float | None) -> str:
    """How many map trials failed; `bound` is what independent ones would have bounded where none did."""
    if failures:
        head = f"{count(failures)} of {count(trials)} map trials failed ({rate(failures, trials)})."
    else:
        head = f"None of {count(trials)} map trials failed."
    if bound is not None:
        head += (
            f" Had they been drawn independently, the failure rate would be below {share(bound)} at 95 % confidence; "
            f"spread evenly they are no such draws, so this is an orientation, and claims rest on the evidence alone."
        )
    more = f" {count(invalid)} more are ones the engine cannot vouch for, and were left out." if invalid else ""
    return head + more


def sides_text(conditions: Conditions, sides: Sequence[Mapping[str, Any]]) -> str:
    """What a box bounds, e.g. "lean > 1.60 ° and clearance < 0.250 mm"."""
    by_name = {c.name: c for c in conditions}
    return " and ".join(_side_text(by_name[s["condition"]], s) for s in sides)


def _side_text(condition: Condition, side: Mapping[str, Any]) -> str:
    show = shown_condition(condition)
    if isinstance(condition.distribution, Choice):
        values = condition.distribution.values
        first, last = round(side["u_low"] * len(values)), round(side["u_high"] * len(values))
        return f"{show.label} is {' or '.join(show.with_unit(v) for v in values[first:last])}"
    low, high = show.with_unit(side["low"]), show.with_unit(side["high"])
    if side["u_low"] <= 0:
        return f"{show.label} < {high}"
    return f"{show.label} > {low}" if side["u_high"] >= 1 else f"{low} < {show.label} < {high}"


def box_sentence(conditions: Conditions, entry: Mapping[str, Any]) -> str:
    """One region with what its re-test found."""
    fresh, outside = entry["retest"], entry["outside"]
    return (
        f"Fails in {rate(fresh['failures'], fresh['trials'])} of trials "
        f"({share(fresh['low'])} to {share(fresh['high'])}) when {sides_text(conditions, entry['sides'])}: "
        f"{share(entry['volume'])} of the conditions, {_share_text(entry['share_of_failures'])}; "
        f"elsewhere {count(outside['failures'])} of {count(outside['trials'])} fail."
    )


def _share_text(held: Mapping[str, Any]) -> str:
    if held["value"] is None:
        return "no failure among the fresh trials"
    return f"{share(held['value'])} of the failures ({share(held['low'])} to {share(held['high'])})"


def regions_sentence(failures: int, suspected: int, stand: int) -> str:
    """Why there is no region, or how many suspected ones did not stand; "" where all stand."""
    if not suspected:
        if failures == 0:
            return ""
        if failures < FEWEST:
            return f"{count(failures)} failures are too few to look for regions: at least {FEWEST} are needed."
        return "No region was found: nowhere do the map's failures gather more than such a search would find by chance."
    fell = suspected - stand
    if not fell:
        return ""
    return f"{count(fell)} of {count(suspected)} suspected regions did not stand the test on fresh trials."


def sensitivity_sentence(conditions: Conditions, found: Mapping[str, Any]) -> str:
    """What the margin depends on most."""
    by_name = {c.name: shown_condition(c).label for c in conditions}
    top = sorted(found["factors"], key=lambda f: -f["total"])[:3]
    named = ", ".join(f"{by_name.get(f['name'], f['name'])} ({_share01(f['total'])})" for f in top)
    out = f" {count(found['left_out'])} rows were left out." if found["left_out"] else ""
    return f"The {found['of']} depends most on {named}: total shares of its variance.{out}"


def _share01(value: float) -> str:
    return share(min(max(value, 0.0), 1.0), 0)


def likely_sentence(conditions: Conditions, entry: Mapping[str, Any]) -> str:
    """The most likely failure, or the lowest margin: what is unusual about it, and how unusual that is."""
    by_name = {c.name: c for c in conditions}
    parts = []
    for m in entry["moved"][:_SHOWN]:
        show = shown_condition(by_name[m["condition"]])
        parts.append(f"{show.label} {show.with_unit(m['value'])} (median {show.with_unit(m['median'])})")
    if len(entry["moved"]) > _SHOWN:
        parts.append(f"{len(entry['moved']) - _SHOWN} more less so")
    where = ", ".join(parts) or "every condition at its median"
    if not entry["found"]:
        return (
            f"No failure was met in {count(entry['searched'])} further trials towards lower margins either. The lowest "
            f"margin was {number(float(entry['margin']))}, at point {entry['point']}: {where}."
        )
    rest = ", all else at its median" if parts and len(entry["moved"]) <= _SHOWN else ""
    return (
        f"The most likely failure that was found ({entry['outcome'].replace('_', ' ')}): {where}{rest}. Its conditions "
        f"are {entry['distance']:.2f} from the middle, where half of all trials come within {entry['typical']:.2f}."
    )


def nudge_sentence(conditions: Conditions, entry: Mapping[str, Any]) -> str:
    """Which single condition moved back makes a failing trial pass."""
    outcome = entry["outcome"].replace("_", " ")
    head = f"{'Trial' if entry['source'] == 'evidence' else 'Map point'} {count(entry['number'])} ({outcome})"
    if not entry["fails_again"]:
        return f"{head} did not fail when it was run again in another batch: nothing can be said of it."
    moves = entry["moves"]
    if not moves:
        all_of_them = ", only with several." if entry["median_passes"] else ", nor with all: it is not the conditions."
        return f"{head} passes with no single condition at its median{all_of_them}"
    by_name = {c.name: c for c in conditions}
    named = [_move_text(by_name[m["condition"]], m) for m in moves[:_NAMED]]
    text = f"{head} passes when {', or when '.join(named)}"
    if len(moves) > _NAMED:
        more = len(moves) - _NAMED
        text += f"; {more} more conditions suffice alone" if more > 1 else "; one more condition suffices alone"
    if sum(m["moved"] <= _EDGE for m in moves) > _NAMED:
        text += "; almost any small change does, so it stands on a knife's edge"
    return f"{text}."


def _move_text(condition: Condition, move: Mapping[str, Any]) -> str:
    show = shown_condition(condition)
    here, there = move["value"], move["passes_at"]
    if isinstance(condition.distribution, Choice):
        return f"{show.label} is {show.with_unit(there)} instead of {show.with_unit(here)}"
    bound = "at most" if there < here else "at least"
    return f"{show.label} is {bound} {show.with_unit(there)} instead of {show.with_unit(here)}"
