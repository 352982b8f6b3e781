"""bench: what is compared is the same work, what is printed is what was measured, no target is reached by default."""

import dataclasses
import json
import math
import os
import sys

import numpy as np
import pytest

from bench import __main__ as command
from bench.memory import peak
from bench.race import OURS, Judge, RaceSize, Run, _ratio, contest
from bench.rows import Row, Watch, table
from bench.sameness import differing_values, drawn_blocks
from bench.steady import Raw, Steady
from jangin.cell.tasks.peg_insert import PegInsert
from jangin.cell.tasks.reach import Reach
from jangin.task import Trials

# ── rows ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("ratio", "target", "less", "bound", "reached"),
    [
        (1.0, 1.0, False, "", True),
        (0.99, 1.0, False, "", False),
        (0.99, 1.0, True, "", True),
        (1.01, 1.0, True, "", False),
        (0.0, 0.0, True, "", True),
        (None, 1.0, False, "", None),
        (2.0, None, False, "", None),
        (2.5, 2.0, False, ">", True),  # at least 2.5 times: surely 2
        (1.5, 2.0, False, ">", None),  # at least 1.5 times: who knows
        (1.5, 2.0, False, "<", False),
        (2.5, 2.0, False, "<", None),
        (0.5, 1.0, True, "<", True),
        (0.5, 1.0, True, ">", None),
    ],
)
def test_a_target_is_reached_missed_or_open(ratio, target, less, bound, reached):
    """A bound decides only what every number on its side decides."""
    row = Row("what", "unit", [1.0], ratio=ratio, target=target, less_is_better=less, bound=bound)
    assert row.reached is reached


def test_the_value_is_the_median():
    """One slow run of three changes nothing."""
    assert Row("what", "s", [1.0, 90.0, 2.0]).value == 2.0
    assert Row("what", "s", [1.0, math.inf, math.inf]).value == math.inf


def test_rows_become_strict_json():
    """A run that did not get there is a text, not an Infinity that no other program reads."""
    row = Row("what", "s", [math.inf, 1.0, math.inf], details={"runs": [{"s": math.inf}]})
    plain = json.loads(json.dumps(row.plain(), allow_nan=False))
    assert plain["values"] == ["inf", 1.0, "inf"]
    assert plain["median"] == "inf"
    assert plain["details"]["runs"][0]["s"] == "inf"


def test_the_table_shows_number_ratio_target_and_verdict():
    """Each row is one line; a missed target is in capitals."""
    rows = [
        Row("speed", "steps/s", [5512.4], against="5,000 steps/s", ratio=1.102, target=1.0),
        Row("memory", "GB", [1.6], against="1.5 GB", ratio=1.07, target=1.0, less_is_better=True, note="1,000 trials"),
        Row("time", "s", [math.inf], ratio=3.0, bound=">", target=2.0),
    ]
    head, speed, memory, time_ = table(rows).splitlines()
    assert head.split() == ["what", "median", "unit", "ratio", "to", "target"]
    assert speed.split("  ")[0] == "speed"
    assert "5,512" in speed
    assert speed.endswith(">= 1    reached")
    assert memory.endswith("<= 1    MISSED; 1,000 trials")
    assert ">3.00" in time_
    assert " - " in time_


def test_a_watch_adds_up_only_what_it_is_around():
    """Processor time of a loop counts; what happens between two blocks does not."""
    watch = Watch()
    with watch:
        pass
    idle = watch.cpu_s
    sum(range(300_000))
    assert watch.cpu_s == idle
    with watch:
        sum(range(300_000))
    assert watch.cpu_s > idle
    assert watch.wall_s > 0


# ── the same work ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def peg_periods():
    """A few periods of the peg task with resets in between, recorded."""
    steady = Steady(PegInsert(physics="training", limit_s=0.2), nsim=6, threads=1, seed=3)
    return steady, steady.run(9)


def test_the_raw_rate_is_that_of_the_very_same_substeps(peg_periods):
    """Plain mujoco.batch, given the recorded states, fields and controls, ends every period in the same bits."""
    steady, (watch, periods) = peg_periods
    assert steady.ended >= 6  # trials ended and began anew
    raw_watch, differing = Raw(steady).replay(periods)
    assert differing == 0
    assert raw_watch.wall_s > 0
    assert watch.wall_s > 0


def test_a_replay_of_other_controls_is_noticed(peg_periods):
    """The check of the bits can fail: a control that is off by a microradian is seen."""
    steady, (_, periods) = peg_periods
    ctrl = periods[-1].ctrl.copy()
    ctrl[2, 3, 1] += 1e-6
    other = type(periods[-1])(periods[-1].state, periods[-1].fields, ctrl, periods[-1].after)
    _, differing = Raw(steady).replay([other])
    assert 0 < differing < periods[-1].after["qpos"].size * 2  # in one of six simulations


def test_recording_changes_nothing():
    """Recorded and unrecorded periods leave the same state."""
    one, other = (Steady(Reach(physics="training"), nsim=3, threads=1, seed=1) for _ in range(2))
    one.run(5)
    other.warm_up(5)
    np.testing.assert_array_equal(one.world.sim.batch.state, other.world.sim.batch.state)
    assert "advance" not in vars(one.world.sim)


def test_one_environment_at_a_time_is_the_same_task():
    """Gymnasium's environments see what the rows of one world of many simulations see, trial by trial, bit for bit."""
    pytest.importorskip("gymnasium")
    from bench.one_at_a_time import Vector

    task = Reach(physics="training", limit_s=0.4)
    steady, vector = Steady(task, nsim=3, threads=1, seed=1), Vector(task, 3, seed=1)
    np.testing.assert_array_equal(vector._seen, steady._seen)
    for _ in range(5):
        steady.warm_up(1)
        vector.run(1)
        np.testing.assert_array_equal(vector._seen, steady._seen)
    _, simulated = vector.run(7)  # period 10 ends all three trials by the clock, period 11 resets them
    assert simulated == 6 * 3


# ── sameness ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_blocks_are_drawn_without_repetition_and_hold_enough_trials():
    """As many blocks as the trials need, all different, from all over the first million."""
    blocks = drawn_blocks(1000, size=256, seed=0)
    assert len(set(blocks)) == 4
    assert all(0 <= b < 1_000_000 // 256 for b in blocks)
    assert max(blocks) > 1000
    assert drawn_blocks(1000, size=256, seed=1) != blocks


def test_differing_values_are_counted_by_their_bits():
    """0.0 and -0.0 differ, NaN equals itself, the chip does not count."""
    one = Trials(
        {
            "x": np.array([0.0, np.nan, np.inf]),
            "outcome": np.array(["a", "b", "c"], dtype=object),
            "chip": np.array(["p"] * 3, dtype=object),
        }
    )
    other = Trials({**one.columns, "chip": np.array(["q"] * 3, dtype=object)})
    assert differing_values(one, other) == 0
    changed = {"x": np.array([-0.0, np.nan, np.inf]), "outcome": np.array(["a", "b", "d"], dtype=object)}
    assert differing_values(one, Trials({**one.columns, **changed})) == 2
    assert differing_values(one, Trials({k: v for k, v in one.columns.items() if k != "x"})) == 3


# ── memory ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.skipif(not hasattr(os, "wait4"), reason="the system does not account for children")
def test_the_peak_is_the_commands_own():
    """200 MB of a child's are seen, the same amount of the caller's is not."""
    ballast = np.ones(25_000_000)  # in this process, touched
    small = peak([sys.executable, "-S", "-c", "pass"])
    large = peak([sys.executable, "-S", "-c", "x = bytearray(200_000_000)"])
    assert ballast.nbytes == 200_000_000
    assert small.code == large.code == 0
    assert small.resident < 60e6
    assert 200e6 < large.resident < 260e6


@pytest.mark.skipif(not hasattr(os, "wait4"), reason="the system does not account for children")
def test_a_command_that_fails_says_why():
    """Exit code and standard error come back."""
    failed = peak([sys.executable, "-S", "-c", "import sys; sys.stderr.write('why'); sys.exit(3)"])
    assert (failed.code, failed.errors) == (3, "why")


# ── the race ─────────────────────────────────────────────────────────────────────────────────────────────────────


class Runner:
    """A contestant whose policy is right from its third iteration on."""

    def __init__(self, right, *, iterations=100):
        self.right, self.steps, self.iterations = right, 0, iterations

    def advance(self):
        self.steps += 10
        return self.steps < 10 * self.iterations

    def act(self, observation):
        good = self.steps >= 30
        return self.right(observation) if good else np.zeros((len(observation), 5), np.float32)

    def close(self):
        pass


@pytest.fixture(scope="module")
def reach():
    """The task, its expert in [-1, 1], and a judge."""
    task = Reach(physics="training")
    expert, half = task.expert(), task.action.high
    return lambda seen: expert.act(seen) / half, Judge(task, trials=8, threads=1)


def test_the_judge_counts_successes_of_the_same_trials(reach):
    """The expert reaches every goal, standing still none; asked again, the answer is the same."""
    right, judge = reach
    assert judge.success(right) == 1.0
    assert judge.success(lambda seen: np.zeros((len(seen), 5), np.float32)) == 0.0
    assert judge.success(right) == 1.0


def test_a_contest_ends_at_the_first_judgement_that_is_good_enough(reach):
    """Judged after every iteration, success comes at the third; the judge's own time is not on the clock."""
    right, judge = reach
    run = contest(Runner(right), judge, RaceSize(every_s=0.0, limit_s=60.0))
    assert [success for *_, success in run.curve] == [0.0, 0.0, 1.0]
    assert run.reached_steps == 30
    assert run.reached_s == run.clock_s == run.curve[-1][0] < 0.5  # three trivial iterations, three judgements


def test_a_contest_that_is_not_won_says_so(reach):
    """Time up, or nothing more to do: infinite, with a last judgement."""
    right, judge = reach
    late = contest(Runner(right), judge, RaceSize(every_s=100.0, limit_s=0.0))
    over = contest(Runner(right, iterations=2), judge, RaceSize(every_s=100.0, limit_s=60.0))
    assert late.reached_s == over.reached_s == math.inf
    assert len(late.curve) == len(over.curve) == 1


@pytest.mark.parametrize(
    ("theirs", "ours", "ratio", "bound"),
    [
        ([30.0, 20.0, 10.0], [5.0, 10.0, 15.0], 2.0, ""),
        ([math.inf, math.inf, 1.0], [40.0], 1.5, ">"),
        ([30.0], [math.inf], 0.5, "<"),
        ([math.inf], [math.inf], None, ""),
    ],
)
def test_the_ratio_of_times_is_one_sided_where_a_side_did_not_get_there(theirs, ours, ratio, bound):
    """Whoever did not get there took at least the limit, here 60 s; two who did not cannot be compared."""
    assert _ratio(theirs, ours, 60.0) == (ratio, bound)


def test_our_own_recipe_is_a_contestant():
    """`jangin ppo` advances, counts its steps, and acts in [-1, 1] for any number of rows."""
    pytest.importorskip("torch")
    from bench.learn_jangin import begin

    task = Reach(physics="training")
    learner = begin(task, seed=0, threads=1, recipe="ppo")
    try:
        assert learner.advance()
        assert learner.steps == 256 * 24
        action = learner.act(np.zeros((3, len(task.observation)), np.float32))
    finally:
        learner.close()
    assert action.shape == (3, 5)
    assert np.abs(action).max() <= 1.0


@pytest.mark.parametrize(("library", "module"), [("stable_baselines3", "learn_sb3"), ("rsl_rl", "learn_rsl_rl")])
def test_other_libraries_learn_on_our_slots(library, module):
    """One iteration each: as many steps as ours, and a policy that acts on any number of rows."""
    pytest.importorskip(library)
    import importlib

    task = Reach(physics="training")
    learner = importlib.import_module(f"bench.{module}").begin(task, seed=0, threads=1)
    try:
        assert learner.advance()
        assert learner.steps == 256 * 24
        assert learner.act(np.zeros((3, len(task.observation)), np.float32)).shape == (3, 5)
    finally:
        learner.close()


# ── the command ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_command_prints_the_table_and_keeps_every_run(monkeypatch, tmp_path, capsys):
    """Exit code 1 where a target was missed; the file holds rows, plan and machine."""
    rows = [Row("a", "s", [1.0], ratio=2.0, target=1.0), Row("b", "s", [math.inf], ratio=0.5, target=1.0)]
    monkeypatch.setattr(command, "_measure", lambda part, plan, folder: rows)
    out = tmp_path / "result.json"
    assert command.main(["--parts", "raw", "--pairs", "2", "--out", str(out)]) == 1
    printed = capsys.readouterr()
    assert "MISSED" in printed.out
    assert f"Every run is in {out}." in printed.out
    record = json.loads(out.read_text())
    assert [row["what"] for row in record["rows"]] == ["a", "b"]
    assert record["plan"]["parts"] == ["raw"]
    assert record["plan"]["size"]["pairs"] == 2
    assert record["before"]["cores"] >= 1
    assert list(tmp_path.iterdir()) == [out]
    assert command.main(["--quick", "--parts", "raw", "--out", str(out)]) == 0  # too little to judge speed by
    rows[1] = dataclasses.replace(rows[1], timed=False)
    assert command.main(["--quick", "--parts", "raw", "--out", str(out)]) == 1
    rows.pop()
    assert command.main(["--parts", "raw", "--out", str(out)]) == 0


@pytest.mark.parametrize("wrong", [["--parts", "sped"], ["--pairs", "0"], ["--limit-s", "-1"], ["--seeds", "x"]])
def test_wrong_flags_end_with_code_2_and_a_sentence(wrong, capsys):
    """What came and what is allowed; no traceback."""
    with pytest.raises(SystemExit) as ended:
        command.main(wrong)
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert wrong[1] in error
    assert "Traceback" not in error


def test_an_unknown_task_ends_with_code_2_and_a_sentence(tmp_path, capsys):
    """Before anything is measured."""
    assert command.main(["--parts", "learn", "--task", "cell/raech", "--out", str(tmp_path / "x.json")]) == 2
    assert "There is no task 'cell/raech'. Did you mean 'cell/reach'?" in capsys.readouterr().err


def test_a_run_is_plain_values():
    """A run goes through JSON from the process it ran in, infinity included."""
    run = Run(math.inf, 10, 1.0, 2.0, [(1.0, 5, 0.5)])
    assert Run(**json.loads(json.dumps(vars(run)))).reached_s == math.inf
    assert OURS == "jangin ppo"
