"""The page: the template `page.html` and the style sheet `page.css`, filled with what the other modules say.

    html = render(head=..., claims=..., ...)     # one self-contained document, everything that comes in is escaped

The document loads nothing and runs nothing: no script, no font, no picture that is not inside it. Colours follow the
reader's light or dark scheme; on paper they are the light ones.
"""

from __future__ import annotations

from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

__all__ = ["SECTIONS", "render"]

SECTIONS = (
    ("claims", "Claims"),
    ("limits", "What was not shown"),
    ("learning", "How it learned"),
    ("distributions", "How it behaved"),
    ("conditions", "Where it is weaker"),
    ("failures", "Where it fails"),
    ("baselines", "Baselines"),
    ("worst", "Trials to look at"),
    ("pictures", "Pictures"),
    ("provenance", "Provenance"),
)


def _file(name: str) -> str:
    return resources.files("jangin.report").joinpath(name).read_text(encoding="utf-8")


def render(**content: Any) -> str:
    """The document; every text in `content` is escaped, charts come as Markup, a name that is missing is an error."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    page = environment.from_string(_file("page.html"))
    return page.render(style=Markup(_file("page.css")), sections=SECTIONS, **content).lstrip()
