"""Verbs that look at what happened: explain, view."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jangin.commands.answer import Answer, plain, replayed
from jangin.commands.folders import of_run
from jangin.errors import BadFile
from jangin.progress import ProgressLine

if TYPE_CHECKING:
    from jangin.flags import Asked
    from jangin.record import RunFolder

__all__ = ["explain", "view"]


def explain(verb: Callable[..., Any], asked: Asked, line: ProgressLine) -> Answer:
    """Map failures and write them into the report, or run one point of a map again."""
    from jangin.report import report
    from jangin.view import films, pictures

    o = asked.options
    folder, task, policy = of_run(o)
    if o.point is not None:
        return _point(o, folder, task, policy)
    found = verb(
        folder,
        policy=policy,
        task=task,
        points=o.points,
        rows=o.rows,
        retests=o.retests,
        seed=o.seed,
        trial=o.trial,
        threads=o.threads,
        progress=lambda now: line.show(_explaining(now)),
    )
    shots, note = pictures(folder, task, policy, threads=o.threads)
    seen = films(folder, task, policy, threads=o.threads)
    page = report(folder, pictures=shots, picture_note=note, films=seen)
    folder.seal()
    said = found.found
    regions = [b["sentence"] for b in said["regions"]["boxes"] if b["stands"]]
    parts = {
        "region": [*regions, said["regions"]["sentence"]],
        "margin": [said["sensitivity"]["sentence"]],
        "likely" if said["most_likely"]["found"] else "lowest": [said["most_likely"]["sentence"]],
        "nudge": [n["sentence"] for n in said["nudges"]],
    }
    text = [said["map"]["sentence"], *(f"  {name:<12} {s}" for name, told in parts.items() for s in told if s)]
    if command := said["most_likely"].get("command"):
        text.append(f"  again        {command}")
    text += [f"  trials       {found.trials:,} in all, of the map and beside it: no evidence", f"  report       {page}"]
    return Answer("\n".join(text), plain({**said, "run_dir": folder.path, "report": page}))


def _explaining(now: Any) -> str:
    """An explain.Progress in words."""
    doing = {
        "map": "mapping",
        "sensitivity": "varying one condition at a time",
        "retest": "re-testing regions",
        "search": "searching for the most likely failure",
        "nudge": "moving conditions back",
    }[now.stage]
    return f"{doing}: {now.done:,} of {now.of:,} trials" if now.of else f"{doing}: {now.done:,} trials"


def _point(o: Any, folder: RunFolder, task: Any, policy: Any) -> Answer:
    from jangin.explain import point

    return replayed(point(folder, o.point, policy=policy, task=task, threads=o.threads), folder.path, "map")


def view(verb: Callable[..., Any], asked: Asked, line: ProgressLine) -> Answer:
    """Show one trial, or write a page of it."""
    o = asked.options
    folder, task, policy = of_run(o)
    if o.out is not None:
        return _film(o, folder, task, policy)
    seen = verb(folder, o.trial, policy=policy, task=task, web=o.web, port=o.port, speed=o.speed, say=line.note)
    return Answer(seen.sentence, plain(dataclasses.asdict(seen)))


def _film(o: Any, folder: RunFolder, task: Any, policy: Any) -> Answer:
    """A page with one trial as an animation."""
    from jangin.record import write_whole
    from jangin.report.animation import document
    from jangin.view import film

    if o.out.exists():
        raise BadFile(f"{o.out} exists and is not replaced. Give another --out, or move it away first.")
    seen = film(folder, o.trial, policy=policy, task=task)
    write_whole(o.out, document(seen).encode())
    text = [f"{seen.title}. {seen.note}", f"  page         {o.out}"]
    return Answer(
        "\n".join(text), plain({"trial": o.trial, "outcome": seen.outcome, "film": seen.title, "page": o.out})
    )
