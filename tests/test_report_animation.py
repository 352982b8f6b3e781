"""A trial seen from above: the animation says what the frames say, loads nothing, runs nothing, and stays small."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from jangin import cli
from jangin.errors import BadFolder, BadTask
from jangin.qualify import qualify
from jangin.record import RunFolder
from jangin.report import Footage, report
from jangin.report.animation import POSES, document, moving, stills
from jangin.report.film_charts import HOLD_S, READOUTS, Clock
from jangin.task import Channel, Filmed, Frame, Scenery, Shape, Signals
from jangin.view import film, films
from toy import Toy, ToyWorld

VALUES = Signals(
    (
        Channel("gap_m", "m", low=0.0, high=50.0),
        Channel("ttc_s", "s", low=0.0, high=10.0),
        Channel("shield", "1", low=0.0, high=1.0),
    )
)
HOSTILE = '"><script>alert(1)</script>'


def square(kind: str, half: float, *, closed: bool = True) -> Shape:
    return Shape(kind, np.array([[-half, -half], [half, -half], [half, half], [-half, half]]), closed)


def footage(n=21, dt=0.5, others=1, *, view=None, kinds=(), values=None, shapes=(), **more) -> Footage:
    """A driven box at 2 m/s along x that turns at 0.3 rad/s, and others that keep their distances to it."""
    frames = []
    for k in range(n):
        t = dt * k
        rows = [[2.0 * t, 0.0, 0.3 * t, 4.5, 1.8]]
        rows += [[2.0 * t + 7.0 * j, 3.5, 0.0, 4.0 + 0.01 * j, 1.7] for j in range(1, others + 1)]
        said = values(k) if values else {"gap_m": 20.0 - k, "ttc_s": np.inf if k < 5 else 12.0 - 0.5 * k, "shield": 0.0}
        names = ("driven", *(kinds[j % len(kinds)] if kinds else "vehicle" for j in range(others)))
        frames.append(Frame(t, np.array(rows), names, tuple(range(1 + others)), said, view and view(t)))
    scenery = Scenery((square("floor", 60.0), *shapes), (80.0, 20.0), VALUES)
    return Footage("Trial 3: success at 10.0 s", "success", True, scenery, tuple(frames), **more)


class Elements(HTMLParser):
    """Every tag with its attributes, and the tags of an animation under the element that they move."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.under: list[list[dict[str, str]]] = []
        self.words: list[str] = []
        self.groups: list[list[dict[str, str]]] = []
        self.feed(markup)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "g":
            self.groups.append([])
            self.under.append(self.groups[-1])
        elif self.groups and (tag.startswith("animate") or dict(attrs).get("class", "").startswith("box ")):
            self.groups[-1].append(dict(attrs))

    def handle_endtag(self, tag):
        if tag == "g":
            self.groups.pop()

    def handle_data(self, data):
        self.words.append(data)


def keys(animation: dict[str, str], round_s: float) -> tuple[np.ndarray, np.ndarray]:
    """Key times [s] and values of an animation."""
    times = np.array([float(v) for v in animation["keytimes"].split(";")]) * round_s
    return times, np.array([[float(v) for v in one.split()] for one in animation["values"].split(";")])


def boxes(markup: str, round_s: float) -> list[tuple[dict, dict, dict]]:
    """Of each box that moves: its size, and its animations of place and of heading."""
    found = []
    for group in Elements(markup).under:
        size = [a for a in group if a.get("class", "").startswith("box")]
        moves = {a["type"]: a for a in group if a.get("attributename") == "transform"}
        if size and moves:
            found.append((size[0], moves["translate"], moves["rotate"]))
    return found


def test_key_values_are_the_frames():
    """At every frame's time each box is, by the animation, where the frame has it: to a centimetre and 0.01 degree."""
    f = footage()
    clock = Clock.of(f)
    drawn = boxes(moving(f, "f"), clock.round_s)
    assert len(drawn) == 2
    t = np.array([one.t_s for one in f.frames])
    for size, place, turn in drawn:
        row = 0 if size["class"] == "box driven" else 1
        poses = np.array([one.boxes[row] for one in f.frames])
        assert float(size["width"]) == pytest.approx(poses[0, 3], abs=0.005)
        assert float(size["height"]) == pytest.approx(poses[0, 4], abs=0.005)
        times, xy = keys(place, clock.round_s)
        # key times are rounded to 1e-5 of a round, in which this box drives less than a millimetre
        for axis in (0, 1):
            np.testing.assert_allclose(np.interp(t, times, xy[:, axis]), poses[:, axis], atol=0.006)
        times, angle = keys(turn, clock.round_s)
        np.testing.assert_allclose(np.interp(t, times, angle[:, 0]), np.degrees(poses[:, 2]), atol=0.01)
        assert turn["additive"] == "sum"


def test_a_key_value_for_each_frame_and_one_for_the_end():
    """A box that never rests has a key value for each frame, and its last one is held until the round ends."""
    f = footage(n=33)
    clock = Clock.of(f)
    for _, place, _ in boxes(moving(f, "f"), clock.round_s):
        times, xy = keys(place, clock.round_s)
        assert len(times) == 33 + 1
        assert times[0] == 0.0
        assert times[-1] == pytest.approx(clock.round_s)
        assert np.array_equal(xy[-1], xy[-2])
        assert times[-1] - times[-2] == pytest.approx(HOLD_S, abs=1e-3)


def test_all_begins_again_at_once():
    """Every animation lasts one round: the trial in real time and a while; key times run from 0 to 1 and never back."""
    f = footage(others=5)
    clock = Clock.of(f)
    assert clock.round_s == pytest.approx(f.end_s + HOLD_S)
    found = [a for tag, a in Elements(moving(f, "f")).tags if tag.startswith("animate")]
    assert len(found) > 10
    for a in found:
        assert a["dur"] == f"{clock.round_s:g}s"
        assert a["repeatcount"] == "indefinite"
        times = [float(v) for v in a["keytimes"].split(";")]
        assert len(times) == len(a["values"].split(";"))
        assert times == sorted(times)
        assert times[0] == 0.0
        assert times[-1] == 1.0 or a.get("calcmode") == "discrete"


def test_what_rests_takes_no_room():
    """A transform that does not change has two key values, and one that rests in between is not said again."""
    clock = Clock(0.0, 10.0)
    t = np.arange(11.0)
    assert 'values="5;5"' in clock.animated("rotate", t, ["5"] * 11)
    assert 'values="1;1;2;2;2"' in clock.animated("rotate", t, ["1"] * 6 + ["2"] * 5)


def test_in_between_frames_are_shown():
    """Frames of the substeps between two control periods are key values too, in order of time."""
    f = footage(n=5, dt=1.0)
    half = [dataclasses.replace(a, t_s=a.t_s - 0.5, boxes=a.boxes - [1.0, 0, 0.15, 0, 0], values={}) for a in f.frames]
    between = dataclasses.replace(
        f, frames=tuple(dataclasses.replace(a, before=(h,) if a.t_s else ()) for a, h in zip(f.frames, half))
    )
    assert [a.t_s for a in between.all_frames] == [0.5 * k for k in range(9)]
    assert between.moments(POSES).t_s.tolist() == [0.5 * k for k in range(9)]
    assert between.series("gap_m")[0].tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_who_comes_in_again_elsewhere_does_not_fly_there():
    """A box that is suddenly far from where it was is two stretches, and none of them holds the way between."""
    f = footage(n=9, others=5)
    frames = list(f.frames)
    for k in range(5, 9):
        moved = frames[k].boxes.copy()
        moved[5, 0] -= 60.0  # from 35 m ahead to 25 m behind
        frames[k] = dataclasses.replace(frames[k], boxes=moved)
    broken = dataclasses.replace(f, frames=tuple(frames))
    mine = [s for s in broken.moments(POSES).stretches if s.id == 5]
    assert [(s.first, len(s.poses)) for s in mine] == [(0, 5), (5, 4)]
    assert all(np.abs(np.diff(s.poses[:, 0])).max() < 2.0 for s in mine)


def test_who_is_not_there_is_not_shown():
    """A box that is in no frame for a while is hidden then, and visible at the times of its own frames."""
    f = footage(n=9, dt=1.0)
    frames = [
        dataclasses.replace(a, boxes=a.boxes[:1], kinds=a.kinds[:1], ids=a.ids[:1]) if 3 <= k <= 5 else a
        for k, a in enumerate(f.frames)
    ]
    gone = dataclasses.replace(f, frames=tuple(frames))
    mine = [s for s in gone.moments(POSES).stretches if s.id == 1]
    assert [(s.first, len(s.poses)) for s in mine] == [(0, 3), (6, 3)]
    shown = [a for tag, a in Elements(moving(gone, "f")).tags if a.get("attributename") == "visibility"]
    spans = [(a["keytimes"], a["values"]) for a in shown]
    assert ("0;0.2", "visible;hidden") in spans
    assert ("0;0.6", "hidden;visible") in spans


def test_a_box_that_never_comes_near_is_left_out():
    """Only boxes that are in the window at some time are drawn; the window follows the driven one."""
    f = footage(others=12)  # 7 m apart, up to 84 m ahead; the window reaches 40 m
    drawn = {s.id for s in f.moments(POSES).stretches}
    assert drawn == {k for k in range(13) if k == 0 or 7.0 * k <= 40.0 + 6.0 + 0.5 * np.hypot(4.0 + 0.01 * k, 1.7)}


def test_the_window_turns_with_the_view():
    """The world is moved and turned against the window's pose, so that what is there is drawn in the middle."""
    f = footage(view=lambda t: (2.0 * t, 0.0, 0.3 * t))
    clock = Clock.of(f)
    moved = [a for tag, a in Elements(moving(f, "f")).tags if tag == "animatetransform"]
    first = next(k for k, a in enumerate(moved) if a["type"] == "rotate")
    turn, shift = moved[first], moved[first + 1]
    t = np.array([a.t_s for a in f.frames])
    times, angle = keys(turn, clock.round_s)
    np.testing.assert_allclose(np.interp(t, times, angle[:, 0]), -np.degrees(0.3 * t), atol=0.01)
    times, xy = keys(shift, clock.round_s)
    np.testing.assert_allclose(np.interp(t, times, xy[:, 0]), -2.0 * t, atol=0.006)


def test_the_shield_rings_the_driven_box_in_its_periods():
    """The ring is visible exactly in the periods whose share is above 0: from the frame before to the frame itself."""
    f = footage(n=9, dt=1.0, values=lambda k: {"shield": {3: 1.0, 4: 0.2, 7: 0.4}.get(k, 0.0)})
    svg = moving(f, "f")
    ring = re.search(r'<g visibility="hidden"><animate ([^>]*)/><rect [^>]*class="halo"/></g>', svg)
    assert ring
    assert 'keyTimes="0;0.2;0.4;0.6;0.7"' in ring[1]  # of a round of 10 s
    assert 'values="hidden;visible;hidden;visible;hidden"' in ring[1]
    assert "The shield acted in 3 of 8 control periods." in svg
    assert re.findall(r"<tspan[^>]*>([^<]+ %)</tspan>", svg) == ["0 %", "100 %", "20 %", "0 %", "40 %", "0 %"]
    number = next(a for tag, a in Elements(svg).tags if a.get("values", "").count("0 -") == 5 and "-110" in a["values"])
    assert number["keytimes"] == "0;0.2;0.3;0.4;0.6;0.7"  # while the ring is there


def test_charts_show_what_was_reported():
    """A chart for each value that was reported, none for others; the line breaks where a value is infinite."""
    f = footage(values=lambda k: {"gap_m": 20.0 if k != 4 else np.inf})
    assert [v.name for v in f.charted()] == ["gap_m"]
    svg = moving(f, "f")
    line = re.search(r'<path d="([^"]+)" class="line policy"/>', svg)
    assert line
    assert line[1].count("M") == 2
    assert line[1].count("L") == 21 - 1 - 2
    assert ">gap [m]<" in svg
    assert ">ttc" not in svg


def test_limits_are_lines():
    """The task's limit on a value is drawn, also one on its inverse: 1 / 0.5 a second is a time to collision of 2 s."""
    f = footage(limits={"inverse_ttc_1_s": 0.5, "force_n": 3.0})
    assert [f.limit_of(v) for v in VALUES] == [None, 2.0, None]
    assert moving(f, "f").count("limit 2 s") == 1
    assert "limit" not in moving(footage(), "f")
    assert footage(limits={"gap_m": 10.0}).limit_of(VALUES.channels[0]) == 10.0


def test_the_numbers_that_run_are_the_values():
    """Each number beside a chart is shown from its frame's time on, as the frame has it; a dash for an infinite one."""
    f = footage(n=9, dt=1.0, values=lambda k: {"gap_m": 20.5 - k, "ttc_s": np.inf if k < 5 else 5.0})
    said = re.findall(r"<tspan[^>]*>([^<]+)</tspan>", moving(f, "f"))
    assert [f"{20.5 - k:.1f} m" for k in range(9)] == [w for w in said if w.endswith(" m")]
    assert [w for w in said if w == "–" or w == "5.0 s"][-2:] == ["–", "5.0 s"]
    steps = [a for tag, a in Elements(moving(f, "f")).tags if a.get("calcmode") == "discrete" and "-22" in a["values"]]
    assert steps[1]["keytimes"] == "0;0.1;0.2;0.3;0.4;0.5;0.6;0.7;0.8"


def test_the_least_is_said_in_words():
    """Who cannot see the picture reads how close it came, and when."""
    f = footage(n=21)
    assert "Gap from 0 to 20.0 m, least at 10.0 s. Ttc from 2.00 to 9.50 s, least at 10.0 s." in moving(f, "f")


# ── a page that is whole, and small ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("make", [lambda f: document(f), lambda f: moving(f, "k") + stills(f, "k")])
def test_nothing_is_loaded_and_nothing_runs(make):
    """No script, no handler, no address, no foreign style; references are to ids of the same page."""
    markup = make(footage(shapes=(square("goal", 2.0), square("lane edge", 3.0, closed=False))))
    page = Elements(markup)
    assert "http" not in markup
    assert "url(" not in markup
    assert not {"script", "link", "iframe", "object", "embed", "foreignobject", "image", "img"} & {
        t for t, _ in page.tags
    }
    assert not [a for _, attributes in page.tags for a in attributes if a.startswith("on")]
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids))
    assert {a["href"] for _, a in page.tags if "href" in a} <= {f"#{one}" for one in ids}


def test_hostile_names_are_text():
    """Markup in a title, an outcome, a kind of box or ground, or a value's name comes out as text."""
    hostile = Signals((Channel(f"{HOSTILE}_m", "m", low=0.0, high=1.0),))
    f = footage(kinds=(HOSTILE,), values=lambda k: {f"{HOSTILE}_m": 0.5}, shapes=(square(HOSTILE, 1.0),))
    f = dataclasses.replace(
        f, title=HOSTILE, outcome=HOSTILE, note=HOSTILE, scenery=dataclasses.replace(f.scenery, values=hostile)
    )
    page = Elements(document(f))
    assert "script" not in {tag for tag, _ in page.tags}
    assert HOSTILE in "".join(page.words)


def test_a_film_and_its_stills_have_text_alternatives():
    """Both are images with a label, a title and a description."""
    for svg in (moving(footage(), "f"), stills(footage(), "f")):
        head = re.match(r'<svg [^>]*role="img" aria-label="([^"]+)"><title>([^<]+)</title><desc>([^<]+)</desc>', svg)
        assert head
        assert head[1] == head[2] == "Trial 3: success at 10.0 s"
        assert not re.search(r"\b(nan|inf|None)\b", svg)


def test_stills_do_not_move():
    """Stills have no animation; the last is the end, with how it ended; of a failure all are of its last seconds."""
    f = footage(n=41)
    assert "animate" not in stills(f, "f")
    assert re.findall(r'class="ending">([^<]+)<', stills(f, "f")) == ["0.0 s", "5.0 s", "10.0 s", "15.0 s", "20.0 s"]
    bad = dataclasses.replace(f, good=False, outcome="collision")
    assert re.findall(r'class="ending">([^<]+)<', stills(bad, "f")) == [
        "14.0 s",
        "15.5 s",
        "17.0 s",
        "18.5 s",
        "20.0 s",
    ]
    assert stills(bad, "f").count("✕ collision at 20.0 s") == 1


def test_a_still_is_its_own_frame():
    """Each still has the boxes where its frame has them, not where a substep before it did."""
    f = footage(n=5, dt=1.0)
    late = tuple(
        dataclasses.replace(a, before=(dataclasses.replace(a, t_s=a.t_s - 0.5, boxes=a.boxes - [1.0, 0, 0, 0, 0]),))
        for a in f.frames[1:]
    )
    svg = stills(dataclasses.replace(f, frames=(f.frames[0], *late)), "f")
    x = [float(v) for v in re.findall(r'<g transform="translate\((\S+) 0\)rotate\([^)]*\)"><rect [^>]*driven', svg)]
    times = [float(v) for v in re.findall(r'class="ending">(\S+) s<', svg)]
    assert len(times) == 5
    np.testing.assert_allclose(x, [2.0 * t for t in times], atol=0.006)


@pytest.mark.parametrize(("n", "others"), [(401, 30), (4001, 8), (801, 60)])
def test_a_trial_is_less_than_400_kilobytes(n, others):
    """However long the trial and however dense the traffic: frames are thinned evenly, and first and last are kept."""
    f = footage(n=n, dt=0.05, others=others, view=lambda t: (2.0 * t, 0.0, 0.3 * t))
    wide = dataclasses.replace(f, scenery=dataclasses.replace(f.scenery, view_m=(900.0, 100.0)))
    found = wide.moments(POSES)
    assert found.drawn <= POSES
    assert found.t_s[0] == 0.0
    assert found.t_s[-1] == wide.end_s
    gaps = np.diff(found.t_s)[1:]
    assert np.ptp(gaps) < 1e-9
    markup = moving(wide, "f") + stills(wide, "f")
    assert len(markup.encode()) < 400_000
    assert markup.count("<tspan") <= 4 * (READOUTS + 1)


def test_footage_needs_a_driven_box():
    """Frames without the driven box, and no frames at all, are mistakes of the world's and said as such."""
    f = footage(n=2)
    with pytest.raises(ValueError, match="has no 'driven' box"):
        dataclasses.replace(f, frames=tuple(dataclasses.replace(a, kinds=("truck", "truck")) for a in f.frames))
    with pytest.raises(ValueError, match="needs at least one"):
        dataclasses.replace(f, frames=())


def test_a_state_that_was_lost_ends_the_film():
    """A frame in which the driven box is nowhere is not shown; the film ends with the last that is."""
    f = footage(n=5, dt=1.0)
    lost = dataclasses.replace(f.frames[-1], boxes=np.full((2, 5), np.nan))
    assert dataclasses.replace(f, frames=(*f.frames[:-1], lost)).end_s == 3.0


# ── from a run folder ────────────────────────────────────────────────────────────────────────────────────────────


class FilmedToyWorld(ToyWorld):
    """The toy's point as a small box."""

    def scenery(self, sim):
        return Scenery((square("floor", 1.0),), (2.4, 2.4), Signals((Channel("force_n", "N", low=0.0, high=40.0),)))

    def frame(self, sim):
        box = np.array([[*self.p[sim], 0.0, 0.1, 0.06]])
        values = {"force_n": float(self.force[sim])}
        return Frame(self.t[sim] / self.task.rate_hz, box, ("driven",), (0,), values)


@dataclasses.dataclass(frozen=True)
class FilmedToy(Toy):
    """The toy, seen from above."""

    def world(self, nsim, *, threads=0, seed=0, purpose="simulate"):
        return FilmedToyWorld(self, nsim, seed, purpose)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    task = FilmedToy(bias_m=0.03)
    folder = RunFolder.create(tmp_path_factory.mktemp("film") / "run")
    qualify(task.expert(), task, seed=7, folder=folder, max_trials=128, block=64)
    return folder, task


def test_only_a_world_with_frames_is_filmed():
    """The protocol is recognised by what a world offers."""
    assert isinstance(FilmedToy().world(1), Filmed)
    assert not isinstance(Toy().world(1), Filmed)


def test_a_film_holds_the_trial_from_its_start_to_its_end(run):
    """One frame a control period and one of the end; its last force is the one the trial ended with."""
    folder, task = run
    trials = folder.read_trials("evidence/trials.parquet")
    for trial in (0, 40):
        seen = film(folder, trial, policy=task.expert(), task=task)
        assert seen.frames[0].t_s == 0.0
        steps = np.diff([f.t_s for f in seen.frames])
        np.testing.assert_allclose(steps, 1 / task.rate_hz)
        if trials["outcome"][trial] == "success":
            assert seen.end_s == pytest.approx(trials["cycle_s"][trial])
        assert seen.series("force_n")[1].max() == trials["peak_force_n"][trial]
        assert seen.limits == {"force_n": 30.0}
        assert "came out the same, bit for bit" in seen.note


def test_filmed_are_the_worst_failures_and_a_median_success(run):
    """The lowest margin of every outcome first, then a success half of whose like have a lower margin."""
    folder, task = run
    trials = folder.read_trials("evidence/trials.parquet")
    seen = films(folder, task, task.expert())
    numbers = [int(re.match(r"Trial (\d+):", f.title)[1]) for f in seen]
    good = trials["outcome"] == "success"
    assert [bool(good[k]) for k in numbers] == [False, False, True]
    assert trials["margin"][numbers[0]] == trials["margin"][~good].min()
    assert np.sum(trials["margin"][good] < trials["margin"][numbers[2]]) == good.sum() // 2


def test_the_report_shows_the_films(run):
    """Each is a part of its own, the first open; without films there is no such section and no link to one."""
    folder, task = run
    html = report(folder, films=films(folder, task, task.expert())).read_text(encoding="utf-8")
    page = Elements(html)
    assert html.count('<details class="replay"') == 3
    assert html.count('<details class="replay" open>') == 1
    assert 'href="#replays"' in html
    assert "limit 30 N" in html
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids))
    assert {a["href"][1:] for _, a in page.tags if "href" in a} <= set(ids)
    assert "http" not in html
    assert "#replays" not in report(folder).read_text(encoding="utf-8")


def test_the_same_trial_gives_the_same_film(run):
    """A film is a function of the trial."""
    folder, task = run
    pages = {document(film(folder, 5, policy=task.expert(), task=task)) for _ in range(2)}
    assert len(pages) == 1


def test_what_cannot_be_filmed_is_a_sentence(run, tmp_path):
    """A trial that is not there, and a task whose world has no frames."""
    folder, task = run
    with pytest.raises(BadFolder, match=r"^There is no trial 5000 in .*; it holds trials 0 to \d+\.$"):
        film(folder, 5000, policy=task.expert(), task=task)
    plain = RunFolder.create(tmp_path / "plain")
    qualify(Toy().expert(), Toy(), seed=0, folder=plain, block=64)
    with pytest.raises(BadTask, match=r"^The task toy/point cannot be seen from above: its world has no frames\.$"):
        film(plain, 0, policy=Toy().expert(), task=Toy())
    assert films(plain, Toy(), Toy().expert()) == []


def test_view_writes_a_page_of_any_trial(capsys, tmp_path, monkeypatch):
    """`view --out` makes one page of the trial that is named; refusals are one sentence, and no file is replaced."""
    monkeypatch.chdir(tmp_path)
    task = f"{__file__}:FilmedToy"

    def call(*words: str) -> tuple[int, str, str]:
        code = cli.main(list(words))
        return code, *capsys.readouterr()

    call("qualify", task, "--policy", "expert", "--seed", "5", "--out", "run", "--block", "64")
    view = ("view", "run", "--task", task, "--trial")
    assert 'class="replay"' in (tmp_path / "run/report.html").read_text(encoding="utf-8")
    code, out, _ = call(*view, "17", "--out", "trial.html")
    page = (tmp_path / "trial.html").read_text(encoding="utf-8")
    assert code == 0
    assert out.startswith("Trial 17: ")
    assert page.startswith("<!doctype html>")
    assert "<h1>Trial 17: " in page
    assert call(*view, "1", "--out", "trial.html")[::2] == (
        2,
        "jangin: trial.html exists and is not replaced. Give another --out, or move it away first.\n",
    )
    assert page == (tmp_path / "trial.html").read_text(encoding="utf-8")
    assert (
        "There is no trial 9000 in run/evidence/trials.parquet; it holds trials 0 to "
        in call(*view, "9000", "--out", "other.html")[2]
    )
    assert "--web does nothing with --out" in call(*view, "1", "--web", "--out", "other.html")[2]
    assert call(*view, "1")[2].endswith("viewer cannot show it. Give --out FILE.html for a film of it from above.\n")
    assert not (tmp_path / "other.html").exists()
