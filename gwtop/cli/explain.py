"""`gwtop explain`: a page for a word or a note code."""

import click

from gwtop.errors import GwtopError


@click.command()
@click.argument("word", required=False)
def explain(word: str | None) -> int:
    """Explain a word (CGI, FastCGI, uwsgi, ...) or the code of a note (no WORD: list them)."""
    from gwtop.explain import codes, near, page, words

    if word is None:
        for known in (*words(), "", *codes()):
            click.echo(known)
        return 0
    text = page(word)
    if text is None:
        alike = near(word)
        listed = ", ".join(alike or words())
        remedy = f"did you mean {listed}?" if alike else f"there are {listed}, and codes of notes"
        raise GwtopError(f"there is no page for {word!r}", remedy)
    click.echo(text.rstrip())
    return 0
