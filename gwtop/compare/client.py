"""One request at a time, each on a connection of its own."""

from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from gwtop.errors import GwtopError

DEADLINE_S = 20.0


def ask(url: str) -> bytes:
    """The answer's body. Raises GwtopError when there is none."""
    try:
        # Whatever proxy the environment names is no part of the comparison.
        with build_opener(ProxyHandler({})).open(url, timeout=DEADLINE_S) as answer:
            body: bytes = answer.read()
            return body
    except (URLError, OSError) as why:
        raise GwtopError(f"{url} does not answer: {why}") from None
