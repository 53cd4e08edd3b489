"""A server that accepts, forks, and whose children accept too.

In: a socket's path, a file. Out: an HTTP answer with the worker's pid to each request. The first
connection is served by the one who accepted it. The second is accepted by the same and left to its
child, who first accepts and serves the third. The fourth and the fifth are served by a child that
was given none; a request for /file makes its worker read the file.
"""

import os
import socket
import sys


def serve(connection: socket.socket, file: str) -> None:
    asked = b""
    while b"\r\n\r\n" not in asked:
        asked += connection.recv(65536)
    if asked.startswith(b"GET /file"):
        descriptor = os.open(file, os.O_RDONLY)
        while os.read(descriptor, 65536):
            pass
        os.close(descriptor)
    head = f"HTTP/1.1 200 OK\r\nX-Worker-Pid: {os.getpid()}\r\nContent-Length: 2\r\n"
    connection.sendall(f"{head}Connection: close\r\n\r\nok".encode())
    connection.close()


def main(path: str, file: str) -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(8)
    serve(listener.accept()[0], file)
    given = listener.accept()[0]
    if os.fork() == 0:
        serve(listener.accept()[0], file)
        serve(given, file)
        os._exit(0)
    given.close()
    os.wait()
    if os.fork() == 0:
        serve(listener.accept()[0], file)
        serve(listener.accept()[0], file)
        os._exit(0)
    os.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
