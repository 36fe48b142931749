// SPDX-License-Identifier: MIT
/*
 * lib/elf.c: a minimal program in each class, changed field by field. The x86-64 rows also go to
 * the host's execve: it must say ENOEXEC exactly where we do.
 */
#include "test/unit/unit.h"

#include <elf.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define _LINUX_ELF_H /* the same names as <elf.h>, which a hosted program needs anyway */
#include "lib/elf.h"

struct file {
	u8 *b;
	size_t n;
	long fail; /* error of every read */
};

static long file_read(void *ctx, u64 off, void *buf, size_t len)
{
	struct file *f = ctx;

	if (f->fail)
		return f->fail;
	if (off >= f->n)
		return 0;
	len = (size_t)MIN((u64)len, f->n - off);
	memcpy(buf, f->b + off, len);
	return (long)len;
}

#define PH_AT  64
#define FILE_N 8192
#define BASE   0x400000

/* exit_group(0), in 64-bit code. */
static const u8 code64[] = {0xb8, 0xe7, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05};

struct elf64 {
	Elf64_Ehdr h;
	Elf64_Phdr ph[140];
};

union image {
	struct elf64 e64;
	u8 b[FILE_N + 4096];
};

static void make64(union image *im)
{
	memset(im, 0, sizeof(*im));
	memcpy(im->e64.h.e_ident, ELFMAG "\2\1\1", 7);
	im->e64.h.e_type = ET_EXEC;
	im->e64.h.e_machine = EM_X86_64;
	im->e64.h.e_version = 1;
	im->e64.h.e_phoff = PH_AT;
	im->e64.h.e_phentsize = sizeof(Elf64_Phdr);
	im->e64.h.e_ehsize = sizeof(Elf64_Ehdr);
	im->e64.h.e_phnum = 2;
	im->e64.h.e_entry = BASE + 0x1f00;
	im->e64.ph[0] = (Elf64_Phdr){.p_type = PT_LOAD,
				     .p_flags = PF_R | PF_X,
				     .p_vaddr = BASE,
				     .p_filesz = 0x2000,
				     .p_memsz = 0x2000,
				     .p_align = 4096};
	im->e64.ph[1] = (Elf64_Phdr){.p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W};
	memcpy(im->b + 0x1f00, code64, sizeof(code64));
}

static int parse(struct elf_image *out, const union image *im, size_t n)
{
	struct file f = {(u8 *)im->b, n, 0};

	return elf_parse(out, im->b, MIN(n, (size_t)256), file_read, &f);
}

static void test_whole64(void **state)
{
	static union image im;
	struct elf_image e;

	(void)state;
	make64(&im);
	im.e64.h.e_phnum = 5;
	im.e64.ph[2] = (Elf64_Phdr){.p_type = PT_LOAD,
				    .p_flags = PF_R | PF_W,
				    .p_vaddr = BASE + 0x3010,
				    .p_offset = 0x1010,
				    .p_filesz = 0x20,
				    .p_memsz = 0x2345,
				    .p_align = 0x10000};
	im.e64.ph[3] = (Elf64_Phdr){.p_type = PT_INTERP, .p_offset = 0x1e00, .p_filesz = 7};
	im.e64.ph[4] = (Elf64_Phdr){.p_type = PT_TLS, .p_vaddr = BASE + 0x3010, .p_memsz = 0x40};
	memcpy(im.b + 0x1e00, "/ld.so", 7);
	assert_int_equal(parse(&e, &im, FILE_N), 0);
	assert_int_equal(e.elf_class, ELFCLASS64);
	assert_int_equal(e.machine, EM_X86_64);
	assert_int_equal(e.type, ET_EXEC);
	assert_int_equal(e.stack, ELF_STACK_NOEXEC);
	assert_int_equal(e.entry, BASE + 0x1f00);
	assert_int_equal(e.phdr_vaddr, BASE + PH_AT);
	assert_int_equal(e.phnum, 5);
	assert_int_equal(e.nsegs, 2);
	assert_int_equal(e.segs[1].vaddr, BASE + 0x3010);
	assert_int_equal(e.segs[1].memsz, 0x2345);
	assert_int_equal(e.segs[1].flags, PF_R | PF_W);
	assert_int_equal(e.span_start, BASE);
	assert_int_equal(e.span_end, BASE + 0x6000);
	assert_int_equal(e.brk_end, BASE + 0x5355);
	assert_int_equal(e.file_end, 0x2000);
	assert_int_equal(e.align, 0x10000);
	assert_int_equal(e.interp_off, 0x1e00);
	assert_int_equal(e.interp_len, 7);
	assert_int_equal(e.tls.memsz, 0x40);
	assert_false(e.overlaps);
	assert_false(elf_is_x32(&e));
	assert_int_equal(elf_check_limit(&e, 0, BASE + 0x6000), 0);
	assert_int_equal(elf_check_limit(&e, 1, BASE + 0x6000), -EINVAL);
	assert_int_equal(elf_check_limit(&e, UINT64_MAX - 5, UINT64_MAX), -EINVAL);
}

static void test_interp(void **state)
{
	static union image im;
	struct file f = {im.b, FILE_N, 0};
	struct elf_image e;
	char buf[16];

	(void)state;
	make64(&im);
	im.e64.ph[1] = (Elf64_Phdr){.p_type = PT_INTERP, .p_offset = 0x1e00, .p_filesz = 7};
	memcpy(im.b + 0x1e00, "/ld.so", 7);
	assert_int_equal(parse(&e, &im, FILE_N), 0);
	assert_int_equal(e.stack, ELF_STACK_DEFAULT);
	assert_int_equal(elf_read_interp(&e, file_read, &f, buf, sizeof(buf)), 0);
	assert_string_equal(buf, "/ld.so");
	assert_int_equal(elf_read_interp(&e, file_read, &f, buf, 6), -EINVAL);
	im.b[0x1e06] = 'x';
	assert_int_equal(elf_read_interp(&e, file_read, &f, buf, sizeof(buf)), -ENOEXEC);
	f.n = 0x1e05;
	assert_int_equal(elf_read_interp(&e, file_read, &f, buf, sizeof(buf)), -EIO);
	f.fail = -EINTR;
	assert_int_equal(elf_read_interp(&e, file_read, &f, buf, sizeof(buf)), -EINTR);
}

static void make32(union image *im, u16 machine)
{
	Elf32_Ehdr h = {.e_type = ET_DYN,
			.e_machine = machine,
			.e_phoff = 52,
			.e_entry = 0x123,
			.e_phentsize = sizeof(Elf32_Phdr),
			.e_phnum = 2};
	Elf32_Phdr ph[2] = {
		{.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_filesz = 0x1000, .p_memsz = 0x1800},
		{.p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W | PF_X},
	};

	memset(im, 0, sizeof(*im));
	memcpy(h.e_ident, ELFMAG "\1\1\1", 7);
	memcpy(im->b, &h, sizeof(h));
	memcpy(im->b + 52, ph, sizeof(ph));
}

static void test_whole32(void **state)
{
	static const u16 machines[] = {EM_386, EM_X86_64, 6 /* EM_486 */};
	static union image im;
	struct elf_image e;
	Elf32_Phdr *ph = (Elf32_Phdr *)(im.b + 52);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
		make32(&im, machines[i]);
		assert_int_equal(parse(&e, &im, FILE_N), 0);
		assert_int_equal(e.elf_class, ELFCLASS32);
		assert_int_equal(e.machine, machines[i] == EM_X86_64 ? EM_X86_64 : EM_386);
		assert_int_equal(elf_is_x32(&e), machines[i] == EM_X86_64);
		assert_int_equal(e.type, ET_DYN);
		assert_int_equal(e.stack, ELF_STACK_EXEC);
		assert_int_equal(e.span_end, 0x2000);
		assert_int_equal(e.phdr_vaddr, 52);
	}
	ph[0].p_vaddr = 0xfffff000;
	assert_int_equal(parse(&e, &im, FILE_N), -EINVAL);
	ph[0].p_memsz = 0x1000;
	assert_int_equal(parse(&e, &im, FILE_N), 0);
	assert_true(e.span_end == BIT(32));
	assert_int_equal(elf_check_limit(&e, 0, 0xffffe000), -EINVAL);
}

/* What the kernel says: the errno of execve, or 0 when the old image was given up (it ran, or was
 * killed). */
static int exec_on_host(const u8 *b, size_t n)
{
	char path[64];
	int p[2], fd, err = 0, status;
	pid_t pid;

	snprintf(path, sizeof(path), "/tmp/postern-elf-%d", (int)getpid());
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0700);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, b, n), n);
	close(fd);
	assert_int_equal(pipe(p), 0);
	fcntl(p[1], F_SETFD, FD_CLOEXEC); /* an exec that goes through leaves the pipe empty */
	pid = fork();
	if (pid == 0) {
		struct rlimit none = {0, 0};

		setrlimit(RLIMIT_CORE, &none);
		alarm(5);
		execl(path, path, (char *)NULL);
		err = errno;
		_exit(write(p[1], &err, sizeof(err)) < 0);
	}
	close(p[1]);
	if (read(p[0], &err, sizeof(err)) < 0)
		err = -1;
	close(p[0]);
	waitpid(pid, &status, 0);
	unlink(path);
	return err;
}

struct row {
	const char *what;
	int err;
	size_t n; /* file size, 0: all */
	void (*change)(union image *im);
};

#define ROW(name, body)                            \
	static void change_##name(union image *im) \
	{                                          \
		Elf64_Ehdr *h = &im->e64.h;        \
		Elf64_Phdr *ph = im->e64.ph;       \
		(void)h, (void)ph;                 \
		body;                              \
	}

static void many_notes(union image *im, u16 n)
{
	for (u16 i = 1; i < n; i++)
		im->e64.ph[i].p_type = PT_NOTE;
	im->e64.h.e_phnum = n;
}

ROW(none, )
ROW(magic, h->e_ident[1] = 'e')
ROW(ident, memset(h->e_ident + 4, 0xee, 12))
ROW(arm, h->e_machine = EM_AARCH64)
ROW(machine386, h->e_machine = EM_386)
ROW(rel, h->e_type = ET_REL)
ROW(core, h->e_type = ET_CORE)
ROW(phentsize, h->e_phentsize = 57)
ROW(phnum0, h->e_phnum = 0)
ROW(phnum139, many_notes(im, 139))
ROW(phnum_max, h->e_phnum = 0xffff)
ROW(phoff_end, h->e_phoff = FILE_N - 111)
ROW(phoff_far, h->e_phoff = 1ull << 40)
ROW(phoff_neg, h->e_phoff = ~0ull - 10)
ROW(interp_long, ph[1].p_type = PT_INTERP; ph[1].p_offset = 0x1000; ph[1].p_filesz = PATH_MAX + 1)
ROW(interp_short, ph[1].p_type = PT_INTERP; ph[1].p_offset = 0x1000; ph[1].p_filesz = 1)
ROW(no_load, ph[0].p_type = PT_NULL; h->e_type = ET_DYN)
ROW(filesz, ph[0].p_filesz = 0x2001)
ROW(wraps, ph[0].p_memsz = ~0ull - 5)
ROW(vaddr, ph[0].p_vaddr = 1ull << 63)
ROW(misaligned, ph[0].p_offset = 1)
ROW(offset, ph[0].p_offset = ~0xfffull; ph[0].p_filesz = 0x2000)
ROW(big_align, ph[0].p_align = 3)
ROW(ehdr_only, )
ROW(empty_load, ph[1].p_type = PT_LOAD; ph[1].p_memsz = 0; ph[1].p_vaddr = 0x1234000)

static const struct row rows[] = {
#define R(name, err, n)                      \
	{                                    \
#name, err, n, change_##name \
	}
	R(none, 0, 0),
	R(magic, -ENOEXEC, 0),
	R(ident, 0, 0),
	R(arm, -ENOEXEC, 0),
	R(machine386, -ENOEXEC, 0),
	R(rel, -ENOEXEC, 0),
	R(core, -ENOEXEC, 0),
	R(phentsize, -ENOEXEC, 0),
	R(phnum0, -ENOEXEC, 0),
	R(phnum139, 0, 0),
	R(phnum_max, -ENOEXEC, 0),
	R(phoff_end, -ENOEXEC, 0),
	R(phoff_far, -ENOEXEC, 0),
	R(phoff_neg, -ENOEXEC, 0),
	R(interp_long, -ENOEXEC, 0),
	R(interp_short, -ENOEXEC, 0),
	R(no_load, -EINVAL, 0),
	R(filesz, -EINVAL, 0),
	R(wraps, -EINVAL, 0),
	R(vaddr, -EINVAL, 0),
	R(misaligned, -EINVAL, 0),
	R(offset, -EINVAL, 0),
	R(big_align, 0, 0),
	R(ehdr_only, -ENOEXEC, 64),
	R(empty_load, 0, 0),
#undef R
};

static void test_rows(void **state)
{
	static union image im;
	struct elf_image e;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t n = rows[i].n ? rows[i].n : FILE_N;
		int err;

		make64(&im);
		rows[i].change(&im);
		err = parse(&e, &im, n);
		if (err != rows[i].err)
			print_error("%s: %s\n", rows[i].what, e.error);
		assert_int_equal(err, rows[i].err);
		if (err)
			assert_non_null(e.error);
	}
}

static void test_same_on_host(void **state)
{
	static union image im;

	(void)state;
	make64(&im);
	if (exec_on_host(im.b, FILE_N) == EACCES)
		skip(); /* /tmp is mounted noexec */
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int got;

		/* Linux before 6.17 wants all program headers in one page: there this row is
		 * ENOEXEC. */
		if (rows[i].change == change_phnum139)
			continue;
		make64(&im);
		rows[i].change(&im);
		got = exec_on_host(im.b, rows[i].n ? rows[i].n : FILE_N);
		/* 0: it ran, or, where we say -EINVAL, it was killed after the old image was gone.
		 */
		if (got != (rows[i].err == -ENOEXEC ? ENOEXEC : 0))
			print_error("%s: the host says %d\n", rows[i].what, got);
		assert_int_equal(got, rows[i].err == -ENOEXEC ? ENOEXEC : 0);
	}
}

static void test_overlaps(void **state)
{
	static union image im;
	struct elf_image e;

	(void)state;
	make64(&im);
	im.e64.ph[1] = im.e64.ph[0];
	im.e64.ph[1].p_vaddr = BASE + 0x1000;
	assert_int_equal(parse(&e, &im, FILE_N), 0);
	assert_true(e.overlaps);
	im.e64.ph[1].p_vaddr = BASE + 0x2000;
	assert_int_equal(parse(&e, &im, FILE_N), 0);
	assert_false(e.overlaps);
	im.e64.ph[1].p_vaddr = BASE - 0x2000;
	assert_int_equal(parse(&e, &im, FILE_N), 0);
	assert_true(e.overlaps);
	assert_int_equal(e.span_start, BASE - 0x2000);
	assert_int_equal(e.span_end, BASE + 0x2000);
}

static void test_segment_limit(void **state)
{
	static union image im;
	struct elf_image e;

	(void)state;
	make64(&im);
	for (u16 i = 1; i < 40; i++) {
		im.e64.ph[i] = im.e64.ph[0];
		im.e64.ph[i].p_vaddr += i * 0x2000ull;
	}
	im.e64.h.e_phnum = ELF_SEGS_MAX;
	assert_int_equal(parse(&e, &im, FILE_N), 0);
	assert_int_equal(e.nsegs, ELF_SEGS_MAX);
	im.e64.h.e_phnum = ELF_SEGS_MAX + 1;
	assert_int_equal(parse(&e, &im, FILE_N), -ENOEXEC);
}

static void test_short_head(void **state)
{
	static union image im;
	struct elf_image e;

	(void)state;
	make64(&im);
	for (size_t n = 0; n < 64; n++) {
		u8 *copy = malloc(n ? n : 1);
		struct file f = {im.b, FILE_N, 0};
		int err;

		memcpy(copy, im.b, n);
		err = elf_parse(&e, copy, n, file_read, &f);
		/* Only the section header fields at the end do not matter. */
		assert_int_equal(err, n < 57 ? -ENOEXEC : 0);
		free(copy);
	}
}

static void test_read_fails(void **state)
{
	static union image im;
	struct file f = {im.b, FILE_N, -EIO};
	struct elf_image e;

	(void)state;
	make64(&im);
	assert_int_equal(elf_parse(&e, im.b, 256, file_read, &f), -ENOEXEC);
}

static void test_self(void **state)
{
	struct file f = {NULL, 0, 0};
	FILE *self = fopen("/proc/self/exe", "rb");
	struct elf_image e;

	(void)state;
	assert_non_null(self);
	f.b = malloc(65536);
	f.n = fread(f.b, 1, 65536, self);
	fclose(self);
	assert_int_equal(elf_parse(&e, f.b, 256, file_read, &f), 0);
	assert_int_equal(e.type, ET_DYN);
	assert_true(e.nsegs >= 2 && e.interp_len > 2 && e.phdr_vaddr == 64);
	free(f.b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole64),	      cmocka_unit_test(test_interp),
		cmocka_unit_test(test_whole32),	      cmocka_unit_test(test_rows),
		cmocka_unit_test(test_same_on_host),  cmocka_unit_test(test_overlaps),
		cmocka_unit_test(test_segment_limit), cmocka_unit_test(test_short_head),
		cmocka_unit_test(test_read_fails),    cmocka_unit_test(test_self),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
