// The steps of a recurrent layer, forward and back: for each one product with the weight of the state, and the cells of all sequences.
// Sequences see nothing of each other, so that threads share them. Rows lie by steps; the first state stands before those after each
// step, in reverse behind.
#include "gemm/gemm.h"
#include "vector.h"

typedef struct {
  int cell, reverse;
  ptrdiff_t hidden, sequences, steps, rows;
  ptrdiff_t made, kept, shift; // floats of a row: of the product, of the gates, and of the gate that it begins at
  ptrdiff_t memory, first;     // from h to c in all states, and where those after the steps begin, in rows
  const int32_t *sizes;        // how many sequences reach each step
  const float *weight, *bias, *g, *activated;
  float *gates, *states, *carried; // gates: forward activated here, back their gradients; carried: what has arrived at each sequence's state
  ptrdiff_t parts;
  char undone[THREADS_MOST];
} Recurrent;

// Some sequences at one step: `row` is the step's first row of gates, and `before` that of the states before it.
typedef struct {
  ptrdiff_t row, before, from, end;
} Run;

static int recurrent_open(const int32_t *d, Recurrent *r) {
  const int64_t h = d[RECURRENT_HIDDEN], s = d[RECURRENT_SEQUENCES], steps = d[RECURRENT_STEPS], length = d[RECURRENT_LENGTH];
  const int cell = d[RECURRENT_CELL];
  if (cell < CELL_TANH || cell >= CELL_COUNT || h < 0 || s < 0 || steps < 0 || length != RECURRENT_SIZES + steps) return 0;
  int64_t rows = 0;
  for (ptrdiff_t t = 0; t < (ptrdiff_t)steps; t++) {
    const int64_t n = d[RECURRENT_SIZES + t];
    if (n < 0 || n > (t == 0 ? s : d[RECURRENT_SIZES + t - 1])) return 0;
    rows += n;
  }
  const int64_t made = (cell == CELL_LSTM ? 4 : cell == CELL_GRU ? 3 : 1) * h, kept = (cell == CELL_GRU ? 4 : made / (h ? h : 1)) * h;
  const int64_t states = (rows + s) * h, parts = cell == CELL_LSTM ? 2 : 1;
  if (rows != d[RECURRENT_ROWS] || rows * kept > d[RECURRENT_GATES_LENGTH] || made * h > d[RECURRENT_WEIGHT_LENGTH] ||
      parts * states > d[RECURRENT_STATES_LENGTH] || parts * s * h > d[RECURRENT_FIRST_LENGTH]) return 0;
  *r = (Recurrent){.cell = cell, .reverse = d[RECURRENT_REVERSE] != 0, .hidden = (ptrdiff_t)h, .sequences = (ptrdiff_t)s,
                   .steps = (ptrdiff_t)steps, .rows = (ptrdiff_t)rows, .made = (ptrdiff_t)made, .kept = (ptrdiff_t)kept,
                   .shift = (ptrdiff_t)(kept - made), .memory = (ptrdiff_t)states, .sizes = d + RECURRENT_SIZES};
  r->first = r->reverse ? 0 : r->sequences;
  return 1;
}

static void state_product(const Product *x, Workspace w) {
  Blocking by;
  choose_blocking(&by, x, x->m >= x->n);
  multiply(x, &by, w);
}

ONCE vec sigmoid_once(vec x) { return sigmoid_vec(x); }
ONCE vec tanh_once(vec x) { return tanh_vec(x); }

// The cells. `h` and `c` are the state before, `h_next` and `c_next` that after, each for one value; gates are `n` floats apart.

static void cell_forward(const Recurrent *r, float *gates, const float *h, float *h_next) {
  const ptrdiff_t n = r->hidden, memory = r->memory;
  for (ptrdiff_t j = 0, left = n; left > 0; j += LANES, left -= LANES) {
    float *at = gates + j;
    vec y = load_some(at, left);
    if (r->cell == CELL_LSTM) {
      const vec i = sigmoid_once(y), f = sigmoid_once(load_some(at + n, left));
      const vec g = tanh_once(load_some(at + 2 * n, left)), o = sigmoid_once(load_some(at + 3 * n, left));
      const vec c = f * load_some(h + memory + j, left) + i * g;
      store_some(at, i, left), store_some(at + n, f, left), store_some(at + 2 * n, g, left), store_some(at + 3 * n, o, left);
      store_some(h_next + memory + j, c, left);
      y = o * tanh_once(c);
    } else if (r->cell == CELL_GRU) {
      const vec reset = sigmoid_once(load_some(at + n, left)), z = sigmoid_once(load_some(at + 2 * n, left));
      y = tanh_once(y + reset * load_some(at + 3 * n, left));
      store_some(at, y, left), store_some(at + n, reset, left), store_some(at + 2 * n, z, left);
      y = y + z * (load_some(h + j, left) - y);
    } else {
      y = r->cell == CELL_TANH ? tanh_once(y) : blend(y <= 0, broadcast(0), y);
      store_some(at, y, left);
    }
    store_some(h_next + j, y, left);
  }
}

// `g` is the gradient of the state after the step, with that of its memory `memory` floats behind.
static void cell_back(const Recurrent *r, const float *gates, float *dgates, const float *g, const float *h, const float *h_next, float *carried) {
  const ptrdiff_t n = r->hidden, memory = r->memory, part = r->sequences * n;
  for (ptrdiff_t j = 0, left = n; left > 0; j += LANES, left -= LANES) {
    const float *at = gates + j;
    float *to = dgates + j;
    const vec dh = load_some(carried + j, left) + load_some(g + j, left), y = load_some(at, left);
    if (r->cell == CELL_LSTM) {
      const vec f = load_some(at + n, left), gate = load_some(at + 2 * n, left), o = load_some(at + 3 * n, left);
      const vec t = tanh_once(load_some(h_next + memory + j, left));
      const vec dc = load_some(carried + part + j, left) + load_some(g + memory + j, left) + dh * o * (1 - t * t);
      store_some(to, dc * gate * (y * (1 - y)), left);
      store_some(to + n, dc * load_some(h + memory + j, left) * (f * (1 - f)), left);
      store_some(to + 2 * n, dc * y * (1 - gate * gate), left);
      store_some(to + 3 * n, dh * t * (o * (1 - o)), left);
      store_some(carried + part + j, dc * f, left);
    } else if (r->cell == CELL_GRU) {
      const vec reset = load_some(at + n, left), z = load_some(at + 2 * n, left), product = load_some(at + 3 * n, left);
      const vec dn = dh * (1 - z) * (1 - y * y);
      store_some(to, dn, left);
      store_some(to + n, dn * product * (reset * (1 - reset)), left);
      store_some(to + 2 * n, dh * (load_some(h + j, left) - y) * (z * (1 - z)), left);
      store_some(to + 3 * n, dn * reset, left);
      store_some(carried + j, dh * z, left);
    } else {
      const vec slope = dh * (1 - y * y);
      store_some(to, r->cell == CELL_TANH ? slope : blend(y <= 0, broadcast(0), dh), left);
    }
  }
}

static void run_forward(const Recurrent *r, Run run, Workspace w) {
  const ptrdiff_t n = r->hidden, count = run.end - run.from;
  if (count <= 0 || n == 0) return;
  float *gates = r->gates + (run.row + run.from) * r->kept;
  const float *h = r->states + (run.before + run.from) * n;
  for (ptrdiff_t s = 0; r->shift && s < count; s++) {
    float *to = gates + s * r->kept + 3 * n;
    if (r->bias) __builtin_memcpy(to, r->bias, (size_t)n * sizeof *to);
    else __builtin_memset(to, 0, (size_t)n * sizeof *to);
  }
  const Product x = {.m = count, .k = n, .n = r->made, .a = {h, n, 1}, .b = {r->weight, 1, r->made},
                     .c = {gates + r->shift, r->kept, 1}, .add = 1};
  state_product(&x, w);
  float *next = r->states + (run.row + r->first + run.from) * n;
  for (ptrdiff_t s = 0; s < count; s++) cell_forward(r, gates + s * r->kept, h + s * n, next + s * n);
}

static void run_back(const Recurrent *r, Run run) {
  const ptrdiff_t n = r->hidden;
  for (ptrdiff_t s = run.from; s < run.end; s++) {
    const ptrdiff_t gates = (run.row + s) * r->kept, after = (run.row + r->first + s) * n;
    cell_back(r, r->activated + gates, r->gates + gates, r->g + after, r->states + (run.before + s) * n, r->states + after, r->carried + s * n);
  }
}

static ptrdiff_t within(ptrdiff_t x, ptrdiff_t low, ptrdiff_t high) { return x < low ? low : x > high ? high : x; }

// A step: which it is in memory, its first row, and how many sequences are in it and were in the one taken before it, whose first row is
// `row_before`. Sequences from `had` on begin here, with their first state.
typedef struct {
  ptrdiff_t row, n, row_before, had;
} Step;

// The step that is taken after i others, if `row` is where their rows end.
static Step step_at(const Recurrent *r, ptrdiff_t i, ptrdiff_t row) {
  const ptrdiff_t t = r->reverse ? r->steps - 1 - i : i, n = r->sizes[t], had = i == 0 ? 0 : r->sizes[r->reverse ? t + 1 : t - 1];
  return r->reverse ? (Step){row - n, n, row, had} : (Step){row, n, row - had, had};
}

// Its sequences in [from, end) that went on, and those that begin.
static void runs_of(const Recurrent *r, const Step *s, ptrdiff_t from, ptrdiff_t end, Run run[2]) {
  const ptrdiff_t stop = min(end, s->n), middle = within(s->had, from, stop);
  run[0] = (Run){s->row, s->row_before + r->first, from, middle};
  run[1] = (Run){s->row, r->reverse ? r->rows : 0, middle, stop};
}

static void steps_forward(const Recurrent *r, ptrdiff_t from, ptrdiff_t end, Workspace w) {
  for (ptrdiff_t i = 0, row = r->reverse ? r->rows : 0; i < r->steps; i++) {
    const Step s = step_at(r, i, row);
    Run run[2];
    row = r->reverse ? s.row : s.row + s.n;
    if (s.n <= from) continue;
    runs_of(r, &s, from, end, run);
    run_forward(r, run[0], w), run_forward(r, run[1], w);
  }
}

static void steps_back(const Recurrent *r, ptrdiff_t from, ptrdiff_t end, Workspace w) {
  const ptrdiff_t n = r->hidden, parts = r->cell == CELL_LSTM ? 2 : 1;
  for (ptrdiff_t part = 0; part < parts; part++)
    __builtin_memset(r->carried + (part * r->sequences + from) * n, 0, (size_t)((end - from) * n) * sizeof(float));
  for (ptrdiff_t i = r->steps - 1, row = r->reverse ? 0 : r->rows; i >= 0; i--) {
    const ptrdiff_t size = r->sizes[r->reverse ? r->steps - 1 - i : i];
    const Step s = step_at(r, i, r->reverse ? row + size : row - size);
    Run run[2];
    row = r->reverse ? row + size : row - size;
    if (s.n <= from || n == 0) continue;
    runs_of(r, &s, from, end, run);
    run_back(r, run[0]), run_back(r, run[1]);
    const Product x = {.m = run[1].end - from, .k = r->made, .n = n, .a = {r->gates + (s.row + from) * r->kept + r->shift, r->kept, 1},
                       .b = {r->weight, 1, n}, .c = {r->carried + from * n, n, 1}, .add = r->cell == CELL_GRU};
    state_product(&x, w);
  }
  for (ptrdiff_t part = 0; part < parts; part++) {
    float *to = r->carried + (part * r->sequences + from) * n;
    const float *g = r->g + part * r->memory + ((r->reverse ? r->rows : 0) + from) * n;
    for (ptrdiff_t j = 0; j < (end - from) * n; j++) to[j] += g[j];
  }
}

static void recurrent_part(void *job, ptrdiff_t part) {
  Recurrent *r = job;
  const ptrdiff_t from = share(r->sequences, MR, part, r->parts), end = share(r->sequences, MR, part + 1, r->parts);
  const Workspace w = workspace();
  if (from == end) return;
  if (!w.a) r->undone[part] = 1;
  else if (r->g) steps_back(r, from, end, w);
  else steps_forward(r, from, end, w);
}

static void run_recurrent(Recurrent *r) {
  const int64_t worth = (int64_t)((double)r->rows * (double)r->hidden * (double)r->made / PART_WORTH);
  r->parts = worth < 2 ? 1 : (ptrdiff_t)min((ptrdiff_t)min(worth, THREADS_MOST), thread_count());
  for (ptrdiff_t part = 0; part < r->parts; part++) r->undone[part] = 0;
  parallel(r->parts, recurrent_part, r);
  for (ptrdiff_t part = 0; part < r->parts; part++)
    if (r->undone[part]) r->undone[part] = 0, recurrent_part(r, part); // this thread has its memory
}

int32_t gradus_recurrent(const int32_t *d, float *gates, const float *weight, const float *bias, float *states) {
  Recurrent r;
  if (!recurrent_open(d, &r)) return GRADUS_OUT_OF_BOUNDS;
  if (!workspace().a) return GRADUS_OUT_OF_MEMORY;
  r.gates = gates, r.weight = weight, r.bias = d[RECURRENT_HAS_BIAS] ? bias : NULL, r.states = states;
  run_recurrent(&r);
  return GRADUS_OK;
}

int32_t gradus_recurrent_backward(const int32_t *d, const float *g, const float *gates, const float *weight, const float *states, float *dgates,
                                  float *dfirst) {
  Recurrent r;
  if (!recurrent_open(d, &r)) return GRADUS_OUT_OF_BOUNDS;
  if (!workspace().a) return GRADUS_OUT_OF_MEMORY;
  r.g = g, r.activated = gates, r.weight = weight, r.states = (float *)states, r.gates = dgates, r.carried = dfirst;
  run_recurrent(&r);
  return GRADUS_OK;
}
