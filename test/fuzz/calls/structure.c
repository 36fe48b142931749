// SPDX-License-Identifier: MIT
// Structures as each ABI lays them out, with values that mostly make sense. What is not listed is
// filled with words.
#include "test/fuzz/calls/fuzz.h"

#include <linux/sched.h>

struct out {
	struct fuzz *f;
	char *at;
	unsigned n, word; // of the ABI's long and pointer
};

static void put(struct out *o, unsigned size, u64 v)
{
	memcpy(o->at + o->n, &v, size);
	o->n += size;
}

static void put_word(struct out *o, u64 v)
{
	put(o, o->word, v);
}

static u64 nsec(struct fuzz *f)
{
	static const u64 some[] = {0, 1, 1000, 100000, 999999, 999999999, 1000000000, -1ull};

	return some[below(f, chance(f, 80) ? 5 : COUNT(some))];
}

static void time_pair(struct out *o, unsigned size)
{
	put(o, size, chance(o->f, 85) ? 0 : value_int(o->f));
	put(o, size, nsec(o->f));
}

// x32 has the times of 64-bit programs, but in timeval and timespec of calls below 512 only; its
// own calls that take times are few.
static unsigned time_size(struct out *o, bool wide)
{
	return wide || o->f->way->abi != INFO_I386 ? 8 : 4;
}

static u64 good_pointer(struct fuzz *f)
{
	return chance(f, 80) ? slot(f, below(f, 7)) + 2048 : value_hostile(f);
}

static void handler_of(struct fuzz *f, s64 signo, u64 *handler)
{
	struct sigaction old;

	(void)signo;
	switch (below(f, 6)) {
	case 0:
		*handler = 0;
		break;
	case 1:
		*handler = 1;
		break;
	case 2:
		*handler = chance(f, 10) ? value_hostile(f) : 1;
		break;
	default: // what is there now
		memset(&old, 0, sizeof(old));
		quiet(SYS_rt_sigaction, SIGUSR1, 0, (uintptr_t)&old, 8);
		memcpy(handler, &old, sizeof(long));
		*handler &= (u64)(uintptr_t)-1;
	}
}

static void action(struct out *o, bool old)
{
	static const u32 flags[] = {0,		1,	    2,		4,    0x08000000,
				    0x10000000, 0x40000000, 0x80000000, 0x400};
	u64 handler, fl = 0x04000000, mask = chance(o->f, 70) ? 0 : fuzz_rnd(o->f);

	handler_of(o->f, 0, &handler);
	for (unsigned i = below(o->f, 3); i; i--)
		fl |= flags[below(o->f, COUNT(flags))];
	if (o->f->way->abi == INFO_I386 && chance(o->f, 50))
		fl &= ~0x04000000u;
	put_word(o, handler);
	if (old)
		put_word(o, mask);
	put_word(o, fl);
	put_word(o, (uintptr_t)fuzz_restorer);
	if (!old)
		put(o, 8, mask);
}

static void info(struct out *o)
{
	static const int codes[] = {0, -1, -2, -3, -6, -60, 1, 0x80};

	put(o, 4, value_sig(o->f));
	put(o, 4, 0);
	put(o, 4, (u64)codes[below(o->f, COUNT(codes))]);
	while (o->n < 128)
		put(o, 4, value_int(o->f));
}

static void altstack(struct out *o)
{
	put_word(o, good_pointer(o->f));
	put(o, 4, chance(o->f, 60) ? 0 : 1u << below(o->f, 32) | below(o->f, 4));
	if (o->word == 8)
		put(o, 4, 0);
	put_word(o, chance(o->f, 60) ? 2048 + below(o->f, 65536) : value_int(o->f));
}

static void pollfds(struct out *o)
{
	for (unsigned i = 0; i < 12; i++) {
		put(o, 4, value_fd(o->f));
		put(o, 4, chance(o->f, 70) ? 1u << below(o->f, 6) : value_int(o->f));
	}
}

static void clone_args(struct out *o)
{
	put(o, 8, value_set(o->f, INFO_SET_flags_clone) & ~0xffull);
	for (unsigned i = 0; i < 3; i++)
		put(o, 8, chance(o->f, 50) ? 0 : good_pointer(o->f));
	put(o, 8, chance(o->f, 80) ? SIGCHLD : value_sig(o->f));
	for (unsigned i = 0; i < 6; i++)
		put(o, 8, chance(o->f, 80) ? 0 : value_int(o->f));
}

static void mmap_args(struct out *o)
{
	put(o, 4, value_memory(o->f));
	put(o, 4, chance(o->f, 70) ? SLOT * (1 + below(o->f, 8)) : value_length(o->f));
	put(o, 4, value_set(o->f, INFO_SET_flags_mmap_prot));
	put(o, 4, value_set(o->f, INFO_SET_flags_mmap));
	put(o, 4, value_fd(o->f));
	put(o, 4, chance(o->f, 70) ? SLOT * below(o->f, 4) : value_int(o->f));
}

static void robust_list(struct out *o)
{
	u64 here = (uintptr_t)o->at;

	put_word(o, chance(o->f, 40) ? here : good_pointer(o->f));
	put_word(o, value_int(o->f));
	put_word(o, chance(o->f, 60) ? 0 : good_pointer(o->f));
}

static void rlimit(struct out *o, unsigned size)
{
	put(o, size, chance(o->f, 50) ? -1ull : value_length(o->f));
	put(o, size, chance(o->f, 80) ? -1ull : value_length(o->f));
}

static void user_desc(struct out *o)
{
	put(o, 4, chance(o->f, 50) ? -1ull : 10 + below(o->f, 10));
	put(o, 4, chance(o->f, 50) ? value_int(o->f) : value_hostile(o->f));
	put(o, 4, value_int(o->f));
	put(o, 4, chance(o->f, 60) ? 0x51 : fuzz_rnd(o->f) & 0xff);
}

static void words(struct out *o, unsigned n)
{
	while (n--)
		put(o, 4, chance(o->f, 60) ? below(o->f, 8) : value_int(o->f));
}

unsigned structure_fill(struct fuzz *f, unsigned set, char *at)
{
	struct out o = {f, at, 0, f->way->abi == INFO_X86_64 ? 8 : 4};

	switch (set) {
	case INFO_SET_struct_timespec:
	case INFO_SET_struct_timeval:
	case INFO_SET_struct_timespec64:
	case INFO_SET_struct_itimerval:
	case INFO_SET_struct_itimerspec:
	case INFO_SET_struct_itimerspec64:
	case INFO_SET_struct_utimbuf:
		time_pair(&o, time_size(&o, strstr(info_set_name[set], "64")));
		time_pair(&o, time_size(&o, strstr(info_set_name[set], "64")));
		break;
	case INFO_SET_struct_sigset:
	case INFO_SET_struct_old_sigset:
		put(&o, 8, chance(f, 50) ? 0 : chance(f, 50) ? fuzz_rnd(f) : 1ull << below(f, 64));
		break;
	case INFO_SET_struct_sigaction:
		action(&o, false);
		break;
	case INFO_SET_struct_old_sigaction:
		action(&o, true);
		break;
	case INFO_SET_struct_siginfo:
		info(&o);
		break;
	case INFO_SET_struct_stack:
		altstack(&o);
		break;
	case INFO_SET_struct_pollfd:
		pollfds(&o);
		break;
	case INFO_SET_struct_clone_args:
		clone_args(&o);
		break;
	case INFO_SET_struct_mmap_arg_struct:
		mmap_args(&o);
		break;
	case INFO_SET_struct_robust_list_head:
		robust_list(&o);
		break;
	case INFO_SET_struct_rlimit:
		rlimit(&o, o.word);
		break;
	case INFO_SET_struct_rlimit64:
		rlimit(&o, 8);
		break;
	case INFO_SET_struct_open_how:
		put(&o, 8, value_set(f, INFO_SET_flags_open));
		put(&o, 8, chance(f, 50) ? 0 : 0644);
		put(&o, 8, chance(f, 50) ? 0 : below(f, 64));
		break;
	case INFO_SET_struct_sel_arg_struct:
		put(&o, 4, value_length(f));
		for (unsigned i = 0; i < 4; i++)
			put(&o, 4, chance(f, 40) ? 0 : good_pointer(f));
		break;
	case INFO_SET_struct_sigset_argpack:
		put_word(&o, chance(f, 40) ? 0 : good_pointer(f));
		put_word(&o, chance(f, 90) ? 8 : value_int(f));
		break;
	case INFO_SET_struct_user_desc:
		user_desc(&o);
		break;
	default:
		words(&o, 32);
	}
	return o.n;
}

unsigned structure_iov(struct fuzz *f, char *at, unsigned n)
{
	struct out o = {f, at, 0, f->way->abi == INFO_X86_64 ? 8 : 4};

	for (unsigned i = 0; i < n; i++) {
		put_word(&o, good_pointer(f));
		put_word(&o, chance(f, 90) ? below(f, 700) : value_int(f));
	}
	while (o.n < 16 * 16)
		put_word(&o, 0);
	return n * 2 * o.word;
}

// Arguments for busybox; never the name of one of its programs that does harm.
unsigned structure_strv(struct fuzz *f, char *at)
{
	struct out o = {f, at, 0, f->way->abi == INFO_X86_64 ? 8 : 4};
	char *text = at + 2048;
	unsigned n = below(f, 6);

	memcpy(text, "true", 5);
	memcpy(text + 16, "", 1);
	memset(text + 32, 'a', 300);
	text[332] = 0;
	put_word(&o, (uintptr_t)text);
	for (unsigned i = 0; i < n; i++)
		put_word(&o, chance(f, 95) ? (uintptr_t)text + 16 * below(f, 4) : good_pointer(f));
	put_word(&o, 0);
	return o.n;
}
