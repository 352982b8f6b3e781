"""A motorway seen from above is the motorway that was simulated: distances on straights, circles on curves."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from jangin.engine.rollout import run_trials
from jangin.task import Filmed
from jangin.vehicle.lanes import columns as c
from jangin.vehicle.lanes.advance import _aside
from jangin.vehicle.motorway_film import ABSENT_M, in_plane
from jangin.vehicle.tasks.motorway import Motorway

N = 8


def world_at(task: Motorway, curvature: float, periods: int):
    """N stretches of one curvature after so many control periods of the expert's."""
    world = task.world(N, threads=1, seed=5)
    u = np.full((N, len(task.conditions)), 0.5)
    index = task.conditions.names.index("curvature_1_m")
    u[:, index] = (curvature + 1e-3) / 2e-3
    u[:, task.conditions.names.index("entry")] = np.linspace(0.05, 0.95, N)
    world.reset(np.arange(N), np.arange(N), u)
    np.testing.assert_allclose(world.values["curvature_1_m"], curvature, atol=1e-18)
    expert = task.expert()
    expert.reset(np.arange(N), np.arange(N))
    for _ in range(periods):
        world.step(expert.act(world.observe()))
    return world


def there(world, sim: int) -> np.ndarray:
    return np.flatnonzero(world._w.car[sim, :, c.PRESENT] == 1.0)


# ── the plane ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("curvature", [-1e-3, 0.0, 3e-4])
def test_the_plane_is_the_one_contacts_are_found_in(curvature):
    """The picture and the collision check put (s, d) in the same place."""
    rng = np.random.default_rng(0)
    s, d = rng.uniform(-100.0, 900.0, 50), rng.uniform(-6.0, 12.0, 50)
    x, y, _ = in_plane(s, d, 0.0, curvature, 12.0)
    twin = np.array([_aside(a, b, curvature, 12.0) for a, b in zip(s, d)])
    np.testing.assert_allclose(np.column_stack([x, y]), twin, atol=1e-9)


def test_a_nearly_straight_road_is_nearly_a_line():
    """As the curvature goes to 0 the circle goes to the line, without losing digits: y = d + curvature s^2 / 2."""
    x, y, heading = in_plane(np.array([400.0]), np.array([3.5]), 0.1, 1e-12, 0.0)
    assert x[0] == pytest.approx(400.0, abs=1e-6)
    assert y[0] - 3.5 == pytest.approx(0.5 * 1e-12 * 400.0**2, rel=1e-6)
    assert heading[0] == pytest.approx(0.1 + 4e-10)


def test_on_a_straight_road_distances_are_lane_distances():
    """Between any two boxes x differs by s and y by d; headings are those relative to the road; sizes are their own."""
    world = world_at(Motorway(), 0.0, 6)
    for sim in range(N):
        car, frame = world._w.car[sim], world.frame(sim)
        k = there(world, sim)
        assert frame.ids == tuple(k.tolist())
        start = world._w.trial[sim, c.START]
        np.testing.assert_allclose(frame.boxes[:, 0], car[k, c.S] - start, atol=1e-12)
        np.testing.assert_array_equal(frame.boxes[:, 1], car[k, c.D])
        np.testing.assert_array_equal(frame.boxes[:, 2], car[k, c.HEADING])
        np.testing.assert_array_equal(frame.boxes[:, 3:], car[k][:, [c.LENGTH, c.WIDTH]])


@pytest.mark.parametrize("curvature", [-1e-3, 8e-4])
def test_on_a_curve_everybody_is_on_a_circle(curvature):
    """A box at (s, d) lies at radius 1/curvature - d from the curve's centre, at the angle curvature * s."""
    world = world_at(Motorway(), curvature, 6)
    centre = np.array([0.0, 1.0 / curvature])
    for sim in range(N):
        car, frame = world._w.car[sim], world.frame(sim)
        k = there(world, sim)
        s = car[k, c.S] - world._w.trial[sim, c.START]
        from_centre = frame.boxes[:, :2] - centre
        np.testing.assert_allclose(np.hypot(*from_centre.T), np.abs(1.0 / curvature - car[k, c.D]), rtol=1e-12)
        angle = np.arctan2(from_centre[:, 0], -from_centre[:, 1]) if curvature > 0 else None
        if angle is None:
            angle = -np.arctan2(from_centre[:, 0], from_centre[:, 1])
        np.testing.assert_allclose(angle, curvature * s, atol=1e-9)
        np.testing.assert_allclose(frame.boxes[:, 2], car[k, c.HEADING] + curvature * s, atol=1e-12)


@pytest.mark.parametrize("curvature", [-1e-3, 0.0, 6e-4])
def test_lines_are_where_the_lanes_are(curvature):
    """Every corner of an edge or a mark lies on its lane's border, and a drawn chord is within 2 cm of the curve."""
    task = Motorway()
    world = world_at(task, curvature, 0)
    for sim in (0, N - 1):
        scenery = world.scenery(sim)
        ramp = np.isfinite(world._w.trial[sim, c.RAMP_END])
        marks = [s.points_m for s in scenery.shapes if s.kind == "lane mark"]
        assert len(marks) == task.lanes - 1 + ramp
        offsets = []
        for points in marks:
            if curvature:
                radius = np.hypot(points[:, 0], points[:, 1] - 1.0 / curvature)
                d = 1.0 / curvature - np.sign(curvature) * radius
                chord = np.hypot(*np.diff(points, axis=0).T).max()
                assert chord**2 * abs(curvature) / 8.0 < 0.021
            else:
                d = points[:, 1]
            assert np.ptp(d) < 1e-8
            offsets.append(d[0] / task.lane_width_m)
        np.testing.assert_allclose(sorted(offsets), np.arange(task.lanes - 1 + ramp) + 0.5 - ramp, atol=1e-8)
        goal = next(s.points_m for s in scenery.shapes if s.kind == "goal")
        far = in_plane(task.goal_m, -0.5 * task.lane_width_m, 0.0, curvature, 0.0)
        np.testing.assert_allclose(goal[0], far[:2], atol=1e-9)


# ── over time ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_worlds_of_vehicles_are_filmed():
    """A motorway offers frames and scenery; so a report shows its trials."""
    assert isinstance(Motorway().world(1), Filmed)


@pytest.mark.parametrize("actions", ["meta", "continuous"])
def test_frames_are_as_far_apart_as_substeps(actions):
    """Between two periods every substep has its frame, and the driven box moves in each by its speed times the step."""
    task = Motorway(actions=actions)
    world = task.world(N, threads=1, seed=2)
    action = np.zeros((N, len(task.action)), np.float32)
    assert world.frame(3).before == ()
    assert world.frame(3).t_s == 0.0
    for period in range(1, 5):
        world.step(action)
        frame = world.frame(3)
        assert frame.t_s == pytest.approx(period / task.rate_hz)
        times = [f.t_s for f in (*frame.before, frame)]
        substeps = round(1.0 / (task.rate_hz * task.substep_s))
        np.testing.assert_allclose(times, frame.t_s - task.substep_s * np.arange(substeps)[::-1])
        way = [f.boxes[0, :2] for f in (*frame.before, frame)]
        if len(way) > 1:
            driven = np.hypot(*np.diff(way, axis=0).T)
            np.testing.assert_allclose(driven, frame.values["speed_m_s"] * task.substep_s, rtol=0.05)


def test_what_is_reported_is_what_the_trial_keeps():
    """Gap, time to collision and speed are those of the world; the shield is there only where there is one."""
    world = world_at(Motorway(shield="rss"), 0.0, 5)
    for sim in range(N):
        trial = world._w.trial[sim]
        wanted = trial[c.GAP_AHEAD], trial[c.TTC], world._w.car[sim, 0, c.SPEED], trial[c.SHIELDED]
        assert tuple(world.frame(sim).values.values()) == wanted
        assert world.scenery(sim).values.names == tuple(world.frame(sim).values)
    assert "shield" not in Motorway().world(1).frame(0).values


def test_who_waits_outside_is_in_no_frame():
    """Vehicles that are not on the stretch are not shown, now and in the substeps before."""
    world = world_at(Motorway(cars=40, density=(20.0, 20.0)), 0.0, 8)
    waiting = 0
    for sim in range(N):
        frame = world.frame(sim)
        absent = np.flatnonzero(world._w.car[sim, :, c.PRESENT] == 0.0)
        waiting += len(absent)
        assert not set(absent.tolist()) & set(frame.ids)
        for one in (*frame.before, frame):
            assert (one.boxes[:, 0] > ABSENT_M).all()
            assert one.kinds[0] == "driven"
            assert one.kinds.count("driven") == 1
    assert waiting > 0


def test_the_driven_vehicle_stays_in_the_window():
    """On the sharpest curve too: 60 m behind it and 100 m ahead, with the whole width of the road."""
    for curvature in (-1e-3, 1e-3):
        task = Motorway()
        world = world_at(task, curvature, 4)
        for sim in (0, N - 1):
            frame, (length, width) = world.frame(sim), world.scenery(sim).view_m
            x, y, heading = frame.view
            lowest = -1.5 if np.isfinite(world._w.trial[sim, c.RAMP_END]) else -0.5
            s = world._w.car[sim, 0, c.S] - world._w.trial[sim, c.START] + np.linspace(-60.0, 100.0, 9)
            for d in (lowest * task.lane_width_m, (task.lanes - 0.5) * task.lane_width_m):
                px, py, _ = in_plane(s, np.full(9, d), 0.0, curvature, 0.0)
                ahead = np.cos(heading) * (px - x) + np.sin(heading) * (py - y)
                aside = np.cos(heading) * (py - y) - np.sin(heading) * (px - x)
                assert np.abs(ahead).max() < 0.5 * length + 1.0
                assert np.abs(aside).max() < 0.5 * width


def test_looking_changes_nothing():
    """A trial that is filmed ends with the same bits as one that is not."""
    task = Motorway(shield="rss", limit_s=12.0)

    def run(look):
        world = task.world(N, threads=1, seed=4)

        def watch(running, seen, action):
            if look:
                for sim in range(N):
                    world.frame(sim)
                    world.scenery(sim)

        return run_trials(task, world, task.expert(), np.arange(N), seed=4, on_step=watch)

    blind, watched = run(False), run(True)
    for name, values in blind.columns.items():
        np.testing.assert_array_equal(values, watched[name], err_msg=name)


def test_after_the_end_it_is_seen_as_it_ended():
    """The last frame of a trial is of the moment it ended: its time is the one that the record counts."""
    task = dataclasses.replace(Motorway(), goal_m=100.0)
    world = task.world(N, threads=1, seed=4)
    trials = run_trials(task, world, task.expert(), np.arange(N), seed=4)
    good = np.flatnonzero(trials["outcome"] == "success")
    assert len(good) > 0
    for sim in good:
        assert world.frame(sim).t_s == pytest.approx(trials["cycle_s"][sim])
        assert world._w.car[sim, 0, c.S] - world._w.trial[sim, c.START] >= task.goal_m
