"""lighttpd from the shortest complete configuration; a demo adds what it is about."""

import socket

from _demo import which
from _keeper import Keeper, Server

CONFIGURATION = """\
server.document-root = "{directory}"
# The listening socket is inherited as stdin.
server.bind = "/dev/stdin"
server.port = 0
server.errorlog = "/dev/stderr"
server.upload-dirs = ("{directory}")
server.max-request-field-size = 65535
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
