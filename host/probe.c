// SPDX-License-Identifier: MIT
// The programs by which `postern check` tries each way into a kernel. They are ELF images made here
// byte by byte, so that they need no compiler, no library and no second architecture on the host,
// and the very same files run natively and in Postern. Each exits with 42 through its own entry.
#include "host/check.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOAD_AT	      0x400000
#define RUN_SECONDS   3
#define STATUS_REFUSE 126

enum image { IMAGE_X86_64, IMAGE_I386, IMAGE_X32 };

struct recipe {
	enum image image;
	unsigned char len;
	unsigned char code[30];
};

// mov $42, %edi; mov $60, %eax; syscall
#define EXIT_64 0xbf, PROBE_STATUS, 0, 0, 0, 0xb8, 60, 0, 0, 0, 0x0f, 0x05
// mov $42, %ebx; mov $1, %eax
#define EXIT_32 0xbb, PROBE_STATUS, 0, 0, 0, 0xb8, 1, 0, 0, 0
// mov $0xffffffffff600000 + offset, %rax
#define VSYSCALL_IN_RAX(offset) 0x48, 0xc7, 0xc0, (offset)&0xff, (offset) >> 8, 0x60, 0xff

const struct probe probes[PROBES] = {
	{"x86_64", "x86-64 program, syscall"},	     {"x86_64-int80", "x86-64 program, int $0x80"},
	{"i386", "i386 program, int $0x80"},	     {"i386-sysenter", "i386 program, sysenter"},
	{"i386-syscall", "i386 program, syscall"},   {"x32", "x32 program, syscall"},
	{"vsyscall", "call into the vsyscall page"}, {"vsyscall-read", "reading the vsyscall page"},
};

static const struct recipe recipes[PROBES] = {
	{IMAGE_X86_64, 12, {EXIT_64}},
	{IMAGE_X86_64, 12, {EXIT_32, 0xcd, 0x80}},
	{IMAGE_I386, 12, {EXIT_32, 0xcd, 0x80}},
	{IMAGE_I386, 14, {EXIT_32, 0x89, 0xe5, 0x0f, 0x34}}, // mov %esp, %ebp; sysenter
	{IMAGE_I386, 14, {EXIT_32, 0x89, 0xcd, 0x0f, 0x05}}, // mov %ecx, %ebp; syscall
	{IMAGE_X32, 12, {0xbf, PROBE_STATUS, 0, 0, 0, 0xb8, 60, 0, 0, 0x40, 0x0f, 0x05}},
	// xor %edi, %edi; time(NULL) by call *%rax; exit
	{IMAGE_X86_64, 23, {0x31, 0xff, VSYSCALL_IN_RAX(0x400), 0xff, 0xd0, EXIT_64}},
	// mov (%rax), %al; exit
	{IMAGE_X86_64, 21, {VSYSCALL_IN_RAX(0), 0x8a, 0x00, EXIT_64}},
};

static const unsigned char ident[EI_NIDENT] = {
	ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, 0, ELFDATA2LSB, EV_CURRENT,
};

static size_t image_64(const struct recipe *r, unsigned char *image)
{
	const size_t head = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr);
	Elf64_Ehdr e = {
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_entry = LOAD_AT + head,
		.e_phoff = sizeof(e),
		.e_ehsize = sizeof(e),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 1,
	};
	Elf64_Phdr p = {
		.p_type = PT_LOAD,
		.p_flags = PF_R | PF_X,
		.p_vaddr = LOAD_AT,
		.p_filesz = head + r->len,
		.p_memsz = head + r->len,
		.p_align = 4096,
	};

	memcpy(e.e_ident, ident, sizeof(ident));
	e.e_ident[EI_CLASS] = ELFCLASS64;
	memcpy(image, &e, sizeof(e));
	memcpy(image + sizeof(e), &p, sizeof(p));
	memcpy(image + head, r->code, r->len);
	return head + r->len;
}

static size_t image_32(const struct recipe *r, unsigned char *image)
{
	const size_t head = sizeof(Elf32_Ehdr) + sizeof(Elf32_Phdr);
	Elf32_Ehdr e = {
		.e_type = ET_EXEC,
		.e_machine = r->image == IMAGE_X32 ? EM_X86_64 : EM_386,
		.e_version = EV_CURRENT,
		.e_entry = LOAD_AT + (Elf32_Addr)head,
		.e_phoff = sizeof(e),
		.e_ehsize = sizeof(e),
		.e_phentsize = sizeof(Elf32_Phdr),
		.e_phnum = 1,
	};
	Elf32_Phdr p = {
		.p_type = PT_LOAD,
		.p_flags = PF_R | PF_X,
		.p_vaddr = LOAD_AT,
		.p_filesz = (Elf32_Word)head + r->len,
		.p_memsz = (Elf32_Word)head + r->len,
		.p_align = 4096,
	};

	memcpy(e.e_ident, ident, sizeof(ident));
	e.e_ident[EI_CLASS] = ELFCLASS32;
	memcpy(image, &e, sizeof(e));
	memcpy(image + sizeof(e), &p, sizeof(p));
	memcpy(image + head, r->code, r->len);
	return head + r->len;
}

size_t probe_image(size_t i, unsigned char image[PROBE_MAX])
{
	const struct recipe *r = &recipes[i];

	return r->image == IMAGE_X86_64 ? image_64(r, image) : image_32(r, image);
}

// The child: an entry that hangs is ended by SIGALRM, which exec keeps; a fault leaves no core.
_Noreturn static void probe_child(int fd)
{
	static const struct rlimit no_core;
	char *const none[] = {NULL};
	char *argv[] = {(char *)"probe", NULL};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_CORE, &no_core);
	signal(SIGALRM, SIG_DFL);
	alarm(RUN_SECONDS);
	fexecve(fd, argv, none);
	_exit(STATUS_REFUSE);
}

int probe_run(size_t i)
{
	unsigned char image[PROBE_MAX];
	size_t size = probe_image(i, image);
	int fd = memfd_create("postern-probe", MFD_CLOEXEC), status;

	if (fd < 0 || write(fd, image, size) != (ssize_t)size) {
		close(fd);
		return -1;
	}
	pid_t pid = fork();
	if (!pid)
		probe_child(fd);
	close(fd);
	if (pid < 0)
		return -1;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
