<%@ page session="false" trimDirectiveWhitespaces="true" import="java.io.*,java.nio.file.*" %><%!
// The same application for Tomcat; see app.py. The tag X-Long etc. are the client's own.
static synchronized void tell(HttpServletRequest request, String rest) throws IOException {
    String query = request.getQueryString();
    String target = request.getRequestURI() + (query == null ? "" : "?" + query);
    String line = "{\"probe\": \"" + request.getHeader("X-Probe") + "\", \"method\": \""
        + request.getMethod() + "\", \"target\": \"" + target.replace("\\", "\\\\").replace("\"", "\\\"")
        + "\", \"pid\": " + ProcessHandle.current().pid() + ", " + rest + "}\n";
    Files.write(Paths.get(System.getenv("MATRIX_LOG")), line.getBytes("UTF-8"), StandardOpenOption.APPEND);
}
%><%
tell(request, "\"event\": \"begin\"");
String path = request.getRequestURI();
String query = request.getQueryString();
int number = query != null && query.startsWith("n=") ? Integer.parseInt(query.substring(2)) : 0;
byte[] body = new byte[0];
try { body = request.getInputStream().readAllBytes(); } catch (IOException gone) { }
int status = 200;
byte[] answer;
switch (path) {
    case "/echo": answer = body; break;
    case "/big":
    case "/stream":
        answer = ("0123456789abcdef".repeat(number / 16) + "x".repeat(number % 16)).getBytes(); break;
    case "/moved": status = 302; answer = new byte[0]; response.setHeader("Location", "http://example.org/elsewhere"); break;
    case "/status": status = number; answer = number == 204 || number == 304 ? new byte[0] : "as asked\n".getBytes(); break;
    case "/error": status = 500; answer = "error\n".getBytes(); break;
    case "/held": Thread.sleep(400); answer = "too late\n".getBytes(); break;
    case "/headers": answer = "headers\n".getBytes(); response.setHeader("X-Long", "v".repeat(number)); break;
    default:
        boolean odd = path.startsWith("/odd");
        status = odd ? 200 : 404;
        answer = (odd ? "odd\n" : "no such thing\n").getBytes();
}
response.setStatus(status);
if (status != 204 && status != 304) {
    response.setContentType("text/plain");
    if (!path.equals("/stream")) response.setContentLength(answer.length);
}
response.setHeader("X-Worker-Pid", Long.toString(ProcessHandle.current().pid()));
response.setHeader("X-Probe", request.getHeader("X-Probe"));
if (request.getMethod().equals("HEAD")) answer = new byte[0];
tell(request, "\"event\": \"end\", \"status\": " + status + ", \"received_bytes\": " + body.length
    + ", \"sent_bytes\": " + answer.length);
response.getOutputStream().write(answer);
%>
