// SPDX-License-Identifier: MIT
/*
 * Parser and judge of ELF executables: reads the headers, refuses what Linux refuses, and gives the
 * loader a list of segments with which no sum can overflow. Maps nothing; knows no address limit
 * but the class's own.
 */
#pragma once

#include <linux/elf-em.h>
#include <linux/elf.h>

#include "lib/types.h"

/* More PT_LOAD headers than this are refused (-ENOEXEC); linkers make two to six. */
#define ELF_SEGS_MAX 32
#define ELF_PAGE     4096ull

struct elf_seg {
	u64 offset; /* in the file; congruent to vaddr modulo ELF_PAGE when filesz > 0 */
	u64 vaddr;
	u64 filesz; /* <= memsz */
	u64 memsz;  /* > 0 */
	u32 flags;  /* PF_R | PF_W | PF_X */
};

enum elf_stack { ELF_STACK_DEFAULT, ELF_STACK_NOEXEC, ELF_STACK_EXEC };

struct elf_image {
	u8 elf_class;	      /* ELFCLASS64 or ELFCLASS32. x32 is EM_X86_64 with ELFCLASS32 */
	u16 machine;	      /* EM_X86_64 or EM_386 */
	u16 type;	      /* ET_EXEC or ET_DYN */
	enum elf_stack stack; /* by PT_GNU_STACK; default: there is none */
	u64 entry;	      /* unrelocated */
	u64 phoff;
	u16 phnum;
	u16 phentsize;
	u64 phdr_vaddr; /* where a segment maps the program headers (AT_PHDR), unrelocated; 0: none
			   does */
	u64 interp_off; /* PT_INTERP: 0 < interp_len <= PATH_MAX with the NUL; interp_len 0: none */
	u32 interp_len;
	struct elf_seg tls; /* PT_TLS as it stands in the file, unchecked; memsz 0: none */
	u64 align;	/* the largest power-of-two p_align of the segments, at least ELF_PAGE */
	u64 span_start; /* lowest segment address, page aligned down */
	u64 span_end;	/* highest segment end, page aligned up */
	u64 brk_end;	/* highest vaddr + memsz, unaligned */
	u64 file_end; /* highest offset + filesz: a shorter file is truncated (Linux maps it all the
			 same) */
	bool overlaps; /* two segments share a page, or are not in ascending order (later ones win)
			*/
	u32 nsegs;
	struct elf_seg segs[ELF_SEGS_MAX];
	const char *error; /* after a failure: why, static */
};

/* Reads len bytes at off; returns the bytes read (less only at the end of the file) or a negative
 * errno. */
typedef long (*elf_read_fn)(void *ctx, u64 off, void *buf, size_t len);

/*
 * `head` is the first head_len bytes of the file (64 at least unless the file is shorter: missing
 * bytes count as zeros, as on Linux). Errors: -ENOEXEC where Linux says so; -EINVAL for what Linux
 * notices only when the old image is already gone and then kills the process: the loader is better
 * off refusing early.
 */
int elf_parse(struct elf_image *img, const void *head, size_t head_len, elf_read_fn read,
	      void *ctx) MUST_CHECK;

/* -EINVAL unless every segment, moved up by `bias`, ends at or below `limit`. */
int elf_check_limit(const struct elf_image *img, u64 bias, u64 limit) MUST_CHECK;

/*
 * Reads the interpreter's path into buf (size >= img->interp_len). -EIO: the file ends before it;
 * -ENOEXEC: no NUL at its end (Linux's errors).
 */
int elf_read_interp(const struct elf_image *img, elf_read_fn read, void *ctx, char *buf,
		    size_t size) MUST_CHECK;

static inline bool elf_is_x32(const struct elf_image *img)
{
	return img->machine == EM_X86_64 && img->elf_class == ELFCLASS32;
}
