"""`gwtop tap`: routes as people write them."""

import click
import pytest

from gwtop.cli.tap import plan_of, route_of
from gwtop.nouns.plan import Relayed

HERE = "127.0.0.1"


@pytest.mark.parametrize(
    ("text", "relayed"),
    [
        ("unix:/run/app.sock", Relayed(to="/run/app.sock", listen=None)),
        ("unix:app.sock", Relayed(to="app.sock", listen=None)),
        ("3032:3031", Relayed(to=(HERE, 3031), listen=(HERE, 3032))),
        ("127.0.0.2:3032:3031", Relayed(to=(HERE, 3031), listen=("127.0.0.2", 3032))),
        ("3032:[::1]:3031", Relayed(to=("::1", 3031), listen=(HERE, 3032))),
        ("[::1]:1:127.0.0.3:2", Relayed(to=("127.0.0.3", 2), listen=("::1", 1))),
        ("3032:unix:/run/app.sock", Relayed(to="/run/app.sock", listen=(HERE, 3032))),
    ],
)
def test_a_route_says_where_to_listen_and_where_to_pass_on(text: str, relayed: Relayed) -> None:
    assert route_of(text) == relayed


@pytest.mark.parametrize("text", ["", "unix:", "3031", "a:b", "0:3031", "3032:70000", "1:2:3"])
def test_what_is_no_route_is_wrong_usage(text: str) -> None:
    with pytest.raises(click.UsageError):
        route_of(text)


@pytest.mark.parametrize("text", ["3032:3032", "0.0.0.0:3032:3032", "[::]:1:[::1]:1"])
def test_a_relay_that_would_pass_on_to_itself_is_wrong_usage(text: str) -> None:
    with pytest.raises(click.UsageError, match="to itself"):
        route_of(text)


@pytest.mark.parametrize("text", ["127.0.0.2:1:1", "0.0.0.0:1:192.0.2.1:1", "0.0.0.0:2:1"])
def test_the_same_port_elsewhere_is_another(text: str) -> None:
    assert route_of(text).listen is not None


def test_no_packet_tap_watches_what_the_relay_watches() -> None:
    plan = plan_of(
        {
            "route": "3032:3031",
            "protocol": None,
            "for_s": None,
            "requests": 5,
            "pid": None,
            "front_pid": None,
            "as_json": True,
            "table": None,
            "details": False,
            "bodies": 0,
            "show_secrets": False,
            "capture": "ring",
            "debug": None,
            "wishes": False,
        }
    )
    assert (plan.capture, plan.ports, plan.n_requests) == ("relay", (3031,), 5)
