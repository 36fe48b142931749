// SPDX-License-Identifier: MIT
/*
 * lib/list.h: order of members after each operation, splices, removal while walking.
 */
#include "test/unit/unit.h"

#include "lib/list.h"

struct item {
	int value;
	struct list link;
	struct hnode hash;
};

static void expect(struct list *head, const char *want)
{
	struct item *it;
	char got[64] = "", back[64] = "";
	size_t n = 0;

	list_for_each_entry (it, head, link) {
		got[n++] = (char)('a' + it->value);
		assert_true(n < sizeof(got));
	}
	assert_string_equal(got, want);
	assert_int_equal(list_count(head), n);
	list_for_each_entry_reverse(it, head, link) back[--n] = (char)('a' + it->value);
	assert_string_equal(back, want);
}

static void fill(struct item *items, int n)
{
	for (int i = 0; i < n; i++)
		items[i].value = i;
}

static void test_order(void **state)
{
	struct item it[4], *p, *tmp;
	struct list head = LIST_INIT(head);

	(void)state;
	fill(it, 4);
	assert_true(list_empty(&head));
	assert_null(list_first_entry_or_null(&head, struct item, link));
	list_add(&head, &it[0].link);
	assert_true(list_is_single(&head));
	list_add(&head, &it[1].link);
	list_add_tail(&head, &it[2].link);
	list_add_tail(&it[0].link, &it[3].link);
	expect(&head, "bdac");
	assert_false(list_is_single(&head));
	assert_true(list_is_last(&head, &it[2].link));
	assert_ptr_equal(list_first_entry(&head, struct item, link), &it[1]);
	assert_ptr_equal(list_last_entry(&head, struct item, link), &it[2]);
	list_move(&head, &it[0].link);
	expect(&head, "abdc");
	list_move_tail(&head, &it[1].link);
	expect(&head, "adcb");
	list_del(&it[3].link);
	assert_null(it[3].link.next);
	expect(&head, "acb");
	list_del_init(&it[0].link);
	assert_true(list_empty(&it[0].link));
	list_for_each_entry_safe (p, tmp, &head, link)
		list_del(&p->link);
	assert_true(list_empty(&head));
}

static void test_splice(void **state)
{
	struct item it[6];
	struct list a, b;

	(void)state;
	fill(it, 6);
	list_init(&a);
	list_init(&b);
	for (int i = 0; i < 3; i++)
		list_add_tail(&a, &it[i].link);
	list_splice(&a, &b);
	list_splice_tail(&a, &b);
	expect(&a, "abc");
	for (int i = 3; i < 5; i++)
		list_add_tail(&b, &it[i].link);
	list_splice(&a, &b);
	assert_true(list_empty(&b));
	expect(&a, "deabc");
	list_add(&b, &it[5].link);
	list_splice_tail(&a, &b);
	expect(&a, "deabcf");
	list_splice(&b, &a);
	expect(&b, "deabcf");
	expect(&a, "");
}

static void test_hlist(void **state)
{
	struct item it[5], *p;
	struct hnode *tmp;
	struct hlist head;
	int sum = 0;

	(void)state;
	fill(it, 5);
	hlist_init(&head);
	assert_true(hlist_empty(&head));
	for (int i = 0; i < 5; i++) {
		hnode_init(&it[i].hash);
		assert_false(hnode_linked(&it[i].hash));
		hlist_add(&head, &it[i].hash);
		assert_true(hnode_linked(&it[i].hash));
	}
	hlist_del(&it[4].hash); /* first */
	hlist_del(&it[0].hash); /* last */
	hlist_del(&it[2].hash); /* middle */
	hlist_del(&it[2].hash); /* again: nothing */
	hlist_for_each_entry (p, &head, hash)
		sum = sum * 10 + p->value;
	assert_int_equal(sum, 31);
	hlist_for_each_entry_safe(p, tmp, &head, hash) hlist_del(&p->hash);
	assert_true(hlist_empty(&head));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_splice),
		cmocka_unit_test(test_hlist),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
