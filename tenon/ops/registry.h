// All of Tenon's own ops.
//
//   OpRegistry ops;
//   register_core_ops(ops);                  // explicit, so that static linking cannot lose any
//   ops.get("softmax");
#pragma once

#include <memory>

#include "tenon/graph/op.h"

namespace tenon {

// One function a family, in the file of its name.
void register_elementwise(
    OpRegistry& ops);  // elementwise.cpp: arithmetic, exponentials, trigonometry, rounding
void register_compare(OpRegistry& ops);    // compare.cpp: comparisons, logic, bits, select, clamp
void register_cast(OpRegistry& ops);       // cast.cpp: cast, bitcast, quantize, dequantize
void register_structure(OpRegistry& ops);  // structure.cpp: constant, iota, broadcast, reshape,
                                           // transpose, reverse, concatenate
void register_slice(OpRegistry& ops);  // slice.cpp: slice, pad, dynamic_slice, dynamic_update_slice
void register_gather(OpRegistry& ops);  // gather.cpp: gather, scatter
void register_reduce(OpRegistry& ops);  // reduce.cpp: sums, products, extrema, argmax, argmin
void register_cumulative(
    OpRegistry& ops);                   // cumulative.cpp: cumulative sum, product, extrema; sort
void register_random(OpRegistry& ops);  // random.cpp: random_bits
void register_dot(OpRegistry& ops);     // dot.cpp
void register_convolution(OpRegistry& ops);  // convolution.cpp: convolution and its two gradients
void register_window(OpRegistry& ops);  // window.cpp: window sums and maxima and their transposes
void register_control(
    OpRegistry& ops);  // control.cpp: call, cond, while, scan, barrier, stop_gradient, custom_vjp
void register_activations(OpRegistry& ops);  // activations.cpp: relu, gelu, silu, softplus …
void register_normalisation(
    OpRegistry& ops);  // normalisation.cpp: softmax, log_softmax, layer/batch/group/RMS norm
void register_losses(OpRegistry& ops);     // losses.cpp: cross entropies, mean squared error …
void register_pooling(OpRegistry& ops);    // pooling.cpp: max, average, adaptive pooling
void register_attention(OpRegistry& ops);  // attention.cpp: attention, embedding, dropout
void register_recurrent(OpRegistry& ops);  // recurrent.cpp: LSTM and GRU cells

void register_core_ops(OpRegistry& ops);

/// A registry with the core ops, for programs that add none of their own. Made on first use.
const OpRegistry& core_ops();

}  // namespace tenon
