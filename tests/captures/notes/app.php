<?php
// The same misdeeds for php-fpm; see app.py.
ini_set('zlib.output_compression', '0');
switch (parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH)) {
    case '/short': header('Content-Length: 100'); echo 'short'; break;
    case '/die': posix_kill(getmypid(), 9); break;
    case '/die-mid':
        header('Content-Length: 100'); echo 'the first half';
        while (ob_get_level()) ob_end_flush();
        flush(); posix_kill(getmypid(), 9); break;
    case '/slow': usleep(600000); echo "ok\n"; break;
    case '/error': this_function_is_missing(); break;
    default: header('Content-Length: 3'); echo "ok\n";
}
