"""Laws of the two bottleneck rules: hand-worked lines, a slow twin by definition, and sums that must close."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from jangin.errors import BadLog
from jangin.line.bottleneck import ACTIVE, StateLog, arrow_rule, shifting_bottleneck


def log_of(*rows: tuple[str, str, float, float]) -> StateLog:
    return StateLog.from_names(*zip(*rows))


def covered(periods: dict[str, list[tuple[float, float]]], end: float, idle: str = "starved") -> StateLog:
    """A log in which each station runs over its periods and is idle in between."""
    rows = []
    for name, runs in periods.items():
        at = 0.0
        for a, b in runs:
            rows += [(name, idle, at, a), (name, "running", a, b)]
            at = b
        rows.append((name, idle, at, end))
    return log_of(*rows)


def line_log(times: np.ndarray, buffers: list[int]) -> StateLog:
    """A serial line with blocking after service, saturated: states of (stations, parts) service times [s]."""
    n, parts = times.shape
    leave = np.zeros((n, parts))
    rows = []
    for k in range(parts):
        for i in range(n):
            free = leave[i, k - 1] if k else 0.0
            come = leave[i - 1, k] if i else free
            begin = max(free, come)
            done = begin + times[i, k]
            room = leave[i + 1, k - buffers[i] - 1] if i + 1 < n and k - buffers[i] - 1 >= 0 else 0.0
            leave[i, k] = max(done, room)
            rows += [(i, "starved", free, begin), (i, "running", begin, done), (i, "blocked", done, leave[i, k])]
    end = leave[-1, -1]
    rows += [(i, "starved", leave[i, -1], end) for i in range(n)]
    return log_of(*[(f"s{i}", state, a, b) for i, state, a, b in rows])


# ── arrows ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_arrows_point_to_the_slow_station():
    """Before a slow station the line is blocked, behind it starved: no arrow leaves it, all point to it."""
    found = arrow_rule([0.30, 0.25, 0.0, 0.0], [0.0, 0.0, 0.02, 0.28], names=["a", "b", "slow", "d"])
    assert found.arrows == ((0, 1), (1, 2), (3, 2))
    assert found.bottlenecks == (2,)
    assert found.primary == 2
    assert found.severity == pytest.approx((0.30, 0.30 + 0.23, 0.23 + 0.28, 0.28))
    assert found.sentence == (
        "Bottleneck: station slow, severity 0.510 (what feeds it is blocked more than it starves, "
        "what it feeds starves more than it blocks)."
    )


def test_several_bottlenecks_are_ranked_by_severity():
    """Two local bottlenecks: the primary is the one whose neighbourhood differs most (worked by hand)."""
    found = arrow_rule([0.0, 0.1, 0.0, 0.4, 0.0], [0.0, 0.2, 0.05, 0.0, 0.1], names=list("abcde"))
    assert found.arrows == ((1, 0), (1, 2), (3, 4))  # 2 -> 3: both 0, no arrow
    assert found.bottlenecks == (0, 2, 4)
    assert found.severity == pytest.approx((0.2, 0.25, 0.05, 0.3, 0.3))
    assert found.primary == 4
    assert found.sentence.endswith("; further ones: a, c.")


def test_two_bernoulli_machines_obey_the_theorem():
    """Of two Bernoulli machines the less efficient one is the bottleneck, from exact blocked and starved shares."""
    rng = np.random.default_rng(2)
    for _ in range(40):
        x, y, n = *rng.uniform(0.5, 0.99, 2), int(rng.integers(1, 8))
        chain = np.zeros((n + 1, n + 1))  # parts in the buffer; blocked before service
        for h in range(n + 1):
            for up1, up2 in ((a, b) for a in (0, 1) for b in (0, 1)):
                out = up2 and h > 0
                into = up1 and (h < n or out)
                chain[h, h - out + into] += (x if up1 else 1 - x) * (y if up2 else 1 - y)
        stationary = np.linalg.lstsq(
            np.vstack([chain.T - np.eye(n + 1), np.ones(n + 1)]), np.eye(n + 2)[-1], rcond=None
        )[0]
        blocked, starved = x * stationary[n] * (1 - y), y * stationary[0]
        assert arrow_rule([blocked, 0.0], [0.0, starved]).primary == (0 if x < y else 1)


def test_assembly_takes_the_shares_of_its_connections():
    """With two feeders the assembly starves for the slow one alone, and the arrows find it."""
    edges = [(0, 2), (1, 2), (2, 3)]
    found = arrow_rule(
        [0.4, 0.0, 0.0], [0.0, 0.35, 0.3], edges=edges, per_edge=True, names=["ok", "slow", "asm", "end"]
    )
    assert found.arrows == ((0, 2), (2, 1), (3, 2))
    assert found.bottlenecks == (1,)


def test_a_circle_of_arrows_has_no_bottleneck():
    """A rework loop can have arrows in a circle: then nobody is called the bottleneck."""
    found = arrow_rule([0.2, 0.2, 0.2], [0.1, 0.1, 0.1], edges=[(0, 1), (1, 2), (2, 0)])
    assert (found.bottlenecks, found.primary) == ((), None)
    assert found.sentence.startswith("No bottleneck: the arrows")


def test_equal_shares_have_no_arrow():
    """A perfectly balanced line has no arrows: every station limits it, and the first is as severe as any."""
    found = arrow_rule([0.0, 0.1, 0.0], [0.0, 0.0, 0.1])
    assert (found.arrows, found.bottlenecks, found.severity) == ((), (0, 1, 2), (0.0, 0.0, 0.0))


def test_a_single_station_is_the_bottleneck():
    """A line of one station has no arrows, and that station limits it."""
    assert arrow_rule([0.0], [0.1]).primary == 0


def test_replications_are_averaged_and_their_agreement_counted():
    """The arrows are those of the mean shares; agreement counts the replications with the same primary."""
    rng = np.random.default_rng(3)
    blocked, starved = rng.uniform(0, 0.3, (2, 200, 6))
    found = arrow_rule(blocked, starved)
    mean = arrow_rule(blocked.mean(axis=0), starved.mean(axis=0))
    assert (found.primary, found.arrows) == (mean.primary, mean.arrows)
    alone = [arrow_rule(b, s).primary for b, s in zip(blocked, starved)]
    assert found.agreement == pytest.approx(np.mean([p == mean.primary for p in alone]))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (([0.1], [0.1, 0.2]), "Blocked shares of shape (1, 1) and starved of (1, 2); give one of each per station."),
        (([1.2], [0.0]), "Blocked and starved are shares of time; give numbers in [0, 1]."),
        (([np.nan], [0.0]), "Blocked and starved are shares of time; give numbers in [0, 1]."),
    ],
)
def test_arrows_refuse(arguments, says):
    """Shares that are none are refused in one sentence."""
    with pytest.raises(BadLog) as refused:
        arrow_rule(*arguments)
    assert str(refused.value) == says


def test_arrows_refuse_unknown_stations():
    """A connection to a station that does not exist is refused."""
    with pytest.raises(BadLog, match="leads to station 5; there are 0 to 1"):
        arrow_rule([0.1, 0.1], [0.1, 0.1], edges=[(0, 5)])


# ── shifting bottleneck ──────────────────────────────────────────────────────────────────────────────────────────


def test_hand_worked_timeline():
    """Two stations hand over: the overlap of their periods is shifting for both, the rest is sole (worked by hand)."""
    found = shifting_bottleneck(covered({"a": [(0, 10)], "b": [(8, 30)], "c": [(9, 12)]}, 40.0))
    assert found.momentary == pytest.approx({"a": 8 / 40, "b": 22 / 40, "c": 0})
    assert found.sole == pytest.approx({"a": 8 / 40, "b": 20 / 40, "c": 0})
    assert found.shifting == pytest.approx({"a": 2 / 40, "b": 2 / 40, "c": 0})
    assert (found.idle, found.moving) == pytest.approx((10 / 40, 2 / 40))
    assert (found.station, found.from_s.tolist(), found.to_s.tolist()) == (("a", "b"), [0, 8], [8, 30])
    assert found.sentence == "Bottleneck: station b, alone 50% of the time and shifting 5%; next a, 20% and 5%."


def test_the_longer_period_keeps_the_bottleneck_to_its_end():
    """A shorter period that begins before a longer one ends takes over at that end, not before."""
    found = shifting_bottleneck(covered({"a": [(0, 30)], "b": [(25, 40)]}, 40.0))
    assert (found.station, found.from_s.tolist(), found.to_s.tolist()) == (("a", "b"), [0, 30], [30, 40])
    assert found.sole == pytest.approx({"a": 25 / 40, "b": 10 / 40})
    assert found.shifting == pytest.approx({"a": 5 / 40, "b": 5 / 40})


def test_repair_and_setup_are_active_and_waiting_is_not():
    """Running, setup, down in a row are one active period; waiting, blocked and starved end it."""
    log = log_of(
        ("a", "running", 0, 4), ("a", "down", 4, 9), ("a", "setup", 9, 10), ("a", "waiting", 10, 20),
        ("b", "starved", 0, 1), ("b", "running", 1, 9), ("b", "blocked", 9, 20),
    )  # fmt: skip
    found = shifting_bottleneck(log)
    assert found.sole == pytest.approx({"a": 0.5, "b": 0})
    assert found.idle == pytest.approx(0.5)


def test_a_break_of_the_whole_line_stands_still():
    """Time in which every station is off or stopped is not counted, and the period goes on behind it."""
    rows = []
    for name, own in (("a", "running"), ("b", "starved")):
        rows += [(name, own, 0, 10), (name, "off", 10, 25), (name, "stopped", 25, 30), (name, own, 30, 50)]
    rows += [("c", "running", 0, 10), ("c", "stopped", 10, 30), ("c", "running", 30, 35), ("c", "blocked", 35, 50)]
    found = shifting_bottleneck(log_of(*rows))
    assert found.counted_s == 30.0
    assert found.sole == pytest.approx({"a": 1.0, "b": 0, "c": 0})
    assert (found.from_s.tolist(), found.to_s.tolist()) == ([0], [50])


def test_a_bottleneck_that_begins_behind_a_break():
    """Where the bottleneck changes over a break, the one before ends at its beginning, the next begins at its end."""
    rows = [("a", "running", 0, 10), ("a", "off", 10, 30), ("a", "starved", 30, 50)]
    rows += [("b", "blocked", 0, 10), ("b", "off", 10, 30), ("b", "running", 30, 50)]
    found = shifting_bottleneck(log_of(*rows))
    assert (found.station, found.from_s.tolist(), found.to_s.tolist()) == (("a", "b"), [0, 30], [10, 50])


def test_a_station_stopped_alone_is_counted():
    """While others work, a station's own planned stop is inactive unless asked for, and the clock runs on."""
    log = log_of(("a", "stopped", 0, 10), ("a", "running", 10, 12), ("b", "running", 0, 5), ("b", "starved", 5, 12))
    assert shifting_bottleneck(log).sole == pytest.approx({"a": 2 / 12, "b": 5 / 12})
    assert shifting_bottleneck(log, active=(*ACTIVE, "stopped")).sole == pytest.approx({"a": 1.0, "b": 0})


def test_exact_ties_are_nobodys_alone():
    """Two stations that are never idle share the bottleneck: shifting all the time, sole never."""
    found = shifting_bottleneck(covered({"a": [(0, 10)], "b": [(0, 10)], "c": [(2, 3)]}, 10.0))
    assert found.sole == {"a": 0, "b": 0, "c": 0}
    assert found.shifting == pytest.approx({"a": 1, "b": 1, "c": 0})
    assert (found.moving, found.idle) == (1, 0)


def test_nobody_active():
    """Without an active period there is no bottleneck, and it says so."""
    found = shifting_bottleneck(log_of(("a", "starved", 0, 5), ("b", "blocked", 0, 5)))
    assert (found.primary, found.idle) == (None, 1.0)
    assert found.sentence == "No bottleneck: no station was active in the counted time."


def test_a_line_that_was_off_throughout_has_no_time():
    """A window in which everybody was off counts no time and names nobody."""
    found = shifting_bottleneck(log_of(("a", "off", 0, 5), ("b", "stopped", 0, 5)))
    assert (found.primary, found.counted_s) == (None, 0.0)


def test_constant_line_with_one_slow_machine():
    """With constant times the slowest station is the sole bottleneck all the time, once the line has filled."""
    times = np.repeat([[1.0], [1.2], [2.0], [1.5]], 60, axis=1)
    log = line_log(times, [2, 2, 2])
    found = shifting_bottleneck(log, window_s=(20.0, 110.0))
    assert found.sole == pytest.approx({"s0": 0, "s1": 0, "s2": 1, "s3": 0})
    assert found.shifting == pytest.approx({"s0": 0, "s1": 0, "s2": 0, "s3": 0})


def by_definition(periods: list[tuple[int, int, int]], stations: int, end: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Slow twin: second by second the longest period under way; then overlaps of neighbouring winners, cell by cell."""
    winners: list[tuple[int, int, int]] = []
    idle = 0
    for t in range(end):
        under_way = [p for p in periods if p[1] <= t < p[2]]
        if not under_way:
            idle += 1
            continue
        best = min(under_way, key=lambda p: (-(p[2] - p[1]), p[1], p[0]))
        if not winners or winners[-1] != best:
            winners.append(best)
    sole, shifting = np.zeros(stations), np.zeros(stations)
    for k, (station, a, b) in enumerate(winners):
        rivals = winners[max(0, k - 1) : k] + winners[k + 1 : k + 2]
        rivals += [p for p in periods if p[1:] == (a, b) and p[0] != station]
        tied = {p[0] for p in periods if p[1:] == (a, b)}
        for t in range(a, b):
            if any(p[1] <= t < p[2] for p in rivals):
                shifting[sorted(tied)] += 1
            else:
                sole[station] += 1
    return sole / end, shifting / end, idle / end


def test_slow_twin_and_sums():
    """Random logs agree with the definition evaluated second by second, and the shares add up."""
    rng = np.random.default_rng(11)
    for case in range(60):
        stations, end = int(rng.integers(1, 6)), 60
        rows, periods = [], []
        for i in range(stations):
            cuts = np.unique(rng.integers(0, end + 1, rng.integers(1, 14)))
            edges = np.unique(np.concatenate([[0], cuts, [end]]))
            on = bool(rng.integers(2))
            for a, b in pairwise(edges):
                rows.append((f"s{i}", rng.choice(ACTIVE) if on else "blocked", float(a), float(b)))
                if on:
                    periods.append((i, int(a), int(b)))
                on = not on
        found = shifting_bottleneck(log_of(*[rows[i] for i in rng.permutation(len(rows))]))
        names = [f"s{i}" for i in range(stations)]
        sole, shifting, idle = by_definition(periods, stations, end)
        assert [found.sole[s] for s in names] == pytest.approx(sole), case
        assert [found.shifting[s] for s in names] == pytest.approx(shifting), case
        assert found.idle == pytest.approx(idle), case
        assert sum(found.sole.values()) + found.moving + found.idle == pytest.approx(1)
        assert sum(found.momentary.values()) + found.idle == pytest.approx(1)
        for s in names:
            assert found.sole[s] - 1e-12 <= found.momentary[s] <= found.sole[s] + found.shifting[s] + 1e-12
        assert np.sum(found.to_s - found.from_s) == pytest.approx((1 - idle) * end)


def test_both_rules_find_the_slow_station_of_a_random_line():
    """On an exponential line with one station slower by half both rules name it, from the same run."""
    rng = np.random.default_rng(5)
    times = rng.exponential([[1.0], [1.0], [1.6], [1.0], [1.0]], (5, 3000))
    log = line_log(times, [3, 3, 3, 3])
    length = log.end_s - log.start_s
    shares = {
        state: np.bincount(log.station, length * (log.state == log.states.index(state)), 5) / log.end_s.max()
        for state in ("blocked", "starved")
    }
    assert arrow_rule(shares["blocked"], shares["starved"]).bottlenecks == (2,)
    found = shifting_bottleneck(log)
    assert found.primary == "s2"
    assert found.sole["s2"] > 0.5


def test_a_large_log_closes_too():
    """The shares of a day of 300 stations, 600,000 rows, add up; a quadratic way would not end."""
    rng = np.random.default_rng(7)
    stations, rows = 300, 2000
    lengths = rng.exponential(1.0, (stations, rows))
    ends = np.cumsum(lengths, axis=1)
    ends *= 86_400.0 / ends[:, -1:]
    starts = np.concatenate([np.zeros((stations, 1)), ends[:, :-1]], axis=1)
    state = np.tile(np.arange(rows) % 2 * 2, (stations, 1))  # running, blocked, running ...
    log = StateLog(
        np.repeat(np.arange(stations), rows), state.ravel(), starts.ravel(), ends.ravel(),
        tuple(f"s{i}" for i in range(stations)),
    )  # fmt: skip
    found = shifting_bottleneck(log)
    assert sum(found.sole.values()) + found.moving + found.idle == pytest.approx(1)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (
            [("a", "running", 0, 4), ("a", "down", 5, 9)],
            "Station a is not logged from 4 s to 5 s; give it one state at any time ('off' where nobody was there).",
        ),
        (
            [("a", "running", 0, 6), ("a", "down", 5, 9)],
            "Station a is in two states from 5 s to 6 s; give it one state at any time ('off' where nobody was there).",
        ),
        (
            [("a", "running", 0, 9), ("b", "down", 0, 5)],
            "Station b is not logged from 5 s to 9 s; log every station to the end of the window, "
            "or end the window sooner.",
        ),
        (
            [("a", "runing", 0, 9)],
            "There is no state 'runing'. Did you mean 'running'? A station is: running, setup, blocked, starved, "
            "waiting, down, stopped, off.",
        ),
        ([("a", "down", 9, 4)], "Row 0 of the log lasts from 9 s to 4 s; give an end that is not before the start."),
        ([("a", "down", 4, 4)], "A window from 4 s to 4 s has no length; give a start before its end."),
    ],
)
def test_logs_that_contradict_themselves_are_refused(rows, says):
    """A gap, an overlap, an unknown state, time that runs backwards: one sentence each."""
    with pytest.raises(BadLog) as refused:
        shifting_bottleneck(log_of(*rows))
    assert str(refused.value) == says
