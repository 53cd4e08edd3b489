"""mod_php: PHP inside Apache's children, as most of the web ran it for ten years.

    client --HTTP--> Apache child with libphp inside

The interpreter is loaded once in each child; a request costs no process and no socket. Every child
carries it though, those that only serve pictures as well. Watch Apache's own port.
"""

from typing import Any

import _apache
from _demo import Demo, Options, main
from _keeper import Keeper
from _servers import address, to_all

DEMO: Demo = {
    "name": "mod_php",
    "summary": "mod_php: a PHP interpreter inside each Apache child",
    "protocol": "http",
    "process_model": "embedded",
    "explain": "mod_php",
    "fronts": [],
    "needs": ["program:apache2", "file:/usr/lib/apache2/modules/libphp*.so"],
    "install": "apt install apache2 libapache2-mod-php",
}

CONFIGURATION = """\
LoadModule php_module {libphp}
LoadModule alias_module {modules}/mod_alias.so
# One file answers every path.
AliasMatch ^ {directory}/_application.php
# It is run, not sent; the name is the module's own.
<Files _application.php>
  SetHandler application/x-httpd-php
</Files>
# php://input is then the body as it came, however long; post_max_size is for forms.
php_admin_value post_max_size 64M
# error_log() goes to Apache's log.
php_admin_flag log_errors on
"""


def build(keeper: Keeper, options: Options) -> dict[str, Any]:
    listen = address(keeper.reserved())
    to_all(keeper, "_application.php")
    lines = CONFIGURATION.replace("{libphp}", _apache.module("libphp*.so"))
    keeper.start(_apache.server(keeper, listen, options.workers, lines))
    return {"url": f"http://{listen}/", "listen": listen, "front": None}


if __name__ == "__main__":
    main(DEMO, build)
