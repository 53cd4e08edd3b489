"""Guesses by a program's words: a table of command lines as they stand in /proc."""

import pytest

from gwtop.protocols._guess import guess, guess_by_port, program, settings_files

PYTHON = "/usr/bin/python3"
SERVER_XML = """
<Server port="8005"><Service><Connector port="8090" protocol="HTTP/1.1"/>
<Connector protocol="AJP/1.3" address="::1" port="8019" secretRequired="false" /></Service></Server>
"""


@pytest.mark.parametrize(
    ("words", "listen", "spoken"),
    [
        (["php-fpm: master process (/etc/php/8.2/fpm/php-fpm.conf)"], "127.0.0.1:9000", "fastcgi"),
        (["/usr/sbin/php-fpm8.2", "--nodaemonize"], "unix:/run/php/fpm.sock", "fastcgi"),
        (["fcgiwrap", "-c", "1"], "unix:/run/fcgiwrap.socket", "fastcgi"),
        (["uwsgi", "--socket", "127.0.0.1:3031"], "127.0.0.1:3031", "uwsgi"),
        (["uwsgi", "-s", "/run/app.sock"], "unix:/run/app.sock", "uwsgi"),
        (["uwsgi", "--http-socket=:8080", "--socket", ":3031"], "0.0.0.0:8080", "http"),
        (["uwsgi", "--http-socket=:8080", "--socket", ":3031"], "0.0.0.0:3031", "uwsgi"),
        (["/venv/bin/pyuwsgi", "--fastcgi-socket", "fd://3"], "127.0.0.1:41234", "fastcgi"),
        (["uwsgi", "--scgi-socket", "127.0.0.1:4001"], "127.0.0.1:4001", "scgi"),
        (["uwsgi", "--protocol=http", "--socket=:9"], "0.0.0.0:9", "http"),
        (["uwsgi"], "127.0.0.1:3031", "uwsgi"),
        ([PYTHON, "/usr/bin/gunicorn", "app:app"], "127.0.0.1:8000", "http"),
        (["gunicorn: master [app]"], "127.0.0.1:8000", "http"),
        ([PYTHON, "-m", "gunicorn", "--protocol", "uwsgi"], "127.0.0.1:8000", "uwsgi"),
        ([PYTHON, "/opt/bin/waitress-serve", "app:app"], "127.0.0.1:8080", "http"),
        (["java", "org.apache.catalina.startup.Bootstrap"], "127.0.0.1:8009", "ajp"),
        (["java", "org.apache.catalina.startup.Bootstrap"], "127.0.0.1:8080", "http"),
        (["nginx: master process /usr/sbin/nginx"], "0.0.0.0:80", "http"),
        (["/usr/sbin/sshd", "-D"], "0.0.0.0:22", None),
        (["java", "-jar", "elasticsearch"], "127.0.0.1:9300", None),
        (["java", "catalina"], "127.0.0.1:8005", None),
        ([], "127.0.0.1:1", None),
    ],
)
def test_what_is_spoken_is_guessed_from_the_words(
    words: list[str], listen: str, spoken: str | None
) -> None:
    port = 0 if listen.startswith("unix:") else int(listen.rpartition(":")[2])
    found = guess(words, listen, port)
    assert (found and found.protocol) == spoken
    assert found is None or found.why


@pytest.mark.parametrize(("port", "spoken"), [(8019, "ajp"), (8090, "http"), (8005, None)])
def test_tomcats_settings_say_which_connector_a_port_is(port: int, spoken: str | None) -> None:
    words = ["java", "-Dcatalina.base=/srv/cat"]
    assert settings_files(words) == ["/srv/cat/conf/server.xml"]
    found = guess(words, f"127.0.0.1:{port}", port, SERVER_XML)
    assert (found and found.protocol) == spoken


def test_uwsgis_settings_say_which_socket_a_port_is() -> None:
    words = ["uwsgi", "--ini", "/etc/uwsgi/a.ini"]
    assert settings_files([*words, "/b.ini"]) == ["/etc/uwsgi/a.ini", "/etc/uwsgi/a.ini", "/b.ini"]
    ini = "[uwsgi]\nsocket = 127.0.0.1:3031\nhttp-socket = :8080\nfastcgi-socket=/run/f.sock\n"
    for listen, port, spoken in (
        ("127.0.0.1:3031", 3031, "uwsgi"),
        ("0.0.0.0:8080", 8080, "http"),
        ("unix:/run/f.sock", 0, "fastcgi"),
    ):
        found = guess(words, listen, port, ini)
        assert found is not None and found.protocol == spoken


def test_a_web_server_is_no_gateway() -> None:
    found = guess(["nginx: master process nginx"], "0.0.0.0:443", 443)
    assert found is not None and not found.is_gateway and "TLS" in found.why


def test_a_port_alone_is_a_weak_guess_that_says_so() -> None:
    found = guess_by_port(9000)
    assert found is not None and (found.protocol, "usual" in found.why) == ("fastcgi", True)
    assert guess_by_port(1) is None


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["/usr/bin/python3.11", "-u", "/srv/app.py"], "app"),
        (["python", "-m", "http.server"], "http"),
        (["/usr/sbin/apache2", "-k", "start"], "apache2"),
        (["python3"], "python3"),
        ([], ""),
    ],
)
def test_the_program_is_what_is_run_and_not_what_runs_it(words: list[str], name: str) -> None:
    assert program(words) == name
