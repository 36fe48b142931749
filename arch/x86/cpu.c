// SPDX-License-Identifier: MIT
/*
 * What every CPU needs before it can run the kernel: features, GDT, TSS, GS base, control
 * registers. The GDT's user selectors have Linux's values, and its descriptors are born "accessed",
 * so the CPU never writes them.
 */
#include "lib/string.h"
#include "machine/archcpu.h"
#include "machine/features.h"
#include "machine/fpu.h"
#include "machine/msr.h"

struct cpu cpus[CPU_MAX];
struct arch_cpu arch_cpus[CPU_MAX];
u32 cpu_count = 1;
struct cpu_features cpu_features;

#define DESC_KERNEL_CS 0x00af9b000000ffff
#define DESC_KERNEL_DS 0x00cf93000000ffff
#define DESC_USER32_CS 0x00cffb000000ffff
#define DESC_USER_DS   0x00cff3000000ffff
#define DESC_USER_CS   0x00affb000000ffff
#define DESC_CPUNODE \
	0x0040f10000000000 // read-only data, DPL 3, byte limit: LSL gives the CPU number

static u32 max_leaf(u32 base)
{
	u32 max = cpuid(base, 0).eax;
	return max >= base && max < base + 0x10000 ? max : 0;
}

static void put32(char *dst, u32 v)
{
	memcpy(dst, &v, 4);
}

// Vendor names from the manuals; Hygon's cores are AMD's.
static void find_vendor(struct cpu_features *f)
{
	struct cpuid_regs r = cpuid(0, 0);
	put32(f->f_vendor_name, r.ebx);
	put32(f->f_vendor_name + 4, r.edx);
	put32(f->f_vendor_name + 8, r.ecx);
	if (str_eq(f->f_vendor_name, "GenuineIntel"))
		f->f_vendor = CPU_VENDOR_INTEL;
	else if (str_eq(f->f_vendor_name, "AuthenticAMD") ||
		 str_eq(f->f_vendor_name, "HygonGenuine"))
		f->f_vendor = CPU_VENDOR_AMD;
}

static void find_model(struct cpu_features *f, u32 ext_max)
{
	u32 eax = cpuid(1, 0).eax;
	f->f_stepping = eax & 15;
	f->f_model = eax >> 4 & 15;
	f->f_family = eax >> 8 & 15;
	// Extended model and family (SDM vol. 2, CPUID leaf 1).
	if (f->f_family >= 6)
		f->f_model |= (eax >> 16 & 15) << 4;
	if (f->f_family == 15)
		f->f_family += eax >> 20 & 255;
	if (ext_max < 0x80000004)
		return;
	for (u32 i = 0; i < 3; i++) {
		struct cpuid_regs r = cpuid(0x80000002 + i, 0);
		char *at = f->f_model_name + 16 * i;
		put32(at, r.eax);
		put32(at + 4, r.ebx);
		put32(at + 8, r.ecx);
		put32(at + 12, r.edx);
	}
}

static void find_hypervisor(struct cpu_features *f)
{
	if (!(f->f_ecx1 & BIT(31)))
		return;
	struct cpuid_regs r = cpuid(0x40000000, 0);
	f->f_hypervisor_max = r.eax;
	put32(f->f_hypervisor, r.ebx);
	put32(f->f_hypervisor + 4, r.ecx);
	put32(f->f_hypervisor + 8, r.edx);
}

void cpu_features_init(void)
{
	struct cpu_features *f = &cpu_features;
	u32 max = max_leaf(0), ext_max = max_leaf(0x80000000);
	struct cpuid_regs r = cpuid(1, 0);

	f->f_edx1 = r.edx;
	f->f_ecx1 = r.ecx;
	find_vendor(f);
	find_model(f, ext_max);
	find_hypervisor(f);
	if (max >= 7) {
		r = cpuid(7, 0);
		f->f_ebx7 = r.ebx;
		f->f_ecx7 = r.ecx;
	}
	if (ext_max >= 0x80000001) {
		r = cpuid(0x80000001, 0);
		f->f_ext_edx = r.edx;
		f->f_ext_ecx = r.ecx;
	}
	f->f_pcid = f->f_ecx1 & BIT(17);
	f->f_x2apic = f->f_ecx1 & BIT(21);
	f->f_tsc_deadline = f->f_ecx1 & BIT(24);
	f->f_xsave = f->f_ecx1 & BIT(26);
	f->f_rdrand = f->f_ecx1 & BIT(30);
	f->f_fsgsbase = f->f_ebx7 & BIT(0);
	f->f_smep = f->f_ebx7 & BIT(7);
	f->f_erms = f->f_ebx7 & BIT(9);
	f->f_rdseed = f->f_ebx7 & BIT(18);
	f->f_smap = f->f_ebx7 & BIT(20);
	f->f_umip = f->f_ecx7 & BIT(2);
	f->f_gib_pages = f->f_ext_edx & BIT(26);
	f->f_rdtscp = f->f_ext_edx & BIT(27);
	f->f_xsaveopt = f->f_xsave && max >= 13 && cpuid(13, 1).eax & BIT(0);
	f->f_sysenter32 = f->f_vendor != CPU_VENDOR_AMD && f->f_edx1 & BIT(11);
	f->f_syscall32 = f->f_vendor == CPU_VENDOR_AMD;
	// CPUID.80000008:EBX[2]: FXRSTOR and XRSTOR always load the error pointers (APM vol. 3,
	// appendix E).
	f->f_fxsave_leak = f->f_vendor == CPU_VENDOR_AMD &&
			   !(ext_max >= 0x80000008 && cpuid(0x80000008, 0).ebx & BIT(2));
}

// A 16-byte system descriptor for the TSS (SDM vol. 3, 8.2.3): type 9, present, limit excludes an
// I/O bitmap.
static void set_tss_descriptor(struct arch_cpu *a)
{
	u64 base = (u64)&a->a_tss, limit = sizeof(a->a_tss) - 1;
	u64 *d = &a->a_gdt[SEL_TSS / 8];
	d[0] = limit | (base & 0xffffff) << 16 | 0x89ull << 40 | (base >> 24 & 0xff) << 56;
	d[1] = base >> 32;
}

static void load_tables(struct arch_cpu *a)
{
	struct {
		u16 limit;
		u64 base;
	} PACKED gdtr = {sizeof(a->a_gdt) - 1, (u64)a->a_gdt};

	// CS, DS, ES and SS keep the selectors of boot.S, which mean the same here. No LDT.
	__asm__ volatile("lgdt %0" ::"m"(gdtr));
	__asm__ volatile("ltr %w0" ::"r"(SEL_TSS));
	__asm__ volatile("lldt %w0" ::"r"(0));
}

// `ist_top` are the ends of the four interrupt stacks, in the order of IST_*; each gets `c` as its
// first word.
void cpu_init_tables(struct cpu *c, u64 ist_top[IST_COUNT])
{
	u32 id = (u32)(c - cpus);
	struct arch_cpu *a = &arch_cpus[id];

	c->c_self = c;
	c->c_id = id;
	c->c_arch = a;
	a->a_gdt[SEL_KERNEL_CS / 8] = DESC_KERNEL_CS;
	a->a_gdt[SEL_KERNEL_DS / 8] = DESC_KERNEL_DS;
	a->a_gdt[SEL_USER32_CS / 8] = DESC_USER32_CS;
	a->a_gdt[SEL_USER_DS / 8] = DESC_USER_DS;
	a->a_gdt[SEL_USER_CS / 8] = DESC_USER_CS;
	a->a_gdt[SEL_CPUNODE / 8] = DESC_CPUNODE | id;
	for (u32 i = 0; i < IST_COUNT; i++) {
		u64 pointer = ist_top[i] - IST_TOP_GAP;
		*(u64 *)pointer = (u64)c;
		a->a_tss.ist[i] = pointer;
	}
	a->a_tss.rsp0 = c->c_kstack_top;
	a->a_tss.iomap_base = sizeof(a->a_tss);
	set_tss_descriptor(a);
	load_tables(a);
	wrmsr(MSR_GS_BASE, (u64)c);
	wrmsr(MSR_KERNEL_GS_BASE, 0);
	wrmsr(MSR_FS_BASE, 0);
	if (cpu_features.f_rdtscp)
		wrmsr(MSR_TSC_AUX, id);
}

bool cpu_has_fsgsbase(void)
{
	return cpu_features.f_fsgsbase;
}

// PCIDE may be set only while CR3 holds PCID 0 (SDM vol. 3, 4.10.1), which is so at start.
void cpu_init_control(void)
{
	const struct cpu_features *f = &cpu_features;
	u64 cr4 = CR4_PAE | CR4_PGE | CR4_DE | CR4_OSFXSR | CR4_OSXMMEXCPT;

	if (f->f_edx1 & BIT(7))
		cr4 |= CR4_MCE;
	cr4 |= f->f_smep ? CR4_SMEP : 0;
	cr4 |= f->f_smap ? CR4_SMAP : 0;
	cr4 |= f->f_umip ? CR4_UMIP : 0;
	cr4 |= f->f_fsgsbase ? CR4_FSGSBASE : 0;
	cr4 |= f->f_pcid ? CR4_PCIDE : 0;
	cr4 |= f->f_xsave ? CR4_OSXSAVE : 0;
	write_cr4(cr4);
	fpu_init_cpu();
}
