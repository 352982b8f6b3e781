"""`jangin limits`: the number, its arithmetic, its sources, what must be said; and one sentence for what is wrong."""

from __future__ import annotations

import dataclasses
import json
import re

import pytest
import yaml

from conftest import ROOT, Ran
from jangin import cli
from jangin.options import OPTIONS
from jangin.safety.profile import NOT_A_SAFETY_ASSESSMENT, default_profile, default_text, read_profile
from jangin.safety.questions import QUESTIONS, limits

HAND = "contact --region hand_finger --moving-mass-kg 20 --payload-kg 2"
STOP = "--reaction-s 0.1 --stopping-s 0.3 --stopping-distance-m 0.15"
LEVEL = "protective-distance --edition 2010 --approach parallel"
MARGIN = "--intrusion-m 0.208 --person-uncertainty-m 0.1 --robot-uncertainty-m 0.02"
SITUATION = "--region hand_finger,chest --moving-mass-kg 20 --payload-kg 2 --clamped --exceedance 0.001"


@pytest.fixture
def call(capsys, tmp_path, monkeypatch):
    """`jangin limits WORDS` in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JANGIN_DEBUG", raising=False)

    def run(words: str) -> Ran:
        code = cli.main(["limits", *words.split()])
        return Ran(code, *capsys.readouterr())

    return run


# ── answers ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("words", "value", "unit", "answer"),
    [
        (HAND, 1.35253, "m/s", "at most 280 N, which an impact reaches at 1.35 m/s."),
        (f"{HAND} --clamped", 0.14757, "m/s", "at most 140 N, which an impact reaches at 0.147 m/s."),
        (
            f"{HAND} --clamped --speed-m-s 0.1",
            94.868,
            "N",
            "An impact at 0.1 m/s gives 94.87 N, within what is permitted.",
        ),
        (f"{HAND} --clamped --speed-m-s 0.2", 189.74, "N", "gives 189.7 N, 1.355 times what is permitted."),
        (
            f"{HAND} --clamped --contact-area-cm2 0.5",
            0.10014,
            "m/s",
            "at most 95 N, which an impact reaches at 0.1 m/s.",
        ),
        (
            f"separation --robot-speed-m-s 1 {STOP} {MARGIN}",
            1.218,
            "m",
            "A robot at 1 m/s needs 1.218 m to the person.",
        ),
        (f"separation --distance-m 1.218 {STOP} {MARGIN}", 1.0, "m/s", "At 1.218 m the robot may move at 1 m/s."),
        (
            "separation --distance-m 0.1 --reaction-s 0.1 --deceleration-m-s2 3",
            0.0,
            "m/s",
            "At 0.1 m no speed is permitted: the robot must stand still.",
        ),
        (
            "protective-distance --edition 2010 --response-s 0.32 --resolution-mm 14",
            512.0,
            "mm",
            "at least 512 mm before",
        ),
        (
            "protective-distance --edition 2010 --response-s 0.28 --resolution-mm 14",
            500.0,
            "mm",
            "at least 500 mm before",
        ),
        (
            "protective-distance --edition 2010 --response-s 0.1 --resolution-mm 30",
            328.0,
            "mm",
            "at least 328 mm before",
        ),
        ("protective-distance --edition 2010 --response-s 0.3 --resolution-mm 50", 1330.0, "mm", "at least 1330 mm"),
        (
            "protective-distance --edition 2010 --distance-mm 512 --resolution-mm 14",
            0.32,
            "s",
            "within 0.32 s of detection",
        ),
        (
            "protective-distance --edition 2024 --response-s 0.3 --intrusion-mm 100 --supplement-mm 20",
            600.0,
            "mm",
            "at least 600 mm",
        ),
        (
            f"{LEVEL} --height-mm 300 --resolution-mm 70 --response-s 0.3",
            1560.0,
            "mm",
            "at least 1560 mm",
        ),
        (
            "protective-distance --edition 2024 --approach parallel --height-mm 300 --response-s 0.3",
            1680.0,
            "mm",
            "at least 1680 mm",
        ),
    ],
)
def test_worked_answers(call, words, value, unit, answer):
    """The number, its unit and the sentence, as text and as JSON; every answer says what it is not."""
    found, text = call(f"{words} --json"), call(words)
    assert found.code == text.code == 0
    assert found.json["value"] == pytest.approx(value, rel=5e-5, abs=1e-12)
    assert found.json["unit"] == unit
    assert answer in found.json["answer"]
    assert text.out.startswith(found.json["answer"])
    assert found.json["notes"][-1] == NOT_A_SAFETY_ASSESSMENT
    assert text.out.rstrip().endswith(NOT_A_SAFETY_ASSESSMENT)
    assert found.json["profile"] == {"name": "default", "sha256": default_profile().sha256}


def test_the_arithmetic_is_shown_with_its_numbers(call):
    """The whole answer for a hand, line by line."""
    lines = call(HAND).out.splitlines()
    assert lines[:5] == [
        "Contact with hand and finger, free to recoil: at most 280 N, which an impact reaches at 1.35 m/s.",
        "  F_max = 2 x 140 = 280 N",
        "  m_R = M/2 + m_L = 20/2 + 2 = 12 kg",
        "  mu = 1/(1/m_H + 1/m_R) = 1/(1/0.6 + 1/12) = 0.5714 kg",
        "  v_max = F_max/sqrt(k mu) = 280/sqrt(75000 x 0.5714) = 1.353 m/s",
    ]
    assert re.fullmatch(r"  profile default, sha256 [0-9a-f]{12}, of which were used:", lines[5])
    assert " ".join(lines[6].split()) == (
        "hand_finger.force 140 N verified P. Svarny et al., arXiv:2009.01036, after ISO/TS 15066"
    )
    assert "75 N/mm  NOT verified  V. Gupta, collision module" in lines[8]


def test_every_table_value_is_listed_with_its_source(call):
    """Name, value, unit, source, verified and note of what was used, and of nothing that was given."""
    used = call(f"{HAND} --json").json["used"]
    assert [u["name"] for u in used] == [f"hand_finger.{n}" for n in ("force", "transient_factor", "stiffness", "mass")]
    assert all(u.keys() == {"name", "value", "unit", "source", "verified", "note"} for u in used)
    assert [u["verified"] for u in used] == [True, True, False, False]
    none = call(f"separation --robot-speed-m-s 1 --person-speed-m-s 2 {STOP}")
    assert "none of its numbers was used" in none.out


def test_both_questions_at_once_say_whether_it_is_within(call):
    """A speed and a distance: the need, the permission, and the comparison."""
    near = call(f"separation --robot-speed-m-s 1 --distance-m 1 {STOP} {MARGIN} --json").json
    far = call(f"separation --robot-speed-m-s 1 --distance-m 1.3 {STOP} {MARGIN} --json").json
    assert near["numbers"]["within"] is False
    assert near["numbers"]["permitted_robot_speed_m_s"] == 0.0
    assert far["numbers"]["within"] is True
    assert far["numbers"]["permitted_robot_speed_m_s"] == pytest.approx(1.82)
    both = call("protective-distance --edition 2010 --resolution-mm 14 --response-s 0.32 --distance-mm 400 --json").json
    assert both["numbers"]["within"] is False
    assert both["numbers"]["permitted_response_s"] == pytest.approx(0.2)


def test_the_permitted_speed_is_within_itself():
    """The inverse of the inverse: the force at the permitted speed is within, a little more is not, in every region."""
    for region, numbers in default_profile().regions.items():
        for clamped in (True,) if numbers.transient_factor is None else (True, False):
            case = {"region": region, "moving_mass_kg": 33.0, "payload_kg": 1.0, "clamped": clamped}
            v = limits("contact", default_profile(), **case).value
            assert limits("contact", default_profile(), **case, speed_m_s=v).numbers["within"], region
            assert not limits("contact", default_profile(), **case, speed_m_s=1.001 * v).numbers["within"], region


def test_a_held_head_gets_its_warning(call):
    """What is permitted to a face that is held comes with the sentence that no contact in motion is."""
    out = call("contact --region face --moving-mass-kg 20 --clamped").out
    assert "at most 65 N" in out
    assert "No contact in motion is permitted with the face" in out


# ── a profile of one's own ───────────────────────────────────────────────────────────────────────────────────────


def test_the_default_profile_is_written_for_the_user_to_confirm(call, tmp_path):
    """Word for word, comments included, but for its name; it is read back as the default's numbers."""
    ran = call("profile --out my.yaml")
    assert ran.code == 0
    assert ran.out.startswith("my.yaml is a limits profile for you to confirm.")
    text = (tmp_path / "my.yaml").read_text()
    assert text == default_text().replace("name: default", 'name: "my"')
    assert read_profile(tmp_path / "my.yaml").regions == default_profile().regions


def test_a_profile_with_a_situation_makes_limits(call, tmp_path):
    """The situation of the command line, in the file, and the limits it makes; comments are kept."""
    found = call(f"profile --out my.yaml {SITUATION} --json").json
    assert found["value"] is None
    assert found["numbers"] == {"out": "my.yaml", "force_n": 140.0, "tool_speed_m_s": 0.147}
    assert "at most 140 N and 0.147 m/s" in found["answer"]
    text = (tmp_path / "my.yaml").read_text()
    assert text.count("#") == default_text().count("#")
    situation = yaml.safe_load(text)["situation"]
    assert situation["regions"] == ["hand_finger", "chest"]
    assert situation["confidence"]["value"] == 0.95
    assert situation["moving_mass"] == {
        "value": 20.0,
        "unit": "kg",
        "source": "given to jangin limits profile",
        "verified": False,
        "note": "",
    }
    profile = read_profile(tmp_path / "my.yaml")
    assert profile.limits().items() == {"force_n": 140.0, "tool_speed_m_s": 0.147}


def test_ones_own_numbers_are_used(call, tmp_path):
    """--profile: the user's number, source and confirmation are in the answer, and the warning is gone."""
    values = yaml.safe_load(default_text())
    values |= {"name": "cell 7", "confirmed_by": "J. Kim"}
    hand = values["contact"]["regions"]["hand_finger"]
    for key in ("force", "stiffness"):
        hand[key] |= {"verified": True, "source": "our copy of ISO 10218-2:2025"}
    hand["force"]["value"] = 100
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(values))
    found = call(f"{HAND} --clamped --profile own.yaml --json").json
    assert found["numbers"]["force_n"] == 100.0
    assert found["profile"]["name"] == "cell 7"
    assert {u["source"] for u in found["used"]} == {"our copy of ISO 10218-2:2025"}
    assert not any(re.search("Nobody|Not verified", n) for n in found["notes"])


# ── wrong input ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("", "jangin limits needs WHAT, right after the verb. See jangin limits --help."),
        (
            "contac",
            "There is no question 'contac'. Did you mean 'contact'? There is: contact, profile, protective-distance, "
            "separation. Ask one right after the verb, as `jangin limits contact`.",
        ),
        (
            "contact --region hand_fingr --moving-mass-kg 20",
            "There is no body region 'hand_fingr'. Did you mean 'hand_finger'? There is: abdomen, back_shoulders, "
            "chest, face, hand_finger, lower_arm_wrist, lower_leg, neck, pelvis, skull_forehead, thigh_knee, "
            "upper_arm_elbow. They are those of the profile 'default'.",
        ),
        ("contact --region neck", "jangin limits contact needs --moving-mass-kg. See jangin limits --help."),
        (
            "contact --region neck --moving-mass-kg -2",
            "The moving mass is -2 kg; give a finite number above 0.",
        ),
        (
            "contact --region face --moving-mass-kg 20",
            "No transient contact is permitted with the face (face). Keep the robot away from it; --clamped, or "
            "contact: quasi_static, asks for what is permitted to a part that is already held.",
        ),
        (
            f"{HAND} --contact-area-cm2 0",
            "The contact area is 0 cm2; give the smaller of the two surfaces, above 0.",
        ),
        (f"{HAND} --speed-m-s -1", "The speed is -1 m/s; give the relative speed at contact, 0 or more."),
        (
            f"{HAND} --distance-m 1",
            "jangin limits contact has no use for --distance-m; it takes: --region, --moving-mass-kg, --payload-kg, "
            "--clamped, --contact-area-cm2, --speed-m-s.",
        ),
        (f"{HAND} --regoin x", "jangin limits has no flag --regoin. Did you mean --region? See jangin limits --help."),
        (f"{HAND} --profile no.yaml", "There is no file no.yaml. Give the path of a limits profile file (YAML)."),
        (
            "separation --reaction-s 0.1",
            "jangin limits separation needs --robot-speed-m-s for the distance it asks for, or --distance-m for the "
            "speed that it permits.",
        ),
        (
            "separation --reaction-s 0.1 --distance-m 1 --stopping-s 0.1",
            "jangin limits separation needs how the robot stops: --stopping-s with --stopping-distance-m as measured, "
            "or --deceleration-m-s2.",
        ),
        (
            f"separation {STOP} --distance-m 1 --deceleration-m-s2 2",
            "--deceleration-m-s2 stands in place of --stopping-s and --stopping-distance-m. Give it, or those two.",
        ),
        (f"separation {STOP} --distance-m -1", "--distance-m is -1; give a number of at least 0."),
        (f"separation {STOP} --distance-m 1 --intrusion-m nan", "--intrusion-m is nan; give a number of at least 0."),
        (
            "protective-distance --response-s 1",
            "jangin limits protective-distance needs --edition. See jangin limits --help.",
        ),
        (
            "protective-distance --edition 2011 --response-s 1",
            "There is no edition of ISO 13855 '2011'. Did you mean '2010'? There is: 2010, 2024. Their intrusion "
            "distances differ.",
        ),
        (
            "protective-distance --edition 2024 --response-s 1 --resolution-mm 30",
            "jangin has no rule for D_DS of the edition of 2024: take it from your copy of ISO 13855, by the zone's "
            "resolution and mounting, and give it as --intrusion-mm.",
        ),
        (
            "protective-distance --edition 2010 --response-s 1",
            "jangin limits protective-distance needs --resolution-mm of the zone, or --intrusion-mm.",
        ),
        (
            "protective-distance --edition 2010 --response-s 1 --resolution-mm 14 --supplement-mm 5",
            "--supplement-mm is Z of the edition of 2024; that of 2010 has none. Leave it out.",
        ),
        (
            "protective-distance --edition 2010 --response-s 1 --approach paralel",
            "There is no approach 'paralel'. Did you mean 'parallel'? There is: orthogonal, parallel.",
        ),
        (
            "protective-distance --edition 2010 --response-s 1 --resolution-mm 14 --height-mm 5",
            "--height-mm is for --approach parallel; leave it out, or say so.",
        ),
        (
            f"{LEVEL} --response-s 1 --resolution-mm 70 --height-mm 200",
            "A zone of 70 mm resolution must lie at least 300 mm high to detect a leg; --height-mm is 200. Give a "
            "finer resolution, or mount it higher.",
        ),
        (
            f"{LEVEL} --response-s 1 --height-mm 1100",
            "--height-mm is 1100; a zone along the approach lies at most 1000 mm high.",
        ),
        ("profile", "jangin limits profile needs --out. See jangin limits --help."),
        (
            "profile --out x.yaml --clamped",
            "--clamped is part of a situation, which needs --region too, as hand_finger or neck,chest.",
        ),
        (
            "profile --out x.yaml --region neck --exceedance 0.1",
            "A profile with a situation needs --moving-mass-kg too. See jangin limits --help.",
        ),
        (
            "profile --out x.yaml --region neck --moving-mass-kg 0 --exceedance 0.1",
            "--moving-mass-kg is 0; give a finite number above 0.",
        ),
        (
            "profile --out x.yaml --region neck --moving-mass-kg 4 --exceedance 1",
            "--exceedance is 1; give a share above 0 and below 1, as 0.001.",
        ),
        (
            "profile --out x.yaml --region neck --moving-mass-kg 4 --exceedance 0.1 --confidence 0.2",
            "--confidence is 0.2; give a share from 0.5 to below 1, as 0.95.",
        ),
    ],
)
def test_wrong_input_is_one_sentence(call, tmp_path, words, says):
    """What came, what was allowed or meant, what to do; exit code 2, and nothing is printed or written."""
    ran = call(words)
    assert ran.err == f"jangin: {says}\n"
    assert ran.code == 2
    assert ran.out == ""
    assert not list(tmp_path.iterdir())


def test_a_profile_is_never_replaced(call, tmp_path):
    """A file that exists stays as it is: somebody may have confirmed it."""
    (tmp_path / "my.yaml").write_text("confirmed by hand")
    ran = call("profile --out my.yaml")
    assert ran.code == 2
    assert ran.err == (
        "jangin: my.yaml exists, and a profile that somebody may have confirmed is not replaced. Give another place.\n"
    )
    assert (tmp_path / "my.yaml").read_text() == "confirmed by hand"
    (tmp_path / "my.yaml").unlink()
    call("profile --out my.yaml")
    assert "has no use for --profile" in call("profile --out other.yaml --profile my.yaml").err


def test_every_flag_belongs_to_a_question():
    """Each option is one of a question's values and says so in its text; each value is an option."""
    values = {f.name for f in dataclasses.fields(OPTIONS["limits"])} - {"what", "profile"}
    assert values == {name for q in QUESTIONS.values() for name in (*q.needs, *q.takes)}


def test_the_manual_shows_commands_that_work(call):
    """Every command in docs/limits.md answers, in its order, with exit code 0."""
    text = (ROOT / "docs" / "limits.md").read_text()
    found = re.findall(r"^jangin limits (.*?)(?:\s+#.*)?$", text.replace("\\\n", " "), re.MULTILINE)
    assert len(found) >= 6
    for words in found:
        ran = call(words)
        assert ran.code == 0, (words, ran.err)
    assert json.loads(call("contact --region chest --moving-mass-kg 20 --profile my.yaml --json").out)["value"] > 0
