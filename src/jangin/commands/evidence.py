"""Verbs about proof: expect, qualify, verify, replay, limits."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from jangin.commands.answer import Answer, percent, plain, replayed
from jangin.commands.claims import claims_of, qualifying, verdict_lines, verdict_values
from jangin.commands.folders import evidence_folder, is_comparison, of_run, run_folder
from jangin.commands.pairs import comparison, replay_pair
from jangin.errors import BadFolder
from jangin.progress import ProgressLine

if TYPE_CHECKING:
    from jangin.claim import Claim
    from jangin.flags import Asked

__all__ = ["expect", "limits", "qualify", "replay", "verify"]


def expect(verb: Callable[..., Any], asked: Asked, line: ProgressLine) -> Answer:
    """A table for each claim."""
    o = asked.options
    tables = verb(
        claims_of(o) or (),
        values=o.at or None,
        most=o.max_trials,
        power=o.power,
        progress=lambda done, of: line.show(f"{done} of {of} claims"),
    )
    text, data = [], []
    for t in tables:
        lines = [f"{t.claim}", f"  {'true value':>10} {'proved':>8} {'refuted':>8} {'trials':>9} {'median':>8}"]
        lines[1] += "   fixed number (failures)   at the very least"
        for r in t.rows:
            n, fixed = r.needed, "–" if r.fixed is None else f"{r.fixed.trials:,} ({r.fixed.failures:,})"
            median = "–" if n.median is None else f"{n.median / t.share:,.0f}"
            lines.append(
                f"  {r.p:>10.7g} {_share(n.supported):>8} {_share(n.refuted):>8} {n.expected_of(t.share):>9,.0f} "
                f"{median:>8}   {fixed:>23}   {_least(r.wald):>17}"
            )
        if t.share < 1:
            lines.append(f"  Of a cell with {percent(t.share)} of the trials; the last two count those in it.")
        text.append("\n".join(lines))
        data.append({**dataclasses.asdict(t), "rows": [dataclasses.asdict(r) for r in t.rows]})
    text.append(
        f"trials: the mean number until qualify decides. fixed number: the smallest that proves it with probability "
        f"{o.power:g},\nfor one who knows the true value beforehand. at the very least: no rule takes fewer (Wald)."
    )
    return Answer("\n\n".join(text), plain({"claims": data}))


def _share(p: float) -> str:
    return "0" if p < 5e-4 else f"{p:.3f}"


def _least(n: float) -> str:
    return "–" if math.isinf(n) else f"{n:,.0f}"


def qualify(verb: Callable[..., Any], asked: Asked, line: ProgressLine) -> Answer:
    """Prove or refute claims, then write the report and seal the folder."""
    from jangin.report import report
    from jangin.resolve import POLICY_ONNX, policy_bytes, resolve_policy, write_task
    from jangin.safety import read_profile
    from jangin.view import films, pictures

    o = asked.options
    claims, provenance = claims_of(o), tuple[Any, ...]()
    if o.limits is not None:
        profile = read_profile(o.limits)
        given = asked.task.claims if claims is None else claims
        claims = (*given, *(c for c in profile.claims(asked.task) if str(c) not in map(str, given)))
        provenance = tuple(profile.provenance())
        for note in profile.notes(asked.task):
            line.note(note)
    policy = resolve_policy(o.policy, asked.task, seed=o.seed)
    references = _references(claims, asked.task, o.seed)
    folder = run_folder(o.out or evidence_folder(o, asked.task))
    write_task(folder, asked.task)
    data = policy_bytes(o.policy)
    if data is not None and not folder.has(POLICY_ONNX):
        folder.write_bytes(POLICY_ONNX, data)
    elif data is not None and (folder / POLICY_ONNX).read_bytes() != data:
        raise BadFolder(f"{folder.path} holds another {POLICY_ONNX} than {o.policy}. Give another place with --out.")
    verdict = verb(
        policy,
        asked.task,
        claims,
        seed=o.seed,
        folder=folder,
        max_trials=o.max_trials,
        block=o.block,
        threads=o.threads,
        references=references,
        provenance=provenance,
        search_trials=o.search_trials,
        progress=lambda now: line.show(qualifying(now)),
    )
    shots, note = pictures(folder, asked.task, policy, threads=o.threads)
    seen = films(folder, asked.task, policy, threads=o.threads)
    page = report(folder, pictures=shots, picture_note=note, films=seen)
    folder.seal()
    text = [*verdict_lines(verdict), f"  report       {page}"]
    return Answer("\n".join(text), plain({**verdict_values(verdict), "report": page}), verdict.exit_code)


def _references(claims: Sequence[Claim] | None, task: Any, seed: int) -> dict[str, Any]:
    """The policies that claims compare with, by the names the claims use."""
    from jangin.resolve import resolve_policy

    named = [c.reference for c in (task.claims if claims is None else claims) if c.reference]
    return {name: resolve_policy(name, task.at("evidence"), seed=seed) for name in named}


def verify(verb: Callable[..., Any], asked: Asked, line: ProgressLine) -> Answer:
    """Recompute a verdict, or a comparison."""
    if is_comparison(asked.options.run):
        from jangin.evidence.comparison import verify_comparison

        found = verify_comparison(asked.options.run)
        return Answer(*comparison(found), found.exit_code)
    verdict = verb(asked.options.run)
    return Answer("\n".join(verdict_lines(verdict)), plain(verdict_values(verdict)), verdict.exit_code)


def replay(verb: Callable[..., Any], asked: Asked, line: ProgressLine) -> Answer:
    """Run one trial of the evidence, or one pair, again."""
    o = asked.options
    if is_comparison(o.run):
        return replay_pair(o)
    folder, task, policy = of_run(o)
    return replayed(verb(folder, o.trial, policy=policy, task=task, threads=o.threads), folder.path, "evidence")


def limits(verb: Callable[..., Any], asked: Asked, line: ProgressLine) -> Answer:
    """Answer a question about safety limits."""
    from jangin.safety import default_profile, read_profile

    o = asked.options
    values = {f.name: getattr(o, f.name) for f in dataclasses.fields(o) if f.name not in ("what", "profile")}
    found = verb(o.what, default_profile() if o.profile is None else read_profile(o.profile), **values)
    return Answer(found.text, plain({"question": o.what, **found.plain}))
