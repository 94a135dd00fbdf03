// All of Tenon's own ops.
//
//   OpRegistry ops;
//   register_core_ops(ops);                  // explicit, so that static linking cannot lose any
//   ops.get("softmax");
#pragma once

#include <functional>
#include <memory>

#include "tenon/graph/op.h"

namespace tenon {

// One function per family, in the file of the same name.
// Primitives, and composites close to them:
void register_elementwise(OpRegistry& ops);  // arithmetic, exponentials, trigonometry, rounding
void register_compare(OpRegistry& ops);      // comparisons, logic, bits, select, clamp
void register_cast(OpRegistry& ops);         // cast, bitcast, quantize, dequantize
void register_elementary(OpRegistry& ops);   // exp2, inverse hyperbolic functions, xlogy
void register_structure(OpRegistry& ops);    // constant, iota, broadcast, reshape, transpose …
void register_slice(OpRegistry& ops);        // slice, pad, dynamic_slice, dynamic_update_slice
void register_gather(OpRegistry& ops);       // gather, scatter
void register_reduce(OpRegistry& ops);       // sums, products, extrema, argmax, argmin
void register_cumulative(OpRegistry& ops);   // cumulative sum, product, extrema
void register_sort(OpRegistry& ops);         // sort, top_k
void register_random(OpRegistry& ops);       // random_bits, dropout
void register_dot(OpRegistry& ops);          // sums of products
void register_convolution(OpRegistry& ops);  // convolution and its two gradients
void register_window(OpRegistry& ops);       // sums and maxima of windows and their transposes
void register_collective(OpRegistry& ops);   // all_reduce, all_gather, all_to_all …
void register_custom_call(OpRegistry& ops);  // custom_call
void register_control(OpRegistry& ops);      // call, cond, while, scan, barrier, custom_vjp …
// Composites:
void register_activations(OpRegistry& ops);    // relu, gelu, silu, softplus …
void register_softmax(OpRegistry& ops);        // softmax, log_softmax, log_sum_exp
void register_normalisation(OpRegistry& ops);  // layer, RMS, group and instance norm
void register_batch_norm(OpRegistry& ops);     // in training and in inference
void register_losses(OpRegistry& ops);         // cross entropies, mean squared error …
void register_pooling(OpRegistry& ops);        // max, average, adaptive and global pooling
void register_attention(OpRegistry& ops);      // attention
void register_embedding(OpRegistry& ops);      // embedding, one_hot, rotary_embedding
void register_recurrent(OpRegistry& ops);      // LSTM and GRU

void register_core_ops(OpRegistry& ops);

/// The ops of this program: the core ops, then those of extensions. Created on first use.
const OpRegistry& core_ops();

/// Adds ops to core_ops(); error invalid_argument if that was already used. `then` is called before
/// anyone can use them. For load() (runtime/extension.h), which checks them first.
void extend_core_ops(std::function<void(OpRegistry&)> family, const std::function<void()>& then);

}  // namespace tenon
