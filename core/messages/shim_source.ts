/** What stands between this library and MPI: a page of C, because an MPI's types differ between builds. `mpicc` compiles it. */

/** The file's name in the folder where it is compiled. */
export const SHIM = "mpi_shim.c";

/**
 * The C. A function gives 0, or what MPI calls an error code; a message that was begun is known by its number in a table, which is what
 * `gradus_mpi_wait` takes. Waiting is asking again and again: a rank that never answers cannot hold the others for ever.
 */
export const SHIM_SOURCE = String.raw`
#include <mpi.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#if defined(OPEN_MPI)
#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)
#define LIBRARY "Open MPI v" TEXT(OMPI_MAJOR_VERSION) "." TEXT(OMPI_MINOR_VERSION) "." TEXT(OMPI_RELEASE_VERSION)
#elif defined(MPICH_VERSION)
#define LIBRARY MPICH_VERSION
#else
#define LIBRARY ""
#endif
#define EXPORT __attribute__((visibility("default")))

static MPI_Request *requests;
static int32_t *free_places;
static int32_t places, free_count;

/* A place in the table, or -1 without memory. */
static int32_t take_place(void) {
  if (free_count == 0) {
    int32_t more = places == 0 ? 64 : 2 * places;
    MPI_Request *r = realloc(requests, more * sizeof *r);
    if (r == NULL) return -1;
    requests = r;
    int32_t *f = realloc(free_places, more * sizeof *f);
    if (f == NULL) return -1;
    free_places = f;
    for (int32_t i = more - 1; i >= places; i--) free_places[free_count++] = i;
    places = more;
  }
  return free_places[--free_count];
}

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* facts: rank, size. An error of MPI comes back from here on. */
EXPORT int32_t gradus_mpi_open(int32_t *facts) {
  int there = 0, level, code = MPI_Initialized(&there);
  if (code == 0 && !there) code = MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level);
  if (code == 0) code = MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  int rank = 0, size = 1;
  if (code == 0) code = MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (code == 0) code = MPI_Comm_size(MPI_COMM_WORLD, &size);
  facts[0] = rank, facts[1] = size;
  return code;
}

/* The sentence of an error; of -1 the library that runs, of -2 the one that this was compiled for. The text is of 8,192 bytes. */
EXPORT int32_t gradus_mpi_text(int32_t code, char *text) {
  int length = 0;
  if (code == -1) return MPI_Get_library_version(text, &length);
  if (code == -2) return strcpy(text, LIBRARY), 0;
  return MPI_Error_string(code, text, &length);
}

static MPI_Datatype kind_of(int32_t kind) {
  MPI_Datatype kinds[] = {MPI_BYTE, MPI_FLOAT, MPI_DOUBLE, MPI_INT32_T, MPI_UINT8_T};
  return kinds[kind];
}

static MPI_Op op_of(int32_t op) {
  MPI_Op ops[] = {MPI_SUM, MPI_PROD, MPI_MIN, MPI_MAX};
  return ops[op];
}

/*
 * Begins a message; d: what (0 send, 1 receive, 2 broadcast, 3 gather from all, 4 reduce), how many elements, their kind, the other rank,
 * the tag, the operation; answers d[6], its number. The memory must stay until it has ended.
 */
EXPORT int32_t gradus_mpi_begin(int32_t *d, void *data, void *result) {
  int32_t place = take_place();
  if (place < 0) return MPI_ERR_NO_MEM;
  int code = MPI_ERR_ARG, n = d[1], other = d[3], tag = d[4];
  MPI_Datatype kind = kind_of(d[2]);
  MPI_Request *r = &requests[place];
  MPI_Comm all = MPI_COMM_WORLD;
  switch (d[0]) {
    case 0: code = MPI_Isend(data, n, kind, other, tag, all, r); break;
    case 1: code = MPI_Irecv(data, n, kind, other, tag, all, r); break;
    case 2: code = MPI_Ibcast(data, n, kind, other, all, r); break;
    case 3: code = MPI_Iallgather(data, n, kind, result, n, kind, all, r); break;
    case 4: code = MPI_Iallreduce(MPI_IN_PLACE, data, n, kind, op_of(d[5]), all, r); break;
  }
  if (code != 0) free_places[free_count++] = place;
  d[6] = place;
  return code;
}

/*
 * Waits for d[1] messages, whose numbers stand from d[4] on, for d[0] milliseconds at most; those that have ended become -1. d[2] is
 * then how many have not, and after an error d[3] the one that it befell.
 */
EXPORT int32_t gradus_mpi_wait(int32_t *d) {
  double end = d[0] > 0 ? seconds() + 1e-3 * d[0] : 0;
  for (int32_t round = 1;; round++) {
    int32_t open = 0;
    for (int32_t i = 0; i < d[1]; i++) {
      int32_t place = d[4 + i];
      if (place < 0) continue;
      int done = 0, code = MPI_Test(&requests[place], &done, MPI_STATUS_IGNORE);
      if (code != 0) return d[3] = i, code;
      if (!done) open++;
      else free_places[free_count++] = place, d[4 + i] = -1;
    }
    d[2] = open;
    if (open == 0 || d[0] == 0) return 0;
    if (round % 8 == 0) { /* ranks may share a core */
      sched_yield();
      if (seconds() > end) return 0;
    }
  }
}

EXPORT int32_t gradus_mpi_close(void) { return MPI_Finalize(); }

/* The alarm ends this process where the launcher cannot be reached. */
EXPORT int32_t gradus_mpi_abort(int32_t code) {
  alarm(5);
  return MPI_Abort(MPI_COMM_WORLD, code);
}
`;
