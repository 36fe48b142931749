// SPDX-License-Identifier: MIT
/*
 * Red-black trees. Always true between calls: the top is black; a red node has black children; each
 * way from the top down to an empty place passes equally many black nodes; root->first is the
 * leftmost node. An absent child counts as black.
 */
#include "lib/rbtree.h"

#define RB_BLACK 1u

static bool rb_is_red(const struct rb_node *node)
{
	return node && !(node->parent_color & RB_BLACK);
}

static void rb_set_parent(struct rb_node *node, struct rb_node *parent)
{
	node->parent_color = (uintptr_t)parent | (node->parent_color & RB_BLACK);
}

static void rb_set_black(struct rb_node *node)
{
	node->parent_color |= RB_BLACK;
}

static void rb_set_red(struct rb_node *node)
{
	node->parent_color &= ~(uintptr_t)RB_BLACK;
}

static void rb_copy_color(struct rb_node *node, const struct rb_node *from)
{
	node->parent_color = (node->parent_color & ~(uintptr_t)RB_BLACK) |
			     (from->parent_color & RB_BLACK);
}

/* Makes what pointed to `old` (its parent or the root) point to `node`; touches neither node. */
static void rb_relink(struct rb_root *root, struct rb_node *parent, struct rb_node *old,
		      struct rb_node *node)
{
	if (!parent)
		root->node = node;
	else if (parent->left == old)
		parent->left = node;
	else
		parent->right = node;
}

/*
 * Turns `top` down to the left (its right child comes up) or to the right. The set of nodes below
 * the place stays the same, so only the two summaries change, the lower one first; those above stay
 * valid.
 */
static void rb_rotate(struct rb_root *root, struct rb_node *top, bool left, rb_augment_fn augment)
{
	struct rb_node *up = left ? top->right : top->left;
	struct rb_node *inner = left ? up->left : up->right;
	struct rb_node *parent = rb_parent(top);

	if (left) {
		top->right = inner;
		up->left = top;
	} else {
		top->left = inner;
		up->right = top;
	}
	if (inner)
		rb_set_parent(inner, top);
	rb_relink(root, parent, top, up);
	rb_set_parent(up, parent);
	rb_set_parent(top, up);
	if (augment) {
		augment(top);
		augment(up);
	}
}

void rb_augment_up(struct rb_node *node, rb_augment_fn augment)
{
	while (node && augment(node))
		node = rb_parent(node);
}

/* `node` is red; its parent may be red too. Moves the fault upwards or ends it with at most two
 * rotations. */
static void rb_insert_fix(struct rb_root *root, struct rb_node *node, rb_augment_fn augment)
{
	struct rb_node *parent;

	while (rb_is_red(parent = rb_parent(node))) {
		struct rb_node *grand = rb_parent(parent); /* exists: a red node is never the top */
		bool is_left = parent == grand->left;
		struct rb_node *uncle = is_left ? grand->right : grand->left;

		if (rb_is_red(uncle)) {
			rb_set_black(uncle);
			rb_set_black(parent);
			rb_set_red(grand);
			node = grand;
			continue;
		}
		if (node == (is_left ? parent->right : parent->left)) {
			/* An inner grandchild: turn it to the outside first. */
			rb_rotate(root, parent, is_left, augment);
			parent = node;
		}
		rb_set_black(parent);
		rb_set_red(grand);
		rb_rotate(root, grand, !is_left, augment);
		break;
	}
	rb_set_black(root->node);
}

void rb_insert_at_aug(struct rb_root *root, struct rb_node *node, struct rb_node *parent,
		      struct rb_node **link, rb_augment_fn augment)
{
	node->parent_color = (uintptr_t)parent; /* red */
	node->left = NULL;
	node->right = NULL;
	*link = node;
	if (!parent || (parent == root->first && link == &parent->left))
		root->first = node;
	if (augment) {
		/* The new node's old summary means nothing: its "unchanged" may not end the walk.
		 */
		augment(node);
		rb_augment_up(parent, augment);
	}
	rb_insert_fix(root, node, augment);
}

void rb_insert_at(struct rb_root *root, struct rb_node *node, struct rb_node *parent,
		  struct rb_node **link)
{
	rb_insert_at_aug(root, node, parent, link, NULL);
}

/*
 * The place `node` (maybe NULL) below `parent` lacks one black. Either the sibling's side gives one
 * away, which moves the lack upwards, or rotations repair it for good.
 */
static void rb_erase_fix(struct rb_root *root, struct rb_node *node, struct rb_node *parent,
			 rb_augment_fn augment)
{
	while (parent && !rb_is_red(node)) {
		bool is_left = node == parent->left;
		struct rb_node *sib = is_left ? parent->right : parent->left;
		struct rb_node *inner, *outer;

		/* The sibling exists: its side has at least one black more than ours. */
		if (rb_is_red(sib)) {
			rb_set_black(sib);
			rb_set_red(parent);
			rb_rotate(root, parent, is_left, augment);
			sib = is_left ? parent->right : parent->left;
		}
		inner = is_left ? sib->left : sib->right;
		outer = is_left ? sib->right : sib->left;
		if (!rb_is_red(inner) && !rb_is_red(outer)) {
			rb_set_red(sib);
			node = parent;
			parent = rb_parent(node);
			continue;
		}
		if (!rb_is_red(outer)) {
			rb_set_black(inner);
			rb_set_red(sib);
			rb_rotate(root, sib, !is_left, augment);
			outer = sib;
			sib = inner;
		}
		rb_copy_color(sib, parent);
		rb_set_black(parent);
		rb_set_black(outer);
		rb_rotate(root, parent, is_left, augment);
		return;
	}
	if (node)
		rb_set_black(node);
}

/*
 * Unlinks a node that has two children by putting its successor, which has no left child, in its
 * place with its colour. Gives the child that went up and its parent: where a black node may now be
 * missing; true when it was black.
 */
static bool rb_unlink_full(struct rb_root *root, struct rb_node *node, struct rb_node **child,
			   struct rb_node **child_parent)
{
	struct rb_node *next = rb_next(node);
	struct rb_node *parent = rb_parent(next);
	bool was_black = !rb_is_red(next);

	*child = next->right;
	if (parent == node) {
		parent = next;
	} else {
		parent->left = next->right;
		if (next->right)
			rb_set_parent(next->right, parent);
		next->right = node->right;
		rb_set_parent(next->right, next);
	}
	*child_parent = parent;
	next->left = node->left;
	rb_set_parent(next->left, next);
	rb_relink(root, rb_parent(node), node, next);
	next->parent_color = node->parent_color;
	return was_black;
}

void rb_erase_aug(struct rb_root *root, struct rb_node *node, rb_augment_fn augment)
{
	struct rb_node *child, *parent, *moved = NULL;
	bool was_black;

	if (root->first == node)
		root->first = rb_next(node);
	if (node->left && node->right) {
		moved = rb_next(node);
		was_black = rb_unlink_full(root, node, &child, &parent);
	} else {
		child = node->left ? node->left : node->right;
		parent = rb_parent(node);
		was_black = !rb_is_red(node);
		rb_relink(root, parent, node, child);
		if (child)
			rb_set_parent(child, parent);
	}
	if (augment) {
		rb_augment_up(parent, augment);
		/* The successor's summary was that of another place, so "unchanged" could stop the
		 * walk there. */
		if (moved) {
			augment(moved);
			rb_augment_up(rb_parent(moved), augment);
		}
	}
	if (was_black)
		rb_erase_fix(root, child, parent, augment);
	rb_clear(node);
}

void rb_erase(struct rb_root *root, struct rb_node *node)
{
	rb_erase_aug(root, node, NULL);
}

void rb_replace(struct rb_root *root, struct rb_node *old, struct rb_node *node)
{
	*node = *old;
	rb_relink(root, rb_parent(old), old, node);
	if (node->left)
		rb_set_parent(node->left, node);
	if (node->right)
		rb_set_parent(node->right, node);
	if (root->first == old)
		root->first = node;
	rb_clear(old);
}

struct rb_node *rb_last(const struct rb_root *root)
{
	struct rb_node *node = root->node;

	while (node && node->right)
		node = node->right;
	return node;
}

struct rb_node *rb_next(const struct rb_node *node)
{
	struct rb_node *parent;

	if (node->right) {
		node = node->right;
		while (node->left)
			node = node->left;
		return (struct rb_node *)node;
	}
	/* Up until the way came from a left child. */
	while ((parent = rb_parent(node)) && node == parent->right)
		node = parent;
	return parent;
}

struct rb_node *rb_prev(const struct rb_node *node)
{
	struct rb_node *parent;

	if (node->left) {
		node = node->left;
		while (node->right)
			node = node->right;
		return (struct rb_node *)node;
	}
	while ((parent = rb_parent(node)) && node == parent->left)
		node = parent;
	return parent;
}
