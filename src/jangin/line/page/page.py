"""The page: the template `page.html` and the style sheets, filled with what `content` says and the drawings show.

    html = page(flow(read_layout("door.yaml")))          # one self-contained document: nothing is loaded, nothing runs
    html = page(answer, command="jangin line door.yaml --seed 7")

Everything that comes from the layout is escaped. Colours follow the reader's light or dark scheme; paper is light.
"""

from __future__ import annotations

from importlib import resources

import numpy as np
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from jangin import __version__
from jangin.line.iso22400 import STATES
from jangin.line.page import charts, content, drawing
from jangin.line.page.gantt import gantt, neck
from jangin.line.throughput import Throughput

__all__ = ["page"]

SECTIONS = (
    ("line", "The line"),
    ("stations", "Stations"),
    ("people", "People and vehicles"),
    ("shift", "One shift"),
    ("sensitivity", "What would help"),
    ("replications", "Replications"),
    ("limits", "What is not modelled"),
    ("provenance", "How it was computed"),
)
_SHOWN = 30  # effects drawn; the others are a table


def page(answer: Throughput, *, command: str | None = None) -> str:
    """The document.

    Args:
        answer: of `flow`.
        command: what the user typed, to repeat it; None: made from the answer, with the layout's name as its file.
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(_file("jangin.line.page", "page.html"))
    style = _file("jangin.report", "page.css") + _file("jangin.line.page", "page.css")
    states, rows = content.state_table(answer)
    columns, indicators, unknown, flags = content.indicator_table(answer)
    effects = content.effect_rows(answer.effects)
    split = content.split_rows(answer)
    html = template.render(
        version=__version__,
        style=Markup(style),
        sections=[(key, name) for key, name in SECTIONS if key != "people" or answer.people or answer.fleets],
        answer=answer,
        takt=content.takt(answer),
        facts=content.facts(answer),
        split=charts.rows("The interval in two parts", split, "good parts per hour", zero=False) if split else None,
        halving=content.halving_rows(answer),
        legend=drawing.legend(tuple(k for k in STATES if k in states) or STATES),
        drawing=drawing.draw(answer),
        marks=drawing.bottlenecks(answer),
        words=drawing.STATE_WORDS,
        states=states,
        rows=rows,
        crews=content.crew_table(answer),
        fleets=content.fleet_table(answer),
        person=(drawing.PERSON_WORDS, drawing.PERSON_TONES),
        vehicle=(drawing.VEHICLE_WORDS, drawing.VEHICLE_TONES),
        columns=columns,
        indicators=indicators,
        unknown=unknown,
        flags=flags,
        shift=_shift(answer),
        effects=charts.rows("Sensitivity", effects[:_SHOWN], "difference in good parts per hour", zero=True)
        if effects
        else None,
        more_effects=effects[_SHOWN:],
        runs=_runs(answer),
        not_modelled=content.not_modelled(answer.layout),
        provenance=content.provenance(answer, command or content.command(answer)),
    )
    return html.lstrip()


def _file(package: str, name: str) -> str:
    return resources.files(package).joinpath(name).read_text(encoding="utf-8")


def _shift(answer: Throughput) -> dict[str, object] | None:
    """The Gantt chart, how coarse it is, and the strip of momentary bottlenecks."""
    if answer.log is None:
        return None
    drawn = gantt(answer.log)
    found = answer.shifting
    overlap = found is not None and len(found.from_s) and found.from_s[0] < drawn.to_s and found.to_s[-1] > drawn.from_s
    return {
        "chart": drawn.chart,
        "lasts": content.duration(drawn.to_s - drawn.from_s),
        "column": content.duration(drawn.column_s),
        "neck": neck(found, drawn.from_s, drawn.to_s) if found is not None and overlap else None,
        "legend": drawing.legend(drawn.states),
    }


def _runs(answer: Throughput) -> tuple[Markup, ...]:
    """Dots and running mean; with evidence, of the draws' means, for only these are independent."""
    if answer.runs is None or len(answer.runs) < 2:
        return ()
    values, unit, split = np.asarray(answer.runs.per_hour, float), "replications", answer.split
    rate = answer.per_hour
    band, label = (rate.low, rate.high), "mean and its interval"
    if split is not None:
        band, label = split.long_run, "mean, and what the evidence leaves open of it"
    pictures = [charts.dots(values, rate.mean, band, label)] if np.isfinite(values).any() else []
    if split is not None:
        if len(values) != split.outer * split.inner:
            return tuple(pictures)
        values, unit = values.reshape(split.outer, split.inner).mean(axis=1), "draws of what the evidence leaves open"
    if np.isfinite(values).all():
        pictures.append(charts.running_mean(values, answer.per_hour.confidence, unit))
    return tuple(pictures)
