#include "tenon/runtime/cpu/convolution.h"

#include <fmt/format.h>

#include <algorithm>

#include "tenon/base/error.h"
#include "tenon/runtime/cpu/onednn/convolution_step.h"

namespace tenon {
namespace detail {
namespace {

/// Activations stay as they are; the filter is brought to the library's layout, which costs less
/// than a hundredth of what it saves. The library's own threads: they cut results, never sums.
class DirectConvolution : public ConvolutionKernel {
 public:
  DirectConvolution(const ConvolutionProblem& problem, dnnl::memory::format_tag filter_layout)
      : ConvolutionKernel(problem),
        part_(whole_of(problem)),
        step_(problem, part_, dnnl::algorithm::convolution_direct, DataLayout::plain,
              filter_layout) {
    const auto given = plain_filter(problem, part_, problem.dtype);
    if (given != step_.filter) {
      reorder_ = make_reorder(given, step_.filter);
      filter_ = reserve(step_.filter.get_size());
    }
    own_ = reserve(step_.scratch_bytes);
    description_ = fmt::format("onednn convolution {}", step_.implementation);
  }

  const std::string& implementation() const { return step_.implementation; }

  void run(void* const* inputs, void* const* outputs, void* scratch) const override {
    ConvolutionOperands at = operands(inputs, outputs);
    char* const base = static_cast<char*>(scratch);
    if (reorder_) {
      reorder_.run({at.filter, base + filter_});
      at.filter = base + filter_;
    }
    run_step(step_, at, base + own_);
  }

 private:
  Part part_;
  ConvolutionStep step_;
  Primitive reorder_;
  size_t filter_ = 0, own_ = 0;
};

std::unique_ptr<OpKernel> try_direct(const ConvolutionProblem& problem,
                                     dnnl::memory::format_tag filter_layout) {
  try {
    auto kernel = std::make_unique<DirectConvolution>(problem, filter_layout);
    if (!kernel->implementation().starts_with("ref")) return kernel;
  } catch (const dnnl::error&) {  // it has no kernel at all
  }
  return nullptr;
}

bool is_supported(const ConvolutionProblem& p, std::string& why_not) {
  if (onednn_dtype(p.dtype) == dnnl::memory::data_type::undef) {
    why_not = fmt::format("oneDNN has no fast {} convolution", name_of(p.dtype));
    return false;
  }
  const size_t rank = p.input.size();
  if (rank < 1 || rank > 3) {
    why_not = fmt::format("{} spatial axes", rank);
    return false;
  }
  for (const auto* list :
       {&p.output, &p.kernel, &p.strides, &p.padding_low, &p.padding_high, &p.dilation}) {
    check(list->size() == rank, "one entry for each spatial axis");
  }
  const auto below = [](const std::vector<int64_t>& list, int64_t least) {
    return std::ranges::any_of(list, [&](int64_t value) { return value < least; });
  };
  if (p.batch < 1 || p.in_channels < 1 || p.out_channels < 1 || below(p.input, 1) ||
      below(p.output, 1) || below(p.kernel, 1)) {
    why_not = "an operand is empty";
    return false;
  }
  if (below(p.padding_low, 0) || below(p.padding_high, 0)) {
    why_not = "negative padding";
    return false;
  }
  // The library counts rows and filters with 32 bits, and divides by what is left of them.
  double filter = static_cast<double>(p.in_channels) * static_cast<double>(p.out_channels);
  double image = static_cast<double>(std::max(p.in_channels, p.out_channels));
  for (size_t i = 0; i < rank; ++i) {
    filter *= static_cast<double>(p.kernel[i]);
    image *= static_cast<double>(std::max(p.input[i], p.output[i]));
  }
  if (static_cast<double>(p.batch) > INT32_MAX || filter > INT32_MAX || image > INT32_MAX) {
    why_not = "sizes beyond 32 bits";
    return false;
  }
  return true;
}

}  // namespace

std::unique_ptr<OpKernel> make_direct_convolution(const ConvolutionProblem& problem,
                                                  std::string& why_not) {
  // Up to eight channels fill the lanes of the library's kernels for shorter vectors better, which
  // are chosen by the layout of the filter.
  const bool short_vectors = problem.kind == ConvolutionKind::input_gradient &&
                             problem.input.size() == 2 && problem.groups == 1 &&
                             problem.in_channels <= 8 && problem.dtype == DType::f32;
  if (short_vectors) {
    if (auto kernel = try_direct(problem, dnnl::memory::format_tag::OIhw8o8i)) return kernel;
  }
  if (auto kernel = try_direct(problem, dnnl::memory::format_tag::any)) return kernel;
  why_not = "oneDNN has no optimised kernel";
  return nullptr;
}

}  // namespace detail

std::unique_ptr<OpKernel> make_convolution(const ConvolutionProblem& problem,
                                           std::string& why_not) {
  if (!detail::is_supported(problem, why_not)) return nullptr;
  try {
    if (auto kernel = detail::make_winograd_convolution(problem, why_not)) return kernel;
    if (auto kernel = detail::make_restated_convolution(problem, why_not)) return kernel;
    const bool filter_gradient = problem.kind == ConvolutionKind::filter_gradient;
    return filter_gradient ? detail::make_filter_gradient(problem, why_not)
                           : detail::make_direct_convolution(problem, why_not);
  } catch (const dnnl::error& error) {
    why_not = fmt::format("oneDNN: {}", error.what());
    return nullptr;
  }
}

}  // namespace tenon
