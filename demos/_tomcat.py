"""Tomcat 10 from the shortest complete configuration: one AJP connector, one application, no more.

The jars are the distribution's; nothing of its configuration is changed.
"""

import os
import shutil
import socket
from pathlib import Path

from _demo import HERE, which
from _keeper import Keeper, Server

HOME = Path("/usr/share/tomcat10")  # Debian's place
JARS = ("bootstrap", "tomcat-juli")

SERVER = """\
<Server port="-1">                              <!-- no port to shut it down -->
  <Service name="demo">
    <!-- The listening socket is inherited as stdin. A secret would be for a network. Requests
         with attributes that the pattern does not know would be refused (403). -->
    <Connector protocol="AJP/1.3" address="127.0.0.1" port="0" useInheritedChannel="true"
               secretRequired="false" maxThreads="{threads}" packetSize="65536"
               allowedRequestAttributesPattern=".*" connectionTimeout="60000" />
    <Engine name="demo" defaultHost="localhost">
      <Host name="localhost" appBase="webapps" autoDeploy="false" />
    </Engine>
  </Service>
</Server>
"""

WEB = """\
<web-app xmlns="https://jakarta.ee/xml/ns/jakartaee" version="6.0">
  <servlet>
    <servlet-name>demo</servlet-name>
    <jsp-file>/_application.jsp</jsp-file>
    <load-on-startup>1</load-on-startup>        <!-- compiled before the first request -->
  </servlet>
  <servlet-mapping>
    <servlet-name>demo</servlet-name>
    <url-pattern>/*</url-pattern>
  </servlet-mapping>
  <servlet>                                     <!-- what makes servlets of such files -->
    <servlet-name>jsp</servlet-name>
    <servlet-class>org.apache.jasper.servlet.JspServlet</servlet-class>
  </servlet>
</web-app>
"""


def server(keeper: Keeper, listener: socket.socket, threads: int) -> Server:
    base = keeper.directory / "tomcat"
    for name in ("conf", "logs", "temp", "work", "webapps/ROOT/WEB-INF"):
        (base / name).mkdir(parents=True)
    (base / "conf/server.xml").write_text(SERVER.format(threads=threads))
    (base / "webapps/ROOT/WEB-INF/web.xml").write_text(WEB)
    shutil.copy(HERE / "_application.jsp", base / "webapps/ROOT")
    # They say where the container's jars are, and what a file's ending means.
    for name in ("catalina.properties", "web.xml"):
        shutil.copy(HOME / "etc" / name, base / "conf")
    ready_file = base / "ready"
    settings = {
        "catalina.home": HOME,
        "catalina.base": base,
        "java.io.tmpdir": base / "temp",
        "java.net.preferIPv4Stack": "true",  # the socket we hand over is one
        "demo.ready": ready_file,
    }
    return Server(
        "Tomcat",
        [
            which("java"),
            *("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),  # a small, quick start
            *(f"-D{name}={value}" for name, value in settings.items()),
            *("-cp", os.pathsep.join(f"{HOME}/bin/{jar}.jar" for jar in JARS)),
            *("org.apache.catalina.startup.Bootstrap", "start"),
        ],
        listener,
        lambda pid: ready_file.exists(),
        restart=True,  # the pool is in one process; nobody is left to replace it
        as_stdin=True,
    )
