"""What the page says, in words and tables: every number is the answer's, what is not known is said to be so.

head(answer)             # verdict, facts
station_table(answer)    # rows of texts
not_modelled(layout)     # what the declared plant leaves out, in sentences
provenance(answer)       # how the numbers were made, and the command that makes them again
"""

from __future__ import annotations

import math
import platform
import shlex
from collections.abc import Iterable, Mapping
from importlib import metadata

import numpy as np

from jangin import __version__
from jangin.line.iso22400 import FORMULAS, STATES, Indicators
from jangin.line.layout import Constant, Layout
from jangin.line.page.charts import Row
from jangin.line.page.drawing import PERSON_TONES, VEHICLE_TONES, share_bar
from jangin.line.result import PERSON_STATES, VEHICLE_STATES
from jangin.line.throughput import Effect, Throughput
from jangin.report.wording import exact, number, share
from jangin.stats.output import Interval

__all__ = [
    "crew_table", "duration", "effect_rows", "facts", "fleet_table", "halving_rows", "indicator_table", "interval",
    "not_modelled", "provenance", "split_rows", "state_table", "takt",
]  # fmt: skip

_MANY = 12  # names in one sentence
_ACRONYMS = {"oee": "OEE", "nee": "NEE"}
_MINUS = str.maketrans("-", "−")


# ── numbers ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _decimals(half_width: float, mean: float) -> int:
    """So many that two digits of the half-width are seen; of an exact number, five digits of the mean."""
    if half_width > 0.0:
        return min(6, max(0, 1 - math.floor(math.log10(half_width))))
    return min(6, max(0, 4 - math.floor(math.log10(abs(mean))))) if mean else 0


def interval(found: Interval) -> str:
    """ "58.23 ± 0.41"; without an interval the number alone."""
    if not (math.isfinite(found.mean) and math.isfinite(found.half_width)):
        return "not known"
    places = _decimals(found.half_width, found.mean)
    value = f"{found.mean:,.{places}f}".translate(_MINUS)
    return f"{value} ± {found.half_width:,.{places}f}" if found.half_width else value


def span(low: float, high: float) -> str:
    """ "57.82 to 58.64"."""
    places = _decimals((high - low) / 2, low)
    return f"{low:,.{places}f} to {high:,.{places}f}".translate(_MINUS)


def duration(seconds: float) -> str:
    """Seconds as a person says them."""
    for unit, size in (("h", 3600.0), ("min", 60.0)):
        if seconds >= size:
            return f"{exact(float(f'{seconds / size:.4g}'))} {unit}"
    return f"{exact(float(f'{seconds:.3g}'))} s"


def _listed(names: Iterable[str]) -> str:
    known = list(names)
    more = f" and {len(known) - _MANY} more" if len(known) > _MANY else ""
    return ", ".join(known[:_MANY]) + more


# ── the top ──────────────────────────────────────────────────────────────────────────────────────────────────────


def takt(answer: Throughput) -> tuple[str, str] | None:
    """Whether the takt is kept, as (tone, sentence); None where none is asked."""
    asked = answer.layout.takt_s
    if asked is None:
        return None
    when = " on shift" if answer.layout.on_shift < 1.0 else ""
    wanted = f"Takt {exact(asked)} s asks for {number(3600 / asked, 4)} good parts per hour{when}"
    p = answer.takt_met
    if p is None:
        return "UNDECIDED", f"{wanted}: whether it is kept was not computed."
    likely = "100 %" if p == 1.0 else share(p)
    if p >= 0.95:
        return "QUALIFIED", f"{wanted}: kept, with probability {likely}."
    if p <= 0.05:
        return "NOT_QUALIFIED", f"{wanted}: not kept; the probability that it is, is {likely}."
    return "UNDECIDED", f"{wanted}: kept with probability {likely}, so neither is sure."


def facts(answer: Throughput) -> list[tuple[str, str, str]]:
    """(name, value, more) beside the answer."""
    rate, split = answer.per_hour, answer.split
    shown = interval(rate)
    if split is not None:  # the mean's own interval is the study's error, not what the evidence leaves open
        shown = f"{rate.mean:.{_decimals((split.long_run[1] - split.long_run[0]) / 2, rate.mean)}f}"
        about = f"{share(split.confidence, 0)} interval of the long-run mean {span(*split.long_run)}"
    elif answer.exact:
        about = "exact"
    elif rate.half_width:
        about = f"{share(rate.confidence, 0)} interval {span(rate.low, rate.high)}"
    else:
        about = "an approximation, without interval"
    found = [("Good parts per hour", shown, about)]
    found.append(("Parts in the line", _known(answer.wip), "mean over time" if answer.wip else ""))
    found.append(("Lead time", _lead(answer.lead_s), "mean from release to leaving" if answer.lead_s else ""))
    if answer.first_pass is not None and answer.first_pass.mean < 1.0:
        found.append(
            ("First pass yield", _percent(answer.first_pass), "of what left or was scrapped, good and never reworked")
        )
    kind = "exact" if answer.exact else "simulation" if answer.replications else "approximation"
    found.append(("Engine", f"{answer.engine} ({kind})", answer.why))
    return found


def _known(found: Interval | None) -> str:
    return "not measured" if found is None else interval(found)


def _percent(found: Interval) -> str:
    hundredfold = Interval(100.0 * found.mean, 100.0 * found.half_width, found.confidence, found.n)
    return f"{interval(hundredfold)}\N{NO-BREAK SPACE}%"


def _lead(found: Interval | None) -> str:
    if found is None:
        return "not measured"
    for unit, size in ((" h", 3600.0), (" min", 60.0)):
        if found.mean >= 2 * size:
            scaled = Interval(found.mean / size, found.half_width / size, found.confidence, found.n)
            return f"{interval(scaled)}{unit}"
    return f"{interval(found)} s"


def split_rows(answer: Throughput) -> tuple[Row, ...]:
    """The interval in its two parts: what the evidence leaves open, and what a run varies on top."""
    split = answer.split
    if split is None:
        return ()
    mean = split.mean.mean
    return tuple(
        Row(name, mean, *ends, span(*ends), tone)
        for name, ends, tone in (
            ("Long-run mean: what the evidence leaves open", split.long_run, "policy"),
            ("A single run: that, and what the process varies", split.single_run, "wide"),
        )
    )


def halving_rows(answer: Throughput) -> list[tuple[str, str, str, str]]:
    """(station, more trials for the long-run mean, for a single run, why not)."""
    return [(name, _more(h.evidence), _more(h.whole), h.reason) for name, h in (answer.halving or {}).items()]


def _more(trials: int | None) -> str:
    return "–" if trials is None else f"{trials:,}"


# ── tables ───────────────────────────────────────────────────────────────────────────────────────────────────────


def state_table(answer: Throughput) -> tuple[list[str], list[dict[str, object]]]:
    """States that occur, and a row for each station; a station without an answer has dashes."""
    known = {s.name: s for s in answer.stations}
    states = [k for k in STATES if any(s.shares.get(k, 0.0) > 0.0 for s in answer.stations)]
    rows: list[dict[str, object]] = []
    for s in answer.layout.stations:
        found = known.get(s.name)
        shares = ["–"] * len(states) if found is None else [share(found.shares.get(k, 0.0)) for k in states]
        rate = "–" if found is None else number(found.per_hour, 4)
        rows.append({"name": s.name, "machines": s.machines, "per_hour": rate, "shares": shares})
    return states, rows


def crew_table(answer: Throughput) -> tuple[list[str], list[dict[str, object]]]:
    """States that occur for some crew, and a row for each crew."""
    states = [k for k in PERSON_STATES if any(crew.shares[k] > 0.0 for crew in answer.people)]
    rows: list[dict[str, object]] = [
        {
            "name": crew.name,
            "people": crew.people,
            "bar": share_bar(crew.shares, PERSON_TONES),
            "shares": [share(crew.shares[k]) for k in states],
            "efficiency": "–" if crew.worker_efficiency is None else share(crew.worker_efficiency),
        }
        for crew in answer.people
    ]
    return states, rows


def fleet_table(answer: Throughput) -> tuple[list[str], list[dict[str, object]]]:
    """States that occur for some fleet, and a row for each fleet."""
    states = [k for k in VEHICLE_STATES if any(fleet.shares[k] > 0.0 for fleet in answer.fleets)]
    rows: list[dict[str, object]] = [
        {
            "name": fleet.name,
            "vehicles": fleet.vehicles,
            "per_hour": number(fleet.per_hour, 4),
            "bar": share_bar(fleet.shares, VEHICLE_TONES),
            "shares": [share(fleet.shares[k]) for k in states],
            "charge": "–" if fleet.least_charge is None else share(fleet.least_charge, 0),
        }
        for fleet in answer.fleets
    ]
    return states, rows


def indicator_table(
    answer: Throughput,
) -> tuple[list[str], list[tuple[str, list[str]]], list[tuple[str, str]], list[tuple[str, str]]]:
    """ISO 22400: columns known for some station; rows; (indicator, why not known); (station, what it contradicts)."""
    having = [(s.name, s.indicators) for s in answer.stations if s.indicators is not None]
    columns = [k for k in FORMULAS if any(getattr(i, k) is not None for _, i in having)]
    rows = [(name, [_indicator(i, k) for k in columns]) for name, i in having]
    reasons: dict[tuple[str, str], list[str]] = {}
    for name, i in having:
        for k, why in i.unknown.items():
            reasons.setdefault((k, why), []).append(name)
    missing = []
    for (k, why), names in reasons.items():
        where = "" if len(names) == len(having) else f" (at {_listed(names)})"
        missing.append((indicator_name(k), f"{why}{where}"))
    without = [s.name for s in answer.stations if s.indicators is None]
    if without:
        missing.append(("All indicators", f"not computed at {_listed(without)}"))
    flags = [(name, flag) for name, i in having for flag in i.flags]
    return [indicator_name(k) for k in columns], rows, missing, flags


def indicator_name(key: str) -> str:
    return _ACRONYMS.get(key, key.replace("_", " ").capitalize())


def _indicator(found: Indicators, key: str) -> str:
    """A share in percent, the throughput rate in items per hour; of replications, the mean."""
    value = getattr(found, key)
    if value is None:
        return "–"
    mean = float(np.ma.mean(value))
    return f"{number(3600 * mean, 4)}/h" if key == "throughput_rate" else f"{100 * mean:.1f}\N{NO-BREAK SPACE}%"


def effect_rows(effects: Iterable[Effect]) -> list[Row]:
    """The largest effects first; the ones whose interval holds zero are pale."""
    found = []
    for e in sorted(effects, key=lambda e: -abs(e.per_hour.difference.mean)):
        d = e.per_hour.difference
        shown = abs(d.mean) > d.half_width
        words = f"{'+' if d.mean > 0 else ''}{interval(d)}"
        found.append(Row(f"{e.name}: {e.change}", d.mean, d.low, d.high, words, "policy" if shown else "wide"))
    return found


# ── what the model leaves out ────────────────────────────────────────────────────────────────────────────────────


def not_modelled(layout: Layout) -> list[str]:
    """What the layout does not declare and the answer therefore knows nothing of."""
    every = layout.stations
    cases: list[tuple[str, list[str]]] = [
        ("No failures are declared at", [s.name for s in every if not s.failures]),
        ("Cycle times do not vary at", [s.name for s in every if isinstance(s.cycle.time, Constant)]),
        ("Repairs begin at once, without a crew, at", [s.name for s in every if any(not f.crew for f in s.failures)]),
        ("No scrap is declared at", [s.name for s in every if not s.scrap]),
        ("No operator is needed at", [s.name for s in every if s.operator is None]),
        ("Buffers without limit", [b.name for b in layout.buffers if b.capacity is None]),
        ("Moving a part takes no time to", [b.name for b in layout.buffers if b.fleet is None]),
        ("People walk in no time in crew", [c.name for c in layout.crews if c.speed_m_s is None]),
        ("Batteries never run empty in fleet", [f.name for f in layout.fleets if f.drive_s is None]),
    ]
    if len(layout.parts) > 1:
        cases.insert(3, ("No set-up between part types at", [s.name for s in every if s.setup is None]))
    found = []
    for what, names in cases:
        whole = len(names) == len(every) and len(names) > 1 and what.endswith(" at")
        if names:
            found.append(f"{what} {'any station' if whole and what.startswith('No ') else _listed(names)}.")
    released = {r.into: r.kind for r in layout.releases}
    full = [s.name for s in every if not layout.feeding(s.name) and released.get(s.name, "saturated") == "saturated"]
    if full:
        found.append(f"Material is always there at {_listed(full)}.")
    if not any(s.rework for s in every):
        found.append("No rework is declared.")
    if layout.calendar is None and not any(s.calendar for s in every):
        found.append("No shifts are declared: the line runs around the clock.")
    if not any(s.stops for s in every):
        found.append("No planned stops are declared: no breaks, no maintenance.")
    found.append("What leaves the line is taken away at once; failures of different machines have no common cause.")
    return found


# ── how it was computed ──────────────────────────────────────────────────────────────────────────────────────────


def command(answer: Throughput) -> str:
    """What computes the same again, as far as the answer knows; the layout's file is the reader's."""
    parts = ["jangin", "line", f"{answer.layout.name}.yaml"]
    if answer.replications:
        parts += ["--seed", str(answer.seed)]
    return shlex.join(parts)


def provenance(answer: Throughput, repeat: str) -> Mapping[str, str]:
    """Name -> value, in the order shown."""
    found = {"Engine": answer.engine, "Why this one": answer.why, "Exact": "yes" if answer.exact else "no"}
    if answer.replications:
        found |= {
            "Seed": str(answer.seed),
            "Replications": f"{answer.replications:,}{_of_draws(answer)}",
            "Warm-up left out": duration(answer.warmup_s),
            "Horizon": duration(answer.horizon_s),
        }
    else:
        found["Simulated"] = "no: there is no seed, no replication and no warm-up"
    if answer.runs is not None and answer.runs.stuck is not None:
        stuck = np.asarray(answer.runs.stuck)
        first = f"; the first at {duration(float(stuck.min()))}" if np.isfinite(stuck).any() else ""
        found["Stuck for good"] = f"{int(np.isfinite(stuck).sum()):,} of {len(stuck):,} replications{first}"
    compiled = answer.compile_s
    found["Compile time"] = f"{exact(float(f'{compiled:.2g}'))} s" if compiled else "none: compiled before, or no need"
    found["Command"] = repeat
    found["Versions"] = _versions()
    return found


def _of_draws(answer: Throughput) -> str:
    """Where stations have evidence: of how many draws, and how well these make the mean known."""
    split = answer.split
    if split is None:
        return ""
    return (
        f": {split.inner} of each of {split.outer:,} draws of what the evidence leaves open, whose mean is "
        f"{interval(split.mean)}"
    )


def _versions() -> str:
    known = [f"jangin {__version__}", f"Python {platform.python_version()}"]
    for package in ("numpy", "scipy", "numba"):
        try:
            known.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            known.append(f"{package} not installed")
    return ", ".join(known)
