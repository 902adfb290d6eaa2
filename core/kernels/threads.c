// The pool of threads: the only mutable state that threads share. A job is a number of parts that do not touch each other's
// results, so that the bits do not depend on who does what, nor on how many there are.
#include <stddef.h>
#include "kernels.h"
#include "tile.h"

typedef void Part(void *job, ptrdiff_t part);
#define THREADS_MOST 64

#if defined(__wasm__) || defined(_WIN32)
static ptrdiff_t thread_count(void) { return 1; }
static void parallel(ptrdiff_t parts, Part *run, void *job) {
  for (ptrdiff_t part = 0; part < parts; part++) run(job, part);
}
#if !defined(__wasm__)
int32_t gradus_threads(int32_t count) { return count < 1 || count > THREADS_MOST ? GRADUS_OUT_OF_BOUNDS : GRADUS_OK; }
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
  int wanted, started, stop;
  pid_t owner; // threads do not survive a fork
  pthread_t workers[THREADS_MOST];
} pool = {.turn = PTHREAD_MUTEX_INITIALIZER, .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER,
          .done = PTHREAD_COND_INITIALIZER, .wanted = 1};

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
  scratch(); // now: while a library is being closed, a thread that asks for its first memory of this kind would wait for ever
  pthread_mutex_lock(&pool.lock);
  while (!pool.stop) {
    work();
    pthread_mutex_unlock(&pool.lock);
    for (int i = 0; i < SPINS && hint(&pool.next) >= hint(&pool.parts); i++) PAUSE;
    pthread_mutex_lock(&pool.lock);
    while (!pool.stop && pool.next >= pool.parts) pthread_cond_wait(&pool.wake, &pool.lock);
  }
  pthread_mutex_unlock(&pool.lock);
  scratch_release();
  return none;
}

// With the turn held: as many workers as are wanted beside the caller; fewer where the system has no more.
static void start(void) {
  if (pool.owner != getpid()) pool.owner = getpid(), pool.started = 0;
  while (pool.started < pool.wanted - 1 && pthread_create(&pool.workers[pool.started], NULL, worker, NULL) == 0) pool.started++;
}

static ptrdiff_t thread_count(void) { return __atomic_load_n(&pool.wanted, __ATOMIC_RELAXED); }

// Runs all parts, some of them elsewhere, and returns when they are done. Where the pool is busy with another caller's job,
// they are all run here.
static void parallel(ptrdiff_t parts, Part *run, void *job) {
  if (parts < 2 || thread_count() < 2 || pthread_mutex_trylock(&pool.turn) != 0) {
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
  if (pool.owner != getpid()) pool.started = 0;
  pthread_mutex_lock(&pool.lock);
  pool.stop = 1;
  pthread_cond_broadcast(&pool.wake);
  pthread_mutex_unlock(&pool.lock);
  for (; pool.started > 0; pool.started--) pthread_join(pool.workers[pool.started - 1], NULL);
  pool.stop = 0;
}

int32_t gradus_threads(int32_t count) {
  if (count < 1 || count > THREADS_MOST) return GRADUS_OUT_OF_BOUNDS;
  pthread_mutex_lock(&pool.turn);
  if (count - 1 < pool.started) stop();
  __atomic_store_n(&pool.wanted, count, __ATOMIC_RELAXED);
  pthread_mutex_unlock(&pool.turn);
  return GRADUS_OK;
}

// However the library is closed, no thread may be left in code that goes away.
static __attribute__((destructor)) void close_pool(void) { gradus_threads(1); }
#endif
