"""What scenes are made of: a stage with ports, the servers that misbehave on it, one made by hand.

In: a folder, ports, bytes to send. Out: servers that serve, and what they said. Knows no scene.
"""

import select
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from struct import pack

import _bytes as b
from _machine import DEADLINE_S, server
from _servers import BIN, Start, nginx

QUIET_S = 0.3  # a server that waits for more has said what it will say


@dataclass
class Stage:
    folder: Path
    port: int
    front_port: int

    def say(self, *messages: bytes, port: int = 0, patience_s: float = DEADLINE_S) -> bytes:
        """One connection: sends, reads until the server closes or was quiet so long, closes."""
        got = b""
        with socket.create_connection(("127.0.0.1", port or self.port), DEADLINE_S) as talk:
            for message in messages:
                got += send(talk, message, patience_s)
        return got

    def php(self, target: str, *more: tuple[bytes, bytes], length: int = 0) -> b.Pairs:
        script = (b"SCRIPT_FILENAME", str(self.folder / "app.php").encode())
        return b.variables(target, script, *more, length=length)


def send(talk: socket.socket, message: bytes, patience_s: float) -> bytes:
    got = b""
    try:
        talk.sendall(message)
        while select.select([talk], [], [], patience_s)[0] and (part := talk.recv(65536)):
            got += part
    except (ConnectionResetError, BrokenPipeError):
        return got  # what some of these messages deserve
    return got


@dataclass(frozen=True)
class Scene:
    what: str
    act: Callable[[Stage], None]
    back: Start | None = None
    front: Start | None = None


def uwsgi(kind: str, *options: str) -> Start:
    @contextmanager
    def start(folder: Path, port: int, _: int) -> Iterator[int]:
        command = [str(BIN / "pyuwsgi"), f"--{kind}", f"127.0.0.1:{port}", "--master"]
        command += ["--wsgi-file", str(folder / "app.py"), "--die-on-term", *options]
        with server(command, port, folder) as pid:
            yield pid

    return start


def gunicorn(*options: str) -> Start:
    @contextmanager
    def start(folder: Path, port: int, _: int) -> Iterator[int]:
        command = [str(BIN / "gunicorn"), "--bind", f"127.0.0.1:{port}", "--workers", "1"]
        command += ["--chdir", str(folder), "--no-control-socket", *options, "app:application"]
        with server(command, port, folder) as pid:
            yield pid

    return start


def own(how: str) -> Start:
    @contextmanager
    def start(folder: Path, port: int, _: int) -> Iterator[int]:
        command = [sys.executable, str(folder / "app.py"), how, str(port)]
        with server(command, port, folder) as pid:
            yield pid

    return start


@contextmanager
def static_nginx(folder: Path, port: int, _: int) -> Iterator[int]:
    """An HTTP server that is no gateway at all."""
    own_folder = folder / "static"
    own_folder.mkdir()
    with nginx("static")(own_folder, port, port) as pid:
        yield pid


def broken(stage: Stage, message: bytes, answer: bytes, reset: bool = False) -> None:
    """A back end that reads the message, says something, and is gone."""
    with socket.create_server(("127.0.0.1", stage.port)) as listener:
        thread = threading.Thread(target=stage.say, args=(message,))
        thread.start()
        with listener.accept()[0] as talk:
            if reset:  # SO_LINGER of 0 s: RST instead of FIN (socket(7))
                talk.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, pack("ii", 1, 0))
            talk.recv(65536)
            if answer:
                talk.sendall(answer)
        thread.join()
