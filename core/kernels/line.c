// Where memory begins: JavaScript, which makes it, knows no addresses.
#include <stdint.h>
#include "kernels.h"

int32_t gradus_line(const float *start) { return (int32_t)((uintptr_t)start % GRADUS_LINE); }
