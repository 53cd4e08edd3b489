"""FastCGI in plain Python: flup's forking server behind a front that speaks FastCGI to it.

    client --HTTP--> front --FastCGI--> flup, a parent and its children

Each child answers one request at a time, and each connection carries one. flup is small enough to
be read in an evening, which made it the way from WSGI to FastCGI for years. Its children outlive a
SIGTERM of their parent. Watch the hop between front and flup.
"""

from typing import Any

from _demo import Demo, Options, main
from _flup import forks
from _keeper import Keeper
from _servers import address, before, web

DEMO: Demo = {
    "name": "fastcgi-flup",
    "summary": "FastCGI: a front before flup's forked workers",
    "protocol": "fastcgi",
    "process_model": "worker-pool",
    "explain": "fastcgi",
    "fronts": ["builtin", "nginx", "apache", "lighttpd"],
    "needs": ["flup"],
    "install": "pip install 'gwtop[demos]'",
    "unix": True,
}


def build(keeper: Keeper, options: Options) -> dict[str, Any]:
    gateway, outside = keeper.listener(options.unix), web(keeper, options)
    listen, url = address(gateway), f"http://{address(outside)}/"
    keeper.start(forks(keeper, gateway, "fcgi", options.workers))
    front = keeper.start(before(keeper, options, outside, "fastcgi", listen))
    return {"url": url, "listen": listen, "front": front}


if __name__ == "__main__":
    main(DEMO, build)
