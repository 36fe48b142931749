// SPDX-License-Identifier: MIT
// What signal.c and signal_deliver.c share, and the life of a table of actions.
#pragma once

#include "kern/signal.h"
#include "lib/list.h"

struct siginfo_entry {
	struct list e_link; // sq_infos
	struct ksiginfo e_info;
};

enum signal_default { SIGDEF_TERM, SIGDEF_CORE, SIGDEF_IGNORE, SIGDEF_STOP };

enum signal_default signal_default(int signo); // signal(7), "Standard signals"
void siginfo_entry_free(struct siginfo_entry *e);
// CLD_STOPPED or CLD_CONTINUED to the parent. No lock held.
void signal_notify_parent(struct process *p, int code, int status);

struct sighand *sighand_create(void);		    // all default; reference 1; NULL
struct sighand *sighand_copy(struct process *from); // fork without CLONE_SIGHAND
void sighand_put(struct sighand *sh);
