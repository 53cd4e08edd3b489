"""FastCGI as most of the web knows it: nginx before php-fpm.

    client --HTTP--> nginx --FastCGI--> php-fpm master and workers

php-fpm keeps a pool of PHP interpreters. SCRIPT_FILENAME says which file to run: the workers stay,
but each request begins with an empty PHP. Watch the hop between nginx and php-fpm.
"""

from pathlib import Path
from typing import Any

from _demo import Demo, Options, main
from _keeper import Keeper, Server
from _servers import address, before, n_children, scratch, stderr_file, to_all, user, web

DEMO: Demo = {
    "name": "fastcgi-php",
    "summary": "FastCGI: nginx before php-fpm's pool of workers",
    "protocol": "fastcgi",
    "process_model": "worker-pool",
    "explain": "fastcgi",
    "fronts": ["nginx", "apache", "lighttpd"],
    "needs": ["program:nginx", "file:/usr/sbin/php-fpm*"],
    "install": "apt install nginx php-fpm",
    "unix": True,
}

CONFIGURATION = """\
[global]
error_log = {stderr}
log_level = error
[demo]
{user}
listen = {listen}
pm = static                  ; or dynamic, ondemand: how many there are then changes with the load
pm.max_children = {workers}
; php://input is then the body as it came, however long; post_max_size is for forms.
php_admin_value[enable_post_data_reading] = Off
; Long bodies wait there.
php_admin_value[sys_temp_dir] = {scratch}
; error_log() goes back to the web server as FastCGI's STDERR.
php_admin_value[log_errors] = On
"""


def build(keeper: Keeper, options: Options) -> dict[str, Any]:
    gateway, outside = keeper.listener(options.unix), web(keeper, options)
    listen, url = address(gateway), f"http://{address(outside)}/"
    place = listen.removeprefix("unix:")
    (script,) = to_all(keeper, "_application.php")
    who = user()
    conf = keeper.directory / "php-fpm.conf"
    conf.write_text(
        CONFIGURATION.format(
            stderr=stderr_file(keeper),
            user="" if who is None else f"user = {who[0]}\ngroup = {who[1]}",
            listen=place,
            workers=options.workers,
            scratch=scratch(keeper),
        )
    )
    program = sorted(Path("/usr/sbin").glob("php-fpm*"))[-1]
    php = Server(
        "php-fpm",
        [str(program), "--nodaemonize", "--fpm-config", str(conf)],
        gateway,
        lambda pid: n_children(pid) >= options.workers,
        environ={"FPM_SOCKETS": place + "={fd}"},  # its own way to hand sockets to a successor
    )
    keeper.start(php)
    front = keeper.start(before(keeper, options, outside, "fastcgi", listen, script))
    return {"url": url, "listen": listen, "front": front}


if __name__ == "__main__":
    main(DEMO, build)
