"""The page of a line: one whole file that says the answer's numbers, draws any line, and says what is not known."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser
from itertools import combinations, pairwise

import numpy as np
import pytest

from jangin.line.bottleneck import StateLog, arrow_rule, shifting_bottleneck
from jangin.line.iso22400 import STATES, counts_of_station, indicators, times_of_station
from jangin.line.layout import (
    Buffer,
    Constant,
    Crew,
    Cycle,
    Evidence,
    Exponential,
    Failure,
    Layout,
    Lognormal,
    Release,
    Route,
    Station,
)
from jangin.line.page import page
from jangin.line.page.content import duration, interval, not_modelled
from jangin.line.page.drawing import station_of
from jangin.line.page.gantt import _dominant, gantt
from jangin.line.page.graph import arrange
from jangin.line.result import Replications
from jangin.line.throughput import Effect, StationAnswer, Throughput
from jangin.stats.nested import halving, two_level
from jangin.stats.output import Interval, mean_interval, paired_interval

HOUR = 3600.0

# ── answers as the engines give them ─────────────────────────────────────────────────────────────────────────────


def layout_of(n: int, *, capacity: int = 5, takt_s: float | None = 65.0) -> Layout:
    """n stations in a row; every second one fails."""
    names = [f"st{i + 1:03d}" if n > 9 else ("press", "weld", "glue", "bolt", "test", "pack")[i] for i in range(n)]
    tip = Failure("tip", after=Exponential(HOUR), repair=Exponential(240.0))
    stations = tuple(
        Station(
            name,
            Cycle(Lognormal(55.0, 0.3)) if i % 2 else Cycle(Constant(52.0)),
            machines=1 + (i == 2),
            failures=(tip,) if i % 2 else (),
            pri_s=54.0 if i else None,
        )
        for i, name in enumerate(names)
    )
    buffers = tuple(Buffer(f"b{i + 1}", (a,), (z,), capacity) for i, (a, z) in enumerate(pairwise(names)))
    return Layout("door", stations, buffers, takt_s=takt_s)


def looped() -> Layout:
    """Two ways, an assembly with a sub-line, a rework buffer of its own and rework into a buffer of the line."""
    cycle = Cycle(Lognormal(50.0, 0.2))
    stations = (
        Station("press", cycle, routes=(Route("left", 0.6), Route("right", 0.4))),
        Station("weld left", cycle),
        Station("weld right", cycle),
        Station("bracket", cycle),
        Station("marriage of door and frame", cycle, assemble=True),
        Station("paint", cycle, setup=None),
        Station("inspect", cycle, rework=0.08, rework_to="again", scrap=0.01),
        Station("test", cycle, rework=0.03, rework_to="to paint"),
    )
    buffers = (
        Buffer("left", ("press",), ("weld left",), 4),
        Buffer("right", ("press",), ("weld right",), 4),
        Buffer("welded", ("weld left", "weld right"), ("marriage of door and frame",), 120),
        Buffer("brackets", ("bracket",), ("marriage of door and frame",), None),
        Buffer("to paint", ("marriage of door and frame", "test"), ("paint",), 6),
        Buffer("painted", ("paint",), ("inspect",), 6),
        Buffer("again", ("inspect",), ("paint",), 3),
        Buffer("inspected", ("inspect",), ("test",), 0),
    )
    return Layout("door with rework", stations, buffers, takt_s=80.0)


def log_of(layout: Layout, rng: np.random.Generator, hours: float = 8.0, mean_s: float = 60.0) -> StateLog:
    """Every machine changes at random between running and the others, without gap."""
    rows: list[tuple[int, int, float, float]] = []
    names: list[str] = []
    for s in layout.stations:
        for m in range(s.machines):
            at = 0.0
            while at < hours * HOUR:
                running = not rows or rows[-1][0] != len(names) or rows[-1][1] != 0
                weights = [0, 0.02, 0.3, 0.5, 0, 0.18 if s.failures else 0, 0, 0.0]
                state = 0 if running else int(rng.choice(8, p=np.array(weights) / sum(weights)))
                lasts = rng.exponential({0: 6 * mean_s, 5: 4 * mean_s}.get(state, mean_s))
                end = min(at + lasts, hours * HOUR)
                rows.append((len(names), state, at, end))
                at = end
            names.append(s.name if s.machines == 1 else f"{s.name} {m + 1}")
    station, state, start, end = (np.array(c) for c in zip(*rows, strict=True))
    return StateLog(station, state, start, end, tuple(names))


def answer_of(layout: Layout, *, seed: int = 1, replications: int = 30, mean_s: float = 60.0) -> Throughput:
    """A simulated answer, of the log's own shares."""
    rng = np.random.default_rng(seed)
    log = log_of(layout, rng, mean_s=mean_s)
    names = [s.name for s in layout.stations]
    seconds = np.zeros((len(names), len(STATES)))
    which = np.array([names.index(station_of(m, names)) for m in log.stations])
    np.add.at(seconds, (which[log.station], log.state), log.end_s - log.start_s)
    shares = seconds / seconds.sum(axis=1, keepdims=True)
    stations = []
    for s, own, time in zip(layout.stations, shares, seconds):
        found = indicators(
            times_of_station(dict(zip(STATES, time.tolist())), pri=s.pri_s),
            counts_of_station(finished=480.0, good=470.0, scrapped=10.0, reworked=0.0),
        )
        stations.append(StationAnswer(s.name, dict(zip(STATES, own.tolist())), float(58 + own[0]), found))
    good = rng.normal(58.2 * 16, 14.0, replications).round()
    runs = Replications(
        seconds=np.full(replications, 16 * HOUR), good=good, scrapped=np.zeros(replications),
        wip=rng.normal(14, 1, replications), lead_s=rng.normal(900, 30, replications),
        states=np.repeat(seconds[None], replications, 0), finished=np.ones((replications, len(names))),
        station_scrapped=np.zeros((replications, len(names))), reworked=np.zeros((replications, len(names))),
        buffers=np.zeros((replications, len(layout.buffers))), engine="events",
        stuck=np.full(replications, np.inf),
    )  # fmt: skip
    effects = [
        Effect(s.name, "cycle time 10 % shorter", paired_interval(rng.normal(2.5 / (i + 1), 1.0, 20), np.zeros(20)))
        for i, s in enumerate(layout.stations)
    ] + [
        Effect(b.name, "one place more", paired_interval(rng.normal(-0.05, 0.6, 20), np.zeros(20)))
        for b in layout.buffers
    ]
    return Throughput(
        layout=layout, engine="events", why="failures and buffers of limited size", exact=False,
        per_hour=mean_interval(runs.per_hour), wip=mean_interval(runs.wip), lead_s=mean_interval(runs.lead_s),
        stations=tuple(stations),
        buffers={b.name: float(rng.uniform(0, b.capacity if b.capacity is not None else 30)) for b in layout.buffers},
        sentence=f"{layout.name} makes 58.2 good parts per hour; the bottleneck is {names[1]}.",
        seed=7, replications=replications, warmup_s=7200.0, horizon_s=16 * HOUR, runs=runs,
        arrow=arrow_rule(shares[:, 2], shares[:, 3], names=names), shifting=shifting_bottleneck(log), log=log,
        effects=tuple(effects), takt_met=0.97, compile_s=1.84,
        warnings=("The evidence of weld is 40 days old; 30 are allowed.",),
    )  # fmt: skip


def evidenced() -> Throughput:
    """A line in which one station is the evidence of a policy: an interval in two parts."""
    base = answer_of(layout_of(5), replications=1000)
    weld = dataclasses.replace(base.layout.stations[1], cycle=Cycle(Evidence("runs/peg")))
    rng = np.random.default_rng(3)
    rates = rng.normal(58.0, 0.8, (200, 1)) + rng.normal(0.0, 0.6, (200, 5))
    split = two_level(rates)
    runs = dataclasses.replace(base.runs, good=rates.ravel() * 16)
    layout = dataclasses.replace(
        base.layout, stations=(base.layout.stations[0], weld, *base.layout.stations[2:]), takt_s=62.0
    )
    return dataclasses.replace(
        base, layout=layout, runs=runs, split=split, per_hour=split.mean, takt_met=0.42,
        halving={"weld": halving(split.between, split.within, 412)},
    )  # fmt: skip


def analytic() -> Throughput:
    """An exact answer: nothing was simulated."""
    layout = layout_of(2, takt_s=None)
    stations = tuple(StationAnswer(n, {"running": 0.8, "starved": 0.2}, 60.0, None) for n in ("press", "weld"))
    return Throughput(
        layout=layout, engine="analytic", why="an exact chain fits", exact=True,
        per_hour=Interval(56.7567567, 0.0, 0.95, 1), wip=None, lead_s=None, stations=stations, buffers={"b1": 2.5},
        sentence="door makes 56.757 good parts per hour.",
    )  # fmt: skip


ANSWERS = {
    "five": lambda: answer_of(layout_of(5)),
    "loop": lambda: answer_of(looped()),
    "many": lambda: answer_of(layout_of(300), mean_s=20.0),
    "evidence": evidenced,
    "analytic": analytic,
}


@pytest.fixture(scope="module")
def made():
    """Each answer and its page."""
    answers = {name: make() for name, make in ANSWERS.items()}
    return {name: (answer, page(answer)) for name, answer in answers.items()}


# ── the document ─────────────────────────────────────────────────────────────────────────────────────────────────


class Page(HTMLParser):
    """Tags, words, and whether every tag is closed in its order."""

    VOID = {"meta", "br"}  # in drawings every tag is closed, for it may be XML

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []
        self.tags: list[tuple[str, dict]] = []
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


@pytest.mark.parametrize("name", ANSWERS)
def test_every_page_is_whole_and_loads_nothing(made, name):
    """Every tag is closed, every number drawn is finite, ids are unique, and nothing outside the file is named."""
    html = made[name][1]
    found = Page(html)
    assert not [t for t, _ in found.tags if t in {"script", "link", "img", "iframe", "object"}]
    assert not re.search(r"https?:|//[a-z]|@import|src=", html)
    assert set(re.findall(r"url\(([^)]*)\)", html)) <= {"#tip", "#tip-back"}
    assert not re.search(r'="[^"]*\b(nan|inf)\b', "".join(re.findall(r"<(?:rect|path|line|circle|text)[^>]*>", html)))
    ids = [a["id"] for _, a in found.tags if "id" in a]
    assert len(ids) == len(set(ids))
    targets = [a["href"][1:] for t, a in found.tags if t == "a"]
    assert set(targets) <= set(ids)


@pytest.mark.parametrize("name", ANSWERS)
def test_numbers_on_the_page_are_the_answers(made, name):
    """The rate with its interval, every share, rate, effect, seed and horizon stand on the page."""
    answer, html = made[name]
    words = Page(html).text
    rate = answer.per_hour
    assert answer.sentence in words
    if answer.split is None:
        assert interval(rate) in words
    else:
        assert f"{rate.mean:.1f}" in words
    for s in answer.stations:
        for value in s.shares.values():
            assert value == 0 or f"{100 * value:.1f}" in words
    for e in answer.effects:
        assert interval(e.per_hour.difference) in words
    for w in answer.warnings:
        assert words.index(w) < words.index(answer.sentence, words.index("Before you use"))
    if answer.replications:
        assert f"Seed {answer.seed}" in words
        assert "Horizon 16 h" in words
        assert "Warm-up left out 2 h" in words
        assert "Compile time 1.8 s" in words


def test_size_stays_small(made):
    """300 stations that change all the time are under 2 MB, a line of five under 200 kB."""
    assert len(made["many"][1].encode()) < 2_000_000
    assert len(made["five"][1].encode()) < 200_000


def test_names_are_escaped():
    """Markup in any name or sentence is text on the page."""
    evil = '<script>alert("1")</script>&'
    names = {"press": evil, "b1": f"b{evil}"}
    base = layout_of(2)
    stations = tuple(dataclasses.replace(s, name=names.get(s.name, s.name)) for s in base.stations)
    layout = Layout(evil, stations, (Buffer(names["b1"], (evil,), ("weld",), 2),), takt_s=60.0)
    answer = dataclasses.replace(answer_of(layout), sentence=evil, why=evil, warnings=(evil,))
    html = page(answer, command=evil)
    assert "<script" not in html
    assert Page(html).text.count(evil) >= 8


def test_state_colours_differ():
    """Within the light and within the dark scheme no two states look alike (at least 18 in CIELAB)."""
    html = page(analytic())
    colours = re.findall(r"--s-(\w+): #(\w{6});", html)
    assert [k for k, _ in colours] == [*STATES, *STATES]
    for scheme in (colours[:8], colours[8:]):
        lab = {k: _lab(c) for k, c in scheme}
        for a, b in combinations(lab, 2):
            assert np.linalg.norm(lab[a] - lab[b]) > 18.0, (a, b)


def _lab(code: str) -> np.ndarray:
    rgb = np.array([int(code[i : i + 2], 16) for i in (0, 2, 4)]) / 255
    linear = np.where(rgb > 0.04045, ((rgb + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ linear
    f = np.cbrt(xyz / np.array([0.9505, 1.0, 1.089]))
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


# ── what is said ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_missing_is_said(made):
    """An answer without simulation, log, effects or indicators says so in each place."""
    words = Page(made["analytic"][1]).text
    for said in ("not measured", "No log of states was kept", "Sensitivity was not asked for", "Nothing was simulated",
                 "No indicator is known", "No bottleneck was looked for", "exact"):  # fmt: skip
        assert said in words
    assert "±" not in words


def test_unknown_indicators_have_a_reason_and_flags_are_shown(made):
    """A dash stands with its reason and its stations; what contradicts the plan is a sentence."""
    answer, html = made["five"]
    words = Page(html).text
    assert "Effectiveness – needs PRI (at press)" in words
    assert "Worker efficiency – needs APWT and APAT" in words
    flag = indicators(times_of_station({"running": 100.0}, pri=60.0), counts_of_station(
        finished=2.0, good=2.0, scrapped=0.0, reworked=0.0))  # fmt: skip
    other = dataclasses.replace(answer.stations[0], indicators=flag)
    flagged = page(dataclasses.replace(answer, stations=(other, *answer.stations[1:])))
    assert flag.flags[0] in Page(flagged).text


@pytest.mark.parametrize(
    ("met", "tone", "said"),
    [(0.97, "QUALIFIED", "kept, with probability 97"), (0.42, "UNDECIDED", "neither is sure"),
     (0.0, "NOT_QUALIFIED", "not kept"), (None, "UNDECIDED", "not computed")],
)  # fmt: skip
def test_takt(made, met, tone, said):
    """The verdict on the takt follows its probability; without a takt there is no verdict."""
    html = page(dataclasses.replace(made["five"][0], takt_met=met))
    assert f'class="verdict {tone}"' in html
    assert said in Page(html).text
    assert 'class="verdict PLAIN"' in made["analytic"][1]


def test_evidence_splits_the_interval(made):
    """Both parts of the interval and the trials that halve it stand at the top."""
    answer, html = made["evidence"]
    top = Page(html[: html.index("<nav")] + "</header></main></body></html>").text
    assert f"{answer.split.long_run[0]:.1f} to {answer.split.long_run[1]:.1f}" in top
    assert f"{answer.split.single_run[0]:.1f} to {answer.split.single_run[1]:.1f}" in top
    assert "1,236" in top


def test_what_is_not_modelled_follows_the_layout():
    """Each sentence goes once the thing is declared, and names the stations where it is not."""
    plain = " ".join(not_modelled(layout_of(5)))
    assert "No failures are declared at press, glue, test." in plain
    assert "Material is always there at press." in plain
    tip = Failure("tip", Exponential(9.0), Exponential(1.0), crew="fitters")
    base = layout_of(5)
    rich = dataclasses.replace(
        base,
        stations=tuple(dataclasses.replace(s, failures=(tip,), scrap=0.1, operator="hand") for s in base.stations),
        crews=(Crew("fitters", 1, speed_m_s=1.0),),
        releases=(Release("press", "push", Exponential(60.0)),),
    )
    now = " ".join(not_modelled(rich))
    for gone in ("No failures", "crew", "No scrap", "No operator", "Material"):
        assert gone in plain or gone == "crew"
        assert gone not in now


def test_numbers_in_words():
    """Two digits of the half-width are seen; durations have the unit a person would use."""
    assert interval(Interval(58.2345, 0.4123, 0.95, 30)) == "58.23 ± 0.41"
    assert interval(Interval(1234.5, 12.3, 0.95, 30)) == "1,234 ± 12"
    assert interval(Interval(-0.5, 0.123, 0.95, 30)) == "−0.50 ± 0.12"
    assert interval(Interval(56.7567567, 0.0, 0.95, 1)) == "56.757"
    assert (duration(7200.0), duration(90.0), duration(12.5)) == ("2 h", "1.5 min", "12.5 s")


# ── what is drawn ────────────────────────────────────────────────────────────────────────────────────────────────


def plan_of(layout: Layout):
    nodes = [s.name for s in layout.stations] + [b.name for b in layout.buffers]
    links = [(a, b.name) for b in layout.buffers for a in b.source] + [
        (b.name, t) for b in layout.buffers for t in b.target
    ]
    sizes = dict.fromkeys(nodes, (60.0, 40.0)) | {b.name: (30.0, 20.0) for b in layout.buffers}
    return arrange(nodes, links, sizes, buffers=[b.name for b in layout.buffers], width=900.0, gap=20.0), links


def random_layout(seed: int) -> Layout:
    """Any graph: buffers between random sets of stations, loops and unreachable parts included."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 25))
    stations = tuple(Station(f"s{i}", Cycle(Constant(1.0))) for i in range(n))
    pick = lambda: tuple(f"s{i}" for i in rng.choice(n, min(n, int(rng.integers(1, 4))), replace=False))  # noqa: E731
    return Layout("any", stations, tuple(Buffer(f"b{i}", pick(), pick(), 1) for i in range(int(rng.integers(0, 30)))))


@pytest.mark.parametrize(
    "layout", [layout_of(1), layout_of(5), layout_of(300), looped(), *map(random_layout, range(60))]
)
def test_any_graph_is_drawn_without_overlap(layout):
    """Every box stands inside the picture and on no other; every link is a wire from its source to its target."""
    plan, links = plan_of(layout)
    assert set(plan.boxes) == {s.name for s in layout.stations} | {b.name for b in layout.buffers}
    assert {(w.source, w.target) for w in plan.wires} == set(links)
    boxes = sorted(plan.boxes.values(), key=lambda b: (b.y, b.x))
    for a, b in combinations(boxes, 2) if len(boxes) < 200 else pairwise(boxes):
        assert a.right <= b.x or b.right <= a.x or a.y + a.height <= b.y or b.y + b.height <= a.y
    for b in boxes:
        assert min(b.x, b.y) >= 0
        assert b.right <= plan.width
        assert b.y + b.height <= plan.height
    for w in plan.wires:
        for (x, y), box in ((w.points[0], plan.boxes[w.source]), (w.points[-1], plan.boxes[w.target])):
            assert x in (box.x, box.right)
            assert y == box.middle
        for (x0, y0), (x1, y1) in pairwise(w.points):
            assert x0 == x1 or y0 == y1
            assert -1 <= x1 <= plan.width + 1
            assert 0 <= y1 <= plan.height


@pytest.mark.parametrize("layout", [layout_of(5), layout_of(300), looped(), *map(random_layout, range(60))])
def test_no_wire_runs_through_a_box(layout):
    """No wire crosses the inside of any box."""
    plan, _ = plan_of(layout)
    for w in plan.wires:
        for (x0, y0), (x1, y1) in pairwise(w.points):
            for name, b in plan.boxes.items():
                across = min(x0, x1) < b.right - 0.1 and max(x0, x1) > b.x + 0.1
                along = min(y0, y1) < b.y + b.height - 0.1 and max(y0, y1) > b.y + 0.1
                assert not (across and along), (w, name, b)


def test_only_loops_are_drawn_back():
    """A row has no wire back; the rework loops have, and a rework buffer stands between what it joins."""
    assert not any(w.back for w in plan_of(layout_of(300))[0].wires)
    plan = plan_of(looped())[0]
    back = {(w.source, w.target) for w in plan.wires if w.back}
    assert back == {("inspect", "again"), ("again", "paint"), ("test", "to paint")}


def test_stations_and_buffers_are_drawn_with_their_numbers(made):
    """A box per station with its shares as widths, mean content over places, both bottlenecks marked."""
    answer, html = made["five"]
    drawing = html[html.index('class="chart line-drawing"') :]
    drawing = drawing[: drawing.index("</svg>")]
    assert drawing.count('class="station') == 5
    for s in answer.stations:
        part = drawing[drawing.index(f"<title>{s.name}:") :]
        widths = dict(re.findall(r'width="([\d.]+)" height="\d+" class="s-(\w+)"', part[: part.index("</g>")]))
        total = sum(float(w) for w in widths)
        for w, state in widths.items():
            assert float(w) / total == pytest.approx(s.shares[state], abs=2e-3)
    assert "▼" in drawing
    assert answer.arrow.names[answer.arrow.primary] in drawing


def test_a_machine_is_found_again_as_its_station():
    """The longest station's name that a machine's begins with, and never half a word."""
    names = ["weld", "weld 1", "press"]
    assert station_of("weld", names) == "weld"
    assert station_of("weld 1 2", names) == "weld 1"
    assert station_of("welder", names) == "welder"
    assert station_of("press.3", names) == "press"


def test_gantt_shows_what_took_most_of_a_column():
    """Columns equal a slow count over rows; a gap in the log stays empty; only the first shift is drawn."""
    rng = np.random.default_rng(5)
    log = log_of(layout_of(3), rng, hours=0.5)
    edges = np.linspace(0.0, 1800.0, 41)
    seen = _dominant(log, edges)
    for i in range(len(log.stations)):
        for c in range(40):
            took = np.zeros(8)
            for of, state, a, b in zip(log.station, log.state, log.start_s, log.end_s):
                if of == i:
                    took[state] += max(0.0, min(b, edges[c + 1]) - max(a, edges[c]))
            assert took[seen[i, c]] == pytest.approx(took.max())
    gap = StateLog(np.array([0, 0]), np.array([0, 0]), np.array([0.0, 80.0]), np.array([20.0, 100.0]), ("a",))
    assert _dominant(gap, np.linspace(0, 100, 6)).tolist() == [[0, -1, -1, -1, 0]]
    long = gantt(StateLog(np.array([0]), np.array([0]), np.array([100.0]), np.array([1e6]), ("a",)))
    assert (long.from_s, long.to_s) == (100.0, 100.0 + 8 * HOUR)


def test_parts_that_are_missing_one_by_one(made):
    """A log without a bottleneck, a bottleneck without a log, one replication, none kept: each page is whole."""
    answer = made["five"][0]
    for change in ({"shifting": None}, {"log": None}, {"runs": None}, {"arrow": None}, {"stations": ()},
                   {"buffers": {}}, {"lead_s": Interval(float("nan"), 0.0, 0.95, 1)}):  # fmt: skip
        html = page(dataclasses.replace(answer, **change))
        assert Page(html).text
        assert not re.search(r"\bnan\b|None", html)
    assert "was not kept" in page(dataclasses.replace(answer, runs=None))


def test_replications_that_stopped_for_good_are_counted(made):
    """How many replications got stuck, and the first time, stand with how it was computed."""
    answer = made["five"][0]
    stuck = np.full(30, np.inf)
    stuck[[3, 9]] = 7200.0, 5400.0
    html = page(dataclasses.replace(answer, runs=dataclasses.replace(answer.runs, stuck=stuck)))
    assert "2 of 30 replications; the first at 1.5 h" in Page(html).text


def test_pages_are_the_same_each_time(made):
    """The same answer gives the same bytes."""
    assert page(made["loop"][0]) == made["loop"][1]
