"""A digest of sources, so that no machine code that was kept on disk outlives the sources it was made from.

    DIGEST = digest(Path(__file__).parent, Path(boxes.__file__))

Numba's cache asks only whether the file of the cached function has changed, not those of the functions it calls. So
only entries are cached, and each has the digest of all their sources as a constant of its closure: numba files machine
code under its constants, and after a change it finds none and compiles anew.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

__all__ = ["digest"]


def digest(*places: Path) -> int:
    """63 bits of the SHA-256 of Python files, with their names; of a folder, of all that are directly in it."""
    found = hashlib.sha256()
    for place in places:
        for path in sorted(place.glob("*.py")) if place.is_dir() else [place]:
            found.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return int.from_bytes(found.digest()[:8], "big") >> 1
