"""What stands between a verb's options and its function: names become things, the result becomes an answer.

    answer = COMMANDS["simulate"](simulate, asked, ProgressLine(sys.stderr))
    answer.text, answer.data, answer.exit_code

One function per verb, named like it. It resolves names, makes the folder, hands the verb a callback for progress, and
words the frozen result for a person and for a machine. It prints nothing: `cli` does.
"""

from __future__ import annotations

import dataclasses
import json
import math
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jangin.errors import BadFolder
from jangin.progress import ProgressLine, minutes, time_left
from jangin.registry import names

if TYPE_CHECKING:
    from jangin.claim import Claim
    from jangin.flags import Asked
    from jangin.record import RunFolder
    from jangin.task import ClaimResult, Verdict

__all__ = ["COMMANDS", "Answer", "kept", "listing"]

KEY = Path("~/.config/jangin/signing.key")
_PAIR_ONNX = ("policy_a.onnx", "policy_b.onnx")  # of a comparison, where the policies are files


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


# ── list ─────────────────────────────────────────────────────────────────────────────────────────────────────────


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


# ── trials ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _simulate(verb: Callable[..., Any], asked: Asked, line: ProgressLine) -> Answer:
    from jangin.resolve import resolve_policy

    o = asked.options
    folder = _new_folder(o.out) if o.out else None
    policy = resolve_policy(o.policy, asked.task, seed=o.seed)
    done = verb(
        asked.task,
        policy,
        trials=o.trials,
        seed=o.seed,
        threads=o.threads,
        block=o.block,
        progress=_counting(line, "simulating"),
    )
    n, invalid = len(done.trials), int(done.trials.invalid.sum())
    if folder:
        folder.write_trials("trials.parquet", done.trials)
        folder.seal()
    outcomes = {str(k): int((done.trials["outcome"] == k).sum()) for k in sorted(set(done.trials["outcome"]))}
    text = [
        f"{asked.task.name} with {policy.name}: {done.successes} of {n} trials succeeded, "
        f"{_percent(done.success_low)} to {_percent(done.success_high)} at 95 % confidence.",
        f"  outcomes     {', '.join(f'{k} {v}' for k, v in outcomes.items())}",
        *_quantiles("time to success", "s", done.cycle_s),
        *_quantiles("peak force", "N", done.peak_force_n),
        f"  speed        {done.control_steps_per_s:,.0f} control steps per second, {done.seconds:.1f} s in all",
    ]
    if invalid:
        text.append(f"  INVALID      {invalid} trials are ones the engine cannot vouch for; they count as no success.")
    if folder:
        text.append(f"  table        {folder / 'trials.parquet'}")
    data = {
        "task": asked.task.name,
        "policy": policy.name,
        "seed": o.seed,
        "trials": n,
        "successes": done.successes,
        "success_low": done.success_low,
        "success_high": done.success_high,
        "invalid": invalid,
        "outcomes": outcomes,
        "control_steps": done.control_steps,
        "control_steps_per_s": done.control_steps_per_s,
        "seconds": done.seconds,
        "cycle_s": done.cycle_s,
        "peak_force_n": done.peak_force_n,
        "run_dir": str(folder.path) if folder else None,
    }
    return Answer("\n".join(text), _plain(data))


def _quantiles(what: str, unit: str, values: Mapping[float, float]) -> list[str]:
    if not values:
        return []
    shown = ", ".join(
        f"{100 * q:g} % within {v:.3g} {unit}" if math.isfinite(v) else f"less than {100 * q:g} % at all"
        for q, v in values.items()
    )
    return [f"  {what:<12} {shown}"]


def _run(verb: Callable[..., Any], asked: Asked, line: ProgressLine) -> Answer:
    from jangin.bundle import read
    from jangin.resolve import TASK_JSON, recorded_task

    o = asked.options
    declared = json.loads(read(o.bundle, trust=o.trust).members[TASK_JSON])
    task = recorded_task(declared, o.bundle, o.task)
    log = verb(
        o.bundle,
        on=o.on,
        task=task,
        trials=o.trials,
        seed=o.seed,
        trust=o.trust,
        provider=o.provider,
        allow_unqualified=o.allow_unqualified,
        threads=o.threads,
        folder=_new_folder(o.out) if o.out else None,
        progress=_counting(line, "running"),
    )
    limits = [f"  {k:<12} limit {u.limit:g}, peak {u.peak:.4g}, over in {u.over} trials" for k, u in log.limits.items()]
    what = f"{log.name} {log.version} ({log.verdict}) on {log.plant}"
    text = [
        f"{what}: {log.successes} of {len(log.trials)} trials succeeded.",
        f"  action       {log.latency_p50_ms:.3f} ms median, {log.latency_p99_ms:.3f} ms 99 %, "
        f"deadline {log.deadline_ms:g} ms missed {log.deadline_misses} times",
        *limits,
        *(f"  {note}" for note in log.notes),
    ]
    values = {f.name: getattr(log, f.name) for f in dataclasses.fields(log) if f.name != "trials"}
    return Answer("\n".join(text), _plain({**values, "trials": len(log.trials), "successes": log.successes}))


def _counting(line: ProgressLine, doing: str) -> Callable[[int, int, int], None]:
    """A callback (done, of, successes) that shows them."""

    def show(done: int, of: int, successes: int) -> None:
        left = time_left(done, of, line.elapsed_s)
        line.show(
            _joined(f"{doing} {done:,} of {of:,} trials", f"{_percent(successes / max(done, 1))} succeeded", left)
        )

    return show


# ── learning and evidence ────────────────────────────────────────────────────────────────────────────────────────


def _learn(verb: Callable[..., Any], asked: Asked, line: ProgressLine) -> Answer:
    from jangin.resolve import write_task

    o = asked.options
    folder = _new_folder(o.out or _default_folder(asked.task, o.seed), resume=o.resume)
    write_task(folder, asked.task)
    learned = verb(
        asked.task,
        **({"recipe": o.recipe} if o.recipe else {}),
        seed=o.seed,
        folder=folder,
        steps=o.steps,
        budget_s=o.budget_s,
        device=o.device,
        threads=o.threads,
        resume=o.resume,
        progress=lambda now: line.show(_learning(now)),
    )
    folder.seal()
    text = (
        f"Learned {asked.task.name} in {learned.seconds:.0f} s and {learned.steps:,} control steps: "
        f"{_percent(learned.measure.success)} of {learned.measure.trials} held-out trials succeed. "
        f"The policy is {learned.policy}.\nNext: jangin qualify {shlex.quote(o.task_name)} --policy {folder.path}"
    )
    data = {
        "task": asked.task.name,
        "recipe": o.recipe,
        "seed": o.seed,
        "policy": learned.policy,
        "policy_sha256": learned.sha256,
        "steps": learned.steps,
        "seconds": learned.seconds,
        "stopped": learned.stopped,
        "heldout": {"trials": learned.measure.trials, "successes": learned.measure.successes},
        "run_dir": folder.path,
    }
    return Answer(text, _plain(data))


def _learning(now: Any) -> str:
    """A learn.Progress in words."""
    success = "" if math.isnan(now.success) else f"held-out success {_percent(now.success)}"
    recent = "" if math.isnan(now.success_recent) else f"exploring {_percent(now.success_recent)}"
    rate = f"{now.steps_per_s:,.0f} steps/s"
    left = f"at most {minutes(now.seconds_left)} left"
    return _joined(
        f"learning ({now.stage}) {now.steps:,} of {now.budget:,} steps", success, recent, rate, left, now.note
    )


def _expect(verb: Callable[..., Any], asked: Asked, line: ProgressLine) -> Answer:
    o = asked.options
    tables = verb(
        _claims(o) or (),
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
            lines.append(f"  Of a cell with {_percent(t.share)} of the trials; the last two count those in it.")
        text.append("\n".join(lines))
        data.append({**dataclasses.asdict(t), "rows": [dataclasses.asdict(r) for r in t.rows]})
    text.append(
        f"trials: the mean number until qualify decides. fixed number: the smallest that proves it with probability "
        f"{o.power:g},\nfor one who knows the true value beforehand. at the very least: no rule takes fewer (Wald)."
    )
    return Answer("\n\n".join(text), _plain({"claims": data}))


def _share(p: float) -> str:
    return "0" if p < 5e-4 else f"{p:.3f}"


def _least(n: float) -> str:
    return "–" if math.isinf(n) else f"{n:,.0f}"


def _qualify(verb: Callable[..., Any], asked: Asked, line: ProgressLine) -> Answer:
    from jangin.report import report
    from jangin.resolve import POLICY_ONNX, policy_bytes, resolve_policy, write_task
    from jangin.safety import read_profile
    from jangin.view import pictures

    o = asked.options
    claims, provenance = _claims(o), tuple[Any, ...]()
    if o.limits is not None:
        profile = read_profile(o.limits)
        given = asked.task.claims if claims is None else claims
        claims = (*given, *(c for c in profile.claims(asked.task) if str(c) not in map(str, given)))
        provenance = tuple(profile.provenance())
        for note in profile.notes(asked.task):
            line.note(note)
    policy = resolve_policy(o.policy, asked.task, seed=o.seed)
    references = _references(claims, asked.task, o.seed)
    folder = _run_folder(o.out or _evidence_folder(o, asked.task))
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
        progress=lambda now: line.show(_qualifying(now)),
    )
    shots, note = pictures(folder, asked.task, policy, threads=o.threads)
    page = report(folder, pictures=shots, picture_note=note)
    folder.seal()
    text = [*_verdict_lines(verdict), f"  report       {page}"]
    return Answer("\n".join(text), _plain({**_verdict(verdict), "report": page}), verdict.exit_code)


def _claims(o: Any) -> tuple[Claim, ...] | None:
    """The claims of the command line or of a file; None for the task's own."""
    from jangin.claim import Claim
    from jangin.claims_file import read_claims

    if o.claims is not None:
        return read_claims(o.claims)
    return tuple(Claim.parse(c) for c in o.claim) or None


def _references(claims: Sequence[Claim] | None, task: Any, seed: int) -> dict[str, Any]:
    """The policies that claims compare with, by the names the claims use."""
    from jangin.resolve import resolve_policy

    named = [c.reference for c in (task.claims if claims is None else claims) if c.reference]
    return {name: resolve_policy(name, task.at("evidence"), seed=seed) for name in named}


def _qualifying(now: Any) -> str:
    """A qualify.Progress in words."""
    if now.stage == "search":
        return f"searching for {now.policy}: {now.trials:,} trials so far"
    if now.stage != "evidence":
        return _joined(f"{now.stage}: {now.policy}", f"{now.trials:,} trials", f"{now.successes:,} succeeded")
    open_claims = [c.claim for c in now.claims if c.decision == "undecided"]
    still = f"still open: {', '.join(open_claims)}" if open_claims else "all claims decided"
    rate = _percent(now.successes / max(now.trials, 1))
    return _joined(f"qualifying {now.trials:,} of at most {now.max_trials:,} trials", f"{rate} succeeded", still)


def _compare(verb: Callable[..., Any], asked: Asked, line: ProgressLine) -> Answer:
    from jangin.evidence.comparison_plan import PAIRS_PLAN
    from jangin.resolve import policy_bytes, resolve_policy, write_task

    o = asked.options
    a, b = (resolve_policy(name, asked.task, seed=o.seed) for name in (o.policy, o.against))
    folder = _run_folder(o.out or _comparison_folder(asked.task, o.seed))
    write_task(folder, asked.task)
    for name, given in zip(_PAIR_ONNX, (o.policy, o.against), strict=True):
        if folder.has(PAIRS_PLAN):
            break  # the plan knows both by their hashes, and the files are there
        onnx = policy_bytes(given)
        if onnx is None:
            folder.remove(name)
        else:
            folder.write_bytes(name, onnx)
    found = verb(
        a,
        b,
        asked.task,
        seed=o.seed,
        folder=folder,
        margin=o.margin,
        confidence=o.confidence,
        max_trials=o.max_trials,
        block=o.block,
        threads=o.threads,
        progress=lambda now: line.show(_comparing(now)),
    )
    folder.seal()
    return Answer(*_comparison(found), found.exit_code)


def _comparing(now: Any) -> str:
    """A compare.PairProgress in words."""
    evidence = f"e-value {_e(now.log_e_for)} for it, {_e(now.log_e_against)} against"
    alone = f"A alone succeeded in {now.won:,}, B alone in {now.lost:,}"
    return _joined(f"comparing {now.pairs:,} of at most {now.max_pairs:,} pairs", alone, evidence)


def _comparison(c: Any) -> tuple[str, dict[str, Any]]:
    """A Comparison in words, and as plain values."""
    data = _plain({**dataclasses.asdict(c), "exit_code": c.exit_code})
    lines = [f"{c.decision}  {c.sentence}", *(f"  because      {reason}" for reason in c.reasons)]
    if c.decision == "INVALID":
        return "\n".join([*lines, f"  folder       {c.run_dir}"]), data
    for side, s in (("A", c.a), ("B", c.b)):
        low, high = _percent(s.low), f"{math.ceil(1000 * s.high - 1e-9) / 10:.1f} %"
        seen = f"{s.successes:,} of {c.pairs:,} trials succeeded, {_percent(s.successes / c.pairs)}"
        lines.append(f"  {side:<12} {s.name}: {seen}; at least {low}, at most {high}")
    level, when = f"{100 - 100 * math.exp(-c.log_threshold):g} %", f"after {c.decided_at or c.pairs:,} pairs"
    lines += [
        f"  difference   {(c.won - c.lost) / c.pairs:+.4f}; at least {c.low:+.4f}, at most {c.high:+.4f}",
        f"               (each bound above at {level} confidence, however often anybody looks and whenever it stops)",
        f"  pairs        A alone succeeded in {c.won:,}, B alone in {c.lost:,}; the others ended alike",
        f"  e-values     {_e(c.log_e_for)} for '{c.claim}', {_e(c.log_e_against)} against, {when}; "
        f"{math.exp(c.log_threshold):.6g} decides",
        f"  fixed number McNemar p = {c.mcnemar_p:.3g} (mid-p {c.mcnemar_mid_p:.3g}), Tango {c.tango_low:+.4f} to "
        f"{c.tango_high:+.4f} at {level}:",
        f"               valid only had {c.pairs:,} pairs been fixed beforehand; nothing was decided by them",
    ]
    for side, alone, s in (("A", c.won, c.a), ("B", c.lost, c.b)):
        if alone:
            more = ", ..." if alone > 8 else ""
            lines.append(f"  {side} alone      trials {', '.join(map(str, s.alone[:8]))}{more}")
    if first := [*c.b.alone, *c.a.alone][:1]:
        lines.append(f"  replay       jangin replay {shlex.quote(c.run_dir)} --trial {first[0]}")
    return "\n".join([*lines, f"  folder       {c.run_dir}"]), data


def _e(log_e: float) -> str:
    """An e-value; far beyond every threshold as a power of ten."""
    return f"{math.exp(log_e):.3g}" if log_e < 700 else f"1e{log_e / math.log(10):.0f}"


def _verify(verb: Callable[..., Any], asked: Asked, line: ProgressLine) -> Answer:
    if _is_comparison(asked.options.run):
        from jangin.evidence.comparison import verify_comparison

        found = verify_comparison(asked.options.run)
        return Answer(*_comparison(found), found.exit_code)
    verdict = verb(asked.options.run)
    return Answer("\n".join(_verdict_lines(verdict)), _plain(_verdict(verdict)), verdict.exit_code)


def _replay(verb: Callable[..., Any], asked: Asked, line: ProgressLine) -> Answer:
    o = asked.options
    if _is_comparison(o.run):
        return _replay_pair(o)
    folder, task, policy = _of_run(o)
    again = verb(folder, o.trial, policy=policy, task=task, threads=o.threads)
    rows = [f"  {k:<20} {_cell(v)}" for k, v in again.rerun.items() if k not in again.differs]
    rows += [
        f"  {k:<20} {_cell(again.rerun[k])} where the evidence has {_cell(again.stored[k])}" for k in again.differs
    ]
    values = {f.name: getattr(again, f.name) for f in dataclasses.fields(again)}
    data = _plain({**values, "same": again.same, "run_dir": folder.path})
    return Answer("\n".join([again.sentence, *rows]), data, 0 if again.same else 4)


def _is_comparison(run: Path) -> bool:
    """Whether a folder holds a comparison and no qualification."""
    return (run / "comparison/plan.yaml").is_file() and not (run / "evidence/plan.yaml").is_file()


def _replay_pair(o: Any) -> Answer:
    from jangin.compare import replay_pair
    from jangin.evidence.comparison_plan import SIDES, read_comparison_plan
    from jangin.record import RunFolder
    from jangin.resolve import TASK_JSON, recorded_task, refuse_unnamed, resolve_policy

    folder = RunFolder.open(o.run)
    task, plan = recorded_task(folder.read_json(TASK_JSON), folder.path, o.task), read_comparison_plan(folder)
    for side in SIDES:
        refuse_unnamed(plan.policies[side]["name"], (o.policy or "").split(","), folder.path)
    a, b = (
        resolve_policy(str(folder / name) if folder.has(name) else planned["name"], task, seed=plan.seed)
        for name, planned in zip(_PAIR_ONNX, (plan.policies[side] for side in SIDES), strict=True)
    )
    again = replay_pair(folder, o.trial, policies=(a, b), task=task, threads=o.threads)
    data = _plain({**dataclasses.asdict(again), "same": again.same, "run_dir": folder.path})
    return Answer(again.sentence, data, 0 if again.same else 4)


def _explain(verb: Callable[..., Any], asked: Asked, line: ProgressLine) -> Answer:
    from jangin.report import report
    from jangin.view import pictures

    o = asked.options
    folder, task, policy = _of_run(o)
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
    page = report(folder, pictures=shots, picture_note=note)
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
    return Answer("\n".join(text), _plain({**said, "run_dir": folder.path, "report": page}))


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

    again = point(folder, o.point, policy=policy, task=task, threads=o.threads)
    rows = [f"  {k:<20} {_cell(v)}" for k, v in again.rerun.items() if k not in again.differs]
    rows += [f"  {k:<20} {_cell(again.rerun[k])} where the map has {_cell(again.stored[k])}" for k in again.differs]
    data = _plain({**dataclasses.asdict(again), "same": again.same, "run_dir": folder.path})
    return Answer("\n".join([again.sentence, *rows]), data, 0 if again.same else 4)


# ── shipping ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _ship(verb: Callable[..., Any], asked: Asked, line: ProgressLine) -> Answer:
    from jangin.record import RunFolder
    from jangin.resolve import TASK_JSON, recorded_task

    o = asked.options
    folder = RunFolder.open(o.run)
    bundle = verb(
        recorded_task(folder.read_json(TASK_JSON), folder.path, o.task),
        folder,
        key=(o.key or KEY).expanduser(),
        name=o.name,
        version=o.version,
        allow_unqualified=o.allow_unqualified,
    )
    text = [
        f"{bundle.path} ({bundle.manifest['verdict']['verdict']}), signed by {bundle.signer}.",
        *_notes(bundle.notes),
    ]
    return Answer("\n".join(text), _plain({**_bundle(bundle), "run_dir": folder.path}))


def _bundle(bundle: Any) -> dict[str, Any]:
    return {
        "bundle": bundle.path,
        "name": bundle.manifest["identity"]["name"],
        "version": bundle.manifest["identity"]["version"],
        "verdict": bundle.manifest["verdict"]["verdict"],
        "sha256": bundle.sha256,
        "signer": bundle.signer,
        "notes": bundle.notes,
    }


def _deliver(verb: Callable[..., Any], asked: Asked, line: ProgressLine) -> Answer:
    o = asked.options
    folder = _new_folder(o.out or _default_folder(asked.task, o.seed), resume=o.resume)

    def show(stage: str, now: Any) -> None:
        if isinstance(now, str):
            line.note(now)
        else:
            line.show(_learning(now) if stage == "learn" else _qualifying(now))

    done = verb(
        asked.task,
        folder=folder,
        seed=o.seed,
        recipe=o.recipe,
        steps=o.steps,
        budget_s=o.budget_s,
        claims=_claims(o),
        max_trials=o.max_trials,
        device=o.device,
        threads=o.threads,
        key=(o.key or KEY).expanduser(),
        version=o.version,
        resume=o.resume,
        progress=show,
    )
    bundle = done.bundle
    shipped = (
        f"  bundle       {bundle.path}, signed by {bundle.signer}" if bundle else f"  bundle       {done.sentence}"
    )
    seconds = ", ".join(f"{stage} {s:.0f} s" for stage, s in done.seconds.items())
    text = [*_verdict_lines(done.verdict), f"  report       {done.report}", shipped, f"  time         {seconds}"]
    data = {
        **_verdict(done.verdict),
        "report": done.report,
        "bundle": bundle.path if bundle else None,
        "signer": bundle.signer if bundle else None,
        "shipped": done.sentence,
        "seconds": done.seconds,
        "notes": done.notes,
    }
    return Answer("\n".join([*text, *_notes(done.notes)]), _plain(data), done.verdict.exit_code)


def _view(verb: Callable[..., Any], asked: Asked, line: ProgressLine) -> Answer:
    o = asked.options
    folder, task, policy = _of_run(o)
    seen = verb(folder, o.trial, policy=policy, task=task, web=o.web, port=o.port, speed=o.speed, say=line.note)
    return Answer(seen.sentence, _plain(dataclasses.asdict(seen)))


def _limits(verb: Callable[..., Any], asked: Asked, line: ProgressLine) -> Answer:
    from jangin.safety import default_profile, read_profile

    o = asked.options
    values = {f.name: getattr(o, f.name) for f in dataclasses.fields(o) if f.name not in ("what", "profile")}
    found = verb(o.what, default_profile() if o.profile is None else read_profile(o.profile), **values)
    return Answer(found.text, _plain({"question": o.what, **found.plain}))


# ── folders ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _default_folder(task: Any, seed: int) -> Path:
    return Path("runs") / f"{task.name.replace(':', '/').rpartition('/')[2]}-{seed}"


def _comparison_folder(task: Any, seed: int) -> Path:
    own = _default_folder(task, seed)
    return own.with_name(f"compare-{own.name}")


def _evidence_folder(o: Any, task: Any) -> Path:
    """Where evidence goes unless told: to the policy it is about."""
    from jangin.resolve import POLICIES

    own = Path(o.policy)
    return own if o.policy not in POLICIES and own.is_dir() else _default_folder(task, o.seed)


def _new_folder(path: Path, *, resume: bool = False) -> RunFolder:
    from jangin.record import RunFolder

    return RunFolder.create(path, resume=resume)


def _run_folder(path: Path) -> RunFolder:
    """A new folder, or one that an earlier verb made and evidence belongs into."""
    from jangin.record import RunFolder

    if path.is_dir() and any(path.iterdir()) and not (path / "task.json").is_file():
        raise BadFolder(f"{path} exists and is not a run folder. Give another place with --out.")
    return RunFolder.create(path, resume=True)


def _of_run(o: Any) -> tuple[RunFolder, Any, Any]:
    """The folder of `o.run`, its task and its policy."""
    from jangin.record import RunFolder
    from jangin.resolve import TASK_JSON, recorded_policy, recorded_task

    folder = RunFolder.open(o.run)
    task = recorded_task(folder.read_json(TASK_JSON), folder.path, o.task)
    return folder, task, recorded_policy(folder, task, o.policy)


def kept(words: Sequence[str]) -> str:
    """What an interrupted command left, and how to go on, in a sentence."""
    from jangin.flags import parse

    verb = words[0]
    again = shlex.join(["jangin", *words])
    asked = parse(verb, list(words[1:]))
    out = getattr(asked.options, "out", None)
    if verb in ("learn", "qualify", "compare", "deliver"):
        o = asked.options
        own = _evidence_folder(o, asked.task) if verb == "qualify" else _default_folder(asked.task, o.seed)
        folder = out or (_comparison_folder(asked.task, o.seed) if verb == "compare" else own)
        if not folder.is_dir() or not any(folder.iterdir()):
            return "Nothing was finished yet."
        if verb in ("qualify", "compare"):
            return f"Finished blocks are kept in {folder}; the same command goes on from there: {again}"
        resume = "" if "--resume" in words else " --resume"
        return f"What was finished is kept in {folder}. Go on with: {again}{resume}"
    if verb == "explain":
        return f"Finished batches are kept in {asked.options.run}; the same command goes on from there: {again}"
    if verb == "run" and out is not None and Path(out).is_dir() and any(Path(out).iterdir()):
        return f"The trials that ended are kept in {out}."
    return "Nothing was written."


# ── wording ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _verdict(verdict: Verdict) -> dict[str, Any]:
    """A verdict as plain values, `verdict`, `trials`, `claims` and `run_dir` first."""
    values = {f.name: getattr(verdict, f.name) for f in dataclasses.fields(verdict)}
    claims = [{f.name: getattr(c, f.name) for f in dataclasses.fields(c)} for c in verdict.claims]
    return {**values, "claims": claims, "exit_code": verdict.exit_code}


def _verdict_lines(verdict: Verdict) -> list[str]:
    lines = [f"{verdict.verdict}  {verdict.sentence}", *(f"  {_claim(c)}" for c in verdict.claims)]
    lines += [f"  because      {reason}" for reason in verdict.reasons]
    return [*lines, f"  folder       {verdict.run_dir}"]


def _claim(c: ClaimResult) -> str:
    if c.grade == "B":
        found = c.estimate or {}
        told = f"estimated at {found['probability']:.3g}" if found.get("probability") else "no estimate"
        return f"{c.decision:<12} {c.claim}: {told} (grade B, no bound)"
    least = f"{c.bound:+.4f}" if "not worse than" in c.claim else _percent(c.bound)
    cells = f", {len(c.cells)} cells" if c.cells else ""
    return f"{c.decision:<12} {c.claim}: {c.successes:,} of {c.n:,} trials, at least {least}{cells}"


def _notes(notes: Sequence[str]) -> list[str]:
    return [f"  note         {note}" for note in notes]


def _plain(value: Any) -> Any:
    """Plain values for JSON; infinity as the text "inf", which is how jangin's files say it."""
    from jangin.task import canonical_json

    plain = json.loads(canonical_json(value))
    return {k: plain[str(k)] for k in value} if isinstance(value, Mapping) else plain


def _percent(share: float) -> str:
    """A share as a percentage that never rounds up to 100 %."""
    return f"{math.floor(1000 * share + 1e-9) / 10:.1f} %"


def _cell(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _joined(*parts: str) -> str:
    return ", ".join(p for p in parts if p)


COMMANDS: dict[str, Callable[..., Answer]] = {
    "simulate": _simulate,
    "learn": _learn,
    "expect": _expect,
    "qualify": _qualify,
    "compare": _compare,
    "verify": _verify,
    "replay": _replay,
    "explain": _explain,
    "ship": _ship,
    "run": _run,
    "deliver": _deliver,
    "view": _view,
    "limits": _limits,
}
