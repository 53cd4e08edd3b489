"""Pages: every code that gwtop can say has one, every page is of a code, and they can be found.

In: the source text of gwtop, as syntax trees, and the pages. Out: the code without a page, or the
page that nobody needs.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from gwtop import demos
from gwtop.cli.explain import explain
from gwtop.errors import GwtopError
from gwtop.explain import FOLDER, NOTES, codes, near, page, search, titles, words
from gwtop.explain.beside import ROWS, facets
from gwtop.explain.layout import laid_out

CODE = sorted(FOLDER.parent.rglob("*.py"))
CODE_AT = {"Remark": 1, "Observed": 1, "Note": 1, "_note": 0}
"""Where among the arguments of these the code of a note stands."""
KEBAB = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)+")
MAX_LINE = 110
MAX_LINES = 20


def strings(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


def codes_of(text: str) -> set[str]:
    """The codes that this file can say. Where one is a variable that is no parameter, every string
    of the file that looks like a code is one: a false one shows as a page that is missing."""
    tree, found = ast.parse(text), set[str]()
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    given = {a.arg for f in ast.walk(tree) if isinstance(f, functions) for a in f.args.args}
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = getattr(call.func, "id", getattr(call.func, "attr", ""))
        if len(call.args) <= CODE_AT.get(name, len(call.args)):
            continue
        argument = call.args[CODE_AT[name]]
        if isinstance(argument, ast.Call):
            continue
        found |= set(strings(argument))
        if isinstance(argument, ast.Name) and argument.id not in given:
            found |= {said for said in strings(tree) if KEBAB.fullmatch(said)}
    return found


def said_codes() -> set[str]:
    return set().union(*(codes_of(path.read_text(encoding="utf-8")) for path in CODE))


def test_codes_are_found_in_calls_in_choices_and_in_tables() -> None:
    source = """
def tell(given):
    Remark(None, "one-code", "info", "")
    Remark(None, "two" if given else "three", "info", "")
    self._note("four-code", "warn", "")
    Observed(at, given, "warn", "")
"""
    table = "CODES = {1: ('in-a-table', 'a text')}\ncode = CODES[1]\nRemark(0, code, 'info', '')"
    assert codes_of(source) == {"one-code", "two", "three", "four-code"}
    assert codes_of(table) == {"in-a-table"}


def test_every_code_has_a_page_and_every_page_is_of_a_code() -> None:
    said = said_codes()
    assert len(said) > 40
    assert said - set(codes()) == set(), "codes without a page"
    assert set(codes()) - said == set(), "pages that nobody needs"


@pytest.mark.parametrize("code", codes())
def test_a_page_begins_with_its_code_and_severity_and_says_what_to_do(code: str) -> None:
    text = (NOTES / f"{code}.md").read_text(encoding="utf-8")
    assert re.match(rf"{code} \((?:info|warn|error)\b[^)]*\): [^\n]+", text)
    lines = text.splitlines()
    assert len(lines) <= MAX_LINES and max(map(len, lines)) <= MAX_LINE
    unwired = ("engine-failed", "unknown-link")
    assert "\nDo: " in text or code in unwired, "what is one to do?"


def severities_of(path: Path) -> Iterator[tuple[str, str]]:
    """Code and severity of the calls where both are written out."""
    for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(call, ast.Call):
            at = CODE_AT.get(getattr(call.func, "id", getattr(call.func, "attr", "")))
            if (
                at is not None
                and len(call.args) > at + 1
                and not isinstance(call.args[at], ast.Call)
            ):
                for code in strings(call.args[at]):
                    for severity in strings(call.args[at + 1]):
                        yield code, severity


def test_a_page_names_each_severity_that_its_code_is_said_with() -> None:
    for path in CODE:
        for code, severity in severities_of(path):
            head = (page(code) or "").partition("):")[0]
            assert severity in head, f"{code} is said with {severity} in {path.name}"


def test_words_and_codes_do_not_share_a_name() -> None:
    assert not {word.lower() for word in words()} & set(codes())


@pytest.mark.parametrize("asked", ["no-empty-stdout", "NO-EMPTY-STDOUT", "FastCGI", "fastcgi"])
def test_a_page_is_printed_in_whatever_case_it_is_asked_for(asked: str) -> None:
    run = CliRunner().invoke(explain, [asked])
    assert run.exit_code == 0 and run.output == (page(asked) or "").rstrip() + "\n"


def test_without_a_word_all_are_listed() -> None:
    listed = CliRunner().invoke(explain, []).output
    before, notes = listed.split("\nnotes:\n")
    assert [line.split()[0] for line in notes.splitlines()] == codes()
    told = re.findall(r"[\w*-]+(?: model)?", before)
    assert set(words()) <= set(told)
    assert "the server, in capitals" in listed and "gwtop explain uwsgi uWSGI WSGI" in listed


@pytest.mark.parametrize(
    ("asked", "likeliest"),
    [
        ("no-empty-stdot", "no-empty-stdout"),
        ("bigendian", "size-big-endian"),
        ("fastgci", "FastCGI"),
        ("overloaded", "fcgi-overloaded"),
    ],
)
def test_an_unknown_word_names_those_that_look_like_it(asked: str, likeliest: str) -> None:
    assert likeliest in near(asked)
    run = CliRunner().invoke(explain, [asked], standalone_mode=False)
    assert isinstance(run.exception, GwtopError)
    assert likeliest in (run.exception.remedy or "")
    assert "did you mean" in (run.exception.remedy or "")


@pytest.mark.parametrize(
    ("asked", "telling"),
    [("mod_fcgid", "FastCGI"), ("php-fpm", "FastCGI"), ("mod_jk", "AJP"), ("ASGI", "WSGI")],
)
def test_a_word_without_a_page_is_found_in_those_of_others(asked: str, telling: str) -> None:
    run = CliRunner().invoke(explain, [asked], standalone_mode=False)
    assert isinstance(run.exception, GwtopError)
    assert telling in (run.exception.remedy or "")


def test_titles_are_whole_sentences() -> None:
    assert [name for name, title in titles() if not title.endswith(".")] == []


def test_a_word_that_looks_like_nothing_gets_the_words() -> None:
    run = CliRunner().invoke(explain, ["knights"], standalone_mode=False)
    assert isinstance(run.exception, GwtopError)
    assert "there are AJP, CGI, embedded, evidence, FastCGI, " in (run.exception.remedy or "")


CAPTURES = Path(__file__).parent / "captures"
HEX = re.compile(r"    ((?:[0-9a-f]{2} )*[0-9a-f]{2})  ")


def runs_of(text: str) -> list[bytes]:
    """The bytes that a page decodes; a line of another kind ends a run."""
    runs = [b""]
    for line in text.splitlines():
        found = HEX.match(line)
        runs = [*runs[:-1], runs[-1] + bytes.fromhex(found[1])] if found else [*runs, b""]
    return [run for run in runs if run]


@pytest.mark.parametrize("word", words())
def test_a_page_of_a_word_says_what_kind_of_thing_it_is_and_where_it_sits(word: str) -> None:
    text = page(word)
    assert text is not None
    assert word in text.partition(":")[0].split(", ")
    assert tuple(facets(text)) == ROWS
    assert "browser --HTTP--> " in text or "clients --> " in text, "no picture"
    assert max(map(len, text.splitlines())) <= 101


@pytest.mark.parametrize("word", words())
def test_a_message_that_a_page_decodes_was_captured(word: str) -> None:
    before, *told = re.split(r"\(tests/captures/(\S+)\)", page(word) or "")
    assert told, "no message of it is decoded"
    assert runs_of(before) == [], "bytes of which nobody says where they come from"
    for name, text in zip(told[::2], told[1::2], strict=True):
        captured, runs = (CAPTURES / name).read_bytes(), runs_of(text)
        assert sum(map(len, runs)) >= 2
        assert [run for run in runs if run not in captured] == []


def test_every_demo_is_explained_and_named_by_a_page() -> None:
    for demo in demos.catalogue():
        program = demo.program.read_text(encoding="utf-8")
        asked = re.search(r'"explain": "([^"]+)"', program)
        assert asked is not None and page(asked[1]) is not None, demo.name
        assert demo.name in re.split(r"[ ,;:]+", facets(page(asked[1]) or "")["Demo"]), demo.name


def test_words_that_differ_by_their_case_alone_have_a_page_each() -> None:
    protocol, server, interface = page("uwsgi"), page("uWSGI"), page("WSGI")
    assert len({protocol, server, interface}) == 3
    assert protocol is not None and facets(protocol)["Kind"].startswith("wire protocol")
    assert server is not None and facets(server)["Kind"].startswith("server")
    assert page("UWSGI") == protocol


def test_words_are_set_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    run = CliRunner().invoke(explain, ["uwsgi", "uWSGI", "WSGI"])
    lines = run.output.splitlines()
    assert run.exit_code == 0 and max(map(len, lines)) <= 100
    assert lines[0].split() == ["uwsgi", "uWSGI", "WSGI"]
    assert "the server, in" in next(line for line in lines if line.startswith("Is"))
    assert 'So "nginx speaks uwsgi to uWSGI, which calls the application by WSGI"' in run.output
    assert (
        lines.count(
            "    browser --HTTP--> web server --uwsgi--> uWSGI master (answers nothing itself)"
        )
        == 1
    )
    kinds = next(line for line in lines if line.startswith("Kind"))
    assert re.search(r"wire protocol.*server: a program.*interface specification", kinds)


def test_on_a_narrow_terminal_they_stand_one_below_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    lines = CliRunner().invoke(explain, ["CGI", "SCGI", "AJP"]).output.splitlines()
    assert [line for line in lines if line in ("CGI", "SCGI", "AJP")] == ["CGI", "SCGI", "AJP"]
    assert max(map(len, lines)) <= 60


def test_one_of_several_words_without_a_page_is_an_error() -> None:
    run = CliRunner().invoke(explain, ["CGI", "knights"], standalone_mode=False)
    assert isinstance(run.exception, GwtopError)


@pytest.mark.parametrize("width", [50, 76, 200])
def test_a_page_is_laid_out_for_a_width_and_keeps_every_word(width: int) -> None:
    for name, _ in titles():
        text = page(name) or ""
        lines = ["".join(words for words, _ in line) for line in laid_out(text, width)]
        assert " ".join(lines).split() == text.split(), name
        long = [line for line in lines if len(line) > width and " " in line.strip()]
        assert [line for line in long if not line.startswith("    ")] == [], name


def test_labels_and_bytes_stand_out_and_pictures_stay_as_they_are() -> None:
    lines = laid_out(page("AJP") or "", 60)
    styles = {words.split()[0]: style for line in lines for words, style in line if words.strip()}
    assert (styles["Cost:"], styles["a9"], styles["browser"]) == ("accent", "accent", "")
    picture = "                                                                 thread: servlet"
    assert ((picture, ""),) in lines


def test_a_search_finds_names_first_and_then_what_pages_say() -> None:
    assert [name for name, _ in search("WSGI")][:4] == ["mod_wsgi", "uWSGI", "uwsgi", "WSGI"]
    assert "closed-without-answer" in [name for name, _ in search("harakiri")]
    assert search("") == titles() and search("no such words") == []
