// Convolutions and their two gradients by a library, on plain channels-last arrays.
//
//   ConvolutionProblem p{.kind = ConvolutionKind::forward, .batch = 64, .input = {28, 28},
//                        .output = {28, 28}, .kernel = {5, 5}, .in_channels = 1, .out_channels = 6};
//   p.strides = p.dilation = {1, 1}, p.padding_low = p.padding_high = {2, 2};
//   std::string why_not;
//   auto kernel = make_convolution(p, why_not);
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tenon/graph/dtype.h"
#include "tenon/runtime/kernel.h"

namespace tenon {

enum class ConvolutionKind : uint8_t { forward, input_gradient, filter_gradient };

/// Arrays are row-major: x [batch, input…, in_channels], y [batch, output…, out_channels], filter
/// [kernel…, in_channels / groups, out_channels], where out_channels count group by group. One to
/// three spatial axes. Output position o reads input position o * stride - padding_low + k *
/// dilation, in `forward` and in its two gradients.
struct ConvolutionProblem {
  ConvolutionKind kind = ConvolutionKind::forward;
  DType dtype = DType::f32;
  int64_t batch = 1;
  std::vector<int64_t> input, output, kernel;
  int64_t in_channels = 1, out_channels = 1, groups = 1;
  std::vector<int64_t> strides, padding_low, padding_high, dilation;

  /// 3x3 convolutions with stride 1 may be done by Winograd's algorithm (winograd.h), which takes
  /// less than half the time, with a root mean square error near 1e-6 of the result's; `exact`
  /// forbids it.
  bool exact = false;
  /// The filter is known: kernels with their own layout take it packed
  /// (OpKernel::packing).
  bool known_filter = false;

  /// Whether all numbers of its geometry are below 2^31: libraries count in 32 bits, and products
  /// of larger numbers might overflow 64 bits.
  bool fits_32_bits() const;
  bool operator==(const ConvolutionProblem&) const = default;
};

/// Inputs and output are
///   forward           x, filter         -> y
///   input_gradient    dy, filter        -> dx
///   filter_gradient   x, dy             -> dfilter
/// The result has the same bits with any number of threads. Null, with the reason, if our own
/// kernel would be faster.
std::unique_ptr<OpKernel> make_convolution(const ConvolutionProblem& problem, std::string& why_not);

}  // namespace tenon
