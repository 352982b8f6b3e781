"""A trial from above as a moving picture in one SVG: no script, no link, and stills of it for paper.

    svg = moving(footage, "film-17")      # plays in real time, again and again, with charts and a cursor below
    svg = stills(footage, "film-17")      # the same trial as a few pictures below each other
    html = document(footage)              # both in one page of their own

The motion is SMIL: every box has the positions of its frames as key values, and goes from one to the next in a straight
line. World coordinates are metres, x to the right and y up; the window's pose turns and moves the world beneath it.
Every text that comes in is escaped. The style sheet shows `stills` on paper and to those who prefer less motion.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from markupsafe import Markup, escape

from jangin.report.film_charts import Clock, charts, num, readout, rule, text
from jangin.report.footage import DRIVEN, Footage, Stretch
from jangin.report.wording import number, shown
from jangin.task import Array, Shape

__all__ = ["document", "moving", "section", "stills"]

WIDTH = 960.0  # of a picture [px]
TALLEST = 420.0  # of its window
HEAD = 30.0  # above it, for legend and time
POSES = 7500  # drawn at the most, so that a page stays small
STILLS, STILL_S = 5, 6.0  # pictures for paper; of a failure, its last seconds
HALO = 0.35  # around a box whose shield acts, as a share of its width

_BOXES = {DRIVEN: "driven", "vehicle": "vehicle", "truck": "truck", "trailer": "trailer", "person": "person"}
_AREAS = {k: k for k in ("road", "floor", "wall", "dock", "goal", "obstacle")}
_LINES = {"lane edge": "edge", "lane mark": "dash", "wall": "barrier", "goal": "target", "path": "way"}
_SILENT = {"road", "floor", "lane edge", "lane mark"}  # nobody needs a legend for them
_SHIELD = "shield"


def moving(footage: Footage, key: str) -> Markup:
    """The animation; `key` is its name in the page's ids, letters, digits and dashes."""
    window = _Window.of(footage)
    found, clock = footage.moments(POSES), Clock.of(footage)
    view = found.view
    turn = clock.animated("rotate", found.t_s, [num(-math.degrees(a), 3) for a in view[:, 2]])
    shift = clock.animated("translate", found.t_s, [f"{num(-x, 2)} {num(-y, 2)}" for x, y, _ in view])
    boxes = "".join(_moving_box(s, found.t_s, clock, footage) for s in found.stretches)
    world = (
        f'<g transform="rotate({num(-math.degrees(view[0, 2]), 3)})">{turn}'
        f'<g transform="translate({num(-view[0, 0], 2)} {num(-view[0, 1], 2)})">{shift}'
        f'<g id="{key}-ground" class="land">{_ground(footage)}</g>{boxes}</g></g>'
    )
    ends = clock.shown_during(clock.end_s, math.inf)
    picture = window.drawn(HEAD, world, f'<g visibility="hidden">{ends}{_ending(footage)}</g>')
    below, height = charts(footage, clock, HEAD + window.height + 12, WIDTH)
    seconds = readout(clock, found.t_s, [f"{t:.1f} s" for t in found.t_s], WIDTH - 90, 0, 90, "end")
    parts = [*_legend(footage), *_scale_bar(window.scale), seconds, picture, below]
    return _svg("moving", height, footage, parts)


def stills(footage: Footage, key: str) -> Markup:
    """A few pictures below each other, and the charts without a cursor; needs `moving` of the same key in the page."""
    window = _Window.of(footage)
    frames = footage.all_frames
    since = 0.0 if footage.good else max(0.0, footage.end_s - STILL_S)
    times = np.array([f.t_s for f in frames])
    wanted = sorted({int(np.argmin(np.abs(times - t))) for t in np.linspace(since, footage.end_s, STILLS)})
    parts, y = [*_legend(footage), *_scale_bar(window.scale)], HEAD
    said = _ending(footage)
    for k in wanted:
        only = Footage("", "", True, footage.scenery, (replace(frames[k], before=()),)).moments(POSES)
        x, side, angle = only.view[0]
        boxes = "".join(_box(s, footage, frames[k].values.get(_SHIELD, 0.0)) for s in only.stretches)
        world = (
            f'<g transform="rotate({num(-math.degrees(angle), 3)})translate({num(-x, 2)} {num(-side, 2)})">'
            f'<use href="#{key}-ground"/>{boxes}</g>'
        )
        over = text(10, 20, f"{frames[k].t_s:.1f} s", "start", "ending")
        parts.append(window.drawn(y, world, over + (said if k == len(frames) - 1 else "")))
        y += window.height + 8
    below, height = charts(footage, None, y + 4, WIDTH, stops=times[wanted].tolist())
    return _svg("stills", height, footage, [*parts, below])


def section(footage: Footage, key: str) -> dict[str, str | Markup]:
    """What a page shows of a trial: title, note, the moving picture and its stills."""
    return {
        "title": footage.title,
        "note": f"{footage.note} {_told(footage)}".lstrip(),
        "moving": moving(footage, key),
        "stills": stills(footage, key),
    }


def document(footage: Footage) -> str:
    """One whole page with the animation of one trial, and its stills for paper."""
    from jangin import __version__
    from jangin.report.page import film_page

    return film_page(version=__version__, **section(footage, "film"))


# ── the window ───────────────────────────────────────────────────────────────────────────────────────────────────


class _Window:
    """The rectangle that the world is seen through: its height [px] and scale [px/m]."""

    def __init__(self, height: float, scale: float) -> None:
        self.height, self.scale = height, scale

    @classmethod
    def of(cls, footage: Footage) -> _Window:
        """As wide as the picture, unless that makes it too tall."""
        length, width = footage.scenery.view_m
        scale = min(WIDTH / length, TALLEST / width)
        return cls(scale * width, scale)

    def drawn(self, y: float, world: str, over: str = "") -> str:
        """`world` (markup, metres, y up, the origin in the middle) at height `y` [px], and `over` on top of it [px]."""
        scale = num(self.scale, 4)
        middle = f"translate({num(WIDTH / 2)} {num(self.height / 2)})scale({scale} -{scale})"
        return (
            f'<svg x="0" y="{num(y)}" width="{num(WIDTH)}" height="{num(self.height)}">'
            f'<rect width="100%" height="100%" class="ground"/><g transform="{middle}">{world}</g>{over}</svg>'
        )


def _svg(kind: str, height: float, footage: Footage, parts: Sequence[str]) -> Markup:
    title = escape(footage.title)
    head = f'<svg class="film chart {kind}" viewBox="0 0 {num(WIDTH)} {num(height)}" role="img" aria-label="{title}">'
    return Markup(f"{head}<title>{title}</title><desc>{escape(_told(footage))}</desc>{''.join(parts)}</svg>")


def _told(footage: Footage) -> str:
    """What is to be seen, in words."""
    said = [f"Seen from above, {footage.end_s:.1f} s."]
    for value in footage.charted():
        t, v = footage.series(value.name)
        show = shown(value.name, value.unit, np.array([value.low, value.high]))
        unit = "" if value.unit == "1" else show.unit
        if value.name == _SHIELD:
            said.append(f"The shield acted in {int(np.sum(v[1:] > 0))} of {len(v) - 1} control periods.")
        elif np.isfinite(v).any():
            t, v = t[np.isfinite(v)], v[np.isfinite(v)] * show.factor
            most, name = f"{number(v.max())} {unit}".rstrip(), show.label[:1].upper() + show.label[1:]
            said.append(f"{name} from {number(v.min())} to {most}, least at {t[v.argmin()]:.1f} s.")
    return " ".join(said)


def _ending(footage: Footage) -> str:
    """How it ended, in the window's upper right corner."""
    said = f"{'✓' if footage.good else '✕'} {footage.outcome} at {footage.end_s:.1f} s"
    return text(WIDTH - 10, 20, said, "end", f"ending {'good' if footage.good else 'bad'}")


# ── what stands still ────────────────────────────────────────────────────────────────────────────────────────────


def _ground(footage: Footage) -> str:
    return "".join(_shape(s) for s in footage.scenery.shapes)


def _shape(shape: Shape) -> str:
    kind = (_AREAS if shape.closed else _LINES).get(shape.kind, "plain")
    points = " ".join(f"{num(x, 2)},{num(y, 2)}" for x, y in np.asarray(shape.points_m, float))
    return f'<{"polygon" if shape.closed else "polyline"} points="{points}" class="{kind}"/>'


def _legend(footage: Footage) -> list[str]:
    """What the boxes are, and of the ground what nobody would guess."""
    kinds = dict.fromkeys(k for f in footage.all_frames for k in f.kinds)
    boxes = [(_BOXES.get(k, "thing"), k) for k in sorted(kinds, key=lambda k: (k != DRIVEN, k))]
    grounds = dict.fromkeys((s.kind, s.closed) for s in footage.scenery.shapes if s.kind not in _SILENT)
    parts, x = [], 0.0
    for kind, name in boxes:
        tone = "within" if kind == "person" else f"box {kind}"
        parts.append(f'<rect x="{num(x)}" y="7" width="20" height="10" rx="2.5" class="{tone}"/>')
        parts.append(text(x + 26, 16, name))
        x += 26 + 6.2 * len(name) + 18
    for name, closed in grounds:
        kind = (_AREAS if closed else _LINES).get(name, "plain")
        sample = '<rect y="-1" width="2" height="2"' if closed else '<path d="M0 0H2"'
        parts.append(f'<g class="land" transform="translate({num(x)} 12)scale(10 5)">{sample} class="{kind}"/></g>')
        parts.append(text(x + 26, 16, name))
        x += 26 + 6.2 * len(name) + 18
    if _SHIELD in [v.name for v in footage.charted()]:
        parts.append(f'<rect x="{num(x + 1)}" y="6" width="18" height="12" rx="3" class="halo"/>')
        parts.append(text(x + 26, 16, "the shield acts"))
    return parts


def _scale_bar(scale: float) -> list[str]:
    """A length that is known, at the right, left of the time."""
    metres = next(m for m in (100, 50, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1) if m * scale <= 140 or m == 0.1)
    end, start = WIDTH - 110, WIDTH - 110 - metres * scale
    ends = "".join(rule(x, 8, x, 16, "axis") for x in (start, end))
    return [rule(start, 12, end, 12, "axis"), ends, text(start - 6, 16, f"{metres:g} m", "end")]


# ── what moves ───────────────────────────────────────────────────────────────────────────────────────────────────


def _moving_box(stretch: Stretch, t: Array, clock: Clock, footage: Footage) -> str:
    """A box on its way: it slides, turns, and is there only for as long as it is near."""
    poses = stretch.poses
    when = t[stretch.first : stretch.first + len(poses)]
    angles = [num(math.degrees(a), 2) for a in poses[:, 2]]
    slide = clock.animated("translate", when, [f"{num(x, 2)} {num(y, 2)}" for x, y, _ in poses])
    turn = clock.animated("rotate", when, angles, more=' additive="sum"')
    begins = -math.inf if stretch.first == 0 else float(when[0])
    ends = math.inf if stretch.first + len(poses) == len(t) else float(when[-1])
    seen = clock.shown_during(begins, ends)
    x, y, _ = poses[0]
    there = f'transform="translate({num(x, 2)} {num(y, 2)})rotate({angles[0]})"'
    if begins > -math.inf:
        there += ' visibility="hidden"'
    halo = _halo(stretch, footage, clock) if stretch.kind == DRIVEN else ""
    return f"<g {there}>{slide}{turn}{seen}{halo}{_body(stretch)}</g>"


def _box(stretch: Stretch, footage: Footage, shield: float) -> str:
    """A box that stands."""
    x, y, heading = stretch.poses[0]
    there = f'transform="translate({num(x, 2)} {num(y, 2)})rotate({num(math.degrees(heading), 2)})"'
    halo = _ring(stretch) if stretch.kind == DRIVEN and shield > 0 else ""
    return f"<g {there}>{halo}{_body(stretch)}</g>"


def _body(stretch: Stretch) -> str:
    """The box itself, its front to the right."""
    length, width, kind = stretch.length_m, stretch.width_m, _BOXES.get(stretch.kind, "thing")
    rounded = 0.0 if kind == "person" else 0.12 * width
    body = (
        f'<rect x="{num(-length / 2, 2)}" y="{num(-width / 2, 2)}" width="{num(length, 2)}" '
        f'height="{num(width, 2)}" rx="{num(rounded, 2)}" class="box {kind}"/>'
    )
    if kind == "person":  # the box is what counts, though nobody looks like that
        return f'{body}<ellipse rx="{num(length / 2, 2)}" ry="{num(width / 2, 2)}" class="within"/>'
    if kind in ("trailer", "thing"):
        return body
    pane = 0.5 * length - min(0.30 * length, 0.95 * width)  # the windscreen's lower edge, from which it slopes back
    deep, half = 0.28 * width, 0.38 * width
    glass = f"M{num(pane, 2)} {num(half, 2)}V{num(-half, 2)}L{num(pane - deep, 2)} {num(-0.8 * half, 2)}"
    return f'{body}<path d="{glass}V{num(0.8 * half, 2)}Z" class="glass"/>'


def _ring(stretch: Stretch) -> str:
    room = HALO * stretch.width_m
    length, width = stretch.length_m + 2 * room, stretch.width_m + 2 * room
    return (
        f'<rect x="{num(-length / 2, 2)}" y="{num(-width / 2, 2)}" width="{num(length, 2)}" '
        f'height="{num(width, 2)}" rx="{num(room, 2)}" class="halo"/>'
    )


def _halo(stretch: Stretch, footage: Footage, clock: Clock) -> str:
    """A ring that is there in the periods in which the shield acted."""
    t, share = footage.series(_SHIELD)
    acted = [(a, b) for (a, b), now in zip(pairwise(t), share[1:], strict=True) if now > 0]
    joined: list[tuple[float, float]] = []
    for a, b in acted:
        if joined and joined[-1][1] == a:
            joined[-1] = (joined[-1][0], b)
        else:
            joined.append((a, b))
    if not joined:
        return ""
    return f'<g visibility="hidden">{clock.shown_in(joined)}{_ring(stretch)}</g>'
