"""A small HTTP/1.1 server before a gateway: `_front.py GATEWAY TARGET FD READY_FILE`.

Takes requests on the listening socket FD, turns each into CGI variables (RFC 3875 4.1) and a
body, and has `_to_GATEWAY.ask` carry them to TARGET; `_answers` turns what comes back into HTTP.
Speaks no gateway protocol itself. Bodies stream both ways; the one exception is a chunked request
body, which is read first, because every gateway here wants to know its length beforehand.
"""

import contextlib
import importlib
import socket
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote_to_bytes

import _answers
from _body import BodyError, chunks, pieces

Variables = dict[str, str]
Body = Iterator[bytes]
Ask = Callable[[str, Variables, Body | None], Generator[bytes, None, None]]
"""(target, variables, body) -> the pieces of a CGI-style answer. Closing it gives up."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "gwtop-demo-front"
    error_message_format = "%(message)s: %(explain)s\n"
    error_content_type = "text/plain"
    disable_nagle_algorithm = True  # else a head and its body may wait 40 ms for an ACK
    server: "Front"

    def relay(self) -> None:
        with contextlib.ExitStack() as stack:
            stack.enter_context(contextlib.suppress(ConnectionError, BodyError))  # nobody is there
            self.close_connection, stays = True, not self.close_connection
            try:
                body = self._body(stack)
                variables = self._variables()
            except (ValueError, BodyError) as wrong:
                return self.send_error(
                    400, explain=str(wrong)
                )  # where the next would begin is unknown
            try:
                self._answer(variables, body, stays)
            except _answers.GatewayError as why:
                return self.send_error(502, explain=str(why))
            self.close_connection = not stays

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = do_PATCH = relay  # noqa: N815

    def _body(self, stack: contextlib.ExitStack) -> Body | None:
        self.body_bytes: int | None = None
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            spool = tempfile.SpooledTemporaryFile(max_size=1 << 20)  # noqa: SIM115
            stack.enter_context(spool)
            self.body_bytes = 0
            for piece in chunks(self.rfile):
                self.body_bytes += len(piece)
                spool.write(piece)
            spool.seek(0)
            return pieces(spool, self.body_bytes)
        if "Content-Length" in self.headers:
            self.body_bytes = int(self.headers["Content-Length"])
            if self.body_bytes < 0:
                raise ValueError("a negative Content-Length")
        return pieces(self.rfile, self.body_bytes) if self.body_bytes else None

    def _variables(self) -> Variables:
        """The meta-variables of RFC 3875 4.1, and REQUEST_URI and REMOTE_PORT as all fronts."""
        path, _, query = self.path.partition("?")
        host, port = self.connection.getsockname()[:2]
        variables = {
            "GATEWAY_INTERFACE": "CGI/1.1",
            "REQUEST_METHOD": self.command,
            "REQUEST_URI": self.path,
            "SCRIPT_NAME": "",  # the application is mounted at the root
            "PATH_INFO": unquote_to_bytes(path.encode("latin-1")).decode("latin-1"),
            "QUERY_STRING": query,
            "SERVER_PROTOCOL": self.request_version,
            "SERVER_SOFTWARE": self.server_version,
            "SERVER_NAME": host,
            "SERVER_ADDR": host,
            "SERVER_PORT": str(port),
            "REMOTE_ADDR": self.client_address[0],
            "REMOTE_PORT": str(self.client_address[1]),
            **self._header_variables(),
        }
        if self.body_bytes is not None:
            variables["CONTENT_LENGTH"] = str(self.body_bytes)
        if "Content-Type" in self.headers:
            variables["CONTENT_TYPE"] = self.headers["Content-Type"]
        if any("\0" in text for text in variables.values()):
            raise ValueError("a zero byte")
        return variables

    def _header_variables(self) -> Variables:
        """RFC 3875 4.1.18: HTTP_ and the name; several of one name are joined."""
        found: Variables = {}
        for name in dict.fromkeys(map(str.lower, self.headers)):
            # Proxy would become HTTP_PROXY, which programs take for a setting (httpoxy); a name
            # with _ could pass itself off as one with -.
            if name not in ("content-length", "content-type", "proxy") and "_" not in name:
                between = "; " if name == "cookie" else ", "
                texts = self.headers.get_all(name, [])
                found["HTTP_" + name.upper().replace("-", "_")] = between.join(texts)
        return found

    def _answer(self, variables: Variables, body: Body | None, stays: bool) -> None:
        """Asks the gateway and passes its answer on."""
        with contextlib.closing(self.server.ask(self.server.target, variables, body)) as answer:
            head, rest = _answers.read_head(answer)
            frames = _answers.framed(head, rest, self.command, self.request_version)
            if frames.until_close or not stays:
                head.headers.append(("Connection", "close"))
            self.wfile.write(head.encoded() + next(frames.pieces, b""))
            for piece in frames.pieces:
                self.wfile.write(piece)
        if frames.until_close:
            raise ConnectionError("the end of the connection is the end of the answer")

    def log_message(self, format: str, *args: object) -> None:
        pass


class Front(ThreadingHTTPServer):
    def __init__(self, listener: socket.socket, ask: Ask, target: str) -> None:
        super().__init__(listener.getsockname(), Handler, bind_and_activate=False)
        self.socket.close()  # the one it made; ours is bound already
        self.socket = listener
        self.ask = ask
        self.target = target


def main(gateway: str, target: str, fd: str, ready_file: str) -> None:
    ask = importlib.import_module(f"_to_{gateway}").ask
    front = Front(socket.socket(fileno=int(fd)), ask, target)
    Path(ready_file).touch()
    front.serve_forever(poll_interval=3600)  # it is only asked to stop by a signal


if __name__ == "__main__":
    main(*sys.argv[1:])
