"""CGI: the front forks and executes a script for every request (RFC 3875).

    client --HTTP--> _front.py --fork, exec--> _cgi_script.py

The script's environment is the request's head, stdin its body, stdout the answer. Nothing stays:
the next request pays for a new interpreter. Watch the front's own port; that is where the
requests come in, and the processes are its children.
"""

from typing import Any

from _demo import HERE, Demo, Options, main
from _keeper import Keeper
from _servers import address, front

DEMO: Demo = {
    "name": "cgi",
    "summary": "CGI: a new process for every request",
    "protocol": "http",
    "process_model": "process-per-request",
    "explain": "cgi",
    "fronts": ["builtin"],
    "needs": [],
    "install": None,
}


def build(keeper: Keeper, options: Options) -> dict[str, Any]:
    listener = keeper.listener()
    where = address(listener)
    pid = keeper.start(front(keeper, listener, "cgi", str(HERE / "_cgi_script.py")))
    return {"url": f"http://{where}/", "listen": where, "front": pid}


if __name__ == "__main__":
    main(DEMO, build)
