"""SCGI: the simple one, with a pool of workers behind it.

    client --HTTP--> front --SCGI--> uWSGI master and workers

uWSGI speaks several protocols; here its socket takes SCGI, which says everything in one netstring
and ends an answer by closing. Watch the hop between front and uWSGI.
"""

from typing import Any

from _demo import Demo, Options, main
from _keeper import Keeper
from _servers import address, before, uwsgi, web

DEMO: Demo = {
    "name": "scgi",
    "summary": "SCGI: a front before a pool of uWSGI workers",
    "protocol": "scgi",
    "process_model": "worker-pool",
    "explain": "scgi",
    "fronts": ["builtin", "nginx", "apache", "lighttpd"],
    "needs": ["pyuwsgi"],
    "install": "pip install 'gwtop[demos]'",
    "unix": True,
}


def build(keeper: Keeper, options: Options) -> dict[str, Any]:
    gateway, outside = keeper.listener(options.unix), web(keeper, options)
    listen, url = address(gateway), f"http://{address(outside)}/"
    keeper.start(uwsgi(gateway, "scgi-socket", options.workers))
    front = keeper.start(before(keeper, options, outside, "scgi", listen))
    return {"url": url, "listen": listen, "front": front}


if __name__ == "__main__":
    main(DEMO, build)
