"""The channels of `vehicle/recorded`: what a vehicle in recorded traffic sees, in the coordinates of its course.

channels(20.0)      # itself and its goal, the course at STATIONS_M, and the NEIGHBOURS nearest road users
"""

from __future__ import annotations

import math

from jangin.task import Channel

__all__ = [
    "ASIDE_M",
    "FAR_M",
    "FAST_M_S",
    "HEADING_NOISE_RAD",
    "NEIGHBOURS",
    "OWN",
    "PER_NEIGHBOUR",
    "PLACE_NOISE_M",
    "ROOM_M",
    "SEEN_M",
    "SPEED_NOISE_M_S",
    "STATIONS_M",
    "channels",
]

STATIONS_M = (0.0, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 60.0, 80.0)  # where curvature and room are looked at
NEIGHBOURS = 10
FAR_M, ASIDE_M, FAST_M_S, ROOM_M = 500.0, 20.0, 60.0, 10.0
SEEN_M = 120.0
PLACE_NOISE_M, SPEED_NOISE_M_S, HEADING_NOISE_RAD = 0.2, 0.3, 0.01
OWN = 16
PER_NEIGHBOUR = 7


def channels(limit_s: float) -> tuple[Channel, ...]:
    """Itself and its goal, the course at STATIONS_M, and the NEIGHBOURS nearest road users."""
    own = (
        Channel("speed_m_s", "m/s", low=0.0, high=FAST_M_S),
        Channel("steer_rad", "rad", low=-1.1, high=1.1),
        Channel("offset_m", "m", "course", low=-ASIDE_M, high=ASIDE_M),
        Channel("heading_rad", "rad", "course", low=-math.pi, high=math.pi),
        Channel("lane_m", "m", "course", low=-ASIDE_M, high=ASIDE_M),
        Channel("wished_m_s", "m/s", low=0.0, high=FAST_M_S),
        Channel("goal_from_m", "m", "course", low=-FAR_M, high=FAR_M),
        Channel("goal_to_m", "m", "course", low=-FAR_M, high=FAR_M),
        Channel("goal_right_m", "m", "course", low=-ASIDE_M, high=ASIDE_M),
        Channel("goal_left_m", "m", "course", low=-ASIDE_M, high=ASIDE_M),
        Channel("goal_heading_rad", "rad", "course", low=-math.pi, high=math.pi),
        Channel("goal_turn_rad", "rad", low=0.0, high=2.0 * math.pi),
        Channel("goal_slowest_m_s", "m/s", low=0.0, high=FAST_M_S),
        Channel("goal_fastest_m_s", "m/s", low=0.0, high=FAST_M_S),
        Channel("goal_begins_s", "s", low=-limit_s, high=limit_s, sense="time"),
        Channel("goal_ends_s", "s", low=0.0, high=limit_s, sense="time"),
    )
    assert len(own) == OWN
    ahead = (
        channel
        for k in range(len(STATIONS_M))
        for channel in (
            Channel(f"curvature_{k}_1_m", "1/m", "course", low=-0.5, high=0.5),
            Channel(f"room_left_{k}_m", "m", "course", low=0.0, high=ROOM_M),
            Channel(f"room_right_{k}_m", "m", "course", low=0.0, high=ROOM_M),
        )
    )
    beside_it = (Channel(f"lane_{side}_m", "m", "course", low=-ASIDE_M, high=ASIDE_M) for side in ("left", "right"))
    near = (
        channel
        for k in range(NEIGHBOURS)
        for channel in (
            Channel(f"other_{k}_there", "1", low=0.0, high=1.0),
            Channel(f"other_{k}_ahead_m", "m", "course", low=-SEEN_M, high=SEEN_M, noise=PLACE_NOISE_M),
            Channel(f"other_{k}_offset_m", "m", "course", low=-SEEN_M, high=SEEN_M, noise=PLACE_NOISE_M),
            Channel(f"other_{k}_heading_rad", "rad", "course", low=-math.pi, high=math.pi, noise=HEADING_NOISE_RAD),
            Channel(f"other_{k}_speed_m_s", "m/s", low=0.0, high=FAST_M_S, noise=SPEED_NOISE_M_S),
            Channel(f"other_{k}_length_m", "m", low=0.0, high=30.0),
            Channel(f"other_{k}_width_m", "m", low=0.0, high=5.0),
        )
    )
    return (*own, *ahead, *beside_it, *near)
