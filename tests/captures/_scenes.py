"""What happens in each capture of notes: which server, and what is said to it.

In: a stage with ports and a folder. Out: connections on the watched port. Each step's target names
what is wrong with it. Knows no remark: `tests/test_notes.py` says what each step has earned.
"""

import socket
import ssl
from collections.abc import Callable
from struct import pack

import _bytes as b
from _machine import DEADLINE_S
from _servers import apache, fcgiwrap, nginx, php_fpm
from _stage import QUIET_S, Scene, Stage, broken, gunicorn, own, static_nginx, uwsgi

# -- FastCGI ------------------------------------------------------------------------------------


def odd_fastcgi(stage: Stage) -> None:
    ok = stage.php("/fine")
    stage.say(b.fastcgi(ok))
    stage.say(b.fastcgi(stage.php("/split"), cut=20))
    stage.say(b.fastcgi(stage.php("/twice", (b"X", b"1"), (b"X", b"2"))))
    stage.say(b.fastcgi(stage.php("/twice-the-same", (b"X", b"1"), (b"X", b"1"))))
    stage.say(b.fastcgi(stage.php("/less", length=10), b"12345"), patience_s=QUIET_S)
    stage.say(b.fastcgi(stage.php("/short")))
    whole = b.fastcgi(stage.php("/unknown-type"))
    stage.say(whole[:16] + b.record(12, b"what?") + whole[16:])
    block = b.fcgi_pairs(stage.php("/malformed"))
    stage.say(b.fastcgi(block + b"\x05\x05X"))
    stage.say(b.http("/http"))
    stage.say(b.fastcgi(ok, flags=b.KEEP_CONN), b.fastcgi(ok), patience_s=QUIET_S)


def dying_php(stage: Stage) -> None:
    stage.say(b.fastcgi(stage.php("/error")))
    stage.say(b.fastcgi(stage.php("/die")))
    stage.say(b.fastcgi(stage.php("/die-mid")))
    # php-fpm reads the body when the script asks for it: here it dies with unread bytes.
    stage.say(b.fastcgi(stage.php("/die?unread", length=30000), bytes(30000)))
    stage.say(b.fastcgi(stage.php("/die-mid?unread", length=30000), bytes(30000)))


def over_record(stage: Stage) -> None:
    for padding in (0, 6):
        pairs = stage.php(f"/padding-{padding}")
        room = 65_530 - len(b.fcgi_pairs(pairs)) - 6
        block = b.fcgi_pairs([*pairs, (b"X", b"x" * room)])
        assert len(block) == 65_530
        stage.say(
            b.begin()
            + b.record(b.PARAMS, block, padding=padding)
            + b.record(b.PARAMS)
            + b.record(b.STDIN)
        )


def many_params(stage: Stage) -> None:
    pairs = [b.fcgi_pairs([(b"X%02d" % n, b"x" * 60_000)]) for n in range(18)]
    records = [b.record(b.PARAMS, block) for block in [b.fcgi_pairs(stage.php("/many")), *pairs]]
    stage.say(b.begin() + b"".join(records) + b.record(b.PARAMS) + b.record(b.STDIN))


def headless_cgi(stage: Stage) -> None:
    for name, text in (("headless", "echo 'no head here'"), ("silent", "true")):
        script = stage.folder / f"{name}.cgi"
        script.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        script.chmod(0o755)
        where = (b"SCRIPT_FILENAME", str(script).encode())
        stage.say(b.fastcgi(b.variables(f"/{name}", where)))


def fastcgi_to_uwsgi(stage: Stage) -> None:
    stage.say(b.fastcgi(b.variables("/keep"), flags=b.KEEP_CONN))
    stage.say(b.fastcgi(b.variables("/headless")))
    stage.say(b.fastcgi(b.variables("/short")))


def flup(stage: Stage) -> None:
    stage.say(b.fastcgi(b.variables("/fine")))
    stage.say(b.fastcgi(b.variables("/error")))
    role = b.fastcgi(b.variables("/unknown-role"))
    stage.say(b.begin(role=b.FILTER) + role[16:])
    first, second = b.fcgi_pairs(b.variables("/one")), b.fcgi_pairs(b.variables("/two"))
    stage.say(
        b.begin(flags=b.KEEP_CONN)
        + b.record(b.PARAMS, first)
        + b.begin(flags=b.KEEP_CONN, id=2)
        + b.record(b.PARAMS, second, id=2)
        + b.record(b.PARAMS, id=2)
        + b.record(b.STDIN, id=2)
        + b.record(b.PARAMS)
        + b.record(b.STDIN)
    )


def overloaded(stage: Stage) -> None:
    stage.say(b.fastcgi(b.variables("/overloaded")))


def by_hand(stage: Stage) -> None:
    """What no server at hand can be made to say."""
    unheard_of = b.record(b.END, pack(">IB3x", 0, 9))
    broken(stage, b.fastcgi(b.variables("/unknown-status")), unheard_of)
    whole = b.record(b.STDOUT, b"Content-Type: text/plain\r\n\r\nok\n") + b.record(b.STDOUT)
    broken(stage, b.fastcgi(b.variables("/no-end")), whole)


# -- uwsgi and SCGI -----------------------------------------------------------------------------


def odd_uwsgi(stage: Stage) -> None:
    stage.say(b.uwsgi(b.variables("/fine")))
    stage.say(b.uwsgi(b.variables("/long", (b"HTTP_COOKIE", b"c" * 5000))))
    stage.say(b.uwsgi(b.variables("/big-endian"), order=">"))
    size_only = b.uwsgi(b.variables("/big-endian-size"))
    stage.say(size_only[:1] + size_only[2:0:-1] + size_only[3:])
    stage.say(b.uwsgi(b.variables("/twice", (b"X", b"1"), (b"X", b"2"))))
    stage.say(b.uwsgi(b.variables("/headless")))
    stage.say(b.uwsgi(b.variables("/short")))
    stage.say(b.uwsgi(b.variables("/less", length=10), b"12345"))
    stage.say(b.uwsgi(b.variables("/no-number", (b"CONTENT_LENGTH", b"many"))))
    stage.say(b.http("/http"))
    stage.say(b.uwsgi(b.variables("/die")))
    stage.say(b.uwsgi(b.variables("/die-mid")))
    stage.say(b.uwsgi(b.variables("/die?unread", length=3000), bytes(3000)))
    stage.say(b.uwsgi(b.variables("/die-mid?unread", length=3000), bytes(3000)))
    stage.say(b.uwsgi(b.variables("/unread", length=3000), bytes(3000)))


def larger_uwsgi(stage: Stage) -> None:
    stage.say(b.uwsgi(b.variables("/long", (b"HTTP_COOKIE", b"c" * 5000))))


def odd_scgi(stage: Stage) -> None:
    pairs = b.variables("/fine")
    stage.say(b.scgi(pairs))
    late = b.variables("/late")
    stage.say(b.scgi([*late[1:], late[0]]))
    stage.say(b.scgi(b.variables("/not-marked"), marked=False))
    stage.say(b.scgi(b.variables("/twice", (b"X", b"1"), (b"X", b"2"))))
    stage.say(b.scgi(b.variables("/headless")))
    stage.say(b.scgi(b.variables("/short")))
    stage.say(b.scgi(b.variables("/more", length=3), b"12345"))
    block = b"CONTENT_LENGTH\x000\x00SCGI\x001\x00REQUEST_URI\x00/malformed\x00X\x00"
    stage.say(b"%d:%s," % (len(block), block))
    stage.say(b.http("/http"))
    stage.say(b.scgi(b.variables("/die")))


# -- HTTP ---------------------------------------------------------------------------------------


def odd_http(stage: Stage) -> None:
    stage.say(b.http("/fine"))
    chunks = b"5\r\n12345\r\n0\r\n\r\n"
    both = ("Transfer-Encoding: chunked", "Content-Length: 5")
    stage.say(b.http("/length-and-chunked", *both, body=chunks, method="POST"))
    stage.say(b.http("/no-number", "Content-Length: many", method="POST"))
    stage.say(b.http("/less", "Content-Length: 10", body=b"12345", method="POST"))
    stage.say(b.http("/short"))
    stage.say(b.uwsgi(b.variables("/uwsgi")))
    stage.say(b.fastcgi(b.variables("/fastcgi")), patience_s=QUIET_S)
    stage.say(b.scgi(b.variables("/scgi")), patience_s=QUIET_S)
    with socket.create_connection(("127.0.0.1", stage.port), DEADLINE_S) as talk:
        context = ssl.create_default_context()
        try:
            talk.settimeout(QUIET_S)
            context.wrap_socket(talk, server_hostname="localhost")
        except OSError:
            pass  # the handshake fails, as it must (ssl.SSLError is one)
    stage.say(b.http("/die"))
    stage.say(b.http("/die-mid"))
    stage.say(b.http("/die?unread", "Content-Length: 30000", body=bytes(30000), method="POST"))
    stage.say(b.http("/die-mid?unread", "Content-Length: 30000", body=bytes(30000), method="POST"))


def headless_http(stage: Stage) -> None:
    stage.say(b.http("/fine"))
    stage.say(b.http("/headless"))
    stage.say(b.http("/unread", "Content-Length: 3000", body=bytes(3000), method="POST"))


def upgraded(stage: Stage) -> None:
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="  # RFC 6455 1.3
    lines = ("GET /socket HTTP/1.1", "Host: localhost", "Upgrade: websocket", "Connection: Upgrade")
    stage.say("\r\n".join([*lines, key, "Sec-WebSocket-Version: 13", "", ""]).encode())


def connected(stage: Stage) -> None:
    with socket.create_server(("127.0.0.1", 0)) as target:
        where = f"127.0.0.1:{target.getsockname()[1]}"
        with socket.create_connection(("127.0.0.1", stage.port), DEADLINE_S) as talk:
            talk.sendall(f"CONNECT {where} HTTP/1.1\r\nHost: {where}\r\n\r\n".encode())
            behind = target.accept()[0]
            assert b" 200 " in talk.recv(4096)
            talk.sendall(b"\0no HTTP")
            assert behind.recv(100)
            behind.close()
            talk.recv(100)


# -- misconfigured fronts -----------------------------------------------------------------------


def through_front(*targets: str) -> Callable[[Stage], None]:
    def act(stage: Stage) -> None:
        for target in targets:
            stage.say(b.http(target), port=stage.front_port, patience_s=QUIET_S)

    return act


def understood_first(message: Callable[[Stage], bytes], *targets: str) -> Callable[[Stage], None]:
    """One that is understood, then what the front sends."""

    def act(stage: Stage) -> None:
        stage.say(message(stage))
        through_front(*targets)(stage)

    return act


# -- one port, many protocols --------------------------------------------------------------------


def one_port(stage: Stage) -> None:
    """FastCGI, uwsgi, SCGI, HTTP on one port, one after another, with broken back ends between."""
    targets = ("/1", "/2", "/3")
    with php_fpm(stage.folder, stage.port, 0):
        for target in targets:
            stage.say(b.fastcgi(stage.php(target)))
    broken(stage, b.fastcgi(b.variables("/fastcgi-closed")), b"")
    broken(stage, b.fastcgi(b.variables("/fastcgi-half")), b.record(b.STDOUT, b"Status: 2")[:12])
    with uwsgi("uwsgi-socket")(stage.folder, stage.port, 0):
        for target in targets:
            stage.say(b.uwsgi(b.variables(target)))
    broken(stage, b.uwsgi(b.variables("/uwsgi-reset")), b"", reset=True)
    broken(stage, b.uwsgi(b.variables("/uwsgi-garbage")), b"\x00\xffgarbage")
    with uwsgi("scgi-socket")(stage.folder, stage.port, 0):
        for target in targets:
            stage.say(b.scgi(b.variables(target)))
    broken(stage, b.scgi(b.variables("/scgi-closed")), b"")
    broken(stage, b.scgi(b.variables("/scgi-half")), b"Status: 200 OK\r\nContent-Le")
    with gunicorn()(stage.folder, stage.port, 0):
        for target in targets:
            stage.say(b.http(target))
    broken(stage, b.http("/http-closed"), b"")
    broken(stage, b.http("/http-half"), b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
    with php_fpm(stage.folder, stage.port, 0):
        stage.say(b.fastcgi(stage.php("/again")))


def unread(stage: Stage) -> None:
    """More than the sockets hold: the worker closes over it, and its kernel resets."""
    body = bytes(300_000)
    message = b.http("/unread", f"Content-Length: {len(body)}", body=body, method="POST")
    stage.say(message, port=stage.front_port)


def fine_php(stage: Stage) -> bytes:
    return b.fastcgi(stage.php("/fine"))


def fine_http(stage: Stage) -> bytes:
    return b.http("/fine")


SCENES = {
    "php-fpm-odd": Scene("requests with one thing wrong each, to php-fpm", odd_fastcgi, php_fpm),
    "php-fpm-dying": Scene("a script that fails or kills its worker", dying_php, php_fpm),
    "php-fpm-over-record": Scene(
        "65,530 bytes of PARAMS in one record: unpadded, then padded with 6", over_record, php_fpm
    ),
    "php-fpm-many-params": Scene("more than 1 MiB of PARAMS", many_params, php_fpm),
    "fcgiwrap-headless": Scene("scripts that print no head, and nothing", headless_cgi, fcgiwrap),
    "uwsgi-fastcgi": Scene(
        "uWSGI's fastcgi-socket: KEEP_CONN, an answer without head, one cut short",
        fastcgi_to_uwsgi,
        uwsgi("fastcgi-socket"),
    ),
    "flup": Scene(
        "flup's FastCGI server: stderr, a role it lacks, two requests at once", flup, own("flup")
    ),
    "flup-overloaded": Scene(
        "flup out of threads (its missing import of `thread` mended: notes/app.py)",
        overloaded,
        own("flup-overloaded"),
    ),
    "by-hand": Scene(
        "a server made by hand in _scenes.py: a protocolStatus that no software is known to send, "
        "and no END_REQUEST, as of a worker that dies behind its answer",
        by_hand,
    ),
    "uwsgi-odd": Scene(
        "requests with one thing wrong each, to uWSGI", odd_uwsgi, uwsgi("uwsgi-socket")
    ),
    "uwsgi-larger": Scene(
        "uWSGI with a larger buffer-size",
        larger_uwsgi,
        uwsgi("uwsgi-socket", "--buffer-size", "16384"),
    ),
    "uwsgi-scgi": Scene(
        "requests with one thing wrong each, to uWSGI", odd_scgi, uwsgi("scgi-socket")
    ),
    "gunicorn-http": Scene("requests with one thing wrong each, to gunicorn", odd_http, gunicorn()),
    "uwsgi-http": Scene(
        "uWSGI's http-socket: an answer without head", headless_http, uwsgi("http-socket")
    ),
    "one-port": Scene(
        "php-fpm, uWSGI's uwsgi and scgi sockets and gunicorn on one port in turn; between them "
        "back ends made by hand in _scenes.py that close, reset, or answer half",
        one_port,
    ),
    "tornado": Scene("a WebSocket", upgraded, own("tornado")),
    "apache-connect": Scene(
        "Apache as a forward proxy: CONNECT",
        connected,
        apache("connect", "ProxyRequests On\nAllowCONNECT 1-65535"),
    ),
    "nginx-http-php-fpm": Scene(
        "nginx with proxy_pass to a FastCGI port",
        understood_first(fine_php, "/misled"),
        php_fpm,
        nginx("http"),
    ),
    "nginx-uwsgi-gunicorn": Scene(
        "nginx with uwsgi_pass to an HTTP port",
        understood_first(fine_http, "/misled"),
        gunicorn(),
        nginx("uwsgi"),
    ),
    "nginx-fastcgi-nginx": Scene(
        "nginx with fastcgi_pass to an HTTP port",
        understood_first(fine_http, "/misled"),
        static_nginx,
        nginx("fastcgi"),
    ),
    "nginx-scgi-unread": Scene(
        "nginx with scgi_pass to uWSGI, whose application does not read the body",
        unread,
        uwsgi("scgi-socket"),
        nginx("scgi"),
    ),
    "nginx-impatient-php-fpm": Scene(
        "nginx with a fastcgi_read_timeout of 200 ms, and SCRIPT_NAME twice",
        through_front("/slow"),
        php_fpm,
        nginx("impatient"),
    ),
}
