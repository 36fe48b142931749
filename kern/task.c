// SPDX-License-Identifier: MIT
// Making and freeing tasks and processes as objects. A task has two references of its own: one
// while others can find it, one while it runs (dropped by the CPU that switches away from it for
// the last time). A task holds its process.

#include "kern/task.h"

#include "kern/cred.h"
#include "kern/files.h"
#include "kern/itimer.h"
#include "kern/lockdep.h"
#include "kern/log.h"
#include "kern/process.h"
#include "kern/rlimit.h"
#include "kern/runqueue.h"
#include "kern/signal_queue.h"
#include "lib/string.h"
#include "machine/cpu.h"
#include "vm/mm.h"
#include "vm/page.h"
#include "vm/slab.h"

#include <linux/signal.h>

// Linux's max_threads: kernel stacks of all tasks take at most an eighth of memory.
#define STACK_SHARE    8
#define TASK_MAX_LEAST 64

static struct slab_cache task_cache = SLAB_CACHE(task_cache, "task", struct task);
static struct slab_cache process_cache = SLAB_CACHE(process_cache, "process", struct process);

struct process *init_process;
u32 task_count, task_max; // [T]

static struct fsctx kernel_fs = {
	.x_ref = {1},
	.x_lock = SPINLOCK("fs", RANK_LEAF),
	.x_umask = 022,
};
struct process kernel_process;
struct task reaped_leader = {.t_cred = &init_cred, .t_proc = &kernel_process, .t_kernel = 1};
static struct task boot_idle; // the flow of boot, later CPU 0's idle loop

static void process_setup(struct process *p)
{
	ref_init(&p->p_ref);
	list_init(&p->p_children);
	list_init(&p->p_sibling);
	list_init(&p->p_threads);
	list_init(&p->p_all);
	list_init(&p->p_posix_timers);
	spin_init(&p->p_siglock, "signal", RANK_SIGNAL);
	signal_init_queue(&p->p_pending);
	wait_init(&p->p_child_wait);
	mutex_init(&p->p_exec_lock, "exec", RANK_EXEC);
	p->p_start_ns = clock_ns();
}

struct process *process_alloc(void)
{
	struct process *p = slab_zalloc(&process_cache);

	if (p)
		process_setup(p);
	return p;
}

void process_put(struct process *p)
{
	if (!ref_put(&p->p_ref))
		return;
	if (p->p_sighand)
		sighand_put(p->p_sighand);
	slab_free(&process_cache, p);
}

struct task *task_alloc(void)
{
	struct task *t = slab_zalloc(&task_cache);

	if (!t)
		return NULL;
	t->t_kstack = kstack_alloc();
	if (!t->t_kstack) {
		slab_free(&task_cache, t);
		return NULL;
	}
	t->t_ref.r_n = 2;
	t->t_start_ns = clock_ns();
	t->t_se.se_weight = SCHED_WEIGHT_ONE;
	t->t_se.se_affinity = ~0ull;
	signal_init_queue(&t->t_pending);
	return t;
}

static void task_free(struct task *t)
{
	lockdep_task_free(t);
	context_free(t);
	kstack_free(t->t_kstack);
	if (t->t_cred)
		cred_put(t->t_cred);
	if (t->t_proc)
		process_put(t->t_proc);
	slab_free(&task_cache, t);
}

void task_put(struct task *t)
{
	if (ref_put(&t->t_ref))
		task_free(t);
}

void task_free_unused(struct task *t)
{
	task_free(t);
}

void task_set_name(struct task *t, const char *name)
{
	char padded[TASK_NAME_LEN] = {0};

	str_copy(padded, name, sizeof(padded));
	memcpy(t->t_name, padded, sizeof(padded));
}

struct mm *task_mm_get(struct task *t)
{
	struct mm *mm;

	spin_lock(&tasklist_lock);
	mm = t->t_mm;
	if (mm)
		mm_get(mm);
	spin_unlock(&tasklist_lock);
	return mm;
}

// What every task of the kernel itself has: root's rights, the root directory, no memory of its
// own.
static void kernel_task_setup(struct task *t, const char *name)
{
	task_set_name(t, name);
	t->t_kernel = 1;
	t->t_dumpable = 1;
	t->t_cred = cred_get(&init_cred);
	t->t_fs = &kernel_fs;
	ref_get(&kernel_fs.x_ref);
	t->t_proc = &kernel_process;
	ref_get(&kernel_process.p_ref);
	t->t_altstack.flags = SS_DISABLE;
}

// Process 1 begins as a kernel task and becomes a program by its first exec.
static int init_setup(struct task *t)
{
	struct process *p = process_alloc();
	struct pgroup *g;

	if (!p)
		return -1;
	p->p_sighand = sighand_create();
	t->t_files = files_create();
	if (!p->p_sighand || !t->t_files)
		return -1;
	memcpy(p->p_rlimit, kernel_process.p_rlimit, sizeof(p->p_rlimit));
	itimer_init(p);
	process_put(t->t_proc);
	t->t_proc = p; // takes over the first reference; init is never reaped
	t->t_kernel = 0;
	ref_get(&p->p_ref);
	spin_lock(&tasklist_lock);
	t->t_tid = p->p_pid = pid_alloc_locked();
	p->p_leader = t;
	p->p_nthreads = p->p_live = 1;
	p->p_exit_signal = SIGCHLD;
	list_add_tail(&p->p_threads, &t->t_threads);
	task_hash_locked(t);
	g = pgroup_create_locked(0, NULL); // so that process 1 may call setsid(2), as on Linux
	if (g)
		pgroup_join_locked(p, g);
	task_count = 1;
	init_process = p;
	spin_unlock(&tasklist_lock);
	return g ? 0 : -1;
}

struct task *task_create_kernel(const char *name, void (*fn)(void *), void *arg)
{
	struct task *t = task_alloc();

	if (!t)
		return NULL;
	kernel_task_setup(t, name);
	// Boot memory is there, or nothing works: process 1 cannot fail half-way.
	if (!init_process && str_eq(name, "init") && init_setup(t))
		panic("no memory for process 1");
	if (context_init_kernel(t, fn, arg)) {
		task_free_unused(t);
		return NULL;
	}
	if (t->t_kernel)
		t->t_ref.r_n = 1; // nobody can find it by a number
	if (fn)
		sched_add(t);
	return t;
}

struct task *task_create_idle(u32 cpu)
{
	struct task *t = task_alloc();

	if (!t)
		return NULL;
	kernel_task_setup(t, "idle");
	t->t_se.se_affinity = BIT(cpu);
	t->t_se.se_cpu = cpu;
	t->t_se.se_on_cpu = true;
	if (context_init_kernel(t, NULL, NULL)) {
		task_free_unused(t);
		return NULL;
	}
	return t;
}

static void boot_task_setup(void)
{
	struct cpu *c = this_cpu();
	struct task *t = &boot_idle;

	t->t_kstack = c->c_kstack_top - KSTACK_SIZE;
	t->t_ref.r_n = 1;
	t->t_se.se_weight = SCHED_WEIGHT_ONE;
	t->t_se.se_affinity = BIT(c->c_id);
	t->t_se.se_on_cpu = true;
	signal_init_queue(&t->t_pending);
	kernel_task_setup(t, "idle");
	c->c_idle = c->c_current = t;
}

void task_init(void)
{
	struct page_stats ps;

	page_stats(&ps);
	task_max = (u32)MIN(ps.total * PAGE_SIZE / (STACK_SHARE * KSTACK_SIZE), (u64)PID_MAX);
	task_max = MAX(task_max, (u32)TASK_MAX_LEAST);
	pid_init();
	process_setup(&kernel_process);
	rlimit_init(kernel_process.p_rlimit);
	kernel_process.p_leader = &boot_idle;
	boot_task_setup();
}
