"""Laws of `replay`: a trial gives the same bits from its number alone; what was changed, or is another's, is named."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from jangin.errors import BadFolder, BadPolicy, BadTask
from jangin.qualify import qualify
from jangin.record import RunFolder
from jangin.replay import replay
from toy import Toy, ToyExpert

TRIALS = "evidence/trials.parquet"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A qualification of several blocks, some trials of which fail."""
    place = RunFolder.create(tmp_path_factory.mktemp("replay") / "run")
    qualify(ToyExpert(0.02), Toy(), seed=7, folder=place, block=64, max_trials=256, baselines=False)
    return place


@pytest.mark.parametrize("threads", [1, 2])
def test_every_trial_comes_out_the_same(folder, threads):
    """Trials of every block, also failed ones, are the same bits on any number of threads."""
    trials = folder.read_trials(TRIALS)
    failed = np.flatnonzero(trials["outcome"] != "success")
    assert failed.size
    for trial in [0, 63, 64, len(trials) - 1, *failed[:3].tolist()]:
        result = replay(folder.path, trial, policy=ToyExpert(0.02), task=Toy(physics="training"), threads=threads)
        assert result.same
        assert result.differs == ()
        assert result.stored == result.rerun
        assert (result.trial, result.block) == (trial, trial // 64)
        assert result.stored["trial"] == trial
        assert result.stored["cycle_s"] == trials["cycle_s"][trial]
        assert result.sentence == f"Trial {trial} ({trials['outcome'][trial]}) came out the same, bit for bit."


def test_a_changed_row_is_named(folder, tmp_path):
    """One bit of one value in one row is found by replaying that trial, and by no other."""
    copy = RunFolder.create(tmp_path / "copy")
    for name in folder.files():
        copy.write_bytes(name, (folder / name).read_bytes())
    trials = copy.read_trials(TRIALS)
    force = trials["peak_force_n"].copy()
    force[70] = np.nextafter(force[70], 0)
    copy.write_trials(TRIALS, dataclasses.replace(trials, columns={**trials.columns, "peak_force_n": force}))
    result = replay(copy, 70, policy=ToyExpert(0.02), task=Toy())
    assert not result.same
    assert result.differs == ("peak_force_n",)
    assert result.sentence == f"Trial 70 ({result.stored['outcome']}) came out differently in peak_force_n."
    assert result.stored["peak_force_n"] < result.rerun["peak_force_n"]
    assert replay(copy, 71, policy=ToyExpert(0.02), task=Toy()).same


def test_on_step_watches_one_trial(folder):
    """The callback gets this trial's own observation and action, once per control period until it ends."""
    seen = []

    def watch(world, sim, observation, action):
        assert world.trial[sim] == 130
        np.testing.assert_array_equal(observation, world.observe()[sim])
        seen.append((sim, observation.shape, action.shape))

    result = replay(folder, 130, policy=ToyExpert(0.02), task=Toy(), on_step=watch)
    assert result.same
    assert set(seen) == {(130 - 128, (5,), (2,))}
    assert len(seen) == (round(result.rerun["cycle_s"] * 20) if result.rerun["outcome"] == "success" else 40)


@pytest.mark.parametrize("trial", [-1, 256, 10**9])
def test_no_such_trial(folder, trial):
    """A number outside the table is refused with the range."""
    with pytest.raises(BadFolder, match=r"There is no trial .* it holds trials 0 to 255\."):
        replay(folder, trial, policy=ToyExpert(0.02), task=Toy())


def test_another_task_is_refused(folder):
    """A task of the same name with other fields is another task."""
    with pytest.raises(BadTask, match="has another declaration"):
        replay(folder, 0, policy=ToyExpert(0.02), task=Toy(bias_m=0.02))


def test_another_policy_is_refused(folder):
    """Neither another name nor a policy from a file passes for the scripted expert."""
    other = ToyExpert(0.02)
    other.name = "somebody"
    with pytest.raises(BadPolicy, match=r"The plan's policy is expert \(scripted\); somebody \(scripted\) was given\."):
        replay(folder, 0, policy=other, task=Toy())
    other.name, other.sha256 = "expert", "cd" * 32
    with pytest.raises(BadPolicy, match=r"expert \(sha256 cdcdcdcdcdcd…\) was given\."):
        replay(folder, 0, policy=other, task=Toy())
