"""A server on a unix socket that reads and writes by every function there is, one a request.

In: a path. Out: HTTP answers; `/NAME?n=BYTES` reads and writes by what NAME says. It says on its
standard output when it listens. Python's own functions where it has them, else the C library's.
"""

import array
import ctypes
import itertools
import os
import socket
import sys
import tempfile

LIBC = ctypes.CDLL(None, use_errno=True)
PIECE = 600
MSG_WAITFORONE = 0x10000  # linux/socket.h


def head_of(n_bytes: int) -> bytes:
    lines = ("HTTP/1.1 200 OK", f"X-Worker-Pid: {os.getpid()}", f"Content-Length: {n_bytes}")
    return "\r\n".join((*lines, "Connection: close", "", "")).encode()


def pieces(data: bytes) -> list[bytes]:
    """More than four, of odd sizes, one of them empty."""
    cut = [data[:1], b"", data[1:8], data[8:PIECE], data[PIECE : 2 * PIECE], data[2 * PIECE :]]
    return cut if len(data) > 3 * PIECE else [data]


def read_by(name: str, client: socket.socket) -> bytes:
    fd = client.fileno()
    match name:
        case "readv" | "writev":
            parts = [bytearray(n) for n in (3, 0, 50, 700, 60_000)]
            n = os.readv(fd, parts)
            return b"".join(parts)[:0] + _of(parts, n)
        case "recvmsg" | "sendmsg":
            parts = [bytearray(n) for n in (5, 100, 60_000)]
            n = client.recvmsg_into(parts)[0]
            return _of(parts, n)
        case "recvfrom" | "sendto":
            return client.recvfrom(65536)[0]
        case "peek":
            client.recv(65536, socket.MSG_PEEK)
            return client.recv(65536)
        case "recvmmsg" | "sendmmsg":
            messages = [[bytearray(20)], [bytearray(1), bytearray(9)], [bytearray(65536)]]
            lengths = mmsg("recvmmsg", fd, messages)
            return b"".join(_of(parts, n) for parts, n in zip(messages, lengths, strict=False))
        case "recv" | "send":
            return client.recv(65536)
        case _:
            return os.read(fd, 65536)


def _of(parts: list[bytearray], n: int) -> bytes:
    """Buffers are filled one after the other."""
    return b"".join(bytes(part) for part in parts)[:n]


def mmsg(function: str, fd: int, messages: list[list[bytearray]]) -> list[int]:
    """The length of each that was moved."""
    kept = []
    headers = array.array("Q")
    for parts in messages:
        buffers = [(ctypes.c_char * len(part)).from_buffer(part) for part in parts]
        places = ((ctypes.addressof(b), len(b)) for b in buffers)
        pieces = array.array("Q", [number for place in places for number in place])
        kept += [buffers, pieces]
        headers.extend([0, 0, pieces.buffer_info()[0], len(parts), 0, 0, 0, 0])
    address = ctypes.c_void_p(headers.buffer_info()[0])
    n = getattr(LIBC, function)(fd, address, len(messages), MSG_WAITFORONE, None)
    assert n > 0, ctypes.get_errno()
    return [headers[8 * i + 7] & 0xFFFFFFFF for i in range(n)]


def as_messages(data: bytes) -> list[list[bytearray]]:
    """Seven of two pieces each; the first three end within the head."""
    ends = [0, 10, 12, 30, 3000, 3010, 5000, len(data)]
    cut = [data[a:b] for a, b in itertools.pairwise(ends) if data[a:b]]
    return [[bytearray(one[:3]), bytearray(one[3:])] for one in cut]


def write_by(name: str, client: socket.socket, data: bytes) -> None:
    fd = client.fileno()
    while data:
        match name:
            case "writev" | "readv":
                n = os.writev(fd, pieces(data))
            case "sendmsg" | "recvmsg":
                n = client.sendmsg(pieces(data))
            case "sendto" | "recvfrom":
                n = client.send(data)
            case "sendmmsg" | "recvmmsg":
                n = sum(mmsg("sendmmsg", fd, as_messages(data)))
            case "send" | "recv" | "peek":
                n = client.send(data)
            case _:
                n = os.write(fd, data)
        data = data[n:]


def answer(client: socket.socket, target: str) -> None:
    name, _, query = target.strip("/").partition("?n=")
    body = b"x" * int(query or 0)
    if name == "sendfile":
        write_by(name, client, head_of(len(body)))
        with tempfile.TemporaryFile() as file:
            file.write(body)
            file.flush()
            sent = 0
            while sent < len(body):
                sent += os.sendfile(client.fileno(), file.fileno(), sent, len(body) - sent)
    elif name == "splice":
        write_by(name, client, head_of(len(body)))
        here, there = os.pipe()
        for start in range(0, len(body), 4096):
            n = os.write(there, body[start : start + 4096])
            assert os.splice(here, client.fileno(), n) == n
        os.close(here)
        os.close(there)
    else:
        write_by(name, client, head_of(len(body)) + body)


def serve(client: socket.socket) -> None:
    first = client.recv(4096, socket.MSG_PEEK).decode()
    name = first.split(" ")[1].strip("/").partition("?")[0]
    target = read_by(name, client).decode().split(" ")[1]
    if name == "dup2":
        os.dup2(client.fileno(), 0)
        client.close()
        client = socket.socket(fileno=os.dup(0))
    if name == "fork":
        if os.fork() == 0:
            answer(client, target)
            os._exit(0)
        client.close()
        os.wait()
        return
    answer(client, target)
    if name == "shutdown":
        client.shutdown(socket.SHUT_WR)
    client.close()
    if name == "dup2":
        os.close(0)
        os.open(os.devnull, os.O_RDONLY)


def main(path: str) -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(64)
    while True:
        serve(listener.accept()[0])


if __name__ == "__main__":
    main(sys.argv[1])
