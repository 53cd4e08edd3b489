"""Servlets: Java's answer, a container that keeps the application and answers in threads.

    client --HTTP--> Apache child --AJP13--> Tomcat, one process

A Java program takes a second to start, so CGI was never its way: one process, loaded once, and a
thread for each request. Between Apache and container stands AJP13, which says in bytes what HTTP
says in words. A crash takes everybody with it. Watch the hop between Apache and Tomcat.
"""

from typing import Any

import _tomcat
from _demo import Demo, Options, main
from _keeper import Keeper
from _servers import address, before, web

DEMO: Demo = {
    "name": "servlet",
    "summary": "Servlets: Apache before Tomcat, one process with threads",
    "protocol": "ajp",
    "process_model": "threaded",
    "explain": "servlet",
    "fronts": ["apache", "builtin"],
    "needs": [
        "program:apache2",
        "program:java",
        "file:/usr/share/tomcat10/bin/bootstrap.jar",
    ],
    "install": "apt install apache2 tomcat10",
}

THREADS = 8  # at most; it keeps some of them ready


def build(keeper: Keeper, options: Options) -> dict[str, Any]:
    container, outside = keeper.listener(), web(keeper, options)
    listen, url = address(container), f"http://{address(outside)}/"
    keeper.start(_tomcat.server(keeper, container, THREADS))
    front = before(keeper, options, outside, "ajp", listen)
    return {"url": url, "listen": listen, "front": keeper.start(front)}


if __name__ == "__main__":
    main(DEMO, build)
