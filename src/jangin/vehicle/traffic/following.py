"""Car following: how hard a driver accelerates behind whoever is ahead, one compiled function a model.

    idm(30.0, 40.0, 25.0, 33.3, 1.0, 1.0, 1.5, 2.0, 4.0)              # -5.09 m/s^2: 40 m behind, closing in at 5 m/s
    acc(30.0, 40.0, 25.0, 0.0, 33.3, 1.0, 1.0, 1.5, 2.0, 4.0, 0.99)   # -1.84 m/s^2: it is not that dangerous
    bulk(idm)(speeds, gaps, lead_speeds, *parameters)                 # over arrays; `bulk` is in `jit.py`
    idm(30.0, math.inf, 0.0, ...)                                     # a free road

Conventions of all of them
- SI units. `gap` is bumper to bumper and infinite on a free road; `lead_speed` is then any finite number. Speeds are 0
  or more. `accel` and `decel` are both positive.
- An overlap (a gap of 0 or less) counts as a gap of 1 cm: the answer is a very hard braking, and finite.
- What is returned is what the driver wants. Nothing is clipped to what a vehicle or its tyres can do; the caller clips.
- The parameters are trusted; `drivers.Driver` checks them.
"""

from __future__ import annotations

import math

from jangin.vehicle.traffic.jit import scalar

__all__ = [
    "CLOSEST_M",
    "acc",
    "cah",
    "gipps_speed",
    "idm",
    "idm_equilibrium_gap",
    "idm_highway_env",
    "krauss_safe_speed",
    "krauss_speed",
]

CLOSEST_M = 0.01  # what an overlap counts as


@scalar
def idm(  # type: ignore[no-untyped-def]
    speed, gap, lead_speed, desired_speed, headway, accel, decel, jam_gap, exponent
):
    """Acceleration of the intelligent driver model [m/s^2].

        accel (1 - (v / v0)^exponent - (s* / gap)^2),   s* = jam_gap + max(0, v T + v (v - v_lead) / (2 sqrt(a b)))

    Args:
        speed, gap, lead_speed: own speed v [m/s], gap [m] and the leader's speed [m/s].
        desired_speed: v0 > 0 [m/s], kept on a free road.
        headway: T, the time gap kept behind a leader [s].
        accel: a > 0, from a standstill on a free road [m/s^2].
        decel: b > 0, comfortable; exceeded when the situation needs it [m/s^2].
        jam_gap: s0 >= 0, kept at a standstill [m].
        exponent: 4 as a rule; how late the acceleration fades as v nears v0.

    Source: Treiber, Hennecke, Helbing, Phys. Rev. E 62 (2000) 1805; the max(0, .) from Treiber and Kesting, Traffic
    Flow Dynamics (2013), chapter 11.
    """
    ratio = speed / desired_speed
    if exponent == 4.0:  # what nearly every set has, and a power costs as much as all the rest
        fading = ratio * ratio * ratio * ratio
    else:
        fading = ratio**exponent
    braking = 0.5 * speed * (speed - lead_speed) / math.sqrt(accel * decel)
    wanted = jam_gap + max(0.0, speed * headway + braking)
    crowding = wanted / max(gap, CLOSEST_M)
    return accel * (1.0 - fading - crowding * crowding)


@scalar
def idm_equilibrium_gap(speed, desired_speed, headway, jam_gap, exponent):  # type: ignore[no-untyped-def]
    """The gap [m] at which `idm` holds `speed` < `desired_speed` behind a leader of that same speed; infinite above.

    Source: `idm` = 0, solved for the gap; Treiber and Kesting (2013), chapter 11.
    """
    if speed >= desired_speed:
        return math.inf
    return (jam_gap + speed * headway) / math.sqrt(1.0 - (speed / desired_speed) ** exponent)


@scalar
def cah(speed, gap, lead_speed, lead_accel, accel):  # type: ignore[no-untyped-def]
    """Constant-acceleration heuristic: the hardest acceleration [m/s^2] that ends in no crash if the leader goes on
    accelerating as now (never faster than `accel`) and this driver reacts at once.

    Source: Kesting, Treiber, Helbing, Phil. Trans. R. Soc. A 368 (2010) 4585 (arXiv 0912.3613).
    """
    gap = max(gap, CLOSEST_M)
    lead_accel = min(lead_accel, accel)
    closing = speed - lead_speed
    if lead_speed * closing < -2.0 * gap * lead_accel:  # both stop, the leader first; `<` keeps 0 / 0 out
        return speed * speed * lead_accel / (lead_speed * lead_speed - 2.0 * gap * lead_accel)
    closing = max(closing, 0.0)
    return lead_accel - closing * closing / (2.0 * gap)


@scalar
def acc(  # type: ignore[no-untyped-def]
    speed, gap, lead_speed, lead_accel, desired_speed, headway, accel, decel, jam_gap, exponent, coolness
):
    """Acceleration of the enhanced intelligent driver model, also called the ACC model [m/s^2].

    Where `idm` brakes harder than the constant-acceleration heuristic says is needed (somebody has just cut in), a
    share `coolness` of what is beyond that is taken back; at 0 the answer is `idm`'s. The published share is 0.99.

    Args:
        lead_accel: the leader's acceleration as measured [m/s^2].
        coolness: 0 .. 1.
        The others as in `idm`.

    Source: Kesting, Treiber, Helbing (2010).
    """
    wish = idm(speed, gap, lead_speed, desired_speed, headway, accel, decel, jam_gap, exponent)
    if gap == math.inf:  # the heuristic is about a leader
        return wish
    needed = cah(speed, gap, lead_speed, lead_accel, accel)
    if wish >= needed:
        return wish
    return (1.0 - coolness) * wish + coolness * (needed + decel * math.tanh((wish - needed) / decel))


@scalar
def krauss_safe_speed(gap, lead_speed, decel, reaction):  # type: ignore[no-untyped-def]
    """The speed [m/s] from which a driver who brakes with `decel` after `reaction` [s] still stops behind a leader who
    brakes with `decel` from now on: v T + v^2 / 2b = gap + v_lead^2 / 2b. `gap` is what may be used up; 0 when none.

    Source: Krauss, Wagner, Gawron, Phys. Rev. E 55 (1997) 5597, solved without linearising, as in SUMO.
    """
    reach = decel * reaction
    return max(0.0, math.sqrt(reach * reach + lead_speed * lead_speed + 2.0 * decel * max(gap, 0.0)) - reach)


@scalar
def krauss_speed(  # type: ignore[no-untyped-def]
    speed, gap, lead_speed, desired_speed, reaction, accel, decel, jam_gap, imperfection, uniform, step
):
    """The speed [m/s] of Krauss's driver at the end of a step of `step` seconds.

    Behind a leader who brakes with at most `decel` it comes no closer than jam_gap - decel step^2 / 2, if `step` <=
    `reaction` and positions advance by the *new* speeds times the step (a leader who stops within a step then covers
    nothing of it). The speed may drop by more than `decel` times the step when somebody cuts in.

    Args:
        imperfection: sigma 0 .. 1, dawdling as a share of one step's acceleration.
        uniform: this step's draw of U(0, 1); 0 for a driver who does not dawdle.
        The others as in `idm`.
    """
    safe = krauss_safe_speed(gap - jam_gap, lead_speed, decel, reaction)
    fastest = min(speed + accel * step, safe, desired_speed)
    return max(0.0, fastest - imperfection * accel * step * uniform)


@scalar
def gipps_speed(  # type: ignore[no-untyped-def]
    speed, gap, lead_speed, desired_speed, reaction, accel, decel, jam_gap, lead_decel
):
    """The speed [m/s] of Gipps's driver `reaction` seconds from now, which is also the model's step.

    Args:
        lead_decel: the hardest braking the driver expects of the leader [m/s^2].
        The others as in `idm`.

    Source: Gipps, Transportation Research B 15 (1981) 105.
    """
    share = speed / desired_speed
    free = speed + 2.5 * accel * reaction * (1.0 - share) * math.sqrt(0.025 + share)
    reach = decel * reaction
    room = 2.0 * (gap - jam_gap) - speed * reaction + lead_speed * lead_speed / lead_decel
    safe = math.sqrt(max(0.0, reach * reach + decel * room)) - reach
    return max(0.0, min(free, safe))


@scalar
def idm_highway_env(  # type: ignore[no-untyped-def]
    speed, distance, lead_speed, desired_speed, headway, accel, decel, jam_distance, exponent
):
    """`idm` as highway-env 1.12 has it, to take policies there and back [m/s^2].

    Args:
        distance: from centre to centre [m]; infinite on a free road.
        jam_distance: kept at a standstill, also from centre to centre [m]: 5 and the car's length, 10.
        The others as in `idm`.

    Two more differences: the wanted distance may be negative, and braking then grows with a leader that runs away;
    and accelerations are left for the caller to clip to 6 m/s^2 either way.
    """
    fading = (speed / desired_speed) ** exponent
    wanted = jam_distance + speed * headway + 0.5 * speed * (speed - lead_speed) / math.sqrt(accel * decel)
    if abs(distance) < CLOSEST_M:
        distance = CLOSEST_M
    crowding = wanted / distance
    return accel * (1.0 - fading - crowding * crowding)
