"""A file of claims: what is written is what is read; what cannot be read names the place; and strict YAML."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jangin.claim import Claim
from jangin.claims_file import read_claims
from jangin.errors import JanginError
from jangin.schema import misfit, parse_yaml, schema

GOOD = """
schema: jangin-claims/1
claims:
  - success >= 0.99 @ 0.95
  - {claim: "q95(cycle_s) <= 2.0", name: takt, why: "line 3 needs a part every 2.4 s"}
"""


def test_claims_in_their_order_with_the_users_words(tmp_path):
    (tmp_path / "claims.yaml").write_text(GOOD)
    first, second = read_claims(tmp_path / "claims.yaml")
    assert first == Claim.parse("success >= 0.99")
    assert (str(second), second.name, second.why) == (
        "q95(cycle_s) <= 2 @ 0.95",
        "takt",
        "line 3 needs a part every 2.4 s",
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("schema: jangin-claims/1", "lacks the key 'claims'"),
        ("schema: jangin-claims/2\nclaims: [success >= 0.9]", "schema is 'jangin-claims/2' where 'jangin-claims/1'"),
        ("schema: jangin-claims/1\nclaims: []", "claims has 0 entries"),
        ("schema: jangin-claims/1\nclaims: [3]", "claims[0] is 3 where a string belongs or"),
        ("schema: jangin-claims/1\nclaims: [{claim: a, nme: b}]", "has the unknown key 'nme' (is it 'name'?)"),
        ("schema: jangin-claims/1\nclaims: [{name: b}]", "claims[0] lacks the key 'claim'"),
        ("schema: jangin-claims/1\nclaims: [success > 0.9]", "claim 1: The claim 'success > 0.9' cannot be read."),
        ("schema: jangin-claims/1\nclaims:\n - a\n b: [", "is not strict YAML"),
        ("schema: jangin-claims/1\nschema: jangin-claims/1\n", "a key comes twice (line 1)"),
        ("schema: jangin-claims/1\nclaims: [&a success >= 0.9, *a]", "an alias is not allowed (line 2)"),
        ("- 3", "is [3] where an object belongs"),
    ],
)
def test_what_cannot_be_read_names_the_place(tmp_path, text, said):
    path = tmp_path / "claims.yaml"
    path.write_text(text)
    with pytest.raises(JanginError) as e:
        read_claims(path)
    assert said in str(e.value)
    assert e.value.exit_code == 2


def test_no_file(tmp_path):
    with pytest.raises(JanginError, match=r"There is no file .* Give the path of a claims file"):
        read_claims(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    "value",
    [
        {"schema": "jangin-claims/1", "claims": ["success >= 0.9"]},
        {"schema": "jangin-claims/1", "claims": [{"claim": "x", "name": "y"}, "z"]},
        {"schema": "jangin-claims/1", "claims": []},
        {"schema": "jangin-claims/1", "claims": [""]},
        {"schema": "jangin-claims/1", "claims": [{"claim": "x", "more": 1}]},
        {"schema": 1, "claims": ["x"]},
        {"claims": ["x"]},
        {"schema": "jangin-claims/1", "claims": ["x"], "more": 1},
        ["x"],
        None,
        3.5,
    ],
)
def test_our_checker_agrees_with_json_schema(value):
    """The twin: what a well-kept implementation of the standard says of the published schema."""
    jsonschema = pytest.importorskip("jsonschema")
    rule = schema("claims.schema.json")
    jsonschema.Draft202012Validator.check_schema(rule)
    assert (misfit(value, rule, "file") == "") == jsonschema.Draft202012Validator(rule).is_valid(value)


def test_every_published_schema_is_one():
    """All schema files in the package are valid, and hold no word that our checker does not know."""
    jsonschema = pytest.importorskip("jsonschema")
    package = Path(misfit.__code__.co_filename).parent
    found = sorted(package.rglob("*.schema.json"))
    assert len(found) >= 2
    for path in found:
        rule = json.loads(path.read_text())
        jsonschema.Draft202012Validator.check_schema(rule)


def test_numbers_in_yaml_stay_numbers():
    assert parse_yaml("{a: 1e-3, b: 2, c: true, d: null}") == {"a": "1e-3", "b": 2, "c": True, "d": None}
