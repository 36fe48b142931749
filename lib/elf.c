// SPDX-License-Identifier: MIT
/*
 * ELF headers, judged as Linux's two loaders judge them. The width is told by the machine and by
 * e_phentsize, as there, and not by EI_CLASS: Linux never reads e_ident behind the magic, and some
 * tiny programs keep code there.
 */
#include "lib/elf.h"

#include <linux/errno.h>
#include <linux/limits.h>

#include "lib/string.h"

/* How many program headers are read at once, to bound the stack. */
#define ELF_PHDR_BATCH	   8
#define ELF_PHDRS_SIZE_MAX 65536

/* EM_486 is what some old linkers wrote into i386 programs. Linux takes both. */
#define ELF_IS_I386(m) ((m) == EM_386 || (m) == EM_486)

static int elf_fail(struct elf_image *img, int err, const char *why)
{
	img->error = why;
	return err;
}

static int elf_parse_header(struct elf_image *img, const void *head, size_t head_len)
{
	Elf64_Ehdr h64 = {0};
	Elf32_Ehdr h32 = {0};

	memcpy(&h64, head, MIN(head_len, sizeof(h64)));
	memcpy(&h32, head, MIN(head_len, sizeof(h32)));
	if (memcmp(h64.e_ident, ELFMAG, SELFMAG) != 0)
		return elf_fail(img, -ENOEXEC, "not an ELF file");
	/* e_type and e_machine lie at the same place in both classes. */
	if (h64.e_machine != EM_X86_64 && !ELF_IS_I386(h64.e_machine))
		return elf_fail(img, -ENOEXEC, "ELF file for another machine");
	if (h64.e_type != ET_EXEC && h64.e_type != ET_DYN)
		return elf_fail(img, -ENOEXEC, "ELF file is not an executable");
	img->machine = h64.e_machine == EM_X86_64 ? EM_X86_64 : EM_386;
	img->type = h64.e_type;
	if (img->machine == EM_X86_64 && h64.e_phentsize == sizeof(Elf64_Phdr)) {
		img->elf_class = ELFCLASS64;
		img->entry = h64.e_entry;
		img->phoff = h64.e_phoff;
		img->phnum = h64.e_phnum;
		img->phentsize = h64.e_phentsize;
	} else if (h32.e_phentsize == sizeof(Elf32_Phdr)) {
		img->elf_class = ELFCLASS32;
		img->entry = h32.e_entry;
		img->phoff = h32.e_phoff;
		img->phnum = h32.e_phnum;
		img->phentsize = h32.e_phentsize;
	} else {
		return elf_fail(img, -ENOEXEC, "bad size of the ELF program headers");
	}
	/* Linux's bound since 6.17; until then, so in 6.1, the table also had to fit into a page.
	 */
	if (img->phnum == 0 || (u64)img->phnum * img->phentsize > ELF_PHDRS_SIZE_MAX)
		return elf_fail(img, -ENOEXEC, "bad number of ELF program headers");
	return 0;
}

static int elf_add_interp(struct elf_image *img, const Elf64_Phdr *ph)
{
	if (img->interp_len)
		return 0; /* only the first counts */
	if (ph->p_filesz < 2 || ph->p_filesz > PATH_MAX)
		return elf_fail(img, -ENOEXEC, "bad length of the ELF interpreter's name");
	img->interp_off = ph->p_offset;
	img->interp_len = (u32)ph->p_filesz;
	return 0;
}

/* Linux finds out about all of these while it maps: -EINVAL, see elf_parse. */
static int elf_check_load(struct elf_image *img, const Elf64_Phdr *ph)
{
	const u64 top = img->elf_class == ELFCLASS32 ? BIT(32) : BIT(63);
	u64 end;

	if (ph->p_filesz > ph->p_memsz)
		return elf_fail(img, -EINVAL, "ELF segment is longer in the file than in memory");
	if (__builtin_add_overflow(ph->p_vaddr, ph->p_memsz, &end) || end > top)
		return elf_fail(img, -EINVAL, "ELF segment beyond the address space");
	if (__builtin_add_overflow(ph->p_offset, ph->p_filesz, &end) || end > BIT(63) - ELF_PAGE)
		return elf_fail(img, -EINVAL, "ELF segment beyond any file");
	if (ph->p_filesz && (ph->p_offset - ph->p_vaddr) % ELF_PAGE != 0)
		return elf_fail(img, -EINVAL, "ELF segment is misaligned");
	return 0;
}

static int elf_add_load(struct elf_image *img, const Elf64_Phdr *ph)
{
	u64 start = ALIGN_DOWN(ph->p_vaddr, ELF_PAGE), end;
	int err;

	if (ph->p_memsz == 0 && ph->p_filesz == 0)
		return 0;
	err = elf_check_load(img, ph);
	if (err)
		return err;
	if (img->nsegs == ELF_SEGS_MAX)
		return elf_fail(img, -ENOEXEC, "too many ELF segments");
	end = ph->p_vaddr + ph->p_memsz;
	if (img->nsegs == 0)
		img->span_start = start;
	else if (start < img->span_end)
		img->overlaps = true;
	img->span_start = MIN(img->span_start, start);
	img->span_end = MAX(img->span_end, ALIGN_UP(end, ELF_PAGE));
	img->brk_end = MAX(img->brk_end, end);
	img->file_end = MAX(img->file_end, ph->p_offset + ph->p_filesz);
	/* Linux ignores an alignment that is no power of two. */
	if (IS_POW2(ph->p_align))
		img->align = MAX(img->align, ph->p_align);
	if (img->phoff - ph->p_offset < ph->p_filesz)
		img->phdr_vaddr = img->phoff - ph->p_offset + ph->p_vaddr;
	img->segs[img->nsegs++] = (struct elf_seg){.offset = ph->p_offset,
						   .vaddr = ph->p_vaddr,
						   .filesz = ph->p_filesz,
						   .memsz = ph->p_memsz,
						   .flags = ph->p_flags};
	return 0;
}

static int elf_add_phdr(struct elf_image *img, const Elf64_Phdr *ph)
{
	switch (ph->p_type) {
	case PT_LOAD:
		return elf_add_load(img, ph);
	case PT_INTERP:
		return elf_add_interp(img, ph);
	case PT_TLS:
		img->tls = (struct elf_seg){.offset = ph->p_offset,
					    .vaddr = ph->p_vaddr,
					    .filesz = ph->p_filesz,
					    .memsz = ph->p_memsz,
					    .flags = ph->p_flags};
		return 0;
	case PT_GNU_STACK:
		img->stack = ph->p_flags & PF_X ? ELF_STACK_EXEC : ELF_STACK_NOEXEC;
		return 0;
	default:
		return 0;
	}
}

/* One header of either class in the wide form; the fields' order differs. */
static void elf_widen_phdr(Elf64_Phdr *out, const u8 *raw, u8 elf_class)
{
	Elf32_Phdr narrow;

	if (elf_class == ELFCLASS64) {
		memcpy(out, raw, sizeof(*out));
		return;
	}
	memcpy(&narrow, raw, sizeof(narrow));
	*out = (Elf64_Phdr){.p_type = narrow.p_type,
			    .p_flags = narrow.p_flags,
			    .p_offset = narrow.p_offset,
			    .p_vaddr = narrow.p_vaddr,
			    .p_paddr = narrow.p_paddr,
			    .p_filesz = narrow.p_filesz,
			    .p_memsz = narrow.p_memsz,
			    .p_align = narrow.p_align};
}

static int elf_parse_phdrs(struct elf_image *img, elf_read_fn read, void *ctx)
{
	u8 raw[ELF_PHDR_BATCH * sizeof(Elf64_Phdr)];
	u64 off = img->phoff, end;
	Elf64_Phdr ph;
	int err;

	/* A table that wraps around the end of the offsets, or that cannot be read at all, is
	 * ENOEXEC on Linux. */
	if (__builtin_add_overflow(off, (u64)img->phnum * img->phentsize, &end) ||
	    end > BIT(63) - 1)
		return elf_fail(img, -ENOEXEC, "ELF program headers beyond the end of the file");
	while (off < end) {
		size_t n = (size_t)MIN(end - off, (u64)ELF_PHDR_BATCH * img->phentsize);

		if (read(ctx, off, raw, n) != (long)n)
			return elf_fail(img, -ENOEXEC,
					"ELF program headers beyond the end of the file");
		for (size_t i = 0; i < n; i += img->phentsize) {
			elf_widen_phdr(&ph, raw + i, img->elf_class);
			err = elf_add_phdr(img, &ph);
			if (err)
				return err;
		}
		off += n;
	}
	return 0;
}

int elf_parse(struct elf_image *img, const void *head, size_t head_len, elf_read_fn read, void *ctx)
{
	int err;

	*img = (struct elf_image){.align = ELF_PAGE};
	err = elf_parse_header(img, head, head_len);
	if (!err)
		err = elf_parse_phdrs(img, read, ctx);
	if (err)
		return err;
	if (img->nsegs == 0)
		return elf_fail(img, -EINVAL, "ELF file without a segment to load");
	return 0;
}

int elf_check_limit(const struct elf_image *img, u64 bias, u64 limit)
{
	u64 end;

	if (__builtin_add_overflow(img->span_end, bias, &end) || end > limit)
		return -EINVAL;
	return 0;
}

int elf_read_interp(const struct elf_image *img, elf_read_fn read, void *ctx, char *buf,
		    size_t size)
{
	long n;

	if (img->interp_len == 0 || size < img->interp_len)
		return -EINVAL;
	n = read(ctx, img->interp_off, buf, img->interp_len);
	if (n != (long)img->interp_len)
		return n < 0 ? (int)n : -EIO;
	return buf[img->interp_len - 1] == '\0' ? 0 : -ENOEXEC;
}
