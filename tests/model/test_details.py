"""Details that were fetched: decoded once, bounded, and never outside their own bytes."""

from base64 import b64encode

from gwtop.model import Model
from gwtop.model.details import RECORD_BYTES, DetailTable, fetched
from gwtop.nouns.facts import Detail, DetailRecord
from gwtop.nouns.times import instant


def detail(id: int, data: bytes = b"askanswer", **other: object) -> Detail:
    told = {"answer_offset": 3, "bodies": [("client", 1, 2), ("server", 3, 2), ("server", 6, 1)]}
    encoded = b64encode(data).decode()
    return Detail(**({"id": id, "kept": True, "records": [], "data": encoded} | told | other))  # type: ignore[arg-type]


def record(offset: int, length: int, *fields: tuple[str, str, int, int]) -> DetailRecord:
    return DetailRecord("client", instant(0), offset, length, "r", list(fields))


def test_bodies_and_halves_are_cut_out_of_the_bytes() -> None:
    found = fetched(detail(1))
    assert found.body("client") == b"sk" and found.body("server") == b"anw"
    assert (found.half("client"), found.half("server")) == ((0, 3), (3, 9))


def test_the_newest_are_kept_and_an_answer_replaces_the_one_before() -> None:
    table = DetailTable(max_bytes=3 * (RECORD_BYTES + 9))
    for id in (1, 2, 3, 4):
        table.told(detail(id))
    assert [id for id in range(6) if table.of(id)] == [2, 3, 4]
    table.told(Detail(id=3, kept=False, records=[], data=""))
    table.told(detail(5))
    assert [id for id in range(6) if table.of(id)] == [2, 3, 4, 5] or table.of(2) is None
    found = table.of(3)
    assert found is not None and not found.kept


def test_what_lies_outside_the_bytes_is_left_out() -> None:
    bad = detail(
        1,
        records=[record(0, 99), record(-1, 1), record(0, 3, ("f", "v", 2, 99)), record(0, 3)],
        bodies=[("client", 5, 99), ("client", -3, 2), ("client", 0, 3)],
        gaps=[(0, 1), (8, 2)],
        masked=[(-1, 1)],
        answer_offset=1000,
    )
    found = fetched(bad)
    assert [(r.offset, r.fields) for r in found.records] == [(0, []), (0, [])]
    assert found.bodies == (("client", 0, 3),)
    assert (found.gaps, found.masked, found.answer_offset) == (((0, 1),), (), 9)


def test_what_is_no_base64_was_not_kept() -> None:
    found = fetched(Detail(id=1, kept=True, records=[record(0, 1)], data="\u00e9!"))
    assert not found.kept and found.data == b"" and found.records == ()


def test_a_model_holds_what_it_is_told() -> None:
    model = Model()
    assert model.details.of(7) is None
    model.apply(detail(7))
    found = model.details.of(7)
    assert found is not None and found.data == b"askanswer"
