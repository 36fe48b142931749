// SPDX-License-Identifier: MIT
/*
 * Randomness of the hardware, as a seed for the kernel's generator and never as its output: RDSEED,
 * else RDRAND, each mixed with time stamps, which alone remain on a CPU that has neither.
 */
#include "lib/string.h"
#include "machine/cpu.h"
#include "machine/features.h"
#include "machine/msr.h"

#define TRIES	      16 // both may run dry for a moment (SDM vol. 1, 7.3.17)
#define JITTER_ROUNDS 64

static bool hardware_u64(u64 *v)
{
	u8 ok = 0;

	for (u32 i = 0; i < TRIES && cpu_features.f_rdseed && !ok; i++)
		__asm__ volatile("rdseed %0; setc %1" : "=r"(*v), "=qm"(ok)::"cc");
	for (u32 i = 0; i < TRIES && cpu_features.f_rdrand && !ok; i++)
		__asm__ volatile("rdrand %0; setc %1" : "=r"(*v), "=qm"(ok)::"cc");
	return ok;
}

// One step of a 64-bit mixer with good diffusion (multiply and xor-shift).
static u64 mix(u64 h, u64 v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15;
	return h ^ h >> 29;
}

void cpu_entropy(void *buf, size_t n)
{
	u8 *out = buf;

	while (n) {
		u64 hw = 0, h = rdtsc_ordered();
		u32 rounds = hardware_u64(&hw) ? 1 : JITTER_ROUNDS;
		for (u32 i = 0; i < rounds; i++)
			h = mix(h, rdtsc_ordered());
		h ^= hw;
		size_t part = MIN(n, sizeof(h));
		memcpy(out, &h, part);
		out += part;
		n -= part;
	}
}
