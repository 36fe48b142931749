// SPDX-License-Identifier: MIT
/*
 * lib/rbtree.c: random insertions and removals; after each one the whole tree's invariants and, in
 * the augmented run, the summary of every node are recomputed from scratch and compared.
 */
#include "test/unit/unit.h"

#include "lib/rbtree.h"

#define N 300

struct item {
	struct rb_node node;
	u32 key;
	u32 weight;
	u32 max_weight; /* of the subtree */
	bool in;
};

static struct item items[N];

static struct item *item_of(struct rb_node *n)
{
	return container_of(n, struct item, node);
}

static u32 computed_max(const struct rb_node *n)
{
	u32 max = container_of(n, struct item, node)->weight;

	if (n->left)
		max = MAX(max, item_of(n->left)->max_weight);
	if (n->right)
		max = MAX(max, item_of(n->right)->max_weight);
	return max;
}

static bool augment(struct rb_node *n)
{
	u32 max = computed_max(n);
	bool changed = item_of(n)->max_weight != max;

	item_of(n)->max_weight = max;
	return changed;
}

/* Returns the black height. */
static int check_node(struct rb_node *n, struct rb_node *parent, bool aug, size_t *count)
{
	int left, right;
	bool red;

	if (!n)
		return 0;
	red = !(n->parent_color & 1);
	assert_ptr_equal(rb_parent(n), parent);
	if (!parent)
		assert_false(red);
	else if (red)
		assert_true(parent->parent_color & 1);
	left = check_node(n->left, n, aug, count);
	right = check_node(n->right, n, aug, count);
	assert_int_equal(left, right);
	if (aug)
		assert_int_equal(item_of(n)->max_weight, computed_max(n));
	(*count)++;
	return left + !red;
}

static void check_tree(struct rb_root *root, size_t want, bool aug)
{
	struct item *it, *prev = NULL;
	struct rb_node *first = root->node;
	size_t count = 0, walked = 0;

	check_node(root->node, NULL, aug, &count);
	assert_int_equal(count, want);
	while (first && first->left)
		first = first->left;
	assert_ptr_equal(rb_first(root), first);
	rb_for_each_entry (it, root, node) {
		assert_true(it->in);
		if (prev) {
			assert_true(prev->key <= it->key);
			assert_ptr_equal(rb_prev(&it->node), &prev->node);
		}
		prev = it;
		walked++;
	}
	assert_int_equal(walked, want);
	assert_ptr_equal(rb_last(root), prev ? &prev->node : NULL);
}

static void insert(struct rb_root *root, struct item *it, bool aug)
{
	struct rb_node **link = &root->node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = it->key < item_of(parent)->key ? &parent->left : &parent->right;
	}
	if (aug)
		rb_insert_at_aug(root, &it->node, parent, link, augment);
	else
		rb_insert_at(root, &it->node, parent, link);
	it->in = true;
}

static void erase(struct rb_root *root, struct item *it, bool aug)
{
	assert_true(rb_linked(&it->node));
	if (aug)
		rb_erase_aug(root, &it->node, augment);
	else
		rb_erase(root, &it->node);
	assert_false(rb_linked(&it->node));
	it->in = false;
}

static void run_random(bool aug, u32 key_range, u64 seed)
{
	struct unit_rng rng = {seed};
	struct rb_root root = RB_ROOT_INIT;
	size_t count = 0;

	memset(items, 0, sizeof(items));
	for (int step = 0; step < 6000; step++) {
		struct item *it = &items[unit_below(&rng, N)];

		if (it->in) {
			erase(&root, it, aug);
			count--;
		} else {
			it->key = unit_below(&rng, key_range);
			it->weight = unit_below(&rng, 1000);
			it->max_weight = unit_below(&rng, 1000); /* stale, on purpose */
			insert(&root, it, aug);
			count++;
		}
		if (aug && it->in && step % 3 == 0) {
			it->weight = unit_below(&rng, 1000);
			rb_augment_up(&it->node, augment);
		}
		check_tree(&root, count, aug);
	}
	for (int i = 0; i < N; i++) {
		if (!items[i].in)
			continue;
		erase(&root, &items[i], aug);
		check_tree(&root, --count, aug);
	}
	assert_true(rb_empty(&root));
}

static void test_random(void **state)
{
	(void)state;
	run_random(false, 1u << 31, 1);
	run_random(false, 20, 2); /* many equal keys */
}

static void test_augmented(void **state)
{
	(void)state;
	run_random(true, 1u << 31, 3);
	run_random(true, 50, 4);
}

static void test_ascending(void **state)
{
	struct rb_root root;

	(void)state;
	memset(items, 0, sizeof(items));
	rb_root_init(&root);
	for (u32 i = 0; i < N; i++) {
		items[i].key = i;
		insert(&root, &items[i], false);
		check_tree(&root, i + 1, false);
	}
	for (u32 i = 0; i < N; i++) {
		assert_ptr_equal(rb_first(&root), &items[i].node);
		erase(&root, &items[i], false);
		check_tree(&root, N - 1 - i, false);
	}
}

static void test_replace(void **state)
{
	struct rb_root root = RB_ROOT_INIT;
	struct item other[20];

	(void)state;
	memset(items, 0, sizeof(items));
	for (u32 i = 0; i < 20; i++) {
		items[i].key = i;
		insert(&root, &items[i], false);
	}
	for (u32 i = 0; i < 20; i++) {
		other[i] = items[i];
		rb_replace(&root, &items[i].node, &other[i].node);
		items[i].in = false;
		check_tree(&root, 20, false);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_augmented),
		cmocka_unit_test(test_ascending),
		cmocka_unit_test(test_replace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
