// SPDX-License-Identifier: MIT
// Identity: user, group and supplementary ids. The rules are in kern/cred.c; 16-bit ids are widened
// and narrowed here where they lie in memory, and by the table where they are arguments or results.

#include "kern/cred.h"

#include "machine/uaccess.h"
#include "sys_proto.h"
#include "vm/slab.h"

#include <asm/errno.h>
#include <linux/capability.h>

#define ID16_OVERFLOW 65534 // shown for an id that does not fit (/proc/sys/kernel/overflowuid)
#define ID16_KEEP     0xffff

static u16 id_narrow(u32 id)
{
	return id > 0xffff ? ID16_OVERFLOW : (u16)id;
}

static u32 id_widen(u16 id)
{
	return id == ID16_KEEP ? CRED_KEEP : id;
}

long sys_getuid(void)
{
	return cred_current()->c_uid;
}

long sys_geteuid(void)
{
	return cred_current()->c_euid;
}

long sys_getgid(void)
{
	return cred_current()->c_gid;
}

long sys_getegid(void)
{
	return cred_current()->c_egid;
}

long sys_setuid(u32 uid)
{
	return cred_set_uid(uid);
}

long sys_setgid(u32 gid)
{
	return cred_set_gid(gid);
}

long sys_setreuid(u32 ruid, u32 euid)
{
	return cred_set_reuid(ruid, euid);
}

long sys_setregid(u32 rgid, u32 egid)
{
	return cred_set_regid(rgid, egid);
}

long sys_setresuid(u32 ruid, u32 euid, u32 suid)
{
	return cred_set_resuid(ruid, euid, suid);
}

long sys_setresgid(u32 rgid, u32 egid, u32 sgid)
{
	return cred_set_resgid(rgid, egid, sgid);
}

long sys_setfsuid(u32 uid)
{
	return cred_set_fsuid(uid);
}

long sys_setfsgid(u32 gid)
{
	return cred_set_fsgid(gid);
}

static int put_ids(const uptr dst[3], u32 a, u32 b, u32 c)
{
	int r = put_user_u32(dst[0], a);

	if (!r)
		r = put_user_u32(dst[1], b);
	return r ? r : put_user_u32(dst[2], c);
}

static int put_ids16(const uptr dst[3], u32 a, u32 b, u32 c)
{
	const u16 ids[3] = {id_narrow(a), id_narrow(b), id_narrow(c)};
	int r = 0;

	for (u32 i = 0; i < 3 && !r; i++)
		r = copyout(dst[i], &ids[i], sizeof(ids[i]));
	return r;
}

long sys_getresuid(uptr ruid, uptr euid, uptr suid)
{
	const struct cred *c = cred_current();

	return put_ids((uptr[]){ruid, euid, suid}, c->c_uid, c->c_euid, c->c_suid);
}

long sys_getresgid(uptr rgid, uptr egid, uptr sgid)
{
	const struct cred *c = cred_current();

	return put_ids((uptr[]){rgid, egid, sgid}, c->c_gid, c->c_egid, c->c_sgid);
}

long sys_getresuid16(uptr ruid, uptr euid, uptr suid)
{
	const struct cred *c = cred_current();

	return put_ids16((uptr[]){ruid, euid, suid}, c->c_uid, c->c_euid, c->c_suid);
}

long sys_getresgid16(uptr rgid, uptr egid, uptr sgid)
{
	const struct cred *c = cred_current();

	return put_ids16((uptr[]){rgid, egid, sgid}, c->c_gid, c->c_egid, c->c_sgid);
}

// --- supplementary groups ---

// How many ids getgroups(2) is to write; n = 0 only asks.
static long groups_room(int n)
{
	u32 have = cred_current()->c_ngroups;

	return n < 0 || (n && have > (u32)n) ? -EINVAL : (long)have;
}

long sys_getgroups(int n, uptr groups)
{
	const struct cred *c = cred_current();
	long have = groups_room(n);

	if (have > 0 && n && copyout(groups, c->c_groups, (size_t)have * sizeof(u32)))
		return -EFAULT;
	return have;
}

long sys_getgroups16(int n, uptr groups)
{
	const struct cred *c = cred_current();
	long have = groups_room(n);

	for (long i = 0; n && i < have; i++) {
		u16 id = id_narrow(c->c_groups[i]);

		if (copyout(uptr_add(groups, (u64)i * sizeof(id)), &id, sizeof(id)))
			return -EFAULT;
	}
	return have;
}

// The order of Linux's checks: permission, number, memory.
static int setgroups_begin(int n, u32 **ids)
{
	if (!capable(CAP_SETGID))
		return -EPERM;
	if ((u32)n > CRED_GROUPS_MAX)
		return -EINVAL;
	*ids = NULL;
	if (n && !(*ids = kmalloc((u32)n * sizeof(u32))))
		return -ENOMEM;
	return 0;
}

long sys_setgroups(int n, uptr groups)
{
	u32 *ids;
	int r = setgroups_begin(n, &ids);

	if (r)
		return r;
	if (n && copyin(ids, groups, (u32)n * sizeof(u32)))
		r = -EFAULT;
	for (int i = 0; i < n && !r; i++)
		if (ids[i] == CRED_KEEP)
			r = -EINVAL;
	if (r) {
		kfree(ids);
		return r;
	}
	return cred_set_groups(ids, (u32)n);
}

long sys_setgroups16(int n, uptr groups)
{
	u32 *ids;
	u16 id;
	int r = setgroups_begin(n, &ids);

	for (int i = 0; i < n && !r; i++) {
		r = copyin(&id, uptr_add(groups, (u64)i * sizeof(id)), sizeof(id));
		ids[i] = id_widen(id);
		if (!r && ids[i] == CRED_KEEP)
			r = -EINVAL;
		if (r)
			kfree(ids);
	}
	return r ? r : cred_set_groups(ids, (u32)n);
}
