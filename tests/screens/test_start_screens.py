"""Golden text of the start screen: what a person is offered on a fixed machine, at three sizes.

Regenerate with `GWTOP_GOLDEN=write pytest tests/screens`, and say in the commit why.
"""

import pytest
from rich.cells import cell_len

from gwtop.nouns.offers import DemoOffer, Ear, Heard, Recent
from gwtop.panels._start import Offer
from gwtop.tui.start import Start
from tests.screens._stage import shown, styles, text
from tests.screens.test_screens import SIZES, hold

HOUR_NS = 3600 * 10**9
EARS = [
    Ear(
        "127.0.0.1:3031", 3031, "uwsgi", "uWSGI was told --socket", True, 41, "uwsgi", "www-data",
        5, 0, 100,
    ),
    Ear(
        "127.0.0.1:9000", 9000, "fastcgi", "php-fpm speaks it", True, 16, "php-fpm", "root", 3, 12,
        511,
    ),
    Ear(
        "unix:/run/fcgiwrap.socket", 0, "fastcgi", "fcgiwrap speaks it", True, 77, "fcgiwrap",
        "www-data", 1, 0, 4096,
    ),
    Ear("0.0.0.0:80", 80, "http", "nginx is a web server", False, 9, "nginx", "root", 3, 0, 511),
    *(
        Ear(f"0.0.0.0:{port}", port, None, "", False, None, "", "root", 0, 0, 128)
        for port in (22, 25, 53, 111, 631, 5432)
    ),
]  # fmt: skip
DEMOS = [
    DemoOffer("cgi", "http", "process-per-request", "CGI: a new process each", None, []),
    DemoOffer("uwsgi", "uwsgi", "worker-pool", "uwsgi: a pool of uWSGI workers", None, []),
    DemoOffer("servlet", "ajp", "threaded", "Servlets", "apt-get install tomcat10", ["java"]),
]
FILES = [Recent("read", "/var/tmp/evening.pcapng", 0), Recent("view", "/srv/facts.jsonl", HOUR_NS)]
OFFER = Offer(Heard(EARS, 0), DEMOS, FILES, 5 * HOUR_NS)
SCENES: dict[str, list[str]] = {
    "start": [],
    "start-demo": ["tab", "down"],
    "start-help": ["question_mark"],
}


async def staged(pilot: object) -> None:
    for _ in range(3):
        await pilot.pause()  # type: ignore[attr-defined]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("scene", SCENES)
async def test_the_start_screen_is_the_golden_one(scene: str, size: tuple[int, int]) -> None:
    app = Start(OFFER)
    async with app.run_test(size=size) as pilot:
        await staged(pilot)
        await pilot.press(*SCENES[scene])
        await staged(pilot)
        got = text(app)
        assert {cell_len(line) for line in shown(app)} == {size[0]}
    hold(f"{scene}-{size[0]}x{size[1]}.txt", got)


async def test_without_rights_it_offers_sudo_and_its_colours_are_the_golden_ones() -> None:
    app = Start(OFFER._replace(has_rights=False), notice="nothing can be watched here")
    async with app.run_test(size=(120, 40)) as pilot:
        await staged(pilot)
        hold("start-sudo-120x40.txt", text(app))
        hold("start-sudo-120x40.colours.txt", styles(app))
