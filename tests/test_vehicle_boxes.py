"""Boxes: touching, gaps and the swept check, against closed forms, fine sampling and each other."""

import math

import numpy as np
import pytest

from jangin.errors import BadTask
from jangin.vehicle import boxes_compiled
from jangin.vehicle.boxes import TOUCH_M, Boxes, gap, overlap, swept, touches_polygon, turn, walls
from jangin.vehicle.encounters import cut_ins, drifting
from jangin.vehicle.recorded import Recorded
from jangin.vehicle.shrinking import hidden_by_shrinking, recorded_steps

QUARTER = 0.5 * math.pi


def _box(x=0.0, y=0.0, heading=0.0, length=4.0, width=2.0):
    return Boxes(x, y, heading, length, width)


def _pairs(n, rng, *, turning=1.5, way=5.0):
    """Pairs of boxes before and after a step, near enough that about a third of them touch."""
    size = [Boxes(*rng.uniform(-4, 4, (3, n)), rng.uniform(0.3, 5, n), rng.uniform(0.2, 2.5, n)) for _ in range(2)]
    both = []
    for b in size:
        dx, dy, dh = rng.uniform(-way, way, n), rng.uniform(-way, way, n), rng.uniform(-turning, turning, n)
        both += [b, Boxes(b.x_m + dx, b.y_m + dy, b.heading_rad + dh, b.length_m, b.width_m)]
    return both


def _at(before, after, fraction):
    """The box on its way: straight, and turning evenly."""
    mix = [getattr(before, k) + fraction * (getattr(after, k) - getattr(before, k)) for k in ("x_m", "y_m")]
    heading = before.heading_rad + fraction * turn(before.heading_rad, after.heading_rad)
    return Boxes(*mix, heading, before.length_m, before.width_m)


def _numbers(box, k):
    return [float(np.broadcast_to(v, box.shape)[k]) for v in (box.x_m, box.y_m, box.heading_rad)]


def _size(box, k):
    return [float(box.length_m[k]), float(box.width_m[k])]


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (_box(), _box(x=5.0), 1.0),  # bumper to bumper
        (_box(), _box(x=4.0), 0.0),  # sides that coincide
        (_box(), _box(x=3.5), -0.5),
        (_box(), _box(x=7.0, y=6.0), 5.0),  # corner to corner, 3-4-5
        (_box(), _box(x=4.0, heading=QUARTER), 1.0),
        (_box(), _box(x=2.0 + math.sqrt(2.0) + 0.3, heading=math.pi / 4, length=2.0, width=2.0), 0.3),  # corner to side
        (_box(), _box(length=0.5, width=0.5), -1.25),  # one inside the other: the shortest way out
        (_box(), _box(y=3.0, heading=0.3, length=0.0, width=0.0), 2.0),  # a point
    ],
)
def test_gaps_by_hand(a, b, expected):
    """Distances and depths that can be read off a drawing, both ways round."""
    assert gap(a, b) == pytest.approx(expected, abs=1e-12)
    assert gap(b, a) == pytest.approx(expected, abs=1e-12)
    if expected:
        assert overlap(a, b) == (expected < 0.0)
        assert overlap(b, a) == (expected < 0.0)


def test_the_gap_is_the_least_distance_of_any_two_points():
    """Against the slow twin: the nearest of many points on both outlines is no nearer, and hardly farther."""
    rng = np.random.default_rng(3)
    a, _, b, _ = _pairs(300, rng)
    side = np.linspace(0.0, 1.0, 60)[:, None]

    def outline(k, of):
        corners = Boxes(*_numbers(of, k), *_size(of, k)).corners()
        return np.concatenate([p + side * (q - p) for p, q in zip(corners, np.roll(corners, -1, axis=0))])

    found = gap(a, b)
    for k in np.nonzero(found > 0.0)[0]:
        p, q = outline(k, a), outline(k, b)
        nearest = np.hypot(*(p[:, None] - q[None]).T).min()
        assert found[k] <= nearest + 1e-12
        assert nearest < found[k] + 0.1


def test_the_depth_is_the_shortest_way_out():
    """Moved apart by the depth along the right side normal two boxes just touch; along no direction by less."""
    rng = np.random.default_rng(4)
    a, _, b, _ = _pairs(400, rng)
    depth = -gap(a, b)
    deep = depth > 1e-3
    angle = np.linspace(0.0, 2.0 * math.pi, 360, endpoint=False)[:, None]
    normals = np.concatenate(
        [a.heading_rad + k * QUARTER for k in range(4)] + [b.heading_rad + k * QUARTER for k in range(4)]
    )
    normals = normals.reshape(8, -1)

    def out(direction, way):
        moved = Boxes(
            b.x_m + way * np.cos(direction), b.y_m + way * np.sin(direction), b.heading_rad, b.length_m, b.width_m
        )
        return ~overlap(a, moved)

    assert deep.sum() > 50
    assert not out(angle, depth * (1.0 - 1e-9))[:, deep].any()
    assert out(normals, depth * (1.0 + 1e-9)).any(axis=0)[deep].all()


def test_compiled_and_bulk_are_the_same_functions():
    """Touch, gap and swept fraction agree to 1e-12 on every pair, whichever way they are computed."""
    rng = np.random.default_rng(11)
    a, a_after, b, b_after = _pairs(1500, rng)
    bulk = overlap(a, b), gap(a, b), swept(a, a_after, b, b_after)
    for k in range(1500):
        one, other = _numbers(a, k) + _size(a, k), _numbers(b, k) + _size(b, k)
        assert boxes_compiled.boxes_touch(*one, *other) == bulk[0][k]
        assert boxes_compiled.boxes_gap(*one, *other) == pytest.approx(bulk[1][k], abs=1e-12)
        move, counter = (_numbers(p, k) + _numbers(q, k) + _size(p, k) for p, q in ((a, a_after), (b, b_after)))
        assert boxes_compiled.boxes_swept(*move, *counter) == pytest.approx(bulk[2][k], abs=1e-12)
    assert boxes_compiled.TOUCH_M == TOUCH_M
    assert 300 < np.isfinite(bulk[2]).sum() < 800


def test_a_fast_crossing_is_found_that_the_ends_of_the_step_miss():
    """A thin box at 40 m a step crosses a car from side to side: apart before and after, and touching at 0.475."""
    car, thin = _box(length=4.5, width=1.8), _box(y=-20.0, heading=QUARTER, length=0.2, width=0.2)
    crossed = _box(y=20.0, heading=QUARTER, length=0.2, width=0.2)
    assert not overlap(car, thin)
    assert not overlap(car, crossed)
    assert swept(car, car, thin, crossed) == pytest.approx((20.0 - 0.9 - 0.1) / 40.0, abs=TOUCH_M / 40.0)
    assert np.isinf(
        swept(car, car, _box(x=2.4, y=-20.0, length=0.1, width=0.1), _box(x=2.4, y=20.0, length=0.1, width=0.1))
    )


def test_straight_motion_is_solved_exactly():
    """Without turning the fraction is where the last of the separating axes closes, to the width of the tolerance."""
    rng = np.random.default_rng(21)
    a, a_after, b, b_after = _pairs(2000, rng, turning=0.0)
    found = swept(a, a_after, b, b_after)
    vx, vy = b_after.x_m - a_after.x_m - b.x_m + a.x_m, b_after.y_m - a_after.y_m - b.y_m + a.y_m
    enter, leave = np.zeros(2000), np.ones(2000)
    c, s = np.abs(np.cos(b.heading_rad - a.heading_rad)), np.abs(np.sin(b.heading_rad - a.heading_rad))
    for angle, reach in (
        (a.heading_rad, a.length_m + b.length_m * c + b.width_m * s),
        (a.heading_rad + QUARTER, a.width_m + b.length_m * s + b.width_m * c),
        (b.heading_rad, b.length_m + a.length_m * c + a.width_m * s),
        (b.heading_rad + QUARTER, b.width_m + a.length_m * s + a.width_m * c),
    ):
        at = np.cos(angle) * (b.x_m - a.x_m) + np.sin(angle) * (b.y_m - a.y_m)
        rate = np.cos(angle) * vx + np.sin(angle) * vy
        one, two = (-0.5 * reach - at) / rate, (0.5 * reach - at) / rate
        enter, leave = np.maximum(enter, np.minimum(one, two)), np.minimum(leave, np.maximum(one, two))
    exact = np.where(enter <= leave, enter, np.inf)
    np.testing.assert_array_equal(np.isfinite(found), np.isfinite(exact))
    touch = np.isfinite(exact)
    assert 300 < touch.sum() < 1200
    assert (found[touch] <= exact[touch] + 1e-12).all()
    assert np.quantile(exact[touch] - found[touch], 0.99) < 1e-4


def test_turning_motion_agrees_with_fine_sampling():
    """The slow twin looks at 4,001 instants of each step: same touches, first at the same instant or just before it."""
    rng = np.random.default_rng(8)
    a, a_after, b, b_after = _pairs(600, rng)
    found = swept(a, a_after, b, b_after)
    sampled = np.full(600, np.inf)
    for fraction in np.linspace(1.0, 0.0, 4001):
        sampled[overlap(_at(a, a_after, fraction), _at(b, b_after, fraction))] = fraction
    np.testing.assert_array_equal(np.isfinite(found), np.isfinite(sampled))
    touch = np.isfinite(sampled)
    assert (found[touch] <= sampled[touch]).all()
    assert (sampled[touch] - found[touch]).max() < 1.5 / 4000
    apart = gap(_at(a, a_after, np.where(touch, found, 0.0)), _at(b, b_after, np.where(touch, found, 0.0)))[touch]
    assert apart.max() <= math.sqrt(2.0) * TOUCH_M + 1e-12


def test_a_turning_corner_is_caught_between_apart_and_apart():
    """A bar that turns half round hits a post beside it; both ends of the step show it lying along x, and apart."""
    bar, turned = _box(length=4.0, width=0.1), _box(heading=math.pi - 1e-9, length=4.0, width=0.1)
    post = _box(y=1.5, length=0.2, width=0.2)
    assert not overlap(bar, post)
    assert not overlap(turned, post)
    first = float(swept(bar, turned, post, post))
    heading = first * math.pi
    # the bar's upper side, 0.05 m off its middle, meets the post's lower right corner (0.1, 1.4)
    assert -math.sin(heading) * 0.1 + math.cos(heading) * 1.4 == pytest.approx(0.05, abs=2e-5)


def test_who_touches_before_the_step_touches_at_0_and_who_stands_still_apart_never():
    """A touch at the start is at fraction 0; boxes that do not move keep what they have."""
    a = _box(length=4.0, width=2.0)
    assert swept(a, a, _box(x=3.0), _box(x=30.0)) == 0.0
    assert np.isinf(swept(a, a, _box(x=4.001), _box(x=4.001)))
    assert swept(a, a, _box(x=5.0), _box(x=3.9)) == pytest.approx(1.0 / 1.1, abs=1e-5)


def test_swept_does_not_depend_on_who_comes_first_or_where_the_origin_lies():
    """Swapped, turned and moved as a whole, the same pairs touch at the same fraction."""
    rng = np.random.default_rng(14)
    pairs = _pairs(400, rng)
    found = swept(*pairs)
    turned = [
        Boxes(
            100.0 + math.cos(2.0) * p.x_m - math.sin(2.0) * p.y_m,
            -50.0 + math.sin(2.0) * p.x_m + math.cos(2.0) * p.y_m,
            p.heading_rad + 2.0 + 2.0 * math.pi, p.length_m, p.width_m,
        )
        for p in pairs
    ]  # fmt: skip
    a, a_after, b, b_after = turned
    np.testing.assert_allclose(swept(b, b_after, a, a_after), found, atol=1e-9)


def test_walls_and_polygons_stop_boxes():
    """A car touches a wall it is driven through, and a dock of any shape it stands in, encloses or lies beside."""
    wall = walls(np.array([[10.0, -5.0, 10.0, 5.0], [10.0, 2.0, 10.0, 5.0]]))
    found = swept(_box(), _box(x=20.0), wall, wall)
    assert found[0] == pytest.approx(8.0 / 20.0, abs=1e-6)
    assert np.isinf(found[1])
    bay = np.array([[0, 0], [10, 0], [10, 3], [6, 3], [6, 8], [10, 8], [10, 11], [0, 11]], float)  # open to the right
    cars = _box(x=np.array([8.5, 8.5, 3.0, 12.1, 8.5, 20.0]), y=np.array([5.5, 3.9, 5.5, 1.5, 9.5, 5.0]))
    assert touches_polygon(cars, bay).tolist() == [False, True, True, False, True, False]
    assert touches_polygon(_box(length=50.0, width=50.0), bay)
    assert not touches_polygon(_box(x=8.6, y=5.5, length=1.0, width=1.0), bay)


@pytest.mark.parametrize("heading", [0.0, 0.4, QUARTER])
def test_passes_hide_as_much_as_the_box_shrinks(heading):
    """Of straight passes spread evenly across, 0.7 boxes hide 30 % of the contacts, whatever the angle."""
    offset = np.linspace(-6.0, 6.0, 24001)
    a = _box(length=4.5, width=1.8)
    b, b_after = (Boxes(x, offset, heading, 4.5, 1.8) for x in (-30.0, 30.0))
    hidden = hidden_by_shrinking(a, a, b, b_after)
    assert hidden.hidden_share == pytest.approx(0.3, abs=1e-3)
    assert hidden.encounters == 24001
    width = 1.8 + 4.5 * abs(math.sin(heading)) + 1.8 * abs(math.cos(heading))
    assert hidden.contacts == pytest.approx(width / 12.0 * 24000, abs=3)
    assert hidden.sampled == 0


def test_boxes_thrown_over_a_plane_hide_by_area():
    """Of boxes placed evenly over a plane, 0.7 boxes hide 51 % of the overlaps; 1.0 boxes hide none."""
    x, y = np.meshgrid(np.linspace(-5.0, 5.0, 301), np.linspace(-5.0, 5.0, 301))
    a, b = _box(length=4.5, width=1.8), Boxes(x, y, 0.6, 4.5, 1.8)
    hidden = hidden_by_shrinking(a, a, b, b)
    assert hidden.hidden_share == pytest.approx(0.51, abs=5e-3)
    assert hidden.shrunken == hidden.shrunken_sampled
    assert hidden_by_shrinking(a, a, b, b, scale=1.0).hidden == 0


def test_an_encounter_counts_once_and_says_what_it_hides():
    """Two cars of a recording that graze for ten steps are one contact; a third that comes and goes meets nobody."""
    steps = 11
    x = np.stack([np.arange(steps) * 2.0, np.arange(steps) * 2.0, np.full(steps, np.nan)])
    x[2, 3:6] = 500.0
    y = np.stack([np.zeros(steps), np.full(steps, 1.5), np.where(np.isfinite(x[2]), 0.0, np.nan)])
    still = np.where(np.isfinite(x), 0.0, np.nan)
    recorded = Recorded(0.1, ("a", "b", "c"), ("car",) * 3, np.full(3, 4.5), np.full(3, 1.8), x, y, still, still + 20.0)
    found = recorded_steps(recorded)
    assert len(found.encounter) == 10 + 2 + 2
    hidden = hidden_by_shrinking(*found.boxes, encounter=found.encounter)
    assert (hidden.encounters, hidden.contacts, hidden.sampled, hidden.shrunken) == (3, 1, 1, 0)
    assert hidden.sentence == (
        "In 1 of 3 encounters the full-size boxes touch; boxes of 0.7 of the size hide 1 of them (100.0%), and 1 when "
        "looked at only at the ends of the steps."
    )
    none = hidden_by_shrinking(_box(), _box(), _box(x=9.0), _box(x=9.0))
    assert none.hidden_share is None
    assert none.sentence == "In none of 1 encounters do the full-size boxes touch."


def test_a_drift_meets_the_neighbour_it_drifts_into():
    """Of three abreast, 3 m apart, each meets the neighbour it drifts 1.3 m towards; who touched as recorded is out."""
    steps = 5
    x, still = np.tile(np.arange(steps) * 3.0, (4, 1)), np.zeros((4, steps))
    y = np.array([0.0, 3.0, 6.0, 7.0])[:, None] + still  # the last two touch in the recording
    recorded = Recorded(0.1, tuple("abcd"), ("car",) * 4, np.full(4, 4.5), np.full(4, 1.8), x, y, still, still + 30.0)
    found = drifting(recorded, np.array([-1.3, 1.1, 1.3]))
    hidden = hidden_by_shrinking(*found.boxes, encounter=found.encounter)
    assert hidden.encounters == 3 * (4 * 3 - 2)
    # at 1.3 m to the left a meets b and b meets c, to the right b meets a and c meets b; 1.1 m is not enough
    assert hidden.contacts == 4
    assert hidden.shrunken == 0


def test_cut_ins_are_drawn_from_the_seed_and_braked_for():
    """The same seed gives the same contacts; who brakes harder or earlier has fewer; none of them starts in contact."""
    count = {}
    for name, kind in {
        "": {},
        "again": {},
        "harder": {"deceleration_m_s2": 8.0},
        "sooner": {"reaction_s": 0.3},
    }.items():
        steps = cut_ins(200, np.random.default_rng(5), **kind)
        first = np.unique(steps.encounter, return_index=True)[1]
        assert not overlap(
            *(Boxes(b.x_m[first], b.y_m[first], b.heading_rad[first], 4.5, 1.8) for b in steps.boxes[::2])
        ).any()
        count[name] = hidden_by_shrinking(*steps.boxes, encounter=steps.encounter).contacts
    assert count[""] == count["again"]
    assert 0 < count["harder"] < count[""]
    assert 0 < count["sooner"] < count[""]


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: Boxes(0.0, 0.0, 0.0, np.array([4.0, -1.0]), 2.0),
         "A box has length_m = -1; give its full size, 0 or more."),
        (lambda: Boxes(0.0, 0.0, 0.0, 4.0, np.nan), "A box has width_m = nan; give its full size, 0 or more."),
        (lambda: Boxes(np.zeros(2), np.zeros(3), 0.0, 4.0, 2.0),
         "Boxes of x_m (2,), y_m (3,), heading_rad (), length_m (), width_m () do not broadcast; give one value, or "
         "one per box, of each."),
        (lambda: walls(np.zeros((2, 3))),
         "Walls of shape (2, 3) have no two ends; give (..., 4): x and y of each end."),
        (lambda: touches_polygon(_box(), np.zeros((2, 2))),
         "A polygon of shape (2, 2) has no inside; give (k, 2) with three corners or more."),
        (lambda: hidden_by_shrinking(_box(), _box(), _box(), _box(), scale=1.5),
         "A scale of 1.5 shrinks nothing; give a factor from 0 to 1, such as 0.7."),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_in_a_sentence(call, text):
    """Boxes that cannot be say what came and what to give."""
    with pytest.raises(BadTask) as error:
        call()
    assert str(error.value) == text


def test_a_box_that_is_nowhere_is_no_endless_search() -> None:
    """A NaN in either box gives NaN, in arrays and compiled, and disturbs no other pair."""
    still = {"heading_rad": np.zeros(2), "length_m": np.full(2, 4.0), "width_m": np.full(2, 2.0)}
    a = Boxes(x_m=np.zeros(2), y_m=np.zeros(2), **still)
    b = Boxes(x_m=np.array([np.nan, 10.0]), y_m=np.zeros(2), **still)
    after = Boxes(x_m=np.array([np.nan, 0.0]), y_m=np.zeros(2), **still)
    found = swept(a, a, b, after)
    assert np.isnan(found[0])
    assert found[1] == pytest.approx(0.6, abs=1e-4)
    assert np.isnan(boxes_compiled.boxes_swept(0, 0, 0, 0, 0, 0, 4, 2, np.nan, 0, 0, 0, 0, 0, 4, 2))
