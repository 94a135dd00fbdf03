// Convolutions by plain loops in f64, for tests of kernels.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "library_kernel.h"
#include "tenon/runtime/cpu/convolution.h"

namespace tenon::test {

using Extents = std::vector<int64_t>;

inline int64_t product(const Extents& extents) {
  int64_t result = 1;
  for (const int64_t extent : extents) result *= extent;
  return result;
}

/// Steps through every position of an array.
template <class Function>
void for_each(const Extents& extents, Function&& function) {
  Extents at(extents.size(), 0);
  for (int64_t i = 0; i < product(extents); ++i) {
    function(at);
    for (size_t d = extents.size(); d-- > 0 && ++at[d] == extents[d];) at[d] = 0;
  }
}

inline Extents x_shape(const ConvolutionProblem& p) {
  Extents shape = {p.batch};
  shape.insert(shape.end(), p.input.begin(), p.input.end());
  shape.push_back(p.in_channels);
  return shape;
}
inline Extents y_shape(const ConvolutionProblem& p) {
  Extents shape = {p.batch};
  shape.insert(shape.end(), p.output.begin(), p.output.end());
  shape.push_back(p.out_channels);
  return shape;
}
inline Extents filter_shape(const ConvolutionProblem& p) {
  Extents shape = p.kernel;
  shape.push_back(p.in_channels / p.groups);
  shape.push_back(p.out_channels);
  return shape;
}

/// Calls function(x index, filter index, y index) for each product of the convolution.
template <class Function>
void for_each_product(const ConvolutionProblem& p, Function&& function) {
  const int64_t group_in = p.in_channels / p.groups, group_out = p.out_channels / p.groups;
  for_each(y_shape(p), [&](const Extents& y) {
    for_each(p.kernel, [&](const Extents& k) {
      int64_t x_at = y[0], filter_at = 0, y_at = y[0];
      for (size_t d = 0; d < k.size(); ++d) {
        const int64_t position = y[d + 1] * p.strides[d] - p.padding_low[d] + k[d] * p.dilation[d];
        if (position < 0 || position >= p.input[d]) return;
        x_at = x_at * p.input[d] + position;
        filter_at = filter_at * p.kernel[d] + k[d];
        y_at = y_at * p.output[d] + y[d + 1];
      }
      const int64_t out = y.back(), group = out / group_out;
      for (int64_t c = 0; c < group_in; ++c) {
        function(static_cast<size_t>(x_at * p.in_channels + group * group_in + c),
                 static_cast<size_t>((filter_at * group_in + c) * p.out_channels + out),
                 static_cast<size_t>(y_at * p.out_channels + out));
      }
    });
  });
}

inline std::string describe(const ConvolutionProblem& p) {
  return fmt::format(
      "kind {} batch {} input {} output {} kernel {} channels {} -> {} groups {} strides {} "
      "padding {} {} dilation {}",
      static_cast<int>(p.kind), p.batch, p.input, p.output, p.kernel, p.in_channels, p.out_channels,
      p.groups, p.strides, p.padding_low, p.padding_high, p.dilation);
}

struct Data {
  std::vector<std::vector<float>> inputs;
  std::vector<float> output;
};

inline Data make_data(const ConvolutionProblem& p, std::mt19937& random) {
  const auto numbers = [&](const Extents& shape) {
    return test::random_floats(static_cast<size_t>(product(shape)), random);
  };
  switch (p.kind) {
    case ConvolutionKind::input_gradient:
      return {{numbers(y_shape(p)), numbers(filter_shape(p))}, numbers(x_shape(p))};
    case ConvolutionKind::filter_gradient:
      return {{numbers(x_shape(p)), numbers(y_shape(p))}, numbers(filter_shape(p))};
    default:
      break;
  }
  return {{numbers(x_shape(p)), numbers(filter_shape(p))}, numbers(y_shape(p))};
}

inline std::vector<double> reference(const ConvolutionProblem& p, const Data& data) {
  std::vector<double> result(data.output.size(), 0.0);
  const auto& first = data.inputs[0];
  const auto& second = data.inputs[1];
  for_each_product(p, [&](size_t x, size_t filter, size_t y) {
    if (p.kind == ConvolutionKind::forward) {
      result[y] += static_cast<double>(first[x]) * second[filter];
    } else if (p.kind == ConvolutionKind::input_gradient) {
      result[x] += static_cast<double>(first[y]) * second[filter];
    } else {
      result[filter] += static_cast<double>(first[x]) * second[y];
    }
  });
  return result;
}

inline void set_output(ConvolutionProblem& p) {
  p.output.clear();
  for (size_t d = 0; d < p.input.size(); ++d) {
    const int64_t window = (p.kernel[d] - 1) * p.dilation[d] + 1;
    p.output.push_back((p.input[d] + p.padding_low[d] + p.padding_high[d] - window) / p.strides[d] +
                       1);
  }
}

inline ConvolutionProblem three_by_three(ConvolutionKind kind, int64_t batch, int64_t extent,
                                         int64_t in_channels, int64_t out_channels) {
  ConvolutionProblem p;
  p.kind = kind;
  p.batch = batch;
  p.input = p.output = {extent, extent};
  p.kernel = {3, 3};
  p.in_channels = in_channels, p.out_channels = out_channels;
  p.strides = p.dilation = p.padding_low = p.padding_high = {1, 1};
  return p;
}

inline constexpr ConvolutionKind kKinds[] = {
    ConvolutionKind::forward, ConvolutionKind::input_gradient, ConvolutionKind::filter_gradient};

}  // namespace tenon::test
