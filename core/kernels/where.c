// out = mask ? a : b over any strides. Runs that are dense, or one number all along, are chosen a vector at a time.
#include "vector.h"

INLINE ivec mask_of(const uint8_t *from) { return __builtin_convertvector(*(const bytes *)from != 0, ivec); }

static void where_row(ptrdiff_t n, const uint8_t *mask, ptrdiff_t ms, const float *a, ptrdiff_t as, const float *b, ptrdiff_t bs,
                      float *out, ptrdiff_t os) {
  ptrdiff_t i = 0;
  if (ms == 1 && os == 1 && (as == 0 || as == 1) && (bs == 0 || bs == 1))
    for (; i + LANES <= n; i += LANES)
      VEC(out + i) = pick(mask_of(mask + i), as ? CVEC(a + i) : all(*a), bs ? CVEC(b + i) : all(*b));
  for (; i < n; i++) out[i * os] = mask[i * ms] ? a[i * as] : b[i * bs];
}

int32_t gradus_where(const int32_t *d, const uint8_t *mask, const float *a, const float *b, float *out) {
  const int rank = d[WHERE_RANK], inner = rank - 1, state = walk_state(rank, d + WHERE_SIZES);
  if (state < 0) return GRADUS_OUT_OF_BOUNDS;
  if (state == 0) return GRADUS_OK;
  const int32_t *strides[4];
  ptrdiff_t at[4];
  for (int i = 0; i < 4; i++) {
    strides[i] = d + WHERE_STRIDES + i * WALK_RANK, at[i] = d[WHERE_OFFSET + i];
    if (!walk_fits(rank, d + WHERE_SIZES, strides[i], d[WHERE_OFFSET + i], d[WHERE_LENGTH + i])) return GRADUS_OUT_OF_BOUNDS;
  }
  int32_t count[WALK_RANK] = {0};
  do {
    where_row(d[WHERE_SIZES + inner], mask + at[0], strides[0][inner], a + at[1], strides[1][inner], b + at[2], strides[2][inner],
              out + at[3], strides[3][inner]);
  } while (walk_next(inner, d + WHERE_SIZES, count, 4, strides, at));
  return GRADUS_OK;
}
