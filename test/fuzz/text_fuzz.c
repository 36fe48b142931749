// SPDX-License-Identifier: MIT
/*
 * The text parsers on any bytes: lib/bootspec.c, lib/script.c, lib/cmdline.c, lib/num.c. The first
 * byte chooses.
 */
#include <stdlib.h>

#include "lib/bootspec.h"
#include "lib/cmdline.h"
#include "lib/num.h"
#include "lib/script.h"
#include "lib/string.h"

#define CHECK(cond)                       \
	do {                              \
		if (!(cond))              \
			__builtin_trap(); \
	} while (0)

static void fuzz_bootspec(char *text, size_t len)
{
	char *argv[6], *envp[6];
	struct bootspec s = {.argv = argv, .envp = envp, .argv_max = 6, .envp_max = 6};
	int err = bootspec_parse(&s, text, len);

	if (err) {
		CHECK(s.error && s.error_line <= len);
		return;
	}
	CHECK(s.argc >= 1 && s.argc < 6 && s.envc < 6);
	CHECK(!argv[s.argc] && !envp[s.envc] && s.cwd[0] == '/');
	for (size_t i = 0; i < s.argc; i++)
		CHECK(argv[i] > text && argv[i] + strlen(argv[i]) < text + len);
	for (size_t i = 0; i < s.envc; i++)
		CHECK(envp[i] > text && envp[i] + strlen(envp[i]) < text + len);
}

static void fuzz_script(const char *text, size_t len)
{
	char *head = calloc(1, SCRIPT_HEAD_SIZE);
	struct script s;

	memcpy(head, text, MIN(len, (size_t)SCRIPT_HEAD_SIZE));
	if (script_parse(&s, head) == 0) {
		CHECK(s.interp >= head + 2);
		CHECK(s.interp + strlen(s.interp) < head + SCRIPT_HEAD_SIZE);
		CHECK(!strchr(s.interp, ' ') && !strchr(s.interp, '\n'));
		if (s.arg) {
			CHECK(s.arg > s.interp && s.arg + strlen(s.arg) < head + SCRIPT_HEAD_SIZE);
			CHECK(s.arg[0] != ' ' && s.arg[0] != '\t' && !strchr(s.arg, '\n'));
		}
	}
	free(head);
}

static void fuzz_cmdline(char *text, size_t len)
{
	struct cmdline_iter it;
	struct cmdline_word w;
	char buf[16];
	u64 v;

	text[len] = '\0';
	len = strlen(text);
	cmdline_init(&it, text);
	while (cmdline_next(&it, &w)) {
		CHECK(w.key >= text && w.key + w.key_len <= text + len);
		CHECK(!w.value ||
		      (w.value >= w.key + w.key_len && w.value + w.value_len <= text + len));
	}
	CHECK(it.pos == text + len);
	CHECK(cmdline_get(text, "a", buf, sizeof(buf)) < (int)sizeof(buf));
	if (num_parse_size(text, &v) == 0)
		CHECK(len >= 1);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	char *text;

	if (size == 0)
		return 0;
	size--;
	text = malloc(size + 1);
	memcpy(text, data + 1, size);
	switch (data[0] % 3) {
	case 0:
		fuzz_bootspec(text, size);
		break;
	case 1:
		fuzz_script(text, size);
		break;
	default:
		fuzz_cmdline(text, size);
	}
	free(text);
	return 0;
}
