"""Variables and header fields: all, or those with a text in them."""

from msgspec import UNSET

from gwtop.panels._variables import NOT_TOLD, lines, narrowed

PAIRS = [("QUERY_STRING", "q=Uwsgi"), ("HTTP_COOKIE", "[redacted]"), ("SERVER_NAME", "")]


def told(pairs: object, text: str = "", width: int = 60) -> list[str]:
    return ["".join(cell.text for cell in line) for line in lines(pairs, text, width)]


def test_names_stand_in_a_column_and_values_beside_them() -> None:
    assert told(PAIRS) == [
        "QUERY_STRING  q=Uwsgi",
        "HTTP_COOKIE   [redacted]",
        "SERVER_NAME   ",
    ]


def test_narrowing_looks_at_names_and_values_without_case() -> None:
    assert narrowed(PAIRS, "uwsgi") == PAIRS[:1]
    assert narrowed(PAIRS, "_name") == PAIRS[2:]
    assert told(PAIRS, "nowhere") == ["none of 3 fields has that in it"]


def test_what_was_not_told_is_not_said_to_be_empty() -> None:
    assert told(UNSET) == [NOT_TOLD]
    assert told([]) == ["none"]


def test_long_values_go_on_and_have_an_end() -> None:
    found = told([("A", "x" * 5_000)], width=40)
    assert sum(line.count("x") for line in found) == 4_000
    assert found[-1].strip() == "… 1,000 bytes more"
    assert max(map(len, found)) <= 40


def test_a_long_name_has_a_line_of_its_own() -> None:
    assert told([("N" * 50, "value"), ("A", "1")]) == [
        "N" * 50,
        " " * 26 + "value",
        "A" + " " * 25 + "1",
    ]


def test_controls_are_shown_and_not_sent() -> None:
    assert told([("\x1b[2J", "\x9b31m")])[0].startswith("\\x1b[2J")
    assert "\x9b" not in "".join(told([("\x1b[2J", "\x9b31m")]))
