// The five loops around the micro-kernel, which know no instruction set. From the outermost: blocks of NC columns, of KC steps of k
// (and so a block of B in L3) and of MC rows (a block of A in L2), then panels of NR columns and of MR rows. A Blocking may choose
// smaller blocks, so that a small operand stays in L2, and leave operands unpacked that are read too rarely.
#include "gemm.h"
#include "../vector.h"

// `total` in as few parts of at most `most` as possible, and as even as possible: the first `larger` parts have one more than `size`.
typedef struct {
  ptrdiff_t count, size, larger;
} Parts;

static Parts even_parts(ptrdiff_t total, ptrdiff_t most) {
  if (total <= most) return (Parts){1, total, 0};
  const ptrdiff_t count = ceil_div(total, most), size = total / count;
  return (Parts){count, size, total - size * count};
}
INLINE ptrdiff_t part_size(Parts parts, ptrdiff_t i) { return parts.size + (i < parts.larger); }

// A block of A, in place or packed: panels of up to MR rows, padded to a multiple of 4. The rows are spread evenly (50 rows as five
// tens, not as four twelves and a two), so that every tile has enough sums in flight.
typedef struct {
  Operand operand;
  int packed;
  Parts panels;
} ABlock;

INLINE ptrdiff_t padded(ptrdiff_t rows) { return (rows + 3) & ~(ptrdiff_t)3; }

static void make_a_block(ABlock *block, Operand a, ptrdiff_t m, ptrdiff_t k, int packed, float *to) {
  block->packed = packed, block->panels = even_parts(m, MR);
  block->operand = a;
  if (!packed) return;
  block->operand = (Operand){to, 1, 0};
  for (ptrdiff_t q = 0, i = 0; q < block->panels.count; q++) {
    const ptrdiff_t rows = part_size(block->panels, q);
    pack(operand_at(a, i, 0), k, (int)rows, (int)padded(rows), to);
    i += rows, to += padded(rows) * k;
  }
}

// Columns [j, j + cols). B is left in place if its vectors are whole. If the last one is not, it reaches past the columns, which
// does no harm but at the end of the buffer: where there are few rows, only the last steps of k are packed.
static void make_panel(Panel *p, const Product *x, ptrdiff_t j, const Blocking *by, float *to) {
  const Operand b = operand_at(x->b, j, 0);
  const int cols = (int)min(by->nr, x->n - j);
  const int vectors = (cols + LANES - 1) / LANES, ld = vectors * LANES, in_rows = b.mn_stride == 1 && b.k_stride >= 1;
  *p = (Panel){b.data, b.k_stride, x->k, x->k, NULL, .c_rs = ld, .cols = cols, .vectors = vectors, .j = j};
  if (!in_rows || ((by->pack_b || cols != ld) && x->m > 3 * MR)) {
    pack(b, x->k, cols, ld, to);
    p->b = to, p->b_stride = ld;
  } else if (cols != ld) {
    const ptrdiff_t edge = min(x->k, (ld - cols + b.k_stride - 1) / b.k_stride);
    p->b_rows = x->k - edge, p->b_edge = to;
    pack(operand_at(b, 0, p->b_rows), edge, cols, ld, to);
  }
  p->straight = cols == ld && x->c.cs == 1 && (!x->bias.data || (x->bias.cs == 1 && x->bias.rs == 0)) && !x->activation;
  if (!p->straight) return;
  p->c_rs = x->c.rs, p->add = x->add, p->bias = x->bias.data ? x->bias.data + j : NULL;
  p->c_far = PREFETCHES && (x->k > 2 * LATE || (x->k >= LINE && x->m * x->n > L2_FLOATS));
}

// Where A passes B, what comes next are more rows of A. Elsewhere it is the next panel of B: a line wide with each of the first panels
// of rows.
INLINE Prefetch prefetch(const Product *x, const Blocking *by, const float *next_rows, ptrdiff_t q, ptrdiff_t j) {
  const ptrdiff_t ahead = by->nr + q * LINE;
  if (by->a_passes) return (Prefetch){next_rows, x->a.mn_stride == 1 ? x->a.k_stride : LINE};
  const int too_large = x->b.mn_stride != 1 && x->k * by->nr > NEXT_PANEL;
  if (too_large || q * LINE >= by->nr || j + ahead >= x->n) return (Prefetch){next_rows, 0};
  return (Prefetch){x->b.data + (j + ahead) * x->b.mn_stride, x->b.mn_stride == 1 ? x->b.k_stride : LINE};
}

// The rows of a block of A, which begin with row i of the product, times `count` panels of columns.
INLINE void multiply_panels(const Product *x, const Blocking *by, const ABlock *a, ptrdiff_t i, const Panel *first, ptrdiff_t count) {
  const int k_major = a->operand.mn_stride != 1;
  const float *from = a->operand.data;
  for (ptrdiff_t q = 0; q < a->panels.count; q++) {
    const ptrdiff_t rows = part_size(a->panels, q);
    const ptrdiff_t stride = a->packed ? padded(rows) : k_major ? a->operand.mn_stride : a->operand.k_stride;
    const float *next_rows = from + (a->packed ? padded(rows) * x->k : rows * a->operand.mn_stride);
    MicroKernel *const *kernels = micro_kernels[k_major][rows - 1];
    Prefetch next = prefetch(x, by, next_rows, q, first->j);
    for (const Panel *p = first; p < first + count; p++) {
      const Matrix c = matrix_at(x->c, i, p->j);
      if (p->straight) {
        kernels[p->vectors - 1](p, from, stride, c.data, next);
      } else {
        float tile[MR * NR];
        kernels[p->vectors - 1](p, from, stride, tile, next);
        store_tile(tile, (int)p->c_rs, (int)rows, p->cols, c, x->add, bias_at(x->bias, i, p->j), x->activation);
      }
      next.stride = 0;
    }
    from = next_rows, i += rows;
  }
}

// One block of columns and one of k. Panels of B are packed when the first block of rows needs them, and kept for the others.
static void multiply_block(const Product *x, const Blocking *by, Workspace w) {
  Product others; // the columns that are not dot products, without the activation, which follows once all are there
  const Product *tiles = x;
  if (by->dot_columns) {
    others = columns_between(x, 0, x->n - by->dot_columns), tiles = &others;
    others.activation = ACTIVATION_NONE;
  }
  const Parts blocks = even_parts(x->m, by->mc);
  const ptrdiff_t panels = ceil_div(tiles->n, by->nr);
  const int a_passes = L2_FLOATS > 0 && by->a_passes; // said so that no code is made for it where it never does
  const int kept = blocks.count > 1 || a_passes; // else a panel is packed where the one before it was
  Panel panel[NC / LANES];
  for (ptrdiff_t block = 0, i = 0, m; block < blocks.count; block++, i += m) {
    m = part_size(blocks, block);
    ABlock a;
    make_a_block(&a, operand_at(x->a, i, 0), m, x->k, by->pack_a, w.a);
    for (ptrdiff_t p = 0; p < panels; p++) {
      if (block == 0) make_panel(&panel[p], tiles, p * by->nr, by, w.b + (kept ? p * by->nr * x->k : 0));
      if (!a_passes) multiply_panels(tiles, by, &a, i, &panel[p], 1);
    }
    if (a_passes) multiply_panels(tiles, by, &a, i, panel, panels);
    if (!by->dot_columns) continue;
    dot_rows(x, by->dot_b, i, i + m, tiles->n, by->dot_columns, 0);
    if (x->activation) activate(x->activation, m, x->n, matrix_at(x->c, i, 0));
  }
}

static __attribute__((noinline)) void multiply(const Product *x, const Blocking *by, Workspace w) {
  if (x->n <= by->nc && x->k <= by->kc) return multiply_block(x, by, w);
  const Parts panels = even_parts(ceil_div(x->n, NR), by->nc / NR), depth = even_parts(x->k, by->kc);
  for (ptrdiff_t block = 0, j = 0, end; block < panels.count; block++, j = end) {
    end = min(x->n, j + part_size(panels, block) * NR);
    const Product columns = columns_between(x, j, end);
    for (ptrdiff_t part = 0, p = 0, last; part < depth.count; part++, p = last) {
      last = p + part_size(depth, part);
      const Product steps = steps_between(&columns, p, last);
      multiply_block(&steps, by, w);
    }
  }
}
