"""Laws of a comparison: it follows from the pairs, its plan is frozen, interruption changes nothing, what is no
evidence is INVALID, any change is noticed, and wrong input is one sentence."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from conftest import TESTS
from jangin.compare import MAX_TRIALS, PairProgress, compare, replay_pair
from jangin.errors import BadClaim, BadFolder, BadPolicy, BadTask, JanginError
from jangin.evidence.comparison import difference, judge_pairs, verify_comparison
from jangin.evidence.comparison_plan import read_comparison_plan
from jangin.evidence.faults import Rerun
from jangin.evidence.tables import by_policy, together
from jangin.record import RunFolder, read_trials
from jangin.stats.betting import BettingProcess
from jangin.stats.compare import log_e_better, mcnemar, tango
from jangin.stats.sequential import lower_bound
from toy import Toy, ToyExpert, ToyWorld

FILES = ["comparison/compare.json", "comparison/plan.yaml", "comparison/trials.parquet"]
TOY = f"{TESTS / 'toy.py'}:TASK"


class Failing(ToyExpert):
    """The toy's expert, but it does nothing in the trials that `bad` names, and remembers which it began."""

    def __init__(self, name, bad=lambda trial: False):
        super().__init__(0.08)
        self.name, self.bad, self.begun, self.still = name, bad, [], np.zeros(0, bool)

    def reset(self, ids, trials):
        self.begun.append(int(trials[0]))
        self.still = np.array([self.bad(int(t)) for t in trials])

    def act(self, seen):
        action = super().act(seen)
        action[self.still] = 0.0
        return action


NEW, OLD = Failing("new", lambda t: t == 40), Failing("old", lambda t: t % 5 == 2)


def run(place, a=NEW, b=OLD, task=None, **options):
    """A comparison on the toy with seed 7 and small blocks, unless said otherwise."""
    options = {"seed": 7, "block": 32, "max_trials": 320, **options}
    return compare(a, b, task or Toy(), folder=RunFolder.create(place, resume=True), **options)


class Stop:
    """A progress callback that raises KeyboardInterrupt at its n-th call."""

    def __init__(self, after):
        self.left = after

    def __call__(self, progress):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


# ── decisions ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_better_policy_is_found_where_the_pairs_say(tmp_path):
    """A pair is won in every fifth trial: the seventh win, trial 32, decides; all numbers are those of the pairs."""
    found = run(tmp_path / "a")
    assert (found.decision, found.exit_code, found.pairs, found.decided_at) == ("BETTER", 0, 64, 33)
    assert found.sentence == "A (new) succeeds more often than B (old) on toy/point: shown after 33 of 64 pairs."
    assert (found.won, found.lost, found.a.alone, found.b.alone) == (13, 1, tuple(range(2, 64, 5)), (40,))
    assert (found.a.name, found.a.successes, found.b.name, found.b.successes) == ("new", 63, "old", 51)
    assert found.log_e_for == pytest.approx(float(log_e_better(7, 0)))
    assert found.log_threshold == pytest.approx(np.log(20))
    assert found.log_e_against == pytest.approx(float(log_e_better(0, 7)))
    assert (found.mcnemar_p, found.mcnemar_mid_p) == (mcnemar(13, 1), mcnemar(13, 1, mid=True))
    assert (found.tango_low, found.tango_high) == tango(13, 1, 64)
    assert 0.0 < found.low < 12 / 64 < found.high < 1.0
    begin, d = BettingProcess.begin(margin=0.0, alpha=0.05), _difference(tmp_path / "a")
    assert (found.low, found.high) == (begin.extended(d).bound(), -begin.extended(-d).bound())
    assert lower_bound(63, 1, 0.05) <= found.a.low < 63 / 64 <= found.a.high <= 1.0
    assert RunFolder.open(tmp_path / "a").files() == FILES
    assert found.run_dir == str(tmp_path / "a")


def _difference(place):
    return difference(by_policy(read_trials(place / FILES[2])))


def test_the_other_way_round_everything_is_mirrored(tmp_path):
    """B against A: WORSE after as many pairs, with the bounds and the evidence exchanged."""
    a, b = run(tmp_path / "a"), run(tmp_path / "b", a=OLD, b=NEW)
    assert (b.decision, b.exit_code, b.decided_at, b.won, b.lost) == ("WORSE", 1, a.decided_at, a.lost, a.won)
    assert b.sentence == "B (new) succeeds more often than A (old) on toy/point: shown after 33 of 64 pairs."
    assert (b.low, b.high, b.tango_low, b.tango_high) == pytest.approx((-a.high, -a.low, -a.tango_high, -a.tango_low))
    assert (b.log_e_for, b.log_e_against, b.mcnemar_p) == pytest.approx((a.log_e_against, a.log_e_for, a.mcnemar_p))


def test_a_margin_is_shown_or_refuted(tmp_path):
    """Two policies that never differ are no worse by 0.05 than each other; one that fails a fifth of the time is."""
    same = run(tmp_path / "a", a=Failing("twin"), b=Failing("other"), margin=0.05)
    assert (same.decision, same.exit_code, same.won, same.lost) == ("NOT_WORSE", 0, 0, 0)
    assert same.sentence.startswith("A (twin) is not worse than B (other) on toy/point by more than 0.05: shown after ")
    assert same.claim == "A is not worse than B by 0.05 @ 0.95"
    assert -0.05 <= same.low < 0.0 < same.high <= 0.05
    worse = run(tmp_path / "b", a=OLD, b=NEW, margin=0.05)
    assert (worse.decision, worse.exit_code) == ("WORSE", 1)
    assert worse.sentence.startswith("A (old) is worse than B (new) on toy/point by more than 0.05: shown after ")


def test_undecided_says_how_many_more(tmp_path):
    """With a few wins more it says about how many pairs it takes; with none at all that it will not end."""
    few = run(tmp_path / "a", a=Failing("new"), b=Failing("old", lambda t: t in (10, 50)), max_trials=50)
    assert (few.decision, few.exit_code, few.pairs, few.won) == ("UNDECIDED", 3, 64, 2)
    assert few.more > 0
    assert few.sentence.startswith("Undecided after 64 pairs, of which A alone succeeded in 2 and B alone in 0: about ")
    assert "more would likely decide it; give --max-trials" in few.sentence
    none = run(tmp_path / "b", a=Failing("new"), b=Failing("old"), max_trials=64)
    assert none.more is None
    assert none.sentence.endswith("; ask with --margin 0.01 whether A is not worse.")


def test_the_confidence_moves_the_decision(tmp_path):
    """At 0.99 it takes nine wins; the loss in trial 40 makes it more."""
    found = run(tmp_path / "a", confidence=0.99)
    assert found.decision == "BETTER"
    assert found.decided_at > 33
    won, lost = np.cumsum(_difference(tmp_path / "a") == 1), np.cumsum(_difference(tmp_path / "a") == -1)
    assert found.decided_at == 1 + int(np.argmax(log_e_better(won, lost) >= np.log(100)))


def test_pairs_share_their_trials_which_are_not_those_of_a_qualification(tmp_path):
    """Both run the same numbers under the same conditions, others than those of the purpose "evidence"."""
    run(tmp_path / "a")
    sides = by_policy(read_trials(tmp_path / "a" / FILES[2]))
    for name in ("trial", "seed", *Toy().conditions.names):
        assert np.array_equal(sides["A"][name], sides["B"][name])
    assert sides["A"]["trial"].tolist() == list(range(64))
    world = Toy().world(4, seed=7, purpose="evidence")
    world.reset(np.arange(4), np.arange(4))
    assert not np.isin(world.values["goal_x_m"], sides["A"]["goal_x_m"]).any()


@pytest.mark.parametrize("threads", [1, 2])
def test_the_seed_fixes_every_byte(tmp_path, threads):
    """Twice the same call gives the same files; another seed others."""
    run(tmp_path / "a", threads=0)
    run(tmp_path / "b", threads=threads)
    run(tmp_path / "c", seed=8)
    for name in FILES:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
        assert (tmp_path / "a" / name).read_bytes() != (tmp_path / "c" / name).read_bytes()


# ── plan and interruption ────────────────────────────────────────────────────────────────────────────────────────


def test_the_plan_is_there_before_the_first_trial_and_reads_back(tmp_path):
    """plan.yaml exists when the first trial begins; what is read is what was written, by value and by hash."""
    seen = []

    class Looks(Failing):
        def reset(self, ids, trials):
            seen.append((tmp_path / "a" / FILES[1]).is_file())
            super().reset(ids, trials)

    policy = Looks("new")
    policy.sha256 = "ab" * 32
    run(tmp_path / "a", a=policy, margin=0.1, max_trials=64)
    assert seen
    assert all(seen)
    plan = read_comparison_plan(RunFolder.open(tmp_path / "a"))
    assert plan.policies == {"A": {"name": "new", "sha256": "ab" * 32}, "B": {"name": "old", "sha256": None}}
    assert (plan.margin, plan.alpha, plan.seed, plan.block, plan.max_trials) == (0.1, 0.05, 7, 32, 64)
    assert read_trials(tmp_path / "a" / FILES[2]).meta["plan"] == plan.sha256
    recorded = json.loads((tmp_path / "a" / FILES[0]).read_text())
    assert recorded["hashes"]["plan"] == plan.sha256
    assert recorded["hashes"]["policy_a"] == "ab" * 32


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"seed": 8}, "is frozen with seed 7; this call has 8."),
        ({"block": 64}, "is frozen with block 32; this call has 64."),
        ({"max_trials": 330}, "is frozen with max_trials 320; this call has 352."),
        ({"margin": 0.02}, "is frozen with margin None; this call has 0.02."),
        ({"confidence": 0.9}, "is frozen with confidence 0.95; this call has 0.9."),
        ({"b": Failing("older")}, "is frozen with policies.B.name 'old'; this call has 'older'."),
        ({"task": Toy(bias_m=0.011)}, "is frozen with task.sha256 "),
    ],
)
def test_another_plan_is_refused(tmp_path, changed, said):
    """A folder keeps its plan; the sentence names what differs, and nothing is written."""
    run(tmp_path / "a")
    before = {n: (tmp_path / "a" / n).read_bytes() for n in FILES}
    with pytest.raises(BadFolder) as e:
        run(tmp_path / "a", **changed)
    assert said in str(e.value)
    assert "Give another place with --out" in str(e.value)
    assert before == {n: (tmp_path / "a" / n).read_bytes() for n in FILES}


def test_an_interrupted_comparison_goes_on_to_the_same_bytes(tmp_path):
    """Ctrl-C after every block; the same call goes on to the files of one undisturbed comparison."""
    options = {"a": Failing("new"), "b": Failing("old", lambda t: t % 40 == 3), "max_trials": 160}
    calls = []
    whole = run(tmp_path / "whole", progress=calls.append, **options)
    assert [c.pairs for c in calls] == [32, 64, 96, 128, 160]
    assert calls[-1] == PairProgress(160, 160, 4, 0, whole.log_e_for, whole.log_e_against)
    for after in range(1, len(calls) + 1):
        place = tmp_path / f"stopped-{after}"
        with pytest.raises(KeyboardInterrupt):
            run(place, progress=Stop(after), **options)
        with pytest.raises(BadFolder, match=rf"is not finished: {32 * after} pairs in whole blocks are there"):
            verify_comparison(place)
        assert dataclasses.replace(run(place, **options), run_dir="") == dataclasses.replace(whole, run_dir="")
        assert RunFolder.open(place).files() == FILES
        for name in FILES:
            assert (place / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), (after, name)


def test_finished_blocks_are_not_run_again(tmp_path):
    """After Ctrl-C in the third block, only the check of the first and the blocks that are missing are run."""
    options = {"b": Failing("old"), "max_trials": 160}
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "a", a=Failing("new"), progress=Stop(3), **options)
    policy = Failing("new")
    run(tmp_path / "a", a=policy, **options)
    assert policy.begun == [0, 96, 128]
    run(tmp_path / "a", a=policy, **options)
    assert policy.begun == [0, 96, 128, 0]


def test_pairs_changed_after_the_decision_are_not_gone_on_with(tmp_path):
    """A table that is not the one that was decided on is refused."""
    run(tmp_path / "a")
    folder = RunFolder.open(tmp_path / "a")
    folder.write_trials(FILES[2], folder.read_trials(FILES[2]).head(64))
    with pytest.raises(BadFolder, match="was changed after it was decided"):
        run(tmp_path / "a")


# ── what is no evidence ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_trial_that_nobody_can_vouch_for_makes_it_invalid(tmp_path):
    """One invalid trial of either policy, and nothing is said; no further block is run."""
    found = run(tmp_path / "a", task=Toy(invalid_every=30))
    assert (found.decision, found.exit_code, found.pairs) == ("INVALID", 4, 32)
    assert found.sentence.startswith(
        "Invalid evidence: new (A): 1 of 32 trials (the first is trial 29) ended as invalid"
    )
    assert (found.low, found.high, found.a.low, found.a.high, found.log_e_for) == (-1.0, 1.0, 0.0, 1.0, 0.0)
    assert verify_comparison(tmp_path / "a").sentence == found.sentence


class Drifting(ToyWorld):
    """A world whose conditions are those of the trial number plus how often it was reset."""

    resets = 0

    def reset(self, ids, trials, at=None):
        Drifting.resets += 1
        super().reset(ids, trials + 1000 * Drifting.resets if self.task.drifts == "trials" else trials, at)

    def record(self, ids):
        row = super().record(ids)
        return row | {"margin": row["margin"] + Drifting.resets} if self.task.drifts == "margin" else row


@dataclasses.dataclass(frozen=True)
class Drifts(Toy):
    drifts: str = "trials"

    def world(self, nsim, *, threads=0, seed=0, purpose="simulate"):
        return Drifting(self, nsim, seed, purpose)


def test_pairs_that_do_not_share_their_conditions_are_invalid(tmp_path):
    """A world that gives the second policy other conditions is found out."""
    found = run(tmp_path / "a", task=Drifts(drifts="trials"))
    assert found.decision == "INVALID"
    assert any("goal_x_m, goal_y_m, wind_m_s: pairs that do not share it" in reason for reason in found.reasons)


def test_a_simulation_that_does_not_repeat_is_invalid(tmp_path):
    """The first block, run again, must be the same bits."""
    found = run(tmp_path / "a", task=Drifts(drifts="margin"))
    assert found.sentence == (
        "Invalid evidence: The first 32 pairs, run again, differ in margin: the simulation does not repeat."
    )
    assert verify_comparison(tmp_path / "a").decision == "INVALID"


# ── verify ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_verify_gives_the_same_from_the_table_alone(tmp_path):
    """Every number and text of the comparison is recomputed, before and after the folder is sealed."""
    found = run(tmp_path / "a", margin=0.05)
    assert verify_comparison(tmp_path / "a") == found
    RunFolder.open(tmp_path / "a").seal()
    assert verify_comparison(str(tmp_path / "a")) == found


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("won",), 14),
        (("a", "low"), 0.9),
        (("low",), 0.3),
        (("decision",), "WORSE"),
        (("decided_at",), 34),
        (("trace", "log_e_for", 3), 1.0),
        (("mcnemar_p",), 0.5),
        (("sentence",), "A is better."),
        (("exit_code",), 1),
        (("extra",), 1),
        (("margin",), 0.2),
    ],
)
def test_verify_notices_any_changed_number(tmp_path, place, value):
    """A number or text in compare.json that the pairs do not give is named."""
    run(tmp_path / "a")
    file = tmp_path / "a" / FILES[0]
    record = at = json.loads(file.read_text())
    for key in place[:-1]:
        at = at[key]
    at[place[-1]] = value
    file.write_text(json.dumps(record))
    found = verify_comparison(tmp_path / "a")
    assert (found.decision, found.exit_code) == ("INVALID", 4)
    where = ".".join(map(str, place)).replace(".3", "[3]")
    said = f"{where} is {value!r} in comparison/compare.json, but the trials give "
    if place == ("extra",):
        said = "extra is unknown in comparison/compare.json."
    assert found.sentence.startswith(f"Not verified: {said}")


@pytest.mark.parametrize("name", FILES[1:])
def test_verify_notices_any_changed_byte(tmp_path, name):
    """Plan and table are known by their hashes."""
    run(tmp_path / "a")
    file = tmp_path / "a" / name
    file.write_bytes(file.read_bytes() + b"\n")
    try:
        assert verify_comparison(tmp_path / "a").decision == "INVALID"
    except BadFolder:
        assert name == FILES[1]  # a plan that does not say what it did is refused as a whole


def test_a_plan_that_was_not_followed_is_invalid(tmp_path):
    """Blocks beyond the decision, or an end before it, are noticed though every row is sound."""
    run(tmp_path / "a")
    folder = RunFolder.open(tmp_path / "a")
    plan, sides = read_comparison_plan(folder), by_policy(folder.read_trials(FILES[2]))
    half = together({side: t.head(32) for side, t in sides.items()})
    found, _ = judge_pairs(plan, half, Rerun(32))
    assert found.sentence.startswith("Invalid evidence: The evidence ends undecided after 32 trials")
    odd = together({"A": sides["A"], "B": sides["B"].head(32)})
    assert judge_pairs(plan, odd, Rerun(32))[0].reasons == ("A has 64 trials and B 32: they are no pairs.",)
    alone = together({"A": sides["A"]})
    assert judge_pairs(plan, alone, Rerun(32))[0].reasons == ("The table has no rows of policy B.",)


@pytest.mark.parametrize("text", ["", "schema: jangin-plan/2\n", "schema: jangin-comparison-plan/1\n", "[1,\n"])
def test_a_damaged_plan_is_one_sentence(tmp_path, text):
    """A plan that says nothing, or is another's, is refused by name."""
    run(tmp_path / "a")
    (tmp_path / "a" / FILES[1]).write_text(text)
    with pytest.raises(BadFolder, match=r"comparison/plan\.yaml is (damaged|not a plan)"):
        verify_comparison(tmp_path / "a")


# ── replay ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_pair_runs_again_bit_for_bit(tmp_path):
    """Both runs of a trial, in its block; a table that says otherwise is found out."""
    run(tmp_path / "a")
    again = replay_pair(tmp_path / "a", 40, policies=(NEW, OLD), task=Toy())
    assert (again.same, again.block, again.outcomes) == (True, 1, {"A": "timeout", "B": "success"})
    assert again.sentence == "Trial 40 (A timeout, B success) came out the same, bit for bit."
    folder = RunFolder.open(tmp_path / "a")
    table = folder.read_trials(FILES[2])
    margin = table["margin"].copy()
    margin[64 + 40] += 1e-12
    folder.write_trials(FILES[2], dataclasses.replace(table, columns={**table.columns, "margin": margin}))
    again = replay_pair(folder, 40, policies=(NEW, OLD), task=Toy())
    assert (again.same, again.differs) == (False, {"A": (), "B": ("margin",)})
    assert again.sentence.endswith("came out differently: B differs in margin.")


def test_a_replay_wants_what_the_plan_names(tmp_path):
    """Another task, another policy, or a trial that was not run is refused."""
    run(tmp_path / "a")
    with pytest.raises(BadTask, match="another declaration"):
        replay_pair(tmp_path / "a", 0, policies=(NEW, OLD), task=Toy(steps=41))
    with pytest.raises(BadPolicy, match=r"The plan's policy is new \(scripted\); old \(scripted\) was given"):
        replay_pair(tmp_path / "a", 0, policies=(OLD, NEW), task=Toy())
    with pytest.raises(BadFolder, match=r"There is no trial 64 in .* it holds trials 0 to 63"):
        replay_pair(tmp_path / "a", 64, policies=(NEW, OLD), task=Toy())


# ── what is refused ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"b": NEW}, BadPolicy, "A and B are the same policy, new: on the same trials they cannot differ."),
        ({"margin": 0.0}, BadClaim, "The margin is 0; give how much worse is still acceptable"),
        ({"margin": 1.0}, BadClaim, "strictly between 0 and 1, as 0.01, or none"),
        ({"confidence": 1.0}, BadClaim, "The confidence is 1; give 0.5 <= c < 1, as 0.95."),
        ({"max_trials": 6, "block": 2}, BadClaim, "needs 7 pairs even where A wins every one; the plan allows 6."),
        ({"block": 0}, JanginError, "The block size is 0; give at least 1 trial"),
    ],
)
def test_what_cannot_be_shown_is_refused_before_anything_is_run(tmp_path, options, error, said):
    """One sentence, and no file."""
    with pytest.raises(error) as e:
        run(tmp_path / "a", **options)
    assert said in str(e.value)
    assert RunFolder.open(tmp_path / "a").files() == []


def test_a_policy_is_its_name_and_its_bytes(tmp_path):
    """Two objects of one file and one name are the same policy; other bytes, or another name in a file, make two."""
    a, b, c, d = (Failing(name, lambda t: t % 3 == 0) for name in ("policy.onnx", "policy.onnx", "policy.onnx", "m:f"))
    a.sha256 = b.sha256 = d.sha256 = "cd" * 32
    c.sha256 = "ef" * 32
    with pytest.raises(BadPolicy, match="the same policy"):
        run(tmp_path / "a", a=a, b=b)
    assert run(tmp_path / "c", a=a, b=c, max_trials=32).decision == "UNDECIDED"
    assert run(tmp_path / "d", a=a, b=d, max_trials=32).decision == "UNDECIDED"


# ── the command ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_command_answers_in_words_and_in_json(tmp_path, jangin):
    """Decision, both rates, pairs, e-values, the fixed-number tests with their label, and a replay that works."""
    out = tmp_path / "out"
    done = jangin("compare", TOY, "--policy", "expert", "--against", "zero", "--block", "64", "--out", str(out))
    assert done.code == 0, done.err
    for words in (
        "BETTER  A (expert) succeeds more often than B (zero) on toy/point: shown after 7 of 64 pairs.",
        "expert: 64 of 64 trials succeeded, 100.0 %; at least",
        "A alone succeeded in 64, B alone in 0; the others ended alike",
        "e-values     31.9 for 'A succeeds more often than B @ 0.95', 0.125 against, after 7 pairs; 20 decides",
        "valid only had 64 pairs been fixed beforehand",
        "A alone      trials 0, 1, 2, 3, 4, 5, 6, 7, ...",
        f"jangin replay {out} --trial 0",
    ):
        assert words in done.out
    RunFolder.open(out).check()
    again = jangin("replay", str(out), "--trial", "0", "--task", TOY)
    assert (again.code, again.out) == (0, "Trial 0 (A success, B timeout) came out the same, bit for bit.\n")
    checked = jangin("verify", str(out))
    assert (checked.code, checked.out) == (0, done.out)
    same = jangin(
        "compare", TOY, "--policy", "expert", "--against", "zero", "--block", "64", "--out", str(out), "--json"
    )
    assert (same.code, same.json["decision"], same.json["exit_code"]) == (0, "BETTER", 0)
    assert {"a", "b", "low", "high", "mcnemar_p", "tango_low", "run_dir", "hashes"} <= set(same.json)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--policy", "expert", "--against", "expert"), 2, "A and B are the same policy, expert"),
        (("--policy", "expert", "--against", "expret"), 2, "Did you mean 'expert'?"),
        (("--policy", "expert"), 2, "jangin compare needs --against."),
        (("--policy", "zero", "--against", "expert", "--margin", "2"), 2, "The margin is 2;"),
        (("--policy", "zero", "--against", "expert", "--max-trials", "0"), 2, "--max-trials is 0"),
        (("--policy", "zero", "--against", "expert", "--block", "32"), 1, ""),
        (("--policy", "zero", "--against", "random", "--block", "8", "--max-trials", "8"), 3, ""),
    ],
)
def test_the_commands_exit_codes(tmp_path, jangin, words, code, said):
    """0 shown, 1 the opposite, 2 wrong input in one sentence, 3 undecided."""
    done = jangin("compare", TOY, *words, "--out", str(tmp_path / "out"))
    assert (done.code, "Traceback" in done.err) == (code, False)
    assert said in done.err


def test_the_defaults_agree():
    """The command's most trials are the verb's."""
    from jangin.options import Compare

    assert Compare("t", policy="a", against="b").max_trials == MAX_TRIALS
