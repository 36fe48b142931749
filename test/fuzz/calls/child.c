// SPDX-License-Identifier: MIT
// A child: a directory with files of all kinds, descriptors, an arena, then random calls by one to
// four tasks that share memory and descriptors.
#include "test/fuzz/calls/fuzz.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <ucontext.h>

int fuzz_parent, fuzz_parent_group;
static struct entry_frame frames[TASKS_MAX];
static struct fuzz tasks[TASKS_MAX];
static volatile unsigned running;
static char task_stacks[TASKS_MAX][32768] __attribute__((aligned(64)));
static bool wild; // handlers change what they return to
static u64 wild_rng;
static u16 swarm[SWARM_MAX];
static unsigned swarm_count;

s64 quiet(u64 nr, u64 a, u64 b, u64 c, u64 d)
{
	return sys_raw((reg_t)nr, (reg_t)a, (reg_t)b, (reg_t)c, (reg_t)d, 0, 0);
}

__attribute__((noreturn)) static void leave(int status, bool all)
{
	for (;;)
		quiet(all ? SYS_exit_group : SYS_exit, (u64)status, 0, 0, 0);
}

/* --- clones --- */

#ifdef __i386__
__asm__(".globl fuzz_restorer\nfuzz_restorer:\n\tmov $173,%eax\n\tint $0x80\n");
#define TAIL_POPS 4
#elif defined(__ILP32__)
__asm__(".globl fuzz_restorer\nfuzz_restorer:\n\tmov $0x40000201,%eax\n\tsyscall\n");
#define TAIL_POPS 6
#else
__asm__(".globl fuzz_restorer\nfuzz_restorer:\n\tmov $15,%eax\n\tsyscall\n");
#define TAIL_POPS 6
#endif

// Where a task that shares our memory lands: a few calls, then the end.
static void task_tail(void)
{
	char *p = AS_PTR(ARENA_SHARED);

	quiet(SYS_sched_yield, 0, 0, 0, 0);
	quiet(SYS_gettid, 0, 0, 0, 0);
	quiet(SYS_read, 10, (uintptr_t)p, 64, 0);
	quiet(SYS_mmap, 0, 0, 0, 0);
	quiet(SYS_getcwd, (uintptr_t)p, 64, 0, 0);
	leave(0, false);
}

// The entry's code, in the new task, stores registers into the state at its stack pointer and
// returns by the stack whose address it finds there.
u64 clone_stack(struct fuzz *f)
{
	static struct entry_frame pool[TASKS_MAX][4];
	struct entry_frame *s = &pool[f->task][below(f, 4)];
	u64 *top = (u64 *)(void *)(s->stack + 16384);
#ifdef __i386__
	u32 *words = (u32 *)top;
#else
	u64 *words = top;
#endif

	memset(words, 0, 16 * sizeof(*words));
	words[TAIL_POPS] = (uintptr_t)task_tail;
	s->st.saved = (uintptr_t)top;
	return (uintptr_t)&s->st;
}

// A child on our own stack may touch none of it: it ends in registers alone.
s64 vfork_raw(u64 nr, u64 flags, u64 ptid, u64 r3, u64 r4)
{
#ifdef __i386__
	s32 result;

	(void)r4;
	__asm__ volatile("int $0x80\n\ttest %%eax,%%eax\n\tjnz 1f\n\tmov $1,%%eax\n\txor "
			 "%%ebx,%%ebx\n\tint $0x80\n1:"
			 : "=a"(result)
			 : "a"((u32)nr), "b"((u32)flags), "c"(0), "d"((u32)ptid), "S"((u32)r3)
			 : "memory");
	return result;
#else
	register u64 r10 __asm__("r10") = r3;
	register u64 r8 __asm__("r8") = r4;
	s64 result;

	__asm__ volatile("syscall\n\ttest %%eax,%%eax\n\tjnz 1f\n\tmov $60,%%eax\n\txor "
			 "%%edi,%%edi\n\tsyscall\n1:"
			 : "=a"(result)
			 : "a"(nr), "D"(flags), "S"(0ull), "d"(ptid), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	return result;
#endif
}

/* --- a call --- */

static const struct entry_way *choose_way(struct fuzz *f)
{
	unsigned sum = 0, at;

	for (unsigned i = 0; i < entry_ways_count; i++)
		sum += entry_ways[i].usable ? entry_ways[i].weight : 0;
	at = below(f, sum);
	for (unsigned i = 0;; i++) {
		if (!entry_ways[i].usable)
			continue;
		if (at < entry_ways[i].weight)
			return &entry_ways[i];
		at -= entry_ways[i].weight;
	}
}

bool call_chosen(const struct syscall_info *c)
{
	size_t n = strlen(c->name);

	for (const char *p = options.only; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
		if (!strncmp(p, c->name, n) && (p[n] == ',' || !p[n]))
			return true;
	return !options.only;
}

// Half of the children know few calls only, which then meet each other often; the others' next call
// is often one of the same family, whose rows lie together.
static const struct syscall_info *pick(struct fuzz *f)
{
	unsigned at;

	if (swarm_count)
		return &syscall_info[swarm[below(f, swarm_count)]];
	at = f->call && chance(f, 40) ? (unsigned)(f->call - syscall_info) + below(f, 13) - 6
				      : below(f, syscall_info_len);
	return &syscall_info[at < syscall_info_len ? at : 0];
}

static void choose_swarm(struct fuzz *f)
{
	swarm_count = 0;
	if (chance(f, 50) || options.only)
		return;
	unsigned n = 4 + below(f, SWARM_MAX - 4);
	while (swarm_count < n) {
		unsigned at = below(f, syscall_info_len);
		const struct syscall_info *c = &syscall_info[at];

		if (c->implemented && (c->number[INFO_X86_64] >= 0 || ABI_THIS == I386) &&
		    (c->number[INFO_I386] >= 0 || ABI_THIS != I386) && strncmp(c->name, "exit", 4))
			swarm[swarm_count++] = (u16)at;
	}
}

static bool choose_call(struct fuzz *f)
{
	const struct syscall_info *c = pick(f);

	if (c->number[f->way->abi] < 0 || !call_chosen(c))
		return false;
	if (!c->implemented && !options.only && !chance(f, 3))
		return false;
	f->call = c;
	memset(f->buffer, 0, sizeof(f->buffer));
	for (unsigned i = 0; i < c->arg_count; i++) {
		const struct syscall_arg *a = &c->args[i];
		bool pointer = a->direction != INFO_VALUE || a->type == INFO_TYPE_path ||
			       a->type == INFO_TYPE_str;

		f->args[i] = pointer ? pointer_argument(f, i) : value_argument(f, i);
	}
	return avoid(f);
}

static bool is_wide(unsigned type, unsigned abi)
{
	unsigned width = info_type_width[type];

	return abi == INFO_I386 && (width == INFO_WIDTH_S64 || width == INFO_WIDTH_U64);
}

// Arguments to registers; the halves that don't count are dirty now and then.
static void load(struct fuzz *f, u64 regs[6])
{
	const struct syscall_info *c = f->call;
	unsigned abi = f->way->abi;
	bool dirty = chance(f, abi == INFO_I386 ? 50 : 8);

	for (unsigned i = 0; i < 6; i++)
		regs[i] = chance(f, 80) ? 0 : fuzz_rnd(f);
	for (unsigned i = 0; i < c->arg_count; i++) {
		const struct syscall_arg *a = &c->args[i];
		unsigned r = a->reg[abi], width = info_type_width[a->type];
		bool narrow = a->direction == INFO_VALUE &&
			      (width == INFO_WIDTH_INT || width == INFO_WIDTH_UINT);

		if (is_wide(a->type, abi) && a->direction == INFO_VALUE && r < 5) {
			regs[r] = (u32)f->args[i];
			regs[r + 1] = f->args[i] >> 32;
			continue;
		}
		regs[r] = f->args[i];
		if (dirty && (narrow || abi == INFO_I386))
			regs[r] = (u32)regs[r] | fuzz_rnd(f) << 32;
	}
}

static u64 number(struct fuzz *f)
{
	u64 nr = (u64)f->call->number[f->way->abi];

	if (f->way->abi == INFO_X32)
		nr |= 0x40000000;
	if (f->way->abi == INFO_I386 && f->way->code64 && chance(f, 30))
		nr |= fuzz_rnd(f) << 32;
	if (chance(f, 1))
		nr = chance(f, 50) ? value_int(f) : 300 + below(f, 800);
	// What the number has become may be a call with other arguments.
	switch (nr & 0xfffffff) {
	case 87: // (swapon)
	case 88: // (reboot of i386)
	case 169:
	case 37: // (kill)
	case 62:
		return (u64)f->call->number[f->way->abi] |
		       (f->way->abi == INFO_X32 ? 0x40000000 : 0);
	default:
		return nr;
	}
}

static void set_registers(struct fuzz *f, const u64 r[6])
{
	struct entry_state *st = &f->frame->st;
	u64 saved = st->saved;

	*st = (struct entry_state){.rax = number(f), .flags = 0x202, .saved = saved};
	if (chance(f, 10)) // DF, AC, NT, ID, the arithmetic flags; never TF, which kills
		st->flags |= fuzz_rnd(f) & 0x2448d5;
	if (f->way->code64)
		st->r12 = st->r13 = st->r14 = st->r15 = 0xa5a5a5a5a5a5a5a5;
	if (f->way->abi == INFO_I386) {
		st->rbx = r[0];
		st->rcx = r[1];
		st->rdx = r[2];
		st->rsi = r[3];
		st->rdi = r[4];
		st->rbp = r[5];
	} else {
		st->rdi = r[0];
		st->rsi = r[1];
		st->rdx = r[2];
		st->r10 = r[3];
		st->r8 = r[4];
		st->r9 = r[5];
	}
}

/* --- what came of it --- */

static bool is_kernel(u64 v)
{
	return (v - 0xffff800000000000 < 8ull << 30 || v - 0xffffc00000000000 < 1ull << 30 ||
		v - 0xffffffff80000000 < 4ull << 20) &&
	       !value_is_hostile(v);
}

static char before[TASKS_MAX][6][256];

static void snapshot(struct fuzz *f)
{
	for (unsigned i = 0; i < f->call->arg_count; i++)
		if (f->buffer[i] && f->call->args[i].direction != INFO_VALUE)
			memcpy(before[f->task][i], AS_PTR(f->buffer[i] & ~7ull), 256);
}

// A whole word that the call has written, where it writes more than numbers of 32 bits.
static bool is_new(const char *now, const char *was)
{
	return memcmp(now, was, 4) && memcmp(now + 4, was + 4, 4);
}

static void look_for_leaks(struct fuzz *f)
{
	for (unsigned i = 0; i < f->call->arg_count; i++) {
		const struct syscall_arg *a = &f->call->args[i];
		const char *now = AS_PTR(f->buffer[i] & ~7ull), *was = before[f->task][i];

		if (!f->buffer[i] || a->direction == INFO_VALUE || a->direction == INFO_IN ||
		    a->type < INFO_TYPE_strv)
			continue;
		for (unsigned k = 0; k < 256; k += 8) {
			u64 v;

			memcpy(&v, now + k, 8);
			if (v < 1ull << 63 || !is_new(now + k, was + k) || !is_kernel(v))
				continue;
			stats->leak_value = v;
			stats->leak_seed = f->seed;
			strncpy(stats->leak_call, f->call->name, 31);
			stats->leaks++;
		}
	}
}

// Results that may be any number.
static bool is_number(unsigned type)
{
	return type == INFO_TYPE_uid || type == INFO_TYPE_gid || type == INFO_TYPE_uint ||
	       type == INFO_TYPE_uid16 || type == INFO_TYPE_gid16;
}

static void judge(struct fuzz *f)
{
	u64 rax = f->frame->st.rax;
	s64 result = f->way->abi == INFO_I386 ? (s32)rax : (s64)rax;
	unsigned index = (unsigned)(f->call - syscall_info);

	if (index < CALLS_MAX)
		stats->tried[index]++;
	if (result < 0 && result > -4096) {
		if (-result < ERRNO_END)
			stats->errnos[-result]++;
	} else if (index < CALLS_MAX) {
		stats->done[index]++;
	}
	// A restart code or an address of the kernel that came out.
	if ((result <= -512 && result > -600 && !is_number(f->call->result)) || is_kernel(rax)) {
		stats->bad_value = rax;
		stats->bad_seed = f->seed;
		strncpy(stats->bad_call, f->call->name, 31);
		stats->bad_results++;
	}
	look_for_leaks(f);
}

static void trace(struct fuzz *f, const u64 r[6])
{
	char line[200];
	int n = snprintf(line, sizeof(line), "%u.%u %s %s(%llx, %llx, %llx, %llx, %llx, %llx)\n",
			 f->task, f->calls, f->way->name, f->call->name, r[0], r[1], r[2], r[3],
			 r[4], r[5]);

	quiet(SYS_write, 100, (uintptr_t)line, (u64)n, 0);
}

static bool is_clone(struct fuzz *f)
{
	return f->call->arg_count && !strcmp(f->call->name, "clone");
}

// A child that shares memory needs a stack, or must end at once. true: the call has been made.
static bool clone_specially(struct fuzz *f, u64 r[6])
{
	if (!strcmp(f->call->name, "vfork")) {
		vfork_raw(SYS_vfork, 0, 0, 0, 0);
		return true;
	}
	if (!is_clone(f))
		return false;
	if (!(r[0] & CLONE_VM)) {
		if (chance(f, 90))
			r[1] = 0;
		return false;
	}
	if (chance(f, 60)) {
		r[1] = clone_stack(f);
		return false;
	}
	if (chance(f, 20))
		return false;
	vfork_raw(SYS_clone, r[0], r[2], r[3], r[4]);
	return true;
}

static void after_fork(struct fuzz *f)
{
	unsigned more = below(f, 24);

	f->depth++;
	f->rng ^= (u64)quiet(SYS_getpid, 0, 0, 0, 0) << 20;
	fuzz_loop(f, more);
	leave(3, true);
}

static void one_call(struct fuzz *f)
{
	const struct syscall_info *call;
	bool forks;
	u64 regs[6];

	do
		f->way = choose_way(f);
	while (!choose_call(f));
	call = f->call;
	load(f, regs);
	forks = !strcmp(call->name, "fork") || is_clone(f);
	__atomic_fetch_add(&stats->calls, 1, __ATOMIC_RELAXED);
	f->calls++;
	if (options.trace)
		trace(f, regs);
	if (clone_specially(f, regs))
		return;
	set_registers(f, regs);
	snapshot(f);
	f->way->run(&f->frame->st);
	f->call = call;
	if (forks && f->frame->st.rax == 0)
		after_fork(f);
	judge(f);
}

/* --- signals --- */

static void handler(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	greg_t *g = uc->uc_mcontext.gregs;

	(void)sig;
	(void)info;
	if (!wild || rnd(&wild_rng) % 8)
		return;
	u64 v = rnd(&wild_rng);
	g[v % (sizeof(uc->uc_mcontext.gregs) / sizeof(g[0]))] =
		v >> 60 < 4 ? (greg_t)(v >> 13) : (greg_t)(0xffff800000000000ull >> (v >> 61));
	if (v >> 62 == 3 && uc->uc_mcontext.fpregs)
		((char *)uc->uc_mcontext.fpregs)[v >> 20 & 1023] ^= 1 << (v >> 30 & 7);
}

// Whatever earlier calls did: blocking calls are interrupted again.
static void refresh(struct fuzz *f)
{
	static const u64 none;
	struct itimerval often = {{0, 4000}, {0, 4000}};

	quiet(SYS_rt_sigprocmask, SIG_SETMASK, (uintptr_t)&none, 0, 8);
	if (f->task == 0)
		quiet(SYS_setitimer, ITIMER_REAL, (uintptr_t)&often, 0, 0);
}

static void set_handlers(void)
{
	static const int sigs[] = {SIGALRM, SIGUSR1, SIGUSR2, SIGIO, SIGVTALRM, SIGPROF,
				   SIGPIPE, SIGHUP,  SIGXFSZ, 34,    35,	36};
	struct sigaction act = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};

	for (unsigned i = 0; i < COUNT(sigs); i++)
		sigaction(sigs[i], &act, NULL);
}

void fuzz_loop(struct fuzz *f, unsigned calls)
{
	for (unsigned i = 0; i < calls; i++) {
		if (i % 16 == 0)
			refresh(f);
		if (i % 64 == 63)
			memset(AS_PTR(ARENA_SLOTS + f->task * SLOTS * SLOT), 0, SLOTS * SLOT);
		one_call(f);
	}
}

/* --- what a child starts with --- */

__attribute__((noreturn)) static void setup_failed(u32 step)
{
	stats->setup_failed = step;
	_exit(1);
}

static void map_at(u64 at, unsigned pages, int prot, int flags, int fd)
{
	if (mmap(AS_PTR(at), pages * SLOT, prot, flags | MAP_FIXED, fd, 0) == MAP_FAILED)
		setup_failed(1);
}

static void make_arena(int file)
{
	const int rw = PROT_READ | PROT_WRITE, anon = MAP_PRIVATE | MAP_ANONYMOUS;

	map_at(ARENA_SLOTS, TASKS_MAX * SLOTS, rw, anon, -1);
	for (unsigned i = 0; i < TASKS_MAX; i++)
		map_at(ARENA_EDGE + 2 * SLOT * i, 1, rw, anon, -1);
	map_at(ARENA_RO, 1, PROT_READ, anon, -1);
	map_at(ARENA_NONE, 1, PROT_NONE, anon, -1);
	map_at(ARENA_SHARED, 2, rw, MAP_SHARED | MAP_ANONYMOUS, -1);
	map_at(ARENA_FILE, 4, rw, MAP_SHARED, file);
	map_at(ARENA_PLAY, PLAY_PAGES, rw, anon, -1);
}

static void put_file(const char *name, const char *text, mode_t mode)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, mode);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		setup_failed(2);
	close(fd);
}

static void make_files(void)
{
	if (mkdir("d", 0777) || mkdir("d/e", 0777) || symlink("f", "l") ||
	    symlink("loop", "loop") || symlink("/nowhere", "lnone") || mkfifo("p", 0666) ||
	    mkfifo("q", 0666))
		setup_failed(3);
	put_file("f", "content", 0666);
	put_file("x", "#!/bin/busybox true\n", 0777);
	put_file("e", "\177ELF\2\1\1 and no more", 0777);
	if (truncate("f", 2 * SLOT + SLOT / 2))
		setup_failed(4);
	for (int i = 0; i < 3; i++) {
		char name[16];

		snprintf(name, sizeof(name), "d/%d", i);
		put_file(name, name, 0600);
	}
}

// Descriptors 3 to about 24, of all kinds.
static void open_files(void)
{
	static const struct {
		const char *name;
		int flags;
	} list[] = {
		{"f", O_RDWR},
		{"f", O_RDWR | O_APPEND},
		{"f", O_RDONLY},
		{"d", O_RDONLY | O_DIRECTORY},
		{".", O_RDONLY},
		{"/", O_RDONLY},
		{"/dev/zero", O_RDWR},
		{"/dev/null", O_RDWR},
		{"/dev/full", O_RDWR},
		{"/dev/urandom", O_RDWR},
		{"/proc/self/maps", 0},
		{"/proc/self/mem", O_RDWR},
		{"/proc/self/fd", 0},
		{"p", O_RDWR | O_NONBLOCK},
		{"l", O_PATH | O_NOFOLLOW},
		{"f", O_PATH},
		{"q", O_RDWR},
		{"/proc/self/comm", O_RDWR},
		{"/proc", O_RDONLY},
	};
	int fds[2];

	for (int i = 3; i < 100; i++)
		close(i);
	for (unsigned i = 0; i < COUNT(list); i++)
		if (open(list[i].name, list[i].flags) < 0)
			dup(0);
	if (pipe(fds) || pipe2(fds, O_NONBLOCK))
		setup_failed(5);
	for (int i = 0; i < 3; i++)
		dup2(10, i); // (/dev/null)
}

static void set_limits(struct fuzz *f)
{
	static const struct rlimit size = {16 << 20, 64 << 20}, memory = {1u << 29, 1u << 30},
				   core = {0, 0};

	setrlimit(RLIMIT_CORE, &core);
	setrlimit(RLIMIT_FSIZE, &size);
	if (chance(f, 95))
		setrlimit(RLIMIT_AS, &memory);
	if (chance(f, 30)) {
		chmod(".", 0777);
		if (setgid(1000) || setuid(1000))
			setup_failed(6);
	}
}

/* --- tasks --- */

static int run_task(void *arg)
{
	struct fuzz *f = arg;

	fuzz_loop(f, options.per_child);
	__atomic_fetch_sub(&running, 1, __ATOMIC_SEQ_CST);
	leave(0, false);
}

static void start_tasks(struct fuzz *f, unsigned n)
{
	int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_SYSVSEM;

	if (chance(f, 75))
		flags |= CLONE_THREAD;
	for (unsigned i = 0; i < n; i++) {
		tasks[i] = (struct fuzz){.rng = fuzz_rnd(f), .seed = f->seed, .task = i};
		tasks[i].frame = &frames[i];
		if (!i)
			continue;
		__atomic_fetch_add(&running, 1, __ATOMIC_SEQ_CST);
		if (clone(run_task, task_stacks[i] + sizeof(task_stacks[i]) - 64, flags,
			  &tasks[i]) < 0)
			__atomic_fetch_sub(&running, 1, __ATOMIC_SEQ_CST);
	}
}

void child_run(u64 seed, const char *dir)
{
	struct fuzz f = {.rng = seed, .seed = seed};
	unsigned n = 1 + below(&f, options.tasks);
	static const u64 step[2] = {0, 1000000};
	int file;

	setpgid(0, 0);
	if (options.trace)
		dup2(2, 100);
	if (mkdir(dir, 0777) || chdir(dir))
		setup_failed(7);
	make_files();
	file = open("f", O_RDWR);
	make_arena(file);
	open_files();
	set_handlers();
	set_limits(&f);
	wild = chance(&f, 10);
	wild_rng = seed;
	choose_swarm(&f);
	start_tasks(&f, n);
	fuzz_loop(&tasks[0], options.per_child);
	// The others get a little longer, then go with us.
	for (unsigned i = 0; running && i < 100; i++)
		quiet(SYS_nanosleep, (uintptr_t)step, 0, 0, 0);
	leave(0, true);
}
