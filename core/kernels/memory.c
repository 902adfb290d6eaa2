// The memory that JavaScript makes: where it begins, which the language cannot tell, and what becomes of it when it is let go.
#include <stdint.h>
#include <stdlib.h>
#include "kernels.h"
#if defined(__GLIBC__)
#include <malloc.h>
#endif

int32_t gradus_line(const float *start) { return (int32_t)((uintptr_t)start % GRADUS_LINE); }

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

void gradus_keep_memory(void) {
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
