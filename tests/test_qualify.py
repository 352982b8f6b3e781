"""Laws of a qualification: the plan is frozen, the verdict follows from the trials, interruption changes nothing,
what is no evidence is INVALID, and what cannot be proved is refused."""

from __future__ import annotations

import dataclasses
import json
from xml.etree import ElementTree

import numpy as np
import pytest
import yaml

from jangin.claim import Claim
from jangin.errors import BadClaim, BadFolder, BadPolicy, JanginError
from jangin.evidence import by_policy, differing, read_plan
from jangin.qualify import Progress, qualify
from jangin.record import RunFolder, read_trials, sha256_file
from jangin.registry import find
from jangin.stats.sequential import log_e_for, trials_to_support
from jangin.streams import generator
from jangin.task import Limits, Trials, sha256_of, task_declaration
from jangin.verify import verify
from toy import Toy, ToyExpert, ToyTeacher, ToyWorld

FILES = ["evidence/baselines.parquet", "evidence/plan.yaml", "evidence/trials.parquet", "evidence/verdict.json"]
ALL = sorted([*FILES, "evidence/junit.xml"])
SUCCESS_95 = ["success >= 0.95 @ 0.95"]


def run(place, policy=None, task=None, claims=None, **options):
    """A qualification of the toy's expert with seed 7 and small blocks, unless said otherwise."""
    task = task or Toy()
    options = {"seed": 7, "block": 64, "max_trials": 640, **options}
    return qualify(policy or task.expert(), task, claims, folder=RunFolder.create(place, resume=True), **options)


class Counting(ToyExpert):
    """A policy that remembers which trials it was asked to begin, and fails those that `bad` names."""

    def __init__(self, speed=0.08, bad=lambda trial: False):
        super().__init__(speed)
        self.begun, self.bad, self.still = [], bad, np.zeros(0, bool)

    def reset(self, ids, trials):
        self.begun.append(trials.tolist())
        self.still = np.array([self.bad(int(t)) for t in trials])

    def act(self, seen):
        action = super().act(seen)
        action[self.still] = 0.0
        return action


class Stop:
    """A progress callback that raises KeyboardInterrupt at its n-th call."""

    def __init__(self, after):
        self.left = after

    def __call__(self, progress):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


# ── verdicts ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_good_policy_is_qualified(tmp_path):
    """All claims are supported at the first trial that can support them, and every file and hash is there."""
    verdict = run(tmp_path / "a", block=256)
    assert (verdict.verdict, verdict.exit_code, verdict.trials) == ("QUALIFIED", 0, 256)
    assert verdict.sentence == "Qualified: expert on toy/point has proved all 3 claims, settled after 74 of 256 trials."
    assert [c.claim for c in verdict.claims] == [str(c) for c in Toy.claims]
    for c in verdict.claims:
        assert (c.n, c.successes, c.decision, c.decided_at) == (256, 256, "supported", 74)
        assert c.log_e_for == log_e_for(74, 0, 0.95) >= np.log(20)
        assert 0.95 <= c.bound < 1.0
    folder = RunFolder.open(tmp_path / "a")
    assert folder.files() == ALL
    assert verdict.run_dir == str(tmp_path / "a")
    assert verdict.hashes == {
        "plan": sha256_file(folder / FILES[1]),
        "task": sha256_of(task_declaration(Toy())),
        "trials": sha256_file(folder / FILES[2]),
        "baselines": sha256_file(folder / FILES[0]),
    }


def test_a_bad_policy_is_refuted_and_the_claims_to_blame_are_named(tmp_path):
    """A policy that succeeds in 8 of 10 trials is NOT_QUALIFIED within a block; the force claim is not blamed."""
    verdict = run(tmp_path / "a", task=Toy(bias_m=0.03))
    assert (verdict.verdict, verdict.exit_code) == ("NOT_QUALIFIED", 1)
    assert verdict.claims[0].decision == "refuted"
    assert verdict.claims[2].decision != "refuted"
    assert verdict.sentence.startswith(
        "Not qualified: the trials of expert on toy/point refute 'success >= 0.95 @ 0.95' ("
    )
    assert verdict.trials % 64 == 0


def test_undecided_says_how_many_more(tmp_path):
    """A policy near the claimed rate uses the plan up; the sentence says what it would take."""
    verdict = run(tmp_path / "a", policy=ToyExpert(0.02), max_trials=500, baselines=False)
    assert (verdict.verdict, verdict.exit_code, verdict.trials) == ("UNDECIDED", 3, 512)
    assert verdict.sentence.startswith(
        "Undecided after 512 trials: 'q95(cycle_s) <= 1.9 @ 0.95' is neither proved nor refuted ("
    )
    assert "more would likely decide it: give --max-trials" in verdict.sentence
    assert set(verdict.baselines) == {"zero", "random"}


def test_one_claim_given_as_text_or_object(tmp_path):
    """The caller's claims replace the task's own."""
    as_text = run(tmp_path / "a", claims=["success >= 0.9 @ 0.99"])
    as_object = run(tmp_path / "b", claims=[Claim.parse("success >= 0.9 @ 0.99")])
    assert as_text.claims == as_object.claims
    assert len(as_text.claims) == 1
    assert as_text.claims[0].decided_at == int(trials_to_support(0.9, 0.01, 0))


def test_the_claims_are_settled_trial_by_trial_not_block_by_block(tmp_path):
    """One failing trial moves the decision to where it stands in trial order; the last block is kept whole."""
    late = run(tmp_path / "a", policy=Counting(bad=lambda t: t == 100), claims=SUCCESS_95, block=128)
    early = run(tmp_path / "b", policy=Counting(bad=lambda t: t == 20), claims=SUCCESS_95, block=128)
    assert (late.claims[0].decided_at, late.trials) == (74, 128)
    assert (early.claims[0].decided_at, early.trials) == (131, 256)
    assert late.claims[0].successes == 127
    assert early.claims[0].successes == 255


@pytest.mark.parametrize("threads", [1, 2])
def test_the_verdict_depends_on_the_seed_and_nothing_else(tmp_path, threads):
    """Twice the same call gives the same bytes; another seed gives other trials."""
    run(tmp_path / "a", threads=0)
    run(tmp_path / "b", threads=threads)
    run(tmp_path / "c", seed=8)
    for name in FILES:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
        assert (tmp_path / "a" / name).read_bytes() != (tmp_path / "c" / name).read_bytes()


# ── the plan ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_plan_is_there_before_the_first_trial_and_says_everything(tmp_path):
    """plan.yaml exists when the first trial begins, and a task of the same declaration can be made from it."""
    seen = []

    class Looks(ToyExpert):
        def reset(self, ids, trials):
            seen.append((tmp_path / "a/evidence/plan.yaml").is_file())

    run(tmp_path / "a", policy=Looks(0.08), task=Toy(steps=30, physics="training"))
    assert all(seen)
    assert seen
    plan = yaml.safe_load((tmp_path / "a/evidence/plan.yaml").read_text())
    assert plan["schema"] == "jangin-plan/2"
    assert plan["purpose"] == "evidence"
    assert plan["task"]["name"] == "toy/point"
    assert plan["task"]["fields"]["physics"] == "evidence"
    assert plan["engine"] == "toy 1 evidence"
    again = find("tasks", f"{__file__.replace('test_qualify', 'toy')}:TASK")(**plan["task"]["fields"])
    assert sha256_of(task_declaration(again)) == plan["task"]["sha256"] == sha256_of(plan["declaration"])
    assert plan["policy"] == {"name": "expert", "sha256": None}
    assert plan["claims"] == [str(c) for c in Toy.claims]
    assert (plan["seed"], plan["block"], plan["max_trials"], plan["alpha_refute"]) == (7, 64, 640, 0.05)
    assert {"jangin", "python", "numpy", "engine"} <= set(plan["versions"])
    assert read_trials(tmp_path / "a/evidence/trials.parquet").meta["plan"] == sha256_file(
        tmp_path / "a/evidence/plan.yaml"
    )


def test_the_policys_hash_is_in_the_plan(tmp_path):
    """A policy with a sha256 is named by it in plan and verdict."""
    policy = ToyExpert(0.08)
    policy.name, policy.sha256 = "policy.onnx", "ab" * 32
    verdict = run(tmp_path / "a", policy=policy)
    assert verdict.hashes["policy"] == "ab" * 32
    assert read_plan(RunFolder.open(tmp_path / "a")).policy == {"name": "policy.onnx", "sha256": "ab" * 32}
    assert set(verdict.baselines) == {"zero", "random", "expert", "policy.onnx without touch"}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"seed": 8}, "is frozen with seed 7; this call has 8."),
        ({"block": 32}, "is frozen with block 64; this call has 32."),
        ({"max_trials": 700}, "is frozen with max_trials 640; this call has 704."),
        ({"claims": SUCCESS_95}, "is frozen with claims ["),
        ({"task": Toy(bias_m=0.011)}, "is frozen with task.sha256 "),
    ],
)
def test_another_plan_is_refused(tmp_path, changed, said):
    """A folder keeps its plan; the sentence names the first thing that differs, and nothing is written."""
    run(tmp_path / "a")
    before = {n: (tmp_path / "a" / n).read_bytes() for n in FILES}
    with pytest.raises(BadFolder) as e:
        run(tmp_path / "a", **changed)
    assert said in str(e.value)
    assert "Give another place with --out" in str(e.value)
    assert before == {n: (tmp_path / "a" / n).read_bytes() for n in FILES}


# ── interruption ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_interrupted_run_goes_on_to_the_same_bytes(tmp_path):
    """Ctrl-C at every point where progress is told; the same call goes on to the files of one undisturbed run."""
    options = {"policy": ToyExpert(0.02), "max_trials": 320, "baselines": True}
    calls = []
    undisturbed = run(tmp_path / "whole", progress=calls.append, **options)
    assert undisturbed.verdict == "UNDECIDED"
    for after in range(1, len(calls) + 1):
        place = tmp_path / f"stopped-{after}"
        with pytest.raises(KeyboardInterrupt):
            run(place, progress=Stop(after), **options)
        assert not (place / "evidence/verdict.json").exists()
        resumed = run(place, **options)
        assert dataclasses.replace(resumed, run_dir="") == dataclasses.replace(undisturbed, run_dir="")
        assert RunFolder.open(place).files() == ALL
        assert not (place / "evidence/blocks").exists()
        for name in FILES:
            assert (place / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), (after, name)


def test_finished_blocks_are_not_run_again(tmp_path):
    """After Ctrl-C in block 3, only the check of block 0 and the blocks that are missing are run."""
    stop = Stop(3 + 3)  # again, zero, random; blocks 0, 1 and 2
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "a", policy=ToyExpert(0.02), max_trials=320, progress=stop)
    assert sorted(p.name for p in (tmp_path / "a/evidence/blocks").iterdir()) == [f"00000{k}.parquet" for k in range(3)]
    policy = Counting(0.02)
    run(tmp_path / "a", policy=policy, max_trials=320, baselines=False)
    assert [t[0] for t in policy.begun] == [0, 192, 256]


def test_a_finished_run_can_be_repeated(tmp_path):
    """The same call on a finished folder runs no new block and leaves the same bytes."""
    run(tmp_path / "a")
    before = {n: (tmp_path / "a" / n).read_bytes() for n in FILES}
    policy = Counting()
    assert run(tmp_path / "a", policy=policy, baselines=True).verdict == "QUALIFIED"
    assert [t[0] for t in policy.begun] == [0, 0]  # the check, and the policy without touch
    assert before == {n: (tmp_path / "a" / n).read_bytes() for n in FILES}


def test_a_table_changed_after_its_verdict_is_not_gone_on_with(tmp_path):
    """Trials that are not those of the verdict are refused."""
    run(tmp_path / "a")
    folder = RunFolder.open(tmp_path / "a")
    folder.write_trials(FILES[2], folder.read_trials(FILES[2]).head(64))
    with pytest.raises(BadFolder, match="was changed after its verdict"):
        run(tmp_path / "a")


def test_progress_tells_all_stages(tmp_path):
    """Progress comes in order, counts trials and shows how the claims stand."""
    told = []
    run(tmp_path / "a", progress=told.append)
    assert [(p.stage, p.policy) for p in told] == [
        ("check", "expert"),
        ("check", "zero"),
        ("check", "random"),
        ("evidence", "expert"),
        ("evidence", "expert"),
        ("baseline", "expert without touch"),
    ]
    assert [p.trials for p in told if p.stage == "evidence"] == [64, 128]
    last = told[4]
    assert isinstance(last, Progress)
    assert last.max_trials == 640
    assert last.successes == 128
    assert [c.decision for c in last.claims] == ["supported"] * 3


# ── what is no evidence ──────────────────────────────────────────────────────────────────────────────────────────


def refused_as_invalid(verdict):
    """An INVALID verdict claims nothing."""
    assert (verdict.verdict, verdict.exit_code) == ("INVALID", 4)
    assert verdict.sentence == f"Invalid evidence: {verdict.reasons[0]}"
    assert all((c.bound, c.decision, c.decided_at) == (0.0, "undecided", None) for c in verdict.claims)
    return verdict.reasons


def test_invalid_trials_are_named_and_counted(tmp_path):
    """Trials that the engine cannot vouch for end the run at their block and are neither success nor failure."""
    verdict = run(tmp_path / "a", task=Toy(invalid_every=50))
    reasons = refused_as_invalid(verdict)
    assert (
        reasons[0] == "1 of 64 trials (the first is trial 49) ended as invalid_nan: the engine cannot vouch for them."
    )
    assert verdict.trials == 64


def test_success_at_reset_is_invalid(tmp_path):
    """Where doing nothing succeeds, success proves nothing; it stops after the first block."""
    verdict = run(tmp_path / "a", task=Toy(success_at_reset=True), max_trials=64 * 9)
    reasons = refused_as_invalid(verdict)
    assert reasons[0] == (
        "With the zero action 64 of 64 trials succeed, 64 of them within the first control period: "
        "success says nothing about a policy here."
    )
    assert any(r.startswith("With random actions ") for r in reasons)
    assert verdict.trials == 64


class Drifting(ToyWorld):
    """A world that remembers earlier worlds: what it records depends on how many were made before."""

    made = 0

    def __init__(self, *args):
        super().__init__(*args)
        Drifting.made += 1
        self.offset = 1e-15 * Drifting.made

    def record(self, ids):
        return super().record(ids) | {"peak_force_n": self.peak[ids] + self.offset}


@dataclasses.dataclass(frozen=True)
class DriftingToy(Toy):
    def world(self, nsim, *, threads=0, seed=0, purpose="simulate"):
        return Drifting(self, nsim, seed, purpose)


def test_a_simulation_that_does_not_repeat_is_invalid(tmp_path):
    """One bit in one column of the first block, run again, is enough."""
    verdict = run(tmp_path / "a", task=DriftingToy())
    assert refused_as_invalid(verdict) == (
        "The first 64 trials, run again, differ in peak_force_n: the simulation does not repeat.",
    )


class Broken(ToyWorld):
    """Records what a task must not: NaN, a time for failures, another physics."""

    what = ""

    def record(self, ids):
        row = super().record(ids)
        if self.what == "nan":
            row["peak_force_n"][3] = np.nan
        if self.what == "cycle":
            row["cycle_s"][5] = np.inf
        return row

    @property
    def engine(self):
        return "toy 1 evidence" if self.what != "engine" or self.trial[0] == 0 else "toy 1 training"

    @engine.setter
    def engine(self, value):
        pass


@dataclasses.dataclass(frozen=True)
class BrokenToy(Toy):
    what: str = ""

    def world(self, nsim, *, threads=0, seed=0, purpose="simulate"):
        world = Broken(self, nsim, seed, purpose)
        world.what = self.what
        return world


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("nan", "1 of 64 trials (the first is trial 3) recorded peak_force_n as NaN: unknown is no value."),
        (
            "cycle",
            "1 of 64 trials (the first is trial 5) have a cycle_s that is finite without success, or infinite with it.",
        ),
        (
            "engine",
            "64 of 128 trials (the first is trial 64) had the engine 'toy 1 training'; "
            "the plan names 'toy 1 evidence'.",
        ),
    ],
)
def test_rows_that_nobody_can_vouch_for(tmp_path, what, said):
    """NaN, an inconsistent cycle time and another physics than the planned one are INVALID, with the trial's number."""
    assert said in refused_as_invalid(run(tmp_path / "a", task=BrokenToy(what=what)))


# ── what is refused up front ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        (
            ["success >= 0.999 @ 0.95"],
            "The claim 'success >= 0.999 @ 0.95' needs 3,787 trials even of a policy that never fails; "
            "the plan allows 640. Give --max-trials 3787 or more, or claim less.",
        ),
        (
            ["q95(cycle) <= 2"],
            "reads 'cycle', which toy/point does not record. Did you mean 'cycle_s'? It records: cycle_s, ",
        ),
        (["q95(outcome) <= 2"], "reads 'outcome', which toy/point does not record."),
        (SUCCESS_95 * 2, "The claim 'success >= 0.95 @ 0.95' is given twice."),
        ([], "toy/point declares no claim and none was given."),
        (["nonsense"], "cannot be read"),
    ],
)
def test_claims_that_cannot_be_decided(tmp_path, claims, said):
    """They are refused in one sentence before anything is written or run."""
    policy = Counting()
    with pytest.raises(BadClaim) as e:
        run(tmp_path / "a", policy=policy, claims=claims)
    assert said in str(e.value)
    assert policy.begun == []
    assert list((tmp_path / "a").iterdir()) == []


def test_a_claim_on_a_condition_is_possible(tmp_path):
    """Conditions are columns too."""
    assert run(tmp_path / "a", claims=["P(wind_m_s > 0.1) <= 0.05"]).verdict == "QUALIFIED"


def test_a_policy_that_cheats_is_refused(tmp_path):
    """What sees the simulator's own state cannot run on a machine and is not qualified."""
    with pytest.raises(BadPolicy, match="sees what only a simulator knows"):
        run(tmp_path / "a", policy=ToyTeacher(0.1))


def test_an_empty_block_is_refused(tmp_path):
    """A block holds at least one trial."""
    with pytest.raises(JanginError, match="The block size is 0; give at least 1 trial"):
        run(tmp_path / "a", block=0)


# ── files ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_verdict_json_is_the_verdict(tmp_path):
    """The file holds the verdict's values, the course of each claim, the baselines, and what was not shown."""
    verdict = run(tmp_path / "a", policy=ToyExpert(0.02), max_trials=640)
    recorded = json.loads((tmp_path / "a/evidence/verdict.json").read_text())
    assert (recorded["verdict"], recorded["sentence"], recorded["trials"]) == (
        verdict.verdict,
        verdict.sentence,
        verdict.trials,
    )
    assert recorded["claims"] == [{**dataclasses.asdict(c), "cells": []} for c in verdict.claims]
    assert recorded["hashes"] == dict(verdict.hashes)
    for claim, trace in zip(verdict.claims, recorded["trace"]):
        assert len(trace["n"]) == len(trace["bound"]) == len(trace["log_e_for"]) == len(trace["log_e_against"]) <= 400
        assert (trace["n"][0], trace["n"][-1]) == (1, verdict.trials)
        assert trace["bound"] == sorted(trace["bound"])
        assert trace["bound"][-1] == claim.bound
    assert any("safety function" in s for s in recorded["not_shown"])
    assert any("simulator" in s for s in recorded["not_shown"])


def test_baselines_run_on_the_evidences_own_trials(tmp_path):
    """Every baseline sees the same conditions, trial by trial, as the policy; its numbers are those of its rows."""
    policy = ToyExpert(0.06)
    policy.name = "policy.onnx"
    verdict = run(tmp_path / "a", policy=policy)
    evidence = read_trials(tmp_path / "a/evidence/trials.parquet")
    tables = by_policy(read_trials(tmp_path / "a/evidence/baselines.parquet"))
    assert list(tables) == ["zero", "random", "expert", "policy.onnx without touch"]
    for name, table in tables.items():
        assert len(table) == verdict.baselines[name]["trials"] == 64
        assert table.successes == verdict.baselines[name]["successes"]
        for condition in Toy.conditions.names:
            np.testing.assert_array_equal(table[condition], evidence[condition][:64])
    assert (
        verdict.baselines["zero"]["median_cycle_s"] is None
    )  # every trial failed: infinite, and JSON has no such number
    assert verdict.baselines["expert"]["median_cycle_s"] == np.sort(tables["expert"]["cycle_s"])[31]


def test_differing_sees_one_bit():
    """Tables are compared bit for bit: -0.0 is not 0.0, a missing column differs, the chip is ignored."""
    a = Trials({"x": np.zeros(2), "o": np.array(["a", "b"], object), "chip": np.array(["p", "p"], object)})
    b = Trials({"x": np.array([0.0, -0.0]), "o": np.array(["a", "b"], object), "chip": np.array(["q", "q"], object)})
    assert differing(a, a) == ()
    assert differing(a, b) == ("x",)
    assert differing(a, Trials({"x": np.zeros(2, np.float32), "o": a["o"], "y": a["x"]})) == ("x", "y")


# ── claims of other kinds ────────────────────────────────────────────────────────────────────────────────────────


def test_a_claim_in_each_cell_is_decided_cell_by_cell(tmp_path):
    """What fails in one part of the conditions only is refuted there and nowhere else, and the cell is named."""
    claims = ["success >= 0.8 in each cell of wind_m_s:2"]
    good = run(tmp_path / "a", claims=claims)
    assert good.verdict == "QUALIFIED"
    assert [c.decision for c in good.claims[0].cells] == ["supported"] * 2
    assert sum(c.n for c in good.claims[0].cells) == good.trials
    assert good.claims[0].bound == min(c.bound for c in good.claims[0].cells)
    windy = run(tmp_path / "b", policy=StuckInWind(), claims=claims)
    assert windy.verdict == "NOT_QUALIFIED"
    assert [c.decision for c in windy.claims[0].cells] == ["supported", "refuted"]
    assert windy.claims[0].cells[1].cell in windy.sentence
    assert verify(tmp_path / "b").verdict == "NOT_QUALIFIED"


class StuckInWind(ToyExpert):
    """Does nothing in trials whose wind is strong: the conditions are the trial's, drawn again here."""

    def __init__(self):
        super().__init__(0.08)
        self.still = np.zeros(0, bool)

    def reset(self, ids, trials):
        draws = [
            Toy().conditions.draw(generator("toy/point", seed=7, purpose="evidence", trial=int(t)))["wind_m_s"]
            for t in trials
        ]
        wind = next(c for c in Toy().conditions if c.name == "wind_m_s").distribution
        self.still = np.array(draws) > 0.5 * (wind.low + wind.high)

    def act(self, seen):
        action = super().act(seen)
        action[self.still] = 0.0
        return action


def test_a_claim_against_another_policy_runs_it_on_the_same_trials(tmp_path):
    """The reference's outcomes are in the table; a policy is shown to be no worse than itself, a broken one refuted."""
    expert = ToyExpert(0.08)
    claims = ["success not worse than old.onnx by 0.1"]
    same = run(tmp_path / "a", policy=Counting(), claims=claims, references={"old.onnx": expert})
    assert same.verdict == "QUALIFIED"
    table = read_trials(tmp_path / "a/evidence/trials.parquet")
    assert table["reference_1_outcome"].tolist() == table["outcome"].tolist()
    assert -0.1 <= same.claims[0].bound < 0.0
    assert verify(tmp_path / "a").verdict == "QUALIFIED"
    often = Counting(bad=lambda t: t % 3 == 0)
    worse = run(tmp_path / "b", policy=often, claims=claims, references={"old.onnx": expert})
    assert (worse.verdict, worse.claims[0].decision) == ("NOT_QUALIFIED", "refuted")
    assert read_plan(RunFolder.open(tmp_path / "b")).references == [{"name": "old.onnx", "sha256": None}]
    with pytest.raises(BadPolicy, match=r"compares with the policy 'old\.onnx', which was not given"):
        run(tmp_path / "c", claims=claims)


def test_an_event_that_no_trial_can_end_with_is_refused(tmp_path):
    with pytest.raises(BadClaim, match=r"no trial of toy/point ends so\. Did you mean 'left_box'\? A trial ends"):
        run(tmp_path / "a", claims=["P(left_bx) <= 0.1"])
    assert run(tmp_path / "b", claims=["P(left_box) <= 0.1"]).verdict == "QUALIFIED"


def test_a_cell_claim_that_cannot_get_trials_enough_is_refused(tmp_path):
    with pytest.raises(BadClaim, match=r"needs 1,184 trials even of a policy that never fails; the plan allows 640"):
        run(tmp_path / "a", claims=["success >= 0.95 in each cell of wind_m_s:4 x goal_x_m:4 @ 0.95"])


# ── what else makes it no evidence, and what is left of a run cut off ────────────────────────────────────────────


def test_a_limit_that_the_record_is_silent_about_is_invalid(tmp_path):
    class Limited(Toy):
        limits = Limits(torque_nm=3.0, extra={"heat_k": 4.0})

    verdict = run(tmp_path / "a", task=Limited())
    assert verdict.verdict == "INVALID"
    assert any(r.startswith("The task limits torque_nm to 3.0, but no column tells of it") for r in verdict.reasons)
    assert any("(wanted: heat_k or peak_heat_k): nothing shows that" in r for r in verdict.reasons)


def test_a_run_cut_off_is_verified_as_far_as_it_goes(tmp_path):
    """Whole blocks count, a changed one is seen, and the same call goes on to a verdict."""
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "a", claims=["success >= 0.97"], progress=Stop(6), block=16, max_trials=640)
    so_far = verify(tmp_path / "a")
    assert (so_far.verdict, so_far.exit_code) == ("UNDECIDED", 3)
    assert so_far.sentence.startswith("Unfinished: The qualification was cut off: ")
    assert so_far.trials % 16 == 0
    assert so_far.claims[0].n == so_far.trials > 0
    first = tmp_path / "a/evidence/blocks/000000.parquet"
    kept = first.read_bytes()
    first.write_bytes(kept[: len(kept) // 2])
    broken = verify(tmp_path / "a")
    assert (broken.verdict, broken.exit_code) == ("INVALID", 4)
    assert "000000.parquet is not a readable trials table" in broken.sentence
    first.write_bytes(kept)
    assert run(tmp_path / "a", claims=["success >= 0.97"], block=16, max_trials=640).verdict == "QUALIFIED"


def test_junit_has_a_case_for_every_claim(tmp_path):
    """Supported passes, refuted and undecided fail with their own type, invalid evidence is an error."""
    named = [Claim.parse("success >= 0.95", name="takes the part"), Claim.parse("P(peak_force_n > 0.1) <= 0.01")]
    run(tmp_path / "a", claims=named, block=128)
    suite = ElementTree.parse(tmp_path / "a/evidence/junit.xml").getroot()
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "1", "0")
    cases = {c.get("name"): [child.tag for child in c] for c in suite}
    assert cases == {
        "takes the part": ["system-out"],
        "P(peak_force_n > 0.1) <= 0.01 @ 0.95": ["failure", "system-out"],
    }
    assert suite.find(".//failure").get("type") == "refuted"
    run(tmp_path / "b", task=Toy(success_at_reset=True), claims=named)
    broken = ElementTree.parse(tmp_path / "b/evidence/junit.xml").getroot()
    assert (broken.get("errors"), broken.get("failures")) == ("2", "0")


class OftenStuckInWind(StuckInWind):
    """Does nothing in every second trial whose wind is strong."""

    def reset(self, ids, trials):
        super().reset(ids, trials)
        self.still &= np.asarray(trials) % 2 == 0


def test_cells_that_are_decided_while_all_together_are_not(tmp_path):
    """One cell refuted, the other proved, and twenty easy claims beside: too little to refute the claims together."""
    claims = ["success >= 0.8 in each cell of wind_m_s:2"] + [f"P(peak_force_n > {k}) <= 0.9" for k in range(20, 40)]
    verdict = run(tmp_path / "a", policy=OftenStuckInWind(), claims=claims, block=8, max_trials=80)
    assert [c.decision for c in verdict.claims[0].cells] == ["supported", "refuted"]
    assert (verdict.verdict, verdict.claims[0].decision) == ("UNDECIDED", "undecided")
    assert verdict.claims[0].cells[1].cell in verdict.reasons[0]
