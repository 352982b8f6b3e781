"""A plan is written before the first trial and never changes: freeze it, or see that the frozen one is the same.

freeze(folder, PLAN, plan, read_plan, TRIALS)     # BadFolder names the first thing that this call has otherwise
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from jangin.errors import BadFolder
from jangin.record import RunFolder
from jangin.task import sha256_of

__all__ = ["Frozen", "freeze"]


class Frozen:
    """What a plan is beside its contents: one text, and the hash of that text."""

    @cached_property
    def values(self) -> dict[str, Any]:
        """The plan as plain values, in the order they are written."""
        raise NotImplementedError

    @cached_property
    def text(self) -> str:
        """plan.yaml."""
        import yaml

        return str(yaml.safe_dump(self.values, sort_keys=False, allow_unicode=True, width=120))

    @property
    def sha256(self) -> str:
        """The plan's hash: of the bytes of plan.yaml."""
        return sha256_of(self.text.encode())


def freeze(folder: RunFolder, name: str, plan: Frozen, read: Callable[[RunFolder], Frozen], trials: str) -> None:
    """Write the plan as file `name`, or refuse one that is there and differs. Raises: BadFolder."""
    if not folder.has(name):
        if folder.has(trials):
            raise BadFolder(f"{folder / trials} is there without a plan. Give another place with --out.")
        folder.write_text(name, plan.text)
        return
    there = read(folder).values
    if changed := [k for k, v in plan.values.items() if there.get(k) != v]:
        raise BadFolder(
            f"{folder / name} is frozen with {_told(changed[0], there.get(changed[0]), plan.values[changed[0]])}. "
            f"Give another place with --out, or repeat the call as it was."
        )


def _told(name: str, old: Any, new: Any) -> str:
    """Where the frozen value and this call's differ: the innermost part of it."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        part = next(k for k in {**old, **new} if old.get(k) != new.get(k))
        return _told(f"{name}.{part}", old.get(part), new.get(part))
    was, now = (text if len(text := repr(v)) <= 80 else f"{text[:77]}..." for v in (old, new))
    return f"{name} {was}; this call has {now}"
