"""Who is ahead and who is behind in a lane, from the order of all vehicles along the road.

    sort(car, order, place)                      # order[p] is the p-th vehicle from behind, place its inverse
    j = ahead(car, order, place, k, lane, width)     # -1 for nobody
    free = gap(car, k, j)                        # bumper to bumper

A vehicle that changes lanes is in both: in every lane its box reaches into, and in the one it goes to.
"""

from __future__ import annotations

from jangin.vehicle.lanes.columns import LENGTH, PRESENT, TARGET, WIDTH, D, S
from jangin.vehicle.lanes.jit import jit, scalar

__all__ = ["ahead", "behind", "gap", "occupies", "reaches", "sort"]

TOUCH_M = 0.1  # a box that reaches less into a lane is not in it


@jit
def sort(car, order, place):  # type: ignore[no-untyped-def]
    """Bring `order` (ncar,) and its inverse `place` up to date: an insertion sort, for hardly anything has changed."""
    for p in range(1, len(order)):
        k = order[p]
        s = car[k, S]
        q = p - 1
        while q >= 0 and car[order[q], S] > s:
            order[q + 1] = order[q]
            place[order[q]] = q + 1
            q -= 1
        order[q + 1] = k
        place[k] = q + 1


@scalar
def reaches(car, j, lane, width):  # type: ignore[no-untyped-def]
    """Whether the box of vehicle j reaches into a lane, its heading apart."""
    return abs(car[j, D] - lane * width) < 0.5 * (width + car[j, WIDTH]) - TOUCH_M


@scalar
def occupies(car, j, lane, width):  # type: ignore[no-untyped-def]
    """Whether others must count with vehicle j in a lane. The driven one, 0, shows its intention by moving only."""
    if car[j, PRESENT] == 0.0:
        return False
    return (j > 0 and car[j, TARGET] == lane) or reaches(car, j, lane, width)


@jit
def ahead(car, order, place, k, lane, width):  # type: ignore[no-untyped-def]
    """The nearest vehicle ahead of k in a lane, or -1."""
    for p in range(place[k] + 1, len(order)):
        if occupies(car, order[p], lane, width):
            return order[p]
    return -1


@jit
def behind(car, order, place, k, lane, width):  # type: ignore[no-untyped-def]
    """The nearest vehicle behind k in a lane, or -1."""
    for p in range(place[k] - 1, -1, -1):
        if occupies(car, order[p], lane, width):
            return order[p]
    return -1


@scalar
def gap(car, k, j):  # type: ignore[no-untyped-def]
    """From the front of k to the rear of j, which is ahead of it [m]; negative beside each other."""
    return car[j, S] - car[k, S] - 0.5 * (car[j, LENGTH] + car[k, LENGTH])
