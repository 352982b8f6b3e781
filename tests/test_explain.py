"""Where it fails: points spread evenly, boxes found and tested, sensitivity in closed form, nudges to the border."""

from __future__ import annotations

import json

import numpy as np
import pytest

from jangin.errors import BadTask, JanginError
from jangin.explain import explain
from jangin.qualify import qualify
from jangin.record import RunFolder, sha256_file
from jangin.report import report
from jangin.stats.boxes import boxes, excess, holm
from jangin.stats.design import pairs, spread
from jangin.stats.sensitivity import indices
from toy import Toy, ToyExpert, ToyWorld

# ── points and sensitivity ───────────────────────────────────────────────────────────────────────────────────────


def test_spread_points_fill_every_part_alike():
    u = spread(256, 3, seed=1)
    assert ((u >= 0) & (u < 1)).all()
    for k in range(3):
        assert np.bincount((u[:, k] * 16).astype(int), minlength=16).tolist() == [16] * 16
    assert (spread(256, 3, seed=1) == u).all()
    assert (spread(256, 3, seed=2) != u).any()


def test_pairs_differ_in_one_column():
    a, b, mixed = pairs(64, 4, seed=0)
    for i in range(4):
        others = [k for k in range(4) if k != i]
        assert (mixed[i][:, i] == b[:, i]).all()
        assert (mixed[i][:, others] == a[:, others]).all()


def test_indices_of_ishigamis_function():
    """sin x1 + 7 sin^2 x2 + 0.1 x3^4 sin x1 on (-pi, pi)^3, whose indices are known in closed form."""

    def f(u):
        x = np.pi * (2 * u - 1)
        return np.sin(x[..., 0]) + 7 * np.sin(x[..., 1]) ** 2 + 0.1 * x[..., 2] ** 4 * np.sin(x[..., 0])

    v1 = 0.5 * (1 + 0.1 * np.pi**4 / 5) ** 2
    v2, v13 = 49 / 8, 0.01 * np.pi**8 * (1 / 18 - 1 / 50)
    v = v1 + v2 + v13
    a, b, mixed = pairs(4096, 3, seed=3)
    found = indices(f(a), f(b), f(mixed), seed=0)
    np.testing.assert_allclose(found.first, [v1 / v, v2 / v, 0.0], atol=0.02)
    np.testing.assert_allclose(found.total, [(v1 + v13) / v, v2 / v, v13 / v], atol=0.02)
    np.testing.assert_allclose([v1 / v, v2 / v, v13 / v], [0.3139, 0.4424, 0.2437], atol=1e-4)
    assert (found.total_low <= found.total).all()
    assert (found.total <= found.total_high).all()


def test_a_result_that_never_varies_depends_on_nothing_and_one_that_is_infinite_is_refused():
    same = indices(np.ones(8), np.ones(8), np.ones((2, 8)), seed=0)
    assert same.total.tolist() == [0.0, 0.0]
    with pytest.raises(ValueError, match="not a finite number"):
        indices(np.array([np.inf]), np.ones(1), np.ones((1, 1)), seed=0)


# ── boxes ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_box_is_found_where_it_is_and_names_only_its_conditions():
    u = spread(2048, 6, seed=0)
    failed = (u[:, 1] > 0.7) & (u[:, 4] < 0.4) & (np.random.default_rng(0).random(2048) < 0.8)
    first, *more = boxes(u, failed)
    assert [k for k in range(6) if (first.low[k], first.high[k]) != (0.0, 1.0)] == [1, 4]
    assert first.low[1] == pytest.approx(0.7, abs=0.05)
    assert first.high[4] == pytest.approx(0.4, abs=0.05)
    assert first.failures / failed.sum() > 0.85
    assert first.volume == pytest.approx(0.12, abs=0.03)
    assert first.holds(u).sum() == first.points
    assert len(more) <= 3


def test_two_regions_give_two_boxes_and_none_gives_none():
    u = spread(2048, 3, seed=1)
    failed = ((u[:, 0] > 0.9) | (u[:, 2] < 0.1)) & (np.random.default_rng(1).random(2048) < 0.9)
    found = boxes(u, failed)
    assert {k for b in found[:2] for k in range(3) if (b.low[k], b.high[k]) != (0.0, 1.0)} == {0, 2}
    assert boxes(u, np.zeros(2048, bool)) == []
    assert boxes(u, np.ones(2048, bool)) == []


def test_boxes_of_chance_do_not_stand_the_fresh_test():
    """Failures that depend on nothing: whatever is found, fresh trials confirm some box in at most 5 % of studies."""
    confirmed = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        found = boxes(rng.random((512, 5)), rng.random(512) < 0.05)
        if found:
            p = np.array([excess(failures=int(rng.binomial(192, 0.05)), trials=192, rate=0.05) for _ in found])
            confirmed += holm(p, 0.05).any()
    assert confirmed <= 6  # P(more than 6 of 40) is 1 % at 5 %


def test_excess_and_holm():
    assert excess(failures=0, trials=10, rate=0.3) == 1.0
    assert excess(failures=10, trials=10, rate=0.3) == pytest.approx(0.3**10)
    assert holm(np.array([0.04, 0.001, 0.02]), 0.05).tolist() == [True, True, True]
    assert holm(np.array([0.04, 0.001, 0.03]), 0.05).tolist() == [False, True, False]


# ── the verb ─────────────────────────────────────────────────────────────────────────────────────────────────────


class Gusty(Toy):
    """The toy, which fails exactly when the wind is strong and the goal lies to the right."""

    def world(self, nsim, *, threads=0, seed=0, purpose="simulate"):
        return GustyWorld(self, nsim, seed, purpose)


class GustyWorld(ToyWorld):
    def reset(self, ids, trials, at=None):
        super().reset(ids, trials, at)
        self.stuck = np.array([fails(self.values["wind_m_s"][i], self.values["goal_x_m"][i]) for i in range(self.nsim)])

    def step(self, action, ids=None):
        action = np.array(action)
        action[self.stuck] = 0.0
        return super().step(action, ids)


WIND, GOAL = (next(c.distribution for c in Toy().conditions if c.name == n) for n in ("wind_m_s", "goal_x_m"))


def at(d, share):
    return d.low + share * (d.high - d.low)


def fails(wind, goal):
    return wind > at(WIND, 0.7) and goal > at(GOAL, 0.6)


@pytest.fixture(scope="module")
def explained(tmp_path_factory):
    place = tmp_path_factory.mktemp("explain") / "run"
    folder = RunFolder.create(place)
    task = Gusty()
    qualify(task.expert(), task, ["success >= 0.5"], seed=7, folder=folder, block=64, max_trials=640, baselines=False)
    before = {n: sha256_file(folder / n) for n in folder.files()}
    found = explain(folder, policy=task.expert(), task=task, points=512, seed=1)
    assert before == {n: sha256_file(folder / n) for n in before}
    return folder, found


def test_the_region_is_found_confirmed_and_told_in_the_conditions_units(explained):
    _, found = explained
    box = found.boxes[0]
    assert set(box.sides) == {"wind_m_s", "goal_x_m"}
    assert box.sides["wind_m_s"][0] == pytest.approx(at(WIND, 0.7), abs=0.08 * (WIND.high - WIND.low))
    assert box.sides["goal_x_m"][0] == pytest.approx(at(GOAL, 0.6), abs=0.08 * (GOAL.high - GOAL.low))
    assert box.failures / box.trials > 0.8
    assert box.low <= box.failures / box.trials <= box.high
    assert "of fresh trials when" in box.sentence
    assert found.failures / found.points == pytest.approx(0.12, abs=0.03)


def test_a_nudge_ends_at_the_border(explained):
    """One condition moved back alone, to where the closed form says it passes."""
    _, found = explained
    assert found.nudges
    for n in found.nudges:
        border = {"wind_m_s": at(WIND, 0.7), "goal_x_m": at(GOAL, 0.6)}[n.condition]
        span = (WIND if n.condition == "wind_m_s" else GOAL).high
        assert n.value > border >= n.passes_at
        assert n.passes_at == pytest.approx(border, abs=0.01 * abs(span) + 1e-3)


def test_the_nearest_failure_fails_and_lies_at_the_corner(explained):
    _, found = explained
    assert fails(found.nearest["wind_m_s"], found.nearest["goal_x_m"])
    assert found.nearest["wind_m_s"] == pytest.approx(at(WIND, 0.7), abs=0.15 * (WIND.high - WIND.low))


def test_files_are_whole_and_the_same_again_and_the_report_shows_them(explained, tmp_path):
    folder, found = explained
    written = (folder / "explain/explain.json").read_bytes()
    assert json.loads(written)["failures"] == found.failures
    assert explain(folder, policy=Gusty().expert(), task=Gusty(), points=512, seed=1) == found
    assert (folder / "explain/explain.json").read_bytes() == written
    page = report(folder).read_text()
    assert "Where it fails" in page
    assert "of fresh trials when" in page
    assert "No map was made." not in page


def test_without_a_failure_it_says_so(tmp_path):
    folder, task = RunFolder.create(tmp_path / "run"), Toy()
    qualify(task.expert(), task, ["success >= 0.5"], seed=7, folder=folder, block=64, max_trials=640, baselines=False)
    found = explain(folder, policy=task.expert(), task=task, points=64, seed=1)
    assert (found.failures, found.boxes, found.nudges, found.nearest) == (0, (), (), {})
    assert "No failure was met" in found.sentences[1]


def test_what_cannot_be_mapped(explained):
    folder, _ = explained
    with pytest.raises(JanginError, match="A map of 10 points shows nothing; give at least 64"):
        explain(folder, policy=Gusty().expert(), task=Gusty(), points=10)
    with pytest.raises(BadTask, match="is not the one that the plan"):
        explain(folder, policy=ToyExpert(0.08), task=Toy(bias_m=0.02), points=64)
