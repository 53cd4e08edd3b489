"""waitress on an inherited socket: `_waitress_server.py FD READY_FILE`."""

import socket
import sys
from pathlib import Path

from _application import application
from waitress import create_server


def main(fd: str, ready_file: str) -> None:
    server = create_server(application, sockets=[socket.socket(fileno=int(fd))], threads=4)
    Path(ready_file).touch()
    server.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
