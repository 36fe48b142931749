// SPDX-License-Identifier: MIT
// Credentials and the set*id rules of credentials(7) and capabilities(7), "Effect of user ID
// changes on capabilities". An object never changes once a task holds it: each call copies, judges,
// changes the copy, and commits it.

#include "kern/cred.h"

#include "lib/string.h"
#include "machine/cpu.h"
#include "vm/slab.h"

#include <asm/errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>

#define CAPS_ALL (BIT(CAP_LAST_CAP + 1) - 1)
// What a change of the file-system user id takes and gives.
#define CAPS_FS                                                                                \
	(BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_FOWNER) | \
	 BIT(CAP_FSETID) | BIT(CAP_LINUX_IMMUTABLE) | BIT(CAP_MKNOD) | BIT(CAP_MAC_OVERRIDE))

static struct slab_cache cred_cache = SLAB_CACHE(cred_cache, "cred", struct cred);

struct cred init_cred = {
	.c_ref = {1}, // never given back
	.c_cap_effective = CAPS_ALL,
	.c_cap_permitted = CAPS_ALL,
	.c_cap_bounding = CAPS_ALL,
};

const struct cred *cred_current(void)
{
	return current->t_cred;
}

bool capable(int cap)
{
	return current->t_cred->c_cap_effective >> cap & 1;
}

struct cred *cred_copy(const struct cred *c)
{
	struct cred *n = slab_alloc(&cred_cache);

	if (!n)
		return NULL;
	*n = *c;
	ref_init(&n->c_ref);
	if (c->c_ngroups) {
		n->c_groups = kmalloc(c->c_ngroups * sizeof(u32));
		if (!n->c_groups) {
			slab_free(&cred_cache, n);
			return NULL;
		}
		memcpy(n->c_groups, c->c_groups, c->c_ngroups * sizeof(u32));
	}
	return n;
}

void cred_put(struct cred *c)
{
	if (!c || !ref_put(&c->c_ref))
		return;
	kfree(c->c_groups);
	slab_free(&cred_cache, c);
}

struct cred *cred_get_task(struct task *t)
{
	struct cred *c;

	spin_lock(&tasklist_lock);
	c = cred_get(t->t_cred);
	spin_unlock(&tasklist_lock);
	return c;
}

// A process that changed its identity is not to be dumped or traced by its former equals, and its
// parent's death is not its business any more (prctl(2), PR_SET_DUMPABLE and PR_SET_PDEATHSIG).
static void identity_changed(struct task *t)
{
	t->t_dumpable = 0;
	t->t_pdeathsig = 0;
}

void cred_commit(struct cred *c)
{
	struct task *t = current;
	struct cred *old = t->t_cred;

	if (old->c_euid != c->c_euid || old->c_egid != c->c_egid || old->c_fsuid != c->c_fsuid ||
	    old->c_fsgid != c->c_fsgid || (c->c_cap_permitted & ~old->c_cap_permitted))
		identity_changed(t);
	spin_lock(&tasklist_lock);
	t->t_cred = c;
	spin_unlock(&tasklist_lock);
	cred_put(old);
}

bool cred_same_user(struct task *t)
{
	const struct cred *me = cred_current(), *other;
	bool same;

	spin_lock(&tasklist_lock);
	other = t->t_cred;
	same = me->c_euid == other->c_euid || me->c_euid == other->c_uid;
	spin_unlock(&tasklist_lock);
	return same;
}

static bool inspect_ids_ok(const struct cred *me, const struct cred *other)
{
	return me->c_uid == other->c_uid && me->c_uid == other->c_euid &&
	       me->c_uid == other->c_suid && me->c_gid == other->c_gid &&
	       me->c_gid == other->c_egid && me->c_gid == other->c_sgid;
}

bool cred_may_inspect(struct task *t)
{
	const struct cred *me = cred_current();
	bool ok;

	if (t->t_proc == current->t_proc || capable(CAP_SYS_PTRACE))
		return true;
	spin_lock(&tasklist_lock);
	ok = inspect_ids_ok(me, t->t_cred) && t->t_dumpable == 1 &&
	     !(t->t_cred->c_cap_permitted & ~me->c_cap_permitted);
	spin_unlock(&tasklist_lock);
	return ok;
}

// --- capabilities that follow the user ids ---

static bool any_root(const struct cred *c)
{
	return !c->c_uid || !c->c_euid || !c->c_suid;
}

static void caps_follow_uids(struct cred *c, const struct cred *old)
{
	if (any_root(old) && !any_root(c)) {
		if (!(c->c_securebits & SECBIT_KEEP_CAPS))
			c->c_cap_permitted = c->c_cap_effective = 0;
		c->c_cap_ambient = 0;
	}
	if (!old->c_euid && c->c_euid)
		c->c_cap_effective = 0;
	if (old->c_euid && !c->c_euid)
		c->c_cap_effective = c->c_cap_permitted;
}

static void caps_follow_fsuid(struct cred *c, const struct cred *old)
{
	if (!old->c_fsuid && c->c_fsuid)
		c->c_cap_effective &= ~CAPS_FS;
	if (old->c_fsuid && !c->c_fsuid)
		c->c_cap_effective |= c->c_cap_permitted & CAPS_FS;
}

static int commit_uids(struct cred *c)
{
	c->c_fsuid = c->c_euid;
	caps_follow_uids(c, cred_current());
	cred_commit(c);
	return 0;
}

static int commit_gids(struct cred *c)
{
	c->c_fsgid = c->c_egid;
	cred_commit(c);
	return 0;
}

// --- user ids ---

int cred_set_uid(u32 uid)
{
	const struct cred *old = cred_current();
	bool all = capable(CAP_SETUID);
	struct cred *c;

	if (uid == CRED_KEEP)
		return -EINVAL;
	if (!all && uid != old->c_uid && uid != old->c_suid)
		return -EPERM;
	c = cred_copy(old);
	if (!c)
		return -ENOMEM;
	if (all)
		c->c_uid = c->c_suid = uid;
	c->c_euid = uid;
	return commit_uids(c);
}

int cred_set_reuid(u32 ruid, u32 euid)
{
	const struct cred *old = cred_current();
	bool all = capable(CAP_SETUID);
	struct cred *c;

	if (!all && ruid != CRED_KEEP && ruid != old->c_uid && ruid != old->c_euid)
		return -EPERM;
	if (!all && euid != CRED_KEEP && euid != old->c_uid && euid != old->c_euid &&
	    euid != old->c_suid)
		return -EPERM;
	c = cred_copy(old);
	if (!c)
		return -ENOMEM;
	if (ruid != CRED_KEEP)
		c->c_uid = ruid;
	if (euid != CRED_KEEP)
		c->c_euid = euid;
	// setreuid(2): the saved id follows when the real one is set, or the effective one to
	// another than it was.
	if (ruid != CRED_KEEP || (euid != CRED_KEEP && euid != old->c_uid))
		c->c_suid = c->c_euid;
	return commit_uids(c);
}

static bool uid_is_mine(const struct cred *c, u32 id)
{
	return id == CRED_KEEP || id == c->c_uid || id == c->c_euid || id == c->c_suid;
}

int cred_set_resuid(u32 ruid, u32 euid, u32 suid)
{
	const struct cred *old = cred_current();
	struct cred *c;

	if (!capable(CAP_SETUID) &&
	    !(uid_is_mine(old, ruid) && uid_is_mine(old, euid) && uid_is_mine(old, suid)))
		return -EPERM;
	c = cred_copy(old);
	if (!c)
		return -ENOMEM;
	if (ruid != CRED_KEEP)
		c->c_uid = ruid;
	if (euid != CRED_KEEP)
		c->c_euid = euid;
	if (suid != CRED_KEEP)
		c->c_suid = suid;
	return commit_uids(c);
}

u32 cred_set_fsuid(u32 uid)
{
	const struct cred *now = cred_current();
	u32 old = now->c_fsuid;
	struct cred *c;

	if (uid == CRED_KEEP || uid == old)
		return old;
	if (!uid_is_mine(now, uid) && !capable(CAP_SETUID))
		return old;
	c = cred_copy(now);
	if (!c)
		return old;
	c->c_fsuid = uid;
	caps_follow_fsuid(c, now);
	cred_commit(c);
	return old;
}

// --- group ids: the same rules without capabilities behind them ---

int cred_set_gid(u32 gid)
{
	const struct cred *old = cred_current();
	bool all = capable(CAP_SETGID);
	struct cred *c;

	if (gid == CRED_KEEP)
		return -EINVAL;
	if (!all && gid != old->c_gid && gid != old->c_sgid)
		return -EPERM;
	c = cred_copy(old);
	if (!c)
		return -ENOMEM;
	if (all)
		c->c_gid = c->c_sgid = gid;
	c->c_egid = gid;
	return commit_gids(c);
}

int cred_set_regid(u32 rgid, u32 egid)
{
	const struct cred *old = cred_current();
	bool all = capable(CAP_SETGID);
	struct cred *c;

	if (!all && rgid != CRED_KEEP && rgid != old->c_gid && rgid != old->c_egid)
		return -EPERM;
	if (!all && egid != CRED_KEEP && egid != old->c_gid && egid != old->c_egid &&
	    egid != old->c_sgid)
		return -EPERM;
	c = cred_copy(old);
	if (!c)
		return -ENOMEM;
	if (rgid != CRED_KEEP)
		c->c_gid = rgid;
	if (egid != CRED_KEEP)
		c->c_egid = egid;
	if (rgid != CRED_KEEP || (egid != CRED_KEEP && egid != old->c_gid))
		c->c_sgid = c->c_egid;
	return commit_gids(c);
}

static bool gid_is_mine(const struct cred *c, u32 id)
{
	return id == CRED_KEEP || id == c->c_gid || id == c->c_egid || id == c->c_sgid;
}

int cred_set_resgid(u32 rgid, u32 egid, u32 sgid)
{
	const struct cred *old = cred_current();
	struct cred *c;

	if (!capable(CAP_SETGID) &&
	    !(gid_is_mine(old, rgid) && gid_is_mine(old, egid) && gid_is_mine(old, sgid)))
		return -EPERM;
	c = cred_copy(old);
	if (!c)
		return -ENOMEM;
	if (rgid != CRED_KEEP)
		c->c_gid = rgid;
	if (egid != CRED_KEEP)
		c->c_egid = egid;
	if (sgid != CRED_KEEP)
		c->c_sgid = sgid;
	return commit_gids(c);
}

u32 cred_set_fsgid(u32 gid)
{
	const struct cred *now = cred_current();
	u32 old = now->c_fsgid;
	struct cred *c;

	if (gid == CRED_KEEP || gid == old)
		return old;
	if (!gid_is_mine(now, gid) && !capable(CAP_SETGID))
		return old;
	c = cred_copy(now);
	if (!c)
		return old;
	c->c_fsgid = gid;
	cred_commit(c);
	return old;
}

// --- supplementary groups ---

// Heap sort: no recursion, no worst case that 65,536 hostile numbers could reach.
static void sift_down(u32 *a, u32 root, u32 n)
{
	for (u32 child; (child = 2 * root + 1) < n; root = child) {
		u32 v = a[root];

		if (child + 1 < n && a[child + 1] > a[child])
			child++;
		if (v >= a[child])
			return;
		a[root] = a[child];
		a[child] = v;
	}
}

static void sort_ids(u32 *a, u32 n)
{
	for (u32 i = n / 2; i-- > 0;)
		sift_down(a, i, n);
	for (u32 end = n; end-- > 1;) {
		u32 v = a[0];

		a[0] = a[end];
		a[end] = v;
		sift_down(a, 0, end);
	}
}

int cred_set_groups(u32 *groups, u32 n)
{
	struct cred *c;
	int r = capable(CAP_SETGID) ? 0 : -EPERM;

	c = r ? NULL : cred_copy(cred_current());
	if (!c) {
		kfree(groups);
		return r ? r : -ENOMEM;
	}
	sort_ids(groups, n);
	kfree(c->c_groups);
	c->c_groups = groups;
	c->c_ngroups = n;
	cred_commit(c);
	return 0;
}

int cred_set_keepcaps(bool keep)
{
	struct cred *c;

	if (cred_current()->c_securebits & SECBIT_KEEP_CAPS_LOCKED)
		return -EPERM;
	c = cred_copy(cred_current());
	if (!c)
		return -ENOMEM;
	c->c_securebits &= ~(u32)SECBIT_KEEP_CAPS;
	if (keep)
		c->c_securebits |= SECBIT_KEEP_CAPS;
	cred_commit(c);
	return 0;
}
