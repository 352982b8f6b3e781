"""Environments that others wrote as tasks: trials by number, success as the mapping says, one sentence for mistakes."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import numpy as np
import pytest

gymnasium = pytest.importorskip("gymnasium", reason="the extra 'gym' is not installed")

from conftest import environment  # noqa: E402
from gym_envs import alive  # noqa: E402
from jangin.engine.rollout import rollout, run_trials  # noqa: E402
from jangin.errors import BadFile, BadFolder, BadTask, UnknownName  # noqa: E402
from jangin.gym.mapping import GymMapping, read_mapping  # noqa: E402
from jangin.gym.task import GymTask, gym_task  # noqa: E402
from jangin.gym.world import reset_seed  # noqa: E402
from jangin.policy import CallablePolicy, Random, Zero  # noqa: E402
from jangin.qualify import qualify  # noqa: E402
from jangin.record import RunFolder  # noqa: E402
from jangin.replay import replay  # noqa: E402
from jangin.resolve import recorded_task, write_task  # noqa: E402
from jangin.verify import verify  # noqa: E402

MAPPING = """
schema: jangin-gym-mapping/1
success: {when: info.place >= 1.0}
failures: {fell_off: info.fell}
record:
  highest_m: {of: info.place, how: max, unit: m}
  mean_m: {of: info.place, how: mean, unit: m}
  to_go_m: {of: 1 - observation.x.0, unit: m}
  twice: {of: info.deep.er - 2 * info.pose.0 + 0.5, how: min}
margin: {of: info.place - 1, unit: m}
conditions:
  shift_m: {uniform: [-0.3, 0.3], unit: m, option: shift}
  slope_m: {uniform: [0.0, 0.05], unit: m, attribute: slope}
limits: {highest_m: 1.5}
claims: ["success >= 0.9"]
max_steps: 30
"""


def mapped(change=None, env="Corridor-v0"):
    import yaml

    text = MAPPING.replace(*change) if change else MAPPING
    assert change is None or change[0] in MAPPING
    gym_task(f"gym:gym_envs:{env}")
    return GymTask(env, yaml.safe_load(text))


def plain(env="Corridor-v0", **values):
    gym_task(f"gym:gym_envs:{env}")
    return GymTask(env, {"schema": "jangin-gym-mapping/1", **values})


def policy(task, act=lambda seen: np.full((len(seen), 1), 0.2)):
    return CallablePolicy(act, task, name="here", sha256=None)


def run(task, n=20, act=None, **more):
    acting = policy(task) if act is None else act if hasattr(act, "act") else policy(task, act)
    return rollout(task, acting, n, seed=1, size=n, **{"threads": 1, **more})


def back(seen):
    return np.full((len(seen), 1), -0.2)


# ── what success is ──────────────────────────────────────────────────────────────────────────────────────────────


def test_without_a_mapping_info_says_what_success_is():
    """info's is_success, at any step, ends the trial; the rest of the row is counted, not believed."""
    task = gym_task("gym:gym_envs:Corridor-v0")
    assert (task.name, task.rate_hz, task.limit_s) == ("gym:Corridor-v0", 10.0, 5.0)
    assert task.success.text == "info.is_success at any step"
    assert task.observation.names == ("goal_0", "x_0")
    done = run(task)
    assert done.successes == 20
    assert (done["cycle_s"] == done["steps"] / 10.0).all()
    assert done["return"] == pytest.approx(-0.1 * done["steps"])
    assert (done["margin"] == 1.0).all()
    assert run(task, act=Zero(task))["outcome"].tolist() == ["timeout"] * 20


def test_without_a_success_key_the_registered_threshold_is_asked_of_the_return():
    task = gym_task("gym:CartPole-v1")
    assert task.success.text == "return >= 475 at the last step"
    done = run(task, act=Random(task, seed=3))
    assert set(done["outcome"]) == {"terminated"}
    assert (done["margin"] == done["return"] - 475).all()
    assert np.isinf(done["cycle_s"]).all()


def test_a_mapping_names_outcomes_columns_margin_and_conditions():
    task = mapped()
    done = run(task, 30)
    assert done.successes == 30
    assert ((done["shift_m"] >= -0.3) & (done["shift_m"] <= 0.3)).all()
    assert np.ptp(done["slope_m"]) > 0.02
    np.testing.assert_allclose(done["margin"], done["highest_m"] - 1.0)
    np.testing.assert_allclose(done["to_go_m"], -done["margin"], atol=1e-6)
    np.testing.assert_allclose(done["twice"], 0.5)
    fallen = run(task, act=back)
    assert set(fallen["outcome"]) == {"fell_off"}
    assert (fallen["margin"] < 0).all()
    still = run(task, act=Zero(task))
    assert set(still["outcome"]) <= {"timeout", "fell_off"}
    assert (still["steps"][still["outcome"] == "timeout"] == 30).all()
    assert task.limits.items() == {"highest_m": 1.5}
    assert task.columns["margin"] == "m"
    assert [str(c) for c in task.claims] == ["success >= 0.9 @ 0.95"]


def test_success_that_must_be_held_comes_so_many_steps_later():
    """Held for 5 steps, the first success is 4 steps after that of one step, and the margin the worst of the five."""
    once = run(plain(success={"when": "info.place >= 1"}))
    held = run(plain(success={"when": "info.place >= 1", "hold_steps": 5}))
    np.testing.assert_allclose(held["cycle_s"], once["cycle_s"] + 0.4)
    np.testing.assert_allclose(held["margin"], once["margin"])

    def there_and_back(seen):
        return np.where(seen[:, 1:] > 0.9, -0.2, 0.2)

    assert run(plain(success={"when": "info.place >= 1", "hold_steps": 5}), act=there_and_back).successes == 0


def test_success_is_looked_at_where_the_mapping_says():
    """At the last step, or at any; a trial that goes on after success may still fail, and then it has failed."""
    when = {"when": "info.place >= 1"}
    last = run(plain(success={**when, "look": "last"}, max_steps=30))
    assert last.successes == 20
    assert (last["cycle_s"] == 3.0).all()
    on = run(plain(success={**when, "ends_trial": False}, max_steps=30))
    assert on.successes == 20
    assert (on["steps"] == 30).all()
    np.testing.assert_allclose(on["cycle_s"], run(plain(success=when))["cycle_s"])
    too_far = run(plain(success={**when, "ends_trial": False}, failures={"too_far": "info.place > 2"}, max_steps=30))
    assert set(too_far["outcome"]) == {"too_far"}
    assert np.isinf(too_far["cycle_s"]).all()
    assert (too_far["margin"] < 0).all()
    assert (too_far["margin"] > -1e-300).all()


def test_several_conditions_must_all_hold_and_the_margin_is_the_worst_of_them():
    task = plain(success={"when": ["info.place >= 1", "time_s <= 0.6"]}, max_steps=20)
    done = run(task, 40)
    won = done["outcome"] == "success"
    assert 0 < won.sum() < 40
    assert (done["cycle_s"][won] <= 0.6).all()
    assert ((done["margin"] >= 0) == won).all()


def test_an_end_that_is_the_goal():
    """terminated may be success; without that it is a failure of this name."""
    task = plain("CorridorEnds-v0", success={"when": "terminated"})
    assert run(task).successes == 20
    other = plain("CorridorEnds-v0", success={"when": "info.place >= 5"})
    assert set(run(other)["outcome"]) == {"terminated"}


# ── a trial is its number ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("env", ["gym:CartPole-v1", "gym:gym_envs:Corridor-v0"])
def test_a_trial_is_the_same_in_any_slot_block_and_number_of_processes(env):
    """Worker processes change no bit; another seed changes the trials."""
    task = gym_task(env)
    act = Random(task, seed=3)
    here = rollout(task, act, 12, seed=3, size=12, threads=1)
    shared = rollout(task, act, 12, seed=3, size=5, threads=2)
    for name in here.columns:
        assert here[name].tolist() == shared[name].tolist(), name
    assert rollout(task, act, 12, seed=4, size=12, threads=1)["return"].tolist() != here["return"].tolist()


def test_no_two_trials_of_a_stream_share_a_seed_of_reset():
    """The seeds are a bijection of the number: none twice, spread over 32 bits, others for another stream."""
    key = {"seed": 7, "purpose": "evidence"}
    seeds = np.array([reset_seed("gym:A-v0", trial=t, **key) for t in range(20_000)])
    assert len(np.unique(seeds)) == 20_000
    assert seeds.min() >= 0
    assert seeds.max() < 2**32
    counts = np.histogram(seeds, bins=16, range=(0, 2**32))[0]
    assert np.abs(counts - 1250).max() < 6 * math.sqrt(1250)
    assert reset_seed("gym:A-v0", trial=3, **key) == seeds[3]
    assert reset_seed("gym:A-v0", trial=3, seed=7, purpose="simulate") != seeds[3]


def test_conditions_can_be_put_where_a_search_wants_them():
    """Their values follow u; the seed of reset, and so the noise, stays that of the trial's number."""
    task = mapped()
    world = task.world(4, threads=1, seed=1, purpose="map")
    u = np.array([[0.0, 0.0], [0.5, 0.5], [1.0, 1.0], [0.25, 0.75]])
    done = run_trials(task, world, policy(task), np.arange(4), seed=1, at=u)
    np.testing.assert_allclose(done["shift_m"], [-0.3, 0.0, 0.3, -0.15])
    np.testing.assert_allclose(done["slope_m"], [0.0, 0.025, 0.05, 0.0375])
    world.reset(np.arange(4), np.arange(4), np.full((4, 2), 0.5))
    middle = world.observe()[:, 1].copy()
    world.reset(np.arange(4), np.arange(4), np.tile([1.0, 0.5], (4, 1)))
    np.testing.assert_allclose(world.observe()[:, 1] - middle, 0.3, atol=1e-6)


def test_conditions_go_into_options_attributes_arrays_and_make():
    conditions = {
        "a": {"fixed": 0.25, "option": "shifts.1"},
        "b": {"choice": [0.125], "option": "shifts.0"},
        "c": {"fixed": 0.0625, "make": "slope"},
        "d": {"fixed": 3, "attribute": "weights.2"},
    }
    task = plain(success={"when": "info.place >= 1"}, conditions=conditions, record={"n": {"of": "info.resets"}})
    world = task.world(1, threads=1, seed=1)
    bare = plain(success={"when": "info.place >= 1"}).world(1, threads=1, seed=1)
    for w in (world, bare):
        w.reset(np.arange(1), np.array([5]))
    assert world.observe()[0, 1] == pytest.approx(bare.observe()[0, 1] + 0.375, abs=1e-6)
    before = world.observe()[0, 1]
    world.step(np.zeros((1, 1), np.float32))
    assert world.observe()[0, 1] == pytest.approx(before - 0.0625, abs=1e-6)
    assert world._slots._envs[0].unwrapped.weights.tolist() == [0, 0, 3]
    world.reset(np.arange(1), np.array([6]))
    world.step(np.zeros((1, 1), np.float32))
    assert world.record(np.arange(1))["n"] == [1.0]  # made anew for each trial


def test_an_environment_can_be_made_anew_for_each_trial():
    values = {"success": {"when": "info.place >= 1"}, "record": {"n": {"of": "info.resets"}}}
    used, fresh = (
        rollout(t, policy(t), 6, seed=1, size=2, threads=1) for t in (plain(**values), plain(**values, fresh=True))
    )
    assert used["n"].tolist() == [1, 1, 2, 2, 3, 3]
    assert fresh["n"].tolist() == [1] * 6
    assert used["cycle_s"].tolist() == fresh["cycle_s"].tolist()


# ── evidence ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_it_is_qualified_verified_and_replayed_like_any_task(tmp_path):
    """The mapping is in the folder: evidence is read and run again without the file it came from."""
    task = mapped()
    folder = RunFolder.create(tmp_path / "run")
    write_task(folder, task)
    verdict = qualify(policy(task), task, seed=7, folder=folder, block=32, max_trials=320, threads=1)
    assert verdict.verdict == "QUALIFIED"
    assert verify(folder).verdict == "QUALIFIED"
    again = recorded_task(folder.read_json("task.json"), folder.path)
    assert again == task
    assert hash(again) == hash(task)
    assert replay(folder, 33, policy=policy(task), task=again, threads=2).same


def test_an_environment_that_remembers_the_trial_before_is_no_evidence(tmp_path):
    """`resets` counts on over the trials of an environment, so the first block does not repeat; made anew, it does."""
    values = {
        "success": {"when": "info.place >= 1"},
        "record": {"n": {"of": "info.resets"}},
        "make": {"slope": 0.0},
    }
    verdicts = {}
    for fresh in (False, True):
        task = plain(**values, fresh=fresh)
        world = task.world(4, threads=1, seed=7, purpose="evidence")
        first = run_trials(task, world, policy(task), np.arange(4), seed=7)
        second = run_trials(task, world, policy(task), np.arange(4), seed=7)
        verdicts[fresh] = first["n"].tolist() == second["n"].tolist()
    assert verdicts == {False: False, True: True}


def test_numbers_that_are_not_finite_make_a_trial_invalid():
    task = gym_task("gym:gym_envs:CorridorNan-v0")
    done = run(task, 3)
    assert done["outcome"].tolist() == ["invalid_nan"] * 3
    assert done.invalid.all()


def test_an_action_that_is_not_finite_makes_its_trial_invalid_and_no_other():
    task = gym_task("gym:gym_envs:Corridor-v0")

    def sometimes(seen):
        return np.where(np.arange(len(seen))[:, None] == 1, np.nan, 0.2)

    done = run(task, 3, sometimes)
    assert done["outcome"].tolist() == ["success", "invalid_action", "success"]
    assert done["steps"][1] == 0
    assert not np.isnan(done["margin"]).any()


# ── spaces ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("env", "names", "row", "sent"),
    [
        ("StillLate-v0", ("choice_0", "choice_1", "choice_2"), [3.0, 9.0, 5.0], 6),
        ("StillMany-v0", ("choice_0_0", "choice_0_1", "choice_1_0", "choice_1_1", "choice_1_2"), [0, 9, 1, 0, 2], 3),
        ("StillSwitches-v0", ("choice_0_0", "choice_0_1", "choice_1_0", "choice_1_1"), [0, 1, -1, -2], 1),
        ("StillWhole-v0", ("action_0", "action_1"), [3.7, 99.0], 13),
    ],
)
def test_an_action_arrives_as_what_the_space_takes(env, names, row, sent):
    """Votes of any scale choose the largest; numbers are clipped and, for whole ones, rounded. (The space checks.)"""
    task = plain(env, success={"when": "info.done >= 100"}, record={"done": {"of": "info.done"}})
    assert task.action.names == names
    world = task.world(1, threads=1)
    world.reset(np.arange(1), np.arange(1))
    world.step(np.array([row], np.float32))
    assert world.record(np.arange(1))["done"] == [sent]


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ("StillPicture-v0", "gym:StillPicture-v0 observes 12,288 numbers and more; at most 4,096 can be observed here"),
        (
            "StillRows-v0",
            "gym:StillRows-v0 observes Sequence(Discrete(2), stack=False); a space of numbers of one size",
        ),
        ("StillUnbounded-v0", "gym:StillUnbounded-v0 acts in Box(-inf, inf, (1,), float32), which has no bounds"),
        (
            "StillTuple-v0",
            "gym:StillTuple-v0 acts in Tuple(Discrete(2), Discrete(2)); Box, Discrete, MultiDiscrete and",
        ),
    ],
)
def test_spaces_that_cannot_be_used_are_named(env, said):
    with pytest.raises(BadTask) as e:
        gym_task(f"gym:gym_envs:{env}").action  # noqa: B018
    assert said in str(e.value)


# ── wrong input ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("success: {when", "success: {wen"), "success lacks the key 'when'"),
        (("record:", "recrod:"), "has the unknown key 'recrod' (is it 'record'?)"),
        (
            ("info.place >= 1.0", "info.place => 1.0"),
            "success: 'info.place =' cannot be read; write names, numbers, + and -",
        ),
        (
            ("info.place >= 1.0", "place >= 1.0"),
            "'place' is no number of a step; is it 'info.place'? There is: reward,",
        ),
        (("info.place >= 1.0", "info.place - 1"), "'info.place - 1' compares nothing"),
        (("info.place >= 1.0", "2 >= 1.0"), "'2 >= 1.0' compares numbers only"),
        (("info.place >= 1.0", "__import__('os')"), "\"__import__('os')\" cannot be read; write names, numbers"),
        (
            ("limits: {highest_m", "limits: {mean_m"),
            "limits names 'mean_m'; a limit is an upper bound on a column that",
        ),
        (
            ("unit: m, option: shift", "unit: m"),
            "needs one of uniform, log_uniform, choice and fixed, and one of option",
        ),
        (
            ("uniform: [-0.3, 0.3]", "uniform: [0.3, -0.3]"),
            "'shift_m' is uniform: [0.3, -0.3]; give [LOW, HIGH], LOW <",
        ),
        (("attribute: slope", "attribute: __class__"), "which does not have the form"),
        (("mean_m:", "cycle_s:"), "record has a column 'cycle_s', which every trial has already"),
        (("{fell_off", "{timeout"), "failures has the name 'timeout', which is jangin's own"),
        (("success >= 0.9", "succes >= 0.9"), "claims: The claim 'succes >= 0.9' cannot be read"),
    ],
)
def test_a_mapping_that_says_something_else(tmp_path, change, said):
    assert change[0] in MAPPING
    (tmp_path / "m.yaml").write_text(MAPPING.replace(*change))
    with pytest.raises(BadFile) as e:
        read_mapping(tmp_path / "m.yaml")
    assert said in str(e.value)
    assert str(tmp_path / "m.yaml") in str(e.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            ("{when: info.place", "{when: info.plaice"),
            "The mapping reads info.plaice, and no step of gym:Corridor-v0 gave such a number in a random episode. Is "
            "it 'place'? It gives: place, is_success, fell, pose.0, pose.1, deep.er, resets. A key that is given",
        ),
        (("{of: info.place, how: max", "{of: info.word, how: max"), "reads info.word, and no step"),
        (("info.pose.0", "info.pose.2"), "reads info.pose.2, and no step"),
        (
            ("observation.x.0", "observation.y.0"),
            "There is no observation.y.0 in the observation's 2 numbers, which",
        ),
        (("attribute: slope", "attribute: incline"), "has no attribute 'incline' for the mapping's condition. Numbers"),
        (("attribute: slope", "attribute: weights.7"), "attribute 'weights.7' has only 3 numbers"),
        (("attribute: slope", "attribute: mode"), "attribute 'mode' is str, not a number to be set"),
        (("attribute: slope", "make: slop"), "unexpected keyword argument 'slop'"),
    ],
)
def test_a_mapping_for_what_the_environment_does_not_have(change, said):
    with pytest.raises(BadTask) as e:
        mapped(change)
    assert said in str(e.value)


def test_a_condition_that_reset_overwrites_is_refused():
    with pytest.raises(BadTask, match=r"gym:CorridorStubborn-v0 sets its attribute 'slope' itself when it is reset"):
        mapped(env="CorridorStubborn-v0")


def test_a_key_that_is_given_at_times_may_be_named_as_such():
    values = {"success": {"when": "info.seldom"}}
    with pytest.raises(BadTask, match="belongs into rare_info"):
        plain(**values)
    assert run(plain(**values, rare_info=["seldom"])).successes == 0
    assert run(plain(success={"when": "info.late"}, rare_info=["late"])).successes == 20


def test_a_margin_must_say_what_success_says():
    task = plain(success={"when": "info.is_success"}, margin="0.7 - info.place")
    with pytest.raises(BadTask, match=r"margin of gym:Corridor-v0 is .* in trial \d+ at a step where success does not"):
        run(task)


def test_what_an_environment_does_not_say_must_be_said():
    with pytest.raises(
        BadTask, match="gym:Pendulum-v1 does not say what success is: its info has neither of is_success"
    ):
        gym_task("gym:Pendulum-v1").world(2)
    with pytest.raises(BadTask, match=r"how long a step is: its dt says 0.2 s and its render_fps 0.0666667 s a step"):
        gym_task("gym:Acrobot-v1").rate_hz  # noqa: B018
    with pytest.raises(BadTask, match=r"gym:CorridorEndless-v0 has no time limit. Give max_steps in a mapping"):
        gym_task("gym:gym_envs:CorridorEndless-v0").limit_s  # noqa: B018
    assert plain("CorridorEndless-v0", max_steps=7).limit_s == 0.7


def test_names_that_are_not_there():
    with pytest.raises(UnknownName, match=r"no task 'gym:CartPol-v1'\. Did you mean 'gym:CartPole-v1'\?"):
        gym_task("gym:CartPol-v1")
    with pytest.raises(BadTask, match="There is no module 'no_such_module' for gym:no_such_module:Env-v0; gym:MODULE"):
        gym_task("gym:no_such_module:Env-v0")


def test_an_environment_that_raises_or_dies_is_named_with_trial_and_place():
    task = gym_task("gym:gym_envs:CorridorRaises-v0")
    for threads in (1, 2):
        with pytest.raises(BadTask) as e:
            run(task, 4, threads=threads)
        assert "gym:CorridorRaises-v0 raised ZeroDivisionError: no way on in " in str(e.value)
        assert "gym_envs.py, line " in str(e.value)
        assert "in trial " in str(e.value)
    dying = plain("CorridorDies-v0", success={"when": "info.place >= 1"})
    with pytest.raises(BadTask, match=r"A worker process of gym:CorridorDies-v0 died \(exit code 3\)"):
        run(dying, 4, threads=2)


def test_workers_end_with_their_world():
    task = gym_task("gym:CartPole-v1")
    world = task.world(4, threads=2, seed=1)
    workers = world._slots._workers
    assert [w.poll() for w in workers] == [None, None]
    del world
    assert [w.poll() for w in workers] == [0, 0]


def test_workers_end_when_their_parent_is_killed():
    """A parent that dies without a word closes its pipes, and that is all a worker needs."""
    program = (
        "import os, signal\n"
        "from jangin.gym.task import gym_task\n"
        "w = gym_task('gym:CartPole-v1').world(4, threads=2)\n"
        "print(*[p.pid for p in w._slots._workers], flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment(), capture_output=True, text=True, timeout=60
    )
    pids = done.stdout.split()
    assert len(pids) == 2, done.stderr
    for pid in pids:
        for _ in range(100):
            if not alive(int(pid)):
                break
            subprocess.run(["sleep", "0.05"], check=True)
        assert not alive(int(pid))


# ── what a data file cannot do ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "fields", "said"),
    [
        ("gym:evil_module:Env-v0", {"env": "evil_module:Env-v0"}, "no file is imported because a folder says so"),
        ("gym:CartPole-v1", {"env": "evil_module:Env-v0"}, "a module is named by gym:MODULE:ENV_ID alone"),
        ("./evil_module.py:TASK", {}, "no file is imported because a folder says so"),
        ("gym:Evil-v0", {"env": "Evil-v0"}, "Name the package that registers it: --task gym:evil_module:Evil-v0."),
    ],
)
def test_nothing_is_imported_because_a_file_says_so(tmp_path, monkeypatch, name, fields, said):
    (tmp_path / "evil_module.py").write_text("raise SystemExit('imported')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    declared = {"name": name, "fields": fields, "model": {"entry_point": "evil_module.envs:Evil"}}
    with pytest.raises((BadFolder, BadTask)) as e:
        recorded_task(declared, tmp_path)
    assert said in str(e.value)
    assert "evil_module" not in sys.modules


def test_a_mapping_in_a_folder_is_checked_like_a_file():
    with pytest.raises(BadTask, match=r"has the unknown key 'succes' \(is it 'success'\?\)"):
        GymMapping.of_plain({"schema": "jangin-gym-mapping/1", "succes": {}})


def test_the_published_schema_is_valid_and_says_what_ours_says(tmp_path):
    """jsonschema, the twin, accepts the example and refuses a strange key."""
    jsonschema = pytest.importorskip("jsonschema")
    import yaml

    from jangin.schema import schema

    rule = schema("gym/mapping.schema.json")
    jsonschema.Draft202012Validator.check_schema(rule)
    values = yaml.safe_load(MAPPING)
    jsonschema.validate(values, json.loads(json.dumps(rule)))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**values, "recrod": {}}, json.loads(json.dumps(rule)))


def test_the_manual_and_the_examples_say_what_is_read(tmp_path):
    """The mapping in docs/gymnasium.md has every key of the schema, and it and those of examples/ can be read."""
    import re

    import yaml

    from conftest import ROOT
    from jangin.schema import schema

    block = re.search(r"```yaml\n(.*?)```", (ROOT / "docs" / "gymnasium.md").read_text(), re.DOTALL)[1]
    (tmp_path / "manual.yaml").write_text(block)
    mapping = GymMapping.of_plain(read_mapping(tmp_path / "manual.yaml"))
    assert mapping.success.hold_steps == 10
    assert set(yaml.safe_load(block)) == set(schema("gym/mapping.schema.json")["properties"])
    for name in ("fetch_reach", "mountain_car", "pendulum", "pusht", "reacher"):
        assert GymMapping.of_plain(read_mapping(ROOT / "examples" / f"{name}.yaml")).success is not None
