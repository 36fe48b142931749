// SPDX-License-Identifier: MIT
/*
 * The words that every file of Postern uses: fixed-width integers, the user address type, and the
 * small macros of the compiler. Nothing here generates code of its own; the file compiles in the
 * kernel and on the host.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

/*
 * A user address. A structure, so that the compiler refuses to dereference it or to mix it up with
 * a kernel pointer: only the copy routines open it (design §3). The value is unchecked until they
 * do.
 */
typedef struct {
	u64 va;
} uptr;

#define UPTR(x) ((uptr){(u64)(x)})

static inline uptr uptr_add(uptr p, u64 n)
{
	return (uptr){p.va + n};
}

static inline bool uptr_is_null(uptr p)
{
	return p.va == 0;
}

#define BUILD_ASSERT(cond) _Static_assert(cond, #cond)

#define PACKED	      __attribute__((packed))
#define ALIGNED(n)    __attribute__((aligned(n)))
#define NORETURN      __attribute__((noreturn))
#define PRINTF(a, b)  __attribute__((format(printf, a, b)))
#define MUST_CHECK    __attribute__((warn_unused_result))
#define HIDDEN	      __attribute__((visibility("hidden")))
#define USED	      __attribute__((used))
#define UNUSED	      __attribute__((unused))
#define NOINLINE      __attribute__((noinline))
#define ALWAYS_INLINE inline __attribute__((always_inline))
#define SECTION(s)    __attribute__((section(s)))
#define WEAK	      __attribute__((weak))
#define FALLTHROUGH   __attribute__((fallthrough))

#define likely(x)     __builtin_expect(!!(x), 1)
#define unlikely(x)   __builtin_expect(!!(x), 0)
#define UNREACHABLE() __builtin_unreachable()

/* Stops the compiler, not the CPU, from moving memory accesses across it. */
#define barrier() __asm__ volatile("" ::: "memory")

/* One access of exactly the object's width that the compiler may neither repeat, split nor drop. */
#define READ_ONCE(x)	 (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))

#define BIT(n) (1ull << (n))

#define MIN(a, b)                                  \
	({                                         \
		__typeof__(a) min_a_ = (a);        \
		__typeof__(b) min_b_ = (b);        \
		min_a_ < min_b_ ? min_a_ : min_b_; \
	})
#define MAX(a, b)                                  \
	({                                         \
		__typeof__(a) max_a_ = (a);        \
		__typeof__(b) max_b_ = (b);        \
		max_a_ > max_b_ ? max_a_ : max_b_; \
	})

/* `a` is a power of two. ALIGN_UP wraps to 0 at the type's end: check before when the value is
 * hostile. */
#define ALIGN_DOWN(x, a)   ((x) & ~((__typeof__(x))(a)-1))
#define ALIGN_UP(x, a)	   ALIGN_DOWN((x) + ((__typeof__(x))(a)-1), a)
#define IS_ALIGNED(x, a)   (((x) & ((__typeof__(x))(a)-1)) == 0)
#define IS_POW2(x)	   ((x) != 0 && ((x) & ((x)-1)) == 0)
#define DIV_ROUND_UP(n, d) (((n) + (d)-1) / (d))

/* The negative term rejects a pointer where an array is meant: both types would be compatible. */
#define ARRAY_SIZE(a)                 \
	(sizeof(a) / sizeof((a)[0]) + \
	 0 * sizeof(char[1 -          \
			 2 * !!__builtin_types_compatible_p(__typeof__(a), __typeof__(&(a)[0]))]))

#define container_of(ptr, type, member)                                            \
	({                                                                         \
		const __typeof__(((type *)0)->member) *member_ptr_ = (ptr);        \
		(type *)((char *)(uintptr_t)member_ptr_ - offsetof(type, member)); \
	})
