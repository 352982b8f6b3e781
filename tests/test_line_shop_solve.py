"""Laws of scheduling: rules reproduce published makespans, CP-SAT finds what enumeration finds, bounds bound."""

from __future__ import annotations

import _thread
import functools
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from jangin.errors import BadSchedule, MissingExtra, UnknownName
from jangin.line.shop import (
    RULES,
    Instance,
    Mode,
    Pending,
    Row,
    Schedule,
    best_known,
    dispatch,
    flow_shop,
    job_shop,
    schedule,
    solve,
)
from jangin.line.shop.best_known import best_known_table
from jangin.line.shop.cpsat import solve_pending
from jangin.line.shop.instance_file import read_instances
from jangin.line.shop.rules import best_of_rules

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "scheduling" / "jsp_instances.json"
classic = pytest.mark.skipif(not SHARED.exists(), reason="the classic instances are not beside this repository")

classics = functools.cache(lambda: read_instances(SHARED))
TWO = job_shop([[3, 2], [2, 4]], [[0, 1], [1, 0]], name="two")


def drawn(rng: np.random.Generator, jobs: int, machines: int, modes: int = 1, least: int = 0) -> Instance:
    """A random shop, with release dates, due dates and weights, whose operations have up to so many modes."""
    work = tuple(
        tuple(
            tuple(
                Mode(int(m), int(rng.integers(least, 9)))
                for m in rng.choice(machines, rng.integers(1, modes + 1), replace=False)
            )
            for _ in range(machines)
        )
        for _ in range(jobs)
    )
    release = tuple(int(r) for r in rng.integers(0, 6, jobs))
    due = tuple(int(d) for d in rng.integers(8, 20, jobs))
    return Instance("drawn", machines, work, False, release, due, tuple(int(w) for w in rng.integers(1, 5, jobs)))


def enumerated(pending: Pending, objective: str) -> int:
    """The best objective over all semi-active schedules, by trying every order and every mode."""
    instance = pending.instance
    best = [10**9]

    def value(ready: list[int]) -> int:
        if objective == "makespan":
            return max(ready)
        return sum(w * max(0, e - d) for w, e, d in zip(instance.weight, ready, instance.due, strict=True))

    def go(step: list[int], ready: list[int], free: list[int]) -> None:
        if value(ready) >= best[0]:
            return
        if all(s == len(job) for s, job in zip(step, instance.jobs)):
            best[0] = value(ready)
            return
        for j, job in enumerate(instance.jobs):
            if step[j] == len(job):
                continue
            for m, d in job[step[j]]:
                at = max(ready[j], free[m])
                for begin, end in pending.blocked[m]:
                    if at < end and at + d > begin:
                        at = end
                end = at + d
                go(
                    step[:j] + [step[j] + 1] + step[j + 1 :],
                    ready[:j] + [end] + ready[j + 1 :],
                    free[:m] + [end] + free[m + 1 :],
                )

    go(list(pending.done), list(pending.ready), [0] * instance.machines)
    return best[0]


# ── rules ────────────────────────────────────────────────────────────────────────────────────────────────────────


@classic
@pytest.mark.parametrize(
    ("rule", "makespans"),
    [
        ("SPT", (88, 1074, 1462)),
        ("MWKR", (61, 1108, 1491)),
        ("MOPNR", (59, 1163, 1438)),
        ("FIFO", (65, 1184, 1486)),
    ],
)
def test_rules_give_their_published_makespans(rule, makespans):
    """Non-delay, ties by job index: exact on ft06, ft10 and ta01."""
    made = [dispatch(classics()[name], rule) for name in ("ft06", "ft10", "ta01")]
    for one in made:
        one.check()
    assert tuple(one.makespan for one in made) == makespans


@classic
def test_mean_gaps_of_rules_over_taillards_eighty_are_the_published_ones():
    """To the best known makespans: SPT 27.5, FIFO 25.4, MOPNR 19.7, MWKR 19.6, FDD/MWKR 18.0 %."""
    shops = [shop for name, shop in classics().items() if name.startswith("ta")]
    best = best_known_of_all()
    gaps = {
        rule: np.mean([dispatch(shop, rule).makespan / best[shop.name] - 1.0 for shop in shops])
        for rule in ("SPT", "FIFO", "MOPNR", "MWKR", "FDD/MWKR")
    }
    assert len(shops) == 80
    assert {rule: round(100 * float(gap), 1) for rule, gap in gaps.items()} == {
        "SPT": 27.5,
        "FIFO": 25.4,
        "MOPNR": 19.7,
        "MWKR": 19.6,
        "FDD/MWKR": 18.0,
    }


def best_known_of_all() -> dict[str, int]:
    """Upper bounds of all classic instances: the file's, corrected by our table."""
    text = json.loads(SHARED.read_text(encoding="utf-8"))
    return {name: entry["metadata"]["upper_bound"] for name, entry in text.items()} | {
        row.name: row.upper_bound for row in best_known_table().values()
    }


@pytest.mark.parametrize(
    ("rule", "order"),
    [
        ("SPT", (1, 2, 0)),
        ("LPT", (0, 2, 1)),
        ("FIFO", (0, 1, 2)),
        ("MOPNR", (2, 0, 1)),
        ("MWKR", (2, 0, 1)),
        ("LWKR", (1, 0, 2)),
        ("FDD/MWKR", (2, 0, 1)),
        ("EDD", (1, 2, 0)),
    ],
)
def test_a_rule_orders_three_waiting_jobs_as_it_says(rule, order):
    """Jobs of 5, of 2, and of 3 with 9 more to go, all waiting for machine 0; equals go by number."""
    modes = (((Mode(0, 5),),), ((Mode(0, 2),),), ((Mode(0, 3),), (Mode(1, 9),)))
    shop = Instance("three", 2, modes, due=(None, 7, 20))
    assert tuple(j for j, k in dispatch(shop, rule).sequences()[0]) == order


@pytest.mark.parametrize("rule", RULES)
def test_rules_leave_no_machine_idle_beside_waiting_work(rule):
    """Non-delay: while an operation waits, the one machine that can do it is busy throughout."""
    rng = np.random.default_rng(3)
    for _ in range(20):
        shop = drawn(rng, 5, 3)
        made = dispatch(shop, rule, seed=4)
        made.check()
        arrive = {}
        for row in made.rows:
            came = shop.released(row.job) if row.operation == 0 else arrive[row.job]
            arrive[row.job] = row.end
            busy = sorted((r.start, r.end) for r in made.rows if r.machine == row.machine and r.end > r.start)
            covered = came
            for start, end in busy:
                if start <= covered < end:
                    covered = end
                if covered >= row.start:
                    break
            assert covered >= row.start


def test_random_dispatch_is_its_seed():
    """RANDOM draws from its seed alone."""
    shop = drawn(np.random.default_rng(0), 6, 3)
    assert dispatch(shop, "RANDOM", seed=1) == dispatch(shop, "random", seed=1)
    assert len({dispatch(shop, "RANDOM", seed=s).rows for s in range(5)}) > 1


def test_a_choice_of_machines_goes_by_the_earliest_end():
    """A slow free machine is left alone while waiting for a quick one ends sooner, and used when it does not."""
    job = ((Mode(0, 2), Mode(1, 3)),)
    made = dispatch(Instance("choice", 2, (job,) * 4), "SPT")
    assert [(r.machine, r.start, r.end) for r in made.rows] == [(0, 0, 2), (1, 0, 3), (0, 2, 4), (0, 4, 6)]


def test_a_permutation_flow_shop_keeps_one_order_under_every_rule():
    """The rule decides on the first machine, the others follow."""
    shop = flow_shop([[3, 9, 1], [2, 1, 8], [9, 1, 1], [1, 4, 4]], permutation=True)
    for rule in RULES:
        if rule != "EDD":
            made = dispatch(shop, rule)
            made.check()
            assert len({tuple(j for j, _ in queue) for queue in made.sequences()}) == 1


def test_unknown_rules_and_due_dates_that_are_missing_are_refused():
    """The nearest rule is named; EDD needs due dates."""
    with pytest.raises(UnknownName, match=r"^There is no dispatching rule 'MWRK'\. Did you mean 'MWKR'\?"):
        dispatch(TWO, "mwrk")
    with pytest.raises(BadSchedule) as e:
        dispatch(TWO, "EDD")
    assert str(e.value) == "two has no due dates, which EDD goes by; choose another rule, as MWKR."


# ── schedules ────────────────────────────────────────────────────────────────────────────────────────────────────


GOOD = [(0, 0, 0, 0, 3), (0, 1, 1, 3, 5), (1, 0, 1, 0, 2), (1, 1, 0, 3, 7)]


def test_a_schedule_counts_and_lists_itself():
    """Makespan, completion, tardiness, sequences and columns by hand."""
    made = Schedule.of(replace(TWO, due=(4, 7), weight=(3, 1)), GOOD)
    made.check()
    assert (made.makespan, made.completion(), made.tardiness) == (7, (5, 7), 3)
    assert made.sequences() == (((0, 0), (1, 1)), ((1, 0), (0, 1)))
    columns = made.columns()
    assert list(columns) == ["job", "operation", "machine", "start", "end"]
    assert columns["end"].tolist() == [3, 5, 2, 7]
    assert columns["end"].dtype == np.int64


@pytest.mark.parametrize(
    ("at", "row", "says"),
    [
        (1, (0, 1, 1, 2, 4), "two: job 0, operation 1 starts at 2, before the one ahead of it ends (3)."),
        (1, (0, 1, 1, 3, 6), "two: job 0, operation 1 takes 3 ticks where 2 belong."),
        (1, (0, 1, 0, 3, 5), "two: job 0, operation 1 is on machine 0, which cannot do it."),
        (3, (1, 1, 0, 2, 6), "two: job 1, operation 1 starts at 2 on machine 0, which is busy with job 0 until 3."),
        (0, (0, 0, 0, -1, 2), "two: job 0, operation 0 starts at -1, before its job is there (0)."),
        (
            0,
            (1, 1, 0, 3, 7),
            "two: job 0, operation 0 is to be scheduled once or not at all, and is not; give one row for "
            "every operation that has not begun.",
        ),
    ],
)
def test_the_check_finds_what_cannot_be(at, row, says):
    """Order, durations, machines, overlap, release and completeness are each refused by name."""
    with pytest.raises(BadSchedule) as e:
        Schedule.of(TWO, [*GOOD[:at], row, *GOOD[at + 1 :]]).check()
    assert str(e.value) == says


def test_the_check_keeps_blocked_windows_and_one_order():
    """A window in which a machine is blocked, and a job that passes another, are refused."""
    with pytest.raises(BadSchedule, match=r"runs from 3 to 7, while machine 0 is blocked\.$"):
        Schedule.of(TWO, GOOD).check(replace(Pending.of(TWO), blocked=(((5, 6),), ())))
    shop = flow_shop([[1, 1], [1, 1]], permutation=True, name="line")
    passing = Schedule.of(shop, [(0, 0, 0, 0, 1), (1, 0, 0, 1, 2), (1, 1, 1, 2, 3), (0, 1, 1, 3, 4)])
    with pytest.raises(BadSchedule, match="passes job 0; a permutation flow shop keeps one order everywhere"):
        passing.check()


# ── CP-SAT ───────────────────────────────────────────────────────────────────────────────────────────────────────

ortools = pytest.importorskip("ortools", reason="CP-SAT: pip install 'jangin[schedule]'")


@pytest.mark.parametrize("objective", ["makespan", "tardiness"])
@pytest.mark.parametrize("modes", [1, 2])
def test_cp_sat_finds_what_enumeration_finds(objective, modes):
    """On tiny shops with release dates, and durations of 0 among them: the optimum, proven."""
    rng = np.random.default_rng(10 * modes + len(objective))
    for _ in range(12):
        shop = drawn(rng, 3, 2 if modes > 1 else 3, modes)
        found = solve(shop, time_limit_s=60, objective=objective)
        assert found.optimal
        assert found.value == found.lower_bound == enumerated(Pending.of(shop), objective)


def test_cp_sat_keeps_out_of_blocked_windows_as_enumeration_does():
    """The same with machines that are blocked for a while."""
    rng = np.random.default_rng(8)
    for _ in range(10):
        shop = drawn(rng, 3, 2, 2, least=1)
        windows = tuple(((int(a), int(a + 3)), (int(a + 7), int(a + 9))) for a in rng.integers(0, 6, 2))
        pending = replace(Pending.of(shop), blocked=windows, done=(1, 0, 0))
        found = solve_pending(pending, time_limit_s=60)
        assert found.optimal
        assert found.value == enumerated(pending, "makespan")


def test_permutation_flow_shops_are_solved_to_the_best_permutation():
    """Against all permutations, each timed by the recursion of completion times."""
    from itertools import permutations

    rng = np.random.default_rng(5)
    for _ in range(6):
        times = rng.integers(1, 20, (5, 3))
        best = 10**9
        for order in permutations(range(5)):
            done = np.zeros(3, int)
            for j in order:
                for m in range(3):
                    done[m] = max(done[m], done[m - 1] if m else 0) + times[j, m]
            best = min(best, int(done[2]))
        found = solve(flow_shop(times.tolist(), permutation=True), time_limit_s=60)
        assert found.optimal
        assert found.makespan == best
        assert solve(flow_shop(times.tolist()), time_limit_s=60).makespan <= best


def test_operations_of_no_duration_do_not_mislead_the_search():
    """A job that skips a machine keeps its place in the order; a stronger propagation called this infeasible."""
    shop = flow_shop([[7, 2, 0], [7, 5, 0], [6, 6, 6], [4, 0, 0], [4, 7, 7]], permutation=True)
    pending = Pending(shop, (0, 0, 1, 0, 0), (4, 4, 6, 4, 4), (((4, 6),), ((4, 13),), ()), (2,))
    found = solve_pending(pending, time_limit_s=60)
    assert (found.makespan, found.lower_bound, found.optimal) == (33, 33, True)


OPTIMA = {
    "ft06": 55, "ft10": 930, "ft20": 1165, "la01": 666, "la02": 655, "la03": 597, "la04": 590, "la05": 593, "la16": 945,
}  # fmt: skip


@classic
@pytest.mark.parametrize("name", OPTIMA)
def test_classic_optima_are_proven(name):
    """One worker and a seed: the search is the same every time, and ends in a proof long before the limit."""
    found = solve(classics()[name], time_limit_s=120, workers=1, seed=0)
    assert (found.makespan, found.lower_bound, found.optimal, found.gap) == (OPTIMA[name], OPTIMA[name], True, 0.0)


@classic
@pytest.mark.parametrize(("name", "optimum"), [("la21", 1046), ("la40", 1222), ("ta01", 1231), ("abz8", 667)])
def test_the_optimum_lies_between_bound_and_makespan(name, optimum):
    """Cut off after half a second, on two workers: never worse than the best rule, never a bound above the optimum."""
    found = solve(classics()[name], time_limit_s=0.5, workers=2, seed=1)
    assert found.lower_bound <= optimum <= found.makespan <= found.rule_schedule.makespan
    assert found.gap == pytest.approx((found.makespan - found.lower_bound) / found.lower_bound)
    found.schedule.check()


@classic
def test_a_search_that_ends_by_its_work_repeats():
    """One worker, a seed and a limit of work: the same schedule, row by row."""
    la21 = classics()["la21"]
    one, two = (solve(la21, time_limit_s=120, seed=5, work_limit=0.1) for _ in range(2))
    assert not one.optimal
    assert (one.schedule, one.lower_bound) == (two.schedule, two.lower_bound)


@classic
def test_ctrl_c_keeps_the_best_found():
    """An interrupt ends the search at once, with a checked schedule and a bound."""
    begun = []

    def interrupt(makespan: int, bound: int, seconds: float) -> None:
        if not begun:
            _thread.interrupt_main()
        begun.append((makespan, bound, seconds))

    found = solve(classics()["ta01"], time_limit_s=120, on_progress=interrupt)
    assert found.interrupted
    assert found.wall_s < 30
    assert found.makespan <= begun[0][0]
    assert found.lower_bound <= 1231


def test_a_hint_is_a_floor_and_an_error_in_the_callback_is_raised():
    """A better schedule than any rule's is never lost; what on_progress raises reaches the caller."""
    shop = drawn(np.random.default_rng(4), 6, 4, least=1)
    best = solve(shop, time_limit_s=60)
    assert best.makespan < best_of_rules(Pending.of(shop))[1].makespan
    again = solve(shop, time_limit_s=60, hint=best.schedule, work_limit=1e-6)
    assert again.makespan == best.makespan

    def refuse(makespan: int, bound: int, seconds: float) -> None:
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        solve(shop, time_limit_s=60, on_progress=refuse)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"time_limit_s": 0}, "A time limit of 0 s; give more than 0, as 10."),
        ({"time_limit_s": float("nan")}, "A time limit of nan s; give more than 0, as 10."),
        ({"workers": 0}, "0 workers and seed 0; give 1 or more workers and a seed from 0 to 2147483647."),
        ({"seed": -1}, "1 workers and seed -1; give 1 or more workers and a seed from 0 to 2147483647."),
        ({"work_limit": 0.0}, "A work limit of 0; give more than 0, as 5, or leave it out."),
        ({"objective": "cost"}, "The objective 'cost' is not known; give 'makespan' or 'tardiness'."),
        ({"objective": "tardiness"}, "two has no due dates, so nothing can be late; give them or minimise makespan."),
    ],
)
def test_options_that_make_no_sense_are_refused(options, says):
    """Each in one sentence."""
    with pytest.raises(BadSchedule) as e:
        solve(TWO, **({"time_limit_s": 1.0} | options))
    assert str(e.value) == says


def test_without_or_tools_the_extra_is_named(monkeypatch):
    """Rules work; an optimised schedule asks for the extra."""
    monkeypatch.setitem(sys.modules, "ortools.sat.python", None)
    assert schedule(TWO, method="SPT").makespan == 7
    with pytest.raises(MissingExtra) as e:
        solve(TWO, time_limit_s=1)
    assert str(e.value) == "An optimised schedule needs the package 'ortools': pip install 'jangin[schedule]'."


# ── the plan and what is published ───────────────────────────────────────────────────────────────────────────────


def test_the_table_of_published_bounds_says_667_for_abz8_and_where_it_was_read():
    """Every row has bounds in order, a source and a date; only mk10 and mk13 are open."""
    table = best_known_table()
    assert (table["abz8"].lower_bound, table["abz8"].upper_bound, table["abz8"].closed) == (667, 667, True)
    assert all(r.lower_bound <= r.upper_bound and r.source and r.date == "2026-08-19" for r in table.values())
    assert {r.name for r in table.values() if not r.closed} == {"mk10", "mk13"}
    assert best_known(replace(TWO, name="abz8")) is None  # a borrowed name
    assert table["abz8"].gap(680) == pytest.approx(13 / 667)


@classic
def test_a_plan_says_in_one_sentence_how_good_it_is():
    """By CP-SAT with proof, and by a rule with the elementary bound; the published bound beside both."""
    source = "(ScheduleOpt/benchmarks, jobshop/solutions/bks.json, 2026-08-19)"
    best = replace(schedule(SHARED, "ft06", time_limit_s=60), wall_s=0.25)
    assert best.sentence == (
        "ft06 (job shop, 6 jobs, 6 machines, 36 operations): makespan 55, proven optimal in 0.25 s; the "
        "best rule, MOPNR, "
        f"gives 59 (7.3 % more); best known 55 {source}."
    )
    by_rule = replace(schedule(SHARED, "ft06", "spt"), wall_s=0.001)
    assert by_rule.sentence == (
        "ft06 (job shop, 6 jobs, 6 machines, 36 operations): makespan 88 by SPT, not proven optimal: at "
        "most 69.2 % above "
        "the optimum, which is at least 52, ended after 0.001 s; the best rule, MOPNR, gives 59; 60.0 % above the best "
        f"known 55 {source}."
    )


def test_a_plan_of_tardiness_says_so():
    """The objective is named, the makespan beside it, and nothing published is compared."""
    shop = replace(TWO, due=(4, 6), weight=(3, 1))
    plan = replace(schedule(shop, objective="tardiness", time_limit_s=60), wall_s=1.0)
    assert plan.value == enumerated(Pending.of(shop), "tardiness")
    assert plan.sentence.startswith(
        f"two (job shop, 2 jobs, 2 machines, 4 operations): total weighted tardiness {plan.value}, proven "
        f"optimal in 1 s; "
        f"makespan {plan.makespan}; the best rule, "
    )


def test_a_row_is_what_it_says():
    """Rows are (job, operation, machine, start, end), sorted by job and operation."""
    assert Schedule.of(TWO, reversed(GOOD)).rows == tuple(Row(*row) for row in GOOD)
