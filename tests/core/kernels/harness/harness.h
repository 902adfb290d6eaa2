// What the programs of the harness share: random numbers, the same in every run, and memory whose ends are watched. The kernels are
// compiled by themselves, once for all programs, with this file before them.
#ifndef HARNESS_H
#define HARNESS_H
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *kernel_malloc(size_t bytes); // NULL while allocations fail
#define GRADUS_ALLOCATE kernel_malloc
extern int allocations_fail;

// With guard pages every block has a page that must not be touched right after its end or, every other time, right before its begin.
// The sanitizers see more, but only what they compiled: these see what the compiler makes for use.
#if defined(GUARD_PAGES)
void *guarded_malloc(size_t bytes);
void guarded_free(void *block);
extern int blocks_held; // that were not given back
#define malloc guarded_malloc
#define free guarded_free
#endif

int below(int n);
void fail(const char *what);
float *floats(int n); // mostly between −10 and 10; some are any 32 bits

#endif
