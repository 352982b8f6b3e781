"""Laws of the allocation of places: exact optima, reversibility, search = enumeration, seeds, sentences."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from jangin.errors import BadLayout
from jangin.line import allocate as module
from jangin.line.allocate import BadAllocation, allocate
from jangin.line.analytic.tandem import Station as Chained
from jangin.line.analytic.tandem import line_in_steady_state
from jangin.line.layout import Buffer, Constant, Cycle, Exponential, Layout, Lognormal, Station

HOURS = 3600.0


def row(means, capacities, time=Exponential, **options) -> Layout:
    """A serial line of stations with these mean times [s]."""
    stations = tuple(Station(f"s{k + 1}", Cycle(time(m)), **options) for k, m in enumerate(means))
    buffers = tuple(Buffer(f"b{k + 1}", (f"s{k + 1}",), (f"s{k + 2}",), c) for k, c in enumerate(capacities))
    return Layout("row", stations, buffers)


def varied(mean: float) -> Lognormal:
    return Lognormal(mean, 0.8)


def exact(means, places) -> float:
    """Parts per hour of an exponential line, straight from the chain."""
    return 3600.0 * line_in_steady_state([Chained(1.0 / m) for m in means], places).throughput


def every(total: int, n: int) -> list[tuple[int, ...]]:
    return [a for a in itertools.product(range(total + 1), repeat=n) if sum(a) == total]


def places(found) -> tuple[int, ...]:
    return tuple(found.places.values())


def chosen(layout: Layout, total: int, **options):
    return allocate(layout, total=total, **{"seed": 1, "horizon_s": 20 * HOURS, "warmup_s": HOURS, **options})


# ── known optima ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("declared", [(1, 0), (0, 1)])
def test_one_slot_of_three_equal_stations_is_as_good_in_either_place(declared):
    """Both make .613333 parts per unit of time, and the plant is left as it is."""
    found = chosen(row([60.0] * 3, declared), 1)
    assert places(found) == declared
    assert [round(c.per_hour.mean / 60.0, 6) for c in found.best] == [0.613333, 0.613333]
    assert (found.equals, found.against_is, found.gain.difference.mean) == (1, "declared", 0.0)


@pytest.mark.parametrize(
    ("n", "total", "best"),
    [(4, 1, (0, 1, 0)), (4, 4, (1, 2, 1)), (4, 7, (2, 3, 2)), (5, 2, (0, 1, 1, 0)), (5, 6, (1, 2, 2, 1))],
)  # fmt: skip
def test_the_middle_of_a_balanced_line_gets_more(n, total, best):
    """And by the exact chain, which is no less than any allocation makes."""
    found = chosen(row([60.0] * n, [1] * (n - 1)), total)
    assert (found.exact, found.decided, found.complete) == (True, "exact", True)
    assert places(found) == best
    values = [exact([60.0] * n, a) for a in every(total, n - 1)]
    assert found.per_hour.mean == pytest.approx(max(values), rel=1e-12)


def test_the_reversed_line_gets_the_reversed_places():
    """The chain is reversible: throughput and optimum turn round with the line."""
    means = [60.0, 50.0, 66.0, 55.0]
    there, back = chosen(row(means, [2, 2, 2]), 6), chosen(row(means[::-1], [2, 2, 2]), 6)
    assert there.equals == 0
    assert places(there) == places(back)[::-1]
    assert there.per_hour.mean == pytest.approx(back.per_hour.mean, rel=1e-12)


@pytest.mark.parametrize("means", [(60.0, 70.0, 45.0, 66.0), (60.0, 60.0, 40.0, 80.0)])
def test_search_finds_what_complete_enumeration_finds(means, monkeypatch):
    """On the exact chain, of unbalanced lines, from an equal split; places of 0 are allowed."""
    monkeypatch.setattr(module, "ENUMERATED", 0)
    found = chosen(row(means, [0, 0, 0]), 5)
    values = {a: exact(means, a) for a in every(5, 3)}
    assert not found.complete
    assert found.evaluations < len(values)
    assert found.per_hour.mean == pytest.approx(max(values.values()), rel=1e-12)
    assert values[places(found)] == pytest.approx(found.per_hour.mean, rel=1e-12)


def test_simulation_decides_as_the_chain_does(monkeypatch):
    """Without the chain the same allocation wins, and its interval holds the exact throughput."""
    monkeypatch.setattr(module.analysed, "unfit", lambda layout: "not asked")
    found = chosen(row([60.0] * 4, [2, 1, 1]), 4, horizon_s=60 * HOURS)
    assert places(found) == (1, 2, 1)
    assert not found.exact
    assert found.per_hour.low < exact([60.0] * 4, (1, 2, 1)) < found.per_hour.high
    gain = exact([60.0] * 4, (1, 2, 1)) - exact([60.0] * 4, (2, 1, 1))
    assert found.gain.difference.low < gain < found.gain.difference.high
    assert found.against == {"b1": 2, "b2": 1, "b3": 1}


@pytest.mark.parametrize("blocking", ["after", "before"])
def test_simulated_search_and_enumeration_agree(blocking, monkeypatch):
    """In either way of blocking, where one is clearly best: the same one with the same numbers, from fewer."""
    line = row([60.0, 60.0, 60.0, 40.0], [3, 3, 3], varied, blocking=blocking)
    whole = chosen(line, 9, horizon_s=60 * HOURS)
    monkeypatch.setattr(module, "ENUMERATED", 0)
    searched = chosen(line, 9, horizon_s=60 * HOURS)
    assert (whole.complete, searched.complete) == (True, False)
    assert searched.evaluations < whole.evaluations == len(every(9, 3))
    assert places(searched) == places(whole)
    assert searched.per_hour.mean == whole.per_hour.mean
    assert whole.best[1].behind.low > 0.0


# ── the same answer, and what it rests on ────────────────────────────────────────────────────────────────────────


def test_the_seed_fixes_the_answer_and_intervals_are_of_fresh_runs():
    """Same seed, same answer; the finalists' numbers are those of four times as many other replications."""
    from jangin.line import path

    line = row([60.0, 66.0, 60.0], [2, 2], varied)
    found, again = chosen(line, 4, replications=6), chosen(line, 4, replications=6)
    assert (found.sentence, found.best, found.gain) == (again.sentence, again.best, again.gain)
    runs = path.simulate_until(found.layout, seed=1, replications=24, first=6, horizon_s=20 * HOURS, warmup_s=HOURS)
    assert found.per_hour.mean == pytest.approx(runs.per_hour.mean(), rel=1e-12)
    assert found.per_hour.n == 24
    assert found.best[0].per_hour.confidence == pytest.approx(1 - 0.05 / len(found.best))
    assert {tuple(c.places.values()) for c in found.best} <= set(every(4, 2))
    assert found.layout == line.with_capacities(found.places)


def test_noise_moves_nothing():
    """Where the places cannot matter (constant times), the declared allocation stays, whatever it is."""
    found = chosen(row([60.0, 50.0, 60.0], [5, 1], Constant), 6, horizon_s=2 * HOURS)
    assert places(found) == (5, 1)
    assert found.gain.difference.mean == 0.0
    assert found.sentence.endswith("Decided by simulation, difference to the next best +0, which is none shown.")


def test_an_endless_buffer_is_left_alone_and_the_plant_need_not_be_a_row():
    """Rework: the next-event engine; only the buffers with a capacity share the places."""
    line = row([60.0, 60.0, 60.0], [1, 1], varied)
    buffers = (*line.buffers, Buffer("again", ("s3",), ("s2",)))
    looped = (*line.stations[:2], replace(line.stations[2], rework=0.1, rework_to="again"))
    found = chosen(replace(line, stations=looped, buffers=buffers), 3, replications=4)
    assert found.engine == "events"
    assert set(found.places) == {"b1", "b2"}
    assert found.layout.buffers[2].capacity is None


def test_what_cannot_run_is_not_chosen():
    """A batch of three needs three places before it, which an equal split of four would not give."""
    line = row([60.0, 150.0, 50.0], [3, 1], varied)
    batch = replace(line, stations=(line.stations[0], replace(line.stations[1], batch=3), line.stations[2]))
    found = chosen(batch, 5, replications=4)
    assert found.against_is == "an equal split"
    assert all(c.places["b1"] >= 3 for c in found.best)
    assert found.against == {"b1": 3, "b2": 2}


def test_progress_counts_replications_upwards():
    """The last stage has counted all that went before."""
    seen = []
    chosen(row([60.0] * 3, [1, 1], varied), 2, replications=2, on_progress=seen.append)
    counts = [p.replications for p in seen]
    assert counts == sorted(counts)
    assert counts[-1] == 3 * 2 + 3 * 8


@pytest.mark.parametrize(
    ("total", "least", "level"), [(7, (0, 0, 0), (3, 2, 2)), (7, (0, 4, 0), (2, 4, 1)), (2, (3, 0), (1, 1))]
)
def test_an_equal_split_is_as_equal_as_batches_allow(total, least, level):
    """The remainder goes to the first; what batches need is kept unless the total is too small for it."""
    assert module._level(total, least) == level


def test_declared_proportions_are_kept_by_largest_remainders():
    """Also where nothing was declared."""
    assert module._in_proportion(10, (1, 2, 4)) == (1, 3, 6)
    assert module._in_proportion(3, (0, 0)) == (2, 1)


# ── sentences ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_sentences_of_exact_answers():
    """As pinned: another allocation, the declared one, the only one."""
    assert chosen(row([60.0] * 4, [1, 1, 1]), 4).sentence == (
        "4 places as b1 1, b2 2, b3 1: 39.4305 good parts per hour, exactly for the model, +0.442 against an equal "
        "split (b1 2, b2 1, b3 1). Decided by the exact chain."
    )
    assert chosen(row([60.0] * 3, [0, 1]), 1).sentence == (
        "1 place as b1 0, b2 1: 36.8 good parts per hour, exactly for the model; these are the declared places. "
        "Decided by the exact chain; 1 other is exactly as good."
    )
    assert chosen(row([60.0] * 2, [1]), 3).sentence == (
        "3 places as b1 3: 50 good parts per hour, exactly for the model; this is an equal split. "
        "There is no other allocation."
    )


def test_sentence_of_a_simulated_answer_gives_every_number_its_width():
    """The rate, the gain and the lead over the next best are those of the result."""
    found = chosen(row([60.0, 60.0, 60.0, 40.0], [0, 0, 9], varied), 9)
    rate, gain, lead = found.per_hour, found.gain.difference, found.best[1].behind
    assert found.decided == f"simulation, difference to the next best {lead.mean:+.3g} ± {lead.half_width:.2g}"
    assert found.sentence == (
        f"9 places as b1 {places(found)[0]}, b2 {places(found)[1]}, b3 {places(found)[2]}: {rate.mean:.4g} ± "
        f"{rate.half_width:.2g} good parts per hour (95%, for all of the table together), {gain.mean:+.3g} ± "
        f"{gain.half_width:.2g} against the declared places (b1 0, b2 0, b3 9). Decided by {found.decided}"
        + ("." if lead.low > 0.0 else ", which is none shown.")
    )


@pytest.mark.parametrize(
    ("layout", "options", "sentence"),
    [
        (
            row([60.0] * 2, [1]), {"total": -1},
            "A total of -1 places cannot be allocated; give a whole number of 0 or more.",
        ),
        (
            row([60.0] * 2, [1]), {"total": 2.5},
            "A total of 2.5 places cannot be allocated; give a whole number of 0 or more.",
        ),
        (
            row([60.0] * 2, [None]), {"total": 3},
            "Layout 'row' has no buffer with a capacity, so there is nothing to allocate; give the buffers that share "
            "the places a capacity, whatever it is.",
        ),
        (
            row([60.0] * 2, [1]), {"total": 3, "warmup_s": 9e9},
            "A warm-up of 9e+09 s in 72000 s; give 0 <= warmup_s < horizon_s.",
        ),
        (
            row([60.0] * 2, [1]), {"total": 3, "replications": 1},
            "1 replications leave no interval; give 2 or more, 20 as a rule.",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said_in_a_sentence(layout, options, sentence):
    """What came, what is allowed, what to do."""
    with pytest.raises(BadAllocation) as e:
        chosen(layout, **options)
    assert str(e.value) == sentence


def test_a_total_that_lets_nothing_run_is_refused():
    """With the reason of the layout's own check; and a plant that is wrong as declared is refused by that check."""
    line = row([60.0, 60.0], [3])
    batch = replace(line, stations=(line.stations[0], replace(line.stations[1], batch=3)))
    with pytest.raises(BadAllocation) as e:
        chosen(batch, 2)
    assert str(e.value) == (
        "Layout 'row' runs with none of the allocations of 2 places that were tried. Station 's2' works on 3 parts at "
        "once, but the buffer 'b1' before it holds at most 2, so it can never start. Give a capacity of 3 or more, or "
        "a smaller batch. Give more places."
    )
    with pytest.raises(BadLayout):
        chosen(batch.with_capacities({"b1": 2}), 3)
