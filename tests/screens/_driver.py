"""A driver without a demo: takes note of what is wished."""

from collections.abc import Sequence

from gwtop.nouns.driving import State
from gwtop.nouns.offers import Choice, DemoOffer, RunDemo

DEMOS = [
    DemoOffer("cgi", "http", "process-per-request", "CGI: a new process each", None, []),
    DemoOffer("servlet", "ajp", "threaded", "Servlets", "apt-get install tomcat10", ["java"]),
    DemoOffer("uwsgi", "uwsgi", "worker-pool", "uwsgi: a pool of workers", None, []),
]


class Noting:
    def __init__(self) -> None:
        self.running = RunDemo("cgi", workers=3, front="nginx")
        self.has_load = True
        self.has_stopped = False
        self.wishes: list[dict[str, object]] = []
        self.next: Choice | None = None
        self.told: State | None = State(
            rate=5,
            concurrency=2,
            path=None,
            paused=False,
            sent=203,
            answered=202,
            failed=0,
            in_flight=1,
            bad_wishes=0,
        )

    def state(self) -> State | None:
        return self.told

    def wish(self, **wish: object) -> None:
        self.wishes.append(wish)

    def stop(self) -> None:
        self.has_stopped = True

    def offers(self) -> Sequence[DemoOffer]:
        return DEMOS

    def leave_for(self, choice: Choice) -> None:
        self.next = choice
