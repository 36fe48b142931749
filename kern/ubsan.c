// SPDX-License-Identifier: MIT
// The runtime of -fsanitize=undefined in the debug build. The compiler calls one of these where a
// program of the C standard would have no meaning; each says where and with what values, and ends
// the kernel: nothing that follows could be trusted. Every record starts with the place.

#include "kern/log.h"
#include "lib/types.h"

#ifdef CONFIG_DEBUG

struct place {
	const char *file;
	u32 line, column;
};

struct type_name {
	u16 kind, info;
	char text[]; // in quotes
};

struct typed {
	struct place at;
	const struct type_name *type;
};

struct mismatch {
	struct place at;
	const struct type_name *type;
	u8 log_alignment;
	u8 access; // 0 load, 1 store, 2 binding, 3 member, 4 member call, 5 …
};

struct shift {
	struct place at;
	const struct type_name *value, *count;
};

struct index {
	struct place at;
	const struct type_name *array, *index;
};

// The compiler's own ABI, of which no header exists. `void *` values are numbers when the type fits
// into a word, else addresses of them.
void __ubsan_handle_add_overflow(struct typed *d, void *a, void *b);
void __ubsan_handle_sub_overflow(struct typed *d, void *a, void *b);
void __ubsan_handle_mul_overflow(struct typed *d, void *a, void *b);
void __ubsan_handle_divrem_overflow(struct typed *d, void *a, void *b);
void __ubsan_handle_negate_overflow(struct typed *d, void *a);
void __ubsan_handle_pointer_overflow(struct place *at, void *base, void *result);
void __ubsan_handle_shift_out_of_bounds(struct shift *d, void *value, void *count);
void __ubsan_handle_out_of_bounds(struct index *d, void *index);
void __ubsan_handle_type_mismatch_v1(struct mismatch *d, void *pointer);
void __ubsan_handle_load_invalid_value(struct typed *d, void *value);
void __ubsan_handle_vla_bound_not_positive(struct typed *d, void *bound);
void __ubsan_handle_nonnull_arg(struct place *at);
void __ubsan_handle_nonnull_return_v1(struct place *unused, struct place *at);
void __ubsan_handle_invalid_builtin(struct place *at);
void __ubsan_handle_builtin_unreachable(struct place *at);
void __ubsan_handle_missing_return(struct place *at);

static NORETURN void binary(const struct typed *d, const char *op, const void *a, const void *b)
{
	panic("%s:%u: overflow of %s: %p %s %p", d->at.file, d->at.line, d->type->text, a, op, b);
}

static NORETURN void plain(const struct place *at, const char *what)
{
	panic("%s:%u: %s", at->file, at->line, what);
}

void __ubsan_handle_add_overflow(struct typed *d, void *a, void *b)
{
	binary(d, "+", a, b);
}

void __ubsan_handle_sub_overflow(struct typed *d, void *a, void *b)
{
	binary(d, "-", a, b);
}

void __ubsan_handle_mul_overflow(struct typed *d, void *a, void *b)
{
	binary(d, "*", a, b);
}

void __ubsan_handle_divrem_overflow(struct typed *d, void *a, void *b)
{
	binary(d, "/", a, b);
}

void __ubsan_handle_negate_overflow(struct typed *d, void *a)
{
	binary(d, "-", NULL, a);
}

void __ubsan_handle_pointer_overflow(struct place *at, void *base, void *result)
{
	panic("%s:%u: pointer %p + offset is %p", at->file, at->line, base, result);
}

void __ubsan_handle_shift_out_of_bounds(struct shift *d, void *value, void *count)
{
	panic("%s:%u: shift of %s %p by %p", d->at.file, d->at.line, d->value->text, value, count);
}

void __ubsan_handle_out_of_bounds(struct index *d, void *index)
{
	panic("%s:%u: index %p into %s", d->at.file, d->at.line, index, d->array->text);
}

void __ubsan_handle_type_mismatch_v1(struct mismatch *d, void *pointer)
{
	panic("%s:%u: access %u to %s at %p, which is null, misaligned or too small", d->at.file,
	      d->at.line, d->access, d->type->text, pointer);
}

void __ubsan_handle_load_invalid_value(struct typed *d, void *value)
{
	panic("%s:%u: %p is no value of %s", d->at.file, d->at.line, value, d->type->text);
}

void __ubsan_handle_vla_bound_not_positive(struct typed *d, void *bound)
{
	panic("%s:%u: array of %p elements", d->at.file, d->at.line, bound);
}

void __ubsan_handle_nonnull_arg(struct place *at)
{
	plain(at, "null argument");
}

void __ubsan_handle_nonnull_return_v1(struct place *unused, struct place *at)
{
	(void)unused;
	plain(at, "null result");
}

void __ubsan_handle_invalid_builtin(struct place *at)
{
	plain(at, "zero given to ctz or clz");
}

void __ubsan_handle_builtin_unreachable(struct place *at)
{
	plain(at, "unreachable code was reached");
}

void __ubsan_handle_missing_return(struct place *at)
{
	plain(at, "end of a function without a value");
}

#endif
