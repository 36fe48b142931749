// SPDX-License-Identifier: MIT
/*
 * vdso2c OUT.h OUT.S NAME=LINKED:STRIPPED…
 * Judges the linked vDSO images and writes what the kernel needs of them: OUT.S with the stripped
 * images, page by page, and OUT.h with their sizes and the offsets of the symbols that the kernel
 * itself jumps to or patches. An image that would need a dynamic linker (relocation, undefined
 * symbol, writable data) ends the build with one line.
 */
#include <elf.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE	  4096u
#define MAX_PAGES 4u

/* An ELF file in memory, of either class; the accessors below widen to the 64-bit structures. */
struct image {
	const char *path;
	unsigned char *bytes;
	size_t size;
	bool wide;
};

struct kind {
	const char *name, *macro;
	unsigned char class;
	uint16_t machine;
};

static const struct kind kinds[] = {
	{"x86_64", "X86_64", ELFCLASS64, EM_X86_64},
	{"x32", "X32", ELFCLASS32, EM_X86_64},
	{"i386", "I386", ELFCLASS32, EM_386},
};

/* What the kernel must find in the i386 image. */
static const struct {
	const char *symbol, *macro;
} offsets[] = {
	{"__kernel_vsyscall", "KERNEL_VSYSCALL"},  {"vdso_fast_entry", "FAST_ENTRY"},
	{"vdso_landing_pad", "LANDING_PAD"},	   {"__kernel_sigreturn", "SIGRETURN"},
	{"__kernel_rt_sigreturn", "RT_SIGRETURN"},
};

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *format, ...)
{
	va_list args;

	fputs("vdso2c: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

static struct image image_load(const char *path)
{
	struct image image = {.path = path};
	FILE *file = fopen(path, "rb");
	long size;

	if (!file || fseek(file, 0, SEEK_END) || (size = ftell(file)) < 0)
		die("%s: cannot read", path);
	rewind(file);
	image.size = (size_t)size;
	image.bytes = malloc(image.size + 1);
	if (!image.bytes || fread(image.bytes, 1, image.size, file) != image.size)
		die("%s: cannot read", path);
	fclose(file);
	image.bytes[image.size] = 0;
	if (image.size < sizeof(Elf64_Ehdr) || memcmp(image.bytes, ELFMAG, SELFMAG))
		die("%s: not an ELF file", path);
	image.wide = image.bytes[EI_CLASS] == ELFCLASS64;
	return image;
}

static const void *image_at(const struct image *image, uint64_t offset, uint64_t size)
{
	if (offset > image->size || size > image->size - offset)
		die("%s: truncated", image->path);
	return image->bytes + offset;
}

static Elf64_Ehdr image_header(const struct image *image)
{
	Elf64_Ehdr out;
	Elf32_Ehdr in;

	memcpy(&out, image->bytes, sizeof(out));
	if (!image->wide) {
		memcpy(&in, image->bytes, sizeof(in));
		out.e_phoff = in.e_phoff;
		out.e_shoff = in.e_shoff;
		out.e_phnum = in.e_phnum;
		out.e_shnum = in.e_shnum;
	}
	return out;
}

static Elf64_Phdr image_segment(const struct image *image, unsigned int index)
{
	uint64_t base = image_header(image).e_phoff;
	Elf64_Phdr out;
	Elf32_Phdr in;

	if (image->wide) {
		memcpy(&out, image_at(image, base + index * sizeof(out), sizeof(out)), sizeof(out));
		return out;
	}
	memcpy(&in, image_at(image, base + index * sizeof(in), sizeof(in)), sizeof(in));
	return (Elf64_Phdr){in.p_type,	in.p_flags,  in.p_offset, in.p_vaddr,
			    in.p_paddr, in.p_filesz, in.p_memsz,  in.p_align};
}

static Elf64_Shdr image_section(const struct image *image, unsigned int index)
{
	uint64_t base = image_header(image).e_shoff;
	Elf64_Shdr out;
	Elf32_Shdr in;

	if (image->wide) {
		memcpy(&out, image_at(image, base + index * sizeof(out), sizeof(out)), sizeof(out));
		return out;
	}
	memcpy(&in, image_at(image, base + index * sizeof(in), sizeof(in)), sizeof(in));
	return (Elf64_Shdr){in.sh_name, in.sh_type, in.sh_flags, in.sh_addr,	  in.sh_offset,
			    in.sh_size, in.sh_link, in.sh_info,	 in.sh_addralign, in.sh_entsize};
}

static Elf64_Sym image_symbol(const struct image *image, const Elf64_Shdr *table,
			      unsigned int index)
{
	Elf64_Sym out;
	Elf32_Sym in;

	if (image->wide) {
		memcpy(&out, image_at(image, table->sh_offset + index * sizeof(out), sizeof(out)),
		       sizeof(out));
		return out;
	}
	memcpy(&in, image_at(image, table->sh_offset + index * sizeof(in), sizeof(in)), sizeof(in));
	return (Elf64_Sym){in.st_name,	in.st_info,  in.st_other,
			   in.st_shndx, in.st_value, in.st_size};
}

static unsigned int symbol_count(const struct image *image, const Elf64_Shdr *table)
{
	return (unsigned int)(table->sh_size /
			      (image->wide ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym)));
}

static bool section_find(const struct image *image, uint32_t type, Elf64_Shdr *section)
{
	for (unsigned int i = 0; i < image_header(image).e_shnum; i++) {
		*section = image_section(image, i);
		if (section->sh_type == type)
			return true;
	}
	return false;
}

static const char *symbol_name(const struct image *image, const Elf64_Shdr *table,
			       const Elf64_Sym *symbol)
{
	Elf64_Shdr names = image_section(image, table->sh_link);

	return image_at(image, names.sh_offset + symbol->st_name, 1);
}

/* One segment that is the file from its first byte, readable and executable: what the kernel maps.
 */
static void check_segments(const struct image *image)
{
	unsigned int loads = 0;

	for (unsigned int i = 0; i < image_header(image).e_phnum; i++) {
		Elf64_Phdr segment = image_segment(image, i);

		if (segment.p_type == PT_INTERP || segment.p_type == PT_TLS)
			die("%s: has an interpreter or thread-local data", image->path);
		if (segment.p_type != PT_LOAD)
			continue;
		loads++;
		if (segment.p_offset || segment.p_vaddr || segment.p_flags != (PF_R | PF_X) ||
		    segment.p_filesz != segment.p_memsz || segment.p_memsz > MAX_PAGES * PAGE)
			die("%s: the segment is not the file itself, R+X", image->path);
	}
	if (loads != 1)
		die("%s: %u segments instead of one", image->path, loads);
}

static void check_dynamic(const struct image *image)
{
	static const uint32_t wanted[] = {DT_HASH, DT_GNU_HASH, DT_SONAME, DT_VERDEF, DT_VERSYM};
	static const uint32_t refused[] = {DT_NEEDED,  DT_REL,	DT_RELA, DT_JMPREL,
					   DT_TEXTREL, DT_INIT, DT_FINI, DT_RELR};
	Elf64_Shdr dynamic;
	unsigned int seen = 0;

	if (!section_find(image, SHT_DYNAMIC, &dynamic))
		die("%s: no dynamic section", image->path);
	for (uint64_t at = 0; at < dynamic.sh_size; at += image->wide ? 16 : 8) {
		const void *entry = image_at(image, dynamic.sh_offset + at, image->wide ? 16 : 8);
		uint32_t tag; /* the low half is enough for every tag in use */

		memcpy(&tag, entry, sizeof(tag));
		for (unsigned int i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
			seen |= (unsigned int)(tag == wanted[i]) << i;
		for (unsigned int i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
			if (tag == refused[i])
				die("%s: dynamic tag %#x asks for a dynamic linker", image->path,
				    tag);
	}
	if (seen != (1u << sizeof(wanted) / sizeof(wanted[0])) - 1)
		die("%s: a hash table, the name or the versions are missing", image->path);
}

static void check_sections(const struct image *image)
{
	for (unsigned int i = 0; i < image_header(image).e_shnum; i++) {
		Elf64_Shdr section = image_section(image, i);

		if ((section.sh_type == SHT_REL || section.sh_type == SHT_RELA) && section.sh_size)
			die("%s: relocations are left", image->path);
		if (section.sh_type != SHT_SYMTAB && section.sh_type != SHT_DYNSYM)
			continue;
		for (unsigned int j = 1; j < symbol_count(image, &section); j++) {
			Elf64_Sym symbol = image_symbol(image, &section, j);

			if (symbol.st_shndx == SHN_UNDEF && symbol.st_name)
				die("%s: undefined symbol %s", image->path,
				    symbol_name(image, &section, &symbol));
		}
	}
}

static uint64_t offset_of(const struct image *image, const char *name)
{
	Elf64_Shdr table;

	if (!section_find(image, SHT_SYMTAB, &table))
		die("%s: no symbol table", image->path);
	for (unsigned int i = 1; i < symbol_count(image, &table); i++) {
		Elf64_Sym symbol = image_symbol(image, &table, i);

		if (symbol.st_shndx != SHN_UNDEF &&
		    !strcmp(symbol_name(image, &table, &symbol), name))
			return symbol.st_value;
	}
	die("%s: no symbol %s", image->path, name);
}

static const struct kind *kind_find(const char *name, size_t length)
{
	for (unsigned int i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strlen(kinds[i].name) == length && !memcmp(kinds[i].name, name, length))
			return &kinds[i];
	die("unknown image name in %s", name);
}

/* NAME=LINKED:STRIPPED */
static void emit(FILE *header, FILE *assembly, char *argument)
{
	char *linked_path = strchr(argument, '='), *stripped_path = strchr(argument, ':');
	struct image linked, stripped;
	const struct kind *kind;

	if (!linked_path || !stripped_path)
		die("usage: vdso2c OUT.h OUT.S NAME=LINKED:STRIPPED...");
	kind = kind_find(argument, (size_t)(linked_path - argument));
	*stripped_path++ = 0;
	linked = image_load(linked_path + 1);
	stripped = image_load(stripped_path);
	if (stripped.bytes[EI_CLASS] != kind->class ||
	    image_header(&stripped).e_machine != kind->machine ||
	    image_header(&stripped).e_type != ET_DYN)
		die("%s: not a shared object for %s", stripped_path, kind->name);
	check_sections(&linked);
	check_sections(&stripped);
	check_segments(&stripped);
	check_dynamic(&stripped);
	if (stripped.size > MAX_PAGES * PAGE)
		die("%s: longer than %u pages", stripped_path, MAX_PAGES);

	fprintf(header, "\n#define VDSO_%s_SIZE %#zx\n#define VDSO_%s_PAGES %zu\n", kind->macro,
		stripped.size, kind->macro, (stripped.size + PAGE - 1) / PAGE);
	if (kind->machine == EM_386)
		for (unsigned int i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++)
			fprintf(header, "#define VDSO_%s_%s %#llx\n", kind->macro, offsets[i].macro,
				(unsigned long long)offset_of(&linked, offsets[i].symbol));
	fprintf(header, "#ifndef __ASSEMBLER__\nextern unsigned char vdso_%s_image[];\n#endif\n",
		kind->name);
	fprintf(assembly,
		"\t.balign 4096\n\t.globl vdso_%s_image\nvdso_%s_image:\n\t.incbin \"%s\"\n"
		"\t.balign 4096\n",
		kind->name, kind->name, stripped_path);
	free(linked.bytes);
	free(stripped.bytes);
}

static FILE *out_open(const char *path)
{
	FILE *file = fopen(path, "w");

	if (!file)
		die("%s: cannot write", path);
	return file;
}

int main(int argc, char **argv)
{
	FILE *header, *assembly;

	if (argc < 4)
		die("usage: vdso2c OUT.h OUT.S NAME=LINKED:STRIPPED...");
	header = out_open(argv[1]);
	assembly = out_open(argv[2]);
	fputs("/* Made by tools/vdso2c. Bytes, pages and offsets within the vDSO images. "
	      "*/\n#pragma once\n",
	      header);
	/* Writable until the kernel seals it: the i386 image gets its entry for this CPU at boot.
	 */
	fputs("/* Made by tools/vdso2c. */\n\t.section .data.vdso, \"aw\", @progbits\n", assembly);
	for (int i = 3; i < argc; i++)
		emit(header, assembly, argv[i]);
	fputs("\n\t.section .note.GNU-stack, \"\", @progbits\n", assembly);
	if (fclose(header) || fclose(assembly)) {
		remove(argv[1]);
		die("cannot write the output");
	}
	return 0;
}
