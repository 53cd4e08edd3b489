<?php
// _application.py in PHP: the same pages, for servers whose interpreter is PHP's.

const MOST_BYTES = 1 << 30;

function number(string $name, string $otherwise): int {
    $text = $_GET[$name] ?? $otherwise;
    if (!ctype_digit($text)) answer(400, "not a number\n");
    return (int) $text;
}

function answer(int $status, string $body): never {
    http_response_code($status);
    header('Content-Type: text/plain');
    header('X-Worker-Pid: ' . getmypid());
    if (!in_array($status, [204, 304])) header('Content-Length: ' . strlen($body));
    if ($_SERVER['REQUEST_METHOD'] !== 'HEAD') echo $body;
    exit;
}

function big(bool $told): never {
    $left = min(number('bytes', '100000'), MOST_BYTES);
    header('Content-Type: text/plain');
    header('X-Worker-Pid: ' . getmypid());
    if ($told) header("Content-Length: $left");
    for (; $left > 0 && $_SERVER['REQUEST_METHOD'] !== 'HEAD'; $left -= 65536) {
        echo str_repeat('x', min($left, 65536));
    }
    exit;
}

switch (parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH)) {
    case '/':
        answer(200, 'Hello from process ' . getmypid() . "\n");
    case '/slow':
        usleep(1000 * min(number('ms', '200'), 60000));
        answer(200, "slow\n");
    case '/big':
        big(true);
    case '/stream':  // the same without a Content-Length
        big(false);
    case '/echo':
        answer(200, file_get_contents('php://input'));
    case '/status':
        $code = number('code', '204');
        answer($code, in_array($code, [204, 304]) ? '' : "status\n");
    case '/error':
        error_log('demo: /error was asked of process ' . getmypid());
        answer(500, "error\n");
    case '/crash':
        posix_kill(getmypid(), 9);  // as the OOM killer does
    default:
        answer(404, "not found\n");
}
