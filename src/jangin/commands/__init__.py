"""What stands between a verb's options and its function: names become things, the result becomes an answer.

    answer = COMMANDS["simulate"](simulate, asked, ProgressLine(sys.stderr))
    answer.text, answer.data, answer.exit_code

One function per verb, named like it. It resolves names, makes the folder, hands the verb a callback for progress, and
words the frozen result for a person and for a machine. It prints nothing: `cli` does.

    trials.py making.py evidence.py pairs.py failures.py plant.py      the verbs
    claims.py folders.py answer.py                            what they share
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from jangin.commands.answer import Answer
from jangin.commands.evidence import expect, limits, qualify, replay, verify
from jangin.commands.failures import explain, view
from jangin.commands.folders import kept
from jangin.commands.making import deliver, learn, ship
from jangin.commands.pairs import compare
from jangin.commands.plant import line, schedule
from jangin.commands.trials import run, simulate
from jangin.registry import names

__all__ = ["COMMANDS", "Answer", "kept", "listing"]


def listing(verbs: Mapping[str, str]) -> Answer:
    """Everything that has a name here; imports none of it."""
    kinds = {kind: [dataclasses.asdict(e) for e in names(kind)] for kind in ("tasks", "robots", "engines", "recipes")}
    data: dict[str, Any] = {"verbs": [{"name": n, "summary": s} for n, s in verbs.items()], **kinds}
    width = max(len(e["name"]) for entries in data.values() for e in entries)
    blocks = []
    for kind, entries in data.items():
        lines = [f"  {e['name']:<{width}}  {_whose(e)}" for e in entries] or ["  none"]
        blocks.append("\n".join([kind, *lines]))
    return Answer("\n\n".join(blocks), data)


def _whose(entry: Mapping[str, str]) -> str:
    """An entry's summary, with its package where that is not ours."""
    source = entry.get("source", "jangin")
    return entry["summary"] if source == "jangin" else f"{entry['summary']} (package {source})"


COMMANDS: dict[str, Callable[..., Answer]] = {
    "simulate": simulate,
    "learn": learn,
    "expect": expect,
    "qualify": qualify,
    "compare": compare,
    "verify": verify,
    "replay": replay,
    "explain": explain,
    "ship": ship,
    "run": run,
    "deliver": deliver,
    "view": view,
    "limits": limits,
    "line": line,
    "schedule": schedule,
}
