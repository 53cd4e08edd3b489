"""lighttpd from the shortest complete configuration; a demo adds what it is about."""

import socket
from pathlib import Path

from _demo import which
from _keeper import Keeper, Server

CONFIGURATION = """\
# It has to be named; no file of it is served.
server.document-root = "{directory}"
# The listening socket is inherited as stdin, so there is no port to open.
server.bind = "/dev/stdin"
server.port = 0
# Long bodies wait there; the usual folder is root's.
server.upload-dirs = ("{directory}")
# All header fields together; 8,192 bytes by default.
server.max-request-field-size = 65535
"""

MODULES = {"uwsgi": "scgi", "http": "proxy"}
FRONT = """\
server.modules = ("mod_rewrite", "mod_{module}")
{protocol}
{module}.server = ("{prefix}" => ((
  {place},
  # The path is no file of ours.
  "check-local" => "disable",
  # All of the path is PATH_INFO.
  "fix-root-scriptname" => "enable"
)))
"""


def server(keeper: Keeper, listener: socket.socket, configuration: str) -> Server:
    """`configuration`: what the demo adds."""
    conf = keeper.directory / "lighttpd.conf"
    text = CONFIGURATION.replace("{directory}", str(keeper.directory)) + configuration
    conf.write_text(text)
    return Server(
        "lighttpd",
        [which("lighttpd"), "-D", "-f", str(conf)],
        listener,
        # It tells nobody that it is ready; clients wait in the socket's queue until it is.
        lambda pid: True,
        as_stdin=True,
    )


def front(
    keeper: Keeper, listener: socket.socket, gateway: str, target: str, script: Path | None = None
) -> Server:
    """lighttpd before a gateway: "fastcgi", "uwsgi", "scgi" or "http". `script`: the file to run,
    for gateways that run files."""
    kind, _, place = target.partition(":")
    values = {
        "place": f'"socket" => "{place}"'
        if kind == "unix"
        else f'"host" => "{kind}", "port" => {place}',
        "prefix": "/",
        "module": MODULES.get(gateway, gateway),
        "protocol": 'scgi.protocol = "uwsgi"' if gateway == "uwsgi" else "",
    }
    if script is not None:
        # SCRIPT_FILENAME is made of the document root and the path: let every path be the script's.
        values["prefix"] = ""
        values["protocol"] = f'url.rewrite-once = ("^[^?]*(\\?.*)?$" => "/{script.name}$1")'
    lines = FRONT
    for name, text in values.items():
        lines = lines.replace(f"{{{name}}}", text)
    return server(keeper, listener, lines)
