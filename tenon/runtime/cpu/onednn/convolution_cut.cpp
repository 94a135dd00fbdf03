#include "tenon/runtime/cpu/onednn/convolution_cut.h"

#include <algorithm>
#include <bit>
#include <optional>

#include "tenon/runtime/cpu/onednn/convolution_step.h"

namespace tenon::detail {
namespace {

/// Up to 16 parts of at least 20 us, and more where each takes a millisecond or longer. A power of
/// two, which few threads share evenly.
int64_t wanted_parts(const ConvolutionProblem& p) {
  const double work = operations_of(p);
  const double parts = std::max(std::min(work / 4e6, 16.0), work / 2e8);
  return static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(std::clamp(parts, 1.0, 64.0))));
}

/// Rows [begin, end) of y from one image, and the rows of x that they read.
std::optional<ConvolutionPart> forward_rows(const ConvolutionProblem& p, int64_t begin,
                                            int64_t end) {
  ConvolutionPart part{p, 0, 0, begin};
  const int64_t reach = (p.kernel[0] - 1) * p.dilation[0];
  const int64_t first = begin * p.strides[0] - p.padding_low[0];
  const int64_t last = (end - 1) * p.strides[0] - p.padding_low[0] + reach;
  const int64_t x_begin = std::clamp<int64_t>(first, 0, p.input[0]);
  const int64_t x_end = std::clamp<int64_t>(last + 1, 0, p.input[0]);
  if (x_end <= x_begin) return std::nullopt;  // nothing but padding
  ConvolutionProblem& rows = part.problem;
  rows.output[0] = end - begin;
  rows.input[0] = x_end - x_begin;
  rows.padding_low[0] = x_begin - first;
  rows.padding_high[0] = last + 1 - x_end;
  part.x_row = x_begin;
  return part;
}

/// Rows [begin, end) of the gradient of x from one image, and the rows of dy that they read.
std::optional<ConvolutionPart> gradient_rows(const ConvolutionProblem& p, int64_t begin,
                                             int64_t end) {
  ConvolutionPart part{p, 0, begin, 0};
  const int64_t stride = p.strides[0], reach = (p.kernel[0] - 1) * p.dilation[0];
  const int64_t lowest = begin + p.padding_low[0] - reach;  // o * stride is at least that
  const int64_t y_begin = lowest <= 0 ? 0 : (lowest + stride - 1) / stride;
  const int64_t y_end = std::min(p.output[0], (end - 1 + p.padding_low[0]) / stride + 1);
  if (y_end <= y_begin) return std::nullopt;
  ConvolutionProblem& rows = part.problem;
  rows.input[0] = end - begin;
  rows.output[0] = y_end - y_begin;
  rows.padding_low[0] = begin + p.padding_low[0] - y_begin * stride;
  rows.padding_high[0] =
      (rows.output[0] - 1) * stride + reach + 1 - rows.input[0] - rows.padding_low[0];
  part.y_row = y_begin;
  // With strides some rows of x may be behind the last window.
  if (rows.padding_low[0] < 0 || rows.padding_high[0] < 0) return std::nullopt;
  return part;
}

std::vector<ConvolutionPart> cut_images(const ConvolutionProblem& p, int64_t wanted) {
  const int64_t count = std::min(wanted, p.batch);
  std::vector<ConvolutionPart> parts;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t first = p.batch * i / count;
    parts.push_back({p, first});
    parts.back().problem.batch = p.batch * (i + 1) / count - first;
  }
  return parts;
}

/// Empty if rows cannot be told apart.
std::vector<ConvolutionPart> cut_rows(const ConvolutionProblem& p, int64_t wanted) {
  const bool forward = p.kind == ConvolutionKind::forward;
  const int64_t height = forward ? p.output[0] : p.input[0];
  const int64_t blocks = std::clamp<int64_t>((wanted + p.batch - 1) / p.batch, 1, height);
  ConvolutionProblem image = p;
  image.batch = 1;
  std::vector<ConvolutionPart> parts;
  for (int64_t i = 0; i < p.batch; ++i) {
    for (int64_t block = 0; block < blocks; ++block) {
      const int64_t begin = height * block / blocks, end = height * (block + 1) / blocks;
      const auto part =
          forward ? forward_rows(image, begin, end) : gradient_rows(image, begin, end);
      if (!part) return {};
      parts.push_back(*part);
      parts.back().image = i;
    }
  }
  return parts;
}

}  // namespace

std::vector<ConvolutionPart> cut_convolution(const ConvolutionProblem& problem) {
  const int64_t wanted = wanted_parts(problem);
  if (wanted > 2 * problem.batch) {
    if (auto parts = cut_rows(problem, wanted); !parts.empty()) return parts;
  }
  return cut_images(problem, wanted);
}

}  // namespace tenon::detail
