"""Lane changes: whether (MOBIL), how (a smooth lateral profile), and who is in the way meanwhile.

    mobil_safe(follower_then, own_then, safe_decel)             # or would somebody have to brake too hard?
    mobil_incentive(own_then, own_now, new_then, new_now, old_then, old_now, politeness, bias) > threshold
    lateral_offset(2.0, 4.0, 0.0, 3.5)                          # 1.75 m: half the time, half the way

MOBIL compares accelerations before and after as if the change were over at once. A change takes seconds, though, and
simulators that forget this let cars scrape each other's sides. The rule here: **from the decision until the change is
over a vehicle is in both lanes.** So whoever simulates with this
- counts it as leader and follower in both lanes (`in_lane`),
- lets it follow the slower of its two leaders (the smaller of two accelerations),
- decides the vehicles of an instant one after the other, each seeing the changes already begun, and begins no second
  change before the first is over.
With no overlap in both lanes at the decision, nobody can come beside a vehicle that is changing.

`*_now` is an acceleration as things stand, `*_then` as if the change were over [m/s^2]; left and right are symmetric
but for `bias`. Accelerations come from any model in `following.py`; without a follower both are 0.
"""

from __future__ import annotations

from jangin.vehicle.traffic.jit import scalar

__all__ = [
    "in_lane",
    "keep_right_accel",
    "lateral_accel",
    "lateral_offset",
    "lateral_speed",
    "mobil_incentive",
    "mobil_keep_right",
    "mobil_safe",
]


@scalar
def mobil_safe(follower_then, own_then, safe_decel):  # type: ignore[no-untyped-def]
    """Whether neither the new follower nor the changing vehicle itself has to brake harder than `safe_decel` > 0.

    The published criterion asks this of the follower alone; the vehicle itself is asked too, because to one
    that brakes harder still in its own lane even the gap behind a standing leader looks like a gain.

    Source: Kesting, Treiber, Helbing, Transportation Research Record 1999 (2007) 86.
    """
    return follower_then >= -safe_decel and own_then >= -safe_decel


@scalar
def mobil_incentive(  # type: ignore[no-untyped-def]
    own_then, own_now, new_then, new_now, old_then, old_now, politeness, bias
):
    """What a change is worth [m/s^2]; MOBIL changes if it is more than the driver's threshold.

    Args:
        own_then, own_now: the vehicle's own acceleration.
        new_then, new_now: of the follower in the lane it goes to.
        old_then, old_now: of the follower in the lane it leaves.
        politeness: p; 0 thinks of itself only, 1 weighs others like itself.
        bias: added in favour of this direction; the keep-right bias is positive to the right, negative to the left.

    Source: Kesting, Treiber, Helbing (2007), symmetric rules.
    """
    return own_then - own_now + politeness * (new_then - new_now + old_then - old_now) + bias


@scalar
def mobil_keep_right(  # type: ignore[no-untyped-def]
    to_right, own_then, own_now, new_then, new_now, old_then, old_now, politeness, bias
):
    """The same where one keeps to the right and overtakes on the left: only the follower in the *left* lane counts,
    the old one on the way to the right and the new one on the way to the left. Pass accelerations in the right lane
    through `keep_right_accel` first.

    Source: Kesting, Treiber, Helbing (2007), passing rules of most European countries.
    """
    if to_right:
        return own_then - own_now + politeness * (old_then - old_now) + bias
    return own_then - own_now + politeness * (new_then - new_now) - bias


@scalar
def keep_right_accel(accel_right, accel_left, speed, left_lead_speed, congested_speed):  # type: ignore[no-untyped-def]
    """The acceleration in the right lane where passing on the right is not allowed [m/s^2]: not more than in the left
    lane, when the leader there is slower than this vehicle but faster than `congested_speed` (60 km/h as published).

    Source: Kesting, Treiber, Helbing (2007).
    """
    if speed > left_lead_speed and left_lead_speed > congested_speed:
        return min(accel_right, accel_left)
    return accel_right


@scalar
def in_lane(lane, own_lane, target_lane):  # type: ignore[no-untyped-def]
    """Whether a vehicle is in `lane`: its own, and while it changes also the one it goes to; no change: both equal."""
    return lane in (own_lane, target_lane)


@scalar
def lateral_offset(elapsed, duration, start, end):  # type: ignore[no-untyped-def]
    """The lateral offset [m] `elapsed` seconds into a change from `start` to `end`: a polynomial of fifth degree that
    begins and ends without lateral speed or acceleration; held outside 0 .. `duration` > 0.

    The lateral acceleration peaks at 5.77 (end - start) / duration^2: 1.26 m/s^2 for 3.5 m in 4 s.
    """
    x = min(max(elapsed / duration, 0.0), 1.0)
    return start + (end - start) * x * x * x * (10.0 - x * (15.0 - 6.0 * x))


@scalar
def lateral_speed(elapsed, duration, start, end):  # type: ignore[no-untyped-def]
    """The first derivative of `lateral_offset` [m/s]; at most 1.875 (end - start) / duration, in the middle."""
    x = min(max(elapsed / duration, 0.0), 1.0)
    return (end - start) / duration * 30.0 * x * x * (1.0 - x) * (1.0 - x)


@scalar
def lateral_accel(elapsed, duration, start, end):  # type: ignore[no-untyped-def]
    """The second derivative of `lateral_offset` [m/s^2]."""
    x = min(max(elapsed / duration, 0.0), 1.0)
    return (end - start) / (duration * duration) * 60.0 * x * (1.0 - x) * (1.0 - 2.0 * x)
