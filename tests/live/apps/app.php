<?php
// The same application for php-fpm; see app.py.
function tell(array $seen): void {
    $line = array_merge([
        'probe' => $_SERVER['HTTP_X_PROBE'] ?? null,
        'method' => $_SERVER['REQUEST_METHOD'],
        'target' => $_SERVER['REQUEST_URI'],
        'pid' => getmypid(),
    ], $seen);
    $text = json_encode($line, JSON_INVALID_UTF8_SUBSTITUTE);
    file_put_contents(getenv('MATRIX_LOG'), $text . "\n", FILE_APPEND);
}

tell(['event' => 'begin']);
$body = file_get_contents('php://input');
$path = explode('?', $_SERVER['REQUEST_URI'])[0];
$number = (int) ($_GET['n'] ?? 0);
$status = 200;
switch ($path) {
    case '/echo': $answer = $body; break;
    case '/big':
    case '/stream':
        $answer = str_repeat('0123456789abcdef', intdiv($number, 16)) . str_repeat('x', $number % 16);
        break;
    case '/moved': $status = 302; $answer = ''; header('Location: http://example.org/elsewhere'); break;
    case '/status': $status = $number; $answer = in_array($number, [204, 304]) ? '' : "as asked\n"; break;
    case '/error': $status = 500; $answer = "error\n"; error_log('the application says: /error was asked for'); break;
    case '/held': usleep(400000); $answer = "too late\n"; break;
    case '/headers': $answer = "headers\n"; header('X-Long: ' . str_repeat('v', $number)); break;
    default:
        $odd = str_starts_with($path, '/odd');
        $status = $odd ? 200 : 404;
        $answer = $odd ? "odd\n" : "no such thing\n";
}
http_response_code($status);
if (!in_array($status, [204, 304])) {
    header('Content-Type: text/plain');
    if ($path != '/stream') header('Content-Length: ' . strlen($answer));
}
header('X-Worker-Pid: ' . getmypid());
header('X-Probe: ' . ($_SERVER['HTTP_X_PROBE'] ?? ''));
if ($_SERVER['REQUEST_METHOD'] == 'HEAD') $answer = '';
tell(['event' => 'end', 'status' => $status, 'received_bytes' => strlen($body), 'sent_bytes' => strlen($answer)]);
echo $answer;
