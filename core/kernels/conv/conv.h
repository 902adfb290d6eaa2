// The types of a convolution. All three of its results come from one picture of it, the correlation: each result sums, over the
// channels of a source and over the taps of a kernel, what its window lies on times a weight. The gradient of x is such a correlation
// too, of the gradient of y; the gradient of the weights has the same windows, and other sums.
#ifndef GRADUS_CONV_H
#define GRADUS_CONV_H
#include <stddef.h>
#include "../kernels.h"
#include "../tile.h"

// One of the three dimensions of images: which image, which row, which column. Tap t of result i lies on element
// i·step + first + t·gap of the source, if there is such an element; gap may be negative, never 0.
typedef struct {
  ptrdiff_t size;           // results
  ptrdiff_t source, step;   // elements of the source, and how many of them a window moves
  ptrdiff_t taps, first, gap;
  ptrdiff_t in, out, weight; // strides of source, result and weights
  ptrdiff_t lowest, wide;    // where the copy of a window begins in the source, for result 0, and how many elements it has
} Axis;

// Along the last axis results are neighbours in tiles; along the two others they are reached one by one.
typedef struct {
  Axis axis[3];
  ptrdiff_t groups, in_channels, out_channels; // channels of one group
  const float *in;
  ptrdiff_t in_c, in_group; // strides from a channel and from a group to the next
  float *w;                 // the weights, which are the result of one of the verb's three jobs
  ptrdiff_t w_in, w_out, w_group;
  float *out; // results, or the gradient of y
  ptrdiff_t out_c, out_group;
  float *bias; // one a channel of the result, or NULL
  ptrdiff_t bias_c, bias_group;
  int activation;
} Correlation;

// Correlations of the same source that share a copy of it, and the weights of each. The gradient of x by windows that move by more than
// one has several: elements of x that are a stride apart have the same taps.
#define PHASES_MOST 16
typedef struct {
  Correlation x;
  const float *weights;
  const ptrdiff_t *in_at, *weight_at;
  const float *out; // where its results begin in the end
} Phase;

typedef struct {
  ptrdiff_t from, end;
} Range;

// A box of results.
typedef struct {
  ptrdiff_t from[3], size[3];
} Block;

// How the part of the source under a block is laid out in the workspace: [channel][phase][line of axis 0][line of axis 1][pitch]. A line
// stands for one element along its axis. Along the last axis the copy holds, for each phase, every step-th element: so the results of
// a tile read neighbours, whatever the step, and what is outside of the source is 0. Windows that leave gaps leave none in the copy. Where
// tiles can read every step-th element themselves, there is one phase with all elements.
typedef struct {
  ptrdiff_t channels, phases;
  ptrdiff_t spread;   // floats from a result's element to the next one's, along the last axis
  ptrdiff_t step[2];  // lines from the window of one result to the next one's
  ptrdiff_t lines[2]; // in all
  ptrdiff_t channel, phase, image, pitch; // floats from a channel, a phase, a line of axis 0 and of axis 1 to the next
  int64_t floats;     // in all; 0 where the source is read in place
} Layout;

// What the sums of a tile run over: segments of `steps` each, which begin at a[i] in A and b[i] in B.
typedef struct {
  ptrdiff_t count, steps;
  const ptrdiff_t *a, *b;
  ptrdiff_t a_row, a_stride, b_stride; // from a row of A to the next, from a step to the next
} Segments;

// The workspace of a thread, as a convolution uses it: two lists of segments, then the rest.
#define TAPS_MOST 2048 // in a kernel; a larger one is left to plain loops
#define LIST_FLOATS ((ptrdiff_t)(TAPS_MOST * sizeof(ptrdiff_t) / sizeof(float)))
#define SLACK 64 // floats that vectors may reach past the end of what they load or store
#define REST_FLOATS ((ptrdiff_t)(WORKSPACE_A + WORKSPACE_B) - 4 * LIST_FLOATS)
#define COPY_FLOATS (REST_FLOATS / 3)     // for the copy of a block,
#define WEIGHT_FLOATS (REST_FLOATS / 2)   // and for packed weights, or for sums that become weights
#define COPY_USUAL ((ptrdiff_t)64 << 10) // a copy that stays in L2 beside the weights

typedef struct {
  ptrdiff_t *list[2]; // of the thread
  ptrdiff_t *taps[2]; // of the caller, for all threads
  float *copy;        // COPY_FLOATS
  float *weights;     // WEIGHT_FLOATS
  float *more;        // what is left
} Room;
#define MORE_FLOATS (REST_FLOATS - COPY_FLOATS - WEIGHT_FLOATS)

#endif
