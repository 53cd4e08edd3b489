"""mod_python: Python inside Apache's children, before there was WSGI; with a WSGI handler here.

    client --HTTP--> Apache child with libpython inside

mod_python gave Python programs Apache's own interface, and tied them to Apache. The same
application runs in it unchanged all the same, for a handler can be a few lines that speak WSGI.
Watch Apache's own port.
"""

from typing import Any

import _apache
from _demo import Demo, Options, main
from _keeper import Keeper
from _servers import address, to_all

DEMO: Demo = {
    "name": "mod_python",
    "summary": "mod_python: a Python interpreter inside each Apache child",
    "protocol": "http",
    "process_model": "embedded",
    "explain": "mod_python",
    "fronts": [],
    "needs": ["program:apache2", "file:/usr/lib/apache2/modules/mod_python.so"],
    "install": "apt install apache2 libapache2-mod-python",
}

CONFIGURATION = """\
LoadModule python_module {modules}/mod_python.so
# The locks of its sessions; elsewhere they would be in /tmp.
PythonOption mod_python.mutex_directory {directory}
<Location />
  SetHandler mod_python
  # Where the handler is found; it is imported once in each child.
  PythonPath "['{directory}'] + sys.path"
  PythonHandler _mod_python_handler
</Location>
"""


def build(keeper: Keeper, options: Options) -> dict[str, Any]:
    listen = address(keeper.reserved())
    to_all(keeper, "_application.py", "_mod_python_handler.py")
    keeper.start(_apache.server(keeper, listen, options.workers, CONFIGURATION))
    return {"url": f"http://{listen}/", "listen": listen, "front": None}


if __name__ == "__main__":
    main(DEMO, build)
