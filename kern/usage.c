// SPDX-License-Identifier: MIT
// Processor time and what else is counted about tasks. Time on a CPU is exact, charged at each
// switch; how it divides into user and system time is estimated from what the ticks found, so that
// no entry to the kernel has to look at the clock. The system's load averages are made here too.

#include "kern/usage.h"

#include "kern/itimer.h"
#include "kern/runqueue.h"
#include "kern/task.h"
#include "kern/time.h"
#include "vm/mm.h"

#define LOAD_PERIOD_NS 5000000000ull
#define LOAD_SHIFT     16

// a * b / c for b <= c, in two steps of long division: there is no 128-bit division in the kernel.
static u64 mul_div(u64 a, u32 b, u32 c)
{
	u64 low = (a & 0xffffffff) * b, high = (a >> 32) * b + (low >> 32);

	return (high / c << 32) + ((high % c << 32 | (low & 0xffffffff)) / c);
}

// Divides `total` in the ratio of the samples, never taking back what *pu and *ps have shown.
// tasklist_lock held.
static void split(u64 total, u64 usample, u64 ssample, u64 *pu, u64 *ps)
{
	u64 s;

	if (!ssample)
		s = 0;
	else if (!usample)
		s = total;
	else {
		u32 shift = 64 - (u32)__builtin_clzll(usample + ssample);

		shift = shift > 32 ? shift - 32 : 0;
		s = mul_div(total, (u32)(ssample >> shift), (u32)((usample + ssample) >> shift));
	}
	total = MAX(total, *pu + *ps);
	s = MAX(s, *ps);
	s = MIN(s, total - *pu);
	*pu = total - s;
	*ps = s;
}

static void task_times_locked(struct task *t, u64 *utime, u64 *stime)
{
	split(sched_runtime(t), t->t_utime, t->t_stime, &t->t_prev_utime, &t->t_prev_stime);
	*utime = t->t_prev_utime;
	*stime = t->t_prev_stime;
}

void task_times(struct task *t, u64 *utime, u64 *stime)
{
	spin_lock(&tasklist_lock);
	task_times_locked(t, utime, stime);
	spin_unlock(&tasklist_lock);
}

// What the threads that are on a CPU right now have not been charged yet.
static u64 uncharged(struct process *p)
{
	u64 ns = 0, now = clock_ns();

	for (u64 m = READ_ONCE(sched_online); m; m &= m - 1) {
		struct runqueue *rq = &runqueues[__builtin_ctzll(m)];

		spin_lock(&rq->rq_lock);
		if (rq->rq_curr->t_proc == p && now > rq->rq_curr->t_se.se_started)
			ns += now - rq->rq_curr->t_se.se_started;
		spin_unlock(&rq->rq_lock);
	}
	return ns;
}

// A thread that is switched away from while we look would be missed or counted twice: then p_cpu_ns
// has changed.
u64 process_cpu_ns(struct process *p)
{
	u64 irq = irq_save(), charged, rest;
	u32 tries = 8;

	do {
		charged = __atomic_load_n(&p->p_cpu_ns, __ATOMIC_ACQUIRE);
		rest = uncharged(p);
	} while (__atomic_load_n(&p->p_cpu_ns, __ATOMIC_ACQUIRE) != charged && --tries);
	irq_restore(irq);
	return charged + rest;
}

void process_times_locked(struct process *p, u64 *utime, u64 *stime)
{
	split(process_cpu_ns(p), READ_ONCE(p->p_utime), READ_ONCE(p->p_stime), &p->p_prev_utime,
	      &p->p_prev_stime);
	*utime = p->p_prev_utime;
	*stime = p->p_prev_stime;
}

void process_times(struct process *p, u64 *utime, u64 *stime)
{
	spin_lock(&tasklist_lock);
	process_times_locked(p, utime, stime);
	spin_unlock(&tasklist_lock);
}

static void add_task(struct krusage *ru, const struct task *t)
{
	ru->minflt += t->t_minflt;
	ru->majflt += t->t_majflt;
	ru->nvcsw += t->t_nvcsw;
	ru->nivcsw += t->t_nivcsw;
}

// KiB. The peak is only looked at here and when the memory goes (task_release_mm).
static u64 maxrss_now(struct mm *mm)
{
	u64 pages = (u64)MAX(READ_ONCE(mm->mm_rss_anon) + READ_ONCE(mm->mm_rss_file), (s64)0);

	return MAX(pages, READ_ONCE(mm->mm_rss_peak)) * (PAGE_SIZE / 1024);
}

void usage_note_rss(struct task *t)
{
	struct process *p = t->t_proc;

	if (t->t_mm)
		p->p_maxrss = MAX(p->p_maxrss, maxrss_now(t->t_mm));
}

void usage_thread(struct krusage *ru)
{
	*ru = (struct krusage){0};
	usage_note_rss(current);
	task_times(current, &ru->utime, &ru->stime);
	add_task(ru, current);
	ru->maxrss = current->t_proc->p_maxrss;
}

// Also of a zombie, for wait4(2).
void usage_process_locked(struct process *p, struct krusage *ru)
{
	struct task *t;

	*ru = (struct krusage){
		.maxrss = p->p_maxrss,
		.minflt = p->p_minflt,
		.majflt = p->p_majflt,
		.nvcsw = p->p_nvcsw,
		.nivcsw = p->p_nivcsw,
	};
	process_times_locked(p, &ru->utime, &ru->stime);
	if (!p->p_zombie)
		list_for_each_entry (t, &p->p_threads, t_threads)
			if (!t->t_exiting)
				add_task(ru, t);
}

void usage_process(struct krusage *ru)
{
	usage_note_rss(current);
	spin_lock(&tasklist_lock);
	usage_process_locked(current->t_proc, ru);
	spin_unlock(&tasklist_lock);
}

void usage_children(struct krusage *ru)
{
	const struct process *p = current->t_proc;

	spin_lock(&tasklist_lock);
	*ru = (struct krusage){
		.utime = p->p_cutime,
		.stime = p->p_cstime,
		.maxrss = p->p_cmaxrss,
		.minflt = p->p_cminflt,
		.majflt = p->p_cmajflt,
		.nvcsw = p->p_cnvcsw,
		.nivcsw = p->p_cnivcsw,
	};
	spin_unlock(&tasklist_lock);
}

// A thread ends: its counts go to the process. tasklist_lock and p_siglock held.
void usage_task_exit_locked(struct task *t)
{
	struct process *p = t->t_proc;

	p->p_minflt += t->t_minflt;
	p->p_majflt += t->t_majflt;
	p->p_nvcsw += t->t_nvcsw;
	p->p_nivcsw += t->t_nivcsw;
}

// A child was waited for: `ru` is what it used, and its own children's.
void usage_reap_locked(struct process *parent, const struct process *child,
		       const struct krusage *ru)
{
	parent->p_cutime += ru->utime + child->p_cutime;
	parent->p_cstime += ru->stime + child->p_cstime;
	parent->p_cminflt += ru->minflt + child->p_cminflt;
	parent->p_cmajflt += ru->majflt + child->p_cmajflt;
	parent->p_cnvcsw += ru->nvcsw + child->p_cnvcsw;
	parent->p_cnivcsw += ru->nivcsw + child->p_cnivcsw;
	parent->p_cmaxrss = MAX(parent->p_cmaxrss, MAX(ru->maxrss, child->p_cmaxrss));
}

// In the timer interrupt.
void usage_tick(struct task *t, u64 delta, bool user)
{
	struct process *p = t->t_proc;

	if (user) {
		t->t_utime += delta;
		__atomic_fetch_add(&p->p_utime, delta, __ATOMIC_RELAXED);
	} else {
		t->t_stime += delta;
		__atomic_fetch_add(&p->p_stime, delta, __ATOMIC_RELAXED);
	}
	if (unlikely(READ_ONCE(p->p_cpu_watched)))
		itimer_cpu_tick(p);
}

// --- load averages and totals ---

static struct spinlock load_lock = SPINLOCK("load", RANK_LEAF);
static u64 load_due;
static u64 load_avg[3];

static u32 count_running(u64 *switches)
{
	u32 n = 0;

	for (u64 m = READ_ONCE(sched_online); m; m &= m - 1) {
		n += READ_ONCE(runqueues[__builtin_ctzll(m)].rq_running);
		if (switches)
			*switches += READ_ONCE(runqueues[__builtin_ctzll(m)].rq_switches);
	}
	return n;
}

// Exponential averages over periods of five seconds: the factors are exp(-5/60), exp(-5/300),
// exp(-5/900) in 16 bits. Periods in which every CPU slept are made up for at the next look, as
// idle ones.
static void load_update(u64 now, u32 running)
{
	static const u32 decay[3] = {60297, 64453, 65173};
	u32 periods = 0;

	for (; now >= load_due && periods < 1000; periods++, load_due += LOAD_PERIOD_NS) {
		u64 n = now - load_due < LOAD_PERIOD_NS ? running : 0;

		for (u32 i = 0; i < 3; i++)
			load_avg[i] = (load_avg[i] * decay[i] +
				       (n << LOAD_SHIFT) * ((1u << 16) - decay[i])) >>
				      16;
	}
	if (now >= load_due)
		load_due = now + LOAD_PERIOD_NS;
}

void load_tick(u64 now)
{
	u64 irq;

	if (now < READ_ONCE(load_due))
		return;
	irq = spin_lock_irq(&load_lock);
	load_update(now, count_running(NULL));
	spin_unlock_irq(&load_lock, irq);
}

void sched_stats(struct sched_stats *s)
{
	u64 irq;

	*s = (struct sched_stats){0};
	s->running = count_running(&s->switches);
	for (u64 m = READ_ONCE(sched_online); m; m &= m - 1) {
		u32 cpu = (u32)__builtin_ctzll(m);

		s->idle_ns[cpu] = sched_runtime(runqueues[cpu].rq_idle);
	}
	load_tick(clock_ns());
	irq = spin_lock_irq(&load_lock);
	for (u32 i = 0; i < 3; i++)
		s->loads[i] = load_avg[i];
	spin_unlock_irq(&load_lock, irq);
}
