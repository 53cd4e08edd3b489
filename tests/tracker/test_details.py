"""A detail without its secrets: in fields, bodies and bytes, wherever they were cut."""

from base64 import b64decode

import pytest

from gwtop.nouns.facts import Detail
from gwtop.nouns.plan import Plan
from gwtop.nouns.times import MILLISECOND_NS as MS
from gwtop.nouns.wire import CLIENT, SERVER, Chunk, Closed, Lost, Opened
from gwtop.tracker import Tracker
from gwtop.tracker.details import MAX_VALUE_CHARS, differences
from gwtop.tracker.kept import Kept
from tests.layers.test_agreement import BUILD

SECRET = b"s3cr3t-0f-m1ne"


def detail_of(
    request: bytes, answer: bytes = b"", show: bool = False, cuts: tuple[int, ...] = ()
) -> Detail:
    tracker = Tracker(Plan(show_secrets=show), live=True, kept=Kept(on=True))
    tracker.ingest(Opened(MS, 1, "127.0.0.1:5", "127.0.0.1:80", True))
    begin = 0
    for n, end in enumerate((*cuts, len(request))):
        if begin < end:
            tracker.ingest(Chunk(MS + n, 1, CLIENT, request[begin:end]))
        begin = end
    tracker.ingest(Chunk(3 * MS, 1, SERVER, answer or b"HTTP/1.1 200 OK\r\n\r\n"))
    return ended(tracker)


def ended(tracker: Tracker) -> Detail:
    for side in (SERVER, CLIENT):
        tracker.ingest(Closed(4 * MS, 1, side, "fin"))
    return tracker.detail(1)


def all_text(detail: Detail) -> bytes:
    fields = "".join(f"{name}={value};" for r in detail.records for name, value, _, _ in r.fields)
    return b64decode(detail.data) + fields.encode("latin-1")


PAIRS = [(b"CONTENT_LENGTH", b"0"), (b"SCGI", b"1"), (b"REQUEST_METHOD", b"GET")]
PAIRS += [(b"REQUEST_URI", b"/a?x=1&password=" + SECRET + b"&y=2")]
PAIRS += [(b"HTTP_COOKIE", b"sid=" + SECRET), (b"HTTP_AUTHORIZATION", b"Basic " + SECRET)]
PAIRS += [(b"PHP_AUTH_PW", SECRET), (b"HTTP_X_API_KEY", SECRET)]
ANSWERS = {
    "ajp": b"AB\0\x2c\4\0\xc8\0\2OK\0\0\1\0\x0aSet-Cookie\0\0\x12sid=" + SECRET + b"\0",
    "fastcgi": b"\1\6\0\1\0\x22\0\0Set-Cookie: sid=" + SECRET + b"\r\n\r\n",
}


@pytest.mark.parametrize("protocol", sorted(BUILD))
def test_secret_variables_are_blanked_in_every_protocol(protocol: str) -> None:
    answer = ANSWERS.get(protocol, b"Status: 200 OK\r\nSet-Cookie: sid=" + SECRET + b"\r\n\r\n")
    data = BUILD[protocol](PAIRS, b"")
    hidden = detail_of(data, answer)
    assert hidden.kept and SECRET not in all_text(hidden)
    assert b"Set-Cookie" in all_text(hidden)
    shown = detail_of(data, answer, show=True)
    assert SECRET in all_text(shown) and not shown.masked
    assert len(shown.data) == len(hidden.data)
    assert [(r.name, r.offset, r.bytes_long) for r in shown.records] == [
        (r.name, r.offset, r.bytes_long) for r in hidden.records
    ]
    raw = b64decode(hidden.data)
    assert hidden.masked
    assert all(set(raw[at : at + n]) == {ord("*")} for at, n in hidden.masked)


def http(head: bytes, body: bytes, kind: bytes) -> bytes:
    words = b"POST /login?token=" + SECRET + b" HTTP/1.1\r\n" + head
    return words + b"Content-Type: %s\r\nContent-Length: %d\r\n\r\n" % (kind, len(body)) + body


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        pytest.param(b"application/x-www-form-urlencoded", b"user=u&Password=%s&z=1", id="form"),
        pytest.param(b"application/json", b'{"user":"u","api_key": "%s","z":1}', id="json"),
        pytest.param(
            b"multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="secret"\r\n\r\n%s\r\n--b--\r\n',
            id="multipart",
        ),
    ],
)
def test_secrets_in_the_target_the_head_and_the_body_are_blanked(kind: bytes, body: bytes) -> None:
    head = b"Authorization: Basic " + SECRET + b"\r\nCookie: a=b;\r\n c=" + SECRET + b"\r\n"
    detail = detail_of(http(head, body % SECRET, kind))
    assert SECRET not in all_text(detail)
    raw = b64decode(detail.data)
    side, offset, length = detail.bodies[0]
    assert (side, length) == ("client", len(body % SECRET))
    assert raw[offset : offset + length] == body % (b"*" * len(SECRET))


def test_a_secret_that_goes_over_two_records_is_blanked_in_both() -> None:
    block = bytes([11, 18]) + b"HTTP_COOKIEsid=" + SECRET + bytes([14, 3]) + b"REQUEST_METHODGET"
    begin = b"\1\1\0\1\0\x08\0\0\0\1\0\0\0\0\0\0"
    for cut in range(1, len(block)):
        parts = [block[:cut], block[cut:], b""]
        data = begin + b"".join(
            b"\1\4\0\1" + len(p).to_bytes(2, "big") + b"\0\0" + p for p in parts
        )
        detail = detail_of(data + b"\1\5\0\1\0\0\0\0", b"\1\6\0\1\0\2\0\0\r\n")
        left = all_text(detail)
        assert not any(SECRET[n : n + 4] in left for n in range(len(SECRET) - 4)), cut


@pytest.mark.parametrize("protocol", sorted(BUILD))
def test_of_a_request_that_is_cut_no_secret_is_told(protocol: str) -> None:
    data = BUILD[protocol](PAIRS, b"")
    for end in range(12, len(data)):
        detail = detail_of(data[:end])
        assert SECRET not in all_text(detail), end


def test_behind_a_gap_what_follows_the_name_of_a_secret_is_blanked() -> None:
    data = BUILD["fastcgi"](PAIRS, b"")
    for begin in range(20, 70, 7):  # in lengths and names, but not in the secret's own
        tracker = Tracker(Plan(), live=True, kept=Kept(on=True))
        tracker.ingest(Opened(MS, 1, "127.0.0.1:5", "127.0.0.1:80", True))
        tracker.ingest(Chunk(MS, 1, CLIENT, data[:begin]))
        tracker.ingest(Lost(MS, 1, CLIENT, 5, left_out=False))
        tracker.ingest(Chunk(MS, 1, CLIENT, data[begin + 5 :]))
        tracker.ingest(Chunk(MS, 1, SERVER, b"\1\6\0\1\0\2\0\0\r\n"))
        detail = ended(tracker)
        assert detail.kept and detail.gaps == [(begin, 5)]
        assert SECRET not in all_text(detail)


def test_a_long_value_is_told_in_part_and_is_whole_in_the_bytes() -> None:
    detail = detail_of(http(b"X: " + b"x" * 5_000 + b"\r\n", b"", b"text/plain"))
    values = [value for record in detail.records for _, value, _, _ in record.fields]
    assert max(map(len, values)) == MAX_VALUE_CHARS + 3
    assert b"x" * 5_000 in b64decode(detail.data)


def test_differences_are_runs() -> None:
    assert differences(b"abcdef", b"abcdef") == []
    assert differences(b"abcdef", b"a**d*f") == [(1, 2), (4, 1)]
