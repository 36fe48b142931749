// SPDX-License-Identifier: MIT
/*
 * trim IN OUT: copies an ELF program up to the end of its last segment and clears the section
 * header fields, which no kernel reads. For programs that shall be small; strip cannot do it.
 */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static unsigned char *bytes;
static size_t length;

static int fail(const char *what)
{
	fprintf(stderr, "trim: %s\n", what);
	return 1;
}

static int file_read(const char *name)
{
	FILE *file = fopen(name, "rb");
	struct stat st;

	if (!file || fstat(fileno(file), &st))
		return 0;
	length = (size_t)st.st_size;
	bytes = calloc(1, length + sizeof(Elf64_Ehdr));
	if (!bytes || fread(bytes, 1, length, file) != length)
		length = 0;
	fclose(file);
	return length > 0;
}

/* Where the last segment ends: never before the headers' own end. 0: out of range. */
#define TRIM(bits)                                                                 \
	static size_t trim##bits(void)                                             \
	{                                                                          \
		Elf##bits##_Ehdr *header = (void *)bytes;                          \
		Elf##bits##_Phdr *segment = (void *)(bytes + header->e_phoff);     \
		size_t end = header->e_phoff + header->e_phnum * sizeof(*segment); \
                                                                                   \
		if (header->e_phoff > length || end > length)                      \
			return 0;                                                  \
		for (int i = 0; i < header->e_phnum; i++)                          \
			if (segment[i].p_filesz &&                                 \
			    end < segment[i].p_offset + segment[i].p_filesz)       \
				end = segment[i].p_offset + segment[i].p_filesz;   \
		header->e_shoff = 0;                                               \
		header->e_shentsize = header->e_shnum = header->e_shstrndx = 0;    \
		return end <= length ? end : 0;                                    \
	}
TRIM(32)
TRIM(64)

int main(int argc, char **argv)
{
	size_t end;
	FILE *out;

	if (argc != 3)
		return fail("usage: trim IN OUT");
	if (!file_read(argv[1]) || memcmp(bytes, ELFMAG, SELFMAG))
		return fail("cannot read the input as ELF");
	end = bytes[EI_CLASS] == ELFCLASS64 ? trim64() : trim32();
	if (!end)
		return fail("a segment lies outside the file");
	out = fopen(argv[2], "wb");
	if (!out || fwrite(bytes, 1, end, out) != end || fclose(out) || chmod(argv[2], 0755))
		return fail("cannot write the output");
	free(bytes);
	return 0;
}
