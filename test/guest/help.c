// SPDX-License-Identifier: MIT
// What many tests need: raw calls, caught faults, counted signals, memory and files to test with.
#include "test.h"

#include <cpuid.h>
#include <setjmp.h>
#include <ucontext.h>

#ifdef __i386__
// INT 0x80 with all six arguments; ebp is the last one and the frame pointer of nobody here.
__asm__(".globl sys_raw\n.type sys_raw,@function\n"
	"sys_raw:\n\tpush %ebp\n\tpush %ebx\n\tpush %esi\n\tpush %edi\n"
	"\tmov 20(%esp),%eax\n\tmov 24(%esp),%ebx\n\tmov 28(%esp),%ecx\n\tmov 32(%esp),%edx\n"
	"\tmov 36(%esp),%esi\n\tmov 40(%esp),%edi\n\tmov 44(%esp),%ebp\n\tint $0x80\n"
	"\tpop %edi\n\tpop %esi\n\tpop %ebx\n\tpop %ebp\n\tret\n.size sys_raw,.-sys_raw\n");
#else
sreg_t sys_raw(reg_t nr, reg_t a, reg_t b, reg_t c, reg_t d, reg_t e, reg_t f)
{
	register reg_t r10 __asm__("r10") = d;
	register reg_t r8 __asm__("r8") = e;
	register reg_t r9 __asm__("r9") = f;
	sreg_t result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}
#endif

/* --- faults --- */

struct caught caught;
static sigjmp_buf caught_jump;

static void caught_handler(int sig, siginfo_t *info, void *context)
{
	greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;

	caught.sig = sig;
	caught.info = *info;
#ifdef __i386__
	caught.ip = (u32)g[REG_EIP];
	caught.sp = (u32)g[REG_ESP];
	caught.cr2 = (u32)((ucontext_t *)context)->uc_mcontext.cr2;
#else
	caught.ip = (u64)g[REG_RIP];
	caught.sp = (u64)g[REG_RSP];
	caught.cr2 = (u64)g[REG_CR2];
#endif
	caught.flags = (u32)g[REG_EFL];
	caught.trapno = (u32)g[REG_TRAPNO];
	caught.error = (u32)g[REG_ERR];
	siglongjmp(caught_jump, 1);
}

int caught_run(void (*run)(void *), void *arg)
{
	static const int sigs[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGSYS};
	static char stack[65536] __attribute__((aligned(16)));
	struct sigaction old[COUNT(sigs)];
	struct sigaction act = {.sa_sigaction = caught_handler,
				.sa_flags = SA_SIGINFO | SA_ONSTACK};
	stack_t alt = {.ss_sp = stack, .ss_size = sizeof(stack)}, old_alt;

	sigemptyset(&act.sa_mask);
	sigaltstack(&alt, &old_alt);
	for (unsigned i = 0; i < COUNT(sigs); i++)
		sigaction(sigs[i], &act, &old[i]);
	memset(&caught, 0, sizeof(caught));
	if (!sigsetjmp(caught_jump, 1))
		run(arg);
	for (unsigned i = 0; i < COUNT(sigs); i++)
		sigaction(sigs[i], &old[i], NULL);
	sigaltstack(&old_alt, NULL);
	return caught.sig;
}

static void do_read(void *at)
{
	(void)*(const volatile char *)at;
}

static void do_write(void *at)
{
	*(volatile char *)at = 1;
}

static void do_exec(void *at)
{
	((void (*)(void))(uintptr_t)at)();
}

int touch_read(const volatile void *at)
{
	return caught_run(do_read, (void *)(uintptr_t)at);
}

int touch_write(volatile void *at)
{
	return caught_run(do_write, (void *)(uintptr_t)at);
}

int touch_exec(const void *at)
{
	return caught_run(do_exec, (void *)(uintptr_t)at);
}

/* --- signals --- */

volatile int handled_count, handled_sig;
siginfo_t handled_info;

static void handled(int sig, siginfo_t *info, void *context)
{
	(void)context;
	handled_info = *info;
	handled_sig = sig;
	handled_count++;
}

void handle_with(int sig, int flags, void (*f)(int, siginfo_t *, void *))
{
	struct sigaction act = {.sa_sigaction = f, .sa_flags = flags | SA_SIGINFO};

	sigemptyset(&act.sa_mask);
	sigaction(sig, &act, NULL);
}

void handle(int sig, int flags)
{
	handled_count = 0;
	handled_sig = 0;
	handle_with(sig, flags, handled);
}

sigset_t sigset_of(int sig)
{
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, sig);
	return s;
}

/* --- time, memory, files --- */

u64 now_ns(clockid_t clock)
{
	struct timespec ts = {0};

	clock_gettime(clock, &ts);
	return (u64)ts.tv_sec * 1000000000 + (u64)ts.tv_nsec;
}

void sleep_ms(unsigned ms)
{
	struct timespec ts = {ms / 1000, ms % 1000 * 1000000};

	while (nanosleep(&ts, &ts) < 0 && errno == EINTR)
		;
}

void *map_pages(unsigned n)
{
	void *p = mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		test_fail("mmap of %u pages: %s", n, strerror(errno));
		test_end();
	}
	return p;
}

// In the middle of an unmapped hole, so that neighbours don't matter.
void *map_bad(void)
{
	static char *hole;

	if (!hole) {
		hole = map_pages(64);
		munmap(hole, 64 * PAGE);
		hole += 32 * PAGE;
	}
	return hole;
}

void *map_edge(void)
{
	char *p = map_pages(2);

	mprotect(p + PAGE, PAGE, PROT_NONE);
	return p + PAGE;
}

int file_with(const char *name, const char *content)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
	ssize_t n = (ssize_t)strlen(content);

	if (fd < 0 || write(fd, content, (size_t)n) != n || lseek(fd, 0, SEEK_SET) != 0)
		test_fail("cannot make file %s: %s", name, strerror(errno));
	return fd;
}

u64 cpu_flags(void)
{
#ifdef __i386__
	u32 f;
	__asm__ volatile("pushfl; popl %0" : "=r"(f));
#else
	u64 f;
	__asm__ volatile("pushfq; popq %0" : "=r"(f));
#endif
	return f;
}

bool cpu_is_amd(void)
{
	unsigned a, b = 0, c, d;

	__get_cpuid(0, &a, &b, &c, &d);
	return b == signature_AMD_ebx || b == 0x6f677948; // or Hygon
}

const char *self_path(void)
{
	static char path[4096];

	if (!path[0]) {
		ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

		if (n <= 0)
			snprintf(path, sizeof(path), "%s", test_argv[0]);
	}
	return path;
}

u64 rnd(u64 *state)
{
	u64 x = *state += 0x9e3779b97f4a7c15ull;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	return x ^ (x >> 31);
}

// The kernel's half as Linux and Postern lay it out, its ends, holes, the user's last page.
const u64 hostile_addresses[] = {
#ifdef __i386__
	0xfffffffc, 0xffffffff, 0xfffff000, 0xffffe000, 0x1000, 0xffff8000,
#else
	0xffff800000000000,
	0xffffffff80000000,
	0xffffffff81000000,
	0xffffffffffffffff,
	0xfffffffffffffff8,
	0xffff888000000000,
	0x800000000000,
	0x8000000000000000,
	0x7ffffffff000,
	0x7fffffffffff,
	0x1000,
	0xffffffffff600000,
#endif
};
const unsigned hostile_count = COUNT(hostile_addresses);

CHILD_PROGRAM(status)
{
	return argc > 1 ? atoi(argv[1]) : 0;
}
