"""Lanes one by one, as a reader finds them, to the flat arrays of a Road.

lanes = [Lane(name="1/0/-1", kind="driving", x_m=..., ...), ...]
road = build_road(lanes, links=[(0, 1)])       # (from, to): lane 1 goes on where lane 0 ends
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from jangin.vehicle.road import Road, RoadObject

__all__ = ["Lane", "build_road"]

Array = np.ndarray


@dataclass(eq=False)
class Lane:
    """One lane the way it is driven: its points (k,), k >= 2, as in Road, and the lanes beside it by number."""

    name: str
    kind: str
    x_m: Array
    y_m: Array
    z_m: Array
    heading_rad: Array
    curvature_1_m: Array
    s_m: Array
    left_m: Array
    right_m: Array
    limit_m_s: Array
    left: int = -1
    right: int = -1
    left_opposite: bool = False
    right_opposite: bool = False


_POINTS = ("x_m", "y_m", "z_m", "heading_rad", "curvature_1_m", "s_m", "left_m", "right_m", "limit_m_s")


def build_road(
    lanes: Sequence[Lane],
    links: Iterable[tuple[int, int]],
    *,
    objects: Iterable[RoadObject] = (),
    sagitta_m: float = 0.0,
) -> Road:
    """The Road of these lanes; `links` are (from, to) by the lanes' numbers, repetitions are dropped."""
    counts = [len(lane.x_m) for lane in lanes]
    points = {
        name: np.concatenate([getattr(lane, name) for lane in lanes]).astype(float) if lanes else np.zeros(0)
        for name in _POINTS
    }
    pairs = sorted(set(links))
    successor_offset, successor = _rows(len(lanes), pairs)
    predecessor_offset, predecessor = _rows(len(lanes), sorted((to, from_) for from_, to in pairs))
    road = Road(
        names=tuple(lane.name for lane in lanes),
        kinds=tuple(lane.kind for lane in lanes),
        offset=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        **points,
        speed_limit_m_s=np.array([_lowest(lane.limit_m_s) for lane in lanes], dtype=float),
        left=np.array([lane.left for lane in lanes], dtype=np.int64),
        right=np.array([lane.right for lane in lanes], dtype=np.int64),
        left_opposite=np.array([lane.left_opposite for lane in lanes], dtype=bool),
        right_opposite=np.array([lane.right_opposite for lane in lanes], dtype=bool),
        successor_offset=successor_offset,
        successor=successor,
        predecessor_offset=predecessor_offset,
        predecessor=predecessor,
        objects=tuple(objects),
        sagitta_m=sagitta_m,
    )
    for value in vars(road).values():
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
    return road


def _rows(n: int, pairs: list[tuple[int, int]]) -> tuple[Array, Array]:
    """Pairs sorted by their first number as compressed rows: offsets (n + 1,) and the second numbers."""
    first = np.array([a for a, _ in pairs], dtype=np.int64)
    return np.searchsorted(first, np.arange(n + 1)), np.array([b for _, b in pairs], dtype=np.int64)


def _lowest(limits: Array) -> float:
    known = limits[np.isfinite(limits)]
    return float(known.min()) if len(known) else float("nan")
