"""CPUs: the kernel's lists of them. In: texts as /sys has them. Out: numbers."""

import sys

import pytest

from gwtop.taps import cpus


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("0\n", [0], id="one"),
        pytest.param("0-3\n", [0, 1, 2, 3], id="all"),
        pytest.param("0-1,4,6-7", [0, 1, 4, 6, 7], id="some are off"),
    ],
)
def test_the_kernels_list_of_cpus_is_read(text: str, expected: list[int]) -> None:
    assert cpus.listed(text) == expected


@pytest.mark.skipif(sys.platform != "linux", reason="CPUs are listed in Linux's /sys")
def test_what_runs_is_a_part_of_what_is_possible() -> None:
    assert set() < set(cpus.online()) <= set(cpus.possible())
