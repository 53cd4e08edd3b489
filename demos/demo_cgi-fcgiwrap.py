"""CGI behind FastCGI: nginx starts no processes, so fcgiwrap does it for each request.

    client --HTTP--> nginx --FastCGI--> fcgiwrap --fork, exec--> _cgi_script.py

nginx has no CGI on purpose. fcgiwrap's few processes stay and take FastCGI; every request still
costs a script. Watch the hop between nginx and fcgiwrap: the wire is FastCGI, the model is CGI.
"""

from typing import Any

from _demo import Demo, Options, main, which
from _keeper import Keeper, Server
from _servers import address, before, cgi_script, n_children, web

DEMO: Demo = {
    "name": "cgi-fcgiwrap",
    "summary": "CGI behind FastCGI: nginx, fcgiwrap, a script for every request",
    "protocol": "fastcgi",
    "process_model": "process-per-request",
    "explain": "fcgiwrap",
    "fronts": ["nginx", "apache"],
    "needs": ["program:nginx", "program:fcgiwrap"],
    "install": "apt install nginx fcgiwrap",
    "unix": True,
}


def build(keeper: Keeper, options: Options) -> dict[str, Any]:
    gateway, outside = keeper.listener(options.unix), web(keeper, options)
    listen, url = address(gateway), f"http://{address(outside)}/"
    # -f: what a script says on stderr becomes FastCGI's STDERR, and nginx logs it.
    fcgiwrap = Server(
        "fcgiwrap",
        [which("fcgiwrap"), "-f", "-c", str(options.workers)],
        gateway,
        lambda pid: n_children(pid) >= options.workers,
        as_stdin=True,
    )
    keeper.start(fcgiwrap)
    front = keeper.start(before(keeper, options, outside, "fastcgi", listen, cgi_script(keeper)))
    return {"url": url, "listen": listen, "front": front}


if __name__ == "__main__":
    main(DEMO, build)
