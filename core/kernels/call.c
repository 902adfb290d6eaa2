// One door for the functions that are called seldom, or take so long that finding them costs nothing beside.
#include "kernels.h"

int32_t gradus_call(int32_t function, const int32_t *d, void *p1, void *p2, void *p3, void *p4, void *p5, void *p6, void *p7, void *p8) {
  switch (function) {
    case CALL_OPEN: return gradus_open();
    case CALL_THREADS: return gradus_threads(d[0], d[1]);
    case CALL_PEAK: return gradus_peak(d[0]);
    case CALL_TRIM_MEMORY: return gradus_trim_memory(), GRADUS_OK;
    case CALL_CONV: return gradus_conv(d, p1, p2, p3, p4);
    case CALL_WHERE: return gradus_where(d, p1, p2, p3, p4);
    case CALL_REDUCE: return gradus_reduce(d, p1, p2);
    case CALL_GATHER: return gradus_gather(d, p1, p2, p3, p4, p5);
    case CALL_ACTIVATION_BACKWARD: return gradus_activation_backward(d, p1, p2, p3, p4);
    case CALL_CROSS_ENTROPY: return gradus_cross_entropy(d, p1, p2, p3, p4);
    case CALL_UPDATE: return gradus_update(d[0], p1, p2, d[1]);
    case CALL_POOL: return gradus_pool(d, p1, p2, p3);
    case CALL_POOL_BACKWARD: return gradus_pool_backward(d, p1, p2, p3);
    case CALL_RESAMPLE: return gradus_resample(d, p1, p2);
    case CALL_RESAMPLE_BACKWARD: return gradus_resample_backward(d, p1, p2);
    case CALL_BATCH_NORM: return gradus_batch_norm(d, p1, p2, p3);
    case CALL_SOFTMAX: return gradus_softmax(d, p1, p2);
    case CALL_SOFTMAX_BACKWARD: return gradus_softmax_backward(d, p1, p2, p3);
    case CALL_LAYER_NORM: return gradus_layer_norm(d, p1, p2, p3, p4, p5);
    case CALL_LAYER_NORM_BACKWARD: return gradus_layer_norm_backward(d, p1, p2, p3, p4, p5, p6);
    case CALL_PLACES: return gradus_places(d, p1, p2, p3);
    case CALL_SCATTER_ADD: return gradus_scatter_add(d, p1, p2, p3, p4);
    case CALL_SCAN: return gradus_scan(d, p1, p2);
    case CALL_ORDER: return gradus_order(d, p1, p2);
    case CALL_DGEMM: return gradus_dgemm(d, p1, p2, p3, p4);
    case CALL_ADDRESS: return gradus_address(p1, d[0], p2), GRADUS_OK;
    case CALL_BATCH_NORM_BACKWARD: return gradus_batch_norm_backward(d, p1, p2, p3, p4, p5, p6);
    case CALL_RECURRENT: return gradus_recurrent(d, p1, p2, p3, p4);
    case CALL_RECURRENT_BACKWARD: return gradus_recurrent_backward(d, p1, p2, p3, p4, p5, p6);
    case CALL_ATTENTION: return gradus_attention(d, p1, p2, p3, p4, p5, p6);
    case CALL_ATTENTION_BACKWARD: return gradus_attention_backward(d, p1, p2, p3, p4, p5, p6, p7, p8);
    default: return GRADUS_OUT_OF_BOUNDS;
  }
}
