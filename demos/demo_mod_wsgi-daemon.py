"""mod_wsgi's daemon mode: Apache passes requests on to processes that are Python and nothing else.

    client --HTTP--> Apache child --unix socket--> daemon process

The same module as in `mod_wsgi`, but the interpreter has moved out of the web server again: what
Apache's children and the daemons say to each other is nobody's protocol but mod_wsgi's. Watch
Apache's own port: a child reads the request, a daemon answers it.
"""

from typing import Any

import _apache
from _demo import Demo, Options, main
from _keeper import Keeper
from _servers import address, to_all

DEMO: Demo = {
    "name": "mod_wsgi-daemon",
    "summary": "mod_wsgi: Apache before its own pool of Python processes",
    "protocol": "http",
    "process_model": "worker-pool",
    "explain": "mod_wsgi",
    "fronts": [],
    "needs": ["program:apache2", "file:/usr/lib/apache2/modules/mod_wsgi.so"],
    "install": "apt install apache2 libapache2-mod-wsgi-py3",
}

CHILDREN = 4  # of Apache; they only wait
CONFIGURATION = """\
LoadModule wsgi_module {modules}/mod_wsgi.so
# The daemons' unix socket.
WSGISocketPrefix {directory}/wsgi
# No interpreter in Apache's children.
WSGIRestrictEmbedded On
# Their working directory would be their user's home, which not every user has.
WSGIDaemonProcess demo processes={workers} threads=1 home={directory}
WSGIProcessGroup demo
# The main interpreter: many C extensions know no other.
WSGIApplicationGroup %{{GLOBAL}}
# WSGI 1.0 has no word for a body of unknown length; a request with one would be refused (411).
WSGIChunkedRequest On
WSGIScriptAlias / {directory}/_application.py
"""


def build(keeper: Keeper, options: Options) -> dict[str, Any]:
    listen = address(keeper.reserved())
    to_all(keeper, "_application.py")
    lines = CONFIGURATION.replace("{workers}", str(options.workers))
    server = _apache.server(keeper, listen, CHILDREN, lines, n_others=options.workers)
    apache = keeper.start(server)
    return {"url": f"http://{listen}/", "listen": listen, "front": apache}


if __name__ == "__main__":
    main(DEMO, build)
