// SPDX-License-Identifier: MIT
// The memory calls: what user space passes is decoded here, the work is vm/'s. Errnos and their
// order are Linux's.
#include "vm/mm.h"
#include "abi/layout.h"
#include "kern/files.h"
#include "kern/task.h"
#include "machine/uaccess.h"
#include "sys_proto.h"

#include <asm-generic/errno.h>
#include <linux/mman.h>

static long mmap_pages(uptr addr, size_t len, unsigned long prot, unsigned long flags, int fd,
		       u64 pgoff)
{
	struct map_request rq = {
		.mm = current->t_mm,
		.addr = addr.va,
		.len = len,
		.pgoff = pgoff,
		.prot = (u32)prot,
		.flags = (u32)flags,
		.limit_32bit = abi_is_32bit_map(),
	};
	struct fdref ref;
	long r;

	if (flags & MAP_ANONYMOUS) {
		// There is no pool of huge pages, as on a Linux that reserved none.
		if (flags & MAP_HUGETLB)
			return -ENOMEM;
		rq.pgoff = 0;
		return mm_map(&rq);
	}
	ref = fd_get(fd);
	if (!ref.file)
		return -EBADF;
	rq.file = ref.file;
	r = flags & MAP_HUGETLB ? -EINVAL : mm_map(&rq);
	fd_put(ref);
	return r;
}

long sys_mmap(uptr addr, size_t len, unsigned long prot, unsigned long flags, int fd,
	      unsigned long offset)
{
	if (!IS_ALIGNED(offset, PAGE_SIZE))
		return -EINVAL;
	return mmap_pages(addr, len, prot, flags, fd, offset >> PAGE_SHIFT);
}

// i386: the offset counts pages, so that 32 bits reach 16 TiB.
long sys_mmap2(uptr addr, size_t len, unsigned long prot, unsigned long flags, int fd,
	       unsigned long pgoff)
{
	return mmap_pages(addr, len, prot, flags, fd, pgoff);
}

// i386's first mmap: all six arguments in memory, as 32-bit words.
long sys_old_mmap(uptr args)
{
	struct {
		u32 addr, len, prot, flags, fd, offset;
	} a;

	if (copyin(&a, args, sizeof(a)))
		return -EFAULT;
	return sys_mmap(UPTR(a.addr), a.len, a.prot, a.flags, (int)a.fd, a.offset);
}

long sys_munmap(uptr addr, size_t len)
{
	return mm_unmap(current->t_mm, addr.va, len);
}

long sys_mprotect(uptr addr, size_t len, unsigned long prot)
{
	return prot >> 32 ? -EINVAL : mm_protect(current->t_mm, addr.va, len, (u32)prot);
}

long sys_mremap(uptr old, size_t old_len, size_t new_len, unsigned long flags, uptr new)
{
	if (flags >> 32)
		return -EINVAL;
	return mm_remap(current->t_mm, old.va, old_len, new_len, (u32)flags, new.va,
			abi_is_32bit_map());
}

// Not an errno but the break that holds: the C library compares.
long sys_brk(uptr addr)
{
	return (long)mm_brk(current->t_mm, addr.va);
}

long sys_madvise(uptr addr, size_t len, int advice)
{
	return mm_advise(current->t_mm, addr.va, len, advice);
}

long sys_msync(uptr addr, size_t len, unsigned int flags)
{
	return mm_sync(current->t_mm, addr.va, len, flags);
}

#define MINCORE_CHUNK 256

long sys_mincore(uptr addr, size_t len, uptr vec)
{
	u64 pages = len / PAGE_SIZE + (len % PAGE_SIZE != 0);
	u8 chunk[MINCORE_CHUNK];

	if (!IS_ALIGNED(addr.va, PAGE_SIZE))
		return -EINVAL;
	if (!user_range_ok(addr, len))
		return -ENOMEM;
	if (!user_range_ok(vec, pages))
		return -EFAULT;
	for (u64 done = 0; done < pages;) {
		u32 n = (u32)MIN(pages - done, (u64)MINCORE_CHUNK);
		int r = mm_incore(current->t_mm, addr.va + done * PAGE_SIZE, n, chunk);

		if (r)
			return r;
		if (copyout(uptr_add(vec, done), chunk, n))
			return -EFAULT;
		done += n;
	}
	return 0;
}

long sys_mlock(uptr addr, size_t len)
{
	return mm_lock_range(current->t_mm, addr.va, len, true, true);
}

long sys_mlock2(uptr addr, size_t len, unsigned int flags)
{
	if (flags & ~(unsigned int)MLOCK_ONFAULT)
		return -EINVAL;
	return mm_lock_range(current->t_mm, addr.va, len, true, !(flags & MLOCK_ONFAULT));
}

long sys_munlock(uptr addr, size_t len)
{
	return mm_lock_range(current->t_mm, addr.va, len, false, false);
}

long sys_mlockall(unsigned int flags)
{
	if (!flags || flags & ~(unsigned int)(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) ||
	    flags == MCL_ONFAULT)
		return -EINVAL;
	return mm_lock_all(current->t_mm, flags);
}

long sys_munlockall(void)
{
	return mm_lock_all(current->t_mm, 0);
}

// Protection keys are not switched on (CR4.PKE), and Linux 6 answers so then.
long sys_pkey_alloc(unsigned long flags, unsigned long rights)
{
	(void)flags;
	(void)rights;
	return -EINVAL;
}

long sys_pkey_free(int pkey)
{
	(void)pkey;
	return -EINVAL;
}

long sys_pkey_mprotect(uptr addr, size_t len, unsigned long prot, int pkey)
{
	if (pkey == -1)
		return sys_mprotect(addr, len, prot);
	if (!IS_ALIGNED(addr.va, PAGE_SIZE) || !len)
		return len ? -EINVAL : 0;
	return addr.va + ALIGN_UP(len, (size_t)PAGE_SIZE) <= addr.va ? -ENOMEM : -EINVAL;
}
