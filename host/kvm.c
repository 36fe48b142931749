// SPDX-License-Identifier: MIT
// Runs the smallest guest that proves something: 64-bit code with paging on, through the KVM API
// alone. Some hosts have a /dev/kvm that opens, answers with the right version, and then refuses,
// hangs or kills its guests, so the attempt is made in a child process with a time limit.
#include "host/check.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "host/accel.h"

#define TRY_MS	    2000
#define GUEST_BYTES 0x10000
#define GUEST_PML4  0x1000
#define GUEST_PDPT  0x2000
#define GUEST_PD    0x3000
#define GUEST_CODE  0x4000
#define GUEST_PORT  0x10
#define GUEST_SAYS  0x2a

// Bits of CR0, CR4, EFER and of page table entries (SDM vol. 3, 2.5 and 4.5).
#define CR0_PE	    0x1
#define CR0_ET	    0x10
#define CR0_PG	    0x80000000
#define CR4_PAE	    0x20
#define EFER_LME    0x100
#define EFER_LMA    0x400
#define PTE_TABLE   0x3	 // present, writable
#define PTE_2M	    0x83 // the same, and a large page
#define CODE64_TYPE 11	 // execute, read, accessed

// How far the child came: its exit status.
enum { KVM_WORKS, KVM_NO_VM, KVM_NO_CPU, KVM_NO_STATE, KVM_NO_RUN, KVM_WRONG };

// Puts 42 into the upper half of a 64-bit register, brings it down and writes it to a port: it
// comes out wrong in any other mode.
static const unsigned char guest_code[] = {
	0x48, 0xb8,	  0,	0,    0, 0, GUEST_SAYS, 0, 0, 0, // movabs $42 << 32, %rax
	0x48, 0xc1,	  0xe8, 0x20,				 // shr $32, %rax
	0xe6, GUEST_PORT,					 // out %al, $0x10
	0xf4,							 // hlt
};

static void guest_fill(unsigned char *mem)
{
	const uint64_t pdpt = GUEST_PDPT | PTE_TABLE, pd = GUEST_PD | PTE_TABLE, page = PTE_2M;

	memcpy(mem + GUEST_PML4, &pdpt, sizeof(pdpt));
	memcpy(mem + GUEST_PDPT, &pd, sizeof(pd));
	memcpy(mem + GUEST_PD, &page, sizeof(page));
	memcpy(mem + GUEST_CODE, guest_code, sizeof(guest_code));
}

static int guest_set_state(int cpu)
{
	struct kvm_regs regs = {.rip = GUEST_CODE, .rsp = GUEST_BYTES, .rflags = 2};
	struct kvm_segment flat = {
		.limit = 0xffffffff,
		.selector = 16,
		.type = 3,
		.present = 1,
		.s = 1,
		.db = 1,
		.g = 1,
	};
	struct kvm_sregs s;

	if (ioctl(cpu, KVM_GET_SREGS, &s) < 0)
		return -1;
	s.ds = s.es = s.fs = s.gs = s.ss = flat;
	flat.selector = 8;
	flat.type = CODE64_TYPE;
	flat.db = 0;
	flat.l = 1;
	s.cs = flat;
	s.cr3 = GUEST_PML4;
	s.cr4 = CR4_PAE;
	s.cr0 = CR0_PE | CR0_ET | CR0_PG;
	s.efer = EFER_LME | EFER_LMA;
	if (ioctl(cpu, KVM_SET_SREGS, &s) < 0)
		return -1;
	return ioctl(cpu, KVM_SET_REGS, &regs);
}

// All in the child, which leaves by _exit: nothing is released here.
static int guest_run(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int vm = ioctl(kvm, KVM_CREATE_VM, 0);
	unsigned char *mem = mmap(NULL, GUEST_BYTES, PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct kvm_userspace_memory_region region = {
		.memory_size = GUEST_BYTES,
		.userspace_addr = (uintptr_t)mem,
	};

	if (vm < 0 || mem == MAP_FAILED)
		return KVM_NO_VM;
	guest_fill(mem);
	if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region) < 0)
		return KVM_NO_VM;
	int cpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	int size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (cpu < 0 || size < (int)sizeof(struct kvm_run))
		return KVM_NO_CPU;
	struct kvm_run *run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, cpu, 0);
	if (run == MAP_FAILED)
		return KVM_NO_CPU;
	if (guest_set_state(cpu) < 0)
		return KVM_NO_STATE;
	if (ioctl(cpu, KVM_RUN, 0) < 0)
		return KVM_NO_RUN;
	if (run->exit_reason != KVM_EXIT_IO || run->io.port != GUEST_PORT || run->io.size != 1 ||
	    ((unsigned char *)run)[run->io.data_offset] != GUEST_SAYS)
		return KVM_WRONG;
	return KVM_WORKS;
}

static int child_wait_ms(pid_t pid, int ms)
{
	const struct timespec step = {.tv_nsec = 2000000};
	int status;

	for (; ms > 0; ms -= 2) {
		pid_t got = waitpid(pid, &status, WNOHANG);

		if (got == pid)
			return status;
		nanosleep(&step, NULL);
	}
	// Not waited for: a process that hangs inside a broken KVM may not even die.
	kill(pid, SIGKILL);
	return -1;
}

const char *kvm_try(void)
{
	static const char *const words[] = {
		[KVM_NO_VM] = "/dev/kvm opens but makes no machine",
		[KVM_NO_CPU] = "/dev/kvm opens but makes no CPU",
		[KVM_NO_STATE] = "/dev/kvm opens but refuses 64-bit state",
		[KVM_NO_RUN] = "/dev/kvm opens but runs no guest",
		[KVM_WRONG] = "/dev/kvm opens but does not run a guest rightly",
	};
	const char *problem = accel_kvm_problem();

	if (problem)
		return problem;
	pid_t pid = fork();
	if (pid < 0)
		return "no process to try it in";
	if (!pid)
		_exit(guest_run());
	int status = child_wait_ms(pid, TRY_MS);
	if (status == -1)
		return "/dev/kvm opens but its guest hangs";
	if (!WIFEXITED(status) || WEXITSTATUS(status) > KVM_WRONG)
		return "/dev/kvm opens but kills who runs a guest";
	return words[WEXITSTATUS(status)];
}
