// Says whether the CPU has what these kernels were compiled for.
#include "harness.h"
#include "kernels.h"

int main(void) {
  printf("%d\n", gradus_open());
  return 0;
}
