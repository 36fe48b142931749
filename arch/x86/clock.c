// SPDX-License-Identifier: MIT
/*
 * Time from the TSC, which all CPUs are taken to share and which runs at one rate. Its frequency
 * comes from the hypervisor or the CPU where they tell, else it is measured between two samples,
 * the first taken as the kernel starts and the second when boot work is done, so that the
 * measurement costs no time of its own. The other clock is the local APIC's timer where its rate is
 * known (QEMU and KVM: 1 GHz), else the 8254.
 */
#include "machine/clock.h"
#include "kern/log.h"
#include "lib/string.h"
#include "machine/apic.h"
#include "machine/boot.h"
#include "machine/cpu.h"
#include "machine/features.h"
#include "machine/io.h"
#include "machine/msr.h"
#include "machine/pt.h"

#include <asm/kvm_para.h>

#define NSEC	     1000000000ull
#define APIC_HZ_QEMU NSEC   // hw/intc/apic_common.c of QEMU and KVM's APIC_BUS_CYCLE_NS agree
#define WINDOW_APIC  500000 // ns; a sample is some 50 ns off, so about 100 parts per million
#define PIT_HZ	     1193182ull
#define PIT_WINDOW   11932 // ticks: 10 ms
#define PIT_START    0xffff
#define PIT_GIVE_UP  (1ull << 28) // TSC ticks without one of the PIT: it should have had thousands
#define SAMPLES	     5

struct clock_params clock_params;

static u64 apic_hz; // 0: unknown
static bool pit_used, use_deadline;

struct sample {
	u64 tsc;
	u32 apic; // counts down
	u32 pit;  // counts down, 16 bits
};

static struct sample first;

static u32 pit_read(void)
{
	outb(0x43, 0x80); // latch channel 2
	u32 low = inb(0x42);
	return low | (u32)inb(0x42) << 8;
}

// Channel 2, mode 0, gate on, speaker off: counts down once from PIT_START.
static void pit_start(void)
{
	outb(0x61, (inb(0x61) & ~2) | 1);
	outb(0x43, 0xb0);
	outb(0x42, PIT_START & 0xff);
	outb(0x42, PIT_START >> 8);
}

// microvm has no port 0x61 and so no gate: the counter runs all the same, but does not tell when it
// is through.
static bool pit_tells_end(void)
{
	return inb(0x61) != 0xff;
}

static bool pit_ran_out(void)
{
	return pit_tells_end() && inb(0x61) & 0x20;
}

// The other clocks between two readings of the TSC, at the try where these were nearest to each
// other: a vCPU may lose its host CPU at any instruction.
static struct sample take_sample(void)
{
	struct sample best = {0};
	u64 best_width = ~0ull;

	for (u32 i = 0; i < SAMPLES; i++) {
		u64 before = rdtsc_ordered();
		u32 pit = pit_used ? pit_read() : 0;
		u32 apic = apic_timer_left();
		u64 after = rdtsc_ordered();
		if (after - before < best_width) {
			best_width = after - before;
			best = (struct sample){before + (after - before) / 2, apic, pit};
		}
	}
	return best;
}

static void window_start(void)
{
	if (pit_used)
		pit_start();
	apic_timer_count(~0u);
	first = take_sample();
}

// dividend * factor / divisor without overflow of the product; the quotient must fit 64 bits.
static u64 mul_div(u64 a, u64 factor, u64 divisor)
{
	u64 low, high, q, r;

	__asm__("mulq %3" : "=a"(low), "=d"(high) : "a"(a), "rm"(factor));
	__asm__("divq %4" : "=a"(q), "=d"(r) : "a"(low), "d"(high), "rm"(divisor));
	return q;
}

// CPUID 15h: crystal and ratio; 16h: base MHz where the crystal is not told (SDM vol. 2, CPUID).
static u64 hz_from_cpuid(void)
{
	u32 max = cpuid(0, 0).eax;

	if (cpu_features.f_hypervisor_max >= 0x40000010) {
		struct cpuid_regs r = cpuid(0x40000010, 0); // kHz, by VMware's and KVM's convention
		if (r.eax)
			return r.eax * 1000ull;
	}
	if (max < 0x15)
		return 0;
	struct cpuid_regs r = cpuid(0x15, 0);
	if (!r.eax || !r.ebx)
		return 0;
	if (r.ecx)
		return mul_div(r.ecx, r.ebx, r.eax);
	return max >= 0x16 ? (cpuid(0x16, 0).eax & 0xffff) * 1000000ull : 0;
}

// KVM's clock page tells the scale that the host itself uses. Asked for once, then switched off.
static u64 hz_from_kvm(void)
{
	static struct pvclock_page {
		u32 version, pad;
		u64 tsc_timestamp, system_time;
		u32 tsc_to_system_mul;
		s8 tsc_shift;
		u8 flags, pad2[2];
	} page ALIGNED(64);

	if (!str_eq(cpu_features.f_hypervisor, "KVMKVMKVM") ||
	    !(cpuid(KVM_CPUID_FEATURES, 0).eax & BIT(KVM_FEATURE_CLOCKSOURCE2)))
		return 0;
	wrmsr(MSR_KVM_SYSTEM_TIME_NEW, virt_to_phys(&page) | 1);
	u32 mul = READ_ONCE(page.tsc_to_system_mul);
	s8 shift = READ_ONCE(page.tsc_shift);
	wrmsr(MSR_KVM_SYSTEM_TIME_NEW, 0);
	if (!mul || shift < -31 || shift > 31)
		return 0;
	// ns = (tsc << shift) * mul >> 32, so hz = 10^9 << 32 / mul >> shift.
	u64 hz = mul_div(NSEC, 1ull << 32, mul);
	return shift < 0 ? hz << -shift : hz >> shift;
}

static bool apic_rate_known(void)
{
	return str_eq(cpu_features.f_hypervisor, "TCGTCGTCGTCG") ||
	       str_eq(cpu_features.f_hypervisor, "KVMKVMKVM");
}

void clock_sample_first(void)
{
	if (apic_rate_known())
		apic_hz = APIC_HZ_QEMU;
	pit_used = !apic_hz;
	window_start();
}

// Waits until the window is long enough; starts it anew when a counter has run out meanwhile.
static struct sample window_end(void)
{
	for (;;) {
		struct sample last = take_sample();
		if (pit_used && last.tsc - first.tsc > PIT_GIVE_UP && last.pit == first.pit) {
			pit_used = false; // there is none
			apic_hz = APIC_HZ_QEMU;
		}
		bool out = pit_used ? last.pit > first.pit || pit_ran_out() : !last.apic;
		if (out) {
			window_start();
			continue;
		}
		u64 width = pit_used ? first.pit - last.pit : first.apic - last.apic;
		if (width >= (pit_used ? PIT_WINDOW : WINDOW_APIC))
			return last;
		cpu_relax();
	}
}

static u64 hz_measured(void)
{
	// Without its end, a count that began at the start of the kernel may have gone round.
	if (pit_used && !pit_tells_end())
		window_start();
	struct sample last = window_end();
	u64 tsc = last.tsc - first.tsc, ticks = first.apic - last.apic, hz;

	if (pit_used) {
		u64 pit = first.pit - last.pit;
		hz = mul_div(tsc, PIT_HZ, pit);
		apic_hz = mul_div(ticks, PIT_HZ, pit);
	} else {
		hz = mul_div(tsc, apic_hz, ticks);
	}
	// QEMU's -icount shift=0 makes the TSC count instructions, a nanosecond each, exactly.
	if (hz > NSEC - NSEC / 1000 && hz < NSEC + NSEC / 1000)
		hz = NSEC;
	return hz;
}

// The largest shift of at most 31 whose mult fits 32 bits, as the vDSO's data page wants it.
static void set_params(u64 hz)
{
	struct clock_params *p = &clock_params;
	u32 shift = 31;

	while (shift > 0 && (NSEC << shift) / hz >= UINT32_MAX)
		shift--;
	p->shift = shift;
	p->mult = (u32)(((NSEC << shift) + hz / 2) / hz);
	p->hz = hz;
	p->offset = -(u64)((unsigned __int128)first.tsc * p->mult >> shift);
}

void clock_init(void)
{
	u64 hz = hz_from_cpuid();

	if (!hz)
		hz = hz_from_kvm();
	// The count-down timer needs its own rate too, unless the TSC drives it.
	if (!hz || (!apic_hz && !cpu_features.f_tsc_deadline)) {
		u64 measured = hz_measured();
		hz = hz ? hz : measured;
	}
	set_params(hz);
	apic_timer_count(0);
	use_deadline = cpu_features.f_tsc_deadline;
	clock_init_cpu();
	log_printf("clock: TSC %llu kHz, timer %s", (unsigned long long)hz / 1000,
		   use_deadline ? "by TSC deadline" : "by count");
}

void clock_init_cpu(void)
{
	apic_timer_setup(use_deadline);
}

u64 clock_ns(void)
{
	const struct clock_params *p = &clock_params;
	u32 shift = p->shift;

	if (shift > 31)
		UNREACHABLE(); // set_params()
	return (u64)((unsigned __int128)rdtsc_ordered() * p->mult >> shift) + p->offset;
}

// One shot at an absolute time. A count that would not fit 32 bits is cut: the timer code finds
// nothing due and arms anew.
void clock_arm(u64 ns)
{
	const struct clock_params *p = &clock_params;

	if (use_deadline) {
		u64 tsc = ns ? mul_div(ns - p->offset, 1ull << p->shift, p->mult) : 0;
		wrmsr(MSR_TSC_DEADLINE, tsc);
		return;
	}
	if (!ns) {
		apic_timer_count(0);
		return;
	}
	u64 now = clock_ns(), delta = ns > now ? ns - now : 0;
	delta = MIN(delta, 4 * NSEC);
	u64 ticks = apic_hz == NSEC ? delta : mul_div(delta, apic_hz, NSEC);
	apic_timer_count((u32)MIN(MAX(ticks, 1ull), (u64)UINT32_MAX));
}
