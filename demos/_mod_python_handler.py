"""A WSGI application as a mod_python handler, as mod_python's own `mod_python.wsgi` does it.

That one hands the status on as a line only. Apache 2.4 takes a line that does not fit the request's
number for none, and answers 200 whatever the application said; so the number is set here.
"""

from typing import Any

from _application import application
from mod_python import apache  # type: ignore[import-not-found]


def handler(req: Any) -> int:
    def start_response(line: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
        req.status = int(line[:3])
        req.wsgi_start_response(line, headers)

    for piece in application(req.build_wsgi_env(), start_response):
        req.write(piece)
    ok: int = apache.OK
    return ok
