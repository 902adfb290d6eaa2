// Packing: a panel of either operand, whatever its strides, as [k, pitch], filled up from `width` to `pitch`.
// The filling keeps the micro-kernel free of edges; one routine serves rows of A and columns of B, for both are walked along k.
#include <stddef.h>
#include "kernels.h"
#include "tile.h"

// `across` steps between neighbours within the panel, `along` steps along k.
typedef struct {
  const float *data;
  ptrdiff_t across, along;
} Panel;

INLINE void transpose4(quad x[4]) {
  quad a = SHUFFLE(x[0], x[1], 0, 4, 1, 5), b = SHUFFLE(x[2], x[3], 0, 4, 1, 5);
  quad c = SHUFFLE(x[0], x[1], 2, 6, 3, 7), d = SHUFFLE(x[2], x[3], 2, 6, 3, 7);
  x[0] = SHUFFLE(a, b, 0, 1, 4, 5);
  x[1] = SHUFFLE(a, b, 2, 3, 6, 7);
  x[2] = SHUFFLE(c, d, 0, 1, 4, 5);
  x[3] = SHUFFLE(c, d, 2, 3, 6, 7);
}

// Any strides, one element at a time: steps [first, k) of the panel.
static void pack_gather(Panel s, ptrdiff_t first, ptrdiff_t k, int width, int pitch, float *to) {
  for (ptrdiff_t p = first; p < k; p++)
    for (int j = 0; j < pitch; j++) to[p * pitch + j] = j < width ? s.data[j * s.across + p * s.along] : 0;
}

// Neighbours stand side by side: whole vectors move, past `width` too, as long as that stays before the panel's last element.
// What lands between width and pitch is then other data, not zeros, which does no harm: those sums are never stored.
INLINE void pack_copy(Panel s, ptrdiff_t k, int width, int pitch, float *to, const int lanes) {
  ptrdiff_t p = 0;
  for (; p < k && pitch - width <= (k - 1 - p) * s.along; p++, to += pitch) {
    const float *from = s.data + p * s.along;
    for (int j = 0; j < pitch; j += lanes) __builtin_memcpy(to + j, from + j, lanes * sizeof(float));
  }
  pack_gather((Panel){s.data + p * s.along, s.across, s.along}, 0, k - p, width, pitch, to);
}

// Steps of k stand side by side: blocks of 4 x 4 are turned in registers. Past `width` the last neighbour is read again.
static void pack_turn(Panel s, ptrdiff_t k, int width, int pitch, float *to) {
  const ptrdiff_t whole = k & ~(ptrdiff_t)3;
  for (int j = 0; j < pitch; j += 4) {
    const float *from[4];
    UNROLL for (int i = 0; i < 4; i++) from[i] = s.data + (j + i < width ? j + i : width - 1) * s.across;
    float *here = to + j;
    for (ptrdiff_t p = 0; p < whole; p += 4, here += 4 * pitch) {
      quad x[4];
      UNROLL for (int i = 0; i < 4; i++) x[i] = CQUAD(from[i] + p);
      transpose4(x);
      UNROLL for (int i = 0; i < 4; i++) QUAD(here + i * pitch) = x[i];
    }
  }
  pack_gather(s, whole, k, width, pitch, to);
}

static void pack(Panel s, ptrdiff_t k, int width, int pitch, float *to) {
  if (s.across == 1 && pitch % LANES == 0) pack_copy(s, k, width, pitch, to, LANES);
  else if (s.across == 1) pack_copy(s, k, width, pitch, to, 4);
  else if (s.along == 1) pack_turn(s, k, width, pitch, to);
  else pack_gather(s, 0, k, width, pitch, to);
}
