// SPDX-License-Identifier: MIT
/*
 * The generated stubs of widths.tbl, run on the host: every register has a dirty upper half and a
 * negative lower half, and each handler records what reached it (hazards 1, 2, 5). Also the tables
 * and the argument descriptors of the same calls. TAP; good_table.t builds and runs it.
 */
#include "syscall_info.h"
#include "syscall_numbers.h"
#include "syscall_tables.h"

#include "machine/regs.h"
#include "sys_proto.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { ARGS = 6 };

static u64 got[ARGS];
static unsigned got_count;
static const struct regs *got_frame;
static long result;
static unsigned test_number, test_failures;

static void check(bool well, const char *what)
{
	printf("%s %u - %s\n", well ? "ok" : "not ok", ++test_number, what);
	test_failures += !well;
}

static long record(unsigned count, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
	const u64 args[ARGS] = {a, b, c, d, e, f};

	memcpy(got, args, sizeof(got));
	got_count = count;
	return result;
}

/* Signed parameters arrive here sign-extended, unsigned ones zero-extended: C does what it says. */
long sys_scalars(int a, unsigned int b, u32 c, int d, u32 e, u32 f)
{
	return record(6, (u64)a, b, c, (u64)d, e, f);
}

long sys_longs(long a, unsigned long b, size_t c, s64 d, s64 e, s64 f)
{
	return record(6, (u64)a, b, c, (u64)d, (u64)e, (u64)f);
}

long sys_wide(int a, s64 b, u64 c, int d)
{
	return record(4, (u64)a, (u64)b, c, (u64)d, 0, 0);
}

long sys_ids(u32 a, u32 b)
{
	return record(2, a, b, 0, 0, 0, 0);
}

long sys_pointers(uptr a, uptr b, uptr c, uptr d, uptr e, uptr f)
{
	return record(6, a.va, b.va, c.va, d.va, e.va, f.va);
}

long sys_sets(unsigned int a, int b, unsigned long c, unsigned long d, unsigned int e)
{
	return record(5, a, (u64)b, c, d, e, 0);
}

long sys_order(int a, int b, int c)
{
	return record(3, (u64)a, (u64)b, (u64)c, 0, 0, 0);
}

long sys_framed(struct regs *regs, int a)
{
	got_frame = regs;
	return record(1, (u64)a, 0, 0, 0, 0, 0);
}

long sys_none(void)
{
	return record(0, 0, 0, 0, 0, 0, 0);
}

/* The ABI's own registers n = 1 to 6 hold HIGH | LOW(n); all others hold a marker. */
#define HIGH	0xdead0000beef0000ull
#define LOW(n)	(0x00000000c0008000ull + (n))
#define FULL(n) ((u64)(HIGH & 0xffffffff00000000ull) | LOW(n))
#define SEXT(n) ((u64)(s64)(s32)LOW(n))

static void regs_fill(struct regs *regs, enum info_abi abi)
{
	u64 *native[ARGS] = {&regs->rdi, &regs->rsi, &regs->rdx, &regs->r10, &regs->r8, &regs->r9};
	u64 *narrow[ARGS] = {&regs->rbx, &regs->rcx, &regs->rdx,
			     &regs->rsi, &regs->rdi, &regs->rbp};

	memset(regs, 0x55, sizeof(*regs));
	for (unsigned i = 0; i < ARGS; i++)
		*(abi == INFO_I386 ? narrow : native)[i] = FULL(i + 1);
}

static const syscall_fn *const tables[INFO_ABIS] = {x86_64_table, i386_table, x32_table};

/* Calls by number and compares what the handler got. */
static void expect(enum info_abi abi, unsigned number, unsigned count, const u64 *want,
		   const char *what)
{
	struct regs regs;
	bool well;

	regs_fill(&regs, abi);
	memset(got, 0xaa, sizeof(got));
	result = 7;
	well = tables[abi][number](&regs) == 7 && got_count == count;
	for (unsigned i = 0; i < count; i++) {
		if (got[i] == want[i])
			continue;
		printf("# argument %u is %#llx, not %#llx\n", i + 1, (unsigned long long)got[i],
		       (unsigned long long)want[i]);
		well = false;
	}
	check(well, what);
}

#define EXPECT(abi, number, what, ...) \
	expect(abi, number, sizeof((u64[]){__VA_ARGS__}) / sizeof(u64), (u64[]){__VA_ARGS__}, what)

static void test_native(void)
{
	EXPECT(INFO_X86_64, X86_64_NR_scalars, "x86_64: 32-bit types", SEXT(1), LOW(2), 0x8003,
	       SEXT(4), LOW(5), LOW(6));
	EXPECT(INFO_X86_64, X86_64_NR_longs, "x86_64: longs are whole registers", FULL(1), FULL(2),
	       FULL(3), FULL(4), FULL(5), FULL(6));
	EXPECT(INFO_X86_64, X86_64_NR_wide, "x86_64: 64-bit types take one register", SEXT(1),
	       FULL(2), FULL(3), SEXT(4));
	EXPECT(INFO_X86_64, X86_64_NR_pointers, "x86_64: pointers", FULL(1), FULL(2), FULL(3),
	       FULL(4), FULL(5), FULL(6));
	EXPECT(INFO_X86_64, X86_64_NR_sets, "x86_64: sets travel as their base", LOW(1), SEXT(2),
	       FULL(3), FULL(4), LOW(5));
	EXPECT(INFO_X86_64, X86_64_NR_order, "x86_64: @ names the register", SEXT(1), SEXT(6),
	       SEXT(3));
}

static void test_i386(void)
{
	EXPECT(INFO_I386, I386_NR_scalars, "i386: 32-bit types", SEXT(1), LOW(2), 0x8003, SEXT(4),
	       LOW(5), LOW(6));
	EXPECT(INFO_I386, I386_NR_longs, "i386: longs are the lower half", SEXT(1), LOW(2), LOW(3),
	       SEXT(4), SEXT(5), SEXT(6));
	EXPECT(INFO_I386, I386_NR_wide, "i386: 64-bit types take two registers, low first", SEXT(1),
	       LOW(3) << 32 | LOW(2), LOW(5) << 32 | LOW(4), SEXT(6));
	EXPECT(INFO_I386, I386_NR_pointers, "i386: pointers are zero-extended", LOW(1), LOW(2),
	       LOW(3), LOW(4), LOW(5), LOW(6));
	EXPECT(INFO_I386, I386_NR_sets, "i386: sets travel as their base", LOW(1), SEXT(2), LOW(3),
	       LOW(4), LOW(5));
	EXPECT(INFO_I386, I386_NR_order, "i386: @ names the register", SEXT(1), SEXT(6), SEXT(3));
	EXPECT(INFO_I386, I386_NR_ids, "i386: 16-bit ids are cut", 0x8001, 0x8002);
}

static void test_x32(void)
{
	check(x32_table[X32_NR_scalars] == x86_64_scalars, "x32: below 512 the stubs are x86_64's");
	EXPECT(INFO_X32, X32_NR_longs, "x32: longs of its own calls are the lower half", SEXT(1),
	       LOW(2), LOW(3), SEXT(4), SEXT(5), SEXT(6));
	EXPECT(INFO_X32, X32_NR_wide, "x32: 64-bit types take one register", SEXT(1), FULL(2),
	       FULL(3), SEXT(4));
	EXPECT(INFO_X32, X32_NR_pointers, "x32: pointers are whole registers", FULL(1), FULL(2),
	       FULL(3), FULL(4), FULL(5), FULL(6));
	EXPECT(INFO_X32, X32_NR_sets, "x32: sets travel as their base", LOW(1), SEXT(2), LOW(3),
	       LOW(4), LOW(5));
}

static void test_ids(void)
{
	static const struct {
		long full;
		long narrow;
	} rows[] = {{0, 0}, {65535, 65535}, {65536, 65534}, {0x7fffffff, 65534}, {-EPERM, -EPERM}};
	struct regs regs = {.rbx = 0xffffffff0000ffffull, .rcx = 0xfffe};
	bool well = true;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		result = rows[i].full;
		well = i386_ids(&regs) == rows[i].narrow && well;
	}
	check(well, "i386: a 16-bit id as the result");
	check(got[0] == 0xffffffff, "i386: 0xffff is -1");
	check(got[1] == 0xfffe, "i386: 0xfffe is itself");
}

static void test_others(void)
{
	struct regs regs;

	result = 7;
	for (int abi = 0; abi < INFO_ABIS; abi++) {
		static const unsigned framed[] = {X86_64_NR_framed, I386_NR_framed, X32_NR_framed};
		static const unsigned none[] = {X86_64_NR_none, I386_NR_none, X32_NR_none};
		static const unsigned missing[] = {X86_64_NR_missing, I386_NR_missing,
						   X32_NR_missing};

		regs_fill(&regs, (enum info_abi)abi);
		check(tables[abi][framed[abi]](&regs) == 7 && got_frame == &regs &&
			      got[0] == SEXT(1),
		      "frame: the registers themselves, then the arguments");
		check(tables[abi][none[abi]](&regs) == 7 && !got_count, "no arguments");
		check(tables[abi][missing[abi]](&regs) == -ENOSYS, "enosys answers so");
	}
	check(x86_64_table[9](&regs) == -ENOSYS, "an untyped row answers ENOSYS");
	check(x32_table[1](&regs) == -ENOSYS && x32_table[511](&regs) == -ENOSYS,
	      "a gap answers ENOSYS");
	check(x86_64_table_len == 10 && i386_table_len == 10 && x32_table_len == 519 &&
		      X32_TABLE_LEN == 519,
	      "the lengths are exact");
}

static bool arg_is(const struct syscall_arg *arg, const char *name, enum info_type type,
		   enum info_direction direction, enum info_set set)
{
	return !strcmp(arg->name, name) && arg->type == type && arg->direction == direction &&
	       arg->set == set;
}

static void test_info(void)
{
	const struct syscall_info *info = syscall_info_find(INFO_I386, I386_NR_pointers);
	const struct syscall_info *wide = syscall_info_find(INFO_I386, I386_NR_wide);
	const struct syscall_info *own = syscall_info_find(INFO_X32, X32_NR_wide);
	const struct syscall_info *missing = syscall_info_find(INFO_X86_64, X86_64_NR_missing);

	check(info && !strcmp(info->name, "pointers") && info->arg_count == 6 &&
		      info->result == INFO_TYPE_ptr && info->implemented &&
		      !strcmp(info->handler, "sys_pointers"),
	      "info: found by number");
	check(arg_is(&info->args[2], "c", INFO_TYPE_buf, INFO_OUT, INFO_SET_none) &&
		      info->args[2].length_kind == INFO_FIXED && info->args[2].length == 3,
	      "info: a fixed length");
	check(arg_is(&info->args[3], "d", INFO_TYPE_struct, INFO_IN, INFO_SET_struct_s) &&
		      !strcmp(info_set_name[INFO_SET_struct_s], "struct:s"),
	      "info: a struct");
	check(info->args[4].length_kind == INFO_AT_ARG && info->args[4].length == 4 &&
		      info->args[4].length_bytes,
	      "info: a length behind a pointer, in bytes");
	check(arg_is(&info->args[5], "f", INFO_TYPE_ptr, INFO_VALUE, INFO_SET_var_v),
	      "info: a set with another base");
	check(wide->args[2].reg[INFO_I386] == 3 && wide->args[2].reg[INFO_X86_64] == 2 &&
		      own->args[2].reg[INFO_X32] == 2,
	      "info: registers");
	check(missing && !missing->implemented && missing->arg_count == 1, "info: not implemented");
	check(!syscall_info_find(INFO_X32, 1) && !syscall_info_find(INFO_X86_64, 10) &&
		      !syscall_info_find(INFO_X32, 0x40000000u + 512),
	      "info: a gap and the end have none");
}

int main(void)
{
	test_native();
	test_i386();
	test_x32();
	test_ids();
	test_others();
	test_info();
	printf("1..%u\n", test_number);
	return test_failures != 0;
}
