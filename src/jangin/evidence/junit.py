"""The verdict as JUnit XML, the form in which build servers take test results: one test case per claim.

A supported claim has passed, a refuted one is a failure, an undecided one a failure of the type "undecided" (a pipeline
must not go on with it); invalid evidence is an error of every claim.
"""

from __future__ import annotations

from xml.etree import ElementTree

from jangin.evidence.plan import Plan
from jangin.task import ClaimResult, Verdict

__all__ = ["junit"]


def junit(plan: Plan, verdict: Verdict) -> str:
    """The XML text; no times and no places, so the same evidence gives the same bytes."""
    invalid = verdict.verdict == "INVALID"
    failing = [c for c in verdict.claims if c.decision != "supported"]
    suite = ElementTree.Element(
        "testsuite",
        name=f"{plan.task['name']} with {plan.policy['name']}",
        tests=str(len(verdict.claims)),
        failures="0" if invalid else str(len(failing)),
        errors=str(len(verdict.claims)) if invalid else "0",
        skipped="0",
    )
    for claim, c in zip(plan.claims, verdict.claims, strict=True):
        case = ElementTree.SubElement(suite, "testcase", classname=plan.task["name"], name=claim.name or c.claim)
        if invalid:
            ElementTree.SubElement(case, "error", type="invalid", message=verdict.sentence)
        elif c.decision != "supported":
            kind = "refuted" if c.decision == "refuted" else "undecided"
            ElementTree.SubElement(case, "failure", type=kind, message=_said(c, verdict))
        ElementTree.SubElement(case, "system-out").text = _numbers(c)
    ElementTree.indent(suite)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(suite, encoding="unicode") + "\n"


def _said(c: ClaimResult, verdict: Verdict) -> str:
    """The reason that is about this claim, or else the verdict's sentence."""
    return next((r for r in verdict.reasons if f"'{c.claim}'" in r), verdict.sentence)


def _numbers(c: ClaimResult) -> str:
    if c.grade == "B":
        return f"{c.claim}: grade B, an estimate: {dict(c.estimate or {})}"
    return f"{c.claim}: {c.successes} of {c.n} trials speak for it, anytime lower bound {c.bound:.6g}"
