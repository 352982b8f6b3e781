"""learn(): every recipe learns the toy, to the same bits each time; it can be stopped and resumed; what is refused."""

from __future__ import annotations

import csv
import subprocess
import sys

import numpy as np
import pytest

from conftest import environment
from jangin.engine.rollout import rollout
from jangin.errors import BadFolder, BadPolicy, BadTask, JanginError, MissingExtra, UnknownName
from jangin.learn import Learned, Marks, Progress, find_recipe, learn, recipe_names
from jangin.learn.dagger import DAgger
from jangin.learn.learning import _budgeted
from jangin.learn.ppo import PPO
from jangin.learn.sac import SAC
from jangin.policy import OnnxPolicy
from jangin.record import RunFolder
from jangin.registry import find
from toy import Toy, ToyWorld

TASK = Toy()
MARKS = Marks(every=5_000, trials=128, final_trials=128)
RECIPES = {
    "sac": SAC(steps=30_000, demo_steps=4_000, warm_up=200, actor_hidden=(64, 64), critic_hidden=(64, 64)),
    "ppo": PPO(steps=45_000, nsim=64, batch=512, actor_hidden=(64, 64), critic_hidden=(64, 64)),
    "dagger": DAgger(steps=8_000, hidden=(64, 64)),
}
SHORT = SAC(steps=6_400, demo_steps=2_560, warm_up=50, actor_hidden=(32,), critic_hidden=(32,), refill=640)
OFTEN = Marks(every=1_600, trials=32, final_trials=32)


def folder(path, **more) -> RunFolder:
    return RunFolder.create(path / "run", **more)


def rows(done: Learned | RunFolder) -> list[dict[str, str]]:
    path = done.policy.parent if isinstance(done, Learned) else done.path
    with open(path / "curve.csv", encoding="utf-8", newline="") as f:
        return list(csv.DictReader(f))


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_every_recipe_learns_the_toy(name, tmp_path):
    """At least 95 % of trials nobody selected on, in the evidence physics, with the file that was written."""
    done = learn(TASK, recipe=RECIPES[name], seed=1, folder=folder(tmp_path), marks=MARKS, threads=1)
    policy = OnnxPolicy(done.policy.read_bytes(), TASK)
    assert rollout(TASK.at("evidence"), policy, 512, seed=1, purpose="evidence").successes >= 0.95 * 512
    assert done.measure.success >= 0.95
    assert policy.sha256 == done.sha256
    assert policy.metadata["jangin.recipe"] == name
    assert policy.metadata["jangin.seed"] == "1"


def test_joined_recipes_go_on_from_one_another(tmp_path):
    """The second recipe's first measure is of the first one's actor, not of a fresh one; the curve names the stages."""
    stages = (
        DAgger(steps=4_800, hidden=(32, 32)),
        SAC(steps=3_200, warm_up=10**6, actor_hidden=(32, 32), critic_hidden=(32,)),
    )
    done = learn(TASK, recipe=stages, seed=1, folder=folder(tmp_path), marks=OFTEN, threads=1)
    curve = rows(done)
    assert [r["stage"] for r in curve] == ["dagger"] * 3 + ["sac"] * 2
    assert [int(r["steps"]) for r in curve] == [1600, 3200, 4800, 6400, 8000]
    # its critics are warming up: the actor's weights are still the student's (its normaliser goes on)
    assert float(curve[3]["success"]) > 0.7
    assert OnnxPolicy(done.policy.read_bytes(), TASK).metadata["jangin.recipe"] == "dagger+sac"


def test_recipes_of_different_widths_cannot_be_joined(tmp_path):
    """A sentence, not a shape error from torch."""
    stages = (DAgger(steps=1_600, hidden=(16,)), SHORT)
    with pytest.raises(BadPolicy, match="hidden layers of 16 cannot go on as 32"):
        learn(TASK, recipe=stages, seed=1, folder=folder(tmp_path), marks=OFTEN)


@pytest.mark.parametrize(
    "recipe",
    [SHORT, PPO(steps=6_400, nsim=64, horizon=10, batch=256), DAgger(steps=3_200), "dagger+sac"],
    ids=["sac", "ppo", "dagger", "dagger+sac"],
)
def test_the_same_seed_gives_the_same_bits(recipe, tmp_path):
    """policy.onnx and every number of the curve but the clock's; another seed gives others."""
    if isinstance(recipe, str):
        recipe = (DAgger(steps=1_600, hidden=(32,)), SHORT)
    one, two, other = (
        learn(TASK, recipe=recipe, seed=seed, folder=folder(tmp_path / name), marks=OFTEN, threads=1)
        for name, seed in (("one", 4), ("two", 4), ("other", 5))
    )
    assert one.policy.read_bytes() == two.policy.read_bytes()
    assert one.sha256 != other.sha256
    clockless = [[{k: v for k, v in r.items() if k != "seconds"} for r in rows(d)] for d in (one, two)]
    assert clockless[0] == clockless[1]


def test_the_same_bits_at_one_and_two_threads(tmp_path):
    """On a simulated arm: the world's threads change nothing."""
    task = find("tasks", "cell/reach")()
    recipe = SAC(steps=960, nsim=16, demo_steps=320, warm_up=10, batch=32, actor_hidden=(32,), critic_hidden=(32,))
    done = [
        learn(
            task,
            recipe=recipe,
            seed=2,
            folder=folder(tmp_path / str(threads)),
            marks=Marks(every=480, trials=16, final_trials=16),
            threads=threads,
        )
        for threads in (1, 2)
    ]
    assert done[0].policy.read_bytes() == done[1].policy.read_bytes()


def test_the_curve_and_what_is_told(tmp_path):
    """One row per mark with the same columns; progress counts up to the budget; the best policy is what is written."""
    told: list[Progress] = []
    done = learn(TASK, recipe=SHORT, seed=1, folder=folder(tmp_path), marks=OFTEN, progress=told.append)
    curve = rows(done)
    assert [int(r["steps"]) for r in curve] == [1600, 3200, 4800, 6400]
    first = ["steps", "seconds", "stage", "success_recent", "success", "cycle_median_s", "cycle_q95_s"]
    assert list(curve[0])[:9] == [*first, "q99_peak_force_n", "score"]
    assert [float(r["seconds"]) for r in curve] == sorted(float(r["seconds"]) for r in curve)
    assert all(r["stage"] == "sac" for r in curve)
    assert done.stopped == "steps"
    assert done.steps == 6_400
    assert len(done.curve) == 4
    assert told[-1].stage == "select"
    assert all(t.budget == 6_400 and 0 <= t.steps <= 6_400 and t.seconds_left >= 0 for t in told)


def test_learning_stops_when_nothing_gets_better(tmp_path):
    """The claims stand at every one of the last marks: the rest of the budget is not spent."""
    recipe = DAgger(steps=60_000, hidden=(64, 64))
    done = learn(TASK, recipe=recipe, seed=1, folder=folder(tmp_path), marks=Marks(every=4_000, trials=64, patience=2))
    assert done.stopped == "settled"
    assert done.steps < 40_000


def test_the_clock_stops_it_with_a_policy(tmp_path):
    """budget_s ends learning with a last mark, so that there always is a policy."""
    done = learn(TASK, recipe=SHORT, seed=1, folder=folder(tmp_path), marks=OFTEN, budget_s=0.0)
    assert done.stopped == "clock"
    assert done.steps == SHORT.nsim
    OnnxPolicy(done.policy.read_bytes(), TASK)


def interrupt_at(steps):
    def progress(now: Progress) -> None:
        if now.steps >= steps:
            raise KeyboardInterrupt

    return progress


@pytest.fixture
def always_told(monkeypatch):
    """Progress at every iteration instead of twice a second, so that an interruption falls where the test wants it."""
    monkeypatch.setattr("jangin.learn.learning.TELL_EVERY_S", 0.0)


@pytest.mark.parametrize(
    "recipe",
    [SHORT, PPO(steps=6_400, nsim=64, horizon=10, batch=256), DAgger(steps=6_400)],
    ids=["sac", "ppo", "dagger"],
)
def test_an_interruption_leaves_the_best_so_far_and_can_be_gone_on_from(recipe, tmp_path, always_told):
    """Ctrl-C keeps policy, curve and checkpoint of the last mark; resume goes on from there to the end."""
    run = folder(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        learn(TASK, recipe=recipe, seed=1, folder=run, marks=OFTEN, progress=interrupt_at(3_500))
    before = rows(run)
    assert [int(r["steps"]) >= 1600 * (k + 1) for k, r in enumerate(before)] == [True, True]
    OnnxPolicy((run / "policy.onnx").read_bytes(), TASK)
    done = learn(TASK, recipe=recipe, seed=1, folder=run, marks=OFTEN, resume=True)
    after = rows(run)
    # columns that appeared later are empty in the rows before
    assert [{k: v for k, v in row.items() if k in before[0]} for row in after[:2]] == before
    steps = [int(r["steps"]) for r in after]
    assert steps == sorted(set(steps))
    assert done.steps == steps[-1] >= 6_400
    assert done.seconds >= float(before[-1]["seconds"])


def test_a_resumed_run_learns_from_trials_it_has_not_seen(tmp_path, always_told, monkeypatch):
    """Trial numbers go on from the checkpoint's; what was remembered is gathered anew, uncounted."""
    begun: list[int] = []
    reset = ToyWorld.reset

    def watched(self, ids, trials):
        if self.purpose == "learn":
            begun.extend(int(t) for t in trials)
        reset(self, ids, trials)

    monkeypatch.setattr(ToyWorld, "reset", watched)
    run = folder(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        learn(TASK, recipe=SHORT, seed=1, folder=run, marks=OFTEN, progress=interrupt_at(3_250))
    seen = set(begun)
    begun.clear()
    learn(TASK, recipe=SHORT, seed=1, folder=run, marks=OFTEN, resume=True)
    assert len(begun) == len(set(begun))
    # those that had begun after the last mark may come again: the checkpoint does not know of them
    assert len(seen & set(begun)) <= SHORT.nsim
    assert max(begun) > max(seen)


def test_a_finished_run_is_not_learned_again(tmp_path):
    """resume on a finished run gives the same policy; with more steps it goes on."""
    run = folder(tmp_path)
    done = learn(TASK, recipe=SHORT, seed=1, folder=run, marks=OFTEN)
    again = learn(TASK, recipe=SHORT, seed=1, folder=run, marks=OFTEN, resume=True)
    assert (again.sha256, again.steps, len(again.curve)) == (done.sha256, done.steps, len(done.curve))
    more = learn(TASK, recipe=SHORT, seed=1, folder=run, marks=OFTEN, resume=True, steps=8_000)
    assert more.steps == 8_000


def test_another_seeds_checkpoint_is_refused(tmp_path):
    """And a damaged one."""
    run = folder(tmp_path)
    learn(TASK, recipe=SHORT, seed=1, folder=run, marks=OFTEN, steps=3_200)
    with pytest.raises(BadFolder, match=r"checkpoint\.npz is of another task, seed or recipe\. Give the same ones"):
        learn(TASK, recipe=SHORT, seed=2, folder=run, marks=OFTEN, resume=True)
    run.write_bytes("checkpoint.npz", b"PK damaged")
    with pytest.raises(BadFolder, match="is not a whole checkpoint"):
        learn(TASK, recipe=SHORT, seed=1, folder=run, marks=OFTEN, resume=True)


def test_recipes_are_found_by_their_files():
    """The file is the registration; an unknown name gets the nearest and the way to join."""
    assert recipe_names() == ["dagger", "ppo", "sac"]
    assert find_recipe("sac") is SAC
    with pytest.raises(UnknownName, match=r"no recipe 'sacc'\. Did you mean 'sac'\? There is: dagger, ppo, sac\."):
        find_recipe("sacc")


def test_a_device_that_is_not_here_gets_a_sentence(tmp_path):
    """What came, why not, what there is."""
    for device in ("cuda:77", "abacus"):
        with pytest.raises(JanginError, match=rf"The device '{device}' is not here \(.*\); there is: cpu"):
            learn(TASK, recipe=SHORT, seed=1, folder=folder(tmp_path), device=device)
    assert not (tmp_path / "run" / "policy.onnx").exists()


def test_without_torch_there_is_a_pip_line(tmp_path, monkeypatch):
    """The extra is named."""
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtra, match=r"Learning needs the package 'torch': pip install 'jangin\[learn\]'"):
        learn(TASK, recipe="sac", seed=1, folder=folder(tmp_path))


class Alone(Toy):
    """Nobody to imitate."""

    def teacher(self):
        return None

    expert = teacher


def test_nobody_to_imitate(tmp_path):
    """DAgger says so; SAC begins with random actions."""
    with pytest.raises(BadTask, match=r"neither a teacher nor an expert to imitate\. Use the recipe 'ppo' or 'sac'\."):
        learn(Alone(), recipe="dagger", seed=1, folder=folder(tmp_path))
    done = learn(Alone(), recipe=SHORT, seed=1, folder=folder(tmp_path, resume=True), marks=OFTEN)
    assert done.steps == SHORT.steps


@pytest.mark.parametrize(("steps", "given"), [(None, [3_200, 6_400]), (800, [400, 400]), (20_000, [3_200, 16_800])])
def test_steps_of_joined_recipes(steps, given):
    """The last one takes what the others leave, at least half."""
    recipes = _budgeted((DAgger(steps=3_200), SAC(steps=6_400)), steps)
    assert [r.steps for r in recipes] == given


class Exploding(Toy):
    """A task whose reward is not a number."""

    def world(self, nsim, *, threads=0, seed=0, purpose="simulate"):
        world = super().world(nsim, threads=threads, seed=seed, purpose=purpose)
        step = world.step

        def broken(action, ids=None):
            done = step(action, ids)
            done.reward[:] = np.nan
            return done

        world.step = broken
        return world


def test_learning_that_diverges_stops_with_a_sentence(tmp_path):
    """A loss that is no number is not learned from any further."""
    with pytest.raises(JanginError, match=r"diverged at 1600 control steps: critic_loss is nan\. Try another seed"):
        learn(Exploding(), recipe=SHORT, seed=1, folder=folder(tmp_path), marks=OFTEN)


def test_importing_the_package_is_light():
    """Neither torch nor a simulator nor ONNX Runtime is loaded by `import jangin.learn`."""
    heavy = "torch mujoco onnx onnxruntime scipy pyarrow"
    code = f"import sys, jangin.learn; print([m for m in '{heavy}'.split() if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
