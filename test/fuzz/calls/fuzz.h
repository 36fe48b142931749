// SPDX-License-Identifier: MIT
// The fuzzer of system calls: a static program per ABI that knows every call's argument types from
// the generated syscall_info.c, forks children that make random calls through every entry, and
// watches them. No libc that uses thread-local storage may run in a child: a call may move it.
#pragma once

#include "test/guest/entry.h"

#include "syscall_info.h"

enum {
	TASKS_MAX = 4,
	ARENA = 0x20000000, // below 4 GiB, so that a pointer to it serves every table
	SLOT = 4096,
	SLOTS = 16, // of each task
	PLAY_PAGES = 64,
	ERRNO_END = 134, // one more than the highest errno of Linux
	CALLS_MAX = 1024,
	FORKS_MAX = 24,
	SWARM_MAX = 24,
};

// The arena: pages with one kind of trouble each.
enum {
	ARENA_SLOTS = ARENA,		 // TASKS_MAX * SLOTS pages, read and write
	ARENA_EDGE = ARENA + 0x100000,	 // a page, then nothing, for each task
	ARENA_RO = ARENA + 0x110000,	 // read only
	ARENA_NONE = ARENA + 0x112000,	 // PROT_NONE
	ARENA_SHARED = ARENA + 0x114000, // shared with parent and children, 2 pages
	ARENA_FILE = ARENA + 0x118000,	 // 4 pages of a file that has 2½: SIGBUS at the end
	ARENA_HOLE = ARENA + 0x120000,	 // nothing
	ARENA_PLAY = ARENA + 0x200000,	 // for the calls about memory
};

// What all processes of a run count, in memory that they share.
struct stats {
	u64 calls, tried[CALLS_MAX], done[CALLS_MAX];
	u32 errnos[ERRNO_END], forks;
	u32 leaks, bad_results, setup_failed; // the last: the step, or 0
	u64 leak_value, bad_value;
	char leak_call[32], bad_call[32];
	u64 leak_seed, bad_seed;
};
extern struct stats *stats;

struct options {
	u64 seed, calls, child; // child: the seed of the one child to run, or 0
	unsigned seconds, per_child, jobs, tasks;
	const char *only; // names, comma-separated
	bool trace, table;
};
extern struct options options;

// A way into the kernel: which table it uses and whether from 64-bit code.
struct entry_way {
	const char *name;
	void (*run)(struct entry_state *st);
	unsigned char abi; // enum info_abi
	bool code64, usable;
	unsigned weight;
};
extern struct entry_way entry_ways[];
extern const unsigned entry_ways_count;
void entry_ways_probe(void);

// One task of a child.
struct fuzz {
	u64 rng, seed;
	unsigned task, depth, calls;
	const struct entry_way *way;
	const struct syscall_info *call;
	u64 args[6];
	u64 buffer[6]; // per register: where an argument's memory is, or 0
	unsigned clones;
	struct entry_frame *frame;
};

// Random choices.
static inline u64 fuzz_rnd(struct fuzz *f)
{
	return rnd(&f->rng);
}
static inline unsigned below(struct fuzz *f, unsigned n)
{
	return (unsigned)((fuzz_rnd(f) >> 11) % n);
}
static inline bool chance(struct fuzz *f, unsigned percent)
{
	return below(f, 100) < percent;
}

// value.c: numbers and addresses.
u64 value_int(struct fuzz *f);
u64 value_length(struct fuzz *f);
u64 value_hostile(struct fuzz *f);
u64 value_fd(struct fuzz *f);
u64 value_pid(struct fuzz *f, bool wait);
u64 value_sig(struct fuzz *f);
u64 value_memory(struct fuzz *f); // for mmap and its kin
u64 value_set(struct fuzz *f, unsigned set);
u64 value_argument(struct fuzz *f, unsigned i); // by value
bool value_is_hostile(u64 v);			// near one of the addresses that we pass

// pointer.c: what arguments point to. The result is an address.
u64 pointer_argument(struct fuzz *f, unsigned i);
u64 pointer_path(struct fuzz *f, char *at);
u64 slot(struct fuzz *f, unsigned i);

// structure.c: fills memory with a structure as that ABI has it; returns its size.
unsigned structure_fill(struct fuzz *f, unsigned set, char *at);
unsigned structure_iov(struct fuzz *f, char *at, unsigned n);
unsigned structure_strv(struct fuzz *f, char *at);

// avoid.c: keeps a call from ending the fuzzer. false: not this call.
bool avoid(struct fuzz *f);
bool avoid_is_destructive(const char *name);

// child.c
__attribute__((noreturn)) void child_run(u64 seed, const char *dir);
void fuzz_loop(struct fuzz *f, unsigned calls);
extern int fuzz_parent, fuzz_parent_group;
bool call_chosen(const struct syscall_info *c);

// The prepared stack of a task that shares memory: the entry returns there into task_tail().
u64 clone_stack(struct fuzz *f);
s64 vfork_raw(u64 nr, u64 flags, u64 ptid, u64 r3, u64 r4);
void fuzz_restorer(void);
s64 quiet(u64 nr, u64 a, u64 b, u64 c, u64 d); // a plain call of this program's own ABI
