"""`gwtop explain`: a page for a word or a note code; several words side by side."""

import shutil
from textwrap import fill

import click

from gwtop.errors import GwtopError

MAX_COLUMNS = 120  # of a table; wider lines are hard to follow
MIN_SEARCHED = 3  # a shorter word stands in every page
MAX_TELLING = 5


@click.command()
@click.argument("words", metavar="[WORD]...", nargs=-1)
def explain(words: tuple[str, ...]) -> int:
    """Explain a word (CGI, FastCGI, uwsgi, ...) or the code of a note (no WORD: list them).

    Several words are set side by side: gwtop explain uwsgi uWSGI WSGI
    """
    from gwtop.explain.beside import side_by_side, together

    pages = {word: _page(word) for word in words}
    if not pages:
        _list()
    elif len(pages) == 1:
        click.echo("".join(pages.values()).rstrip())
    else:
        width = min(shutil.get_terminal_size((100, 24)).columns, MAX_COLUMNS)
        for line in side_by_side(pages, width):
            click.echo(line)
        for told in together(pages):
            picture = told.startswith(" ")
            click.echo("\n" + (told if picture else fill(told, width)))
        click.echo(f"\nEach has a page: gwtop explain {words[0]}")
    return 0


def _list() -> None:
    """Every word with what it is, and every code: what is known here, on a page or two."""
    from gwtop.explain import BEGIN, codes, titles

    click.echo(BEGIN)
    known = dict(titles())
    noted = {code: known.pop(code) for code in codes()}
    names: dict[str, list[str]] = {}
    for name, title in known.items():  # several names may have one page
        names.setdefault(title, []).append(name)
    for title, alike in names.items():
        click.echo(
            fill(
                f"{', '.join(alike):<16}  {title}",
                100,
                initial_indent="  ",
                subsequent_indent=" " * 20,
            )
        )
    click.echo("\nnotes:")
    for code, title in noted.items():
        click.echo(f"  {code:<26}  {title}")


def _page(word: str) -> str:
    from gwtop.explain import page

    text = page(word)
    if text is None:
        raise GwtopError(f"there is no page for {word!r}", _elsewhere(word))
    return text


def _elsewhere(word: str) -> str:
    """Where to look instead: pages whose name looks like it, and pages that have it in them."""
    from gwtop.explain import near, search, words

    alike = near(word)
    found = search(word) if len(word) >= MIN_SEARCHED else []
    telling = [name for name, _ in found if name not in alike][:MAX_TELLING]
    said = [f"did you mean {', '.join(alike)}?"] if alike else []
    said += [f"it is spoken of in: {', '.join(telling)}"] if telling else []
    return " ".join(said) or f"there are {', '.join(words())}, and codes of notes"
