// SPDX-License-Identifier: MIT
// A stand-in for QEMU and the kernel in the launcher's tests: takes the same command line, speaks
// the control protocol, and does what the environment variable FAKE says (words, in order):
//   mute            never says HELLO            mutekvm        the same, but only with -accel kvm
//   version N       says HELLO with version N   lag MS         waits
//   dump FILE       copies the initrd to FILE   args FILE      writes its own command line
//   say TEXT        writes to stdout's port     err TEXT       writes to stderr's port
//   fill MIB        MIB of pattern on stdout    cat            stdin's port to stdout's until EOF
//   eof             waits for stdin's end only  frames N       reports N host frames on stdout
//   untilclosed     writes until the host closes stdout's port
//   serial TEXT     writes to the serial port   message TEXT   writes to its own stderr
//   raw HEX         bytes to the control port   exit K V TEXT  sends EXIT, then waits to be killed
//   die N           ends at once                forever        sleeps
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int control = -1, in = -1, out = -1, err = -1, serial = -1;
static const char *initrd, *accel = "";

static void put(int fd, const void *data, size_t n)
{
	for (const char *p = data; n;) {
		ssize_t done = send(fd, p, n, MSG_NOSIGNAL);

		if (done < 0)
			exit(9);
		p += done;
		n -= (size_t)done;
	}
}

static void frame(uint32_t type, const void *payload, uint32_t length)
{
	uint32_t head[2] = {type, length};

	put(control, head, sizeof(head));
	put(control, payload, length);
}

static void hello(uint32_t version)
{
	frame(1, &version, sizeof(version));
}

static void send_exit(uint32_t kind, uint32_t value, const char *text)
{
	char buf[4096];

	memcpy(buf, &kind, 4);
	memcpy(buf + 4, &value, 4);
	memcpy(buf + 8, text, strlen(text));
	frame(2, buf, 8 + (uint32_t)strlen(text));
}

static void cat(int to)
{
	char buf[65536];

	for (ssize_t n; (n = read(in, buf, sizeof(buf))) > 0;)
		if (to >= 0)
			put(to, buf, (size_t)n);
}

static void fill(long mib)
{
	static unsigned char block[1 << 20];

	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = (unsigned char)(i * 7 + (i >> 8));
	while (mib-- > 0)
		put(out, block, sizeof(block));
}

static void until_closed(void)
{
	char block[4096] = "";

	while (send(out, block, sizeof(block), MSG_NOSIGNAL) > 0)
		;
}

static void frames(long n)
{
	uint32_t head[2], payload[2] = {0, 0};
	char line[80];

	while (n-- > 0) {
		if (recv(control, head, 8, MSG_WAITALL) != 8 ||
		    recv(control, payload, head[1], MSG_WAITALL) != (ssize_t)head[1])
			exit(9);
		snprintf(line, sizeof(line), "%u %u %u\n", head[0], payload[0],
			 head[1] == 8 ? payload[1] : 0);
		put(out, line, strlen(line));
	}
}

static void raw(const char *hex)
{
	for (unsigned byte; sscanf(hex, "%2x", &byte) == 1; hex += 2) {
		char c = (char)byte;

		put(control, &c, 1);
	}
}

static void dump(const char *file)
{
	char buf[65536];
	int from = open(initrd, O_RDONLY), to = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0666);

	for (ssize_t n; (n = read(from, buf, sizeof(buf))) > 0;)
		if (write(to, buf, (size_t)n) != n)
			exit(9);
	close(to);
}

static void parse(int argc, char **argv)
{
	char name[32];
	int fd;

	for (int i = 1; i + 1 < argc; i++) {
		if (!strcmp(argv[i], "-initrd"))
			initrd = argv[i + 1];
		if (!strcmp(argv[i], "-accel"))
			accel = argv[i + 1];
		if (sscanf(argv[i + 1], "socket,id=%31[a-z],fd=%d", name, &fd) != 2)
			continue;
		if (!strcmp(name, "control"))
			control = fd;
		else if (!strcmp(name, "stdin"))
			in = fd;
		else if (!strcmp(name, "stdout"))
			out = fd;
		else if (!strcmp(name, "stderr"))
			err = fd;
		else if (!strcmp(name, "console"))
			in = out = fd;
		else if (!strcmp(name, "serial"))
			serial = fd;
	}
}

static char *word(void)
{
	char *w = strtok(NULL, " ");

	return w ? w : exit(8), w;
}

// True when the word was one of those that come before HELLO.
static int early(const char *w, int *said, int argc, char **argv)
{
	if (!strcmp(w, "mute") || (!strcmp(w, "mutekvm") && !strncmp(accel, "kvm", 3))) {
		for (;;)
			pause();
	}
	if (!strcmp(w, "version")) {
		hello((uint32_t)atol(word()));
		*said = 1;
	} else if (!strcmp(w, "dump")) {
		dump(word());
	} else if (!strcmp(w, "message")) {
		dprintf(2, "%s\n", word());
	} else if (!strcmp(w, "die")) {
		exit(atoi(word()));
	} else if (!strcmp(w, "lag")) {
		usleep((useconds_t)atol(word()) * 1000);
	} else if (!strcmp(w, "args")) {
		FILE *f = fopen(word(), "w");

		for (int i = 1; f && i < argc; i++)
			fprintf(f, "%s\n", argv[i]);
		if (f)
			fclose(f);
	} else {
		return !strcmp(w, "mutekvm");
	}
	return 1;
}

static void late(const char *w)
{
	if (!strcmp(w, "say")) {
		w = word();
		put(out, w, strlen(w));
	} else if (!strcmp(w, "err")) {
		w = word();
		put(err, w, strlen(w));
	} else if (!strcmp(w, "serial")) {
		w = word();
		put(serial, w, strlen(w));
	} else if (!strcmp(w, "fill")) {
		fill(atol(word()));
	} else if (!strcmp(w, "cat")) {
		cat(out);
	} else if (!strcmp(w, "eof")) {
		cat(-1);
	} else if (!strcmp(w, "frames")) {
		frames(atol(word()));
	} else if (!strcmp(w, "untilclosed")) {
		until_closed();
	} else if (!strcmp(w, "raw")) {
		raw(word());
	} else if (!strcmp(w, "exit")) {
		uint32_t kind = (uint32_t)atol(word());
		uint32_t value = (uint32_t)atol(word());

		w = strtok(NULL, "");
		send_exit(kind, value, w ? w : "");
		for (;;)
			pause();
	} else if (!strcmp(w, "forever")) {
		for (;;)
			pause();
	} else if (strcmp(w, "hello")) {
		exit(8);
	}
}

int main(int argc, char **argv)
{
	char *script = getenv("FAKE");
	int said = 0;

	parse(argc, argv);
	if (!script)
		return 7;
	for (char *w = strtok(script, " "); w; w = strtok(NULL, " ")) {
		if (early(w, &said, argc, argv))
			continue;
		if (!said)
			hello(1);
		said = 1;
		late(w);
	}
	return 0;
}
