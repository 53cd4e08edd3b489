"""mod_perl: Perl inside Apache's children; a handler is a function that Apache calls.

    client --HTTP--> Apache child with libperl inside

The first answer to the cost of CGI (1996). The code is compiled once, before the children are
forked, so they share its memory until they write to it. Watch Apache's own port.
"""

from typing import Any

import _apache
from _demo import Demo, Options, main
from _keeper import Keeper
from _servers import address, to_all

DEMO: Demo = {
    "name": "mod_perl",
    "summary": "mod_perl: a Perl interpreter inside each Apache child",
    "protocol": "http",
    "process_model": "embedded",
    "explain": "mod_perl",
    "fronts": [],
    "needs": ["program:apache2", "file:/usr/lib/apache2/modules/mod_perl.so"],
    "install": "apt install apache2 libapache2-mod-perl2",
}

CONFIGURATION = """\
LoadModule perl_module {modules}/mod_perl.so
# Compiled once, by the parent of all children.
PerlRequire {directory}/_application.pl
<Location />
  SetHandler modperl
  PerlResponseHandler Application
</Location>
"""


def build(keeper: Keeper, options: Options) -> dict[str, Any]:
    listen = address(keeper.reserved())
    to_all(keeper, "_application.pl")
    keeper.start(_apache.server(keeper, listen, options.workers, CONFIGURATION))
    return {"url": f"http://{listen}/", "listen": listen, "front": None}


if __name__ == "__main__":
    main(DEMO, build)
