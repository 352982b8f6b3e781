"""A plant in a file: strict YAML that becomes a checked Layout, and a Layout that becomes the same YAML again.

    schema: jangin-line/1
    name: door
    stations:
      - {name: press, cycle: 12}
      - name: weld
        cycle: {lognormal: {mean_s: 11, cv: 0.3}}
        failures: [{name: tip, after: {exponential_s: 3600}, repair: {exponential_s: 240}}]
    buffers:
      - {name: b1, from: press, to: weld, capacity: 3}

    line = read_layout("door.yaml")             # BadLayout: door.yaml, line 9: The capacity of buffer 'b1' is -1; ...
    yaml.safe_dump(layout_plain(line))          # reads as the same layout

Keys are the fields of the dataclasses in layout.py; docs/line-layout.md lists them, layout.schema.json is the published
schema. The schema knows forms; what numbers and names are allowed, `layout_check.check` knows. A run folder of evidence
stays as it is written, relative to the file; values in CSV files are read here.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args

import yaml

from jangin.errors import BadFile, BadLayout
from jangin.line import layout_check
from jangin.line.layout import (
    Buffer,
    Constant,
    Crew,
    Cycle,
    Distribution,
    Empirical,
    Erlang,
    Evidence,
    Exponential,
    Failure,
    Fleet,
    Gamma,
    Layout,
    Lognormal,
    Normal,
    Release,
    Route,
    SetUp,
    Station,
    Stop,
    Trace,
    Triangular,
    Uniform,
    Weibull,
    Zone,
)
from jangin.line.layout_calendar import read_calendar
from jangin.schema import misfit, parse_yaml, schema

__all__ = ["layout_plain", "read_layout"]

SCHEMA = "jangin-line/1"

At = tuple[str | int, ...]

_SCALED: dict[str, Callable[..., Distribution]] = {"constant_s": Constant, "exponential_s": Exponential}  # one number
_RANGED: dict[str, Callable[..., Distribution]] = {
    "uniform_s": Uniform,
    "triangular_s": Triangular,
}  # numbers in ascending order
_SHAPED: dict[str, Callable[..., Distribution]] = {
    "normal": Normal, "lognormal": Lognormal, "gamma": Gamma, "erlang": Erlang, "weibull": Weibull,
}  # fmt: skip
_LISTED: dict[str, Callable[..., Distribution]] = {
    "empirical": Empirical,
    "trace": Trace,
}  # as `_s` in the file itself, as `_csv` in another
_FORMS = (*_SCALED, *_RANGED, *_SHAPED, *(f"{word}{end}" for word in _LISTED for end in ("_s", "_csv")))

_WORDS = {"source": "from", "target": "to"}  # fields whose names are no good words in a file


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────


def read_layout(path: str | Path) -> Layout:
    """The plant of a file, checked; raises BadFile (no such file) or BadLayout, which names the line and the remedy."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BadFile(f"There is no file {path}. Give the path of a layout (YAML).") from None
    except (OSError, UnicodeDecodeError) as e:
        raise BadFile(f"Cannot read {path}: {getattr(e, 'strerror', None) or 'it is no UTF-8 text'}.") from e
    try:
        values = parse_yaml(text)
    except ValueError as e:
        raise BadLayout(f"{path.name}{_unread(text, e)}") from e
    try:
        if wrong := misfit(values, schema("line/layout.schema.json"), "the layout"):
            said = wrong.replace("the layout: ", "")
            raise BadLayout(f"{said}.", _path_in(said, values))
        layout = _Reader(path.parent).layout(values)
        layout_check.check(layout)
    except BadLayout as e:
        line = _line(yaml.compose(text, yaml.SafeLoader), e.at)
        raise BadLayout(f"{path.name}, line {line}: {e}", e.at) from e
    return layout


@dataclasses.dataclass(frozen=True)
class _Reader:
    """Plain values, whose form fits the schema, to a layout; `folder` is where CSV files are looked for."""

    folder: Path

    def layout(self, values: Mapping[str, Any]) -> Layout:
        inner: dict[str, Any] = {
            "stations": [self.station(v, ("stations", k)) for k, v in enumerate(values["stations"])],
            "buffers": [_buffer(v) for v in values.get("buffers", ())],
            "releases": [self.release(v, ("releases", k)) for k, v in enumerate(values.get("releases", ()))],
            "calendars": [read_calendar(v, ("calendars", k)) for k, v in enumerate(values.get("calendars", ()))],
            "crews": [_make(Crew, v) for v in values.get("crews", ())],
            "fleets": [
                _make(Fleet, v, zones=tuple(_make(Zone, z) for z in v.get("zones", ())))
                for v in values.get("fleets", ())
            ],
        }
        own = {key: value for key, value in values.items() if key != "schema"}
        return _make(Layout, own, **{key: tuple(things) for key, things in inner.items()})

    def station(self, values: Mapping[str, Any], at: At) -> Station:
        inner: dict[str, Any] = {
            "cycle": Cycle(self.cycle(values["cycle"], (*at, "cycle"))),
            "routes": tuple(_make(Route, v) for v in values.get("routes", ())),
            "failures": tuple(self.failure(v, (*at, "failures", k)) for k, v in enumerate(values.get("failures", ()))),
            "stops": tuple(_make(Stop, v) for v in values.get("stops", ())),
            "setup": _make(SetUp, values["setup"]) if "setup" in values else None,
        }
        return _make(Station, values, **inner)

    def failure(self, values: Mapping[str, Any], at: At) -> Failure:
        times = {key: self.time(values[key], (*at, key)) for key in ("after", "repair")}
        return _make(Failure, values, **times)

    def release(self, values: Mapping[str, Any], at: At) -> Release:
        every = self.time(values["every"], (*at, "every")) if "every" in values else None
        return _make(Release, values, every=every)

    def cycle(self, value: Any, at: At) -> Distribution | Evidence | dict[str, Distribution]:
        """A time, times by part type, or evidence with its options beside it."""
        if not isinstance(value, dict) or not ({"by_part", "evidence"} & value.keys()):
            if isinstance(value, dict) and (option := next((key for key in value if key not in _FORMS), None)):
                raise BadLayout(f"{option!r} belongs to evidence, but none is named. Add evidence: RUN_FOLDER.",
                                (*at, option))  # fmt: skip
            return self.time(value, at)
        kind = "evidence" if "evidence" in value else "by_part"
        mixed = [key for key in value if key in _FORMS or key == "by_part" or kind == "by_part"]
        if other := next((key for key in mixed if key != kind), None):
            raise BadLayout(
                f"The cycle gives {kind!r} and {other!r}; it can keep only one. Drop the other.", (*at, other)
            )
        if kind == "by_part":
            return {part: self.time(time, (*at, kind, part)) for part, time in value[kind].items()}
        recovery = value.get("recovery", {})
        inner: dict[str, Any] = {
            "recovery": {why: self.time(time, (*at, "recovery", why)) for why, time in recovery.items()},
            "manual": self.time(value["manual"], (*at, "manual")) if "manual" in value else None,
        }
        own = {("run" if key == "evidence" else key): v for key, v in value.items()}
        return _make(Evidence, own, **inner)

    def time(self, value: Any, at: At) -> Distribution:
        """A distribution in one of its forms; a plain number is constant seconds."""
        if not isinstance(value, dict):
            return Constant(float(value))
        if len(value) != 1:
            first, second = list(value)[:2]
            raise BadLayout(f"A time is given as {first!r} and as {second!r}. Give one.", (*at, second))
        ((form, given),) = value.items()
        if form in _SCALED:
            return _SCALED[form](float(given))
        if form in _RANGED:
            return _RANGED[form](*map(float, given))
        if form in _SHAPED:
            return _SHAPED[form](**given)
        word, _, source = form.rpartition("_")
        values = self.column(given, (*at, form)) if source == "csv" else tuple(map(float, given))
        return _LISTED[word](values)

    def column(self, name: str, at: At) -> tuple[float, ...]:
        """The numbers of a CSV file with one column, under a heading or not."""
        try:
            rows = (self.folder / name).read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError):
            raise BadLayout(f"Cannot read the times in {name!r}. Give a CSV file beside the layout.", at) from None
        values: list[float] = []
        for k, row in enumerate(rows, start=1):
            try:
                values += [float(row)] if row.strip() else []
            except ValueError:
                if k > 1:
                    comes = f"{name}, line {k}, holds {row[:40]!r} where one number of seconds belongs"
                    raise BadLayout(f"{comes}. Mend it, or keep the one column of times.", at) from None
        return tuple(values)


def _buffer(values: Mapping[str, Any]) -> Buffer:
    ends = {field: values[word] for field, word in _WORDS.items()}
    names = {field: (given,) if isinstance(given, str) else tuple(given) for field, given in ends.items()}
    return _make(Buffer, {key: v for key, v in values.items() if key not in _WORDS.values()}, **names)


def _make(kind: type, values: Mapping[str, Any], **inner: Any) -> Any:
    """A dataclass from the values of its fields; `inner` holds those already made."""
    return kind(**{**{key: _frozen(value) for key, value in values.items()}, **inner})


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _frozen(inner) for key, inner in value.items()}
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


# ── where it stands in the file ──────────────────────────────────────────────────────────────────────────────────


def _line(node: yaml.Node | None, at: At) -> int:
    """Line of the innermost element on the way that the file has: a key's own line, or where an entry begins."""
    if node is None:
        return 1  # an empty file
    mark = node.start_mark
    for step in at:
        found: tuple[yaml.Mark, yaml.Node] | None = None
        if isinstance(node, yaml.MappingNode):
            entries = {key.value: (key.start_mark, value) for key, value in node.value}
            written = _WORDS.get(str(step), str(step))
            if step == "windows_s" and step not in entries and "windows" in entries:
                return int(entries["windows"][0].line) + 1  # its entries are days' windows, not those of the list
            found = entries.get(written)
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            found = node.value[step].start_mark, node.value[step]
        if found is None:
            break
        mark, node = found
    return int(mark.line) + 1


def _unread(text: str, error: ValueError) -> str:
    """Where and why a text is no strict YAML; of a key that comes twice, the second one's line."""
    mark = getattr(error.__cause__, "problem_mark", None)
    reason = re.sub(r" \(line \d+\)$", "", str(error))
    line = 0 if mark is None else mark.line + 1
    if reason == "a key comes twice" and (second := _second(yaml.compose(text, yaml.SafeLoader))) is not None:
        line, reason = second.start_mark.line + 1, f"the key {second.value!r} comes twice"
    where = f", line {line}" if line else ""
    return f"{where}: This is not strict YAML: {reason}."


def _second(node: yaml.Node | None) -> yaml.Node | None:
    """The first key of a document that is its mapping's for the second time."""
    inner: list[yaml.Node] = []
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                return key if isinstance(key, yaml.Node) else None
            seen.add(key.value)
            inner.append(value)
    elif isinstance(node, yaml.SequenceNode):
        inner = node.value
    return next((key for below in inner if (key := _second(below)) is not None), None)


def _path_in(said: str, values: Any) -> At:
    """The way to the element with which a sentence of `schema.misfit` begins, as "stations[0].cycle is ..."."""
    at: list[str | int] = []
    while True:
        if isinstance(values, dict):
            keys = [k for k in values if isinstance(k, str) and re.match(rf"\.?{re.escape(k)}(?=[.\[ ])", said)]
            step: str | int | None = max(keys, key=len, default=None)
            said = "" if step is None else said.removeprefix(".")[len(str(step)) :]
        elif isinstance(values, list) and (index := re.match(r"\[(\d+)\]", said)):
            step, said = int(index[1]), said[index.end() :]
        else:
            step = None
        if step is None:
            return tuple(at)
        at.append(step)
        values = values[step]
        if unknown := re.match(r" has the unknown key '([^']*)'", said):
            return (*at, unknown[1])


# ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────


def layout_plain(layout: Layout) -> dict[str, Any]:
    """The plain values that a file of this layout holds (dict, list, str, numbers), without what is as by default."""
    return {"schema": SCHEMA, **_plain(layout)}


def _plain(value: Any) -> Any:
    match value:
        case Cycle():
            return {"by_part": _plain(value.time)} if isinstance(value.time, Mapping) else _plain(value.time)
        case Evidence():
            own = _plain_fields(value)
            return {"evidence": own.pop("run"), **own}
        case Buffer():
            own = _plain_fields(value)
            ends = {word: own.pop(field) for field, word in _WORDS.items()}
            return {"name": own.pop("name"), **{w: v[0] if len(v) == 1 else v for w, v in ends.items()}, **own}
        case Mapping():
            return {key: _plain(inner) for key, inner in value.items()}
        case tuple():
            return [_plain(inner) for inner in value]
    if isinstance(value, get_args(Distribution)):
        return _plain_time(value)
    return _plain_fields(value) if dataclasses.is_dataclass(value) else value


def _plain_fields(value: Any) -> dict[str, Any]:
    """The fields of a dataclass that differ from their defaults."""
    written: dict[str, Any] = {}
    for field in dataclasses.fields(value):
        given = getattr(value, field.name)
        default = field.default_factory() if field.default_factory is not dataclasses.MISSING else field.default
        if default is dataclasses.MISSING or given != default:
            written[field.name] = _plain(given)
    return written


def _plain_time(time: Distribution) -> dict[str, Any]:
    given = dataclasses.asdict(time)
    for form, kind in (_SCALED | _RANGED | _SHAPED | {f"{word}_s": kind for word, kind in _LISTED.items()}).items():
        if type(time) is kind:
            if form in _SHAPED:
                return {form: given}
            numbers = [x for v in given.values() for x in (v if isinstance(v, tuple) else (v,))]
            return {form: numbers[0] if form in _SCALED else numbers}
    raise AssertionError(time)
