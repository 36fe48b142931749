// SPDX-License-Identifier: MIT
/*
 * The kernel log and panic(). Log lines go to the serial port when they are wanted; a panic always
 * does, with the registers and the call chain, whatever state the kernel is in: it takes no lock,
 * and a second panic inside the first resets the machine at once.
 */
#include "kern/log.h"
#include "kern/lock.h"
#include "kern/task.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "machine/backtrace.h"
#include "machine/cpu.h"
#include "machine/irq.h"
#include "machine/regs.h"
#include "machine/serial.h"

#define LINE_MAX 320

bool log_enabled;
void (*log_panic_hook)(const char *message);

static struct spinlock log_lock = SPINLOCK("log", RANK_LOG);
static u32 panic_cpu; // CPU number + 1 of the first to panic

void log_printf(const char *fmt, ...)
{
	char line[LINE_MAX];
	va_list ap;

	if (!log_enabled)
		return;
	u64 us = clock_ns() / 1000;
	int n = fmt_scnprintf(line, sizeof(line), "[%5llu.%06llu] ",
			      (unsigned long long)us / 1000000, (unsigned long long)us % 1000000);
	va_start(ap, fmt);
	int m = fmt_vsnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, ap);
	va_end(ap);
	size_t len = (size_t)n + (size_t)MIN(m, (int)sizeof(line) - n - 2);
	if (line[len - 1] != '\n')
		line[len++] = '\n';
	u64 irq = spin_lock_irq(&log_lock);
	serial_write(line, len);
	spin_unlock_irq(&log_lock, irq);
}

PRINTF(1, 2) static void panic_out(const char *fmt, ...)
{
	char line[LINE_MAX];
	va_list ap;

	va_start(ap, fmt);
	int n = fmt_vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	serial_write(line, (size_t)MIN(n, (int)sizeof(line) - 1));
}

// One CPU reports. Another that fails at the same time stops; the same one again has lost its
// footing.
static void panic_enter(void)
{
	u32 me = this_cpu()->c_id + 1, first = 0;

	irq_disable();
	if (!__atomic_compare_exchange_n(&panic_cpu, &first, me, false, __ATOMIC_SEQ_CST,
					 __ATOMIC_SEQ_CST)) {
		if (first == me)
			cpu_reset();
		cpu_halt();
	}
	cpu_stop_others();
}

NORETURN static void panic_report(const struct regs *regs, u64 rip, u64 rbp, u64 rsp,
				  const char *fmt, va_list ap)
{
	char message[LINE_MAX];

	panic_enter();
	fmt_vsnprintf(message, sizeof(message), fmt, ap);
	panic_out("\npanic: %s\n", message);
	struct task *t = current;
	panic_out("CPU %u, task %d %s\n", this_cpu()->c_id, t ? t->t_tid : 0,
		  t ? t->t_name : "(boot)");
	if (regs)
		regs_print(panic_out, regs);
	backtrace_print(panic_out, rip, rbp, rsp);
	if (log_panic_hook)
		log_panic_hook(message);
	cpu_poweroff();
}

void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	// Begins with the caller: this function's frame pointer leads to its return address.
	u64 *frame = __builtin_frame_address(0);
	panic_report(NULL, frame[1] - 1, frame[0], 0, fmt, ap);
}

void panic_regs(const struct regs *regs, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	bool user = regs_from_user(regs);
	panic_report(regs, regs->rip, user ? 0 : regs->rbp, user ? 0 : regs->rsp, fmt, ap);
}
