// SPDX-License-Identifier: MIT
// The strings of execve while no image owns them: a run that grows downwards in kernel pages.

#include "kern/exec.h"
#include "kern/task.h"
#include "lib/string.h"
#include "machine/uaccess.h"
#include "vm/page.h"
#include "vm/slab.h"

#include <asm/errno.h>

#define PAGES (EXEC_BYTES_MAX / PAGE_SIZE)

// execve(2), "Limits on size of arguments": a quarter of the stack limit, within bounds.
int exec_strings_init(struct exec_strings *s)
{
	u64 limit = rlimit_current(RLIMIT_STACK) / 4;

	*s = (struct exec_strings){
		.pages = kzalloc(PAGES * sizeof(s->pages[0])),
		.start = EXEC_BYTES_MAX,
		.limit = MAX(MIN(limit, (u64)EXEC_BYTES_MAX), (u64)EXEC_BYTES_MIN),
	};
	return s->pages ? 0 : -ENOMEM;
}

void exec_strings_free(struct exec_strings *s)
{
	for (u32 i = (u32)(s->start / PAGE_SIZE); i < PAGES; i++)
		if (s->pages[i])
			page_put(s->pages[i]);
	kfree(s->pages);
	s->pages = NULL;
}

// Makes room for len more bytes in front.
static int reserve(struct exec_strings *s, u64 len)
{
	u64 used = exec_strings_bytes(s) + (s->argc + s->envc + 1ull) * sizeof(u64);

	if (len > EXEC_STRING_MAX || used + len > s->limit || len > s->start)
		return -E2BIG;
	for (u64 i = (s->start - len) / PAGE_SIZE; i < PAGES && !s->pages[i]; i++) {
		s->pages[i] = page_alloc(0);
		if (!s->pages[i])
			return -ENOMEM;
	}
	s->start -= len;
	return 0;
}

// The part of [off, off+n) that lies in off's page.
static u8 *chunk(const struct exec_strings *s, u64 off, size_t *n)
{
	*n = MIN(*n, (size_t)(PAGE_SIZE - off % PAGE_SIZE));
	return (u8 *)page_address(s->pages[off / PAGE_SIZE]) + off % PAGE_SIZE;
}

int exec_strings_push(struct exec_strings *s, const char *str)
{
	size_t len = strlen(str) + 1, n;
	int r = reserve(s, len);

	if (r)
		return r;
	for (u64 done = 0; done < len; done += n) {
		n = len - done;
		u8 *to = chunk(s, s->start + done, &n);

		memcpy(to, str + done, n);
	}
	return 0;
}

// The string may change while it is copied: only its last byte is sure to be a NUL.
int exec_strings_push_user(struct exec_strings *s, uptr str)
{
	long len = user_strlen(str, EXEC_STRING_MAX);
	size_t n, total;
	int r;

	if (len < 0)
		return (int)len;
	total = (size_t)len + 1;
	r = reserve(s, total);
	for (u64 done = 0; !r && done < total; done += n) {
		n = total - done;
		u8 *to = chunk(s, s->start + done, &n);

		r = copyin(to, uptr_add(str, done), n);
		if (done + n == total)
			to[n - 1] = 0;
	}
	return r;
}

void exec_strings_read(const struct exec_strings *s, u64 off, void *dst, size_t len)
{
	size_t n;

	for (u64 done = 0; done < len; done += n) {
		n = len - done;
		u8 *from = chunk(s, s->start + off + done, &n);

		memcpy((u8 *)dst + done, from, n);
	}
}
