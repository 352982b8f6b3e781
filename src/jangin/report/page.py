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

__all__ = ["SECTIONS", "film_page", "render"]

SECTIONS = (
    ("claims", "Claims"),
    ("limits", "What was not shown"),
    ("learning", "How it learned"),
    ("distributions", "How it behaved"),
    ("conditions", "Where it is weaker"),
    ("failures", "Where it fails"),
    ("baselines", "Baselines"),
    ("worst", "Trials to look at"),
    ("replays", "Replays"),
    ("pictures", "Pictures"),
    ("provenance", "Provenance"),
)


def _file(name: str) -> str:
    return resources.files("jangin.report").joinpath(name).read_text(encoding="utf-8")


def render(**content: Any) -> str:
    """The document; every text in `content` is escaped, charts come as Markup, a name that is missing is an error."""
    sections = [s for s in SECTIONS if s[0] != "replays" or content["replays"]]
    return _filled("page.html", sections=sections, **content)


def film_page(**content: Any) -> str:
    """The document of a single trial; as `render`."""
    return _filled("film.html", **content)


def _filled(template: str, **content: Any) -> str:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_file(template)).render(style=Markup(_file("page.css")), **content).lstrip()
