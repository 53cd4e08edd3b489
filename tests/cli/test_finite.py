"""Numbers that nobody can count to."""

import click
import pytest

from gwtop.cli.finite import Finite


@pytest.mark.parametrize("typed", ["nan", "-nan", "inf", "-inf", "1e300", "0", "-1", "soon"])
def test_what_no_clock_counts_to_is_wrong_usage(typed: str) -> None:
    with pytest.raises(click.BadParameter):
        Finite(min=0, min_open=True)(typed)


@pytest.mark.parametrize(("typed", "number"), [("1e-9", 1e-9), ("2.5", 2.5), ("1e9", 1e9)])
def test_what_it_counts_to_is_a_number(typed: str, number: float) -> None:
    assert Finite(min=0, min_open=True)(typed) == number
