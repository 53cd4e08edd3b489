"""Where rich prints: on a terminal in its width, into a pipe or a file in ours.

In: how wide a page without a width is. Out: a rich `Console` on stdout. It refuses to know what is
printed.

rich ends the program with status 1 where the reader has gone, and opens the null device for that,
which an engine may not do any more. Here it is Python's own `BrokenPipeError`, as everywhere else.
"""

from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from rich.console import Console


def console_of(page_columns: int) -> "Console":
    """Nothing in what is printed is markup."""
    from rich.console import Console  # 60 ms that only tables pay

    class OurConsole(Console):
        def on_broken_pipe(self) -> NoReturn:
            raise BrokenPipeError

    console = OurConsole(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console = OurConsole(highlight=False, markup=False, emoji=False, width=page_columns)
    return console
