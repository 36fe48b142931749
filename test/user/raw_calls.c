// SPDX-License-Identifier: MIT
// What test/user/calls.t disassembles: each function may hold one instruction that enters the
// kernel, and moves. In 64-bit code the arguments come in the registers where they are needed but
// for the fourth.
#include <postern/syscall.h>

#ifdef POSTERN_ABI_I386
long raw_0(void);
long raw_3(void);
long raw_5(void);

// Constants: i386 passes arguments in memory, which would be loaded.
long raw_0(void)
{
	return postern_int80_0(POSTERN_NR_getppid);
}

long raw_3(void)
{
	return postern_int80_3(POSTERN_NR_lseek, 3, 0, 2);
}

long raw_5(void)
{
	return postern_int80_5(POSTERN_NR_prctl, 1, 2, 3, 4, 5);
}
#else
typedef postern_word w;
w raw_0(void);
w raw_1(w a);
w raw_2(w a, w b);
w raw_3(w a, w b, w c);
w raw_4(w a, w b, w c, w d);
w raw_5(w a, w b, w c, w d, w e);
w raw_6(w a, w b, w c, w d, w e, w f);
w raw_int80(void);

w raw_0(void)
{
	return postern_syscall0(POSTERN_NR_getppid);
}

w raw_1(w a)
{
	return postern_syscall1(POSTERN_NR_close, a);
}

w raw_2(w a, w b)
{
	return postern_syscall2(POSTERN_NR_kill, a, b);
}

w raw_3(w a, w b, w c)
{
	return postern_syscall3(POSTERN_NR_read, a, b, c);
}

w raw_4(w a, w b, w c, w d)
{
	return postern_syscall4(POSTERN_NR_openat, a, b, c, d);
}

w raw_5(w a, w b, w c, w d, w e)
{
	return postern_syscall5(POSTERN_NR_statx, a, b, c, d, e);
}

w raw_6(w a, w b, w c, w d, w e, w f)
{
	return postern_syscall6(POSTERN_NR_mmap, a, b, c, d, e, f);
}

w raw_int80(void)
{
	return postern_int80_0(POSTERN_I386_NR_getppid);
}
#endif
