"""Laws of run: a bundle does exactly what was qualified, or refuses with one sentence; the record hides nothing."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np
import pytest

import jangin.run.session as session
from conftest import environment
from jangin.bundle import decode, pack_array, read, unpack_array
from jangin.engine.rollout import rollout
from jangin.errors import JanginError, Refused, UnknownName
from jangin.policy import OnnxPolicy
from jangin.record import RunFolder
from jangin.run import Plant, Player, SimPlant, run
from jangin.ship import ship
from jangin.task import Limits, Signals
from shipped import KEY, expected_action, finished_folder, linear_policy, metadata, resigned
from toy import Toy

MEASURED = {"latency_p50_ms", "latency_p99_ms", "deadline_misses"}
ADDED = MEASURED | {"verdict", "limits_exceeded"}


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    """A bundle of the toy task, as ship makes it."""
    place = tmp_path_factory.mktemp("run")
    return ship(Toy(), finished_folder(place / "peg"), key=place / "signing.key")


@pytest.fixture
def bundle(shipped) -> Path:
    """Its path."""
    return shipped.path


@pytest.fixture
def changed(bundle, tmp_path):
    """Makes a bundle that was changed and signed anew: changed(manifest=..., policy_onnx=...) -> path."""
    numbers = count()

    def make(**changes) -> Path:
        path = tmp_path / f"changed-{next(numbers)}.bundle"
        path.write_bytes(resigned(bundle.read_bytes(), **changes))
        return path

    return make


def refusal(bundle: Path, task=None, **options) -> str:
    """The sentence with which a run is refused."""
    with pytest.raises(Refused) as e:
        run(bundle, task=task or Toy(), trials=1, seed=3, **options)
    assert "\n" not in str(e.value)
    return str(e.value)


class OneByOne(OnnxPolicy):
    """The same policy, asked for one row at a time."""

    def act(self, seen):
        return np.concatenate([super(OneByOne, self).act(row[None]) for row in seen])


# ── what it does ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_run_is_the_rollout_of_its_policy(tmp_path):
    """Twin: the plant's loop gives the rows of engine.rollout with the policy asked one row at a time, to the bit."""
    hurried = Toy(steps=7)
    made = ship(hurried, finished_folder(tmp_path / "peg", hurried), key=tmp_path / "key")
    log = run(made.path, task=hurried, trials=50, seed=3)
    twin = rollout(hurried, OneByOne(linear_policy(), hurried), 50, seed=3, purpose="run", size=50)
    assert set(log.trials.columns) == set(twin.columns) | ADDED
    for name, values in twin.columns.items():
        assert log.trials[name].dtype == values.dtype, name
        np.testing.assert_array_equal(log.trials[name], values, err_msg=name)
    assert 0 < log.successes < 50  # there are failures to count, too
    assert dict(log.trials.units) == dict(twin.units) | {"latency_p50_ms": "ms", "latency_p99_ms": "ms"}


def test_the_rows_do_not_depend_on_how_many_machines_there_are(bundle, monkeypatch):
    """One machine or sixteen, few trials or many: a trial is its number."""
    many = run(bundle, task=Toy(), trials=37, seed=3)
    few = run(bundle, task=Toy(), trials=5, seed=3)
    monkeypatch.setattr(session, "MACHINES", 1)
    one = run(bundle, task=Toy(), trials=37, seed=3)
    for name in set(many.trials.columns) - MEASURED:
        np.testing.assert_array_equal(many.trials[name], one.trials[name], err_msg=name)
        np.testing.assert_array_equal(many.trials[name][:5], few.trials[name], err_msg=name)
    other = run(bundle, task=Toy(), trials=5, seed=4)
    assert not np.array_equal(other.trials["goal_x_m"], few.trials["goal_x_m"])


def test_the_evidence_repeats_through_the_bundle(bundle):
    """On the evidence's own stream a plant gives the evidence's own outcomes: what was qualified is what runs."""
    evidence = RunFolder.open(bundle.parent).read_trials("evidence/trials.parquet")
    player = Player(read(bundle))
    plant = SimPlant(Toy(), seed=7, machines=64, purpose="evidence")
    plant.reset(np.arange(64))
    running, action = np.arange(64), np.zeros((64, 2), np.float32)
    while running.size:
        seen = plant.observe()
        for i in running:
            action[i] = player.act(seen[i])
        running = running[~plant.act(action, running)]
    rows = plant.record()
    assert rows["outcome"].tolist() == evidence["outcome"].tolist()
    np.testing.assert_array_equal(rows["cycle_s"], evidence["cycle_s"])


def test_the_log_says_what_ran(bundle, shipped):
    """Bundle, verdict, signer, plant, provider and seed are in the log; what a reader must know is in its notes."""
    log = run(bundle, task=Toy(), trials=3, seed=3)
    assert (log.bundle, log.bundle_sha256, log.name, log.version) == (str(bundle), shipped.sha256, "peg", "1")
    assert (log.verdict, log.signer, log.pinned) == ("QUALIFIED", shipped.signer, False)
    assert (log.plant, log.provider, log.seed, log.deadline_ms) == ("sim", "CPUExecutionProvider", 3, 50.0)
    assert "is not a safety function" in log.notes[0]
    assert log.notes[1:] == (
        f"The signer was not pinned: anybody could have signed this bundle. It was {shipped.signer}.",
    )
    assert set(log.trials["verdict"]) == {"QUALIFIED"}
    pinned = run(bundle, task=Toy(), trials=1, seed=3, trust=shipped.signer)
    assert pinned.pinned
    assert len(pinned.notes) == 1


def test_progress_counts(bundle):
    """progress(done, trials, successes) is called after every block, and ends with the whole."""
    calls = []
    log = run(bundle, task=Toy(), trials=40, seed=3, progress=lambda *c: calls.append(c))
    assert [c[:2] for c in calls] == [(16, 40), (32, 40), (40, 40)]
    assert [c[2] for c in calls] == [log.trials.head(n).successes for n in (16, 32, 40)]


def test_latency_and_deadline_are_counted_exactly(bundle, monkeypatch):
    """With a clock by hand, every fourth answer takes 60 ms and the others 2 ms: quantiles and misses are exact."""
    ticks = count()

    def clock() -> int:
        k = next(ticks)
        call, end = divmod(k, 2)
        return call * 10**9 + end * (60 if call % 4 == 3 else 2) * 10**6

    monkeypatch.setattr(session.time, "perf_counter_ns", clock)
    log = run(bundle, task=Toy(), trials=20, seed=3)
    calls = next(ticks) // 2
    assert (log.latency_p50_ms, log.latency_p99_ms, log.latency_max_ms) == (2.0, 60.0, 60.0)
    assert log.deadline_misses == calls // 4 == log.trials["deadline_misses"].sum() > 0
    late = log.trials["deadline_misses"] > 0
    np.testing.assert_array_equal(log.trials["latency_p99_ms"], np.where(late, 60.0, 2.0))
    assert set(log.trials["latency_p50_ms"]) <= {2.0, 60.0}


@dataclass(frozen=True)
class Tight(Toy):
    """The toy task with limits that its policy does not always keep, and one that nobody records."""

    limits = Limits(force_n=8.0, torque_nm=2.0)


def test_the_record_says_which_limits_were_exceeded(tmp_path):
    """A row names the limit whose peak is above it; the log has peak, count, and what is unrecorded."""
    made = ship(Tight(), finished_folder(tmp_path / "peg", Tight()), key=tmp_path / "key")
    log = run(made.path, task=Tight(), trials=60, seed=3)
    peak = log.trials["peak_force_n"]
    over = peak > 8.0
    assert 0 < over.sum() < 60
    assert log.trials["limits_exceeded"].tolist() == ["force_n" if o else "" for o in over]
    assert log.limits["force_n"] == session.LimitUse(limit=8.0, peak=float(peak.max()), over=int(over.sum()))
    assert log.limits_not_recorded == ("torque_nm",)


def test_a_peak_that_is_no_number_counts_as_exceeded(bundle):
    """NaN never means "kept"."""
    rows = run(bundle, task=Toy(), trials=2, seed=3).trials
    rows = dataclasses.replace(rows, columns={**rows.columns, "peak_force_n": np.array([1.0, np.nan])})
    ((name, limit, _, exceeded),) = session._limits({"force_n": 30.0, "workspace_low_m": [0.0, 0.0, 0.0]}, rows)
    assert (name, limit, exceeded.tolist()) == ("force_n", 30.0, [False, True])


def test_a_peak_that_is_no_number_is_recorded(bundle, tmp_path, monkeypatch):
    """A trial whose peak became NaN is in the files like any other, and its limit counts as exceeded."""
    record = SimPlant.record

    def broken(self):
        rows = record(self)
        return dataclasses.replace(rows, columns={**rows.columns, "peak_force_n": np.full(len(rows), np.nan)})

    monkeypatch.setattr(SimPlant, "record", broken)
    folder = RunFolder.create(tmp_path / "log")
    log = run(bundle, task=Toy(), trials=2, seed=3, folder=folder)
    assert folder.read_json("log.json")["limits"]["force_n"] == {"limit": 30.0, "peak": "nan", "over": 2}
    assert folder.read_trials("trials.parquet")["limits_exceeded"].tolist() == ["force_n"] * 2
    assert log.limits["force_n"].over == 2


def test_an_action_stays_in_its_range(changed):
    """The player clips to the manifest's range; a number that is none stays none, for the plant to stop at."""

    def narrow(m):
        for channel in m["io"]["outputs"][0]["channels"]:
            channel["range"] = [-0.01, 0.02]

    channels = json.loads(metadata(Toy())["jangin.action"])
    says = json.dumps([c | {"low": -0.01, "high": 0.02} for c in channels])
    player = Player(read(changed(manifest=narrow, policy_onnx=linear_policy(action=says))))
    np.testing.assert_array_equal(player.act(np.array([0, 0, 1, -1, 0], np.float32)), np.float32([0.02, -0.01]))
    assert np.isnan(player.act(np.full(5, np.nan, np.float32))).all()


def test_the_player_answers_as_the_policy(bundle):
    """One observation in, one action out, as in closed form."""
    player = Player(read(bundle))
    seen = np.random.default_rng(2).uniform(-0.5, 0.5, (20, 5)).astype(np.float32)
    got = np.stack([player.act(row) for row in seen])
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, expected_action(seen), rtol=0, atol=1e-7)


# ── the record ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_folder_gets_the_rows_and_the_log(bundle, tmp_path):
    """trials.parquet holds the rows, log.json all else as plain values, and the folder is sealed."""
    folder = RunFolder.create(tmp_path / "log")
    log = run(bundle, task=Toy(), trials=20, seed=3, folder=folder)
    assert folder.files() == ["log.json", "trials.parquet"]
    folder.check()
    rows = folder.read_trials("trials.parquet")
    assert list(rows.columns) == list(log.trials.columns)
    for name, values in log.trials.columns.items():
        np.testing.assert_array_equal(rows[name], values, err_msg=name)
    assert rows.meta["bundle_sha256"] == log.bundle_sha256
    assert rows.meta["purpose"] == "run"
    said = folder.read_json("log.json")
    assert (said["schema"], said["trials"], said["successes"], said["invalid"]) == (
        "jangin-log/1",
        20,
        log.successes,
        0,
    )
    assert said["limits"]["force_n"] == {"limit": 30.0, "over": 0, "peak": log.limits["force_n"].peak}
    assert (said["run_dir"], said["interrupted"], said["notes"]) == (str(folder.path), False, list(log.notes))


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_finished_trials_survive_an_interruption(bundle, tmp_path, error):
    """Ctrl-C or a crash after two blocks: the 32 finished rows are in the folder, and the log says so."""
    folder = RunFolder.create(tmp_path / "log")

    def stop(done, trials, successes):
        if done == 32:
            raise error

    with pytest.raises(error):
        run(bundle, task=Toy(), trials=100, seed=3, folder=folder, progress=stop)
    whole = run(bundle, task=Toy(), trials=32, seed=3)
    kept = folder.read_trials("trials.parquet")
    for name in set(kept.columns) - MEASURED:
        np.testing.assert_array_equal(kept[name], whole.trials[name], err_msg=name)
    assert folder.read_json("log.json")["interrupted"] is True
    folder.check()


def test_an_interruption_before_the_first_trial_leaves_nothing(bundle, tmp_path, monkeypatch):
    """There is no record of what did not happen."""

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(SimPlant, "reset", interrupt)
    folder = RunFolder.create(tmp_path / "log")
    with pytest.raises(KeyboardInterrupt):
        run(bundle, task=Toy(), trials=5, seed=3, folder=folder)
    assert folder.files() == []


# ── what is refused ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_bundle_that_is_not_whole_does_not_run(bundle, tmp_path):
    """Missing, cut off, changed: refused before anything is executed."""
    data = bundle.read_bytes()
    broken = tmp_path / "broken.bundle"
    assert refusal(tmp_path / "no.bundle").startswith("There is no bundle ")
    broken.write_bytes(data[:-100])
    assert "ends too early" in refusal(broken)
    broken.write_bytes(data.replace(b"policy.onnx", b"policy.onnY"))
    assert refusal(broken)
    at = data.index(b"jangin.observation") + 4
    broken.write_bytes(data[:at] + b"N" + data[at + 1 :])
    assert "The file policy.onnx in" in refusal(broken)


def test_an_untrusted_signer_does_not_run(bundle, changed):
    """A true bundle by somebody else is refused where a signer is pinned."""
    signer = read(bundle).bundle.signer
    other = changed(key=KEY)
    assert f"the trusted signer is {signer}" in refusal(other, trust=signer)
    assert run(other, task=Toy(), trials=1, seed=3).pinned is False


@pytest.mark.parametrize("verdict", ["NOT_QUALIFIED", "UNDECIDED", "INVALID"])
def test_only_qualified_runs_unless_told(tmp_path, verdict):
    """Without --allow-unqualified it does not start; with it every row, the log and the file say so."""
    place = finished_folder(tmp_path / "peg", verdict=verdict)
    path = ship(Toy(), place, key=tmp_path / "key", allow_unqualified=True).path
    assert f"is {verdict}: it does not run" in refusal(path)
    folder = RunFolder.create(tmp_path / "log")
    log = run(path, task=Toy(), trials=20, seed=3, allow_unqualified=True, folder=folder)
    assert log.verdict == verdict
    assert log.notes[-1] == f"The verdict of this bundle is {verdict}: it ran because it was told to."
    assert folder.read_trials("trials.parquet")["verdict"].tolist() == [verdict] * 20
    assert folder.read_json("log.json")["verdict"] == verdict


def permuted(signals: Signals) -> Signals:
    """The same channels with the first two exchanged."""
    a, b, *rest = signals.channels
    return Signals((b, a, *rest))


@dataclass(frozen=True)
class Permuted(Toy):
    observation = permuted(Toy.observation)


@dataclass(frozen=True)
class PermutedAction(Toy):
    action = permuted(Toy.action)


@dataclass(frozen=True)
class Inches(Toy):
    observation = Signals(tuple(dataclasses.replace(c, unit="in") if c.name == "y" else c for c in Toy.observation))


@dataclass(frozen=True)
class Longer(Toy):
    observation = Signals((*Toy.observation.channels, dataclasses.replace(Toy.observation.channels[0], name="z")))


@dataclass(frozen=True)
class Faster(Toy):
    rate_hz = 25.0


@dataclass(frozen=True)
class OtherRobot(Toy):
    model = {"robot": "line"}


@dataclass(frozen=True)
class OtherName(Toy):
    name = "toy/line"


@dataclass(frozen=True)
class OtherLimits(Toy):
    limits = Limits(force_n=31.0)


@pytest.mark.parametrize(
    ("task", "said"),
    [
        (Permuted(), "The inputs of this plant are not those of"),
        (Permuted(), "channel 0 is 'y' where the bundle has 'x'"),
        (PermutedAction(), "The outputs of this plant are not those of"),
        (PermutedAction(), "channel 0 is 'dy' where the bundle has 'dx'"),
        (Inches(), "the unit of y is 'in' where the bundle has 'm'"),
        (Longer(), "6 channels where the bundle has 5"),
        (Faster(), "is for a control rate of 20 Hz, and this plant runs at 25 Hz"),
        (OtherRobot(), "is for another robot: robot is 'line' here and 'point' in the bundle"),
        (OtherName(), "is for the task 'toy/point', and this plant does 'toy/line'"),
        (OtherLimits(), "was qualified for another toy/point than this plant's"),
        (Toy(bias_m=0.02), "was qualified for another toy/point than this plant's"),
    ],
)
def test_another_task_robot_rate_or_order_does_not_run(bundle, task, said):
    """Channels are compared by name, unit, frame and range, in order; nothing is permuted or converted silently."""
    assert said in refusal(bundle, task)


def test_nothing_is_simulated_for_a_bundle_that_does_not_fit(bundle, monkeypatch):
    """The world is made for a bundle that fits, and only then."""
    monkeypatch.setattr(Toy, "world", lambda *a, **k: pytest.fail("a world was made"))
    refusal(bundle, Toy(bias_m=0.02))


def swapped() -> str:
    """The observation's description with x and y exchanged."""
    a, b, *rest = json.loads(metadata(Toy())["jangin.observation"])
    return json.dumps([b, a, *rest])


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        (linear_policy(observation=swapped()), "in its observation, channel 0 is 'y' where the bundle has 'x'"),
        (linear_policy(observation=None), "its metadata lacks 'jangin.observation'"),
        (linear_policy(task="toy/line"), "it was made for the task 'toy/line'"),
        (linear_policy(rate_hz="25"), "it was made for 25 Hz, not 20 Hz"),
        (linear_policy(nobs=6), "maps 6 numbers to 2, and its bundle.yaml says 5 to 2"),
        (linear_policy(kind="one"), "takes 3 observations at a time, no more and no less"),
        (linear_policy(kind="nan"), "answers otherwise here than where it was qualified: nan for dx in golden row 0"),
        (b"no policy at all", "is not a policy that ONNX Runtime can load"),
    ],
)
def test_a_policy_that_is_not_the_bundles_does_not_run(changed, policy, said):
    """Even under a true signature: order, names, rate, shape and answers are those of bundle.yaml."""
    assert said in refusal(changed(policy_onnx=policy))


def test_golden_answers_must_repeat(bundle, changed):
    """An answer off by more than the tolerance is refused by row and channel; by less it is a chip's rounding."""
    opened = read(bundle)
    answers = unpack_array(opened.members["golden/action.npy"], (64, 2), "golden")
    tolerance = opened.manifest["golden"]["tolerance"][1]
    for error, refused in ((0.9, False), (1.1, True)):
        moved = answers.copy()
        moved[17, 1] += error * tolerance
        path = changed(golden__action_npy=pack_array(moved))
        if refused:
            text = refusal(path)
            assert "for dy in golden row 17, where" in text
            assert "answers otherwise here than where it was qualified" in text
        else:
            assert run(path, task=Toy(), trials=1, seed=3).successes in (0, 1)


def test_golden_vectors_of_another_shape_do_not_run(bundle, changed):
    """Their shape is what the manifest says."""
    assert "golden/action.npy is not 64 x 2" in refusal(changed(golden__action_npy=pack_array(np.zeros((64, 3)))))
    assert "golden/observation.npy is not 64 x 5" in refusal(
        changed(golden__observation_npy=pack_array(np.zeros((1, 5))))
    )


def test_only_the_provider_that_was_asked_for(bundle):
    """An execution provider that is not there is refused, never replaced by another."""
    text = refusal(bundle, provider="NoSuchExecutionProvider")
    assert text.startswith("The execution provider 'NoSuchExecutionProvider' is not installed here; there is: ")
    assert "CPUExecutionProvider" in text


def test_a_plant_or_a_count_that_is_none(bundle):
    """An unknown plant names the known one; no trials is no session."""
    with pytest.raises(UnknownName, match=r"There is no plant 'real'. There is: sim\."):
        run(bundle, on="real", task=Toy(), trials=1, seed=3)
    with pytest.raises(JanginError, match="A session of 0 trials does nothing"):
        run(bundle, task=Toy(), trials=0, seed=3)


# ── the robot's computer stays small ─────────────────────────────────────────────────────────────────────────────


def test_the_players_side_needs_numpy_and_onnxruntime_only(bundle):
    """Loading a bundle and acting, in a process of its own, imports no simulator, learner or table package."""
    code = f"""
import json, sys
import numpy as np
from jangin.bundle import read
from jangin.run.player import Player
player = Player(read({str(bundle)!r}))
action = player.act(np.array([0, 0, 0.3, 0.02, 0], np.float32))
heavy = ["mujoco", "torch", "scipy", "pyarrow", "pandas", "onnx", "numba", "jinja2", "tyro"]
print(json.dumps([action.tolist(), [m for m in heavy if m in sys.modules], "onnxruntime" in sys.modules]))
"""
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True)
    action, heavy, executed = json.loads(done.stdout)
    assert heavy == []
    assert executed
    here = Player(read(bundle)).act(np.array([0, 0, 0.3, 0.02, 0], np.float32))
    assert action == here.tolist()


def test_the_simulated_plant_is_a_plant(shipped):
    """SimPlant has every member of the protocol, and a player fits it."""
    plant = SimPlant(Toy(), seed=1)
    assert isinstance(plant, Plant)
    Player(decode(shipped.path.read_bytes(), shipped.path)).check_fits(plant)
