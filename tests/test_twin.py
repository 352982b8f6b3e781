"""Is `evidence` to be believed? The peg task against its slow twin: half the step, four times the contact candidates.

The two runs have the same trials (conditions, noise, policy), so what differs is the simulation alone. The full table,
with 208 trials at three clearances, is in docs/physics.md; this is its smallest part that still can fail: 64 trials at
0.2 mm. Single trials do differ, because a search by touch is chaotic: a first touch 1 um elsewhere takes another way.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from jangin.cell.scene import PHYSICS
from jangin.cell.tasks.peg_insert import PegInsert
from jangin.cell.tasks.reach import Reach
from jangin.engine.rollout import run_block
from jangin.errors import BadTask
from measure_twin import MILD, measure

CLEARANCE = 2e-4
TRIALS = 64


@pytest.fixture(scope="module")
def task():
    return PegInsert(clearance_m=(CLEARANCE, CLEARANCE), **MILD)


@pytest.fixture(scope="module")
def evidence(task):
    return measure(task, "evidence", trials=TRIALS)


@pytest.fixture(scope="module")
def twin(task):
    return measure(task, "twin", trials=TRIALS)


def test_the_trials_are_the_same_ones(evidence, twin, task):
    for name in ("trial", *task.conditions.names):
        np.testing.assert_array_equal(evidence.trials[name], twin.trials[name])


def test_success_agrees(evidence, twin):
    """Of 64 pairs at most 3 more succeed in one than in the other (208: 0.904 and 0.899)."""
    assert abs(int(evidence.succeeded.sum()) - int(twin.succeeded.sum())) <= 3
    assert evidence.succeeded.mean() > 0.8


@pytest.mark.parametrize("p", [0.5, 0.95])
def test_peak_force_agrees_within_a_tenth(evidence, twin, p):
    assert evidence.force_n(p) == pytest.approx(twin.force_n(p), rel=0.1)


def test_cycle_time_agrees_within_a_twentieth(evidence, twin):
    both = evidence.succeeded & twin.succeeded
    ours, theirs = (m.trials["cycle_s"][both].mean() for m in (evidence, twin))
    assert ours == pytest.approx(theirs, rel=0.05)


def test_overlap_in_the_bore_is_below_a_fifth_of_the_clearance(evidence, twin):
    """The true overlap of the round shapes, at every substep in contact, 99 % of them."""
    for measured in (evidence, twin):
        assert 0 < measured.overlap_m[0.99] < CLEARANCE / 5
    assert twin.overlap_m[0.5] < evidence.overlap_m[0.5]  # half the step, half as far into the wall at an impact


def test_an_arm_that_drives_into_the_face_hits_as_hard_at_any_step():
    """At 5 cm/s, the peg upright: inertia, pad, servos and face decide, not the integrator."""
    peaks = {}
    upright = PegInsert(hole_tilt_rad=0, grip_tilt_rad=0, latency_s=(0, 0), tool_stiffness_n_m=(1e5, 1e5))
    for physics in ("training", "evidence", "twin"):
        task = dataclasses.replace(upright, physics=physics)
        world = task.world(4, seed=1)
        world.reset(np.arange(4), np.arange(4))
        for move in ([0.006, 0, 0, 0, 0],) * 6 + ([0, 0, -0.0055, 0, 0],) * 18:
            world.step(np.tile(np.asarray(move, np.float32), (4, 1)))
        peaks[physics] = world.record(np.arange(4))["peak_force_n"]
    assert min(peaks["twin"]) > 40.0
    np.testing.assert_allclose(peaks["evidence"], peaks["twin"], rtol=0.04)
    np.testing.assert_allclose(peaks["training"], peaks["twin"], rtol=0.04)


def test_no_trial_of_evidence_is_invalid(evidence):
    assert not evidence.trials.invalid.any()


def test_reading_every_substep_changes_nothing(task, evidence):
    """The measuring engine steps one substep at a time; the task's own engine gives the same rows, bit for bit."""
    small = dataclasses.replace(task, physics="evidence")
    measured = measure(task, "evidence", trials=6)
    plain = run_block(small, small.world(6, threads=1, seed=1, purpose="twin"), small.expert(), 0, seed=1)
    for name, values in plain.columns.items():
        np.testing.assert_array_equal(measured.trials[name], values, err_msg=name)


def test_the_twin_is_evidence_in_smaller_steps():
    ours, theirs, coarse = PHYSICS["evidence"], PHYSICS["twin"], PHYSICS["training"]
    assert theirs.timestep_s == ours.timestep_s / 2
    assert theirs.samples > ours.samples
    assert theirs.implicit
    assert ours.implicit
    assert not coarse.implicit
    assert ours.smallest_clearance_m < coarse.smallest_clearance_m


# ── what cannot be believed is refused ───────────────────────────────────────────────────────────────────────────────


def test_a_clearance_too_small_for_training_is_refused_with_what_to_do():
    with pytest.raises(BadTask) as e:
        PegInsert(physics="training", clearance_m=(0.000114, 0.0006))
    assert str(e.value) == (
        "A clearance of 0.114 mm is not believable in the physics 'training': the peg would overlap the bore by more "
        "than a fifth of it. Give at least 0.2 mm, or use physics 'evidence' (0.1 mm)."
    )


@pytest.mark.parametrize("physics", ["evidence", "twin"])
def test_a_clearance_too_small_for_any_physics_is_refused(physics):
    with pytest.raises(BadTask) as e:
        PegInsert(physics=physics, clearance_m=(0.00005, 0.0006))
    assert str(e.value) == (
        f"A clearance of 0.05 mm is not believable in the physics {physics!r}: the peg would overlap the bore by more "
        "than a fifth of it. Give at least 0.1 mm."
    )


def test_a_published_clearance_is_offered_in_evidence_and_narrowed_for_training():
    task = PegInsert(clearance_m=(0.000114, 0.0003))
    assert task.at("evidence") == task
    training = task.at("training")
    assert training.physics == "training"
    assert training.clearance_m == (0.0002, 0.0003)
    assert task.at("training").at("evidence").clearance_m == (0.0002, 0.0003)  # what was narrowed does not come back
    assert PegInsert(clearance_m=(0.0001, 0.0001)).at("training").clearance_m == (0.0002, 0.0002)


def test_an_unknown_physics_is_refused_with_the_nearest_name():
    with pytest.raises(BadTask) as e:
        PegInsert(physics="evidense")
    assert str(e.value) == (
        "There is no physics 'evidense'. Did you mean 'evidence'? A cell has: training, evidence, twin."
    )


@pytest.mark.parametrize(
    ("flag", "value", "text"),
    [
        ("friction", (0.6, 0.1), "friction is 0.6 to 0.1; give the smaller number first, neither below zero."),
        ("edge_m", (-0.1, 0.1), "edge_m is -0.1 to 0.1; give the smaller number first, neither below zero."),
        ("friction", (float("nan"), 0.1), "friction is nan to 0.1; give the smaller number first, neither below zero."),
        ("latency_s", (0.0, 0.05), "latency_s goes up to 0.05 s; the most is one control period, 0.04 s."),
        (
            *("servo_gain", (0.0, 1.0)),
            "servo_gain begins at 0, but it is drawn uniformly in its logarithm; give more than 0.",
        ),
    ],
)
@pytest.mark.parametrize("kind", [PegInsert, Reach])
def test_ranges_that_make_no_sense_are_refused(kind, flag, value, text):
    if flag in {f.name for f in dataclasses.fields(kind)}:
        with pytest.raises(BadTask) as e:
            kind(**{flag: value})
        assert str(e.value) == text
