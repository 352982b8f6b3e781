"""Verbs about the plant: line, schedule."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jangin.commands.answer import Answer, notes, plain
from jangin.commands.folders import new_folder
from jangin.errors import JanginError, UnknownName
from jangin.progress import ProgressLine

if TYPE_CHECKING:
    from jangin.flags import Asked
    from jangin.line.layout import Layout
    from jangin.line.throughput import Throughput
    from jangin.stats.nested import Halving

__all__ = ["line", "schedule"]


def line(verb: Callable[..., Any], asked: Asked, progress: ProgressLine) -> Answer:
    """What the plant gets; with --against the difference to another layout, with --places the best buffers."""
    o = asked.options
    layout, folder = _layout(o.layout)
    horizon = None if o.hours is None else o.hours * 3600.0
    warmup = None if o.warmup_h is None else o.warmup_h * 3600.0
    if o.against is not None:
        return _against(o, horizon, warmup)
    if o.places is not None:
        return _places(layout, folder, o, horizon, warmup, progress)
    kept = new_folder(o.out) if o.out is not None else None

    def tell(now: Any) -> None:
        known = "" if now.relative is None else f", half-width {now.relative:.2%} of the throughput"
        progress.show(f"{now.stage}: {now.replications}{known}")

    answer = verb(
        layout,
        engine=o.engine,
        seed=o.seed,
        horizon_s=horizon,
        warmup_s=warmup,
        precision=o.precision,
        replications=o.replications,
        threads=o.threads,
        effects=not o.quick,
        draws=o.draws,
        most_draws=o.most_draws,
        folder=folder,
        on_progress=tell,
    )
    data = _values(answer)
    lines = _lines(answer)
    if kept is not None:
        _keep(kept, answer, data, o)
        lines.append(f"  page         {kept.path / 'line.html'}")
    return Answer("\n".join(lines), data)


def _layout(path: Path, station: str = "") -> tuple[Layout, Path]:
    """The plant, and where its evidence is relative to; `station` names the only one of a run folder."""
    if path.is_dir():
        from jangin.line.evidence_station import line_from_evidence

        return line_from_evidence(path, station), Path()
    from jangin.line.layout_file import read_layout

    return read_layout(path), path.parent


def _lines(a: Throughput) -> list[str]:
    """The answer for a person."""
    rows = [a.sentence, f"  engine       {a.engine}: {a.why}"]
    if a.split is not None:
        rows.append(
            f"  the mean     over {a.split.outer:,} draws of what the evidence leaves open, {a.split.inner} runs each: "
            f"{a.split.mean.mean:.5g} ± {a.split.mean.half_width:.2g}"
        )
        rows.append(f"  a single run {a.split.single_run[0]:.4g} to {a.split.single_run[1]:.4g} good parts per hour")
        if a.split.share is not None:
            rows.append(f"  of its variance the evidence leaves {a.split.share:.0%} open; the process varies the rest")
        rows += _halvings(a.halving or {})
    if a.wip is not None:
        rows.append(f"  in the line  {a.wip.mean:.4g} ± {a.wip.half_width:.2g} parts")
    if a.lead_s is not None:
        rows.append(f"  lead time    {a.lead_s.mean:.4g} ± {a.lead_s.half_width:.2g} s")
    if a.first_pass is not None and a.first_pass.mean < 1.0:
        rows.append(f"  first pass   {a.first_pass.mean:.2%} ± {a.first_pass.half_width:.2%} leave good without rework")
    if a.replications:
        rows.append(
            f"  simulated    {a.replications} x {a.horizon_s / 3600:.4g} h, the first {a.warmup_s / 3600:.3g} h left "
            f"out, seed {a.seed}" + (f"; compiling took {a.compile_s:.0f} s, once" if a.compile_s else "")
        )
    rows += _tables(a)
    for e in a.effects:
        d = e.per_hour.difference
        rows.append(f"  what if      {e.name}, {e.change}: {d.mean:+.3g} ± {d.half_width:.2g} per hour")
    if a.arrow is not None:
        rows.append(f"  {a.arrow.sentence}")
    if a.shifting is not None:
        rows.append(f"  {a.shifting.sentence}")
    return [*rows, *notes(a.warnings)]


def _halvings(found: Mapping[str, Halving]) -> list[str]:
    """How many more trials would halve the intervals, or why none can."""
    rows = []
    for name, halving in found.items():
        for what, more in (("the long run's", halving.evidence), ("a run's", halving.whole)):
            told = f"{more:,} more trials" if more is not None else f"not to be had: {halving.reason}"
            rows.append(f"  to halve {what} interval by {name}: {told}")
    return rows


def _tables(a: Throughput) -> list[str]:
    """Shares of time: of the stations, then of the crews and of the fleets, where there are some."""
    rows = _table("station", {"per hour": 1}, [(s.name, (s.per_hour,), s.shares) for s in a.stations])
    if a.people:
        rows += _table("crew", {"people": 0}, [(crew.name, (crew.people,), crew.shares) for crew in a.people])
    if a.fleets:
        fleets = [(f.name, (f.vehicles, f.per_hour), f.shares) for f in a.fleets]
        rows += _table("fleet", {"vehicles": 0, "per hour": 1}, fleets)
        charges = [(f.name, f.least_charge) for f in a.fleets if f.least_charge is not None]
        rows += [f"  {name}: the least charge left at the end of a drive was {left:.0%}" for name, left in charges]
    return [*rows, ""]


def _table(
    what: str, numbers: Mapping[str, int], things: Sequence[tuple[str, Sequence[float], Mapping[str, float]]]
) -> list[str]:
    """A row for each thing: its name, its numbers with so many decimals, its shares in the states that occur."""
    seen = [state for state in things[0][2] if any(shares[state] > 0.0 for _, _, shares in things)]
    width = max(len(what), *(len(name) for name, _, _ in things))
    heads = [f"{head:>9}" for head in numbers] + [f"{state:>8}" for state in seen]
    rows = ["", f"  {what:<{width}} " + " ".join(heads)]
    for name, values, shares in things:
        cells = [f"{value:>9.{digits}f}" for value, digits in zip(values, numbers.values(), strict=True)]
        rows.append(f"  {name:<{width}} " + " ".join([*cells, *(f"{shares[state]:>8.1%}" for state in seen)]))
    return rows


def _values(a: Throughput) -> dict[str, Any]:
    """The answer as plain values; what is as long as the simulation goes into files instead."""
    left_out = {"layout", "runs", "log"}
    values = {f.name: getattr(a, f.name) for f in dataclasses.fields(a) if f.name not in left_out}
    if a.shifting is not None:
        long = {"station", "from_s", "to_s"}
        values["shifting"] = {
            f.name: getattr(a.shifting, f.name) for f in dataclasses.fields(a.shifting) if f.name not in long
        }
    from jangin.line.layout_file import layout_plain

    return plain({"layout": layout_plain(a.layout), **values})  # type: ignore[no-any-return]


def _keep(folder: Any, a: Throughput, data: dict[str, Any], o: Any) -> None:
    """The page, the answer, and the tables it rests on."""
    from jangin.line.page import page
    from jangin.task import Trials

    command = shlex.join(["jangin", "line", str(o.layout), "--seed", str(o.seed)])
    if a.runs is not None:
        columns: dict[str, Any] = {"replication": np.arange(len(a.runs)), "good": a.runs.good, "wip": a.runs.wip}
        columns |= {"seconds": a.runs.seconds, "lead_s": a.runs.lead_s}
        folder.write_trials("replications.parquet", Trials(columns, {"seconds": "s", "lead_s": "s"}))
    if a.log is not None:
        log = a.log
        columns = {
            "station": np.array(log.stations, object)[log.station],
            "state": np.array(log.states, object)[log.state],
            "start_s": log.start_s,
            "end_s": log.end_s,
        }
        folder.write_trials("states.parquet", Trials(columns, {"start_s": "s", "end_s": "s"}))
    folder.write_json("answer.json", data)
    folder.write_text("line.html", page(a, command=command))


def _against(o: Any, horizon: float | None, warmup: float | None) -> Answer:
    from jangin.line.what_if import what_if

    both = "cell" if o.layout.is_dir() and o.against.is_dir() else ""  # one name, so that both have the same numbers
    (layout, folder), (other, others) = _layout(o.layout, both), _layout(o.against, both)
    found = what_if(
        other,
        layout,
        seed=o.seed,
        horizon_s=horizon,
        warmup_s=warmup,
        replications=min(o.replications, 40),
        threads=o.threads,
        folder=others,
        folder_after=folder,
        draws=o.draws,
    )
    rows = [found.sentence, f"  engine       {found.engine}"]
    if found.split is not None and found.split.between:
        rows += _halvings(found.halving or {})
    rows += notes(found.warnings)
    return Answer("\n".join(rows), plain(dataclasses.asdict(found)))


def _places(
    layout: Layout, folder: Path, o: Any, horizon: float | None, warmup: float | None, progress: ProgressLine
) -> Answer:
    from jangin.line.allocate import allocate

    found = allocate(
        layout,
        total=o.places,
        seed=o.seed,
        horizon_s=horizon,
        warmup_s=warmup,
        folder=folder,
        on_progress=lambda now: progress.show(str(now)),
    )
    rows = [found.sentence, *(f"  {name:<12} {places}" for name, places in found.places.items())]
    kept = ("places", "sentence", "per_hour", "warnings")
    return Answer("\n".join([*rows, *notes(found.warnings)]), plain({name: getattr(found, name) for name in kept}))


def schedule(verb: Callable[..., Any], asked: Asked, progress: ProgressLine) -> Answer:
    """A schedule with its bound; its rows into a file with --out."""
    from jangin.line.shop import RULES

    o = asked.options
    if o.out is not None and o.out.suffix not in (".csv", ".parquet"):
        raise JanginError(f"--out {o.out} is neither .csv nor .parquet; give a file of one of the two.")
    if o.out is not None and o.out.exists():
        raise JanginError(f"{o.out} exists already. Give another file with --out.")
    names = {name.lower(): name for name in RULES}
    if o.days is not None:
        return _days(o, o.method, progress)
    plan = verb(
        o.instance,
        o.name,
        names.get(o.method.lower(), o.method),
        time_limit_s=o.time_limit_s,
        workers=o.workers,
        seed=o.seed,
        objective=o.objective,
        on_progress=lambda value, bound, seconds: progress.show(f"{value}, bound {bound}, after {seconds:.0f} s"),
    )
    columns = plan.schedule.columns()
    if o.out is not None:
        _keep_rows(o.out, columns)
    data = {
        "method": plan.method,
        "objective": plan.objective,
        "makespan": plan.makespan,
        "lower_bound": plan.lower_bound,
        "gap": plan.gap,
        "optimal": plan.optimal,
        "interrupted": plan.interrupted,
        "wall_s": plan.wall_s,
        "rule": plan.rule,
        "rule_makespan": plan.rule_schedule.makespan,
        "sentence": plan.sentence,
        "schedule": {name: values.tolist() for name, values in columns.items()},
    }
    return Answer(plan.sentence + (f"\n  rows         {o.out}" if o.out is not None else ""), plain(data))


REPLAN_WORK = 0.1  # of the solver's own count, about seconds, for each plan: so the study repeats exactly


def _days(o: Any, method: str, progress: ProgressLine) -> Answer:
    """What becomes of the schedule on days with breakdowns: followed, re-planned, and by rules, on the same days."""
    from jangin.line.shop import RULES, compare, read_instance
    from jangin.line.shop.plan import METHODS

    chosen = "cp-sat" if method.lower() == "cp-sat" else method.upper()
    if chosen not in METHODS:
        raise UnknownName("method of scheduling", chosen, METHODS)
    rules = (chosen,) if chosen in RULES else ("MWKR", "FDD/MWKR", "SPT", "FIFO")
    ways = ("rolling", "static", *rules)
    found = compare(
        read_instance(o.instance, o.name),
        ways,
        days=o.days,
        seed=o.seed,
        cv=o.cv,
        mean_up=o.mean_up,
        mean_down=o.mean_down,
        time_limit_s=o.time_limit_s,
        work_limit=REPLAN_WORK,
        workers=o.workers,
        objective=o.objective,
        floor=o.floor,
        on_day=lambda day, days: progress.show(f"day {day} of {days}"),
    )
    values = found.tardiness if o.objective == "tardiness" else found.makespan
    rows, data = [], {}
    for way in ways:
        mean = float(values[way].mean())
        row = f"  {way:<12} {mean:10.1f}"
        data[way] = {"mean": mean, "days": values[way].tolist()}
        if way != "rolling":
            gap = found.against("rolling", way, o.objective).difference
            row += f"   rolling - {way}: {gap.mean:+.1f} ± {gap.half_width:.1f} (95 %, paired)"
            data[way]["rolling_minus"] = {"mean": gap.mean, "half_width": gap.half_width}
        rows.append(row)
    head = (
        f"Mean {o.objective} over {o.days} days on the {o.floor}; {float(found.replans.mean()):.1f} new plans a day by "
        f"`rolling`, which re-plans what has not begun at every breakdown."
    )
    return Answer("\n".join([head, *rows]), plain({"ways": data, "replans": found.replans.tolist(), "sentence": head}))


def _keep_rows(path: Path, columns: dict[str, Any]) -> None:
    from jangin.record import RunFolder, write_whole
    from jangin.task import Trials

    if path.suffix == ".parquet":
        RunFolder(path.parent).write_trials(path.name, Trials(columns))
        return
    rows: Sequence[Any] = list(zip(*(v.tolist() for v in columns.values()), strict=True))
    text = "\n".join([",".join(columns), *(",".join(map(str, row)) for row in rows)]) + "\n"
    write_whole(path, text.encode())
