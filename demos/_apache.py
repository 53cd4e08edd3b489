"""Apache from the shortest complete configuration; a demo adds what it is about.

Nothing of the system's configuration is read; only the modules are the distribution's. Its prefork
MPM is used throughout: a child is one process with one thread and one client at a time, which is
what interpreters that were never made for threads need.
"""

from pathlib import Path

import _servers
from _demo import which
from _keeper import Keeper, Server

MODULES = "/usr/lib/apache2/modules"  # Debian's place

CONFIGURATION = """\
ServerRoot {directory}
DefaultRuntimeDir {directory}
PidFile {directory}/apache.pid
Listen 127.0.0.1:{port}
# Else it asks the resolver for its name.
ServerName 127.0.0.1
ErrorLog {stderr}
ErrorLogFormat "%M"
LogLevel error
{user}
LoadModule mpm_prefork_module {modules}/mod_mpm_prefork.so
LoadModule authz_core_module {modules}/mod_authz_core.so
# As many children as were asked for, always.
StartServers {children}
MinSpareServers {children}
MaxSpareServers {children}
MaxRequestWorkers {children}
# A child that waits for a silent client is a child that nobody else has.
KeepAlive Off
LimitRequestFieldSize 65536
"""


def server(
    keeper: Keeper, port: int, children: int, configuration: str, n_others: int = 0
) -> Server:
    """`configuration`: what the demo adds; `{directory}` and `{modules}` are known there.
    `n_others`: processes of its own that a module starts at once."""
    who = _servers.user()
    conf = keeper.directory / "apache.conf"
    conf.write_text(
        (CONFIGURATION + configuration).format(
            directory=keeper.directory,
            modules=MODULES,
            port=port,
            stderr=_servers.stderr_file(keeper),
            user="" if who is None else f"User {who[0]}\nGroup {who[1]}",
            children=children,
        )
    )
    return Server(
        "Apache",
        [which("apache2"), "-D", "FOREGROUND", "-f", str(conf)],
        None,  # it can't inherit one
        lambda pid: _servers.n_children(pid) >= children + n_others,
        environ={"TMPDIR": str(_servers.scratch(keeper))},
    )


def module(pattern: str) -> str:
    """The newest file of a module whose name has a version in it."""
    return str(sorted(Path(MODULES).glob(pattern))[-1])
