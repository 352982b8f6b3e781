"""`vehicle/cut-in`: the reference study to the bit, every trial needs a reaction, and what can be avoided is named."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from jangin.engine.rollout import rollout
from jangin.errors import BadTask, UnknownName
from jangin.qualify import qualify
from jangin.record import RunFolder
from jangin.vehicle.r157 import disturbances
from jangin.vehicle.r157.drivers import CarefulHuman, FuzzyModel, reading
from jangin.vehicle.tasks.cut_in import DISTURBANCES, CutInTask

EXACT = CutInTask(physics="training")


class Still:
    """Never touches the pedals."""

    name, sees = "still", "observation"

    def reset(self, ids, trials):
        pass

    def act(self, seen):
        return np.zeros((len(seen), 1), np.float32)


@pytest.mark.parametrize("disturbance", DISTURBANCES)
@pytest.mark.parametrize("driver", [CarefulHuman(), FuzzyModel()], ids=["careful-human", "fuzzy"])
def test_a_reference_driver_in_the_world_is_the_one_of_the_study(disturbance, driver):
    """Driven by a reference driver, the world has contact in the study's scenarios, but for ties."""
    task, n = dataclasses.replace(EXACT, disturbance=disturbance, hardest_m_s2=100.0), 400
    world = task.world(n, seed=3)
    scenarios = task.scenarios({name: values.copy() for name, values in world.values.items()})
    study = disturbances.simulate(scenarios, driver)
    run, reaction = disturbances.Run(scenarios), driver.begin(n)
    running, outcome = np.arange(n), np.zeros(n, int)
    while running.size:
        accel = reaction.act(run.seen)
        run.step(accel)
        step = world.step(accel[:, None], running)
        outcome[running] = step.outcome
        running = running[step.outcome == 0]
    hit = np.isin([world.outcomes[k] for k in outcome], ["collision", "preventable_collision"])
    assert study.contact.any()
    assert (hit != study.contact).mean() <= 0.01  # single precision of the actions moves ties


@pytest.mark.parametrize("disturbance", DISTURBANCES)
def test_without_a_reaction_every_trial_is_a_collision(disturbance):
    """Nobody gets through by doing nothing, so success says that the policy reacted."""
    task = dataclasses.replace(EXACT, disturbance=disturbance)
    trials = rollout(task, Still(), 256, seed=1, size=128)
    assert set(trials["outcome"]) <= {"collision", "preventable_collision"}
    assert (trials["impact_m_s"] > 0).all()
    assert (trials["margin"] < 0).all()


def test_a_collision_is_preventable_where_the_first_reference_has_no_contact():
    """The outcome's name and the reference's column say the same, and the column is the study's."""
    task = dataclasses.replace(EXACT, references=("careful-human", "fuzzy"))
    trials = rollout(task, Still(), 256, seed=1, size=128)
    avoids = trials["careful_human_avoids"] == 1.0
    np.testing.assert_array_equal(trials["outcome"] == "preventable_collision", avoids)
    scenarios = task.scenarios(trials.columns)
    for name, column in (("careful-human", "careful_human_avoids"), ("fuzzy", "fuzzy_avoids")):
        contact = disturbances.simulate(scenarios, reading(name)).contact
        np.testing.assert_array_equal(trials[column] == 1.0, ~contact)
    assert 0.2 < avoids.mean() < 0.9


def test_the_time_to_collision_at_the_cut_in_is_what_was_declared():
    """When the boxes first overlap in width, gap over closing speed is `ttc_s`, within a period."""
    world = EXACT.world(64, seed=5)
    scenarios = EXACT.scenarios(world.values)
    run = disturbances.Run(scenarios)
    found = np.full(64, np.nan)
    while np.isnan(found).any() and not run.done:
        new = np.isnan(found) & (run.seen.lateral_gap_m < 0.0)
        found[new] = run.seen.ttc_s[new]
        run.step(np.zeros(64))
    np.testing.assert_allclose(found, world.values["ttc_s"], atol=0.11)


@pytest.mark.parametrize("shield", ["rss", "r157"])
def test_the_shield_avoids_collisions_and_says_how_often_it_acted(shield):
    """Somebody who never brakes has far fewer collisions behind a shield; without one it never acts."""
    bare = rollout(EXACT, Still(), 256, seed=1, size=128)
    kept = rollout(dataclasses.replace(EXACT, shield=shield), Still(), 256, seed=1, size=128)
    assert (bare["interventions"] == 0.0).all()
    assert (kept["interventions"] > 0.0).all()
    assert kept.successes > 128
    assert bare.successes == 0


def test_qualification_reports_the_policy_without_its_shield_beside_it(tmp_path):
    """The baselines of a guarded task hold the same policy on the same trials with the shield taken away."""
    task = CutInTask(shield="rss")
    folder = RunFolder.create(tmp_path / "run")
    verdict = qualify(task.expert(), task, ["success >= 0.5"], seed=2, folder=folder, block=128)
    assert verdict.verdict == "QUALIFIED"
    assert "expert without shield" in verdict.baselines
    bare = qualify(
        task.expert(), task.unguarded, ["success >= 0.5"], seed=2, folder=RunFolder.create(tmp_path / "bare"), block=128
    )
    assert not any("shield" in name for name in bare.baselines)


def test_the_time_limit_ends_a_trial():
    """With a limit of two seconds nothing lasts longer, and what is neither managed nor over by then is a time-out."""
    task = dataclasses.replace(EXACT, limit_s=2.0)
    trials = rollout(task, Still(), 256, seed=1, size=128)
    assert set(trials["outcome"]) <= {"timeout", "collision", "preventable_collision"}
    assert (trials["outcome"] == "timeout").mean() > 0.5
    assert trials.meta["control_steps"] <= 256 * 20


def test_late_sensors_show_the_other_vehicle_where_it_was():
    """With exact sensors two instants late the lateral distance is that of two instants ago."""
    task = CutInTask()
    world = task.world(8, seed=5)
    for name, value in (("latency_s", 0.2), ("sensor_noise", 0.0), ("sensor_range_m", 150.0)):
        world.values[name][:] = value
    prompt = disturbances.Run(task.scenarios(world.values))
    seen, lateral = [], task.observation.names.index("lateral_m")
    for _ in range(40):
        seen.append(prompt.seen.lateral_m.copy())
        if len(seen) > 2:
            near = prompt.seen.gap_m < 100.0
            np.testing.assert_allclose(world.observe()[near, lateral], seen[-3][near], atol=1e-5)
        world.step(np.zeros((8, 1), np.float32))
        prompt.step(np.zeros(8))
    assert near.any()


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"disturbance": "cutin"}, "disturbance is 'cutin'; it must be one of cut-in, cut-out, deceleration."),
        ({"ttc_s": (3.0, 1.0)}, "ttc_s is from 3 to 1; both must be above 0, and the first not the larger."),
        ({"references": ()}, "references is empty; name one reference driver or more, as careful-human."),
        ({"hardest_m_s2": 0.0}, "hardest_m_s2 is 0; it must be above 0 and finite."),
        ({"lateral_speed_m_s": (0.3, 90.0)}, "lateral_speed_m_s goes up to 90; give at most 5."),
        ({"speed_kmh": (20.0, math.inf)}, "speed_kmh goes up to inf; give at most 300."),
    ],
)
def test_fields_that_cannot_be_are_refused_in_a_sentence(fields, says):
    """Each bad field is named with what is allowed."""
    with pytest.raises(BadTask) as e:
        CutInTask(**fields)
    assert str(e.value) == says


def test_a_reference_driver_nobody_knows_is_refused_with_the_nearest_name():
    """As everywhere."""
    with pytest.raises(UnknownName, match="Did you mean 'fuzzy'"):
        CutInTask(references=("fuzy",))
