"""Time on shift and time of day, where all stations share one calendar."""

from __future__ import annotations

import numpy as np

from jangin.line.layout import Calendar, Layout

__all__ = ["Clock"]

Array = np.ndarray


class Clock:
    """Maps time since the start [s] to time on shift [s] and back; without a calendar both are the same.

    What ends together with a shift ends then, not at the beginning of the next.
    """

    def __init__(self, layout: Layout) -> None:
        name = layout.stations[0].calendar or layout.calendar
        calendar = next((c for c in layout.calendars if c.name == name), None)
        self.always = calendar is None
        if calendar is not None:
            self._learn(calendar)

    def _learn(self, calendar: Calendar) -> None:
        windows = np.asarray(calendar.windows_s, float)
        self._period, self._begin = calendar.period_s, windows[:, 0]
        self._until = np.cumsum(windows[:, 1] - windows[:, 0])  # time on shift at the end of each window
        self._before = np.r_[0.0, self._until[:-1]]
        self._corners = np.r_[0.0, windows.ravel(), calendar.period_s]
        self._on = np.r_[0.0, np.stack([self._before, self._until], axis=1).ravel(), self._until[-1]]

    def worked(self, at: Array) -> Array:
        """Time on shift up to `at`, any shape."""
        if self.always:
            return at
        periods = np.floor(at / self._period)
        return np.asarray(periods * self._until[-1] + np.interp(at - periods * self._period, self._corners, self._on))

    def real(self, worked: Array) -> Array:
        """The first time at which that much has been worked, any shape."""
        if self.always:
            return worked
        whole = self._until[-1]
        periods = np.maximum(np.ceil(worked / whole) - 1.0, 0.0)
        rest = np.clip(worked - periods * whole, 0.0, whole)
        window = np.searchsorted(self._until, rest, side="left")
        return np.asarray(periods * self._period + self._begin[window] + (rest - self._before[window]))
