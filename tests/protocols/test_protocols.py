"""Discovery and election: who there is, and who gets a connection."""

from types import SimpleNamespace

import pytest

from gwtop.protocols import ELECTION_LIMIT_BYTES, Undecided, discover, elect
from gwtop.protocols._base import Claim

YES, NO, MORE = Claim.YES, Claim.NO, Claim.MORE


def voters(*claims: Claim) -> list[SimpleNamespace]:
    return [
        SimpleNamespace(NAME=str(n), claims=lambda prefix, claim=claim: claim)
        for n, claim in enumerate(claims)
    ]


def test_protocols_are_found_sorted_and_without_private_files() -> None:
    found = discover()
    stems = [vars(module)["__name__"].rpartition(".")[2] for module in found.values()]
    assert stems == sorted(stems) and not [stem for stem in stems if stem.startswith("_")]
    assert all(name == module.NAME for name, module in found.items())
    assert {"fastcgi", "scgi"} <= set(found)


@pytest.mark.parametrize(
    ("claims", "winner"),
    [
        pytest.param((NO, YES, NO), 1, id="one claims, none else can"),
        pytest.param((YES, MORE), Undecided.NOT_YET, id="another one may still claim"),
        pytest.param((NO, MORE), Undecided.NOT_YET, id="only more bytes will tell"),
        pytest.param((NO, NO), Undecided.NOBODY, id="none claims"),
        pytest.param((YES, NO, YES), Undecided.NOBODY, id="two claim: a defect, nobody gets it"),
        pytest.param((), Undecided.NOBODY, id="no protocols"),
    ],
)
def test_a_connection_goes_to_the_one_that_claims_it(
    claims: tuple[Claim, ...], winner: int | Undecided
) -> None:
    modules = voters(*claims)
    assert elect(b"x", modules) is (modules[winner] if isinstance(winner, int) else winner)


@pytest.mark.parametrize(("claims", "wins"), [((YES, MORE), True), ((MORE, NO), False)])
def test_at_the_limit_and_at_the_end_undecided_ones_are_passed_over(
    claims: tuple[Claim, ...], wins: bool
) -> None:
    modules = voters(*claims)
    expected = modules[0] if wins else Undecided.NOBODY
    assert elect(b"x" * ELECTION_LIMIT_BYTES, modules) is expected
    assert elect(b"x", modules, final=True) is expected
