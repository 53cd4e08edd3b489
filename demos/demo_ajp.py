"""AJP: a container whose one process answers in threads, behind a front that speaks AJP13 to it.

    client --HTTP--> _front.py --AJP13--> flup, one process

Tomcat is the usual container; flup is one in Python. Connections stay, and the front asks with
CPING whether one is still alive. A thread belongs to a connection for as long as that lasts;
there is one process, however many --workers are asked for. Watch the hop between front and flup.
"""

from typing import Any

from _demo import Demo, Options, main
from _keeper import Keeper
from _servers import address, before, python, web

DEMO: Demo = {
    "name": "ajp",
    "summary": "AJP13: a front before a threaded container",
    "protocol": "ajp",
    "process_model": "threaded",
    "explain": "ajp",
    "fronts": ["builtin", "apache"],
    "needs": ["flup"],
    "install": "pip install 'gwtop[demos]'",
}


def build(keeper: Keeper, options: Options) -> dict[str, Any]:
    container, outside = keeper.listener(), web(keeper, options)
    listen, url = address(container), f"http://{address(outside)}/"
    server = python(keeper, "_flup_server.py", container, restart=True)
    keeper.start(server)
    front = before(keeper, options, outside, "ajp", listen)
    return {"url": url, "listen": listen, "front": keeper.start(front)}


if __name__ == "__main__":
    main(DEMO, build)
