"""Scripted ways to put a peg into a hole: what a plant runs today, and a teacher that cheats.

    SpiralSearch     sees the observation: tare, approach, touch, spiral at a guarded force until the peg drops, insert
    PressAndSlide    sees the privileged signals: press, slide straight over the hole, align, insert

Both keep one small state per simulation and act on all simulations at once; `reset` starts trials afresh.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from jangin.task import Array, Signals

__all__ = ["PressAndSlide", "SpiralSearch"]

APPROACH, DESCEND, SPIRAL, INSERT = range(4)


class SpiralSearch:
    """Force-guarded spiral search, then a compliant insertion.

    Attributes:
        press_m: displacement that presses while searching [m]; with the servos' stiffness about 10 N.
        touch_n: force at which contact is believed [N].
        guard_n: above this force on the way down it stops pressing [N].
        pitch_m: distance between two turns of the spiral [m].
        stride_m: how far the spiral's target moves per period [m].
        reach_m: radius at which the spiral starts again [m].
    """

    name = "expert"
    sees: Literal["observation", "privileged"] = "observation"
    press_m, touch_n, guard_n = 0.0014, 4.0, 18.0
    pitch_m, stride_m, reach_m = 0.0007, 0.0011, 0.0042

    def __init__(self, observation: Signals, action: Signals) -> None:
        self._at = {name: observation.index(name) for name in observation.names}
        self._low, self._high = action.low, action.high
        self._phase = np.zeros(0, np.int64)
        self._angle = np.zeros(0)  # of the spiral [rad]
        self._stuck = np.zeros(0)  # periods without progress while inserting
        self._tare, self._tared = np.zeros((0, 5)), np.zeros(0)  # the sensor's offset, and readings in it
        self._level, self._deepest = np.zeros(0), np.zeros(0)  # height at touch, and the least since [m]

    def reset(self, ids: Array, trials: Array) -> None:
        """Start over in simulations ids."""
        missing = int(np.max(ids)) + 1 - len(self._phase)
        for name in ("_phase", "_angle", "_stuck", "_tare", "_tared", "_level", "_deepest"):
            array = getattr(self, name)
            if missing > 0:
                array = np.concatenate([array, np.zeros((missing, *array.shape[1:]), array.dtype)])
                setattr(self, name, array)
            array[ids] = 0

    def act(self, seen: Array) -> Array:
        """(nsim, nobs) -> (nsim, 5)."""
        n = len(seen)
        away = self._read(seen, "far_x", "far_y", "far_z")
        wrench = self._read(seen, "force_x", "force_y", "force_z", "torque_x", "torque_y") - self._tare[:n]
        self._advance(n, away, wrench)
        phase = self._phase[:n, None]
        move = np.where(phase == APPROACH, self._approach(away), 0.0)
        move = np.where(phase == DESCEND, self._descend(away, wrench), move)
        move = np.where(phase == SPIRAL, self._spiral(n, away, wrench), move)
        move = np.where(phase == INSERT, self._insert(n, wrench), move)
        turn = -0.5 * self._read(seen, "tilt_x", "tilt_y")  # stay upright
        return np.clip(np.concatenate([move, turn], axis=1), self._low, self._high).astype(np.float32)

    def _read(self, seen: Array, *names: str) -> Array:
        return seen[:, [self._at[name] for name in names]].astype(float)

    def _advance(self, n: int, away: Array, wrench: Array) -> None:
        """Move each simulation on to its next phase where its sensors say so."""
        phase, height = self._phase[:n], away[:, 2]
        # before contact, what the sensor reads is its offset: average it away
        free = phase <= APPROACH
        self._tared[:n] += free
        self._tare[:n] += free[:, None] * wrench / np.maximum(self._tared[:n], 1.0)[:, None]
        over = (np.hypot(away[:, 0], away[:, 1]) < 0.0008) & (height < 0.007)
        touched = wrench[:, 2] > self.touch_n
        dropped = height < self._level[:n] - 0.0004
        lost = height > self._level[:n] + 0.0015
        new = phase.copy()
        new[(phase == APPROACH) & over] = DESCEND
        new[(phase <= DESCEND) & touched] = SPIRAL
        new[(phase == SPIRAL) & dropped] = INSERT
        new[(phase == INSERT) & lost] = SPIRAL
        began = (new == SPIRAL) & (phase <= DESCEND)
        self._level[:n] = np.where(began, height, self._level[:n])
        inserting = new == INSERT
        deeper = height < self._deepest[:n] - 0.0002
        self._deepest[:n] = np.where(inserting, np.minimum(self._deepest[:n], height), height)
        self._stuck[:n] = np.where(inserting & ~deeper, self._stuck[:n] + 1, 0)
        self._phase[:n] = new

    def _approach(self, away: Array) -> Array:
        """Over the estimated hole, 6 mm above it."""
        goal = away - [0.0, 0.0, 0.006]
        return np.clip(-1.2 * goal, -0.006, 0.006)

    def _descend(self, away: Array, wrench: Array) -> Array:
        """Slowly down until touch."""
        move = np.clip(-1.2 * away, -0.002, 0.002)
        move[:, 2] = np.where(wrench[:, 2] > self.guard_n, 0.0, -0.0012)
        return move

    def _spiral(self, n: int, away: Array, wrench: Array) -> Array:
        """Press and follow an Archimedean spiral around the estimate."""
        pitch = self.pitch_m / (2 * np.pi)
        angle = self._angle[:n]
        radius = pitch * angle
        target = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
        spiralling = self._phase[:n] == SPIRAL
        angle = angle + np.where(spiralling, self.stride_m / np.maximum(radius, 0.0008), 0.0)
        # start over at the centre, turned by the golden angle so that the turns fall between the last ones
        self._angle[:n] = np.where(radius > self.reach_m, 2.4, angle)
        move = np.empty((n, 3))
        move[:, :2] = np.clip(1.5 * (target - away[:, :2]), -0.0025, 0.0025)
        move[:, 2] = np.where(wrench[:, 2] > self.guard_n, 0.0005, -self.press_m)
        return move

    def _insert(self, n: int, wrench: Array) -> Array:
        """Push, yield sideways to the walls, and wriggle when stuck."""
        stuck = np.minimum(self._stuck[:n], 25.0)
        wriggle = 0.00004 * stuck
        beat = self._stuck[:n] * 0.9
        move = np.empty((n, 3))
        move[:, :2] = np.clip(4e-5 * wrench[:, :2], -0.001, 0.001)
        move[:, 0] += wriggle * np.cos(beat)
        move[:, 1] += wriggle * np.sin(beat)
        move[:, 2] = np.where(wrench[:, 2] > 2 * self.guard_n, 0.0, -0.0022)
        return move


class PressAndSlide:
    """Descend to contact whatever the lateral error, slide straight over the hole, align and insert.

    It must touch before it is aligned: a student of a teacher that hovers until it is aligned learns to hover.
    """

    name = "teacher"
    sees: Literal["observation", "privileged"] = "privileged"

    def __init__(self, privileged: Signals, action: Signals) -> None:
        self._at = {name: privileged.index(name) for name in privileged.names}
        self._low, self._high = action.low, action.high

    def reset(self, ids: Array, trials: Array) -> None:
        """Nothing to forget."""

    def act(self, seen: Array) -> Array:
        """(nsim, nprivileged) -> (nsim, 5)."""

        def read(*names: str) -> Array:
            return seen[:, [self._at[name] for name in names]].astype(float)

        error, height = read("error_x", "error_y"), read("height")[:, 0]
        lateral = np.linalg.norm(error, axis=1)
        stiffness = np.exp(read("log_stiffness")[:, 0])
        inside, above = height < -0.0005, height > 0.0006
        move = np.empty((len(seen), 3))
        sideways = np.where(above, 0.006, 0.0022)[:, None]
        move[:, :2] = np.clip(-1.5 * error, -sideways, sideways)
        gentle = -0.0009 * np.clip(stiffness, 0.7, 1.2)
        fall = -np.clip(0.35 * height, 0.0009, 0.006)
        push = np.where(lateral < 0.001, -0.004, -0.0012)
        move[:, 2] = np.where(above, fall, np.where(inside, push, gentle))
        turn = np.clip(-0.6 * read("lean_x", "lean_y"), -0.02, 0.02)
        return np.clip(np.concatenate([move, turn], axis=1), self._low, self._high).astype(np.float32)
