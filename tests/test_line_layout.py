"""Laws of the declared plant: what is written is what is read, the published schema, shifts, what Python refuses."""

from __future__ import annotations

import dataclasses
import json
import re
import typing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from jangin.errors import BadLayout
from jangin.line import layout as declared
from jangin.line.layout import (
    Buffer,
    Calendar,
    Constant,
    Cycle,
    Empirical,
    Evidence,
    Exponential,
    Layout,
    Lognormal,
    Release,
    Route,
    Station,
    Trace,
    Triangular,
    Uniform,
)
from jangin.line.layout_check import check
from jangin.line.layout_file import layout_plain, read_layout
from jangin.line.layout_routing import good_buffers
from jangin.schema import misfit, parse_yaml, schema
from line_layouts import random_layout, random_time

ZERO = Cycle(Constant(0.0))
EXAMPLES = Path(__file__).parents[1] / "examples"

ROW = Layout(
    "row",
    stations=tuple(Station(name, Cycle(Exponential(10.0))) for name in ("a", "b", "c")),
    buffers=(Buffer("ab", ("a",), ("b",), 2), Buffer("bc", ("b",), ("c",), 2)),
)


def read(tmp_path: Path, text: str) -> Layout:
    (tmp_path / "plant.yaml").write_text(text)
    return read_layout(tmp_path / "plant.yaml")


def one_station(cycle: str) -> str:
    return f"schema: jangin-line/1\nname: one\nparts: [A, B]\nstations:\n  - name: s\n    cycle: {cycle}\n" + (
        "releases: [{into: s, mix: {A: 1, B: 1}}]\n"
    )


def changed(layout: Layout, k: int, **fields: object) -> Layout:
    """The layout with other fields of its station `k`."""
    stations = list(layout.stations)
    stations[k] = replace(stations[k], **fields)  # type: ignore[arg-type]
    return replace(layout, stations=tuple(stations))


# ── what is written is what is read ──────────────────────────────────────────────────────────────────────────────


def test_round_trip_of_random_plants(tmp_path):
    """read(dump(plain(layout))) == layout, for 200 random valid plants that use everything a plant can have."""
    for seed in range(200):
        layout = random_layout(seed)
        check(layout)
        assert read(tmp_path, yaml.dump(layout_plain(layout), Dumper=yaml.CSafeDumper)) == layout, seed


def test_random_plants_use_every_field():
    """Every field of every dataclass of a plant differs from its default somewhere in those plants."""
    seen: set[tuple[str, str]] = set()

    def visit(value: object) -> None:
        if dataclasses.is_dataclass(value):
            for field in dataclasses.fields(value):
                given = getattr(value, field.name)
                if given != field.default:
                    seen.add((type(value).__name__, field.name))
                visit(given)
        elif isinstance(value, tuple | dict):
            for inner in value.values() if isinstance(value, dict) else value:
                visit(inner)

    for seed in range(200):
        visit(random_layout(seed))
    kinds = [getattr(declared, name) for name in declared.__all__ if name not in ("Distribution", "mean_s")]
    assert {(kind.__name__, field.name) for kind in kinds for field in dataclasses.fields(kind)} == seen


@pytest.mark.parametrize(
    ("cycle", "time"),
    [
        ("12", Constant(12.0)),
        ("{constant_s: 12}", Constant(12.0)),
        ("{exponential_s: 10}", Exponential(10.0)),
        ("{uniform_s: [8, 12]}", Uniform(8.0, 12.0)),
        ("{triangular_s: [8, 9, 14]}", Triangular(8.0, 9.0, 14.0)),
        ("{lognormal: {mean_s: 11, cv: 0.3}}", Lognormal(11.0, 0.3)),
        ("{gamma: {mean_s: 11, cv: 0.3}}", declared.Gamma(11.0, 0.3)),
        ("{erlang: {mean_s: 11, phases: 3}}", declared.Erlang(11.0, 3)),
        ("{weibull: {mean_s: 11, shape: 1.5}}", declared.Weibull(11.0, 1.5)),
        ("{normal: {mean_s: 11, sd_s: 1}}", declared.Normal(11.0, 1.0)),
        ("{empirical_s: [3, 4, 4]}", Empirical((3.0, 4.0, 4.0))),
        ("{trace_s: [3, 4, 4]}", Trace((3.0, 4.0, 4.0))),
        ("{empirical_csv: times.csv}", Empirical((3.5, 4.0))),
        ("{trace_csv: times.csv}", Trace((3.5, 4.0))),
        ("{by_part: {A: 3, B: {exponential_s: 4}}}", {"A": Constant(3.0), "B": Exponential(4.0)}),
        (
            "{evidence: runs/peg, handling_s: 4, attempts: 3, recovery: {default: {constant_s: 20}}, "
            "conditions: {offset_m: [0, 0.003]}}",
            Evidence("runs/peg", 4, 3, {"default": Constant(20.0)}, conditions={"offset_m": (0, 0.003)}),
        ),
    ],
)
def test_every_form_of_a_time(tmp_path, cycle, time):
    """Each form in a file is the distribution that the manual says."""
    (tmp_path / "times.csv").write_text("seconds\n3.5\n\n4\n")
    assert read(tmp_path, one_station(cycle)).stations[0].cycle == Cycle(time)


def test_from_and_to_are_one_name_or_several(tmp_path):
    """`from: a` and `from: [a]` say the same."""
    text = "schema: jangin-line/1\nname: x\nstations: [{name: a, cycle: 1}, {name: b, cycle: 1}]\nbuffers: [{name: ab, "
    one = read(tmp_path, text + "from: a, to: b}]")
    assert one == read(tmp_path, text + "from: [a], to: [b]}]")
    assert (one.buffers[0].source, one.buffers[0].target) == (("a",), ("b",))


@pytest.mark.parametrize("name", ["serial", "door"])
def test_the_examples_load(tmp_path, name):
    """The examples are right, have five stations, and survive being written again."""
    layout = read_layout(EXAMPLES / f"line_{name}.yaml")
    assert layout.name == name
    assert len(layout.stations) == 5
    assert (layout.serial is not None) == (name == "serial")
    assert read(tmp_path, yaml.safe_dump(layout_plain(layout))) == layout


# ── the published schema ─────────────────────────────────────────────────────────────────────────────────────────


def places(values: object) -> typing.Iterator[tuple[typing.Any, typing.Any]]:
    """Every (container, key or index) in a file's values."""
    if isinstance(values, dict | list):
        for key in list(values) if isinstance(values, dict) else range(len(values)):
            yield values, key
            yield from places(values[key])


def mutants(values: dict, rng: np.random.Generator) -> typing.Iterator[dict]:
    """Copies of a file's values with one key lost, one misspelt, or one value of another kind, anywhere."""
    strange = ["x", -1.5, True, None, [], {}, ["x"], {"y": 1}, ""]
    for _ in range(12):
        copy = json.loads(json.dumps(values))
        everywhere = list(places(copy))
        here, key = everywhere[rng.integers(len(everywhere))]
        match rng.integers(3):
            case 0 if isinstance(here, dict):
                del here[key]
            case 1 if isinstance(here, dict):
                here[f"{key}x"] = here.pop(key)
            case _:
                here[key] = strange[rng.integers(len(strange))]
        yield copy


def test_jsonschema_agrees():
    """Twin: the package `jsonschema`, reading the published schema, accepts the same files as our checker."""
    jsonschema = pytest.importorskip("jsonschema", reason="the package jsonschema is not installed")
    rule = json.loads(json.dumps(schema("line/layout.schema.json")))
    jsonschema.Draft202012Validator.check_schema(rule)
    validator = jsonschema.Draft202012Validator(rule)
    rng, verdicts = np.random.default_rng(5), []
    files = [parse_yaml((EXAMPLES / f"line_{name}.yaml").read_text()) for name in ("serial", "door")]
    for values in files + [layout_plain(random_layout(seed)) for seed in range(40)]:
        for candidate in (values, *mutants(values, rng)):
            fits = misfit(candidate, rule, "x") == ""
            assert fits == validator.is_valid(candidate), candidate
            verdicts.append(fits)
    assert verdicts.count(True) > 50
    assert verdicts.count(False) > 200


def test_any_damage_is_one_sentence(tmp_path):
    """A file with anything in it lost, misspelt or replaced is a layout or one sentence with a line, no traceback."""
    rng, refused = np.random.default_rng(6), 0
    for seed in range(40):
        values = layout_plain(random_layout(seed))
        for candidate in mutants(values, rng):
            said = ""
            try:
                check(read(tmp_path, yaml.dump(candidate, Dumper=yaml.CSafeDumper)))
            except BadLayout as e:
                said = str(e)
            assert re.fullmatch(r"(plant\.yaml, line \d+: [^\n]+[.?])?", said), said
            refused += said != ""
    assert refused > 200


def not_given(field: dataclasses.Field) -> bool:
    """Whether a field has no default."""
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def test_the_schema_names_every_field():
    """Keys of the schema are fields of the dataclasses, and it requires those that have no default."""
    rule = schema("line/layout.schema.json")
    words = {"source": "from", "target": "to"}
    more = {"Calendar": {"period", "windows", "breaks"}, "Layout": {"schema"}}
    kinds = "Layout Station Buffer Release Calendar Crew Fleet Zone Failure Stop SetUp Route"
    for kind in kinds.split():
        fields = {words.get(f.name, f.name) for f in dataclasses.fields(getattr(declared, kind))}
        listed = rule if kind == "Layout" else rule["$defs"][kind.lower()]
        assert set(listed["properties"]) == fields | more.get(kind, set()), kind
        if kind != "Calendar":  # whose period and windows may be given in words
            needed = {words.get(f.name, f.name) for f in dataclasses.fields(getattr(declared, kind)) if not_given(f)}
            assert set(listed["required"]) == needed | ({"schema"} & more.get(kind, set())), kind
    options = {f.name for f in dataclasses.fields(Evidence)} - {"run"} | {"evidence", "by_part"}
    forms, cycles = (set(rule["$defs"][name]["anyOf"][1]["properties"]) for name in ("time", "cycle"))
    assert cycles - forms == options


def test_the_manual_names_every_key():
    """Every key that a file can have stands in the manual."""
    manual = (EXAMPLES.parent / "docs" / "line-layout.md").read_text()

    def keys(rule: object) -> typing.Iterator[str]:
        if isinstance(rule, dict):
            yield from rule.get("properties", {})
            for inner in rule.values():
                yield from keys(inner)
        elif isinstance(rule, list):
            for inner in rule:
                yield from keys(inner)

    assert [key for key in set(keys(schema("line/layout.schema.json"))) if not re.search(rf"\b{key}\b", manual)] == []


# ── shifts ───────────────────────────────────────────────────────────────────────────────────────────────────────

H, DAY = 3600.0, 86_400.0


@pytest.mark.parametrize(
    ("form", "period", "windows"),
    [
        ("period: day, windows: ['06:00-14:00']", DAY, [(6, 14)]),
        ("period: day, windows: ['00:00-24:00']", DAY, [(0, 24)]),
        ("period: day, windows: ['22:00-06:00']", DAY, [(0, 6), (22, 24)]),
        ("period: day, windows: ['06:00-14:00'], breaks: ['10:00-10:15']", DAY, [(6, 10), (10.25, 14)]),
        ("period: day, windows: ['06:00-14:00'], breaks: ['05:00-07:00']", DAY, [(7, 14)]),
        ("period: day, windows: ['14:00-22:00', '06:00-14:00']", DAY, [(6, 14), (14, 22)]),
        ("period: week, windows: ['Mon-Tue 06:00-14:00']", 7 * DAY, [(6, 14), (30, 38)]),
        ("period: week, windows: ['Mon,Wed 06:00-14:00']", 7 * DAY, [(6, 14), (54, 62)]),
        ("period: week, windows: ['Sun-Mon 22:00-06:00']", 7 * DAY, [(0, 6), (22, 30), (166, 168)]),
        ("period: week, windows: ['Mon 06:00-Fri 22:00']", 7 * DAY, [(6, 118)]),
        ("period: week, windows: ['Sat 22:00 - Mon 06:00']", 7 * DAY, [(0, 6), (142, 168)]),
        ("period: week, windows: ['08:00-09:00']", 7 * DAY, [(24 * d + 8, 24 * d + 9) for d in range(7)]),
        ("period_s: 7200, windows_s: [[0, 3600]]", 7200.0, [(0, 1)]),
    ],
)
def test_windows_in_hours(tmp_path, form, period, windows):
    """A text of days and times is these hours of the period, with breaks cut out and nights over midnight."""
    text = one_station("1") + f"calendars: [{{name: c, {form}}}]\n"
    expected = tuple((begin * H, end * H) for begin, end in windows)
    assert read(tmp_path, text).calendars == (Calendar("c", period, expected),)


# ── what Python refuses ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("layout", "at", "said"),
    [
        (
            changed(ROW, 2, batch=3),
            ("stations", 2, "batch"),
            "Station 'c' works on 3 parts at once, but the buffer 'bc' before it holds at most 2, so it can never "
            "start. Give a capacity of 3 or more, or a smaller batch.",
        ),
        (
            replace(ROW, buffers=(*ROW.buffers, Buffer("ca", ("c",), ("a",)))),
            ("stations", 0),
            "Station 'a' never gets a part: nobody feeds 'ca' from outside the line. Give 'c' a way from a station "
            "that a release feeds, or remove the station.",
        ),
        (
            replace(ROW, buffers=(*ROW.buffers, Buffer("cb", ("c",), ("b",)))),
            ("stations", 1),
            "Parts can never leave the stations 'b', 'c': their routes only lead to each other. Give one of them a "
            "route to 'out', or scrap.",
        ),
        (
            changed(ROW, 1, cycle=Cycle(Exponential(float("nan")))),
            ("stations", 1, "cycle"),
            "The cycle time of station 'b': the mean of the exponential is nan; it must be a finite number.",
        ),
        (
            changed(ROW, 1, cycle=Cycle(12.0)),  # type: ignore[arg-type]
            ("stations", 1, "cycle"),
            "The cycle time of station 'b' is 12.0 where a distribution belongs, as Constant(12.0) seconds.",
        ),
        (
            changed(replace(ROW, buffers=(replace(ROW.buffers[0], capacity=None), ROW.buffers[1])), 0, cycle=ZERO),
            ("stations", 0, "cycle"),
            "Station 'a' never waits for parts and takes no time, so it would never come to an end. Give a cycle above "
            "0 s, or release parts by push, takt or conwip.",
        ),
        (
            replace(ROW, releases=(Release("a", "batch"),)),  # type: ignore[arg-type]
            ("releases", 0, "kind"),
            "The release into 'a': kind is 'batch'; it must be one of 'saturated', 'push', 'takt', 'conwip'.",
        ),
        (replace(ROW, stations=()), ("stations",), "The layout has no station. Give at least one."),
        (
            changed(ROW, 0, machines=True),
            ("stations", 0, "machines"),
            "machines of station 'a' is True; it must be a whole number of 1 or more.",
        ),
    ],
)  # fmt: skip
def test_check_says_where(layout, at, said):
    """What is wrong with a layout made in Python is the same sentence, with the way to the element."""
    with pytest.raises(BadLayout) as e:
        check(layout)
    assert (str(e.value), e.value.at) == (said, at)


def test_what_looks_wrong_and_is_allowed():
    """A saturated first station, capacity 0, blocking before with several routes, a way to scrap alone: all allowed."""
    check(ROW)
    check(ROW.with_capacities({"ab": 0}))
    branches = (Route("ab", 1.0), Route("ac", 2.0))
    branched = replace(ROW, buffers=(*ROW.buffers, Buffer("ac", ("a",), ("c",), 1)))
    check(changed(branched, 0, routes=branches, blocking="before"))
    booth = changed(changed(branched, 0, routes=(Route("ab"), Route("out"))), 2, scrap=1.0)
    check(replace(booth, buffers=ROW.buffers))
    check(changed(ROW, 0, cycle=ZERO))


def test_a_part_finds_its_way_by_type():
    """Types go where their routes let them, and a cycle needs a time only for those that come."""
    routes = (Route("ab", parts=("A",)), Route("ac", parts=("B",)))
    plant = replace(
        changed(changed(ROW, 0, routes=routes), 1, cycle=Cycle({"A": Constant(3.0)})),
        buffers=(*ROW.buffers, Buffer("ac", ("a",), ("c",), 1)),
        parts=("A", "B"),
        releases=(Release("a", mix={"A": 1.0, "B": 1.0}),),
    )
    check(plant)
    assert [good_buffers(plant, plant.stations[0], part) for part in "AB"] == [("ab",), ("ac",)]
    with pytest.raises(BadLayout, match=r"Station 'b' gets parts of type 'B', but its cycle names only 'A'\."):
        check(changed(plant, 0, routes=(Route("ab"), Route("ac"))))


def test_random_times_are_right():
    """The generator of these tests draws every kind of distribution."""
    rng = np.random.default_rng(0)
    kinds = {type(random_time(rng)) for _ in range(300)}
    assert kinds == set(typing.get_args(declared.Distribution))
