// SPDX-License-Identifier: MIT
/*
 * Intrusive red-black trees. The caller walks down itself (so the comparison is inlined) and hands
 * the place to rb_insert_at. The root caches the leftmost node, for timers and run queues. An
 * augmented tree keeps a summary of each subtree in its top node (the VMA gap search): one callback
 * recomputes a node's summary from the node and its two children, and the tree calls it bottom up
 * wherever links changed. A tree is either always or never changed through the _aug functions.
 */
#pragma once

#include "lib/types.h"

struct rb_node {
	uintptr_t parent_color; /* parent pointer; bit 0: black */
	struct rb_node *left;
	struct rb_node *right;
};

struct rb_root {
	struct rb_node *node;  /* the top, NULL when empty */
	struct rb_node *first; /* the leftmost node, NULL when empty */
};

#define RB_ROOT_INIT       \
	{                  \
		NULL, NULL \
	}

/* Recomputes node's summary from itself, node->left and node->right; true when the value changed.
 */
typedef bool (*rb_augment_fn)(struct rb_node *node);

static inline void rb_root_init(struct rb_root *root)
{
	root->node = NULL;
	root->first = NULL;
}

static inline bool rb_empty(const struct rb_root *root)
{
	return root->node == NULL;
}

/* Marks a node that is in no tree; rb_erase does the same. Only needed by users of rb_linked. */
static inline void rb_clear(struct rb_node *node)
{
	node->parent_color = (uintptr_t)node;
}

static inline bool rb_linked(const struct rb_node *node)
{
	return node->parent_color != (uintptr_t)node;
}

static inline struct rb_node *rb_parent(const struct rb_node *node)
{
	return (struct rb_node *)(node->parent_color & ~(uintptr_t)1);
}

static inline struct rb_node *rb_first(const struct rb_root *root)
{
	return root->first;
}

struct rb_node *rb_last(const struct rb_root *root);
/* In key order; NULL at the end. */
struct rb_node *rb_next(const struct rb_node *node);
struct rb_node *rb_prev(const struct rb_node *node);

/*
 * Links `node` at the empty place `*link` below `parent` (NULL parent: link is &root->node) and
 *rebalances: struct rb_node **link = &root->node, *parent = NULL; while (*link) { parent = *link;
 *		link = key < key_of(parent) ? &parent->left : &parent->right;
 *	}
 *	rb_insert_at(root, node, parent, link);
 */
void rb_insert_at(struct rb_root *root, struct rb_node *node, struct rb_node *parent,
		  struct rb_node **link);
void rb_erase(struct rb_root *root, struct rb_node *node);

/* Puts `node` where `old` is; the keys must order alike. For an augmented tree call rb_augment_up
 * after. */
void rb_replace(struct rb_root *root, struct rb_node *old, struct rb_node *node);

void rb_insert_at_aug(struct rb_root *root, struct rb_node *node, struct rb_node *parent,
		      struct rb_node **link, rb_augment_fn augment);
void rb_erase_aug(struct rb_root *root, struct rb_node *node, rb_augment_fn augment);
/* After a member's own value changed in place: recomputes it and its ancestors until one stays
 * equal. */
void rb_augment_up(struct rb_node *node, rb_augment_fn augment);

#define rb_entry(ptr, type, member) container_of(ptr, type, member)

#define rb_entry_or_null(ptr, type, member)                         \
	({                                                          \
		struct rb_node *rb_node_ = (ptr);                   \
		rb_node_ ? rb_entry(rb_node_, type, member) : NULL; \
	})

/* In key order; the body must not erase `pos`. */
#define rb_for_each_entry(pos, root, member)                                          \
	for (pos = rb_entry_or_null(rb_first(root), __typeof__(*(pos)), member); pos; \
	     pos = rb_entry_or_null(rb_next(&(pos)->member), __typeof__(*(pos)), member))
