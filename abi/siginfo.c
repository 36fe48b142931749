// SPDX-License-Identifier: MIT
// struct siginfo between the kernel's form and the three layouts of <asm-generic/siginfo.h>. Which
// members count follows from si_code and si_signo (sigaction(2)). The 32-bit layouts are the 64-bit
// one with the union at 12 and pointers of four bytes; x32 keeps 64-bit times in SIGCHLD.

#include "abi/sigframe.h"
#include "lib/string.h"

enum kind { KIND_KILL, KIND_RT, KIND_TIMER, KIND_CHILD, KIND_FAULT, KIND_POLL, KIND_SYS };

static enum kind info_kind(int signo, int code)
{
	if (code <= 0 || code == SI_KERNEL) {
		if (code == SI_TIMER)
			return KIND_TIMER;
		return code < 0 && code != SI_TKILL ? KIND_RT : KIND_KILL;
	}
	switch (signo) {
	case SIGILL:
	case SIGFPE:
	case SIGSEGV:
	case SIGBUS:
	case SIGTRAP:
		return KIND_FAULT;
	case SIGCHLD:
		return KIND_CHILD;
	case SIGPOLL:
		return KIND_POLL;
	case SIGSYS:
		return KIND_SYS;
	default:
		return KIND_KILL;
	}
}

// Walks the members of the union in order, in either direction.
struct cursor {
	u8 *bytes;
	u32 at, word; // word: bytes of a pointer or long
	bool unpack;
};

static void member(struct cursor *c, void *value, u32 size, u32 align)
{
	c->at = ALIGN_UP(c->at, align);
	if (c->unpack)
		memcpy(value, c->bytes + c->at, size);
	else
		memcpy(c->bytes + c->at, value, size);
	c->at += size;
}

static void member_int(struct cursor *c, void *value)
{
	member(c, value, 4, 4);
}

// A pointer or an unsigned long. *value is 64 bits wide; the upper half is zero after a short read.
static void member_word(struct cursor *c, u64 *value)
{
	if (c->unpack)
		*value = 0;
	member(c, value, c->word, c->word);
}

static void child_members(struct cursor *c, struct ksiginfo *si, u8 abi)
{
	u32 clock = abi == ABI_I386 ? 4 : 8;

	member_int(c, &si->pid);
	member_int(c, &si->uid);
	member_int(c, &si->status);
	member(c, &si->utime, clock, clock);
	member(c, &si->stime, clock, clock);
}

// Behind the address: the least significant bit of a machine check, or bounds, or a key.
static void fault_members(struct cursor *c, struct ksiginfo *si)
{
	u32 after;

	member_word(c, &si->addr);
	after = c->at;
	member(c, &si->addr_lsb, 2, 2);
	c->at = after + c->word;
	if (si->signo != SIGSEGV)
		return;
	if (si->code == SEGV_BNDERR) {
		member_word(c, &si->lower);
		member_word(c, &si->upper);
	} else if (si->code == SEGV_PKUERR) {
		member_int(c, &si->pkey);
	}
}

static void convert(struct cursor *c, struct ksiginfo *si, u8 abi)
{
	switch (info_kind(si->signo, si->code)) {
	case KIND_KILL:
		member_int(c, &si->pid);
		return member_int(c, &si->uid);
	case KIND_RT:
		member_int(c, &si->pid);
		member_int(c, &si->uid);
		return member_word(c, &si->value);
	case KIND_TIMER:
		member_int(c, &si->timer_id);
		member_int(c, &si->overrun);
		return member_word(c, &si->value);
	case KIND_CHILD:
		return child_members(c, si, abi);
	case KIND_FAULT:
		return fault_members(c, si);
	case KIND_POLL:
		member(c, &si->band, c->word, c->word);
		return member_int(c, &si->fd);
	case KIND_SYS:
		member_word(c, &si->call_addr);
		member_int(c, &si->syscall);
		return member_int(c, &si->arch);
	}
}

static struct cursor cursor_at_union(u8 *bytes, u8 abi, bool unpack)
{
	u32 word = abis[abi]->word;

	return (struct cursor){bytes, word == 8 ? 16 : 12, word, unpack};
}

void siginfo_pack(u8 out[SIGINFO_BYTES], const struct ksiginfo *si, u8 abi)
{
	struct ksiginfo copy = *si;
	struct cursor c = cursor_at_union(out, abi, false);

	memset(out, 0, SIGINFO_BYTES);
	memcpy(out, &si->signo, 4);
	memcpy(out + 4, &si->err, 4);
	memcpy(out + 8, &si->code, 4);
	convert(&c, &copy, abi);
}

void siginfo_unpack(struct ksiginfo *si, const u8 in[SIGINFO_BYTES], u8 abi)
{
	struct cursor c = cursor_at_union((u8 *)in, abi, true);

	memset(si, 0, sizeof(*si));
	memcpy(&si->signo, in, 4);
	memcpy(&si->err, in + 4, 4);
	memcpy(&si->code, in + 8, 4);
	convert(&c, si, abi);
}
