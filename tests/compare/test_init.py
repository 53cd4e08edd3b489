"""Which demos are compared when none is named."""

from pathlib import Path

from gwtop.compare import one_of_each_kind
from gwtop.demos import DemoInfo


def info(name: str, protocol: str, model: str, installed: bool = True) -> DemoInfo:
    return DemoInfo(name, "", protocol, model, (), installed, (), None, Path("x"))


def test_one_of_each_kind_is_the_shortest_name_that_is_installed() -> None:
    catalogue = [
        info("alpha-long", "p", "pool"),
        info("alpha", "p", "pool"),
        info("beta", "p", "alone"),
        info("g", "q", "pool", installed=False),
        info("gamma", "q", "pool"),
    ]
    assert one_of_each_kind(catalogue) == ["alpha", "beta", "gamma"]
