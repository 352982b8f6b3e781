"""OpenDRIVE roads against closed forms, against published facts of real files, and their links."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from jangin.errors import BadRoad
from jangin.vehicle.opendrive import read_opendrive
from jangin.vehicle.opendrive_geometry import Cubic, arc, spiral
from vehicle_roads import SHARED, geometry, lane, opendrive, road, section, shared

TRAPEZOID = np.trapezoid


# ── curves ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_arc_is_the_closed_form_and_a_line_where_it_does_not_bend():
    """x = sin(k s) / k, y = (1 - cos(k s)) / k for either sign of k; k = 0 is a line."""
    s = np.linspace(0.0, 300.0, 50)
    for k in (0.01, -0.004):
        curve = arc(s, k)
        assert np.allclose(curve.x_m, np.sin(k * s) / k, atol=1e-11)
        assert np.allclose(curve.y_m, (1.0 - np.cos(k * s)) / k, atol=1e-11)
        assert np.allclose(curve.heading_rad, k * s)
    assert np.array_equal(arc(s, 0.0).x_m, s)


@pytest.mark.parametrize(
    ("u", "c", "s_"),
    [  # Abramowitz and Stegun, table 7.7: C(u) and S(u) = integrals of cos and sin of pi t^2 / 2
        (0.5, 0.4923442258714464, 0.0647324328599993),
        (1.0, 0.7798934003768228, 0.4382591473903548),
        (1.5, 0.4452611760398215, 0.6975049600820930),
        (5.0, 0.5636311887040122, 0.4991913819171169),
    ],
)
def test_a_spiral_from_a_line_gives_fresnels_integrals(u, c, s_):
    """With curvature pi s / a^2 the point at s = a u is a (C(u), S(u))."""
    a = 100.0
    curve = spiral(np.array([a * u, 0.0, 0.5 * a * u]), 0.0, math.pi / a**2)  # in any order, at few stations
    assert curve.x_m[0] == pytest.approx(a * c, abs=1e-10)
    assert curve.y_m[0] == pytest.approx(a * s_, abs=1e-10)
    assert curve.x_m[1] == curve.y_m[1] == 0.0
    assert curve.heading_rad[0] == pytest.approx(0.5 * math.pi * u * u)


def test_a_spiral_whose_curvature_does_not_change_is_an_arc():
    """A constant curvature, given as a spiral, is the arc to 1e-11 m."""
    s = np.linspace(0.0, 500.0, 300)
    for mine, theirs in zip(spiral(s, 0.02, 0.0)[:3], arc(s, 0.02)[:3]):
        assert np.allclose(mine, theirs, atol=1e-11)


def test_a_parametric_cubic_over_its_arc_length_is_evaluated_at_it():
    """pRange arcLength: u(s), v(s) are the polynomials themselves; curvature and its rate are their derivatives'."""
    cubic = Cubic((0.0, 1.0, 0.0, -1e-5), (0.0, 0.0, 2e-3, 1e-5), 40.0, by_arc_length=False, end=40.0)
    s = np.linspace(0.0, 40.0, 400_01)
    curve = cubic(s)
    assert np.allclose(curve.y_m, 2e-3 * s**2 + 1e-5 * s**3)
    travelled = np.hypot(np.gradient(curve.x_m, s), np.gradient(curve.y_m, s))
    bend = np.gradient(np.unwrap(curve.heading_rad), s) / travelled
    assert np.allclose(curve.curvature_1_m[1:-1], bend[1:-1], atol=1e-7)
    rate = np.gradient(curve.curvature_1_m, s) / travelled
    assert np.allclose(curve.rate_1_m2[1:-1], rate[1:-1], atol=1e-8)


def test_a_normalized_cubic_is_walked_at_constant_speed_and_ends_at_p_1():
    """pRange normalized: the point at s has arc length s, whatever the parameter's speed; the end is (u(1), v(1))."""
    u, v = (0.0, 20.0, 30.0, -10.0), (0.0, 0.0, 12.0, -6.0)
    p = np.linspace(0.0, 1.0, 200_001)
    x, y = (sum(c * p**k for k, c in enumerate(terms)) for terms in (u, v))
    walked = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
    s = np.linspace(0.0, walked[-1], 57)
    curve = Cubic(u, v, walked[-1], by_arc_length=True, end=1.0)(s)
    assert np.allclose(curve.x_m, np.interp(s, walked, x), atol=1e-6)
    assert np.allclose(curve.y_m, np.interp(s, walked, y), atol=1e-6)
    assert (curve.x_m[-1], curve.y_m[-1]) == pytest.approx((40.0, 6.0), abs=1e-8)


def test_a_poly3_is_walked_by_arc_length():
    """v(u) = c u^2 with u found so that the arc length is s: (w sqrt(1 + w^2) + asinh w) / 4c, w = 2cu."""
    c = 0.01
    u = np.array([3.0, 11.0, 37.0])
    w = 2.0 * c * u
    s = (w * np.sqrt(1.0 + w * w) + np.arcsinh(w)) / (4.0 * c)
    curve = Cubic((0.0, 1.0, 0.0, 0.0), (0.0, 0.0, c, 0.0), float(s[-1]), by_arc_length=True, end=None)(s)
    assert np.allclose(curve.x_m, u, atol=1e-10)
    assert np.allclose(curve.y_m, c * u * u, atol=1e-10)


# ── lanes ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_lane_on_an_arc_is_an_arc_of_its_own_radius(tmp_path: Path):
    """At offset t of a circle R a lane is a circle R - t: its length, curvature, edges and area are those of a ring."""
    plan = geometry('<arc curvature="0.02"/>', 70.0)
    town = read_opendrive(opendrive(tmp_path, road(plan, 70.0, section(lane(1), lane(-1), lane(-2, 2.5, "shoulder")))))
    for name, radius, width, way in (("1/0/1", 48.25, 3.5, -1), ("1/0/-1", 51.75, 3.5, 1), ("1/0/-2", 54.75, 2.5, 1)):
        k = town.find(name)
        at = town.points(k)
        assert np.allclose(np.hypot(town.x_m[at], town.y_m[at] - 50.0), radius, atol=1e-10)
        assert np.allclose(town.curvature_1_m[at], way / radius)
        assert town.length_m[k] == pytest.approx(70.0 * radius / 50.0, rel=1e-12)
        assert np.allclose(town.left_m[at] + town.right_m[at], width)
        assert town.area_m2(k) == pytest.approx(town.length_m[k] * width, rel=1e-4)
    assert town.sagitta_m <= 1e-3


def test_a_tapering_lane_has_the_width_of_its_cubic_and_the_area_of_its_integral(tmp_path: Path):
    """3.5 m (3 s^2/50^2 - 2 s^3/50^3) has the area 3.5 * 25 m2; the next record takes over where it begins."""
    taper = (
        f'<width sOffset="0" a="0" b="0" c="{3 * 3.5 / 2500}" d="{-2 * 3.5 / 125000}"/>'
        '<width sOffset="50" a="3.5" b="0" c="0" d="0"/>'
    )
    plan = geometry("<line/>", 80.0)
    town = read_opendrive(opendrive(tmp_path, road(plan, 80.0, section(lane(-1), lane(-2, taper)))))
    k = town.find("1/0/-2")
    assert town.area_m2(k) == pytest.approx(3.5 * 25.0 + 3.5 * 30.0, rel=2e-3)
    _, right = town.edges(k)
    s = right[:, 0]
    want = np.where(s < 50.0, 3.5 * (3 * (s / 50) ** 2 - 2 * (s / 50) ** 3), 3.5)
    assert np.allclose(-right[:, 1] - 3.5, want, atol=2e-3)


def test_borders_are_the_outer_edges_themselves(tmp_path: Path):
    """<border> a gives t of the outer edge: -3 and -5 make lanes of 3 and 2 m; on the left likewise."""

    def edge(a: float) -> str:
        return f'<border sOffset="0" a="{a}" b="0" c="0" d="0"/>'

    lanes = section(lane(1, edge(2.0)), lane(-1, edge(-3.0)), lane(-2, edge(-5.0)))
    town = read_opendrive(opendrive(tmp_path, road(geometry("<line/>", 10.0), 10.0, lanes)))
    widths = {name: town.area_m2(town.find(name)) / 10.0 for name in town.names}
    assert widths == pytest.approx({"1/0/1": 2.0, "1/0/-1": 3.0, "1/0/-2": 2.0})
    assert town.y_m[town.points(town.find("1/0/-2"))][0] == pytest.approx(-4.0)


def test_a_lane_offset_shifts_every_lane(tmp_path: Path):
    """laneOffset a moves the lanes by a to the left from its station on, without moving the reference line."""
    shift = '<laneOffset s="0" a="0" b="0" c="0" d="0"/><laneOffset s="20" a="1.5" b="0" c="0" d="0"/>'
    plan = geometry("<line/>", 40.0)
    town = read_opendrive(opendrive(tmp_path, road(plan, 40.0, section(lane(-1)), offset=shift)))
    assert town.y_m[0] == pytest.approx(-1.75)
    assert town.y_m[-1] == pytest.approx(-0.25)


@pytest.mark.parametrize(("rule", "along", "against"), [("RHT", "1/0/-1", "1/0/1"), ("LHT", "1/0/1", "1/0/-1")])
def test_lanes_run_the_way_they_are_driven(tmp_path: Path, rule: str, along: str, against: str):
    """In right-hand traffic right lanes run with s and left ones against it; in left-hand traffic the reverse."""
    town = read_opendrive(
        opendrive(tmp_path, road(geometry("<line/>", 30.0), 30.0, section(lane(1), lane(-1)), rule=rule))
    )
    k, j = town.find(along), town.find(against)
    assert town.x_m[town.points(k)][[0, -1]].tolist() == [0.0, 30.0]
    assert town.x_m[town.points(j)][[0, -1]].tolist() == [30.0, 0.0]
    assert abs(math.remainder(float(town.heading_rad[town.points(j)][0]), 2 * math.pi)) == pytest.approx(math.pi)
    opposite = town.left_opposite if rule == "RHT" else town.right_opposite
    assert opposite[k]
    assert opposite[j]
    assert (town.left[k], town.right[k]) == (-1, -1)


def test_neighbours_are_left_and_right_as_driven(tmp_path: Path):
    """From left to right 2, 1 | -1, -2: lane -2 is right of -1; lane 2, driven the other way, is right of 1."""
    town = read_opendrive(
        opendrive(tmp_path, road(geometry("<line/>", 30.0), 30.0, section(lane(2), lane(1), lane(-1), lane(-2))))
    )
    at = town.find
    assert town.right[at("1/0/-1")] == at("1/0/-2")
    assert town.left[at("1/0/-2")] == at("1/0/-1")
    assert town.right[at("1/0/1")] == at("1/0/2")
    assert town.left[at("1/0/2")] == at("1/0/1")
    assert not town.left_opposite[at("1/0/-2")]


def test_speed_limits_know_units_and_the_lanes_own_go_first(tmp_path: Path):
    """<type> from s on in km/h, a lane's <speed> from sOffset on in mph; "no limit" is NaN."""
    types = (
        '<type s="0" type="motorway"><speed max="no limit"/></type>'
        '<type s="10" type="motorway"><speed max="90" unit="km/h"/></type>'
    )
    own = lane(-2, more='<speed sOffset="20" max="10" unit="mph"/>')
    town = read_opendrive(
        opendrive(tmp_path, road(geometry("<line/>", 30.0), 30.0, section(lane(-1), own), more=types))
    )
    k, j = town.find("1/0/-1"), town.find("1/0/-2")
    assert np.isnan(town.along(town.limit_m_s, k, 4.0))
    assert town.along(town.limit_m_s, k, 15.0) == pytest.approx(25.0)
    assert town.speed_limit_m_s[k] == pytest.approx(25.0)
    assert town.along(town.limit_m_s, j, 15.0) == pytest.approx(25.0)
    assert town.speed_limit_m_s[j] == pytest.approx(4.4704)


def test_elevation_is_z(tmp_path: Path):
    """z = a + b s + c s^2 of the elevation record that holds."""
    profile = '<elevationProfile><elevation s="0" a="1" b="0.02" c="1e-4" d="0"/></elevationProfile>'
    town = read_opendrive(opendrive(tmp_path, road(geometry("<line/>", 30.0), 30.0, section(lane(-1)), more=profile)))
    assert np.allclose(town.z_m, 1.0 + 0.02 * town.x_m + 1e-4 * town.x_m**2)


# ── links ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_sections_and_roads_link_as_driven(tmp_path: Path):
    """A road of two sections, then one that meets it end to end: lane -1 goes on in the other road's lane 1."""
    first = section(lane(1, link='<successor id="1"/>'), lane(-1, link='<successor id="-1"/>'))
    second = section(
        lane(1, link='<predecessor id="1"/><successor id="-1"/>'),
        lane(-1, link='<predecessor id="-1"/><successor id="1"/>'),
        s=40.0,
    )
    link = '<successor elementType="road" elementId="B" contactPoint="end"/>'
    a = road(geometry("<line/>", 100.0), 100.0, first, second, id_="A", link=link)
    b = road(geometry("<line/>", 50.0, x=150.0, hdg=math.pi), 50.0, section(lane(1), lane(-1)), id_="B")
    town = read_opendrive(opendrive(tmp_path, a, b))
    at = town.find
    assert [town.names[k] for k in town.route(at("A/0/-1"), at("B/0/1"))] == ["A/0/-1", "A/1/-1", "B/0/1"]
    assert [town.names[k] for k in town.route(at("B/0/-1"), at("A/0/1"))] == ["B/0/-1", "A/1/1", "A/0/1"]
    assert town.predecessors(at("A/1/-1")).tolist() == [at("A/0/-1")]


def test_a_side_may_begin_in_a_later_section(tmp_path: Path):
    """A left lane of the second section only has no predecessor, and a link to one is refused."""
    whole = road(geometry("<line/>", 60.0), 60.0, section(lane(-1)), section(lane(1), lane(-1), s=20.0))
    town = read_opendrive(opendrive(tmp_path, whole))
    assert town.names == ("1/1/1", "1/0/-1", "1/1/-1")
    assert len(town.successor) == 0
    linked = whole.replace('<lane id="1" type="driving" level="false"><link>', '<lane id="1" type="driving"><link>'
                           '<predecessor id="1"/>')  # fmt: skip
    with pytest.raises(BadRoad, match="there is no lane 1 at section 0 of road '1'; it has -1"):
        read_opendrive(opendrive(tmp_path, linked))


def test_facts_of_the_motorway_file():
    """e6mini: one road of 1,464.43 m of cubics, three driving lanes a side counted with its ramps' lanes."""
    town = read_opendrive(shared("opendrive", "e6mini.xodr"))
    assert {name.split("/")[0] for name in town.names} == {"0"}
    assert (len(town), int(town.drivable.sum())) == (14, 6)
    inner = np.flatnonzero(town.drivable)
    assert np.mean(town.length_m[inner]) == pytest.approx(1464.43, abs=0.5)  # the sides' bends cancel
    assert town.sagitta_m < 1e-4


@pytest.mark.parametrize(
    ("name", "roads", "lanes", "links", "drivable"),
    [
        ("fabriksgatan", 16, 44, 40, 20),
        ("multi_intersections", 63, 242, 240, 86),
        ("soderleden", 5, 33, 23, 11),
        ("two_plus_one", 1, 17, 12, 17),
        ("parking_demo", 7, 32, 22, 17),
        ("jolengatan", 1, 6, 0, 2),
        ("curve_r100", 1, 4, 0, 2),
    ],
)
def test_facts_of_real_files(name: str, roads: int, lanes: int, links: int, drivable: int):
    """Roads, lanes and links counted, and every link between lanes to drive on continuous in place and heading."""
    town = read_opendrive(shared("opendrive", f"{name}.xodr"))
    assert len({lane_.rsplit("/", 2)[0] for lane_ in town.names}) == roads
    assert (len(town), len(town.successor), int(town.drivable.sum())) == (lanes, links, drivable)
    from_ = np.repeat(np.arange(len(town)), np.diff(town.successor_offset))
    both = town.drivable[from_] & town.drivable[town.successor]
    end, start = town.offset[from_ + 1][both] - 1, town.offset[town.successor][both]
    kink = np.mod(town.heading_rad[end] - town.heading_rad[start] + np.pi, 2 * np.pi) - np.pi
    assert np.max(np.abs(kink), initial=0.0) < 1e-9
    gap = np.hypot(town.x_m[end] - town.x_m[start], town.y_m[end] - town.y_m[start])
    assert np.max(gap, initial=0.0) < (1.76 if name == "soderleden" else 1e-4)  # there a lane begins beside another


def test_a_crossing_leads_from_every_arm_to_every_other():
    """fabriksgatan: from each of the four incoming lanes there is a way to the three other roads, of three lanes."""
    town = read_opendrive(shared("opendrive", "fabriksgatan.xodr"))
    arms = {"0": ("0/0/1", "0/0/-1"), "1": ("1/0/1", "1/0/-1"), "2": ("2/0/-1", "2/0/1"), "3": ("3/0/-1", "3/0/1")}
    for a, (incoming, _) in arms.items():
        for b, (_, outgoing) in arms.items():
            if a != b:
                assert len(town.route(town.find(incoming), town.find(outgoing))) == 3


@pytest.mark.parametrize(("side", "radius"), [("left", 250), ("left", 1000), ("right", 250), ("right", 1000)])
def test_the_alks_curves_have_their_radius(side: str, radius: int):
    """Every lane of the R = 250 and 1,000 m roads is a circle about the same centre, left or right."""
    town = read_opendrive(shared("alks", "concrete", "road_networks", f"alks_road_{side}_radius_{radius}m.xodr"))
    centre = radius if side == "left" else -radius
    own = np.hypot(town.x_m, town.y_m - centre)
    assert np.allclose(own * np.abs(town.curvature_1_m), 1.0, rtol=1e-9)
    assert own.min() < radius < own.max()
    assert town.sagitta_m < 1e-3 / 1.9


def test_parking_spaces_are_set_down_with_their_size_and_heading():
    """parking_demo: 38 spaces by the street (13 + 1 slanted, 5.0 x 2.5 m, 19 + 1 across, 4 along), 26 in the yard."""
    town = read_opendrive(shared("opendrive", "parking_demo.xodr"))
    spaces = [o for o in town.objects if o.kind == "parkingSpace"]
    street = [o for o in spaces if o.name == "parkingSpace"]
    assert (len(spaces), len(street)) == (64, 38)
    slanted = street[0]
    assert (slanted.length_m, slanted.width_m) == pytest.approx((4.99, 2.50), abs=0.01)
    assert slanted.heading_rad == pytest.approx(-math.pi / 4, abs=1e-3)
    assert np.diff([o.x_m for o in street[:14]]) == pytest.approx([3.53] * 13, abs=0.02)


def test_every_road_file_loads():
    """All .xodr files of the shared data are read; none is refused."""
    files = sorted([*SHARED.glob("opendrive/*.xodr"), *SHARED.glob("alks/**/*.xodr")])
    if not files:
        pytest.skip("needs the shared vehicle data")
    assert len(files) == 15
    assert all(read_opendrive(path).sagitta_m <= 1.05e-3 for path in files)


def test_the_edges_agree_with_an_independent_reader():
    """pyxodr's outer boundaries lie on ours to 1 mm (straight and curved files of the data)."""
    network = pytest.importorskip("pyxodr_omega_prime.road_objects.network")
    for name in ("curve_r100", "fabriksgatan", "jolengatan"):
        path = shared("opendrive", f"{name}.xodr")
        town = read_opendrive(path)
        for their_road in network.RoadNetwork(str(path)).get_roads():
            for k, part in enumerate(their_road.lane_sections):
                for theirs in (t for t in part.lanes if t.id != 0):
                    mine = town.find(f"{their_road.id}/{k}/{theirs.id}")
                    x, y = np.asarray(theirs.boundary_line)[:, :2].T
                    _, s, d, _ = town.project(x, y, lanes=mine)
                    inner = (s > 0.05) & (s < town.length_m[mine] - 0.05)
                    assert np.max(np.abs(d + town.along(town.right_m, mine, s))[inner], initial=0.0) < 1e-3
