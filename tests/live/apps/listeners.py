"""A pre-forking HTTP server of tests whose workers accept in one of several ways.

Arguments: how ("inherited": one socket, made before the forks; "own": each worker binds one of its
own, SO_REUSEPORT), the address, the port, how many workers, a port for statistics, a port of a
database. For each request a worker asks the database, and answers with what it was told there.
"""

import http.server
import os
import signal
import socket
import sys
import threading

HOW, HOST, PORT, N_WORKERS, STATS, DATABASE = sys.argv[1:3] + [int(word) for word in sys.argv[3:]]
HELD = []


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if not HELD:
            HELD.append(socket.create_connection(("127.0.0.1", DATABASE)))
        HELD[0].sendall(b"SELECT secret\n")
        body = b"%d bytes" % len(HELD[0].recv(65536))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Worker-Pid", str(os.getpid()))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


def listening(port: int, shares: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in HOST else socket.AF_INET
    one = socket.socket(family)
    if shares:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if family == socket.AF_INET6:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, HOST != "::")
    one.bind((HOST, port))
    one.listen(64)
    return one


def serve(one: socket.socket) -> None:
    while True:
        client, address = one.accept()
        Handler(client, address, None)  # type: ignore[arg-type]
        client.close()


def work() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if HOW == "own":
        serve(listening(PORT, shares=True))
    serve(shared)


def tell_statistics(one: socket.socket) -> None:
    while True:
        client, _ = one.accept()
        client.recv(100)
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstats")
        client.close()


shared = None if HOW == "own" else listening(PORT, shares=False)
stats = socket.create_server(("127.0.0.1", STATS))
children = []
for _ in range(N_WORKERS):
    child = os.fork()
    if child == 0:
        stats.close()
        work()
    children.append(child)
threading.Thread(target=tell_statistics, args=(stats,), daemon=True).start()
signal.sigwait({signal.SIGTERM})
for child in children:
    os.kill(child, signal.SIGTERM)
