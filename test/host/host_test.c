// SPDX-License-Identifier: MIT
/*
 * The launcher's parts that read foreign input or compute, alone, under ASan and UBSan: the archive
 * writer (read back with lib/cpio.c), the index of the root, the judgement of executables, control
 * frames, and the look at the CPU's flags.
 */
#include "test/unit/unit.h"

#undef fail /* cmocka's macro; the launcher has a function of that name */

#include <elf.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/accel.h"
#include "host/archive.h"
#include "host/control.h"
#include "host/elfcheck.h"
#include "host/tree.h"
#include "lib/cpio.h"

/* An archive of `count` files of random sizes, written and read back. */
static void archive_round(struct unit_rng *rng, unsigned int count)
{
	static u8 data[20000];
	u32 sizes[64];
	char name[4096];
	struct archive a;
	struct cpio_reader r;
	struct cpio_entry e;
	int fd = memfd_create("test", 0);

	archive_open(&a, fd);
	for (unsigned int i = 0; i < count; i++) {
		/* Some names are so long that a page's padding doesn't fit beside them. */
		u32 len = unit_below(rng, 8) ? unit_below(rng, 40) + 8 : 4000;

		snprintf(name, sizeof(name), "%0*u", (int)len, i);
		sizes[i] = unit_below(rng, sizeof(data));
		memset(data, (int)i, sizes[i]);
		struct archive_entry w = {.name = name,
					  .mode = S_IFREG | 0644,
					  .size = sizes[i],
					  .uid = i,
					  .mtime = 7};
		archive_put(&a, &w, data);
	}
	archive_end(&a);
	archive_close(&a);
	assert_int_equal(a.at % ARCHIVE_PAGE, 0);
	assert_int_equal(lseek(fd, 0, SEEK_END), a.at);
	u8 *all = mmap(NULL, a.at, PROT_READ, MAP_PRIVATE, fd, 0);
	cpio_init(&r, all, a.at);
	for (unsigned int i = 0; i < count; i++) {
		assert_int_equal(cpio_next(&r, &e), 1);
		assert_int_equal(strtoul(e.name, NULL, 10), i);
		assert_int_equal(e.size, sizes[i]);
		assert_int_equal(e.uid, i);
		assert_int_equal(e.mtime, 7);
		for (u32 k = 0; k < e.size; k++)
			assert_int_equal(e.data[k], (u8)i);
		if (e.size >= ARCHIVE_PAGE)
			assert_int_equal((e.data - all) % ARCHIVE_PAGE, 0);
	}
	assert_int_equal(cpio_next(&r, &e), 0);
	munmap(all, a.at);
	close(fd);
}

static void test_archive(void **state)
{
	struct unit_rng rng = {1};

	(void)state;
	for (int i = 0; i < 50; i++)
		archive_round(&rng, unit_below(&rng, 64));
}

static void node(struct tree *t, const char *path, u32 mode, const char *target)
{
	struct tree_node n = {.mode = mode, .target = (char *)target};

	tree_add(t, path, &n);
}

static void test_tree(void **state)
{
	static struct tree t;
	static const struct {
		const char *path;
		int err;
		const char *found;
	} rows[] = {
		{"/", 0, NULL},
		{"/..", 0, NULL},
		{"/bin/prog", 0, "/usr/bin/prog"},
		{"/usr/bin/prog", 0, "/usr/bin/prog"},
		{"//usr/./bin//prog", 0, "/usr/bin/prog"},
		{"/bin/../bin/prog", 0, "/usr/bin/prog"},
		{"/usr/bin/../../bin/alias", 0, "/usr/bin/prog"},
		{"/bin/prog/", -ENOTDIR, NULL},
		{"/bin/prog/x", -ENOTDIR, NULL},
		{"/bin/", 0, "/usr/bin"},
		{"/no", -ENOENT, NULL},
		{"/no/no", -ENOENT, NULL},
		{"/loop", -ELOOP, NULL},
		{"/loop/x", -ELOOP, NULL},
		{"/dangling", -ENOENT, NULL},
		{"/up", 0, "/usr"},
		{"/late", 0, "/usr/bin/late"},
	};

	(void)state;
	node(&t, ".", S_IFDIR | 0755, NULL);
	node(&t, "usr", S_IFDIR | 0755, NULL);
	node(&t, "usr/bin", S_IFDIR | 0755, NULL);
	node(&t, "bin", S_IFLNK, "usr/bin");
	node(&t, "bin/prog", S_IFREG | 0755, NULL);
	node(&t, "/bin/alias", S_IFLNK, "/bin/prog");
	node(&t, "loop", S_IFLNK, "loop");
	node(&t, "dangling", S_IFLNK, "nowhere/x");
	node(&t, "up", S_IFLNK, "../../usr/");
	node(&t, "late", S_IFLNK, "./bin/late");
	node(&t, "./bin/late", S_IFREG, NULL);
	node(&t, "../", S_IFREG, NULL);
	node(&t, "", S_IFREG, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct tree_node *n = NULL;

		assert_int_equal(tree_find(&t, rows[i].path, &n, NULL), rows[i].err);
		if (rows[i].found)
			assert_string_equal(n->path, rows[i].found);
		else
			assert_null(n);
	}
}

/* In exactly sized memory, so that ASan sees one byte too many. */
static enum exe_kind examine(const u8 *data, size_t size)
{
	u8 *copy = malloc(size ? size : 1);
	struct exe_info info;

	memcpy(copy, data, size);
	exe_examine(copy, size, &info);
	assert_true(strnlen(info.detail, sizeof(info.detail)) < sizeof(info.detail));
	free(copy);
	return info.kind;
}

static size_t make_elf(u8 *out, const char *interp)
{
	Elf64_Ehdr h = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1},
			.e_type = ET_EXEC,
			.e_machine = EM_X86_64,
			.e_phoff = sizeof(h),
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = 2};
	Elf64_Phdr p[2] = {{.p_type = PT_LOAD},
			   {.p_type = interp ? PT_INTERP : PT_NOTE,
			    .p_offset = sizeof(h) + sizeof(p),
			    .p_filesz = interp ? strlen(interp) + 1 : 0}};

	memcpy(out, &h, sizeof(h));
	memcpy(out + sizeof(h), p, sizeof(p));
	if (interp)
		memcpy(out + sizeof(h) + sizeof(p), interp, strlen(interp) + 1);
	return sizeof(h) + sizeof(p) + (interp ? strlen(interp) + 1 : 0);
}

static void test_examine(void **state)
{
	u8 elf[512];
	struct exe_info info;
	struct unit_rng rng = {5};
	size_t size = make_elf(elf, NULL);

	(void)state;
	assert_int_equal(examine(elf, size), EXE_STATIC);
	for (size_t i = 4; i < size; i++)
		assert_int_equal(examine(elf, i), EXE_BAD);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(examine(elf, i), EXE_UNKNOWN);
	size = make_elf(elf, "/lib64/ld.so");
	exe_examine(elf, size, &info);
	assert_int_equal(info.kind, EXE_DYNAMIC);
	assert_string_equal(info.detail, "/lib64/ld.so");
	for (int i = 0; i < 200000; i++) {
		u8 bad[512];
		size_t n = unit_below(&rng, 8) ? size : unit_below(&rng, (u32)size);

		memcpy(bad, elf, sizeof(bad));
		for (u32 k = unit_below(&rng, 6) + 1; k; k--)
			bad[unit_below(&rng, (u32)size)] = (u8)(unit_below(&rng, 3)
									? unit_rand(&rng)
									: 255);
		examine(bad, n);
	}
	elf[18] = EM_AARCH64;
	exe_examine(elf, size, &info);
	assert_int_equal(info.kind, EXE_FOREIGN);
	assert_string_equal(info.detail, "Arm (64-bit)");
}

static void test_script(void **state)
{
	static const struct {
		const char *text, *interp;
	} rows[] = {
		{"#!/bin/sh\n", "/bin/sh"},
		{"#! \t/bin/sh -x\n", "/bin/sh"},
		{"#!", ""},
		{"#!/bin/sh", "/bin/sh"},
		{"#!\n/bin/sh", ""},
		{"#!  ", ""},
	};
	char longest[600] = "#!/";
	struct exe_info info;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(examine((const u8 *)rows[i].text, strlen(rows[i].text)),
				 EXE_SCRIPT);
		exe_examine((const u8 *)rows[i].text, strlen(rows[i].text), &info);
		assert_string_equal(info.detail, rows[i].interp);
	}
	memset(longest + 3, 'x', sizeof(longest) - 3);
	assert_int_equal(examine((const u8 *)longest, sizeof(longest)), EXE_SCRIPT);
}

/* Frames arrive whole however the stream is cut, and random bytes never lead outside the buffer. */
static void test_control(void **state)
{
	static const u8 stream[] = {1, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 99, 0, 0, 0, 0, 0,  0,
				    0, 2, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0,  7, 0, 0, 0, 'x'};
	struct unit_rng rng = {9};
	struct control_frame f;
	struct control c;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	control_init(&c, pair[0]);
	for (size_t i = 0, seen = 0; i < sizeof(stream); i++) {
		assert_int_equal(write(pair[1], stream + i, 1), 1);
		assert_true(control_receive(&c));
		if (control_next(&c, &f) == 1)
			assert_int_equal(f.type, seen == 0 ? 1 : seen == 1 ? 99 : 2), seen++;
		assert_int_equal(seen, i >= 36 ? 3 : i >= 19 ? 2 : i >= 11 ? 1 : 0);
	}
	assert_int_equal(control_word(&f, 1), 7);
	assert_int_equal(f.length, 9);
	for (int i = 0; i < 20000; i++) {
		u8 junk[64];
		int got;

		for (size_t k = 0; k < sizeof(junk); k++)
			junk[k] = unit_below(&rng, 3) ? 0 : (u8)unit_rand(&rng);
		assert_int_equal(write(pair[1], junk, sizeof(junk)), sizeof(junk));
		assert_true(control_receive(&c));
		while ((got = control_next(&c, &f)) > 0)
			for (u32 k = 0; k < f.length; k++)
				assert_true(f.payload[k] >= 0);
		if (got < 0) { /* the launcher gives up here; start again */
			control_free(&c);
			control_init(&c, pair[0]);
		}
	}
	/* A guest that reads nothing: frames are dropped, nothing overflows. */
	for (int i = 0; i < 100000; i++)
		control_send(&c, CONTROL_WINSIZE, 2, 24, 80);
	assert_true(c.out_fill <= sizeof(c.out));
	close(pair[1]);
	assert_false(control_receive(&c));
	control_free(&c);
	close(pair[0]);
}

static bool virtualizes(const char *text)
{
	char path[] = "/tmp/cpuinfo.XXXXXX";
	int fd = mkstemp(path);
	bool result;

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	result = accel_cpu_virtualizes(path);
	unlink(path);
	return result;
}

static void test_accel(void **state)
{
	(void)state;
	assert_true(virtualizes("processor : 0\nflags\t\t: fpu vmx sse\n"));
	assert_true(virtualizes("flags : svm\n"));
	assert_false(virtualizes("flags : fpu svm_lock vmx_x xsvm\nbugs : vmx\n"));
	assert_false(virtualizes("vmx flags : none\nvmx\n"));
	assert_false(virtualizes(""));
	assert_false(accel_cpu_virtualizes("/nowhere"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_archive), cmocka_unit_test(test_tree),
		cmocka_unit_test(test_examine), cmocka_unit_test(test_script),
		cmocka_unit_test(test_control), cmocka_unit_test(test_accel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
