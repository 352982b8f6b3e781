"""A scanner's rays in a compiled world: how far it is from a point, along a direction, to a box.

    r = ray_to_box(x, y, cos, sin, bx, by, heading, length, width)      # inf: the ray passes it; 0: begins inside

Scalars in, a scalar out, nothing allocated; callable from Python too. Boxes as in `boxes_compiled`: one of width 0 is
a wall.
"""

from __future__ import annotations

from math import cos, inf, sin

import numba

__all__ = ["ray_to_box"]


@numba.njit(nogil=True, error_model="numpy")
def ray_to_box(
    x: float, y: float, along_x: float, along_y: float,
    bx: float, by: float, heading: float, length: float, width: float,
) -> float:  # fmt: skip
    """The distance [m] from (x, y) along the unit vector (along_x, along_y) to a box (slab method)."""
    c, s = cos(heading), sin(heading)
    dx, dy = x - bx, y - by
    u, v = c * dx + s * dy, c * dy - s * dx
    du, dv = c * along_x + s * along_y, c * along_y - s * along_x
    near, far = 0.0, inf
    for at, rate, half in ((u, du, 0.5 * length), (v, dv, 0.5 * width)):
        if abs(rate) < 1e-12:
            if abs(at) > half:
                return inf
            continue
        first, second = (-half - at) / rate, (half - at) / rate
        near, far = max(near, min(first, second)), min(far, max(first, second))
    return near if near <= far else inf
