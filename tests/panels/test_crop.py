"""Text cut to its room: at the end, in the middle, by the cells that it takes."""

import pytest

from gwtop.panels._crop import cropped, n_cells, shortened

PATH = "unix:/run/php/some-rather-long-directory-name/php8.2-fpm.sock"


@pytest.mark.parametrize("width", range(8, 70))
@pytest.mark.parametrize(
    "text", [PATH, "unix:/run/日本語/ソケット.sock", "127.0.0.1:9000", "unix:@x"]
)
def test_what_is_shortened_fits_and_keeps_its_end(text: str, width: int) -> None:
    told = shortened(text, width)
    assert n_cells(told) <= width
    assert told == text or ("…" in told and told[-1:] == text[-1:])


def test_of_a_path_the_name_stays_whole_where_it_fits() -> None:
    assert shortened(PATH, 40) == "unix:/run/php/some-rath…/php8.2-fpm.sock"
    assert shortened(PATH, 20) == "unix:/…p8.2-fpm.sock"
    assert shortened(PATH, 5) == "unix…" and shortened(PATH, 0) == ""


def test_cells_are_counted_as_a_terminal_counts_them() -> None:
    assert n_cells("日本") == 4 and n_cells("e\u0301") == 1 and n_cells("plain") == 5
    assert cropped("日本語", 4) == "日…" and cropped("日本", 4) == "日本"
