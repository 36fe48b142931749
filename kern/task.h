// SPDX-License-Identifier: MIT
// Tasks (threads) and processes. A task is what is scheduled; a process is what its threads share.
// Locks: [T] tasklist_lock, [S] p_siglock, [A] t_alloc/atomic, [C] only current itself, [I]
// immutable after creation, [R] run queue lock.
#pragma once

#include "kern/lock.h"
#include "kern/sched.h"
#include "kern/signal.h"
#include "kern/time.h"
#include "kern/wait.h"
#include "lib/list.h"
#include "lib/types.h"
#include "machine/context.h"
#include "machine/cpu.h"

#include <linux/resource.h>

struct abi;
struct cred;
struct dentry;
struct file;
struct files;
struct fsctx;
struct mm;
struct process;
struct tty;

// Bits of t_work: what is to be done before the return to user mode (gate/exit.c).
#define WORK_SIGNAL  BIT(0) // a signal may be deliverable, or a restart code is to be resolved
#define WORK_RESCHED BIT(1) // give up the CPU
#define WORK_STEP    BIT(2) // SYSENTER swallowed the user's TF: set it again

#define TASK_NAME_LEN 16

// What a restarted call needs to go on where it was (nanosleep, poll, futex):
// -ERESTART_RESTARTBLOCK.
struct restart {
	long (*fn)(struct restart *r);
	u64 arg[6]; // meaning is fn's
};

struct task {
	u32 t_work; // WORK_*, changed atomically: task_set_work, task_clear_work
	u32 t_state;
	u64 t_kstack;		 // [I] lowest address of the kernel stack
	struct process *t_proc;	 // [I]
	struct mm *t_mm;	 // NULL for kernel tasks and after exit; [C]
	struct files *t_files;	 // [C] to change; others under T
	struct fsctx *t_fs;	 // cwd, root, umask; counted, shared by CLONE_FS
	struct cred *t_cred;	 // [C]; immutable objects, replaced as a whole
	const struct abi *t_abi; // ABI of the image (exec); calls use the frame's
	pid_t t_tid;		 // [I]
	struct ref t_ref;
	struct context t_context;
	struct sched_entity t_se; // [R]
	struct list t_rq_link;	  // [R] realtime list
	struct list t_threads;	  // [T] p_threads
	struct list t_hash;	  // [T] pid table

	sigset64 t_blocked; // [C] written, [S] read by others
	// goes back at the exit to user mode when t_restore_mask (sigsuspend, ppoll…)
	sigset64 t_saved_mask;
	bool t_restore_mask;
	sigset64 t_wait_set;			  // [S] signals that sigtimedwait waits for
	struct sigqueue t_pending;		  // [S]
	struct altstack t_altstack;		  // [C]
	struct restart t_restart;		  // [C]
	u64 t_fault_addr, t_fault_err, t_trap_nr; // [C] for sigcontext

	uptr t_set_child_tid, t_clear_child_tid; // clone(2)
	uptr t_robust_list[2];			 // native and compat heads, 0: none; length fixed
	struct waitqueue *t_vfork_done;		 // woken when mm is released
	struct task *t_vfork_parent;
	s32 t_exit_code; // wait(2) format
	// ns found by ticks: only their ratio counts (task_times)
	u64 t_utime, t_stime;
	u64 t_start_ns;
	u64 t_minflt, t_majflt, t_nvcsw, t_nivcsw;
	u64 t_acct_stamp; // clock at the last user/kernel accounting point
	char t_name[TASK_NAME_LEN];
	u32 t_personality; // personality(2)
	// [S] killed by another thread's execve: ends on its way to user mode
	u8 t_doomed;
	u8 t_reset_on_fork;		// SCHED_RESET_ON_FORK
	u64 t_prev_utime, t_prev_stime; // [T] what was last shown: the split never goes back
	void *t_sleep_on;		// futex or other sleeper's private data
	u8 t_kernel;			// kernel task
	u8 t_dumpable, t_no_new_privs, t_exiting;
	s32 t_pdeathsig;
	u64 t_timerslack; // PR_SET_TIMERSLACK, ns; 0: the default; a child inherits it
	void *t_lockdep;  // debug: held sleeping locks
};

struct pgroup {
	pid_t g_id;
	struct ref g_ref;
	struct session *g_session;
	struct list g_procs; // [T] p_pgrp_link
	struct list g_hash;  // [T] by g_id
};

struct session {
	pid_t s_id;
	struct ref s_ref;
	u32 s_groups;	   // [T] groups with members
	struct tty *s_tty; // [T] controlling terminal
};

struct process {
	pid_t p_pid;
	pid_t p_ppid; // cached for getppid: single load, changed under T
	struct ref p_ref;
	struct process *p_parent; // [T]
	struct list p_children;	  // [T] p_sibling
	struct list p_sibling;
	struct list p_threads;	 // t_threads; changed under [T] and [S], either suffices to walk
	struct list p_all;	 // [T] all processes
	struct task *p_leader;	 // [T]
	u32 p_nthreads;		 // [T] and [S] threads that have not left yet
	u32 p_live;		 // [S] threads that have not begun to exit
	struct task *p_reaped;	 // the former leader, between leaving the tree and being freed
	struct pgroup *p_pgrp;	 // [T]
	struct list p_pgrp_link; // [T]

	struct spinlock p_siglock;		      // taken with interrupts off
	struct sighand *p_sighand;		      // counted, shared by CLONE_SIGHAND
	struct sigqueue p_pending;		      // [S] process-directed
	struct waitqueue p_child_wait;		      // parents wait here for children
	u32 p_stop_sig, p_stop_count;		      // [S] job control
	bool p_stopped, p_continued, p_stop_reported; // [S]
	bool p_tell_continued; // [S] a resumed thread is to send CLD_CONTINUED
	bool p_exiting;	       // [S] exit_group or fatal signal under way
	s32 p_group_exit_code; // [S]
	bool p_zombie;	       // [T] all threads gone, waits to be reaped
	bool p_execd;	       // [T] has exec'd since fork (setpgid)
	bool p_subreaper;
	// [T] the parent's thread that made it (__WNOTHREAD, PR_SET_PDEATHSIG)
	pid_t p_parent_tid;
	struct task *p_dethread;	      // [S] the thread whose execve ends all others
	s32 p_exit_signal;		      // to the parent; SIGCHLD, 0 none
	struct rlimit p_rlimit[RLIM_NLIMITS]; // kernel's struct rlimit: 64-bit
	struct timer p_real_timer;	      // ITIMER_REAL
	u64 p_real_interval;
	// some CPU timer or RLIMIT_CPU is set: ticks look (kern/itimer.c)
	bool p_cpu_watched;
	u64 p_virt_expires, p_virt_interval, p_prof_expires, p_prof_interval;
	u64 p_cpu_ns; // [A] on a CPU, all threads ever; current spells not yet
	// [A] found by ticks, all threads ever: only their ratio counts (process_times)
	u64 p_utime, p_stime;
	u64 p_prev_utime, p_prev_stime; // [T] what was last shown
	u64 p_cutime, p_cstime;		// [T] of waited-for children
	u64 p_minflt, p_majflt, p_cminflt, p_cmajflt, p_nvcsw, p_nivcsw, p_cnvcsw, p_cnivcsw,
		p_maxrss, p_cmaxrss;
	u64 p_start_ns;
	struct mutex p_exec_lock;
	struct list p_posix_timers; // reserved by kern/posix_timer.c
};

struct cred {
	struct ref c_ref;
	u32 c_uid, c_euid, c_suid, c_fsuid;
	u32 c_gid, c_egid, c_sgid, c_fsgid;
	u32 c_securebits; // SECBIT_* of <linux/securebits.h>; only KEEP_CAPS is ever set
	u64 c_cap_effective, c_cap_permitted, c_cap_inheritable, c_cap_bounding, c_cap_ambient;
	u32 c_ngroups;
	u32 *c_groups; // sorted, owned
};

extern struct spinlock tasklist_lock; // plain spinlock: never taken in interrupts
extern struct process *init_process;

static inline void task_set_work(struct task *t, u32 bits)
{
	__atomic_fetch_or(&t->t_work, bits, __ATOMIC_SEQ_CST);
}
static inline void task_clear_work(struct task *t, u32 bits)
{
	__atomic_fetch_and(&t->t_work, ~bits, __ATOMIC_SEQ_CST);
}
// The process is ending, or another thread's execve wants this one gone.
static inline bool task_must_exit(const struct task *t)
{
	return READ_ONCE(t->t_proc->p_exiting) || READ_ONCE(t->t_doomed);
}
static inline bool signal_pending(struct task *t)
{
	return READ_ONCE(t->t_work) & WORK_SIGNAL;
}

void task_init(void);
// Kernel task (idle, init, device threads), runnable at once unless fn is NULL.
// The one called "init" is process 1, with tables of its own, ready for exec. NULL: no memory.
struct task *task_create_kernel(const char *name, void (*fn)(void *), void *arg);
struct task *task_create_idle(u32 cpu);
static inline void task_get(struct task *t)
{
	ref_get(&t->t_ref);
}
void task_put(struct task *t);
void process_put(struct process *p);
// By id; the result is counted (task_put / process_put). NULL: none. Zombies are found too.
struct task *task_find(pid_t tid);
struct process *process_find(pid_t pid);
struct pgroup *pgroup_find_locked(pid_t id); // tasklist_lock held
// No member has a parent in another group of the same session; `leaving` is left out of account.
// tasklist_lock held.
bool pgroup_is_orphaned_locked(struct pgroup *g, const struct process *leaving);
NORETURN void task_exit(s32 wait_status);    // this thread only
NORETURN void process_exit(s32 wait_status); // exit_group: all threads
// Linux's clone, ABI-blind: arguments of struct clone_args as kernel values. Returns the child's
// tid.
struct clone_request {
	u64 flags;
	uptr stack; // new stack pointer, 0: the parent's
	uptr child_tid, parent_tid, pidfd;
	u64 tls; // value or, on i386, a user_desc already decoded by sys_: see tls_desc
	bool tls_is_desc;
	u64 tls_desc;
	u32 tls_slot;
	s32 exit_signal;
};
long kern_clone(const struct clone_request *rq);
// wait4/waitid: which as P_ALL/P_PID/P_PGID.
struct wait_result {
	pid_t pid;
	s32 status; // wait(2) format
	s32 code;   // CLD_*
	u32 uid;
	struct krusage {
		// ns, KiB, counts
		u64 utime, stime, maxrss, minflt, majflt, nvcsw, nivcsw, inblock, oublock;
	} rusage;
};
// pid, 0 (WNOHANG), -ECHILD, -ERESTARTSYS…
long kern_wait(int which, pid_t id, int options, struct wait_result *out);
void task_set_name(struct task *t, const char *name);
// exec helpers: kills the other threads of current's process, makes current the leader: 0,
// -EINTR/-EAGAIN.
int task_dethread(void);
struct mm *task_mm_get(struct task *t); // counted, NULL: none (any more). For looks at other tasks
// kern/init.c: process 1 has ended, and so does the machine
NORETURN void init_exit(s32 wait_status);
// Detaches mm from current (exec and exit): wakes vfork parent, writes clear_child_tid, robust
// futexes.
void task_release_mm(struct task *t);
bool capable(int cap); // CAP_* of current's effective set
const struct cred *cred_current(void);
struct cred *cred_copy(const struct cred *c); // new object with one reference, NULL
void cred_put(struct cred *c);
u64 rlimit_current(int resource); // RLIM64_INFINITY as ~0

// CPU times in ns; user and system add up to the exact time on a CPU, their ratio is that of the
// ticks.
void task_times(struct task *t, u64 *utime, u64 *stime);
void process_times(struct process *p, u64 *utime, u64 *stime);
u64 process_cpu_ns(struct process *p);
