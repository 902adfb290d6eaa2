// The ceiling of one core: float32 multiply-adds with no memory behind them. The caller holds the clock.
#include <stdint.h>
#include "kernels.h"
#include "tile.h"

// Independent sums, so that no multiply-add waits for another: latency times throughput is at most 10 on the machines of today.
#define CHAINS 12

int32_t gradus_peak(int32_t steps) {
  // The sums keep growing: a sum that stands still toggles no bits, and lets the core clock higher than real work does.
  vec sum[CHAINS], scale = (vec){0} + 1.0000001f, shift = (vec){0} + 1e-9f;
  UNROLL for (int i = 0; i < CHAINS; i++) sum[i] = (vec){0} + 0.1f * (float)i;
  for (int32_t step = 0; step < steps; step++) {
    UNROLL for (int i = 0; i < CHAINS; i++) sum[i] = sum[i] * scale + shift;
  }
  // Used, or the compiler would drop the work.
  volatile float keep = 0;
  UNROLL for (int i = 0; i < CHAINS; i++) keep += sum[i][0];
  (void)keep;
  return 2 * LANES * CHAINS;
}
