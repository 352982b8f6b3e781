"""Recorded traffic again: exactly as it was, or with drivers who react.

    at = replayed(recorded, 2.35)                       # everybody's pose and speed 2.35 s into the recording
    traffic = Reactive.of(recorded, TREIBER_KESTING.typical)
    moving = traffic.start()
    moving = traffic.advanced(moving, 0.1, others)      # others: (m, 6) boxes, columns as `paths.BOX`: the ego

Log replay is blind: a car behind a slower ego drives through it. Reactive replay keeps where everybody drives but not
when: each recorded driver starts as recorded and follows its recorded way, but behind whoever is in the way, ego or
recorded, with a speed of its own (`idm`). Each flatters or punishes an ego in its own manner; report both.

Reactive, in detail
- Cars, trucks, buses and motorcycles react; everybody else (pedestrians, bicycles, parked cars) is replayed by time.
- A driver's desired speed is the fastest it was recorded at, at least 1 m/s; the rest is the given driver's.
- Somebody recorded to appear later appears then, unless the place is taken; then it waits until it is free.
- A driver who left before the recording ended is gone at the end of its way. One who was last recorded standing stops
  there, as if behind somebody who stands. The others go straight on, also when the recording has ended.
- Braking is limited to BRAKES_M_S2. Accelerations of an instant are all from the same positions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

from jangin.vehicle.boxes_compiled import boxes_touch
from jangin.vehicle.recorded import Recorded
from jangin.vehicle.traffic.drivers import Driver
from jangin.vehicle.traffic.following import idm
from jangin.vehicle.traffic.paths import BOX, Paths, contact, paths, pose_at

__all__ = ["BRAKES_M_S2", "HORIZON_M", "REACTING", "Moving", "Reactive", "replayed"]

Array = np.ndarray

BRAKES_M_S2 = 8.0
HORIZON_M = 150.0
REACTING = ("car", "truck", "bus", "motorcycle")
_STANDS_M_S = 1.0
_AT_AN_INSTANT = 1e-9  # of a step: times closer than this to an instant are that instant


def replayed(recorded: Recorded, time_s: float | Array) -> Array:
    """Everybody at one time or several: (n, 6) or (n, k, 6), columns as BOX, NaN in x, y, heading and speed if absent.

    At an instant of the recording exactly what it says; between two, positions and speeds linear and headings the
    shorter way round. Somebody absent at either of the two is absent between them.
    """
    times = np.asarray(time_s, float)
    place = np.atleast_1d(times) / recorded.step_s
    near = np.rint(place)
    place = np.where(np.abs(place - near) < _AT_AN_INSTANT, near, place)
    n, steps = recorded.x_m.shape
    if not steps:
        return np.empty((n, *times.shape, len(BOX)))
    before = np.floor(place)
    share, k = place - before, np.clip(before, 0, steps - 1).astype(np.int64)
    after = np.minimum(np.where(share > 0.0, k + 1, k), steps - 1)
    inside = (place >= 0.0) & (place <= steps - 1)

    def between(values: Array, *, round_the_clock: bool = False) -> Array:
        a, change = values[:, k], values[:, after] - values[:, k]
        if round_the_clock:
            change = (change + np.pi) % (2.0 * np.pi) - np.pi
        return np.where(inside, np.where(share > 0.0, a + share * change, a), np.nan)

    sizes = [np.broadcast_to(size[:, None], (n, len(place))) for size in (recorded.length_m, recorded.width_m)]
    at = np.stack(
        [
            between(recorded.x_m),
            between(recorded.y_m),
            between(recorded.heading_rad, round_the_clock=True),
            *sizes,
            between(recorded.speed_m_s),
        ],
        axis=-1,
    )
    return at[:, 0] if times.ndim == 0 else at.reshape(n, *times.shape, len(BOX))


@dataclass(frozen=True, eq=False)
class Moving:
    """Reactive traffic at one time.

    Attributes:
        time_s: since the recording began.
        boxes: (n, 6) columns as BOX; x, y, heading and speed NaN for those not there.
        travelled_m: (n,) along each one's way.
        entered: (n,) who has appeared; those who have left again have, too.
        leader: (n,) whom each reacted to during the last step, a row of `boxes` or, from n on, of `others`; -1 nobody.
    """

    time_s: float
    boxes: Array
    travelled_m: Array
    entered: Array
    leader: Array


@dataclass(frozen=True, eq=False)
class Reactive:
    """Recorded road users with drivers.

    Attributes:
        recorded: what was recorded.
        ways: where everybody drives.
        drivers: (n, 6) the parameters of `idm`, in its order.
        reacts: (n,) who does; the others are replayed by time.
        stops: (n,) who stays at the end of its way.
        leaves: (n,) who is gone there.
        appears_s: (n,) when each one was first recorded.
    """

    recorded: Recorded
    ways: Paths
    drivers: Array
    reacts: Array
    stops: Array
    leaves: Array
    appears_s: Array

    @classmethod
    def of(cls, recorded: Recorded, driver: Driver | Array) -> Reactive:
        """With one kind of driver, each with a desired speed as recorded; or with (n, 6) parameters as they are."""
        n = len(recorded)
        if isinstance(driver, Driver):
            drivers = np.tile(np.array(driver.following), (n, 1))
            fastest = np.nanmax(np.where(recorded.present, recorded.speed_m_s, -np.inf), axis=1, initial=-np.inf)
            drivers[:, 0] = np.maximum(fastest, 1.0)
        else:
            drivers = np.array(driver, float)
            if drivers.shape != (n, 6):
                raise ValueError(f"Drivers of shape {drivers.shape}; give a row a road user, ({n}, 6).")
        ways = paths(recorded)
        there = recorded.present
        appears = np.argmax(there, axis=1) * recorded.step_s
        last = there.shape[1] - 1 - np.argmax(there[:, ::-1], axis=1)
        stops = recorded.speed_m_s[np.arange(n), last] < _STANDS_M_S
        leaves = ~stops & (last < there.shape[1] - 1)
        return cls(recorded, ways, drivers, np.isin(recorded.kinds, REACTING), stops, leaves, appears)

    def start(self) -> Moving:
        """As the recording begins."""
        n = len(self.recorded)
        boxes = replayed(self.recorded, 0.0)
        return Moving(0.0, boxes, np.zeros(n), np.isfinite(boxes[:, 0]), np.full(n, -1))

    def advanced(self, moving: Moving, step_s: float, others: Array | None = None) -> Moving:
        """One step later.

        Args:
            step_s: > 0.
            others: (m, 6) boxes that are not recorded, where they are at the beginning of the step; columns as BOX.
        """
        n, time_s = len(self.recorded), moving.time_s + step_s
        others = np.zeros((0, len(BOX))) if others is None else np.asarray(others, float).reshape(-1, len(BOX))
        boxes = np.concatenate([moving.boxes, others])
        travelled, leader = moving.travelled_m.copy(), np.full(n, -1)
        who = (self.reacts, self.stops, self.leaves)
        _drive(boxes, travelled, leader, *who, self.drivers, step_s, *self.ways.arrays, self.ways.length_m)
        by_time = ~self.reacts
        boxes[:n][by_time] = replayed(self.recorded, time_s)[by_time]
        entered = moving.entered | (by_time & np.isfinite(boxes[:n, 0]))
        due = self.reacts & ~entered & (time_s >= self.appears_s - _AT_AN_INSTANT * self.recorded.step_s)
        for i in map(int, np.flatnonzero(due)):
            entered[i] = self._appear(i, boxes)
        return Moving(time_s, boxes[:n], travelled, entered, leader)

    def _appear(self, i: int, boxes: Array) -> bool:
        """Put a user at the beginning of its way if nobody is there."""
        k = int(np.argmax(self.recorded.present[i]))
        r = self.recorded
        box = (r.x_m[i, k], r.y_m[i, k], r.heading_rad[i, k], r.length_m[i], r.width_m[i])
        for other in boxes[np.isfinite(boxes[:, 0])]:
            if boxes_touch(*box, *other[:5]):
                return False
        boxes[i] = (*box, r.speed_m_s[i, k])
        return True


@numba.njit(nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _drive(  # type: ignore[no-untyped-def]
    boxes, travelled, leader, reacts, stops, leaves, drivers, step, first, x, y, heading, line, length
):
    """Everybody who reacts one step on: `boxes`, `travelled` and `leader` are written."""
    n = len(travelled)
    accel = np.zeros(n)
    for i in range(n):  # all look before anyone moves
        if not reacts[i] or np.isnan(boxes[i, 0]):
            continue
        gap, j, facing = contact(i, travelled[i], first, x, y, heading, line, boxes, HORIZON_M)
        leader[i] = j
        lead_speed = boxes[j, 5] * np.cos(boxes[j, 2] - facing) if j >= 0 else 0.0  # its share along our way
        d = drivers[i]
        wish = idm(boxes[i, 5], gap, lead_speed, d[0], d[1], d[2], d[3], d[4], d[5])
        if stops[i]:
            to_end = length[i] - travelled[i] + d[4]  # the jam gap more, so that it stands at the very end
            wish = min(wish, idm(boxes[i, 5], to_end, 0.0, d[0], d[1], d[2], d[3], d[4], d[5]))
        accel[i] = max(wish, -BRAKES_M_S2)
    for i in range(n):
        if not reacts[i] or np.isnan(boxes[i, 0]):
            continue
        speed = boxes[i, 5]
        after = speed + accel[i] * step
        if after >= 0.0:
            travelled[i] += 0.5 * (speed + after) * step
        else:  # stands before the step is over
            travelled[i] -= 0.5 * speed * speed / accel[i]
            after = 0.0
        if travelled[i] >= length[i] and leaves[i]:
            boxes[i, 0] = boxes[i, 1] = boxes[i, 2] = boxes[i, 5] = np.nan
            continue
        boxes[i, 0], boxes[i, 1], boxes[i, 2] = pose_at(i, travelled[i], first, x, y, heading, line)
        boxes[i, 5] = after
