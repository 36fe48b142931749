// SPDX-License-Identifier: MIT
// Nothing of the kernel's memory comes out with a result (hazard 44): structures are filled with a
// pattern before the call; whatever lies between and behind their members is afterwards the pattern
// or zero.
#include "test/guest/test.h"

#include <dirent.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <ucontext.h>

enum { FILL_A = 0xa5, FILL_B = 0x5a };

static u8 *area;

// The bytes [from, to) hold nothing but the fill or zero.
static void clean(const char *what, unsigned from, unsigned to, u8 fill)
{
	ROW(what);
	for (unsigned i = from; i < to; i++)
		if (area[i] != fill && area[i] != 0) {
			test_fail("%s: byte %u of the padding is %#x", what, i, area[i]);
			return;
		}
}

#define GAP(type, member, next) \
	offsetof(type, member) + sizeof(((type *)0)->member), offsetof(type, next)

static void dirty_the_stack(void)
{
	// Calls that leave much on the kernel's stack and heap.
	char buffer[512];
	int fds[2];

	memset(buffer, 0xc3, sizeof(buffer));
	sys(SYS_readlink, "/proc/self/exe", buffer, sizeof(buffer));
	sys(SYS_getcwd, buffer, sizeof(buffer));
	sys(SYS_stat, "/", buffer);
	if (pipe(fds) == 0) {
		if (write(fds[1], buffer, sizeof(buffer)) < 0 || read(fds[0], buffer, 100) < 0)
			test_fail("pipe");
		close(fds[0]);
		close(fds[1]);
	}
}

static void fill(u8 with)
{
	dirty_the_stack();
	memset(area, with, PAGE);
}

static void check_times(u8 f)
{
	struct {
		u64 pad;
	} unused;

	(void)unused;
	fill(f);
	EQ(sys(SYS_sysinfo, area), 0);
#if defined(__x86_64__) && !defined(__ILP32__)
	clean("sysinfo, pad", GAP(struct sysinfo, procs, totalhigh), f);
	clean("sysinfo, end", offsetof(struct sysinfo, mem_unit) + 4, 128, f);
#else
	clean("sysinfo, end", sizeof(struct sysinfo), 128, f);
#endif
	fill(f);
	EQ(sys(SYS_getrusage, RUSAGE_SELF, area), 0);
	clean("rusage, end", sizeof(struct rusage), 512, f);
	fill(f);
	EQ(sys(SYS_uname, area), 0);
	for (int i = 0; i < 6; i++) {
		unsigned at = (unsigned)i * 65 + (unsigned)strlen((char *)area + i * 65);
		clean("utsname, behind a string", at, (unsigned)(i + 1) * 65, f);
	}
	clean("utsname, end", 390, 512, f);
	fill(f);
	EQ(sys(SYS_sigaltstack, NULL, area), 0);
	clean("stack_t", GAP(stack_t, ss_flags, ss_size), f);
	clean("stack_t, end", sizeof(stack_t), 64, f);
	fill(f);
	EQ(sys(SYS_statfs, ".", area), 0);
	clean("statfs, end", sizeof(struct statfs), 256, f);
}

TEST(structures)
{
	area = map_pages(1);
	for (int i = 0; i < 4; i++)
		check_times(i & 1 ? FILL_B : FILL_A);
}

TEST(stat)
{
	area = map_pages(1);
	for (int i = 0; i < 4; i++) {
		u8 f = i & 1 ? FILL_B : FILL_A;

		fill(f);
#ifdef __i386__
		EQ(sys(SYS_stat64, ".", area), 0);
		clean("stat64, end", 96, 256, f);
		fill(f);
		EQ(sys(SYS_stat, ".", area), 0);
		clean("stat, end", 64, 256, f);
		// unused4 and 5 at its end
		clean("stat, unused", 56, 64, f);
#else
		EQ(sys(SYS_stat, ".", area), 0);
		clean("stat, pad", 36, 40, f);
		clean("stat, unused", 120, 144, f);
		clean("stat, end", 144, 256, f);
#endif
		fill(f);
		EQ(sys(SYS_statx, AT_FDCWD, ".", 0, 0x7ff, area), 0);
		clean("statx, spare0", 30, 32, f);
		clean("statx, spare3", 0xc0, 256, f);
		clean("statx, end", 256, 512, f);
	}
}

// Directory entries: behind a name comes its NUL, then padding to the next.
static void entries_clean(int nr, unsigned name_at, bool type_last)
{
	static char list[4096];
	int fd = open(".", O_RDONLY | O_DIRECTORY);
	sreg_t n, at = 0;

	memset(list, FILL_A, sizeof(list));
	n = sys(nr, fd, list, sizeof(list));
	TRUE(n > 0);
	while (at < n) {
		u16 length = *(u16 *)(list + at + name_at - 2 - (nr == SYS_getdents64));
		char *name = list + at + name_at;
		char *end = list + at + length - type_last;

		ROW("entry");
		for (char *p = name + strlen(name); p < end; p++)
			if (*p && (u8)*p != FILL_A) {
				test_fail("entry %s: byte %#x behind the name", name, *p);
				break;
			}
		if (!length)
			break;
		at += length;
	}
	close(fd);
}

TEST(directory_entries)
{
	static const char *const names[] = {"a",     "bb",     "ccc",	  "dddd",
					    "eeeee", "ffffff", "ggggggg", "hhhhhhhh"};

	for (unsigned i = 0; i < COUNT(names); i++)
		close(file_with(names[i], ""));
	entries_clean(SYS_getdents64, 19, false);
	entries_clean(SYS_getdents, sizeof(long) == 8 ? 18 : ABI_THIS == X32 ? 18 : 10, true);
}

// siginfo: what the signal's kind does not use is zero, in the frame and from the calls.
static siginfo_t frame_info;
static unsigned frame_tail;

static void info_handler(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	memcpy(&frame_info, info, sizeof(frame_info));
	frame_tail++;
}

static void info_clean(const char *what, const siginfo_t *info, unsigned used)
{
	ROW(what);
	for (unsigned i = used; i < 128; i++)
		if (((const u8 *)info)[i]) {
			test_fail("%s: byte %u of siginfo is %#x", what, i, ((const u8 *)info)[i]);
			return;
		}
}

TEST(siginfo)
{
	unsigned kill_end = offsetof(siginfo_t, si_uid) + 4,
		 fault_end = offsetof(siginfo_t, si_addr) + sizeof(long);
	siginfo_t info;

	handle_with(SIGUSR1, 0, info_handler);
	for (int i = 0; i < 3; i++) {
		dirty_the_stack();
		kill(getpid(), SIGUSR1);
		info_clean("kill", &frame_info, kill_end);
	}
	EQ(frame_tail, 3);
	sigset_t set = sigset_of(SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	kill(getpid(), SIGUSR1);
	memset(&info, FILL_A, sizeof(info));
	EQ(sys(SYS_rt_sigtimedwait, &set, &info, NULL, 8), SIGUSR1);
	info_clean("sigtimedwait", &info, kill_end);
	touch_read(map_bad());
	// Linux writes si_addr_lsb's union with a fault only where it has a meaning.
	info_clean("fault", &caught.info, fault_end);
	pid_t pid = fork();
	if (!pid)
		_exit(3);
	memset(&info, FILL_A, sizeof(info));
	EQ(sys(SYS_waitid, P_PID, pid, &info, WEXITED, NULL), 0);
	EQ(info.si_signo, SIGCHLD);
	EQ(info.si_errno, 0);
	EQ(info.si_status, 3);
}

// The signal frame: everything from the handler's arguments up to the interrupted stack.
static u8 before_frame[16384] __attribute__((aligned(64)));

static void frame_handler(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	(void)sig;
	(void)info;
	// Fields that hold no state: reserved words of the machine context.
#ifdef __i386__
	(void)uc;
#else
	for (unsigned i = 0; i < 8; i++)
		if (uc->uc_mcontext.__reserved1[i])
			test_fail("reserved word %u of the context is %#llx", i,
				  (u64)uc->uc_mcontext.__reserved1[i]);
#endif
	handled_count++;
}

TEST(signal_frame)
{
	handled_count = 0;
	(void)before_frame;
	handle_with(SIGUSR1, 0, frame_handler);
	for (int i = 0; i < 3; i++) {
		dirty_the_stack();
		raise(SIGUSR1);
	}
	EQ(handled_count, 3);
}

// New memory is zero: pages, holes of files, what a shorter file leaves behind in its last page.
TEST(fresh_memory)
{
	for (int round = 0; round < 3; round++) {
		u8 *p = map_pages(64);

		for (unsigned i = 0; i < 64 * PAGE; i += 8)
			if (*(u64 *)(p + i)) {
				test_fail("a fresh page is not empty");
				break;
			}
		memset(p, 0xee, 64 * PAGE);
		munmap(p, 64 * PAGE);
	}
	u8 *old_break = sbrk(0);
	TRUE(sbrk(8 * PAGE) != (void *)-1);
	memset(old_break, 0xdd, 8 * PAGE);
	TRUE(sbrk(-8 * (int)PAGE) != (void *)-1);
	TRUE(sbrk(8 * PAGE) != (void *)-1);
	ROW("brk again");
	for (unsigned i = PAGE; i < 8 * PAGE; i++)
		if (old_break[i]) {
			test_fail("brk gives old bytes");
			break;
		}
}

TEST(file_tails)
{
	u8 buffer[PAGE];
	int fd = open("tail", O_RDWR | O_CREAT, 0644);

	memset(buffer, 0x77, sizeof(buffer));
	EQ(write(fd, buffer, sizeof(buffer)), sizeof(buffer));
	OKC(ftruncate(fd, 100));
	OKC(ftruncate(fd, 3000));
	EQ(pread(fd, buffer, sizeof(buffer), 0), 3000);
	TRUE(buffer[99] == 0x77);
	for (int i = 100; i < 3000; i++)
		if (buffer[i]) {
			test_fail("byte %d behind the old end is %#x", i, buffer[i]);
			break;
		}
	u8 *m = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	MUST(m != MAP_FAILED);
	for (unsigned i = 3000; i < PAGE; i++)
		if (m[i]) {
			test_fail("byte %u behind the end in the mapping is %#x", i, m[i]);
			break;
		}
	// What a mapping writes behind the end never reaches the file; Linux 6.1's tmpfs lets it
	// through.
	if (on_oracle())
		return;
	memset(m + 3000, 0x66, PAGE - 3000);
	OKC(ftruncate(fd, PAGE));
	EQ(pread(fd, buffer, PAGE, 0), PAGE);
	ROW("behind the end by a mapping");
	for (unsigned i = 3000; i < PAGE; i++)
		if (buffer[i]) {
			test_fail("byte %u is %#x", i, buffer[i]);
			break;
		}
	OKC(lseek(fd, 5 * PAGE, SEEK_SET));
	EQ(write(fd, "x", 1), 1);
	EQ(pread(fd, buffer, PAGE, 3 * PAGE), PAGE);
	ROW("hole");
	for (unsigned i = 0; i < PAGE; i++)
		if (buffer[i]) {
			test_fail("the hole holds %#x", buffer[i]);
			break;
		}
}
