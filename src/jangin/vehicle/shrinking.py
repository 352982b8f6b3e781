"""What a shrunken box hides: contacts of full-size vehicles that a smaller collision box does not see.

    steps = recorded_steps(recorded)                    # or pairs of `Boxes`, before and after a step each
    hidden = hidden_by_shrinking(*steps.boxes, encounter=steps.encounter, scale=0.7)
    hidden.contacts, hidden.hidden, hidden.hidden_share
    hidden.sentence

Some simulators multiply the length and the width of their collision boxes by 0.7, so that they compare 49 % of a car's
area. `recorded_steps` takes the pairs out of recorded or simulated traffic.

Two laws say how much that hides. Of boxes that pass each other on straight lines drawn evenly across, 1 - scale of the
contacts: what counts is the width that two boxes take up across the line. Of boxes thrown evenly over a plane,
1 - scale^2: what counts is an area. A good driver's contacts are neither, they graze; and of those it hides nearly all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jangin.errors import BadTask
from jangin.vehicle.boxes import Boxes, overlap, swept
from jangin.vehicle.recorded import Recorded

__all__ = ["Hidden", "Steps", "hidden_by_shrinking", "recorded_steps"]

Array = np.ndarray


@dataclass(frozen=True)
class Hidden:
    """How many of the encounters that end in contact other checks find.

    Attributes:
        scale: of length and width of the shrunken boxes.
        encounters: looked at: two road users, over one step or over many.
        contacts: encounters in which the full-size boxes touch, at the ends of a step or within.
        shrunken: those in which the shrunken boxes do.
        sampled: those in which the full-size boxes overlap at the end of a step: what looking at instants sees.
        shrunken_sampled: those in which the shrunken boxes do: what such simulators see.
    """

    scale: float
    encounters: int
    contacts: int
    shrunken: int
    sampled: int
    shrunken_sampled: int

    @property
    def hidden(self) -> int:
        """Contacts that the shrunken boxes do not have."""
        return self.contacts - self.shrunken

    @property
    def hidden_share(self) -> float | None:
        """The same as a share of the contacts; None where there are none."""
        return self.hidden / self.contacts if self.contacts else None

    @property
    def sentence(self) -> str:
        if not self.contacts:
            return f"In none of {self.encounters} encounters do the full-size boxes touch."
        return (
            f"In {self.contacts} of {self.encounters} encounters the full-size boxes touch; boxes of {self.scale:g} of "
            f"the size hide {self.hidden} of them ({self.hidden_share:.1%}), and "
            f"{self.contacts - self.shrunken_sampled} when looked at only at the ends of the steps."
        )


@dataclass(frozen=True, eq=False)
class Steps:
    """Pairs of boxes over a step each.

    Attributes:
        boxes: (k,) of the one before and after, then of the other.
        encounter: (k,) which steps are of the same two.
    """

    boxes: tuple[Boxes, Boxes, Boxes, Boxes]
    encounter: Array


def hidden_by_shrinking(
    a: Boxes, a_after: Boxes, b: Boxes, b_after: Boxes, *, encounter: Array | None = None, scale: float = 0.7
) -> Hidden:
    """Who touches at full size, and who with boxes of `scale` of the size, over pairs (k,) in a step each.

    Steps with the same number in `encounter` (k,) count once; without it each step is an encounter.

    Raises: BadTask for a scale outside 0 to 1.
    """
    if not 0.0 < scale <= 1.0:
        raise BadTask(f"A scale of {scale:g} shrinks nothing; give a factor from 0 to 1, such as 0.7.")
    full = (a, a_after, b, b_after)
    small = tuple(boxes.scaled(scale) for boxes in full)
    touched = np.isfinite(swept(*full))
    number = np.arange(touched.size) if encounter is None else np.asarray(encounter).ravel()

    def count(which: Array) -> int:
        return len(np.unique(number[which.ravel()]))

    return Hidden(
        scale=scale,
        encounters=len(np.unique(number)),
        contacts=count(touched),
        shrunken=count(np.isfinite(swept(*small))),
        sampled=count(overlap(a_after, b_after)),
        shrunken_sampled=count(overlap(small[1], small[3])),
    )


def recorded_steps(recorded: Recorded) -> Steps:
    """All pairs of road users over all steps in which both are there; an encounter is a pair."""
    there = recorded.present[:, :-1] & recorded.present[:, 1:]
    first, second = np.triu_indices(len(recorded), k=1)
    pair, instant = np.nonzero(there[first] & there[second])

    def at(who: Array, when: Array) -> Boxes:
        return Boxes(
            recorded.x_m[who, when],
            recorded.y_m[who, when],
            recorded.heading_rad[who, when],
            recorded.length_m[who],
            recorded.width_m[who],
        )

    a, b = first[pair], second[pair]
    return Steps((at(a, instant), at(a, instant + 1), at(b, instant), at(b, instant + 1)), pair)
