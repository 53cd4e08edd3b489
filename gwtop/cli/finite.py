"""Numbers of an option that a clock can count to: no "nan", no "inf", no end of the universe.

In: what was typed. Out: a float within its range. It refuses to know what is counted.
"""

import math

import click

MOST = 1e9  # seconds: 31 years; requests a second: a million times what any machine answers


class Finite(click.FloatRange):
    """A range that "nan" is not in, as `click.FloatRange` has it, nor what nobody waits for."""

    def __init__(self, min: float, min_open: bool = False) -> None:
        super().__init__(min=min, max=MOST, min_open=min_open)

    def convert(
        self, value: float, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """`value`: mostly what was typed, whatever click says."""
        number: float = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value} is no number.", param, ctx)
        return number
