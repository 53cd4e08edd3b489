"""Very many connections at once: a client and a server, each a program with descriptors of its own.

In: a role, an address ("unix:PATH" or "HOST:PORT"), how many. Out: one line of JSON when all is
done. The server answers nobody before everybody has connected and asked; the client compares what
each of its connections got.
"""

import json
import resource
import select
import socket
import sys

DEADLINE_S = 50.0
BACKLOG = 4096
BODY = b"x" * 300


def main() -> None:
    role, where, n = sys.argv[1], sys.argv[2], int(sys.argv[3])
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    print(json.dumps({"serve": serve, "ask": ask}[role](where, n)), flush=True)


def address(where: str) -> tuple[socket.AddressFamily, str | tuple[str, int]]:
    if where.startswith("unix:"):
        return socket.AF_UNIX, where.removeprefix("unix:")
    host, _, port = where.rpartition(":")
    return socket.AF_INET, (host, int(port))


def serve(where: str, n: int) -> dict[str, int]:
    family, here = address(where)
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(here)
    listener.listen(BACKLOG)
    listener.settimeout(DEADLINE_S)
    print("listening", flush=True)
    open_at_once = [listener.accept()[0] for _ in range(n)]
    asked = []
    for one in open_at_once:
        one.settimeout(DEADLINE_S)
        asked.append(one.recv(64))
    for one, question in zip(open_at_once, asked, strict=True):
        one.sendall(question + BODY)
        one.close()
    return {"at_once": len(open_at_once), "different": len(set(asked))}


def ask(where: str, n: int) -> dict[str, int]:
    family, there = address(where)
    clients = {}
    poll = select.poll()
    for number in range(n):
        one = socket.socket(family)
        one.connect(there)  # blocks: with a timeout a full backlog would be an error at once
        one.settimeout(DEADLINE_S)
        one.sendall(b"%08d" % number)
        clients[one.fileno()] = (one, b"%08d" % number + BODY, [b""])
        poll.register(one, select.POLLIN)
    right = wrong = 0
    while right + wrong < n:
        ready = poll.poll(DEADLINE_S * 1000)
        if not ready:
            break
        for descriptor, _ in ready:
            one, wanted, got = clients[descriptor]
            data = one.recv(4096)
            got[0] += data
            if not data:
                right, wrong = right + (got[0] == wanted), wrong + (got[0] != wanted)
                poll.unregister(descriptor)
                one.close()
    return {"right": right, "wrong": wrong}


if __name__ == "__main__":
    main()
