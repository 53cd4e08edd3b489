"""Records as a tree: what is a part of what, what is open, what is found."""

from gwtop.model.details import Fetched
from gwtop.nouns.facts import DetailRecord
from gwtop.nouns.times import MILLISECOND_NS as MS
from gwtop.nouns.times import instant
from gwtop.panels import Look
from gwtop.panels._base import PLAIN
from gwtop.panels._records import (
    ancestors,
    deepest_at,
    first_open,
    in_sight,
    line,
    matching,
    nodes,
    opened_with,
)

PARAMS = DetailRecord(
    "client",
    instant(0),
    0,
    30,
    "PARAMS",
    [
        ("version", "1", 0, 1),
        ("type", "4", 1, 1),
        ("contentData", "20 bytes", 8, 20),
        ("QUERY_STRING", "q=1", 8, 10),
        ("nameLength", "3", 8, 1),
        ("nameData", "q", 9, 9),
        ("HTTP_COOKIE", "***", 18, 10),
        ("valueData", "***", 25, 3),
        ("paddingData", "", 28, 2),
    ],
)
END = DetailRecord("server", instant(2 * MS), 30, 4, "END\x1b", [("status", "0", 30, 4)])
TREE = nodes(Fetched(1, True, (PARAMS, END), bytes(34), 30))


def named(name: str) -> int:
    return next(n for n, node in enumerate(TREE) if node.name == name)


def shown(opened: set[int], look: Look = PLAIN) -> list[str]:
    return [
        "".join(cell.text for cell in line(TREE, n, opened, look)) for n in in_sight(TREE, opened)
    ]


def test_a_field_inside_the_one_before_it_is_its_part() -> None:
    assert [(node.depth, node.name) for node in TREE] == [
        (0, "PARAMS"),
        (1, "version"),
        (1, "type"),
        (1, "contentData"),
        (2, "QUERY_STRING"),
        (3, "nameLength"),
        (3, "nameData"),
        (2, "HTTP_COOKIE"),
        (3, "valueData"),
        (1, "paddingData"),
        (0, "END\x1b"),
        (1, "status"),
    ]
    assert [TREE[n].name for n in ancestors(TREE, named("nameData"))] == [
        "QUERY_STRING",
        "contentData",
        "PARAMS",
    ]


def test_at_first_the_request_is_open_down_to_its_variables() -> None:
    assert shown(first_open(TREE)) == [
        "▾ → PARAMS  30B  +0 µs",
        "    version  1",
        "    type  4",
        "  ▾ contentData  20 bytes",
        "    ▸ QUERY_STRING  q=1",
        "    ▸ HTTP_COOKIE  ***",
        "    paddingData  ",
        "▸ ← END\\x1b  4B  +2.0 ms",
    ]
    assert first_open(()) == set()


def test_what_is_closed_shows_none_of_its_parts() -> None:
    assert len(shown(set())) == 2
    assert len(shown({named("contentData")})) == 2, "its record is closed"
    assert opened_with(TREE, named("QUERY_STRING")) == {named("QUERY_STRING")}


def test_ascii_signs_where_there_is_nothing_else() -> None:
    assert shown(set(), Look(ascii=True))[0] == "+ > PARAMS  30B  +0 µs"


def test_a_secret_is_marked() -> None:
    cells = line(TREE, named("HTTP_COOKIE"), set())
    assert cells[-1].style == "warn"


def test_a_text_is_found_in_names_and_values() -> None:
    assert [TREE[n].name for n in matching(TREE, "Q=1")] == ["QUERY_STRING"]
    assert [TREE[n].name for n in matching(TREE, "data")] == [
        "contentData",
        "nameData",
        "valueData",
        "paddingData",
    ]


def test_a_byte_belongs_to_the_smallest_field_that_covers_it() -> None:
    assert deepest_at(TREE, 8) == named("nameLength")
    assert deepest_at(TREE, 24) == named("HTTP_COOKIE")
    assert deepest_at(TREE, 3) == named("PARAMS")
    assert deepest_at(TREE, 99) is None
