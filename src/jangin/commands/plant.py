"""Verbs about the plant: line, schedule."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jangin.commands.answer import Answer, notes, plain
from jangin.commands.folders import new_folder
from jangin.errors import JanginError
from jangin.progress import ProgressLine

if TYPE_CHECKING:
    from jangin.flags import Asked
    from jangin.line.layout import Layout
    from jangin.line.throughput import Throughput

__all__ = ["line", "schedule"]


def line(verb: Callable[..., Any], asked: Asked, progress: ProgressLine) -> Answer:
    """What the plant gets; with --against the difference to another layout, with --places the best buffers."""
    o = asked.options
    layout, folder = _layout(o.layout)
    horizon = None if o.hours is None else o.hours * 3600.0
    warmup = None if o.warmup_h is None else o.warmup_h * 3600.0
    if o.against is not None:
        return _against(layout, o, horizon, warmup)
    if o.places is not None:
        return _places(layout, o, horizon, warmup, progress)
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
        folder=folder,
        on_progress=tell,
    )
    data = _values(answer)
    lines = _lines(answer)
    if kept is not None:
        _keep(kept, answer, data, o)
        lines.append(f"  page         {kept.path / 'line.html'}")
    return Answer("\n".join(lines), data)


def _layout(path: Path) -> tuple[Layout, Path]:
    """The plant, and where its evidence is relative to."""
    if path.is_dir():
        from jangin.line.evidence_station import line_from_evidence

        return line_from_evidence(path), Path()
    from jangin.line.layout_file import read_layout

    return read_layout(path), path.parent


def _lines(a: Throughput) -> list[str]:
    """The answer for a person."""
    rows = [a.sentence, f"  engine       {a.engine}: {a.why}"]
    if a.split is not None:
        rows.append(f"  a single run {a.split.single_run[0]:.4g} to {a.split.single_run[1]:.4g} good parts per hour")
        if a.split.share is not None:
            rows.append(f"  of its variance the evidence leaves {a.split.share:.0%} open; the process varies the rest")
        for name, halving in (a.halving or {}).items():
            for what, more in (("the long run's", halving.evidence), ("a run's", halving.whole)):
                told = f"{more:,} more trials" if more is not None else f"not to be had: {halving.reason}"
                rows.append(f"  to halve {what} interval by {name}: {told}")
    if a.wip is not None:
        rows.append(f"  in the line  {a.wip.mean:.4g} ± {a.wip.half_width:.2g} parts")
    if a.lead_s is not None:
        rows.append(f"  lead time    {a.lead_s.mean:.4g} ± {a.lead_s.half_width:.2g} s")
    if a.replications:
        rows.append(
            f"  simulated    {a.replications} x {a.horizon_s / 3600:.4g} h, the first {a.warmup_s / 3600:.3g} h left "
            f"out, seed {a.seed}" + (f"; compiling took {a.compile_s:.0f} s, once" if a.compile_s else "")
        )
    rows += _table(a)
    for e in a.effects:
        d = e.per_hour.difference
        rows.append(f"  what if      {e.name}, {e.change}: {d.mean:+.3g} ± {d.half_width:.2g} per hour")
    if a.arrow is not None:
        rows.append(f"  {a.arrow.sentence}")
    if a.shifting is not None:
        rows.append(f"  {a.shifting.sentence}")
    return [*rows, *notes(a.warnings)]


def _table(a: Throughput) -> list[str]:
    seen = [state for state in a.stations[0].shares if any(s.shares[state] > 0.0 for s in a.stations)]
    width = max(len("station"), *(len(s.name) for s in a.stations))
    rows = ["", f"  {'station':<{width}} {'per hour':>9} " + " ".join(f"{state:>8}" for state in seen)]
    for s in a.stations:
        shares = " ".join(f"{s.shares[state]:>8.1%}" for state in seen)
        rows.append(f"  {s.name:<{width}} {s.per_hour:>9.1f} {shares}")
    return [*rows, ""]


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


def _against(layout: Layout, o: Any, horizon: float | None, warmup: float | None) -> Answer:
    from jangin.line.what_if import what_if

    other, _ = _layout(o.against)
    found = what_if(
        other,
        layout,
        seed=o.seed,
        horizon_s=horizon,
        warmup_s=warmup,
        replications=min(o.replications, 40),
        threads=o.threads,
    )
    rows = [found.sentence, f"  engine       {found.engine}", *notes(found.warnings)]
    return Answer("\n".join(rows), plain(dataclasses.asdict(found)))


def _places(layout: Layout, o: Any, horizon: float | None, warmup: float | None, progress: ProgressLine) -> Answer:
    from jangin.line.allocate import allocate
    from jangin.line.duration import length_s

    length = horizon or length_s(layout)
    found = allocate(
        layout,
        total=o.places,
        seed=o.seed,
        horizon_s=length,
        warmup_s=0.2 * length if warmup is None else warmup,
        on_progress=lambda now: progress.show(str(now)),
    )
    rows = [found.sentence, *(f"  {name:<12} {places}" for name, places in found.places.items())]
    return Answer(
        "\n".join(rows), plain({"places": found.places, "sentence": found.sentence, "per_hour": found.per_hour})
    )


def schedule(verb: Callable[..., Any], asked: Asked, progress: ProgressLine) -> Answer:
    """A schedule with its bound; its rows into a file with --out."""
    from jangin.line.shop import RULES

    o = asked.options
    if o.out is not None and o.out.suffix not in (".csv", ".parquet"):
        raise JanginError(f"--out {o.out} is neither .csv nor .parquet; give a file of one of the two.")
    if o.out is not None and o.out.exists():
        raise JanginError(f"{o.out} exists already. Give another file with --out.")
    names = {name.lower(): name for name in RULES}
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


def _keep_rows(path: Path, columns: dict[str, Any]) -> None:
    from jangin.record import RunFolder, write_whole
    from jangin.task import Trials

    if path.suffix == ".parquet":
        RunFolder(path.parent).write_trials(path.name, Trials(columns))
        return
    rows: Sequence[Any] = list(zip(*(v.tolist() for v in columns.values()), strict=True))
    text = "\n".join([",".join(columns), *(",".join(map(str, row)) for row in rows)]) + "\n"
    write_whole(path, text.encode())
