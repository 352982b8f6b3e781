"""N-step returns worked out by hand, with ends and time-outs; and what is remembered."""

from __future__ import annotations

import numpy as np
import torch

from jangin.learn.buffer import Layout, NStep, Replay
from jangin.learn.collect import Moment

LAYOUT = Layout(nseen=1, nact=1)
CPU = torch.device("cpu")


def moment(now, reward, after, *, terminal=(), truncated=()) -> Moment:
    n = len(now)

    def flags(ids):
        return np.isin(np.arange(n), ids)

    def column(x):
        return np.asarray(x, np.float32)[:, None]

    return Moment(
        seen=column(now),
        action=column(now) / 10,
        label=column(now) / 100,
        reward=np.asarray(reward, np.float32),
        next_seen=column(after),
        terminal=flags(terminal),
        truncated=flags(truncated),
    )


def parts(rows):
    batch = LAYOUT.split(torch.as_tensor(rows))
    columns = (batch.seen, batch.reward, batch.discount, batch.next_seen)
    return list(zip(*(c.flatten().tolist() for c in columns)))


def test_three_steps_are_summed_and_the_fourth_observation_takes_over():
    """R = r0 + g r1 + g^2 r2 and discount g^3 (g = 1/2), for every slot by itself."""
    steps = NStep(2, 3, 0.5, LAYOUT)
    assert len(steps.push(moment([0, 10], [1, 8], [1, 11]))) == 0
    assert len(steps.push(moment([1, 11], [2, 8], [2, 12]))) == 0
    assert parts(steps.push(moment([2, 12], [4, 8], [3, 13]))) == [(0, 3, 0.125, 3), (10, 14, 0.125, 13)]
    assert parts(steps.push(moment([3, 13], [8, 0], [4, 14]))) == [(1, 6, 0.125, 4), (11, 12, 0.125, 14)]


def test_an_end_closes_all_that_is_under_way_without_a_value_after_it():
    """After success or failure the discount is zero, and the new trial begins with a clean slate."""
    steps = NStep(1, 3, 0.5, LAYOUT)
    steps.push(moment([0], [1], [1]))
    done = parts(steps.push(moment([1], [2], [77], terminal=[0])))
    assert done == [(0, 2, 0, 77), (1, 2, 0, 77)]
    assert len(steps.push(moment([77], [100], [78]))) == 0
    assert len(steps.push(moment([78], [100], [79]))) == 0
    assert parts(steps.push(moment([79], [0], [80]))) == [(77, 150, 0.125, 80)]


def test_a_time_out_closes_all_that_is_under_way_but_the_value_goes_on():
    """After a time-out the discount is g^k for the k periods that were summed, and the value is the old trial's."""
    steps = NStep(1, 3, 0.5, LAYOUT)
    steps.push(moment([0], [1], [1]))
    assert parts(steps.push(moment([1], [2], [2], truncated=[0]))) == [(0, 2, 0.25, 2), (1, 2, 0.5, 2)]


def test_one_step_is_the_plain_transition():
    """n = 1 gives the reward, the discount g, and the action and label of the moment."""
    (row,) = NStep(1, 1, 0.5, LAYOUT).push(moment([3], [7], [4]))
    batch = LAYOUT.split(torch.as_tensor(row[None]))
    assert (batch.reward.item(), batch.discount.item()) == (7, 0.5)
    assert np.allclose([batch.action.item(), batch.label.item()], [0.3, 0.03])


def test_n_steps_are_what_a_loop_over_each_trial_says():
    """Random trials in 5 slots: the set of rows equals the slow definition, trial by trial."""
    rng, gamma, n, nslots = np.random.default_rng(0), 0.9, 4, 5
    steps, rows = NStep(nslots, n, gamma, LAYOUT), []
    trials: list[list[list]] = [[[]] for _ in range(nslots)]  # per slot: trials, each of (seen, reward, after, end)
    now = np.arange(nslots) * 1000.0
    for _ in range(200):
        kind = rng.random(nslots)
        terminal, truncated = np.flatnonzero(kind < 0.1), np.flatnonzero((kind >= 0.1) & (kind < 0.2))
        reward = rng.normal(size=nslots)
        after = now + 1
        rows.append(steps.push(moment(now, reward, after, terminal=terminal, truncated=truncated)))
        for s in range(nslots):
            end = "terminal" if s in terminal else "truncated" if s in truncated else ""
            trials[s][-1].append((now[s], np.float32(reward[s]), after[s], end))
            if end:
                trials[s].append([])
        now = after
    expected = set()
    for trial in (t for slot in trials for t in slot):
        for k in range(len(trial)):
            window = trial[k : k + n]
            end = window[-1][3]
            if len(window) < n and not end:
                continue  # still under way
            total = sum(gamma**j * w[1] for j, w in enumerate(window))
            discount = 0.0 if end == "terminal" else gamma ** len(window)
            expected.add((trial[k][0], round(float(total), 4), round(discount, 4), window[-1][2]))
    got = [(b, round(r, 4), round(d, 4), a) for b, r, d, a in parts(np.concatenate(rows))]
    assert len(got) == len(set(got))
    assert set(got) == expected


def row(value: float, count: int = 1) -> np.ndarray:
    return np.full((count, LAYOUT.width), value, np.float32)


def test_the_teachers_places_fill_up_and_the_ring_forgets_the_oldest():
    """ndemo rows of the teacher stay for ever; of the learner's own the last nown stay."""
    replay = Replay(LAYOUT, ndemo=3, nown=4, device=CPU)
    replay.add(row(1, 2), demo=True)
    replay.add(row(2, 2), demo=True)
    for value in range(10, 20):
        replay.add(row(value), demo=False)
    assert (replay.demos, replay.own, len(replay)) == (3, 4, 7)
    rng = torch.Generator().manual_seed(0)
    assert set(replay.sample(500, demo_share=1.0, rng=rng).reward.tolist()) == {1.0, 2.0}
    assert set(replay.sample(500, demo_share=0.0, rng=rng).reward.tolist()) == {16.0, 17.0, 18.0, 19.0}


def test_rows_that_wrap_around_the_ring_land_where_single_rows_would():
    """Adding many at once is adding them one by one, also more than fit."""
    one, many = (Replay(LAYOUT, ndemo=0, nown=5, device=CPU) for _ in range(2))
    values = np.arange(13.0)
    for block in (values[:3], values[3:11], values[11:]):
        rows = np.repeat(block[:, None], LAYOUT.width, 1).astype(np.float32)
        many.add(rows, demo=False)
        for r in rows:
            one.add(r[None], demo=False)
    assert torch.equal(one._rows, many._rows)


def test_the_share_is_exact_and_falls_back_to_what_there_is():
    """round(n * share) rows are the teacher's; with only one kind, all are of that kind."""
    replay = Replay(LAYOUT, ndemo=10, nown=10, device=CPU)
    rng = torch.Generator().manual_seed(0)
    replay.add(row(1, 5), demo=True)
    assert set(replay.sample(8, demo_share=0.25, rng=rng).reward.tolist()) == {1.0}
    replay.add(row(2, 5), demo=False)
    assert (replay.sample(100, demo_share=0.25, rng=rng).reward == 1).sum() == 25
