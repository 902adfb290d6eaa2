// Room for packed blocks: one allocation a thread, made on first use and kept, because it is the same size for every product.
#include <stddef.h>
#include "kernels.h"
#include "tile.h"

#define ROOM_A ((BLOCK_ROWS / ROWS + 1) * ((ROWS + 3) / 4 * 4) * DEPTH)
#define ROOM_B (BLOCK_COLS * DEPTH)

typedef struct {
  float *a, *b;
} Scratch;

#if defined(__wasm__)
static Scratch scratch(void) {
  static _Alignas(64) float room[ROOM_A + ROOM_B];
  return (Scratch){room, room + ROOM_A};
}
#else
#include <stdlib.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif
#ifndef GRADUS_ALLOCATE // the harness puts a failing one here
#define GRADUS_ALLOCATE malloc
#endif
#define ROOM_BYTES ((ROOM_A + ROOM_B) * sizeof(float))
#define ROOM_PAGE ((size_t)2 << 20) // the large pages of today: fewer of them are easier to keep in view

static _Thread_local struct {
  char *raw;
  float *room;
} own_scratch;

static Scratch scratch(void) {
  if (!own_scratch.room) {
    // Aligned by hand: aligned_alloc is missing on Windows.
    char *raw = own_scratch.raw = GRADUS_ALLOCATE(ROOM_BYTES + ROOM_PAGE);
    if (!raw) return (Scratch){NULL, NULL};
    char *room = raw + (ROOM_PAGE - (uintptr_t)raw % ROOM_PAGE) % ROOM_PAGE;
#if defined(__linux__)
    madvise(room, ROOM_BYTES / ROOM_PAGE * ROOM_PAGE, MADV_HUGEPAGE); // a wish: nothing is lost where it is not granted
#endif
    own_scratch.room = (float *)room;
  }
  return (Scratch){own_scratch.room, own_scratch.room + ROOM_A};
}

// For a thread that ends.
static void scratch_release(void) {
  free(own_scratch.raw);
  own_scratch.raw = NULL, own_scratch.room = NULL;
}
#endif
