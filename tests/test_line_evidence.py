"""Laws of a station's evidence: read only when every byte is as it was made; what to know before using it is said."""

from __future__ import annotations

import dataclasses
import os
import shutil
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from jangin.errors import BadFile, BadFolder, InvalidEvidence
from jangin.line.evidence_station import FEW, UNSEEN, line_from_evidence, read_evidence, warnings
from jangin.line.layout import Constant, Evidence, Trace, Uniform
from jangin.qualify import qualify
from jangin.record import RunFolder, sha256_file
from jangin.task import Choice, Condition
from toy import Toy, ToyExpert

TRIALS, VERDICT, PLAN = "evidence/trials.parquet", "evidence/verdict.json", "evidence/plan.yaml"


def qualified(place, policy, task, **options):
    """A finished qualification in a folder of its own."""
    folder = RunFolder.create(place)
    claims = ["success >= 0.95 @ 0.95"]
    qualify(policy, task, claims, seed=7, folder=folder, block=64, baselines=False, **options)
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A sealed qualification of a policy that fails now and then."""
    folder = qualified(tmp_path_factory.mktemp("made") / "toy", ToyExpert(0.02), Toy(), max_trials=512)
    folder.seal()
    return folder


@pytest.fixture
def folder(made, tmp_path):
    """A copy of it that a test may change."""
    return RunFolder(shutil.copytree(made.path, tmp_path / "toy"))


@pytest.fixture(scope="module")
def evidence(made):
    """What it says."""
    return read_evidence(made.path, Evidence(run="toy", failed_s=1.0, recovery={"default": Constant(5.0)}))


def rehash(folder, name):
    """Make the manifest name a file as it is now, as a forger would who forgets verdict.json."""
    manifest = folder.read_json("manifest.json")
    manifest["files"][name]["sha256"] = sha256_file(folder / name)
    folder.write_json("manifest.json", manifest)


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_says_what_the_trials_say(made, evidence):
    """Outcomes are counted by name, the times are those of the successes, sorted; the rest is the plan's."""
    trials = made.read_trials(TRIALS)
    success = trials["outcome"] == "success"
    assert evidence.outcomes["success"] == success.sum() == len(evidence.cycle_s)
    assert evidence.trials == len(trials) == sum(evidence.outcomes.values())
    assert next(iter(evidence.outcomes)) == "success"
    assert evidence.failures == tuple(sorted({str(o) for o in trials["outcome"][~success]})) != (UNSEEN,)
    assert np.array_equal(evidence.cycle_s, np.sort(trials["cycle_s"][success]))
    assert (evidence.task, evidence.policy, evidence.engine) == ("toy/point", "expert", "toy 1 evidence")
    assert evidence.chip == trials["chip"][0]
    assert evidence.plan_sha256 == sha256_file(made / PLAN)
    assert set(evidence.conditions) == {"goal_x_m", "goal_y_m", "wind_m_s"}
    assert evidence.verdict == made.read_json(VERDICT)["verdict"]


def test_a_failed_attempt_takes_the_declared_time_or_the_limit(made):
    """failed_s is the declared one; where none is, the task's time limit."""
    assert read_evidence(made.path, Evidence(run="toy", failed_s=1.5)).failed_s == 1.5
    assert read_evidence(made.path, Evidence(run="toy")).failed_s == Toy().limit_s


def test_made_is_the_date_of_the_verdict(folder):
    """The evidence is as old as the file of its verdict."""
    then = datetime(2024, 2, 29, 12, tzinfo=UTC).timestamp()
    os.utime(folder / VERDICT, (then, then))
    assert read_evidence(folder.path, Evidence(run="toy")).made == date(2024, 2, 29)


@pytest.mark.parametrize("name", [TRIALS, PLAN, VERDICT])
def test_one_changed_byte_is_refused(folder, name):
    """In a sealed folder the manifest tells of any byte that differs."""
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(bytes(data))
    with pytest.raises(BadFolder) as e:
        read_evidence(folder.path, Evidence(run="toy"))
    assert str(e.value) == f"{folder / name} was changed after the run: its sha256 differs from the manifest."


@pytest.mark.parametrize("sealed", [True, False])
@pytest.mark.parametrize("name", [TRIALS, PLAN, "evidence/baselines.parquet"])
def test_a_hash_that_differs_from_the_verdict_is_refused(folder, name, sealed):
    """Whoever makes the manifest fit, or has none, still has to answer for the hashes in verdict.json."""
    (folder / name).write_bytes((folder / name).read_bytes() + b"\n")
    if sealed:
        rehash(folder, name)
    else:
        folder.remove("manifest.json")
    with pytest.raises(BadFolder) as e:
        read_evidence(folder.path, Evidence(run="toy"))
    assert str(e.value) == (
        f"{folder / name} was changed after the verdict: its sha256 differs from verdict.json. "
        f"Take the folder as it was made, or run qualify again."
    )


def test_rows_that_do_not_follow_the_plan_are_refused(folder):
    """Hashes that fit do not help rows that the plan does not know."""
    trials = folder.read_trials(TRIALS)
    other = dataclasses.replace(trials, columns={**trials.columns, "seed": trials["seed"] + 1})
    folder.write_trials(TRIALS, other)
    recorded = folder.read_json(VERDICT)
    recorded["hashes"]["trials"] = sha256_file(folder / TRIALS)
    folder.write_json(VERDICT, recorded)
    folder.seal()
    with pytest.raises(InvalidEvidence, match=r"are no evidence for a line\. 320 of 320 trials .* had the seed 8"):
        read_evidence(folder.path, Evidence(run="toy"))


def test_the_unfinished_is_refused(folder):
    """No plan is no evidence; no verdict is no end; both say how to go on."""
    folder.remove(VERDICT)
    with pytest.raises(BadFolder) as e:
        read_evidence(folder.path, Evidence(run="toy"))
    assert str(e.value) == (
        f"The qualification in {folder.path} is not finished (it has no {VERDICT}). The same qualify command goes on "
        f"from there."
    )
    folder.remove(PLAN)
    with pytest.raises(BadFolder) as e:
        line_from_evidence(folder.path)
    assert str(e.value) == (f"{folder.path} holds no evidence (it has no {PLAN}). Run qualify or deliver first.")


def test_invalid_evidence_is_refused(tmp_path):
    """A verdict INVALID ends the matter, with its own sentence."""
    folder = qualified(tmp_path / "bad", ToyExpert(0.08), Toy(invalid_every=100), max_trials=128)
    with pytest.raises(InvalidEvidence) as e:
        read_evidence(folder.path, Evidence(run="bad"))
    assert str(e.value) == (
        f"The verdict in {folder.path} is INVALID, so its trials are no evidence for a line. "
        f"{folder.read_json(VERDICT)['sentence']}"
    )


def test_trials_without_a_success_say_nothing_of_a_time(tmp_path):
    """A policy that never succeeded gives no station."""
    folder = qualified(tmp_path / "never", ToyExpert(0.001), Toy(), max_trials=128)
    with pytest.raises(InvalidEvidence, match=r"None of the 64 trials in .*never succeeded, so nothing is known"):
        read_evidence(folder.path, Evidence(run="never"))


@pytest.mark.parametrize(
    ("declared", "says"),
    [
        (Evidence("toy", attempts=0), "has 0 attempts; give 1 or more."),
        (Evidence("toy", handling_s=-1.0), "has handling_s -1; give a time in seconds, 0 or more."),
        (Evidence("toy", failed_s=float("inf")), "has failed_s inf; give a time in seconds, 0 or more."),
        (
            Evidence("toy", given_up="manual"),
            "gives parts up to manual work without saying how long that takes; give manual.",
        ),
        (
            Evidence("toy", recovery={"timeout": Trace((1.0,))}),
            "has a trace as recovery of 'timeout'; how often it is needed is chance, so there is no order to keep. "
            "Give the same values as empirical.",
        ),
    ],
)
def test_declarations_that_cannot_be(made, declared, says):
    """What the layout says of the evidence is checked at the border, in one sentence."""
    with pytest.raises(BadFile) as e:
        read_evidence(made.path, declared)
    assert str(e.value) == f"The station with the evidence toy {says}"


def test_the_smallest_line(made):
    """One station, never starved, whose cycle is the folder's evidence."""
    line = line_from_evidence(made.path)
    assert [s.name for s in line.stations] == [line.name] == ["toy"]
    assert line.stations[0].cycle.time == Evidence(run=str(made.path))
    assert line.releases[0].into == "toy"
    assert line.releases[0].kind == "saturated"
    assert line.serial == ()


# ── warnings ─────────────────────────────────────────────────────────────────────────────────────────────────────


def as_declared(evidence, **changes):
    """The same evidence, qualified, used otherwise."""
    declared = dataclasses.replace(evidence.declared, **changes)
    return dataclasses.replace(evidence, declared=declared, verdict="QUALIFIED", run="runs/toy")


def test_nothing_to_warn_of(evidence):
    """Evidence of this chip, young, covering the cell, with many trials and declared failure times is used silently."""
    fine = as_declared(evidence, chip=evidence.chip, max_age_days=30, conditions={"wind_m_s": (-0.1, 0.05)})
    assert warnings(fine, today=evidence.made + timedelta(days=30)) == ()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"chip": "aarch64 Thor"},
            "The evidence in runs/toy was taken on the chip '{e.chip}', the line will run on 'aarch64 Thor': qualify "
            "there, because another chip may round, and so act, differently.",
        ),
        (
            {"max_age_days": 39.0},
            "The evidence in runs/toy is 40 days old ({e.made}), the layout allows 39: qualify again, or raise "
            "max_age_days.",
        ),
        (
            {"conditions": {"wind_m_s": (-0.1, 0.2)}},
            "The cell will see wind_m_s from -0.1 to 0.2 m/s, the trials in runs/toy cover -0.1 to 0.1 m/s: nothing is "
            "known about the rest; qualify over the wider range.",
        ),
        (
            {"conditions": {"wind_ms": (0.0, 0.1)}},
            "The cell's condition 'wind_ms' is none that was varied in runs/toy. Did you mean 'wind_m_s'? "
            "There is: goal_x_m, goal_y_m, wind_m_s.",
        ),
        (
            {"failed_s": None},
            None,
        ),
        (
            {"recovery": {"default": Constant(5.0), "timeot": Constant(9.0)}},
            "The recovery from 'timeot' is never used, because no trial in runs/toy ended so. Did you mean 'timeout'? "
            "They ended as: success, timeout.",
        ),
        (
            {"recovery": {}},
            "No recovery is declared after timeout at runs/toy, so it takes no time: give recovery with the reason's "
            "name, or default.",
        ),
    ],
)
def test_each_warning_alone(evidence, changes, sentence):
    """Each thing to know is one sentence, with what came, what is asked, and what to do."""
    found = warnings(as_declared(evidence, **changes), today=evidence.made + timedelta(days=40))
    assert found == (() if sentence is None else (sentence.format(e=evidence),))


def test_a_failure_before_the_limit_has_an_unknown_time(evidence):
    """A timeout takes the limit; of any other failure the limit is only the most it can have taken."""
    other = dataclasses.replace(as_declared(evidence, failed_s=None), outcomes={"success": 300, "left_box": 3})
    assert warnings(other, today=evidence.made) == (
        "How long a failed attempt takes is not recorded in runs/toy; left_box is counted with the task's limit of "
        "2 s, the most it can be: give failed_s if you know it.",
    )


def test_verdict_and_few_trials(evidence):
    """Evidence that proved nothing, or is small, is used with a warning."""
    few = dataclasses.replace(
        as_declared(evidence), verdict="NOT_QUALIFIED", outcomes={"success": FEW - 2, "timeout": 1}
    )
    assert warnings(few, today=evidence.made) == (
        "The policy in runs/toy is NOT_QUALIFIED, so the line rests on what its trials showed, not on a claim that was "
        "proved.",
        "Only 99 trials are behind runs/toy: with fewer than 100 the intervals are rough, and too narrow where times "
        "vary much.",
    )


def test_single_values_cover_no_range(evidence):
    """Where only chosen values were tried, one of them is covered and a range is not."""
    speeds = {"speed_m_s": Condition("speed_m_s", "m/s", Choice((0.2, 0.1)))}
    said = [
        warnings(
            dataclasses.replace(as_declared(evidence, conditions={"speed_m_s": seen}), conditions=speeds),
            today=evidence.made,
        )
        for seen in ((0.1, 0.1), (0.1, 0.2))
    ]
    assert said == [
        (),
        (
            "The cell will see speed_m_s from 0.1 to 0.2 m/s, the trials in runs/toy had only 0.1, 0.2 m/s: nothing is "
            "known about the rest; qualify over the wider range.",
        ),
    ]


def test_recovery_by_reason(evidence):
    """A reason's own recovery, else the default, else none."""
    mine = as_declared(evidence, recovery={"timeout": Uniform(1.0, 2.0), "default": Constant(5.0)})
    assert mine.recovery("timeout") == Uniform(1.0, 2.0)
    assert mine.recovery("left_box") == Constant(5.0)
    assert as_declared(evidence, recovery={}).recovery("timeout") == Constant(0.0)
