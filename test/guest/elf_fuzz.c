// SPDX-License-Identifier: MIT
// Programs with broken headers: an errno or a signal of their own, never more. First the cases that
// an author of such files thinks of, then random ones from a printed seed.
#include "test/guest/test.h"
#include "test/guest/tiny.h"

#include <sys/resource.h>

static int run_program(const char *name)
{
	pid_t pid = vfork();

	if (!pid) {
		static char *argv[] = {"fuzz", NULL};
		struct rlimit cpu = {1, 2};
		setrlimit(RLIMIT_CPU, &cpu);
		sys(SYS_execve, name, argv, argv + 1);
		_exit(126);
	}
	int status = -1;
	// A mutant may run for ever, but has one second of processor time.
	waitpid(pid, &status, 0);
	return status;
}

static void limits(void)
{
	struct rlimit core = {0, 0}, size = {1u << 30, 1u << 30};

	setrlimit(RLIMIT_CORE, &core);
	setrlimit(RLIMIT_AS, &size);
}

// Each field of the ELF header and of a program header with each of these values.
TEST_FULL(ABIS_ALL, 30, header_fields)
{
	static const u64 values[] = {0,		 1,	     2,		 3,	    0x7f,   0xff,
				     0x200,	 0xfff,	     0x1000,	 0x7fff,    0xffff, 0x10000,
				     0x7fffffff, 0x80000000, 0xfffff000, 0xffffffff};
	struct tiny t;
	unsigned runs = 0;

	limits();
	tiny_make(&t, TINY_SELF);
	unsigned end = TINY_SELF == TINY_X86_64 ? 64 + 56 : 52 + 32;
	for (unsigned at = 4; at < end; at += 2)
		for (unsigned v = 0; v < COUNT(values); v += 1 + (at & 4)) {
			tiny_make(&t, TINY_SELF);
			memcpy(t.bytes + at, &values[v], at < 16 ? 1 : at & 2 ? 2 : 4);
			if (!tiny_write(&t, "mutant"))
				test_fail("cannot write");
			int status = run_program("./mutant");
			runs++;
			ROW("mutant");
			if (status == -1 || WIFSTOPPED(status))
				test_fail("header byte %u = %#llx: no end", at, values[v]);
		}
	TRUE(runs > 200);
	tiny_make(&t, TINY_SELF);
	MUST(tiny_write(&t, "good"));
	ROW("a good one afterwards");
	row_exited(run_program("./good"), TINY_GOOD);
}

TEST_FULL(ABIS_ALL, 30, random_mutants)
{
	u64 seed = 20240607, state = seed;
	struct tiny t;

	limits();
	for (int i = 0; i < 200; i++) {
		tiny_make(&t, (int)(rnd(&state) % 3));
		if (rnd(&state) & 1)
			tiny_add_interp(&t, rnd(&state) & 1 ? "./good" : "/dev/null");
		for (u64 n = 1 + rnd(&state) % 6; n; n--)
			t.bytes[rnd(&state) % (rnd(&state) & 1 ? 64 : TINY_CODE)] = (u8)rnd(&state);
		if (rnd(&state) % 8 == 0)
			t.size = (unsigned)(rnd(&state) % t.size);
		if (!tiny_write(&t, "mutant"))
			test_fail("cannot write");
		int status = run_program("./mutant");
		ROW("mutant");
		if (status == -1 || WIFSTOPPED(status))
			test_fail("seed %llu, mutant %d: no end", seed, i);
	}
	EQ(sys(SYS_getpid), getpid());
}

static int changed(void (*change)(struct tiny *t))
{
	struct tiny t;

	tiny_make(&t, TINY_SELF);
	change(&t);
	if (!tiny_write(&t, "changed"))
		return -1;
	pid_t pid = fork();
	if (!pid) {
		static char *argv[] = {"changed", NULL};
		_exit((int)-sys(SYS_execve, "./changed", argv, argv + 1));
	}
	return child_wait(pid);
}

#ifdef __LP64__
#define EH(t)	 (&(t)->eh64)
#define PH(t, i) tiny_phdr64(t, i)
#else
#define EH(t)	 (&(t)->eh32)
#define PH(t, i) tiny_phdr32(t, i)
#endif

// clang-format off
static void arm(struct tiny *t) { EH(t)->e_machine = EM_AARCH64; }
static void big_endian(struct tiny *t) { EH(t)->e_ident[EI_DATA] = ELFDATA2MSB; EH(t)->e_machine = EM_S390; }
static void relocatable(struct tiny *t) { EH(t)->e_type = ET_REL; }
static void core(struct tiny *t) { EH(t)->e_type = ET_CORE; }
static void no_segments(struct tiny *t) { EH(t)->e_phnum = 0; }
static void odd_phentsize(struct tiny *t) { EH(t)->e_phentsize = 33; }
static void phoff_behind_end(struct tiny *t) { EH(t)->e_phoff = 1 << 20; }
static void truncated(struct tiny *t) { t->size = 30; }
// clang-format on
static void kernel_vaddr(struct tiny *t)
{
#ifdef __LP64__
	PH(t, 0)->p_vaddr = 0xffffffff81000000;
#else
	PH(t, 0)->p_vaddr = 0xfffff000;
	PH(t, 0)->p_memsz = 0x2000;
#endif
}
static void misaligned(struct tiny *t)
{
	PH(t, 0)->p_offset = 1;
}
static void filesz_over_memsz(struct tiny *t)
{
	PH(t, 0)->p_memsz = 16;
}
static void memsz_huge(struct tiny *t)
{
	PH(t, 0)->p_memsz = (sizeof(long) == 8 ? (u64)-4096 : 0xfffff000);
}
static void pie(struct tiny *t)
{
	EH(t)->e_entry -= PH(t, 0)->p_vaddr;
	PH(t, 0)->p_vaddr = 0;
	EH(t)->e_type = ET_DYN;
}
static void bss(struct tiny *t)
{
	PH(t, 0)->p_flags |= PF_W;
	PH(t, 0)->p_memsz = 5 * PAGE + 7;
}
static void entry_nowhere(struct tiny *t)
{
	EH(t)->e_entry = 0x10;
}
static void not_executable(struct tiny *t)
{
	PH(t, 0)->p_flags = PF_R;
}
static void exec_stack(struct tiny *t)
{
	EH(t)->e_phnum = 2;
	PH(t, 1)->p_type = PT_GNU_STACK;
	PH(t, 1)->p_flags = PF_R | PF_W | PF_X;
}
static void interp_directory(struct tiny *t)
{
	tiny_add_interp(t, "/");
}
static void interp_empty(struct tiny *t)
{
	tiny_add_interp(t, "");
	PH(t, 1)->p_filesz = 1;
}
static void interp_endless(struct tiny *t)
{
	tiny_add_interp(t, "./good");
	t->bytes[TINY_INTERP + 6] = 'x'; // the last byte is no NUL
}

TEST(cases)
{
	static const struct {
		const char *name;
		void (*change)(struct tiny *);
		int code; // exit status: TINY_GOOD, an errno, or -signal; 0: any end
	} cases[] = {
		{"arm", arm, ENOEXEC},
		{"big endian", big_endian, ENOEXEC},
		{"relocatable", relocatable, ENOEXEC},
		{"core", core, ENOEXEC},
		{"no segments", no_segments, ENOEXEC},
		{"odd phentsize", odd_phentsize, ENOEXEC},
		{"phoff behind the end", phoff_behind_end, 0},
		{"truncated", truncated, ENOEXEC},
		{"kernel vaddr", kernel_vaddr, 0},
		{"misaligned", misaligned, 0},
		{"filesz over memsz", filesz_over_memsz, 0},
		{"memsz huge", memsz_huge, 0},
		{"position independent", pie, TINY_GOOD},
		{"bss", bss, TINY_GOOD},
		{"entry nowhere", entry_nowhere, -SIGSEGV},
		{"exec stack", exec_stack, TINY_GOOD},
		{"interp is a directory", interp_directory, EACCES},
		{"interp is empty", interp_empty, ENOEXEC},
		{"interp without end", interp_endless, ENOEXEC},
	};

	for (unsigned i = 0; i < COUNT(cases); i++) {
		int status = changed(cases[i].change);

		ROW(cases[i].name);
		if (cases[i].code > 0)
			row_exited(status, cases[i].code);
		else if (cases[i].code < 0)
			row_signalled(status, -cases[i].code);
		else
			row_true(status != -1 && (WIFSIGNALED(status) || WEXITSTATUS(status) != 0));
	}
	// READ_IMPLIES_EXEC is i386's and x32's: without PT_GNU_STACK all that is readable may be
	// executed.
	ROW("no PF_X, no PT_GNU_STACK");
	int status = changed(not_executable);
	if (TINY_SELF != TINY_X86_64)
		row_exited(status, TINY_GOOD);
	else
		row_signalled(status, SIGSEGV);
}
