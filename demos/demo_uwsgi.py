"""uwsgi: uWSGI in its own protocol, behind a front that speaks it too.

    client --HTTP--> front --uwsgi--> uWSGI master and workers

uWSGI is the server, uwsgi the protocol. The workers were forked once and take turns: no request
starts a process. Watch the hop between front and uWSGI.
"""

from typing import Any

from _demo import Demo, Options, main
from _keeper import Keeper
from _servers import address, before, uwsgi, web

DEMO: Demo = {
    "name": "uwsgi",
    "summary": "uwsgi: a front before a pool of uWSGI workers",
    "protocol": "uwsgi",
    "process_model": "worker-pool",
    "explain": "uwsgi",
    "fronts": ["builtin", "nginx", "apache", "lighttpd"],
    "needs": ["pyuwsgi"],
    "install": "pip install 'gwtop[demos]'",
    "unix": True,
}


def build(keeper: Keeper, options: Options) -> dict[str, Any]:
    gateway, outside = keeper.listener(options.unix), web(keeper, options)
    listen, url = address(gateway), f"http://{address(outside)}/"
    keeper.start(uwsgi(gateway, "socket", options.workers))
    front = keeper.start(before(keeper, options, outside, "uwsgi", listen))
    return {"url": url, "listen": listen, "front": front}


if __name__ == "__main__":
    main(DEMO, build)
