"""What off-policy learning remembers: transitions over n control periods, the teacher's kept apart.

    steps = NStep(nsim=64, n=3, gamma=0.97)
    replay = Replay(layout, ndemo=20_000, nown=300_000, device=device)
    replay.add(steps.push(moment, scale), demo=True)
    batch = replay.sample(256, demo_share=0.5, rng=rng)

The n-step return (Sutton and Barto, "Reinforcement learning", 2nd ed., section 7.1) is summed before a transition is
stored, with fewer than n terms at the end of a trial. `discount` is gamma**k where the value of `next_seen` follows
after k periods, also after a time-out: the value goes on, only the trial does not. It is 0 after an end for good.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from jangin.learn.collect import Moment
from jangin.task import Array

__all__ = ["Batch", "Layout", "NStep", "Replay"]


@dataclass(frozen=True)
class Layout:
    """Where the parts of a stored row lie: seen, next_seen, action, label, reward, discount."""

    nseen: int
    nact: int

    @property
    def width(self) -> int:
        """Numbers per row."""
        return 2 * self.nseen + 2 * self.nact + 2

    def split(self, rows: Tensor) -> Batch:
        """The parts of rows (n, width), as views."""
        seen, next_seen, action, label, reward, discount = rows.split(
            [self.nseen, self.nseen, self.nact, self.nact, 1, 1], dim=1
        )
        return Batch(seen, action, label, reward[:, 0], discount[:, 0], next_seen)


@dataclass(frozen=True)
class Batch:
    """Sampled transitions: `seen`, `next_seen` (n, nseen); `action`, `label` (n, nact); `reward`, `discount` (n,)."""

    seen: Tensor
    action: Tensor
    label: Tensor
    reward: Tensor
    discount: Tensor
    next_seen: Tensor


class NStep:
    """Turns the control periods of nsim slots into rows of n-step transitions, oldest first and lowest slot first."""

    def __init__(self, nsim: int, n: int, gamma: float, layout: Layout) -> None:
        self._n, self._gamma, self._layout = n, gamma, layout
        # what is under way, youngest last: (seen, action, label), the sum so far, and in which slots it still is
        self._begun: list[tuple[Array, Array, Array]] = []
        self._sums: list[Array] = []
        self._open: list[Array] = []

    def push(self, moment: Moment) -> Array:
        """Rows (m, layout.width) float32 that this control period completes; m may be zero."""
        self._begun.append((moment.seen, moment.action, moment.label))
        self._sums.append(np.zeros(len(moment.reward), np.float32))
        self._open.append(np.ones(len(moment.reward), bool))
        ended = moment.terminal | moment.truncated
        rows, newest = [], len(self._begun) - 1
        for k, (begun, total, is_open) in enumerate(zip(self._begun, self._sums, self._open, strict=True)):
            age = newest - k
            total += self._gamma**age * moment.reward
            done = is_open & (ended | (age + 1 == self._n))
            ids = np.flatnonzero(done)
            rows.append(self._rows(ids, begun, total, self._gamma ** (age + 1) * ~moment.terminal, moment.next_seen))
            is_open &= ~done
        if len(self._begun) == self._n:
            for queue in (self._begun, self._sums, self._open):
                del queue[0]
        return np.concatenate(rows)

    def _rows(
        self, ids: Array, begun: tuple[Array, Array, Array], total: Array, discount: Array, next_seen: Array
    ) -> Array:
        seen, action, label = (part[ids] for part in begun)
        last = np.stack([total[ids], discount[ids]], 1)
        return np.concatenate([seen, next_seen[ids], action, label, last], 1, dtype=np.float32)


class Replay:
    """Rows in one tensor on `device`: `ndemo` places for the teacher's, then a ring of `nown` for the learner's own.

    When the teacher's places are full, further rows of its are dropped.
    """

    def __init__(self, layout: Layout, *, ndemo: int, nown: int, device: torch.device) -> None:
        self.layout, self._ndemo, self._nown = layout, ndemo, nown
        self._rows = torch.empty(ndemo + nown, layout.width, device=device)
        self.demos = self.own = self._next = 0

    def __len__(self) -> int:
        return self.demos + self.own

    def add(self, rows: Array, *, demo: bool) -> None:
        """Store rows (m, layout.width)."""
        new = torch.as_tensor(rows, device=self._rows.device)
        if demo:
            new = new[: self._ndemo - self.demos]
            self._rows[self.demos : self.demos + len(new)] = new
            self.demos += len(new)
            return
        for part in new.split(self._nown):
            room = self._nown - self._next
            at = self._ndemo + self._next
            self._rows[at : at + min(room, len(part))] = part[:room]
            if len(part) > room:
                self._rows[self._ndemo : self._ndemo + len(part) - room] = part[room:]
            self._next = (self._next + len(part)) % self._nown
            self.own = min(self.own + len(part), self._nown)

    def sample(self, n: int, *, demo_share: float, rng: torch.Generator) -> Batch:
        """n rows with replacement, `demo_share` of them the teacher's as far as there are both kinds."""
        assert len(self), "nothing to sample from"
        ndemo = n if self.own == 0 else 0 if self.demos == 0 else round(n * demo_share)
        which = torch.empty(n, dtype=torch.int64)
        if ndemo:
            which[:ndemo].random_(self.demos, generator=rng)
        if ndemo < n:
            which[ndemo:].random_(self.own, generator=rng).add_(self._ndemo)
        return self.layout.split(self._rows.index_select(0, which.to(self._rows.device)))
