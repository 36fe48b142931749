// SPDX-License-Identifier: MIT
// Process groups and sessions. A group lives while it has members, a session while it has such a
// group; references keep only the memory. Who belongs where changes under tasklist_lock.

#include "kern/pgroup.h"

#include "kern/process.h"
#include "kern/task.h"
#include "vm/slab.h"

#include <asm/errno.h>

static struct slab_cache pgroup_cache = SLAB_CACHE(pgroup_cache, "pgroup", struct pgroup);
static struct slab_cache session_cache = SLAB_CACHE(session_cache, "session", struct session);

// Few groups exist at a time, so one list does.
static struct list groups = LIST_INIT(groups);

void session_put(struct session *s)
{
	if (ref_put(&s->s_ref))
		slab_free(&session_cache, s);
}

void pgroup_put(struct pgroup *g)
{
	struct session *s = g->g_session;

	if (!ref_put(&g->g_ref))
		return;
	slab_free(&pgroup_cache, g);
	session_put(s);
}

static struct session *session_create(pid_t id)
{
	struct session *s = slab_zalloc(&session_cache);

	if (!s)
		return NULL;
	ref_init(&s->s_ref); // passes to the group that is created with it
	s->s_id = id;
	pid_hold_locked(id);
	return s;
}

struct pgroup *pgroup_create_locked(pid_t id, struct session *s)
{
	struct pgroup *g = slab_zalloc(&pgroup_cache);

	if (!g)
		return NULL;
	if (s)
		ref_get(&s->s_ref);
	else
		s = session_create(id);
	if (!s) {
		slab_free(&pgroup_cache, g);
		return NULL;
	}
	ref_init(&g->g_ref); // the members'
	g->g_id = id;
	g->g_session = s;
	s->s_groups++;
	list_init(&g->g_procs);
	list_add(&groups, &g->g_hash);
	pid_hold_locked(id);
	return g;
}

struct pgroup *pgroup_find_locked(pid_t id)
{
	struct pgroup *g;

	list_for_each_entry (g, &groups, g_hash)
		if (g->g_id == id)
			return g;
	return NULL;
}

void pgroup_join_locked(struct process *p, struct pgroup *g)
{
	list_add_tail(&g->g_procs, &p->p_pgrp_link);
	p->p_pgrp = g;
}

void pgroup_leave_locked(struct process *p)
{
	struct pgroup *g = p->p_pgrp;

	list_del(&p->p_pgrp_link);
	p->p_pgrp = NULL;
	if (!list_empty(&g->g_procs))
		return;
	list_del(&g->g_hash);
	pid_release_locked(g->g_id);
	if (--g->g_session->s_groups == 0)
		pid_release_locked(g->g_session->s_id);
	pgroup_put(g);
}

// POSIX 3.264: no member's parent is in another group of the same session.
bool pgroup_is_orphaned_locked(struct pgroup *g, const struct process *leaving)
{
	struct process *p;

	list_for_each_entry (p, &g->g_procs, p_pgrp_link) {
		const struct process *parent = p->p_parent;

		if (p == leaving || p->p_zombie || !parent || parent == init_process ||
		    !parent->p_pgrp)
			continue;
		if (parent->p_pgrp != g && parent->p_pgrp->g_session == g->g_session)
			return false;
	}
	return true;
}

bool pgroup_has_stopped_locked(struct pgroup *g)
{
	struct process *p;

	list_for_each_entry (p, &g->g_procs, p_pgrp_link)
		if (p->p_stopped)
			return true;
	return false;
}

// Who may be moved: oneself, or a child of the same session that has not called exec yet
// (setpgid(2)).
static int setpgid_check(const struct process *p)
{
	const struct process *me = current->t_proc;

	if (p != me) {
		if (p->p_parent != me)
			return -ESRCH;
		if (p->p_pgrp->g_session != me->p_pgrp->g_session)
			return -EPERM;
		if (p->p_execd)
			return -EACCES;
	}
	return p->p_pgrp->g_session->s_id == p->p_pid ? -EPERM : 0;
}

static int setpgid_locked(pid_t pid, pid_t pgid)
{
	struct task *t = task_find_locked(pid);
	struct process *p;
	struct pgroup *g;
	int r;

	if (!t)
		return -ESRCH;
	p = t->t_proc;
	if (p->p_pid != pid)
		return -EINVAL;
	r = setpgid_check(p);
	if (r)
		return r;
	g = pgroup_find_locked(pgid);
	if (pgid != pid && (!g || g->g_session != current->t_proc->p_pgrp->g_session))
		return -EPERM;
	if (g == p->p_pgrp)
		return 0;
	if (!g)
		g = pgroup_create_locked(pgid, p->p_pgrp->g_session);
	if (!g)
		return -ENOMEM;
	pgroup_leave_locked(p);
	pgroup_join_locked(p, g);
	return 0;
}

int kern_setpgid(pid_t pid, pid_t pgid)
{
	int r;

	pid = pid ? pid : current->t_proc->p_pid;
	pgid = pgid ? pgid : pid;
	if (pgid < 0)
		return -EINVAL;
	spin_lock(&tasklist_lock);
	r = setpgid_locked(pid, pgid);
	spin_unlock(&tasklist_lock);
	return r;
}

// Any thread's id will do, as on Linux.
static long group_id(pid_t pid, bool session)
{
	struct task *t;
	long r = -ESRCH;

	spin_lock(&tasklist_lock);
	t = pid ? task_find_locked(pid) : current;
	if (t && t->t_proc->p_pgrp)
		r = session ? t->t_proc->p_pgrp->g_session->s_id : t->t_proc->p_pgrp->g_id;
	spin_unlock(&tasklist_lock);
	return r;
}

long kern_getpgid(pid_t pid)
{
	return group_id(pid, false);
}

long kern_getsid(pid_t pid)
{
	return group_id(pid, true);
}

// A leader of a group cannot become one of a session: its group's number would be in two sessions.
long kern_setsid(void)
{
	struct process *p = current->t_proc;
	struct pgroup *g = NULL;
	long r = -EPERM;

	spin_lock(&tasklist_lock);
	if (!pgroup_find_locked(p->p_pid)) {
		g = pgroup_create_locked(p->p_pid, NULL);
		r = g ? p->p_pid : -ENOMEM;
	}
	if (g) {
		pgroup_leave_locked(p);
		pgroup_join_locked(p, g);
	}
	spin_unlock(&tasklist_lock);
	return r;
}
