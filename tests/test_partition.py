"""Laws of the cells: they cover the conditions once, and each is as likely as it says."""

from __future__ import annotations

import numpy as np
import pytest

from jangin.errors import BadClaim
from jangin.partition import partition
from jangin.task import Choice, Condition, Conditions, Fixed, LogUniform, Uniform

CONDITIONS = Conditions(
    (
        Condition("tilt_rad", "rad", Uniform(-0.1, 0.3)),
        Condition("friction", "", LogUniform(0.1, 10.0)),
        Condition("part", "", Choice((1.0, 2.0, 2.0))),
        Condition("gap_m", "m", Fixed(0.002)),
    )
)


@pytest.fixture(scope="module")
def drawn():
    return CONDITIONS.at(np.random.default_rng(0).random((20_000, 4)))


@pytest.mark.parametrize("cuts", [(("tilt_rad", 4),), (("friction", 3), ("part", 5)), (("gap_m", 3), ("tilt_rad", 2))])
def test_a_grid_covers_every_trial_once_and_as_often_as_it_says(drawn, cuts):
    parts = partition(CONDITIONS, cuts)
    inside = np.stack([p.holds(drawn) for p in parts])
    assert (inside.sum(axis=0) == 1).all()
    assert sum(p.probability for p in parts) == pytest.approx(1.0)
    for p, rows in zip(parts, inside, strict=True):
        assert rows.mean() == pytest.approx(p.probability, abs=5 * np.sqrt(p.probability / 20_000))


def test_by_itself_each_condition_is_covered_once_and_a_fixed_one_not_cut(drawn):
    parts = partition(CONDITIONS, ())
    names = [p.spans[0].name for p in parts]
    assert names == ["tilt_rad"] * 3 + ["friction"] * 3 + ["part"] * 2
    for name in ("tilt_rad", "friction", "part"):
        mine = [p.holds(drawn) for p, n in zip(parts, names, strict=True) if n == name]
        assert (np.sum(mine, axis=0) == 1).all()
    assert [p.probability for p in parts[-2:]] == pytest.approx([1 / 3, 2 / 3])
    assert [p.text for p in parts[-2:]] == ["part 1", "part 2"]


def test_ends_belong_to_the_cells_and_equal_likelihood_is_in_the_distributions_own_measure():
    parts = partition(CONDITIONS, (("friction", 2),))
    ends = {"friction": np.array([0.1, 0.999, 1.001, 10.0])}
    assert parts[0].holds(ends).tolist() == [True, True, False, False]
    assert parts[1].holds(ends).tolist() == [False, False, True, True]
    assert parts[0].text == "friction 0.1 to 1"


@pytest.mark.parametrize(
    ("cuts", "said"),
    [
        ((("frictoin", 2),), "There is no condition 'frictoin' to cut into cells. Did you mean 'friction'?"),
        ((("tilt_rad", 100), ("friction", 100)), "That makes 10,000 cells; give at most 1,000"),
    ],
)
def test_what_cannot_be_cut_is_refused(cuts, said):
    with pytest.raises(BadClaim) as e:
        partition(CONDITIONS, cuts)
    assert said in str(e.value)


def test_a_task_without_varying_conditions_has_no_cells():
    with pytest.raises(BadClaim, match="no condition that varies"):
        partition(Conditions((Condition("gap_m", "m", Fixed(1.0)),)), ())
