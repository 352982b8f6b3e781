"""The parts of a report that say what was proved: headline, claims, what was not shown, learning curve, provenance.

    headline(run)["sentence"], claims(run)[0]["bound"], not_shown(run), curve(run), provenance(run)

Each function takes a `folder.Run` and gives plain values and charts for the page. Nothing is estimated here: bounds and
decisions are the verdict's own; the e-processes are drawn from the recorded trials, in trial order.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jangin.claim import Claim
from jangin.report.charts import Axis, Line, Mark, line_chart
from jangin.report.folder import ClaimRow, Run, declared_values, real
from jangin.report.wording import UNKNOWN, at_least, count, exact, factor, fraction, number, percent, shown
from jangin.stats.sequential import EProcess
from jangin.task import Array

__all__ = ["claims", "conditions_table", "curve", "family", "headline", "not_shown", "provenance"]

_LN10 = math.log(10.0)
_MARKS = {"QUALIFIED": "✓", "NOT_QUALIFIED": "✕", "UNDECIDED": "?", "INVALID": "!"}
_WORDS = {
    "QUALIFIED": "Qualified",
    "NOT_QUALIFIED": "Not qualified",
    "UNDECIDED": "Undecided",
    "INVALID": "Invalid evidence",
}
_DECISIONS = {"supported": "✓ supported", "refuted": "✕ refuted", "undecided": "? undecided"}


def _first(sources: Sequence[Mapping[str, Any]], *names: str) -> Any:
    """The first value recorded under one of `names`, None where there is none."""
    return next((s[n] for s in sources for n in names if s.get(n) not in (None, "", {}, [])), None)


def _text(value: Any) -> str:
    return UNKNOWN if value is None else str(value)


def _short(digest: Any) -> str:
    return f"{str(digest)[:12]}…" if digest else UNKNOWN


def _distinct(run: Run, column: str) -> list[str]:
    """What a text column of the evidence holds, each once."""
    if run.trials is None or column not in run.trials.columns:
        return []
    return list(dict.fromkeys(str(v) for v in run.trials[column]))


def _named(run: Run, part: str, key: str) -> Any:
    """plan[part][key], or plan[part] itself where it is plain text and the name is asked for."""
    found = run.plan.get(part)
    if isinstance(found, Mapping):
        return found.get(key)
    return found if key == "name" else None


def _policy_sha256(run: Run) -> Any:
    recorded = (run.verdict.get("hashes") or {}).get("policy") or _named(run, "policy", "sha256")
    return recorded or run.hashes.get("policy.onnx")


# ── 1: the verdict ───────────────────────────────────────────────────────────────────────────────────────────────


def headline(run: Run) -> dict[str, Any]:
    """The verdict, its sentence and reasons, and the facts that identify what was judged."""
    verdict = str(run.verdict["verdict"])
    word = _WORDS.get(verdict, verdict)
    sentence = str(run.verdict.get("sentence") or "No sentence was recorded.")
    sha = _policy_sha256(run)
    policy = _named(run, "policy", "name")
    facts = [
        ("Task", _text(run.task.get("name") or _named(run, "task", "name")), ""),
        ("Robot", _text((run.task.get("model") or {}).get("robot")), ""),
        ("Engine and physics", ", ".join(_distinct(run, "engine")) or _text(run.plan.get("engine")), ""),
        (
            "Policy",
            " ".join(str(v) for v in (policy, _short(sha) if sha else "") if v) or UNKNOWN,
            f"sha256 {sha}" if sha else "",
        ),
        ("Trials", _trials(run), ""),
        ("Evidence written", run.written or UNKNOWN, "date of the file evidence/verdict.json, UTC"),
    ]
    return {
        "tone": verdict if verdict in _WORDS else "INVALID",
        "word": word,
        "mark": _MARKS.get(verdict, "?"),
        "long": len(sentence) > 110,
        "sentence": sentence.removeprefix(f"{word}:").strip() if sentence.startswith(f"{word}:") else sentence,
        "reasons": [str(r) for r in run.verdict.get("reasons") or [] if str(r) not in sentence],
        "facts": facts,
    }


def _trials(run: Run) -> str:
    """How many trials, and after how many of them it was settled."""
    family = run.verdict.get("family") or {}
    at = real(family.get("qualified_at")) or real(family.get("refuted_at"))
    total = count(real(run.verdict.get("trials")))
    return total if at is None or run.invalid else f"{total}, settled after {count(at)}"


# ── 2: the claims ────────────────────────────────────────────────────────────────────────────────────────────────


def _meaning(run: Run, claim: Claim) -> str:
    """The claim as a sentence."""
    if claim.kind == "success":
        return f"At least {percent(claim.p0)} of trials succeed."
    column = shown(claim.column, run.unit(claim.column), np.array([claim.threshold]))
    bound = f"{column.typed(claim.threshold)} {column.unit}".rstrip()
    if claim.column == "cycle_s":
        return f"At least {percent(claim.p0)} of trials succeed within {bound}."
    if claim.kind == "quantile":
        return f"{column.label.capitalize()} is at most {bound} in at least {percent(claim.p0)} of trials."
    return f"{column.label.capitalize()} exceeds {bound} in at most {percent(1 - claim.p0)} of trials."


def claims(run: Run) -> list[dict[str, Any]]:
    """One row and one chart per claim, as the verdict lists them."""
    return [_claim(run, row) for row in run.claims]


def _claim(run: Run, row: ClaimRow) -> dict[str, Any]:
    r, claim = row.result, row.claim
    n, good = int(real(r.get("n")) or 0), int(real(r.get("successes")) or 0)
    decided, decision = real(r.get("decided_at")), str(r.get("decision", UNKNOWN))
    e_for, e_against = (None if (v := real(r.get(k))) is None else v / _LN10 for k in ("log_e_for", "log_e_against"))
    return {
        "text": row.text,
        "meaning": _meaning(run, claim) if claim else "This claim's text cannot be read by this version.",
        "n": count(n),
        "successes": count(good),
        "failures": count(n - good),
        "point": fraction(good, n),
        "bound": "none" if run.invalid else at_least(real(r.get("bound"))),
        "required": exact(claim.p0) if claim else UNKNOWN,
        "decision": "invalid" if run.invalid else decision,
        "decision_text": "! nothing shown" if run.invalid else _DECISIONS.get(decision, decision),
        "decided_at": count(decided) if decided is not None else "–",
        "e_for": "–" if run.invalid else factor(e_for),
        "e_against": "–" if run.invalid else factor(e_against),
        "needed": exact(1 / claim.alpha) if claim else UNKNOWN,
        "chart": None if run.invalid else _evidence_chart(run, row, decided),
    }


def family(run: Run) -> list[str]:
    """How all claims together were settled, as sentences."""
    found, m = run.verdict.get("family") or {}, len(run.claims)
    alpha = real(found.get("alpha_refute"))
    if run.invalid or alpha is None or m < 2:
        return []
    need = exact(1 / alpha)
    against = factor((real(found.get("log_e_against")) or 0.0) / _LN10)
    return [
        f"Qualified takes every claim. The claims together are refuted when the mean of their e-values against reaches "
        f"{need}; it ended at {against}.",
        f"One claim alone is called refuted at {exact(m / alpha)}, the next ones at less, because {m} were looked at "
        "(Holm's method).",
    ]


def _course(run: Run, row: ClaimRow) -> tuple[Array, dict[str, Array]] | None:
    """Trials (n,) and log10 of both e-processes after each: from the trials, else as the verdict recorded it."""
    claim, trials = row.claim, run.trials
    plain = claim is not None and claim.kind != "reference" and claim.cells is None and claim.grade == "A"
    if plain and claim is not None and trials is not None and len(trials) and claim.column in trials.columns:
        p = EProcess.begin(p0=claim.p0, alpha=claim.alpha).extended(claim.indicator(trials.columns))
        at = np.unique(np.linspace(1, len(p), min(len(p), 2000)).astype(np.int64))
        return at, {"for": p.log_for(at) / _LN10, "against": p.log_against(at) / _LN10}
    for trace in run.verdict.get("trace") or []:
        if trace.get("claim") == row.text and trace.get("n"):
            logs = {k: np.asarray(trace[f"log_e_{k}"], float) / _LN10 for k in ("for", "against")}
            return np.asarray(trace["n"], float), logs
    return None


def _evidence_chart(run: Run, row: ClaimRow, decided: float | None) -> Any:
    """Both e-processes over the trials, with the value that supports the claim; None where nothing is recorded."""
    claim, course = row.claim, _course(run, row)
    if claim is None or course is None:
        return None
    n, logs = course
    need = math.log10(1 / claim.alpha)
    top, low = float(np.clip(max(v.max() for v in logs.values()), 1.3 * need, 3 * need)), -1.1 * need
    lines = [Line(k, n, 10.0 ** np.clip(v, low, top), k) for k, v in logs.items()]
    early = decided is not None and decided < 0.5 * n[-1]
    alone = len(run.claims) / (real((run.verdict.get("family") or {}).get("alpha_refute")) or claim.alpha)
    verb = "supports" if alone > 1.01 / claim.alpha else "decides"
    marks = [Mark(1 / claim.alpha, f"{verb} at {exact(1 / claim.alpha)}", "claim", right=early, below=True)]
    if alone > 1.5 / claim.alpha and math.log10(alone) < top and logs["against"].max() > 0.5 * need:
        marks.append(Mark(alone, f"refutes by itself at {exact(alone)}", "event", right=early))
    at = [Mark(decided, f"trial {count(decided)}", "event")] if decided is not None and 1 <= decided <= n[-1] else []
    ends = {k: factor(float(v[-1])) for k, v in logs.items()}
    description = (
        f"After {count(n[-1])} trials the e-value for the claim is {ends['for']} and the one against it "
        f"{ends['against']}; {exact(1 / claim.alpha)} supports it."
    )
    x, y = Axis("trials", 0, float(n[-1]), ticks=4), Axis("e-value", 10.0**low, 10.0**top, log=True, ticks=6)
    return line_chart(f"Evidence for and against: {row.text}", description, lines, x=x, y=y, marks=marks, at=at)


# ── 3: what was not shown ────────────────────────────────────────────────────────────────────────────────────────


def not_shown(run: Run) -> list[tuple[str, str]]:
    """What a reader must not conclude: (in short, in full)."""
    engines = " and ".join(_distinct(run, "engine")) or f"engine {UNKNOWN}"
    robot = (run.task.get("model") or {}).get("robot")
    found = [
        (
            "Not a safety function.",
            "This is a claim about a task. Stopping, speed and separation, and limiting force on people belong to the "
            "cell's safety controller, which is certified separately. No number of trials would replace it.",
        ),
        (
            "Simulator only.",
            f"Every trial ran in a simulator ({engines}). No real machine took part, and nothing here says how far the "
            "numbers carry over to one.",
        ),
        (
            "Only the declared conditions.",
            "Each was drawn independently from the range in the table below; what the table does not list (say wear, "
            "temperature, another batch of parts, people in the cell) was not varied.",
        ),
        (
            "Only this policy" + (f" on this robot ({robot})." if robot else "."),
            "Another file, another robot, another control rate or another order of signals needs its own evidence.",
        ),
        (
            "Single attempts.",
            "Trials are independent. What happens after a failure (recovery, a jammed part, the next cycle) is outside "
            "this evidence.",
        ),
    ]
    nothing = "The evidence is invalid, so no number on this page speaks for or against them."
    return [("Anything about the claims.", nothing), *found] if run.invalid else [*found, *_open_claims(run)]


def _open_claims(run: Run) -> list[tuple[str, str]]:
    """What the supported claims still allow, and the claims that were not supported."""
    rare, alphas, unproved, found = [], [], [], []
    for row in run.claims:
        decision, bound = row.result.get("decision"), real(row.result.get("bound"))
        if decision == "supported" and row.claim is not None and bound is not None:
            rare.append(f"{number(1000 * (1 - math.floor(bound * 1e4) / 1e4), 2)} that break “{row.text}”")
            alphas.append(row.claim.alpha)
        elif decision != "supported":
            unproved.append(f"“{row.text}” ({decision})")
    if unproved:
        found.append(("Claims that were not proved.", f"{', '.join(unproved)}."))
    if rare:
        room = f"In 1,000 trials the lower bounds leave room for up to {', '.join(rare)}."
        error = f"A claim that is false would have been supported with a probability of at most {percent(max(alphas))}."
        found.append(("Rare failures.", f"{room} {error}"))
    return found


_DISTRIBUTIONS = {"Uniform": "uniform", "LogUniform": "log-uniform", "Choice": "one of", "Fixed": "fixed"}


def conditions_table(run: Run) -> list[dict[str, str]]:
    """The declared conditions with their ranges."""
    return [_condition(c) for c in run.conditions]


def _condition(c: Mapping[str, Any]) -> dict[str, str]:
    values = declared_values(c)
    show = shown(str(c["name"]), str(c.get("unit", "")), np.array(values))
    texts = [show.typed(v) for v in values]
    kind = _DISTRIBUTIONS.get(str((c.get("distribution") or {}).get("type")), UNKNOWN)
    span = " … ".join(texts) if kind.endswith("uniform") else ", ".join(texts)
    return {
        "label": show.label,
        "column": str(c["name"]),
        "kind": kind,
        "span": span or UNKNOWN,
        "unit": show.unit or "–",
        "doc": str(c.get("doc", "")),
    }


# ── 4: the learning curve ────────────────────────────────────────────────────────────────────────────────────────

_PANELS = (("success", "", "success"), ("cycle", "s", "cycle time"), ("force", "N", "peak force"))


def curve(run: Run) -> list[Any]:
    """Charts of success, cycle time and peak force over what was simulated while learning; empty where not recorded."""
    names = list(run.curve)
    if not names or len(run.curve[names[0]]) == 0:
        return []
    over = next((k for k in names if "step" in k and "per" not in k), names[0])
    charts = []
    for word, unit, label in _PANELS:
        # success itself before success_recent and the like; what is infinite (nobody succeeded yet) leaves a gap
        found = sorted((k for k in names if word in k and k != over), key=lambda k: (k != word, names.index(k)))
        known = {k: np.where(np.isfinite(run.curve[k]), run.curve[k], np.nan) for k in found}
        lines = [
            Line(shown(k, unit).label, run.curve[over], y, tone)
            for (k, y), tone in zip(known.items(), ("policy", "second", "third"), strict=False)
            if np.isfinite(y).any()
        ]
        if lines:
            charts.append(_curve_chart(run, over, lines, unit, label))
    return charts


def _curve_chart(run: Run, over: str, lines: list[Line], unit: str, label: str) -> Any:
    rates = label == "success"
    last = ", ".join(f"{line.name} {number(float(line.y[np.isfinite(line.y)][-1]))}" for line in lines)
    label = lines[0].name if len(lines) == 1 else label
    x = Axis("control steps" if over == "steps" else over.replace("_", " "), min(0.0, float(lines[0].x.min())), ticks=3)
    y = Axis(f"{label} [{unit}]" if unit else label, 0, 1 if rates else None, percent=rates)
    wanted = [r.claim.p0 for r in run.claims if rates and r.claim is not None and r.claim.kind == "success"]
    marks = [Mark(p, f"claim {percent(p)}", "claim", below=True) for p in wanted]
    description = f"{label.capitalize()} over {x.label}; at the end: {last}."
    return line_chart(f"Learning curve: {label}", description, lines, x=x, y=y, marks=marks)


# ── 10: provenance ───────────────────────────────────────────────────────────────────────────────────────────────


def provenance(run: Run) -> dict[str, Any]:
    """Hashes, versions, seed, block size, chip and the commands that check and repeat the evidence."""
    meta = run.trials.meta if run.trials is not None else {}
    sources = [run.plan, run.verdict, meta, run.task]
    hashes = dict(run.verdict.get("hashes") or {})
    versions = _first(sources, "versions") or {}
    facts = [
        ("Plan sha256", _text(hashes.get("plan") or _first([run.plan, run.verdict], "plan_sha256", "sha256"))),
        ("Task sha256", _text(hashes.get("task") or _named(run, "task", "sha256"))),
        ("Policy sha256", _text(_policy_sha256(run))),
        ("Seed", _text(_first(sources, "seed"))),
        ("Block size [trials]", _text(_first(sources, "block", "block_size", "size"))),
        ("Most trials allowed", _text(_first(sources, "max_trials", "most_trials", "n_max"))),
        ("Run again to the same bits", _repeated(run)),
        ("Method", _text(run.plan.get("method"))),
        ("Engine", ", ".join(_distinct(run, "engine")) or UNKNOWN),
        ("Chip", ", ".join(_distinct(run, "chip")) or UNKNOWN),
        (
            "Versions",
            ", ".join(f"{k} {v}" for k, v in versions.items())
            if isinstance(versions, Mapping) and versions
            else UNKNOWN,
        ),
        ("Declared limits", _limits(run)),
        *((f"Model: {k}", str(v)) for k, v in (run.task.get("model") or {}).items()),
    ]
    place = shlex.quote(run.path)
    first = (
        int(run.trials["trial"][0])
        if run.trials is not None and len(run.trials) and "trial" in run.trials.columns
        else 0
    )
    return {
        "facts": facts,
        "files": sorted(run.hashes.items()),
        "commands": [
            (f"jangin verify {place}", "recompute the verdict from the recorded trials; no simulator is needed"),
            (
                f"jangin replay {place} --trial {first}{run.named}",
                "run a trial again from its number, to the same bits",
            ),
        ],
    }


def _limits(run: Run) -> str:
    """The task's limits by name, vectors in brackets; the unit is the name's ending."""

    def text(value: Any) -> str:
        if isinstance(value, (list, tuple)):
            return f"[{', '.join(text(v) for v in value)}]"
        typed = real(value)
        return str(value) if typed is None else exact(typed)

    limits = run.task.get("limits") or {}
    return "; ".join(f"{k} {text(v)}" for k, v in limits.items()) or UNKNOWN


def _repeated(run: Run) -> str:
    """Whether trials that were run a second time came out the same."""
    rerun = run.verdict.get("rerun") or {}
    rows = real(rerun.get("rows"))
    if not rows:
        return UNKNOWN
    differs = ", ".join(str(c) for c in rerun.get("differs") or [])
    return (
        f"no: the first {count(rows)} trials differ in {differs}" if differs else f"yes, the first {count(rows)} trials"
    )
