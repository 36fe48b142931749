// SPDX-License-Identifier: MIT
// Arguments on their way in: all six by every entry, the sixth of SYSENTER and compat SYSCALL in
// user memory (hazard 15), sign and width of int arguments in 64-bit registers (hazard 5), results.
#include "test/guest/entry.h"

#include <poll.h>
#include <ucontext.h>

// mmap with all six in use: a file's second page at a fixed place.
TEST(six_by_every_way)
{
	char content[2 * PAGE];
	int fd = open("six", O_RDWR | O_CREAT, 0644);

	memset(content, 'a', PAGE);
	memset(content + PAGE, 'b', PAGE);
	MUST(write(fd, content, sizeof(content)) == sizeof(content));
	FOR_WAYS(way)
	{
		char *place = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | 0x40, -1,
				   0);
		u64 nr = way->table64 ? WAY_NR64(mmap) : (u64)I386_NR_mmap2;
		u64 offset = way->table64 ? PAGE : 1;

		MUST(place != MAP_FAILED);
		struct entry_state before;
		entry_set(way, &entry_frame.st, nr,
			  (u64[6]){(uintptr_t)place, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED,
				   (u64)fd, offset});
		before = entry_frame.st;
		way->run(&entry_frame.st);
		s64 got = (s64)entry_frame.st.rax;
		EQ(way->table64 || way->code64 ? (u64)got : (u32)got, (uintptr_t)place);
		entry_check_regs(way, &before, &entry_frame.st);
		EQ(touch_read(place), 0);
		EQ(*place, 'b');
		munmap(place, PAGE);
	}
	close(fd);
}

#ifdef __i386__
// The instruction right before the kernel is entered; %ebp or %esp then is where argument six lies.
__asm__(".text\n.globl fault_sysenter,fault_syscall32\n"
	"fault_sysenter:\n\tmov 4(%esp),%ecx\n\tmov 8(%esp),%edx\n\tmov %ecx,%ebp\n\tmov "
	"%edx,%eax\n"
	"\tsysenter\n\tud2\n"
	"fault_syscall32:\n\tmov 4(%esp),%ecx\n\tmov 8(%esp),%edx\n\tmov %ecx,%esp\n\tmov "
	"%edx,%eax\n"
	"\tmov %ecx,%ebp\n\tsyscall\n\tud2\n");
void fault_sysenter(u32 at, u32 nr);
void fault_syscall32(u32 at, u32 nr);

static u64 fault_result;

// The kernel gives -EFAULT in eax and goes on in the vDSO, whose first pop faults again: the
// registers of that second fault are what this test looks at.
static void fault_handler(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)info;
	ucontext_t *uc = context;
	fault_result = (u32)uc->uc_mcontext.gregs[REG_EAX];
	_exit((s32)fault_result == -EFAULT ? 5 : (s32)fault_result == -ENOSYS ? 7 : 6);
}

static void sixth_faults(void (*run)(u32, u32), u32 at, u32 nr)
{
	static char stack[65536];
	stack_t alt = {.ss_sp = stack, .ss_size = sizeof(stack)};
	pid_t pid = fork();

	if (!pid) {
		sigaltstack(&alt, NULL);
		handle_with(SIGSEGV, SA_ONSTACK, fault_handler);
		handle_with(SIGBUS, SA_ONSTACK, fault_handler);
		handle_with(SIGILL, SA_ONSTACK, fault_handler);
		run(at, nr);
		_exit(8);
	}
	ROW("sixth argument");
	int status = child_wait(pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 5)
		test_fail("argument six at %#x, number %u: status %#x, expected EFAULT (5)", at, nr,
			  status);
}

TEST_ON(I386, sixth_faults)
{
	u32 bad = (u32)(uintptr_t)map_bad(), edge = (u32)(uintptr_t)map_edge();
	const u32 at[] = {0,	    0x1000,	bad,	    bad + 2,	edge,
			  edge - 2, 0xfffffffc, 0xffffffff, 0xfffff000, 0xffffe000};

	for (unsigned i = 0; i < COUNT(at); i++) {
		if (way_usable(way_of(WAY_SYSENTER)))
			sixth_faults(fault_sysenter, at[i], I386_NR_getpid);
		if (way_usable(way_of(WAY_SYSCALL32)))
			sixth_faults(fault_syscall32, at[i], I386_NR_getpid);
	}
	EQ(sys(SYS_getpid), getpid());
}
#endif

// Hazard 5: an int in a 64-bit register counts with its low half only, whatever stands above.
TEST_ON(ABIS_CODE64, int_in_dirty_register)
{
	static const u64 highs[] = {1ull << 32, 0xffffffffull << 32, 0x80000000ull << 32};
	char buffer[16];
	int fd = file_with("dirty", "0123456789");

	for (unsigned i = 0; i < COUNT(highs); i++) {
		u64 h = highs[i];

		EQ(sys(SYS_read, h | (u32)fd, buffer, 4), 4);
		EQ(sys(SYS_lseek, h | (u32)fd, 0, h | SEEK_SET), 0);
		EQ(sys(SYS_write, h | (u32)fd, "0", 1), 1);
		s64 copy = OK(sys(SYS_dup, h | (u32)fd));
		EQ(sys(SYS_fcntl, h | (u32)copy, h | F_GETFD, 0), 0);
		EQ(sys(SYS_dup2, h | (u32)fd, h | (u32)copy), copy);
		EQ(sys(SYS_close, h | (u32)copy), 0);
		EQ(sys(SYS_close, h | (u32)copy), -EBADF);
		EQ(sys(SYS_kill, h | (u32)getpid(), h | 0), 0);
		EQ(sys(SYS_getpgid, h), getpgrp());
		s64 by_at = OK(sys(SYS_openat, h | (u32)AT_FDCWD, "dirty", h | O_RDONLY, h));
		EQ(sys(SYS_close, by_at), 0);
		EQ(sys(SYS_access, "dirty", h | F_OK), 0);
		EQ(sys(SYS_wait4, h | (u32)-1, NULL, h | WNOHANG, NULL), -ECHILD);
		EQ(sys(SYS_umask, h | 022), 022);
		struct pollfd p = {.fd = fd, .events = POLLIN};
		EQ(sys(SYS_poll, &p, h | 1, h | 0), 1);
		EQ(sys(SYS_clock_gettime, h | CLOCK_MONOTONIC, buffer), 0);
		EQ(sys(SYS_clock_gettime, h | 77, buffer), -EINVAL);
		EQ(sys(SYS_tgkill, h | (u32)getpid(), h | (u32)getpid(), h), 0);
		EQ(sys(SYS_fchmod, h | (u32)fd, h | 0644), 0);
	}
}

// An int that is -1 as 0x00000000ffffffff: a negative number still.
TEST_ON(ABIS_CODE64, negative_int_zero_extended)
{
	EQ(sys(SYS_read, 0xffffffffull, NULL, 0), -EBADF);
	EQ(sys(SYS_openat, 0xffffff9cull, ".", O_RDONLY) >= 0, 1);
	EQ(sys(SYS_kill, 0xffffffffull, 1000), -EINVAL);
	EQ(sys(SYS_wait4, 0xffffffffull, NULL, WNOHANG, NULL), -ECHILD);
	void *p = AS_PTR(
		sys(SYS_mmap, 0, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, 0xffffffffull, 0));
	EQ(touch_read(p), 0);
	EQ(sys(SYS_fchownat, 0xffffff9cull, ".", 0xffffffffull, 0xffffffffull, 0), 0);
}

// A size counts with all 64 bits: nothing is cut to 32.
TEST_ON(X86_64, sizes_are_64_bits)
{
	char buffer[16];
	int fd = file_with("size", "0123456789");

	ERR(sys(SYS_rt_sigprocmask, 0, NULL, buffer, (1ull << 32) + 8), EINVAL);
	ERR(sys(SYS_ftruncate, fd, 1ull << 63), EINVAL);
	EQ(sys(SYS_lseek, fd, 0x123456789ll, SEEK_SET), 0x123456789ll);
	ERR(sys(SYS_mmap, 0, 1ull << 47, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), ENOMEM);
	EQ(sys(SYS_pread64, fd, buffer, 4, 0x100000002ll), 0);
	EQ(sys(SYS_pread64, fd, buffer, 4, 2), 4);
}

// i386 takes 64-bit offsets in two registers, low half first.
#ifdef __i386__
TEST_ON(I386, split_offsets)
{
	char buffer[16] = "";
	int fd = file_with("split", "0123456789");
	s64 where = 0;

	EQ(sys(SYS_pread64, fd, buffer, 2, 3, 0), 2);
	EQ(memcmp(buffer, "34", 2), 0);
	EQ(sys(SYS_pread64, fd, buffer, 2, 3, 1), 0);
	ERR(sys(SYS_pread64, fd, buffer, 2, 3, -1), EINVAL);
	EQ(sys(SYS_pwrite64, fd, "x", 1, 5, 0), 1);
	EQ(sys(SYS__llseek, fd, 1, 0x23456789, &where, SEEK_SET), 0);
	EQ(where, 0x123456789ll);
	// Linux's 64-bit kernels cut this result to the register; a 32-bit one said EOVERFLOW.
	EQ(sys(SYS_lseek, fd, 0, SEEK_CUR), 0x23456789);
	// Without O_LARGEFILE a descriptor makes nothing larger than 2 GiB, in ftruncate64 too.
	ERR(sys(SYS_ftruncate64, fd, 7, 1), EINVAL);
	fd = (int)OK(sys(SYS_open, "split", O_RDWR | 0100000));
	EQ(sys(SYS_ftruncate64, fd, 7, 1), 0);
	struct stat64 st;
	OKC(fstat64(fd, &st));
	EQ(st.st_size, 0x100000007ll);
	ERR(sys(SYS_fstat, fd, entry_frame.stack), EOVERFLOW);
	if (!on_oracle()) // Linux 6.1's tmpfs does not look at the size
		ERR(sys(SYS_open, "split", O_RDONLY), EOVERFLOW);
	EQ(sys(SYS_truncate64, "split", 0, 2), 0);
	OKC(fstat64(fd, &st));
	EQ(st.st_size, 0x200000000ll);
	EQ(sys(SYS_ftruncate64, fd, 4, 0), 0);
}
#endif
