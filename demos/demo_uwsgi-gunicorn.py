"""uwsgi without uWSGI: gunicorn takes the protocol, too, since its version 24.

    client --HTTP--> front --uwsgi--> gunicorn arbiter and workers

So `uwsgi_pass` in nginx says nothing of which server is behind it: a protocol is one thing, the
server that made it popular another. Watch the hop between front and gunicorn.
"""

from typing import Any

from _demo import Demo, Options, main
from _gunicorn import gunicorn
from _keeper import Keeper
from _servers import address, before, web

DEMO: Demo = {
    "name": "uwsgi-gunicorn",
    "summary": "uwsgi: a front before gunicorn, which speaks it since version 24",
    "protocol": "uwsgi",
    "process_model": "worker-pool",
    "explain": "uwsgi",
    "fronts": ["builtin", "nginx", "apache", "lighttpd"],
    "needs": ["gunicorn"],
    "install": "pip install 'gwtop[demos]'",
    "unix": True,
}


def build(keeper: Keeper, options: Options) -> dict[str, Any]:
    gateway, outside = keeper.listener(options.unix), web(keeper, options)
    listen, url = address(gateway), f"http://{address(outside)}/"
    # It takes the protocol from this machine alone (--uwsgi-allow-from), as it should.
    keeper.start(gunicorn(gateway, options.workers, "--protocol", "uwsgi"))
    front = keeper.start(before(keeper, options, outside, "uwsgi", listen))
    return {"url": url, "listen": listen, "front": front}


if __name__ == "__main__":
    main(DEMO, build)
