"""Strict YAML, and the part of JSON Schema that jangin's published schemas use; wrong files get one sentence.

    values = read_yaml("claims.yaml", "claims.schema.json")   # BadFile names the line, or the key
    misfit(values, schema("claims.schema.json"), "claims.yaml")         # "" when it fits

The schemas lie beside the code and are published as they are, so an editor checks a file while it is typed. Their
checker is written here because a robot's computer checks a bundle with it, and because its sentences name the nearest
key. It refuses a schema with a word it does not know.
"""

from __future__ import annotations

import functools
import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from jangin.errors import BadFile, nearest

__all__ = ["misfit", "parse_yaml", "read_yaml", "schema"]

_PACKAGE = Path(__file__).parent

_KINDS: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "null": type(None),
}
_KEYWORDS = {"$ref", "$schema", "$id", "$defs", "title", "description", "type", "const", "enum", "anyOf"} | {
    "required", "properties", "additionalProperties", "items", "minItems", "maxItems", "minLength", "pattern",
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "default", "examples", "minProperties",
}  # fmt: skip


@functools.cache
def schema(name: str) -> Mapping[str, Any]:
    """A published schema by its path in the package, as "claims.schema.json"; read once, never to be changed."""
    loaded: dict[str, Any] = json.loads((_PACKAGE / name).read_text(encoding="utf-8"))
    return loaded


class _StrictLoader(yaml.SafeLoader):
    """YAML without aliases (no exponential documents) and without a key that comes twice."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.MarkedYAMLError(problem="an alias is not allowed", problem_mark=self.peek_event().start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        if len(keys) != len(set(map(str, keys))):
            raise yaml.MarkedYAMLError(problem="a key comes twice", problem_mark=node.start_mark)
        return super().construct_mapping(node, deep)


def parse_yaml(data: bytes | str) -> Any:
    """The plain values of a YAML text; raises ValueError with what is wrong and in which line."""
    try:
        return yaml.load(data, _StrictLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as e:
        reason = str(getattr(e, "problem", None) or type(e).__name__)
        mark = getattr(e, "problem_mark", None)
        raise ValueError(reason if mark is None else f"{reason} (line {mark.line + 1})") from e


def read_yaml(path: str | Path, name: str) -> dict[str, Any]:
    """A YAML file that fits the schema `name`; raises BadFile in one sentence otherwise."""
    path, rule = Path(path), schema(name)
    try:
        values = parse_yaml(path.read_bytes())
    except FileNotFoundError:
        raise BadFile(f"There is no file {path}. Give the path of a {rule['title']} file (YAML).") from None
    except OSError as e:
        raise BadFile(f"Cannot read {path}: {e.strerror or e}.") from e
    except ValueError as e:
        raise BadFile(f"{path} is not strict YAML: {e}.") from e
    if wrong := misfit(values, rule, path.name):
        raise BadFile(f"{path} is no {rule['title']} file: {wrong}.")
    assert isinstance(values, dict)
    return values


def misfit(value: Any, rule: Mapping[str, Any], at: str, *, definition: str | None = None) -> str:
    """What keeps `value`, called `at`, from fitting a schema (or one of its `$defs`); "" when nothing does."""
    return _misfit(value, rule if definition is None else rule["$defs"][definition], at, rule, at)


def _misfit(value: Any, rule: Mapping[str, Any], at: str, whole: Mapping[str, Any], top: str) -> str:
    assert rule.keys() <= _KEYWORDS, rule.keys() - _KEYWORDS
    if "$ref" in rule:
        return _misfit(value, whole["$defs"][rule["$ref"].removeprefix("#/$defs/")], at, whole, top)
    if "anyOf" in rule:
        wrongs = [_misfit(value, option, at, whole, top) for option in rule["anyOf"]]
        return "" if "" in wrongs else _of_its_kind(value, rule["anyOf"], wrongs)
    if "const" in rule and value != rule["const"]:
        return f"{at} is {_short(value)} where {rule['const']!r} belongs"
    if "enum" in rule and value not in rule["enum"]:
        hint = nearest(str(value), map(str, rule["enum"]))
        near = f" (is it {hint!r}?)" if hint else ""
        return f"{at} is {_short(value)} where one of {rule['enum']} belongs{near}"
    kind = rule.get("type")
    if kind and not _is(value, kind):
        return f"{at} is {_short(value)} where {'an' if kind[0] in 'aio' else 'a'} {kind} belongs"
    if kind == "object":
        return _misfit_object(value, rule, at, whole, top)
    if kind == "array":
        if not rule.get("minItems", 0) <= len(value) <= rule.get("maxItems", len(value)):
            return f"{at} has {len(value)} entries"
        inner = (_misfit(v, rule.get("items", {}), f"{at}[{k}]", whole, top) for k, v in enumerate(value))
        return next(filter(None, inner), "")
    if kind == "string" and (
        not re.fullmatch(rule.get("pattern", "(?s).*"), value) or len(value) < rule.get("minLength", 0)
    ):
        form = f"the form {rule['pattern']}" if "pattern" in rule else f"at least {rule['minLength']} characters"
        return f"{at} is {_short(value)}, which does not have {form}"
    return _misfit_number(value, rule, at) if kind in ("number", "integer") else ""


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _KINDS[kind]) and value not in (math.inf, -math.inf)


def _of_its_kind(value: Any, options: list[Mapping[str, Any]], wrongs: list[str]) -> str:
    """Of several alternatives' complaints the one about the kind of thing that was given; all where none is."""
    close = [w for o, w in zip(options, wrongs, strict=True) if "type" in o and _is(value, o["type"])]
    return " or ".join(dict.fromkeys(close or wrongs))


def _misfit_number(value: float, rule: Mapping[str, Any], at: str) -> str:
    # written so that a NaN does not fit
    if not (value >= rule.get("minimum", -math.inf) and value > rule.get("exclusiveMinimum", -math.inf)):
        return f"{at} is {_short(value)}, which is too small or no number"
    if value > rule.get("maximum", math.inf) or value >= rule.get("exclusiveMaximum", math.inf):
        return f"{at} is {_short(value)}, which is too large"
    return ""


def _misfit_object(
    value: Mapping[Any, Any], rule: Mapping[str, Any], at: str, whole: Mapping[str, Any], top: str
) -> str:
    known, others = rule.get("properties", {}), rule.get("additionalProperties", True)
    if missing := [key for key in rule.get("required", ()) if key not in value]:
        return f"{at} lacks the key {missing[0]!r}"
    if len(value) < rule.get("minProperties", 0):
        return f"{at} has no entry"
    for key, inner in value.items():
        if not isinstance(key, str) or (key not in known and others is False):
            hint = nearest(str(key), known)
            return f"{at} has the unknown key {_short(key)}{f' (is it {hint!r}?)' if hint else ''}"
        below = known.get(key, others if isinstance(others, Mapping) else {})
        if wrong := _misfit(inner, below, f"{at}: {key}" if at == top else f"{at}.{key}", whole, top):
            return wrong
    return ""


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
