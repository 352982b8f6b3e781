"""Claims of grade B through the verb: searched under a frozen plan, recomputed from the table, never called a proof."""

from __future__ import annotations

import dataclasses
import html
import json

import numpy as np
import pytest

from jangin.engine.probe import Probe
from jangin.engine.rollout import rollout
from jangin.errors import BadClaim
from jangin.qualify import Progress, qualify
from jangin.record import RunFolder
from jangin.report import report
from jangin.verify import verify
from toy import Toy, ToyWorld

SEARCH = "evidence/search.parquet"


class HalfSpace(Toy):
    """The toy with a measure of its own: how far the two goal coordinates are from a corner, a known probability."""

    def world(self, nsim, *, threads=0, seed=0, purpose="simulate"):
        return HalfSpaceWorld(self, nsim, seed, purpose)

    @property
    def columns(self):
        return {**super().columns, "gap_m": "m"}


class HalfSpaceWorld(ToyWorld):
    def record(self, ids):
        row = super().record(ids)
        x, y = (c.distribution for c in list(self.task.conditions)[:2])
        u = (row["goal_x_m"] - x.low) / (x.high - x.low)
        v = (row["goal_y_m"] - y.low) / (y.high - y.low)
        return row | {"gap_m": 1.95 - u - v}  # below 0 in a corner of area 0.05^2 / 2


EXACT = 0.05**2 / 2


def run(place, claims, **options):
    task = HalfSpace()
    options = {"seed": 7, "block": 64, "max_trials": 640, "search_trials": 10_000, **options}
    return qualify(task.expert(), task, claims, folder=RunFolder.create(place, resume=True), **options)


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    place = tmp_path_factory.mktemp("search") / "a"
    return place, run(place, ["success >= 0.9", "P(gap_m < 0) <= 0.01 grade B"])


def test_an_estimate_below_the_claim_supports_it_and_is_called_one(searched):
    place, verdict = searched
    assert verdict.verdict == "QUALIFIED"
    a, b = verdict.claims
    assert (a.grade, b.grade, b.decision, b.bound) == ("A", "B", "supported", 0.0)
    assert b.estimate["low"] <= EXACT <= b.estimate["high"]
    assert b.estimate["probability"] == pytest.approx(EXACT, rel=0.4)
    assert "an estimate (grade B)" in verdict.sentence
    assert any(
        "rests on an estimate, not on a bound" in s
        for s in json.loads((place / "evidence/verdict.json").read_text())["not_shown"]
    )
    assert b.estimate["nearest"]["goal_x_m"] > 0
    assert not (place / "evidence/blocks").exists()


def test_it_is_recomputed_from_the_table_alone(searched, tmp_path):
    place, verdict = searched
    assert verify(place).claims == verdict.claims
    folder = RunFolder.open(place)
    kept = (place / SEARCH).read_bytes()
    table = folder.read_trials(SEARCH)
    other = {**table.columns, "margin": np.abs(table["margin"])}
    folder.write_trials(SEARCH, dataclasses.replace(table, columns=other))
    assert "was changed after the verdict" in verify(place).sentence
    (place / SEARCH).write_bytes(kept)


def test_above_the_claim_it_is_refuted_and_refused_where_nothing_leads(tmp_path):
    above = run(tmp_path / "a", ["success >= 0.9", "P(gap_m < 0) <= 1e-5 grade B"])
    assert (above.verdict, above.claims[1].decision) == ("NOT_QUALIFIED", "refuted")
    assert "grade B" in above.sentence
    never = run(tmp_path / "b", ["success >= 0.9", "P(gap_m < -5) <= 1e-5 grade B"])
    assert (never.verdict, never.claims[1].decision) == ("UNDECIDED", "undecided")
    assert "has no estimate: No failure was reached often enough in " in never.sentence


def test_interrupted_it_goes_on_to_the_same_bytes(searched, tmp_path):
    """Batches that were finished are not run again."""
    claims, seen = ["success >= 0.9", "P(gap_m < 0) <= 0.01 grade B"], []

    def stop(progress: Progress) -> None:
        seen.append(progress)
        if progress.stage == "search" and progress.trials > 600:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "a", claims, progress=stop)
    assert len(list((tmp_path / "a/evidence/blocks").glob("search-0-*.parquet"))) > 10
    run(tmp_path / "a", claims)
    place, _ = searched
    for name in ("verdict.json", "search.parquet", "plan.yaml", "trials.parquet"):
        assert (tmp_path / "a/evidence" / name).read_bytes() == (place / "evidence" / name).read_bytes()


def test_the_plan_names_the_search(searched, tmp_path):
    place, _ = searched
    assert "subset simulation and cross-entropy" in (place / "evidence/plan.yaml").read_text()
    with pytest.raises(BadClaim, match="A search of 10 trials says nothing about "):
        run(tmp_path / "a", ["P(gap_m < 0) <= 0.01 grade B"], search_trials=10)


def test_a_measure_that_says_something_else_is_refused(tmp_path):
    with pytest.raises(BadClaim, match="should be negative exactly when the event happens"):
        run(tmp_path / "a", ["success >= 0.9", "P(timeout) <= 0.01 grade B by gap_m"])


def test_a_probe_puts_trials_anywhere_and_its_batches_do_not_matter():
    task = Toy()
    u = np.random.default_rng(0).random((10, len(task.conditions)))
    trials = np.arange(50, 60)
    small, large = (Probe(task, task.expert(), seed=3, purpose="map", block=b).run(u, trials) for b in (4, 64))
    for name in small.columns:
        assert small[name].tolist() == large[name].tolist(), name
    for name, values in task.conditions.at(u).items():
        assert small[name].tolist() == values.tolist()
    assert small["trial"].tolist() == trials.tolist()
    own = rollout(task, task.expert(), 60, seed=3, purpose="map", size=60)
    assert own["goal_x_m"][50:].tolist() != small["goal_x_m"].tolist()


def test_claims_of_grade_b_alone_rest_on_one_sound_block(tmp_path):
    """The trials show that the task needs a policy and repeats; the verdict says that nothing was proved."""
    verdict = run(tmp_path / "a", ["P(gap_m < 0) <= 0.01 grade B"])
    assert (verdict.verdict, verdict.trials) == ("QUALIFIED", 64)
    assert verdict.sentence.startswith("Qualified by estimate (grade B): ")
    assert verdict.sentence.endswith("nothing was proved.")
    assert verify(tmp_path / "a").verdict == "QUALIFIED"


@pytest.mark.parametrize("claim", ["P(gap_m < 0) <= 0.01 grade B", "P(gap_m < -5) <= 1e-5 grade B"])
def test_the_report_shows_an_estimate_or_why_there_is_none(tmp_path, claim):
    verdict = run(tmp_path / "a", ["success >= 0.9", claim])
    page = report(RunFolder.open(tmp_path / "a")).read_text()
    assert "Grade B, an estimate and no bound" in page
    estimate = verdict.claims[1].estimate
    if estimate["refused"]:
        assert "There is no estimate" in page
        assert html.escape(estimate["refused"]) in page
    else:
        for name, method in estimate["methods"].items():
            assert f">{name}</th><td>{method['probability']:.2g}</td>" in page
        assert "nearest to the middle of all conditions" in page
