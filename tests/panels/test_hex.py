"""Hex: every byte in its place, the part in brackets, gaps and secrets as what they are."""

import pytest

from gwtop.panels import Line
from gwtop.panels._hex import NARROW, WIDE, Bytes, byte_at, columns_width, line_of, lines, n_columns
from gwtop.panels._hex import n_digits as digits_of

DATA = bytes(range(0x41, 0x41 + 20))


def text(line: Line) -> str:
    return "".join(cell.text for cell in line)


def test_a_line_is_offset_hex_and_characters() -> None:
    assert [text(line) for line in lines(Bytes(DATA), 8, 10)] == [
        "0000  41 42 43 44 45 46 47 48  ABCDEFGH",
        "0008  49 4a 4b 4c 4d 4e 4f 50  IJKLMNOP",
        "0010  51 52 53 54              QRST",
    ]


@pytest.mark.parametrize(
    ("part", "shown"),
    [
        pytest.param((2, 3), "41 42[43 44 45]46 47 48 ", id="inside"),
        pytest.param((0, 1), "[41]42 43 44 45 46 47 48 ", id="first"),
        pytest.param((5, 3), "41 42 43 44 45[46 47 48]", id="last"),
        pytest.param((5, 9), "41 42 43 44 45[46 47 48]", id="goes on"),
        pytest.param((8, 2), " 41 42 43 44 45 46 47 48 ", id="below"),
        pytest.param((3, 0), " 41 42 43 44 45 46 47 48 ", id="nothing"),
    ],
)
def test_the_part_is_in_brackets(part: tuple[int, int], shown: str) -> None:
    got = text(line_of(Bytes(DATA), 0, len(DATA), 8, part))
    assert got[5:].startswith(shown if shown[0] in " [" else " " + shown)


def test_a_part_that_goes_on_begins_each_of_its_lines() -> None:
    got = text(line_of(Bytes(DATA), 8, len(DATA), 8, (5, 9)))
    assert got == "0008 [49 4a 4b 4c 4d 4e]4f 50  IJKLMNOP"


def test_what_was_not_seen_and_what_is_secret_are_no_bytes() -> None:
    got = text(line_of(Bytes(DATA, [(1, 2)], [(4, 2)]), 0, 8, 8))
    assert got == "0000  41 -- -- 44 ** ** 47 48  A  D**GH"


def test_bytes_of_others_are_dim_and_the_offset_may_begin_elsewhere() -> None:
    line = line_of(Bytes(DATA), 4, len(DATA), 8, (5, 1), (4, 4), base=4)
    assert text(line).startswith("0000  45[46]47")
    dim = "".join(cell.text for cell in line if cell.style == "dim")
    assert "49" in dim and "45" not in dim


@pytest.mark.parametrize("width", [30, 71, 72, 200])
def test_lines_are_as_wide_as_they_say(width: int) -> None:
    n = n_columns(width)
    assert n == (WIDE if width >= 72 else NARROW)
    assert len(text(line_of(Bytes(DATA), 0, len(DATA), n))) == columns_width(n) - 1


def test_a_click_finds_its_byte() -> None:
    line = text(line_of(Bytes(DATA), 0, 8, 8))
    for n in range(8):
        assert byte_at(line.index(f"{DATA[n]:02x}"), 8, 4) == n
        assert byte_at(line.rindex(chr(DATA[n])), 8, 4) == n
    assert byte_at(0, 8, 4) is None


def test_large_bytes_have_longer_offsets() -> None:
    assert digits_of(0x1_0000) == 4 and digits_of(0x1_0001) == 6
