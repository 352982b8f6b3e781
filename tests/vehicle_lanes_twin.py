"""The motorway once more, slowly and by itself: objects, lists and the formulas of the documentation.

    twin = Twin.of(world, sim)         # the same vehicles at the same places
    twin.period(action)                # a control period
    [c.s for c in twin.cars]

It shares no code with the compiled world but the names of the columns, and finds neighbours by looking at everybody.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from jangin.vehicle.lanes import columns as c


@dataclass
class Car:
    s: float
    d: float
    psi: float
    v: float
    delta: float
    target: float
    present: bool
    length: float
    width: float
    v0: float
    headway: float
    a: float
    b: float
    s0: float
    exponent: float
    politeness: float
    threshold: float
    safe: float
    right: float
    wants: float = 0.0


COLUMNS = (
    c.S, c.D, c.HEADING, c.SPEED, c.STEER, c.TARGET, c.PRESENT, c.LENGTH, c.WIDTH, c.V0, c.HEADWAY, c.COMFORT_ACCEL,
    c.COMFORT_DECEL, c.JAM_GAP, c.EXPONENT, c.POLITENESS, c.THRESHOLD, c.SAFE_DECEL, c.KEEP_RIGHT,
)  # fmt: skip


class Twin:
    """One stretch of motorway under meta-actions, without a shield and without anybody coming in or leaving."""

    def __init__(
        self, cars, *, width, lanes, kappa, dt, periods, speeds, target_speed, wheelbase, rate, accel, brake, lag
    ):
        self.cars, self.w, self.lanes, self.kappa, self.dt = cars, width, lanes, kappa, dt
        self.substeps, self.speeds, self.target_speed = periods, speeds, target_speed
        self.wheelbase, self.rate, self.accel, self.brake, self.lag, self.done = wheelbase, rate, accel, brake, lag, 0

    @classmethod
    def of(cls, world, sim):
        task, settings = world.task, world._w.settings
        cars = [Car(*(float(row[k]) for k in COLUMNS)) for row in world._w.car[sim]]
        trial = world._w.trial[sim]
        return cls(
            cars, width=task.lane_width_m, lanes=task.lanes, kappa=trial[c.CURVATURE], dt=task.substep_s,
            periods=round(1 / task.rate_hz / task.substep_s), speeds=task.speeds_m_s,
            target_speed=trial[c.TARGET_SPEED], wheelbase=task.wheelbase_m, rate=task.steer_rate_rad_s,
            accel=settings[c.EGO_ACCEL], brake=settings[c.TRACK_BRAKE], lag=settings[c.TRACK_S],
        )  # fmt: skip

    # ── who is where ─────────────────────────────────────────────────────────────────────────────────────────────

    def inside(self, car, lane):
        return abs(car.d - lane * self.w) < (self.w + car.width) / 2 - 0.1

    def counts(self, car, lane):
        return car.present and (self.inside(car, lane) or (car is not self.cars[0] and car.target == lane))

    def front(self, car, lane):
        others = [o for o in self.cars if o is not car and o.s > car.s and self.counts(o, lane)]
        return min(others, key=lambda o: o.s, default=None)

    def rear(self, car, lane):
        others = [o for o in self.cars if o is not car and o.s < car.s and self.counts(o, lane)]
        return max(others, key=lambda o: o.s, default=None)

    @staticmethod
    def room(behind, ahead):
        return ahead.s - behind.s - (ahead.length + behind.length) / 2

    # ── drivers ──────────────────────────────────────────────────────────────────────────────────────────────────

    def idm(self, car, leader):
        free = car.a * (1 - (car.v / car.v0) ** car.exponent)
        if leader is None:
            return free
        closing = car.v - leader.v
        desired = car.s0 + max(0.0, car.v * car.headway + car.v * closing / (2 * math.sqrt(car.a * car.b)))
        return free - car.a * (desired / max(self.room(car, leader), 0.01)) ** 2

    def change(self, car):
        if abs(car.d - car.target * self.w) > 0.3 or car.v < 1.0:
            return
        best, into = car.threshold, car.target
        now, old, leader = (f(car, car.target) for f in (self.front, self.rear, self.front))
        for lane in (car.target - 1, car.target + 1):
            if not 0 <= lane <= self.lanes - 1:
                continue
            ahead, behind = self.front(car, lane), self.rear(car, lane)
            if (ahead and self.room(car, ahead) <= 0) or (behind and self.room(behind, car) <= 0):
                continue
            then = self.idm(car, ahead)
            if then < -car.safe or (behind and self.idm(behind, car) < -car.safe):
                continue
            others = self.idm(behind, car) - self.idm(behind, ahead) if behind else 0.0
            others += self.idm(old, leader) - self.idm(old, car) if old else 0.0
            worth = then - self.idm(car, now) + car.politeness * others + (car.target - lane) * car.right
            if worth > best:
                best, into = worth, lane
        car.target = into

    def wish(self, car):
        found = self.idm(car, self.front(car, car.target))
        away = car.d - car.target * self.w
        if abs(away) > 0.3:
            other = car.target + math.copysign(1, away)
            if self.inside(car, other):
                found = min(found, self.idm(car, self.front(car, other)))
        return min(max(found, -8.0), 8.0)

    # ── motion ───────────────────────────────────────────────────────────────────────────────────────────────────

    def yaw(self, car, wheelbase):
        if car.v < 0.5:
            return 0.0
        sideways = min(max((car.target * self.w - car.d) / 0.6, -1.5), 1.5)
        heading = math.asin(min(max(sideways / car.v, -math.sin(math.pi / 4)), math.sin(math.pi / 4)))
        road = self.kappa / (1 - self.kappa * car.d)
        return (heading - wheelbase / 2 * road - car.psi) / 0.2 + car.v * road

    def slip(self, car, yaw, wheelbase):
        return math.asin(min(max(wheelbase / 2 * yaw / max(car.v, 0.5), -0.9), 0.9))

    def go(self, car, accel, slip, wheelbase):
        after = max(car.v + accel * self.dt, 0.0)
        way = (car.v + after) / 2 * self.dt if car.v + accel * self.dt >= 0 else car.v**2 / (2 * -accel)
        along = way * math.cos(car.psi + slip) / (1 - self.kappa * car.d)
        across = way * math.sin(car.psi + slip)
        car.psi += way * math.sin(slip) / (wheelbase / 2) - self.kappa * along
        car.s, car.d, car.v = car.s + along, car.d + across, after

    def period(self, action):
        ego = self.cars[0]
        speed, lane = action
        if abs(lane) > 1 / 3 and abs(lane) >= abs(speed):
            to = ego.target + math.copysign(1, lane)
            ego.target = to if 0 <= to <= self.lanes - 1 else ego.target
        elif abs(speed) > 1 / 3:
            step = self.speeds[1] - self.speeds[0]
            k = math.floor((ego.v - self.speeds[0]) / step + 0.5) + math.copysign(1, speed)
            self.target_speed = self.speeds[0] + step * min(max(k, 0), len(self.speeds) - 1)
        for _ in range(self.substeps):
            self.substep()

    def substep(self):
        ego, others = self.cars[0], [k for k in range(1, len(self.cars)) if self.cars[k].present]
        for k in others:
            if (self.done + k) % round(1 / self.dt) == 0:
                self.change(self.cars[k])
            self.cars[k].wants = self.wish(self.cars[k])
        accel = min(max((self.target_speed - ego.v) / self.lag, -self.brake), self.accel)
        wanted = math.atan(2 * math.tan(self.slip(ego, self.yaw(ego, self.wheelbase), self.wheelbase)))
        turn = self.rate * self.dt
        ego.delta = min(max(wanted, ego.delta - turn), ego.delta + turn)
        self.go(ego, accel, math.atan(math.tan(ego.delta) / 2), self.wheelbase)
        for k in others:
            car = self.cars[k]
            base = 0.6 * car.length
            lean = base / 2 * self.kappa
            if abs(car.d - car.target * self.w) < 0.01 and abs(car.psi + lean) < 0.001:  # in its lane: along it
                car.d, car.psi = car.target * self.w, -lean
                before = car.v
                car.v = max(before + car.wants * self.dt, 0.0)
                stops = before + car.wants * self.dt < 0
                way = before**2 / (2 * -car.wants) if stops else (before + car.v) / 2 * self.dt
                car.s += way / (1 - self.kappa * car.d)
            else:
                self.go(car, car.wants, self.slip(car, self.yaw(car, base), base), base)
        self.done += 1
