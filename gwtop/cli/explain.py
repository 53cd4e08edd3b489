"""`gwtop explain`: a page for a word or a note code."""

import click

from gwtop.errors import GwtopError


@click.command()
@click.argument("word", required=False)
def explain(word: str | None) -> int:
    """Explain a word (CGI, FastCGI, uwsgi, ...) or the code of a note (no WORD: list them)."""
    from gwtop.explain import page, words

    if word is None:
        for known in words():
            click.echo(known)
        return 0
    text = page(word)
    if text is None:
        raise GwtopError(f"there is no page for {word!r}", f"there are {', '.join(words())}")
    click.echo(text.rstrip())
    return 0
