// SPDX-License-Identifier: MIT
// Out of memory: the process with the most memory is killed, one at a time. Whoever ran into it
// waits until memory comes back and tries again. Nothing here allocates.
#include "vm/vm.h"

#include "fs/vfs.h"
#include "kern/files.h"
#include "kern/log.h"
#include "kern/sched.h"
#include "lib/string.h"

#define OOM_WAIT (10 * NSEC_PER_MSEC)
#define OOM_PATIENCE \
	(2 * NSEC_PER_SEC) // then a victim that does not end no longer protects the others

static u64 oom_last; // [T] clock_ns() of the last kill

struct oom_victim {
	struct process *process;
	struct mm *mm;
	u64 pages;
	pid_t pid;
	char name[TASK_NAME_LEN];
};

// tasklist_lock held. A process whose threads let go of their memory already has none.
static struct mm *process_mm(const struct process *p)
{
	struct task *t;

	list_for_each_entry (t, &p->p_threads, t_threads) {
		struct mm *mm = READ_ONCE(t->t_mm);

		if (mm && !t->t_kernel)
			return mm;
	}
	return NULL;
}

// tasklist_lock held. What the kernel keeps for a process's open files goes with it too.
static u64 process_files_pages(const struct process *p)
{
	struct task *t;

	list_for_each_entry (t, &p->p_threads, t_threads)
		if (t->t_files)
			return files_pages(t->t_files);
	return 0;
}

static void oom_consider(struct process *p, struct oom_victim *best, bool *dying)
{
	struct mm *mm = p->p_zombie ? NULL : process_mm(p);
	u64 pages;

	if (!mm)
		return;
	if (mm->mm_oom_killed) {
		*dying = true;
		return;
	}
	pages = (u64)(mm->mm_rss_anon + mm->mm_rss_file) + mm->mm_pt.pt_tables;
	pages += process_files_pages(p);
	// Of equal ones the youngest: a parent that waits outlives its children.
	if (best->mm && pages < best->pages)
		return;
	best->process = p;
	best->mm = mm;
	best->pages = pages;
	best->pid = p->p_pid;
	str_copy(best->name, p->p_leader->t_name, sizeof(best->name));
}

// Chooses and kills under one hold of tasklist_lock. Process 1 cannot be killed. True: somebody is
// about to end.
static bool oom_kill(struct oom_victim *best)
{
	struct ksiginfo si = {.signo = SIGKILL, .code = SI_KERNEL};
	bool dying = false;
	struct process *p;

	spin_lock(&tasklist_lock);
	list_for_each_entry (p, &init_process->p_all, p_all)
		if (p->p_pid > 1)
			oom_consider(p, best, &dying);
	if (dying && clock_ns() - oom_last < OOM_PATIENCE)
		best->mm = NULL;
	if (best->mm) {
		oom_last = clock_ns();
		best->mm->mm_oom_killed = true;
		signal_send_process(best->process, &si);
	}
	spin_unlock(&tasklist_lock);
	return dying || best->mm;
}

bool oom_handle(void)
{
	struct oom_victim best = {0};
	bool hope;

	if (task_dying())
		return false;
	hope = oom_kill(&best);
	if (best.mm)
		log_printf("out of memory: killed process %d (%s), %lu KiB resident\n", best.pid,
			   best.name, best.pages * (PAGE_SIZE / 1024));
	if (task_dying())
		return false;
	// Only process 1 is left, and it does not fit: Linux gives up here too.
	if (!hope && current->t_proc == init_process)
		panic("out of memory, and only process 1 is left");
	sched_set_state(TASK_KILLABLE);
	(void)sched_sleep(clock_ns() + OOM_WAIT);
	return !task_dying();
}
