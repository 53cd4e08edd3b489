"""The alert under the head: what is worst, and a remedy in full."""

from dataclasses import replace

from gwtop.model import Model, Snapshot
from gwtop.nouns.facts import Calls, Tap
from gwtop.panels import Line
from gwtop.tui.alerts import LENGTHS_ONLY, NO_SUMMARY, alert, hides_requests
from tests.screens._facts import T0, S, hello, note, seen, tick


def words(line: Line) -> str:
    return "".join(cell.text for cell in line)


def test_nothing_to_say_takes_no_line() -> None:
    assert alert(Snapshot(), None, None, 80) == ()


def test_the_end_of_the_engine_hides_other_trouble() -> None:
    (line,) = alert(Snapshot(), NO_SUMMARY, "the load has ended", 80)
    assert words(line) == f" ■ engine ended: {NO_SUMMARY}"


def test_trouble_that_fits_is_one_line() -> None:
    (line,) = alert(Snapshot(), None, "the load has ended (signal 9)", 80)
    assert words(line) == " ■ the load has ended (signal 9)"


def test_a_remedy_is_folded_before_its_path_and_can_be_copied() -> None:
    path = "/opt/gwtop/of/somebody/bin/gwtop"
    lines = alert(Snapshot(), None, f"CAP_NET_RAW shows the requests: sudo {path} attach", 60)
    assert [words(line) for line in lines] == [
        " ■ CAP_NET_RAW shows the requests: sudo",
        f"   {path} attach",
    ]


def test_what_would_take_a_third_line_is_cut() -> None:
    lines = alert(Snapshot(), None, "word " * 100, 40)
    assert len(lines) == 2
    assert words(lines[1]).endswith(" …")
    assert max(len(words(line)) for line in lines) <= 40


def test_control_characters_do_not_reach_the_terminal() -> None:
    assert "\x1b" not in words(alert(Snapshot(), None, "\x1b]0;x\x07", 80)[0])


def test_a_terminal_of_a_few_cells_breaks_nothing() -> None:
    for width in range(1, 40):
        assert alert(Snapshot(), "it was killed " * 9, None, width)
        assert alert(Snapshot(), None, "a trouble " * 9, width)


def test_where_only_lengths_are_seen_it_is_said_why_no_request_comes() -> None:
    shown = replace(Snapshot(), calls=Calls(12, 0, 0))
    lines = alert(shown, None, None, 80, copy_key="B")
    told = " ".join(words(line).strip() for line in lines)
    assert told == f"⚑ {LENGTHS_ONLY}; B: copy again"
    assert alert(replace(shown, calls=Calls(12, 0, 12288)), None, None, 80) == ()


def test_a_fresh_note_hides_for_a_while_what_is_missing_all_the_time() -> None:
    model = Model()
    model.apply(hello(taps=[Tap("sockets", "refused", "CAP_SYS_ADMIN shows more")]))
    assert "sockets refused" in words(alert(model.snapshot(), None, None, 80)[0])
    model.apply(note(T0 + S))
    assert "was killed by signal 9" in words(alert(model.snapshot(), None, None, 80)[0])
    model.apply(tick(T0 + 11 * S, 0))
    assert "sockets refused" in words(alert(model.snapshot(), None, None, 80)[0])


def test_where_nothing_is_to_be_seen_the_reason_is() -> None:
    model = Model()
    model.apply(hello())
    model.apply(note(T0, severity="info", pid=None, text="nothing listens on port 80 yet"))
    assert words(alert(model.snapshot(), None, None, 80)[0]) == " ⚑ nothing listens on port 80 yet"
    model.apply(seen(7, 1, "worker", "php-fpm"))
    assert alert(model.snapshot(), None, None, 80) == ()


def test_the_refusal_that_hides_requests_comes_first_wherever_it_stands() -> None:
    """As in a container, where births are absent, and for who may not capture."""
    births = Tap("births", "absent", "process events are not told inside another pid namespace")
    sockets = Tap("sockets", "refused", "CAP_SYS_ADMIN shows which worker read what")
    ring = Tap("ring", "refused", "CAP_NET_RAW shows the requests on the wire: sudo gwtop attach")
    model = Model()
    model.apply(hello(taps=[births, sockets, ring]))
    model.apply(note(T0 + S, text="the listener's owner is hidden from us"))
    (line,) = alert(model.snapshot(), None, None, 100)
    assert words(line).startswith(" ⚑ ring refused: CAP_NET_RAW") and "sudo gwtop" in words(line)
    assert hides_requests(model.snapshot())


def test_what_is_missing_of_short_processes_only_takes_no_line() -> None:
    model = Model()
    model.apply(hello(taps=[Tap("taskstats", "refused", "CAP_NET_ADMIN shows the CPU time")]))
    assert alert(model.snapshot(), None, None, 80) == ()
