"""A road's own coordinates, surfaces and ways: laws on small roads, a slow twin, real files."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from jangin.errors import BadRoad, UnknownName
from jangin.vehicle.opendrive import read_opendrive
from jangin.vehicle.road import Road
from vehicle_roads import geometry, lane, opendrive, road, section, shared


def drawn(town: Road, n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lane, s and d of points drawn on drivable lanes, by area's length."""
    rng = np.random.default_rng(seed)
    lanes = np.flatnonzero(town.drivable)
    k = rng.choice(lanes, n, p=town.length_m[lanes] / town.length_m[lanes].sum())
    s = rng.uniform(0.0, 1.0, n) * town.length_m[k]
    share = rng.uniform(-1.0, 1.0, n)
    return k, s, np.where(share > 0, share * town.along(town.left_m, k, s), share * town.along(town.right_m, k, s))


@pytest.fixture
def bend(tmp_path: Path) -> Road:
    """A line, a spiral and an arc, two lanes a side."""
    plan = geometry("<line/>", 60.0) + geometry('<spiral curvStart="0" curvEnd="0.02"/>', 40.0, s=60.0, x=60.0)
    return read_opendrive(opendrive(tmp_path, road(plan, 100.0, section(lane(2), lane(1), lane(-1), lane(-2, 3.0)))))


def test_coordinates_on_a_line_are_those_of_the_plane(tmp_path: Path):
    """Along x, s is x and d is y from the lane's centre, to rounding; headings are relative to the way driven."""
    town = read_opendrive(opendrive(tmp_path, road(geometry("<line/>", 80.0), 80.0, section(lane(1), lane(-1)))))
    rng = np.random.default_rng(1)
    x, y = rng.uniform(0.0, 80.0, 500), rng.uniform(-3.5, 3.5, 500)
    found = town.project(x, y, np.full(500, 0.3))
    right = y < 0.0
    assert np.array_equal(found.lane == town.find("1/0/-1"), right)
    assert np.allclose(found.s_m, np.where(right, x, 80.0 - x), atol=1e-9)
    assert np.allclose(found.d_m, np.where(right, y + 1.75, 1.75 - y), atol=1e-9)
    assert found.heading_rad is not None
    assert np.allclose(found.heading_rad, np.where(right, 0.3, 0.3 - math.pi), atol=1e-9)


def test_place_and_projection_are_inverse(bend: Road):
    """(lane, s, d) -> (x, y, heading) -> (lane, s, d) returns to 1e-9 m, on line and curve alike."""
    k, s, d = drawn(bend, 5000, 2)
    x, y, heading = bend.at(k, s, d)
    for found in (bend.project(x, y, heading, lanes=k), bend.project(x, y, heading)):
        assert np.array_equal(found.lane, k)
        assert np.max(np.abs(found.s_m - s)) < 1e-9
        assert np.max(np.abs(found.d_m - d)) < 1e-9
        assert found.heading_rad is not None
        assert np.max(np.abs(found.heading_rad)) < 1e-9


def test_coordinates_on_a_circle_differ_by_the_sampling_error(tmp_path: Path):
    """On a circle of 50 m the closed form holds to 1 mm, the bound on the sagitta, in d, and to 2 mm in s."""
    plan = geometry('<arc curvature="0.02"/>', 120.0)
    town = read_opendrive(opendrive(tmp_path, road(plan, 120.0, section(lane(-1)))))
    rng = np.random.default_rng(3)
    angle, radius = rng.uniform(0.05, 2.3, 2000), rng.uniform(50.1, 53.4, 2000)
    found = town.project(radius * np.sin(angle), 50.0 - radius * np.cos(angle))
    assert np.max(np.abs(found.d_m - (51.75 - radius))) <= 1e-3
    assert np.max(np.abs(found.s_m - 51.75 * angle)) <= 2e-3


def test_before_and_past_its_ends_a_lane_goes_straight_on(bend: Road):
    """With the lane given, s is negative before the start and above the length past the end, and `at` returns there."""
    k = bend.find("1/0/-1")
    x, y, _ = bend.at(k, np.array([-25.0, bend.length_m[k] + 7.0]), np.array([1.0, -2.0]))
    found = bend.project(x, y, lanes=k)
    assert found.s_m == pytest.approx([-25.0, bend.length_m[k] + 7.0])
    assert found.d_m == pytest.approx([1.0, -2.0])


def test_projection_finds_the_nearest_point_of_a_slow_twin(bend: Road):
    """|d| is the distance to the centre line as a search over 1 mm steps finds it, to the sampling error."""
    k = bend.find("1/0/-2")
    s = np.arange(0.0, bend.length_m[k], 1e-3)
    cx, cy, _ = bend.at(k, s)
    rng = np.random.default_rng(4)
    at, d = rng.uniform(5.0, bend.length_m[k] - 5.0, 40), rng.uniform(-6.0, 6.0, 40)
    x, y, _ = bend.at(k, at, d)
    slow = np.min(np.hypot(cx[:, None] - x, cy[:, None] - y), axis=0)
    assert np.max(np.abs(np.abs(bend.project(x, y, lanes=k).d_m) - slow)) < 2e-3


def test_points_off_the_road_have_no_lane(bend: Road):
    """Up to 2 m beside the outermost lane to drive on a point still belongs to it; farther, or NaN, to none."""
    found = bend.project(np.array([30.0, 30.0, 30.0, np.nan, 1e9]), np.array([-8.4, -8.6, 500.0, 0.0, 0.0]))
    assert found.lane.tolist() == [bend.find("1/0/-2"), -1, -1, -1, -1]
    assert np.isnan(found.s_m[1:]).all()
    assert found.heading_rad is None


def test_inside_is_the_surface_to_drive_on(tmp_path: Path):
    """Between the outer edges of the driving lanes, but not on the shoulder, and not past the end of the road."""
    lanes = section(lane(1), lane(-1), lane(-2, 2.0, "shoulder"))
    town = read_opendrive(opendrive(tmp_path, road(geometry("<line/>", 20.0), 20.0, lanes)))
    y = np.array([3.6, 3.4, -3.4, -3.6])
    assert town.inside(np.full(4, 10.0), y).tolist() == [False, True, True, False]
    assert town.inside(np.array([-0.1, 0.1, 19.9, 20.1]), np.zeros(4)).tolist() == [False, True, True, False]


def test_inside_of_real_files_holds_every_point_of_their_lanes():
    """Points drawn on drivable lanes of a town, in junctions too, are all inside, and 10 m aside of a lone road not."""
    town = read_opendrive(shared("opendrive", "fabriksgatan.xodr"))
    k, s, d = drawn(town, 20_000, 5)
    assert town.inside(*town.at(k, s, 0.999 * d)[:2]).all()
    motorway = read_opendrive(shared("alks", "concrete", "road_networks", "alks_road_different_curvatures.xodr"))
    outer = motorway.find("0/0/-8")
    s = np.linspace(0.0, motorway.length_m[outer], 500)
    assert not motorway.inside(*motorway.at(outer, s, -10.0)[:2]).any()


def test_round_trip_on_real_files():
    """Every drawn point of real roads returns to its place within 1e-9 m, whatever lane of several it is given."""
    for name in ("multi_intersections", "e6mini", "soderleden", "parking_demo"):
        town = read_opendrive(shared("opendrive", f"{name}.xodr"))
        k, s, d = drawn(town, 20_000, 6)
        x, y, heading = town.at(k, s, d)
        found = town.project(x, y, heading)
        assert (found.lane >= 0).all()
        back = town.at(found.lane, found.s_m, found.d_m)
        assert np.max(np.hypot(back[0] - x, back[1] - y)) < 1e-9


def test_in_a_junction_the_heading_chooses_among_lanes(tmp_path: Path):
    """Two roads that cross: the lane is the one that runs the way the vehicle points."""
    a = road(geometry("<line/>", 40.0, x=-20.0, y=1.75), 40.0, section(lane(-1)), id_="A")
    b = road(geometry("<line/>", 40.0, x=-1.75, y=-20.0, hdg=math.pi / 2), 40.0, section(lane(-1)), id_="B")
    town = read_opendrive(opendrive(tmp_path, a, b))
    found = town.project(np.zeros(2), np.zeros(2), np.array([0.1, 1.4]))
    assert [town.names[k] for k in found.lane] == ["A/0/-1", "B/0/-1"]


def test_ways_follow_links_and_change_lanes(tmp_path: Path):
    """Where only the right lane goes on, the way from the left one changes lanes first; back there is none."""
    to = '<successor elementType="road" elementId="2" contactPoint="start"/>'
    first = road(geometry("<line/>", 50.0), 50.0, section(lane(-1), lane(-2, link='<successor id="-1"/>')), link=to)
    second = road(geometry("<line/>", 50.0, x=50.0, y=-3.5), 50.0, section(lane(-1)), id_="2")
    town = read_opendrive(opendrive(tmp_path, first, second))
    assert town.route(0, 2) == (0, 1, 2)
    assert town.route(2, 2) == (2,)
    assert town.reachable(0).tolist() == [True, True, True]
    with pytest.raises(BadRoad) as caught:
        town.route(2, 0)
    assert str(caught.value) == (
        "No way leads from lane '2/0/-1' to lane '1/0/-1': driving on and changing lanes reaches 1 of 3 lanes. Choose "
        "another goal or mend the links."
    )


def test_a_way_never_uses_the_shoulder(tmp_path: Path):
    """A shoulder beside a lane is its neighbour, but no way leads over it."""
    town = read_opendrive(
        opendrive(tmp_path, road(geometry("<line/>", 50.0), 50.0, section(lane(-1), lane(-2, 2.0, "shoulder"))))
    )
    assert town.right[0] == 1
    assert town.reachable(0).tolist() == [True, False]


def test_a_lane_is_found_by_name(bend: Road):
    """An unknown name is refused with the nearest."""
    with pytest.raises(UnknownName, match="no lane '1/0/-9'"):
        bend.find("1/0/-9")


def test_a_road_cannot_be_changed(bend: Road):
    """Its arrays are read-only: a road that is shared stays what was read."""
    with pytest.raises(ValueError, match="read-only"):
        bend.x_m[0] = 1.0
