"""The CGI script: one process, one request, RFC 3875. Variables and stdin in, stdout out.

A WSGI application under CGI in 30 lines: PEP 3333's own example, less what nobody needs. The
standard library's `cgi` is gone since Python 3.13 and wsgiref's handler costs 30 ms to import.
"""

import time

BEGAN_NS = time.time_ns()  # before anything else of ours: what came before was starting Python

import os  # noqa: E402
import sys  # noqa: E402

from _application import application  # noqa: E402


def main() -> None:
    out = sys.stdout.buffer

    def start_response(line: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
        fields = [("Status", line), *headers]  # RFC 3875 6.3.3: how a script says its status
        fields.append(("X-Script-Began", str(BEGAN_NS)))  # CLOCK_REALTIME; who looks can subtract
        out.write("".join(f"{name}: {text}\r\n" for name, text in fields).encode("latin-1"))
        out.write(b"\r\n")

    environ: dict[str, object] = {
        # PEP 3333 wants the bytes of each variable as latin-1 text.
        **{name: os.fsencode(text).decode("latin-1") for name, text in os.environ.items()},
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": sys.stdin.buffer,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": True,
    }
    try:
        for piece in application(environ, start_response):
            out.write(piece)
        out.flush()
    except BrokenPipeError:  # the client left and the front closed our stdout
        os._exit(1)


main()
