"""The journal: what a line looks like, that it is lossless and safe, and what a reader survives."""

import json
import unicodedata
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from gwtop.errors import GwtopError
from gwtop.journal import Unknown, decode, decode_wish, encode, encode_wish, known_types, schema
from gwtop.nouns import facts, wishes
from gwtop.nouns.anatomy import Anatomy, Memory, Socket, Thread
from gwtop.nouns.facts import Fact
from gwtop.nouns.times import instant
from gwtop.tracker import anatomy
from gwtop.tracker.process import Process

AT = instant(1_795_327_242_123_456_789)
NOTHING_MISSED = facts.Missing(frames=0, process_events=0, bytes=0, requests=None)


def note(text: str) -> facts.Note:
    return facts.Note(at=AT, code="x", severity="info", text=text, pid=None, listen=None)


def request(**changes: object) -> facts.Request:
    plain = facts.Request(
        id=7,
        connection=3,
        stream=1,
        sequence=0,
        at=AT,
        began_at=AT,
        protocol="fastcgi",
        client="127.0.0.1:50412",
        server="127.0.0.1:9000",
        method="GET",
        target="/big?bytes=9",
        status=200,
        outcome="done",
        duration_ns=1_000_000,
        first_byte_ns=900_000,
        queue_ns=None,
        request_head_bytes=800,
        response_head_bytes=90,
        request_body_bytes=0,
        response_body_bytes=9,
        lost_bytes=0,
        keep_alive=False,
        stderr=None,
        pid=4711,
        thread=4711,
        reader=None,
        evidence="environ",
        births=[4711],
        pair=None,
        notes=[facts.NoteText(code="odd", severity="warn", text="odd")],
    )
    return msgspec.structs.replace(plain, **changes)


WATCHED = facts.Watched(listen="127.0.0.1:9000", protocol=None)


def every_fact() -> Iterator[Fact]:
    yield request()
    yield request(fields=[("A", "b")], response_fields=[], request_body="", response_body="é")
    yield note("all workers are busy")
    yield from facts_of_processes()
    yield from facts_of_a_session()
    yield from facts_of_wishes()


def facts_of_a_session() -> Iterator[Fact]:
    percentiles = facts.Percentiles(p50=1, p90=2, p99=3, max=4)
    yield facts.Hello(
        format=facts.FORMAT,
        gwtop="0.1.0",
        host="h",
        source="live",
        at=AT,
        watch=[WATCHED],
        taps=[facts.Tap(name="ring", state="refused", needs="CAP_NET_RAW")],
    )
    yield facts.Tick(
        at=AT,
        requests=1,
        missed=NOTHING_MISSED,
        in_flight=[
            facts.InFlight(id=8, connection=3, method=None, target=None, began_at=AT, pid=None)
        ],
        busy=None,
        idle=0,
        queues=[facts.QueueState(listen="x", pending=None, limit=None)],
        model="embedded",
        model_evidence="so",
        watch=[WATCHED],
    )
    yield facts.Summary(
        at=AT,
        requests=1,
        in_flight=0,
        outcomes={"done": 1},
        statuses={"200": 1},
        duration_ns=percentiles,
        queue_ns=None,
        processes_born=1,
        processes_exited=1,
        processes_per_request=1.0,
        workers=1,
        model=None,
        model_evidence=None,
        evidence={"environ": 1},
        frames=10,
        connections=1,
        missed=NOTHING_MISSED,
        notes={},
    )


def facts_of_processes() -> Iterator[Fact]:
    yield facts.ProcessBorn(
        at=AT, pid=1, parent=0, name=None, argv=["a"], role="cgi", request=7, environ=[("A", "b")]
    )
    yield facts.ProcessSeen(
        at=AT, pid=1, parent=None, name="n", argv=None, role="master", born_at=None
    )
    yield facts.ProcessExited(
        at=AT,
        pid=1,
        lifetime_ns=5,
        code=None,
        signal=9,
        cpu_ns=None,
        max_rss_bytes=None,
        requests=1,
    )
    yield facts.ProcessSample(
        at=AT,
        pid=1,
        role="worker",
        cpu_percent=1.5,
        rss_bytes=1,
        threads=1,
        fds=None,
        state="S",
        requests=0,
        busy_with=[7],
    )


def facts_of_wishes() -> Iterator[Fact]:
    yield facts.Connection(
        id=3,
        client="unix:",
        server="unix:/run/app.sock",
        protocol=None,
        opened_at=AT,
        closed_at=AT,
        requests=0,
        how="fin",
    )
    yield facts.Detail(
        id=7,
        kept=True,
        records=[
            facts.DetailRecord(
                side="client",
                at=AT,
                offset=0,
                bytes_long=8,
                name="BEGIN_REQUEST",
                fields=[("version", "1", 0, 1)],
            )
        ],
        data="AQ==",
    )
    seen = Anatomy(
        at=1,
        pid=7,
        state="S",
        born_at=1,
        argv=(b"a", b"\x9b"),
        environ=((b"A", b"b"),),
        memory=Memory(1, 2, None, 4),
        sockets=(Socket(3, "unix", "unix:", None, None),),
        threads=(Thread(7, b"\x1b[2J", "S", 5),),
        unread=(("cwd", "why"),),
    )
    yield anatomy.told(seen, Process(7, 1, None), [], show_secrets=False)
    yield anatomy.told(seen, None, [], show_secrets=False)


def test_every_type_of_fact_is_tried_here() -> None:
    assert {json.loads(encode(fact))["type"] for fact in every_fact()} == known_types()


@pytest.mark.parametrize("fact", list(every_fact()))
def test_a_fact_comes_back_as_it_was(fact: Fact) -> None:
    assert decode(encode(fact)) == fact


@pytest.mark.parametrize("fact", list(every_fact()))
def test_a_line_obeys_the_schema(fact: Fact) -> None:
    Draft202012Validator(schema()).validate(json.loads(encode(fact)))


def test_the_schema_is_a_schema_and_refuses_a_wrong_line() -> None:
    Draft202012Validator.check_schema(schema())
    wrong = json.loads(encode(request())) | {"outcome": "splendid"}
    assert not Draft202012Validator(schema()).is_valid(wrong)


def test_type_is_first_and_keys_keep_the_order_of_the_interface() -> None:
    keys = list(json.loads(encode(request())))
    assert keys == ["type", *facts.Request.__struct_fields__[:-5]]


def test_what_was_not_asked_for_is_absent_and_the_unknown_is_null() -> None:
    line = json.loads(encode(request()))
    assert "fields" not in line
    assert line["queue_ns"] is None


@pytest.mark.parametrize(
    ("text", "written"),
    [
        pytest.param("\x00\x1b[31m", rb"\u0000\u001b[31m", id="C0"),
        pytest.param("\x7f", rb"\u007f", id="DEL"),
        pytest.param("\x80\x9b\x9f", rb"\u0080\u009b\u009f", id="C1"),
        pytest.param("\xa0\xff", "\xa0\xff".encode(), id="latin-1"),
        pytest.param("\xc3\x9b", "\xc3".encode() + rb"\u009b", id="UTF-8 bytes read as latin-1"),
        pytest.param("中\u2028😀", "中\u2028😀".encode(), id="beyond latin-1"),
        pytest.param("\\\x7f", rb"\\\u007f", id="after a backslash"),
    ],
)
def test_what_a_terminal_acts_on_is_escaped_and_nothing_else_is(text: str, written: bytes) -> None:
    assert b'"text":"' + written + b'"' in encode(note(text))


@given(st.text())
def test_any_text_is_lossless_and_safe_on_a_terminal(text: str) -> None:
    line = encode(note(text))
    assert decode(line) == note(text)
    assert [c for c in line[:-1].decode() if unicodedata.category(c) == "Cc"] == []


def test_unknown_keys_are_passed_over() -> None:
    line = json.loads(encode(note("x"))) | {"mood": "good"}
    assert decode(json.dumps(line).encode()) == note("x")


def test_a_line_of_an_unknown_type_is_told_as_such() -> None:
    line = b'{"type":"weather","sun":true}'
    assert decode(line) == Unknown("weather", line)


@pytest.mark.parametrize("more", [b"", b',"watch":"changed"'])
def test_a_later_format_is_refused_with_a_remedy(more: bytes) -> None:
    with pytest.raises(GwtopError, match=r"format 99.*update gwtop"):
        decode(b'{"type":"hello","format":99' + more + b"}")


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[1]",
        b"3",
        b"hello\n",
        b'{"a":1}',
        b'{"type":"note"}',
        b'{"type":"note"',
        b'{"type":"weather","sun":',
        b'{"type":"weather","sun":' + b"[" * 99_999,
        b"\xff",
        b"[" * 99_999,
    ],
)
def test_what_is_no_fact_is_refused_in_one_sentence(line: bytes) -> None:
    with pytest.raises(GwtopError) as caught:
        decode(line)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "wish"),
    [
        (b'{"wish":"watch","port":3031}', wishes.Watch(3031)),
        (b'{"wish":"detail","id":7}', wishes.ShowDetail(7)),
        (b'{"wish":"process","pid":7}', wishes.ShowProcess(7)),
        (b'{"wish":"connections","on":true}', wishes.Connections(True)),
        (b'{"wish":"tick","seconds":0.25}', wishes.TickEvery(0.25)),
        (b'{"wish":"copy","bytes":512}', wishes.Copy(512)),
    ],
)
def test_a_wish_is_a_line_as_the_interface_writes_it(line: bytes, wish: wishes.Wish) -> None:
    assert encode_wish(wish) == line + b"\n"
    assert decode_wish(line) == wish


@pytest.mark.parametrize(
    "line",
    [
        b"please",
        b"\xff",
        b"[" * 99_999,
        b'{"wish":"gold"}',
        b'{"wish":"watch","port":0}',
        b'{"wish":"tick","seconds":0}',
        b'{"wish":"tick","seconds":1e999}',
    ],
)
def test_a_bad_wish_is_a_value_and_no_exception(line: bytes) -> None:
    assert isinstance(decode_wish(line), wishes.BadWish)
