// What harness.h declares.
#include "harness.h"
#if defined(GUARD_PAGES)
#include <sys/mman.h>
#include <unistd.h>

// A page that says what this is, a guard, the room for a block, a guard.
typedef struct {
  char *start;
  size_t pages; // of the room
} Mapping;

static size_t page_bytes(void) { return (size_t)sysconf(_SC_PAGESIZE); }
static char *room_of(Mapping mapping) { return mapping.start + 2 * page_bytes(); }

static void protect(char *start, size_t bytes, int access) {
  if (bytes && mprotect(start, bytes, access)) exit(1);
}

static Mapping new_mapping(size_t pages) {
  const size_t page = page_bytes();
  Mapping mapping = {mmap(NULL, (3 + pages) * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), pages};
  if (mapping.start == MAP_FAILED) return (Mapping){NULL, pages};
  memcpy(mapping.start, &mapping, sizeof mapping);
  protect(mapping.start + page, page, PROT_NONE);
  protect(room_of(mapping) + pages * page, page, PROT_NONE);
  return mapping;
}

// Most of the programs' time would go to making and ending mappings. Those of freed blocks wait, out of bounds for everybody, until
// some others of their size have been freed too: the system would give their place to the next block at once.
enum { MOST_PAGES = 16, WAIT = 32 };
typedef struct {
  Mapping ring[2 * WAIT];
  unsigned first, count;
} Waiting;
static Waiting waiting[MOST_PAGES + 1];
static int busy; // never waited for: whoever holds it may not exist after a fork

static Waiting *hold_waiting(size_t pages) {
  return pages > MOST_PAGES || __atomic_exchange_n(&busy, 1, __ATOMIC_ACQUIRE) ? NULL : &waiting[pages];
}
static void let_go(void) { __atomic_store_n(&busy, 0, __ATOMIC_RELEASE); }

static Mapping any_mapping(size_t pages) {
  Mapping mapping = {NULL, pages};
  Waiting *const queue = hold_waiting(pages);
  if (queue && queue->count > WAIT) mapping = queue->ring[queue->first++ % (2 * WAIT)], queue->count--;
  if (queue) let_go();
  if (!mapping.start) return new_mapping(pages);
  protect(room_of(mapping), pages * page_bytes(), PROT_READ | PROT_WRITE);
  return mapping;
}

static void end_mapping(Mapping mapping) {
  const size_t page = page_bytes();
  protect(room_of(mapping), mapping.pages * page, PROT_NONE);
  Waiting *const queue = hold_waiting(mapping.pages);
  const int room = queue && queue->count < 2 * WAIT;
  if (room) queue->ring[(queue->first + queue->count++) % (2 * WAIT)] = mapping;
  if (queue) let_go();
  if (!room) munmap(mapping.start, (3 + mapping.pages) * page);
}

int blocks_held;

void *guarded_malloc(size_t bytes) {
  static unsigned calls;
  const size_t page = page_bytes(), pages = (bytes + page - 1) / page;
  const Mapping mapping = any_mapping(pages);
  if (!mapping.start) return NULL;
  char *const first = room_of(mapping);
  memset(first, 0xa5, pages * page); // as malloc, it promises nothing
  __atomic_fetch_add(&blocks_held, 1, __ATOMIC_RELAXED);
  return __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED) % 2 ? first : first + pages * page - bytes;
}

// A block begins in the first page after the guard, or up to a page later.
void guarded_free(void *block) {
  if (!block) return;
  const size_t page = page_bytes();
  Mapping own;
  memcpy(&own, (char *)((uintptr_t)block / page * page) - 2 * page, sizeof own);
  end_mapping(own);
  __atomic_fetch_sub(&blocks_held, 1, __ATOMIC_RELAXED);
}
#endif

int allocations_fail;
void *kernel_malloc(size_t bytes) { return allocations_fail ? NULL : malloc(bytes); }

static uint32_t state = 1;
int below(int n) {
  state = state * 1664525u + 1013904223u;
  uint32_t x = state ^ state >> 16; // mixed: numbers of the bare series that are a power of two apart resemble each other
  x *= 0x7feb352du;
  return (int)((x ^ x >> 15) % (uint32_t)n);
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
