// SPDX-License-Identifier: MIT
/*
 * Intrusive lists. `struct list` is a circular doubly linked list whose head is a node of the same
 * type: an empty head points to itself. `struct hlist` has a head of one pointer, for hash tables
 * with many empty buckets. No locking here: the owner of the head says which lock covers it.
 */
#pragma once

#include "lib/types.h"

struct list {
	struct list *next;
	struct list *prev;
};

#define LIST_INIT(name)          \
	{                        \
		&(name), &(name) \
	}

static inline void list_init(struct list *head)
{
	head->next = head;
	head->prev = head;
}

static inline bool list_empty(const struct list *head)
{
	return head->next == head;
}

static inline void list_link_(struct list *node, struct list *prev, struct list *next)
{
	node->next = next;
	node->prev = prev;
	next->prev = node;
	prev->next = node;
}

/* Puts `node` right after `head`: first in the list (a stack), or after a given member. */
static inline void list_add(struct list *head, struct list *node)
{
	list_link_(node, head, head->next);
}

/* Puts `node` right before `head`: last in the list (a queue), or before a given member. */
static inline void list_add_tail(struct list *head, struct list *node)
{
	list_link_(node, head->prev, head);
}

/* Leaves NULL links behind, so that a use after removal faults instead of corrupting a neighbour.
 */
static inline void list_del(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	node->next = NULL;
	node->prev = NULL;
}

/* As list_del, but leaves `node` as an empty list: list_empty(node) then means "is on no list". */
static inline void list_del_init(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

static inline void list_move(struct list *head, struct list *node)
{
	list_del(node);
	list_add(head, node);
}

static inline void list_move_tail(struct list *head, struct list *node)
{
	list_del(node);
	list_add_tail(head, node);
}

static inline bool list_is_last(const struct list *head, const struct list *node)
{
	return node->next == head;
}

/* True for exactly one member. */
static inline bool list_is_single(const struct list *head)
{
	return !list_empty(head) && head->next == head->prev;
}

static inline void list_splice_between_(struct list *from, struct list *prev, struct list *next)
{
	if (list_empty(from))
		return;
	from->next->prev = prev;
	prev->next = from->next;
	from->prev->next = next;
	next->prev = from->prev;
	list_init(from);
}

/* Moves all members of `from` to the front of `head`, in order; `from` is empty afterwards. */
static inline void list_splice(struct list *head, struct list *from)
{
	list_splice_between_(from, head, head->next);
}

/* Moves all members of `from` to the end of `head`, in order; `from` is empty afterwards. */
static inline void list_splice_tail(struct list *head, struct list *from)
{
	list_splice_between_(from, head->prev, head);
}

static inline size_t list_count(const struct list *head)
{
	size_t n = 0;

	for (const struct list *p = head->next; p != head; p = p->next)
		n++;
	return n;
}

#define list_entry(ptr, type, member) container_of(ptr, type, member)

/* The list must not be empty. */
#define list_first_entry(head, type, member) list_entry((head)->next, type, member)
#define list_last_entry(head, type, member)  list_entry((head)->prev, type, member)

#define list_first_entry_or_null(head, type, member) \
	(list_empty(head) ? NULL : list_first_entry(head, type, member))

#define list_next_entry(pos, member) list_entry((pos)->member.next, __typeof__(*(pos)), member)
#define list_prev_entry(pos, member) list_entry((pos)->member.prev, __typeof__(*(pos)), member)

/* `pos` is a pointer to the entry's type; the body must not remove it (use _safe for that). */
#define list_for_each_entry(pos, head, member)                                                     \
	for (pos = list_entry((head)->next, __typeof__(*(pos)), member); &(pos)->member != (head); \
	     pos = list_next_entry(pos, member))

#define list_for_each_entry_reverse(pos, head, member)                                             \
	for (pos = list_entry((head)->prev, __typeof__(*(pos)), member); &(pos)->member != (head); \
	     pos = list_prev_entry(pos, member))

/* The body may remove `pos`, but not `tmp`, which is the next entry. */
#define list_for_each_entry_safe(pos, tmp, head, member)                 \
	for (pos = list_entry((head)->next, __typeof__(*(pos)), member), \
	    tmp = list_next_entry(pos, member);                          \
	     &(pos)->member != (head); pos = tmp, tmp = list_next_entry(tmp, member))

struct hnode {
	struct hnode *next;
	struct hnode **pprev; /* what points to this node; NULL: on no list */
};

struct hlist {
	struct hnode *first;
};

static inline void hlist_init(struct hlist *head)
{
	head->first = NULL;
}

static inline void hnode_init(struct hnode *node)
{
	node->next = NULL;
	node->pprev = NULL;
}

static inline bool hlist_empty(const struct hlist *head)
{
	return head->first == NULL;
}

static inline bool hnode_linked(const struct hnode *node)
{
	return node->pprev != NULL;
}

static inline void hlist_add(struct hlist *head, struct hnode *node)
{
	node->next = head->first;
	node->pprev = &head->first;
	if (head->first)
		head->first->pprev = &node->next;
	head->first = node;
}

/* Needs no head. Leaves the node unlinked (hnode_linked false); an unlinked node is left as it is.
 */
static inline void hlist_del(struct hnode *node)
{
	if (!node->pprev)
		return;
	*node->pprev = node->next;
	if (node->next)
		node->next->pprev = node->pprev;
	hnode_init(node);
}

#define hlist_entry_or_null_(ptr, type, member)                     \
	({                                                          \
		struct hnode *hnode_ = (ptr);                       \
		hnode_ ? container_of(hnode_, type, member) : NULL; \
	})

#define hlist_for_each_entry(pos, head, member)                                          \
	for (pos = hlist_entry_or_null_((head)->first, __typeof__(*(pos)), member); pos; \
	     pos = hlist_entry_or_null_((pos)->member.next, __typeof__(*(pos)), member))

/* `tmp` is a struct hnode pointer; the body may remove `pos`. */
#define hlist_for_each_entry_safe(pos, tmp, head, member)                           \
	for (pos = hlist_entry_or_null_((head)->first, __typeof__(*(pos)), member); \
	     pos && (tmp = (pos)->member.next, 1);                                  \
	     pos = hlist_entry_or_null_(tmp, __typeof__(*(pos)), member))
