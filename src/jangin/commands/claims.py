"""Claims as they were asked for, and a verdict on them in words."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from jangin.commands.answer import joined, percent

if TYPE_CHECKING:
    from jangin.claim import Claim
    from jangin.task import ClaimResult, Verdict

__all__ = ["claims_of", "qualifying", "verdict_lines", "verdict_values"]


def claims_of(o: Any) -> tuple[Claim, ...] | None:
    """The claims of the command line or of a file; None for the task's own."""
    from jangin.claim import Claim
    from jangin.claims_file import read_claims

    if o.claims is not None:
        return read_claims(o.claims)
    return tuple(Claim.parse(c) for c in o.claim) or None


def qualifying(now: Any) -> str:
    """A qualify.Progress in words."""
    if now.stage == "search":
        return f"searching for {now.policy}: {now.trials:,} trials so far"
    if now.stage != "evidence":
        return joined(f"{now.stage}: {now.policy}", f"{now.trials:,} trials", f"{now.successes:,} succeeded")
    open_claims = [c.claim for c in now.claims if c.decision == "undecided"]
    still = f"still open: {', '.join(open_claims)}" if open_claims else "all claims decided"
    rate = percent(now.successes / max(now.trials, 1))
    return joined(f"qualifying {now.trials:,} of at most {now.max_trials:,} trials", f"{rate} succeeded", still)


def verdict_values(verdict: Verdict) -> dict[str, Any]:
    """A verdict as plain values, `verdict`, `trials`, `claims` and `run_dir` first."""
    values = {f.name: getattr(verdict, f.name) for f in dataclasses.fields(verdict)}
    claims = [{f.name: getattr(c, f.name) for f in dataclasses.fields(c)} for c in verdict.claims]
    return {**values, "claims": claims, "exit_code": verdict.exit_code}


def verdict_lines(verdict: Verdict) -> list[str]:
    lines = [f"{verdict.verdict}  {verdict.sentence}", *(f"  {_claim(c)}" for c in verdict.claims)]
    lines += [f"  because      {reason}" for reason in verdict.reasons]
    return [*lines, f"  folder       {verdict.run_dir}"]


def _claim(c: ClaimResult) -> str:
    if c.grade == "B":
        found = c.estimate or {}
        told = f"estimated at {found['probability']:.3g}" if found.get("probability") else "no estimate"
        return f"{c.decision:<12} {c.claim}: {told} (grade B, no bound)"
    least = f"{c.bound:+.4f}" if "not worse than" in c.claim else percent(c.bound)
    cells = f", {len(c.cells)} cells" if c.cells else ""
    return f"{c.decision:<12} {c.claim}: {c.successes:,} of {c.n:,} trials, at least {least}{cells}"
