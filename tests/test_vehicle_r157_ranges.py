"""Ranges of logical scenarios from OpenSCENARIO variation files, and what such a file can get wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from jangin.errors import BadFile
from jangin.vehicle.r157.ranges import Range, read_constraints, read_ranges

ALKS = Path(__file__).parents[2] / "shared" / "data" / "vehicle" / "alks"
FILES = sorted((ALKS / "variations").glob("*.xosc"))

SPEED = """
<DeterministicSingleParameterDistribution parameterName="speed">
<DistributionRange stepWidth="10.0"><Range lowerLimit="20.0" upperLimit="60.0" /></DistributionRange>
</DeterministicSingleParameterDistribution>"""
KIND = """
<DeterministicSingleParameterDistribution parameterName="kind">
<DistributionSet><Element value="car" /><Element value="van" /></DistributionSet>
</DeterministicSingleParameterDistribution>"""
PAIR = """
<DeterministicMultiParameterDistribution><ValueSetDistribution>
<ParameterValueSet><ParameterAssignment parameterRef="lane" value="1" /></ParameterValueSet>
<ParameterValueSet><ParameterAssignment parameterRef="lane" value="-1" /></ParameterValueSet>
</ValueSetDistribution></DeterministicMultiParameterDistribution>"""


def variation(folder: Path, inner: str) -> Path:
    path = folder / "v.xosc"
    path.write_text(
        f'<OpenSCENARIO>\n<ParameterValueDistribution><ScenarioFile filepath="a.xosc" />\n<Deterministic>{inner}\n'
        "</Deterministic></ParameterValueDistribution></OpenSCENARIO>",
        encoding="utf-8",
    )
    return path


def scenario(folder: Path, inner: str) -> Path:
    path = folder / "a.xosc"
    path.write_text(
        f"<OpenSCENARIO><ParameterDeclarations>\n{inner}\n</ParameterDeclarations></OpenSCENARIO>", encoding="utf-8"
    )
    return path


def parameter(name: str, *groups: str) -> str:
    return f'<ParameterDeclaration name="{name}" value="1">{"".join(groups)}</ParameterDeclaration>'


def group(*constraints: tuple[str, str]) -> str:
    inner = "".join(f'<ValueConstraint rule="{rule}" value="{value}" />' for rule, value in constraints)
    return f"<ConstraintGroup>{inner}</ConstraintGroup>"


needs_alks = pytest.mark.skipif(not FILES, reason="needs the ALKS scenario files in shared/data")


@needs_alks
def test_every_variation_file_loads_with_the_scenario_it_varies():
    """All 15 files, with constraints: never more combinations than without, and never none."""
    assert len(FILES) == 15
    for path in FILES:
        ranges = read_ranges(path)
        declared = read_constraints(ALKS / "concrete" / Path(ranges.scenario).name)
        assert {*ranges.single, *(name for sets in ranges.together for name in sets[0])} <= declared.keys()
        assert next(ranges.combinations(declared))


@needs_alks
def test_the_cut_in_has_the_ranges_of_the_file_and_drops_what_it_must():
    """52,500 combinations, of which 29,750 meet the constraints: never faster sideways than the other drives."""
    ranges = read_ranges(ALKS / "variations" / "alks_scenario_4_4_1_cut_in_no_collision_variation.xosc")
    assert ranges["Ego_InitSpeed_Ve0_kph"] == Range(20.0, 60.0, 10.0)
    assert ranges["CutInVehicle_RelativeInitSpeed_Ve0_Vo0_kph"] == Range(-50.0, -10.0, 10.0)
    assert ranges["CutInVehicle_LaneChange_MaxLateralVelocity_Vy_mps"] == Range(0.5, 3.0, 0.5)
    assert ranges["CutInVehicle_Acceleration_Rate_mps2"] == Range(-3.0, 3.0, 1.5)
    assert ranges["CutInVehicle_Model"] == ("car", "truck", "van", "bus", "motorbike")
    assert sum(1 for _ in ranges.combinations()) == 5 * 5 * 2 * 5 * 7 * 6 * 5
    kept = 0
    for p in ranges.combinations(read_constraints(ALKS / "concrete" / Path(ranges.scenario).name)):
        other = p["Ego_InitSpeed_Ve0_kph"] + p["CutInVehicle_RelativeInitSpeed_Ve0_Vo0_kph"]
        assert 0.0 < p["CutInVehicle_LaneChange_MaxLateralVelocity_Vy_mps"] < other / 3.6
        kept += 1
    assert kept == 29_750


@needs_alks
def test_the_lead_vehicles_gap_and_speed_vary_together():
    """The emergency braking file assigns speed and time gap together: the rows of 5.2.3.3."""
    ranges = read_ranges(ALKS / "variations" / "alks_scenario_4_3_2_follow_lead_vehicle_emergency_brake_variation.xosc")
    rows = [(v["Ego_InitSpeed_Ve0_kph"], v["LeadVehicle_Init_HeadwayTime_s"]) for v in ranges.together[0]]
    assert rows[0] == ("7.2", "1.0")
    assert rows[-1] == ("60.0", "1.6")
    assert len(rows) == 7
    assert ranges["LeadVehicle_Init_LateralOffset_m"].values == tuple(-1.75 + 0.5 * k for k in range(8))


def test_combinations_vary_the_last_parameter_fastest(tmp_path: Path):
    """Single parameters in the file's order, then value sets; numbers are numbers, words are words."""
    ranges = read_ranges(variation(tmp_path, SPEED + KIND + PAIR))
    found = list(ranges.combinations())
    assert len(found) == 5 * 2 * 2
    assert found[:3] == [
        {"speed": 20.0, "kind": "car", "lane": 1.0},
        {"speed": 20.0, "kind": "car", "lane": -1.0},
        {"speed": 20.0, "kind": "van", "lane": 1.0},
    ]


def test_a_group_holds_as_a_whole_and_one_group_is_enough(tmp_path: Path):
    """Within a group all constraints hold; of several groups, one; text can be equal or unequal."""
    ranges = read_ranges(variation(tmp_path, SPEED + KIND))
    declared = read_constraints(
        scenario(
            tmp_path,
            parameter(
                "speed", group(("greaterThan", "20"), ("lessThan", "40")), group(("equalTo", "${$base * 3 / 0.5}"))
            )
            + parameter("kind", group(("notEqualTo", "van")))
            + parameter("base"),
        )
    )
    assert [p["speed"] for p in ranges.combinations({k: v for k, v in declared.items() if k != "speed"})] == [
        20.0, 30.0, 40.0, 50.0, 60.0,
    ]  # fmt: skip
    found = [p["speed"] for p in ranges.combinations(declared)]
    assert found == [30.0]  # the second group needs a value of `base`, which nothing here gives


@pytest.mark.parametrize(
    ("inner", "says"),
    [
        (
            SPEED.replace('"20.0"', '"80.0"'),
            "v.xosc, line 5 (ParameterValueDistribution / Deterministic / DeterministicSingleParameterDistribution / "
            "DistributionRange / Range): it goes from 80 to 60 by 10; let it rise by a step above 0.",
        ),
        (
            SPEED.replace('"10.0"', '"fast"'),
            "v.xosc, line 5 (ParameterValueDistribution / Deterministic / DeterministicSingleParameterDistribution / "
            "DistributionRange): stepWidth is 'fast'; allowed is a number of up to 1e+09. Mend it in the file.",
        ),
        (
            SPEED.replace('"10.0"', '"0.000001"'),
            "v.xosc, line 5 (ParameterValueDistribution / Deterministic / DeterministicSingleParameterDistribution / "
            "DistributionRange / Range): it has more than 1000000 values; take a larger step.",
        ),
        (
            SPEED + SPEED,
            "v.xosc, line 7 (ParameterValueDistribution / Deterministic / DeterministicSingleParameterDistribution): "
            "the parameter 'speed' is varied a second time; keep one of the two.",
        ),
        (
            PAIR.replace('parameterRef="lane" value="-1"', 'parameterRef="line" value="-1"'),
            "v.xosc, line 4 (ParameterValueDistribution / Deterministic / DeterministicMultiParameterDistribution): "
            "its value sets do not all assign the same parameters; let each assign every one.",
        ),
    ],
)
def test_a_wrong_range_is_refused_with_its_line(tmp_path: Path, inner: str, says: str):
    """Ranges that fall, that are no numbers, that explode, that come twice."""
    with pytest.raises(BadFile) as caught:
        read_ranges(variation(tmp_path, inner))
    assert str(caught.value) == says


def test_a_truncated_file_says_where_it_breaks_off(tmp_path: Path):
    """Bad XML ends in one sentence with file and line."""
    path = variation(tmp_path, SPEED)
    path.write_text(path.read_text(encoding="utf-8")[:250], encoding="utf-8")
    with pytest.raises(BadFile, match=r"^v.xosc, line \d: this is no well-formed XML: the file ends too early"):
        read_ranges(path)


@pytest.mark.parametrize(
    ("rule", "value", "says"),
    [
        ("lessThen", "3", "there is no rule 'lessThen'; allowed are"),
        (
            "lessThan",
            "${$fast / 2}",
            "'${$fast / 2}' is no arithmetic of numbers and declared parameters; declare them",
        ),
        ("lessThan", "${__import__('os')}", "is no arithmetic of numbers and declared parameters"),
        ("lessThan", "${$speed ** 9}", "is no arithmetic of numbers and declared parameters"),
    ],
)
def test_a_wrong_constraint_is_refused(tmp_path: Path, rule: str, value: str, says: str):
    """Unknown rules, undeclared parameters, and whatever is no arithmetic."""
    with pytest.raises(BadFile) as caught:
        read_constraints(scenario(tmp_path, parameter("speed", group((rule, value)))))
    assert "a.xosc, line 2 (ParameterDeclarations / " in str(caught.value)
    assert says in str(caught.value)
