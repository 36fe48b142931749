// SPDX-License-Identifier: MIT
// What a program finds at its start: the auxiliary vector, complete and right; the stack's layout.
#include "test/guest/test.h"

#include <cpuid.h>
#include <elf.h>
#include <link.h>

extern char __executable_start[];
extern void _start(void);

// From the vector itself: libc answers for AT_HWCAP and AT_PLATFORM what it thinks of the CPU.
static ElfW(auxv_t) * find(unsigned long type)
{
	char **e = environ;

	while (*e)
		e++;
	for (ElfW(auxv_t) *a = (void *)(e + 1); a->a_type != AT_NULL; a++)
		if (a->a_type == type)
			return a;
	return NULL;
}

static unsigned long value(unsigned long type)
{
	return find(type) ? find(type)->a_un.a_val : 0;
}

TEST(auxv)
{
	static const unsigned long types[] = {AT_SYSINFO_EHDR, AT_HWCAP,  AT_PAGESZ,
					      AT_CLKTCK,       AT_PHDR,	  AT_PHENT,
					      AT_PHNUM,	       AT_BASE,	  AT_FLAGS,
					      AT_ENTRY,	       AT_UID,	  AT_EUID,
					      AT_GID,	       AT_EGID,	  AT_SECURE,
					      AT_RANDOM,       AT_HWCAP2, AT_EXECFN,
					      AT_PLATFORM,     51 /* AT_MINSIGSTKSZ */};
	const ElfW(Ehdr) *eh = (void *)__executable_start;
	unsigned a = 0, b, c, d = 0;

	for (unsigned i = 0; i < COUNT(types); i++) {
		ROW("auxiliary vector");
		if (!find(types[i]))
			test_fail("entry %lu is missing", types[i]);
	}
#ifdef __i386__
	TRUE(find(AT_SYSINFO) != NULL);
#endif
	EQ(value(AT_PAGESZ), PAGE);
	EQ(value(AT_CLKTCK), 100);
	EQ(value(AT_PHDR), (uintptr_t)eh + eh->e_phoff);
	EQ(value(AT_PHENT), sizeof(ElfW(Phdr)));
	EQ(value(AT_PHNUM), eh->e_phnum);
	EQ(value(AT_BASE), 0);
	EQ(value(AT_FLAGS), 0);
	EQ(value(AT_ENTRY), (uintptr_t)_start);
	EQ(value(AT_UID), getuid());
	EQ(value(AT_EUID), geteuid());
	EQ(value(AT_GID), getgid());
	EQ(value(AT_EGID), getegid());
	EQ(value(AT_SECURE), 0);
	__get_cpuid(1, &a, &b, &c, &d);
	// Linux clears bits of features that it does not let programs use; none is invented.
	EQ((u32)value(AT_HWCAP) & ~d, 0);
	EQ(value(AT_HWCAP) & 0x06000000, 0x06000000); // SSE and SSE2
	const char *platform = AS_PTR(value(AT_PLATFORM));
	TRUE(platform &&
	     !strcmp(platform, ABI_THIS == X86_64 ? "x86_64" : "i686")); // x32 counts as compat
	const char *name = AS_PTR(value(AT_EXECFN));
	TRUE(name && strlen(name) > 0);
	TRUE(strstr(name, "guest-tests") != NULL);
	const u8 *random = AS_PTR(value(AT_RANDOM));
	MUST(random != NULL);
	int zeros = 0;
	for (int i = 0; i < 16; i++)
		zeros += random[i] == 0;
	BETWEEN(zeros, 0, 4);
	BETWEEN(value(51), 1024, 65536);
}

CHILD_PROGRAM(show_random)
{
	(void)argc;
	(void)argv;
	return write(3, AS_PTR(value(AT_RANDOM)), 16) == 16 ? 0 : 1;
}

TEST(random_bytes)
{
	u8 seen[2][16];
	int fds[2];

	OKC(pipe(fds));
	for (int i = 0; i < 2; i++) {
		EXITS(0, {
			dup2(fds[1], 3);
			execl(self_path(), "guest-tests", "--child", "show_random", NULL);
		});
		EQ(read(fds[0], seen[i], 16), 16);
	}
	TRUE(memcmp(seen[0], seen[1], 16) != 0);
}

CHILD_PROGRAM(show_names)
{
	const char *name = AS_PTR(value(AT_EXECFN));

	(void)argc;
	(void)argv;
	return name && !strcmp(name, "./linked") ? 5 : 1;
}

TEST(names)
{
	OKC(symlink(self_path(), "linked"));
	EXITS(5, { execl("./linked", "another name", "--child", "show_names", NULL); });
}

// The strings lie in order above the vectors, at the end of the stack: argv, environment, file
// name.
TEST(layout)
{
	char **e = environ;

	TRUE((uintptr_t)test_argv < (uintptr_t)environ);
	while (*e) {
		TRUE((uintptr_t)*e > (uintptr_t)test_argv);
		e++;
	}
	const char *name = AS_PTR(value(AT_EXECFN));
	TRUE((uintptr_t)name > (uintptr_t)test_argv[0]);
	EQ((uintptr_t)(test_argv - 1) % 16, 0); // argc lay at the stack pointer
	uintptr_t end = ((uintptr_t)name + PAGE - 1) & ~(uintptr_t)(PAGE - 1);
	// A null word ends the stack behind the file's name.
	EQ(*(u32 *)(end - 4), 0);
}
