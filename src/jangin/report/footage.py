"""One trial as it was filmed from above, cut down to what an animation can show.

    footage = Footage("Trial 17: collision at 12.4 s", "collision", False, scenery, frames, limits)
    moments = footage.moments(most=9000)       # evenly thinned frames with everybody's stretches
    footage.series("gap_m")                    # (t_s, value) wherever it was reported

Every position is one of the frames'; thinning leaves frames out and moves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from jangin.task import Array, Channel, Frame, Scenery

__all__ = ["DRIVEN", "Footage", "Moments", "Stretch"]

DRIVEN = "driven"
JUMP_M_S = 100.0  # who seems to move faster has come in again elsewhere
JUMP_M = 5.0  # and farther than this
MARGIN_M = 6.0  # beyond the window, so that a box slides in and does not pop up


@dataclass(frozen=True)
class Stretch:
    """A box while it is near: frames `first` to `first` + n - 1 of the moments.

    Attributes:
        id, kind, length_m, width_m: of the box.
        first: number of its first moment.
        poses: (n, 3) x, y [m] and heading [rad], which does not jump at half a turn.
    """

    id: int
    kind: str
    length_m: float
    width_m: float
    first: int
    poses: Array


@dataclass(frozen=True)
class Moments:
    """What an animation shows: times (n,) [s], the window's pose (n, 3), and every box that comes near."""

    t_s: Array
    view: Array
    stretches: tuple[Stretch, ...]

    @property
    def drawn(self) -> int:
        """Poses of all boxes together."""
        return sum(len(s.poses) for s in self.stretches)


@dataclass(frozen=True)
class Footage:
    """One trial from above.

    Attributes:
        title: what it is, in words.
        outcome: how it ended, in words.
        good: whether that is a success.
        scenery: what stands still.
        frames: one a control period, in order of time, the last as the trial ended.
        limits: the task's scalar limits by name.
        note: about the trial, in words.
    """

    title: str
    outcome: str
    good: bool
    scenery: Scenery
    frames: tuple[Frame, ...]
    limits: Mapping[str, float] = field(default_factory=dict)
    note: str = ""

    def __post_init__(self) -> None:
        for frame in self.frames:
            if DRIVEN not in frame.kinds:
                raise ValueError(f"The frame at {frame.t_s:g} s has no {DRIVEN!r} box; there is: {frame.kinds}.")
        if not self.all_frames:
            raise ValueError("Footage has no frame in which the driven box is anywhere; it needs at least one.")

    @cached_property
    def all_frames(self) -> tuple[Frame, ...]:
        """All frames in order of time, those between control periods too; not those after the state was lost."""
        found: dict[float, Frame] = {}
        for frame in self.frames:
            for one in (*frame.before, frame):
                if np.isfinite(_view(one)).all():
                    found[one.t_s] = one
        return tuple(found[t] for t in sorted(found))

    @property
    def end_s(self) -> float:
        """When the trial ended [s]."""
        return self.all_frames[-1].t_s

    def series(self, name: str) -> tuple[Array, Array]:
        """Times [s] and values (n,) of what was reported under `name`; inf where there was none."""
        known = [f for f in self.all_frames if name in f.values]
        return np.array([f.t_s for f in known]), np.array([float(f.values[name]) for f in known])

    def charted(self) -> list[Channel]:
        """The values that were reported at least once."""
        return [v for v in self.scenery.values if len(self.series(v.name)[0])]

    def limit_of(self, value: Channel) -> float | None:
        """The task's limit on a value, if it has one: under its own name, or on its inverse (`inverse_ttc_1_s`)."""
        stem = value.name.removesuffix(f"_{value.unit}")
        if value.name in self.limits:
            return self.limits[value.name]
        inverse = self.limits.get(f"inverse_{stem}_1_{value.unit}")
        return 1.0 / inverse if inverse else None

    def moments(self, most: int) -> Moments:
        """At most about `most` poses: every k-th frame, counted from the end, and the first; k as small as can be."""
        frames, every = self.all_frames, 1
        while True:
            last = len(frames) - 1
            kept = sorted({0, *range(last, -1, -every)})
            found = self._moments([frames[k] for k in kept])
            if found.drawn <= most or len(kept) <= 2:
                return found
            every += max(1, int(every * (found.drawn / most - 1.0)))

    def _moments(self, frames: Sequence[Frame]) -> Moments:
        t, view = np.array([f.t_s for f in frames]), np.array([_view(f) for f in frames], float)
        view[:, 2] = np.unwrap(view[:, 2])
        rows: dict[int, list[tuple[int, int]]] = {}
        for k, frame in enumerate(frames):
            for row, box in enumerate(frame.ids):
                rows.setdefault(box, []).append((k, row))
        stretches = [s for box, at in rows.items() for s in self._stretches(box, at, frames, t, view)]
        return Moments(t, view, tuple(sorted(stretches, key=lambda s: s.kind == DRIVEN)))

    def _stretches(
        self, box: int, at: list[tuple[int, int]], frames: Sequence[Frame], t: Array, view: Array
    ) -> list[Stretch]:
        """A box's stretches: broken where it is not there, has jumped, or is beyond the window."""
        k = np.array([n for n, _ in at])
        five = np.array([frames[n].boxes[row] for n, row in at], float)
        moved = np.hypot(*np.diff(five[:, :2], axis=0).T)
        together = (np.diff(k) == 1) & (moved <= np.maximum(JUMP_M_S * np.diff(t[k]), JUMP_M))
        ahead, aside = _in_window(five, view[k])
        reach = 0.5 * np.hypot(five[:, 3], five[:, 4]) + MARGIN_M
        half_x, half_y = (0.5 * side for side in self.scenery.view_m)
        near = (np.abs(ahead) <= half_x + reach) & (np.abs(aside) <= half_y + reach)
        # one pose more at each end of a stretch, so that it comes from outside
        shown = near.copy()
        shown[1:] |= near[:-1] & together
        shown[:-1] |= near[1:] & together
        found, start = [], 0
        for n in range(1, len(k) + 1):
            if n < len(k) and shown[n] and shown[n - 1] and together[n - 1]:
                continue
            if shown[start]:
                row = frames[k[start]].ids.index(box)
                poses = five[start:n, :3].copy()
                poses[:, 2] = np.unwrap(poses[:, 2])
                size = float(five[start, 3]), float(five[start, 4])
                found.append(Stretch(box, frames[k[start]].kinds[row], *size, int(k[start]), poses))
            start = n
        return found


def _view(frame: Frame) -> tuple[float, float, float]:
    if frame.view is not None:
        return frame.view
    x, y = frame.boxes[frame.kinds.index(DRIVEN), :2]
    return float(x), float(y), 0.0


def _in_window(five: Array, view: Array) -> tuple[Array, Array]:
    """Where boxes lie ahead of and beside the window's middle [m], (n,) each."""
    dx, dy = five[:, 0] - view[:, 0], five[:, 1] - view[:, 1]
    cos, sin = np.cos(view[:, 2]), np.sin(view[:, 2])
    return cos * dx + sin * dy, cos * dy - sin * dx
