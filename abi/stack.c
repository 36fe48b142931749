// SPDX-License-Identifier: MIT
// The first stack of a program (System V ABI AMD64 3.4, i386 2.3): strings at the top, below them
// the random bytes, then auxiliary vector, envp, argv and argc, in words of the image's ABI.

#include "abi/abi.h"
#include "kern/exec.h"
#include "kern/task.h"
#include "lib/string.h"
#include "machine/context.h"
#include "machine/cpuid.h"
#include "vm/mm.h"
#include "vm/slab.h"

#include <asm/errno.h>
#include <linux/auxvec.h>

#define AT_SYSINFO_NR	  32 // <asm/auxvec.h> has it for i386 only
#define AT_MINSIGSTKSZ_NR 51
#define STRINGS_CHUNK	  512
#define CLOCK_TICKS	  100
#define HWCAP2_FSGSBASE	  BIT(1)

// Collects words before they are copied out in one go.
struct words {
	u8 *buf;
	u32 word, count;
};

static void put_word(struct words *w, u64 v)
{
	memcpy(w->buf + (u64)w->count++ * w->word, &v, w->word); // little-endian: the low bytes
}

static void put_aux(struct words *w, u64 type, u64 value)
{
	put_word(w, type);
	put_word(w, value);
}

static void put_auxv(struct words *w, const struct exec_image *img, u64 random, u64 platform)
{
	const struct abi *abi = img->abi;
	const struct cred *c = img->cred;

	if (img->vdso_base) {
		if (abi->vdso->sym_vsyscall)
			put_aux(w, AT_SYSINFO_NR, img->vdso_base + abi->vdso->sym_vsyscall);
		put_aux(w, AT_SYSINFO_EHDR, img->vdso_base);
	}
	put_aux(w, AT_MINSIGSTKSZ_NR, abi_frame_size_max(abi));
	put_aux(w, AT_HWCAP, cpuid_hwcap());
	put_aux(w, AT_PAGESZ, PAGE_SIZE);
	put_aux(w, AT_CLKTCK, CLOCK_TICKS);
	put_aux(w, AT_PHDR, img->phdr_addr);
	put_aux(w, AT_PHENT, img->elf.phentsize);
	put_aux(w, AT_PHNUM, img->elf.phnum);
	put_aux(w, AT_BASE, img->interp_base);
	put_aux(w, AT_FLAGS, 0);
	put_aux(w, AT_ENTRY, img->entry);
	put_aux(w, AT_UID, c->c_uid);
	put_aux(w, AT_EUID, c->c_euid);
	put_aux(w, AT_GID, c->c_gid);
	put_aux(w, AT_EGID, c->c_egid);
	put_aux(w, AT_SECURE, img->secure);
	put_aux(w, AT_RANDOM, random);
	put_aux(w, AT_HWCAP2, cpu_has_fsgsbase() ? HWCAP2_FSGSBASE : 0);
	put_aux(w, AT_EXECFN, img->stack_top - abi->word - strlen(img->filename) - 1);
	put_aux(w, AT_PLATFORM, platform);
	put_aux(w, AT_NULL, 0);
}

// Writes `count` addresses of consecutive strings from `off` on in the run, and the NULL behind
// them. The run is scanned for NULs, which are at least as many as strings; what a racing writer
// put inside a string only splits it.
static u64 put_strings(struct words *w, const struct exec_image *img, u64 base, u64 off, u32 count)
{
	u64 total = exec_strings_bytes(img->strings);
	char chunk[STRINGS_CHUNK];
	bool at_start = true;

	while (count && off < total) {
		size_t n = MIN(sizeof(chunk), (size_t)(total - off)), i;

		exec_strings_read(img->strings, off, chunk, n);
		for (i = 0; i < n && count; i++) {
			if (at_start)
				put_word(w, base + off + i);
			at_start = !chunk[i];
			count -= at_start;
		}
		off += i;
	}
	put_word(w, 0);
	return off;
}

static int copy_strings(struct exec_image *img, u64 at)
{
	u64 total = exec_strings_bytes(img->strings);
	u8 *page = kmalloc(PAGE_SIZE);
	long r = page ? 0 : -ENOMEM;

	for (u64 done = 0, n; r >= 0 && done < total; done += n) {
		n = MIN(total - done, (u64)PAGE_SIZE - (at + done) % PAGE_SIZE);
		exec_strings_read(img->strings, done, page, n);
		r = mm_access(img->mm, at + done, page, n, true);
	}
	kfree(page);
	return r < 0 ? (int)r : 0;
}

static int write_tables(struct exec_image *img, struct words *w, u64 strings, u64 random,
			u64 platform)
{
	const struct exec_strings *s = img->strings;
	struct mm *mm = img->mm;
	u32 aux_at;
	u64 off;
	long r;

	put_word(w, s->argc);
	off = put_strings(w, img, strings, 0, s->argc);
	mm->mm_arg_start = strings;
	mm->mm_arg_end = mm->mm_env_start = strings + off;
	off = put_strings(w, img, strings, off, s->envc);
	mm->mm_env_end = strings + off;
	aux_at = w->count;
	put_auxv(w, img, random, platform);
	mm->mm_auxv_bytes = (w->count - aux_at) * w->word;
	memcpy(mm->mm_auxv, w->buf + aux_at * w->word, mm->mm_auxv_bytes);

	img->stack_ptr = ALIGN_DOWN(platform - (u64)w->count * w->word, 16);
	r = mm_access(mm, img->stack_ptr, w->buf, (size_t)w->count * w->word, true);
	return r < 0 ? (int)r : 0;
}

int abi_build_stack(struct exec_image *img)
{
	const struct abi *abi = img->abi;
	u64 name_len = strlen(img->filename) + 1, platform_len = strlen(abi->platform) + 1;
	u64 name = img->stack_top - abi->word - name_len; // a zero word ends the stack
	u64 strings = name - exec_strings_bytes(img->strings);
	u64 random = ALIGN_DOWN(strings - sizeof(img->random), 16);
	u64 platform = random - platform_len;
	struct words w = {.word = abi->word};
	long r = copy_strings(img, strings);

	if (!r)
		r = mm_access(img->mm, name, (void *)img->filename, name_len, true);
	if (r >= 0)
		r = mm_access(img->mm, random, img->random, sizeof(img->random), true);
	if (r >= 0)
		r = mm_access(img->mm, platform, (void *)abi->platform, platform_len, true);
	if (r < 0)
		return (int)r;
	w.buf = kmalloc((img->strings->argc + img->strings->envc + 3ull + 2 * 24) * abi->word);
	if (!w.buf)
		return -ENOMEM;
	r = write_tables(img, &w, strings, random, platform);
	kfree(w.buf);
	return (int)r;
}
