"""Several claims on the same trials: when is the whole proved, when refuted, and which claim is to blame?

    settled = settle([process_of_success, process_of_force], alpha_refute=0.05)
    settled.qualified_at, settled.refuted_at           # trials; at most one decides: the earlier
    settled.labels                                     # ("supported", "refuted")

QUALIFIED needs every claim supported, each at its own alpha and without a correction: if some claim j is false, then
P(all supported) <= P(j supported) <= alpha_j (intersection-union test, Berger 1982).

NOT_QUALIFIED is the other direction: to refute "all claims are true". If they are, the mean of the claims' E- is an
e-process, however the claims depend on each other, so P(the mean ever reaches 1/alpha_refute) <= alpha_refute. With one
claim this is the claim's own rule.

Which claim is refuted is m questions at once: P(any true claim is called refuted) <= alpha_refute by Holm's method on
the anytime-valid p-values 1 / max E-_j: the first claim needs E- >= m/alpha_refute, the next (m-1)/alpha_refute, and so
on. The first claim called refuted has brought the mean to 1/alpha_refute by itself; the mean may also get there with no
single claim to blame, when several are a little wrong.

Source: Berger, Technometrics 24 (1982) 295; Vovk and Wang, Ann. Statist. 49 (2021) 1736;
Holm, Scand. J. Statist. 6 (1979) 65.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from jangin.stats.crossing import first_reaching
from jangin.stats.sequential import Process

__all__ = ["Label", "Settled", "earlier", "holm_at", "log_mean", "settle"]

Array = np.ndarray
Label = Literal["supported", "refuted", "undecided"]
FirstAt = Callable[[float], int | None]


@dataclass(frozen=True)
class Settled:
    """Where the claims stand, counted in trials.

    Attributes:
        labels: what each claim is called; the earlier of its two decisions.
        decided_at: after how many trials; None while undecided.
        qualified_at: after how many trials all claims had been supported; None if not yet, or if refuted before.
        refuted_at: after how many trials all claims together were refuted; None if not, or if qualified before.
        processes: what was settled.
    """

    labels: tuple[Label, ...]
    decided_at: tuple[int | None, ...]
    qualified_at: int | None
    refuted_at: int | None
    processes: tuple[Process, ...] = field(default=(), repr=False, compare=False)

    @property
    def at(self) -> int | None:
        """After how many trials the whole was settled, one way or the other."""
        return self.qualified_at if self.refuted_at is None else self.refuted_at

    def log_mean_against(self, at: Array) -> Array:
        """ln of the mean of the claims' E- after `at` trials each, (k,): e-value against "all claims are true"."""
        return log_mean([p.log_against(at) for p in self.processes])


def settle(processes: Sequence[Process], *, alpha_refute: float) -> Settled:
    """Decide claims whose processes cover the same trials; without a claim nothing is ever decided."""
    trials = {len(p) for p in processes}
    if len(trials) > 1:
        raise ValueError(f"Processes of {min(trials):,} and of {max(trials):,} trials; give all of them the same ones.")
    supported = [p.supported_at for p in processes]
    refuted = holm_at([p.first_against for p in processes], alpha_refute)
    decisions = [earlier(s, r) for s, r in zip(supported, refuted, strict=True)]
    refuted_at = _first_against(processes, -np.log(alpha_refute)) if processes else None
    known = [s for s in supported if s is not None]
    qualified_at = max(known) if known and len(known) == len(processes) else None
    if qualified_at is not None and refuted_at is not None:  # both, by a drift within one block: the first one stands
        qualified_at, refuted_at = (qualified_at, None) if qualified_at < refuted_at else (None, refuted_at)
    labels, decided_at = tuple(d[0] for d in decisions), tuple(d[1] for d in decisions)
    return Settled(labels, decided_at, qualified_at, refuted_at, tuple(processes))


def _first_against(processes: Sequence[Process], threshold: float) -> int | None:
    """The first trial after which ln of the mean E- of the processes reached the threshold."""
    return first_reaching(
        lambda at: log_mean([p.log_against(at) for p in processes]),
        lambda low, high: log_mean([p.log_against_most(low, high) for p in processes]),
        len(processes[0]),
        threshold,
    )


def log_mean(logs: Sequence[Array] | Array) -> Array:
    """ln of the mean of e-values given by their logarithms, (n,) each."""
    return np.asarray(np.logaddexp.reduce(np.stack(list(logs)), axis=0) - np.log(len(logs)))


def holm_at(first: Sequence[FirstAt], alpha: float) -> list[int | None]:
    """After how many trials Holm's method refutes each claim; None where it does not.

    `first[j]` takes a threshold and gives the first trial after which ln E-_j reached it, or None.

    Holm's rejected set only grows with time, because the p-value 1 / (the largest E- so far) only falls. So it can be
    built in order of time: among the claims left, the next one to go is the one that reaches the next threshold first.
    """
    out: list[int | None] = [None] * len(first)
    left, now = list(range(len(first))), 0
    while left:
        threshold = np.log(len(left)) - np.log(alpha)
        reached = [(at, j) for j in left if (at := first[j](threshold)) is not None]
        if not reached:
            break
        at, j = min(reached)
        now = max(now, at)
        out[j] = now
        left.remove(j)
    return out


def earlier(supported: int | None, refuted: int | None) -> tuple[Label, int | None]:
    """What a claim is called that was supported and refuted after so many trials: the first decision stands."""
    if supported is not None and (refuted is None or supported < refuted):
        return "supported", supported
    if refuted is not None:
        return "refuted", refuted
    return "undecided", None
