// SPDX-License-Identifier: MIT
// /proc/PID/{stat,statm,status} (proc(5)). Numbers are gathered first, under the locks that they
// need, then printed.

#include "fs/proc.h"

#include "dev/tty.h"
#include "kern/files.h"
#include "kern/process.h"
#include "kern/usage.h"
#include "lib/string.h"
#include "machine/cpu.h"
#include "vm/mm.h"
#include "vm/page.h"

#include <asm/errno.h>
#include <linux/sched.h>

#define TICK_NS	   (NSEC_PER_SEC / 100) // USER_HZ
#define PF_KTHREAD 0x00200000		// Linux's flag word in stat, for ps

struct snapshot {
	char name[TASK_NAME_LEN];
	char state;
	pid_t pid, tgid, ppid, pgrp, sid, tpgid;
	u32 tty;
	u64 utime, stime, cutime, cstime, minflt, majflt, cminflt, cmajflt, nvcsw, nivcsw, start;
	u32 threads, cpu, policy, rtprio;
	s32 nice, exit_signal, exit_code;
	sigset64 pending, shared, blocked, ignored, caught;
	u64 affinity, limit_rss;
	bool kernel, no_new_privs;
	u32 uid[4], gid[4];
	u64 cap[5];
	u32 ngroups, groups[32]; // as many as one line of /proc shows here; the count may be larger
};

static char state_of(const struct task *t, bool process)
{
	if (process && t->t_proc->p_zombie)
		return 'Z';
	switch (READ_ONCE(t->t_state)) {
	case TASK_RUNNING:
		return 'R';
	case TASK_INTERRUPTIBLE:
		return 'S';
	case TASK_STOPPED:
		return 'T';
	case TASK_DEAD:
		return process ? 'S' : 'X'; // a leader that waits for its threads
	default:
		return 'D';
	}
}

static void take_signals(struct snapshot *s, struct task *t)
{
	struct process *p = t->t_proc;
	u64 irq = spin_lock_irq(&p->p_siglock);

	s->pending = t->t_pending.sq_set;
	s->shared = p->p_pending.sq_set;
	s->blocked = t->t_blocked;
	for (int i = 0; p->p_sighand && i < KSIG_MAX; i++) {
		u64 handler = p->p_sighand->sh_action[i].handler;
		if (handler == (u64)SIG_IGN)
			s->ignored |= BIT(i);
		else if (handler != (u64)SIG_DFL)
			s->caught |= BIT(i);
	}
	spin_unlock_irq(&p->p_siglock, irq);
}

static void take_cred(struct snapshot *s, const struct cred *c)
{
	const u32 uid[4] = {c->c_uid, c->c_euid, c->c_suid, c->c_fsuid};
	const u32 gid[4] = {c->c_gid, c->c_egid, c->c_sgid, c->c_fsgid};
	const u64 cap[5] = {c->c_cap_inheritable, c->c_cap_permitted, c->c_cap_effective,
			    c->c_cap_bounding, c->c_cap_ambient};

	memcpy(s->uid, uid, sizeof(uid));
	memcpy(s->gid, gid, sizeof(gid));
	memcpy(s->cap, cap, sizeof(cap));
	s->ngroups = MIN(c->c_ngroups, (u32)ARRAY_SIZE(s->groups));
	if (s->ngroups)
		memcpy(s->groups, c->c_groups, s->ngroups * sizeof(u32));
}

// Of the whole process: times, faults, children. tasklist_lock held.
static void take_process(struct snapshot *s, struct process *p)
{
	struct krusage ru;

	usage_process_locked(p, &ru);
	s->utime = ru.utime;
	s->stime = ru.stime;
	s->minflt = ru.minflt;
	s->majflt = ru.majflt;
	s->cutime = p->p_cutime;
	s->cstime = p->p_cstime;
	s->cminflt = p->p_cminflt;
	s->cmajflt = p->p_cmajflt;
}

static int take(struct snapshot *s, const struct proc_ref *r)
{
	struct task *t = proc_task(r);

	*s = (struct snapshot){.tpgid = -1};
	if (!t)
		return -ESRCH;
	struct process *p = t->t_proc;
	if (r->task)
		task_times(t, &s->utime, &s->stime);
	spin_lock(&tasklist_lock);
	memcpy(s->name, t->t_name, sizeof(s->name));
	s->state = state_of(t, !r->task);
	s->pid = t->t_tid;
	s->tgid = p->p_pid;
	s->ppid = p->p_ppid;
	if (p->p_pgrp) {
		s->pgrp = p->p_pgrp->g_id;
		s->sid = p->p_pgrp->g_session->s_id;
		s->tty = tty_session_dev(p->p_pgrp->g_session, &s->tpgid);
	}
	if (!r->task)
		take_process(s, p);
	s->start = r->task ? t->t_start_ns : p->p_start_ns;
	s->threads = p->p_nthreads;
	s->nvcsw = t->t_nvcsw;
	s->nivcsw = t->t_nivcsw;
	s->exit_signal = p->p_exit_signal;
	s->exit_code = p->p_zombie ? t->t_exit_code : 0;
	s->limit_rss = p->p_rlimit[RLIMIT_RSS].rlim_cur;
	s->kernel = t->t_kernel;
	s->no_new_privs = t->t_no_new_privs;
	take_signals(s, t);
	if (t->t_cred)
		take_cred(s, t->t_cred);
	spin_unlock(&tasklist_lock);
	s->cpu = t->t_se.se_cpu;
	s->policy = t->t_se.se_policy;
	s->rtprio = (u32)t->t_se.se_rtprio;
	s->nice = t->t_se.se_nice;
	s->affinity = t->t_se.se_affinity & sched_cpus();
	task_put(t);
	return 0;
}

static bool is_realtime(const struct snapshot *s)
{
	return s->policy == SCHED_FIFO || s->policy == SCHED_RR;
}

// What only who may look into the process is told: addresses.
struct layout {
	u64 code_start, code_end, stack, data_start, data_end, brk, arg_start, arg_end, env_start,
		env_end;
};

static void take_layout(struct layout *l, const struct mm *mm)
{
	*l = (struct layout){mm->mm_start_code, mm->mm_end_code, mm->mm_start_stack,
			     mm->mm_start_data, mm->mm_end_data, mm->mm_brk_start,
			     mm->mm_arg_start,	mm->mm_arg_end,	 mm->mm_env_start,
			     mm->mm_env_end};
}

#define LLU(v) ((unsigned long long)(v))

static u64 rss_pages(const struct mm *mm)
{
	s64 n = READ_ONCE(mm->mm_rss_anon) + READ_ONCE(mm->mm_rss_file);

	return n > 0 ? (u64)n : 0;
}

int proc_show_stat(struct proc_text *t, const struct proc_ref *r)
{
	struct snapshot s;
	struct layout l = {0};
	u64 vsize = 0, rss = 0;
	int err = take(&s, r);

	if (err)
		return err;
	struct mm *mm = proc_mm(r);
	if (mm) {
		if (!proc_access(r))
			take_layout(&l, mm);
		vsize = mm->mm_total_pages * PAGE_SIZE;
		rss = rss_pages(mm);
		mm_put(mm);
	}
	proc_printf(t, "%d (%s) %c %d %d %d %d %d %u ", s.pid, s.name, s.state, s.ppid, s.pgrp,
		    s.sid, (int)s.tty, s.tpgid, s.kernel ? PF_KTHREAD : 0);
	proc_printf(t, "%llu %llu %llu %llu %llu %llu %lld %lld ", LLU(s.minflt), LLU(s.cminflt),
		    LLU(s.majflt), LLU(s.cmajflt), LLU(s.utime / TICK_NS), LLU(s.stime / TICK_NS),
		    LLU(s.cutime / TICK_NS), LLU(s.cstime / TICK_NS));
	// Priority as Linux numbers it: 20 + nice, realtime below zero.
	proc_printf(t, "%d %d %u 0 %llu %llu %llu %llu ",
		    is_realtime(&s) ? -1 - (int)s.rtprio : 20 + s.nice, s.nice, s.threads,
		    LLU(s.start / TICK_NS), LLU(vsize), LLU(rss), LLU(s.limit_rss));
	proc_printf(t, "%llu %llu %llu 0 0 ", LLU(l.code_start), LLU(l.code_end), LLU(l.stack));
	// Only the first 31 signals fit (proc(5): "obsolete, use /proc/pid/status").
	proc_printf(t, "%llu %llu %llu %llu 0 0 0 ", LLU((s.pending | s.shared) & 0x7fffffff),
		    LLU(s.blocked & 0x7fffffff), LLU(s.ignored & 0x7fffffff),
		    LLU(s.caught & 0x7fffffff));
	proc_printf(t, "%d %u %u %u 0 0 0 ", s.exit_signal, s.cpu, is_realtime(&s) ? s.rtprio : 0,
		    s.policy);
	proc_printf(t, "%llu %llu %llu %llu %llu %llu %llu %d\n", LLU(l.data_start),
		    LLU(l.data_end), LLU(l.brk), LLU(l.arg_start), LLU(l.arg_end), LLU(l.env_start),
		    LLU(l.env_end), s.exit_code);
	return 0;
}

static u64 code_pages(const struct mm *mm)
{
	return (ALIGN_UP(mm->mm_end_code, PAGE_SIZE) - ALIGN_DOWN(mm->mm_start_code, PAGE_SIZE)) /
	       PAGE_SIZE;
}

int proc_show_statm(struct proc_text *t, const struct proc_ref *r)
{
	struct mm *mm = proc_mm(r);

	if (!mm) {
		proc_printf(t, "0 0 0 0 0 0 0\n");
		return 0;
	}
	proc_printf(t, "%llu %llu %llu %llu 0 %llu 0\n", LLU(mm->mm_total_pages),
		    LLU(rss_pages(mm)), LLU(MAX(mm->mm_rss_file, 0)), LLU(code_pages(mm)),
		    LLU(mm->mm_data_pages + mm->mm_stack_pages));
	mm_put(mm);
	return 0;
}

static const char *state_name(char state)
{
	switch (state) {
	case 'R':
		return "R (running)";
	case 'S':
		return "S (sleeping)";
	case 'T':
		return "T (stopped)";
	case 'Z':
		return "Z (zombie)";
	case 'X':
		return "X (dead)";
	default:
		return "D (disk sleep)";
	}
}

static void show_ids(struct proc_text *t, const struct snapshot *s, u32 fd_size, u32 umask)
{
	proc_printf(t, "Name:\t");
	proc_append_escaped(t, s->name, "\\");
	if (umask <= 0777)
		proc_printf(t, "\nUmask:\t%04o", umask);
	proc_printf(t, "\nState:\t%s\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n",
		    state_name(s->state), s->tgid, s->pid, s->ppid);
	proc_printf(t, "Uid:\t%u\t%u\t%u\t%u\n", s->uid[0], s->uid[1], s->uid[2], s->uid[3]);
	proc_printf(t, "Gid:\t%u\t%u\t%u\t%u\nFDSize:\t%u\nGroups:\t", s->gid[0], s->gid[1],
		    s->gid[2], s->gid[3], fd_size);
	for (u32 i = 0; i < s->ngroups; i++)
		proc_printf(t, "%u ", s->groups[i]);
	proc_printf(t, "\nNStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\n", s->tgid, s->pid,
		    s->pgrp, s->sid);
}

static void show_memory(struct proc_text *t, const struct mm *mm)
{
	const struct {
		const char *name;
		u64 pages;
	} rows[] = {
		{"VmSize", mm->mm_total_pages},
		{"VmLck", mm->mm_locked_pages},
		{"VmHWM", MAX((u64)mm->mm_rss_peak, rss_pages(mm))},
		{"VmRSS", rss_pages(mm)},
		{"RssAnon", (u64)MAX(mm->mm_rss_anon, 0)},
		{"RssFile", (u64)MAX(mm->mm_rss_file, 0)},
		{"RssShmem", 0},
		{"VmData", mm->mm_data_pages},
		{"VmStk", mm->mm_stack_pages},
		{"VmExe", code_pages(mm)},
		{"VmPTE", mm->mm_pt.pt_tables},
		{"VmSwap", 0},
	};

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++)
		proc_printf(t, "%s:\t%8llu kB\n", rows[i].name,
			    LLU(rows[i].pages * (PAGE_SIZE / 1024)));
}

static void show_signals(struct proc_text *t, const struct snapshot *s)
{
	static const char *const names[] = {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"};

	proc_printf(t,
		    "SigPnd:\t%016llx\nShdPnd:\t%016llx\nSigBlk:\t%016llx\nSigIgn:\t%"
		    "016llx\nSigCgt:\t%016llx\n",
		    LLU(s->pending), LLU(s->shared), LLU(s->blocked), LLU(s->ignored),
		    LLU(s->caught));
	for (u32 i = 0; i < ARRAY_SIZE(names); i++)
		proc_printf(t, "%s:\t%016llx\n", names[i], LLU(s->cap[i]));
	proc_printf(t, "NoNewPrivs:\t%u\nSeccomp:\t0\n", s->no_new_privs);
}

static void show_cpus(struct proc_text *t, u64 mask)
{
	const char *comma = "";

	proc_printf(t, "Cpus_allowed:\t%llx\nCpus_allowed_list:\t", LLU(mask));
	for (u32 i = 0; i < CPU_MAX; i++) {
		u32 first = i;
		if (!(mask & BIT(i)))
			continue;
		while (i + 1 < CPU_MAX && mask & BIT(i + 1))
			i++;
		proc_printf(t, i > first ? "%s%u-%u" : "%s%u", comma, first, i);
		comma = ",";
	}
	proc_printf(t, "\nMems_allowed:\t1\nMems_allowed_list:\t0\n");
}

int proc_show_status(struct proc_text *t, const struct proc_ref *r)
{
	struct snapshot s;
	u32 fd_size = 0, umask = ~0u;
	int err = take(&s, r);

	if (err)
		return err;
	struct files *files = proc_files(r);
	if (files) {
		fd_size = files->fs_max;
		files_put(files);
	}
	struct task *task = proc_task(r);
	if (task) {
		spin_lock(&tasklist_lock);
		if (task->t_fs)
			umask = task->t_fs->x_umask;
		spin_unlock(&tasklist_lock);
		task_put(task);
	}
	show_ids(t, &s, fd_size, umask);
	struct mm *mm = proc_mm(r);
	if (mm) {
		show_memory(t, mm);
		mm_put(mm);
	}
	proc_printf(t, "Threads:\t%u\n", s.threads);
	show_signals(t, &s);
	show_cpus(t, s.affinity);
	proc_printf(t, "voluntary_ctxt_switches:\t%llu\nnonvoluntary_ctxt_switches:\t%llu\n",
		    LLU(s.nvcsw), LLU(s.nivcsw));
	return 0;
}
