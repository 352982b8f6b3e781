"""One line that tells how far the work is: redrawn in place on a terminal, a plain line now and then elsewhere.

    line = ProgressLine(sys.stderr)
    line.show("simulating 512 of 1000 trials, 97.3 % success, 5,210 steps/s, 4 s left")
    line.close()                       # leaves the last line standing

It writes to the stream it was given and to nothing else; on a stream that is closed or broken it says nothing.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from typing import TextIO

__all__ = ["ProgressLine", "minutes", "time_left"]

_EVERY_S = 0.1  # between two drawings on a terminal
_PLAIN_EVERY_S = 10.0  # between two lines in a log


class ProgressLine:
    """Where verbs' progress goes; see the module."""

    def __init__(self, stream: TextIO | None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._clock = stream, clock
        self._live = stream is not None and stream.isatty()
        # a log's first line comes after a while: what is over at once needs no line
        self._last = clock() if not self._live else float("-inf")
        self._pending = self._standing = ""
        self.started = clock()

    @property
    def elapsed_s(self) -> float:
        """Seconds since this line was made."""
        return self._clock() - self.started

    def show(self, text: str) -> None:
        """Show how far it is; most calls do nothing but remember the text."""
        self._pending = text
        now = self._clock()
        if now - self._last >= (_EVERY_S if self._live else _PLAIN_EVERY_S):
            self._last = now
            self._write(text)

    def note(self, text: str) -> None:
        """A sentence that stays, above the line."""
        self._put(f"\r\x1b[K{text}\n" if self._live else f"{text}\n")
        if self._live and self._standing:
            self._write(self._standing)

    def close(self) -> None:
        """Show the last text whole and end the line."""
        if self._live and self._pending:
            self._write(self._pending)
            self._put("\n")
        self._pending = self._standing = ""

    def _write(self, text: str) -> None:
        if self._live:
            width = shutil.get_terminal_size().columns - 1
            self._put(f"\r\x1b[K{text[:width]}")
        else:
            self._put(f"{text}\n")
        self._standing = text

    def _put(self, text: str) -> None:
        if self._stream is None:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):  # the reader went away, or the stream is closed: the work goes on without words
            self._stream = None


def time_left(done: float, total: float | None, elapsed_s: float) -> str:
    """The time left at the pace so far, as "4 s left" or "2 min 10 s left"; "" while nobody can know."""
    if not total or done <= 0 or elapsed_s <= 0:
        return ""
    return f"{minutes(max(0.0, (total - done) * elapsed_s / done))} left"


def minutes(seconds: float) -> str:
    """A time as "4 s" or "2 min 10 s"."""
    whole = round(seconds)
    return f"{whole // 60} min {whole % 60} s" if whole >= 60 else f"{whole} s"
