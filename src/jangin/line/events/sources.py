"""A digest of this package's sources, so that no machine code outlives the sources it was made from.

Numba's cache asks only whether the file of the cached function has changed. A run is compiled from all files of this
package; machine code that knows yesterday's columns would read and write wherever today's arrays happen to lie. So
only the entry, `loop.run`, is cached at all, and DIGEST is a constant of it: numba files the machine code under its
constants, and after a change anywhere in the package it finds none and compiles anew. The entry compares the digest
with that of the arrays it is given as well, and touches nothing if they differ.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

__all__ = ["DIGEST", "digest"]


def digest(folder: Path) -> int:
    """63 bits of the SHA-256 of all Python files of a folder, with their names."""
    found = hashlib.sha256()
    for path in sorted(folder.glob("*.py")):
        found.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return int.from_bytes(found.digest()[:8], "big") >> 1


DIGEST = digest(Path(__file__).parent)
