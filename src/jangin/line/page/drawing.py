"""The line drawn: a box per station with its shares of time, a box per buffer with its mean content, and the flow.

draw(answer)      # Markup: one SVG
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup, escape

from jangin.line.iso22400 import STATES
from jangin.line.layout import Buffer, Station
from jangin.line.page.graph import Arrangement, Box, arrange
from jangin.line.page.svg import fitted, n, rect, svg, text
from jangin.line.throughput import StationAnswer, Throughput
from jangin.report.wording import number, share

__all__ = [
    "PERSON_TONES", "PERSON_WORDS", "STATE_WORDS", "VEHICLE_TONES", "VEHICLE_WORDS", "bottlenecks", "draw", "legend",
    "share_bar", "station_of",
]  # fmt: skip

WIDTH = 1064.0  # of the page's column [px]

STATE_WORDS: Mapping[str, str] = {
    "running": "running",
    "setup": "set-up",
    "blocked": "blocked",
    "starved": "starved",
    "waiting": "waiting for people or transport",
    "down": "down",
    "stopped": "stopped as planned",
    "off": "off shift",
}

PERSON_WORDS: Mapping[str, str] = {
    "busy": "busy at a machine", "walking": "walking", "off": "off shift", "idle": "idle",
}  # fmt: skip
VEHICLE_WORDS: Mapping[str, str] = {
    "empty": "driving empty",
    "loaded": "driving loaded",
    "handling": "loading, unloading",
    "waiting": "waiting for a zone or a machine",
    "charging": "charging",
    "idle": "idle",
}
# the colour of each, by the state of a station that has it
PERSON_TONES: Mapping[str, str] = {"busy": "running", "walking": "setup", "off": "off", "idle": "starved"}
VEHICLE_TONES: Mapping[str, str] = {
    "empty": "setup", "loaded": "running", "handling": "stopped", "waiting": "blocked", "charging": "waiting",
    "idle": "starved",
}  # fmt: skip


@dataclass(frozen=True)
class _Size:
    """Sizes of boxes [px], and how wide a character is in them."""

    station: tuple[float, float]
    buffer: tuple[float, float]
    gap: float
    character: float


_NORMAL = _Size((128.0, 68.0), (52.0, 36.0), 20.0, 6.2)
_SMALL = _Size((98.0, 58.0), (42.0, 30.0), 14.0, 5.6)  # of a line of more than 40 stations


def draw(answer: Throughput) -> Markup:
    """The whole line; a station's or buffer's tooltip has its numbers in words."""
    layout = answer.layout
    size = _NORMAL if len(layout.stations) <= 40 else _SMALL
    nodes = [s.name for s in layout.stations] + [b.name for b in layout.buffers]
    links = []
    for s in layout.stations:  # in the order in which parts meet them: the first route is the main one
        out = layout.fed_by(s.name)
        links += [(s.name, b.name) for b in sorted(out, key=lambda b: b.name == s.rework_to)]
    links += [(b.name, t) for b in layout.buffers for t in b.target]
    sizes = {s.name: size.station for s in layout.stations} | {b.name: size.buffer for b in layout.buffers}
    plan = arrange(nodes, links, sizes, buffers=nodes[len(layout.stations) :], width=WIDTH, gap=size.gap)
    known, marks = {s.name: s for s in answer.stations}, bottlenecks(answer)
    parts = [_ARROWS, *_wires(plan)]
    for s in layout.stations:
        parts.append(_station(s, known.get(s.name), plan.boxes[s.name], size, marks.get(s.name, "")))
    for b in layout.buffers:
        parts.append(_buffer(b, answer.buffers.get(b.name), plan.boxes[b.name], size))
    parts += _ends(answer, plan, size)
    words = f"{len(layout.stations)} stations and {len(layout.buffers)} buffers; the table below has the same numbers."
    return svg(plan.width, plan.height, f"The line {layout.name}", words, parts, kind="chart line-drawing")


def bottlenecks(answer: Throughput) -> dict[str, str]:
    """Station -> which method names it the bottleneck."""
    found: dict[str, list[str]] = {}
    if answer.arrow is not None and answer.arrow.primary is not None:
        found.setdefault(answer.arrow.names[answer.arrow.primary], []).append("arrows")
    if answer.shifting is not None and answer.shifting.primary is not None:
        names = [s.name for s in answer.layout.stations]
        found.setdefault(station_of(answer.shifting.primary, names), []).append("shifting")
    return {name: " + ".join(by) for name, by in found.items()}


def station_of(machine: str, stations: list[str]) -> str:
    """The station of a logged machine: of its own name, or of the longest name that it begins with."""
    if machine in stations:
        return machine
    starts = [s for s in stations if machine.startswith(s) and not machine[len(s)].isalnum()]
    return max(starts, key=len, default=machine)


_ARROWS = (
    '<defs><marker id="tip" viewBox="0 0 6 6" refX="6" refY="3" markerWidth="6" markerHeight="6" orient="auto" '
    'markerUnits="userSpaceOnUse"><path d="M0 0L6 3L0 6Z" class="tip"/></marker>'
    '<marker id="tip-back" viewBox="0 0 6 6" refX="6" refY="3" markerWidth="6" markerHeight="6" orient="auto" '
    'markerUnits="userSpaceOnUse"><path d="M0 0L6 3L0 6Z" class="tip back"/></marker></defs>'
)


def _wires(plan: Arrangement) -> list[str]:
    parts = []
    for w in plan.wires:
        path = "M" + "L".join(f"{n(x)} {n(y)}" for x, y in w.points)
        kind, tip = ("wire back", "tip-back") if w.back else ("wire", "tip")
        words = escape(f"{w.source} → {w.target}{', back' if w.back else ''}")
        parts.append(f'<path d="{path}" class="{kind}" marker-end="url(#{tip})"><title>{words}</title></path>')
    return parts


def _station(s: Station, known: StationAnswer | None, box: Box, size: _Size, mark: str) -> str:
    rate = "not measured" if known is None else f"{number(known.per_hour, 3)}/h"
    short = rate if known is not None else "–"
    many = f"{s.machines} × " if s.machines > 1 else ""
    inner = box.width - 14
    words = [f"{s.name}: {s.machines} machine{'s' if s.machines > 1 else ''}, {rate}"]
    if known is not None:
        words += [f"{STATE_WORDS[k]} {share(known.shares.get(k, 0.0))}" for k in STATES if known.shares.get(k, 0.0) > 0]
    if s.scrap:
        words.append(f"scrap {share(s.scrap)}")
    if s.rework:
        words.append(f"rework {share(s.rework)} to {s.rework_to}")
    parts = [f"<g><title>{escape('; '.join(words))}</title>"]
    parts.append(rect(box.x, box.y, box.width, box.height, "station neck" if mark else "station", 'rx="3"'))
    parts.append(text(box.x + 7, box.y + 17, fitted(s.name, inner, size.character + 0.4), tone="name"))
    running = "" if known is None else f"{share(known.shares.get('running', 0.0), 0)} run"
    parts.append(text(box.x + 7, box.y + 32, fitted(f"{many}{short}", inner, size.character)))
    if running and (len(many + short) + len(running) + 2) * size.character < inner:
        parts.append(text(box.right - 7, box.y + 32, running, "end"))
    parts += _shares(known, box.x + 7, box.y + box.height - 20, inner, 13)
    if mark:
        parts.append(text(box.x + 1, box.y - 5, fitted(f"▼ {mark}", box.width, size.character), tone="flag"))
    return "".join(parts) + "</g>"


def _shares(known: StationAnswer | None, x: float, y: float, width: float, height: float) -> list[str]:
    """The stacked bar of one station."""
    return _stack({} if known is None else {k: known.shares.get(k, 0.0) for k in STATES}, x, y, width, height)


def _stack(shares: Mapping[str, float], x: float, y: float, width: float, height: float) -> list[str]:
    """A bar of shares by colour, framed so that a share of nothing is seen as well."""
    parts = []
    at = x
    for tone, part in shares.items():
        long = width * max(0.0, part)
        if long > 0.0:
            parts.append(
                f'<rect x="{at:.2f}" y="{n(y)}" width="{long:.2f}" height="{n(height)}" class="s-{tone}"/>'
            )  # two decimals, for a share of 1 % is one pixel
            at += long
    parts.append(rect(x, y, width, height, "frame"))
    return parts


def share_bar(shares: Mapping[str, float], tones: Mapping[str, str]) -> Markup:
    """The shares of a crew's or a fleet's time as one bar, for a row of a table."""
    words = "; ".join(f"{state} {share(part)}" for state, part in shares.items() if part > 0.0)
    stacked = _stack({tones[state]: part for state, part in shares.items()}, 0.5, 0.5, 219.0, 13.0)
    return svg(220.0, 14.0, "Shares of time", words, stacked, kind="chart bar-row")


def _buffer(b: Buffer, content: float | None, box: Box, size: _Size) -> str:
    places = "∞" if b.capacity is None else str(b.capacity)
    mean = "–" if content is None else number(content, 2)
    words = f"{b.name}: {'mean content not measured' if content is None else f'{mean} parts on average'}, "
    words += "without limit" if b.capacity is None else f"{places} places"
    parts = [f"<g><title>{escape(words)}</title>", rect(box.x, box.y, box.width, box.height, "buffer", 'rx="8"')]
    if content is not None and b.capacity:
        full = min(1.0, max(0.0, content / b.capacity)) * (box.height - 2)
        parts.append(rect(box.x + 1, box.y + box.height - 1 - full, box.width - 2, full, "fill", 'rx="7"'))
    middle = box.x + box.width / 2
    parts.append(text(middle, box.y - 4, fitted(b.name, box.width + 12, size.character), "middle"))
    short = "–" if content is None else f"{content:.1f}" if content < 9.95 else f"{content:.0f}"
    label = f"{short}/{places}"
    if len(label) * size.character <= box.width - 2:
        parts.append(text(middle, box.middle + 4, label, "middle", "name"))
    else:
        parts += [
            text(middle, box.middle - 1, short, "middle", "name"),
            text(middle, box.middle + 11, f"/{places}", "middle", "name"),
        ]
    return "".join(parts) + "</g>"


def _ends(answer: Throughput, plan: Arrangement, size: _Size) -> list[str]:
    """Where parts come in and where they leave."""
    layout, parts = answer.layout, []
    release = {r.into: r.kind for r in layout.releases}
    for s in layout.stations:
        box = plan.boxes[s.name]
        if not layout.feeding(s.name) or s.name in release:
            y = box.middle if not layout.feeding(s.name) else box.y + 10
            words = escape(f"Parts come in here: {release.get(s.name, 'saturated')}")
            parts.append(
                f'<path d="M{n(box.x - min(size.gap, 20))} {n(y)}H{n(box.x)}" class="wire" '
                f'marker-end="url(#tip)"><title>{words}</title></path>'
            )
        good = [b for b in layout.fed_by(s.name) if b.name != s.rework_to]
        if not good or any(r.buffer == "out" for r in s.routes):
            x, y = box.right - 12, box.y + box.height
            parts.append(
                f'<path d="M{n(x)} {n(y)}v12" class="wire" marker-end="url(#tip)">'
                "<title>Good parts leave here</title></path>"
            )
            parts.append(text(x - 5, y + 11, "out", "end"))
    return parts


def legend(states: tuple[str, ...] = STATES) -> Markup:
    """What the colours are."""
    items = "".join(
        f'<span><i class="swatch b-{state}"></i>{escape(STATE_WORDS[state])}</span>' for state in states
    )  # fmt: skip
    return Markup(f'<p class="legend">{items}</p>')
