"""What several test files need: the toy task, a folder of the test's own, and the command line in another process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).parent
ROOT = TESTS.parent


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """Standard output as the one JSON object it must be."""
        value = json.loads(self.out)
        assert isinstance(value, dict), self.out
        return value


def environment() -> dict[str, str]:
    """This process's environment with the source tree importable and no display."""
    env = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY", "JANGIN_DEBUG")}
    env["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT / "src"), env.get("PYTHONPATH", ""))))
    env["NO_COLOR"] = "1"
    env["COLUMNS"] = "120"
    return env


def run_jangin(*args: str, cwd: Path | None = None, timeout: float = 240, **extra: str) -> Ran:
    """`jangin ARGS` in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "jangin", *args],
        cwd=cwd or ROOT,
        env=environment() | extra,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def jangin():
    """The command line in a process of its own: `jangin("list", "--json")` -> Ran."""
    return run_jangin


@pytest.fixture
def toy_name() -> str:
    """The toy task as a user names it: by path."""
    return f"{TESTS / 'toy.py'}:TASK"
