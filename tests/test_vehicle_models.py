"""Vehicle models: published right-hand sides, limits that hold exactly, and steps against closed forms."""

import math
from dataclasses import replace

import numpy as np
import pytest

from jangin.errors import BadTask, UnknownName
from jangin.vehicle.models import (
    HITCH_MAX_RAD,
    articulated,
    differential,
    dynamic,
    kinematic,
    limited,
    rolling,
    trailer_centre,
)
from jangin.vehicle.motion import circle, step
from jangin.vehicle.parameters import (
    BMW_320I,
    FORD_ESCORT,
    PLANT_ROBOT,
    PLANT_TUGGER,
    TRUCK_AND_TRAILER,
    VW_VANAGON,
    published,
)

# states, commands and derivatives of commonroad-vehicle-models 3.0.2: the first of each model from its own unit tests
PINNED = [
    ("kinematic", BMW_320I,
     [3.9579422297936526, 0.0391650102771405, 0.0378491427211811, 16.3546957860883566, 0.0294717351052816],
     [0.15, 0.63 * 9.81],
     [16.3475935934250209, 0.4819314886013121, 0.15, 5.1464424102339752, 0.2401426578627629]),
    ("articulated", TRUCK_AND_TRAILER,
     [3.9579422297936526, 0.0391650102771405, 0.0378491427211811, 16.3546957860883566, 0.0294717351052816,
      0.0294717351052816],
     [0.15, 0.63 * 9.81],
     [16.3475935934250209, 0.4819314886013121, 0.15, 5.501539201758522, 0.1720297150523055, -0.23152742969444276]),
    ("dynamic", BMW_320I,
     [2.0233348142065677, 0.0041907137716636, 0.0197545248559617, 15.7216236334290116, 0.0025857914776859,
      0.0529001056654038, 0.0033012170610298],
     [0.15, 0.63 * 9.81],
     [15.7213512030862397, 0.0925527979719355, 0.15, 5.3536773276413925, 0.0529001056654038, 0.6435589397748606,
      0.0313297971641291]),
    ("kinematic", FORD_ESCORT, [1.0, 2.0, -0.91, -3.0, 2.5], [-0.9, -20.0],
     [2.403430846640801, -1.7954164323118698, 0.0, -11.5, 1.6128810129906308]),
    ("kinematic", VW_VANAGON, [1.0, 2.0, 0.5, 41.7, -1.0], [0.9, 3.0],
     [22.53060615470143, -35.089340066489285, 0.4, 0.0, 9.215807995413323]),
    ("articulated", TRUCK_AND_TRAILER, [1.0, 2.0, -0.3, -2.0, 0.4, 1.1], [0.2, -0.7],
     [-1.8421219880057702, -0.778836684617301, 0.2, -0.7, 0.17185347200534626, 0.048197728009823]),
    ("dynamic", FORD_ESCORT, [0.0, 0.0, 0.2, 0.05, 0.3, 0.02, 0.1], [0.3, 2.0],
     [0.04550783608894013, 0.020713204834166984, 0.3, 2.0, 0.004201857988744835, 0.17500621278163417,
      0.19681317039769422]),
    ("dynamic", FORD_ESCORT, [0.0, 0.0, 0.1, 30.0, 0.3, 0.25, -0.04], [0.9, -30.0],
     [28.991699344035396, 7.712416556764653, 0.4, -11.5, 0.25, 17.44920288267671, 0.6558086697070065]),
    ("dynamic", BMW_320I, [0.0, 0.0, -0.3, -0.03, 0.3, 0.02, 0.1], [-0.3, -2.0],
     [-0.029743048058166556, -0.003918046989201971, -0.3, -2.0, 0.0035471693400578774, 0.24256779276962073,
      -0.1808347366834933]),
    ("dynamic", VW_VANAGON, [0.0, 0.0, -0.05, 12.0, 1.3, -0.3, 0.02], [0.1, 9.0],
     [2.978105419828475, 11.624581201419183, 0.1, 7.498, -0.3, 4.69165781073439, -0.5898440619234874]),
]  # fmt: skip
MODELS = {"kinematic": kinematic, "articulated": articulated, "dynamic": dynamic}
CARS = (FORD_ESCORT, BMW_320I, VW_VANAGON)


def _compared(model, state):
    """The columns in which we agree with the published code: creeping, it has a wrong derivative of the slip."""
    return slice(0, 5) if model.name == "dynamic" and abs(state[3]) < 0.1 else slice(None)


def _random(model, n, rng):
    """States all over and beyond the limits, and commands beyond them."""
    p = model.parameters
    state = rng.normal(0.0, 10.0, (n, len(model.states)))
    state[:, 2] = np.clip(rng.uniform(-1.2, 1.2, n) * p.steer_max_rad, -p.steer_max_rad, p.steer_max_rad)
    low, high = p.speed_min_m_s, p.speed_max_m_s
    state[:, 3] = np.clip(rng.uniform(1.2 * low, 1.2 * high, n), low, high)
    if model.name == "dynamic":
        state[:, 3] = np.where(rng.random(n) < 0.2, rng.uniform(-0.099, 0.2, n), np.abs(state[:, 3]))
        state[:, 5], state[:, 6] = rng.uniform(-1.0, 1.0, n), rng.uniform(-0.3, 0.3, n)
    if model.name == "articulated":
        state[:, 5] = rng.uniform(-1.5, 1.5, n)
    return state, rng.normal(0.0, 1.0, (n, 2)) * [0.5, 12.0]


@pytest.mark.parametrize(("name", "parameters", "state", "command", "rates"), PINNED)
def test_the_rates_are_the_published_ones(name, parameters, state, command, rates):
    """Each right-hand side gives the values that the published implementation gives, to 1e-12 relative."""
    model = MODELS[name](parameters)
    got = model.rates(np.array(state), np.array(command), parameters)
    columns = _compared(model, state)
    np.testing.assert_allclose(got[columns], rates[columns], rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(
    ("name", "number"),
    [(m, n) for n in (1, 2, 3) for m in ("kinematic", "dynamic")] + [("kinematic", 4), ("articulated", 4)],
)
def test_the_rates_are_the_published_ones_at_random(name, number):
    """On states and commands drawn over and beyond the limits, ours equal the published implementation's."""
    pytest.importorskip("vehiclemodels")
    import importlib

    short = {"kinematic": "ks", "dynamic": "st", "articulated": "kst"}[name]
    theirs = getattr(importlib.import_module(f"vehiclemodels.vehicle_dynamics_{short}"), f"vehicle_dynamics_{short}")
    module = importlib.import_module(f"vehiclemodels.parameters_vehicle{number}")
    oracle = getattr(module, f"parameters_vehicle{number}")()
    model = MODELS[name](published(number))
    state, command = _random(model, 400, np.random.default_rng(number))
    got = model.rates(state, command, model.parameters)
    for s, u, f in zip(state, command, got):
        columns = _compared(model, s)
        np.testing.assert_allclose(f[columns], theirs(list(s), list(u), oracle)[columns], rtol=1e-12, atol=1e-12)


def test_why_the_dynamic_model_is_kinematic_backward():
    """At -5 m/s the published right-hand side feeds yaw rate and slip, at 43 per second each; ours does not."""
    st = pytest.importorskip("vehiclemodels.vehicle_dynamics_st")
    oracle = pytest.importorskip("vehiclemodels.parameters_vehicle2").parameters_vehicle2()
    for column in (5, 6):
        state = np.array([0.0, 0.0, 0.0, -5.0, 0.0, 0.0, 0.0])
        state[column] = 1e-3
        assert st.vehicle_dynamics_st(list(state), [0.0, 0.0], oracle)[column] / 1e-3 == pytest.approx(43.0, abs=0.5)
    car = dynamic(BMW_320I)
    state = step(car, car.start(speed_m_s=-5.0, yaw_rate_rad_s=1e-3)[None], np.zeros(2), 1.0)
    np.testing.assert_allclose(state[0], [-5.0, 0.0, 0.0, -5.0, 0.0, 0.0, 0.0], atol=1e-12)


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_the_parameters_are_the_published_ones(number):
    """Every published parameter that we carry has the published value, to the last digit."""
    pytest.importorskip("vehiclemodels")
    import importlib

    module = importlib.import_module(f"vehiclemodels.parameters_vehicle{number}")
    their, our = getattr(module, f"parameters_vehicle{number}")(), published(number)
    assert (our.length_m, our.width_m) == (their.l, their.w)
    assert (our.front_axle_m, our.rear_axle_m) == (their.a, their.b)
    assert our.steer_max_rad == their.steering.max == -their.steering.min
    assert our.steer_rate_max_rad_s == their.steering.v_max == -their.steering.v_min
    drive = their.longitudinal
    assert (our.acceleration_max_m_s2, our.switch_speed_m_s) == (drive.a_max, drive.v_switch)
    assert (our.speed_min_m_s, our.speed_max_m_s) == (drive.v_min, drive.v_max)
    if number < 4:
        assert (our.mass_kg, our.yaw_inertia_kg_m2) == (their.m, their.I_z)
        assert our.centre_of_gravity_height_m == their.h_s
        assert our.friction == their.tire.p_dy1
        assert our.cornering_stiffness_per_rad == -their.tire.p_ky1 / their.tire.p_dy1
    else:
        trailer, total = their.trailer, their.trailer.l_total
        assert (our.trailer.length_m, our.trailer.width_m) == (trailer.l, trailer.w)
        assert (our.trailer.wheelbase_m, our.trailer.hitch_to_rear_m) == (trailer.l_wb, trailer.l_hitch)
        front = our.rear_axle_to_centre_m + 0.5 * our.length_m
        assert front + our.trailer.hitch_to_rear_m == pytest.approx(total, abs=1e-12)


def test_the_limits_are_those_of_the_standard_sets():
    """11.5 m/s^2 up to 7.319 m/s, half of it at twice that; nothing past 50.8 m/s or the stop; braking never falls."""
    rate, acceleration = limited(
        np.array([0.0, 0.0, 0.0, 0.0, 1.066, 1.066, -1.066, 0.0]),
        np.array([7.0, 14.638, 50.8, -13.9, 10.0, 10.0, 10.0, 40.0]),
        np.array([[1, 99], [-1, 99], [0.1, 1], [0.1, -1], [0.4, 0], [-0.4, 0], [-0.1, 0], [0, -99]], float),
        BMW_320I,
    )
    assert rate.tolist() == [0.4, -0.4, 0.1, 0.1, 0.0, -0.4, 0.0, 0.0]
    np.testing.assert_allclose(acceleration, [11.5, 5.75, 0.0, 0.0, 0.0, 0.0, 0.0, -11.5], rtol=1e-15)


@pytest.mark.parametrize("steer", [-0.9, -1e-9, 0.0, 1e-5, 0.3])
def test_a_held_wheel_runs_a_circle(steer):
    """With the steering held and an even acceleration, the step agrees with the closed form of the circle."""
    car = kinematic(BMW_320I)
    state = car.start(x_m=3.0, y_m=-2.0, heading_rad=0.7, speed_m_s=[-4.0, 0.0, 5.0], steer_rad=steer)
    got = state
    for _ in range(50):
        got = step(car, got, np.array([0.0, 1.5]), 0.01)
    np.testing.assert_allclose(got, circle(car, state, acceleration_m_s2=1.5, dt_s=0.5), atol=2e-9)


def test_a_full_circle_closes():
    """After 2 pi R of way the vehicle is back where it was, having turned once."""
    car = kinematic(PLANT_TUGGER)
    radius = PLANT_TUGGER.wheelbase_m / math.tan(0.5)
    state = car.start(steer_rad=0.5, speed_m_s=1.0)[None]
    once = circle(car, state, acceleration_m_s2=0.0, dt_s=2.0 * math.pi * radius)
    np.testing.assert_allclose(once[0], [0.0, 0.0, 0.5, 1.0, 2.0 * math.pi], atol=1e-12)


CASES = {
    "kinematic, into the stop and past the switch speed": (
        kinematic(BMW_320I), {"speed_m_s": 7.0, "steer_rad": 1.0}, [0.3, 8.0]),
    "kinematic, into the highest speed": (kinematic(FORD_ESCORT), {"speed_m_s": 45.5, "steer_rad": 0.02}, [0.0, 3.0]),
    "dynamic": (dynamic(BMW_320I), {"speed_m_s": 20.0, "steer_rad": 0.03}, [0.05, -3.0]),
    "dynamic, into the stop and the highest speed": (
        dynamic(replace(BMW_320I, speed_max_m_s=20.0)), {"speed_m_s": 19.0, "steer_rad": 1.05}, [0.1, 3.0]),
    "articulated": (articulated(TRUCK_AND_TRAILER), {"speed_m_s": 2.0, "steer_rad": 0.5}, [0.2, 0.5]),
    "differential, through standstill": (
        differential(PLANT_ROBOT), {"speed_m_s": 0.3, "yaw_rate_rad_s": 0.2}, [-0.2, 1.0]),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_step_is_of_order_4_across_limits(case):
    """Halving the step divides the error by about 16, although limits are met within the steps."""
    model, start, command = CASES[case]

    def after(n):
        state = model.start(**start)[None]
        for _ in range(n):
            state = step(model, state, np.array(command), 0.8 / n)
        return state[0]

    exact = after(1024)
    coarse, fine = (np.abs(after(n) - exact).max() for n in (32, 128))
    assert fine < coarse / 150 or fine < 1e-12


@pytest.mark.parametrize("dt_s", [0.001, 0.07, 0.5, 3.0])
def test_limits_hold_exactly_at_any_step(dt_s):
    """Whatever is commanded, no speed and no steering angle is ever past its limit, by not even a rounding."""
    rng = np.random.default_rng(5)
    for model in (kinematic(BMW_320I), dynamic(VW_VANAGON), articulated(TRUCK_AND_TRAILER)):
        p = model.parameters
        state, _ = _random(model, 20, rng)
        state[:, 5:] *= 0.1
        for _ in range(5):
            state = step(model, state, rng.normal(0.0, 1.0, (20, 2)) * [2.0, 30.0], dt_s)
            assert (np.abs(state[:, 2]) <= p.steer_max_rad).all()
            assert (state[:, 3] <= p.speed_max_m_s).all()
            assert (state[:, 3] >= p.speed_min_m_s).all()
            if model.name == "articulated":
                assert (np.abs(state[:, 5]) <= HITCH_MAX_RAD).all()


def test_full_throttle_follows_the_power_limit():
    """Above the switch speed v^2 grows by 2 a_max v_switch t, so that one coarse step ends at the exact speed."""
    car = kinematic(BMW_320I)
    state = step(car, car.start(speed_m_s=[0.0, 10.0, 50.0]), np.array([0.0, 50.0]), 2.0)
    to_switch = 7.319 / 11.5
    powered = 2.0 * 11.5 * 7.319
    expected = [math.sqrt(7.319**2 + powered * (2.0 - to_switch)), math.sqrt(100.0 + powered * 2.0), 50.8]
    np.testing.assert_allclose(state[:, 3], expected, rtol=1e-14)
    assert state[2, 3] == 50.8


def test_the_stop_is_met_when_it_should_be():
    """Steering at 0.4 rad/s against a stop at 0.3 rad, the vehicle turns by the integral of tan up to it, and on."""
    car = kinematic(replace(BMW_320I, steer_max_rad=0.3))
    state = car.start(speed_m_s=2.0)[None]
    for _ in range(20):
        state = step(car, state, np.array([0.4, 0.0]), 0.05)
    sweep = -math.log(math.cos(0.3)) / 0.4 + 0.25 * math.tan(0.3)
    assert state[0, 2] == 0.3
    assert state[0, 4] == pytest.approx(2.0 / BMW_320I.wheelbase_m * sweep, rel=1e-9)


def test_a_vehicle_does_not_see_its_batch():
    """Stepped alone or among others, a vehicle ends in the same bits."""
    rng = np.random.default_rng(2)
    for model in (kinematic(BMW_320I), dynamic(BMW_320I), articulated(TRUCK_AND_TRAILER)):
        state, command = _random(model, 12, rng)
        together = step(model, state, command, 0.1)
        for k in range(12):
            assert (step(model, state[k : k + 1], command[k : k + 1], 0.1)[0] == together[k]).all()


def test_steady_cornering_is_that_of_the_linear_single_track():
    """Held at 20 m/s the yaw rate settles at v delta / (L + K v^2), K from the axles' stiffness; slip likewise."""
    p, v, steer = BMW_320I, 20.0, 0.02
    car = dynamic(p)
    state = car.start(speed_m_s=v, steer_rad=steer)[None]
    for _ in range(40):
        state = step(car, state, np.zeros(2), 0.1)
    # both axles have the same stiffness per load: the vehicle is neutral, K = 0
    yaw_rate = v * steer / p.wheelbase_m
    load = p.front_axle_m / p.wheelbase_m * 9.81 * p.friction * p.cornering_stiffness_per_rad
    slip = yaw_rate * (p.rear_axle_m / v - v * p.front_axle_m / p.wheelbase_m / load)
    assert state[0, 5] == pytest.approx(yaw_rate, rel=1e-6)
    assert state[0, 6] == pytest.approx(slip, rel=1e-4)


def test_creeping_slip_and_yaw_rate_are_derivatives():
    """Below 0.1 m/s their rates are the finite differences of the slip and the yaw rate of rolling tyres."""
    car, h = dynamic(BMW_320I), 1e-6
    steer, speed, command = np.array([-0.9, 0.2, 0.7]), np.array([0.05, 0.03, -2.0]), np.array([0.3, 1.5])
    yaw_rate, slip = rolling(steer, speed, BMW_320I)
    state = car.start(steer_rad=steer, speed_m_s=speed, yaw_rate_rad_s=yaw_rate, slip_rad=slip)
    rates = car.rates(state, command, BMW_320I)
    ahead, behind = (rolling(steer + 0.3 * t, speed + 1.5 * t, BMW_320I) for t in (h, -h))
    np.testing.assert_allclose(rates[:, 5], (ahead[0] - behind[0]) / (2.0 * h), rtol=1e-7)
    np.testing.assert_allclose(rates[:, 6], (ahead[1] - behind[1]) / (2.0 * h), rtol=1e-7)


def test_the_dynamic_model_rolls_without_slip_when_slow():
    """At walking pace the dynamic model drives the kinematic one's line; stopped and backward it is that line."""
    p = BMW_320I
    slow, rolled = dynamic(p), kinematic(p)
    a = slow.start(x_m=p.rear_axle_m, speed_m_s=[1.0, -1.0], steer_rad=0.3)
    b = rolled.start(speed_m_s=a[:, 3] * np.cos(np.arctan(p.rear_axle_m / p.wheelbase_m * np.tan(0.3))), steer_rad=0.3)
    for _ in range(10):
        a, b = step(slow, a, np.zeros(2), 0.1), step(rolled, b, np.zeros(2), 0.1)
    np.testing.assert_allclose(slow.centre(a)[0], rolled.centre(b)[0], atol=0.01)
    np.testing.assert_allclose(slow.centre(a)[1], rolled.centre(b)[1], atol=1e-9)


@pytest.mark.parametrize("dt_s", [0.02, 0.1])
def test_the_dynamic_model_stops_and_starts(dt_s):
    """Through standstill and back, at steps a hundred times its shortest time constant, nothing blows up."""
    car = dynamic(BMW_320I)
    state = car.start(speed_m_s=[3.0, 0.2, 0.0, -2.0], steer_rad=[0.1, -0.3, 0.2, 0.1])
    for asked in (-4.0, 3.0):
        for _ in range(round(1.2 / dt_s)):
            state = step(car, state, np.array([0.0, asked]), dt_s)
            assert np.abs(state[:, 5]).max() < 3.0
            assert np.abs(state[:, 6]).max() < 0.3


def test_a_trailer_follows_its_circle():
    """On a circle of radius R the hitch settles where the trailer's axle runs on sqrt(R^2 - L^2)."""
    truck = articulated(TRUCK_AND_TRAILER)
    state = truck.start(speed_m_s=10.0, steer_rad=0.25)[None]
    for _ in range(400):
        state = step(truck, state, np.zeros(2), 0.1)
    radius = TRUCK_AND_TRAILER.wheelbase_m / math.tan(0.25)
    assert state[0, 5] == pytest.approx(-math.asin(TRUCK_AND_TRAILER.trailer.wheelbase_m / radius), abs=1e-9)


def test_a_trailer_pushed_back_folds_to_a_right_angle_and_comes_back():
    """Reversing jackknifes up to pi / 2 and no further; driving forward straightens it again."""
    truck = articulated(TRUCK_AND_TRAILER)
    state = truck.start(speed_m_s=-2.0, steer_rad=0.4)[None]
    for _ in range(150):
        state = step(truck, state, np.zeros(2), 0.1)
    assert abs(state[0, 5]) == HITCH_MAX_RAD
    state[0, 3], state[0, 2] = 2.0, 0.0
    for _ in range(300):
        state = step(truck, state, np.zeros(2), 0.1)
    assert abs(state[0, 5]) < 1e-2


def test_boxes_lie_where_the_axles_say():
    """Centres: 1.4227 m ahead of a BMW's rear axle, 1.95 m of the truck's; the trailer's 5.2 m behind the hitch."""
    car, truck = kinematic(BMW_320I), articulated(TRUCK_AND_TRAILER)
    np.testing.assert_allclose(
        car.centre(car.start(heading_rad=math.pi / 2)), [0.0, 1.4227170936, math.pi / 2], atol=1e-15
    )
    state = truck.start(heading_rad=0.0, hitch_rad=math.pi / 2)
    np.testing.assert_allclose(truck.centre(state), [1.95, 0.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(trailer_centre(truck, state), [0.0, -5.2, math.pi / 2], atol=1e-12)
    assert dynamic(BMW_320I).centre_ahead_m == 0.0


def test_the_differential_drive_runs_trapezoids():
    """From rest to 1.2 m at 1.5 m/s: v^2 / 2a to speed, v^2 / 2b to rest, each in the time that v / a and v / b say."""
    robot = differential(PLANT_ROBOT)
    state = robot.start()[None]
    up, down = 1.5 / 0.8, 1.5 / 1.2
    state = step(robot, state, np.array([9.9, 0.0]), up)
    assert state[0].tolist() == pytest.approx([1.5**2 / 1.6, 0.0, 1.5, 0.0, 0.0], abs=1e-12)
    state = step(robot, state, np.array([0.0, 0.0]), down + 1.0)
    assert state[0].tolist() == pytest.approx([1.5**2 / 1.6 + 1.5**2 / 2.4, 0.0, 0.0, 0.0, 0.0], abs=1e-12)


def test_a_ramp_through_standstill_brakes_first():
    """From 0.6 to -0.3 m/s: 0.5 s at 1.2 m/s^2 down to 0, then 0.375 s at 0.8 m/s^2; a turn on the spot stays there."""
    robot = differential(PLANT_ROBOT)
    state = step(robot, robot.start(speed_m_s=0.6)[None], np.array([-0.3, 0.0]), 0.5 + 0.375 + 0.125)
    assert state[0, 2] == -0.3
    assert state[0, 0] == pytest.approx(0.6**2 / 2.4 - 0.3**2 / 1.6 - 0.3 * 0.125, abs=1e-12)
    turned = step(robot, robot.start()[None], np.array([0.0, 1.5]), 2.0)
    assert turned[0].tolist() == pytest.approx([0.0, 0.0, 0.0, 1.5 * 2.0 - 1.5**2 / 6.0, 1.5], abs=1e-12)
    assert PLANT_ROBOT.wheel_speed_max_m_s == pytest.approx(1.95)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: dynamic(TRUCK_AND_TRAILER),
         "The dynamic model of truck and trailer needs mass_kg and yaw_inertia_kg_m2 and centre_of_gravity_height_m, "
         "of which none is published; give a value with dataclasses.replace, or take the kinematic model."),
        (lambda: articulated(BMW_320I),
         "BMW 320i has no trailer; give one with dataclasses.replace(..., trailer=Trailer(...))."),
        (lambda: replace(BMW_320I, length_m=0.0), "BMW 320i: length_m = 0; give a value above 0."),
        (lambda: replace(BMW_320I, speed_min_m_s=1.0),
         "BMW 320i: speed_min_m_s = 1; give 0, or less to drive backward."),
        (lambda: kinematic(BMW_320I).start(speed=3.0),
         "The kinematic model has no state 'speed'; it has x_m, y_m, steer_rad, speed_m_s, heading_rad."),
        (lambda: step(kinematic(BMW_320I), np.zeros((2, 4)), np.zeros(2), 0.1),
         "A state of shape (2, 4) is none of the kinematic model; give (n, 5)."),
        (lambda: step(kinematic(BMW_320I), np.zeros((2, 5)), np.zeros((3, 2)), 0.1),
         "A command of shape (3, 2) does not fit 2 vehicles of the kinematic model; give (2, 2) or (2,): "
         "steering_rate_rad_s, acceleration_m_s2."),
        (lambda: step(kinematic(BMW_320I), np.zeros((2, 5)), np.array([0.0, np.nan]), 0.1),
         "The command of vehicle 0 has acceleration_m_s2 = nan; give finite numbers."),
        (lambda: step(kinematic(BMW_320I), np.zeros((2, 5)), np.zeros(2), 0.0),
         "A step of 0 s leads nowhere; give more than 0 s."),
        (lambda: circle(dynamic(BMW_320I), np.zeros((1, 7)), acceleration_m_s2=0.0, dt_s=1.0),
         "Only the kinematic model runs on a circle, not the dynamic one; take `step`."),
        (lambda: trailer_centre(kinematic(TRUCK_AND_TRAILER), np.zeros((1, 5))),
         "The kinematic model of truck and trailer pulls no trailer; take the articulated model."),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_in_a_sentence(call, text):
    """A vehicle, a state or a command that cannot be says what came and what to give."""
    with pytest.raises(BadTask) as error:
        call()
    assert str(error.value) == text


def test_an_unknown_parameter_set_is_refused():
    """There are four published sets."""
    with pytest.raises(UnknownName) as error:
        published(5)
    assert str(error.value) == "There is no published parameter set '5'. There is: 1, 2, 3, 4."
