"""A digest of this package's sources, so that no machine code outlives the sources it was made from.

Numba's cache asks only whether the file of the cached function has changed. A run is compiled from all files of this
package; machine code that knows yesterday's columns would read and write wherever today's arrays happen to lie. So
only the entry, `loop.run`, is cached at all, and DIGEST is a constant of it: numba files the machine code under its
constants, and after a change anywhere in the package it finds none and compiles anew. The entry compares the digest
with that of the arrays it is given as well, and touches nothing if they differ.
"""

from __future__ import annotations

from pathlib import Path

from jangin.engine import counted
from jangin.engine.compiled import digest

__all__ = ["CALLED", "DIGEST"]

CALLED = Path(str(counted.__file__))  # outside this package, and compiled into the run as well
DIGEST = digest(Path(__file__).parent, CALLED)
