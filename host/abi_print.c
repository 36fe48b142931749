// SPDX-License-Identifier: MIT
// How `postern abi` shows a call. The registers of each entry are those of the entry code: System V
// ABI AMD64, appendix A.2 (SYSCALL), syscall(2) (INT 0x80), and the i386 vDSO's own convention for
// SYSENTER and compat SYSCALL, abi/vdso/entry32.S.
#include "host/abi.h"

#include <string.h>

#include "syscall_info.h"

struct entry_way {
	int which;	  // enum info_abi
	const char *name; // in text
	const char *key;  // in JSON
	const char *number_in;
	const char *reg[INFO_ARGS];
};

static const struct entry_way ways[] = {
	{INFO_X86_64, "syscall", "syscall", "rax", {"rdi", "rsi", "rdx", "r10", "r8", "r9"}},
	{INFO_I386, "int $0x80", "int80", "eax", {"ebx", "ecx", "edx", "esi", "edi", "ebp"}},
	{INFO_I386,
	 "__kernel_vsyscall",
	 "vsyscall32",
	 "eax",
	 {"ebx", "ecx", "edx", "esi", "edi", "ebp"}},
	// EBP holds ESP: the kernel has no other way to learn it.
	{INFO_I386, "sysenter", "sysenter", "eax", {"ebx", "ecx", "edx", "esi", "edi", "(%ebp)"}},
	// The instruction itself overwrites ECX with the return address.
	{INFO_I386, "syscall", "syscall32", "eax", {"ebx", "ebp", "edx", "esi", "edi", "(%esp)"}},
	{INFO_X32, "syscall", "syscall", "rax", {"rdi", "rsi", "rdx", "r10", "r8", "r9"}},
};
#define WAYS (sizeof(ways) / sizeof(ways[0]))

// The page at 0xffffffffff600000 has three calls, 1,024 bytes apart.
static const char *const vsyscalls[] = {"gettimeofday", "time", "getcpu"};

static const char *const vdso_calls[] = {
	"clock_gettime", "clock_getres", "gettimeofday", "time", "getcpu", "clock_gettime64",
};

static const char *c_value_type(const struct syscall_arg *a)
{
	static const char *const names[INFO_TYPES] = {
		[INFO_TYPE_int] = "int",
		[INFO_TYPE_uint] = "unsigned int",
		[INFO_TYPE_long] = "long",
		[INFO_TYPE_ulong] = "unsigned long",
		[INFO_TYPE_u64] = "uint64_t",
		[INFO_TYPE_size] = "size_t",
		[INFO_TYPE_ssize] = "ssize_t",
		[INFO_TYPE_off] = "off_t",
		[INFO_TYPE_loff] = "loff_t",
		[INFO_TYPE_time] = "time_t",
		[INFO_TYPE_fd] = "int",
		[INFO_TYPE_dirfd] = "int",
		[INFO_TYPE_pid] = "pid_t",
		[INFO_TYPE_uid] = "uid_t",
		[INFO_TYPE_gid] = "gid_t",
		[INFO_TYPE_uid16] = "uint16_t",
		[INFO_TYPE_gid16] = "uint16_t",
		[INFO_TYPE_mode] = "mode_t",
		[INFO_TYPE_dev] = "unsigned int",
		[INFO_TYPE_sig] = "int",
		[INFO_TYPE_key] = "key_serial_t",
		[INFO_TYPE_timer] = "int",
		[INFO_TYPE_socklen] = "int",
		[INFO_TYPE_ptr] = "void *",
		[INFO_TYPE_path] = "char",
		[INFO_TYPE_str] = "char",
		[INFO_TYPE_strv] = "char *",
		[INFO_TYPE_buf] = "void",
		[INFO_TYPE_iov] = "struct iovec",
		[INFO_TYPE_fdset] = "fd_set",
		[INFO_TYPE_bitmap] = "unsigned long",
		[INFO_TYPE_pagevec] = "unsigned char",
		[INFO_TYPE_void] = "void",
	};

	// "struct:stat": what C calls it stands behind the colon.
	if (a->type == INFO_TYPE_struct)
		return strchr(info_set_name[a->set], ':') + 1;
	return a->type < INFO_TYPES && names[a->type] ? names[a->type] : "long";
}

static bool is_pointer(const struct syscall_arg *a)
{
	return a->direction != INFO_VALUE || a->type == INFO_TYPE_path || a->type == INFO_TYPE_str;
}

// An argument as C declares it; an iovec's array is only read, whatever its buffers are.
static void print_c_arg(FILE *out, const struct syscall_arg *a)
{
	const char *type = c_value_type(a);
	bool pointer = is_pointer(a);
	bool constant = pointer && (a->direction == INFO_IN || a->direction == INFO_VALUE ||
				    a->type == INFO_TYPE_iov);

	if (a->type == INFO_TYPE_strv) // the strings are the caller's, and so is the array
		fprintf(out, "char *const *%s", a->name);
	else
		fprintf(out, "%s%s%s%s%s%s", constant ? "const " : "",
			a->type == INFO_TYPE_struct ? "struct " : "", type,
			type[strlen(type) - 1] == '*' ? "" : " ", pointer ? "*" : "", a->name);
}

static void print_prototype(FILE *out, const struct syscall_info *call)
{
	struct syscall_arg result = {.type = call->result};

	const char *type = c_value_type(&result);

	fprintf(out, "%s%s%s(", type, type[strlen(type) - 1] == '*' ? "" : " ", call->name);
	for (unsigned i = 0; i < call->arg_count; i++) {
		fputs(i ? ", " : "", out);
		print_c_arg(out, &call->args[i]);
	}
	fputs(call->arg_count ? ")" : "void)", out);
}

// Where argument a of the call lies, "low,high" when it takes two registers.
static void arg_place(char text[16], const struct entry_way *w, const struct syscall_arg *a)
{
	unsigned reg = a->reg[w->which];
	unsigned width = info_type_width[a->type];
	bool two = w->which == INFO_I386 && a->direction == INFO_VALUE &&
		   (width == INFO_WIDTH_S64 || width == INFO_WIDTH_U64);

	if (two && reg + 1 < INFO_ARGS)
		snprintf(text, 16, "%s,%s", w->reg[reg], w->reg[reg + 1]);
	else
		snprintf(text, 16, "%s", w->reg[reg < INFO_ARGS ? reg : 0]);
}

static bool way_shown(const struct entry_way *w, const struct syscall_info *call, int which)
{
	return call->number[w->which] >= 0 && (which == ABI_ANY || which == w->which);
}

static int index_of(const char *const *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(list[i], name))
			return (int)i;
	return -1;
}

static bool in_vdso(const struct syscall_info *call, int which)
{
	size_t n = sizeof(vdso_calls) / sizeof(vdso_calls[0]);

	// The last is the i386 image's alone, as the call is.
	return call->number[which] >= 0 &&
	       index_of(vdso_calls, which == INFO_I386 ? n : n - 1, call->name) >= 0;
}

static int vsyscall_slot(const struct syscall_info *call)
{
	return call->number[INFO_X86_64] >= 0 ? index_of(vsyscalls, 3, call->name) : -1;
}

// --- text ---

static int column_width(const struct syscall_arg *a)
{
	size_t n = strlen(a->name);

	return (int)(n < 7 ? 7 : n);
}

static void print_way(FILE *out, const struct entry_way *w, const struct syscall_info *call,
		      bool first)
{
	char place[16], number[16];

	snprintf(number, sizeof(number), "%ld", abi_number(call, w->which));
	fprintf(out, "    %-7s %-10s  %-17s  %-6s", first ? info_abi_name[w->which] : "",
		first ? number : "", w->name, w->number_in);
	for (unsigned i = 0; i < call->arg_count; i++) {
		arg_place(place, w, &call->args[i]);
		fprintf(out, i + 1 < call->arg_count ? "  %-*s" : "  %.*s",
			i + 1 < call->arg_count ? column_width(&call->args[i]) : 15, place);
	}
	fputc('\n', out);
}

static void print_ways(FILE *out, const struct syscall_info *call, int which)
{
	fprintf(out, "    %-7s %-10s  %-17s  %-6s", "ABI", "number", "entry", "number");
	for (unsigned i = 0; i < call->arg_count; i++)
		fprintf(out, i + 1 < call->arg_count ? "  %-*s" : "  %.*s",
			i + 1 < call->arg_count ? column_width(&call->args[i]) : 64,
			call->args[i].name);
	fputc('\n', out);
	for (size_t i = 0; i < WAYS; i++)
		if (way_shown(&ways[i], call, which))
			print_way(out, &ways[i], call, !i || ways[i - 1].which != ways[i].which);
	if (vsyscall_slot(call) >= 0 && (which == ABI_ANY || which == INFO_X86_64))
		fprintf(out, "    also: call 0x%lx, the vsyscall page (x86_64)\n",
			0xffffffffff600000ul + 1024ul * (unsigned long)vsyscall_slot(call));
	for (int abi = 0, said = 0; abi < INFO_ABIS; abi++)
		if (in_vdso(call, abi) && (which == ABI_ANY || which == abi) && !said++)
			fprintf(out, "    also: __vdso_%s in the vDSO\n", call->name);
}

void abi_print_call(FILE *out, const struct syscall_info *call, int which)
{
	const struct handler_place *place = abi_handler_place(call);

	if (call->handler || call->implemented)
		print_prototype(out, call);
	else
		fprintf(out, "%s, no prototype", call->name);
	fputs("\n\n", out);
	print_ways(out, call, which);
	if (place)
		fprintf(out, "\n    implemented: %s, %s:%u\n", call->handler, place->file,
			place->line);
	else
		fprintf(out, "\n    not implemented: ENOSYS%s\n",
			call->handler ? "" : ", as on Linux");
}

void abi_print_list_head(FILE *out, int which)
{
	if (which == ABI_ANY)
		fprintf(out, "%-24s %6s %6s %6s  %s\n", "call", "x86_64", "i386", "x32", "handler");
	else
		fprintf(out, "%10s  %-24s %s\n", info_abi_name[which], "call", "handler");
}

static void print_list_number(FILE *out, const struct syscall_info *call, int abi)
{
	if (call->number[abi] < 0)
		fprintf(out, " %6s", "-");
	else
		fprintf(out, " %6d", call->number[abi]);
}

void abi_print_line(FILE *out, const struct syscall_info *call, int which)
{
	const struct handler_place *place = abi_handler_place(call);

	if (which == ABI_ANY) {
		fprintf(out, "%-24s", call->name);
		for (int abi = 0; abi < INFO_ABIS; abi++)
			print_list_number(out, call, abi);
		fputs("  ", out);
	} else {
		fprintf(out, "%10ld  %-24s ", abi_number(call, which), call->name);
	}
	if (place)
		fprintf(out, "%s:%u\n", place->file, place->line);
	else
		fprintf(out, "%s\n", call->handler ? "ENOSYS" : "ENOSYS, as on Linux");
}

// --- JSON. Every string is a name of the table or of a source file: nothing needs escaping. ---

static void json_arguments(FILE *out, const struct syscall_info *call)
{
	static const char *const directions[] = {"value", "in", "out", "inout"};

	fputs(",\n  \"arguments\": [", out);
	for (unsigned i = 0; i < call->arg_count; i++) {
		const struct syscall_arg *a = &call->args[i];

		fprintf(out, "%s{\"name\": \"%s\", \"type\": \"%s\"", i ? ", " : "", a->name,
			info_type_name[a->type]);
		if (a->set != INFO_SET_none)
			fprintf(out, ", \"set\": \"%s\"", info_set_name[a->set]);
		fprintf(out, ", \"direction\": \"%s\"}", directions[a->direction & 3]);
	}
	fputs("]", out);
}

static void json_way(FILE *out, const struct entry_way *w, const struct syscall_info *call)
{
	char place[16];

	fprintf(out, "{\"abi\": \"%s\", \"entry\": \"%s\", \"number\": \"%s\", \"arguments\": [",
		info_abi_name[w->which], w->key, w->number_in);
	for (unsigned i = 0; i < call->arg_count; i++) {
		arg_place(place, w, &call->args[i]);
		char *comma = strchr(place, ',');

		if (comma)
			*comma = '\0';
		fprintf(out, "%s[\"%s\"", i ? ", " : "", place);
		if (comma)
			fprintf(out, ", \"%s\"", comma + 1);
		fputs("]", out);
	}
	fputs("]}", out);
}

static void json_numbers(FILE *out, const struct syscall_info *call, int which)
{
	bool more = false;

	fputs(",\n  \"numbers\": {", out);
	for (int abi = 0; abi < INFO_ABIS; abi++) {
		if (which != ABI_ANY && which != abi)
			continue;
		fprintf(out, "%s\"%s\": ", more ? ", " : "", info_abi_name[abi]);
		if (call->number[abi] < 0)
			fputs("null", out);
		else
			fprintf(out, "%ld", abi_number(call, abi));
		more = true;
	}
	fputs("}", out);
}

void abi_print_json(FILE *out, const struct syscall_info *call, int which)
{
	const struct handler_place *place = abi_handler_place(call);
	bool more = false;

	fprintf(out, " {\"name\": \"%s\", \"prototype\": ", call->name);
	if (call->handler) {
		fputs("\"", out);
		print_prototype(out, call);
		fputs("\"", out);
	} else {
		fputs("null", out);
	}
	json_numbers(out, call, which);
	json_arguments(out, call);
	fputs(",\n  \"entries\": [", out);
	for (size_t i = 0; i < WAYS; i++) {
		if (!way_shown(&ways[i], call, which))
			continue;
		fputs(more ? ",\n              " : "", out);
		json_way(out, &ways[i], call);
		more = true;
	}
	fprintf(out, "],\n  \"implemented\": %s, \"linux\": %s",
		call->implemented ? "true" : "false", call->handler ? "true" : "false");
	if (place)
		fprintf(out, ", \"handler\": \"%s\", \"file\": \"%s\", \"line\": %u", call->handler,
			place->file, place->line);
	fputs("}", out);
}
