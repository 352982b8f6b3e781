"""How likely is a rare failure? Two searches along a continuous margin that must agree: an estimate, never a bound.

    found = estimate(margin, dim=2, seed=7)              # margin(z (n, dim), trial (n,)) -> (n,), negative is failure
    found.probability, found.low, found.high             # None when found.refused says why there is no estimate
    found.methods["subset"].estimates                    # one per independent replicate
    recompute(found.table) == found without its table    # from the evaluations alone, without the black box

The latent z is standard normal; a condition with inverse distribution function F^-1 is F^-1(Phi(z)). A simulator has
further randomness that belongs to a trial's number: every new candidate gets a number that was never used before, so
its noise is drawn anew and independently.

Subset simulation writes P(m < 0) as a product of conditional probabilities of about 1/10. Each level's points are made
from those below its threshold by a Markov chain that keeps the law of z restricted to {m <= t}: a preconditioned
Crank-Nicolson step, accepted when the margin stays below t. Redrawing the noise is an independent proposal from its own
law, so the pair (z, noise) keeps its restricted law too. Cross-entropy importance sampling moves a mixture of normal
densities towards the failures, level by level, then samples from it and weighs with the ratio of densities; a tenth of
its points come from the nominal law, which keeps every weight below 10.

Both run in independent replicates. There is no estimate (`refused`) where the margin has plateaus, where no failure was
reached, where the replicates spread too widely, or where the two methods' intervals do not meet. What both overlook is
not counted: an unconnected failure that the margin does not lead to. That is why it is called grade B.

Source: Au and Beck, Probab. Eng. Mech. 16 (2001) 263; Papaioannou et al., Probab. Eng. Mech. 41 (2015) 89, for the
chain; Rubinstein and Kroese, The Cross-Entropy Method (2004); Papaioannou, Geyer and Straub, Reliab. Eng. Syst. Saf.
191 (2019) 106564, for soft levels; Hesterberg, Technometrics 37 (1995) 185, for the defensive mixture; Veach and
Guibas, SIGGRAPH 1995, 419, and Cornuet et al., Scand. J. Statist. 39 (2012) 798, for points of several densities.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from scipy.special import log_ndtr, ndtr, ndtri, stdtrit

from jangin.stats.mixture import Mixture, fit

__all__ = ["METHODS", "Method", "RareEstimate", "estimate", "normal", "recompute", "uniform"]

Array = np.ndarray
Margin = Callable[[Array, Array], Array]
Table = Mapping[str, Array]

SUBSET, CROSS_ENTROPY = "subset", "cross-entropy"
METHODS = (SUBSET, CROSS_ENTROPY)

_SHARE = 0.1  # of the points that make the next level
_NOMINAL = 0.1  # of the points of the last sample that come from the nominal law
_STEP = 0.6  # sqrt(1 - 0.8^2): how far a proposal of the chain leaves its place
_LEVELS = 16  # after which a failure counts as not reached: about 1e-16
_TIES = 0.02  # of a level's points that may have the same margin as its threshold
_VARIATION = 1.5  # of the weights that a level's density is fitted to: about 3 in 10 points count
_SHARP = 3.0  # of the weights of the failures themselves, once the density has come to them
_SPREAD = 1.5  # coefficient of variation of one method's replicates beyond which nothing is said


@dataclass(frozen=True)
class Method:
    """What one method found.

    Attributes:
        estimates: of the probability, one per replicate, (replicates,).
        probability: their mean.
        low, high: 95 % interval of it, from the replicates' spread on a logarithmic scale (Student's t).
        variation: coefficient of variation of one replicate.
        evaluations: of the margin, in all.
        refused: why there is no estimate; "" where there is one.
    """

    estimates: tuple[float, ...]
    probability: float
    low: float
    high: float
    variation: float
    evaluations: int
    refused: str = ""


@dataclass(frozen=True)
class RareEstimate:
    """What both methods found together.

    Attributes:
        probability: the two methods' means, weighed by their precision; None where it is refused.
        low, high: the interval that covers both methods' intervals; None where it is refused.
        evaluations: of the margin, in all.
        refused: why there is no estimate, in a sentence; "" where there is one.
        methods: by name, "subset" and "cross-entropy".
        table: what the levels were made of: method (0, 1 in the order of METHODS), replicate, level, trial (its
            number), made (evaluations so far), margin, log_weight, and z (n, dim).
    """

    probability: float | None
    low: float | None
    high: float | None
    evaluations: int
    refused: str
    methods: Mapping[str, Method]
    table: Table = field(repr=False, compare=False, default_factory=dict)


def estimate(
    margin: Margin,
    dim: int,
    *,
    seed: int,
    replicates: int = 8,
    samples: int = 1000,
    progress: Callable[[int], None] | None = None,
) -> RareEstimate:
    """Estimate P(margin < 0) by both methods, `replicates` times each with `samples` points per level.

    `progress` is told how many evaluations were made so far. The same seed gives the same numbers.
    """
    if replicates < 8:
        raise ValueError(f"{replicates} replicates are too few to see how they spread; give at least 8.")
    box = _Box(margin, dim, progress)
    for method, search in enumerate((_subset, _cross_entropy)):
        for replicate in range(replicates):
            rng = np.random.default_rng([seed, method, replicate])
            box.begin(method, replicate)
            search(box, rng, samples)
    return _judged(box.table())


def uniform(z: Array) -> Array:
    """The uniforms in [0, 1) of standard normals: where a condition's inverse distribution function is taken."""
    return np.minimum(ndtr(z), np.nextafter(1.0, 0.0))


def normal(u: Array) -> Array:
    """The standard normals of uniforms in [0, 1]; the ends stay finite."""
    return ndtri(np.clip(u, 1e-15, 1.0 - 1e-15))


def recompute(table: Table) -> RareEstimate:
    """The same estimate from a table of evaluations alone; its `table` is the one given."""
    return _judged(table)


# ── the black box and what is noted of it ────────────────────────────────────────────────────────────────────────


class _Box:
    """Evaluates the margin, gives every candidate a trial number of its own, and notes what a level is made of."""

    def __init__(self, margin: Margin, dim: int, progress: Callable[[int], None] | None) -> None:
        self.dim, self._margin, self._progress = dim, margin, progress
        self._next, self._method, self._replicate = 0, 0, 0
        self._rows: list[dict[str, Array]] = []

    def begin(self, method: int, replicate: int) -> None:
        self._method, self._replicate = method, replicate

    def evaluate(self, z: Array) -> tuple[Array, Array]:
        """Margins (n,) and the trial numbers that were used, (n,)."""
        trial = self._next + np.arange(len(z))
        self._next += len(z)
        values = np.asarray(self._margin(z, trial), float)
        if self._progress is not None:
            self._progress(self._next)
        return values, trial

    def note(self, level: int, z: Array, trial: Array, margin: Array, log_weight: Array | None = None) -> None:
        """Keep what a level consists of; a point at which a chain stayed comes again with its old trial number."""
        n = len(z)
        self._rows.append(
            {
                "method": np.full(n, self._method, np.int8),
                "replicate": np.full(n, self._replicate, np.int16),
                "level": np.full(n, level, np.int16),
                "trial": trial.astype(np.int64),
                "made": np.full(n, self._next, np.int64),
                "margin": margin,
                "log_weight": np.zeros(n) if log_weight is None else log_weight,
                "z": z,
            }
        )

    def table(self) -> dict[str, Array]:
        return {k: np.concatenate([r[k] for r in self._rows]) for k in self._rows[0]}


# ── subset simulation ────────────────────────────────────────────────────────────────────────────────────────────


def _subset(box: _Box, rng: np.random.Generator, n: int) -> None:
    z = rng.standard_normal((n, box.dim))
    m, trial = box.evaluate(z)
    step = _STEP
    for level in range(_LEVELS):
        box.note(level, z, trial, m)
        t = _threshold(m)
        if t < 0.0 or _plateau(m, trial, t):
            return
        seeds = np.argsort(m, kind="stable")[: int(np.sum(m <= t))]
        z, trial, m, accepted = _chains(box, rng, z[seeds], trial[seeds], m[seeds], t, n, step)
        step = float(np.clip(step * np.exp(accepted - 0.44), 0.05, 1.0))  # towards the rate that moves furthest
    box.note(_LEVELS, z, trial, m)


def _threshold(m: Array) -> float:
    """The margin that a tenth of the points do not exceed; below 0 once a tenth of them fail."""
    return float(np.sort(m)[int(np.ceil(_SHARE * len(m))) - 1])


def _plateau(m: Array, trial: Array, t: float) -> bool:
    """Whether many points share the threshold's margin: different points, not one at which a chain has stayed."""
    same = len(np.unique(trial[m == t]))
    return same > max(_TIES * len(m), 1)


def _chains(
    box: _Box, rng: np.random.Generator, z: Array, trial: Array, m: Array, t: float, n: int, step: float
) -> tuple[Array, Array, Array, float]:
    """n points of the law restricted to margin <= t: chains from the given ones, side by side; and the share moved."""
    parts, moved = [(z, trial, m)], []
    while sum(len(p[0]) for p in parts) < n:
        to = np.sqrt(1.0 - step * step) * z + step * rng.standard_normal(z.shape)
        m_to, trial_to = box.evaluate(to)
        inside = m_to <= t
        z = np.where(inside[:, None], to, z)
        m, trial = np.where(inside, m_to, m), np.where(inside, trial_to, trial)
        moved.append(float(inside.mean()))
        parts.append((z, trial, m))
    z, trial, m = (np.concatenate([p[k] for p in parts])[:n] for k in range(3))
    return z, trial, m, float(np.mean(moved)) if moved else 0.44


# ── cross-entropy importance sampling ────────────────────────────────────────────────────────────────────────────


def _cross_entropy(box: _Box, rng: np.random.Generator, n: int) -> None:
    """The step "margin < 0" is a soft one at first, Phi(-margin / width), and is sharpened from level to level as far
    as the points can follow. All points so far count in each fit, weighed against the mixture of all the densities
    they were drawn from (the balance heuristic). Only the last sample makes the estimate: its density owes it nothing.
    """
    drawn, width = _Drawn(box.dim), np.inf
    density = Mixture.nominal(box.dim)
    for level in range(_LEVELS):
        z, m, trial = drawn.add(density, box, rng, n)
        if not np.isfinite(m).all() or _plateau(m, trial, max(_threshold(m), 0.0)):
            box.note(level, z, trial, m)  # what is wrong is to be seen in the table
            return
        arrived = _variation(np.where(m < 0.0, density.log_ratio(z), -np.inf)) <= _SHARP
        log_weight, before = drawn.log_weight(), width
        width = _sharpest(drawn.margin, log_weight, min(width, 10.0 * max(float(m.std()), 1e-300)))
        density = fit(drawn.z, log_weight + log_ndtr(-drawn.margin / width), rng).defended(_NOMINAL)
        if arrived or ((m < 0.0).any() and width > 0.95 * before):
            break
    z = density.draw(rng, 3 * n)
    m, trial = box.evaluate(z)
    box.note(_LEVELS, z, trial, m, density.log_ratio(z))


class _Drawn:
    """Points from several densities, n of each, and what they weigh together."""

    def __init__(self, dim: int) -> None:
        self.z, self.margin = np.zeros((0, dim)), np.zeros(0)
        self._densities: list[Mixture] = []
        self._log_ratio = np.zeros((0, 0))  # ln of nominal over density, (points, densities)

    def add(self, density: Mixture, box: _Box, rng: np.random.Generator, n: int) -> tuple[Array, Array, Array]:
        """Draw and evaluate n more: points (n, d), margins and trial numbers (n,)."""
        z = density.draw(rng, n)
        margin, trial = box.evaluate(z)
        self._densities.append(density)
        old = np.column_stack([self._log_ratio, density.log_ratio(self.z)])
        self._log_ratio = np.vstack([old, np.column_stack([d.log_ratio(z) for d in self._densities])])
        self.z, self.margin = np.concatenate([self.z, z]), np.concatenate([self.margin, margin])
        return z, margin, trial

    def log_weight(self) -> Array:
        """ln of the nominal density over the mean of all densities drawn from, (points,)."""
        return np.log(len(self._densities)) - np.logaddexp.reduce(-self._log_ratio, axis=1)


def _sharpest(m: Array, log_weight: Array, widest: float) -> float:
    """The smallest width, at most the widest, at which the points' weights vary by no more than _VARIATION."""
    low, high = np.log(widest) - 30.0, np.log(widest)
    for _ in range(40):
        middle = 0.5 * (low + high)
        if _variation(log_weight + log_ndtr(-m / np.exp(middle))) <= _VARIATION:
            high = middle
        else:
            low = middle
    return float(np.exp(high))


def _variation(log_weight: Array) -> float:
    """Coefficient of variation of weights given by their logarithms; inf where all are 0."""
    most = log_weight.max()
    if not np.isfinite(most):
        return np.inf
    w = np.exp(log_weight - most)
    return float(w.std() / w.mean())


# ── what the evaluations say ─────────────────────────────────────────────────────────────────────────────────────


def _judged(table: Table) -> RareEstimate:
    methods = {name: _method(table, k) for k, name in enumerate(METHODS)}
    evaluations = int(table["made"].max())
    refused = next((f"{name}: {m.refused}" for name, m in methods.items() if m.refused), "")
    first, second = methods.values()
    if not refused and _apart(first, second):
        refused = (
            f"The two methods disagree: {SUBSET} finds {first.low:.2g} to {first.high:.2g}, {CROSS_ENTROPY} "
            f"{second.low:.2g} to {second.high:.2g}. Give more samples, or look for a failure that only one has seen."
        )
    if refused:
        return RareEstimate(None, None, None, evaluations, refused, methods, table)
    low, high = min(first.low, second.low), max(first.high, second.high)
    precise = np.array([1.0 / max(m.probability * m.variation, 1e-300) ** 2 for m in (first, second)])
    probability = float(precise @ [first.probability, second.probability] / precise.sum())
    return RareEstimate(probability, low, high, evaluations, "", methods, table)


def _apart(a: Method, b: Method) -> bool:
    """Whether the methods' 99 % intervals do not meet: chance alone seldom does that to two right answers."""
    more = float(stdtrit(len(a.estimates) - 1, 0.995) / stdtrit(len(a.estimates) - 1, 0.975))
    low, high = (
        [m.probability * (end / m.probability) ** more for m in (a, b) for end in (getattr(m, name),)]
        for name in ("low", "high")
    )
    return low[0] > high[1] or low[1] > high[0]


def _method(table: Table, method: int) -> Method:
    mine = table["method"] == method
    of = [_replicate(table, mine & (table["replicate"] == r), method) for r in np.unique(table["replicate"][mine])]
    values = np.array([p for p, _ in of])
    before = table["made"][table["method"] < method]
    evaluations = int(table["made"][mine].max()) - (int(before.max()) if len(before) else 0)
    refused = next((why for _, why in of if why), "")
    if not refused and not values.all():
        refused = "a replicate reached no failure. Give more samples."
    if refused:
        return Method(tuple(values.tolist()), 0.0, 0.0, 1.0, 0.0, evaluations, refused)
    mean, spread = float(values.mean()), float(np.log(values).std(ddof=1))
    half = float(stdtrit(len(values) - 1, 0.975)) * spread / np.sqrt(len(values))
    variation = float(values.std(ddof=1) / mean)
    if variation > _SPREAD:
        refused = f"the replicates spread too widely ({values.min():.2g} to {values.max():.2g}). Give more samples."
    low, high = mean * float(np.exp(-half)), min(mean * float(np.exp(half)), 1.0)
    return Method(tuple(values.tolist()), mean, low, high, variation, evaluations, refused)


def _replicate(table: Table, rows: Array, method: int) -> tuple[float, str]:
    """One replicate's estimate, and why there is none."""
    levels, m, trials = table["level"][rows], table["margin"][rows], table["trial"][rows]
    end = levels == levels.max()
    last = m[end]
    if np.isnan(m).any():
        return 0.0, "the margin is not a number somewhere. Mend the task's margin."
    value = max(_threshold(last), 0.0)
    if _plateau(last, trials[end], value):
        return 0.0, (
            f"{100 * np.mean(last == value):.0f} % of the points have the very same margin {value:.4g}: on a plateau "
            f"nothing leads to the failure. Give a margin that varies."
        )
    if method == 0:
        if levels.max() == _LEVELS:
            return 0.0, "no failure was reached. It is rarer than about 1e-16, or the margin does not lead to it."
        below = [float(np.mean(m[levels == k] <= _threshold(m[levels == k]))) for k in range(levels.max())]
        return float(np.prod(below)) * float(np.mean(last < 0.0)), ""
    weights = np.exp(table["log_weight"][rows][end]) * (last < 0.0)
    if not weights.any():
        return 0.0, "no failure was reached. The margin does not lead to it, or it is too rare for so few points."
    return float(weights.mean()), ""
