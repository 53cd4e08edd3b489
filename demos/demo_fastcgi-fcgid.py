"""FastCGI the other way round: Apache's mod_fcgid starts the workers itself, when it needs them.

    client --HTTP--> Apache child --FastCGI over unix sockets--> php-cgi processes

mod_fcgid's process manager, a child of Apache's parent, starts another php-cgi when all are busy,
and each has a unix socket of its own, which cannot be watched from outside. Watch Apache's own
port: a child reads the request, a php-cgi answers it.
"""

from typing import Any

import _apache
from _demo import Demo, Options, main, which
from _keeper import Keeper
from _servers import address, to_all

DEMO: Demo = {
    "name": "fastcgi-fcgid",
    "summary": "FastCGI: Apache's mod_fcgid before workers of its own",
    "protocol": "http",
    "process_model": "worker-pool",
    "explain": "fastcgi",
    "fronts": [],
    "needs": [
        "program:apache2",
        "program:php-cgi",
        "file:/usr/lib/apache2/modules/mod_fcgid.so",
    ],
    "install": "apt install apache2 libapache2-mod-fcgid php-cgi",
}

CHILDREN = 4  # of Apache; they only wait
CONFIGURATION = """\
LoadModule fcgid_module {modules}/mod_fcgid.so
LoadModule alias_module {modules}/mod_alias.so
# The workers' sockets, and what the children know of them.
FcgidIPCDir {directory}/tmp
FcgidProcessTableFile {directory}/tmp/fcgid_shm
# As many workers as were asked for, and none of them ends when it is idle.
FcgidMaxProcessesPerClass {workers}
FcgidMinProcessesPerClass {workers}
# php-cgi ends after 500 requests, and mod_fcgid would not know why.
FcgidInitialEnv PHP_FCGI_MAX_REQUESTS 0
# 128 KB by default.
FcgidMaxRequestLen 1073741824
# What a worker says on stderr is no more than a warning to it.
LogLevel error fcgid:warn
# One file answers every path.
AliasMatch ^ {directory}/_application.php
<Files _application.php>
  # mod_fcgid starts programs, and asks for this as mod_cgi does.
  Options +ExecCGI
  SetHandler fcgid-script
  # The file is no program: this is, and is told the file's name with each request.
  FcgidWrapper "{php} -d enable_post_data_reading=0 -d log_errors=1"
</Files>
"""


def build(keeper: Keeper, options: Options) -> dict[str, Any]:
    listen = address(keeper.reserved())
    to_all(keeper, "_application.php")
    lines = CONFIGURATION.replace("{workers}", str(options.workers))
    lines = lines.replace("{php}", which("php-cgi"))
    # One other process: mod_fcgid's process manager.
    apache = keeper.start(_apache.server(keeper, listen, CHILDREN, lines, n_others=1))
    return {"url": f"http://{listen}/", "listen": listen, "front": apache}


if __name__ == "__main__":
    main(DEMO, build)
