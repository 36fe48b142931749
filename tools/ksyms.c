// SPDX-License-Identifier: MIT
/*
 * Makes the kernel's symbol table: reads `nm -n` of a first link on stdin, writes assembly for the
 * section .ksyms on stdout. Keeps functions only, one name per address, and text_end as the end.
 * The layout is in arch/x86/backtrace.c.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KERNEL_BASE 0xffffffff80000000ull

struct symbol {
	uint32_t at;
	char text[256];
};

static struct symbol *symbols;
static size_t count, capacity;

// Assembler-made and compiler-made local names say nothing to a reader.
static int wanted(char type, const char *name)
{
	return (type == 't' || type == 'T' || type == 'W') && name[0] != '.' &&
	       strcmp(name, "image_start") && strcmp(name, "text_start") &&
	       !strstr(name, "init_text_");
}

static void add(uint64_t at, const char *name)
{
	uint32_t offset = (uint32_t)(at - KERNEL_BASE);

	if (count && symbols[count - 1].at == offset)
		return;
	if (count == capacity) {
		capacity = capacity ? capacity * 2 : 1024;
		symbols = realloc(symbols, capacity * sizeof(*symbols));
		if (!symbols) {
			fprintf(stderr, "ksyms: out of memory\n");
			exit(1);
		}
	}
	symbols[count].at = offset;
	snprintf(symbols[count].text, sizeof(symbols[count].text), "%s", name);
	count++;
}

int main(void)
{
	uint64_t at, end = 0;
	char type, name[256], line[512];
	uint32_t name_at = 0;

	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "%" SCNx64 " %c %255s", &at, &type, name) != 3 || at < KERNEL_BASE)
			continue;
		if (!strcmp(name, "text_end"))
			end = at;
		else if (wanted(type, name) && !end)
			add(at, name);
	}
	if (!end || !count) {
		fprintf(stderr, "ksyms: no symbols, or no text_end, on stdin\n");
		return 1;
	}
	add(end, "text_end");
	printf("\t.section .ksyms, \"a\"\n\t.balign 8\n\t.long %zu\n", count);
	for (size_t i = 0; i < count; i++) {
		printf("\t.long 0x%" PRIx32 ", %" PRIu32 "\n", symbols[i].at, name_at);
		name_at += (uint32_t)strlen(symbols[i].text) + 1;
	}
	for (size_t i = 0; i < count; i++)
		printf("\t.asciz \"%s\"\n", symbols[i].text);
	printf("\t.section .note.GNU-stack, \"\", @progbits\n");
	return ferror(stdout) != 0;
}
