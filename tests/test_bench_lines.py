"""The part `lines` of the benchmark: every program simulates the same line, and what disagrees is said to."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from bench import __main__ as command
from bench.lines import LineSize, Side, agreement, contest, lines, statistics
from bench.lines_models import exponential, failing
from bench.lines_tally import BLOCKED, RUNNING, STARVED, Tally
from jangin.line.path import NotExact, simulate_until
from jangin.line.result import STATES, Replications

LINE = exponential(3, capacity=1)
TIMES = {"horizon_s": 1_000.0, "warmup_s": 100.0}


def _path(first: int, replications: int = 20, layout=LINE) -> Replications:
    return simulate_until(layout, seed=3, replications=replications, first=first, **TIMES)


def _many(simulate, layout, replications: int) -> Replications:
    return Replications.concat([simulate(layout, seed=s, **TIMES) for s in range(replications)])


# ── the models in other programs ─────────────────────────────────────────────────────────────────────────────────


def test_the_tally_adds_up_a_history_written_by_hand():
    """Times by state, the mean level and the lead time are the history's; what was before `begin` is forgotten."""
    tally = Tally(stations=2)
    tally.show(0, RUNNING, 1.0)
    tally.level(0, +1, 2.0)
    tally.left(0.0, 3.0)
    tally.begin(10.0)
    tally.show(0, BLOCKED, 14.0)
    tally.level(0, +1, 15.0)
    tally.level(0, -2, 18.0)
    tally.finished[1] += 1
    tally.left(12.0, 19.0)
    found = tally.result(20.0, "by hand")
    by_state = dict(zip(STATES, found.states[0, 0], strict=True))
    assert {s: t for s, t in by_state.items() if t} == {"running": 4.0, "blocked": 6.0}
    assert found.states[0, 1, STARVED] == 10.0
    assert found.buffers.tolist() == [[(5 * 1 + 3 * 2 + 2 * 0) / 10]]
    assert (found.good[0], found.lead_s[0], found.seconds[0]) == (1.0, 7.0, 10.0)
    assert found.finished.tolist() == [[0.0, 1.0]]


@pytest.mark.parametrize("program", ["simpy", "salabim"])
def test_a_program_agrees_with_the_recursion_in_every_statistic(program):
    """The model in the other program is the line that the exact recursion simulates."""
    pytest.importorskip(program)
    simulate = __import__(f"bench.lines_{program}", fromlist=["simulate"]).simulate
    theirs, ours = _many(simulate, LINE, 12), _path(0, 200)
    apart = agreement(statistics(LINE, theirs), statistics(LINE, ours))
    assert {"throughput", "lead time", "level of b0", "s1 blocked", "s1 starved"} < set(apart)
    assert max(apart.values()) <= 1.0, apart
    assert np.allclose(theirs.states.sum(axis=2), theirs.seconds[:, None])


@pytest.mark.parametrize("program", ["simpy", "salabim"])
def test_a_seed_fixes_a_program_s_replication(program):
    """The same seed gives the same replication, another seed another one."""
    pytest.importorskip(program)
    simulate = __import__(f"bench.lines_{program}", fromlist=["simulate"]).simulate
    one, again, other = (simulate(LINE, seed=s, **TIMES) for s in (5, 5, 6))
    assert np.array_equal(one.states, again.states)
    assert not np.array_equal(one.states, other.states)


def test_simpy_agrees_with_the_engine_on_failures_and_shared_operators():
    """With repairs and waiting for people, all statistics of the two programs are within their intervals."""
    pytest.importorskip("simpy")
    from bench import lines_simpy
    from jangin.line.events.engine import simulate

    layout = failing(3, capacity=2, operators=1)
    theirs = _many(lines_simpy.simulate, layout, 25)
    ours = simulate(layout, seed=1, replications=200, **TIMES)
    apart = agreement(statistics(layout, theirs), statistics(layout, ours))
    assert {"s0 waiting", "s2 waiting", "s1 down"} < set(apart)
    assert max(apart.values()) <= 1.0, apart


# ── agreement ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_agreement_sees_a_line_that_is_a_little_different():
    """One place more in each buffer is found out, and so is a state that only one side knows."""
    other = exponential(3, capacity=2)
    apart = agreement(statistics(LINE, _path(0)), statistics(other, _path(0, layout=other)))
    assert apart["throughput"] > 1.0
    never, always = {"s0 down": np.zeros(9)}, {"s0 down": np.full(9, 0.1)}
    assert agreement(never, always) == {"s0 down": math.inf}
    assert agreement({**never, "x": np.arange(9.0)}, {**never, "x": np.arange(9.0)}) == {"x": 0.0}


def test_agreement_keeps_its_promise():
    """Of many pairs of samples of one distribution, few are said to disagree; of shifted ones, most."""
    rng = np.random.default_rng(1)
    same = [agreement({"x": rng.normal(size=12)}, {"x": rng.normal(size=300)})["x"] > 1.0 for _ in range(400)]
    shifted = [agreement({"x": rng.normal(size=12)}, {"x": rng.normal(3, size=300)})["x"] > 1.0 for _ in range(50)]
    assert np.mean(same) <= 0.01
    assert np.mean(shifted) > 0.9


# ── rows ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_contest_compares_with_the_first_side_and_says_who_refuses():
    """Ratios refer to the first side, a refusal is a row of its own, a biased program misses the row on agreement."""

    def refuses(first: int) -> Replications:
        raise NotExact("No.")

    def half(first: int) -> Replications:
        runs = _path(first)
        return dataclasses.replace(runs, good=runs.good / 2)

    sides = {
        "peer, slow": Side(_path, 20),
        "same": Side(lambda first: _path(first + 500), 20, target=1e9),
        "shy": Side(refuses, 20),
        "wrong": Side(half, 20),
    }
    rows = {row.what: row for row in contest("line", LINE, sides, turns=2)}
    assert rows["line: peer, slow"].ratio is None
    assert rows["line: same"].reached is False
    assert len(rows["line: same"].values) == 2
    assert rows["line: shy"].note == "refuses: No."
    assert not any("shy" in what for what in rows if what != "line: shy")
    assert rows["line, same: every statistic"].reached
    assert rows["line, wrong: throughput"].reached is False
    assert "throughput" in rows["line, wrong: every statistic"].note
    wrong = {row.what: row for row in contest("line", LINE, {"half": Side(half, 20)}, 2, exact_per_hour=2_000.0)}
    assert wrong["line, half: exact throughput"].reached is False


def test_the_part_measures_everything_it_says():
    """A tiny run has all rows: every program on both lines, the refusal, the sizes, the first answer; all agree."""
    pytest.importorskip("simpy")
    pytest.importorskip("salabim")
    size = LineSize(
        horizon_s=400.0, warmup_s=50.0, path=32, events=16, turns=2, stations=(10, 20), operations=4_000, sweeps=1,
        draws=3, inner=2, plant_s=900.0, cold=False,
    )  # fmt: skip
    rows = lines(size, seed=0, threads=2)
    by_name = {row.what: row for row in rows}
    assert len(by_name) == len(rows)
    assert {what for what, row in by_name.items() if row.target == 100.0} == {
        "line: events, all 2 threads",
        "failing line: events, all 2 threads",
    }
    assert by_name["line: path, 1 core"].target == 350.0
    assert "2 people" in by_name["failing line: path, 1 core"].note
    assert by_name["events, 20 stations"].ratio is not None  # whatever a busy machine makes of so few events
    assert by_name["events, first answer of a new process, with the cache as it is"].value > 0.0
    judged = [row for row in rows if not row.timed]
    memory = [row for row in judged if row.unit == "GB resident"]
    assert [row.reached for row in memory] == [True]
    assert sum("plant of 300 stations and 200 vehicles" in row.what for row in rows) == 1
    judged = [row for row in judged if row not in memory]
    assert len(judged) == 5 + 2 * 4 + 2 * 2
    assert all(row.reached for row in judged), [row for row in judged if not row.reached]


def test_quick_is_a_smaller_plan_of_the_same_part():
    """`--quick` measures the same rows on less, and compiles nothing anew."""
    assert "lines" in command.PARTS
    full, quick = command.FULL.lines, command.QUICK.lines
    assert (full.cold, quick.cold) == (True, False)
    assert quick.turns * quick.horizon_s < full.turns * full.horizon_s
    assert set(quick.stations) < set(full.stations)
