"""Back ends of the matrix: each a real server with the same application, on a free port of its own.

In: a folder for its files and the path of the application's log. Out: context managers that yield
the port. A part that is not installed skips the test and says which package has it.
"""

import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.live._running import free_port, need_program, need_uwsgi, server

APPS = Path(__file__).parent / "apps"
HOST = "127.0.0.1"
Back = Callable[[Path, Path], AbstractContextManager[int]]


def _with_log(log: Path, *command: str) -> list[str]:
    return ["env", f"MATRIX_LOG={log}", *command]


def uwsgi(kind: str) -> Back:
    """pyuwsgi with two workers; `kind` is the option of its socket."""

    @contextmanager
    def start(folder: Path, log: Path) -> Iterator[int]:
        port = free_port()
        command = [*need_uwsgi(), f"--{kind}", f"{HOST}:{port}", "--master", "--die-on-term"]
        command += ["--processes", "2", "--buffer-size", "65535", "--need-app"]
        command += ["--disable-logging", "--wsgi-file", str(APPS / "app.py")]
        with server(_with_log(log, *command), HOST, port, folder):
            yield port

    return start


def gunicorn(*options: str) -> Back:
    @contextmanager
    def start(folder: Path, log: Path) -> Iterator[int]:
        program = Path(sys.executable).with_name("gunicorn")
        if not program.exists():
            pytest.skip("needs gunicorn (pip install gunicorn)")
        port = free_port()
        command = [str(program), "--bind", f"{HOST}:{port}", "--workers", "2", *options]
        command += ["--chdir", str(APPS), "--no-control-socket", "app:application"]
        command += ["--limit-request-line", "8190", "--limit-request-field_size", "65535"]
        with server(_with_log(log, *command), HOST, port, folder):
            yield port

    return start


def flup(kind: str) -> Back:
    """flup 1.0.3's threaded server: fcgi, scgi or ajp."""

    @contextmanager
    def start(folder: Path, log: Path) -> Iterator[int]:
        pytest.importorskip("flup.server", reason="needs flup (pip install flup==1.0.3)")
        port = free_port()
        command = [sys.executable, str(APPS / "app.py"), f"flup.server.{kind}", str(port)]
        with server(_with_log(log, *command), HOST, port, folder):
            yield port

    return start


FPM = """
[global]
error_log = {folder}/fpm.log
daemonize = no
[www]
user = root
group = root
listen = 127.0.0.1:{port}
pm = static
pm.max_children = 6
clear_env = no
catch_workers_output = no
php_flag[log_errors] = on
php_flag[display_errors] = off
php_admin_value[post_max_size] = 64M
"""


@contextmanager
def php_fpm(folder: Path, log: Path) -> Iterator[int]:
    program = next(iter(sorted(Path("/usr/sbin").glob("php-fpm*"))), None)
    if program is None:
        pytest.skip("needs php-fpm (apt-get install php8.2-fpm)")
    port, config = free_port(), folder / "fpm.conf"
    config.write_text(FPM.format(folder=folder, port=port))
    with server(_with_log(log, str(program), "-F", "-R", "-y", str(config)), HOST, port, folder):
        yield port


@contextmanager
def fcgiwrap(folder: Path, log: Path) -> Iterator[int]:
    """A process for each request; `-f` sends its stderr along."""
    program = need_program("fcgiwrap", "fcgiwrap")
    port, script = free_port(), cgi_script(folder)
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "{APPS}/app.py" cgi\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    command = [program, "-f", "-c", "2", "-s", f"tcp:{HOST}:{port}"]
    with server(_with_log(log, *command), HOST, port, folder):
        yield port


def cgi_script(folder: Path) -> Path:
    """Where the front must say that the CGI script is."""
    return folder / "app.cgi"


CATALINA = Path("/usr/share/tomcat10")
TOMCAT_SERVER = """<Server port="-1"><Service name="Catalina">
<Connector protocol="AJP/1.3" address="127.0.0.1" port="{port}" secretRequired="false"
 packetSize="65536" maxThreads="4" encodedSolidusHandling="passthrough"
 allowedRequestAttributesPattern=".*" maxPostSize="-1" relaxedPathChars="&quot;&lt;&gt;"
 connectionTimeout="60000" />
<Engine name="Catalina" defaultHost="localhost">
<Host name="localhost" appBase="webapps" unpackWARs="false" autoDeploy="false" />
</Engine></Service></Server>"""
TOMCAT_WEB = """<web-app xmlns="https://jakarta.ee/xml/ns/jakartaee" version="6.0">
<servlet><servlet-name>matrix</servlet-name><jsp-file>/app.jsp</jsp-file></servlet>
<servlet><servlet-name>jsp</servlet-name>
<servlet-class>org.apache.jasper.servlet.JspServlet</servlet-class></servlet>
<servlet-mapping><servlet-name>matrix</servlet-name><url-pattern>/*</url-pattern></servlet-mapping>
</web-app>"""


@contextmanager
def tomcat(folder: Path, log: Path) -> Iterator[int]:
    """Tomcat 10's AJP connector before one JSP."""
    java = need_program("java", "default-jre-headless")
    if not (CATALINA / "bin/bootstrap.jar").exists():
        pytest.skip("needs Tomcat 10 (apt-get install tomcat10)")
    base, port = folder / "tomcat", free_port()
    for name in ("conf", "logs", "temp", "work", "webapps/ROOT/WEB-INF"):
        (base / name).mkdir(parents=True)
    (base / "conf/server.xml").write_text(TOMCAT_SERVER.format(port=port))
    (base / "webapps/ROOT/WEB-INF/web.xml").write_text(TOMCAT_WEB)
    (base / "webapps/ROOT/app.jsp").write_text((APPS / "app.jsp").read_text())
    # Debian's own: it says where the container's jars are.
    for name in ("catalina.properties", "web.xml"):
        (base / "conf" / name).write_bytes(Path(f"{CATALINA}/etc/{name}").read_bytes())
    jars = os.pathsep.join(f"{CATALINA}/bin/{jar}.jar" for jar in ("bootstrap", "tomcat-juli"))
    command = [java, "-Xmx256m", "-XX:TieredStopAtLevel=1", "-Djava.net.preferIPv4Stack=true"]
    command += [f"-Dcatalina.home={CATALINA}", f"-Dcatalina.base={base}"]
    command += [f"-Djava.io.tmpdir={base}/temp", "-cp", jars]
    command += ["org.apache.catalina.startup.Bootstrap", "start"]
    with server(_with_log(log, *command), HOST, port, base):
        yield port


BACKS: dict[str, Back] = {
    "php-fpm/fastcgi": php_fpm,
    "uwsgi/fastcgi": uwsgi("fastcgi-socket"),
    "uwsgi/uwsgi": uwsgi("uwsgi-socket"),
    "uwsgi/scgi": uwsgi("scgi-socket"),
    "fcgiwrap/fastcgi": fcgiwrap,
    "flup/fastcgi": flup("fcgi"),
    "flup/scgi": flup("scgi"),
    "flup/ajp": flup("ajp"),
    "gunicorn/uwsgi": gunicorn("--protocol", "uwsgi"),
    "gunicorn/http": gunicorn("--worker-class", "gthread", "--threads", "4"),
    "tomcat/ajp": tomcat,
}
