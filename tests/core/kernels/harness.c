// What harness.h declares.
#include "harness.h"
#if defined(GUARD_PAGES)
#include <sys/mman.h>
#include <unistd.h>

// Where the mapping begins, and how long it is, stands in a page of its own before it all.
typedef struct {
  char *start;
  size_t bytes;
} Mapping;

static size_t whole_pages(size_t bytes) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  return (bytes + page - 1) / page * page;
}

int blocks_held;

void *guarded_malloc(size_t bytes) {
  static unsigned calls;
  const size_t page = whole_pages(1), room = whole_pages(bytes), all = 3 * page + room;
  char *start = mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED) return NULL;
  char *first = start + 2 * page, *block = __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED) % 2 ? first : first + room - bytes;
  const Mapping own = {start, all};
  memcpy(start, &own, sizeof own);
  memset(first, 0xa5, room); // as malloc, it promises nothing
  if (mprotect(start + page, page, PROT_NONE) || mprotect(first + room, page, PROT_NONE)) exit(1);
  __atomic_fetch_add(&blocks_held, 1, __ATOMIC_RELAXED);
  return block;
}

// A block begins in the first page after the guard, or up to a page later.
void guarded_free(void *block) {
  if (!block) return;
  const size_t page = whole_pages(1);
  const uintptr_t at = (uintptr_t)block;
  Mapping own;
  char *start = (char *)(at / page * page) - 2 * page;
  memcpy(&own, start, sizeof own);
  munmap(own.start, own.bytes);
  __atomic_fetch_sub(&blocks_held, 1, __ATOMIC_RELAXED);
}
#endif

int allocations_fail;
void *kernel_malloc(size_t bytes) { return allocations_fail ? NULL : malloc(bytes); }

static uint32_t state = 1;
int below(int n) {
  state = state * 1664525u + 1013904223u;
  return (int)((state >> 8) % (uint32_t)n);
}

void fail(const char *what) {
  printf("%s\n", what);
  exit(1);
}

float *floats(int n) {
  float *data = malloc((size_t)n * sizeof(float) + !n);
  for (int i = 0; i < n; i++) {
    const uint32_t any = (uint32_t)below(1 << 16) << 16 | (uint32_t)below(1 << 16);
    data[i] = (float)(below(2001) - 1000) / 100;
    if (below(10) == 0) memcpy(data + i, &any, sizeof any);
  }
  return data;
}
