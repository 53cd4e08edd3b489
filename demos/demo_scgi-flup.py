"""SCGI in plain Python: flup's forking server behind a front that speaks SCGI to it.

    client --HTTP--> front --SCGI--> flup, a parent and its children

The whole protocol is a netstring of variables and a body; a server of it fits on two pages, and
this is one. Its children outlive a SIGTERM of their parent. Watch the hop between front and flup.
"""

from typing import Any

from _demo import Demo, Options, main
from _flup import forks
from _keeper import Keeper
from _servers import address, before

DEMO: Demo = {
    "name": "scgi-flup",
    "summary": "SCGI: a front before flup's forked workers",
    "protocol": "scgi",
    "process_model": "worker-pool",
    "explain": "scgi",
    "fronts": ["builtin", "nginx"],
    "needs": ["flup"],
    "install": "pip install 'gwtop[demos]'",
}


def build(keeper: Keeper, options: Options) -> dict[str, Any]:
    gateway, web = keeper.listener(), keeper.listener()
    listen, url = address(gateway), f"http://{address(web)}/"
    keeper.start(forks(keeper, gateway, "scgi", options.workers))
    front = keeper.start(before(keeper, options, web, "scgi", listen))
    return {"url": url, "listen": listen, "front": front}


if __name__ == "__main__":
    main(DEMO, build)
