// SPDX-License-Identifier: MIT
// The postern command: picks the subcommand.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <argp.h>

#include "host/abi.h"
#include "host/check.h"
#include "host/options.h"
#include "host/run.h"

static const char help[] =
	"Usage: postern run [OPTION...] [--] PROGRAM [ARG...]\n"
	"       postern abi [ABI] [NAME|NUMBER...]\n"
	"       postern check\n"
	"       postern --help | --version\n"
	"\n"
	"Runs an unmodified Linux program under the Postern kernel in a small virtual machine:\n"
	"\n"
	"    postern run -- /bin/busybox sh -c 'uname -a'\n"
	"    postern run --add data:/data -- ./my-static-program /data/in\n"
	"\n"
	"`abi` says what a system call is in each ABI, `check` what this host can run by itself.\n"
	"`postern run --help` lists the options; so does --help behind the others.\n";

int main(int argc, char **argv)
{
	// argp's messages begin with these.
	static char name_run[] = "postern run", name_abi[] = "postern abi",
		    name_check[] = "postern check";
	struct options o;

	if (argc >= 2 && (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V"))) {
		puts(argp_program_version);
		return 0;
	}
	if (argc >= 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-?") ||
			  !strcmp(argv[1], "-h") || !strcmp(argv[1], "help"))) {
		fputs(help, stdout);
		return 0;
	}
	if (argc < 2)
		fail(STATUS_FAILURE, "say what to do: `postern run PROGRAM`, or `postern --help`");
	if (!strcmp(argv[1], "abi")) {
		argv[1] = name_abi;
		return abi_main(argc - 1, argv + 1);
	}
	if (!strcmp(argv[1], "check")) {
		argv[1] = name_check;
		return check_main(argc - 1, argv + 1);
	}
	if (strcmp(argv[1], "run"))
		fail(STATUS_FAILURE,
		     "%s is no subcommand: give `postern run PROGRAM`, or `postern --help`",
		     argv[1]);
	argv[1] = name_run;
	options_parse(argc - 1, argv + 1, &o);
	return run_main(&o);
}
