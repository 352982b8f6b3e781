"""The report: one whole file, made from the folder alone, that says what is known and says so where nothing is."""

from __future__ import annotations

import dataclasses
import json
import re
import struct
import zlib
from html.parser import HTMLParser

import numpy as np
import pytest

from jangin.engine.rollout import rollout
from jangin.errors import BadFolder
from jangin.policy import Random, Zero
from jangin.record import RunFolder
from jangin.report import folder as reading
from jangin.report import png, report
from jangin.report.charts import Axis, Line, Mark, Sample, histogram, line_chart, ticks
from jangin.report.spread import bins, by_chance, explained
from jangin.report.wording import at_least, exact, factor, number, rate, share, shown
from jangin.stats.sequential import EProcess
from jangin.task import Trials, sha256_of, task_declaration
from toy import Toy

# ── a run folder as the verbs leave it ───────────────────────────────────────────────────────────────────────────


WORDS = {
    "QUALIFIED": "Qualified",
    "NOT_QUALIFIED": "Not qualified",
    "UNDECIDED": "Undecided",
    "INVALID": "Invalid evidence",
}


def with_policy(trials: Trials, name: str) -> Trials:
    return dataclasses.replace(trials, columns={**trials.columns, "policy": np.full(len(trials), name, object)})


def verdict_of(task: Toy, trials: Trials, verdict: str, reasons: tuple[str, ...] = ()) -> dict:
    """A verdict by the real e-processes."""
    claims = []
    for claim in task.claims:
        holds = claim.indicator(trials.columns) & ~trials.invalid
        process = EProcess.begin(p0=claim.p0, alpha=claim.alpha).extended(holds)
        against, end = process.first_against(-np.log(claim.alpha)), np.array([len(process)])
        decision = "supported" if process.supported_at else "refuted" if against else "undecided"
        at = process.supported_at or against
        claims.append(
            {
                "claim": str(claim),
                "n": len(trials),
                "successes": int(holds.sum()),
                "bound": process.bound(),
                "decision": decision,
                "log_e_for": float(process.log_for(end)[0]),
                "log_e_against": float(process.log_against(end)[0]),
                "decided_at": at,
            }
        )
    return {
        "verdict": verdict,
        "sentence": f"{WORDS[verdict]}: the policy on {task.name} after {len(trials)} trials.",
        "trials": len(trials),
        "claims": claims,
        "reasons": list(reasons),
        "baselines": {},
        "hashes": {
            "plan": sha256_of(b"plan"),
            "task": sha256_of(task_declaration(task)),
            "policy": sha256_of(b"policy"),
        },
    }


def make(path, *, task=None, n=200, verdict="QUALIFIED", policy=None, reasons=(), baselines=True) -> RunFolder:
    """A folder with everything in it, from real rollouts of the toy."""
    task = task or Toy()
    folder = RunFolder.create(path)
    trials = rollout(task, policy or task.expert(), n, seed=7, purpose="evidence", size=min(n, 64))
    folder.write_json("task.json", task_declaration(task))
    folder.write_text(
        "curve.csv",
        "steps,seconds,success,cycle_s,peak_force_n,note\n0,0,0,,,start\n2048,1.5,0.4,1.8,14,\n4096,3,0.97,1.2,11.5,best\n",
    )
    folder.write_bytes("policy.onnx", b"policy")
    folder.write_text("evidence/plan.yaml", "task: toy/point\nseed: 7\nblock: 64\nmax_trials: 20000\n")
    folder.write_trials("evidence/trials.parquet", trials)
    folder.write_json("evidence/verdict.json", verdict_of(task, trials, verdict, reasons))
    if baselines:
        parts = [
            with_policy(rollout(task, p, 64, seed=7, purpose="evidence", size=64), name)
            for name, p in (("expert", task.expert()), ("zero", Zero(task)), ("random", Random(task, seed=7)))
        ]
        folder.write_trials("evidence/baselines.parquet", Trials.concat(parts))
    return folder


class Page(HTMLParser):
    """What a browser would make of it: tags with attributes, text, and whether every tag is closed."""

    VOID = {"meta", "img", "link", "br", "hr", "input", "rect", "line", "path", "circle"}

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def page_of(folder: RunFolder, **more) -> Page:
    page = Page(report(folder, **more).read_text(encoding="utf-8"))
    assert page.open == []
    return page


@pytest.fixture(scope="module")
def qualified(tmp_path_factory):
    return make(tmp_path_factory.mktemp("ok") / "run")


@pytest.fixture(scope="module")
def failing(tmp_path_factory):
    return make(tmp_path_factory.mktemp("bad") / "run", task=Toy(bias_m=0.03), n=256, verdict="NOT_QUALIFIED")


# ── the whole page ───────────────────────────────────────────────────────────────────────────────────────────────


def test_the_page_is_whole(qualified):
    """Nothing is loaded and nothing is run: no address, no script, no link but within the page, no foreign style."""
    pixels = np.zeros((4, 6, 3), np.uint8)
    path = report(qualified, pictures=[("first contact", pixels)])
    assert path == qualified / "report.html"
    html = path.read_text(encoding="utf-8")
    assert html.startswith("<!doctype html>")
    page = Page(html)
    assert page.open == []
    assert "http://" not in html
    assert "https://" not in html
    assert not {"script", "link", "iframe", "object", "embed", "base"} & {tag for tag, _ in page.tags}
    assert "@import" not in html
    assert "url(" not in html
    for tag, attributes in page.tags:
        assert not [a for a in attributes if a.startswith("on")], tag
        if "href" in attributes:
            assert attributes["href"].startswith("#")
        if "src" in attributes:
            assert attributes["src"].startswith("data:image/png;base64,")
    anchors = {a["id"] for _, a in page.tags if "id" in a}
    assert {a["href"][1:] for _, a in page.tags if "href" in a} <= anchors


def test_the_same_folder_gives_the_same_page(qualified):
    """The page is a function of the folder."""
    assert report(qualified).read_bytes() == report(qualified).read_bytes()


def test_every_chart_has_a_text_alternative(failing):
    """Each chart is an image with a label, a title and a description."""
    html = report(failing).read_text(encoding="utf-8")
    charts = re.findall(r'<svg class="(?:chart|strip)".*?</svg>', html, re.S)
    # 3 claims, 3 curves, cycle and force, 3 conditions with two charts and a strip each
    assert len(charts) == 3 + 3 + 2 + 3 * 3
    for chart in charts:
        head = re.match(r'<svg [^>]*role="img" aria-label="([^"]+)"><title>([^<]+)</title><desc>([^<]+)</desc>', chart)
        assert head, chart[:200]
        assert head[1] == head[2]
        assert not re.search(r"\b(nan|inf|None)\b", chart)


@pytest.mark.parametrize(("verdict", "word"), list(WORDS.items()))
def test_the_verdict_is_said_in_words(tmp_path, verdict, word):
    """The headline is the recorded sentence; the colour only repeats what the words say."""
    folder = make(tmp_path / "run", n=16, verdict=verdict, reasons=("a first reason",), baselines=False)
    page = page_of(folder)
    assert f"{word}: the policy on toy/point after 16 trials." in page.text
    assert any(a.get("class") == f"verdict {verdict}" for _, a in page.tags)
    assert "a first reason" in page.text


def test_it_says_what_was_not_shown(qualified):
    """A reader learns what must not be concluded, with the engine by name and the declared ranges."""
    text = page_of(qualified).text
    assert "Not a safety function." in text
    assert "Every trial ran in a simulator (toy 1 evidence). No real machine took part" in text
    assert "what the table does not list" in text
    assert "Only this policy on this robot (point)." in text
    assert "goal x uniform −0.6 … 0.6 m goal_x_m where the goal is" in text


def test_the_claims_are_those_of_the_verdict(failing):
    """Counts, bound and decision come from verdict.json; a bound is rounded down."""
    recorded = failing.read_json("evidence/verdict.json")["claims"]
    text = page_of(failing).text
    for claim in recorded:
        n, good = claim["n"], claim["successes"]
        word = {"supported": "✓ supported", "refuted": "✕ refuted"}[claim["decision"]]
        bound = np.floor(claim["bound"] * 1e4) / 1e4
        assert f"{word} {n} {good} {n - good} {good / n:.4f} {bound:.4f} 0.95" in text
    assert "At least 95 % of trials succeed within 1.9 s." in text
    assert "Claims that were not proved." in text


def test_commands_name_the_folder_as_it_was_given(tmp_path):
    """Replay and verify can be pasted into a shell, also when the folder's name has a blank."""
    folder = make(tmp_path / "run of monday", n=16)
    text = page_of(folder).text
    assert f"jangin replay '{tmp_path}/run of monday' --trial " in text
    assert f"jangin verify '{tmp_path}/run of monday'" in text


def test_the_worst_trials_are_the_failures_by_margin(failing):
    """Failures come first, the smallest margin on top; each with its own command."""
    trials = failing.read_trials("evidence/trials.parquet")
    failed = np.flatnonzero(trials["outcome"] != "success")
    assert len(failed) > 10
    wanted = trials["trial"][failed[np.argsort(trials["margin"][failed])]][:10]
    found = [int(t) for t in re.findall(r"--trial (\d+)</code></td>", report(failing).read_text(encoding="utf-8"))]
    assert found == wanted.tolist()


def test_without_failures_the_worst_come_nearest_to_a_line(qualified):
    """Then the trial that used most of a claimed or limited value is on top, and the page says how much."""
    trials = qualified.read_trials("evidence/trials.parquet")
    assert trials.successes == len(trials)
    used = max(float(np.max(trials["peak_force_n"])) / 15, float(np.max(trials["cycle_s"])) / 1.9)
    assert f"{number(100 * used)} % of the claimed 15 N" in page_of(qualified).text


def test_infinite_cycle_times_are_said_and_not_drawn(failing):
    """Failed trials have no cycle time: p95 of a policy that fails more often is infinite, as in the claims."""
    trials = failing.read_trials("evidence/trials.parquet")
    missing = int(np.sum(np.isinf(trials["cycle_s"])))
    assert missing > 0.05 * len(trials)
    assert re.search(rf"policy {len(trials)} {missing} 0\.\d+ ∞ ∞ ∞", page_of(failing).text)


def test_all_failed(tmp_path):
    """A policy that never succeeds gets a page too: no cycle time anywhere, no effect of any condition."""
    text = page_of(make(tmp_path / "run", policy=Zero(Toy()), n=32, verdict="NOT_QUALIFIED")).text
    assert "timeout 32 (100 %)." in text
    assert re.search(r"policy 32 32 ∞ ∞ ∞ ∞", text)
    assert "All trials ended alike" in text


def test_a_single_trial(tmp_path):
    """One trial is enough for a page; nothing is divided by zero and no condition can be cut."""
    text = page_of(make(tmp_path / "run", n=1, verdict="UNDECIDED", baselines=False)).text
    assert "No condition varied among the recorded trials" in text
    assert "No baseline is recorded: this report cannot say whether the task is hard." in text


def test_invalid_evidence_claims_nothing(tmp_path):
    """No bound, no e-value and no chart of evidence; invalid trials are listed first and left out of distributions."""
    folder = make(
        tmp_path / "run", task=Toy(invalid_every=20), n=64, verdict="INVALID", reasons=("3 trials are invalid.",)
    )
    page = page_of(folder)
    assert "! nothing shown 64 61 3" in page.text
    assert "The evidence is invalid, so no e-value is drawn." in page.text
    assert "Evidence for and against" not in report(folder).read_text(encoding="utf-8")
    assert "invalid nan 3 (4.7 %)" in page.text
    assert re.search(r"policy 61 0 0\.\d+", page.text)
    first = re.findall(r"--trial (\d+)</code></td>", report(folder).read_text(encoding="utf-8"))[:3]
    assert sorted(map(int, first)) == [19, 39, 59]


def test_only_a_verdict(tmp_path):
    """Everything but the verdict may be missing; the page then says so, and never 0."""
    folder = RunFolder.create(tmp_path / "run")
    folder.write_json("evidence/verdict.json", {"verdict": "UNDECIDED", "sentence": "Undecided: stopped early."})
    text = page_of(folder).text
    assert "Robot not recorded" in text
    assert "Trials not recorded" in text
    for words in (
        "No claim is recorded.",
        "The declared conditions are not recorded.",
        "No learning curve is recorded in this folder.",
        "There are no evidence trials in this folder.",
        "No picture was made.",
        "Seed not recorded",
    ):
        assert words in text


def test_baselines_known_by_totals_only(tmp_path):
    """Where only verdict.json knows a baseline its totals are shown, and its cycle time is not recorded."""
    folder = make(tmp_path / "run", n=32, baselines=False)
    verdict = folder.read_json("evidence/verdict.json")
    verdict["baselines"] = {"expert": {"trials": 64, "successes": 60}}
    folder.write_json("evidence/verdict.json", verdict)
    assert "60 93.8 %" in page_of(folder).text
    assert "not recorded not recorded" in page_of(folder).text


def test_no_verdict_and_damaged_files_are_one_sentence(tmp_path):
    """What cannot be read raises BadFolder with the file's name."""
    folder = RunFolder.create(tmp_path / "run")
    with pytest.raises(BadFolder, match=r"has no evidence/verdict\.json"):
        report(folder)
    folder.write_json("evidence/verdict.json", {"trials": 3})
    with pytest.raises(BadFolder, match="holds no verdict"):
        report(folder)
    folder.write_json("evidence/verdict.json", {"verdict": "QUALIFIED"})
    folder.write_text("evidence/plan.yaml", "a: [1, 2")
    with pytest.raises(BadFolder, match=r"plan\.yaml is damaged"):
        report(folder)
    folder.write_text("evidence/plan.yaml", "")
    folder.write_trials("evidence/baselines.parquet", Trials({"outcome": np.array(["success"], object)}))
    with pytest.raises(BadFolder, match="no column 'policy'"):
        report(folder)
    assert not folder.has("report.html")


HOSTILE = '<script>alert("1")</script><img src=x onerror=alert(1)>'


def test_hostile_names_are_text(tmp_path):
    """Markup in any name comes out as text: task, robot, outcome, condition, column, claim, reason, policy, caption."""

    @dataclasses.dataclass(frozen=True)
    class Hostile(Toy):
        name = HOSTILE
        model = {"robot": HOSTILE}
        conditions = dataclasses.replace(
            Toy.conditions,
            items=tuple(dataclasses.replace(c, doc=HOSTILE) for c in Toy.conditions.items),
        )

    folder = make(tmp_path / "run", task=Hostile(), n=16, baselines=False)
    trials = folder.read_trials("evidence/trials.parquet")
    columns = dict(trials.columns) | {f"peak_{HOSTILE}": np.ones(16)}
    columns["outcome"] = np.array([HOSTILE, *columns["outcome"][1:]], object)
    columns["engine"] = columns["chip"] = np.full(16, HOSTILE, object)
    folder.write_trials("evidence/trials.parquet", Trials(columns, trials.units, trials.meta))
    folder.write_trials("evidence/baselines.parquet", with_policy(Trials(columns), HOSTILE))
    verdict = folder.read_json("evidence/verdict.json") | {"sentence": HOSTILE, "reasons": [HOSTILE + "2"]}
    verdict["claims"][0] |= {"claim": HOSTILE, "decision": HOSTILE}
    folder.write_json("evidence/verdict.json", verdict)
    folder.write_text("curve.csv", f"steps,success {HOSTILE.replace(',', '')}\n1,0.5\n2,0.6\n")
    page = page_of(folder, pictures=[(HOSTILE, np.zeros((2, 2, 3), np.uint8))], picture_note=HOSTILE)
    assert "script" not in {tag for tag, _ in page.tags}
    assert not [a for _, attributes in page.tags for a in attributes if a.startswith("on")]
    assert [a["src"][:5] for tag, a in page.tags if tag == "img"] == ["data:"]
    assert HOSTILE in page.text


# ── what qualify writes ──────────────────────────────────────────────────────────────────────────────────────────


class Quick:
    """A policy with a hash, faster than the expert."""

    name, sees, sha256 = "policy.onnx", "observation", "ab" * 32

    def __init__(self):
        self.expert = Toy().expert()

    def reset(self, ids, trials):
        pass

    def act(self, seen):
        return self.expert.act(seen)


@pytest.mark.parametrize("task", [Toy(), Toy(bias_m=0.03), Toy(invalid_every=50)], ids=["good", "bad", "invalid"])
def test_it_reads_what_qualify_writes(tmp_path, task):
    """The page of a real qualification: its sentence, its plan, its rerun and all its baselines."""
    from jangin.qualify import qualify

    folder = RunFolder.create(tmp_path / "run")
    verdict = qualify(Quick(), task, seed=7, folder=folder, max_trials=256, block=64)
    text = page_of(folder).text
    assert verdict.sentence in text
    assert f"Plan sha256 {verdict.hashes['plan']}" in text
    assert "Seed 7 Block size [trials] 64 Most trials allowed 256" in text
    assert "yes, the first 64 trials" in text
    assert "policy.onnx abababababab…" in text
    assert "without touch the same policy with its touch signals at zero 64" in text or verdict.verdict == "INVALID"
    assert "zero no action at all" in text
    assert "The course of the evidence is not recorded" not in text


def test_the_course_of_the_evidence_survives_without_trials(tmp_path):
    """Without the trials table the e-processes are drawn from the verdict's own trace."""
    from jangin.qualify import qualify

    folder = RunFolder.create(tmp_path / "run")
    qualify(Quick(), Toy(), seed=7, folder=folder, max_trials=256, block=64)
    folder.remove("evidence/trials.parquet")
    html = report(folder).read_text(encoding="utf-8")
    assert html.count("<title>Evidence for and against") == 3


# ── pictures ─────────────────────────────────────────────────────────────────────────────────────────────────────


def decode(data: bytes) -> np.ndarray:
    """A PNG reader for what the writer uses: 8-bit RGB, filters 0 and 2, one IDAT."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, at = {}, 8
    while at < len(data):
        (size,) = struct.unpack(">I", data[at : at + 4])
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + size]
        assert struct.unpack(">I", data[at + 8 + size : at + 12 + size])[0] == zlib.crc32(kind + body)
        chunks[kind], at = body, at + 12 + size
    assert list(chunks) == [b"IHDR", b"IDAT", b"IEND"]
    width, height, *rest = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert rest == [8, 2, 0, 0, 0]
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, 1 + 3 * width)
    picture, above = [], np.zeros(3 * width, np.uint8)
    for row in rows:
        above = row[1:] + above if row[0] == 2 else row[1:]
        picture.append(above)
    return np.array(picture).reshape(height, width, 3)


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (48, 64)])
def test_a_png_decodes_to_its_pixels(shape):
    """Encoding loses nothing, wrap-around differences included."""
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    assert np.array_equal(decode(png.encode(pixels)), pixels)


@pytest.mark.parametrize("bad", [np.zeros((4, 4)), np.zeros((4, 4, 4), np.uint8), np.zeros((0, 4, 3), np.uint8)])
def test_other_arrays_are_no_picture(bad):
    """The shape and type that came, and the one that is allowed."""
    with pytest.raises(ValueError, match=r"A picture is \(height, width, 3\) uint8, not \("):
        png.encode(bad)


def test_pictures_or_the_reason_why_not(qualified):
    """A picture has its caption as text alternative; without one the note stands there."""
    pixels = np.zeros((4, 6, 3), np.uint8)
    images = [a for tag, a in page_of(qualified, pictures=[("seated", pixels)]).tags if tag == "img"]
    assert [a["alt"] for a in images] == ["seated"]
    assert "This machine has no OpenGL." in page_of(qualified, picture_note="This machine has no OpenGL.").text


# ── numbers and words ────────────────────────────────────────────────────────────────────────────────────────────


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0204812, "0.0205"), (9.996, "10.0"), (0.9999999, "1.00"), (1234.5, "1,234"), (-0.5, "−0.500"), (0.0, "0"),
        (1.5e9, "1.50 × 10⁹"), (2e-7, "2.00 × 10⁻⁷"), (float("inf"), "∞"), (float("nan"), "not recorded"),
        (None, "not recorded"),
    ],
)  # fmt: skip
def test_measured_numbers(value, text):
    """Three significant digits; unknown is said and never 0."""
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(60.0, "60"), (1.9, "1.9"), (0.1 + 0.2, "0.3"), (12000.0, "12,000"), (-0.05, "−0.05"), (0, "0")]
)
def test_typed_numbers(value, text):
    """A number somebody typed comes back as it was typed."""
    assert exact(value) == text


def test_a_rate_is_whole_only_when_it_is():
    """Neither 0 % nor 100 % by rounding."""
    assert [plain(rate(k, 100_000)) for k in (0, 1, 99_999, 100_000)] == ["0 %", "0.001 %", "99.999 %", "100 %"]
    assert rate(0, 0) == "–"
    assert plain(share(0.99996)) == "99.996 %" or plain(share(0.99996)) == "99.99 %"
    assert plain(share(1e-5)) == "0.001 %"


def test_a_lower_bound_is_rounded_down():
    """A bound that is shown is still a bound."""
    assert at_least(0.98999) == "0.9899"
    assert at_least(0.29) == "0.2900"
    assert at_least(None) == "not recorded"
    for bound in np.random.default_rng(0).random(1000):
        assert float(at_least(bound)) <= bound + 1e-11


def test_an_e_value_from_its_logarithm():
    """Readable at any size."""
    assert factor(np.log10(20)) == "20.0"
    assert factor(21.2) == "1.6 × 10²¹"
    assert factor(-4.0) == "1.0 × 10⁻⁴"
    assert factor(float("-inf")) == "0"


def test_units_are_shown_where_people_read_them():
    """The unit leaves the label, and small lengths become millimetres, angles degrees."""
    clearance = shown("clearance_m", "m", np.array([0.0002, 0.0006]))
    assert (clearance.heading, clearance.with_unit(0.0002)) == ("clearance [mm]", "0.200 mm")
    assert shown("goal_x_m", "m", np.array([0.6])).heading == "goal x [m]"
    assert shown("tilt_rad", "rad", np.array([0.05])).with_unit(np.pi / 180) == "1.00 °"
    assert shown("peak_force_n", "N").heading == "peak force [N]"
    assert shown("wind_m_s", "m/s", np.array([3.0])).heading == "wind [m/s]"
    assert shown("speed", "").heading == "speed"


def test_a_column_has_common_decimals():
    """Values of a column line up: three digits of the largest."""
    assert shown("x_m", "m").column(np.array([1.234, 0.0004, -0.5, np.inf])) == ["1.23", "0.00", "−0.50", "∞"]


# ── spread ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_bins_have_equal_counts():
    """Continuous values fall into eight bins of the same size; every trial is in one."""
    values = np.random.default_rng(1).normal(size=800)
    b = bins(values)
    assert b.sizes.tolist() == [100] * 8
    assert np.all(np.diff(b.centres) > 0)
    assert bins(np.array([1.0, 2.0, 1.0, 5.0])).sizes.tolist() == [2, 1, 1]
    assert bins(np.full(10, 3.0)).n == 1
    assert bins(np.zeros(0)).n == 0
    assert bins(np.arange(12.0)).n == 2


def test_the_explained_share_is_that_of_an_analysis_of_variance():
    """1 - within / total, by hand; 1 for a step, 0 for a constant."""
    rng = np.random.default_rng(2)
    x, y = rng.random(400), rng.random(400)
    b = bins(x)
    within = sum(((y[b.index == k] - y[b.index == k].mean()) ** 2).sum() for k in range(b.n))
    assert explained(y, b) == pytest.approx(1 - within / ((y - y.mean()) ** 2).sum())
    assert explained((b.index >= 4).astype(float), b) == pytest.approx(1.0)
    assert explained(np.ones(400), b) == 0.0


def test_chance_tells_a_real_effect_from_none():
    """A planted effect is as rare as can be; without one the smallest of five is no news; a deal repeats exactly."""
    rng = np.random.default_rng(3)
    cuts = [bins(rng.random(400)) for _ in range(5)]
    planted = (cuts[2].index != 0) | (rng.random(400) < 0.6)
    p = by_chance(planted, cuts)
    assert p[2] == pytest.approx(1 / 1001)
    assert p == by_chance(planted, cuts)
    none = [min(by_chance(rng.random(400) < 0.95, cuts, times=200)) for _ in range(60)]
    # the smallest of five is <= 0.1 in a share of 0.1 of the tables: 60 tables, Binomial(60, 0.1) exceeds 20 with 1e-7
    assert sum(v <= 0.1 for v in none) <= 20


# ── charts ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0, 400), (-0.6, 0.6), (1e-4, 6e-4), (17.3, 19.9), (0, 1e9)])
def test_ticks_are_round_and_inside(low, high):
    """1, 2 or 5 times a power of ten apart, none outside, about as many as wanted."""
    found = ticks(low, high)
    step = found[1] - found[0]
    assert 3 <= len(found) <= 7
    assert low - 1e-9 * step <= found[0]
    assert found[-1] <= high + 1e-9 * step
    assert np.min(np.abs(step / 10 ** np.floor(np.log10(step) + 1e-9) - np.array([1, 2, 5]))) < 1e-6


def test_a_line_is_where_its_data_is():
    """The ends of the path are the ends of the plot; a gap lifts the pen; a mark lies at its value."""
    svg = line_chart(
        "t", "d", [Line("a", np.array([0, 1, 2, 3, 4]), np.array([0, 1, np.nan, 1, 0]), "policy")],
        x=Axis("x", 0, 4), y=Axis("y", 0, 1), marks=[Mark(0.5, "half")], width=340, height=220,
    )  # fmt: skip
    assert '<path d="M46 182L116.5 30M257.5 30L328 182" class="line policy"/>' in svg
    assert '<line x1="46" y1="106" x2="328" y2="106" class="mark limit"/>' in svg


def test_a_long_line_keeps_its_extremes():
    """Thinned to what can be seen, but no peak is lost."""
    y = np.zeros(20_000)
    y[12_345] = 1.0
    svg = line_chart("t", "d", [Line("a", np.arange(20_000.0), y, "policy")], x=Axis("x"), y=Axis("y", 0, 1))
    path = re.search(r'<path d="([^"]+)"', svg)[1]
    assert path.count("L") < 700
    assert " 30L" in path


def test_bars_add_up_to_the_values():
    """Bar heights are shares of the highest bar; values beyond the axis are in the last bin, infinite ones nowhere."""
    values = np.array([0.5, 0.5, 0.5, 0.5, 1.5, 1.5, 9.0, np.inf])
    svg = histogram("t", "d", [Sample("s", values, "policy")], x=Axis("x", 0, 2), nbins=2, width=224)
    path = re.search(r'<path d="([^"]+)" class="bar', svg)[1]
    bottoms_and_tops = re.findall(r"M[\d.]+ ([\d.]+)V([\d.]+)", path)
    heights = [float(a) - float(b) for a, b in bottoms_and_tops]
    assert heights == [60.0, 45.0]


def test_texts_in_charts_are_escaped():
    """Titles, labels and marks come from files."""
    two = np.arange(2.0)
    lines = [Line("<u>", two, two, 'x" onload="'), Line("v", two, two, "b")]
    svg = line_chart("<b>", "<i>", lines, x=Axis("<x>"), y=Axis("<y>"), marks=[Mark(0.5, "<m>")])
    assert not re.search(r"<(b|i|u|x|y|m)>", svg)
    assert 'onload="' not in svg


# ── the folder ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_curve_takes_what_it_can_read(tmp_path):
    """Unknown columns and empty cells do no harm."""
    folder = make(tmp_path / "run", n=8, baselines=False)
    curve = reading.read(folder).curve
    assert np.isnan(curve["note"]).all()
    assert np.isnan(curve["cycle_s"][0])
    assert curve["success"].tolist() == [0.0, 0.4, 0.97]
    folder.write_text("curve.csv", "steps,success\n")
    assert "No learning curve is recorded" in page_of(folder).text
    folder.write_text("curve.csv", "")
    assert "No learning curve is recorded" in page_of(folder).text


def test_limits_and_claims_become_lines():
    """A claim's threshold and the limit of the same name, in the column's unit."""
    run = reading.Run(
        path="r",
        task=json.loads(json.dumps({"limits": {"force_n": 30.0}, "limit_s": 2.0})),
        verdict={"verdict": "QUALIFIED"},
        plan={},
        claims=tuple(reading.ClaimRow(str(c), c, {}) for c in Toy.claims),
        trials=None,
    )
    assert run.lines("peak_force_n") == [(15.0, "claim q95"), (30.0, "limit")]
    assert run.lines("cycle_s") == [(1.9, "claim q95"), (2.0, "limit")]
    assert run.lines("peak_torque_nm") == []
