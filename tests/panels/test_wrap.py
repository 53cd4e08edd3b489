"""Text in lines: nothing is lost and nothing is too wide."""

from rich.cells import cell_len

from gwtop.panels import Cell
from gwtop.panels._wrap import by_words, wrap, wrap_lines


def test_long_lines_of_one_cell_go_on() -> None:
    assert wrap_lines([(Cell("abcdefghij"),), (Cell("a"), Cell("b"))], 8) == [
        (Cell("abcdefgh"),),
        (Cell("ij"),),
        (Cell("a"), Cell("b")),
    ]


def test_wide_characters_take_two_cells() -> None:
    text = "日本語の待ち行列 and ascii 日本語"
    pieces = wrap(text, 9)
    assert "".join(pieces) == text
    assert max(map(cell_len, pieces)) <= 9
    assert wrap("", 9) == [""]


def test_words_stay_whole_where_they_fit() -> None:
    assert by_words("one two three", 8) == ["one two", "three"]
    assert by_words("a" * 20, 8) == ["a" * 8, "a" * 8, "a" * 4]
    assert by_words("", 8) == [""]
