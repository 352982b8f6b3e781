"""How much memory the commands take at their peak.

    rows = peaks(trials=1000, learn_steps=60_000, folder=Path("/tmp/x"))

A command is started from a small process of its own, because Linux counts what the starting process had in memory as
the child's. What is measured is the largest resident set of the command's process, as the system accounts for it at its
end.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.rows import Row

__all__ = ["Peak", "peak", "peaks"]

_LAUNCHER = """
import json, os, resource, subprocess, sys, time
begin = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
errors = process.stderr.read().decode(errors="replace")
_, status, used = os.wait4(process.pid, 0)
print(json.dumps([os.waitstatus_to_exitcode(status), used.ru_maxrss, time.perf_counter() - begin, errors[-2000:]]))
"""
_UNIT = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss [bytes]
GB = 1e9
FEWEST = 512  # trials: with fewer the task's claims cannot be proved, and `qualify` says so instead of trying


@dataclass(frozen=True)
class Peak:
    """What a command took: exit code, largest resident set [bytes], time [s], and the end of its standard error."""

    code: int
    resident: int
    seconds: float
    errors: str


def peak(command: Sequence[str]) -> Peak:
    """Run a command to its end."""
    run = [sys.executable, "-I", "-S", "-c", _LAUNCHER, *command]
    answer = subprocess.run(run, check=True, capture_output=True, text=True).stdout
    code, resident, seconds, errors = json.loads(answer)
    return Peak(code, resident * _UNIT, seconds, errors)


def peaks(*, trials: int, learn_steps: int | None, folder: Path) -> list[Row]:
    """`simulate`, `verify` and `learn` on the peg task; `learn_steps` None is the recipe's own."""
    jangin = [sys.executable, "-m", "jangin"]
    task, evidence = "cell/peg-insert", str(folder / "evidence")
    simulated = peak([*jangin, "simulate", task, "--policy", "expert", "--trials", str(trials)])
    judged = max(trials, FEWEST)
    qualify = ["--policy", "expert", "--max-trials", str(judged), "--out", evidence]
    qualified = peak([*jangin, "qualify", task, *qualify])
    if qualified.code not in (0, 1, 3):  # whatever the verdict about the expert: it is the evidence that is verified
        raise RuntimeError(f"jangin qualify ended with {qualified.code}: {qualified.errors}")
    verified = peak([*jangin, "verify", evidence])
    steps = [] if learn_steps is None else ["--steps", str(learn_steps)]
    learned = peak([*jangin, "learn", task, *steps, "--out", str(folder / "learned")])
    told = "the recipe's own steps" if learn_steps is None else f"{learn_steps:,} control steps"
    return [
        _row("simulate --policy expert", simulated, 1.5, f"{trials:,} trials", codes=(0,)),
        _row("verify", verified, 1.5, f"at most {judged:,} trials", codes=(0, 1, 3)),
        _row("learn", learned, 3.0, told, codes=(0,)),
    ]


def _row(verb: str, used: Peak, limit_gb: float, size: str, *, codes: tuple[int, ...]) -> Row:
    if used.code not in codes:
        raise RuntimeError(f"jangin {verb} ended with {used.code}: {used.errors}")
    return Row(
        what=f"peg-insert: jangin {verb}",
        unit="GB resident",
        values=[used.resident / GB],
        against=f"{limit_gb:g} GB",
        ratio=used.resident / GB / limit_gb,
        target=1.0,
        less_is_better=True,
        timed=False,
        note=f"{size}, {used.seconds:.0f} s",
        details={"bytes": used.resident, "seconds": used.seconds, "exit_code": used.code},
    )
