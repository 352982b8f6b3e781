"""What a verb answers, and how numbers and names are worded in it."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Answer", "cell", "joined", "notes", "percent", "plain", "replayed"]


@dataclass(frozen=True)
class Answer:
    """What a verb answers.

    Attributes:
        text: for a person.
        data: the same as plain values, for --json.
        exit_code: what the command ends with.
    """

    text: str
    data: Mapping[str, Any]
    exit_code: int = 0


def plain(value: Any) -> Any:
    """Plain values for JSON; infinity as the text "inf", which is how jangin's files say it."""
    from jangin.task import canonical_json

    plain = json.loads(canonical_json(value))
    return {k: plain[str(k)] for k in value} if isinstance(value, Mapping) else plain


def percent(share: float) -> str:
    """A share as a percentage that never rounds up to 100 %."""
    return f"{math.floor(1000 * share + 1e-9) / 10:.1f} %"


def cell(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def joined(*parts: str) -> str:
    return ", ".join(p for p in parts if p)


def notes(notes: Sequence[str]) -> list[str]:
    return [f"  note         {note}" for note in notes]


def replayed(again: Any, run_dir: Path, holder: str) -> Answer:
    """A trial that was run again, each value beside the one that `holder` has where they differ; exit code 4 then."""
    rows = [f"  {k:<20} {cell(v)}" for k, v in again.rerun.items() if k not in again.differs]
    rows += [f"  {k:<20} {cell(again.rerun[k])} where the {holder} has {cell(again.stored[k])}" for k in again.differs]
    data = plain({**dataclasses.asdict(again), "same": again.same, "run_dir": run_dir})
    return Answer("\n".join([again.sentence, *rows]), data, 0 if again.same else 4)
