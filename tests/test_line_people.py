"""What people and vehicles do, and how much is right the first time: exact shares, closed forms, and how it is told."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest

from jangin.cli import main
from jangin.line.answering import completed, crew_answers, first_pass, fleet_answers, station_answers
from jangin.line.events.engine import simulate
from jangin.line.flow import flow
from jangin.line.layout import (
    Buffer,
    Calendar,
    Constant,
    Crew,
    Cycle,
    Exponential,
    Failure,
    Fleet,
    Layout,
    Release,
    Station,
)
from jangin.line.page import page
from jangin.line.result import PERSON_STATES, VEHICLE_STATES, Replications

QUICK = {"seed": 1, "horizon_s": 24_000.0, "warmup_s": 2000.0, "replications": 2, "effects": False}


def repaired(**more) -> Layout:
    """A machine that runs 90 s and is then repaired for 10 s, by one of two."""
    fail = Failure("jam", Constant(90.0), Constant(10.0), crew="fitters")
    station = Station("press", Cycle(Constant(1.0)), failures=(fail,), at_m=(0.0, 0.0))
    return Layout("press", (station,), crews=(Crew("fitters", 2, **more),))


def carrying(**more) -> Layout:
    """One vehicle between a source that always has a part and a target 30 s away."""
    stations = (
        Station("from", Cycle(Constant(1.0)), at_m=(0.0, 0.0)),
        Station("to", Cycle(Constant(1.0)), at_m=(30.0, 0.0)),
    )
    fleet = Fleet("amr", 1, 1.0, load_s=12.0, unload_s=8.0, **more)
    return Layout("carrying", stations, (Buffer("b", ("from",), ("to",), 2, fleet="amr"),), fleets=(fleet,))


def test_repair_takes_its_share_of_a_crew():
    """Of a cycle of 90 s running and 10 s of repair, one of two people is busy a twentieth of all time."""
    (crew,) = flow(repaired(), **QUICK, engine="events").people
    assert crew.people == 2
    assert crew.shares == pytest.approx({"busy": 0.05, "walking": 0.0, "off": 0.0, "idle": 0.95})
    assert crew.worker_efficiency == pytest.approx(0.05)


def test_walking_is_no_work():
    """A crew that always walks 10 s to a repair of 10 s is busy as long as it walks."""
    fail = Failure("jam", Constant(90.0), Constant(10.0), crew="fitter")
    stations = tuple(
        Station(f"s{k}", Cycle(Constant(1.0)), failures=(fail,), at_m=(10.0 * k, 0.0), calendar=("a", "b")[k])
        for k in range(2)
    )
    calendars = (Calendar("a", 200.0, ((0.0, 95.0),)), Calendar("b", 200.0, ((100.0, 195.0),)))  # a repair in each
    line = Layout("two", stations, calendars=calendars, crews=(Crew("fitter", 1, speed_m_s=1.0),))
    runs = simulate(line, seed=1, replications=1, horizon_s=200.0 * 40)
    busy, walking, off, idle = runs.people[0, 0]
    assert busy > 0.0
    assert busy + walking + off + idle == pytest.approx(200.0 * 40)
    assert walking == pytest.approx(busy, rel=0.2)


def test_a_crew_is_off_when_its_stations_are():
    """With 8 of 24 hours on shift, two thirds of a crew's time are off, and its efficiency counts the rest."""
    day = Calendar("day", 86_400.0, ((6 * 3600.0, 14 * 3600.0),))
    fail = Failure("jam", Constant(90.0), Constant(10.0), crew="fitters")
    line = dataclasses.replace(repaired(), calendars=(day,), calendar="day")
    line = dataclasses.replace(line, stations=(dataclasses.replace(line.stations[0], failures=(fail,)),))
    runs = simulate(line, seed=1, replications=1, horizon_s=10 * 86_400.0)
    (crew,) = crew_answers(line, runs)
    assert crew.shares["off"] == pytest.approx(2 / 3, abs=1e-3)
    assert crew.worker_efficiency == pytest.approx(crew.shares["busy"] / (1 - crew.shares["off"]))
    assert crew.worker_efficiency == pytest.approx(0.05, abs=1e-3)


def test_a_vehicle_that_never_rests():
    """Thirty seconds there, thirty back, 20 s of handling: its shares are exact, and so are deliveries per hour."""
    (fleet,) = flow(carrying(), **QUICK, engine="events").fleets
    known = {"empty": 30 / 80, "loaded": 30 / 80, "handling": 20 / 80, "waiting": 0.0, "charging": 0.0, "idle": 0.0}
    assert fleet.shares == pytest.approx(known)
    assert fleet.per_hour == pytest.approx(3600.0 / 80.0)
    assert fleet.least_charge is None


def test_the_least_charge_is_told_and_an_empty_battery_is_a_warning():
    """A vehicle charges after a job; a reserve that lasts for a job keeps it above nothing, none lets it run empty."""
    enough = flow(carrying(drive_s=600.0, reserve_s=95.0, charge_s=100.0), **QUICK, engine="events")
    assert 0.0 < enough.fleets[0].least_charge < 95.0 / 600.0
    assert enough.fleets[0].shares["charging"] > 0.0
    assert not any("empty battery" in w for w in enough.warnings)
    none = flow(carrying(drive_s=100.0, reserve_s=1.0, charge_s=100.0), **QUICK, engine="events")
    assert none.fleets[0].least_charge < 0.0
    (warned,) = [w for w in none.warnings if "empty battery" in w]
    assert "fleet 'amr'" in warned
    assert "larger reserve_s" in warned


def inspected() -> Layout:
    """Scrap at the first station, rework at the second, to itself."""
    stations = (
        Station("make", Cycle(Exponential(4.0)), scrap=0.1),
        Station("test", Cycle(Exponential(4.0)), rework=0.2, rework_to="again"),
        Station("pack", Cycle(Exponential(2.0))),
    )
    buffers = (
        Buffer("made", ("make",), ("test",)),
        Buffer("again", ("test",), ("test",)),
        Buffer("good", ("test",), ("pack",)),
    )
    return Layout("inspected", stations, buffers, (Release("make", "push", Exponential(8.0)),))


def test_first_pass_yields_multiply():
    """Yields of 0.9 and 0.8 in a row make 0.72 of the line, though reworked parts come out good in the end."""
    line = inspected()
    runs = simulate(line, seed=5, replications=40, horizon_s=40_000.0, warmup_s=4000.0)
    found = first_pass(runs, 0.9999)
    assert abs(found.mean - 0.72) < found.half_width < 0.01
    yields = [s.indicators.first_pass_yield for s in station_answers(line, runs)]
    assert yields == pytest.approx([0.9, 0.8, 1.0], abs=0.006)
    assert math.prod(yields) == pytest.approx(found.mean, abs=0.002)
    reworked = station_answers(line, runs)[1].indicators.rework_ratio
    assert reworked == pytest.approx(0.2, abs=0.006)


def test_runs_of_one_draw_are_one_observation():
    """The interval of a line with evidence is over draws; runs that keep no first passes give none."""
    line = inspected()
    runs = simulate(line, seed=5, replications=20, horizon_s=4000.0, warmup_s=400.0)
    assert first_pass(runs, 0.95, 5).n == 4
    assert first_pass(runs, 0.95).n == 20
    assert first_pass(dataclasses.replace(runs, left_first=None), 0.95) is None
    none = dataclasses.replace(runs, good=runs.good * 0.0, scrapped=runs.good * 0.0, left_first=runs.good * 0.0)
    assert first_pass(none, 0.95) is None


def test_engines_without_people_say_nothing_of_them():
    """What an engine does not keep is left out, not zero; joined replications keep what all have."""
    plain = Layout("one", (Station("one", Cycle(Constant(2.0))),))
    answer = flow(plain, **QUICK, engine="path")
    assert answer.people == ()
    assert answer.fleets == ()
    assert answer.first_pass is None
    runs = simulate(carrying(), seed=1, replications=2, horizon_s=500.0)
    both = Replications.concat([runs, runs])
    assert both.vehicles.shape == (4, 1, len(VEHICLE_STATES))
    assert both.people.shape == (4, 0, len(PERSON_STATES))
    assert np.isfinite(both.most_driven_s).all()


LAYOUT = """\
schema: jangin-line/1
name: carried
crews:
  - {name: <fitters>, people: 2, speed_m_s: 1, home_m: [5, 5]}
fleets:
  - {name: amr & co, vehicles: 2, speed_m_s: 1, load_s: 5, unload_s: 5, drive_s: 900, reserve_s: 120, charge_s: 60}
stations:
  - {name: make, cycle: 50, at_m: [0, 0], scrap: 0.05}
  - name: pack
    cycle: 50
    at_m: [20, 10]
    failures: [{name: jam, after: {exponential_s: 900}, repair: {exponential_s: 90}, crew: <fitters>}]
buffers:
  - {name: b, from: make, to: pack, capacity: 4, fleet: amr & co}
"""


def test_people_and_vehicles_are_told_everywhere(tmp_path, capsys):
    """Text, JSON and page say the same shares, deliveries, least charge and first pass yield."""
    file = tmp_path / "carried.yaml"
    file.write_text(LAYOUT)
    words = ["line", str(file), "--hours", "20", "--replications", "4", "--quick"]
    assert main(words) == 0
    text = capsys.readouterr().out
    assert main([*words, "--json", "--out", str(tmp_path / "kept")]) == 0
    answer = json.loads(capsys.readouterr().out)
    html = (tmp_path / "kept" / "line.html").read_text()
    (crew,), (fleet,) = answer["people"], answer["fleets"]
    for one in (crew, fleet):
        assert sum(one["shares"].values()) == pytest.approx(1.0)
        for value in one["shares"].values():
            assert value == 0.0 or (f"{value:.1%}" in text and f"{100 * value:.1f}" in html)
    assert crew["shares"]["walking"] > 0.0
    assert f"{fleet['per_hour']:.1f}" in text
    assert f"the least charge left at the end of a drive was {fleet['least_charge']:.0%}" in text
    assert f"{answer['first_pass']['mean']:.2%}" in text
    assert "People and vehicles" in html
    assert "&lt;fitters&gt;" in html
    assert "<fitters>" not in html
    assert "amr &amp; co" in html


def test_a_page_without_people_has_no_section_of_them():
    """Where no crew and no fleet is declared, nothing is said of them."""
    answer = completed(flow(Layout("one", (Station("one", Cycle(Exponential(2.0))),)), **QUICK, engine="events"))
    assert "People and vehicles" not in page(answer)
    assert fleet_answers(answer.layout, answer.runs) == ()
