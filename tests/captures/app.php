<?php
// The same application for php-fpm and php-cgi; see app.py.
function tell(array $seen): void {
    $line = array_merge([
        'probe' => $_SERVER['HTTP_X_PROBE'] ?? null,
        'method' => $_SERVER['REQUEST_METHOD'],
        'target' => $_SERVER['REQUEST_URI'],
        'pid' => getmypid(),
    ], $seen);
    $log = stream_socket_client('udp://127.0.0.1:' . getenv('LOG_PORT'));
    fwrite($log, json_encode($line));
}

tell(['event' => 'begin']);
$body = file_get_contents('php://input');
$status = 200;
$type = 'text/plain';
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
switch ($path) {
    case '/': $answer = "hello\n"; break;
    case '/big': $answer = str_repeat('x', (int) $_GET['bytes']); break;
    case '/stream': $answer = "piece 0\npiece 1\npiece 2\n"; break;
    case '/echo': $answer = $body; $type = 'application/octet-stream'; break;
    case '/empty': $status = 204; $answer = ''; break;
    case '/cached': $status = 304; $answer = ''; break;
    case '/error':
        $status = 500; $answer = "error\n"; error_log('the application says: /error was asked for'); break;
    case '/held': usleep(300000); $answer = "too late\n"; break;
    default: $status = 404; $answer = "no such thing\n";
}
http_response_code($status);
header('Content-Type: ' . $type);
header('X-Worker-Pid: ' . getmypid());
if ($path != '/stream' && $answer !== '') header('Content-Length: ' . strlen($answer));
tell(['event' => 'end', 'status' => $status, 'received_bytes' => strlen($body), 'sent_bytes' => strlen($answer)]);
echo $answer;
