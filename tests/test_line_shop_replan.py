"""Laws of a day: sequences run as a tick-by-tick twin runs them, re-plans keep what has begun, none sees the future."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from jangin.errors import BadSchedule, UnknownName
from jangin.line.shop import (
    RULES,
    Day,
    Down,
    Instance,
    Mode,
    Pending,
    Running,
    Schedule,
    Sequences,
    ShopState,
    compare,
    dispatch,
    flow_shop,
    follow,
    job_shop,
    non_delay,
    read_instance,
    replan,
    rolling,
    solve,
)
from jangin.line.shop.replan import pending_of, state_at

pytest.importorskip("ortools", reason="CP-SAT: pip install 'jangin[schedule]'")

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "scheduling" / "jsp_instances.json"
classic = pytest.mark.skipif(not SHARED.exists(), reason="the classic instances are not beside this repository")

TWO = job_shop([[3, 2], [2, 4]], [[0, 1], [1, 0]], name="two")


def drawn(rng: np.random.Generator, jobs: int, machines: int, modes: int = 1) -> Instance:
    """A random shop with release dates whose operations have up to so many modes."""
    work = tuple(
        tuple(
            tuple(
                Mode(int(m), int(rng.integers(1, 12)))
                for m in rng.choice(machines, rng.integers(1, modes + 1), replace=False)
            )
            for _ in range(machines)
        )
        for _ in range(jobs)
    )
    return Instance("drawn", machines, work, release=tuple(int(r) for r in rng.integers(0, 6, jobs)))


def ticked(
    instance: Instance, sequences: Sequences, day: Day, planned_at: Mapping[tuple[int, int], int] | None = None
) -> dict[tuple[int, int], tuple[int, int]]:
    """The slow twin: every tick, each machine that is up works one tick on what is next for it, if its job is there
    and it is planned by then."""
    place, step = [0] * instance.machines, [0] * len(instance.jobs)
    here = list(instance.release or (0,) * len(instance.jobs))  # from when each job is there
    left: dict[int, int] = {}
    start: dict[tuple[int, int], int] = {}
    found: dict[tuple[int, int], tuple[int, int]] = {}
    now = 0
    while len(found) < instance.operations:
        for m in range(instance.machines):
            if place[m] == len(sequences[m]) or any(b <= now < e for b, e in day.down[m]):
                continue
            j, k = sequences[m][place[m]]
            if m not in left:
                if step[j] != k or max(here[j], (planned_at or {}).get((j, k), 0)) > now:
                    continue
                left[m], start[j, k] = day.lasts(j, k, m), now
            left[m] -= 1
            if not left[m]:
                del left[m]
                found[j, k] = (start[j, k], now + 1)
                here[j], place[m] = now + 1, place[m] + 1
                step[j] += 1
        now += 1
    return found


def times(schedule: Schedule) -> dict[tuple[int, int], tuple[int, int]]:
    return {(r.job, r.operation): (r.start, r.end) for r in schedule.rows}


# ── what happens ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_breakdown_stops_what_runs_and_the_rest_is_done_after_the_repair():
    """By hand: job 0 runs 0 to 1, waits out [1, 5) and ends at 7; job 1 comes to machine 0 at 2 and goes next."""
    sequences = (((0, 0), (1, 1)), ((1, 0), (0, 1)))
    happened = follow(Pending.of(TWO), sequences, Day.of(TWO, down=[(0, 1, 5)]))
    assert times(happened) == {(0, 0): (0, 7), (0, 1): (7, 9), (1, 0): (0, 2), (1, 1): (7, 11)}
    stretched = Day.of(TWO, stretch=[[1.5, 0.1], [1, 1]])  # 3 x 1.5 is 4 to the even tick, 2 x 0.1 is at least 1
    assert times(follow(Pending.of(TWO), sequences, stretched))[0, 1] == (4, 5)


@pytest.mark.parametrize("modes", [1, 3])
def test_sequences_run_as_the_tick_by_tick_twin_runs_them(modes):
    """Breakdowns and true durations drawn, sequences of a rule or of another rule's day: equal to the tick."""
    rng = np.random.default_rng(modes)
    for number in range(25):
        shop = drawn(rng, 5, 3, modes)
        day = Day.drawn(shop, seed=7, number=number, cv=0.5, mean_up=15, mean_down=6)
        sequences = dispatch(shop, "RANDOM", seed=number).sequences()
        assert times(follow(Pending.of(shop), sequences, day)) == ticked(shop, sequences, day)
        by_rule = non_delay(Pending.of(shop), "MWKR", floor=day)
        twin = ticked(shop, by_rule.sequences(), day)
        if modes == 1:
            assert times(by_rule) == twin
        else:  # a job that changed to another machine came there later than it could have
            assert all(twin[o][1] <= end for o, (_, end) in times(by_rule).items())


def test_a_day_without_surprises_is_the_plan():
    """Nothing breaks and durations are as planned: rules and sequences give what was planned."""
    rng = np.random.default_rng(2)
    for modes in (1, 2):
        shop = drawn(rng, 6, 3, modes)
        quiet = Day.of(shop)
        for rule in RULES:
            if rule != "EDD":
                plan = dispatch(shop, rule)
                assert non_delay(Pending.of(shop), rule, floor=quiet) == plan
                assert follow(Pending.of(shop), plan.sequences(), quiet).makespan <= plan.makespan
        plan = solve(shop, time_limit_s=60).schedule
        assert follow(Pending.of(shop), plan.sequences()) == plan
        rolled = rolling(shop, plan.sequences(), quiet, time_limit_s=60)
        assert (rolled.schedule, rolled.sequences, rolled.replans) == (plan, plan.sequences(), 0)


def test_a_day_is_its_seed_and_number():
    """Drawn again it is the same; a machine's breakdowns do not depend on how many machines there are."""
    one = drawn(np.random.default_rng(0), 5, 3)
    wide = replace(one, machines=4)
    day = Day.drawn(one, seed=3, number=8, cv=0.3, mean_up=20, mean_down=5)
    assert day == Day.drawn(one, seed=3, number=8, cv=0.3, mean_up=20, mean_down=5)
    assert day.down != Day.drawn(one, seed=3, number=9, cv=0.3, mean_up=20, mean_down=5).down
    assert Day.drawn(wide, seed=3, number=8, cv=0.3, mean_up=20, mean_down=5).down[:3] == day.down


def test_drawn_days_have_the_availability_and_the_mean_that_was_asked_for():
    """Up/(up + down) to 1 %, whole ticks included; stretches have mean 1 and the coefficient of variation."""
    shop = job_shop([[100] * 50] * 100, [[0] * 50] * 100)
    day = Day.drawn(shop, seed=0, number=0, cv=0.4, mean_up=900, mean_down=100)
    span = day.down[0][-1][1]
    down = sum(e - b for b, e in day.down[0])
    assert down / span == pytest.approx(100.5 / 1001, rel=0.1)
    stretch = np.array(day.stretch)
    assert stretch.mean() == pytest.approx(1.0, abs=4 * 0.4 / np.sqrt(stretch.size))
    assert stretch.std() == pytest.approx(0.4, rel=0.05)


@pytest.mark.parametrize("modes", [1, 3])
def test_no_way_of_scheduling_sees_the_future(modes):
    """Two days that agree on all breakdowns before a tick agree on everything that begins before it."""
    rng = np.random.default_rng(20 + modes)
    for number in range(6):
        shop = drawn(rng, 5, 3, modes)
        day = Day.drawn(shop, seed=1, number=number, cv=0.5, mean_up=12, mean_down=6)
        now = 14
        other = replace(day, down=tuple(tuple(w for w in windows if w[0] < now) for windows in day.down))
        plan = solve(shop, time_limit_s=60, work_limit=0.05).schedule.sequences()

        def begun(schedule: Schedule, now: int = now) -> set[tuple[int, int, int, int]]:
            return {r[:4] for r in schedule.rows if r.start < now}

        for rule in ("SPT", "FIFO", "FDD/MWKR"):
            assert begun(non_delay(Pending.of(shop), rule, floor=day)) == begun(
                non_delay(Pending.of(shop), rule, floor=other)
            )
        one, two = (rolling(shop, plan, d, time_limit_s=60, work_limit=0.05).schedule for d in (day, other))
        assert begun(one) == begun(two)


# ── re-plans ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_runs_is_finished_first_and_a_machine_that_is_down_takes_nothing():
    """By hand: at tick 1 job 0 needs 2 ticks more on machine 0, which is down until 6, so it ends at 8."""
    state = ShopState(1, (0, 0), (Running(0, 0, 2), Running(1, 1, 1)), (Down(0, 1, 6),))
    new = replan(TWO, state, time_limit_s=60)
    assert new.running_ends == (8, 2)
    assert new.sequences == (((1, 1),), ((0, 1),))
    assert times(new.solution.schedule) == {(0, 1): (8, 10), (1, 1): (8, 12)}
    assert (new.makespan, new.solution.optimal) == (12, True)


def test_nothing_new_runs_into_a_planned_stop():
    """A stop to come is planned around: an operation lies wholly before or after it."""
    shop = job_shop([[4], [3]], [[0], [0]], name="stop")
    new = replan(shop, ShopState(0, (0, 0), (), (Down(0, 3, 10),)), time_limit_s=60)
    assert times(new.solution.schedule) == {(1, 0): (0, 3), (0, 0): (10, 14)}


def test_a_long_job_that_only_finishes_does_not_bound_the_plan_of_the_others():
    """Bound and makespan are of what is planned; the end of what runs counts in the re-plan's makespan alone."""
    shop = job_shop([[90], [3, 2]], [[0], [1, 1]], name="long")
    new = replan(shop, ShopState(0, (0, 0), (Running(0, 0, 90),)), time_limit_s=60)
    assert (new.solution.makespan, new.solution.lower_bound, new.solution.optimal) == (5, 5, True)
    assert (new.running_ends, new.makespan) == ((90,), 90)


def test_a_replan_at_the_beginning_is_the_plan():
    """With nothing begun and nothing down, a re-plan has the optimum of the plan."""
    shop = drawn(np.random.default_rng(6), 5, 3, 2)
    start = ShopState(0, (0,) * 5)
    assert replan(shop, start, time_limit_s=60).makespan == solve(shop, time_limit_s=60).makespan


def test_replans_are_feasible_and_never_worse_than_going_on():
    """At random ticks of random days: the new plan passes the check, and is as good as the old sequences, its hint."""
    rng = np.random.default_rng(9)
    for number in range(12):
        shop = drawn(rng, 5, 3, 1 + number % 2)
        day = Day.drawn(shop, seed=2, number=number, cv=0.4, mean_up=15, mean_down=8)
        old = dispatch(shop, "SPT").sequences()
        happened = follow(Pending.of(shop), old, day)
        state = state_at(happened, old, day, int(rng.integers(1, max(r.start for r in happened.rows))))
        pending, _ = pending_of(shop, state)
        new = replan(shop, state, time_limit_s=60, hint=old, work_limit=1e-6)
        new.solution.schedule.check(pending)
        left = set(pending.operations)
        going_on = follow(pending, tuple(tuple(o for o in queue if o in left) for queue in old))
        assert new.solution.makespan <= going_on.makespan


def test_a_permutation_flow_shop_keeps_its_order_through_replans():
    """The jobs that have entered stay ahead, in their order; a state must say that order."""
    rng = np.random.default_rng(4)
    shop = flow_shop(rng.integers(1, 10, (5, 3)).tolist(), permutation=True, name="line")
    plan = solve(shop, time_limit_s=60).schedule.sequences()
    day = Day.of(shop, down=[(1, 4, 16), (0, 20, 26)])
    rolled = rolling(shop, plan, day, time_limit_s=60)
    assert rolled.replans == 2
    assert len({tuple(j for j, _ in queue) for queue in rolled.sequences}) == 1
    with pytest.raises(BadSchedule) as e:
        replan(shop, ShopState(9, (1, 1, 0, 0, 0)), time_limit_s=1)
    assert str(e.value) == (
        "line: `entered` is []; in a permutation flow shop it names the jobs that have begun, [0, 1], in "
        "the order they "
        "keep."
    )


def test_a_rolled_day_is_what_its_sequences_give():
    """What happened is what the tick-by-tick twin makes of the sequences it ended with; the past was not rewritten:
    before each re-plan exactly that began which began without it."""
    rng = np.random.default_rng(12)
    for number in range(12):
        shop = drawn(rng, 5, 3)
        day = Day.drawn(shop, seed=5, number=number, cv=0.3, mean_up=20, mean_down=8)
        plan = solve(shop, time_limit_s=60).schedule.sequences()
        rolled = rolling(shop, plan, day, time_limit_s=60, work_limit=0.05)
        assert times(rolled.schedule) == ticked(shop, rolled.sequences, day, rolled.planned_at)
        assert all(start >= rolled.planned_at.get(o, 0) for o, (start, _) in times(rolled.schedule).items())
        first = min(b for windows in day.down for b, _ in windows)
        static = times(follow(Pending.of(shop), plan, day))
        assert {o: t for o, t in static.items() if t[0] < first} == {
            o: t for o, t in times(rolled.schedule).items() if t[0] < first
        }


@pytest.mark.parametrize(
    ("state", "says"),
    [
        (ShopState(0, (0,)), "two: tick 0 and 1 entries in done; give one for each of 2 jobs."),
        (ShopState(0, (0, 3)), "two: 3 operations of job 1 are done; it has 2."),
        (ShopState(0, (2, 0), (Running(0, 0, 1),)), "two: job 0 runs, but it is not there or has ended."),
        (
            ShopState(0, (0, 0), (Running(0, 1, 1),)),
            "two: job 0 runs operation 0 on machine 1 with 1 ticks to go; the machine cannot do it, or "
            "the ticks are below 0.",
        ),
        (ShopState(0, (0, 1), (Running(0, 0, 1), Running(1, 0, 1))), "two: a machine runs two operations at once."),
        (
            ShopState(0, (0, 0), (), (Down(2, 0, 4),)),
            "two: machine 2 down from 0 until 4; machines are numbered 0 to 1, and a breakdown ends after it begins.",
        ),
        (ShopState(9, (2, 1), (Running(1, 0, 1),)), "two: every operation has begun, so there is nothing to schedule."),
    ],
)
def test_a_state_that_cannot_be_is_refused(state, says):
    """Each in one sentence."""
    with pytest.raises(BadSchedule) as e:
        replan(TWO, state, time_limit_s=1)
    assert str(e.value) == says


@pytest.mark.parametrize(
    ("sequences", "says"),
    [
        (
            (((1, 1), (0, 0)), ((0, 1), (1, 0))),
            "two: these sequences wait for each other for ever: machine 0 is next to do job 1, operation "
            "1, before which operation 0 never comes.",
        ),
        (
            (((0, 0),), ((1, 0), (0, 1))),
            "two: job 1, operation 1 is not in the sequences exactly once, or is not pending; give every "
            "pending operation once.",
        ),
        ((((0, 0), (0, 1)), ((1, 0), (1, 1))), "two: job 0, operation 1 is on machine 0, which cannot do it."),
        ((((0, 0), (1, 1)),), "two: 1 sequences for 2 machines; give one each."),
    ],
)
def test_sequences_that_cannot_be_run_are_refused(sequences, says):
    """A circle of waiting is named, not run for ever."""
    with pytest.raises(BadSchedule) as e:
        follow(Pending.of(TWO), sequences)
    assert str(e.value) == says


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Day.of(TWO, down=[(2, 0, 1)]), "two: machine 2 down from 0 until 1;"),
        (lambda: Day.of(TWO, stretch=[[1]]), "two: stretch needs one number for every operation of every job."),
        (lambda: Day.of(TWO, stretch=[[1, 0], [1, 1]]), "two: a stretch is a positive number; 1 is as planned."),
        (lambda: Day.drawn(TWO, seed=0, number=0, cv=-1), "A day with cv -1, inf ticks up and 0 down;"),
        (lambda: compare(TWO, days=0, seed=0), "0 days to compare on; give 1 or more, and 2 or more for an interval."),
    ],
)
def test_days_that_cannot_be_are_refused(make, says):
    """Each in one sentence."""
    with pytest.raises(BadSchedule) as e:
        make()
    assert str(e.value).startswith(says)


# ── comparisons ──────────────────────────────────────────────────────────────────────────────────────────────────


@classic
def test_a_comparison_pairs_its_days_and_repeats():
    """On ft06 with breakdowns: the same numbers again; each way met the same days; re-plans beat the static plan."""
    ft06 = read_instance(SHARED, "ft06")
    told = []
    one, two = (
        compare(
            ft06,
            ("static", "rolling", "MWKR"),
            days=24,
            seed=3,
            mean_up=60,
            mean_down=12,
            time_limit_s=60,
            work_limit=0.05,
            on_day=lambda done, of: told.append((done, of)),
        )
        for _ in range(2)
    )
    for way in ("static", "rolling", "MWKR"):
        assert one.makespan[way].tolist() == two.makespan[way].tolist()
    for number in range(24):
        day = Day.drawn(ft06, seed=3, number=number, mean_up=60, mean_down=12)
        assert one.makespan["MWKR"][number] == non_delay(Pending.of(ft06), "MWKR", floor=day).makespan
    assert told[:24] == [(k, 24) for k in range(1, 25)]
    paired = one.against("rolling", "static")
    assert paired.difference.mean == pytest.approx(float(np.mean(one.makespan["rolling"] - one.makespan["static"])))
    assert paired.difference.high < 0
    assert one.replans.sum() > 0
    with pytest.raises(UnknownName, match="There is no way of scheduling 'SPT'"):
        one.against("SPT", "static")
    with pytest.raises(UnknownName, match=r"There is no way of scheduling 'statik'\. Did you mean 'static'\?"):
        compare(ft06, ("statik",), days=1, seed=0)
