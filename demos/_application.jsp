<%@ page session="false" trimDirectiveWhitespaces="true" import="java.io.*,java.nio.file.*,java.util.*" %><%!
// _application.py in Java: the same pages. The container makes a servlet of this file at its start.

static final String PID = Long.toString(ProcessHandle.current().pid());
static final long MOST_BYTES = 1L << 30;

public void jspInit() {
    try {  // we take requests from now on
        Files.createFile(Paths.get(System.getProperty("demo.ready")));
    } catch (IOException twice) {
        log("ready again");
    }
}

static long number(HttpServletRequest request, String name, long otherwise) {
    String query = request.getQueryString();
    for (String pair : (query == null ? "" : query).split("&"))
        if (pair.startsWith(name + "=")) return Long.parseLong(pair.substring(name.length() + 1));
    return otherwise;
}

static void answer(HttpServletResponse response, int status, byte[] body) throws IOException {
    response.setStatus(status);
    response.setContentType("text/plain");
    if (status == 204 || status == 304) return;
    response.setContentLength(body.length);
    response.getOutputStream().write(body);
}

static void answer(HttpServletResponse response, int status, String body) throws IOException {
    answer(response, status, body.getBytes());
}

static void big(HttpServletResponse response, long left, boolean told) throws IOException {
    response.setContentType("text/plain");
    if (told) response.setContentLengthLong(left);
    byte[] piece = new byte[65536];
    Arrays.fill(piece, (byte) 'x');
    for (; left > 0; left -= piece.length)
        response.getOutputStream().write(piece, 0, (int) Math.min(left, piece.length));
}
%><%
response.setHeader("X-Worker-Pid", PID);
try {
    switch (request.getRequestURI()) {
        case "/": answer(response, 200, "Hello from process " + PID + "\n"); break;
        case "/slow":
            Thread.sleep(Math.min(number(request, "ms", 200), 60_000));
            answer(response, 200, "slow\n");
            break;
        case "/big": big(response, Math.min(number(request, "bytes", 100_000), MOST_BYTES), true); break;
        case "/stream": big(response, Math.min(number(request, "bytes", 100_000), MOST_BYTES), false); break;
        case "/echo": answer(response, 200, request.getInputStream().readAllBytes()); break;
        case "/status": answer(response, (int) number(request, "code", 204), "status\n"); break;
        case "/error":
            System.err.println("demo: /error was asked of process " + PID);
            answer(response, 500, "error\n");
            break;
        case "/crash": Runtime.getRuntime().halt(137);  // as if killed: nothing is closed or said
        default: answer(response, 404, "not found\n");
    }
} catch (NumberFormatException notOne) {
    answer(response, 400, "not a number\n");
}
%>
