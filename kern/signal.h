// SPDX-License-Identifier: MIT
// Signals: sending, queues, actions, delivery choice. Frames are built in abi/; the exit path in
// gate/ calls signal_deliver.
#pragma once

#include "kern/lock.h"
#include "lib/list.h"
#include "lib/types.h"

#include <asm/siginfo.h>
#include <asm/signal.h>
#include <linux/posix_types.h>

typedef __kernel_pid_t pid_t;

// <asm/signal.h> gives numbers and SA_* flags; the user-space structures in it are not used.
#define KSIG_MAX 64
typedef u64 sigset64;
#define SIGMASK(sig)	     (1ULL << ((sig)-1))
#define SIG_KERNEL_ONLY_MASK (SIGMASK(SIGKILL) | SIGMASK(SIGSTOP))
#define SIG_SYNC_MASK                                                              \
	(SIGMASK(SIGSEGV) | SIGMASK(SIGBUS) | SIGMASK(SIGILL) | SIGMASK(SIGTRAP) | \
	 SIGMASK(SIGFPE) | SIGMASK(SIGSYS))

// Restart codes: only between a handler and gate/exit.c, never seen by user space.
#define ERESTARTSYS	      512
#define ERESTARTNOINTR	      513
#define ERESTARTNOHAND	      514
#define ERESTART_RESTARTBLOCK 516

struct task;
struct process;
struct pgroup;
struct regs;

// A siginfo free of any ABI's layout. Which members count follows from si_code and signo as in
// sigaction(2).
struct ksiginfo {
	s32 signo, code, err;
	pid_t pid;
	u32 uid;
	s32 status;
	u64 utime, stime; // CLD_*: clock ticks
	u64 value;	  // sigval, also timer and rt
	u64 addr;	  // faults
	s32 addr_lsb, trapno;
	u64 lower, upper;
	u32 pkey;
	s32 timer_id, overrun;
	s64 band;
	s32 fd;
	u64 call_addr; // SIGSYS
	s32 syscall;
	u32 arch;
	// rt_sigqueueinfo may carry any bytes: raw 128-byte image in the sender's layout is
	// normalised by abi/.
};

struct sigqueue {
	sigset64 sq_set;
	struct list sq_infos; // queued struct siginfo_entry
	u32 sq_count;
};

struct kaction {
	u64 handler; // SIG_DFL, SIG_IGN or user address
	u64 flags;   // SA_*
	u64 restorer;
	sigset64 mask;
	u8 abi; // ABI_* that installed it: decides the frame
};

struct sighand {
	struct ref sh_ref;
	struct kaction sh_action[KSIG_MAX]; // [S] by index signo-1
};

struct altstack {
	u64 sp, size;
	u32 flags; // SS_DISABLE, SS_AUTODISARM
};

// Sending. 0 or negative errno (-EAGAIN: queue limit for realtime signals sent by sigqueue).
// Permission is checked by kern_kill.
int signal_send_task(struct task *t, const struct ksiginfo *si);	    // thread-directed
int signal_send_process(struct process *p, const struct ksiginfo *si);	    // process-directed
int signal_send_pgroup_locked(struct pgroup *g, const struct ksiginfo *si); // tasklist_lock held
void signal_send_self(int signo); // SIGPIPE, SIGXFSZ: to current, SI_USER
// A fault of current: cannot be blocked or ignored (then the default action is forced).
void signal_force(const struct ksiginfo *si);
void signal_force_fault(int signo, int code, u64 addr);
// kill(2)'s four meanings of pid, with permission checks
int kern_kill(pid_t pid, const struct ksiginfo *si);
int kern_tgkill(pid_t tgid, pid_t tid, const struct ksiginfo *si); // tgid 0: tkill
int signal_check_permission(struct process *target, int signo);	   // 0, -EPERM

int signal_set_action(int signo, const struct kaction *new_action, struct kaction *old);
void signal_set_blocked(sigset64 set); // of current; recomputes WORK_SIGNAL
// Temporarily sets the mask for sigsuspend/ppoll/…; the old one is restored on return to user mode
// or saved in the frame.
void signal_set_temp_mask(sigset64 set);
void signal_restore_temp_mask(void);
// Waits for one of `set`: signal number with *out filled, -EAGAIN at the deadline, -EINTR.
int signal_wait(sigset64 set, u64 deadline, struct ksiginfo *out);
sigset64 signal_pending_set(void); // sigpending(2)
// recompute WORK_SIGNAL; p_siglock held, or t is current and it is taken
void signal_recalc(struct task *t);
// Takes the next deliverable signal of current; handles stops, ignores and fatal defaults (does not
// return for those). True: *action (a copy; SA_RESETHAND applied) and *info are to be delivered to
// a handler.
bool signal_next(struct ksiginfo *info, struct kaction *action);
// The frame for `signo` could not be written: SIGSEGV, fatal when it was that one.
void signal_frame_failed(int signo);
// SS_AUTODISARM stacks count as left as soon as a handler runs.
bool signal_on_altstack(const struct altstack *a, u64 sp);
// sigaltstack(2) for a task whose stack pointer is sp; also for what sigreturn restores. -EPERM,
// -EINVAL, -ENOMEM.
int signal_set_altstack(const struct altstack *wanted, u64 sp);
void signal_fork(struct task *child);
void signal_exec(void); // handlers to default, altstack off
void signal_flush(struct sigqueue *q);
void signal_init_queue(struct sigqueue *q);
const char *signal_name(int signo);
