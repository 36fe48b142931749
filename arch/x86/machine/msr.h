// SPDX-License-Identifier: MIT
// Model-specific and control registers (SDM vol. 4; APM vol. 2 appendix A). arch/x86 only.
#pragma once

#include "lib/types.h"
#include "machine/cpuid.h"

#define MSR_TSC		   0x10
#define MSR_APIC_BASE	   0x1b
#define MSR_SYSENTER_CS	   0x174
#define MSR_SYSENTER_ESP   0x175
#define MSR_SYSENTER_EIP   0x176
#define MSR_TSC_DEADLINE   0x6e0
#define MSR_X2APIC_BASE	   0x800
#define MSR_EFER	   0xc0000080
#define MSR_STAR	   0xc0000081
#define MSR_LSTAR	   0xc0000082
#define MSR_CSTAR	   0xc0000083
#define MSR_FMASK	   0xc0000084
#define MSR_FS_BASE	   0xc0000100
#define MSR_GS_BASE	   0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102
#define MSR_TSC_AUX	   0xc0000103

#define EFER_SCE BIT(0)
#define EFER_LME BIT(8)
#define EFER_NXE BIT(11)

#define APIC_BASE_X2	 BIT(10)
#define APIC_BASE_ENABLE BIT(11)

#define CR0_MP BIT(1)
#define CR0_EM BIT(2)
#define CR0_TS BIT(3)
#define CR0_NE BIT(5)
#define CR0_WP BIT(16)
#define CR0_AM BIT(18)

#define CR4_TSD	       BIT(2)
#define CR4_DE	       BIT(3)
#define CR4_PAE	       BIT(5)
#define CR4_MCE	       BIT(6)
#define CR4_PGE	       BIT(7)
#define CR4_OSFXSR     BIT(9)
#define CR4_OSXMMEXCPT BIT(10)
#define CR4_UMIP       BIT(11)
#define CR4_FSGSBASE   BIT(16)
#define CR4_PCIDE      BIT(17)
#define CR4_OSXSAVE    BIT(18)
#define CR4_SMEP       BIT(20)
#define CR4_SMAP       BIT(21)

// Bit 63 of a value loaded into CR3: keep what the TLB knows of this PCID (SDM vol. 3, 4.10.4.1).
#define CR3_NOFLUSH BIT(63)

static inline u64 rdmsr(u32 msr)
{
	u32 lo, hi;
	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr) : "memory");
	return (u64)hi << 32 | lo;
}

static inline void wrmsr(u32 msr, u64 v)
{
	__asm__ volatile("wrmsr" ::"c"(msr), "a"((u32)v), "d"((u32)(v >> 32)) : "memory");
}

static inline u64 read_cr0(void)
{
	u64 v;
	__asm__ volatile("movq %%cr0, %0" : "=r"(v)::"memory");
	return v;
}

static inline void write_cr0(u64 v)
{
	__asm__ volatile("movq %0, %%cr0" ::"r"(v) : "memory");
}

static inline u64 read_cr2(void)
{
	u64 v;
	__asm__ volatile("movq %%cr2, %0" : "=r"(v)::"memory");
	return v;
}

static inline u64 read_cr3(void)
{
	u64 v;
	__asm__ volatile("movq %%cr3, %0" : "=r"(v)::"memory");
	return v;
}

static inline void write_cr3(u64 v)
{
	__asm__ volatile("movq %0, %%cr3" ::"r"(v) : "memory");
}

static inline u64 read_cr4(void)
{
	u64 v;
	__asm__ volatile("movq %%cr4, %0" : "=r"(v)::"memory");
	return v;
}

static inline void write_cr4(u64 v)
{
	__asm__ volatile("movq %0, %%cr4" ::"r"(v) : "memory");
}

static inline void invlpg(u64 va)
{
	__asm__ volatile("invlpg (%0)" ::"r"(va) : "memory");
}

// LFENCE keeps the read from moving up past earlier loads (SDM vol. 2, RDTSC): clocks must not run
// backwards across CPUs.
static inline u64 rdtsc_ordered(void)
{
	u32 lo, hi;
	__asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi)::"memory");
	return (u64)hi << 32 | lo;
}
