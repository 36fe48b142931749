// SPDX-License-Identifier: MIT
/*
 * Bad vDSO images, made from this process's own and from a file named as argument: cut off at every
 * length, of another class, pointing outside, with chains that go in circles. Run under ASan and
 * UBSan. TAP.
 */
#include "test/user/vdso_probe.h"

#include <stdio.h>
#include <sys/auxv.h>
#include <unistd.h>

enum { IMAGE_MAX = 65536 };

static unsigned int tests, failures;
static unsigned char image[IMAGE_MAX], work[IMAGE_MAX];
static size_t size; /* what the image's PT_LOAD says */

static void check(int right, const char *group, const char *name)
{
	tests++;
	failures += !right;
	printf("%sok %u - %s: %s\n", right ? "" : "not ", tests, group, name);
}

/* Every change starts from the good image again. */
static void fresh(void)
{
	memcpy(work, image, sizeof(work));
}

static struct postern_elf_header *header(void)
{
	fresh();
	return (struct postern_elf_header *)(void *)work;
}

static struct postern_elf_segment *segment(unsigned int type)
{
	struct postern_elf_segment *s =
		(struct postern_elf_segment *)(void *)(work + header()->program_headers);

	while (s->type != type)
		s++;
	return s;
}

static struct postern_elf_dynamic *dynamic(postern_elf_word tag)
{
	struct postern_elf_dynamic *d =
		(struct postern_elf_dynamic *)(void *)(work + segment(POSTERN_PT_DYNAMIC)->address);

	while (d->tag != tag && d->tag)
		d++;
	return d->tag ? d : NULL;
}

/* The table of a tag, or NULL. The images used here are linked at 0. */
static void *table(postern_elf_word tag)
{
	struct postern_elf_dynamic *d = dynamic(tag);

	return d ? work + d->value : NULL;
}

/* A copy without one of the two hash tables. */
static void hide(postern_elf_word tag)
{
	struct postern_elf_dynamic *d = dynamic(tag);

	if (d)
		d->tag = 0x6fff0000;
}

/* The working copy is refused, with this status (0: any). */
static void refused(const char *group, const char *name, enum postern_vdso_status expected)
{
	unsigned int found;
	enum postern_vdso_status status = vdso_probe(work, size, &found);

	check(status && (!expected || status == expected), group, name);
}

/* It opens, and so many functions are found (-1: some, but not all of the good image). */
static void finds(const char *group, const char *name, int expected)
{
	unsigned int found, all;
	enum postern_vdso_status status = vdso_probe(work, size, &found);

	vdso_probe(image, size, &all);
	check(!status && (expected < 0 ? found && found < all : found == (unsigned int)expected),
	      group, name);
}

static void lengths_test(const char *group)
{
	unsigned int found, wrong = 0;

	for (size_t length = 0; length < size; length++)
		wrong += vdso_probe(image, length, &found) == POSTERN_VDSO_OK;
	check(!wrong, group, "cut off at every length: refused");
	check(vdso_probe(image, size, &found) == POSTERN_VDSO_OK && found >= 6, group,
	      "whole: opens and has its functions");
	check(vdso_probe(image, size + 1000, &found) == POSTERN_VDSO_OK, group, "a higher maximum");
}

static void header_test(const char *group)
{
	struct postern_vdso vdso;

	header()->ident[4] = 3 - POSTERN_ELF_CLASS;
	refused(group, "the other class", POSTERN_VDSO_FOREIGN);
	header()->ident[5] = 2;
	refused(group, "big-endian", POSTERN_VDSO_FOREIGN);
	header()->machine = 183;
	refused(group, "another machine", POSTERN_VDSO_FOREIGN);
	header()->ident[0] = 0;
	refused(group, "no magic", POSTERN_VDSO_NOT_ELF);
	header()->type = 2;
	refused(group, "no shared object", POSTERN_VDSO_NOT_ELF);
	header()->program_headers = (postern_elf_word)-8;
	refused(group, "program headers outside", POSTERN_VDSO_OUTSIDE);
	header()->program_headers++;
	refused(group, "program headers not aligned", POSTERN_VDSO_OUTSIDE);
	header()->program_header_count = 0xffff;
	refused(group, "too many program headers", POSTERN_VDSO_OUTSIDE);
	header()->program_header_count = 0;
	refused(group, "no program headers", POSTERN_VDSO_INCOMPLETE);
	segment(POSTERN_PT_LOAD)->file_size = size + 1;
	refused(group, "a segment longer than the maximum", POSTERN_VDSO_TRUNCATED);
	segment(POSTERN_PT_LOAD)->file_size = (postern_elf_word)-1;
	refused(group, "the longest segment", POSTERN_VDSO_TRUNCATED);
	segment(POSTERN_PT_LOAD)->address += 4096;
	refused(group, "linked for another address than its tables", 0);
	segment(POSTERN_PT_DYNAMIC)->memory_size = size;
	refused(group, "a dynamic section that is too long", POSTERN_VDSO_OUTSIDE);
	segment(POSTERN_PT_DYNAMIC)->type = 4;
	refused(group, "no dynamic section", POSTERN_VDSO_INCOMPLETE);
	header();
	check(postern_vdso_open(&vdso, NULL, 0) == POSTERN_VDSO_MISSING, group, "address 0");
	check(postern_vdso_open(&vdso, work + 1, size) == POSTERN_VDSO_NOT_ELF, group,
	      "an address that is not aligned");
}

static size_t string_bytes(void)
{
	return (size_t)dynamic(POSTERN_DT_STRSZ)->value;
}

static void tables_test(const char *group)
{
	static const struct {
		postern_elf_word tag;
		const char *name;
	} tags[] = {
		{POSTERN_DT_HASH, "DT_HASH outside"},
		{POSTERN_DT_GNU_HASH, "DT_GNU_HASH outside"},
		{POSTERN_DT_STRTAB, "DT_STRTAB outside"},
		{POSTERN_DT_SYMTAB, "DT_SYMTAB outside"},
		{POSTERN_DT_STRSZ, "DT_STRSZ too large"},
		{POSTERN_DT_SYMENT, "DT_SYMENT of another size"},
		{POSTERN_DT_VERSYM, "DT_VERSYM outside"},
	};
	uint32_t *hash;

	for (unsigned int i = 0; i < sizeof(tags) / sizeof(*tags); i++) {
		struct postern_elf_dynamic *d = dynamic(tags[i].tag);

		if (!d)
			continue;
		d->value = size - 2;
		refused(group, tags[i].name, POSTERN_VDSO_OUTSIDE);
		dynamic(tags[i].tag)->value = (postern_elf_word)-4;
		refused(group, tags[i].name, POSTERN_VDSO_OUTSIDE);
	}
	const size_t last = string_bytes() - 1;

	((char *)table(POSTERN_DT_STRTAB))[last] = 'x';
	refused(group, "strings without an end", POSTERN_VDSO_OUTSIDE);
	dynamic(POSTERN_DT_STRTAB)->tag = 0x6fff0000;
	refused(group, "no strings", POSTERN_VDSO_INCOMPLETE);
	hash = table(POSTERN_DT_HASH);
	if (hash) {
		hash[0] = 0;
		refused(group, "DT_HASH without buckets", POSTERN_VDSO_OUTSIDE);
		((uint32_t *)table(POSTERN_DT_HASH))[0] = 0xffffffff;
		refused(group, "DT_HASH with too many buckets", POSTERN_VDSO_OUTSIDE);
		((uint32_t *)table(POSTERN_DT_HASH))[1] = 0x40000000;
		refused(group, "DT_HASH with too many chains", POSTERN_VDSO_OUTSIDE);
	}
	hash = table(POSTERN_DT_GNU_HASH);
	if (hash) {
		hash[2] = 3;
		refused(group, "a Bloom filter of three words", POSTERN_VDSO_OUTSIDE);
		((uint32_t *)table(POSTERN_DT_GNU_HASH))[2] = 0x80000000;
		refused(group, "a Bloom filter that is too long", POSTERN_VDSO_OUTSIDE);
		((uint32_t *)table(POSTERN_DT_GNU_HASH))[0] = 0;
		refused(group, "DT_GNU_HASH without buckets", POSTERN_VDSO_OUTSIDE);
	}
}

static uint32_t gnu_hash(const char *name)
{
	uint32_t hash = 5381;

	while (*name)
		hash = hash * 33 + (unsigned char)*name++;
	return hash;
}

/* Every bucket and every chain leads to the same symbol, whose chain is itself. */
static void circles_test(const char *group)
{
	const uint32_t count = ((uint32_t *)table(POSTERN_DT_HASH))[1];
	const uint32_t *hash = table(POSTERN_DT_HASH), *gnu = table(POSTERN_DT_GNU_HASH);
	size_t at = (size_t)((const unsigned char *)hash - work);
	size_t gnu_at = (size_t)((const unsigned char *)gnu - work);

	if (hash) {
		uint32_t *words = (uint32_t *)(void *)(work + at), all = words[0] + words[1];

		hide(POSTERN_DT_GNU_HASH);
		for (uint32_t i = 0; i < all; i++)
			words[2 + i] = 1;
		finds(group, "DT_HASH: chains in a circle", -1);
		for (uint32_t i = 0; i < all; i++)
			words[2 + i] = 0xffffffff;
		finds(group, "DT_HASH: chains to symbols outside", 0);
		hide(POSTERN_DT_GNU_HASH);
		finds(group, "DT_HASH alone", -1);
	}
	if (gnu) {
		uint32_t *words = (uint32_t *)(void *)(work + gnu_at);
		uint32_t *buckets = words + 4 + words[2] * sizeof(postern_elf_word) / 4;

		hide(POSTERN_DT_HASH);
		finds(group, "DT_GNU_HASH alone", -1);
		for (uint32_t i = 0; i < words[0]; i++)
			buckets[i] = 0xffffffff;
		finds(group, "DT_GNU_HASH: buckets to symbols outside", 0);
		hide(POSTERN_DT_HASH);
		for (uint32_t i = words[1]; i < count; i++)
			buckets[words[0] + i - words[1]] = 2;
		finds(group, "DT_GNU_HASH: chains without an end", 0);
		/* The right hash, for a symbol far outside. */
		hide(POSTERN_DT_HASH);
		for (uint32_t i = 0; i < words[0]; i++)
			buckets[i] = 0x1000000;
		buckets[words[0]] = gnu_hash("__vdso_time") | 1;
		words[1] = 0x1000000;
		finds(group, "DT_GNU_HASH: a hash whose symbol lies outside", 0);
	}
}

/* The symbols, strings and versions themselves. */
static void contents_test(const char *group)
{
	const uint32_t count = ((uint32_t *)table(POSTERN_DT_HASH))[1];
	struct postern_elf_symbol *symbols = table(POSTERN_DT_SYMTAB);
	struct postern_elf_definition *definitions;
	uint16_t *versions;

	for (uint32_t i = 0; i < count; i++)
		symbols[i].value = size;
	finds(group, "functions outside", 0);
	symbols = table(POSTERN_DT_SYMTAB);
	for (uint32_t i = 0; i < count; i++)
		symbols[i].name = 0xfffffff0;
	finds(group, "names outside", 0);
	symbols = table(POSTERN_DT_SYMTAB);
	for (uint32_t i = 0; i < count; i++)
		symbols[i].section = 0;
	finds(group, "functions that are not defined", 0);
	symbols = table(POSTERN_DT_SYMTAB);
	for (uint32_t i = 0; i < count; i++)
		symbols[i].info = 1;
	finds(group, "objects instead of functions", 0);
	versions = table(POSTERN_DT_VERSYM);
	for (uint32_t i = 0; i < count; i++)
		versions[i] = 77;
	finds(group, "versions that nobody defines: found without one only", -1);
	definitions = table(POSTERN_DT_VERDEF);
	definitions->next = 0xfffffffc;
	finds(group, "version definitions outside", -1);
	definitions = table(POSTERN_DT_VERDEF);
	definitions->next = 1;
	finds(group, "a version definition that is not aligned", -1);
	dynamic(POSTERN_DT_VERDEF)->value = size;
	finds(group, "no version definition inside", -1);
	dynamic(POSTERN_DT_VERDEF)->tag = 0x6fff0000;
	check(vdso_probe(work, size, &(unsigned int){0}) == POSTERN_VDSO_OK, group,
	      "no versions at all");
}

/* Each word of the tables by itself, replaced by values that break things: the sanitizers and
 * vdso_probe judge. */
static void words_test(const char *group)
{
	const uint32_t values[] = {0,
				   1,
				   2,
				   3,
				   0x7fffffff,
				   0x80000000,
				   0xffffffff,
				   0xfffffffc,
				   (uint32_t)size,
				   (uint32_t)size - 4};
	const size_t end = size < 2048 ? size : 2048;
	unsigned int opened = 0, found;

	fresh();
	for (size_t at = 0; at + 4 <= end; at += 4)
		for (unsigned int i = 0; i < sizeof(values) / sizeof(*values); i++) {
			memcpy(work + at, &values[i], 4);
			opened += !vdso_probe(work, size, &found);
			memcpy(work + at, image + at, 4);
		}
	check(opened > 0, group,
	      "each word of the tables changed, ten values: nothing read beyond");
}

static void image_test(const char *group)
{
	struct postern_vdso vdso;

	if (postern_vdso_open(&vdso, image, sizeof(image))) {
		check(0, group, "is an image");
		return;
	}
	size = vdso.size;
	lengths_test(group);
	header_test(group);
	tables_test(group);
	circles_test(group);
	contents_test(group);
	words_test(group);
}

int main(int argc, char **argv)
{
	const void *own = (const void *)getauxval(AT_SYSINFO_EHDR);
	struct postern_vdso vdso;

	if (own && !postern_vdso_open(&vdso, own, 0)) {
		memcpy(image, own, vdso.size);
		image_test("the host's image");
	}
	for (int i = 1; i < argc; i++) {
		FILE *file = fopen(argv[i], "rb");

		memset(image, 0, sizeof(image));
		if (!file || !fread(image, 1, sizeof(image), file))
			return 2;
		fclose(file);
		image_test(argv[i]);
	}
	printf("1..%u\n", tests);
	return failures > 0;
}
