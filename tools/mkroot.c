// SPDX-License-Identifier: MIT
// mkroot OUT [BUSYBOX]: makes the built-in root archive: a static busybox under all of its names
// and the few files that programs expect of a small system. The same busybox gives the same bytes.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/archive.h"
#include "host/elfcheck.h"
#include "host/say.h"

#define BUSYBOX_DEFAULT "/bin/busybox"

// Every entry has busybox's own date, so that the archive doesn't depend on when it was made.
static uint32_t stamp;

static void put_dir(struct archive *a, const char *name, uint32_t perm)
{
	struct archive_entry e = {.name = name, .mode = S_IFDIR | perm, .nlink = 2, .mtime = stamp};

	archive_put(a, &e, "");
}

static void put_file(struct archive *a, const char *name, uint32_t perm, const char *text)
{
	struct archive_entry e = {
		.name = name, .mode = S_IFREG | perm, .mtime = stamp, .size = strlen(text)};

	archive_put(a, &e, text);
}

static void put_link(struct archive *a, const char *name, const char *target)
{
	struct archive_entry e = {
		.name = name, .mode = S_IFLNK | 0777, .mtime = stamp, .size = strlen(target)};

	archive_put(a, &e, target);
}

// The kernel has a /dev of its own; these are for the same archive under another kernel.
static void put_device(struct archive *a, const char *name, uint32_t perm, uint32_t major,
		       uint32_t minor)
{
	struct archive_entry e = {.name = name,
				  .mode = S_IFCHR | perm,
				  .mtime = stamp,
				  .rdev_major = major,
				  .rdev_minor = minor};

	archive_put(a, &e, "");
}

static void put_busybox(struct archive *a, const char *path)
{
	struct archive_entry e = {.name = "bin/busybox", .mode = S_IFREG | 0755, .mtime = stamp};
	unsigned char head[64 * 1024];
	struct exe_info info;
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : pread(fd, head, sizeof(head), 0);

	if (n < 0 || fstat(fd, &st) < 0)
		fail(STATUS_FAILURE, "%s: %s: run `sudo apt install busybox-static`", path,
		     strerror(errno));
	exe_examine(head, (size_t)n, &info);
	if (info.kind != EXE_STATIC)
		fail(STATUS_FAILURE,
		     "%s is not a static program: run `sudo apt install busybox-static`", path);
	e.size = (uint64_t)st.st_size;
	archive_put_file(a, &e, fd, path);
	close(fd);
}

// The names that busybox was built with ("usr/bin/awk"), each a symlink to it.
static void put_applets(struct archive *a, const char *path)
{
	char *command = mem_printf("'%s' --list-full", path);
	FILE *f = popen(command, "re");
	char line[256];
	int n = 0;

	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		// linuxrc is a boot hack of the past; busybox itself is there already.
		if (!strcmp(line, "linuxrc") || !strcmp(line, "bin/busybox"))
			continue;
		put_link(a, line, "/bin/busybox");
		n++;
	}
	if (!f || pclose(f) || n < 50)
		fail(STATUS_FAILURE, "%s --list-full gives no list of applets", path);
	free(command);
}

static void put_all(struct archive *a, const char *busybox)
{
	static const char *const dirs[] = {
		"bin",	   "sbin",	"dev",	     "etc",	      "home",
		"lib",	   "mnt",	"opt",	     "proc",	      "run",
		"srv",	   "sys",	"usr",	     "usr/bin",	      "usr/sbin",
		"usr/lib", "usr/share", "usr/local", "usr/local/bin", "usr/local/sbin",
		"var",	   "var/cache", "var/lib",   "var/log",
	};

	put_dir(a, ".", 0755);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		put_dir(a, dirs[i], 0755);
	put_dir(a, "root", 0700);
	put_dir(a, "tmp", 01777);
	put_dir(a, "var/tmp", 01777);
	put_link(a, "var/run", "/run");
	put_device(a, "dev/console", 0600, 5, 1);
	put_device(a, "dev/null", 0666, 1, 3);
	put_file(a, "etc/passwd", 0644,
		 "root:x:0:0:root:/root:/bin/sh\n"
		 "nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n");
	put_file(a, "etc/group", 0644, "root:x:0:\ntty:x:5:\nnogroup:x:65534:\n");
	put_file(a, "etc/hosts", 0644, "127.0.0.1 localhost postern\n::1 localhost\n");
	put_file(a, "etc/hostname", 0644, "postern\n");
	put_file(a, "etc/shells", 0644, "/bin/sh\n");
	put_file(a, "etc/profile", 0644, "export PS1='\\w \\$ '\n");
	put_file(a, "etc/nsswitch.conf", 0644, "passwd: files\ngroup: files\nhosts: files\n");
	put_busybox(a, busybox);
	put_applets(a, busybox);
	archive_end(a);
}

int main(int argc, char **argv)
{
	const char *busybox = argc == 3 ? argv[2] : BUSYBOX_DEFAULT;
	struct archive a;
	struct stat st;

	if (argc < 2 || argc > 3)
		fail(STATUS_FAILURE, "usage: mkroot OUT [BUSYBOX]");
	if (stat(busybox, &st) < 0)
		fail(STATUS_FAILURE, "%s: %s: run `sudo apt install busybox-static`", busybox,
		     strerror(errno));
	stamp = (uint32_t)st.st_mtime;
	// Written aside first: an interrupted run leaves no half archive that looks up to date.
	char *aside = mem_printf("%s.new", argv[1]);
	int fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		fail(STATUS_FAILURE, "%s: %s", aside, strerror(errno));
	archive_open(&a, fd);
	put_all(&a, busybox);
	archive_close(&a);
	if (close(fd) < 0 || rename(aside, argv[1]) < 0)
		fail(STATUS_FAILURE, "%s: %s", argv[1], strerror(errno));
	free(aside);
	return 0;
}
