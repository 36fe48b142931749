// SPDX-License-Identifier: MIT
// Job control: which session a terminal controls, which process group may use it, and who is told
// when either changes (POSIX 11.1.2–11.1.4). tasklist_lock covers the links between sessions and
// terminals in both directions.

#include "dev/tty.h"

#include "kern/task.h"

#include <asm/errno.h>
#include <linux/capability.h>

static struct session *session_of(const struct process *p)
{
	return p->p_pgrp ? p->p_pgrp->g_session : NULL;
}

static bool is_leader(const struct process *p)
{
	struct session *s = session_of(p);

	return s && s->s_id == p->p_pid;
}

struct tty *tty_current(void)
{
	spin_lock(&tasklist_lock);
	struct session *s = session_of(current->t_proc);
	struct tty *t = s ? s->s_tty : NULL;
	spin_unlock(&tasklist_lock);
	return t;
}

static void signal_group_locked(struct pgroup *g, int signo)
{
	struct ksiginfo si = {.signo = signo, .code = SI_KERNEL};

	if (g)
		signal_send_pgroup_locked(g, &si);
}

void tty_signal_foreground(struct tty *t, int signo)
{
	spin_lock(&tasklist_lock);
	signal_group_locked(t->tt_pgrp ? pgroup_find_locked(t->tt_pgrp) : NULL, signo);
	spin_unlock(&tasklist_lock);
}

static bool blocked_or_ignored(int signo)
{
	struct process *p = current->t_proc;
	u64 irq = spin_lock_irq(&p->p_siglock);
	bool r = current->t_blocked & SIGMASK(signo) ||
		 p->p_sighand->sh_action[signo - 1].handler == (u64)SIG_IGN;

	spin_unlock_irq(&p->p_siglock, irq);
	return r;
}

// A background group is stopped, unless nobody could continue it (orphaned) or its members don't
// want to hear of it: then reading fails, and writing is let through (POSIX 11.1.4).
int tty_job_check(struct tty *t, int signo)
{
	bool deaf = blocked_or_ignored(signo);
	int r = 0;

	spin_lock(&tasklist_lock);
	struct pgroup *mine = current->t_proc->p_pgrp;
	struct session *s = mine ? mine->g_session : NULL;
	if (s && s->s_tty == t && t->tt_pgrp && mine->g_id != t->tt_pgrp) {
		if (deaf) {
			r = signo == SIGTTIN ? -EIO : 0;
		} else if (pgroup_is_orphaned_locked(mine, NULL)) {
			r = -EIO;
		} else {
			signal_group_locked(mine, signo);
			r = -ERESTARTSYS;
		}
	}
	spin_unlock(&tasklist_lock);
	return r;
}

int tty_job_acquire(struct tty *t, bool steal)
{
	struct process *p = current->t_proc;
	int r = 0;

	spin_lock(&tasklist_lock);
	struct session *s = session_of(p);
	if (!is_leader(p) || (s->s_tty && s->s_tty != t)) {
		r = -EPERM;
	} else if (t->tt_session != s) {
		if (t->tt_session && !(steal && capable(CAP_SYS_ADMIN))) {
			r = -EPERM;
		} else {
			if (t->tt_session)
				t->tt_session->s_tty = NULL;
			t->tt_session = s;
			t->tt_pgrp = p->p_pgrp->g_id;
			s->s_tty = t;
		}
	}
	spin_unlock(&tasklist_lock);
	return r;
}

// Cuts the link between s and its terminal; the foreground group hears of it.
static struct tty *detach_locked(struct session *s)
{
	struct tty *t = s->s_tty;

	if (!t)
		return NULL;
	struct pgroup *g = t->tt_pgrp ? pgroup_find_locked(t->tt_pgrp) : NULL;
	signal_group_locked(g, SIGHUP);
	signal_group_locked(g, SIGCONT);
	t->tt_session = NULL;
	t->tt_pgrp = 0;
	s->s_tty = NULL;
	return t;
}

// Only the leader can give the terminal up: here it belongs to the session, not to each process as
// on Linux.
int tty_job_release(struct tty *t)
{
	struct process *p = current->t_proc;
	int r = 0;

	spin_lock(&tasklist_lock);
	struct session *s = session_of(p);
	if (!s || s->s_tty != t)
		r = -ENOTTY;
	else if (!is_leader(p))
		r = -EPERM;
	else
		detach_locked(s);
	spin_unlock(&tasklist_lock);
	return r;
}

void tty_session_exit(struct session *s)
{
	spin_lock(&tasklist_lock);
	struct tty *t = detach_locked(s);
	spin_unlock(&tasklist_lock);
	if (t)
		tty_hangup(t);
}

int tty_job_set_pgrp(struct tty *t, pid_t pgrp)
{
	int r = tty_job_check(t, SIGTTOU);

	if (r)
		return r == -EIO ? -ENOTTY : r;
	if (pgrp < 0)
		return -EINVAL;
	spin_lock(&tasklist_lock);
	struct session *s = session_of(current->t_proc);
	struct pgroup *g = pgroup_find_locked(pgrp);
	if (!s || s->s_tty != t)
		r = -ENOTTY;
	else if (!g)
		r = -ESRCH;
	else if (g->g_session != s)
		r = -EPERM;
	else
		t->tt_pgrp = pgrp;
	spin_unlock(&tasklist_lock);
	return r;
}

static int get_ids(struct tty *t, pid_t *pgrp, pid_t *sid)
{
	int r = 0;

	spin_lock(&tasklist_lock);
	struct session *s = session_of(current->t_proc);
	if (!s || s->s_tty != t) {
		r = -ENOTTY;
	} else {
		*pgrp = t->tt_pgrp;
		*sid = s->s_id;
	}
	spin_unlock(&tasklist_lock);
	return r;
}

int tty_job_get_pgrp(struct tty *t, pid_t *pgrp)
{
	pid_t sid;

	return get_ids(t, pgrp, &sid);
}

int tty_job_get_session(struct tty *t, pid_t *sid)
{
	pid_t pgrp;

	return get_ids(t, &pgrp, sid);
}

// Old device number layout: minor's low byte, major, the rest of the minor (as stat(2) shows it to
// 32-bit programs).
u32 tty_session_dev(const struct session *s, pid_t *pgrp)
{
	const struct tty *t = s ? s->s_tty : NULL;

	*pgrp = t ? t->tt_pgrp : -1;
	if (!t)
		return 0;
	u32 minor = KDEV_MINOR(t->tt_dev);
	return (minor & 0xff) | KDEV_MAJOR(t->tt_dev) << 8 | (minor & ~0xffu) << 12;
}
