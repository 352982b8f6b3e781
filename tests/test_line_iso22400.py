"""Laws of the ISO 22400 indicators: their formulas, what is unknown, what is flagged, and lines against stations."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from jangin.errors import BadLog
from jangin.line.iso22400 import (
    FORMULAS,
    STATES,
    Counts,
    Indicators,
    Times,
    counts_of_station,
    indicators,
    line_oee,
    machine_capability,
    times_of_station,
)

TIMES = Times(
    pbt=28_800.0, pri=50.0, apt=21_000.0, asut=1_200.0, adet=4_800.0, aoet=30_000.0, cmt=600.0, pmt=1_800.0,
    apwt=25_000.0, apat=28_800.0,
)  # fmt: skip
COUNTS = Counts(pq=400.0, gq=380.0, sq=12.0, rq=8.0, ip=398.0, gp=376.0, psq=410.0, epc=576.0)


def test_formulas_by_hand():
    """Every indicator of one shift, each worked out by hand from the standard's formula."""
    by_hand = {
        "availability": 21_000 / 28_800,
        "effectiveness": 50 * 400 / 21_000,
        "quality_ratio": 380 / 400,
        "oee": 50 * 380 / 28_800,
        "nee": (21_000 + 1_200) / 28_800 * (50 * 400 / 21_000) * (380 / 400),
        "allocation_efficiency": (21_000 + 1_200 + 4_800) / 28_800,
        "utilization_efficiency": 21_000 / 27_000,
        "technical_efficiency": 21_000 / 25_800,
        "allocation_ratio": 27_000 / 30_000,
        "production_process_ratio": 21_000 / 30_000,
        "setup_ratio": 1_200 / 22_200,
        "throughput_rate": 400 / 30_000,
        "worker_efficiency": 25_000 / 28_800,
        "corrective_maintenance_ratio": 600 / 2_400,
        "scrap_ratio": 12 / 400,
        "rework_ratio": 8 / 400,
        "first_pass_yield": 376 / 398,
        "fall_off_ratio": 12 / 410,
        "equipment_load_ratio": 400 / 576,
    }
    found = indicators(TIMES, COUNTS)
    assert set(by_hand) == set(FORMULAS) == {f.name for f in fields(Indicators)} - {"unknown", "flags"}
    for name, value in by_hand.items():
        assert getattr(found, name) == pytest.approx(value, rel=1e-14), name
    assert not found.unknown
    assert found.flags == ()
    assert found.sentence == "OEE 66.0% = availability 72.9% x effectiveness 95.2% x quality ratio 95.0%."


def test_oee_is_the_product_of_its_factors():
    """A x E x Q = PRI GQ / PBT to rounding, on random times and counts, as scalars and as arrays."""
    rng = np.random.default_rng(1)
    pbt, apt, pri = rng.uniform(1e4, 1e5, 500), rng.uniform(1e3, 9e3, 500), rng.uniform(1, 100, 500)
    pq = rng.integers(1, 1000, 500).astype(float)
    gq = np.floor(pq * rng.uniform(0, 1, 500))
    all_ = indicators(Times(pbt=pbt, apt=apt, pri=pri), Counts(pq=pq, gq=gq))
    np.testing.assert_allclose(all_.availability * all_.effectiveness * all_.quality_ratio, all_.oee, rtol=1e-13)
    for k in range(20):
        one = indicators(Times(pbt=pbt[k], apt=apt[k], pri=pri[k]), Counts(pq=pq[k], gq=gq[k]))
        assert one.oee == all_.oee[k]
        assert one.availability * one.effectiveness * one.quality_ratio == pytest.approx(one.oee, rel=1e-13)


def test_unknown_is_none_and_says_what_is_missing():
    """What is not given makes None of exactly the indicators that need it, with the symbols to give."""
    found = indicators(Times(pbt=100.0, apt=80.0), Counts(pq=10.0))
    assert found.availability == 0.8
    assert (found.oee, found.effectiveness, found.utilization_efficiency) == (None, None, None)
    assert found.unknown["oee"] == "needs PRI and GQ"
    assert found.unknown["utilization_efficiency"] == "needs ASUT and ADET"
    assert found.unknown["corrective_maintenance_ratio"] == "needs CMT and PMT"
    assert found.sentence == "OEE is not known: needs PRI and GQ."
    for name, (above, below) in FORMULAS.items():
        known = {"availability"}
        assert (getattr(found, name) is not None) == (name in known), (name, above, below)


def test_each_input_is_needed_by_its_indicators():
    """Taking one input away takes away the indicators whose formula names it, and no other."""
    whole = indicators(TIMES, COUNTS)
    for f in fields(Counts):
        found = indicators(TIMES, replace(COUNTS, **{f.name: None}))
        for name, (above, below) in FORMULAS.items():
            assert (getattr(found, name) is None) == (f.name.upper() in above + below), (f.name, name)
            if getattr(found, name) is not None:
                assert getattr(found, name) == getattr(whole, name)


def test_division_by_nothing_is_unknown():
    """A ratio over 0 is None for a number, masked for a replication, and never NaN."""
    found = indicators(Times(pbt=100.0, apt=0.0, pri=1.0), Counts(pq=0.0, gq=0.0))
    assert (found.quality_ratio, found.effectiveness, found.oee) == (None, None, 0.0)
    assert found.unknown["quality_ratio"] == "PQ is 0"
    many = indicators(Times(), Counts(pq=np.array([0.0, 10.0]), gq=np.array([0.0, 9.0])))
    assert many.quality_ratio.mask.tolist() == [True, False]
    assert many.quality_ratio.mean() == 0.9
    assert not np.isnan(many.quality_ratio.data).any()


def test_effectiveness_above_one_is_flagged_and_not_clipped():
    """A planned run time that is too long shows as an effectiveness above 1, with a sentence."""
    found = indicators(Times(pbt=100.0, apt=50.0, pri=6.0), Counts(pq=10.0, gq=10.0))
    assert found.effectiveness == 1.2
    assert found.flags == (
        "Effectiveness 120.0%: items take less than PRI, the planned run time per item; PRI is too long.",
    )
    assert found.sentence.endswith("PRI is too long.")
    assert indicators(Times(pbt=100.0, apt=60.0, pri=6.0), Counts(pq=10.0, gq=10.0)).flags == ()


def test_states_become_times():
    """Each state of a simulated station counts as the documented time, and their sums are the standard's."""
    seconds = dict(zip(STATES, (1000.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0)))
    times = times_of_station(seconds, pri=2.0)
    assert (times.apt, times.asut, times.adet) == (1000.0, 20.0, 180.0)
    assert times.pbt == sum(seconds.values()) - seconds["off"] - seconds["stopped"] == 1200.0
    assert (times.aupt, times.aubt) == (1020.0, 1200.0)
    found = indicators(times, counts_of_station(finished=500, good=480, scrapped=15, reworked=5))
    assert found.allocation_efficiency == 1.0
    assert found.availability * found.effectiveness * found.quality_ratio == pytest.approx(2.0 * 480 / 1200)
    assert (found.corrective_maintenance_ratio, found.throughput_rate) == (None, None)


def test_states_as_replications():
    """Arrays give per replication what numbers give one by one; a state that is left out took no time."""
    rng = np.random.default_rng(4)
    running, down = rng.uniform(1, 2, 7), rng.uniform(0, 1, 7)
    many = times_of_station({"running": running, "down": down}, pri=1.0)
    for k in range(7):
        one = times_of_station({"running": running[k], "down": down[k], "blocked": 0.0}, pri=1.0)
        assert (many.pbt[k], many.apt[k], many.asut[k]) == (one.pbt, one.apt, one.asut)


def test_line_oee_is_not_the_product_of_stations():
    """A perfect bottleneck behind a fast station that it blocks: the line is at 1, the stations' product at a half."""
    pbt, good = 1000.0, 100.0
    fast = indicators(Times(pbt=pbt, apt=500.0, pri=5.0), Counts(pq=good, gq=good))
    slow = indicators(Times(pbt=pbt, apt=1000.0, pri=10.0), Counts(pq=good, gq=good))
    line = line_oee(good, [5.0, 10.0], pbt)
    assert line.value == 1.0
    assert fast.oee * slow.oee == 0.5
    assert line.slowest == 1
    assert line.sentence == (
        "Line OEE 100.0%: line-output form, good items out x 10 s planned at the slowest station (number 2 of 2) / "
        "planned busy time; not a product of the stations' OEE."
    )


def test_line_oee_of_one_station_is_the_standards():
    """A line of one station has that station's OEE; arrays are replications."""
    good = np.array([300.0, 310.0])
    station = indicators(Times(pbt=28_800.0, pri=60.0), Counts(gq=good))
    np.testing.assert_allclose(line_oee(good, [60.0], 28_800.0).value, station.oee)


def test_line_oee_above_one_is_flagged():
    """More out than the slowest station's planned time allows is flagged, not clipped."""
    found = line_oee(110.0, [5.0, 10.0], 1000.0)
    assert found.value == 1.1
    assert found.flags == (
        "It is above 1: more left the line than 10 s per item allow; that planned time is too long.",
    )


def test_machine_capability():
    """Cm of limits twelve standard deviations apart is 2."""
    assert machine_capability(9.94, 10.06, 0.01) == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Times(pbt=-1.0), "PBT = -1 s cannot be; give 0 or more, or leave out what is not known."),
        (lambda: Times(apt=np.nan), "APT = nan s cannot be; give 0 or more, or leave out what is not known."),
        (
            lambda: Times(apt=10.0, asut=1.0, aupt=12.0),
            "AUPT = 12 s, but APT + ASUT = 11 s; leave AUPT out, or correct its parts.",
        ),
        (
            lambda: Counts(pq=10.0, gq=9.0, sq=2.0),
            "GQ + SQ = 11 items exceeds PQ = 10; count both over the same period, and every item once.",
        ),
        (
            lambda: Times(apt=np.ones(3), pbt=np.ones(4)),
            "PBT has shape (4,) and APT has (3,); give one value per replication in each.",
        ),
        (
            lambda: times_of_station({"runing": 1.0}),
            "There is no state 'runing'. Did you mean 'running'? A station is: running, setup, blocked, starved, "
            "waiting, down, stopped, off.",
        ),
        (lambda: line_oee(1.0, [], 10.0), "Planned run times [] s make no line; give one above 0 for each station."),
        (lambda: line_oee(1.0, [1.0], 0.0), "A line that was not planned to be busy has no OEE; give a PBT above 0 s."),
        (
            lambda: machine_capability(1.0, 0.0, 1.0),
            "Limits 1 to 0 with s = 1 give no Cm; give lower < upper and s above 0.",
        ),
    ],
)
def test_refused(make, says):
    """Times and counts that contradict themselves are refused in one sentence."""
    with pytest.raises(BadLog) as refused:
        make()
    assert str(refused.value) == says
