"""CGI behind Apache: a child of its prefork pool forks and executes the script (RFC 3875).

    client --HTTP--> Apache child --fork, exec--> _cgi_script.py

mod_cgi is what the web ran on in 1996. Apache's children stay; the scripts do not. Watch Apache's
own port: between Apache and script there is no protocol but the environment, stdin and stdout.
"""

from typing import Any

import _apache
from _demo import Demo, Options, main
from _keeper import Keeper
from _servers import address, cgi_script

DEMO: Demo = {
    "name": "cgi-apache",
    "summary": "CGI: Apache's mod_cgi starts a script for every request",
    "protocol": "http",
    "process_model": "process-per-request",
    "explain": "cgi",
    "fronts": [],
    "needs": ["program:apache2", "file:/usr/lib/apache2/modules/mod_cgi.so"],
    "install": "apt install apache2",
}

CONFIGURATION = """\
LoadModule cgi_module {modules}/mod_cgi.so
LoadModule alias_module {modules}/mod_alias.so
# The slashes make everything after the root the script's PATH_INFO.
ScriptAlias / {script}/
"""


def build(keeper: Keeper, options: Options) -> dict[str, Any]:
    listen = address(keeper.reserved())
    lines = CONFIGURATION.replace("{script}", str(cgi_script(keeper)))
    apache = keeper.start(_apache.server(keeper, listen, options.workers, lines))
    return {"url": f"http://{listen}/", "listen": listen, "front": apache}


if __name__ == "__main__":
    main(DEMO, build)
