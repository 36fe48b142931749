// SPDX-License-Identifier: MIT
// Makes the tiny programs: one loadable segment of headers and code, room for three more.
#include "test/guest/tiny.h"

#include "test/guest/test.h"

extern const u8 tiny_x86_64[], tiny_x86_64_end[], tiny_x32[], tiny_x32_end[], tiny_i386[],
	tiny_i386_end[];

Elf64_Phdr *tiny_phdr64(struct tiny *t, int i)
{
	return (Elf64_Phdr *)(t->bytes + sizeof(Elf64_Ehdr)) + i;
}

Elf32_Phdr *tiny_phdr32(struct tiny *t, int i)
{
	return (Elf32_Phdr *)(t->bytes + sizeof(Elf32_Ehdr)) + i;
}

static void make64(struct tiny *t, unsigned size)
{
	t->eh64 = (Elf64_Ehdr){
		.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_entry = 0x400000 + TINY_CODE,
		.e_phoff = sizeof(Elf64_Ehdr),
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 1,
	};
	*tiny_phdr64(t, 0) = (Elf64_Phdr){.p_type = PT_LOAD,
					  .p_flags = PF_R | PF_X,
					  .p_vaddr = 0x400000,
					  .p_filesz = size,
					  .p_memsz = size,
					  .p_align = PAGE};
}

static void make32(struct tiny *t, unsigned size)
{
	u32 base = t->abi == TINY_I386 ? 0x08048000 : 0x400000;

	t->eh32 = (Elf32_Ehdr){
		.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_EXEC,
		.e_machine = t->abi == TINY_I386 ? EM_386 : EM_X86_64,
		.e_version = EV_CURRENT,
		.e_entry = base + TINY_CODE,
		.e_phoff = sizeof(Elf32_Ehdr),
		.e_ehsize = sizeof(Elf32_Ehdr),
		.e_phentsize = sizeof(Elf32_Phdr),
		.e_phnum = 1,
	};
	*tiny_phdr32(t, 0) = (Elf32_Phdr){.p_type = PT_LOAD,
					  .p_flags = PF_R | PF_X,
					  .p_vaddr = base,
					  .p_filesz = size,
					  .p_memsz = size,
					  .p_align = PAGE};
}

void tiny_make(struct tiny *t, int abi)
{
	static const struct {
		const u8 *from, *to;
	} code[] = {{tiny_x86_64, tiny_x86_64_end},
		    {tiny_i386, tiny_i386_end},
		    {tiny_x32, tiny_x32_end}};
	unsigned n = (unsigned)(code[abi].to - code[abi].from);

	memset(t, 0, sizeof(*t));
	t->abi = abi;
	t->size = TINY_CODE + n;
	if (abi == TINY_X86_64)
		make64(t, t->size);
	else
		make32(t, t->size);
	memcpy(t->bytes + TINY_CODE, code[abi].from, n);
}

void tiny_add_interp(struct tiny *t, const char *path)
{
	unsigned n = (unsigned)strlen(path) + 1;

	memcpy(t->bytes + TINY_INTERP, path, n);
	if (t->abi == TINY_X86_64) {
		t->eh64.e_phnum = 2;
		*tiny_phdr64(t, 1) = (Elf64_Phdr){.p_type = PT_INTERP,
						  .p_offset = TINY_INTERP,
						  .p_filesz = n,
						  .p_memsz = n,
						  .p_flags = PF_R,
						  .p_align = 1};
	} else {
		t->eh32.e_phnum = 2;
		*tiny_phdr32(t, 1) = (Elf32_Phdr){.p_type = PT_INTERP,
						  .p_offset = TINY_INTERP,
						  .p_filesz = n,
						  .p_memsz = n,
						  .p_flags = PF_R,
						  .p_align = 1};
	}
}

bool tiny_write(const struct tiny *t, const char *name)
{
	unlink(name);
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	bool good = fd >= 0 && write(fd, t->bytes, t->size) == (ssize_t)t->size;

	close(fd);
	return good;
}
