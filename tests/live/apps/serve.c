/* An HTTP server on a unix socket, an answer a connection: serve PATH THREADS [ring].
   GET /?bytes=N; a body is read and forgotten. In: no library but the C library, so that it can be
   linked with any, statically too. "ring": it has an io_uring, and does not use it.
   -DLIKE_GO gives it the sections that Go's linker writes. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#define MOST 200000

#ifdef LIKE_GO
__attribute__((section(".gopclntab"), used)) static const char table[] = "go";
#endif

static int listener;
static char body[MOST];

static void answer(int fd)
{
	char in[70000], more[5000], head[200], *end, *at;
	long n = 0, got, wanted, has, n_body, n_head;

	do {
		got = read(fd, in + n, sizeof in - n - 1);
		if (got <= 0)
			return;
		n += got;
		in[n] = 0;
	} while (!strstr(in, "\r\n\r\n"));
	end = strstr(in, "\r\n\r\n") + 4;
	at = strstr(in, "Content-Length: ");
	wanted = at ? atol(at + 16) : 0;
	for (has = n - (end - in); has < wanted; has += got)
		if ((got = recv(fd, more, sizeof more, 0)) <= 0)
			return;
	at = strstr(in, "bytes=");
	n_body = at ? atol(at + 6) : 2;
	n_head = sprintf(head, "HTTP/1.1 200 OK\r\nX-Worker-Pid: %d\r\nContent-Length: %ld\r\n\r\n",
			 (int)getpid(), n_body);
	struct iovec parts[2] = {{head, n_head}, {body, n_body}};
	for (n = writev(fd, parts, 2) - n_head; n >= 0 && n < n_body; n += got)
		if ((got = write(fd, body + n, n_body - n)) <= 0)
			return;
}

static void *serve(void *unused)
{
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		if (fd < 0)
			continue;
		answer(fd);
		close(fd);
	}
	return unused;
}

int main(int argc, char **argv)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	char parameters[120] = {0}; /* struct io_uring_params */
	pthread_t thread;

	strncpy(name.sun_path, argv[1], sizeof name.sun_path - 1);
	memset(body, 'x', sizeof body);
	if (argc > 3 && syscall(425, 4, parameters) < 0) /* io_uring_setup, every machine */
		return 3;
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bind(listener, (void *)&name, sizeof name) || listen(listener, 64))
		return 1;
	for (int n = 1; n < atoi(argv[2]); n++)
		pthread_create(&thread, NULL, serve, NULL);
	serve(NULL);
}
