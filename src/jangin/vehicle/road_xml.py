"""An XML file as a tree that knows its lines: what the readers of roads and scenarios stand on.

    root = read_xml("town.xodr", "OpenDRIVE")
    for road in root.all("road"):
        road.number("length")            # BadFile: town.xodr, line 8 (road '3'): length is 'abc'; ...

Every element keeps its line and its parent, so that whatever is wrong below it can be said with its place. What is no
number, or one beyond 1e9, is refused. A document type declaration is refused before it is read: the formats have none,
and entities are how a small file becomes a large one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.parsers import expat

from jangin.errors import BadFile

__all__ = ["Node", "read_xml"]

_LARGEST = 1e9  # no place on a road and no coefficient of one is beyond it


@dataclass(eq=False)
class Node:
    """One element: its tag, attributes, text, children, and where it stands in which file."""

    tag: str
    attributes: dict[str, str]
    line: int
    file: str
    parent: Node | None = None
    text: str = ""
    children: list[Node] = field(default_factory=list)

    def all(self, tag: str) -> Iterator[Node]:
        """The children of this tag, in the order of the file."""
        return (child for child in self.children if child.tag == tag)

    def first(self, tag: str) -> Node | None:
        """The first child of this tag, or None."""
        return next(self.all(tag), None)

    def need(self, tag: str) -> Node:
        """The first child of this tag; BadFile if there is none."""
        if (child := self.first(tag)) is None:
            raise BadFile(f"{self.place}: there is no <{tag}> here. Add it, or export the file again.")
        return child

    def within(self, *tags: str) -> Iterator[Node]:
        """The elements at the end of a way of tags: within("lanes", "laneSection")."""
        nodes = [self]
        for tag in tags:
            nodes = [child for node in nodes for child in node.all(tag)]
        return iter(nodes)

    # ── values ───────────────────────────────────────────────────────────────────────────────────────────────────

    def word(self, name: str, default: str | None = None) -> str:
        """An attribute as text; BadFile if it is missing and has no default."""
        value = self.attributes.get(name, default)
        if value is None:
            raise BadFile(f"{self.place}: the attribute {name!r} is missing. Add it, or export the file again.")
        return value

    def number(self, name: str, default: float | None = None) -> float:
        """An attribute as a finite number."""
        if default is not None and name not in self.attributes:
            return default
        return self._finite(self.word(name), name)

    def value(self) -> float:
        """The text of this element as a finite number."""
        return self._finite(self.text.strip(), f"<{self.tag}>")

    def _finite(self, text: str, what: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not abs(number) <= _LARGEST:  # nor NaN
            raise BadFile(
                f"{self.place}: {what} is {text[:40]!r}; allowed is a number of up to {_LARGEST:g}. "
                "Mend it in the file."
            )
        return number

    # ── where ────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def place(self) -> str:
        """File, line and way to this element: "town.xodr, line 12 (road '3' / planView / geometry)"."""
        steps: list[str] = []
        node: Node | None = self
        while node is not None and node.parent is not None:
            named = node.attributes.get("id")
            steps.append(f"{node.tag} {named!r}" if named is not None else node.tag)
            node = node.parent
        way = " / ".join(reversed(steps)) or self.tag
        return f"{self.file}, line {self.line} ({way})"


def read_xml(path: str | Path, root: str) -> Node:
    """The tree of an XML file whose root element must be `root`.

    Raises: BadFile if the file is missing, is no well-formed XML (with the line), declares a document type, or has
    another root.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise BadFile(f"There is no file {path}. Give the path of a file with the root element <{root}>.") from None
    except OSError as e:
        raise BadFile(f"Cannot read {path}: {e.strerror}.") from e
    top = _parse(data, path.name)
    if top.tag != root:
        raise BadFile(
            f"{path.name}, line {top.line}: the root element is <{top.tag}>; allowed is <{root}>. Give a file of that "
            "format."
        )
    return top


def _parse(data: bytes, file: str) -> Node:
    parser: Any = expat.ParserCreate()
    parser.buffer_text = True
    open_: list[Node] = []
    top: list[Node] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        node = Node(tag, attributes, parser.CurrentLineNumber, file, open_[-1] if open_ else None)
        (open_[-1].children if open_ else top).append(node)
        open_.append(node)

    def end(tag: str) -> None:
        open_.pop()

    def text(data: str) -> None:
        if open_ and not data.isspace():
            open_[-1].text += data

    def doctype(*_: Any) -> None:
        raise BadFile(
            f"{file}, line {parser.CurrentLineNumber}: the file declares a document type (DTD), which this format has "
            "not and which is not read. Remove the <!DOCTYPE ...>."
        )

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = text, doctype
    try:
        parser.Parse(data, True)
    except expat.ExpatError as e:
        inside = f" inside {open_[-1].place.split(' (', 1)[1][:-1]}" if open_ else ""
        reason = "the file ends too early" if _cut(e.code) else expat.ErrorString(e.code)
        raise BadFile(
            f"{file}, line {e.lineno}: this is no well-formed XML: {reason}{inside}. Copy or export the file again."
        ) from None
    except ValueError as e:  # an encoding that Python does not know
        raise BadFile(f"{file}, line 1: this is no readable XML: {e}. Save it as UTF-8.") from e
    return top[0]


def _cut(code: int) -> bool:
    """Whether an expat error is what a truncated file gives: a token or an element that never closes."""
    errors = expat.errors
    return code in {
        errors.codes[text]
        for text in (
            errors.XML_ERROR_NO_ELEMENTS,
            errors.XML_ERROR_UNCLOSED_TOKEN,
            errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
        )
    }
