"""Family objects are what their class and parameters are: repr, equality, hash."""

import copy
import pickle

import pytest
from sklearn.base import clone
from test_families import Quantic

import riata
from riata import families
from riata.families import Huber, Multinomial, Tweedie, get_family

NAMED = [get_family(name) for name in sorted(families._BY_NAME)]
DIFFERENT = [*NAMED, Tweedie(1.3), Tweedie(1.3 + 1e-15), Huber(2.0), Multinomial(grouped=True)]


@pytest.mark.parametrize("family", DIFFERENT, ids=repr)
def test_a_family_is_equal_to_what_its_repr_makes_and_to_no_other(family):
    for twin in (eval(repr(family), vars(families).copy()), copy.deepcopy(family),
                 pickle.loads(pickle.dumps(family))):  # fmt: skip
        assert twin is not family
        assert twin == family
        assert hash(twin) == hash(family)
    assert sum(family == other for other in DIFFERENT) == 1
    assert family != family.name
    assert len({*DIFFERENT, family}) == len(DIFFERENT)


def test_repr_names_the_parameters():
    assert repr(Tweedie(1.3)) == "Tweedie(power=1.3)"
    assert repr(Huber(2)) == "Huber(delta=2.0)"
    assert repr(Multinomial()) == "Multinomial(grouped=False)"
    assert repr(get_family("poisson")) == "Poisson()"
    assert Huber(2) == Huber(2.0)


def test_a_subclass_is_another_family_and_ones_own_are_themselves():
    class Mine(Tweedie):
        pass

    assert Mine(1.3) != Tweedie(1.3)
    assert Tweedie(1.3) != Mine(1.3)
    assert repr(Mine(1.3)) == "Mine(power=1.3)"
    assert Quantic() != Quantic()  # riata does not know what its parameters are


def test_estimators_with_a_family_are_cloned_with_an_equal_one():
    model = riata.GeneralizedLinearRegressor(Tweedie(1.3), alpha=0.1)
    assert clone(model).get_params() == model.get_params()
    assert "family=Tweedie(power=1.3)" in repr(model)
