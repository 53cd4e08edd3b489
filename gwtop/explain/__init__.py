"""Pages of `gwtop explain`: one Markdown file a word or note code, found by its name.

In: a word. Out: its page. Knows no page: whoever adds one writes a file here and touches nothing.
"""

from pathlib import Path

FOLDER = Path(__file__).parent


def words() -> list[str]:
    """What there is a page for, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.md"))


def page(word: str) -> str | None:
    """The page, in whatever case it was asked for. None: there is none."""
    for known in words():
        if known.lower() == word.lower():
            return (FOLDER / f"{known}.md").read_text(encoding="utf-8")
    return None
