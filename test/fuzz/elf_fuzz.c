// SPDX-License-Identifier: MIT
/*
 * lib/elf.c on any bytes: what it accepts keeps the promises of lib/elf.h.
 */
#include "lib/elf.h"
#include "lib/string.h"

#define CHECK(cond)                       \
	do {                              \
		if (!(cond))              \
			__builtin_trap(); \
	} while (0)

struct input {
	const u8 *data;
	size_t size;
};

static long input_read(void *ctx, u64 off, void *buf, size_t len)
{
	const struct input *in = ctx;

	CHECK(off + len >= off && (s64)(off + len) >= 0);
	if (off >= in->size)
		return 0;
	len = (size_t)MIN((u64)len, in->size - off);
	memcpy(buf, in->data + off, len);
	return (long)len;
}

static void check_image(const struct elf_image *img)
{
	CHECK(img->nsegs >= 1 && img->nsegs <= ELF_SEGS_MAX);
	CHECK(img->span_start < img->span_end && img->span_end <= BIT(63));
	CHECK(IS_ALIGNED(img->span_start, ELF_PAGE) && IS_ALIGNED(img->span_end, ELF_PAGE));
	CHECK(IS_POW2(img->align) && img->align >= ELF_PAGE);
	CHECK(img->elf_class == ELFCLASS64 || img->span_end <= BIT(32));
	CHECK(img->machine == EM_X86_64 || img->elf_class == ELFCLASS32);
	for (u32 i = 0; i < img->nsegs; i++) {
		const struct elf_seg *s = &img->segs[i];

		CHECK(s->memsz && s->filesz <= s->memsz);
		CHECK(s->vaddr >= img->span_start && s->vaddr + s->memsz <= img->span_end);
		CHECK(s->vaddr + s->memsz <= img->brk_end &&
		      s->offset + s->filesz <= img->file_end);
		CHECK(!s->filesz || s->vaddr % ELF_PAGE == s->offset % ELF_PAGE);
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct elf_image img;
	struct input in = {data, size};
	char interp[4096];
	int err = elf_parse(&img, data, MIN(size, (size_t)256), input_read, &in);

	if (err) {
		CHECK(img.error);
		return 0;
	}
	check_image(&img);
	CHECK(img.interp_len <= sizeof(interp));
	/* The reader of the test refuses offsets that no file has: so does every real one. */
	if (img.interp_len && img.interp_off < BIT(62) &&
	    elf_read_interp(&img, input_read, &in, interp, sizeof(interp)) == 0)
		CHECK(strlen(interp) < img.interp_len);
	return 0;
}
