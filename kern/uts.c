// SPDX-License-Identifier: MIT
// The machine's names, which sethostname(2), setdomainname(2) and /proc/sys/kernel change.

#include "kern/uts.h"

#include "kern/lock.h"
#include "lib/string.h"

#include <asm/errno.h>

static struct spinlock uts_lock = SPINLOCK("uts", RANK_LEAF);
static char hostname[UTS_LEN] = "(none)",
	    domainname[UTS_LEN] = "(none)"; // Linux's names before anybody sets them

static void get(const char *name, char *buf)
{
	spin_lock(&uts_lock);
	memcpy(buf, name, UTS_LEN);
	spin_unlock(&uts_lock);
}

static int set(char *name, const char *src, size_t len)
{
	if (len >= UTS_LEN)
		return -EINVAL;
	spin_lock(&uts_lock);
	// Zeros behind the name: uname(2) copies all of it out.
	memset(name, 0, UTS_LEN);
	memcpy(name, src, len);
	spin_unlock(&uts_lock);
	return 0;
}

void uts_hostname(char buf[UTS_LEN])
{
	get(hostname, buf);
}

void uts_domainname(char buf[UTS_LEN])
{
	get(domainname, buf);
}

int uts_set_hostname(const char *name, size_t len)
{
	return set(hostname, name, len);
}

int uts_set_domainname(const char *name, size_t len)
{
	return set(domainname, name, len);
}
