"""How exchanges end before their answer does: the remarks that any protocol can earn.

In: an exchange and how its connection fell. Out: the remark that says so in plain words. Each
code has its page (`gwtop explain CODE`).
"""

from collections.abc import Iterable

from gwtop.nouns.events import Remark
from gwtop.nouns.times import Nanos
from gwtop.nouns.wire import CLIENT, Side
from gwtop.tracker.exchange import Exchange

ABORTED_BY_FRONT = Remark(
    None,
    "aborted-by-front",
    "warn",
    "The front end gave the request up before its answer was complete: its client left, or a "
    "time-out ran out.",
)
_CLOSED_WITHOUT_ANSWER = Remark(
    None,
    "closed-without-answer",
    "error",
    "The back end closed the connection without an answer; a front end shows this as 502. Look "
    "whether the worker died.",
)
_RESET_WITHOUT_ANSWER = Remark(
    None,
    "reset-without-answer",
    "error",
    "The back end reset the connection without an answer; a front end shows this as 502. It "
    "refused the message or died.",
)
_RESET_IN_RESPONSE = Remark(
    None,
    "reset-in-response",
    "error",
    "The back end reset the connection in the middle of its answer: what arrived is cut short.",
)
_CLOSED_IN_RESPONSE = Remark(
    None,
    "closed-in-response",
    "error",
    "The back end closed the connection in the middle of its answer: what arrived is cut short.",
)

_NOT_UNDERSTOOD = frozenset({400, 501, 505})
"""RFC 9110 15.5.1, 15.6.2, 15.6.6: what a server says to a message it cannot read."""


def understood(exchange: Exchange) -> bool:
    """The back end answered by the protocol it was spoken to in."""
    answered = exchange.status is not None
    return exchange.failed or (answered and exchange.status not in _NOT_UNDERSTOOD)


def other_protocol(here: str, usual: str) -> Remark:
    """For an exchange that was not understood where others, spoken otherwise, were."""
    return Remark(
        None,
        "other-protocol",
        "error",
        f"This connection speaks {here} and got no proper answer; the last one that this port "
        f"answered spoke {usual}: look what the client or front end was told to speak.",
    )


def why_fallen(exchange: Exchange, by: Side, how: str) -> Remark:
    if by is CLIENT:
        return ABORTED_BY_FRONT
    if exchange.answered_at is None:
        return _RESET_WITHOUT_ANSWER if how == "rst" else _CLOSED_WITHOUT_ANSWER
    return _RESET_IN_RESPONSE if how == "rst" else _CLOSED_IN_RESPONSE


def unread(exchanges: Iterable[Exchange], client_closed_at: Nanos) -> None:
    """The client had closed, and its kernel now refuses the answer: nobody read it.

    On protocols whose answer ends by close the server's FIN makes the exchange look done. An
    answer that had ended when the client closed was read: what is refused came after it.
    """
    for exchange in exchanges:
        if exchange.outcome == "done" and (exchange.over_at or 0) >= client_closed_at:
            exchange.aborted = True
            exchange.remark(ABORTED_BY_FRONT)
            exchange.judge()
