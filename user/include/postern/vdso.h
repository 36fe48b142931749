/* SPDX-License-Identifier: MIT */
/*
 * <postern/vdso.h>: functions of the vDSO, by name and version, without a C library.
 *
 *	struct postern_vdso vdso;
 *	unsigned long at = postern_auxv_value(auxv, POSTERN_AT_SYSINFO_EHDR);
 *
 *	if (!postern_vdso_open(&vdso, (const void *)at, 0))
 *		f = postern_vdso_find(&vdso, "LINUX_2.6", "__vdso_clock_gettime");
 *
 * The image need not be a good one: every table and string is checked to lie inside before it is
 * read, every walk is bounded, and an image that fails is refused. <postern/clock.h> has the typed
 * functions.
 */
#pragma once

#include <postern/auxv.h>
#include <postern/elf.h>

/* What postern_vdso_open found; 0 is a usable image. */
enum postern_vdso_status {
	POSTERN_VDSO_OK,
	POSTERN_VDSO_MISSING,	/* the address is 0: no AT_SYSINFO_EHDR */
	POSTERN_VDSO_NOT_ELF,	/* magic, version, type, or the address's alignment */
	POSTERN_VDSO_FOREIGN,	/* another class, byte order or machine */
	POSTERN_VDSO_TRUNCATED, /* it says to be longer than the given maximum */
	POSTERN_VDSO_OUTSIDE,	/* something in it points outside, or not at its own alignment */
	POSTERN_VDSO_INCOMPLETE /* a table that is needed is missing */
};

typedef void postern_vdso_function(void);

/* A checked image. All members are the library's own; the image must stay mapped. */
struct postern_vdso {
	const unsigned char *image;
	size_t size;
	postern_elf_word base; /* the address for which the image's first byte was linked */
	const struct postern_elf_symbol *symbols;
	uint32_t symbol_count; /* so many lie inside, with their versions */
	const char *strings;   /* ends with a 0 byte */
	size_t string_bytes;
	const uint32_t *buckets, *chains; /* DT_HASH, or NULL */
	uint32_t bucket_count, chain_count;
	const postern_elf_word *bloom; /* DT_GNU_HASH, or NULL; so many words, a power of two */
	const uint32_t *gnu_buckets, *gnu_chains;
	uint32_t bloom_count, bloom_shift, gnu_bucket_count, gnu_first;
	size_t gnu_chain_count;
	const uint16_t *versions; /* one a symbol, or NULL: no versions */
	postern_elf_word definitions;
	uint32_t definition_count;
};

/* The values of the dynamic section that matter; 0: not there. */
struct postern_vdso_tags {
	postern_elf_word hash, gnu_hash, strings, string_bytes, symbols, symbol_size, versions,
		definitions, definition_count;
};

/* `count` things of `each` bytes (a power of two aligns them) at byte `offset`: their address, or
 * NULL when they don't lie inside. */
static inline const void *postern_vdso_at(const struct postern_vdso *vdso, postern_elf_word offset,
					  size_t count, size_t each, size_t align)
{
	if (offset > vdso->size || offset % align || count > (vdso->size - offset) / each)
		return NULL;
	return vdso->image + offset;
}

/* Header and segments: the image's size and base, and where the dynamic section lies. */
static inline enum postern_vdso_status postern_vdso_segments(struct postern_vdso *vdso, size_t max,
							     struct postern_elf_segment *dynamic)
{
	const struct postern_elf_header *header = (const struct postern_elf_header *)(const void *)
							  vdso->image;
	const struct postern_elf_segment *segment;
	int loads = 0;

	if (vdso->size < sizeof(*header))
		return POSTERN_VDSO_TRUNCATED;
	if (header->ident[0] != 0x7f || header->ident[1] != 'E' || header->ident[2] != 'L' ||
	    header->ident[3] != 'F' || header->ident[6] != 1)
		return POSTERN_VDSO_NOT_ELF;
	if (header->ident[4] != POSTERN_ELF_CLASS || header->ident[5] != 1 ||
	    header->machine != POSTERN_ELF_MACHINE)
		return POSTERN_VDSO_FOREIGN;
	if (header->type != POSTERN_ET_DYN || header->program_header_size != sizeof(*segment))
		return POSTERN_VDSO_NOT_ELF;
	segment = (const struct postern_elf_segment *)postern_vdso_at(
		vdso, header->program_headers, header->program_header_count, sizeof(*segment),
		sizeof(postern_elf_word));
	if (!segment)
		return POSTERN_VDSO_OUTSIDE;
	dynamic->type = 0;
	for (unsigned int i = 0; i < header->program_header_count; i++, segment++) {
		if (segment->type == POSTERN_PT_DYNAMIC) {
			*dynamic = *segment;
		} else if (segment->type == POSTERN_PT_LOAD) {
			/* One piece from the file's first byte on: what is mapped is the file. */
			if (loads++ || segment->offset)
				return POSTERN_VDSO_NOT_ELF;
			if (segment->file_size > (max ? max : SIZE_MAX / 2))
				return POSTERN_VDSO_TRUNCATED;
			vdso->base = segment->address;
			vdso->size = (size_t)segment->file_size;
		}
	}
	if (!loads || dynamic->type != POSTERN_PT_DYNAMIC)
		return POSTERN_VDSO_INCOMPLETE;
	return POSTERN_VDSO_OK;
}

static inline enum postern_vdso_status postern_vdso_dynamic(const struct postern_vdso *vdso,
							    const struct postern_elf_segment *at,
							    struct postern_vdso_tags *tags)
{
	size_t count = (size_t)(at->memory_size / sizeof(struct postern_elf_dynamic));
	const struct postern_elf_dynamic *entry = (const struct postern_elf_dynamic *)
		postern_vdso_at(vdso, at->address - vdso->base, count, sizeof(*entry),
				sizeof(postern_elf_word));

	if (!entry)
		return POSTERN_VDSO_OUTSIDE;
	tags->hash = tags->gnu_hash = tags->strings = tags->string_bytes = 0;
	tags->symbols = tags->symbol_size = 0;
	tags->versions = tags->definitions = tags->definition_count = 0;
	for (; count && entry->tag != POSTERN_DT_NULL; count--, entry++) {
		if (entry->tag == POSTERN_DT_HASH)
			tags->hash = entry->value;
		else if (entry->tag == POSTERN_DT_GNU_HASH)
			tags->gnu_hash = entry->value;
		else if (entry->tag == POSTERN_DT_STRTAB)
			tags->strings = entry->value;
		else if (entry->tag == POSTERN_DT_STRSZ)
			tags->string_bytes = entry->value;
		else if (entry->tag == POSTERN_DT_SYMTAB)
			tags->symbols = entry->value;
		else if (entry->tag == POSTERN_DT_SYMENT)
			tags->symbol_size = entry->value;
		else if (entry->tag == POSTERN_DT_VERSYM)
			tags->versions = entry->value;
		else if (entry->tag == POSTERN_DT_VERDEF)
			tags->definitions = entry->value;
		else if (entry->tag == POSTERN_DT_VERDEFNUM)
			tags->definition_count = entry->value;
	}
	return POSTERN_VDSO_OK;
}

/* DT_HASH: counts of buckets and chains, the buckets, the chains. There is a chain a symbol. */
static inline int postern_vdso_hash(struct postern_vdso *vdso, postern_elf_word offset)
{
	const uint32_t *head = (const uint32_t *)postern_vdso_at(vdso, offset, 2, 4, 4);

	if (!head || !head[0])
		return 0;
	vdso->bucket_count = head[0];
	vdso->chain_count = head[1];
	vdso->buckets = (const uint32_t *)postern_vdso_at(vdso, offset + 8, head[0], 4, 4);
	if (!vdso->buckets)
		return 0;
	vdso->chains = (const uint32_t *)postern_vdso_at(
		vdso, offset + 8 + (postern_elf_word)head[0] * 4, head[1], 4, 4);
	return vdso->chains != NULL;
}

/* DT_GNU_HASH: four counts, the Bloom filter, the buckets, and chains up to wherever they end. */
static inline int postern_vdso_gnu_hash(struct postern_vdso *vdso, postern_elf_word offset)
{
	const uint32_t *head = (const uint32_t *)postern_vdso_at(vdso, offset, 4, 4, 4);
	postern_elf_word at = offset + 16;

	if (!head || !head[0] || !head[2] || head[2] & (head[2] - 1) || head[3] > 31)
		return 0;
	vdso->gnu_bucket_count = head[0];
	vdso->gnu_first = head[1];
	vdso->bloom_count = head[2];
	vdso->bloom_shift = head[3];
	vdso->bloom = (const postern_elf_word *)postern_vdso_at(
		vdso, at, head[2], sizeof(*vdso->bloom), sizeof(*vdso->bloom));
	if (!vdso->bloom)
		return 0;
	at += (postern_elf_word)head[2] * sizeof(*vdso->bloom);
	vdso->gnu_buckets = (const uint32_t *)postern_vdso_at(vdso, at, head[0], 4, 4);
	if (!vdso->gnu_buckets)
		return 0;
	at += (postern_elf_word)head[0] * 4;
	vdso->gnu_chains = (const uint32_t *)(const void *)(vdso->image + at);
	vdso->gnu_chain_count = (size_t)(vdso->size - at) / 4;
	return 1;
}

static inline enum postern_vdso_status postern_vdso_tables(struct postern_vdso *vdso,
							   const struct postern_vdso_tags *tags)
{
	postern_elf_word at = tags->symbols - vdso->base;

	vdso->buckets = vdso->chains = NULL;
	vdso->bloom = NULL;
	vdso->versions = NULL;
	vdso->definition_count = 0;
	if (!tags->strings || !tags->string_bytes || !tags->symbols ||
	    !(tags->hash || tags->gnu_hash))
		return POSTERN_VDSO_INCOMPLETE;
	if (tags->symbol_size != sizeof(*vdso->symbols) || at > vdso->size ||
	    at % sizeof(postern_elf_word))
		return POSTERN_VDSO_OUTSIDE;
	vdso->string_bytes = (size_t)tags->string_bytes;
	vdso->strings = (const char *)postern_vdso_at(vdso, tags->strings - vdso->base,
						      vdso->string_bytes, 1, 1);
	if (!vdso->strings || vdso->strings[vdso->string_bytes - 1])
		return POSTERN_VDSO_OUTSIDE;
	vdso->symbols = (const struct postern_elf_symbol *)(const void *)(vdso->image + at);
	vdso->symbol_count = (uint32_t)((vdso->size - at) / sizeof(*vdso->symbols));
	if (tags->hash) {
		if (!postern_vdso_hash(vdso, tags->hash - vdso->base) ||
		    vdso->chain_count > vdso->symbol_count)
			return POSTERN_VDSO_OUTSIDE;
		vdso->symbol_count = vdso->chain_count;
	}
	if (tags->gnu_hash && !postern_vdso_gnu_hash(vdso, tags->gnu_hash - vdso->base))
		return POSTERN_VDSO_OUTSIDE;
	if (!tags->versions || !tags->definitions)
		return POSTERN_VDSO_OK;
	at = tags->versions - vdso->base;
	if (at > vdso->size || at % 2)
		return POSTERN_VDSO_OUTSIDE;
	if (vdso->symbol_count > (vdso->size - at) / 2) {
		if (tags->hash)
			return POSTERN_VDSO_OUTSIDE;
		vdso->symbol_count = (uint32_t)((vdso->size - at) / 2);
	}
	vdso->versions = (const uint16_t *)(const void *)(vdso->image + at);
	vdso->definitions = tags->definitions - vdso->base;
	vdso->definition_count = (uint32_t)tags->definition_count;
	return POSTERN_VDSO_OK;
}

/*
 * Checks the image at `image`, the value of AT_SYSINFO_EHDR, and fills *vdso. `max` is how many
 * bytes may be read there at most; 0 trusts the image's own PT_LOAD, once its headers were found
 * within the first page, which must be readable. *vdso is good for nothing unless 0 is returned.
 */
static inline enum postern_vdso_status postern_vdso_open(struct postern_vdso *vdso,
							 const void *image, size_t max)
{
	struct postern_elf_segment dynamic;
	struct postern_vdso_tags tags;
	enum postern_vdso_status status;

	if (!image)
		return POSTERN_VDSO_MISSING;
	if ((uintptr_t)image % sizeof(postern_elf_word))
		return POSTERN_VDSO_NOT_ELF;
	vdso->image = (const unsigned char *)image;
	vdso->size = max && max < 4096 ? max : 4096;
	vdso->base = 0;
	status = postern_vdso_segments(vdso, max, &dynamic);
	if (status == POSTERN_VDSO_OK)
		status = postern_vdso_dynamic(vdso, &dynamic, &tags);
	if (status == POSTERN_VDSO_OK)
		status = postern_vdso_tables(vdso, &tags);
	return status;
}

/* Whether the string at `offset` of the string table is `text`. */
static inline int postern_vdso_string_is(const struct postern_vdso *vdso, uint32_t offset,
					 const char *text)
{
	const char *string;

	if (offset >= vdso->string_bytes)
		return 0;
	string = vdso->strings + offset;
	while (*string && *string == *text) {
		string++;
		text++;
	}
	return *string == *text;
}

/* Whether the definition that a symbol's version names is called `version`. Definitions lie in
 * order, so that a walk by unsigned distances ends. An image without versions has them all. */
static inline int postern_vdso_version_is(const struct postern_vdso *vdso, uint32_t symbol,
					  const char *version)
{
	postern_elf_word at = vdso->definitions;

	if (!version || !vdso->versions)
		return 1;
	for (uint32_t n = vdso->definition_count; n; n--) {
		const struct postern_elf_definition *definition =
			(const struct postern_elf_definition *)postern_vdso_at(
				vdso, at, 1, sizeof(*definition), 4);

		if (!definition)
			return 0;
		if (!(definition->flags & POSTERN_VER_BASE) &&
		    definition->index == (vdso->versions[symbol] & POSTERN_VER_INDEX)) {
			const struct postern_elf_version_name *name =
				(const struct postern_elf_version_name *)postern_vdso_at(
					vdso, at + definition->names, 1, sizeof(*name), 4);

			return definition->names <= vdso->size && name &&
			       postern_vdso_string_is(vdso, name->name, version);
		}
		if (!definition->next || definition->next > vdso->size)
			return 0;
		at += definition->next;
	}
	return 0;
}

/* The address of a symbol that is a defined function of this name and version, or NULL. */
static inline postern_vdso_function *postern_vdso_symbol(const struct postern_vdso *vdso,
							 uint32_t index, const char *version,
							 const char *name)
{
	const struct postern_elf_symbol *symbol;
	unsigned int type;

	if (index >= vdso->symbol_count)
		return NULL;
	symbol = vdso->symbols + index;
	type = symbol->info & 15;
	if (!symbol->section || (type != POSTERN_STT_FUNC && type != POSTERN_STT_NOTYPE) ||
	    symbol->value - vdso->base >= vdso->size ||
	    !postern_vdso_string_is(vdso, symbol->name, name) ||
	    !postern_vdso_version_is(vdso, index, version))
		return NULL;
	return (postern_vdso_function *)((uintptr_t)vdso->image +
					 (uintptr_t)(symbol->value - vdso->base));
}

/* By DT_HASH [System V gABI, chapter 5, Hash Table]. A chain that is longer than there are symbols
 * goes in a circle. */
static inline postern_vdso_function *postern_vdso_find_hash(const struct postern_vdso *vdso,
							    const char *version, const char *name)
{
	postern_vdso_function *found;
	uint32_t hash = 0, index;

	if (!vdso->buckets)
		return NULL;
	for (const unsigned char *c = (const unsigned char *)name; *c; c++) {
		hash = (hash << 4) + *c;
		hash = (hash ^ (hash >> 24 & 0xf0)) & 0x0fffffff;
	}
	index = vdso->buckets[hash % vdso->bucket_count];
	for (uint32_t steps = 0; index && steps < vdso->chain_count; steps++) {
		if (index >= vdso->chain_count)
			return NULL;
		found = postern_vdso_symbol(vdso, index, version, name);
		if (found)
			return found;
		index = vdso->chains[index];
	}
	return NULL;
}

/* By DT_GNU_HASH: the Bloom filter says most absences; a chain's last hash is odd. */
static inline postern_vdso_function *postern_vdso_find_gnu(const struct postern_vdso *vdso,
							   const char *version, const char *name)
{
	const uint32_t bits = sizeof(postern_elf_word) * 8;
	postern_vdso_function *found;
	uint32_t hash = 5381, index;
	postern_elf_word word;

	if (!vdso->bloom)
		return NULL;
	for (const unsigned char *c = (const unsigned char *)name; *c; c++)
		hash = hash * 33 + *c;
	word = vdso->bloom[hash / bits & (vdso->bloom_count - 1)];
	if (!(word >> hash % bits & word >> (hash >> vdso->bloom_shift) % bits & 1))
		return NULL;
	index = vdso->gnu_buckets[hash % vdso->gnu_bucket_count];
	if (index < vdso->gnu_first)
		return NULL;
	for (size_t at = index - vdso->gnu_first; at < vdso->gnu_chain_count; at++, index++) {
		uint32_t value = vdso->gnu_chains[at];

		if ((value | 1) == (hash | 1)) {
			found = postern_vdso_symbol(vdso, index, version, name);
			if (found)
				return found;
		}
		if (value & 1)
			break;
	}
	return NULL;
}

/*
 * The function of this name and version ("LINUX_2.6"; NULL takes any), or NULL. Linux has had only
 * DT_HASH until 6.10, may drop it, and other kernels have one or the other: DT_GNU_HASH when there.
 */
static inline postern_vdso_function *postern_vdso_find(const struct postern_vdso *vdso,
						       const char *version, const char *name)
{
	if (vdso->bloom)
		return postern_vdso_find_gnu(vdso, version, name);
	return postern_vdso_find_hash(vdso, version, name);
}
