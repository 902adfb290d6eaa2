// A child after fork without exec, with threads in the parent asleep, awake or in the middle of a product: its products end, with the
// same bits, on threads of its own; and it ends itself.
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>
#include "harness.h"
#include "kernels.h"

enum { SIZE = 260, PATIENCE = 20 };
static float a[SIZE * SIZE], b[SIZE * SIZE], expected[SIZE * SIZE];
static int enough;

static void multiply_into(float *c) {
  const int32_t d[GEMM_DESCRIPTOR_LENGTH] = {SIZE, SIZE, SIZE, 0, SIZE, 1, SIZE * SIZE, 0, SIZE, 1, SIZE * SIZE, 0, SIZE, 1, SIZE * SIZE};
  if (gradus_gemm(d, a, b, c, NULL) != GRADUS_OK) fail("product refused");
}

static void *busy(void *none) {
  float *c = floats(SIZE * SIZE);
  while (!__atomic_load_n(&enough, __ATOMIC_RELAXED)) multiply_into(c);
  free(c);
  return none;
}

static void *in_child(void *none) {
  float *c = floats(SIZE * SIZE);
  for (int i = 0; i < 3; i++) {
    multiply_into(c);
    if (memcmp(c, expected, sizeof expected)) fail("other bits in a child");
  }
  free(c);
  return none;
}

// Two threads of the child come to the pool at once.
static void child(void) {
  pthread_t other;
  alarm(PATIENCE);
  pthread_create(&other, NULL, in_child, NULL);
  in_child(NULL);
  pthread_join(other, NULL);
  gradus_threads(2, 0);
  in_child(NULL);
  exit(0);
}

static void fork_once(void) {
  int status;
  const pid_t id = fork();
  if (id == 0) child();
  if (id < 0 || waitpid(id, &status, 0) != id || status != 0) fail("a child did not end well");
}

int main(void) {
  pthread_t other;
  for (int i = 0; i < SIZE * SIZE; i++) a[i] = (float)(i * 37 % 101) / 50 - 1, b[i] = (float)(i * 53 % 103) / 50 - 1;
  gradus_threads(3, 0);
  multiply_into(expected);
  for (int i = 0; i < 10; i++) fork_once();
  pthread_create(&other, NULL, busy, NULL);
  for (int i = 0; i < 10; i++) fork_once();
  __atomic_store_n(&enough, 1, __ATOMIC_RELAXED);
  pthread_join(other, NULL);
  printf("20 children\n");
  return 0;
}
