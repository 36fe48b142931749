// SPDX-License-Identifier: MIT
// `postern check`: what this host runs by itself, and what only Postern gives it.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

// A program of a few instructions that goes one way into the kernel, and exits with PROBE_STATUS
// when the kernel let it.
#define PROBE_STATUS 42
#define PROBE_MAX    160 // bytes of the largest image

struct probe {
	const char *name; // in the guest's directory and in JSON
	const char *what;
};
#define PROBES 8
extern const struct probe probes[PROBES];

// probe.c. The ELF image of probe i: its size.
size_t probe_image(size_t i, unsigned char image[PROBE_MAX]);

// Runs it on this host, at most a few seconds: its wait status in a shell's manner (128+n for
// signal n, 126: the kernel refused to execute it), or -1.
int probe_run(size_t i);

// kvm.c. Really runs a guest of a few 64-bit instructions, for at most two seconds. NULL: it did
// what it must; else why not (a phrase).
const char *kvm_try(void);

int check_main(int argc, char **argv);
