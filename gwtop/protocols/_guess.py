"""What a listening program probably speaks, by its name and arguments. Pure; nobody is asked.

In: a program's words, its settings as text where it names a file of them, and the address it
listens on. Out: a `Guess` with its reason, or None. It refuses to know who listens where.

A guess decides where a row stands on the start screen and nothing else: what a gateway speaks is
found out by its bytes once it is watched.

Sources: uWSGI 2.0 options (core/uwsgi.c), gunicorn 25 settings, Tomcat 10 server.xml reference,
php-fpm's process titles (fpm_conf.c), spawn-fcgi(1), fcgiwrap(8).
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

HTTP, FASTCGI, UWSGI, SCGI, AJP = "http", "fastcgi", "uwsgi", "scgi", "ajp"


class Guess(NamedTuple):
    protocol: str
    why: str
    is_gateway: bool = True
    """A web server, too, is something to watch, but it is no gateway."""


UWSGI_OPTIONS = {
    "socket": UWSGI,
    "s": UWSGI,
    "uwsgi-socket": UWSGI,
    "suwsgi-socket": UWSGI,
    "puwsgi-socket": UWSGI,
    "http": HTTP,
    "http-socket": HTTP,
    "httprouter": HTTP,
    "http11-socket": HTTP,
    "fastcgi-socket": FASTCGI,
    "fastcgi-nph-socket": FASTCGI,
    "scgi-socket": SCGI,
    "scgi-nph-socket": SCGI,
}
"""uWSGI's options that open a socket, and what is spoken there (core/uwsgi.c)."""
UWSGI_PROTOCOLS = {"uwsgi": UWSGI, "http": HTTP, "fastcgi": FASTCGI, "scgi": SCGI}
"""What `--protocol` makes of `--socket`."""

PROGRAMS = (
    (re.compile(r"php-fpm|php[\d.]*-fpm"), FASTCGI, "php-fpm"),
    (re.compile(r"fcgiwrap"), FASTCGI, "fcgiwrap"),
    (re.compile(r"php-cgi|php[\d.]*-cgi"), FASTCGI, "php-cgi"),
    (re.compile(r"spawn-fcgi|multiwatch|fcgistarter"), FASTCGI, "spawn-fcgi"),
    (re.compile(r"rtorrent"), SCGI, "rtorrent"),
    (re.compile(r"gunicorn"), HTTP, "gunicorn"),
    (re.compile(r"waitress(-serve)?|uvicorn|hypercorn|daphne|granian"), HTTP, "a Python server"),
    (re.compile(r"mod_wsgi-express"), HTTP, "mod_wsgi-express"),
    (re.compile(r"twistd?3?"), HTTP, "twisted"),
    (re.compile(r"puma|unicorn|thin|passenger|falcon"), HTTP, "a Ruby server"),
    (re.compile(r"starman|plackup|hypnotoad|morbo"), HTTP, "a Perl server"),
)
FRONTS = re.compile(
    r"nginx|apache2|httpd|lighttpd|caddy|haproxy|traefik|envoy|varnishd|h2o|hiawatha"
)
PORTS = {9000: FASTCGI, 3031: UWSGI, 4000: SCGI, 8009: AJP}
"""Where the documentation of each puts it; taken only for programs we know nothing of."""
HTTP_PORTS = (80, 8000, 8080, 8081)
TLS_PORTS = (443, 8443)
TOMCAT_SHUTDOWN = 8005  # server.xml: <Server port="8005" shutdown="SHUTDOWN">
INTERPRETERS = re.compile(r"(pypy|python|ruby|perl|node)[\d.]*|env|sh|bash")
CONNECTOR = re.compile(r"<Connector\b[^>]*>", re.S)
ATTRIBUTE = re.compile(r'(\w+)\s*=\s*"([^"]*)"')


def guess(argv: Sequence[str], listen: str, port: int, settings: str = "") -> Guess | None:
    """`settings`: the text of the files that `settings_files` named."""
    name = program(argv)
    if name in ("uwsgi", "pyuwsgi") or name.startswith("uwsgi_python"):
        return _uwsgi(argv, listen, port, settings)
    if name == "java":
        return _java(argv, listen, port, settings)
    if name == "gunicorn" and (spoken := _value(argv, "--protocol")) in UWSGI_PROTOCOLS:
        return Guess(UWSGI_PROTOCOLS[spoken], f"gunicorn --protocol {spoken}")
    for pattern, protocol, words in PROGRAMS:
        if pattern.fullmatch(name):
            return Guess(protocol, f"{words} speaks it")
    if FRONTS.fullmatch(name):
        kind = "a web server, probably with TLS here" if port in TLS_PORTS else "a web server"
        return Guess(HTTP, f"{name} is {kind}", is_gateway=False)
    return None


def guess_by_port(port: int) -> Guess | None:
    """For a listener whose program nobody may look at."""
    if port in PORTS:
        return Guess(PORTS[port], f"port {port} is its usual one")
    if port in HTTP_PORTS:
        return Guess(HTTP, f"port {port} is a usual one", is_gateway=False)
    return None


def settings_files(argv: Sequence[str]) -> list[str]:
    """Files in which the program was told where to listen."""
    name = program(argv)
    if name in ("uwsgi", "pyuwsgi") or name.startswith("uwsgi_python"):
        named = [v for o in ("ini", "yaml", "xml", "json") for v in _options(argv, o)]
        return named + [word for word in argv[1:] if word.endswith((".ini", ".yaml", ".yml"))]
    if name == "java":
        return [
            f"{word.partition('=')[2]}/conf/server.xml"
            for word in argv
            if word.startswith("-Dcatalina.base=")
        ]
    return []


def program(argv: Sequence[str]) -> str:
    """ "php-fpm", "gunicorn": what is run, and not what runs it."""
    words = list(argv)
    first = _name(words[0]) if words else ""
    if first and not INTERPRETERS.fullmatch(first):
        return first
    for place, word in enumerate(words[1:], 1):
        if word == "-m" and place + 1 < len(words):
            return words[place + 1].partition(".")[0]
        if not word.startswith("-"):
            return _name(word)
    return first


def _name(word: str) -> str:
    """A title ("php-fpm: pool www", "gunicorn: master [app]") says the program before its colon."""
    head = word.split(":")[0].split(" ")[0]
    name = head.rpartition("/")[2]
    return re.sub(r"(?<=php-fpm)[\d.]+$|\.py$", "", name)


def _uwsgi(argv: Sequence[str], listen: str, port: int, settings: str) -> Guess:
    told = [*_told_by_argv(argv), *_told_by_file(settings)]
    spoken = next((v for name, v in told if name in ("protocol", "socket-protocol")), "")
    opened = [(name, value) for name, value in told if name in UWSGI_OPTIONS]
    here = [one for one in opened if _means(one[1], listen, port)] or opened[:1]
    if not here:
        return Guess(UWSGI, "uWSGI speaks it unless told otherwise")
    name = here[0][0]
    protocol = UWSGI_OPTIONS[name]
    if protocol == UWSGI and name in ("socket", "s") and spoken in UWSGI_PROTOCOLS:
        return Guess(UWSGI_PROTOCOLS[spoken], f"uWSGI with protocol = {spoken}")
    return Guess(protocol, f"uWSGI was told --{name}")


def _told_by_argv(argv: Sequence[str]) -> Iterator[tuple[str, str]]:
    for place, word in enumerate(argv):
        if word.startswith("-"):
            name, equals, value = word.lstrip("-").partition("=")
            following = argv[place + 1] if place + 1 < len(argv) else ""
            yield name, value if equals else following


def _told_by_file(settings: str) -> Iterator[tuple[str, str]]:
    """ini, and the flat yaml that uWSGI reads."""
    for line in settings.splitlines():
        if found := re.match(r"\s*([\w-]+)\s*[=:]\s*(.*?)\s*$", line):
            yield found[1], found[2]


def _means(value: str, listen: str, port: int) -> bool:
    """Whether an address as options write it is this one."""
    value = value.removeprefix("unix:").split(",")[0]
    if not port:
        return listen.removeprefix("unix:") == value or value.startswith("fd://")
    return value.rpartition(":")[2] == str(port) or value.startswith("fd://")


def _java(argv: Sequence[str], listen: str, port: int, settings: str) -> Guess | None:
    for tag in CONNECTOR.findall(settings):
        attributes = dict(ATTRIBUTE.findall(tag))
        spoken = AJP if attributes.get("protocol", "").upper().startswith("AJP") else HTTP
        if attributes.get("port") == str(port):
            return Guess(spoken, "its server.xml says so")
    if port == TOMCAT_SHUTDOWN:
        return None
    if port == 8009:
        return Guess(AJP, "port 8009 of a Java server")
    spoken_all = {AJP if "AJP" in t.upper() else HTTP for t in CONNECTOR.findall(settings)}
    if len(spoken_all) == 1:
        return Guess(spoken_all.pop(), "the one connector in its server.xml")
    is_server = any("catalina" in w or "jetty" in w or "undertow" in w for w in argv)
    return Guess(HTTP, "a Java server") if is_server else None


def _value(argv: Sequence[str], option: str) -> str:
    return next(iter(_options(argv, option.lstrip("-"))), "")


def _options(argv: Sequence[str], name: str) -> list[str]:
    return [value for told, value in _told_by_argv(argv) if told == name and value]
