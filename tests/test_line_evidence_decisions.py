"""Laws of deciding with evidence: which draws are common, when a study stops, what a change and a policy are worth."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from jangin.cli import main
from jangin.errors import JanginError
from jangin.line.allocate import allocate
from jangin.line.evidence_posterior import moments
from jangin.line.evidence_runs import PORTION, EvidenceRuns, located
from jangin.line.evidence_station import read_evidence, warnings
from jangin.line.flow import flow
from jangin.line.layout import Buffer, Constant, Cycle, Evidence, Exponential, Layout, Lognormal, Release, Station
from jangin.line.limits import faster
from jangin.line.what_if import what_if
from jangin.qualify import qualify
from jangin.record import RunFolder
from jangin.stats.nested import probability_above, two_level
from toy import Toy, ToyExpert

MANUAL = Evidence("toy", handling_s=1.0, failed_s=4.0, attempts=2, given_up="manual", manual=Constant(30.0))
SCRAP = Evidence("toy", handling_s=1.0, failed_s=4.0)
SHORT = {"horizon_s": 2_000.0, "warmup_s": 200.0}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Qualifications of the same policy with 512 and 2,048 trials, and one of another policy, in `other` as well."""
    place = tmp_path_factory.mktemp("runs")
    made = {"toy": (0.02, 512), "more": (0.02, 2048), "rival": (0.021, 512), "other/toy": (0.021, 512)}
    for name, (speed, trials) in made.items():
        (place / name).parent.mkdir(exist_ok=True)
        folder = RunFolder.create(place / name)
        qualify(
            ToyExpert(speed), Toy(), ["success >= 0.98 @ 0.95"], seed=7, folder=folder, block=512, baselines=False,
            max_trials=trials,
        )  # fmt: skip
        folder.seal()
    return place


def row(*times, capacities=(3,) * 9, **layout) -> Layout:
    """A row of stations."""
    stations = tuple(Station(f"s{k}", Cycle(t)) for k, t in enumerate(times))
    buffers = tuple(Buffer(f"b{k}", (f"s{k}",), (f"s{k + 1}",), capacities[k]) for k in range(len(times) - 1))
    return Layout(layout.pop("name", "row"), stations, buffers, **layout)


def of(run: str) -> Evidence:
    return dataclasses.replace(MANUAL, run=run)


# ── draws ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_draw_follows_from_its_number(place):
    """However many are made, from wherever on; another seed gives others."""
    plant = located(row(MANUAL), place)
    whole = EvidenceRuns().drawn(plant, seed=3, draws=2 * PORTION + 9)[0]
    part = EvidenceRuns().drawn(plant, seed=3, draws=PORTION, first=PORTION - 5)[0]
    assert len(whole) == 2 * PORTION + 9
    assert np.array_equal(part.p, whole.p[PORTION - 5 : 2 * PORTION - 5])
    assert np.array_equal(part.table_s, whole.table_s[PORTION - 5 : 2 * PORTION - 5])
    assert part.first == PORTION - 5
    assert len(np.unique(whole.p[:, 0])) == len(whole)
    assert not np.array_equal(EvidenceRuns().drawn(plant, seed=4, draws=9)[0].p, whole.p[:9])


def test_one_policy_is_one_unknown_and_two_are_two(place):
    """The same evidence is equally good at two stations of a line; other evidence is drawn independently."""
    plant = located(row(of("toy"), of("toy"), of("rival")), place)
    one, same, rival = EvidenceRuns().drawn(plant, seed=1, draws=2_000).values()
    assert np.array_equal(one.p, same.p)
    assert np.array_equal(one.table_s, same.table_s)
    for values in (lambda d: d.p[:, 0], lambda d: d.table_s.mean(axis=1)):
        assert abs(np.corrcoef(values(one), values(rival))[0, 1]) < 0.1  # sd 0.022 of independent ones


def test_trials_of_a_policy_at_two_stations_are_counted_once(place):
    """Twice the same evidence: as many more trials halve the interval as at one station, not half as many."""
    settings = {"folder": place, "draws": 64, "effects": False, **SHORT}
    one, two = flow(row(MANUAL), **settings), flow(row(MANUAL, MANUAL), **settings)
    assert two.halving["s0"] == two.halving["s1"]
    assert two.halving["s0"].evidence == one.halving["s0"].evidence


def test_a_pace_scales_attempts_and_nothing_else(place):
    """Times of successes and of failed attempts, not handling; the same draws; and it is warned of."""
    slow, fast = (located(row(e), place) for e in (MANUAL, dataclasses.replace(MANUAL, pace=0.9)))
    known = EvidenceRuns()
    one, other = (known.drawn(plant, seed=0, draws=20)[0] for plant in (slow, fast))
    assert np.array_equal(one.p, other.p)
    assert other.table_s == pytest.approx(0.9 * one.table_s)
    assert other.evidence.failed_s == pytest.approx(3.6)
    fail = 1.0 - one.p[:, 0]
    lost = 0.1 * (1.0 + fail) * (one.p[:, 0] * one.table_s.mean(axis=1) + fail * 4.0)  # of at most two attempts
    assert moments(one).mean_s - moments(other).mean_s == pytest.approx(lost)
    said = warnings(known.evidence(fast)[0], today=known.evidence(fast)[0].made)
    assert any(w.startswith("Attempts are taken 0.9 times as long as in ") for w in said)
    assert faster(fast.stations[0], 0.5).cycle.time.pace == 0.45


# ── warm-up and precision ────────────────────────────────────────────────────────────────────────────────────────


def test_the_end_of_the_warm_up_is_found(place):
    """A pushed line fills from empty: some is cut, not half of it; what is asked for is taken instead."""
    pushed = row(MANUAL, Exponential(2.2), capacities=(None,), releases=(Release("s0", "push", Exponential(2.7)),))
    settings = {"folder": place, "draws": 39, "horizon_s": 6_000.0, "effects": False, "seed": 2}
    found, asked = flow(pushed, **settings), flow(pushed, warmup_s=123.0, **settings)
    assert 0.0 < found.warmup_s < 3_000.0
    assert (asked.warmup_s, asked.horizon_s) == (123.0, 6_000.0)
    assert not any("warm-up" in w for w in found.warnings)


def test_draws_are_added_until_the_mean_is_known(place):
    """No more than the start where that suffices, else until the half-width is reached; the first draws stay."""
    settings = {"folder": place, "draws": 64, "effects": False, **SHORT}
    wide, fine = (flow(row(MANUAL), precision=p, **settings) for p in (0.05, 0.003))
    assert wide.split.outer == 64
    assert 64 < fine.split.outer < 640
    assert fine.per_hour.relative <= 0.003 < wide.per_hour.relative
    assert np.array_equal(fine.runs.good[:640], wide.runs.good)
    assert not any("known to" in w for w in fine.warnings)
    width = [a.split.long_run[1] - a.split.long_run[0] for a in (wide, fine)]
    assert width[1] > 0.5 * width[0]  # computing longer does not narrow what the evidence leaves open


def test_a_precision_that_is_not_reached_is_told(place):
    """With what was reached; and of few draws, that the interval of the long run is rough."""
    found = flow(row(MANUAL), folder=place, draws=39, most_draws=50, precision=1e-5, effects=False, **SHORT)
    assert (found.split.outer, found.replications) == (50, 500)
    assert found.warnings[-2:] == (
        f"The mean over the draws is known to {found.per_hour.relative:.2%} of it after 50 draws, not to 0.00%; more "
        "draws would tell (most_draws).",
        "Of only 50 draws the interval of the long run may hold no more than 89% of what the evidence leaves open, "
        "instead of 95%: give 200 draws or more.",
    )


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"draws": 38}, "38 draws are too few for an interval of 95%; give 39 or more."),
        ({"draws": 60, "most_draws": 50}, "At most 50 draws, but 60 to begin with; give as many or more."),
        ({"horizon_s": 9.0, "warmup_s": 9.0}, "A warm-up of 9 s in 9 s leaves nothing; give a shorter one."),
    ],
)
def test_what_cannot_be_is_refused(place, settings, says):
    """In one sentence."""
    with pytest.raises(JanginError) as e:
        flow(row(MANUAL), folder=place, **settings)
    assert str(e.value) == says


# ── effects ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_faster_station_with_evidence_brings_its_closed_form(place):
    """By renewal reward, at the same draws; the common numbers take most of the variance away."""
    plant = row(MANUAL)
    found = flow(plant, folder=place, draws=64, seed=5, horizon_s=6_000.0, warmup_s=0.0)
    (effect,) = found.effects
    assert (effect.name, effect.change) == ("s0", "attempts 10 % shorter")
    known = EvidenceRuns()
    quick = dataclasses.replace(plant, stations=(faster(plant.stations[0], 0.9),))
    rates = [moments(known.drawn(located(p, place), seed=5, draws=64)[0]).good_per_hour for p in (plant, quick)]
    assert effect.per_hour.difference.mean == pytest.approx((rates[1] - rates[0]).mean(), rel=0.02)
    assert effect.per_hour.difference.n == 64
    assert effect.per_hour.variance_reduction > 0.9


# ── what if ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("evidence", [MANUAL, SCRAP])
def test_nothing_changed_is_no_difference(place, evidence):
    """Exactly zero, in every run, by either engine."""
    plant = row(evidence, Lognormal(2.5, 0.3))
    found = what_if(plant, plant, folder=place, draws=39, **SHORT)
    assert found.engine == ("path" if evidence is MANUAL else "events")
    assert (found.per_hour.difference.mean, found.per_hour.difference.half_width) == (0.0, 0.0)
    assert found.split.long_run == found.split.single_run == (0.0, 0.0)
    assert found.better == 0.0
    assert found.sentence == (
        "'row' makes +0 ± 0 good parts per hour against 'row' (95%, 39 paired draws of the evidence): no difference is "
        "shown."
    )


def test_common_draws_reduce_the_variance(place):
    """Against the same two lines at other seeds the paired half-width is at most half, about the same gain."""
    before, after = row(MANUAL, Exponential(2.2), capacities=(1,)), row(MANUAL, Exponential(2.2), capacities=(3,))
    paired = what_if(before, after, folder=place, draws=64, seed=1, **SHORT)
    settings = {"folder": place, "draws": 64, "most_draws": 64, "effects": False, **SHORT}
    old, new = flow(before, seed=1, **settings).per_hour, flow(after, seed=2, **settings).per_hour
    apart = np.hypot(old.half_width, new.half_width)
    assert paired.per_hour.difference.half_width < 0.5 * apart
    assert abs(paired.per_hour.difference.mean - (new.mean - old.mean)) < 2.0 * apart
    assert paired.before == old
    assert paired.better == 1.0
    assert "and more parts with a probability of more than 99%." in paired.sentence


def test_the_same_numbers_at_any_number_of_threads_and_by_either_engine(place):
    """Bit by bit over threads; the same parts by recursion and next events, on given times."""
    plants = row(SCRAP, Constant(2.4), capacities=(1,)), row(SCRAP, Constant(2.4), capacities=(2,))
    one, two = (what_if(*plants, folder=place, draws=39, threads=t, **SHORT) for t in (1, 2))
    assert (one.engine, one) == ("events", two)
    lines = row(MANUAL, Constant(2.4), capacities=(1,)), row(MANUAL, Constant(2.4), capacities=(2,))
    known = EvidenceRuns(inner=4)
    for plant in (located(p, place) for p in lines):
        path, events = (
            known.ready(name, 1).simulate(plant, seed=3, replications=80, first=240, **SHORT)
            for name in ("path", "events")
        )  # draws 60 to 79, over the end of a portion
        assert np.array_equal(path.good, events.good)


def test_two_policies_are_compared_with_independent_draws(place):
    """What is open of the difference is what is open of either: the variances add up, as in closed form."""
    plants = row(of("toy"), name="toy"), row(of("rival"), name="rival")
    found = what_if(*plants, folder=place, draws=300, horizon_s=4_000.0, warmup_s=0.0)
    known = EvidenceRuns()
    rates = [moments(known.drawn(located(p, place), seed=0, draws=300)[0]).good_per_hour for p in plants]
    assert found.per_hour.difference.mean == pytest.approx((rates[1] - rates[0]).mean(), abs=3.0)
    assert found.split.between == pytest.approx(np.var(rates[1] - rates[0], ddof=1), rel=0.1)
    assert found.split.between == pytest.approx(sum(np.var(r, ddof=1) for r in rates), rel=0.3)
    assert found.better == pytest.approx(np.mean(rates[1] > rates[0]), abs=0.02)
    assert set(found.halving) == {str(place / "toy"), str(place / "rival")}


def test_the_layouts_may_have_folders_of_their_own(place):
    """The same file beside other evidence is another line: as one that names the other folder."""
    plant, rival = row(MANUAL), row(of("rival"))
    settings = {"folder": place, "draws": 39, **SHORT}
    beside = what_if(plant, plant, folder_after=place / "other", **settings)
    named = what_if(plant, rival, **settings)
    assert beside.per_hour.difference.mean != 0.0
    assert beside.per_hour == named.per_hour  # `other/toy` is the same qualification as `rival`


def test_a_plain_station_can_be_replaced_by_a_policy(place):
    """One of the two layouts has evidence: what is open of the difference is what is open of that one."""
    by_hand = row(Exponential(2.3))
    found = what_if(by_hand, row(MANUAL), folder=place, draws=64, **SHORT)
    alone = flow(row(MANUAL), folder=place, draws=64, most_draws=64, effects=False, **SHORT)
    assert found.after == alone.per_hour
    assert found.before.mean == pytest.approx(3600 / 2.3, rel=0.01)
    assert 0.3 * alone.split.between < found.split.between < 3.0 * alone.split.between


def test_more_trials_leave_less_open(place):
    """Four times the trials of the same policy leave about a quarter of the variance."""
    few, many = (
        flow(row(of(run)), folder=place, draws=200, most_draws=200, effects=False, horizon_s=4_000.0, warmup_s=0.0)
        for run in ("toy", "more")
    )
    trials = [read_evidence(place / run, of(run)).trials for run in ("toy", "more")]
    assert trials[1] == 4 * trials[0]
    assert 2.0 < few.split.between / many.split.between < 8.0
    assert many.split.within == pytest.approx(few.split.within, rel=0.3)


# ── places ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_places_are_given_at_common_draws_and_judged_at_fresh_ones(place):
    """The finalists' numbers are those of other draws; a buffer that cannot matter gets none; the seed fixes it."""
    line = row(MANUAL, Exponential(1.9), Constant(0.5), capacities=(1, 3))
    settings = {"total": 4, "folder": place, "seed": 2, "replications": 16, **SHORT}
    found, again = allocate(line, **settings), allocate(line, **settings)
    assert (found.engine, found.complete, found.open) == ("path", True, True)
    assert found.places == {"b0": 4, "b1": 0}
    assert found.gain.difference.low > 0.0
    assert (found.sentence, found.best) == (again.sentence, again.best)
    assert found.layout == line.with_capacities(found.places)
    fresh = EvidenceRuns().ready("path").simulate(
        located(found.layout, place), seed=2, replications=64, first=16, **SHORT
    )  # fmt: skip
    assert found.per_hour.mean == fresh.per_hour.mean()
    assert "for all of the table together, over draws of the evidence)" in found.sentence


def test_places_without_a_length_are_given_on_one_from_the_evidence(place):
    """Hundreds of parts of the station with evidence; scrap takes the next-event engine."""
    found = allocate(row(SCRAP, Constant(2.5), capacities=(2,)), total=2, folder=place, replications=2)
    assert (found.engine, found.decided) == ("events", "only one allocation")
    assert found.per_hour.mean > 500.0


# ── the mathematics ──────────────────────────────────────────────────────────────────────────────────────────────


def test_the_probability_of_more_is_that_of_the_long_run_and_of_its_own_error():
    """Of normal long-run means Phi(mean / sd), however noisy the runs; of a known line, Phi(mean / its error)."""
    rng = np.random.default_rng(0)
    open_ = 1.0 + rng.standard_normal((40_000, 1)) + 3.0 * rng.standard_normal((40_000, 4))
    assert probability_above(open_, 0.0) == pytest.approx(0.841, abs=0.01)
    known = rng.standard_normal((400, 10))
    means = known.mean(axis=1, keepdims=True)
    known += 0.1 * (means.mean() - means)  # its rows' means vary less than runs that vary so would have it
    known += 2.0 * np.sqrt(known.mean(axis=1).var(ddof=1) / 400) - known.mean()  # two standard errors above 0
    assert two_level(known).between == 0.0
    assert probability_above(known, 0.0) == pytest.approx(0.977, abs=0.02)
    with pytest.raises(ValueError, match="One draw shows nothing"):
        probability_above(np.ones((1, 3)), 0.0)


@pytest.mark.parametrize("draws", [39, 200])
def test_how_much_an_interval_holds(draws):
    """In 95 of 100 studies the interval between two order statistics holds as much as `held` says."""
    rng = np.random.default_rng(draws)
    inside = 0
    for _ in range(2_000):
        rates = rng.random((draws, 1)).repeat(2, axis=1)  # runs without noise, uniform: an interval holds its length
        found = two_level(rates)
        inside += found.held[0] <= found.long_run[1] - found.long_run[0] <= found.held[1]
    assert inside / 2_000 == pytest.approx(0.95, abs=0.02)


# ── as a user types it ───────────────────────────────────────────────────────────────────────────────────────────

LAYOUT = """\
schema: jangin-line/1
name: cell
stations:
  - name: peg
    cycle: {evidence: toy, handling_s: 1, failed_s: 4, attempts: 2, given_up: manual, manual: 30}
  - {name: pack, cycle: {exponential_s: 2.2}}
buffers:
  - {name: b, from: peg, to: pack, capacity: 2}
"""


def test_every_way_of_asking_takes_evidence(place, capsys):
    """An answer, a difference between two policies, and places; folders are relative to each layout's file."""
    one, other = place / "line.yaml", place / "other" / "line.yaml"
    one.write_text(LAYOUT)
    other.write_text(LAYOUT.replace("name: cell", "name: other"))
    said = []
    for words in (("--most-draws", 39), ("--against", other), ("--places", 3)):
        assert main(["line", *map(str, (one, "--hours", 0.3, "--draws", 39, *words))]) == 0
        said.append(capsys.readouterr().out)
    assert "the mean     over 39 draws of what the evidence leaves open, 10 runs each" in said[0]
    assert "what if      peg, attempts 10 % shorter: +" in said[0]
    assert said[1].startswith("'cell' makes -")
    assert "more trials" in said[1]
    assert said[2].startswith("3 places as b 3: ")
    assert all("No recovery is declared after" in text for text in said)
    assert main(["line", str(place / "toy"), "--against", str(place / "toy"), "--hours", "0.3", "--draws", "39"]) == 0
    assert "makes +0 ± 0 good parts per hour" in capsys.readouterr().out
    assert main(["line", str(one), "--draws", "60", "--most-draws", "50"]) == 2
    assert "--most-draws is 50; give a number of at least 60." in capsys.readouterr().err
