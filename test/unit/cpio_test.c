// SPDX-License-Identifier: MIT
/*
 * lib/cpio.c: archives written here entry by entry, whole, cut at every length, and with each kind
 * of damage; and one that GNU cpio wrote, when it is installed.
 */
#include "test/unit/unit.h"

#include "lib/cpio.h"

struct archive {
	u8 b[16384];
	size_t n;
};

struct member {
	const char *name, *data;
	size_t name_size; /* 0: strlen + 1; more: padded with NULs */
	u32 mode, nlink, ino, check;
	bool crc;
};

static void pad4(struct archive *a)
{
	while (a->n % 4)
		a->b[a->n++] = 0;
}

static void put(struct archive *a, const struct member *m)
{
	size_t name_size = m->name_size ? m->name_size : strlen(m->name) + 1;
	size_t len = m->data ? strlen(m->data) : 0;

	a->n += (size_t)sprintf((char *)a->b + a->n,
				"%s%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x",
				m->crc ? "070702" : "070701", m->ino, m->mode, 1000u, 0xBADu,
				m->nlink, 1234567890u, len, 8u, 1u, 5u, 6u, name_size, m->check);
	memset(a->b + a->n, 0, name_size);
	memcpy(a->b + a->n, m->name, MIN(strlen(m->name) + 1, name_size));
	a->n += name_size;
	pad4(a);
	if (len)
		memcpy(a->b + a->n, m->data, len);
	a->n += len;
	pad4(a);
}

static void put_file(struct archive *a, const char *name, const char *data)
{
	put(a, &(struct member){.name = name, .data = data, .mode = 0100644, .nlink = 1});
}

static void put_trailer(struct archive *a)
{
	put(a, &(struct member){.name = "TRAILER!!!", .nlink = 1});
}

static void expect_entry(struct cpio_reader *r, const char *name, const char *data, u32 archive)
{
	struct cpio_entry e;
	int n = cpio_next(r, &e);

	if (n < 0)
		print_error("%s at %zu\n", r->error, r->error_offset);
	assert_int_equal(n, 1);
	assert_string_equal(e.name, name);
	assert_int_equal(e.name_len, strlen(name));
	assert_int_equal(e.size, strlen(data));
	assert_memory_equal(e.data, data, e.size);
	assert_int_equal(e.archive, archive);
}

static void expect_end(struct cpio_reader *r, size_t pos)
{
	struct cpio_entry e;

	for (int i = 0; i < 2; i++) {
		assert_int_equal(cpio_next(r, &e), 0);
		assert_int_equal(r->pos, pos);
	}
}

static void expect_error(const struct archive *a, size_t size, int good, const char *why)
{
	struct cpio_reader r;
	struct cpio_entry e;
	u8 *copy = malloc(size ? size : 1); /* exact, so that ASan sees any step beyond it */

	memcpy(copy, a->b, size);
	cpio_init(&r, copy, size);
	for (int i = 0; i < good; i++)
		assert_int_equal(cpio_next(&r, &e), 1);
	assert_int_equal(cpio_next(&r, &e), -EINVAL);
	assert_string_equal(r.error, why);
	free(copy);
}

static void test_fields(void **state)
{
	struct archive a = {.n = 0};
	struct cpio_reader r;
	struct cpio_entry e;

	(void)state;
	put(&a, &(struct member){
			.name = "bin/x", .data = "12345", .mode = 0104755, .nlink = 2, .ino = 77});
	put_trailer(&a);
	cpio_init(&r, a.b, a.n);
	assert_int_equal(cpio_next(&r, &e), 1);
	assert_int_equal(e.mode, 0104755);
	assert_int_equal(e.uid, 1000);
	assert_int_equal(e.gid, 0xbad);
	assert_int_equal(e.nlink, 2);
	assert_int_equal(e.ino, 77);
	assert_int_equal(e.mtime, 1234567890);
	assert_int_equal(e.dev_major, 8);
	assert_int_equal(e.dev_minor, 1);
	assert_int_equal(e.rdev_major, 5);
	assert_int_equal(e.rdev_minor, 6);
	expect_end(&r, a.n);
}

static void test_concatenated(void **state)
{
	struct archive a = {.n = 0};
	struct cpio_reader r;
	size_t first;

	(void)state;
	put_file(&a, "a", "");
	put_file(&a, "bb", "x");
	put_file(&a, "TRAILER!!!x", "not one");
	put_trailer(&a);
	memset(a.b + a.n, 0, 512);
	a.n += 512;
	put_file(&a, "dir/ccc", "four");
	put_trailer(&a);
	put_trailer(&a); /* an empty archive */
	memset(a.b + a.n, 0, 100);
	a.n += 100;
	first = a.n;
	memcpy(a.b + a.n, "\x1f\x8b\x08 the next is compressed", 20);
	cpio_init(&r, a.b, a.n + 20);
	expect_entry(&r, "a", "", 0);
	expect_entry(&r, "bb", "x", 0);
	expect_entry(&r, "TRAILER!!!x", "not one", 0);
	expect_entry(&r, "dir/ccc", "four", 1);
	expect_end(&r, first);
	cpio_init(&r, a.b, a.n);
	for (int i = 0; i < 4; i++)
		assert_int_equal(cpio_next(&r, &(struct cpio_entry){0}), 1);
	expect_end(&r, a.n);
	cpio_init(&r, NULL, 0);
	expect_end(&r, 0);
}

/* The launcher pads names, so that the data of a file begins at a page. */
static void test_padded_name(void **state)
{
	struct archive a = {.n = 0};
	struct cpio_reader r;
	struct cpio_entry e;

	(void)state;
	put(&a, &(struct member){
			.name = "big", .data = "page", .name_size = 4096 - 110, .mode = 0100644});
	put(&a, &(struct member){.name = "more", .data = "z", .name_size = 8000, .mode = 0100644});
	put_trailer(&a);
	cpio_init(&r, a.b, a.n);
	assert_int_equal(cpio_next(&r, &e), 1);
	assert_ptr_equal(e.data, a.b + 4096);
	assert_string_equal(e.name, "big");
	expect_entry(&r, "more", "z", 0);
	expect_end(&r, a.n);
}

static void test_checksum(void **state)
{
	struct archive a = {.n = 0};
	struct cpio_reader r;

	(void)state;
	put(&a,
	    &(struct member){
		    .name = "f", .data = "ab", .mode = 0100600, .check = 'a' + 'b', .crc = true});
	put(&a, &(struct member){.name = "l", .data = "to", .mode = 0120777, .crc = true});
	put(&a,
	    &(struct member){.name = "g", .data = "ab", .mode = 0100600, .check = 1, .crc = true});
	cpio_init(&r, a.b, a.n);
	expect_entry(&r, "f", "ab", 0);
	expect_entry(&r, "l", "to", 0);
	expect_error(&a, a.n, 2, "checksum of file data is wrong");
}

static void test_cut_everywhere(void **state)
{
	struct archive a = {.n = 0};
	size_t ends;

	(void)state;
	put_file(&a, "one", "first data");
	put_file(&a, "two", "second");
	ends = a.n;
	put_trailer(&a);
	for (size_t size = 1; size < a.n; size++) {
		struct cpio_reader r;
		struct cpio_entry e;
		u8 *copy = malloc(size);
		int n, good = 0;

		memcpy(copy, a.b, size);
		cpio_init(&r, copy, size);
		while ((n = cpio_next(&r, &e)) == 1) {
			char sum = 0;

			for (size_t i = 0; i < e.size; i++)
				sum = (char)(sum + (char)e.data[i]);
			good += sum != 0;
		}
		/* Only the padding at the very end may be missing. */
		if (size >= ends + 110 + 11)
			assert_int_equal(n, 0);
		else
			assert_int_equal(n, -EINVAL);
		assert_int_equal(good, size < 116 + 10 ? 0 : size < ends - 2 ? 1 : 2);
		free(copy);
	}
}

static void damage(size_t at, const char *bytes, size_t n, const char *why)
{
	struct archive a = {.n = 0};

	put_file(&a, "name", "data");
	put_trailer(&a);
	memcpy(a.b + at, bytes, n);
	expect_error(&a, a.n, 0, why);
}

static void test_damage(void **state)
{
	struct archive a = {.n = 0};
	char name[5000];

	(void)state;
	damage(0, "070707", 6, "old cpio format (newc is needed)");
	damage(0, "070703", 6, "bad header magic");
	damage(0, "0x", 2, "bad header magic");
	damage(6, "0000000g", 8, "bad hexadecimal number in a header");
	damage(6, "      +1", 8, "bad hexadecimal number in a header");
	damage(94, "00000000", 8, "empty name");
	damage(94, "00000004", 8, "name without its final NUL");
	damage(94, "fffffff0", 8, "name beyond the end of the archive");
	damage(94, "00001000", 8, "name beyond the end of the archive");
	damage(54, "ffffffff", 8, "file data beyond the end of the archive");
	damage(54, "7fffffff", 8, "file data beyond the end of the archive");
	damage(54, "00001000", 8, "file data beyond the end of the archive");
	memset(name, 'n', sizeof(name));
	name[4096] = '\0';
	put_file(&a, name, "");
	expect_error(&a, a.n, 0, "name too long");
	name[4095] = '\0';
	a.n = 0;
	put_file(&a, name, "");
	expect_error(&a, a.n, 1, "archive without TRAILER!!!");
	a.n = 0;
	put_file(&a, "x", "");
	put_trailer(&a);
	a.b[a.n++] = 0;
	put_file(&a, "y", "");
	expect_error(&a, a.n, 1, "header at an odd offset");
}

static void test_gnu_cpio(void **state)
{
	static u8 buf[65536];
	struct cpio_reader r;
	struct cpio_entry e;
	FILE *p = popen(
		"d=$(mktemp -d) && cd $d && echo hello >a && ln a b && ln -s a c && mkdir d && "
		"find . | sort | cpio --quiet -o -H newc; rm -rf \"$d\"",
		"r");
	size_t n;
	int links = 0, all = 0;

	(void)state;
	assert_non_null(p);
	n = fread(buf, 1, sizeof(buf), p);
	pclose(p);
	if (n == 0)
		skip();
	cpio_init(&r, buf, n);
	while (cpio_next(&r, &e) == 1) {
		all++;
		if (strcmp(e.name, "c") == 0)
			assert_memory_equal(e.data, "a", e.size);
		if (e.nlink != 2 || (e.mode & 0170000) != 0100000)
			continue;
		links++;
		assert_int_equal(e.size, links == 2 ? 6 : 0); /* the last one has the data */
	}
	assert_null(r.error);
	assert_int_equal(all, 5);
	assert_int_equal(links, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),	       cmocka_unit_test(test_concatenated),
		cmocka_unit_test(test_padded_name),    cmocka_unit_test(test_checksum),
		cmocka_unit_test(test_cut_everywhere), cmocka_unit_test(test_damage),
		cmocka_unit_test(test_gnu_cpio),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
