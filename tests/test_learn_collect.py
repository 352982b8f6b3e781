"""The slots: which trial runs where, what follows an end and a time-out, what the teacher would have done."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from jangin.learn.collect import Moment, ReturnScale, Slots, noise_floor, teacher_of
from jangin.task import Signals, Step
from toy import Toy, ToyWorld


class Watched(ToyWorld):
    """A toy world that remembers which trials were begun where."""

    def __init__(self, *args):
        super().__init__(*args)
        self.begun: list[tuple[int, int]] = []

    def reset(self, ids, trials):
        self.begun += [(int(i), int(t)) for i, t in zip(ids, trials)]
        super().reset(ids, trials)


class WatchedToy(Toy):
    """A toy task whose worlds are watched."""

    def world(self, nsim, *, threads=0, seed=0, purpose="simulate"):
        self.__dict__["last"] = Watched(self, nsim, seed, purpose)
        return self.__dict__["last"]


@pytest.fixture
def slots():
    made = []

    def make(task, nsim=4, **more):
        made.append(Slots(task, nsim, threads=1, seed=3, **more))
        return made[-1]

    yield make
    for s in made:
        s.close()


def test_the_lowest_slot_that_ended_gets_the_next_number(slots):
    """Trial numbers are used once each, in order of time and then of slot, from the first one on."""
    task = WatchedToy()
    s = slots(task, 4, first=100, teacher=task.teacher())
    for _ in range(60):
        s.step(s.label)
    begun = task.last.begun
    assert [t for _, t in begun] == list(range(100, 100 + len(begun)))
    assert len(begun) > 20
    assert s.next_trial == 100 + len(begun)
    assert s.recent_success > 0.9


def test_what_follows_a_time_out_is_the_old_trials_and_what_follows_an_end_is_the_new_ones(slots):
    """next_seen after a truncation is the final observation; the slot itself already shows the new trial."""
    task = WatchedToy(steps=5)
    s = slots(task, 3)
    still = np.zeros((3, 2), np.float32)
    for _ in range(4):
        assert not s.step(still).truncated.any()
    last = s.step(still)
    assert last.truncated.all()
    assert not last.terminal.any()
    # the true goal, privileged columns 7 and 8: the old trial's in next_seen, the new one's in what is seen now
    assert np.array_equal(last.next_seen[:, 7:9], last.seen[:, 7:9])
    assert not np.any(s.seen[:, 7:9] == last.seen[:, 7:9])


def test_success_is_an_end_and_a_moment_joins_on_to_the_next(slots):
    """terminal marks success and failure; what was seen next is what is seen now, but for truncations."""
    s = slots(Toy(), 8, teacher=Toy().teacher())
    ended, before = 0, s.seen
    for _ in range(40):
        moment = s.step(s.label)
        assert np.array_equal(moment.seen, before)
        assert np.array_equal(moment.next_seen, s.seen)
        ended += int(moment.terminal.sum())
        before = s.seen
    assert ended > 10


def test_a_trial_that_cannot_be_believed_ends_without_a_reward(slots):
    """An outcome whose name begins with invalid is an end worth nothing; its neighbours' rewards are their own."""
    s = slots(Toy(invalid_every=2), 4)
    moment = s.step(np.zeros((4, 2), np.float32))
    assert moment.terminal.tolist() == [False, True, False, True]
    assert [r == 0.0 for r in moment.reward] == [False, True, False, True]


class Costly(ToyWorld):
    """Every period rewards 1 and costs 0.5."""

    def step(self, action, ids=None):
        step = super().step(action, ids)
        return Step(np.ones_like(step.reward), np.full_like(step.cost, 0.5), step.outcome)


class CostlyToy(Toy):
    """A toy task of costly worlds."""

    def world(self, nsim, *, threads=0, seed=0, purpose="simulate"):
        return Costly(self, nsim, seed, purpose)


def test_the_limits_cost_is_taken_off_the_reward_by_its_weight(slots):
    """reward = the world's reward - weight * cost."""
    still = np.zeros((4, 2), np.float32)
    assert slots(CostlyToy(), cost_weight=0.0).step(still).reward.tolist() == [1.0] * 4
    assert slots(CostlyToy(), cost_weight=3.0).step(still).reward.tolist() == [-0.5] * 4


def test_labels_are_the_teachers_actions_as_shares_of_the_range(slots):
    """A label is in [-1, 1]: (action - middle) / half width; without a teacher it is zero."""
    task = Toy()
    s = slots(task, 4, teacher=task.teacher())
    expected = task.teacher().act(s.seen[:, len(task.observation) :]) / 0.1
    assert np.allclose(s.label, np.clip(expected, -1, 1), atol=1e-6)
    assert not slots(task, 4).label.any()


def test_actions_are_clipped_and_in_the_channels_units(slots):
    """An action of 1 is the range's upper end; 5 is too."""
    s = slots(Toy(), 2)
    s.step(np.array([[1.0, 0.0], [5.0, 0.0]], np.float32))
    place = s.seen[:, len(Toy().observation)]
    wind = s.seen[:, -1]
    assert np.allclose(place - wind / 20.0, 0.1, atol=1e-6)


def test_whatever_the_world_raises_arrives_at_finish(slots):
    """An error in the world's thread is not lost."""

    class Broken(Toy):
        def world(self, nsim, *, threads=0, seed=0, purpose="simulate"):
            world = super().world(nsim, threads=threads, seed=seed, purpose=purpose)
            world.step = lambda *a: (_ for _ in ()).throw(RuntimeError("the solver blew up"))
            return world

    s = slots(Broken(), 2)
    s.start(np.zeros((2, 2), np.float32))
    with pytest.raises(RuntimeError, match="the solver blew up"):
        s.finish()


def test_who_sees_the_clock_ends_with_it(slots):
    """The same time-out is a truncation without a channel of the sense "time", and an end with one."""

    class Clocked(Toy):
        observation = Signals(tuple(replace(c, sense="time") if c.name == "force" else c for c in Toy.observation))

    for task, ends in ((Toy(steps=3), False), (Clocked(steps=3), True)):
        s = slots(task, 4)
        for _ in range(3):
            last = s.step(np.zeros((4, 2), np.float32))
        assert (last.terminal == ends).all()
        assert (last.truncated != ends).all()


def test_the_noise_of_a_channel_is_the_least_deviation_to_believe():
    """One number per observed, then per privileged channel."""
    task = Toy()
    assert noise_floor(task).tolist() == [0.001, 0.001, 0.002, 0.002, 0.01] + [0.0] * 5


def test_who_teaches():
    """The teacher; without one the expert; without both nobody."""

    class Alone(Toy):
        def teacher(self):
            return None

    class Abandoned(Alone):
        def expert(self):
            return None

    assert (teacher_of(Toy()).name, teacher_of(Alone()).name, teacher_of(Abandoned())) == ("teacher", "expert", None)


def test_the_scale_of_returns():
    """Root mean square of G = r + g G over both slots, started anew after an end."""

    def moment(reward, terminal):
        flags, nothing = np.array(terminal), np.zeros((2, 1), np.float32)
        return Moment(nothing, nothing, nothing, np.array(reward, np.float32), nothing, flags, np.zeros(2, bool))

    scale = ReturnScale(2, 0.5)
    assert scale.value == 1.0
    scale.update(moment([2, 4], [False, False]))  # G = 2, 4
    scale.update(moment([1, 1], [True, False]))  # G = 2, 3
    scale.update(moment([6, 0.5], [False, True]))  # G = 6, 2
    assert scale.value == pytest.approx(np.sqrt((4 + 16 + 4 + 9 + 36 + 4) / 6))
