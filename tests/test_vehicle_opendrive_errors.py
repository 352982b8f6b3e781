"""What an OpenDRIVE file can get wrong: one sentence each, with line and element."""

from __future__ import annotations

from pathlib import Path

import pytest

from jangin.errors import BadFile, BadRoad
from jangin.vehicle.opendrive import read_opendrive
from vehicle_roads import geometry, lane, opendrive, road, section

LINE = geometry("<line/>", 50.0)


def refused(path: Path, error: type[Exception] = BadRoad) -> str:
    with pytest.raises(error) as caught:
        read_opendrive(path)
    return str(caught.value)


def test_a_truncated_file_says_where_it_breaks_off(tmp_path: Path):
    """A file cut anywhere is refused with its line, whatever it was cut in."""
    whole = opendrive(tmp_path, road(LINE, 50.0, section(lane(-1)))).read_bytes()
    cut = tmp_path / "cut.xodr"
    for size in (1, 40, 120, len(whole) // 2, len(whole) - 15):
        cut.write_bytes(whole[:size])
        said = refused(cut, BadFile)
        assert said.startswith("cut.xodr, line ")
        assert "the file ends too early" in said
    cut.write_bytes(whole[: whole.index(b"</planView>")])
    assert refused(cut, BadFile) == (
        "cut.xodr, line 7: this is no well-formed XML: the file ends too early inside road '1' / planView. Copy or "
        "export the file again."
    )


def test_other_files_are_refused_by_what_they_are(tmp_path: Path):
    """A missing file, another root, no version, a version not read."""
    assert refused(tmp_path / "no.xodr", BadFile).startswith(f"There is no file {tmp_path / 'no.xodr'}.")
    other = tmp_path / "other.xodr"
    other.write_text("<?xml version='1.0'?>\n<OpenSCENARIO/>")
    assert "line 2: the root element is <OpenSCENARIO>; allowed is <OpenDRIVE>" in refused(other, BadFile)
    other.write_text("<OpenDRIVE/>")
    assert "there is no <header> here" in refused(other, BadFile)
    assert "the version is 1.9; read are 1.1 to 1.8" in refused(opendrive(tmp_path, minor=9), BadFile)
    assert "no road with lanes" in refused(opendrive(tmp_path))


def test_a_document_type_is_never_read(tmp_path: Path):
    """Entities that would multiply a file's size are refused at the declaration."""
    bomb = tmp_path / "bomb.xodr"
    bomb.write_text('<?xml version="1.0"?>\n<!DOCTYPE x [<!ENTITY a "aaaa">]>\n<OpenDRIVE>&a;</OpenDRIVE>')
    assert "line 2: the file declares a document type (DTD)" in refused(bomb, BadFile)


@pytest.mark.parametrize("text", ["nan", "inf", "abc", "", "1e10"])
def test_numbers_are_finite(tmp_path: Path, text: str):
    """What is no number of a road's size is refused with the attribute's name and element."""
    path = opendrive(tmp_path, road(LINE.replace('hdg="0.0"', f'hdg="{text}"'), 50.0, section(lane(-1))))
    assert refused(path, BadFile) == (
        f"town.xodr, line 6 (road '1' / planView / geometry): hdg is {text!r}; allowed is a number of up to 1e+09. "
        "Mend it in the file."
    )


def test_a_gap_between_geometries_is_measured(tmp_path: Path):
    """The second piece begins 0.5 m aside of where the first ends."""
    plan = LINE + "\n" + geometry('<arc curvature="0.01"/>', 20.0, s=50.0, x=50.0, y=0.5)
    assert refused(opendrive(tmp_path, road(plan, 70.0, section(lane(-1))))) == (
        "town.xodr, line 7 (road '1' / planView / geometry): this geometry begins 0.5 m away from where the one before "
        "it (line 6) ends; allowed are 0.1 m. Close the gap."
    )
    plan = plan.replace('y="0.5"', 'y="0.05"')
    assert read_opendrive(opendrive(tmp_path, road(plan, 70.0, section(lane(-1)))))


def test_geometries_fill_the_road(tmp_path: Path):
    """Stations that overlap, lengths that do not add up, shapes that are unknown or empty."""
    plan = LINE + geometry("<line/>", 20.0, s=45.0, x=50.0)
    assert "begins at s = 45 m, but the one before it (line 6) ends at 50 m" in refused(
        opendrive(tmp_path, road(plan, 65.0, section(lane(-1))))
    )
    assert "from s = 0 m to 50 m, but the road is said to be 60 m long" in refused(
        opendrive(tmp_path, road(LINE, 60.0, section(lane(-1))))
    )
    assert "the shape is <bezier>; allowed are line, arc, spiral, poly3, paramPoly3" in refused(
        opendrive(tmp_path, road(geometry("<bezier/>", 50.0), 50.0, section(lane(-1))))
    )
    assert "the length is 0 m; it must be above 0 and at most 100000" in refused(
        opendrive(tmp_path, road(geometry("<line/>", 0.0), 0.0, section(lane(-1))))
    )


def test_what_no_road_is_like_is_refused_before_it_is_built(tmp_path: Path):
    """A million kilometres, a radius of a millimetre, a pole every micrometre: refused, not computed."""
    far = geometry("<line/>", 1e9)
    assert "the length is 1e+09 m" in refused(opendrive(tmp_path, road(far, 1e9, section(lane(-1)))))
    tight = geometry('<spiral curvStart="0" curvEnd="1000"/>', 50.0)
    assert "curvEnd is 1000 1/m; allowed are up to 10 1/m" in refused(
        opendrive(tmp_path, road(tight, 50.0, section(lane(-1))))
    )
    poles = (
        '<objects><object id="1" type="pole" s="0" t="0"><repeat s="0" length="50" distance="1e-6"/></object></objects>'
    )
    assert "this is 5e+07 objects; allowed are 100000" in refused(
        opendrive(tmp_path, road(LINE, 50.0, section(lane(-1)), more=poles))
    )


def test_lanes_have_a_width(tmp_path: Path):
    """None at all, a negative one, a border beside a lane offset, the wrong sign, the same lane twice."""
    assert "neither <width> nor <border>" in refused(opendrive(tmp_path, road(LINE, 50.0, section(lane(-1, "")))))
    dips = '<width sOffset="0" a="3" b="-0.1" c="0" d="0"/>'
    assert "(road '1' / lanes / laneSection / right / lane '-1'): the lane's width is -2 m at s = 50 m" in refused(
        opendrive(tmp_path, road(LINE, 50.0, section(lane(-1, dips))))
    )
    border, shift = '<border sOffset="0" a="-3" b="0" c="0" d="0"/>', '<laneOffset s="0" a="1" b="0" c="0" d="0"/>'
    assert "a <border> and its road a <laneOffset>" in refused(
        opendrive(tmp_path, road(LINE, 50.0, section(lane(-1, border)), offset=shift))
    )
    assert "comes twice" in refused(opendrive(tmp_path, road(LINE, 50.0, section(lane(-1), lane(-1)))))
    assert "begins at s = 50 m and ends at 50 m" in refused(
        opendrive(tmp_path, road(LINE, 50.0, section(lane(-1)), section(lane(-1), s=50.0)))
    )


def two_roads(link: str, x: float = 50.0, contact: str = "start") -> tuple[str, str]:
    to = f'<successor elementType="road" elementId="2" contactPoint="{contact}"/>'
    first = road(LINE, 50.0, section(lane(-1, link=link)), link=to)
    return first, road(geometry("<line/>", 50.0, x=x), 50.0, section(lane(-1), lane(-2)), id_="2")


def test_links_lead_to_what_exists(tmp_path: Path):
    """A lane, a road or a junction that the file does not have, at a road's end and between sections."""
    said = refused(opendrive(tmp_path, *two_roads('<successor id="-3"/>')))
    assert said.endswith(
        "there is no lane -3 at the start of road '2'; it has -2, -1. Correct the lane link or add the lane."
    )
    assert "lane '-1' / link / successor '-3'" in said
    inner = section(lane(-1, link='<successor id="-2"/>')), section(lane(-1), s=20.0)
    assert "there is no lane -2 at section 1 of road '1'; it has -1" in refused(
        opendrive(tmp_path, road(LINE, 50.0, *inner))
    )
    alone = two_roads('<successor id="-1"/>')[0]
    assert "elementId is '2', but the file has no road of that id" in refused(opendrive(tmp_path, alone))
    lost = road(LINE, 50.0, section(lane(-1)), link='<successor elementType="junction" elementId="7"/>')
    assert "there is no junction '7'" in refused(opendrive(tmp_path, lost))


def test_linked_roads_touch(tmp_path: Path):
    """Roads 3 m apart that are linked; and lanes that would both be driven into the joint."""
    said = refused(opendrive(tmp_path, *two_roads('<successor id="-1"/>', x=53.0)))
    assert "the end of road '1' is linked to the start of road '2', but they lie 3 m apart; allowed are 0.5 m" in said
    said = refused(opendrive(tmp_path, *two_roads('<successor id="-1"/>', x=0.0, contact="end")))
    assert "lane '1/0/-1' is linked to lane '2/0/-1', but both are driven towards that joint" in said


def test_a_junctions_lane_links_are_checked(tmp_path: Path):
    """A <laneLink> from or to a lane that is not there names the junction."""
    first = road(LINE, 50.0, section(lane(-1)), link='<successor elementType="junction" elementId="J"/>')
    second = road(geometry("<line/>", 20.0, x=50.0), 20.0, section(lane(-1)), id_="2", junction="J")
    for from_, to, missing in (
        (-1, -1, None),
        (-2, -1, "no lane -2 at the end of road '1'"),
        (-1, 1, "no lane 1 at the start"),
    ):
        junction = (
            '<junction id="J"><connection id="0" incomingRoad="1" connectingRoad="2" contactPoint="start">'
            f'<laneLink from="{from_}" to="{to}"/></connection></junction>'
        )
        path = opendrive(tmp_path, first, second, junction)
        if missing is None:
            assert read_opendrive(path).successors(0).tolist() == [1]
        else:
            said = refused(path)
            assert missing in said
            assert "junction 'J' / connection '0' / laneLink" in said
