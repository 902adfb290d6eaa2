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

// Each thread's own, as it was allocated; let go when the thread ends.
#if defined(_WIN32)
static _Thread_local char *own_room; // stays when a thread ends
static char *room_of_thread(void) { return own_room; }
static int room_keep(char *raw) { return own_room = raw, 1; }
#else
#include <pthread.h>
static pthread_key_t room_key;
static pthread_once_t room_once = PTHREAD_ONCE_INIT;
static int room_keyed;
static void room_open(void) { room_keyed = pthread_key_create(&room_key, free) == 0; }
static int room_ready(void) { return pthread_once(&room_once, room_open) == 0 && room_keyed; }
static char *room_of_thread(void) { return room_ready() ? pthread_getspecific(room_key) : NULL; }
static int room_keep(char *raw) { return room_ready() && pthread_setspecific(room_key, raw) == 0; }
#endif

static char *room_make(void) {
  char *raw = GRADUS_ALLOCATE(ROOM_BYTES + ROOM_PAGE);
  if (raw && room_keep(raw)) return raw;
  free(raw);
  return NULL;
}

static Scratch scratch(void) {
  char *raw = room_of_thread();
  const int fresh = !raw;
  if (fresh && !(raw = room_make())) return (Scratch){NULL, NULL};
  // Aligned by hand: aligned_alloc is missing on Windows.
  char *room = raw + (ROOM_PAGE - (uintptr_t)raw % ROOM_PAGE) % ROOM_PAGE;
#if defined(__linux__)
  if (fresh) madvise(room, ROOM_BYTES / ROOM_PAGE * ROOM_PAGE, MADV_HUGEPAGE); // a wish: nothing is lost where it is not granted
#endif
  return (Scratch){(float *)room, (float *)room + ROOM_A};
}

// For a thread that is done with the kernels.
static void scratch_release(void) {
  free(room_of_thread());
  room_keep(NULL);
}
#endif
