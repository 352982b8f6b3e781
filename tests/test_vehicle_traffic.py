"""Laws of car following, lane changes and drivers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from jangin.errors import BadTask, UnknownName
from jangin.vehicle.traffic import drivers as populations
from jangin.vehicle.traffic.drivers import (
    HIGHWAY_ENV,
    KESTING_ACC,
    KESTING_MOBIL,
    PARAMETERS,
    TREIBER_KESTING,
    Driver,
    Normal,
    Population,
    Uniform,
    sumo_krauss,
)
from jangin.vehicle.traffic.following import (
    CLOSEST_M,
    acc,
    cah,
    gipps_speed,
    idm,
    idm_equilibrium_gap,
    idm_highway_env,
    krauss_safe_speed,
    krauss_speed,
)
from jangin.vehicle.traffic.jit import bulk
from jangin.vehicle.traffic.lane_change import (
    in_lane,
    keep_right_accel,
    lateral_accel,
    lateral_offset,
    lateral_speed,
    mobil_incentive,
    mobil_keep_right,
    mobil_safe,
)

TEXTBOOK = TREIBER_KESTING.typical.following
bulk_idm, bulk_acc = bulk(idm), bulk(acc)


# ── the intelligent driver model ────────────────────────────────────────────────────────────────────────────────────


def test_idm_by_hand() -> None:
    """30 m/s, 40 m behind 25 m/s: s* = 2 + 30 + 30 * 5 / (2 sqrt(1.5)), and so the acceleration."""
    wanted = 2.0 + 30.0 + 150.0 / (2.0 * math.sqrt(1.5))
    assert idm(30.0, 40.0, 25.0, *TEXTBOOK) == pytest.approx(1.0 - 0.9**4 - (wanted / 40.0) ** 2, rel=1e-14)


def test_idm_is_the_same_for_one_and_for_arrays() -> None:
    """The ufunc gives the bits of single calls, and an exponent of 4 is no special case."""
    rng = np.random.default_rng(3)
    v, gap, lead = rng.uniform(0, 45, 200), rng.uniform(-5, 200, 200), rng.uniform(0, 45, 200)
    for exponent in (4.0, 3.7):
        parameters = (*TEXTBOOK[:5], exponent)
        many = bulk_idm(v, gap, lead, *parameters)
        assert np.array_equal(many, [idm(*x, *parameters) for x in zip(v, gap, lead)])
    np.testing.assert_allclose(
        bulk_idm(v, gap, lead, *TEXTBOOK), bulk_idm(v, gap, lead, *TEXTBOOK[:5], np.nextafter(4.0, 5.0)), rtol=1e-12
    )


def test_idm_equilibrium_gap() -> None:
    """At the closed form's gap behind a leader of the same speed the acceleration is 0; from v0 on there is none."""
    for v in (0.0, 1.0, 15.0, 33.0):
        gap = idm_equilibrium_gap(v, *(TEXTBOOK[k] for k in (0, 1, 4, 5)))
        assert idm(v, gap, v, *TEXTBOOK) == pytest.approx(0.0, abs=1e-12)
    assert idm_equilibrium_gap(40.0, *(TEXTBOOK[k] for k in (0, 1, 4, 5))) == math.inf


def test_idm_on_a_free_road() -> None:
    """On a free road: a at a standstill, 0 at v0; with exponent 1 the speed is v0 (1 - exp(-a t / v0)) at any time."""
    assert idm(0.0, math.inf, 0.0, *TEXTBOOK) == 1.0
    assert idm(TEXTBOOK[0], math.inf, 0.0, *TEXTBOOK) == 0.0
    v, step = 0.0, 0.01
    for _ in range(3000):  # the midpoint rule, to 30 s
        half = v + 0.5 * step * idm(v, math.inf, 0.0, 30.0, 1.0, 1.5, 2.0, 2.0, 1.0)
        v += step * idm(half, math.inf, 0.0, 30.0, 1.0, 1.5, 2.0, 2.0, 1.0)
    assert v == pytest.approx(30.0 * (1.0 - math.exp(-1.5)), rel=1e-7)


def test_an_overlap_brakes_hard_and_finitely() -> None:
    """Gaps of 1 cm, 0 and less give the same, finite, hard braking; one that runs away is no reason to brake."""
    values = [idm(20.0, gap, 20.0, *TEXTBOOK) for gap in (CLOSEST_M, 0.0, -3.0)]
    assert values[0] == values[1] == values[2] < -1e6
    assert math.isfinite(acc(20.0, -3.0, 0.0, 0.0, *TEXTBOOK, 0.99))
    assert idm(20.0, 40.0, 60.0, *TEXTBOOK) == idm(20.0, 40.0, 80.0, *TEXTBOOK)  # s* does not fall below the jam gap


def platoon(law, parameters, lead_speeds: np.ndarray, cars: int, step: float) -> tuple[np.ndarray, np.ndarray]:
    """Speeds and gaps of cars in a row behind a leader of given speeds, (k, cars), from their equilibrium."""
    v = np.full(cars, lead_speeds[0])
    gap = np.full(cars, idm_equilibrium_gap(lead_speeds[0], *(parameters[k] for k in (0, 1, 4, 5))))
    accel = np.zeros(cars)
    speeds, gaps = np.empty((len(lead_speeds), cars)), np.empty((len(lead_speeds), cars))
    for k, first in enumerate(lead_speeds):
        speeds[k], gaps[k] = v, gap
        before = lead_speeds[k - 1] if k else first
        ahead, ahead_accel = np.append(first, v[:-1]), np.append((first - before) / step, accel[:-1])
        accel = law(v, gap, ahead, ahead_accel, parameters)
        after = np.maximum(v + accel * step, 0.0)
        first_after = lead_speeds[min(k + 1, len(lead_speeds) - 1)]
        way = 0.5 * (v + after) * step
        gap = gap + np.append(0.5 * (first + first_after) * step, way[:-1]) - way
        v = after
    return speeds, gaps


def by_idm(v, gap, lead, lead_accel, parameters):
    """The platoon's law: IDM."""
    return bulk_idm(v, gap, lead, *parameters)


def by_acc(v, gap, lead, lead_accel, parameters):
    """The platoon's law: ACC with the published coolness."""
    return bulk_acc(v, gap, lead, lead_accel, *parameters, 0.99)


@pytest.mark.parametrize("law", [by_idm, by_acc])
@pytest.mark.parametrize("decel", [1.5, 5.0, 9.0])
def test_no_crash_in_a_platoon_behind_hard_braking(law, decel) -> None:
    """A leader brakes from 30 m/s to a standstill, comfortably or at the tyres' limit: twenty cars in a row all stop,
    nobody touches, and they stand about the jam gap apart."""
    t = np.arange(0.0, 120.0, 0.05)
    speeds, gaps = platoon(law, TEXTBOOK, np.maximum(30.0 - decel * np.maximum(t - 2.0, 0.0), 0.0), 20, 0.05)
    assert gaps.min() > 0.5
    assert speeds[-1].max() < 0.05
    np.testing.assert_allclose(gaps[-1], 2.0, atol=0.5)


def string_criterion(parameters, v: float) -> float:
    """v_e'(s) - (a_lead - a_v) / 2 from numerical derivatives: above 0, long waves grow from car to car."""
    gap, h = idm_equilibrium_gap(v, *(parameters[k] for k in (0, 1, 4, 5))), 1e-5

    def slope(*way: float) -> float:
        a, b = ([x + side * h * w for x, w in zip((v, gap, v), way)] for side in (1, -1))
        return (idm(*a, *parameters) - idm(*b, *parameters)) / (2.0 * h)

    by_speed, by_gap, by_lead = slope(1, 0, 0), slope(0, 1, 0), slope(0, 0, 1)
    return -by_gap / (by_speed + by_lead) - 0.5 * (by_lead - by_speed)


@pytest.mark.parametrize(("accel", "grows"), [(0.5, True), (4.0, False)])
def test_string_stability_has_the_sign_of_the_criterion(accel, grows) -> None:
    """A long wave of a leader's speed grows along a platoon exactly if the linear criterion says so (Treiber and
    Kesting 2013, chapter 15): lazy drivers make jams out of nothing, brisk ones do not."""
    parameters = (33.3, 1.2, accel, 1.5, 2.0, 4.0)
    assert (string_criterion(parameters, 15.0) > 0.0) == grows
    t = np.arange(0.0, 300.0, 0.1)
    speeds, _ = platoon(by_idm, parameters, 15.0 + 0.05 * np.sin(2.0 * np.pi * t / 60.0), 25, 0.1)
    swing = np.ptp(speeds[len(t) // 2 :], axis=0)
    assert (swing[24] > 1.02 * swing[2]) == grows
    assert (swing[24] < 0.98 * swing[2]) != grows


# ── the ACC model ───────────────────────────────────────────────────────────────────────────────────────────────────


def closest(v: float, gap: float, a: float, lead: float, lead_a: float) -> float:
    """The smallest gap while both keep their accelerations and stop at 0, looked up on a fine grid of time."""
    t = np.linspace(0.0, 400.0, 400_001)

    def way(v0: float, a0: float) -> np.ndarray:
        until = np.minimum(t, -v0 / a0) if a0 < 0.0 else t
        return v0 * until + 0.5 * a0 * until**2

    return float(np.min(gap + way(lead, lead_a) - way(v, a)))


@pytest.mark.parametrize(
    ("v", "gap", "lead", "lead_a"),
    [
        (30.0, 40.0, 25.0, -3.0),
        (20.0, 10.0, 19.0, -6.0),
        (30.0, 50.0, 0.0, 0.0),
        (30.0, 20.0, 20.0, 0.0),
        (25, 30, 5, 0.5),
    ],
)
def test_cah_is_the_hardest_acceleration_without_a_crash(v, gap, lead, lead_a) -> None:
    """Kept up by both, the heuristic's acceleration brings the cars to touch and not further; a little more crashes."""
    a = cah(v, gap, lead, lead_a, 1.4)
    assert closest(v, gap, a, lead, lead_a) == pytest.approx(0.0, abs=1e-4)
    assert closest(v, gap, a + 0.05, lead, lead_a) < -0.01


def test_cah_does_not_jump_where_its_cases_meet() -> None:
    """On the border v_lead (v - v_lead) = -2 s a_lead both cases agree, and a leader that stands still is no 0 / 0."""
    v, lead, gap = 20.0, 15.0, 30.0
    border = -lead * (v - lead) / (2.0 * gap)
    assert cah(v, gap, lead, border - 1e-9, 2.0) == pytest.approx(cah(v, gap, lead, border + 1e-9, 2.0), abs=1e-6)
    assert cah(10.0, 25.0, 0.0, 0.0, 2.0) == -2.0


def test_acc_between_idm_and_the_heuristic() -> None:
    """Coolness 0 is IDM; where IDM brakes less than the heuristic the answer is IDM's at any coolness; after a cut-in
    it brakes less than IDM, and at most b harder than the heuristic; on a free road it is IDM to the bit."""
    rng = np.random.default_rng(5)
    x = rng.uniform([0, 1, 0, -6], [40, 150, 40, 2], (500, 4)).T
    p = KESTING_ACC.typical.following
    wish, needed = bulk_idm(*x[:3], *p), bulk(cah)(*x, p[2])
    cool, hot = bulk_acc(*x, *p, 1.0), bulk_acc(*x, *p, 0.0)
    np.testing.assert_allclose(hot, wish, rtol=1e-12, atol=1e-12)
    calm = wish >= needed
    assert 50 < calm.sum() < 450
    assert np.array_equal(cool[calm], wish[calm])
    assert np.all(cool[~calm] >= wish[~calm] - 1e-9)
    assert np.all(cool[~calm] >= needed[~calm] - p[3])
    assert np.all(cool[~calm] <= needed[~calm])
    assert acc(40.0, math.inf, 0.0, 1.0, *p, 0.99) == idm(40.0, math.inf, 0.0, *p)


# ── Krauss and Gipps ────────────────────────────────────────────────────────────────────────────────────────────────


def test_krauss_safe_speed_solves_its_equation() -> None:
    """v T + v^2 / 2b = gap + v_lead^2 / 2b; nothing to use up behind one who stands is a standstill."""
    v = krauss_safe_speed(20.0, 15.0, 4.5, 1.0)
    assert v + v * v / 9.0 == pytest.approx(20.0 + 225.0 / 9.0, rel=1e-14)
    assert krauss_safe_speed(0.0, 0.0, 4.5, 1.0) == krauss_safe_speed(-1.0, 0.0, 4.5, 1.0) == 0.0


@pytest.mark.parametrize("step", [0.1, 1.0])
def test_krauss_never_crashes_within_its_braking(step) -> None:
    """Two thousand leaders do as they like within their braking; behind them, with dawdling or without, nobody ever
    comes closer than the jam gap less b step^2 / 2 nor brakes harder than b, at steps up to the reaction time."""
    rng, n, b, reaction, jam = np.random.default_rng(11), 2000, 4.5, 1.0, 2.5
    law = bulk(krauss_speed)
    lead = rng.uniform(0.0, 40.0, n)
    gap = jam + rng.uniform(0.0, 60.0, n)
    v = np.minimum(bulk(krauss_safe_speed)(gap - jam, lead, b, reaction), 36.0) * rng.uniform(0.0, 1.0, n)
    closest_m, hardest, crawled = np.inf, 0.0, 0
    for _ in range(int(60.0 / step)):
        lead_after = np.clip(lead + rng.uniform(-b, 2.6, n) * step * (rng.random(n) < 0.7), 0.0, 40.0)
        lead_after = np.where(rng.random(n) < 0.1, np.maximum(lead - b * step, 0.0), lead_after)
        after = law(v, gap, lead, 36.0, reaction, 2.6, b, jam, rng.choice([0.0, 0.5]), rng.random(n), step)
        hardest = max(hardest, float(np.max((v - after) / step - 2.6 * 0.5)))
        gap = gap + (lead_after - after) * step
        v, lead = after, lead_after
        closest_m, crawled = min(closest_m, float(gap.min())), crawled + int(np.sum(gap < jam + 1.0))
    assert closest_m >= jam - 0.5 * b * step**2 - 1e-9
    assert crawled > 100  # it did come to the edge
    assert hardest <= b + 1e-9


def test_krauss_dawdles_by_at_most_its_share_and_keeps_to_the_limit() -> None:
    """On a free road the speed rises by a step of acceleration less sigma times it times the draw, up to v0."""
    speed = krauss_speed(10.0, math.inf, 0.0, 30.0, 1.0, 2.6, 4.5, 2.5, 0.5, 0.4, 0.1)
    assert speed == pytest.approx(10.0 + 0.26 - 0.5 * 0.26 * 0.4, rel=1e-14)
    assert krauss_speed(30.0, math.inf, 0.0, 30.0, 1.0, 2.6, 4.5, 2.5, 0.0, 0.0, 0.1) == 30.0


def test_gipps_reaches_its_speed_and_stops_behind_a_standing_car() -> None:
    """Gipps's driver settles at v0 on a free road, and before a standing car stops without touching it."""
    v = 0.0
    for _ in range(200):
        v = gipps_speed(v, math.inf, 0.0, 30.0, 2.0 / 3.0, 1.7, 3.4, 2.0, 3.0)
    assert v == pytest.approx(30.0, abs=0.1)
    gap = 200.0
    for _ in range(200):
        after = gipps_speed(v, gap, 0.0, 30.0, 2.0 / 3.0, 1.7, 3.4, 2.0, 3.0)
        gap -= 0.5 * (v + after) * 2.0 / 3.0
        v = after
    assert v < 0.05
    assert 1.5 < gap < 3.0


# ── lane changes ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_mobil_is_symmetric() -> None:
    """Changing back is worth minus as much; p = 1 without bias counts everybody's acceleration alike; the bias is added
    to the right and taken off to the left."""
    then, now = (0.5, -0.3, 0.2), (-0.4, 0.1, -0.6)
    pairs = [x for pair in zip(then, now) for x in pair]
    back = [x for pair in zip(now, then) for x in pair]
    for p in (0.0, 0.3, 1.0):
        assert mobil_incentive(*pairs, p, 0.0) == -mobil_incentive(*back, p, 0.0)
    assert mobil_incentive(*pairs, 1.0, 0.0) == pytest.approx(sum(then) - sum(now), rel=1e-14)
    assert mobil_incentive(*pairs, 0.3, 0.3) - mobil_incentive(*pairs, 0.3, -0.3) == pytest.approx(0.6, rel=1e-14)


def test_mobil_keeping_right_counts_the_follower_in_the_left_lane_only() -> None:
    """To the right the old follower counts, to the left the new one; between equals the bias alone decides."""
    assert mobil_keep_right(True, 0.0, 0.0, -9.0, 0.0, 0.5, 0.0, 1.0, 0.3) == 0.8
    assert mobil_keep_right(False, 0.0, 0.0, -0.5, 0.0, 9.0, 0.0, 1.0, 0.3) == -0.8
    assert mobil_keep_right(True, 0, 0, 0, 0, 0, 0, 1.0, 0.3) == -mobil_keep_right(False, 0, 0, 0, 0, 0, 0, 1.0, 0.3)


def test_no_passing_on_the_right() -> None:
    """Behind a slower leader to the left the right lane gives no more than the left one, except in congestion."""
    assert keep_right_accel(0.5, -1.0, 30.0, 25.0, 60 / 3.6) == -1.0
    assert keep_right_accel(0.5, -1.0, 30.0, 31.0, 60 / 3.6) == 0.5
    assert keep_right_accel(0.5, -1.0, 15.0, 10.0, 60 / 3.6) == 0.5


def test_safety_asks_the_follower_and_the_vehicle_itself() -> None:
    """Exactly the allowed braking is still safe; more is not, of either."""
    assert mobil_safe(-4.0, -4.0, 4.0)
    assert not mobil_safe(-4.01, 0.0, 4.0)
    assert not mobil_safe(0.0, -4.01, 4.0)


def test_lateral_profile() -> None:
    """It starts and ends at rest on the lanes' middles, is half-way in the middle, moves one way only; speed and
    acceleration are its derivatives, with peaks of 1.875 and 10 / sqrt(3) in units of way and time."""
    t = np.linspace(-1.0, 5.0, 60_001)
    y, v, a = (bulk(f)(t, 4.0, 1.0, 4.5) for f in (lateral_offset, lateral_speed, lateral_accel))
    assert y[0] == 1.0
    assert y[-1] == pytest.approx(4.5, rel=1e-15)
    assert lateral_offset(2.0, 4.0, 1.0, 4.5) == 2.75
    assert np.all(np.diff(y) >= -1e-14)
    np.testing.assert_allclose(np.gradient(y, t), v, atol=1e-6)
    np.testing.assert_allclose(np.gradient(v, t), a, atol=1e-3)
    assert v.max() == pytest.approx(1.875 * 3.5 / 4.0, rel=1e-8)
    assert np.abs(a).max() == pytest.approx(10.0 / math.sqrt(3.0) * 3.5 / 16.0, rel=1e-6)


class Ring:
    """Cars on a ring of three lanes, IDM and MOBIL: the slow, plain simulation the lane-change rule is tested in."""

    LENGTH, WIDTH, LANE, ROUND, CHANGE_S, STEP = 4.8, 1.8, 3.5, 700.0, 6.0, 0.2

    def __init__(self, cars: int, seed: int, both_lanes: bool) -> None:
        rng = np.random.default_rng(seed)
        self.both, self.n = both_lanes, cars
        self.x = np.arange(cars) * self.ROUND / cars
        self.own = np.arange(cars) % 3
        self.target = self.own.copy()
        self.begun = np.full(cars, -np.inf)
        self.p = [(rng.choice([8.0, 36.0]), 0.6, 2.0, 3.0, 2.0, 4.0) for _ in range(cars)]  # slow ones and fast ones
        self.v = np.array([min(p[0], 25.0) for p in self.p])
        self.changes = 0

    def is_in(self, lane: int) -> np.ndarray:
        """Who counts as being in a lane: in both while changing, or, forgetfully, where it is going only."""
        return bulk(in_lane)(lane, self.own, self.target) if self.both else self.target == lane

    def neighbour(self, i: int, lane: int, side: int) -> tuple[int, float]:
        """The nearest ahead (side 1) or behind (-1) in a lane, and the gap; -1 and infinity if alone."""
        way = (side * (self.x - self.x[i]) + 0.5 * self.ROUND) % self.ROUND - 0.5 * self.ROUND
        way = np.where(self.is_in(lane) & (np.arange(self.n) != i) & (way > -self.LENGTH), way, np.inf)
        j = int(np.argmin(way))
        return (j, way[j] - self.LENGTH) if way[j] < np.inf else (-1, np.inf)

    def accel(self, i: int, j: int, gap: float) -> float:
        """Of i behind j."""
        return idm(self.v[i], gap, self.v[j] if j >= 0 else 0.0, *self.p[i])

    def decide(self, i: int, t: float) -> None:
        """MOBIL, if no change is under way."""
        if self.own[i] != self.target[i]:
            return
        now = self.accel(i, *self.neighbour(i, self.own[i], 1))
        for lane in (self.own[i] - 1, self.own[i] + 1):
            if not 0 <= lane <= 2:
                continue
            ahead, behind = self.neighbour(i, lane, 1), self.neighbour(i, lane, -1)
            then = self.accel(i, *ahead)
            f, f_gap = behind
            follower = self.accel(f, i, f_gap) if f >= 0 else 0.0
            if mobil_safe(follower, then, 3.0) and mobil_incentive(then, now, 0, 0, 0, 0, 0.0, 0.0) > 0.1:
                self.target[i], self.begun[i] = lane, t
                self.changes += 1
                return

    def run(self, seconds: float) -> int:
        """How many pairs overlapped at how many instants."""
        crashes = 0
        for k in range(int(seconds / self.STEP)):
            t = k * self.STEP
            over = t - self.begun >= self.CHANGE_S
            self.own[over] = self.target[over]
            for i in range(self.n):  # one after the other, each sees the changes already begun
                self.decide(i, t)
            wish = [min(self.accel(i, *self.neighbour(i, lane, 1)) for lane in self.lanes(i)) for i in range(self.n)]
            after = np.maximum(self.v + np.maximum(wish, -8.0) * self.STEP, 0.0)
            self.x = (self.x + 0.5 * (self.v + after) * self.STEP) % self.ROUND
            self.v = after
            crashes += self.overlaps(t + self.STEP)
        return crashes

    def lanes(self, i: int) -> set[int]:
        """The lanes whose leaders a car heeds."""
        return {self.own[i], self.target[i]} if self.both else {self.target[i]}

    def overlaps(self, t: float) -> int:
        """Pairs of full-size boxes that overlap, at their lateral offsets."""
        y = bulk(lateral_offset)(t - self.begun, self.CHANGE_S, self.own * self.LANE, self.target * self.LANE)
        dx = (self.x[:, None] - self.x + 0.5 * self.ROUND) % self.ROUND - 0.5 * self.ROUND
        touch = (np.abs(dx) < self.LENGTH) & (np.abs(y[:, None] - y) < self.WIDTH)
        return int(np.triu(touch, 1).sum())


def test_in_both_lanes_while_changing_nobody_is_scraped() -> None:
    """Among slow and fast drivers with dozens of gradual changes no two full-size boxes ever overlap; the same traffic
    in which a changing car is in its new lane only crashes: the pitfall of MOBIL's instantaneous change."""
    for seed in (1, 4):
        careful, forgetful = Ring(30, seed, both_lanes=True), Ring(30, seed, both_lanes=False)
        assert careful.run(25.0) == 0
        assert careful.changes > 25
        assert forgetful.run(25.0) > 0


# ── drivers ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_populations_are_the_published_ones() -> None:
    """The numbers of the sources, as they are given to the models."""
    assert TREIBER_KESTING.typical.following == (120 / 3.6, 1.0, 1.0, 1.5, 2.0, 4.0)
    assert populations.TREIBER_KESTING_CITY.typical.following == (15.0, 1.0, 1.0, 1.5, 2.0, 4.0)
    assert KESTING_ACC.typical.following == (120 / 3.6, 1.5, 1.4, 2.0, 2.0, 4.0)
    assert KESTING_ACC.typical.coolness == 0.99
    assert HIGHWAY_ENV.typical.following[1:5] == (1.5, 3.0, 5.0, 10.0)
    mobil = KESTING_MOBIL.typical
    assert (mobil.threshold_m_s2, mobil.safe_decel_m_s2, mobil.keep_right_m_s2) == (0.1, 4.0, 0.3)
    krauss = sumo_krauss(30.0).typical
    assert (krauss.accel_m_s2, krauss.decel_m_s2, krauss.headway_s, krauss.jam_gap_m) == (2.6, 4.5, 1.0, 2.5)
    assert krauss.imperfection == 0.5


def test_drawn_drivers_follow_their_distributions() -> None:
    """Uniforms at 0, 1/2 and 1 give the ends and the middle; what does not vary is the typical driver's; a normal that
    is cut off has nothing piled up at its ends."""
    k = PARAMETERS.index("exponent")
    rows = HIGHWAY_ENV.drawn(np.array([[0.0], [0.5], [1.0]]) * np.ones(len(PARAMETERS)))
    assert rows[:, k].tolist() == [3.5, 4.0, 4.5]
    assert np.all(rows[:, 1:k] == HIGHWAY_ENV.typical.row[1:k])
    grid = (np.arange(10_000) + 0.5) / 10_000
    x = Normal(10.0, 2.0, 8.0, 14.0).at(grid)
    assert x.min() > 8.0
    assert x.max() < 14.0
    inside = math.erf(0.5 / math.sqrt(2.0) * 2.0) / 2.0 + 0.5 * math.erf(2.0 / math.sqrt(2.0))
    below = math.erf(1.0 / math.sqrt(2.0)) / 2.0
    assert np.mean(x < 10.0) == pytest.approx(below / inside, abs=2e-4)


def test_a_parameter_made_to_vary_changes_no_other() -> None:
    """The same uniforms draw the same drivers but for the parameter that varies in one population only."""
    u = np.random.default_rng(0).random((20, len(PARAMETERS)))
    a = KESTING_MOBIL.drawn(u)
    b = Population("x", "here", KESTING_MOBIL.typical, {**KESTING_MOBIL.spread, "headway_s": Uniform(0.5, 2.0)}).drawn(
        u
    )
    differs = np.any(a != b, axis=0)
    assert [PARAMETERS[k] for k in np.flatnonzero(differs)] == ["headway_s"]


def test_drivers_that_cannot_be_are_refused() -> None:
    """One sentence: what came, what is allowed, the nearest name."""
    with pytest.raises(BadTask) as e:
        Driver(30.0, 1.0, 0.0, 1.5)
    assert str(e.value) == ("A driver with accel_m_s2 = 0 cannot be simulated; give more than 0, at most 20.")
    with pytest.raises(BadTask, match="headway_s = nan"):
        Driver(30.0, math.nan, 1.0, 1.5)
    with pytest.raises(UnknownName, match="Did you mean 'headway_s'"):
        Population("x", "here", TREIBER_KESTING.typical, {"headway": Uniform(1.0, 2.0)})
    with pytest.raises(BadTask, match="give low <= high"):
        Population("x", "here", TREIBER_KESTING.typical, {"headway_s": Uniform(2.0, 1.0)})
    with pytest.raises(BadTask, match="exponent = 0"):
        Population("x", "here", TREIBER_KESTING.typical, {"exponent": Uniform(0.0, 4.0)})
    with pytest.raises(ValueError, match=r"\(n, 12\)"):
        HIGHWAY_ENV.drawn(np.zeros((3, 4)))


# ── highway-env, installed beside ───────────────────────────────────────────────────────────────────────────────────


def test_the_dialect_is_highway_envs() -> None:
    """On states of a straight road our function of its parameters gives its accelerations."""
    behavior = pytest.importorskip("highway_env.vehicle.behavior")
    road_module = pytest.importorskip("highway_env.road.road")
    network = road_module.RoadNetwork.straight_road_network(1, speed_limit=30)
    road = road_module.Road(network, np_random=np.random.RandomState(0))
    rng = np.random.default_rng(2)
    lane = network.get_lane(("0", "1", 0))
    for _ in range(50):
        v, lead, distance, v0 = rng.uniform([0, 0, 6, 15], [35, 35, 80, 30])
        own = behavior.IDMVehicle(road, lane.position(100.0, 0), lane.heading_at(0), v, target_speed=v0)
        ahead = behavior.IDMVehicle(road, lane.position(100.0 + distance, 0), lane.heading_at(0), lead)
        p = (v0, 1.5, 3.0, 5.0, 10.0, own.DELTA)
        assert idm_highway_env(v, distance, lead, *p) == pytest.approx(own.acceleration(own, ahead), rel=1e-12)
        assert idm_highway_env(v, math.inf, 0.0, *p) == pytest.approx(own.acceleration(own), rel=1e-12)
