// The transforms of flat functions, which those of transforms.h call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tenon/tensor/detail/flat.h"

namespace tenon {

namespace detail {

using Names = std::span<const std::string>;

/// Outputs, then the gradients of output 0 by the arguments at `wanted`.
std::vector<Tensor> flat_value_and_grad(const FlatFunction& f, std::span<const Tensor> arguments,
                                        std::span<const size_t> wanted, Names names);
/// Outputs, then the tangents of the outputs.
std::vector<Tensor> flat_jvp(const FlatFunction& f, std::span<const Tensor> primals,
                             std::span<const Tensor> tangents, Names names);
struct FlatPullback {
  std::vector<Tensor> outputs;
  std::function<std::vector<Tensor>(std::span<const Tensor>)> pull;
};
FlatPullback flat_vjp(const FlatFunction& f, std::span<const Tensor> primals, Names names);
std::vector<Tensor> flat_vmap(const FlatFunction& f, std::span<const Tensor> arguments,
                              std::span<const std::optional<int64_t>> in_axes,
                              std::optional<int64_t> out_axis, const std::string& axis_name,
                              Names names);
std::vector<Tensor> flat_remat(const FlatFunction& f, std::span<const Tensor> arguments);
/// `forward` gives outputs, then residuals; `backward` takes residuals, then cotangents.
std::vector<Tensor> flat_custom_vjp(const FlatFunction& f, const FlatFunction& forward,
                                    const FlatFunction& backward,
                                    std::span<const Tensor> arguments);
std::vector<Tensor> flat_cond(const Tensor& predicate, const FlatFunction& then,
                              const FlatFunction& otherwise, std::span<const Tensor> operands);
std::vector<Tensor> flat_while(const FlatFunction& condition, const FlatFunction& body,
                               std::span<const Tensor> start);
/// Final carries, then the stacked results.
std::vector<Tensor> flat_scan(const FlatFunction& body, std::span<const Tensor> carries,
                              std::span<const Tensor> xs, bool reverse);

/// All tensors of `shape` that are 1 in one place and 0 elsewhere, along a new first axis.
Tensor unit_vectors(const Shape& shape, DType dtype);
/// One axis as several, which are `shape`.
Tensor split_axis(const Tensor& x, int64_t axis, const Shape& shape);

}  // namespace detail

}  // namespace tenon
