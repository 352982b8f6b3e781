"""Small roads for the tests: OpenDRIVE and CommonRoad files written from a few words."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "vehicle"


def shared(*parts: str) -> Path:
    """A file of the shared data, or the test is skipped."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"needs {'/'.join(parts)} of the shared vehicle data")
    return path


def lane(id_: int, width: str | float = 3.5, kind: str = "driving", link: str = "", more: str = "") -> str:
    """A <lane>; `width` is one number, or its elements; `link` are its elements."""
    widths = width if isinstance(width, str) else f'<width sOffset="0" a="{width}" b="0" c="0" d="0"/>'
    return f'<lane id="{id_}" type="{kind}" level="false"><link>{link}</link>{widths}{more}</lane>'


def section(*lanes: str, s: float = 0.0) -> str:
    """A <laneSection> of lanes in any order."""
    left = "".join(text for text in lanes if not text.startswith('<lane id="-'))
    right = "".join(text for text in lanes if text.startswith('<lane id="-'))
    sides = (f"<left>{left}</left>" if left else "") + '<center><lane id="0" type="none"/></center>'
    return f'<laneSection s="{s}">{sides}' + (f"<right>{right}</right>" if right else "") + "</laneSection>"


def geometry(shape: str, length: float, s: float = 0.0, x: float = 0.0, y: float = 0.0, hdg: float = 0.0) -> str:
    return f'<geometry s="{s}" x="{x}" y="{y}" hdg="{hdg}" length="{length}">{shape}</geometry>'


def road(
    plan: str,
    length: float,
    *sections: str,
    id_: str = "1",
    link: str = "",
    junction: str = "-1",
    rule: str = "RHT",
    offset: str = "",
    more: str = "",
) -> str:
    lanes = f"<lanes>{offset}{''.join(sections)}</lanes>"
    return (
        f'<road id="{id_}" length="{length}" junction="{junction}" rule="{rule}">\n<link>{link}</link>'
        f"<planView>\n{plan}\n</planView>{more}{lanes}</road>\n"
    )


def opendrive(folder: Path, *parts: str, minor: int = 6, name: str = "town.xodr") -> Path:
    """A file of these roads and junctions."""
    path = folder / name
    head = f'<?xml version="1.0"?>\n<OpenDRIVE>\n<header revMajor="1" revMinor="{minor}"/>\n'
    path.write_text(head + "".join(parts) + "</OpenDRIVE>\n")
    return path


def bound(*points: tuple[float, float]) -> str:
    return "".join(f"<point><x>{x}</x><y>{y}</y></point>" for x, y in points)


def lanelet(id_: int, left: str, right: str, more: str = "") -> str:
    return f'<lanelet id="{id_}">\n<leftBound>{left}</leftBound><rightBound>{right}</rightBound>\n{more}</lanelet>\n'


def straight(id_: int, x0: float, x1: float, y: float = 0.0, width: float = 4.0, more: str = "") -> str:
    """A lanelet along x, its centre at y."""
    left, right = y + width / 2, y - width / 2
    return lanelet(id_, bound((x0, left), (x1, left)), bound((x0, right), (x1, right)), more)


def exact(tag: str, value: float) -> str:
    return f"<{tag}><exact>{value}</exact></{tag}>"


def state(tag: str, step: int, x: float, y: float, heading: float | None = 0.0, more: str = "") -> str:
    turned = "" if heading is None else exact("orientation", heading)
    return (
        f"<{tag}><position><point><x>{x}</x><y>{y}</y></point></position>{turned}{exact('time', step)}{more}</{tag}>\n"
    )


def problem(start: str, goal: str, id_: int = 900) -> str:
    return f'<planningProblem id="{id_}">\n{start}<goalState>{goal}</goalState></planningProblem>\n'


def interval(tag: str, low: float, high: float) -> str:
    return f"<{tag}><intervalStart>{low}</intervalStart><intervalEnd>{high}</intervalEnd></{tag}>"


def commonroad(folder: Path, *parts: str, version: str = "2020a", name: str = "scenario.xml") -> Path:
    path = folder / name
    head = (
        f'<?xml version="1.0"?>\n<commonRoad commonRoadVersion="{version}" benchmarkID="ZAM_Test-1_1_T-1" '
        'timeStepSize="0.1" source="tests" tags="urban one">\n'
    )
    path.write_text(head + "".join(parts) + "</commonRoad>\n")
    return path
