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
# What it writes beside its log stays in our folder.
ServerRoot {directory}
DefaultRuntimeDir {directory}
PidFile {directory}/apache.pid
Listen {listen}
# Else it asks the resolver for its name.
ServerName 127.0.0.1
ErrorLog {stderr}
ErrorLogFormat "%M"
LogLevel error
{user}
LoadModule mpm_prefork_module {modules}/mod_mpm_prefork.so
# It decides whether a client may ask; without it every request is an error.
LoadModule authz_core_module {modules}/mod_authz_core.so
# As many children as were asked for, always.
StartServers {children}
MinSpareServers {children}
MaxSpareServers {children}
MaxRequestWorkers {children}
# A child that waits for a silent client is a child that nobody else has.
KeepAlive Off
# One header field; 8,190 bytes by default.
LimitRequestFieldSize 65536
"""

PROXY = """\
LoadModule proxy_module {modules}/mod_proxy.so
LoadModule proxy_{scheme}_module {modules}/mod_proxy_{scheme}.so
# The Host that the client asked for, not the address below.
ProxyPreserveHost On
# An AJP packet, which is a request's whole head, may then be as long as Tomcat lets it be.
ProxyIOBufferSize 65536
ProxyPass / {target}/
"""
# The application is mounted at the root; else all of the path would be SCRIPT_NAME.
PATHS = {
    "fastcgi": """\
ProxyFCGISetEnvIf true PATH_INFO "%{{reqenv:SCRIPT_NAME}}"
ProxyFCGISetEnvIf true SCRIPT_NAME ""
""",
    "scgi": """\
LoadModule setenvif_module {modules}/mod_setenvif.so
# Not SetEnv, which comes after the proxy has asked.
SetEnvIf Request_URI . proxy-scgi-pathinfo
""",
}
FRONT_CHILDREN = 8


def server(
    keeper: Keeper, listen: str, children: int, configuration: str, n_others: int = 0
) -> Server:
    """`configuration`: what the demo adds; `{directory}` and `{modules}` are known there.
    `n_others`: processes of its own that a module starts at once."""
    who = _servers.user()
    conf = keeper.directory / "apache.conf"
    conf.write_text(
        (CONFIGURATION + configuration).format(
            directory=keeper.directory,
            modules=MODULES,
            listen=listen,
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
        # An embedded Python looks for its library beside the first python3 of PATH: with a virtual
        # environment there, mod_python would not find its own half.
        environ={"TMPDIR": str(_servers.scratch(keeper)), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
    )


def front(
    keeper: Keeper, listen: str, gateway: str, target: str, script: Path | None = None
) -> Server:
    """Apache before a gateway: "fastcgi", "uwsgi", "scgi", "ajp" or "http". `script`: the file to
    run, for gateways that run files."""
    scheme = {"fastcgi": "fcgi"}.get(gateway, gateway)
    # Of a unix socket it wants the path, and a name to call it by.
    place = f"{target}|{scheme}://localhost" if target[:5] == "unix:" else f"{scheme}://{target}"
    lines = PROXY.replace("{scheme}", scheme).replace("{target}", place)
    lines += PATHS.get(gateway, "")
    if script is not None:
        lines += f'ProxyFCGISetEnvIf true SCRIPT_FILENAME "{script}"\n'
    return server(keeper, listen, FRONT_CHILDREN, lines)


def module(pattern: str) -> str:
    """The newest file of a module whose name has a version in it."""
    return str(sorted(Path(MODULES).glob(pattern))[-1])
