// SPDX-License-Identifier: MIT
// The kernel's random generator. One pool, keyed from the CPU's hardware randomness and whatever
// random_add is given, hands a key of its own to each CPU; a CPU draws from that key alone, with
// interrupts off and without a lock. Every draw overwrites the key that made it (fast key erasure),
// so a later leak of memory does not reveal what was handed out.

#include "kern/random.h"

#include "kern/lock.h"
#include "lib/chacha20.h"
#include "lib/string.h"
#include "machine/cpu.h"

#define DRAW_MAX   32 // what chacha20_draw gives at once
#define SEED_BYTES 64

static struct {
	struct spinlock lock;
	struct chacha20 c;
	u32 generation; // 0: not seeded; CPUs with another one fetch a new key
} pool = {.lock = SPINLOCK("random", RANK_LEAF)};

static struct random_cpu {
	struct chacha20 c;
	u32 generation;
} random_cpus[CPU_MAX];

static const u8 zero_nonce[CHACHA20_NONCE_SIZE];

// A new key from the old one and up to 32 bytes from outside. XOR cannot make it easier to guess
// than either of them is: the old key's output is secret to whoever chose the bytes.
static void pool_mix_locked(const u8 *data, size_t n)
{
	u8 key[CHACHA20_KEY_SIZE];

	chacha20_draw(&pool.c, key, sizeof(key));
	for (size_t i = 0; i < n; i++)
		key[i] ^= data[i];
	chacha20_init(&pool.c, key, 0, zero_nonce);
	mem_wipe(key, sizeof(key));
}

static void pool_bump_locked(void)
{
	u32 next = pool.generation + 1;

	WRITE_ONCE(pool.generation, next ? next : 1);
}

void random_add(const void *data, size_t n)
{
	const u8 *p = data;
	u64 irq = spin_lock_irq(&pool.lock), now = clock_ns();

	pool_mix_locked((const u8 *)&now, sizeof(now));
	for (size_t step; n; p += step, n -= step) {
		step = MIN(n, (size_t)CHACHA20_KEY_SIZE);
		pool_mix_locked(p, step);
	}
	pool_bump_locked();
	spin_unlock_irq(&pool.lock, irq);
}

void random_init(void)
{
	u8 seed[SEED_BYTES];

	cpu_entropy(seed, sizeof(seed));
	random_add(seed, sizeof(seed));
	mem_wipe(seed, sizeof(seed));
}

// A key of its own for this CPU. Interrupts are off.
static void cpu_rekey(struct random_cpu *rc)
{
	u8 key[CHACHA20_KEY_SIZE];

	spin_lock(&pool.lock);
	chacha20_draw(&pool.c, key, sizeof(key));
	rc->generation = pool.generation;
	spin_unlock(&pool.lock);
	chacha20_init(&rc->c, key, 0, zero_nonce);
	mem_wipe(key, sizeof(key));
}

static void draw(u8 *out, size_t n)
{
	struct random_cpu *rc;
	u64 irq;

	if (unlikely(!READ_ONCE(pool.generation)))
		random_init();
	irq = irq_save();
	rc = &random_cpus[this_cpu()->c_id];
	if (unlikely(rc->generation != READ_ONCE(pool.generation)))
		cpu_rekey(rc);
	chacha20_draw(&rc->c, out, n);
	irq_restore(irq);
}

// Much at once: a key for this request only, expanded with interrupts on.
static void expand(u8 *out, size_t n)
{
	u8 key[CHACHA20_KEY_SIZE], block[CHACHA20_BLOCK_SIZE];
	struct chacha20 c;

	draw(key, sizeof(key));
	chacha20_init(&c, key, 0, zero_nonce);
	for (size_t step; n; out += step, n -= step) {
		step = MIN(n, sizeof(block));
		chacha20_block(&c, block);
		memcpy(out, block, step);
	}
	mem_wipe(&c, sizeof(c));
	mem_wipe(key, sizeof(key));
	mem_wipe(block, sizeof(block));
}

void random_bytes(void *buf, size_t n)
{
	if (n <= DRAW_MAX)
		draw(buf, n);
	else
		expand(buf, n);
}

u64 random_u64(void)
{
	u64 v;

	draw((u8 *)&v, sizeof(v));
	return v;
}
