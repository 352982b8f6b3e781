"""Laws of ship: what is signed is what was qualified, said in full, and never replaced or half written."""

from __future__ import annotations

import datetime
import hashlib
import json
import shutil
import zipfile
from dataclasses import dataclass

import numpy as np
import pytest
import yaml
from cryptography.hazmat.primitives import serialization

from jangin import __version__
from jangin.bundle import GOLDEN, read, unpack_array
from jangin.errors import BadFolder, BadPolicy, JanginError, Refused
from jangin.policy import OnnxPolicy
from jangin.record import RunFolder
from jangin.ship import golden, ship
from jangin.task import Channel, Signals, sha256_of, task_declaration
from shipped import KEY, expected_action, finished_folder, linear_policy, metadata
from toy import Toy

NOON = datetime.datetime(2026, 11, 25, 12, 0, 0, tzinfo=datetime.UTC)


@pytest.fixture
def key(tmp_path):
    """A file with a signing key."""
    path = tmp_path / "signing.key"
    path.touch(0o600)
    plain = serialization.NoEncryption()
    path.write_bytes(KEY.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    return path


def refusal(error, task, folder, key, **options) -> str:
    """The sentence with which this is refused; nothing was written."""
    before = folder.files()
    with pytest.raises(error) as e:
        ship(task, folder, key=key, **options)
    assert folder.files() == before
    assert "\n" not in str(e.value)
    return str(e.value)


# ── what goes in ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_bundle_holds_the_folders_files_as_they_are(tmp_path, key):
    """Policy, task, plan, trials, verdict and report are the folder's own bytes."""
    folder = finished_folder(tmp_path / "peg")
    files = {n: (folder / n).read_bytes() for n in folder.files()}
    shipped = ship(Toy(), folder, key=key)
    assert shipped.path == folder / "peg.bundle"
    with zipfile.ZipFile(shipped.path) as z:
        assert {n: z.read(n) for n in files} == files
        assert set(z.namelist()) == set(files) | {"bundle.yaml", "signature.json", *GOLDEN}
    opened = read(shipped.path, trust=shipped.signer)
    assert opened.bundle.sha256 == shipped.sha256 == hashlib.sha256(shipped.path.read_bytes()).hexdigest()


def test_the_manifest_says_what_the_task_and_the_verdict_say(tmp_path, key):
    """Identity, timing, channels, conditions, limits, claims and verdict are the declared and recorded ones."""
    task = Toy()
    shipped = ship(task, finished_folder(tmp_path / "peg"), key=key, name="point-7", version="2.1.0", created=NOON)
    said = shipped.manifest
    assert said["schema"] == "jangin-bundle/1"
    assert said["identity"] == {
        "name": "point-7",
        "version": "2.1.0",
        "created": "2026-11-25T12:00:00Z",
        "jangin": __version__,
        "task": "toy/point",
        "task_sha256": sha256_of(task_declaration(task)),
        "policy_sha256": sha256_of(linear_policy()),
        "robot": {"robot": "point"},
    }
    assert said["timing"] == {"rate_hz": 20.0, "period_ms": 50.0, "deadline_ms": 50.0}
    (inputs,), (outputs,) = said["io"]["inputs"], said["io"]["outputs"]
    assert [c["name"] for c in inputs["channels"]] == ["x", "y", "goal_x", "goal_y", "force"]
    force = {"name": "force", "unit": "N", "frame": "tool", "range": [-100.0, 100.0], "noise": 0.01}
    assert inputs["channels"][-1] == force
    assert [c["range"] for c in outputs["channels"]] == [[-0.1, 0.1]] * 2
    wind = {"type": "Uniform", "low": -0.1, "high": 0.1}
    assert said["conditions"][2] == {"name": "wind_m_s", "unit": "m/s", "doc": "drift along x", "distribution": wind}
    assert said["limits"] == {"force_n": 30.0}
    assert said["verdict"]["verdict"] == "QUALIFIED"
    claim = {"claim": "success >= 0.5 @ 0.95", "n": 64, "successes": 64, "bound": 0.92, "decision": "supported"}
    assert said["verdict"]["claims"] == [claim]
    assert "is not a safety function" in said["warnings"][0]
    assert shipped.notes == ("The folder has no evidence/baselines.parquet, so the bundle carries none.",)


def test_the_manifest_in_the_file_is_readable(tmp_path, key):
    """bundle.yaml is YAML in the order of the schema, short values on one line, numbers as numbers."""
    shipped = ship(Toy(), finished_folder(tmp_path / "peg"), key=key)
    with zipfile.ZipFile(shipped.path) as z:
        text = z.read("bundle.yaml").decode()
    assert text.startswith("schema: jangin-bundle/1\nidentity:\n  name: peg\n")
    assert yaml.safe_load(text) == shipped.manifest
    assert "\ntiming: {rate_hz: 20.0, period_ms: 50.0, deadline_ms: 50.0}\n" in text
    assert "  distribution: {type: Uniform, low: -0.1, high: 0.1}\n" in text


def test_the_same_folder_key_and_time_give_the_same_bytes(tmp_path, key):
    """Shipping depends on nothing else: not on the place, not on the clock when a time is given."""
    finished_folder(tmp_path / "a" / "peg")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    made = [ship(Toy(), RunFolder.open(tmp_path / d / "peg"), key=key, created=NOON) for d in "ab"]
    assert made[0].path.read_bytes() == made[1].path.read_bytes()
    later = ship(Toy(), RunFolder.open(tmp_path / "a" / "peg"), key=key, name="c", created=NOON.replace(hour=13))
    assert later.manifest["identity"]["created"] == "2026-11-25T13:00:00Z"


def test_a_channel_without_a_range_is_written_as_text(tmp_path, key):
    """An infinite bound is "-inf" or "inf" in the file, and the tolerance then follows the golden answers."""

    @dataclass(frozen=True)
    class Free(Toy):
        action = Signals((Channel("dx", "m", "base"), Channel("dy", "m", "base", -0.1)))

    shipped = ship(Free(), finished_folder(tmp_path / "peg", Free()), key=key)
    ranges = [c["range"] for c in shipped.manifest["io"]["outputs"][0]["channels"]]
    assert ranges[0] == ["-inf", "inf"]
    assert ranges[1] == [-0.1, "inf"]
    assert all(0 < t <= 1e-4 * 0.07001 for t in shipped.manifest["golden"]["tolerance"])


def test_the_folder_is_sealed_with_the_bundle_in_it(tmp_path, key):
    """After shipping the folder's manifest holds every file, and a second bundle may join under another name."""
    folder = finished_folder(tmp_path / "peg")
    ship(Toy(), folder, key=key)
    folder.check()
    ship(Toy(), folder, key=key, name="peg-b")
    folder.check()
    assert {"peg.bundle", "peg-b.bundle"} <= set(folder.files())


def test_a_new_key_is_said(tmp_path):
    """The first bundle of a user makes the key, and the result says where it is."""
    shipped = ship(Toy(), finished_folder(tmp_path / "peg"), key=tmp_path / "config" / "signing.key")
    assert shipped.notes[0].startswith(f"A new signing key was made: {tmp_path / 'config' / 'signing.key'}.")
    assert read(shipped.path, trust=tmp_path / "config" / "signing.key.pub").pinned


def test_a_folder_without_a_report_ships(tmp_path, key):
    """The report is carried if it is there; its absence is noted."""
    folder = finished_folder(tmp_path / "peg")
    (folder / "report.html").unlink()
    folder.seal()
    shipped = ship(Toy(), folder, key=key)
    assert "report.html" not in shipped.manifest["files"]
    assert "The folder has no report.html, so the bundle carries none." in shipped.notes


# ── golden vectors ───────────────────────────────────────────────────────────────────────────────────────────────


def test_golden_observations_are_those_of_the_evidences_own_trials(tmp_path, key):
    """The first 16 rows are what the evidence's world shows at the start of trials 0 to 15; then come later steps."""
    folder = finished_folder(tmp_path / "peg", seed=7)
    opened = read(ship(Toy(), folder, key=key).path)
    seen, answers = (unpack_array(opened.members[n], (64, w), n) for n, w in zip(GOLDEN, (5, 2)))
    world = Toy().world(16, seed=7, purpose="evidence")
    world.reset(np.arange(16), np.arange(16))
    np.testing.assert_array_equal(seen[:16], world.observe())
    started = np.abs(seen[:, :2]).max(axis=1) < 0.01
    assert started[:16].all()
    assert started[16:].sum() < 8  # most of the rest are on their way
    np.testing.assert_allclose(answers, expected_action(seen), rtol=0, atol=1e-7)


def test_golden_answers_are_given_alone_and_the_tolerance_follows_the_range(tmp_path):
    """64 rows, bit for bit what a batch of one answers; 1e-4 of an action's range is the tolerance."""
    folder = finished_folder(tmp_path / "peg")
    policy = OnnxPolicy(linear_policy(), Toy())
    seen, answers, tolerance = golden(Toy(), policy, folder.read_trials("evidence/trials.parquet"))
    assert seen.shape == (64, 5)
    assert len(np.unique(seen, axis=0)) == 64
    np.testing.assert_array_equal(answers, np.concatenate([policy.act(row[None]) for row in seen]))
    assert tolerance == [2e-5, 2e-5]


def test_a_policy_whose_answers_depend_on_the_batch_is_refused(tmp_path, key):
    """Its evidence, made in batches, says nothing about a machine that asks one at a time."""
    folder = finished_folder(tmp_path / "peg", policy=linear_policy(kind="batch"))
    assert "answers otherwise in a batch of" in refusal(BadPolicy, Toy(), folder, key)


def test_a_policy_that_answers_with_no_number_is_refused(tmp_path, key):
    """NaN is never golden."""
    folder = finished_folder(tmp_path / "peg", policy=linear_policy(kind="nan"))
    assert "not a finite number" in refusal(BadPolicy, Toy(), folder, key)


# ── what is refused ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("verdict", ["NOT_QUALIFIED", "UNDECIDED", "INVALID"])
def test_only_qualified_ships_unless_told(tmp_path, key, verdict):
    """Without --allow-unqualified nothing is made; with it the bundle says so in its verdict and its warnings."""
    folder = finished_folder(tmp_path / "peg", verdict=verdict)
    text = refusal(Refused, Toy(), folder, key)
    assert f"is {verdict}, so this policy is not shipped" in text
    assert "--allow-unqualified" in text
    shipped = ship(Toy(), folder, key=key, allow_unqualified=True)
    assert shipped.manifest["verdict"]["verdict"] == verdict
    assert f"The verdict is {verdict}" in shipped.manifest["warnings"][-1]


@pytest.mark.parametrize(
    "name", ["policy.onnx", "task.json", "evidence/plan.yaml", "evidence/verdict.json", "report.html"]
)
def test_a_sealed_folder_that_was_changed_is_refused(tmp_path, key, name):
    """One byte more in any file of a sealed folder, and nothing is signed."""
    folder = finished_folder(tmp_path / "peg")
    with open(folder / name, "ab") as f:
        f.write(b"\n")
    assert f"{folder / name} was changed after the run" in refusal(BadFolder, Toy(), folder, key)


@pytest.mark.parametrize("name", ["policy.onnx", "evidence/plan.yaml", "evidence/trials.parquet"])
def test_a_verdict_about_other_files_is_refused(tmp_path, key, name):
    """Also where the folder was sealed again, or never: the verdict's own hashes bind policy, plan and trials."""
    folder = finished_folder(tmp_path / "peg")
    with open(folder / name, "ab") as f:
        f.write(b"\n")
    folder.seal()
    assert f"is not about its {name}" in refusal(BadFolder, Toy(), folder, key)
    (folder / "manifest.json").unlink()
    assert f"is not about its {name}" in refusal(BadFolder, Toy(), folder, key)


@pytest.mark.parametrize("name", ["policy.onnx", "task.json", "evidence/plan.yaml", "evidence/trials.parquet"])
def test_an_unfinished_folder_is_refused(tmp_path, key, name):
    """Whatever is missing is named, and what to do about it."""
    folder = finished_folder(tmp_path / "peg")
    (folder / name).unlink()
    assert refusal(BadFolder, Toy(), folder, key) == (
        f"{folder.path} has no {name}: there is nothing to ship yet. Run qualify on it first."
    )


def test_a_damaged_verdict_is_refused(tmp_path, key):
    """A verdict.json that holds something else is said to be none."""
    folder = finished_folder(tmp_path / "peg")
    true = folder.read_json("evidence/verdict.json")
    for values in ([], {}, 3, {"hashes": 1}, true | {"claims": [1]}, true | {"hashes": {}}):
        folder.write_json("evidence/verdict.json", values)
        folder.seal()
        assert "is not a verdict that this version reads" in refusal(BadFolder, Toy(), folder, key)
    for values in (true | {"claims": []}, true | {"verdict": "PERFECT"}, true | {"sentence": 3}):
        folder.write_json("evidence/verdict.json", values)
        folder.seal()
        assert "verdict" in refusal(Refused, Toy(), folder, key, allow_unqualified=True)


def test_another_task_than_the_qualified_one_is_refused(tmp_path, key):
    """The same name with another field is another task."""
    folder = finished_folder(tmp_path / "peg")
    text = refusal(Refused, Toy(bias_m=0.02), folder, key)
    assert "is about another toy/point than the one given here" in text
    shipped = ship(Toy(physics="training"), folder, key=key)  # its evidence physics are the same
    assert shipped.manifest["identity"]["task_sha256"] == sha256_of(task_declaration(Toy()))


def permuted() -> str:
    """The observation's description with x and y exchanged."""
    channels = json.loads(metadata(Toy())["jangin.observation"])
    return json.dumps([channels[1], channels[0], *channels[2:]])


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"task": None}, "its metadata lacks 'jangin.task'"),
        ({"rate_hz": None}, "its metadata lacks 'jangin.rate_hz'"),
        ({"observation": None}, "its metadata lacks 'jangin.observation'"),
        ({"action": None}, "its metadata lacks 'jangin.action'"),
        ({"task": "toy/line"}, "it was made for the task 'toy/line', not 'toy/point'"),
        ({"rate_hz": "25.0"}, "it was made for 25 Hz, not 20 Hz"),
        ({"rate_hz": "fast"}, "its metadata cannot be read"),
        ({"observation": permuted()}, "y where the task has x"),
    ],
)
def test_a_policy_that_says_otherwise_is_refused(tmp_path, key, changed, said):
    """A policy names its task, rate and channels in order, and they are the task's."""
    folder = finished_folder(tmp_path / "peg", policy=linear_policy(**changed))
    assert said in refusal(BadPolicy, Toy(), folder, key)


def test_a_bundle_is_never_replaced(tmp_path, key):
    """A second bundle of the same name is refused; the first stays as it was."""
    folder = finished_folder(tmp_path / "peg")
    first = ship(Toy(), folder, key=key)
    assert f"{first.path} exists and is not replaced" in refusal(BadFolder, Toy(), folder, key)
    assert read(first.path).bundle.sha256 == first.sha256


@pytest.mark.parametrize("name", ["", "../x", "a/b", "a b", ".x", "x" * 65])
def test_a_name_that_is_no_file_name_is_refused(tmp_path, key, name):
    """Bundle names stay in the folder."""
    text = refusal(JanginError, Toy(), finished_folder(tmp_path / "peg"), key, name=name)
    assert text.startswith("The bundle's name is ")


def test_a_version_that_is_none_is_refused(tmp_path, key):
    """A version is short and has no spaces."""
    text = refusal(JanginError, Toy(), finished_folder(tmp_path / "peg"), key, version="one point oh")
    assert text.startswith("The bundle's version is 'one point oh', which does not have the form ")


def test_a_key_that_cannot_sign_stops_it(tmp_path, key):
    """Nothing is written when nothing can be signed."""
    key.chmod(0o644)
    assert "can be read by others" in refusal(JanginError, Toy(), finished_folder(tmp_path / "peg"), key)
