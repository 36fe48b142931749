// SPDX-License-Identifier: MIT
// Judges an executable by its first bytes: enough to say in one clear line why it can't run. What
// it lets through is still checked in full by the kernel, so leniency here is never a hole.
#include "host/elfcheck.h"

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const struct {
	uint16_t machine;
	const char *name;
} machines[] = {
	{EM_ARM, "Arm (32-bit)"}, {EM_AARCH64, "Arm (64-bit)"},
	{EM_RISCV, "RISC-V"},	  {EM_PPC, "PowerPC (32-bit)"},
	{EM_PPC64, "PowerPC"},	  {EM_S390, "IBM Z"},
	{EM_MIPS, "MIPS"},	  {EM_SPARC, "SPARC"},
	{EM_SPARCV9, "SPARC"},	  {EM_68K, "Motorola 68000"},
	{EM_IA_64, "Itanium"},	  {EM_ALPHA, "Alpha"},
	{EM_SH, "SuperH"},	  {EM_PARISC, "PA-RISC"},
	{258, "LoongArch"},
};

static void judge(struct exe_info *out, enum exe_kind kind, const char *detail, size_t len)
{
	out->kind = kind;
	if (len > sizeof(out->detail) - 1)
		len = sizeof(out->detail) - 1;
	memcpy(out->detail, detail, len);
	out->detail[len] = '\0';
}

static void judge_text(struct exe_info *out, enum exe_kind kind, const char *detail)
{
	judge(out, kind, detail, strlen(detail));
}

// `#! interpreter [argument]`: blanks before the name are allowed, as on Linux.
static void examine_script(const unsigned char *data, size_t size, struct exe_info *out)
{
	size_t from = 2, to;

	while (from < size && (data[from] == ' ' || data[from] == '\t'))
		from++;
	for (to = from; to < size; to++)
		if (data[to] == ' ' || data[to] == '\t' || data[to] == '\n' || data[to] == '\0')
			break;
	judge(out, EXE_SCRIPT, (const char *)data + from, to - from);
}

static void foreign(uint16_t machine, struct exe_info *out)
{
	char name[40];

	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		if (machines[i].machine == machine) {
			judge_text(out, EXE_FOREIGN, machines[i].name);
			return;
		}
	}
	snprintf(name, sizeof(name), "machine type %u", machine);
	judge_text(out, EXE_FOREIGN, name);
}

// Program headers of both classes, brought to the three members that matter here.
struct segment {
	uint32_t type;
	uint64_t offset, filesz;
};

static struct segment segment_read(const unsigned char *p, bool wide)
{
	Elf64_Phdr h64;
	Elf32_Phdr h32;

	if (wide) {
		memcpy(&h64, p, sizeof(h64));
		return (struct segment){h64.p_type, h64.p_offset, h64.p_filesz};
	}
	memcpy(&h32, p, sizeof(h32));
	return (struct segment){h32.p_type, h32.p_offset, h32.p_filesz};
}

// Looks for PT_INTERP among count headers at offset.
static void examine_segments(const unsigned char *data, size_t size, bool wide, uint64_t offset,
			     unsigned count, struct exe_info *out)
{
	size_t each = wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	bool loads = false;

	if (offset > size || count * each > size - offset) {
		judge_text(out, EXE_BAD, "its program headers lie outside of the file");
		return;
	}
	for (unsigned i = 0; i < count; i++) {
		struct segment s = segment_read(data + offset + i * each, wide);

		loads |= s.type == PT_LOAD;
		if (s.type != PT_INTERP)
			continue;
		if (s.offset > size || s.filesz > size - s.offset || s.filesz < 2)
			judge_text(out, EXE_BAD, "its interpreter's name lies outside of the file");
		else
			judge(out, EXE_DYNAMIC, (const char *)data + s.offset,
			      strnlen((const char *)data + s.offset, s.filesz));
		return;
	}
	judge_text(out, loads ? EXE_STATIC : EXE_BAD, loads ? "" : "it has nothing to load");
}

static void examine_elf(const unsigned char *data, size_t size, struct exe_info *out)
{
	Elf64_Ehdr h64;
	Elf32_Ehdr h32;
	bool wide = size > EI_CLASS && data[EI_CLASS] == ELFCLASS64;

	if (size < sizeof(h32) || (wide && size < sizeof(h64))) {
		judge_text(out, EXE_BAD, "it is cut off");
		return;
	}
	// A big-endian file has its fields the other way round; it is foreign whatever they say.
	uint16_t machine = data[EI_DATA] == ELFDATA2MSB ? (uint16_t)(data[18] << 8 | data[19])
							: (uint16_t)(data[19] << 8 | data[18]);
	if (data[EI_DATA] == ELFDATA2MSB || (machine != EM_X86_64 && machine != EM_386)) {
		foreign(machine, out);
		return;
	}
	if (wide) {
		memcpy(&h64, data, sizeof(h64));
		if (h64.e_type != ET_EXEC && h64.e_type != ET_DYN)
			judge_text(out, EXE_BAD, "it is an object file, not a program");
		else if (machine == EM_386 || h64.e_phentsize != sizeof(Elf64_Phdr))
			judge_text(out, EXE_BAD, "its header contradicts itself");
		else
			examine_segments(data, size, true, h64.e_phoff, h64.e_phnum, out);
		return;
	}
	memcpy(&h32, data, sizeof(h32));
	if (h32.e_type != ET_EXEC && h32.e_type != ET_DYN)
		judge_text(out, EXE_BAD, "it is an object file, not a program");
	else if (data[EI_CLASS] != ELFCLASS32 || h32.e_phentsize != sizeof(Elf32_Phdr))
		judge_text(out, EXE_BAD, "its header contradicts itself");
	else
		examine_segments(data, size, false, h32.e_phoff, h32.e_phnum, out);
}

void exe_examine(const unsigned char *data, size_t size, struct exe_info *out)
{
	if (size >= 2 && data[0] == '#' && data[1] == '!')
		examine_script(data, size, out);
	else if (size >= SELFMAG && !memcmp(data, ELFMAG, SELFMAG))
		examine_elf(data, size, out);
	else
		judge_text(out, EXE_UNKNOWN, "");
}
