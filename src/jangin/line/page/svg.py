"""Markup of the page's own drawings: every text is escaped here, every number has one decimal at most.

svg(200, 20, "Shares", "Running 80 %", [rect(0, 0, 160, 20, "s-running")])
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

__all__ = ["SIZE", "fitted", "n", "rect", "rule", "svg", "text"]

SIZE = 5.9  # mean width of a character at 11 px [px]


def n(value: float) -> str:
    """A coordinate."""
    return f"{float(value):.1f}".removesuffix(".0")


def text(x: float, y: float, words: str, anchor: str = "start", tone: str = "") -> str:
    kind = f' class="{escape(tone)}"' if tone else ""
    return f'<text x="{n(x)}" y="{n(y)}" text-anchor="{anchor}"{kind}>{escape(words)}</text>'


def rule(x1: float, y1: float, x2: float, y2: float, tone: str) -> str:
    return f'<line x1="{n(x1)}" y1="{n(y1)}" x2="{n(x2)}" y2="{n(y2)}" class="{escape(tone)}"/>'


def rect(x: float, y: float, width: float, height: float, tone: str, more: str = "") -> str:
    """A rectangle; `more` is markup of further attributes."""
    size = f'x="{n(x)}" y="{n(y)}" width="{n(width)}" height="{n(height)}"'
    return f'<rect {size} class="{escape(tone)}"{" " + more if more else ""}/>'


def svg(
    width: float, height: float, title: str, description: str, parts: Sequence[str], *, kind: str = "chart"
) -> Markup:
    """A drawing that is never shown larger than `width` pixels."""
    head = (
        f'<svg class="{escape(kind)}" viewBox="0 0 {n(width)} {n(height)}" style="--wide:{n(width)}px" '
        f'role="img" aria-label="{escape(title)}">'
    )
    return Markup(f"{head}<title>{escape(title)}</title><desc>{escape(description)}</desc>{''.join(parts)}</svg>")


def fitted(words: str, width: float, size: float = SIZE) -> str:
    """The text, cut with an ellipsis where it is wider than `width` pixels."""
    most = max(1, int(width / size))
    return words if len(words) <= most else words[: most - 1].rstrip() + "…"
