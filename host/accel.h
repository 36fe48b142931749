// SPDX-License-Identifier: MIT
// Whether this host's KVM is worth a try.
#pragma once

#include <stdbool.h>

// True when the flags of the CPU in `cpuinfo` (/proc/cpuinfo's form) hold vmx or svm.
bool accel_cpu_virtualizes(const char *cpuinfo);

// NULL when /dev/kvm opens and speaks the one stable API version, else why not (a phrase).
const char *accel_kvm_problem(void);
