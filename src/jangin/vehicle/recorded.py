"""Road users as they were recorded, or as they are to be replayed: plain arrays, one row a road user.

    recorded = scenario.recorded
    present = recorded.present[:, 10]                  # who is there at the eleventh instant
    recorded.x_m[present, 10], recorded.y_m[present, 10]

Instants are equidistant. A road user that is not there at an instant is NaN; one that comes back later would be two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Recorded"]

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Recorded:
    """Trajectories of n road users at `steps` instants.

    Attributes:
        step_s: time between two instants [s].
        names: (n,) as in the source.
        kinds: (n,) "car", "truck", "bus", "motorcycle", "bicycle", "pedestrian", "parked", "unknown" ...
        length_m, width_m: (n,) full size of the box.
        x_m, y_m: (n, steps) centre of the box; NaN where absent.
        heading_rad: (n, steps) counter-clockwise from x.
        speed_m_s: (n, steps) along the heading.
    """

    step_s: float
    names: tuple[str, ...]
    kinds: tuple[str, ...]
    length_m: Array
    width_m: Array
    x_m: Array
    y_m: Array
    heading_rad: Array
    speed_m_s: Array

    def __len__(self) -> int:
        return len(self.names)

    @property
    def present(self) -> Array:
        """(n, steps) bool: who is there when."""
        return np.isfinite(self.x_m)
