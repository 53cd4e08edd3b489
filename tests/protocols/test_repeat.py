"""Repeating: what is pasted into a shell sends the very bytes that were asked, and nothing else.

The witnesses: real shells (dash and bash) with a `curl` and a `cgi-fcgi` that only tell what they
were given; a socket that keeps what a script sends, read by the protocol's own decoder; captures
of real fronts. (HTTP: gwtop.protocols._http_repeat.) That real servers give the same answer is
in tests/live/test_repeat.py.
"""

import json
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gwtop.nouns.events import Body, RequestHead
from gwtop.nouns.repeat import Asked
from gwtop.nouns.wire import Side
from gwtop.protocols import discover
from gwtop.protocols._repeat import curl, http_of_variables, octal, quoted
from tests._replay import replay

SHELLS = [path for name in ("dash", "bash") if (path := shutil.which(name))]
HOSTILE = [
    b"plain",
    b"two words",
    b'it\'s; rm -rf "$HOME" `id` $(id) \\ ! *',
    b"caf\xc3\xa9 \xff\xfe",
    b"\x1b]0;x\x07\x1b[2J",
    b"line one\nline two",
    b"\r\nX: y",
    b"%s%n%d",
    b"-o/etc/passwd",
    b"@/etc/passwd",
    b"~root",
    b"GWTOP",
    b"",
]
TELLER = """#!{python}
import json, os, sys
told = dict(argv=sys.argv[1:], env=dict(os.environ), stdin=sys.stdin.buffer.read())
print(ascii(told))
"""


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder with programs that tell how they were called."""
    for name in ("curl", "cgi-fcgi"):
        path = tmp_path / name
        path.write_text(TELLER.format(python=sys.executable))
        path.chmod(0o755)
    return tmp_path


def called(line: str, tools: Path, shell: str) -> dict[str, object]:
    """What the tool of a line was given: arguments and environment as bytes, and its input."""
    line = line.replace(" cgi-fcgi ", f" {tools}/cgi-fcgi ")  # `env -i` has no PATH
    done = subprocess.run(
        [shell, "-c", line],
        env={"PATH": f"{tools}:/usr/bin:/bin", "PYTHONUTF8": "0", "LC_ALL": "C"},
        capture_output=True,
        check=True,
    )
    assert done.stderr == b""
    told: dict[str, object] = eval(done.stdout, {"__builtins__": {}})
    return told


def raw(text: object) -> bytes:
    return str(text).encode("utf-8", "surrogateescape")


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("value", HOSTILE)
def test_a_quoted_value_is_one_argument_of_the_same_bytes(value: bytes, shell: str) -> None:
    text = quoted(value)
    assert text is not None and text.isascii() and (text.isprintable() or not text)
    done = subprocess.run([shell, "-c", f"printf %s {text}"], capture_output=True, check=True)
    assert done.stdout == value


@pytest.mark.parametrize("shell", SHELLS)
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(value=st.binary(max_size=40))
def test_any_bytes_pass_through_a_shell_or_are_refused(value: bytes, shell: str) -> None:
    done = subprocess.run([shell, "-c", f"printf {octal(value)}"], capture_output=True, check=True)
    assert done.stdout == value
    text = quoted(value)
    assert (text is None) == (
        b"\0" in value or (value.endswith(b"\n") and not value.isascii()) or value.endswith(b"\n")
    )
    if text is not None:
        done = subprocess.run([shell, "-c", f"printf %s {text}"], capture_output=True, check=True)
        assert done.stdout == value


@pytest.mark.parametrize("shell", SHELLS)
def test_curl_is_given_the_headers_and_the_body_that_were_sent(tools: Path, shell: str) -> None:
    fields = [(b"X-%d" % n, value) for n, value in enumerate(HOSTILE) if b"\n" not in value]
    body = b"\0@/etc/passwd\n\xff" + b"'"
    asked = Asked("127.0.0.1:8080", b"POST", b"/a b?x=1#y", [(b"Host", b"h"), *fields], body)
    [line] = discover()["http"].repeat(asked).lines
    told = called(line.text, tools, shell)
    argv = [raw(word) for word in told["argv"]]  # type: ignore[attr-defined]
    given_headers = [argv[n + 1] for n, word in enumerate(argv) if word == b"-H"]
    for name, value in fields:
        assert (name + b": " + value if value else name + b";") in given_headers
    assert argv[argv.index(b"--request-target") + 1] == b"/a b?x=1#y"
    assert argv[argv.index(b"--data-binary") + 1] == b"@-"
    assert b"http://127.0.0.1:8080/" in argv
    assert told["stdin"] == body
    assert line.lacks == ""


def test_curl_is_never_given_a_file_to_read_or_a_word_that_is_an_option() -> None:
    asked = Asked("h:1", b"-o /etc/passwd", b"@/etc/passwd", [(b"@/etc/passwd", b"x")], b"@/etc/x")
    [line] = discover()["http"].repeat(asked).lines
    assert line.text.startswith("printf '\\100\\057etc\\057x' | curl ")
    assert "-H @" not in line.text and "-H '@" not in line.text and " -o" not in line.text
    assert "method" in line.lacks and "header" in line.lacks


def test_curl_asks_a_unix_socket_where_that_was_asked() -> None:
    asked = Asked("unix:/run/a b.sock", b"GET", b"/x", [(b"Host", b"example.org")], b"")
    [line] = discover()["http"].repeat(asked).lines
    assert "--unix-socket '/run/a b.sock'" in line.text
    assert line.text.endswith("http://example.org/x")


@pytest.mark.parametrize("shell", SHELLS)
def test_cgi_fcgi_is_given_the_variables_and_nothing_else(tools: Path, shell: str) -> None:
    fields = [(b"HTTP_X%d" % n, value) for n, value in enumerate(HOSTILE)]
    fields += [(b"HTTP_X.Y-Z", b"1"), (b"CONTENT_LENGTH", b"3")]
    asked = Asked("127.0.0.1:9000", b"POST", b"/", fields, b"a\0b")
    line, script = discover()["fastcgi"].repeat(asked).lines
    assert (line.tool, script.tool) == ("cgi-fcgi", "python3")
    told = called(line.text, tools, shell)
    env = {raw(k): raw(v) for k, v in told["env"].items()}  # type: ignore[attr-defined]
    env.pop(b"LC_CTYPE", None)  # the teller's own: PEP 538
    assert env == dict(fields)
    assert told["argv"] == ["-bind", "-connect", "127.0.0.1:9000"]
    assert told["stdin"] == b"a\0b"


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param([(b"A", b"1"), (b"A", b"2")], id="twice"),
        pytest.param([(b"A=B", b"1")], id="sign in a name"),
        pytest.param([(b"A", b"\0")], id="NUL"),
        pytest.param([(b"-i", b"1")], id="an option of env"),
    ],
)
def test_what_an_environment_cannot_say_is_left_to_the_script(
    fields: list[tuple[bytes, bytes]],
) -> None:
    again = discover()["fastcgi"].repeat(Asked("127.0.0.1:1", b"GET", b"/", fields, b""))
    assert [line.tool for line in again.lines] == ["python3"]


def sent(make: Callable[[str], str], shell: str, answer: bytes = b"") -> tuple[bytes, bytes]:
    """What a script sends to a socket that answers and closes, and what the script then prints."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        kept = bytearray()

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.settimeout(5)
                connection.sendall(answer)
                connection.shutdown(socket.SHUT_WR)
                while data := connection.recv(65536):
                    kept.extend(data)

        thread = threading.Thread(target=serve)
        thread.start()
        port = server.getsockname()[1]
        script = make(f"127.0.0.1:{port}").encode("ascii") + b"\n"  # as if it were typed
        done = subprocess.run([shell], input=script, capture_output=True)
        thread.join(10)
    assert done.returncode == 0, done.stderr
    return bytes(kept), done.stdout


CASES = [
    ("fastcgi/nginx-php-fpm", 3),
    ("fastcgi/nginx-uwsgi", 2),
    ("scgi/nginx-uwsgi", 3),
    ("uwsgi/nginx-uwsgi", 3),
    ("uwsgi/nginx-gunicorn", 2),
    ("ajp/apache-flup", 4),
]


@pytest.mark.parametrize(("capture", "n_asked"), CASES)
def test_a_script_asks_what_a_real_front_asked(capture: str, n_asked: int) -> None:
    facts = [json.loads(line) for line in replay(capture, show_secrets=True)]
    requests = [f for f in facts if f["type"] == "request" and not f["request_body_bytes"]]
    for fact in requests[:n_asked]:
        fields = [(n.encode("latin-1"), v.encode("latin-1")) for n, v in fact["fields"]]
        check(fact["protocol"], fact["method"].encode(), fact["target"].encode("latin-1"), fields)


def check(
    name: str, method: bytes, target: bytes, fields: list[tuple[bytes, bytes]], body: bytes = b""
) -> None:
    module = discover()[name]

    def make(server: str) -> str:
        return module.repeat(Asked(server, method, target, fields, body)).lines[-1].text

    data, _ = sent(make, SHELLS[0])
    events = module.Decoder(True).feed(Side.CLIENT, data, 1)
    [head] = [event for event in events if isinstance(event, RequestHead)]
    assert (head.method, head.target) == (method, target)
    assert module.request_fields(head.block) == fields
    assert b"".join(event.data for event in events if isinstance(event, Body)) == body


VARIABLES = [
    (b"REQUEST_METHOD", b"POST"),
    (b"REQUEST_URI", b"/x?y=1"),
    (b"CONTENT_LENGTH", b"70000"),
    *((b"HTTP_H%d" % n, value) for n, value in enumerate(HOSTILE)),
    (b"HTTP_LONG", b"x" * 300),
]


@pytest.mark.parametrize("name", ["fastcgi", "scgi", "uwsgi"])
def test_a_script_sends_hostile_values_and_a_long_body(name: str) -> None:
    fields = VARIABLES
    if name == "scgi":  # SCGI section 3: CONTENT_LENGTH first, SCGI there, no NUL
        fields = [VARIABLES[2], (b"SCGI", b"1"), *VARIABLES[:2], *VARIABLES[3:]]
    check(name, b"POST", b"/x?y=1", fields, bytes(range(256)) * 273 + b"x" * 112)


def test_an_ajp_script_keeps_headers_and_attributes_apart_and_sends_the_first_body_packet() -> None:
    prefix = [(b"method", b"POST"), (b"protocol", b"HTTP/1.1"), (b"req_uri", b"/x")]
    prefix += [(b"remote_addr", b"1.2.3.4"), (b"remote_host", b""), (b"server_name", b"h")]
    prefix += [(b"server_port", b"8443"), (b"is_ssl", b"1")]
    headers = [(b"host", b"h"), (b"content-length", b"5"), (b"X-Odd", b"\xff'\n")]
    attributes = [(b"query_string", b"a=1"), (b"route", b"r"), (b"ssl_key_size", b"256")]
    attributes += [(b"secret", b"s"), (b"AJP_REMOTE_PORT", b"1")]
    fields = [*prefix, *headers, *attributes]
    check("ajp", b"POST", b"/x?a=1", fields, b"hello")
    again = discover()["ajp"].repeat(Asked("h:1", b"POST", b"/x?a=1", fields, b""))
    assert (again.http.scheme, again.http.authority, list(again.http.headers)) == (
        "https://",
        b"h",
        headers,
    )


def test_variables_become_the_headers_that_they_were() -> None:
    fields = [(b"HTTPS", b"on"), (b"SERVER_NAME", b"example.org"), (b"SERVER_PORT", b"8443")]
    fields += [(b"HTTP_USER_AGENT", b"curl"), (b"CONTENT_TYPE", b"text/plain"), (b"PATH", b"/bin")]
    http = http_of_variables(Asked("x:1", b"GET", b"/a?b", fields, b""))
    assert (http.scheme, http.authority, http.target) == ("https://", b"example.org:8443", b"/a?b")
    assert http.headers == [(b"User-Agent", b"curl"), (b"Content-Type", b"text/plain")]
    assert curl(http).text.endswith("'https://example.org:8443/a?b'")
