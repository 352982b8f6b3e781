"""The R157-derived reference drivers against the published counts, run by run, and against closed forms."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from jangin.errors import BadTask, UnknownName
from jangin.vehicle.r157.disturbances import CutIn, Deceleration, Disturbance, Outcome, Run, Seen, rows, simulate
from jangin.vehicle.r157.drivers import READINGS, CarefulHuman, FuzzyModel, Reg157, Rss, reading
from jangin.vehicle.r157.suites import (
    CUT_IN_CONDITIONS,
    CUT_OUT_CONDITIONS,
    DECELERATION_CONDITIONS,
    cut_in_grid,
    cut_out_grid,
    deceleration_grid,
    drawn_cut_ins,
    drawn_cut_outs,
    drawn_decelerations,
    preventable,
)

JRC = Path(__file__).parents[2] / "shared" / "data" / "vehicle" / "r157" / "jrc_cut_in_2000.csv"
FOUR = {"fsm": FuzzyModel(), "rss": Rss(), "reg157": Reg157(), "cc": CarefulHuman()}


@pytest.fixture(scope="module")
def cut_ins() -> Callable[[str, str], Outcome]:
    """Outcomes of a grid under one of the four drivers, simulated once."""
    found: dict[tuple[str, str], Outcome] = {}

    def outcome(grid: str, driver: str) -> Outcome:
        if (grid, driver) not in found:
            found[grid, driver] = simulate(cut_in_grid(grid), FOUR[driver])
        return found[grid, driver]

    return outcome


# ── the published counts ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("grid", "driver", "crashes"),
    [
        ("low", "fsm", 901),
        ("low", "rss", 880),
        ("low", "reg157", 2252),
        ("low", "cc", 3728),
        ("high", "fsm", 1649),
        ("high", "rss", 1491),
        ("high", "reg157", 2869),
        ("high", "cc", 3552),
    ],
)
def test_the_whole_cut_in_grid_has_the_published_counts(cut_ins, grid: str, driver: str, crashes: int):
    """119,880 runs: every crash count is the published one."""
    found = cut_ins(grid, driver)
    assert len(found) == {"low": 15_930, "high": 14_040}[grid]
    assert int(found.crashed.sum()) == crashes


@pytest.mark.skipif(not JRC.exists(), reason="needs the recorded outcomes of JRC's drivers in shared/data")
@pytest.mark.parametrize("driver", FOUR)
def test_every_recorded_run_ends_as_recorded(driver: str):
    """Run by run, 2,000 recorded outcomes, at the recorded values: 0.6 m/s, where the grid adds up to 0.6 + 1e-16."""
    with JRC.open(encoding="utf-8") as file:
        recorded = list(csv.DictReader(file))
    names = ("ego_kmh", "other_kmh", "gap_m", "lateral_speed_ms")
    ego, other, gap, lateral = (np.array([float(row[name]) for row in recorded]) for name in names)
    found = simulate(CutIn(ego / 3.6, other / 3.6, gap, lateral), FOUR[driver])
    assert len(found) == 2000
    assert found.crashed.tolist() == [row[f"crash_{driver}"] == "1" for row in recorded]


@pytest.mark.parametrize(("driver", "crashes"), [("fsm", 980), ("rss", 936), ("cc", 848)])
def test_the_cut_outs_have_jrcs_counts(driver: str, crashes: int):
    """5,850 cut-outs a driver: as many crashes as JRC's own code counts (run by us; it publishes no numbers)."""
    suite = cut_out_grid(FOUR[driver])
    assert (len(suite), int(simulate(suite, FOUR[driver]).crashed.sum())) == (5850, crashes)


@pytest.mark.parametrize(("driver", "crashes"), [("fsm", 4), ("rss", 21), ("cc", 0)])
def test_the_braking_leaders_have_jrcs_counts_but_for_rounding(driver: str, crashes: int):
    """1,121 leaders a driver: JRC's counts, where its fuzzy model has 0: rounding starts it a period too early."""
    suite = deceleration_grid(FOUR[driver])
    assert (len(suite), int(simulate(suite, FOUR[driver]).crashed.sum())) == (1121, crashes)


def test_the_excused_contacts_of_the_careful_human_are_told_apart(cut_ins):
    """In the high grid, 1,688 contacts follow a time to collision of 2 s or more: JRC counts none of them."""
    found = cut_ins("high", "cc")
    assert int(found.excused.sum()) == 1688
    assert int(found.contact.sum()) == 3552 + 1688
    assert not any(cut_ins(grid, name).excused.any() for grid in ("low", "high") for name in ("fsm", "rss", "reg157"))
    assert not cut_ins("low", "cc").excused.any()


# ── laws of the disturbances ─────────────────────────────────────────────────────────────────────────────────────


class Nobody:
    """A driver who never reacts."""

    def begin(self, n: int) -> Nobody:
        return self

    def act(self, seen: Seen) -> np.ndarray:
        return np.zeros(len(seen.gap_m))


class Brakes:
    """A driver who brakes with a constant deceleration from the start."""

    def __init__(self, deceleration_m_s2: float) -> None:
        self.deceleration_m_s2 = deceleration_m_s2

    def begin(self, n: int) -> Brakes:
        return self

    def act(self, seen: Seen) -> np.ndarray:
        return np.full(len(seen.gap_m), -self.deceleration_m_s2)


def test_a_vehicle_stops_in_its_stopping_distance():
    """At 10 Hz, v dt less than v^2 / 2b + v dt / 2 is travelled: the sum v_k dt of v_k = v - k b dt, exactly."""
    run, v, b = Run(Deceleration([20.0], [1e6], [0.0])), 20.0, 5.0
    start = run.x_m.copy()
    while not run.done:
        run.step(np.array([-b]))
    steps = v / (b * 0.1)
    assert run.x_m - start == pytest.approx(steps * v * 0.1 - b * 0.01 * steps * (steps + 1) / 2)
    assert run.x_m - start == pytest.approx(v**2 / (2 * b) - v * 0.1 / 2)
    assert run.speed_m_s == 0.0


def test_the_gap_of_a_cut_in_is_the_scenarios_when_the_lateral_speed_is_reached():
    """After ceil(v_y / 0.15) periods the other vehicle is 3.5 m beside, gap_m ahead and has its lateral speed."""
    suite = CutIn([30.0, 20.0, 15.0], [10.0, 15.0, 5.0], [40.0, 12.0, 7.5], [1.6, 0.1, 0.45])
    run, periods = Run(suite), np.ceil(suite.lateral_speed_m_s / 0.15).astype(int)
    for instant in range(periods.max() + 1):
        for k in np.flatnonzero(periods == instant):
            assert run.seen.gap_m[k] == pytest.approx(suite.gap_m[k])
            assert run.seen.lateral_m[k] == pytest.approx(3.5)
            assert run.seen.other_lateral_speed_m_s[k] == -suite.lateral_speed_m_s[k]
        run.step(np.zeros(3))


def test_who_does_not_react_hits_at_the_relative_speed():
    """Severity is the relative speed: closing speed for a standing lane change, and with it v_y while it lasts."""
    found = simulate(CutIn([20.0, 20.0], [10.0, 10.0], [40.0, 20.0], [1.7, 1.0]), Nobody())
    assert found.contact.all()
    assert not found.from_side.any()
    assert found.impact_speed_m_s == pytest.approx([10.0, np.hypot(10.0, 1.0)])
    assert found.least_ttc_s[0] == pytest.approx(0.0, abs=0.1)


def test_who_is_already_alongside_is_hit_from_the_side():
    """A vehicle that comes over onto one alongside touches it from the side, and nobody ran into its back."""
    found = simulate(CutIn([10.0], [9.0], [1.0], [0.8]), Nobody())
    assert found.contact.all()
    assert found.from_side.all()


def test_a_vehicle_that_never_moves_over_is_never_touched():
    """Lateral speed 0 is no cut-in, for any driver."""
    suite = CutIn(np.linspace(5.0, 40.0, 50), 4.0, 3.0, 0.0)
    assert not any(simulate(suite, driver).contact.any() for driver in (*FOUR.values(), Nobody()))


@pytest.mark.parametrize("driver", [*FOUR.values(), Nobody()], ids=[*FOUR, "nobody"])
@pytest.mark.parametrize("part", [slice(0, 1), slice(700, 731), slice(3, None, 9)])
def test_a_scenario_ends_alike_in_any_batch(driver, part: slice):
    """Any part of a suite gives the same bits as the whole."""
    suite = rows(cut_in_grid("high"), slice(0, None, 13))
    whole, some = simulate(suite, driver), simulate(rows(suite, part), driver)
    for name in ("contact", "excused", "from_side", "contact_s", "impact_speed_m_s", "least_ttc_s"):
        assert np.array_equal(getattr(whole, name)[part], getattr(some, name))


def test_harder_braking_never_makes_a_rear_end_worse():
    """Behind a braking leader, more deceleration from the start means no more contacts and no harder ones."""
    suite = deceleration_grid(CarefulHuman())
    suite = Deceleration(suite.speed_m_s, suite.speed_m_s * 0.3, suite.deceleration_m_s2)
    weak, strong = simulate(suite, Brakes(4.0)), simulate(suite, Brakes(8.0))
    assert weak.contact.sum() > strong.contact.sum() > 0
    assert not np.any(strong.contact & ~weak.contact)


@pytest.mark.parametrize("driver", FOUR)
@pytest.mark.parametrize("grid", ["low", "high"])
def test_the_gaps_at_which_a_cut_in_ends_in_a_crash_are_one_interval(cut_ins, grid: str, driver: str):
    """A larger gap can turn no crash into a crash: below some gap one is past before. Above, it never does again."""
    crashed = cut_ins(grid, driver).crashed.reshape(-1, {"low": 59, "high": 60}[grid], 18)
    begins = (~crashed[:, :-1] & crashed[:, 1:]).sum(axis=1) + crashed[:, 0]
    assert begins.max() == 1
    assert (~crashed[:, :-1] & crashed[:, 1:]).any()


@pytest.mark.parametrize("driver", ["fsm", "rss", "cc"])
def test_a_larger_gap_to_the_standing_vehicle_never_turns_no_crash_into_a_crash(driver: str):
    """In cut-outs more front gap is never worse, for every driver."""
    crashed = simulate(cut_out_grid(FOUR[driver]), FOUR[driver]).crashed.reshape(13, 30, 15)
    assert not (~crashed[:, :-1] & crashed[:, 1:]).any()


@pytest.mark.parametrize(("driver", "worse"), [("fsm", 0), ("cc", 0), ("rss", 20)])
def test_a_larger_gap_behind_a_braking_leader_is_never_worse_but_for_rss(driver: str, worse: int):
    """RSS lets go and starts later with more room: 20 of 11,800 steps of 1.5 m end worse. The others never do."""
    speed, gap, brake = np.meshgrid(
        np.linspace(5, 36, 20), np.linspace(1, 90, 60), np.linspace(1, 9.5, 10), indexing="ij"
    )
    crashed = simulate(Deceleration(speed.ravel(), gap.ravel(), brake.ravel()), FOUR[driver]).crashed
    crashed = crashed.reshape(20, 60, 10)
    assert int((~crashed[:, :-1] & crashed[:, 1:]).sum()) == worse


# ── readings ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_earlier_or_harder_reading_of_the_careful_human_crashes_less():
    """Perceiving earlier and emergency braking help, 0.4 s more cost; the three open codes therefore disagree."""
    suite = rows(cut_in_grid("low"), slice(0, None, 7))
    contacts = {name: int(simulate(suite, READINGS[name]).contact.sum()) for name in READINGS if "human" in name}
    jrc = contacts["careful-human"]
    assert contacts["careful-human-0.72m"] < jrc
    assert contacts["careful-human-aeb"] < jrc
    late = replace(CarefulHuman(), delay_s=0.4 + 0.75)
    assert simulate(suite, late).contact.sum() > jrc


def test_the_two_sets_of_rss_constants_are_two_drivers():
    """RSS in ad-rss-lib's constants is not the one in the published counts."""
    suite = rows(cut_in_grid("low"), slice(0, None, 11))
    assert READINGS["rss"] == Rss()
    assert simulate(suite, READINGS["rss-ieee"]).crashed.sum() != simulate(suite, READINGS["rss"]).crashed.sum()


def test_a_reading_is_found_by_its_name():
    """Names are those of READINGS, and the nearest is offered."""
    assert reading("fuzzy") == FuzzyModel()
    with pytest.raises(UnknownName) as caught:
        reading("careful")
    assert "There is no reference driver 'careful'. Did you mean 'careful-human'? There is:" in str(caught.value)


# ── suites and wrong input ───────────────────────────────────────────────────────────────────────────────────────


def test_the_preventable_set_is_where_a_driver_has_no_contact(cut_ins):
    """What the fuzzy model manages in the low grid are 15,930 - 901 scenarios; nobody needs to manage the rest."""
    assert int((~cut_ins("low", "fsm").contact).sum()) == 15_930 - 901
    some = rows(cut_in_grid("low"), slice(0, None, 40))
    can = preventable(some, FuzzyModel())
    assert not simulate(rows(some, can), FuzzyModel()).contact.any()
    assert simulate(rows(some, ~can), FuzzyModel()).contact.all()


def test_drawn_scenarios_stay_in_their_range():
    """Conditions at the ends of [0, 1) give the ends of the range, the other vehicle never faster than the subject."""
    ends = np.array([[0.0] * 4, [np.nextafter(1.0, 0.0)] * 4])
    cut_in = drawn_cut_ins(CUT_IN_CONDITIONS.at(ends))
    assert cut_in.speed_m_s * 3.6 == pytest.approx([10.0, 130.0])
    assert cut_in.gap_m == pytest.approx([1.0, 119.0])
    assert cut_in.lateral_speed_m_s == pytest.approx([0.1, 1.7])
    assert np.all(cut_in.other_speed_m_s <= cut_in.speed_m_s)
    assert drawn_cut_outs(CUT_OUT_CONDITIONS.at(ends)).front_gap_m == pytest.approx([2.0, 147.0])
    braking = drawn_decelerations(DECELERATION_CONDITIONS.at(ends[:, :3]))
    assert braking.deceleration_m_s2 == pytest.approx([0.05 * 9.81, 0.95 * 9.81])


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (
            lambda: CutIn([20.0, np.nan], 10.0, 5.0, 1.0),
            "speed_m_s of scenario 1 is nan; it must be a finite number and not negative. Correct it, or leave the "
            "scenario out.",
        ),
        (
            lambda: Deceleration(20.0, [3.0, -1.0], 2.0),
            "gap_m of scenario 1 is -1; it must be a finite number and not negative. Correct it, or leave the scenario "
            "out.",
        ),
        (
            lambda: CutIn([[20.0]], 10.0, 5.0, 1.0),
            "The scenarios have the shape (1, 1); give one value a scenario, (n,) arrays.",
        ),
        (
            lambda: CutIn([20.0, 30.0], [1.0, 2.0, 3.0], 5.0, 1.0),
            "The scenarios' fields have 2, 3, 1 and 1 values; give as many of each, or one for all.",
        ),
    ],
)
def test_scenarios_that_cannot_be_driven_are_refused(make: Callable[[], Disturbance], says: str):
    """Wrong values are refused with their scenario."""
    with pytest.raises(BadTask) as caught:
        make()
    assert str(caught.value) == says


def test_an_unknown_grid_is_refused():
    """There are two cut-in grids."""
    with pytest.raises(UnknownName, match=r"There is no cut-in grid 'fast'\. There is: high, low\."):
        cut_in_grid("fast")  # type: ignore[arg-type]


def test_no_scenarios_have_no_outcome():
    """An empty suite is simulated to an empty outcome."""
    assert len(simulate(CutIn([], [], [], []), CarefulHuman())) == 0
