"""Any policy: an ONNX file of whoever, a function or an object of the user's own, and what becomes of mistakes."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass

import numpy as np
import pytest
from onnx import TensorProto, checker, helper

from conftest import run_jangin
from jangin.errors import BadPolicy, UnknownName
from jangin.policy import CallablePolicy, OnnxPolicy
from jangin.qualify import qualify
from jangin.record import RunFolder
from jangin.replay import replay
from jangin.resolve import recorded_policy, resolve_policy
from jangin.task import Channel, Signals
from toy import Toy

SEEN = np.array([[0, 0, 1, 0, 0], [0, 0, -1, 0, 0], [0, 0, 2, 0, 0]], np.float32)


@dataclass(frozen=True)
class Choosing(Toy):
    """The toy with decisions in place of numbers; only its shapes are used here."""

    sizes: tuple[int, ...] = (3,)

    @property
    def choices(self):
        return self.sizes

    @property
    def action(self):
        return Signals(tuple(Channel(f"c{k}", "", "", 0.0, 1.0) for k in range(sum(self.sizes))))


# ── ONNX files of other makers ───────────────────────────────────────────────────────────────────────────────────

FLOAT, DOUBLE, INT64 = TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.INT64


def graph(nodes, shape, outputs, *, kind=FLOAT, weights=(), name="obs", more=()):
    """The bytes of a model with these nodes; `outputs` are (name, type, shape)."""
    taken = [helper.make_tensor_value_info(name, kind, shape), *more]
    given = [helper.make_tensor_value_info(*o) for o in outputs]
    inner = helper.make_graph(nodes, "g", taken, given, list(weights))
    model = helper.make_model(inner, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    checker.check_model(model)
    return model.SerializeToString()


def linear(nact, batch="n", *, kind=FLOAT, out="out", extra=()):
    """out[:, k] = k * obs[:, 2]: a policy with plain inputs and outputs."""
    matrix = np.zeros((5, nact), float)
    matrix[2] = np.arange(nact)
    weights = [helper.make_tensor("w", kind, matrix.shape, matrix.ravel().tolist())]
    shape = [5] if batch is None else [batch, 5]
    result = [nact] if batch is None else [batch, nact]
    nodes = [helper.make_node("MatMul", ["obs", "w"], [out]), *[n for n, _ in extra]]
    outputs = [(out, kind, result), *[o for _, o in extra]]
    return graph(nodes, shape, outputs, kind=kind, weights=weights)


@pytest.mark.parametrize("kind", [FLOAT, DOUBLE])
@pytest.mark.parametrize("batch", ["n", 1, None])
def test_a_plain_file_acts_whatever_its_batch_and_its_floats(batch, kind):
    """Any name of input and output, no metadata; one observation at a time is run row by row."""
    policy = OnnxPolicy(linear(2, batch, kind=kind), Toy())
    done = policy.act(SEEN)
    assert done.dtype == np.float32
    np.testing.assert_array_equal(done, [[0, 1], [0, -1], [0, 2]])


def test_of_several_outputs_action_is_taken_or_else_the_first():
    value = (helper.make_node("ReduceSum", ["obs"], ["value"], keepdims=1), ("value", FLOAT, [1, 1]))
    np.testing.assert_array_equal(OnnxPolicy(linear(2, extra=[value]), Toy()).act(SEEN)[0], [0, 1])
    action = (helper.make_node("Neg", ["out"], ["action"]), ("action", FLOAT, ["n", 2]))
    np.testing.assert_array_equal(OnnxPolicy(linear(2, extra=[action]), Toy()).act(SEEN)[0], [0, -1])


@pytest.mark.parametrize("batch", ["n", 1])
@pytest.mark.parametrize("keep", [0, 1])
def test_an_index_becomes_a_vote_for_its_choice_and_votes_stay_votes(batch, keep):
    """(n,) or (n, 1) whole numbers, or a score of any scale for each choice: the same choice."""
    votes = OnnxPolicy(linear(3, batch), Choosing())
    assert votes.act(SEEN).argmax(axis=1).tolist() == [2, 0, 2]
    shape = [batch, 1] if keep else [batch]
    top = (helper.make_node("ArgMax", ["out"], ["action"], axis=1, keepdims=keep), ("action", INT64, shape))
    index = OnnxPolicy(linear(3, batch, extra=[top]), Choosing())
    assert index.act(SEEN).tolist() == [[0, 0, 1], [1, 0, 0], [0, 0, 1]]


@pytest.mark.parametrize(
    ("data", "task", "said"),
    [
        (linear(3), Toy(), "x.onnx maps 5 numbers to 3; toy/point has 5 observations and 2 actions."),
        (linear(2, 7), Toy(), "x.onnx takes 7 observations at a time, no more and no less; export it with a dynamic"),
        (
            linear(4),
            Choosing(),
            "answered with the shape (2, 4) to 2 observations; toy/point wants (2, 3), or (2,) whole",
        ),
        (
            graph([helper.make_node("Identity", ["obs"], ["out"])], ["n", 4], [("out", FLOAT, ["n", 4])]),
            Toy(),
            "x.onnx maps 4 numbers to 4; toy/point has 5 observations and 2 actions.",
        ),
        (
            graph([helper.make_node("Identity", ["obs"], ["out"])], ["n", "d"], [("out", FLOAT, ["n", "d"])]),
            Toy(),
            "x.onnx answered with the shape (2, 5) to 2 observations; toy/point wants (2, 2).",
        ),
        (
            graph([helper.make_node("Identity", ["obs"], ["out"])], ["n", 5], [("out", INT64, ["n", 5])], kind=INT64),
            Toy(),
            "has the inputs obs (n, 5) int64 and the outputs out (n, 5) int64; a policy has one input of",
        ),
        (
            graph(
                [helper.make_node("Add", ["obs", "goal"], ["out"])],
                ["n", 5],
                [("out", FLOAT, ["n", 5])],
                more=[helper.make_tensor_value_info("goal", FLOAT, ["n", 5])],
            ),
            Toy(),
            "has the inputs obs (n, 5) float, goal (n, 5) float and the outputs",
        ),
        (b"not a model", Toy(), "x.onnx is not a policy that ONNX Runtime can load"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_before_anything_runs(data, task, said):
    with pytest.raises(BadPolicy) as e:
        OnnxPolicy(data, task, name="x.onnx")
    assert said in str(e.value)


# ── functions and objects ────────────────────────────────────────────────────────────────────────────────────────


def called(answer, task=None):
    return CallablePolicy(lambda seen: answer, task or Toy(), name="mine:f", sha256=None)


def test_a_function_answers_with_actions_or_with_choices():
    np.testing.assert_array_equal(called([[1, 2], [3, 4], [5, 6]]).act(SEEN), [[1, 2], [3, 4], [5, 6]])
    assert called(np.array([2, 0, 1]), Choosing()).act(SEEN).tolist() == [[0, 0, 1], [1, 0, 0], [0, 1, 0]]
    assert called(np.array([2.0, 0.0, 1.0]), Choosing()).act(SEEN).argmax(axis=1).tolist() == [2, 0, 1]
    many = called(np.array([[1, 2], [0, 0], [1, 1]]), Choosing(sizes=(2, 3))).act(SEEN)
    assert many.tolist() == [[0, 1, 0, 0, 1], [1, 0, 1, 0, 0], [0, 1, 0, 1, 0]]
    nan = called(np.array([1.0, np.nan, 0.0]), Choosing()).act(SEEN)
    assert np.isnan(nan[1]).all()
    assert np.isfinite(nan[[0, 2]]).all()


@pytest.mark.parametrize(
    ("answer", "task", "said"),
    [
        (np.zeros((3, 7)), Toy(), "mine:f answered with the shape (3, 7) to 3 observations; toy/point wants (3, 2)."),
        (np.zeros(3), Toy(), "answered with the shape (3,) to 3 observations; toy/point wants (3, 2)."),
        (None, Toy(), "mine:f answered with NoneType None, not with an array of numbers."),
        ("left", Toy(), "mine:f answered with str 'left', not with an array of numbers."),
        ([[1, 2], [3]], Toy(), "mine:f answered with list [[1, 2], [3]], not with an array of numbers."),
        ([0, 1, 3], Choosing(), "mine:f answered with the choice 3; toy/point has the choices 0 to 2."),
        ([0, 1, 0.5], Choosing(), "mine:f answered with the choice 0.5; toy/point has the choices 0 to 2."),
        ([[1, 2]] * 3, Choosing(sizes=(2, 2)), "mine:f answered with the choice 2; toy/point has the choices 0 to 1."),
    ],
)
def test_an_answer_that_does_not_fit_is_said(answer, task, said):
    with pytest.raises(BadPolicy) as e:
        called(answer, task).act(SEEN)
    assert said in str(e.value)


MINE = """
import numpy as np

def towards(seen):
    return np.clip(seen[:, 2:4] - seen[:, :2], -0.05, 0.05)

class Object:
    sees = "observation"
    def __init__(self, task):
        self.n, self.nact = 0, len(task.action)
    def reset(self, ids, trials):
        self.n += len(ids)
    def act(self, seen):
        return np.full((len(seen), self.nact), self.n)

class NoTask:
    def act(self, seen):
        return seen

class NoReset:
    def __init__(self, task):
        pass
    def act(self, seen):
        return seen

made = Object.__new__(Object)
made.n, made.nact = 3, 2
number = 3

def fails(seen):
    return seen[:, 99]
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    (tmp_path / "mine_for_test.py").write_text(MINE)
    (tmp_path / "broken_for_test.py").write_text("x = 1\nraise RuntimeError('no')\n")
    (tmp_path / "lacking_for_test.py").write_text("import not_installed_anywhere\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    for name in ("mine_for_test", "broken_for_test", "lacking_for_test"):
        sys.modules.pop(name, None)


def test_module_and_attribute_name_a_function_an_object_or_a_class(mine):
    """Found in the current directory; a class is made with the task; the identity is the file's hash."""
    here = hashlib.sha256(MINE.encode()).hexdigest()
    policy = resolve_policy("mine_for_test:towards", Toy(), seed=0)
    assert (policy.name, policy.sees, policy.sha256) == ("mine_for_test:towards", "observation", here)
    np.testing.assert_allclose(policy.act(SEEN)[0], [0.05, 0.0])
    made = resolve_policy("mine_for_test:Object", Toy(), seed=0)
    made.reset(np.arange(4), np.arange(4))
    assert made.act(SEEN).tolist() == [[4, 4]] * 3
    assert resolve_policy("mine_for_test:made.act", Toy(), seed=0).act(SEEN).tolist() == [[3, 3]] * 3
    assert resolve_policy("mine_for_test:made", Toy(), seed=0).act(SEEN).tolist() == [[3, 3]] * 3


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nowhere_at_all:f", "There is no module 'nowhere_at_all': a policy of your own is module:attribute, in an"),
        ("mine_for_test:toward", "There is no attribute of mine_for_test 'toward'. Did you mean 'towards'?"),
        ("mine_for_test:number", "mine_for_test:number is int 3; a policy is a function of the observations, or has"),
        ("mine_for_test:NoTask", "The class mine_for_test:NoTask cannot be made with the task: too many positional"),
        ("mine_for_test:NoReset", "or has the methods act and reset (it has no reset)."),
        ("broken_for_test:f", "broken_for_test.py, line 2, RuntimeError: no."),
        (
            "lacking_for_test:f",
            "The module 'lacking_for_test' does not load: No module named 'not_installed_anywhere'.",
        ),
    ],
)
def test_a_name_that_leads_nowhere_is_said(mine, name, said):
    with pytest.raises((BadPolicy, UnknownName)) as e:
        resolve_policy(name, Toy(), seed=0)
    assert said in str(e.value)


def test_evidence_about_a_module_replays_when_its_user_names_it_and_is_never_imported_unasked(mine):
    folder = RunFolder.create(mine / "run")
    policy = resolve_policy("mine_for_test:towards", Toy(), seed=1)
    verdict = qualify(policy, Toy(), ["success >= 0.9"], seed=1, folder=folder, block=32, max_trials=640)
    assert verdict.verdict == "QUALIFIED"
    sys.modules.pop("mine_for_test")
    for name in (None, "mine_for_test:fails"):
        with pytest.raises(BadPolicy, match="which is imported only when you name it: --policy mine_for_test:towards"):
            recorded_policy(folder, Toy(), name)
    assert "mine_for_test" not in sys.modules
    again = recorded_policy(folder, Toy(), "mine_for_test:towards")
    assert replay(folder, 40, policy=again, task=Toy()).same
    (mine / "mine_for_test.py").write_text(MINE + "\n# changed\n")
    sys.modules.pop("mine_for_test")
    changed = recorded_policy(folder, Toy(), "mine_for_test:towards")
    with pytest.raises(BadPolicy, match="Give the policy that was qualified"):
        replay(folder, 40, policy=changed, task=Toy())


def test_what_a_users_function_raises_names_its_file_and_line(mine):
    """Exit code 2, one sentence with file, line and what: not a bug of ours."""
    from conftest import TESTS

    done = run_jangin(
        "simulate", f"{TESTS / 'toy.py'}:TASK", "--policy", "mine_for_test:fails", "--trials", "3", cwd=mine
    )
    assert done.code == 2
    line = next(k for k, text in enumerate(MINE.splitlines(), 1) if "seen[:, 99]" in text)
    assert f"mine_for_test.py, line {line}, raised IndexError: index 99 is out of bounds" in done.err
    assert done.err.count("\n") == 1


def test_a_function_in_c_that_cannot_be_called_so_is_a_sentence():
    """It has no file and line of its own to show."""
    import math
    import os

    for target, name in ((os.getcwd, "os:getcwd"), (math.sqrt, "math:sqrt")):
        policy = CallablePolicy(target, Toy(), name=name, sha256=None)
        with pytest.raises(BadPolicy, match=rf"{name} cannot be called with arrays of the shape \(3, 5\): "):
            policy.act(np.zeros((3, 5), np.float32))
