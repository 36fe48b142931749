// SPDX-License-Identifier: MIT
// What this machine's CPUs can do, found once on the boot CPU; all CPUs are taken to be alike.
#pragma once

#include "lib/types.h"

enum cpu_vendor { CPU_VENDOR_OTHER, CPU_VENDOR_INTEL, CPU_VENDOR_AMD }; // AMD: Hygon too

struct cpu_features {
	enum cpu_vendor f_vendor;
	char f_vendor_name[13];
	char f_model_name[49];
	u32 f_family, f_model, f_stepping;
	u32 f_edx1;		  // CPUID.1:EDX, which is AT_HWCAP
	u32 f_ecx1;		  // CPUID.1:ECX
	u32 f_ebx7;		  // CPUID.7.0:EBX
	u32 f_ecx7;		  // CPUID.7.0:ECX
	u32 f_ext_edx, f_ext_ecx; // CPUID.80000001
	u32 f_hypervisor_max;	  // highest hypervisor leaf, 0: no hypervisor says so
	char f_hypervisor[13];
	bool f_smep, f_smap, f_umip, f_fsgsbase, f_pcid, f_xsave, f_xsaveopt, f_gib_pages, f_x2apic,
		f_tsc_deadline;
	bool f_rdrand, f_rdseed, f_erms, f_rdtscp;
	bool f_sysenter32; // SYSENTER works in compatibility mode: not on AMD (APM vol. 3,
			   // SYSENTER)
	bool f_syscall32; // SYSCALL works in compatibility mode: not on Intel (SDM vol. 2, SYSCALL)
	bool f_fxsave_leak; // FXRSTOR leaves FOP, FIP, FDP alone unless an exception is pending
			    // (hazard 36)
};

extern struct cpu_features cpu_features;
