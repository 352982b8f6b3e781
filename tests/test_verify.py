"""Laws of `verify`: the recomputed verdict is the recorded one; any change is named; no simulator is needed."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest

from conftest import environment
from jangin.errors import BadFolder
from jangin.evidence import first_difference
from jangin.qualify import qualify
from jangin.record import RunFolder, sha256_file
from jangin.task import Trials
from jangin.verify import verify
from toy import Toy, ToyExpert

TRIALS, VERDICT, PLAN = "evidence/trials.parquet", "evidence/verdict.json", "evidence/plan.yaml"


@pytest.fixture
def folder(tmp_path):
    """A finished qualification that is near the claimed rate, so that every number matters."""
    place = RunFolder.create(tmp_path / "run")
    qualify(
        ToyExpert(0.02),
        Toy(),
        ["success >= 0.95 @ 0.95"],
        seed=7,
        folder=place,
        block=64,
        max_trials=1280,
        baselines=False,
    )
    return place


def rehash(folder, key, name):
    """Make verdict.json name the file as it is now, as a forger would."""
    recorded = folder.read_json(VERDICT)
    recorded["hashes"][key] = sha256_file(folder / name)
    folder.write_json(VERDICT, recorded)


@pytest.mark.parametrize(
    ("policy", "task", "word"),
    [
        (ToyExpert(0.08), Toy(), "QUALIFIED"),
        (ToyExpert(0.08), Toy(bias_m=0.03), "NOT_QUALIFIED"),
        (ToyExpert(0.02), Toy(), "UNDECIDED"),
        (ToyExpert(0.08), Toy(invalid_every=100), "INVALID"),
        (ToyExpert(0.08), Toy(success_at_reset=True), "INVALID"),
    ],
)
@pytest.mark.parametrize("sealed", [False, True])
def test_every_verdict_verifies(tmp_path, policy, task, word, sealed):
    """What is recomputed from plan and trials is, value by value, what qualify returned, with its exit code."""
    place = RunFolder.create(tmp_path / "run")
    verdict = qualify(policy, task, seed=7, folder=place, block=128, max_trials=512)
    if sealed:
        place.seal()
    again = verify(place.path)
    assert again == verdict
    assert again.verdict == word
    assert again.exit_code == verdict.exit_code


def test_needs_no_simulator(folder):
    """It runs in a process where mujoco, torch and onnxruntime cannot be imported."""
    code = (
        "import sys\n"
        "for name in ('mujoco', 'torch', 'onnxruntime'): sys.modules[name] = None\n"
        "from jangin.verify import verify\n"
        f"print(verify({str(folder.path)!r}).verdict)"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True)
    assert done.stdout == "QUALIFIED\n"


def different(folder):
    """The sentence of a verdict that does not verify."""
    verdict = verify(folder)
    assert (verdict.verdict, verdict.exit_code, verdict.claims) == ("INVALID", 4, ())
    assert verdict.sentence == f"Not verified: {verdict.reasons[0]}"
    return verdict.reasons[0]


def test_a_changed_file_is_named(folder):
    """One byte in the trials, or the plan, is seen by its hash."""
    data = bytearray((folder / TRIALS).read_bytes())
    data[len(data) // 2] ^= 1
    folder.write_bytes(TRIALS, bytes(data))
    assert different(folder).endswith(f"{TRIALS} was changed after the verdict: its sha256 differs from verdict.json.")


def test_a_changed_plan_is_named(folder):
    """An easier claim, written in afterwards, is another plan."""
    folder.write_text(PLAN, folder.read_text(PLAN).replace("success >= 0.95", "success >= 0.9"))
    assert "plan.yaml was changed after the verdict" in different(folder)
    rehash(folder, "plan", PLAN)
    assert "trials.parquet was made under another plan than evidence/plan.yaml" in different(folder)


def test_an_inconsistent_plan_is_named(folder):
    """A plan whose parts disagree is no plan, whatever the hashes say."""
    folder.write_text(PLAN, folder.read_text(PLAN).replace("alpha_refute: 0.05", "alpha_refute: 0.5"))
    rehash(folder, "plan", PLAN)
    assert "does not say what its own parts say: it was edited" in different(folder)


def test_a_sealed_folder_is_checked_as_a_whole(folder):
    """After sealing, a file that was added or changed is seen too."""
    folder.seal()
    folder.write_text("report.html", "all good")
    assert "report.html is not in the manifest: it was added after the run." in different(folder)


def forge(folder, change):
    """Change the trials and repair every hash that can be repaired."""
    trials = folder.read_trials(TRIALS)
    columns = {k: v.copy() for k, v in trials.columns.items()}
    folder.write_trials(TRIALS, dataclasses.replace(trials, columns=change(columns)))
    rehash(folder, "trials", TRIALS)


def test_failures_turned_into_successes_are_seen_by_the_numbers(folder):
    """With repaired hashes, the recorded numbers are no longer those of the trials."""

    def better(c):
        failed = c["outcome"] != "success"
        c["outcome"][failed], c["cycle_s"][failed] = "success", 1.0
        return c

    forge(folder, better)
    assert different(folder) == "The evidence has 320 trials, though the plan ends at 128."


def test_trials_dropped_or_chosen_are_seen(folder):
    """Trials left out, or reordered, are not whole blocks in trial order."""
    forge(folder, lambda c: {k: v[1:] for k, v in c.items()})
    assert different(folder) == "The rows are not whole blocks of 64 consecutive trials."


def test_stopping_early_is_not_following_the_plan(folder):
    """Whole blocks left out at the end make an undecided table that ends before its plan does."""
    forge(folder, lambda c: {k: v[:64] for k, v in c.items()})
    assert different(folder) == "The evidence ends undecided after 64 trials, though the plan goes on to 1,280."


def test_going_on_is_not_following_the_plan(folder):
    """Blocks added after the claims were settled are seen as well."""

    def longer(c):
        more = {k: np.concatenate([v, v[:64]]) for k, v in c.items()}
        return more | {"trial": np.arange(len(more["trial"]))}

    forge(folder, longer)
    assert "though the plan ends at" in different(folder)


def test_the_null_policies_cannot_be_left_out(folder):
    """Without the rows of zero and random actions nothing shows that the task needs a policy."""
    name = "evidence/baselines.parquet"
    table = folder.read_trials(name)
    keep = np.asarray(table["policy"]) == "zero"
    folder.write_trials(name, dataclasses.replace(table, columns={k: v[keep] for k, v in table.columns.items()}))
    rehash(folder, "baselines", name)
    assert different(folder).startswith("No trials with random actions are recorded")
    folder.write_trials(
        name, dataclasses.replace(table, columns={k: v for k, v in table.columns.items() if k != "policy"})
    )
    rehash(folder, "baselines", name)
    assert different(folder).startswith("The baselines have no column 'policy'")


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("verdict", "NOT_QUALIFIED", "verdict is 'NOT_QUALIFIED' in verdict.json, but the trials give 'QUALIFIED'."),
        ("trials", 999_999, "trials is 999999 in verdict.json, but the trials give "),
        ("sentence", "Trust me.", "sentence is 'Trust me.' in verdict.json, but the trials give 'Qualified: "),
        ("not_shown", [], "not_shown is [] in verdict.json"),
        ("extra", 1, "extra is unknown in verdict.json."),
    ],
)
def test_a_changed_verdict_is_named(folder, key, value, said):
    """Whatever is altered in verdict.json differs from what the trials give, and is named with both values."""
    recorded = folder.read_json(VERDICT)
    folder.write_json(VERDICT, {**recorded, key: value})
    assert different(folder).startswith(said)


def test_a_better_bound_is_named(folder):
    """A bound that was polished in the fourth digit is named by its place."""
    recorded = folder.read_json(VERDICT)
    recorded["claims"][0]["bound"] += 1e-4
    folder.write_json(VERDICT, recorded)
    assert different(folder).startswith("claims[0].bound is 0.9")


def test_nothing_to_verify(tmp_path, folder):
    """A folder without a verdict, without trials, or with a damaged verdict is wrong input, in one sentence."""
    empty = RunFolder.create(tmp_path / "empty")
    with pytest.raises(BadFolder, match=r"has no evidence/verdict\.json"):
        verify(empty)
    with pytest.raises(BadFolder, match="There is no run folder"):
        verify(tmp_path / "nowhere")
    folder.write_text(VERDICT, "{")
    with pytest.raises(BadFolder, match="is damaged"):
        verify(folder)
    folder.write_text(VERDICT, "[]")
    with pytest.raises(BadFolder, match="holds no verdict"):
        verify(folder)
    folder.remove(TRIALS)
    with pytest.raises(BadFolder, match="there is no evidence to verify"):
        verify(folder)


def test_first_difference():
    """Nested values are compared in order; floats within 1e-9, everything else exactly."""
    a = {"x": [1, {"y": 0.5}], "z": "s"}
    assert first_difference(a, json.loads(json.dumps(a)), file="verdict.json") == ""
    assert first_difference({"x": 0.1 + 0.2}, {"x": 0.3}, file="verdict.json") == ""
    assert first_difference(a, {"x": [1, {"y": 0.25}], "z": "s"}, file="verdict.json").startswith(
        "x[1].y is 0.5 in verdict.json, but"
    )
    assert first_difference({"n": 1}, {"n": True}, file="verdict.json").startswith("n is 1")
    assert first_difference({}, {"n": 1}, file="verdict.json") == "n is missing from verdict.json."
    assert first_difference({"a": "old"}, {"a": "new"}, skip=("a",), file="verdict.json") == ""


def test_tables_of_other_makers_are_not_trusted(folder):
    """A trials table without the plan's columns is named, not a traceback."""
    folder.write_trials(TRIALS, Trials({"trial": np.arange(3)}))
    rehash(folder, "trials", TRIALS)
    assert "was made under another plan" in different(folder)
    folder.write_trials(TRIALS, Trials({"trial": np.arange(3)}, meta={"plan": sha256_file(folder / PLAN)}))
    rehash(folder, "trials", TRIALS)
    assert "reads 'outcome'; the trials have:" in different(folder)
