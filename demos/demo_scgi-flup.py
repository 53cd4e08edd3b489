"""SCGI in plain Python: flup's forking server behind a front that speaks SCGI to it.

    client --HTTP--> front --SCGI--> flup, a parent and its children

The whole protocol is a netstring of variables and a body; a server of it fits on two pages, and
this is one. Its children outlive a SIGTERM of their parent. Watch the hop between front and flup.
"""

from typing import Any

from _demo import Demo, Options, main
from _flup import forks
from _keeper import Keeper
from _servers import address, before, web

DEMO: Demo = {
    "name": "scgi-flup",
    "summary": "SCGI: a front before flup's forked workers",
    "protocol": "scgi",
    "process_model": "worker-pool",
    "explain": "scgi",
    "fronts": ["builtin", "nginx", "apache", "lighttpd"],
    "needs": ["flup"],
    "install": "pip install 'gwtop[demos]'",
    "unix": True,
}


def build(keeper: Keeper, options: Options) -> dict[str, Any]:
    gateway, outside = keeper.listener(options.unix), web(keeper, options)
    listen, url = address(gateway), f"http://{address(outside)}/"
    keeper.start(forks(keeper, gateway, "scgi", options.workers))
    front = keeper.start(before(keeper, options, outside, "scgi", listen))
    return {"url": url, "listen": listen, "front": front}


if __name__ == "__main__":
    main(DEMO, build)
