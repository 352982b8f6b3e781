"""Laws of a line's answer: every engine that can honour a plant says the same, and evidence keeps its two variances."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest

from jangin.errors import JanginError
from jangin.line import engines, evidence_posterior, path
from jangin.line.duration import length_s, window
from jangin.line.events import engine as events
from jangin.line.evidence_runs import EvidenceRuns, located
from jangin.line.flow import Progress, flow
from jangin.line.layout import (
    Buffer,
    Calendar,
    Constant,
    Cycle,
    Erlang,
    Evidence,
    Exponential,
    Failure,
    Fleet,
    Gamma,
    Layout,
    Release,
    Station,
    Trace,
    Uniform,
)
from jangin.line.layout_file import read_layout
from jangin.line.limits import faster
from jangin.line.page import page
from jangin.qualify import qualify
from jangin.record import RunFolder
from toy import Toy, ToyExpert

EXAMPLES = Path(__file__).parents[1] / "examples"
SMALL = {"horizon_s": 4_000.0, "replications": 20, "precision": 0.02, "threads": 1}


def line(stations, capacities, **layout):
    """A row of stations."""
    names = [s.name for s in stations]
    buffers = tuple(
        Buffer(f"b{k}", (a,), (z,), c) for k, (a, z, c) in enumerate(zip(names, names[1:], capacities, strict=False))
    )
    return Layout("row", tuple(stations), buffers, **layout)


def exponential(*means, blocking="after"):
    """Exponential stations with two places between them."""
    stations = [Station(f"s{k}", Cycle(Exponential(m)), blocking=blocking) for k, m in enumerate(means)]
    return line(stations, [2] * (len(means) - 1))


UNEVEN = line(
    [
        Station("a", Cycle(Uniform(6.0, 8.0))),
        Station("b", Cycle(Erlang(10.0, 4))),
        Station("c", Cycle(Uniform(5.0, 7.0))),
    ],
    [3, 3],
)
PUSHED = line([Station("a", Cycle(Uniform(8.0, 10.0)))], [], releases=(Release("a", "push", Exponential(9.5)),))


# ── all engines say the same ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("means", "blocking"), [((10.0, 11.0, 9.0), "after"), ((10.0, 11.0), "before")])
def test_three_engines_agree_on_an_exponential_line(means, blocking):
    """The exact chain lies in the intervals of both simulations, in throughput, parts in the line and time in it."""
    plant = exponential(*means, blocking=blocking)
    exact = flow(plant, engine="analytic")
    assert exact.exact
    assert exact.per_hour.half_width == 0.0
    for engine in ("path", "events"):
        found = flow(
            plant, engine=engine, seed=3, horizon_s=20_000.0, warmup_s=4_000.0, replications=128, confidence=0.999,
            effects=False,
        )  # fmt: skip
        for told, simulated in (
            (exact.per_hour, found.per_hour), (exact.wip, found.wip), (exact.lead_s, found.lead_s)
        ):  # fmt: skip
            assert simulated.low <= told.mean <= simulated.high, engine
        for told, simulated in zip(exact.stations, found.stations, strict=True):
            assert simulated.shares["running"] == pytest.approx(told.shares["running"], abs=0.02)


@pytest.mark.parametrize("case", range(12))
def test_path_and_events_agree_to_the_last_digits(case):
    """On random plain lines of given times the two simulations give the same numbers, replication by replication."""
    rng = np.random.default_rng(case)
    n = int(rng.integers(1, 5))
    times = [Trace(tuple(rng.gamma(2.0, 5.0, 400).tolist())) for _ in range(n)]
    machines = rng.integers(1, 3, n) if case % 2 else np.ones(n, int)
    stations = [
        Station(
            f"s{k}", Cycle(t), machines=int(m), blocking="before" if k == 0 and case % 3 == 0 and m == 1 else "after"
        )
        for k, (t, m) in enumerate(zip(times, machines, strict=True))
    ]
    release = Release("s0", "push", Trace(tuple(rng.exponential(9.0, 400).tolist())))
    plant = line(stations, rng.integers(0, 4, n).tolist(), releases=(release,) if case % 4 > 1 else ())
    settings = {"seed": 0, "replications": 1, "horizon_s": 2_500.0, "warmup_s": 400.0}
    one, other = path.simulate_until(plant, **settings), events.simulate(plant, threads=1, **settings)
    for name in ("good", "wip", "lead_s", "states", "buffers", "finished"):
        assert getattr(one, name) == pytest.approx(getattr(other, name), rel=1e-6, abs=1e-5), name


def test_blocking_before_service_keeps_parts_in_the_buffer():
    """Behind a limited buffer it is another line than the recursion's: only the next-event engine is asked."""
    plant = exponential(10.0, 10.0, 10.0, blocking="before")
    name, why = engines.choose(plant, "auto")
    assert name == "events"
    assert "not analytic: the chain counts a part that may not start as in the machine" in why
    assert "not path: Station 's1' blocks before service, which keeps parts in the buffer 'b0'" in why


# ── which engine ─────────────────────────────────────────────────────────────────────────────────────────────────

CHOSEN = [
    (exponential(10.0, 11.0), "analytic", "the exact chain holds it"),
    (
        UNEVEN,
        "path",
        "the recursion over parts is exact for it; not analytic: station 'a' has other than exponential times",
    ),
    (
        dataclasses.replace(UNEVEN, releases=(Release("a", "conwip", wip=4),)),
        "events",
        "it runs any layout; not analytic: station 'a' has other than exponential times; not path: The release into "
        "'a' waits for parts to leave the line (conwip)",
    ),
]


@pytest.mark.parametrize(("plant", "name", "why"), CHOSEN)
def test_the_first_engine_that_can_is_taken(plant, name, why):
    """Exact chain, recursion, next events, in this order; what was passed over is named."""
    assert engines.choose(plant, "auto") == (name, why)
    assert engines.choose(plant, name) == (name, "asked for by name")


REFUSED = [
    (
        {"engine": "analytic"},
        "The engine 'analytic' cannot honour layout 'row': station 'a' has other than exponential times. Leave the "
        "engine open, or take that out of the layout.",
    ),
    (
        {"engine": "event"},
        "There is no engine 'event'. Did you mean 'events'? There is: auto, analytic, path, events.",
    ),
    (
        {"horizon_s": 100.0, "warmup_s": 100.0},
        "A warm-up of 100 s in 100 s leaves nothing; give a shorter one.",
    ),
    ({"horizon_s": 0.0}, "A replication of 0 s cannot be; give a horizon above 0."),
    ({"precision": 0.0}, "A precision of 0 cannot be; give a share of the throughput, as 0.005."),
    ({"confidence": 1.0}, "A confidence of 1 cannot be; give one between 0 and 1, as 0.95."),
    ({"replications": 1}, "1 replications show no spread; give 2 or more, as 200."),
    ({"threads": -1}, "-1 threads cannot be; give 0 for one per core, or more."),
]


@pytest.mark.parametrize(("settings", "says"), REFUSED)
def test_what_cannot_be_is_refused_in_a_sentence(settings, says):
    """An engine that cannot, or a setting that means nothing, is named with what to do."""
    with pytest.raises(JanginError) as e:
        flow(UNEVEN, **settings)
    assert str(e.value) == says


def test_vehicles_that_are_too_few_are_the_bottleneck():
    """Where one vehicle carries everything and needs 25 s for each part, the line makes a part in 25 s."""
    carried = dataclasses.replace(UNEVEN.buffers[0], fleet="amr")
    plant = dataclasses.replace(
        UNEVEN,
        stations=tuple(dataclasses.replace(s, at_m=(10.0 * k, 0.0)) for k, s in enumerate(UNEVEN.stations)),
        buffers=(carried, UNEVEN.buffers[1]),
        fleets=(Fleet("amr", 1, 1.0, load_s=2.0, unload_s=3.0),),
    )
    answer = flow(plant, **SMALL)
    assert answer.engine == "events"
    assert answer.per_hour.mean == pytest.approx(3600.0 / 25.0, rel=0.01)


def test_without_numba_the_path_engine_still_answers(monkeypatch):
    """No log then, and a sentence that says so; the engine that needs it is refused by the package's name."""
    for name in [m for m in sys.modules if m == "numba" or m.startswith("jangin.line.events")]:
        if name != "jangin.line.events.tables":
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.delattr("jangin.line.events.engine", raising=False)
    answer = flow(UNEVEN, **SMALL)
    assert (answer.engine, answer.log, answer.shifting) == ("path", None, None)
    assert answer.warnings[-1].startswith("No states were logged, and no shifting bottleneck found: the package 'numba")
    with pytest.raises(JanginError, match="The engine 'events' needs the package 'numba"):
        flow(UNEVEN, engine="events")


# ── how long, how often ──────────────────────────────────────────────────────────────────────────────────────────


def test_the_end_of_the_warm_up_of_a_pushed_line_is_found():
    """A busy queue from empty fills for a while: some of the run is cut, not half of it, and the rest is steady."""
    found = window(PUSHED, path.simulate_until, seed=1)
    assert 0.0 < found.warmup_s < found.horizon_s / 2
    assert not found.warnings


def test_a_line_that_never_settles_is_told():
    """Parts that arrive faster than the line works: throughput settles; a calendar longer than the run is told."""
    day = Calendar("day", 86_400.0, ((0.0, 28_800.0),))
    plant = dataclasses.replace(UNEVEN, calendars=(day,), calendar="day")
    assert length_s(plant) % 86_400.0 == 0.0
    found = window(plant, path.simulate_until, seed=0, horizon_s=3_600.0)
    assert found.warmup_s == 0.0
    assert found.warnings[0].startswith("The horizon holds no calendar period of 86400 s")


def test_it_runs_until_the_precision_is_reached():
    """The half-width is the share asked for, or a warning says what it is; more precision, more replications."""
    wide = flow(UNEVEN, engine="events", precision=0.02, horizon_s=4_000.0, warmup_s=400.0, effects=False)
    fine = flow(UNEVEN, engine="events", precision=0.005, horizon_s=4_000.0, warmup_s=400.0, effects=False)
    assert wide.per_hour.relative <= 0.02
    assert fine.per_hour.relative <= 0.005
    assert wide.replications < fine.replications
    assert not fine.warnings
    few = flow(UNEVEN, precision=1e-6, horizon_s=4_000.0, warmup_s=400.0, replications=5, effects=False)
    assert few.replications == 5
    assert few.warnings == (f"The half-width is {few.per_hour.relative:.2%} of the throughput after 5 replications.",)


def test_progress_tells_what_is_going_on():
    """Stages in order; the replications with the half-width so far."""
    told: list[Progress] = []
    answer = flow(UNEVEN, engine="events", on_progress=told.append, **SMALL)
    stages = [p.stage for p in told]
    assert list(dict.fromkeys(stages)) == ["compile", "warm-up", "replications", "what if"]
    last = [p for p in told if p.stage == "replications"][-1]
    assert (last.replications, last.relative) == (answer.replications, answer.per_hour.relative)


@pytest.mark.parametrize("engine", ["path", "events"])
def test_the_same_seed_gives_the_same_answer_at_any_number_of_threads(engine):
    """Bit by bit; another seed gives another."""
    one, two = (flow(UNEVEN, engine=engine, seed=5, **{**SMALL, "threads": t}) for t in (1, 2))
    assert np.array_equal(one.runs.good, two.runs.good)
    assert np.array_equal(one.runs.states, two.runs.states)
    assert one.sentence == two.sentence
    assert one.effects == two.effects
    assert not np.array_equal(one.runs.wip, flow(UNEVEN, engine=engine, seed=6, **SMALL).runs.wip)


# ── what limits it, what is asked of it ──────────────────────────────────────────────────────────────────────────


def test_both_methods_find_the_slow_station_and_relief_there_helps():
    """A faster bottleneck helps, one that waits anyway does not; common numbers do good."""
    answer = flow(UNEVEN, seed=2, horizon_s=8_000.0)
    assert answer.stations[answer.arrow.primary].name == "b"
    assert answer.shifting.primary == "b"
    found = {e.name: e.per_hour for e in answer.effects}
    assert set(found) == {"a", "b", "c", "b0", "b1"}
    assert found["b"].difference.low > 20.0
    assert abs(found["a"].difference.mean) < 0.1 * found["b"].difference.mean
    assert found["b"].correlation > 0.0
    assert found["b0"].difference.mean >= 0.0


def test_a_faster_station_is_its_times_scaled():
    """Seconds are scaled, shapes are not, in every part type."""
    one = Station("a", Cycle({"x": Gamma(10.0, 0.3), "y": Trace((1.0, 2.0))}))
    assert faster(one, 0.5).cycle.time == {"x": Gamma(5.0, 0.3), "y": Trace((0.5, 1.0))}


@pytest.mark.parametrize(("takt_s", "met", "says"), [(9.0, 0.0, "0% of the runs keep it."), (11.0, 1.0, "100% of ")])
def test_a_takt_is_kept_or_missed(takt_s, met, says):
    """Station b makes 360 per hour at most."""
    answer = flow(dataclasses.replace(UNEVEN, takt_s=takt_s), **SMALL)
    assert answer.takt_met == met
    assert says in answer.sentence
    exact = flow(dataclasses.replace(exponential(5.0), takt_s=takt_s))
    assert exact.sentence == (
        f"720 good parts per hour, exactly for the model. Asked are {3600 / takt_s:.4g} per hour "
        f"(a takt of {takt_s:g} s): the line keeps it."
    )


def test_a_standstill_is_refused():
    """Two stations that wait for each other's places: the buffers to enlarge are in the sentence."""
    stations = [Station(name, Cycle(Constant(1.0))) for name in "fab"]
    stations[2] = dataclasses.replace(stations[2], rework=0.5, rework_to="again")
    buffers = (Buffer("in", ("f",), ("a",), 1), Buffer("on", ("a",), ("b",), 1), Buffer("again", ("b",), ("a",), 1))
    with pytest.raises(JanginError, match="comes to a standstill in"):
        flow(Layout("loop", tuple(stations), buffers), **SMALL)


@pytest.mark.parametrize("name", ["line_serial.yaml", "line_door.yaml"])
def test_the_examples_are_answered(name):
    """The examples run, and their pages are whole documents."""
    answer = flow(
        read_layout(EXAMPLES / name), horizon_s=700_000.0 if "door" in name else 8_000.0, replications=4, effects=False
    )
    assert answer.per_hour.mean > 0.0
    assert answer.log is not None
    assert all(sum(s.shares.values()) == pytest.approx(1.0) for s in answer.stations)
    assert answer.sentence in _text(page(answer))


def test_an_exact_answer_has_a_page():
    """A page without runs, log and effects."""
    assert "exactly for the model" in _text(page(flow(exponential(10.0, 11.0))))


def _text(document: str) -> str:
    """Of a document, with quotes as they are read."""
    assert document.rstrip().endswith("</html>")
    return document.replace("&#39;", "'").replace("&#34;", '"').replace("&plusmn;", "±")


# ── evidence ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A folder in which `toy` is a sealed qualification of a policy that fails now and then."""
    place = tmp_path_factory.mktemp("runs")
    folder = RunFolder.create(place / "toy")
    qualify(
        ToyExpert(0.02), Toy(), ["success >= 0.95 @ 0.95"], seed=7, folder=folder, block=64, baselines=False,
        max_trials=512,
    )  # fmt: skip
    folder.seal()
    return place


MANUAL = Evidence("toy", handling_s=1.0, failed_s=4.0, attempts=2, given_up="manual", manual=Constant(30.0))
SCRAP = Evidence("toy", handling_s=1.0, failed_s=4.0, attempts=1)


def with_evidence(evidence, after=()):
    """The station with evidence, and what stands after it."""
    return line([Station("peg", Cycle(evidence)), *after], [3] * len(after))


@pytest.mark.parametrize(("evidence", "engine"), [(MANUAL, "path"), (SCRAP, "events")])
def test_the_long_run_of_a_single_station_is_its_closed_form(runs, evidence, engine):
    """By renewal reward each draw has a long-run rate; the interval found from simulation is that of these rates."""
    plant = with_evidence(evidence)
    answer = flow(
        plant, seed=4, folder=runs, draws=60, most_draws=60, threads=1, warmup_s=0.0, effects=False,
    )  # fmt: skip
    assert answer.engine == engine
    drawn = EvidenceRuns().drawn(located(plant, runs), seed=4, draws=60)[0]
    rates = evidence_posterior.moments(drawn).good_per_hour
    assert answer.per_hour.mean == pytest.approx(rates.mean(), rel=0.005)
    low, high = answer.split.long_run
    assert low <= rates.mean() <= high
    assert (low, high) == pytest.approx((rates.min(), rates.max()), rel=0.02)  # of 60 draws these are the ends
    assert answer.split.between > 0.0
    assert answer.split.within > 0.0
    assert set(answer.halving) == {"peg"}
    assert answer.replications == 600
    assert (answer.runs.scrapped.sum() > 0.0) == (evidence is SCRAP)
    assert answer.log is not None
    assert "the evidence leaves" in _text(page(answer))


def test_both_engines_say_the_same_of_a_line_with_evidence(runs):
    """The same part times through the recursion and through next events: the same parts, run by run."""
    plant = with_evidence(MANUAL, [Station("pack", Cycle(Trace((4.0, 6.0, 5.0))))])
    settings = {"seed": 1, "folder": runs, "draws": 39, "horizon_s": 2_000.0, "warmup_s": 200.0, "threads": 1}
    one, other = (flow(plant, engine=engine, **settings) for engine in ("path", "events"))
    assert np.array_equal(one.runs.good, other.runs.good)
    assert one.runs.states == pytest.approx(other.runs.states, abs=1e-5)
    assert one.split.long_run == pytest.approx(other.split.long_run)
    again = flow(plant, engine="events", **{**settings, "threads": 2})
    assert np.array_equal(other.runs.wip, again.runs.wip)


REFUSED_EVIDENCE = [
    (SCRAP, {"engine": "path"}, "The engine 'path' cannot honour layout 'row': station 'peg' scraps the parts it gives "
     "up. Leave the engine open, or take that out of the layout."),
    (MANUAL, {"engine": "analytic"}, "The engine 'analytic' cannot honour layout 'row': its times are drawn from "
     "evidence. Leave the engine open, or take that out of the layout."),
    (MANUAL, {"draws": 38}, "38 draws are too few for an interval of 95%; give 39 or more."),
]  # fmt: skip


@pytest.mark.parametrize(("evidence", "settings", "says"), REFUSED_EVIDENCE)
def test_evidence_that_an_engine_cannot_honour_is_refused(runs, evidence, settings, says):
    """The engine asked for is not quietly replaced."""
    with pytest.raises(JanginError) as e:
        flow(with_evidence(evidence), folder=runs, **settings)
    assert str(e.value) == says


def test_failures_besides_evidence_are_part_of_what_a_run_varies(runs):
    """A tip that wears at the station with evidence stops it as any other."""
    tip = Failure("tip", Exponential(300.0), Exponential(60.0))
    plant = line([Station("peg", Cycle(MANUAL), failures=(tip,))], [])
    answer = flow(plant, folder=runs, draws=39, horizon_s=3_000.0)
    assert answer.engine == "path"
    assert answer.stations[0].shares["down"] == pytest.approx(1 / 6, abs=0.03)


def test_a_takt_counts_time_on_shift():
    """On half of the day a line makes half as many parts an hour, and keeps the same takt; the log begins on shift."""
    half = Calendar("day", 24 * 3600.0, ((6 * 3600.0, 18 * 3600.0),))
    line = dataclasses.replace(UNEVEN, takt_s=11.0, calendars=(half,), calendar="day")
    answer = flow(line, seed=0, horizon_s=2 * 24 * 3600.0, replications=4, effects=False)
    assert line.on_shift == 0.5
    assert line.asked_per_hour == pytest.approx(0.5 * 3600.0 / 11.0)
    assert answer.takt_met == 1.0
    assert "per hour on shift" in answer.sentence
    assert answer.log.start_s.min() == 6 * 3600.0
