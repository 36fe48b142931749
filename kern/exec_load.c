// SPDX-License-Identifier: MIT
// The address space of a new image: segments, interpreter, break, stack, all built beside the old
// one, so that a failure leaves the caller as it was.

#include "abi/abi.h"
#include "fs/vfs.h"
#include "kern/exec.h"
#include "kern/random.h"
#include "kern/task.h"
#include "lib/string.h"
#include "vm/mm.h"
#include "vm/slab.h"

#include <asm/errno.h>
#include <linux/mman.h>

#define STACK_INITIAL (132 * 1024ull) // grows on demand
#define STACK_GAP_MIN (128ull << 20)
#define BRK_RANDOM    (32ull << 20)

static u64 random_pages(u32 bits)
{
	return (random_u64() & ((1ull << bits) - 1)) << PAGE_SHIFT;
}

static u32 seg_prot(const struct elf_seg *seg)
{
	return (seg->flags & PF_R ? PROT_READ : 0) | (seg->flags & PF_W ? PROT_WRITE : 0) |
	       (seg->flags & PF_X ? PROT_EXEC : 0);
}

static int map_fixed(struct exec_image *img, u64 start, u64 len, u32 prot, struct file *file,
		     u64 offset)
{
	struct map_request rq = {
		.mm = img->mm,
		.addr = start,
		.len = len,
		.pgoff = offset >> PAGE_SHIFT,
		.prot = prot,
		.flags = MAP_PRIVATE | MAP_FIXED | (file ? 0 : MAP_ANONYMOUS),
		.file = file,
	};
	long r = mm_map(&rq);

	return r < 0 ? (int)r : 0;
}

// The rest of the last file page must read as zeros (ELF, "Program Loading"): it is copied here.
static int zero_tail(struct exec_image *img, u64 from, u32 prot)
{
	static const u8 zeros[PAGE_SIZE];
	u64 n = ALIGN_UP(from, PAGE_SIZE) - from;
	long r;

	if (!n || !(prot & PROT_WRITE))
		return 0;
	r = mm_access(img->mm, from, (void *)zeros, n, true);
	return r < 0 ? (int)r : 0;
}

static int map_segment(struct exec_image *img, struct file *file, const struct elf_seg *seg,
		       u64 bias)
{
	u64 start = seg->vaddr + bias, page_off = start % PAGE_SIZE;
	u64 file_end = start + seg->filesz, mem_end = start + seg->memsz;
	u64 mapped_end = ALIGN_UP(file_end, PAGE_SIZE);
	u32 prot = seg_prot(seg);
	int r = 0;

	if (seg->filesz)
		r = map_fixed(img, start - page_off, seg->filesz + page_off, prot, file,
			      seg->offset - page_off);
	else
		mapped_end = start - page_off;
	if (!r && seg->filesz && mem_end > file_end)
		r = zero_tail(img, file_end, prot);
	if (!r && mem_end > mapped_end)
		r = map_fixed(img, mapped_end, mem_end - mapped_end, prot, NULL, 0);
	return r;
}

static int map_elf(struct exec_image *img, struct file *file, const struct elf_image *elf, u64 bias)
{
	int r = elf_check_limit(elf, bias, img->abi->user_end);

	if (r)
		return -ENOMEM;
	for (u32 i = 0; !r && i < elf->nsegs; i++)
		r = map_segment(img, file, &elf->segs[i], bias);
	return r;
}

static u64 pie_bias(struct exec_image *img, const struct elf_image *elf)
{
	u64 base = img->abi->pie_base + random_pages(img->abi->mmap_random_bits);

	return ALIGN_DOWN(base, elf->align) - elf->span_start;
}

static long read_file(void *file, u64 off, void *buf, size_t n)
{
	return file_read_kernel(file, buf, n, off);
}

// The dynamic linker goes where mmap would put it. It must be of the program's own ABI.
static int load_interp(struct exec_image *img)
{
	struct elf_image *elf = kmalloc(sizeof(*elf));
	u8 head[64] = {0};
	long n;
	int r;

	if (!elf)
		return -ENOMEM;
	n = file_read_kernel(img->interp, head, sizeof(head), 0);
	r = n < 0 ? (int)n : elf_parse(elf, head, (size_t)n, read_file, img->interp);
	if (!r && (!img->abi->elf_ok(elf) || elf->interp_len))
		r = -ELIBBAD;
	if (r == -ENOEXEC)
		r = -ELIBBAD;
	if (!r) {
		u64 span = elf->span_end - elf->span_start;
		u64 at = elf->type == ET_DYN ? mm_find_gap(img->mm, span, img->mm->mm_mmap_min,
							   img->mm->mm_mmap_base, true)
					     : elf->span_start;

		img->interp_base = at - elf->span_start;
		r = at ? map_elf(img, img->interp, elf, img->interp_base) : -ENOMEM;
		img->start_entry = elf->entry + img->interp_base;
	}
	kfree(elf);
	return r;
}

// Stack at the top, mmap area below the room that it may grow into, both at random places.
static int map_stack(struct exec_image *img)
{
	struct mm *mm = img->mm;
	u64 limit = rlimit_current(RLIMIT_STACK);
	u64 gap = MIN(MAX(limit, STACK_GAP_MIN), img->abi->user_end / 6 * 5);
	u64 shift = random_pages(img->abi->stack_random_bits);
	bool exec = img->elf.stack == ELF_STACK_EXEC || mm->mm_read_implies_exec;
	struct map_request rq = {
		.mm = mm,
		.len = STACK_INITIAL,
		.prot = PROT_READ | PROT_WRITE | (exec ? PROT_EXEC : 0),
		.flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		.name = "[stack]",
		.vma_flags = VMA_GROWSDOWN | VMA_STACK,
	};
	long r;

	img->stack_top = img->abi->user_end - shift;
	rq.addr = img->stack_top - STACK_INITIAL;
	r = mm_map(&rq);
	if (r < 0)
		return (int)r;
	gap += (1ull << img->abi->stack_random_bits << PAGE_SHIFT);
	gap = MIN(gap, img->abi->user_end / 6 * 5);
	mm->mm_mmap_base = ALIGN_DOWN(img->abi->user_end - gap, PAGE_SIZE) -
			   random_pages(img->abi->mmap_random_bits);
	mm->mm_start_stack = img->stack_top;
	return 0;
}

static void note_layout(struct exec_image *img)
{
	struct mm *mm = img->mm;

	mm->mm_start_code = mm->mm_start_data = ~0ull;
	for (u32 i = 0; i < img->elf.nsegs; i++) {
		const struct elf_seg *seg = &img->elf.segs[i];
		u64 start = seg->vaddr + img->load_bias, end = start + seg->filesz;

		if (seg->flags & PF_X) {
			mm->mm_start_code = MIN(mm->mm_start_code, start);
			mm->mm_end_code = MAX(mm->mm_end_code, end);
		}
		if (seg->flags & PF_W) {
			mm->mm_start_data = MIN(mm->mm_start_data, start);
			mm->mm_end_data = MAX(mm->mm_end_data, end);
		}
	}
	mm->mm_brk_start = ALIGN_UP(img->elf.brk_end + img->load_bias, PAGE_SIZE) +
			   ALIGN_DOWN(random_u64() % BRK_RANDOM, PAGE_SIZE);
	mm->mm_brk = mm->mm_brk_start;
}

static int load_all(struct exec_image *img)
{
	int r = map_stack(img);

	if (!r && img->elf.type == ET_DYN)
		img->load_bias = pie_bias(img, &img->elf);
	if (!r)
		r = map_elf(img, img->file, &img->elf, img->load_bias);
	if (r)
		return r;
	img->entry = img->start_entry = img->elf.entry + img->load_bias;
	img->phdr_addr = img->elf.phdr_vaddr ? img->elf.phdr_vaddr + img->load_bias : 0;
	note_layout(img);
	if (img->interp)
		r = load_interp(img);
	if (!r)
		r = vdso_map(img);
	if (!r)
		r = abi_build_stack(img);
	return r;
}

int exec_load(struct exec_image *img, struct mm **mm)
{
	int r;

	img->mm = mm_create(img->abi->user_end);
	if (!img->mm)
		return -ENOMEM;
	img->mm->mm_read_implies_exec = img->elf.stack == ELF_STACK_DEFAULT &&
					img->abi->exec_all_default;
	file_get(img->file);
	img->mm->mm_exe = img->file;
	random_bytes(img->random, sizeof(img->random));
	r = load_all(img);
	if (r)
		mm_put(img->mm);
	else
		*mm = img->mm;
	return r;
}
