"""The report: one whole file, made from the folder alone, that says what is known and says so where nothing is."""

from __future__ import annotations

import dataclasses
from html.parser import HTMLParser

import numpy as np

from jangin.engine.rollout import rollout
from jangin.policy import Random, Zero
from jangin.record import RunFolder
from jangin.report import report
from jangin.stats.sequential import EProcess
from jangin.task import Trials, sha256_of, task_declaration
from toy import Toy

# ── a run folder as the verbs leave it ───────────────────────────────────────────────────────────────────────────


WORDS = {
    "QUALIFIED": "Qualified",
    "NOT_QUALIFIED": "Not qualified",
    "UNDECIDED": "Undecided",
    "INVALID": "Invalid evidence",
}


def with_policy(trials: Trials, name: str) -> Trials:
    return dataclasses.replace(trials, columns={**trials.columns, "policy": np.full(len(trials), name, object)})


def verdict_of(task: Toy, trials: Trials, verdict: str, reasons: tuple[str, ...] = ()) -> dict:
    """A verdict by the real e-processes."""
    claims = []
    for claim in task.claims:
        holds = claim.indicator(trials.columns) & ~trials.invalid
        process = EProcess.begin(p0=claim.p0, alpha=claim.alpha).extended(holds)
        against = np.flatnonzero(process.log_against >= -np.log(claim.alpha))
        decision = "supported" if process.supported_at else "refuted" if against.size else "undecided"
        at = process.supported_at or (int(against[0]) + 1 if against.size else None)
        claims.append(
            {
                "claim": str(claim),
                "n": len(trials),
                "successes": int(holds.sum()),
                "bound": process.bound(),
                "decision": decision,
                "log_e_for": float(process.log_for[-1]),
                "log_e_against": float(process.log_against[-1]),
                "decided_at": at,
            }
        )
    return {
        "verdict": verdict,
        "sentence": f"{WORDS[verdict]}: the policy on {task.name} after {len(trials)} trials.",
        "trials": len(trials),
        "claims": claims,
        "reasons": list(reasons),
        "baselines": {},
        "hashes": {
            "plan": sha256_of(b"plan"),
            "task": sha256_of(task_declaration(task)),
            "policy": sha256_of(b"policy"),
        },
    }


def make(path, *, task=None, n=200, verdict="QUALIFIED", policy=None, reasons=(), baselines=True) -> RunFolder:
    """A folder with everything in it, from real rollouts of the toy."""
    task = task or Toy()
    folder = RunFolder.create(path)
    trials = rollout(task, policy or task.expert(), n, seed=7, purpose="evidence", size=min(n, 64))
    folder.write_json("task.json", task_declaration(task))
    folder.write_text(
        "curve.csv",
        "steps,seconds,success,cycle_s,peak_force_n,note\n0,0,0,,,start\n2048,1.5,0.4,1.8,14,\n4096,3,0.97,1.2,11.5,best\n",
    )
    folder.write_bytes("policy.onnx", b"policy")
    folder.write_text("evidence/plan.yaml", "task: toy/point\nseed: 7\nblock: 64\nmax_trials: 20000\n")
    folder.write_trials("evidence/trials.parquet", trials)
    folder.write_json("evidence/verdict.json", verdict_of(task, trials, verdict, reasons))
    if baselines:
        parts = [
            with_policy(rollout(task, p, 64, seed=7, purpose="evidence", size=64), name)
            for name, p in (("expert", task.expert()), ("zero", Zero(task)), ("random", Random(task, seed=7)))
        ]
        folder.write_trials("evidence/baselines.parquet", Trials.concat(parts))
    return folder


class Page(HTMLParser):
    """What a browser would make of it: tags with attributes, text, and whether every tag is closed."""

    VOID = {"meta", "img", "link", "br", "hr", "input", "rect", "line", "path", "circle"}

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def page_of(folder: RunFolder, **more) -> Page:
    page = Page(report(folder, **more).read_text(encoding="utf-8"))
    assert page.open == []
    return page
