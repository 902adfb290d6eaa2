// The pool of threads: the only mutable state that threads share. A job is a number of parts that do not touch each other's
// results, so that the bits do not depend on who does what, nor on how many there are.
#include <stddef.h>
#include "kernels.h"
#include "tile.h"

typedef void Part(void *job, ptrdiff_t part);
#define THREADS_MOST 64
#define RUN_PART ((ptrdiff_t)1 << 16) // elements: a long run is shared out in parts of fixed size

static ptrdiff_t min(ptrdiff_t x, ptrdiff_t y) { return x < y ? x : y; }
static ptrdiff_t ceil_div(ptrdiff_t x, ptrdiff_t y) { return (x + y - 1) / y; }
// Where a part of several even ones begins. The product passes 32 bits, which is all that wasm's ptrdiff_t has.
static ptrdiff_t part_begin(ptrdiff_t total, ptrdiff_t part, ptrdiff_t parts) { return (ptrdiff_t)((int64_t)total * part / parts); }

#if defined(__wasm__) || defined(_WIN32)
static ptrdiff_t thread_count(void) { return 1; }
static void parallel(ptrdiff_t parts, Part *run, void *job) {
  for (ptrdiff_t part = 0; part < parts; part++) run(job, part);
}
#if !defined(__wasm__)
int32_t gradus_threads(int32_t count, int32_t usual) {
  static int wanted; // 0 until somebody says a number
  if (count < 1 || count > THREADS_MOST) return 0;
  if (wanted == 0 || !usual) wanted = count;
  return wanted;
}
#endif
#else
#include <pthread.h>
#include <unistd.h>

#define SPINS 2000 // some ten microseconds: as long as it takes to fall asleep and be woken

static struct {
  pthread_mutex_t turn; // held by the one caller whose job it is
  pthread_mutex_t lock; // guards everything below
  pthread_cond_t wake, done;
  Part *run;
  void *job;
  ptrdiff_t parts, next, left; // `next` and `left` are also watched without the lock, as a hint
  int wanted, started, stop; // `wanted` is 0 until somebody says a number
  pid_t owner; // the process; below 0 while it is made, 0 until then
  pthread_t workers[THREADS_MOST];
} pool = {.turn = PTHREAD_MUTEX_INITIALIZER, .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER,
          .done = PTHREAD_COND_INITIALIZER};

// Whether the pool may be used by this process now. Its threads do not survive a fork, and its locks stay as they were at that moment:
// the first to come to it in a child makes it anew, and whoever comes meanwhile goes without.
static int pool_ours(void) {
  const pid_t self = getpid();
  pid_t owner = __atomic_load_n(&pool.owner, __ATOMIC_ACQUIRE);
  if (owner == self) return 1;
  if (owner == -self || !__atomic_compare_exchange_n(&pool.owner, &owner, -self, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) return 0;
  pool.turn = pool.lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
  pool.wake = pool.done = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
  pool.parts = pool.next = pool.left = 0;
  pool.started = pool.stop = 0;
  __atomic_store_n(&pool.owner, self, __ATOMIC_RELEASE);
  return 1;
}

static ptrdiff_t hint(const ptrdiff_t *x) { return __atomic_load_n(x, __ATOMIC_RELAXED); }
static void tell(ptrdiff_t *x, ptrdiff_t value) { __atomic_store_n(x, value, __ATOMIC_RELAXED); }

// With the lock held: takes parts until there are none left.
static void work(void) {
  while (pool.next < pool.parts) {
    const ptrdiff_t part = pool.next;
    Part *run = pool.run;
    void *job = pool.job;
    tell(&pool.next, part + 1);
    pthread_mutex_unlock(&pool.lock);
    run(job, part);
    pthread_mutex_lock(&pool.lock);
    tell(&pool.left, pool.left - 1);
    if (pool.left == 0) pthread_cond_signal(&pool.done);
  }
}

static void *worker(void *none) {
  pthread_mutex_lock(&pool.lock);
  while (!pool.stop) {
    work();
    pthread_mutex_unlock(&pool.lock);
    for (int i = 0; i < SPINS && hint(&pool.next) >= hint(&pool.parts); i++) PAUSE;
    pthread_mutex_lock(&pool.lock);
    while (!pool.stop && pool.next >= pool.parts) pthread_cond_wait(&pool.wake, &pool.lock);
  }
  pthread_mutex_unlock(&pool.lock);
  return none;
}

// With the turn held: as many workers as are wanted beside the caller; fewer where the system has no more.
static void start(void) {
  while (pool.started < pool.wanted - 1 && pthread_create(&pool.workers[pool.started], NULL, worker, NULL) == 0) pool.started++;
}

static ptrdiff_t thread_count(void) {
  const int wanted = __atomic_load_n(&pool.wanted, __ATOMIC_RELAXED);
  return wanted > 1 ? wanted : 1;
}

// Runs all parts, some of them elsewhere, and returns when they are done. Where the pool is busy with another caller's job,
// they are all run here.
static void parallel(ptrdiff_t parts, Part *run, void *job) {
  if (parts < 2 || thread_count() < 2 || !pool_ours() || pthread_mutex_trylock(&pool.turn) != 0) {
    for (ptrdiff_t part = 0; part < parts; part++) run(job, part);
    return;
  }
  start();
  pthread_mutex_lock(&pool.lock);
  pool.run = run, pool.job = job;
  tell(&pool.left, parts), tell(&pool.next, 0), tell(&pool.parts, parts);
  pthread_cond_broadcast(&pool.wake);
  work();
  pthread_mutex_unlock(&pool.lock);
  for (int i = 0; i < SPINS && hint(&pool.left) > 0; i++) PAUSE;
  pthread_mutex_lock(&pool.lock);
  while (pool.left > 0) pthread_cond_wait(&pool.done, &pool.lock);
  tell(&pool.parts, 0);
  pthread_mutex_unlock(&pool.lock);
  pthread_mutex_unlock(&pool.turn);
}

// With the turn held: sends all workers home and waits for them.
static void stop(void) {
  pthread_mutex_lock(&pool.lock);
  pool.stop = 1;
  pthread_cond_broadcast(&pool.wake);
  pthread_mutex_unlock(&pool.lock);
  for (; pool.started > 0; pool.started--) pthread_join(pool.workers[pool.started - 1], NULL);
  pool.stop = 0;
}

__attribute__((noinline)) int32_t gradus_threads(int32_t count, int32_t usual) {
  if (count < 1 || count > THREADS_MOST) return 0;
  while (!pool_ours()) PAUSE;
  pthread_mutex_lock(&pool.turn);
  if (pool.wanted == 0 || !usual) {
    if (count - 1 < pool.started) stop();
    __atomic_store_n(&pool.wanted, count, __ATOMIC_RELAXED);
  }
  const int32_t now = pool.wanted;
  pthread_mutex_unlock(&pool.turn);
  return now;
}

// However the library is closed, no thread may be left in code that goes away. A library that was only asked whether this CPU can run
// it is closed without anything that the CPU may not know.
static __attribute__((destructor)) void close_library(void) {
  if (pool.owner != 0) gradus_threads(1, 0);
  workspace_release();
}
#endif
