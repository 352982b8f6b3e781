"""Laws of recorded ways and of replaying them, blind and reactive."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from jangin.errors import BadRoad
from jangin.vehicle.boxes_compiled import boxes_touch
from jangin.vehicle.commonroad import read_commonroad
from jangin.vehicle.recorded import Recorded
from jangin.vehicle.traffic.drivers import TREIBER_KESTING, Driver
from jangin.vehicle.traffic.paths import contact, paths
from jangin.vehicle.traffic.replay import BRAKES_M_S2, Reactive, replayed

SHARED = Path(__file__).parents[2] / "shared" / "data" / "vehicle" / "commonroad"
STEP = 0.1


def recorded(*ways: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray], kinds: str = "car") -> Recorded:
    """Cars of 4.5 m x 1.8 m from (x, y, heading, speed) over the instants, NaN where absent."""
    x, y, heading, speed = (np.stack(column) for column in zip(*ways))
    n = len(x)
    names = tuple(str(k) for k in range(n))
    return Recorded(
        STEP,
        names,
        tuple(kinds.split()) * (n if kinds == "car" else 1),
        np.full(n, 4.5),
        np.full(n, 1.8),
        x,
        y,
        heading,
        speed,
    )


def straight(x0: float, speed: float, steps: int, y: float = 0.0) -> tuple[np.ndarray, ...]:
    """Along x at a constant speed."""
    t = np.arange(steps) * STEP
    return x0 + speed * t, np.full(steps, y), np.zeros(steps), np.full(steps, speed)


def circle(angle0: float, speed: float, steps: int, radius: float = 40.0) -> tuple[np.ndarray, ...]:
    """Counter-clockwise round the origin."""
    a = angle0 + speed / radius * np.arange(steps) * STEP
    return radius * np.cos(a), radius * np.sin(a), (a + 1.5 * np.pi) % (2 * np.pi) - np.pi, np.full(steps, speed)


def during(way: tuple[np.ndarray, ...], first: int, last: int) -> tuple[np.ndarray, ...]:
    """Present from one instant to another only."""
    k = np.arange(len(way[0]))
    return tuple(np.where((k >= first) & (k <= last), values, np.nan) for values in way)


def test_log_replay_passes_through_the_recorded_instants_exactly() -> None:
    """At every instant, whatever its rounding, the bits that were recorded, NaN included; outside, nobody."""
    r = recorded(circle(0.0, 10.0, 60), during(straight(0.0, 7.0, 60), 10, 30))
    at = replayed(r, np.arange(60) * STEP)
    for k, values in ((0, r.x_m), (1, r.y_m), (2, r.heading_rad), (5, r.speed_m_s)):
        assert np.array_equal(at[:, :, k], values, equal_nan=True)
    assert np.array_equal(replayed(r, 3 * STEP), at[:, 3], equal_nan=True)
    for outside in (-0.01, 59 * STEP + 0.01):
        assert np.all(np.isnan(replayed(r, outside)[:, 0]))


def test_log_replay_between_instants() -> None:
    """Half-way in place and speed; the heading the shorter way across pi; nobody who is absent at either end."""
    nan = np.nan
    r = recorded(
        (np.array([0.0, 1.0]), np.array([2.0, 2.0]), np.array([3.1, -3.1]), np.array([10.0, 12.0])),
        (np.array([0.0, nan]), np.array([9.0, nan]), np.array([0.0, nan]), np.array([1.0, nan])),
    )
    at = replayed(r, 0.25 * STEP)
    assert at[0, [0, 1, 5]].tolist() == [0.25, 2.0, 10.5]
    assert at[0, 2] == pytest.approx(3.1 + 0.25 * (2 * np.pi - 6.2), rel=1e-12)
    assert np.isnan(at[1, [0, 1, 2, 5]]).all()


def test_ways_lead_through_the_recorded_poses() -> None:
    """Wherever a user was recorded, its way at the metres it had come is that pose; its length is what it drove."""
    r = recorded(circle(0.3, 8.0, 80), during(straight(5.0, 20.0, 80), 3, 50))
    ways = paths(r)
    for i, k in [(0, 0), (0, 1), (0, 41), (0, 79), (1, 3), (1, 50)]:
        pose = ways.pose(i, ways.travelled_m[i, k])
        np.testing.assert_allclose(pose, (r.x_m[i, k], r.y_m[i, k], r.heading_rad[i, k]), rtol=0, atol=1e-12)
    assert ways.length_m[1] == pytest.approx(47 * STEP * 20.0, rel=1e-12)
    assert np.array_equal(np.isnan(ways.travelled_m), ~r.present)
    assert ways.pose(1, ways.length_m[1] + 7.0)[0] == pytest.approx(5.0 + 50 * STEP * 20.0 + 7.0, rel=1e-12)


def test_a_standing_cars_jitter_is_no_way() -> None:
    """A car that stands and trembles by 5 cm comes nowhere."""
    rng = np.random.default_rng(0)
    x, y, heading, speed = straight(0.0, 0.0, 200)
    ways = paths(recorded((x + rng.normal(0, 0.02, 200), y + rng.normal(0, 0.02, 200), heading, speed)))
    assert ways.length_m[0] == 0.0
    assert np.all(ways.travelled_m == 0.0)


def test_who_is_away_in_between_is_refused() -> None:
    """Somebody who comes back later would be two."""
    x, y, heading, speed = straight(0.0, 5.0, 10)
    x[4] = np.nan
    with pytest.raises(BadRoad) as e:
        paths(recorded((x, y, heading, speed)))
    assert str(e.value) == "The recorded road user '0' is away in between; leave it out, or make it two."


def test_the_gap_on_a_straight_road_is_bumper_to_bumper() -> None:
    """The nearest of those ahead in the way counts, at the distance of centres less half of both lengths; nobody beside
    or behind does, and nobody beyond the horizon."""
    r = recorded(*(straight(x, 10.0, 50, y) for x, y in [(0, 0), (30, 0.5), (70, 0), (20, 3.5), (-10, 0)]))
    ways, boxes = paths(r), replayed(r, 0.0)
    assert contact(0, 0.0, *ways.arrays, boxes, 100.0)[:2] == (pytest.approx(25.5, abs=1e-4), 1)
    assert contact(4, 0.0, *ways.arrays, boxes, 100.0)[:2] == (pytest.approx(5.5, abs=1e-4), 0)
    assert contact(2, 0.0, *ways.arrays, boxes, 100.0)[:2] == (math.inf, -1)
    assert contact(0, 0.0, *ways.arrays, boxes, 20.0)[:2] == (math.inf, -1)


def test_the_gap_in_a_curve_and_across_is_the_slow_twins() -> None:
    """Against stepping the box along its way by millimetres until it touches: round a curve, and across a crossing."""
    r = recorded(circle(0.0, 10.0, 120), circle(0.8, 10.0, 120), during(straight(-5.0, 10.0, 120, 45.0), 0, 60))
    ways, boxes = paths(r), replayed(r, 0.0)
    for other in (1, 2):
        alone = boxes.copy()
        alone[[k for k in (1, 2) if k != other], 0] = np.nan
        if other == 2:
            alone[2, :3] = (-2.0, 41.0, 1.2)  # across the way, not along it
        gap, who, _ = contact(0, 0.0, *ways.arrays, alone, 100.0)
        s = next(s for s in np.arange(0.0, 100.0, 1e-3) if boxes_touch(*ways.pose(0, s), 4.5, 1.8, *alone[other, :5]))
        assert who == other
        assert gap == pytest.approx(s, abs=2e-3)


def test_whoever_has_run_into_one_is_no_leader() -> None:
    """A box that touches from behind is ignored, one that touches in front is at a gap of 0."""
    r = recorded(straight(0.0, 5.0, 20), straight(4.0, 5.0, 20))
    ways, boxes = paths(r), replayed(r, 0.0)
    assert contact(0, 0.0, *ways.arrays, boxes, 50.0)[:2] == (0.0, 1)
    assert contact(1, 0.0, *ways.arrays, boxes, 50.0)[:2] == (math.inf, -1)


def run(traffic: Reactive, steps: int, others=lambda k: None) -> list:
    """All states from the start on."""
    states = [traffic.start()]
    for k in range(steps):
        states.append(traffic.advanced(states[-1], STEP, others(k)))
    return states


def test_reactive_alone_at_its_desired_speed_is_the_recording() -> None:
    """Without a leader, a driver recorded at one constant speed drives the recorded way at the recorded times,
    but for the 3 mm in 100 m by which the chords of a circle are shorter."""
    r = recorded(circle(0.0, 10.0, 101), straight(0.0, 15.0, 101, 100.0))
    for k, state in enumerate(run(Reactive.of(r, TREIBER_KESTING.typical), 100)):
        off = np.hypot(state.boxes[:, 0] - r.x_m[:, k], state.boxes[:, 1] - r.y_m[:, k])
        assert off[0] < 3e-3
        assert off[1] < 1e-9
        np.testing.assert_allclose(state.boxes[:, 5], r.speed_m_s[:, k], atol=1e-12)
        assert np.all(state.leader == -1)


def test_reactive_traffic_stops_behind_an_ego_that_stands_where_the_log_drives_through() -> None:
    """Two cars behind a standing ego stop one after the other a jam gap apart, never braking beyond the limit; the log
    has them where the ego is."""
    r = recorded(straight(0.0, 15.0, 301), straight(-25.0, 15.0, 301))
    ego = np.array([[120.0, 0.0, 0.0, 4.5, 1.8, 0.0]])
    states = run(Reactive.of(r, TREIBER_KESTING.typical), 300, lambda k: ego)
    x = np.array([s.boxes[:, 0] for s in states])
    v = np.array([s.boxes[:, 5] for s in states])
    assert np.all(np.diff(x, axis=0) >= 0.0)
    assert np.diff(v, axis=0).min() >= -BRAKES_M_S2 * STEP - 1e-12
    assert v[-1].max() < 0.1
    assert 1.0 < 120.0 - x[-1, 0] - 4.5 < 3.0
    assert 1.0 < x[-1, 0] - x[-1, 1] - 4.5 < 3.0
    assert states[-1].leader.tolist() == [2, 0]
    assert any(boxes_touch(*replayed(r, k * STEP)[0, :5], *ego[0, :5]) for k in range(301))


def test_reactive_traffic_yields_to_whoever_crosses_its_way() -> None:
    """A car lets an ego pass that stands across its way, and drives on when it is gone."""
    r = recorded(straight(0.0, 10.0, 201))
    across = np.array([[40.0, 0.0, np.pi / 2, 4.5, 1.8, 0.0]])
    states = run(Reactive.of(r, TREIBER_KESTING.typical), 200, lambda k: across if k < 120 else None)
    assert 40.0 - 0.9 - 2.25 - 3.0 < states[120].boxes[0, 0] < 40.0 - 0.9 - 2.25
    assert states[-1].boxes[0, 0] > 50.0


def test_pedestrians_keep_to_the_clock() -> None:
    """Who does not react is replayed by time, also through an ego."""
    r = recorded(straight(0.0, 1.5, 51), straight(-30.0, 10.0, 51), kinds="pedestrian car")
    ego = np.array([[3.0, 0.0, 0.0, 4.5, 1.8, 0.0]])
    states = run(Reactive.of(r, TREIBER_KESTING.typical), 50, lambda k: ego)
    assert np.array_equal([s.boxes[0, 0] for s in states], r.x_m[0])
    assert states[-1].boxes[1, 0] < r.x_m[1, -1]


def test_entering_waits_for_its_place_and_leaving_is_for_good() -> None:
    """Somebody recorded from 2 s on enters then; with an ego on the spot it waits until that is gone; one recorded to
    leave is gone at the end of its way and stays so."""
    r = recorded(during(straight(0.0, 10.0, 101), 20, 60), during(straight(0.0, 10.0, 101, 10.0), 0, 50))
    traffic = Reactive.of(r, TREIBER_KESTING.typical)
    free = run(traffic, 100)
    there = np.array([np.isfinite(s.boxes[:, 0]) for s in free])
    assert np.flatnonzero(there[:, 0]).tolist() == list(range(20, 60))
    assert np.flatnonzero(there[:, 1]).tolist() == list(range(50))
    ego = np.array([[20.0, 0.0, 0.0, 4.5, 1.8, 0.0]])
    held = run(traffic, 100, lambda k: ego if k < 40 else None)
    there = np.array([np.isfinite(s.boxes[0, 0]) for s in held])
    assert np.flatnonzero(there)[0] == 41
    assert held[41].boxes[0, 0] == r.x_m[0, 20]


def test_who_was_last_seen_standing_stops_there() -> None:
    """A car recorded to brake to a standstill ends there, within half a metre, and one that never moved stays."""
    t = np.arange(301) * STEP
    v = np.maximum(10.0 - 1.0 * t, 0.0)
    x = np.concatenate([[0.0], np.cumsum(0.5 * (v[1:] + v[:-1]) * STEP)])
    r = recorded((x, np.zeros(301), np.zeros(301), v), straight(5.0, 0.0, 301, 20.0))
    last = run(Reactive.of(r, TREIBER_KESTING.typical), 600)[-1].boxes
    assert last[0, 0] == pytest.approx(paths(r).length_m[0], abs=0.5)
    assert last[1, :2].tolist() == [5.0, 20.0]


def test_drivers_may_be_given_one_by_one() -> None:
    """(n, 6) parameters are taken as they are, desired speeds too; another shape is refused."""
    r = recorded(straight(0.0, 10.0, 51), straight(0.0, 10.0, 51, 20.0))
    slow, quick = (np.array(Driver(v0, 1.0, 2.0, 2.0).following) for v0 in (10.0, 30.0))
    last = run(Reactive.of(r, np.stack([slow, quick])), 50)[-1].boxes
    assert last[0, 5] == 10.0
    assert last[1, 5] > 15.0
    with pytest.raises(ValueError, match=r"\(2, 6\)"):
        Reactive.of(r, slow)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the recorded scenarios are not here")
@pytest.mark.parametrize("name", ["USA_US101-4_1_T-1", "USA_Peach-4_8_T-1", "DEU_A9-3_1_T-1"])
def test_recorded_traffic_reacts_without_new_crashes(name) -> None:
    """In recorded scenarios reactive drivers run into nobody whom the recording itself did not have them touch."""
    r = read_commonroad(SHARED / f"{name}.xml").recorded
    traffic = Reactive.of(r, TREIBER_KESTING.typical)
    states = [traffic.start()]
    for _ in range(r.x_m.shape[1] - 1):
        states.append(traffic.advanced(states[-1], r.step_s))

    def touching(boxes: np.ndarray) -> set[tuple[int, int]]:
        there = np.flatnonzero(np.isfinite(boxes[:, 0]))
        return {(i, j) for i in there for j in there if i < j and boxes_touch(*boxes[i, :5], *boxes[j, :5])}

    logged = set().union(*(touching(replayed(r, k * r.step_s)) for k in range(r.x_m.shape[1])))
    reacting = set().union(*(touching(s.boxes) for s in states))
    assert reacting <= logged
    assert states[-1].entered.sum() >= len(r) - 2
