// Memory: the workspace that products pack into, and what becomes of the memory that JavaScript makes.
#include <stddef.h>
#include "kernels.h"
#include "tile.h"
#if !defined(__wasm__)
#include <stdlib.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif
#if defined(__GLIBC__)
#include <malloc.h>
#endif
#endif

// A packed block of A and one of B. One allocation a thread, made on first use and kept, because it has the same size for every
// product. There is one panel of A more than needed, into which the last one may be written past its end.
#define WORKSPACE_A ((MC / MR + 1) * ((MR + 3) / 4 * 4) * KC)
#define WORKSPACE_B (NC * KC)

typedef struct {
  float *a, *b;
} Workspace;

#if defined(__wasm__)
static Workspace workspace(void) {
  static _Alignas(64) float floats[WORKSPACE_A + WORKSPACE_B];
  return (Workspace){floats, floats + WORKSPACE_A};
}
#else
#ifndef GRADUS_ALLOCATE // the harness puts a failing one here
#define GRADUS_ALLOCATE malloc
#endif
#define WORKSPACE_BYTES ((WORKSPACE_A + WORKSPACE_B) * sizeof(float))
#define LARGE_PAGE ((size_t)2 << 20) // the large pages of today: fewer of them are easier to keep in view

// Each thread's own, as it was allocated; let go when the thread ends.
#if defined(_WIN32)
static _Thread_local char *own_workspace; // stays when a thread ends
static char *workspace_of_thread(void) { return own_workspace; }
static int workspace_keep(char *raw) { return own_workspace = raw, 1; }
#else
#include <pthread.h>
static pthread_key_t workspace_key;
static pthread_once_t workspace_once = PTHREAD_ONCE_INIT;
static int workspace_has_key;
static void workspace_open(void) { workspace_has_key = pthread_key_create(&workspace_key, free) == 0; }
static int workspace_ready(void) { return pthread_once(&workspace_once, workspace_open) == 0 && workspace_has_key; }
static char *workspace_of_thread(void) { return workspace_ready() ? pthread_getspecific(workspace_key) : NULL; }
static int workspace_keep(char *raw) { return workspace_ready() && pthread_setspecific(workspace_key, raw) == 0; }
#endif

static char *workspace_make(void) {
  char *raw = GRADUS_ALLOCATE(WORKSPACE_BYTES + LARGE_PAGE);
  if (raw && workspace_keep(raw)) return raw;
  free(raw);
  return NULL;
}

static Workspace workspace(void) {
  char *raw = workspace_of_thread();
  const int fresh = !raw;
  if (fresh && !(raw = workspace_make())) return (Workspace){NULL, NULL};
  // Aligned by hand: aligned_alloc is missing on Windows.
  char *start = raw + (LARGE_PAGE - (uintptr_t)raw % LARGE_PAGE) % LARGE_PAGE;
#if defined(__linux__)
  // A wish: nothing is lost where it is not granted.
  if (fresh) madvise(start, WORKSPACE_BYTES / LARGE_PAGE * LARGE_PAGE, MADV_HUGEPAGE);
#endif
  return (Workspace){(float *)start, (float *)start + WORKSPACE_A};
}

// For a thread that is done with the kernels.
static void workspace_release(void) {
  free(workspace_of_thread());
  workspace_keep(NULL);
}

void gradus_address(int64_t *addresses, int32_t at, const float *array) { addresses[at] = (int64_t)(intptr_t)array; }

// The engine lets go of some 64 MB of results at once. They would go back to the system, and come again page by page, each of them
// cleared: 784×64 @ 64×50 takes 60 µs into memory that stays, and was seen to take up to 113 without.
#define BLOCKS_THAT_STAY (32 << 20) // the largest; what the C library comes to by itself where blocks of that size are let go
#define MEMORY_THAT_STAYS (128 << 20)
#if defined(__GLIBC__)
#if __GLIBC_PREREQ(2, 33) // on a line of its own: other C libraries do not know the word
#define FREE_BYTES() mallinfo2().fordblks
#else
#define FREE_BYTES() ((size_t)(unsigned)mallinfo().fordblks)
#endif
#endif

static void keep_memory(void) {
#if defined(__GLIBC__)
  mallopt(M_MMAP_THRESHOLD, BLOCKS_THAT_STAY);
  mallopt(M_TRIM_THRESHOLD, MEMORY_THAT_STAYS);
#endif
}

void gradus_trim_memory(void) {
#if defined(__GLIBC__)
  if (FREE_BYTES() > MEMORY_THAT_STAYS) malloc_trim(0);
#endif
}
#endif
