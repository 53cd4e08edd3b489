"""FastCGI: a pool of workers that stay, behind a front that speaks FastCGI to them.

    client --HTTP--> front --FastCGI--> uWSGI master and workers

uWSGI speaks several protocols; here its socket takes FastCGI. The workers were forked once and
take turns: no request starts a process. Watch the hop between front and uWSGI.
"""

from typing import Any

from _demo import Demo, Options, main
from _keeper import Keeper
from _servers import address, before, uwsgi, web

DEMO: Demo = {
    "name": "fastcgi",
    "summary": "FastCGI: a front before a pool of uWSGI workers",
    "protocol": "fastcgi",
    "process_model": "worker-pool",
    "explain": "fastcgi",
    "fronts": ["builtin", "nginx", "apache", "lighttpd"],
    "needs": ["pyuwsgi"],
    "install": "pip install 'gwtop[demos]'",
    "unix": True,
}


def build(keeper: Keeper, options: Options) -> dict[str, Any]:
    gateway, outside = keeper.listener(options.unix), web(keeper, options)
    listen, url = address(gateway), f"http://{address(outside)}/"
    keeper.start(uwsgi(gateway, "fastcgi-socket", options.workers))
    front = keeper.start(before(keeper, options, outside, "fastcgi", listen))
    return {"url": url, "listen": listen, "front": front}


if __name__ == "__main__":
    main(DEMO, build)
