// SPDX-License-Identifier: MIT
/*
 * postern-gates: how long a system call takes by each way in, natively or under Postern. Three
 * calls: a number that no kernel has, getppid, clock_gettime; and the vDSO's clock_gettime. Every
 * way is tried first in a child: what the kernel refuses there is named, not measured. Built for
 * three ABIs on the header library alone.
 *
 * A figure is the median of BATCHES batches; the spread is from the first to the third quartile.
 * Batches have a power of two rounds, so that no 64-bit division (libgcc's on i386) is needed.
 */
#define POSTERN_START_MEMORY
#include <postern/clock.h>
#include <postern/start.h>

#if defined(POSTERN_ABI_I386)
#define ABI_NAME "i386"
#elif defined(POSTERN_ABI_X32)
#define ABI_NAME "x32"
#else
#define ABI_NAME "x86_64"
#endif

enum {
	BATCHES = 21,
	ROUNDS_SHIFT = 10,
	QUICK_SHIFT = 5,
	NO_SUCH_CALL = 1000,
	TRIAL_SECONDS = 5,
	EXIT_WRONG = 1, /* the child's status; ENOSYS is its own */
	SIGCHLD_NR = 17,
};

struct gate {
	const char *entry, *call;
	void (*run)(unsigned int rounds);
	int (*trial)(void); /* 0, EXIT_WRONG or POSTERN_ENOSYS */
};

struct figure {
	uint32_t median, low, high; /* tenths */
};

/* Static, so below 4 GiB: i386 calls of 64-bit code write here. */
static struct postern_timespec buffer;
static struct postern_clock clocks;
static uintptr_t sysinfo;
static postern_word parent;
static int as_rows, quick;

/* --- The ways in. DOOR makes a way's three gates; `zero` and `two` call with so many arguments. */

static int judge(int right, postern_word result)
{
	return right ? 0 : result == -POSTERN_ENOSYS ? POSTERN_ENOSYS : EXIT_WRONG;
}

#define GATE(name, expression, right)               \
	static void run_##name(unsigned int rounds) \
	{                                           \
		while (rounds--)                    \
			(void)(expression);         \
	}                                           \
	static int try_##name(void)                 \
	{                                           \
		postern_word result = (expression); \
                                                    \
		return judge(right, result);        \
	}

/* A way that answers ENOSYS to everything is refused, so the first trial asks for getppid too. */
#define DOOR(name, zero, two, none, getppid, gettime)                                       \
	GATE(name##_getppid, zero(getppid), result == parent)                               \
	GATE(name##_none, zero(none), result == -POSTERN_ENOSYS && !try_##name##_getppid()) \
	GATE(name##_gettime, two(gettime, POSTERN_CLOCK_MONOTONIC, postern_ptr(&buffer)), !result)

#define DOOR_GATES(name, text)                                                    \
	{text, "ENOSYS", run_##name##_none, try_##name##_none},                   \
		{text, "getppid", run_##name##_getppid, try_##name##_getppid},    \
	{                                                                         \
		text, "clock_gettime", run_##name##_gettime, try_##name##_gettime \
	}

#ifdef POSTERN_ABI_I386
POSTERN_INLINE postern_word vsyscall0(postern_word number)
{
	return postern_vsyscall_0(sysinfo, number);
}

POSTERN_INLINE postern_word vsyscall2(postern_word number, postern_word a, postern_word b)
{
	return postern_vsyscall_2(sysinfo, number, a, b);
}

DOOR(int80, postern_int80_0, postern_int80_2, NO_SUCH_CALL, POSTERN_NR_getppid,
     POSTERN_NR_clock_gettime64)
DOOR(vsyscall, vsyscall0, vsyscall2, NO_SUCH_CALL, POSTERN_NR_getppid, POSTERN_NR_clock_gettime64)
DOOR(sysenter, postern_sysenter_0, postern_sysenter_2, NO_SUCH_CALL, POSTERN_NR_getppid,
     POSTERN_NR_clock_gettime64)
DOOR(syscall32, postern_syscall32_0, postern_syscall32_2, NO_SUCH_CALL, POSTERN_NR_getppid,
     POSTERN_NR_clock_gettime64)
#else
DOOR(syscall, postern_syscall0, postern_syscall2, POSTERN_NR_read + NO_SUCH_CALL,
     POSTERN_NR_getppid, POSTERN_NR_clock_gettime)
DOOR(int80, postern_int80_0, postern_int80_2, NO_SUCH_CALL, POSTERN_I386_NR_getppid,
     POSTERN_I386_NR_clock_gettime64)
#endif

#ifdef POSTERN_ABI_X86_64
DOOR(x32, postern_syscall0, postern_syscall2, POSTERN_X32_NR_read + NO_SUCH_CALL,
     POSTERN_X32_NR_getppid, POSTERN_X32_NR_clock_gettime)

/* It has no way back to 64-bit code: kernels refuse it, AMD's CPUs don't know it. */
static postern_word sysenter64(postern_word number)
{
	postern_word result;

	__asm__ __volatile__("sysenter"
			     : "=a"(result)
			     : "0"(number)
			     : "rcx", "rdx", "r11", "memory");
	return result;
}
GATE(sysenter, sysenter64(POSTERN_I386_NR_getppid), result == parent)

/* The page of the time before the vDSO, always at this address. */
#define VSYSCALL_TIME ((long (*)(long *))0xffffffffff600400)
GATE(page, VSYSCALL_TIME(NULL), result - postern_time(&clocks) + 1 <= 2)
#endif

GATE(vdso, postern_clock_gettime(&clocks, POSTERN_CLOCK_MONOTONIC, &buffer),
     clocks.gettime && !result)

static const struct gate gates[] = {
#ifdef POSTERN_ABI_I386
	DOOR_GATES(int80, "int80"),
	DOOR_GATES(vsyscall, "__kernel_vsyscall"),
	DOOR_GATES(sysenter, "sysenter"),
	DOOR_GATES(syscall32, "syscall"),
#else
	DOOR_GATES(syscall, "syscall"),
	DOOR_GATES(int80, "int80"),
#endif
#ifdef POSTERN_ABI_X86_64
	DOOR_GATES(x32, "syscall+x32"),
	{"sysenter", "getppid", run_sysenter, try_sysenter},
	{"vsyscall_page", "time", run_page, try_page},
#endif
	{"vdso", "clock_gettime", run_vdso, try_vdso},
};

/* --- Output --- */

static char line[256];
static unsigned int line_length;

static void put(const char *text)
{
	while (*text && line_length < sizeof(line))
		line[line_length++] = *text++;
}

static void put_pad(unsigned int column)
{
	do
		put(" ");
	while (line_length < column);
}

static void put_number(uint32_t number)
{
	char digits[12];
	unsigned int at = sizeof(digits) - 1;

	digits[at] = 0;
	do
		digits[--at] = (char)('0' + number % 10);
	while (number /= 10);
	put(digits + at);
}

static void put_tenths(uint32_t tenths)
{
	put_number(tenths / 10);
	put(".");
	put_number(tenths % 10);
}

static void line_end(void)
{
	unsigned int done = 0;

	put("\n");
	while (done < line_length) {
		postern_word wrote = postern_call3(POSTERN_NR_write, 1, postern_ptr(line + done),
						   (postern_word)(line_length - done));

		if (wrote <= 0)
			break;
		done += (unsigned int)wrote;
	}
	line_length = 0;
}

static void say(const char *text)
{
	put(text);
	line_end();
}

static void put_figure(const struct figure *f, const char *unit, unsigned int column)
{
	put_pad(column);
	put_tenths(f->median);
	put(unit);
	put_pad(column + 14);
	put_tenths(f->low);
	put(" .. ");
	put_tenths(f->high);
}

static void row_print(const struct gate *gate, const char *refused, const struct figure *cycles,
		      const struct figure *ns)
{
	const char *gap = as_rows ? "\t" : " ";

	if (as_rows) {
		put("@gate\t" ABI_NAME "\t");
		put(gate->entry);
		put(gap);
		put(gate->call);
		put(gap);
		put(refused ? refused : "ok");
		for (int i = 0; !refused && i < 2; i++) {
			const struct figure *f = i ? ns : cycles;

			put(gap);
			put_tenths(f->median);
			put(gap);
			put_tenths(f->low);
			put(gap);
			put_tenths(f->high);
		}
	} else {
		put(gate->entry);
		put_pad(19);
		put(gate->call);
		if (refused) {
			put_pad(34);
			put("refused: ");
			put(refused);
		} else {
			put_figure(cycles, " cyc", 34);
			put_figure(ns, " ns", 66);
		}
	}
	line_end();
}

/* --- Trials --- */

static const char *signal_name(int number)
{
	static const struct {
		int number;
		const char *name;
	} names[] = {{4, "SIGILL"},   {5, "SIGTRAP"},	 {7, "SIGBUS"}, {8, "SIGFPE"},
		     {11, "SIGSEGV"}, {14, "no_return"}, {31, "SIGSYS"}};

	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].number == number)
			return names[i].name;
	return "signal";
}

/* NULL: the way works. */
static const char *trial(const struct gate *gate)
{
	postern_word child;
	int status = -1;

	parent = postern_call0(POSTERN_NR_getpid);
	child = postern_call0(POSTERN_NR_fork);
	if (!child) {
		postern_call1(POSTERN_NR_alarm, TRIAL_SECONDS);
		postern_exit(gate->trial());
	}
	if (postern_is_error(child) ||
	    postern_call4(POSTERN_NR_wait4, child, postern_ptr(&status), 0, 0) != child)
		return "no_fork";
	if (status & 0x7f)
		return signal_name(status & 0x7f);
	status >>= 8;
	return !status ? NULL : status == POSTERN_ENOSYS ? "ENOSYS" : "wrong_result";
}

/* --- Measuring --- */

static uint64_t ticks_now(void)
{
	uint32_t low, high;

	__asm__ __volatile__("lfence\n\trdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}

static uint64_t ns_now(void)
{
	struct postern_timespec now = {0, 0};

	postern_clock_gettime(&clocks, POSTERN_CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* A batch's total to tenths a round. */
static struct figure figure_of(uint64_t *totals, unsigned int shift)
{
	for (int i = 1; i < BATCHES; i++)
		for (int j = i; j && totals[j] < totals[j - 1]; j--) {
			uint64_t swap = totals[j];

			totals[j] = totals[j - 1];
			totals[j - 1] = swap;
		}
	return (struct figure){(uint32_t)(totals[BATCHES / 2] * 10 >> shift),
			       (uint32_t)(totals[BATCHES / 4] * 10 >> shift),
			       (uint32_t)(totals[BATCHES - 1 - BATCHES / 4] * 10 >> shift)};
}

static void measure(const struct gate *gate)
{
	const unsigned int shift = quick ? QUICK_SHIFT : ROUNDS_SHIFT, rounds = 1u << shift;
	uint64_t cycles[BATCHES], ns[BATCHES];
	struct figure cycle_figure, ns_figure;
	const char *refused = trial(gate);

	if (refused) {
		row_print(gate, refused, NULL, NULL);
		return;
	}
	gate->run(rounds);
	for (int i = 0; i < BATCHES; i++) {
		uint64_t start = ticks_now();

		gate->run(rounds);
		cycles[i] = ticks_now() - start;
		start = ns_now();
		gate->run(rounds);
		ns[i] = ns_now() - start;
	}
	cycle_figure = figure_of(cycles, shift);
	ns_figure = figure_of(ns, shift);
	row_print(gate, NULL, &cycle_figure, &ns_figure);
}

/* --- As the first process of a machine: the three programs in turn, then power off --- */

static void run_program(const char *path, const char *abi, char **envp)
{
	const char *argv[] = {path, "--rows", quick ? "--quick" : NULL, NULL};
	postern_word child = postern_call0(POSTERN_NR_fork);
	int status = 0;

	if (!child) {
		postern_call3(POSTERN_NR_execve, postern_ptr(path), postern_ptr(argv),
			      postern_ptr(envp));
		put("@gate\t");
		put(abi);
		put("\tall\tall\tENOEXEC");
		line_end();
		postern_exit(0);
	}
	postern_call4(POSTERN_NR_wait4, child, postern_ptr(&status), 0, 0);
	if (status)
		say("@error a program of the matrix failed");
}

static void run_machine(char **envp)
{
	run_program("/gates-x86_64", "x86_64", envp);
	run_program("/gates-i386", "i386", envp);
	run_program("/gates-x32", "x32", envp);
	say("@done");
	postern_call4(POSTERN_NR_reboot, (postern_word)0xfee1dead, 672274793, 0x1234567, 0);
}

static int equal(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

static int usage(int status)
{
	say("usage: postern-gates [--rows] [--quick]\n"
	    "How long a system call takes by each way into the kernel, for " ABI_NAME " code:\n"
	    "median and quartiles, in cycles of the time stamp counter and in nanoseconds.\n"
	    "  --rows   lines for programs, tab-separated: @gate, ABI, entry, call, ok or why it "
	    "is\n"
	    "           refused, cycles and ns (median, first, third quartile each)\n"
	    "  --quick  fewer rounds\n");
	return status;
}

int postern_main(int argc, char **argv, char **envp, const struct postern_auxv *auxv)
{
	int machine = 0;

	for (int i = 1; i < argc; i++) {
		if (equal(argv[i], "--rows"))
			as_rows = 1;
		else if (equal(argv[i], "--quick"))
			quick = 1;
		else if (equal(argv[i], "--machine"))
			machine = 1;
		else
			return usage(equal(argv[i], "--help") ? 0 : 2);
	}
	if (machine)
		run_machine(envp);
	sysinfo = postern_auxv_value(auxv, POSTERN_AT_SYSINFO);
	postern_clock_open(&clocks, postern_auxv_value(auxv, POSTERN_AT_SYSINFO_EHDR));
	if (!as_rows) {
		put(ABI_NAME);
		put_pad(19);
		put("call");
		put_pad(34);
		put("cycles        quartiles");
		put_pad(66);
		say("time          quartiles");
	}
	for (unsigned int i = 0; i < sizeof(gates) / sizeof(gates[0]); i++)
		measure(&gates[i]);
	return 0;
}
