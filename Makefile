# SPDX-License-Identifier: MIT
# Postern: `make` builds build/postern (the launcher) and build/postern.elf (the kernel).
# Variables: CC=gcc|clang, DEBUG=1 (own build directory), V=1 (show commands).

CC     ?= gcc
ifeq ($(origin CC),default)
CC     := gcc
endif
DEBUG  ?= 0
BUILD  ?= $(if $(filter 1,$(DEBUG)),build-debug,build)
V      ?= 0
Q      := $(if $(filter 1,$(V)),,@)
say     = @$(if $(filter 1,$(V)),:,printf '  %-7s %s\n' '$(1)' '$(2)')

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all kernel launcher gen clean FORCE
all: kernel launcher $(BUILD)/root.cpio

include tools/make/host.mk
include tools/make/kernel.mk
include tools/make/test.mk
include user/rules.mk
include tools/make/install.mk

clean:
	rm -rf build build-debug
