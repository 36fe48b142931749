// SPDX-License-Identifier: MIT
// The ways into the kernel that this program can take. SYSENTER and SYSCALL in 32-bit code may be
// illegal on a CPU; a 64-bit program has no 32-bit vDSO, where they return to, so that they end it.
#include "test/fuzz/calls/fuzz.h"

#include <sys/auxv.h>

#ifdef __i386__
struct entry_way entry_ways[] = {
	{"int80", entry_int80, INFO_I386, false, true, 40},
	{"vsyscall", entry_vsyscall, INFO_I386, false, true, 35},
	{"sysenter", entry_sysenter, INFO_I386, false, false, 12},
	{"syscall32", entry_syscall32, INFO_I386, false, false, 12},
	{"syscall", entry_syscall, INFO_X86_64, true, true, 4},
	{"syscall-x32", entry_syscall, INFO_X32, true, true, 2},
};
#else
#ifdef __ILP32__
#define OWN   INFO_X32
#define OTHER INFO_X86_64
#else
#define OWN   INFO_X86_64
#define OTHER INFO_X32
#endif
struct entry_way entry_ways[] = {
	{"syscall", entry_syscall, OWN, true, true, 4000},
	{"syscall-other", entry_syscall, OTHER, true, true, 400},
	{"int80-64", entry_int80, INFO_I386, true, true, 1000},
	{"int80-32", entry_int80_32, INFO_I386, false, true, 1000},
	{"sysenter", entry_sysenter, INFO_I386, false, true, 1},
	{"syscall32", entry_syscall32, INFO_I386, false, true, 1},
	{"sysenter64", entry_sysenter64, INFO_I386, true, true, 1},
};
#endif
const unsigned entry_ways_count = COUNT(entry_ways);

#ifdef __i386__
static bool works(const struct entry_way *way)
{
	static struct entry_frame frame;
	pid_t child = fork();
	int status = 0;

	if (!child) {
		frame.st = (struct entry_state){.rax = SYS_getpid, .flags = 0x202};
		way->run(&frame.st);
		_exit((s32)frame.st.rax > 0 ? 0 : 1);
	}
	return waitpid(child, &status, 0) == child && !status;
}

void entry_ways_probe(void)
{
	kernel_vsyscall = (u32)getauxval(AT_SYSINFO);
	for (unsigned i = 0; i < entry_ways_count; i++)
		entry_ways[i].usable = entry_ways[i].code64 || works(&entry_ways[i]);
}
#else
void entry_ways_probe(void)
{
}
#endif
