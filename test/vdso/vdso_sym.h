// SPDX-License-Identifier: MIT
/*
 * Finding functions in a vDSO image that is mapped at `image` (addresses in it start at 0), by
 * either of its hash tables, with the version checked as a C library does. For tests and the
 * benchmark, user space only.
 */
#pragma once

#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __LP64__
typedef Elf64_Versym vdso_versym;
typedef Elf64_Verdef vdso_verdef;
typedef Elf64_Verdaux vdso_verdaux;
#define VDSO_BLOOM_BITS 64
#else
typedef Elf32_Versym vdso_versym;
typedef Elf32_Verdef vdso_verdef;
typedef Elf32_Verdaux vdso_verdaux;
#define VDSO_BLOOM_BITS 32
#endif

struct vdso_elf {
	const char *image;
	const ElfW(Sym) * symbols;
	const char *strings;
	const uint32_t *hash, *gnu_hash;
	const vdso_versym *versym;
	const vdso_verdef *verdef;
	const char *soname;
};

static inline bool vdso_open(struct vdso_elf *elf, const void *image)
{
	const ElfW(Ehdr) *header = image;
	const ElfW(Phdr) *segment = (const void *)((const char *)image + header->e_phoff);
	const ElfW(Dyn) *entry = NULL;
	size_t soname = 0;

	*elf = (struct vdso_elf){.image = image};
	for (int i = 0; i < header->e_phnum; i++)
		if (segment[i].p_type == PT_DYNAMIC)
			entry = (const void *)(elf->image + segment[i].p_offset);
	for (; entry && entry->d_tag != DT_NULL; entry++) {
		const void *at = elf->image + entry->d_un.d_ptr;

		if (entry->d_tag == DT_SYMTAB)
			elf->symbols = at;
		else if (entry->d_tag == DT_STRTAB)
			elf->strings = at;
		else if (entry->d_tag == DT_HASH)
			elf->hash = at;
		else if (entry->d_tag == DT_GNU_HASH)
			elf->gnu_hash = at;
		else if (entry->d_tag == DT_VERSYM)
			elf->versym = at;
		else if (entry->d_tag == DT_VERDEF)
			elf->verdef = at;
		else if (entry->d_tag == DT_SONAME)
			soname = entry->d_un.d_val;
	}
	if (!elf->symbols || !elf->strings)
		return false;
	elf->soname = elf->strings + soname;
	return true;
}

static inline bool vdso_is(const struct vdso_elf *elf, uint32_t symbol, const char *version,
			   const char *name)
{
	const vdso_verdef *definition = elf->verdef;

	if (elf->symbols[symbol].st_shndx == SHN_UNDEF ||
	    strcmp(elf->strings + elf->symbols[symbol].st_name, name))
		return false;
	if (!version || !elf->versym || !definition)
		return true;
	while (definition->vd_ndx != (elf->versym[symbol] & 0x7fff)) {
		if (!definition->vd_next)
			return false;
		definition = (const void *)((const char *)definition + definition->vd_next);
	}
	return !strcmp(elf->strings + ((const vdso_verdaux *)((const char *)definition +
							      definition->vd_aux))
					      ->vda_name,
		       version);
}

/* By DT_HASH: buckets, chains, the System V hash. */
static inline const void *vdso_find(const struct vdso_elf *elf, const char *version,
				    const char *name)
{
	uint32_t hash = 0;

	if (!elf->hash)
		return NULL;
	for (const unsigned char *c = (const unsigned char *)name; *c; c++) {
		hash = (hash << 4) + *c;
		hash = (hash ^ (hash >> 24 & 0xf0)) & 0x0fffffff;
	}
	for (uint32_t i = elf->hash[2 + hash % elf->hash[0]]; i;
	     i = elf->hash[2 + elf->hash[0] + i])
		if (vdso_is(elf, i, version, name))
			return elf->image + elf->symbols[i].st_value;
	return NULL;
}

/* By DT_GNU_HASH: Bloom filter, buckets, chains that end in an odd hash. */
static inline const void *vdso_find_gnu(const struct vdso_elf *elf, const char *version,
					const char *name)
{
	const uint32_t *table = elf->gnu_hash, *buckets, *chain;
	const ElfW(Addr) * bloom;
	uint32_t hash = 5381;
	ElfW(Addr) bits;

	if (!table)
		return NULL;
	for (const unsigned char *c = (const unsigned char *)name; *c; c++)
		hash = hash * 33 + *c;
	bloom = (const void *)(table + 4);
	bits = bloom[hash / VDSO_BLOOM_BITS % table[2]];
	if (!(bits >> hash % VDSO_BLOOM_BITS & bits >> (hash >> table[3]) % VDSO_BLOOM_BITS & 1))
		return NULL;
	buckets = (const uint32_t *)(bloom + table[2]);
	chain = buckets + table[0];
	for (uint32_t i = buckets[hash % table[0]]; i >= table[1]; i++) {
		if ((chain[i - table[1]] | 1) == (hash | 1) && vdso_is(elf, i, version, name))
			return elf->image + elf->symbols[i].st_value;
		if (chain[i - table[1]] & 1)
			break;
	}
	return NULL;
}
