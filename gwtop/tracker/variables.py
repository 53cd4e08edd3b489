"""A process's CGI variables against a request: do they name it?

In: a process whose environ was read at its exec, an exchange. Out: yes or no. They do when they
hold its client's port (REMOTE_PORT, RFC 3875's customary extension) and, where given, the same
REQUEST_URI; without a port, the URI alone (whoever asks must then see that no other request in
flight has it).
"""

from gwtop.tracker.exchange import Exchange


def name_request(environ: dict[bytes, bytes], exchange: Exchange) -> bool:
    uri, port = environ.get(b"REQUEST_URI"), environ.get(b"REMOTE_PORT")
    if uri is not None and exchange.target is not None and uri != _origin_form(exchange.target):
        return False
    if port is not None:
        return port == _client_port(exchange)
    return uri is not None and exchange.target is not None


def _origin_form(target: bytes) -> bytes:
    """The path and query of an absolute-form target (RFC 9112 3.2.2), which CGI is given."""
    if target.startswith(b"/") or b"://" not in target:
        return target
    return b"/" + target.split(b"://", 1)[1].partition(b"/")[2]


def _client_port(exchange: Exchange) -> bytes | None:
    """The port the browser connected from: what the front told, else this connection's own as the
    server sees it."""
    if exchange.block is not None:
        fields = exchange.hop.protocol.request_fields(exchange.block)
        for name, value in fields:
            if name == b"REMOTE_PORT":
                return value
    return exchange.hop.peer.rpartition(":")[2].encode("latin-1")
