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
#ifndef GRADUS_ALLOCATE // the harness puts a failing one here
#define GRADUS_ALLOCATE malloc
#endif
static Scratch scratch(void) {
  static _Thread_local float *room;
  if (!room) {
    // Aligned by hand to a cache line: aligned_alloc is missing on Windows.
    char *raw = GRADUS_ALLOCATE((ROOM_A + ROOM_B) * sizeof(float) + 63);
    if (raw) room = (float *)(raw + (64 - (uintptr_t)raw % 64) % 64);
  }
  return (Scratch){room, room ? room + ROOM_A : NULL};
}
#endif
