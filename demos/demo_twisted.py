"""Twisted: an event loop that reads and writes, and a pool of threads that runs the application.

    client --HTTP--> twisted's reactor --> a thread of its pool

One thread owns all the sockets; a whole request goes to another, and the answer comes back in
pieces. So nobody waits for a /slow, and still the thread that reads is always the same: what is
seen from outside is one process that reads in one thread. It has no master, so after /crash the
keeper starts it again.
"""

from typing import Any

from _demo import Demo, Options, main
from _keeper import Keeper
from _servers import address, python

DEMO: Demo = {
    "name": "twisted",
    "summary": "WSGI behind an event loop, in its threads: Twisted",
    "protocol": "http",
    "process_model": "single-process",
    "explain": "wsgi",
    "fronts": [],
    "needs": ["twisted"],
    "install": "pip install 'gwtop[demos]'",
}


def build(keeper: Keeper, options: Options) -> dict[str, Any]:
    listener = keeper.listener()
    where = address(listener)
    keeper.start(python(keeper, "_twisted_server.py", listener, restart=True))
    return {"url": f"http://{where}/", "listen": where, "front": None}


if __name__ == "__main__":
    main(DEMO, build)
