// SPDX-License-Identifier: MIT
/*
 * Parser of the prototype column, by recursive descent over one line. The first mistake of a row is
 * reported and ends the row: what follows would only be guesses.
 */
#include "tools/gen/proto.h"

#include "tools/gen/arena.h"
#include "tools/gen/diag.h"
#include "tools/gen/scan.h"

#include <string.h>

struct parser {
	struct table *table;
	struct row *row;
	struct scan scan;
};

#define FAIL(parser, ...) \
	(diag_error((parser)->table->path, (parser)->row->line, __VA_ARGS__), false)

static const char *word_text(struct word word)
{
	return arena_text(word.at, word.length);
}

static bool direction_find(struct word word, enum arg_direction *direction)
{
	static const char *const names[] = {
		[ARG_IN] = "in", [ARG_OUT] = "out", [ARG_INOUT] = "inout"};

	for (int i = ARG_IN; i <= ARG_INOUT; i++) {
		if (word_is(word, names[i])) {
			*direction = (enum arg_direction)i;
			return true;
		}
	}
	return false;
}

/* flags, enum and var name a set; -1 for any other word. */
static int set_kind_find(struct word word)
{
	for (int i = SET_FLAGS; i < SET_STRUCT; i++)
		if (word_is(word, table_set_kind[i]))
			return i;
	return -1;
}

/* :NAME[:BASE] behind flags, enum or var. The base says how it travels. */
static bool parse_set(struct parser *parser, struct arg *arg, enum set_kind kind)
{
	static const char *const bases[] = {
		[SET_FLAGS] = "uint", [SET_ENUM] = "int", [SET_VAR] = "ulong"};
	const char *row = parser->row->name, *kind_name = table_set_kind[kind];
	struct word name, base = {bases[kind], strlen(bases[kind])};

	if (!scan_char(&parser->scan, ':'))
		return FAIL(parser, "%s: %s needs a name: %s:NAME", row, kind_name, kind_name);
	name = scan_name(&parser->scan);
	if (scan_char(&parser->scan, ':'))
		base = scan_name(&parser->scan);
	arg->set = table_set_find(parser->table, kind, name.at, name.length);
	if (!arg->set)
		return FAIL(parser, "%s: %s:%.*s is not declared", row, kind_name, (int)name.length,
			    name.at);
	arg->type = type_find(base.at, base.length);
	if (!arg->type || !(arg->type->uses & USE_BASE))
		return FAIL(parser, "%s: '%.*s' cannot be the base of %s:%s", row, (int)base.length,
			    base.at, kind_name, arg->set->name);
	arg->set->used = true;
	return true;
}

static bool parse_struct(struct parser *parser, struct arg *arg)
{
	struct word name = scan_name(&parser->scan);

	arg->set = table_set_find(parser->table, SET_STRUCT, name.at, name.length);
	if (!arg->set)
		return FAIL(parser, "%s: struct %.*s is not declared", parser->row->name,
			    (int)name.length, name.at);
	arg->set->used = true;
	return true;
}

/* The type itself, `word` being its first word. */
static bool parse_type(struct parser *parser, struct arg *arg, struct word word)
{
	int kind = set_kind_find(word);

	if (kind >= 0)
		return parse_set(parser, arg, (enum set_kind)kind);
	arg->type = type_find(word.at, word.length);
	if (!arg->type)
		return FAIL(parser, "%s: unknown type '%.*s'", parser->row->name, (int)word.length,
			    word.at);
	if (word_is(word, "struct"))
		return parse_struct(parser, arg);
	return true;
}

/*
 * A first word that is neither a direction nor a type: when a type and more follow, it was meant as
 * a direction, so say that.
 */
static bool unknown_first(struct parser *parser, struct word word)
{
	struct word next = scan_name(&parser->scan);
	bool more = scan_char(&parser->scan, '[') || scan_char(&parser->scan, ':') ||
		    scan_name(&parser->scan).length;
	bool follows = set_kind_find(next) >= 0 || type_find(next.at, next.length);

	return FAIL(parser, "%s: unknown %s '%.*s'", parser->row->name,
		    follows && more ? "direction" : "type", (int)word.length, word.at);
}

static bool parse_direction_and_type(struct parser *parser, struct arg *arg)
{
	struct word word = scan_name(&parser->scan);
	const char *row = parser->row->name;

	if (!word.length)
		return FAIL(parser, "%s: an argument is missing at '%s'", row, parser->scan.at);
	if (direction_find(word, &arg->direction)) {
		if (!parse_type(parser, arg, scan_name(&parser->scan)))
			return false;
		if (!(arg->type->uses & USE_POINTEE))
			return FAIL(parser, "%s: type %s takes no direction", row, arg->type->name);
		return true;
	}
	if (set_kind_find(word) < 0 && !type_find(word.at, word.length))
		return unknown_first(parser, word);
	if (!parse_type(parser, arg, word))
		return false;
	if (!(arg->type->uses & USE_VALUE))
		return FAIL(parser, "%s: type %s needs in, out or inout", row, arg->type->name);
	return true;
}

/* [N], [arg], [*arg], each with " bytes" behind it when it does not count elements. */
static bool parse_length(struct parser *parser, struct arg *arg)
{
	const char *row = parser->row->name;
	struct word word;
	bool pointed;

	if (!scan_char(&parser->scan, '[')) {
		if (arg->type->uses & USE_LENGTH && arg->direction != ARG_VALUE)
			return FAIL(parser, "%s: type %s needs a [length]", row, arg->type->name);
		return true;
	}
	if (arg->direction == ARG_VALUE)
		return FAIL(parser, "%s: a [length] stands only behind in, out or inout", row);
	pointed = scan_char(&parser->scan, '*');
	word = scan_name(&parser->scan);
	arg->length = pointed ? LENGTH_POINTED : LENGTH_ARG;
	if (!pointed && word_number(word) > 0) {
		arg->length = LENGTH_FIXED;
		arg->length_fixed = (unsigned)word_number(word);
	}
	arg->length_name = word_text(word);
	arg->length_bytes = !scan_char(&parser->scan, ']');
	if (!word.length || (arg->length_bytes && (!word_is(scan_name(&parser->scan), "bytes") ||
						   !scan_char(&parser->scan, ']'))))
		return FAIL(parser, "%s: a length is [N], [arg] or [*arg], with 'bytes' or without",
			    row);
	return true;
}

/* @N in front: the register that the argument takes, and the next ones go on from there. */
static bool parse_wanted(struct parser *parser, struct arg *arg)
{
	int number;

	if (!scan_char(&parser->scan, '@'))
		return true;
	number = word_number(scan_name(&parser->scan));
	if (number < 1 || number > TABLE_ARGS)
		return FAIL(parser, "%s: @ needs a register from 1 to 6", parser->row->name);
	arg->wanted = (unsigned)number;
	return true;
}

static bool parse_arg(struct parser *parser)
{
	struct row *row = parser->row;
	struct arg arg = {0};
	struct word name;

	if (!parse_wanted(parser, &arg) || !parse_direction_and_type(parser, &arg) ||
	    !parse_length(parser, &arg))
		return false;
	name = scan_name(&parser->scan);
	if (!name.length)
		return FAIL(parser, "%s: an argument of type %s has no name", row->name,
			    arg.type->name);
	arg.name = word_text(name);
	for (unsigned i = 0; i < row->arg_count; i++)
		if (!strcmp(row->args[i].name, arg.name))
			return FAIL(parser, "%s: two arguments are called %s", row->name, arg.name);
	if (row->arg_count + row->frame == TABLE_ARGS)
		return FAIL(parser, "%s: more than six arguments", row->name);
	row->args[row->arg_count++] = arg;
	return true;
}

/* The word frame stands first or nowhere. Is it all that the call takes? */
static bool parse_frame(struct parser *parser)
{
	struct scan saved = parser->scan;

	if (!word_is(scan_name(&parser->scan), "frame")) {
		parser->scan = saved;
		return false;
	}
	parser->row->frame = true;
	return !scan_char(&parser->scan, ',');
}

static bool parse_args(struct parser *parser)
{
	const char *row = parser->row->name;
	bool last;

	if (!scan_char(&parser->scan, '('))
		return FAIL(parser, "%s: a '(' must follow the result type", row);
	if (scan_char(&parser->scan, ')'))
		return true;
	last = parse_frame(parser);
	while (!last) {
		if (!parse_arg(parser))
			return false;
		last = !scan_char(&parser->scan, ',');
	}
	if (!scan_char(&parser->scan, ')'))
		return FAIL(parser, "%s: ',' or ')' expected at '%s'", row, parser->scan.at);
	return true;
}

static bool parse_result(struct parser *parser)
{
	struct word word = scan_name(&parser->scan);
	const struct type *type = type_find(word.at, word.length);

	if (!type || !(type->uses & USE_RESULT))
		return FAIL(parser, "%s: unknown result type '%.*s'", parser->row->name,
			    (int)word.length, word.at);
	parser->row->result = type;
	return true;
}

static bool parse_handler(struct parser *parser)
{
	struct row *row = parser->row;
	char *handler;

	if (scan_char(&parser->scan, '=')) {
		struct word word = scan_name(&parser->scan);

		row->handler = word_text(word);
		if (strncmp(row->handler, "sys_", 4) || word.length == 4)
			return FAIL(parser, "%s: a handler is called sys_NAME, not '%s'", row->name,
				    row->handler);
	} else {
		size_t length = strlen(row->name);

		handler = arena_alloc(length + 5);
		memcpy(handler, "sys_", 4);
		memcpy(handler + 4, row->name, length);
		row->handler = handler;
	}
	if (!scan_end(&parser->scan))
		return FAIL(parser, "%s: text after the prototype: '%s'", row->name,
			    parser->scan.at);
	return true;
}

/* [n] and [*n] must name an argument of the same row that can hold a length. */
static bool resolve_length(struct parser *parser, struct arg *arg)
{
	struct row *row = parser->row;
	const struct arg *length = NULL;
	bool pointer;

	if (arg->length != LENGTH_ARG && arg->length != LENGTH_POINTED)
		return true;
	for (unsigned i = 0; i < row->arg_count; i++) {
		if (!strcmp(row->args[i].name, arg->length_name)) {
			arg->length_arg = i;
			length = &row->args[i];
		}
	}
	if (!length)
		return FAIL(parser, "%s: the length of %s is '%s', which is no argument", row->name,
			    arg->name, arg->length_name);
	pointer = length->direction != ARG_VALUE;
	if (!(length->type->uses & USE_COUNT) || pointer != (arg->length == LENGTH_POINTED))
		return FAIL(parser, "%s: the length of %s is %s, which is no %s", row->name,
			    arg->name, arg->length_name,
			    arg->length == LENGTH_POINTED ? "pointer to a count" : "count");
	return true;
}

/* Registers of one ABI: in order, or as @N says; none twice, none past the sixth. */
static bool assign_registers(struct parser *parser, enum table_abi abi)
{
	struct row *row = parser->row;
	unsigned used = 0, next = 0;

	for (unsigned i = 0; i < row->arg_count; i++) {
		struct arg *arg = &row->args[i];
		unsigned count = arg_registers(arg, abi), mask;

		if (arg->wanted)
			next = arg->wanted - 1;
		mask = ((1u << count) - 1) << next;
		if (next + count > TABLE_ARGS)
			return FAIL(parser, "%s: %s lies past the sixth register of %s", row->name,
				    arg->name, table_abi_name[abi]);
		if (used & mask)
			return FAIL(parser, "%s: register %u of %s is used twice", row->name,
				    next + 1, table_abi_name[abi]);
		used |= mask;
		arg->reg[abi] = next;
		next += count;
	}
	return true;
}

/* The prototype without its numbers: everything between `enosys` and the end of the row. */
static bool parse_typed(struct parser *parser)
{
	struct row *row = parser->row;

	row->typed = true;
	if (!parse_result(parser) || !parse_args(parser) || !parse_handler(parser))
		return false;
	for (unsigned i = 0; i < row->arg_count; i++)
		if (!resolve_length(parser, &row->args[i]))
			return false;
	for (int abi = 0; abi < ABI_COUNT; abi++)
		if (row->number[abi] != TABLE_ABSENT &&
		    !assign_registers(parser, (enum table_abi)abi))
			return false;
	return true;
}

bool proto_parse(struct table *table, struct row *row, const char *text)
{
	struct parser parser = {table, row, {text}};

	row->implemented = !word_is(scan_name(&parser.scan), "enosys");
	if (row->implemented)
		parser.scan.at = text;
	else if (scan_end(&parser.scan))
		return true;
	return parse_typed(&parser);
}
