"""Environments that others wrote as tasks: trials by number, success as the mapping says, any policy, one sentence each."""

from __future__ import annotations

import sys

import numpy as np
import pytest

gymnasium = pytest.importorskip("gymnasium", reason="the extra 'gym' is not installed")

from jangin.engine.rollout import rollout, run_trials  # noqa: E402
from jangin.errors import BadFile, BadFolder, BadPolicy, BadTask, UnknownName  # noqa: E402
from jangin.gym.mapping import read_mapping  # noqa: E402
from jangin.gym.task import GymTask, gym_task  # noqa: E402
from jangin.policy import CallablePolicy, Random, Zero  # noqa: E402
from jangin.qualify import qualify  # noqa: E402
from jangin.record import RunFolder  # noqa: E402
from jangin.resolve import recorded_policy, recorded_task, resolve_policy, write_task  # noqa: E402
from jangin.verify import verify  # noqa: E402


class Corridor(gymnasium.Env):
    """A walk on a line to 1; info tells the place, a flag at the end, and a fall; `slope` pushes back."""

    metadata = {"render_fps": 10}

    def __init__(self, slope=0.0):
        self.observation_space = gymnasium.spaces.Dict(
            {"x": gymnasium.spaces.Box(-9, 9, (1,)), "goal": gymnasium.spaces.Box(-9, 9, (1,))}
        )
        self.action_space = gymnasium.spaces.Box(-0.2, 0.2, (1,))
        self.slope = slope

    def _see(self):
        return {"x": np.array([self.x], np.float32), "goal": np.ones(1, np.float32)}

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.x = float(self.np_random.uniform(-0.5, 0.5)) + (options or {}).get("shift", 0.0)
        return self._see(), {}

    def step(self, action):
        self.x += float(action[0]) - self.slope
        info = {"place": self.x, "is_success": self.x >= 1.0, "fell": self.x < -1.0}
        return self._see(), -0.1, False, False, info


MAPPING = """
schema: jangin-gym-mapping/1
success: {info: place, at_least: 1.0}
failures: {fell_off: fell}
record:
  highest_m: {info: place, how: max, unit: m}
  mean_m: {info: place, how: mean, unit: m}
margin: {column: highest_m, at_least: 1.0}
conditions:
  shift_m: {uniform: [-0.3, 0.3], unit: m, option: shift}
  slope_m: {uniform: [0.0, 0.05], unit: m, attribute: slope}
limits: {highest_m: 1.5}
claims: ["success >= 0.9"]
max_steps: 30
"""


@pytest.fixture(autouse=True)
def corridor():
    gymnasium.register("Corridor-v0", entry_point=lambda **k: Corridor(**k), max_episode_steps=50)
    yield
    del gymnasium.registry["Corridor-v0"]


@pytest.fixture
def mapped(tmp_path):
    (tmp_path / "corridor.yaml").write_text(MAPPING)
    return GymTask("Corridor-v0", tmp_path / "corridor.yaml")


def forward(seen):
    return np.full((len(seen), 1), 0.2)


def policy(task, act=forward):
    return CallablePolicy(act, task, name="here", sha256=None)


def test_without_a_mapping_info_says_what_success_is():
    task = gym_task("gym:Corridor-v0")
    assert (task.name, task.rate_hz, task.limit_s) == ("gym:Corridor-v0", 10.0, 5.0)
    assert task.success.info == "is_success"
    assert (len(task.observation), len(task.action)) == (2, 1)
    done = rollout(task, policy(task), 20, seed=1, size=20, threads=1)
    assert done.successes == 20
    assert (done["cycle_s"] == done["steps"] / 10.0).all()
    assert done["return"] == pytest.approx(-0.1 * done["steps"])
    assert rollout(task, Zero(task), 20, seed=1, size=20, threads=1)["outcome"].tolist() == ["timeout"] * 20


def test_a_mapping_names_outcomes_columns_margin_and_conditions(mapped):
    done = rollout(mapped, policy(mapped), 30, seed=1, size=30, threads=1)
    assert done.successes == 30
    assert ((done["shift_m"] >= -0.3) & (done["shift_m"] <= 0.3)).all()
    assert np.ptp(done["slope_m"]) > 0.02
    np.testing.assert_allclose(done["margin"], done["highest_m"] - 1.0)
    fallen = rollout(mapped, policy(mapped, lambda s: np.full((len(s), 1), -0.2)), 20, seed=1, size=20, threads=1)
    assert set(fallen["outcome"]) == {"fell_off"}
    assert (fallen["margin"] < 0).all()
    still = rollout(mapped, Zero(mapped), 20, seed=1, size=20, threads=1)
    assert set(still["outcome"]) <= {"timeout", "fell_off"}
    assert (still["steps"][still["outcome"] == "timeout"] == 30).all()
    assert mapped.limits.items() == {"highest_m": 1.5}
    assert [str(c) for c in mapped.claims] == ["success >= 0.9 @ 0.95"]


def test_a_trial_is_its_number_in_any_slot_block_and_number_of_processes():
    """CartPole, whose environment others wrote: worker processes change no bit; another seed changes the trials."""
    task = gym_task("gym:CartPole-v1")
    act = Random(task, seed=3)
    here = rollout(task, act, 12, seed=3, size=12, threads=1)
    shared = rollout(task, act, 12, seed=3, size=6, threads=2)
    for name in here.columns:
        assert here[name].tolist() == shared[name].tolist(), name
    assert rollout(task, act, 12, seed=4, size=12, threads=1)["return"].tolist() != here["return"].tolist()
    assert set(here["outcome"]) == {"terminated"}
    assert task.success.return_at_least == 475.0


def test_conditions_can_be_put_where_a_search_wants_them(mapped):
    world = mapped.world(4, threads=1, seed=1, purpose="map")
    u = np.array([[0.0, 0.0], [0.5, 0.5], [1.0, 1.0], [0.25, 0.75]])
    done = run_trials(mapped, world, policy(mapped), np.arange(4), seed=1, at=u)
    np.testing.assert_allclose(done["shift_m"], [-0.3, 0.0, 0.3, -0.15])
    np.testing.assert_allclose(done["slope_m"], [0.0, 0.025, 0.05, 0.0375])


def test_it_is_qualified_verified_and_replayed_like_any_task(mapped, tmp_path):
    folder = RunFolder.create(tmp_path / "run")
    write_task(folder, mapped)
    verdict = qualify(policy(mapped), mapped, seed=7, folder=folder, block=32, max_trials=320, threads=1)
    assert verdict.verdict == "QUALIFIED"
    assert verify(folder).verdict == "QUALIFIED"
    again = recorded_task(folder.read_json("task.json"), folder.path)
    assert again == mapped
    mapped.mapping.write_text(MAPPING.replace("at_least: 1.0}\nfail", "at_least: 0.9}\nfail"))
    with pytest.raises(BadFolder, match="another gym:Corridor-v0 than the one here"):
        from jangin.gym import task as module

        module._told.cache_clear()
        recorded_task(folder.read_json("task.json"), folder.path)
    module._told.cache_clear()


def test_values_that_are_not_finite_make_a_trial_invalid():
    class Broken(Corridor):
        def step(self, action):
            seen, reward, *rest = super().step(action)
            return {"x": np.array([np.nan], np.float32), "goal": seen["goal"]}, reward, *rest

    gymnasium.register("Broken-v0", entry_point=lambda: Broken(), max_episode_steps=5)
    task = gym_task("gym:Broken-v0")
    done = rollout(task, policy(task), 3, seed=1, size=3, threads=1)
    assert done["outcome"].tolist() == ["invalid_nan"] * 3
    assert done.invalid.all()
    del gymnasium.registry["Broken-v0"]


# ── wrong input ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("info: place, at_least", "infos: place, at_least"), "success has the unknown key 'infos' (is it 'info'?)"),
        (("at_least: 1.0}\nfail", "return_at_least: 1.0}\nfail"), "success needs either info or return_at_least"),
        (("column: highest_m, at_least: 1.0", "column: highest_m"), "margin needs either at_least or at_most"),
        (("column: highest_m", "column: lowest_m"), "margin reads the column 'lowest_m'; there is: highest_m, mean_m"),
        (("limits: {highest_m", "limits: {speed"), "limits names 'speed', which record does not keep"),
        (("unit: m, option: shift", "unit: m"), "needs one of uniform, log_uniform and choice, and one of option"),
        (("attribute: slope", "attribute: __class__"), "which does not have the form"),
        (("mean_m:", "cycle_s:"), "record has a column 'cycle_s', which every trial has already"),
    ],
)
def test_a_mapping_that_says_something_else(tmp_path, change, said):
    (tmp_path / "m.yaml").write_text(MAPPING.replace(*change))
    with pytest.raises(BadFile) as e:
        read_mapping(tmp_path / "m.yaml")
    assert said in str(e.value)


def test_keys_and_attributes_that_the_environment_does_not_have(tmp_path):
    (tmp_path / "m.yaml").write_text(MAPPING.replace("{info: place, at_least", "{info: plaice, at_least"))
    with pytest.raises(
        BadTask, match=r"reads info\['plaice'\], which gym:Corridor-v0 did not give in 40 steps; it gave: f"
    ):
        GymTask("Corridor-v0", tmp_path / "m.yaml")
    (tmp_path / "n.yaml").write_text(MAPPING.replace("attribute: slope", "attribute: incline"))
    task = GymTask("Corridor-v0", tmp_path / "n.yaml")
    with pytest.raises(BadTask, match="has no attribute 'incline', which the mapping sets"):
        rollout(task, policy(task), 2, seed=1, size=2, threads=1)


def test_names_that_are_not_there():
    with pytest.raises(UnknownName, match=r"no Gymnasium environment 'CartPol-v1'\. Did you mean 'CartPole-v1'\?"):
        gym_task("gym:CartPol-v1")
    with pytest.raises(BadTask, match="gym:no_such_module:Env-v0 cannot be made"):
        gym_task("gym:no_such_module:Env-v0").about.rate_hz  # noqa: B018
    with pytest.raises(BadTask, match="says nowhere what success is"):
        gym_task("gym:Pendulum-v1").world(2)


def test_a_package_is_not_imported_because_a_file_says_so(tmp_path):
    declared = {"name": "gym:evil_module:Env-v0", "fields": {"type": "GymTask", "env": "evil_module:Env-v0"}}
    with pytest.raises(BadFolder, match="which imports a package. Name it: --task gym:evil_module:Env-v0"):
        recorded_task(declared, tmp_path)
    assert "evil_module" not in sys.modules


# ── policies of the user's own ───────────────────────────────────────────────────────────────────────────────────


def test_a_callable_by_module_and_attribute(tmp_path, monkeypatch):
    (tmp_path / "mine_for_test.py").write_text(
        "import numpy as np\n"
        "def left(seen):\n    return np.zeros(len(seen), int)\n"
        "class Right:\n    def __init__(self, task):\n        self.n = 0\n"
        "    def reset(self, ids, trials):\n        self.n += 1\n"
        "    def act(self, seen):\n        return np.ones(len(seen), int)\n"
        "def wide(seen):\n    return np.zeros((len(seen), 7))\n"
        "number = 3\n"
    )
    monkeypatch.chdir(tmp_path)
    task = gym_task("gym:CartPole-v1")
    left = resolve_policy("mine_for_test:left", task, seed=0)
    assert left.act(np.zeros((3, 4))).tolist() == [[1.0, 0.0]] * 3
    right = resolve_policy("mine_for_test:Right", task, seed=0)
    assert right.act(np.zeros((3, 4))).tolist() == [[0.0, 1.0]] * 3
    assert left.sha256 == right.sha256
    assert len(left.sha256) == 64
    with pytest.raises(BadPolicy, match=r"answered with the shape \(3, 7\) for 3 observations; \(3, 2\) was expected"):
        resolve_policy("mine_for_test:wide", task, seed=0).act(np.zeros((3, 4)))
    with pytest.raises(BadPolicy, match="is int, which cannot be called"):
        resolve_policy("mine_for_test:number", task, seed=0)
    with pytest.raises(UnknownName, match="no attribute of mine_for_test 'lft'. Did you mean 'left'"):
        resolve_policy("mine_for_test:lft", task, seed=0)
    with pytest.raises(BadPolicy, match="There is no module 'nowhere_at_all'"):
        resolve_policy("nowhere_at_all:left", task, seed=0)
    folder = RunFolder.create(tmp_path / "run")
    qualify(left, task, ["success >= 0.5"], seed=1, folder=folder, block=16, max_trials=64, threads=1)
    with pytest.raises(BadPolicy, match="a module of Python. Name it to run it again: --policy mine_for_test:left"):
        recorded_policy(folder, task)
    sys.modules.pop("mine_for_test")


@pytest.mark.parametrize("index", [False, True])
@pytest.mark.parametrize("batch", [1, "n"])
def test_an_onnx_file_of_other_makers(tmp_path, batch, index):
    """Other names, no metadata, a batch of exactly one, an index instead of scores: it runs; a wrong width is said."""
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper

    from jangin.policy import OnnxPolicy

    weights = helper.make_tensor("w", TensorProto.FLOAT, [4, 2], [0, 0, 0, 0, -1, 1, 0, 0])
    nodes = [helper.make_node("MatMul", ["obs", "w"], ["logits"])]
    result = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [batch, 2])
    if index:
        nodes.append(helper.make_node("ArgMax", ["logits"], ["choice"], axis=1, keepdims=0))
        result = helper.make_tensor_value_info("choice", TensorProto.INT64, [batch])
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("obs", TensorProto.FLOAT, [batch, 4])], [result], [weights]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    task = gym_task("gym:CartPole-v1")
    found = OnnxPolicy(model.SerializeToString(), task)
    seen = np.array([[0, 0, 1, 0], [0, 0, -1, 0], [0, 0, 2, 0]], np.float32)
    assert found.act(seen).argmax(axis=1).tolist() == [1, 0, 1]
    with pytest.raises(BadPolicy, match="maps 4 numbers to .*; gym:Corridor-v0 has 2 observations and 1 actions"):
        OnnxPolicy(model.SerializeToString(), gym_task("gym:Corridor-v0"))
