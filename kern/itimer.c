// SPDX-License-Identifier: MIT
// Interval timers. ITIMER_REAL is a kernel timer of the process. ITIMER_VIRTUAL, ITIMER_PROF and
// RLIMIT_CPU are looked at by the scheduler's ticks, and only in a process whose p_cpu_watched is
// set; they count what the ticks found (p_utime, p_stime), so that they agree with each other.
// p_siglock covers them; itimer_lock the arming of the real one.

#include "kern/itimer.h"

#include "kern/signal.h"
#include "kern/time.h"
#include "kern/usage.h"
#include "machine/cpu.h"

#include <asm/errno.h>
#include <linux/time.h>

#define REAL_PERIOD_MIN_NS \
	100000ull // a program cannot make the CPU do nothing but timer interrupts
#define CPU_LIMIT_NONE (~0ul)

// Not taken in interrupts; held with them on, because timer_cancel may have to wait.
static struct spinlock itimer_lock = SPINLOCK("itimer", RANK_FUTEX);

static void send_timer_signal(struct process *p, int signo)
{
	struct ksiginfo si = {.signo = signo, .code = SI_KERNEL};

	signal_send_process(p, &si);
}

// Periods that passed unseen give one signal together, as a signal that is still pending is not
// sent twice.
static void real_fire(struct timer *t)
{
	struct process *p = container_of(t, struct process, p_real_timer);
	u64 interval = READ_ONCE(p->p_real_interval), now = clock_ns(), next;

	send_timer_signal(p, SIGALRM);
	if (!interval)
		return;
	next = t->tm_expires + interval;
	if (next < now)
		next += (now - next) / interval * interval;
	timer_arm(t, MAX(next, now + REAL_PERIOD_MIN_NS));
}

void itimer_init(struct process *p)
{
	timer_init(&p->p_real_timer, real_fire);
	p->p_real_interval = 0;
	p->p_virt_expires = p->p_virt_interval = p->p_prof_expires = p->p_prof_interval = 0;
	itimer_watch(p);
}

static void real_read(struct process *p, struct itimer_setting *out)
{
	u64 now = clock_ns(), at = p->p_real_timer.tm_expires;

	out->interval = p->p_real_interval;
	// An armed timer never reads as 0, which means disarmed.
	out->value = !p->p_real_timer.tm_armed	? 0
		     : at > now + NSEC_PER_USEC ? at - now
						: NSEC_PER_USEC;
}

static void real_stop(struct process *p)
{
	p->p_real_interval = 0; // the timer does not arm itself again
	timer_cancel(&p->p_real_timer);
}

static void real_set(struct process *p, const struct itimer_setting *s, struct itimer_setting *old)
{
	spin_lock(&itimer_lock);
	real_read(p, old);
	real_stop(p);
	if (s->value) {
		p->p_real_interval = s->interval;
		timer_arm(&p->p_real_timer, MIN(clock_ns() + s->value, TIME_NS_MAX));
	}
	spin_unlock(&itimer_lock);
}

void itimer_exit(struct process *p)
{
	spin_lock(&itimer_lock);
	real_stop(p);
	spin_unlock(&itimer_lock);
}

// --- timers on CPU time ---

static u64 cpu_now(const struct process *p, int which)
{
	u64 user = READ_ONCE(p->p_utime);

	return which == ITIMER_VIRTUAL ? user : user + READ_ONCE(p->p_stime);
}

// p_siglock held.
static void watch_locked(struct process *p)
{
	bool on = p->p_virt_expires || p->p_prof_expires ||
		  p->p_rlimit[RLIMIT_CPU].rlim_cur != CPU_LIMIT_NONE ||
		  p->p_rlimit[RLIMIT_CPU].rlim_max != CPU_LIMIT_NONE;

	WRITE_ONCE(p->p_cpu_watched, on);
}

void itimer_watch(struct process *p)
{
	u64 irq = spin_lock_irq(&p->p_siglock);

	watch_locked(p);
	spin_unlock_irq(&p->p_siglock, irq);
}

static void cpu_pointers(struct process *p, int which, u64 **expires, u64 **interval)
{
	*expires = which == ITIMER_VIRTUAL ? &p->p_virt_expires : &p->p_prof_expires;
	*interval = which == ITIMER_VIRTUAL ? &p->p_virt_interval : &p->p_prof_interval;
}

static void cpu_read_locked(struct process *p, int which, struct itimer_setting *out)
{
	u64 now = cpu_now(p, which), *expires, *interval;

	cpu_pointers(p, which, &expires, &interval);
	out->interval = *interval;
	out->value = !*expires			      ? 0
		     : *expires > now + NSEC_PER_USEC ? *expires - now
						      : NSEC_PER_USEC;
}

static void cpu_set(struct process *p, int which, const struct itimer_setting *s,
		    struct itimer_setting *old)
{
	u64 *expires, *interval, irq = spin_lock_irq(&p->p_siglock);

	cpu_read_locked(p, which, old);
	cpu_pointers(p, which, &expires, &interval);
	*expires = s->value ? MIN(cpu_now(p, which) + s->value, TIME_NS_MAX) : 0;
	*interval = s->value ? s->interval : 0;
	watch_locked(p);
	spin_unlock_irq(&p->p_siglock, irq);
}

// True when it is due; then it is moved on by whole intervals, or off. p_siglock held.
static bool cpu_expire_locked(struct process *p, int which)
{
	u64 now = cpu_now(p, which), *expires, *interval;

	cpu_pointers(p, which, &expires, &interval);
	if (!*expires || now < *expires)
		return false;
	if (*interval)
		*expires += ((now - *expires) / *interval + 1) * *interval;
	else
		*expires = 0;
	return true;
}

// RLIMIT_CPU (getrlimit(2)): SIGXCPU at the soft limit and each second after it, SIGKILL at the
// hard one.
static int cpu_limit_signal_locked(struct process *p)
{
	struct rlimit *limit = &p->p_rlimit[RLIMIT_CPU];
	u64 seconds = cpu_now(p, ITIMER_PROF) / NSEC_PER_SEC;

	if (seconds >= limit->rlim_max)
		return SIGKILL;
	if (limit->rlim_cur == CPU_LIMIT_NONE || seconds < MAX(limit->rlim_cur, 1ul))
		return 0;
	limit->rlim_cur = seconds + 1;
	return SIGXCPU;
}

void itimer_cpu_tick(struct process *p)
{
	bool virt, prof;
	int limit;
	u64 irq = spin_lock_irq(&p->p_siglock);

	virt = cpu_expire_locked(p, ITIMER_VIRTUAL);
	prof = cpu_expire_locked(p, ITIMER_PROF);
	limit = cpu_limit_signal_locked(p);
	watch_locked(p);
	spin_unlock_irq(&p->p_siglock, irq);
	if (virt)
		send_timer_signal(p, SIGVTALRM);
	if (prof)
		send_timer_signal(p, SIGPROF);
	if (limit)
		send_timer_signal(p, limit);
}

// --- the calls ---

int itimer_get(int which, struct itimer_setting *out)
{
	struct process *p = current->t_proc;
	u64 irq;

	if (which == ITIMER_REAL) {
		spin_lock(&itimer_lock);
		real_read(p, out);
		spin_unlock(&itimer_lock);
		return 0;
	}
	if (which != ITIMER_VIRTUAL && which != ITIMER_PROF)
		return -EINVAL;
	irq = spin_lock_irq(&p->p_siglock);
	cpu_read_locked(p, which, out);
	spin_unlock_irq(&p->p_siglock, irq);
	return 0;
}

int itimer_set(int which, const struct itimer_setting *s, struct itimer_setting *old)
{
	struct itimer_setting unused;

	if (!old)
		old = &unused;
	switch (which) {
	case ITIMER_REAL:
		real_set(current->t_proc, s, old);
		return 0;
	case ITIMER_VIRTUAL:
	case ITIMER_PROF:
		cpu_set(current->t_proc, which, s, old);
		return 0;
	default:
		return -EINVAL;
	}
}
