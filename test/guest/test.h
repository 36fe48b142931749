// SPDX-License-Identifier: MIT
// The frame of the guest tests: one static binary per ABI that runs all or the named tests, each in
// a forked child with a time limit, and prints TAP. A test is a list of rows; a row that fails is
// reported with its place, its text, what was expected and what came. Everything here works the
// same under Postern and under Linux; GUEST_ON=postern in the environment says which one it is.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef int32_t s32;
typedef unsigned long long u64;
typedef long long s64;

// A general register as the ABI passes it, and a result of a call.
#ifdef __i386__
typedef u32 reg_t;
typedef s32 sreg_t;
#else
typedef u64 reg_t;
typedef s64 sreg_t;
#endif

enum {
	X86_64 = 1,
	I386 = 2,
	X32 = 4,
	ABIS_ALL = 7,
	ABIS_CODE64 = X86_64 | X32,
	ABIS_LONG32 = I386 | X32
};
#if defined(__i386__)
#define ABI_THIS I386
#define ABI_NAME "i386"
#elif defined(__ILP32__)
#define ABI_THIS X32
#define ABI_NAME "x32"
#else
#define ABI_THIS X86_64
#define ABI_NAME "x86_64"
#endif

struct test {
	const char *file, *name;
	void (*run)(void);
	unsigned abis, seconds;
};

// A test for some ABIs only; with its own time limit.
#define TEST_FULL(test_abis, limit, test_name)                                                    \
	static void test_##test_name(void);                                                       \
	static const struct test info_##test_name = {__FILE_NAME__, #test_name, test_##test_name, \
						     test_abis, limit};                           \
	static const struct test *const listed_##test_name                                        \
		__attribute__((section("guest_tests"), used)) = &info_##test_name;                \
	static void test_##test_name(void)
#define TEST_ON(test_abis, test_name) TEST_FULL(test_abis, 20, test_name)
#define TEST(test_name)		      TEST_FULL(ABIS_ALL, 20, test_name)

// A raw call of this ABI's own way in (SYSCALL, or INT 0x80 for i386): its result, errors negative.
sreg_t sys_raw(reg_t nr, reg_t a, reg_t b, reg_t c, reg_t d, reg_t e, reg_t f);
// A pointer is widened by zeros (gcc's own cast would copy x32's top bit), an int by its sign.
#define SYS_ARG(x) (__builtin_classify_type(x) == 5 ? (reg_t)(uintptr_t)(x) : (reg_t)(x))
#define SYS_7(nr, a, b, c, d, e, f, ...) \
	sys_raw((reg_t)(nr), SYS_ARG(a), SYS_ARG(b), SYS_ARG(c), SYS_ARG(d), SYS_ARG(e), SYS_ARG(f))
#define sys(...) SYS_7(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)

// Rows. The value of each is what came, so that later rows may use it.
void row_begin(const char *file, int line, const char *text);
s64 row_err(s64 got, int expected);
s64 row_err_of(s64 got, const int *list, int n);
s64 row_eq(s64 got, s64 expected);
s64 row_range(s64 got, s64 low, s64 high);
s64 row_ok(s64 got);
bool row_true(bool good);
#define ROW(text) row_begin(__FILE_NAME__, __LINE__, text)
// A call that fails with exactly this errno (a raw call's result: -errno).
#define ERR(call, e) (ROW(#call " → " #e), row_err(call, e))
// The same for a function of libc: -1 and errno.
#define ERRNO(call, e) (ROW(#call " → " #e), row_err((call) == -1 ? -errno : 0, e))
#define EQ(got, want)  (ROW(#got " == " #want), row_eq((s64)(got), (s64)(want)))
#define BETWEEN(got, low, high) \
	(ROW(#got " in " #low " … " #high), row_range((s64)(got), (s64)(low), (s64)(high)))
// A call that must not fail: raw (negative errno), or of libc (-1 and errno).
#define OK(call)   (ROW(#call), row_ok((s64)(call)))
#define OKC(call)  (ROW(#call), row_ok(row_libc((s64)(call))))
#define TRUE(cond) (ROW(#cond), row_true(cond))
static inline s64 row_libc(s64 r)
{
	return r == -1 ? -errno : r;
}

// A row whose failure makes the rest pointless.
#define MUST(cond)                  \
	do {                        \
		if (!TRUE(cond))    \
			test_end(); \
	} while (0)
__attribute__((noreturn)) void test_end(void);
__attribute__((noreturn, format(printf, 1, 2))) void test_skip(const char *format, ...);
__attribute__((format(printf, 1, 2))) void test_note(const char *format, ...);
__attribute__((format(printf, 1, 2))) void test_fail(const char *format, ...);
bool on_postern(void);
bool on_oracle(void); // Linux in QEMU
bool on_native(void); // neither
bool verbose_rows(void);
int test_failures(void); // of this process

const char *errno_name(int e);
const char *signal_text(int sig);

// Children: a block that runs in one and must end by this signal, or with this exit status.
int child_wait(pid_t pid);
void row_signalled(int status, int sig);
void row_exited(int status, int code);
#define CHILD(...)                     \
	({                             \
		pid_t child_ = fork(); \
		if (!child_) {         \
			__VA_ARGS__;   \
			_exit(0);      \
		}                      \
		child_wait(child_);    \
	})
#define SIGNALLED(sig, ...)                             \
	do {                                            \
		ROW("killed by " #sig);                 \
		row_signalled(CHILD(__VA_ARGS__), sig); \
	} while (0)
#define EXITS(code, ...)                              \
	do {                                          \
		ROW("exits " #code);                  \
		row_exited(CHILD(__VA_ARGS__), code); \
	} while (0)

// Faults that are caught: the statement runs, and a signal of `sigs` ends it.
// Returns the signal (0: none came) and leaves its siginfo and the registers of the fault.
struct caught {
	int sig;
	siginfo_t info;
	u64 ip, sp, flags, trapno, error, cr2;
};
extern struct caught caught;
int caught_run(void (*run)(void *), void *arg);
int touch_read(const volatile void *at); // the signal that a read of a byte raises, or 0
int touch_write(volatile void *at);
int touch_exec(const void *at); // calls it
// Row: reading (writing, calling) at this address raises sig with this code and si_addr.
#define FAULTS(touch, at, want_sig, want_code)                          \
	do {                                                            \
		const volatile void *at_ = (const volatile void *)(at); \
		EQ(touch((void *)(uintptr_t)at_), want_sig);            \
		EQ(caught.info.si_code, want_code);                     \
		EQ((uintptr_t)caught.info.si_addr, (uintptr_t)at_);     \
	} while (0)

// A signal's handler: count and the last siginfo. SA_SIGINFO is added.
extern volatile int handled_count;
extern volatile int handled_sig;
extern siginfo_t handled_info;
void handle(int sig, int flags);
void handle_with(int sig, int flags, void (*f)(int, siginfo_t *, void *));
sigset_t sigset_of(int sig);

u64 now_ns(clockid_t clock);
void sleep_ms(unsigned ms);
void *map_pages(unsigned n); // fresh private memory, read and write
void *map_bad(void);	     // an address that is surely not mapped, page-aligned
void *map_edge(void);	     // the end of a mapped page, behind which nothing is mapped
int file_with(const char *name, const char *content); // makes it; an open descriptor
u64 cpu_flags(void);
bool cpu_is_amd(void);
const char *self_path(void);
extern char **test_argv;

// One random sequence, from a seed that is printed on failure.
u64 rnd(u64 *state);

// Bad addresses for pointers. For 64-bit code some lie in the kernel's half.
extern const u64 hostile_addresses[];
extern const unsigned hostile_count;
#define COUNT(a)  (sizeof(a) / sizeof((a)[0]))
#define PAGE	  4096u
#define AS_PTR(x) ((void *)(uintptr_t)(x))

// Programs in this binary that tests execute: `guest-tests --child NAME ARGS…`.
struct child_program {
	const char *name;
	int (*run)(int argc, char **argv);
};
#define CHILD_PROGRAM(program)                                                                    \
	static int program_##program(int argc, char **argv);                                      \
	static const struct child_program info_program_##program = {#program, program_##program}; \
	static const struct child_program *const listed_program_##program                         \
		__attribute__((section("guest_programs"), used)) = &info_program_##program;       \
	static int program_##program(int argc, char **argv)
