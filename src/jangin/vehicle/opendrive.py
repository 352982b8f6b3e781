"""An OpenDRIVE file (.xodr) as a Road.

    road = read_opendrive("motorway.xodr")
    road.names[0], road.kinds[0]                 # "0/0/4", "stop": road, section (from 0), lane
    road.sagitta_m                               # 0.0005: how far the straight pieces lie from the lanes' curves

Read: versions 1.1 to 1.8: line, arc, spiral, poly3, paramPoly3; lane offsets, widths or borders, several (also
one-sided) sections, right- and left-hand traffic, reversed lanes; links of sections, roads, common and direct
junctions; speed limits of roads and lanes; elevation; objects. Not read, and not missed: road marks, signals,
controllers, superelevation and crossfall, surfaces, railways, lane height, user data.

A lane's kind is the file's word for it. Sources: ASAM OpenDRIVE 1.4 to 1.7.
"""

from __future__ import annotations

from pathlib import Path

from jangin.errors import BadFile, BadRoad
from jangin.vehicle.opendrive_lanes import OpenLane, road_lanes
from jangin.vehicle.opendrive_links import OpenRoad, lane_links
from jangin.vehicle.opendrive_objects import road_objects
from jangin.vehicle.road import DRIVABLE, Road
from jangin.vehicle.road_build import build_road
from jangin.vehicle.road_xml import Node, read_xml

__all__ = ["read_opendrive"]


def read_opendrive(path: str | Path) -> Road:
    """The road of an OpenDRIVE file.

    Raises: BadFile if it is missing, truncated, no OpenDRIVE or holds what is no number; BadRoad if it contradicts
    itself: a gap between geometries or linked roads, a link to what does not exist, a negative width. Both name line
    and element.
    """
    root = read_xml(path, "OpenDRIVE")
    _check_version(root)
    roads: dict[str, OpenRoad] = {}
    lanes: list[OpenLane] = []
    for node in root.all("road"):
        if node.word("id") in roads:
            raise BadRoad(f"{node.place}: there is a road {node.word('id')!r} already. Number roads once.")
        line, found = road_lanes(node)
        base = len(lanes)
        for mine in found:
            for side in ("left", "right"):
                if (beside := getattr(mine.lane, side)) >= 0:
                    setattr(mine.lane, side, base + beside)
        lanes += found
        roads[node.word("id")] = OpenRoad(node, line, list(enumerate(found, start=base)))
    if not lanes:
        raise BadRoad(f"{root.place}: the file has no road with lanes. Give one that has.")
    return build_road(
        [lane.lane for lane in lanes],
        lane_links(root, roads),
        objects=[found for road in roads.values() for found in road_objects(road.node, road.line)],
        sagitta_m=max((lane.sagitta_m for lane in lanes if lane.kind in DRIVABLE), default=0.0),
    )


def _check_version(root: Node) -> None:
    header = root.need("header")
    major, minor = header.number("revMajor"), header.number("revMinor")
    if major != 1 or not 1 <= minor <= 8:
        raise BadFile(
            f"{header.place}: the version is {major:g}.{minor:g}; read are 1.1 to 1.8. Export the road as one of these."
        )
