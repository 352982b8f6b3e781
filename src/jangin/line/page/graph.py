"""Where the boxes of a line stand: any directed graph, layer by layer from left to right, wrapped into bands.

    drawn = arrange(nodes, links, sizes, width=1064)     # nodes in declared order
    drawn.boxes["weld"]                                   # Box(x, y, width, height), of the box's upper left corner
    drawn.wires                                           # polylines, one per link; `back` closes a loop

Links that close a loop are found by a depth-first search in declared order and drawn backwards under the boxes; without
them the graph has layers (longest path, and every box as far right as its successors allow, so that a sub-line stands
beside the station it feeds). A link over several layers keeps a lane free on its way. What only leads back (a rework
buffer) stands on a lane of its own below the stations between which it leads.

Source: Sugiyama, Tagawa and Toda, IEEE Trans. Syst. Man Cybern. 11 (1981) 109, with lanes in place of crossing counts.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Arrangement", "Box", "Wire", "arrange"]

Link = tuple[str, str]
Point = tuple[float, float]

_EDGE = 26.0  # left and right of the bands: room for links from one band to another [px]
_HEAD = 18.0  # above every lane: room for the bottleneck's flag [px]
_FOOT = 17.0  # below the lowest lane: room for the way out [px]
_CHANNEL = 7.0  # between two links that run under a band [px]


@dataclass(frozen=True)
class Box:
    """A rectangle by its upper left corner [px]."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        return self.y + self.height / 2

    @property
    def right(self) -> float:
        return self.x + self.width


@dataclass(frozen=True)
class Wire:
    """A link as a polyline; `back`: it closes a loop."""

    source: str
    target: str
    points: tuple[Point, ...]
    back: bool


@dataclass(frozen=True)
class Arrangement:
    """Boxes by name and wires, within width x height."""

    boxes: Mapping[str, Box]
    wires: tuple[Wire, ...]
    width: float
    height: float


def arrange(
    nodes: Sequence[str],
    links: Sequence[Link],
    sizes: Mapping[str, tuple[float, float]],
    *,
    buffers: Sequence[str],
    width: float,
    gap: float,
) -> Arrangement:
    """Places every node.

    Args:
        nodes, links: in declared order; `buffers` are those of the nodes that may stand on a way back.
        sizes: (width, height) of every node [px].
        width: that the bands may take, and `gap` between columns [px].
    """
    links = list(dict.fromkeys(links))
    back = _closing(nodes, links)
    returning = _returning(buffers, links, back)
    forward = [k for k in links if k not in back and k[0] not in returning and k[1] not in returning]
    layer = _layers([v for v in nodes if v not in returning], forward)
    lanes = _Lanes()
    lanes.fill([v for v in nodes if v not in returning], forward, layer)
    bands = _bands(layer, sizes, width - 2 * _EDGE, gap)
    of_band = {column: band for band, columns in enumerate(bands) for column in columns}
    for v in returning:
        lanes.put_back(v, links, layer, of_band)
    return _Plan(layer, lanes, bands, of_band, sizes, gap).drawn(links, back | {k for k in links if returning & {*k}})


# ── layers ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _closing(nodes: Sequence[str], links: Sequence[Link]) -> set[Link]:
    """Links to a node that the search is still below: without them there is no loop."""
    after: dict[str, list[str]] = defaultdict(list)
    for a, b in links:
        after[a].append(b)
    fed = {b for _, b in links}
    seen: set[str] = set()
    open_: set[str] = set()
    found: set[Link] = set()
    for root in sorted(nodes, key=lambda v: v in fed):  # entries first, else in declared order
        if root in seen:
            continue
        seen.add(root)
        open_.add(root)
        stack = [(root, iter(after[root]))]
        while stack:
            v, rest = stack[-1]
            w = next(rest, None)
            if w is None:
                open_.discard(v)
                stack.pop()
            elif w in open_:
                found.add((v, w))
            elif w not in seen:
                seen.add(w)
                open_.add(w)
                stack.append((w, iter(after[w])))
    return found


def _returning(buffers: Sequence[str], links: Sequence[Link], back: set[Link]) -> set[str]:
    """Buffers that lead back and nowhere else, from what is fed from ahead."""
    out: dict[str, list[Link]] = defaultdict(list)
    into: dict[str, list[Link]] = defaultdict(list)
    for k in links:
        out[k[0]].append(k)
        into[k[1]].append(k)
    return {
        v
        for v in buffers
        if out[v] and into[v] and all(k in back for k in out[v]) and not any(k in back for k in into[v])
    }


def _layers(nodes: Sequence[str], links: Sequence[Link]) -> dict[str, int]:
    """Longest path from an entry, then as far right as what follows allows."""
    after: dict[str, list[str]] = defaultdict(list)
    waits = dict.fromkeys(nodes, 0)
    for a, b in links:
        after[a].append(b)
        waits[b] += 1
    layer = dict.fromkeys(nodes, 0)
    order = [v for v in nodes if not waits[v]]
    for v in order:  # grows while it is read
        for w in after[v]:
            layer[w] = max(layer[w], layer[v] + 1)
            waits[w] -= 1
            if not waits[w]:
                order.append(w)
    for v in reversed(order):
        if after[v]:
            layer[v] = min(layer[w] for w in after[v]) - 1
    return layer


def _bands(
    layer: Mapping[str, int], sizes: Mapping[str, tuple[float, float]], room: float, gap: float
) -> list[list[int]]:
    """Columns per band; a band begins at an even layer (a station's) wherever two columns fit."""
    widths = _widths(layer, sizes)
    bands: list[list[int]] = [[]]
    used = 0.0
    for first in range(0, len(widths), 2):
        columns = list(range(first, min(first + 2, len(widths))))
        needed = sum(widths[c] + gap for c in columns)
        if bands[-1] and used + needed - gap > room:
            bands.append([])
            used = 0.0
        bands[-1] += columns
        used += needed
    return bands


def _widths(layer: Mapping[str, int], sizes: Mapping[str, tuple[float, float]]) -> list[float]:
    widths = [0.0] * (max(layer.values(), default=-1) + 1)
    for v, column in layer.items():
        widths[column] = max(widths[column], sizes[v][0])
    return widths


# ── lanes ────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Lanes:
    """Rows of a band: which lane a node stands on, and which lanes a long link keeps free in which column."""

    def __init__(self) -> None:
        self.of: dict[str, int] = {}
        self.through: dict[Link, dict[int, int]] = {}  # link -> column -> lane
        self.taken: dict[int, set[int]] = defaultdict(set)
        self.column: dict[str, int] = {}
        self.alone: set[str] = set()  # rework buffers whose lane is free from their targets to their sources

    def fill(self, nodes: Sequence[str], links: Sequence[Link], layer: Mapping[str, int]) -> None:
        """Column after column: each node near the mean lane of what leads to it, in declared order."""
        into: dict[str, list[Link]] = defaultdict(list)
        for k in links:
            into[k[1]].append(k)
        by_column: dict[int, list[str]] = defaultdict(list)
        passing: dict[int, list[Link]] = defaultdict(list)
        for v in nodes:
            by_column[layer[v]].append(v)
            self.column[v] = layer[v]
        for k in links:
            for column in range(layer[k[0]] + 1, layer[k[1]]):
                passing[column].append(k)
        for column in sorted(by_column):
            wanted: list[tuple[bool, float, int, str | Link]] = []
            for k in passing[column]:
                wanted.append((False, float(self._before(k, column)), 0, k))
            for rank, v in enumerate(by_column[column], 1):
                lanes = [self._before(k, column) for k in into[v]]
                wanted.append((not lanes, sum(lanes) / len(lanes) if lanes else 0.0, rank, v))
            for _, lane, _, what in sorted(wanted, key=lambda w: w[:3]):
                free = self._nearest(column, lane)
                if isinstance(what, str):
                    self.of[what] = free
                else:
                    self.through.setdefault(what, {})[column] = free

    def put_back(self, v: str, links: Sequence[Link], layer: Mapping[str, int], band: Mapping[int, int]) -> None:
        """A lane of its own below all it leads past; where that crosses bands, beside its source."""
        columns = [layer[a] for a, b in links if b == v] + [layer[b] for a, b in links if a == v]
        low, high = min(columns), max(columns)
        way = range(high, high + 1)
        if band[low] == band[high]:
            way = range(low, high + 1)
            self.alone.add(v)
        lane = next(i for i in itertools.count(1) if all(i not in self.taken[c] for c in way))
        for c in way:
            self.taken[c].add(lane)
        middle = (low + high) // 2 if len(way) > 1 else high
        if len(way) > 2 and middle in (low, high):
            middle = low + 1
        self.of[v], self.column[v] = lane, middle

    def _before(self, k: Link, column: int) -> int:
        return self.through[k][column - 1] if column - 1 in self.through.get(k, {}) else self.of[k[0]]

    def _nearest(self, column: int, lane: float) -> int:
        taken, at = self.taken[column], round(lane)
        near = (i for d in itertools.count() for i in (at + d, at - d) if i >= 0)
        free = next(i for i in near if i not in taken)
        taken.add(free)
        return free


# ── coordinates ──────────────────────────────────────────────────────────────────────────────────────────────────


class _Plan:
    """Boxes and wires from layers, lanes and bands."""

    def __init__(
        self,
        layer: Mapping[str, int],
        lanes: _Lanes,
        bands: Sequence[Sequence[int]],
        band: Mapping[int, int],
        sizes: Mapping[str, tuple[float, float]],
        gap: float,
    ) -> None:
        self.lanes, self.bands, self.band, self.sizes, self.gap = lanes, bands, band, sizes, gap
        self.widths = _widths(layer, sizes)
        self.left: dict[int, float] = {}
        for columns in bands:
            x = _EDGE
            for c in columns:
                self.left[c] = x
                x += self.widths[c] + gap
        self.right = max((self.left[c] + self.widths[c] for c in self.left), default=_EDGE)
        self.pitch = max(h for _, h in sizes.values()) + _HEAD
        self.channels: dict[int, list[list[tuple[float, float]]]] = defaultdict(list)

    def drawn(self, links: Sequence[Link], back: set[Link]) -> Arrangement:
        used = [[i for c in columns for i in self.lanes.taken[c]] or [0] for columns in self.bands]
        self.first = [min(lanes) for lanes in used]
        rows = [max(lanes) - min(lanes) + 1 for lanes in used]
        ways = {k: self._channels_of(k, k in back) for k in links}
        top = [0.0]
        for b, count in enumerate(rows):
            top.append(top[-1] + count * self.pitch + _FOOT + _CHANNEL * len(self.channels[b]))
        self.top, self.rows = top, rows
        boxes = {v: self._box(v) for v in self.lanes.of}
        wires = [Wire(*k, tuple(self._points(k, k in back, ways[k], boxes)), k in back) for k in links]
        return Arrangement(boxes, tuple(wires), self.right + _EDGE, top[-1])

    def _box(self, v: str) -> Box:
        c, (w, h) = self.lanes.column[v], self.sizes[v]
        return Box(self.left[c] + (self.widths[c] - w) / 2, self._lane_y(c, self.lanes.of[v]) - h / 2, w, h)

    def _lane_y(self, column: int, lane: int) -> float:
        """The middle of a lane."""
        band = self.band[column]
        return self.top[band] + (lane - self.first[band]) * self.pitch + _HEAD + (self.pitch - _HEAD) / 2

    def _channels_of(self, k: Link, back: bool) -> list[tuple[int, int]]:
        """(band, channel) under which the link runs: none if it only goes right, else one per band it goes under."""
        a, b = (self.lanes.column[v] for v in k)
        if self._beside(k, back):
            return []
        if back and self.band[a] == self.band[b]:
            return [(self.band[a], self._channel(self.band[a], self.left[b] - 1, self.left[a] + self.widths[a] + 1))]
        if back:
            return [
                (self.band[a], self._channel(self.band[a], 0.0, self.left[a] + self.widths[a] + 1)),
                (self.band[b], self._channel(self.band[b], 0.0, self.left[b])),
            ]
        wraps = range(self.band[a], self.band[b])
        return [(band, self._channel(band, 0.0, self.right + _EDGE)) for band in wraps]

    def _beside(self, k: Link, back: bool) -> bool:
        """To or from a rework buffer that has its lane to itself: no channel is needed."""
        a, b = (self.lanes.column[v] for v in k)
        return back and b < a and bool(self.lanes.alone & {*k})

    def _channel(self, band: int, low: float, high: float) -> int:
        rows = self.channels[band]
        for i, row in enumerate(rows):
            if all(high < a or low > b for a, b in row):
                row.append((low, high))
                return i
        rows.append([(low, high)])
        return len(rows) - 1

    def _channel_y(self, way: tuple[int, int]) -> float:
        band, i = way
        return self.top[band] + self.rows[band] * self.pitch + _FOOT + _CHANNEL * i

    def _points(self, k: Link, back: bool, ways: list[tuple[int, int]], boxes: Mapping[str, Box]) -> list[Point]:
        a, b = boxes[k[0]], boxes[k[1]]
        first, last = (self.lanes.column[v] for v in k)
        out = self.left[first] + self.widths[first] + self.gap / 2
        into = self.left[last] - self.gap / 2
        if self._beside(k, back):
            if k[1] in self.lanes.alone:  # to the rework buffer: down, and in from the right
                return [(a.right, a.middle), (out, a.middle), (out, b.middle), (b.right, b.middle)]
            return [(a.x, a.middle), (into, a.middle), (into, b.middle), (b.x, b.middle)]
        if back:
            ys = [self._channel_y(w) for w in ways]
            margin = 4.0 + 3.0 * (ways[0][1] % 4)
            over = [] if len(ys) == 1 else [(margin, ys[0]), (margin, ys[1])]
            return [
                (a.right, a.middle), (out, a.middle), (out, ys[0]), *over, (into, ys[-1]), (into, b.middle),
                (b.x, b.middle),
            ]  # fmt: skip
        return self._forward(k, ways, a, b)

    def _forward(self, k: Link, ways: list[tuple[int, int]], a: Box, b: Box) -> list[Point]:
        """Through the lanes kept free, with a step in the gap where the lane changes, and round the end of a band."""
        points, wrap = [(a.right, a.middle)], iter(ways)
        column = self.lanes.column[k[0]]
        while column < self.lanes.column[k[1]]:
            column += 1
            last = column == self.lanes.column[k[1]]
            y = b.middle if last else self._lane_y(column, self.lanes.through[k][column])
            x = b.x if last else self.left[column]
            if self.band[column] != self.band[column - 1]:
                way = next(wrap)
                under, shift = self._channel_y(way), 3.0 * (way[1] % 4)
                end, begin = self.right + 8.0 + shift, _EDGE - 10.0 - shift
                points += [(end, points[-1][1]), (end, under), (begin, under), (begin, y)]
            elif y != points[-1][1]:
                step = self.left[column] - self.gap / 2
                points += [(step, points[-1][1]), (step, y)]
            points.append((x, y))
            if not last:
                points.append((self.left[column] + self.widths[column], y))
        return points
