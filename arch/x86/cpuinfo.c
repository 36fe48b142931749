// SPDX-License-Identifier: MIT
/*
 * /proc/cpuinfo: what CPUID says, by the names that Linux has for its bits (SDM vol. 2, CPUID; APM
 * vol. 3, appendix D). Only bits that programs may use are named: what the kernel did not enable is
 * left out.
 */
#include "machine/cpuinfo.h"

#include "machine/clock.h"
#include "machine/cpu.h"
#include "machine/features.h"
#include "machine/msr.h"

static const char *const names_edx1[32] = {
	"fpu",	"vme",	"de",	"pse", "tsc",  "msr", "pae",   "mce", "cx8",	 "apic", NULL,
	"sep",	"mtrr", "pge",	"mca", "cmov", "pat", "pse36", "pn",  "clflush", NULL,	 "dts",
	"acpi", "mmx",	"fxsr", "sse", "sse2", "ss",  "ht",    "tm",  "ia64",	 "pbe",
};
static const char *const names_ecx1[32] = {
	"pni",	  "pclmulqdq",	"dtes64", "monitor", "ds_cpl",
	"vmx",	  "smx",	"est",	  "tm2",     "ssse3",
	"cid",	  "sdbg",	"fma",	  "cx16",    "xtpr",
	"pdcm",	  NULL,		"pcid",	  "dca",     "sse4_1",
	"sse4_2", "x2apic",	"movbe",  "popcnt",  "tsc_deadline_timer",
	"aes",	  "xsave",	NULL,	  "avx",     "f16c",
	"rdrand", "hypervisor",
};
static const char *const names_ebx7[32] = {
	"fsgsbase", "tsc_adjust", NULL,	      "bmi1",	 "hle",	     "avx2",	 NULL,
	"smep",	    "bmi2",	  "erms",     "invpcid", "rtm",	     NULL,	 NULL,
	NULL,	    "avx512f",	  "avx512dq", "rdseed",	 "adx",	     "smap",	 "avx512ifma",
	NULL,	    "clflushopt", "clwb",     NULL,	 "avx512pf", "avx512er", "avx512cd",
	"sha_ni",   "avx512bw",	  "avx512vl", NULL,
};
static const char *const names_ext_edx[32] = {
	[11] = "syscall", [19] = "mp",	   [20] = "nx", [22] = "mmxext",   [25] = "fxsr_opt",
	[26] = "pdpe1gb", [27] = "rdtscp", [29] = "lm", [30] = "3dnowext", [31] = "3dnow",
};
static const char *const names_ext_ecx[32] = {
	[0] = "lahf_lm", [4] = "cr8_legacy",  [5] = "abm",
	[6] = "sse4a",	 [7] = "misalignsse", [8] = "3dnowprefetch",
	[11] = "xop",	 [16] = "fma4",	      [21] = "tbm",
};

struct writer {
	void (*out)(void *arg, const char *fmt, ...) PRINTF(2, 3);
	void *arg;
};

static void put_flags(const struct writer *w, const char *const names[32], u32 bits)
{
	for (u32 i = 0; i < 32; i++)
		if (bits & BIT(i) && names[i])
			w->out(w->arg, " %s", names[i]);
}

static void put_all_flags(const struct writer *w)
{
	const struct cpu_features *f = &cpu_features;
	u32 ebx7 = f->f_ebx7 & (f->f_fsgsbase ? ~0u : ~1u);

	w->out(w->arg, "flags\t\t:");
	put_flags(w, names_edx1, f->f_edx1);
	put_flags(w, names_ext_edx, f->f_ext_edx);
	put_flags(w, names_ecx1, f->f_ecx1);
	put_flags(w, names_ext_ecx, f->f_ext_ecx);
	put_flags(w, names_ebx7, ebx7);
	if (f->f_umip)
		w->out(w->arg, " umip");
	w->out(w->arg, "\n");
}

void cpu_describe(u32 cpu, void (*out)(void *arg, const char *fmt, ...) PRINTF(2, 3), void *arg)
{
	const struct cpu_features *f = &cpu_features;
	const struct writer w = {out, arg};
	u64 khz = clock_params.hz / 1000;
	u32 apic = cpus[cpu].c_apic_id;

	out(arg, "processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\n", cpu,
	    f->f_vendor_name, f->f_family, f->f_model);
	out(arg, "model name\t: %s\nstepping\t: %u\n",
	    f->f_model_name[0] ? f->f_model_name : "unknown", f->f_stepping);
	out(arg, "cpu MHz\t\t: %llu.%03llu\n", (unsigned long long)khz / 1000,
	    (unsigned long long)khz % 1000);
	// All CPUs are taken for cores of one package.
	out(arg,
	    "physical id\t: 0\nsiblings\t: %u\ncore id\t\t: %u\ncpu cores\t: %u\napicid\t\t: %u\n",
	    cpu_count, cpu, cpu_count, apic);
	out(arg, "fpu\t\t: yes\nfpu_exception\t: yes\nwp\t\t: yes\n");
	put_all_flags(&w);
	out(arg, "bogomips\t: %llu.%02llu\nclflush size\t: 64\ncache_alignment\t: 64\n",
	    (unsigned long long)khz / 500, (unsigned long long)(khz / 5) % 100);
	out(arg, "address sizes\t: 40 bits physical, 48 bits virtual\n\n");
}
