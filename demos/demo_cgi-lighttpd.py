"""CGI behind lighttpd: one process with an event loop forks and executes the scripts.

    client --HTTP--> lighttpd --fork, exec--> _cgi_script.py

The front never waits for a script: it is one process for all clients, and the scripts run side by
side. Watch lighttpd's own port.
"""

from typing import Any

import _lighttpd
from _demo import Demo, Options, main
from _keeper import Keeper
from _servers import address, cgi_script

DEMO: Demo = {
    "name": "cgi-lighttpd",
    "summary": "CGI: lighttpd's mod_cgi starts a script for every request",
    "protocol": "http",
    "process_model": "process-per-request",
    "explain": "cgi",
    "fronts": [],
    "needs": ["program:lighttpd"],
    "install": "apt install lighttpd",
}

CONFIGURATION = """\
server.modules = ("mod_alias", "mod_cgi")
# Everything after the root is the script's PATH_INFO.
alias.url = ("/" => "{script}/")
# The file says itself what interpreter it wants.
cgi.assign = ("_cgi_script.py" => "")
"""


def build(keeper: Keeper, options: Options) -> dict[str, Any]:
    listener = keeper.listener()
    where = address(listener)
    lines = CONFIGURATION.replace("{script}", str(cgi_script(keeper)))
    pid = keeper.start(_lighttpd.server(keeper, listener, lines))
    return {"url": f"http://{where}/", "listen": where, "front": pid}


if __name__ == "__main__":
    main(DEMO, build)
