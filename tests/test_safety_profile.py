"""A limits profile: strict, its schema published, every number with its source; and what it makes of a task."""

from __future__ import annotations

import copy
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from jangin import safety
from jangin.claim import Claim
from jangin.errors import BadClaim, BadFile, JanginError, UnknownName
from jangin.registry import find
from jangin.safety.profile import (
    NOT_A_SAFETY_ASSESSMENT,
    default_profile,
    default_text,
    profile_of,
    read_profile,
    rounded_down,
)
from jangin.task import Limits
from toy import Toy


def number(value, unit, verified=True):
    return {"value": value, "unit": unit, "source": "a test", "verified": verified, "note": ""}


@pytest.fixture
def values():
    """The default profile's values with a situation: a clamped hand or chest, 12 kg of robot."""
    found = yaml.safe_load(default_text())
    found["situation"] = {
        "contact": "quasi_static",
        "regions": ["chest", "hand_finger"],
        "moving_mass": number(20.0, "kg"),
        "payload": number(2.0, "kg"),
        "contact_area": None,
        "exceedance": number(0.001, "1"),
        "confidence": number(0.95, "1"),
    }
    return found


def at_place(values, at):
    for key in at:
        values = values[key]
    return values


def places(values, at=()):
    """Every place in nested mappings and lists, the outermost first."""
    yield at
    items = values.items() if isinstance(values, dict) else enumerate(values) if isinstance(values, list) else ()
    for key, inner in items:
        yield from places(inner, (*at, key))


def refusal(values) -> str | None:
    try:
        profile_of(values, "my.yaml")
    except JanginError as e:
        return str(e)
    return None


# ── the default profile ──────────────────────────────────────────────────────────────────────────────────────────


def test_every_number_of_the_default_has_a_source():
    """Value, unit, source, verified and note everywhere; what was not read in a public source is not verified."""
    found = yaml.safe_load(default_text())
    numbers = [v for at in places(found) if isinstance(v := at_place(found, at), dict) and "value" in v]
    assert len(numbers) > 60
    for n in numbers:
        assert n.keys() == {"value", "unit", "source", "verified", "note"}
        assert len(n["source"]) > 10
        if "memory" in n["source"]:
            assert not n["verified"], n
    assert found["confirmed_by"] == ""
    assert "your copy of the standard" in found["confirm"]


def test_no_number_for_a_body_but_the_published_one_is_verified():
    """Of the table by body region only the hand's forces were read in a paper."""
    verified = {
        (key, name)
        for key, region in default_profile().regions.items()
        for name in ("force", "transient_factor", "pressure", "stiffness", "mass")
        if getattr(region, name) is not None and getattr(region, name).verified
    }
    assert verified == {("hand_finger", "force"), ("hand_finger", "transient_factor")}


def test_the_default_names_open_alternatives():
    """Whoever does not want the standard's table finds published measurements."""
    assert "10.3389/frobt.2021.667818" in default_text()
    assert "10.3390/s22082996" in default_text()


def test_the_head_is_not_to_be_hit():
    """No transient contact with skull or face; every other region has a factor."""
    none = {k for k, r in default_profile().regions.items() if r.transient_factor is None}
    assert none == {"skull_forehead", "face"}
    assert len(default_profile().regions) == 12


# ── strictness ───────────────────────────────────────────────────────────────────────────────────────────────────


def variants(values):
    """Every profile with one key more, one key less, or a wrong kind: (what, place, values)."""
    named = {("contact", "regions")}  # its keys are names the user chose
    for at in places(values):
        value = at_place(values, at)
        if isinstance(value, dict):
            changed = copy.deepcopy(values)
            at_place(changed, at)["surprise"] = 7
            yield "more", at, changed
        if at and isinstance(at[-1], str) and at[:-1] not in named:
            changed = copy.deepcopy(values)
            del at_place(changed, at[:-1])[at[-1]]
            yield "less", at, changed
        if at:
            changed = copy.deepcopy(values)
            at_place(changed, at[:-1])[at[-1]] = 7 if isinstance(value, bool) else True
            yield "kind", at, changed


def test_an_unknown_or_missing_key_or_a_wrong_kind_is_refused_everywhere(values):
    """At every place one key more, one less, or a value of another kind is refused by name."""
    assert refusal(values) is None
    seen = 0
    for what, at, changed in variants(values):
        text = refusal(changed)
        assert text is not None, (what, at)
        named = {"more": "surprise", "less": f"lacks the key {at[-1] if at else ''!r}", "kind": "where"}[what]
        assert named in text, (what, at, text)
        assert text.startswith("my.yaml is no limits profile: profile")
        seen += 1
    assert seen > 600


def test_jsonschema_agrees(values):
    """Twin: the package `jsonschema`, reading the published schema, takes the default and refuses the same variants."""
    jsonschema = pytest.importorskip("jsonschema", reason="the package jsonschema is not installed")
    schema = json.loads((Path(safety.__file__).parent / "profile.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid(yaml.safe_load(default_text()))
    assert validator.is_valid(values)
    for what, at, changed in variants(values):
        assert not validator.is_valid(changed), (what, at)


R = ("contact", "regions", "hand_finger")


@pytest.mark.parametrize(
    ("at", "value", "says"),
    [
        ((*R, "force", "unit"), "kN", "contact.regions.hand_finger.force.unit is 'kN' where 'N' belongs."),
        (
            (*R, "force", "value"),
            -140,
            "contact.regions.hand_finger.force.value is -140, which is too small or no number.",
        ),
        ((*R, "force", "value"), "140 N", "force.value is '140 N' where a number belongs."),
        ((*R, "mass", "value"), float("inf"), "mass.value is inf where a number belongs."),
        ((*R, "mass", "source"), "", "mass.source is '', which does not have at least 1 characters."),
        ((*R, "stiffness", "verified"), "yes", "stiffness.verified is 'yes' where a boolean belongs."),
        (("situation", "contact"), "quasistatic", "(is it 'quasi_static'?)."),
        (("situation", "regions"), [], "situation.regions has 0 entries."),
        (("situation", "exceedance", "value"), 1.5, "situation.exceedance.value is 1.5, which is too large."),
        (
            ("situation", "contact_area"),
            number(0.0, "cm2"),
            "contact_area.value is 0.0, which is too small or no number.",
        ),
        (("situation", "exceedence"), {}, "has the unknown key 'exceedence' (is it 'exceedance'?)."),
        (("schema",), "jangin-limits/2", "schema is 'jangin-limits/2' where 'jangin-limits/1' belongs."),
    ],
)
def test_a_value_out_of_place_is_named(values, at, value, says):
    """The refusal names the place, what came and what belongs there."""
    at_place(values, at[:-1])[at[-1]] = value
    text = refusal(values)
    assert text is not None
    assert text.endswith(says), text


def test_a_file_that_is_none(tmp_path):
    """Missing, no YAML, a key twice: one sentence each."""
    with pytest.raises(BadFile) as e:
        read_profile(tmp_path / "none.yaml")
    assert str(e.value) == f"There is no file {tmp_path}/none.yaml. Give the path of a limits profile file (YAML)."
    for text, says in (
        ("a: [", "is not strict YAML"),
        ("name: a\nname: b\n", "a key comes twice"),
        ("3", "is 3 where"),
    ):
        (tmp_path / "bad.yaml").write_text(text)
        with pytest.raises(BadFile) as e:
            read_profile(tmp_path / "bad.yaml")
        assert says in str(e.value)


def test_a_situation_that_cannot_be(values):
    """An unknown region gets the nearest name; the face in transient contact is refused with the file's name."""
    values["situation"]["regions"] = ["hand_fingr"]
    with pytest.raises(UnknownName) as e:
        profile_of(values, "my.yaml")
    assert "There is no body region 'hand_fingr'. Did you mean 'hand_finger'? There is: abdomen," in str(e.value)
    values["situation"] |= {"regions": ["face"], "contact": "transient"}
    assert (refusal(values) or "").startswith(
        "my.yaml, situation: No transient contact is permitted with the face (face)."
    )


def test_a_region_of_the_users_own(values):
    """A region is a name and its numbers: one from another study works as the others do."""
    own = copy.deepcopy(values["contact"]["regions"]["hand_finger"])
    own |= {"words": "back of the hand (another study)", "force": number(90.0, "N")}
    values["contact"]["regions"]["back_of_hand"] = own
    values["situation"]["regions"] = ["hand_finger", "back_of_hand"]
    assert profile_of(values, "my.yaml").limits().force_n == 90.0


# ── the hash ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_hash_is_of_what_it_says(values, tmp_path):
    """Comments, order and 140 for 140.0 change nothing; any value, source or flag does."""
    base = profile_of(values, "my.yaml").sha256
    (tmp_path / "sorted.yaml").write_text("# a comment\n" + yaml.safe_dump(values, sort_keys=True))
    assert read_profile(tmp_path / "sorted.yaml").sha256 == base
    same = copy.deepcopy(values)
    same["contact"]["regions"]["chest"]["force"]["value"] = 140.0
    assert profile_of(same, "my.yaml").sha256 == base
    for at, value in (
        ((*R, "force", "value"), 141),
        ((*R, "force", "verified"), False),
        ((*R, "force", "source"), "hearsay"),
        (("confirmed_by",), "me"),
        (("situation", "exceedance", "value"), 0.01),
    ):
        changed = copy.deepcopy(values)
        at_place(changed, at[:-1])[at[-1]] = value
        assert profile_of(changed, "my.yaml").sha256 != base, at


# ── limits and claims ────────────────────────────────────────────────────────────────────────────────────────────


def test_the_strictest_region_decides(values):
    """Hand and chest, clamped, 12 kg: 140 N either way, and the hand's 0.147 m/s, rounded down."""
    assert profile_of(values, "my.yaml").limits() == Limits(force_n=140.0, tool_speed_m_s=0.147)
    values["situation"]["contact"] = "transient"
    assert profile_of(values, "my.yaml").limits() == Limits(force_n=280.0, tool_speed_m_s=0.582)
    values["situation"]["regions"].append("abdomen")
    assert profile_of(values, "my.yaml").limits() == Limits(force_n=220.0, tool_speed_m_s=0.582)
    values["situation"]["contact_area"] = number(0.5, "cm2")
    assert profile_of(values, "my.yaml").limits().force_n == pytest.approx(2 * 120 * 0.5)


def test_claims_of_a_task_that_records_both(values):
    """Force and speed become two claims at the profile's exceedance, read back as they are written."""
    profile, task = profile_of(values, "my.yaml"), find("tasks", "cell/peg-insert")()
    claims = profile.claims(task)
    assert [str(c) for c in claims] == [
        "P(peak_force_n > 140) <= 0.001 @ 0.95",
        "P(peak_tool_speed_m_s > 0.147) <= 0.001 @ 0.95",
    ]
    assert [c.name for c in claims] == ["contact force", "contact speed"]
    assert all(
        profile.sha256[:12] in c.why and "quasi-static contact with chest, hand and finger" in c.why for c in claims
    )
    assert all(Claim.of_entry(c.entry) == c for c in claims)
    assert {c.column for c in claims} <= set(task.columns)


def test_claims_only_of_what_is_recorded(values):
    """A task without a speed gets the force's claim and a note; one that records neither is refused."""
    profile = profile_of(values, "my.yaml")
    assert [str(c) for c in profile.claims(Toy())] == ["P(peak_force_n > 140) <= 0.001 @ 0.95"]
    assert "toy/point does not record peak_tool_speed_m_s, so nothing is claimed about it." in profile.notes(Toy())

    class Blind(Toy):
        columns = {"cycle_s": "s"}

    with pytest.raises(BadClaim) as e:
        profile.claims(Blind())
    assert str(e.value) == (
        "toy/point records neither peak_force_n nor peak_tool_speed_m_s, so the limits of the profile 'default' cannot "
        "be claimed. Record one of them, or qualify without the profile."
    )


def test_a_profile_without_a_situation_limits_nothing():
    """Tables alone are no limits: the sentence says how to make some."""
    for ask in (default_profile().limits, default_profile().provenance, lambda: default_profile().claims(Toy())):
        with pytest.raises(JanginError) as e:
            ask()
        assert "has no situation" in str(e.value)
        assert "jangin limits profile --out my.yaml" in str(e.value)


def test_provenance_is_plain_and_complete(values):
    """Each limit and every number behind it: name, value, unit, source, verified, all of it plain values."""
    profile = profile_of(values, "my.yaml")
    rows = profile.provenance()
    assert json.loads(json.dumps(rows)) == list(rows)
    assert all(row.keys() == {"name", "value", "unit", "source", "verified"} for row in rows)
    assert [r["name"] for r in rows] == [
        *("force_n", "tool_speed_m_s", "chest.force", "chest.stiffness", "moving_mass", "payload"),
        *("hand_finger.force", "hand_finger.stiffness", "exceedance", "confidence"),
    ]
    assert rows[1]["value"] == 0.147
    assert f"140/sqrt(75000 x 12) = 0.1476 m/s; limits profile default, sha256 {profile.sha256}" in rows[1]["source"]


def test_a_limit_is_verified_when_all_behind_it_is_and_somebody_says_so(values):
    """One unverified number, of any region that may be touched, or an unconfirmed profile, and the limit is not."""

    def flags(v):
        return {r["name"]: r["verified"] for r in profile_of(v, "my.yaml").provenance()[:2]}

    values["confirmed_by"] = "J. Kim, against ISO 10218-2:2025"
    assert flags(values) == {"force_n": False, "tool_speed_m_s": False}  # the chest's force is not
    values["contact"]["regions"]["chest"]["force"]["verified"] = True
    assert flags(values) == {"force_n": True, "tool_speed_m_s": False}
    for region in ("chest", "hand_finger"):
        values["contact"]["regions"][region]["stiffness"]["verified"] = True
    assert flags(values) == {"force_n": True, "tool_speed_m_s": True}
    values["confirmed_by"] = " "
    assert flags(values) == {"force_n": False, "tool_speed_m_s": False}


def test_what_nobody_verified_is_said(values):
    """Unverified numbers are listed by name until they are verified; the last note always says what this is not."""
    notes = profile_of(values, "my.yaml").notes(Toy())
    assert notes[0] == (
        "Nobody has confirmed the limits profile 'default'. "
        "Confirm every number against your copy of the standard before you rely on it."
    )
    assert notes[1] == (
        "Not verified in the limits profile 'default': chest.force, chest.stiffness, hand_finger.stiffness."
    )
    assert notes[-1] == NOT_A_SAFETY_ASSESSMENT
    values["confirmed_by"] = "J. Kim"
    for region in ("chest", "hand_finger"):
        for name in ("force", "stiffness"):
            values["contact"]["regions"][region][name]["verified"] = True
    notes = profile_of(values, "my.yaml").notes(Toy())
    assert not any(re.search("Nobody|Not verified", n) for n in notes)
    assert notes[-1] == NOT_A_SAFETY_ASSESSMENT


@pytest.mark.parametrize(
    ("value", "down"),
    [
        (140.0, 140.0),
        (0.14757, 0.147),
        (0.3571, 0.357),
        (1.0, 1.0),
        (0.001, 0.001),
        (999.96, 999.0),
        (0.0009876, 0.000987),
    ],
)
def test_limits_are_rounded_down(value, down):
    """Three significant digits, never above the value, and what is already round stays."""
    assert rounded_down(value) == pytest.approx(down, rel=1e-12)
    for k in range(1, 1000):
        x = k / 1000
        assert rounded_down(x) == x
        assert rounded_down(x * 1.0000001) <= x * 1.0000001


def test_profiles_are_frozen(values):
    """A profile cannot be changed after its hash was taken."""
    profile = profile_of(values, "my.yaml")
    with pytest.raises(AttributeError):
        profile.name = "other"
    assert replace(profile, name="other").sha256 == profile.sha256
