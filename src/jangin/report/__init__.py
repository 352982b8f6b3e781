"""A run folder as one page: what was claimed, what was proved, what was not, and how to check it.

    path = report(RunFolder.open("runs/peg"), pictures=[("Trial 0, seated", pixels)])   # runs/peg/report.html

The page is one HTML file without a link to anything outside it and without a script: it can be mailed, printed,
archived and opened on a machine that has no network. It is written from the folder alone, so the same folder gives the
same page. What the folder does not hold is "not recorded", never 0.

It judges nothing. Verdict, decisions and bounds are those of `evidence/verdict.json`; the rest describes the trials.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jangin.record import RunFolder
from jangin.report.footage import Footage
from jangin.task import Array

__all__ = ["Footage", "report"]


def report(
    folder: RunFolder,
    *,
    pictures: Sequence[tuple[str, Array]] = (),
    picture_note: str = "",
    films: Sequence[Footage] = (),
) -> Path:
    """Write report.html into `folder`, whole or not at all, and give its path.

    Args:
        folder: holds at least `evidence/verdict.json`.
        pictures: (caption, pixels) with pixels (height, width, 3) uint8.
        picture_note: shown with the pictures, or in their place why there are none.
        films: trials seen from above, as `jangin.view.films` makes them, each to become an animation.

    Raises:
        BadFolder: there is no verdict, a file is damaged, or the page cannot be written.
        ValueError: a picture of another shape or type.
    """
    from jangin import __version__
    from jangin.report import animation, behaviour, failures, page, png, proof
    from jangin.report.conditions import conditions
    from jangin.report.failure_map import where
    from jangin.report.folder import read

    run = read(folder)
    html = page.render(
        version=__version__,
        head=proof.headline(run),
        claims=proof.claims(run),
        family=proof.family(run),
        not_shown=proof.not_shown(run),
        declared=proof.conditions_table(run),
        curve=proof.curve(run),
        outcomes=behaviour.outcomes(run),
        distributions=behaviour.distributions(run),
        conditions=conditions(run),
        failure=where(run),
        cells=failures.cells(run),
        estimates=failures.estimates(run),
        sources=failures.sources(run),
        baselines=behaviour.baselines(run),
        worst=behaviour.worst(run),
        replays=[animation.section(film, f"film-{k}") for k, film in enumerate(films)],
        pictures=[(caption, png.data_uri(pixels)) for caption, pixels in pictures],
        picture_note=picture_note,
        provenance=proof.provenance(run),
    )
    return folder.write_text("report.html", html)
