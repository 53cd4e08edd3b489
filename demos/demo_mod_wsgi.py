"""mod_wsgi, embedded: Python inside Apache's children.

    client --HTTP--> Apache child with libpython inside

Each child loads an interpreter of its own and keeps the application in it: no gateway protocol, no
other process, and Apache's memory grows by a Python for each child. Watch Apache's own port.
"""

from typing import Any

import _apache
from _demo import Demo, Options, main
from _keeper import Keeper
from _servers import address, to_all

DEMO: Demo = {
    "name": "mod_wsgi",
    "summary": "mod_wsgi: a Python interpreter inside each Apache child",
    "protocol": "http",
    "process_model": "embedded",
    "explain": "mod_wsgi",
    "fronts": [],
    "needs": ["program:apache2", "file:/usr/lib/apache2/modules/mod_wsgi.so"],
    "install": "apt install apache2 libapache2-mod-wsgi-py3",
}

CONFIGURATION = """\
LoadModule wsgi_module {modules}/mod_wsgi.so
# WSGI 1.0 has no word for a body of unknown length; a request with one would be refused (411).
WSGIChunkedRequest On
WSGIScriptAlias / {directory}/_application.py
# The main interpreter: many C extensions know no other.
WSGIApplicationGroup %{{GLOBAL}}
"""


def build(keeper: Keeper, options: Options) -> dict[str, Any]:
    listen = address(keeper.reserved())
    to_all(keeper, "_application.py")
    keeper.start(_apache.server(keeper, listen, options.workers, CONFIGURATION))
    return {"url": f"http://{listen}/", "listen": listen, "front": None}


if __name__ == "__main__":
    main(DEMO, build)
