#include "tenon/runtime/cpu/convolution.h"

#include <fmt/format.h>

#include <algorithm>

#include "tenon/base/error.h"
#include "tenon/runtime/cpu/onednn/convolution_cut.h"
#include "tenon/runtime/cpu/onednn/convolution_step.h"

namespace tenon {
namespace detail {
namespace {

/// Activations stay as they are; the filter is brought to the library's layout, which costs less
/// than a hundredth of what it saves.
class DirectConvolution : public ConvolutionKernel {
 public:
  DirectConvolution(const ConvolutionProblem& problem, const std::vector<ConvolutionPart>& parts,
                    dnnl::memory::format_tag filter_layout)
      : ConvolutionKernel(problem) {
    for (const ConvolutionPart& part : parts) add(part, filter_layout);
    const auto given = plain_filter(problem, whole_of(problem), problem.dtype);
    if (given != filter()) {
      reorder_ = Reorder(given, filter());
      if (!problem.known_filter) filter_ = reserve(filter().get_size());
    }
    for (const Kind& kind : kinds_) slot_bytes_ = std::max(slot_bytes_, kind.step.scratch_bytes);
    slot_bytes_ = round_up(slot_bytes_, kBufferAlignment);
    slots_ = std::min<int64_t>(std::ssize(parts_), thread_count());
    own_ = reserve(slot_bytes_ * static_cast<size_t>(slots_));
    description_ = fmt::format("onednn convolution {}", kinds_[0].step.implementation);
    if (parts_.size() > 1) description_ += fmt::format(" in {} parts", parts_.size());
  }

  /// Whether the library has more than its reference for every part, and one layout of the filter.
  bool is_fast() const {
    return std::ranges::none_of(kinds_, [&](const Kind& kind) {
      return kind.step.implementation.starts_with("ref") || kind.step.filter != filter();
    });
  }

  std::optional<Packing> packing(size_t input) const override {
    if (input != 1 || !problem_.known_filter || !reorder_) return std::nullopt;
    return reorder_.packing();
  }

  void run(void* const* inputs, void* const* outputs, void* scratch) const override {
    ConvolutionOperands whole = operands(inputs, outputs);
    char* const base = static_cast<char*>(scratch);
    if (reorder_ && !problem_.known_filter) {
      reorder_.run(whole.filter, base + filter_);
      whole.filter = base + filter_;
    }
    for_each_item(std::ssize(parts_), slots_, [&](int64_t i, size_t slot) {
      const Place& part = parts_[static_cast<size_t>(i)];
      run_step(kinds_[part.kind].step, {whole.x + part.x, whole.filter, whole.y + part.y},
               base + own_ + slot * slot_bytes_);
    });
  }

 private:
  /// Parts of equal geometry share a primitive.
  struct Kind {
    ConvolutionProblem problem;
    ConvolutionStep step;
  };
  struct Place {
    size_t kind;
    size_t x, y;  // bytes from the beginning
  };

  const dnnl::memory::desc& filter() const { return kinds_[0].step.filter; }

  void add(const ConvolutionPart& part, dnnl::memory::format_tag filter_layout) {
    const auto found = std::ranges::find(kinds_, part.problem, &Kind::problem);
    const auto kind = static_cast<size_t>(found - kinds_.begin());
    if (found == kinds_.end()) {
      FilterLayout layout = filter_layout;
      if (!kinds_.empty()) layout = filter();
      kinds_.push_back(
          {part.problem, ConvolutionStep(part.problem, whole_of(part.problem), layout)});
    }
    const auto bytes = [](int64_t image, size_t image_bytes, int64_t row, int64_t rows) {
      return static_cast<size_t>(image) * image_bytes +
             static_cast<size_t>(row) * (image_bytes / static_cast<size_t>(rows));
    };
    parts_.push_back({kind, bytes(part.image, x_image_bytes(), part.x_row, problem_.input[0]),
                      bytes(part.image, y_image_bytes(), part.y_row, problem_.output[0])});
  }

  std::vector<Kind> kinds_;
  std::vector<Place> parts_;
  Reorder reorder_;
  int64_t slots_ = 1;
  size_t slot_bytes_ = 0, filter_ = 0, own_ = 0;
};

std::unique_ptr<OpKernel> try_parts(const ConvolutionProblem& problem,
                                    const std::vector<ConvolutionPart>& parts,
                                    dnnl::memory::format_tag filter_layout) {
  try {
    auto kernel = std::make_unique<DirectConvolution>(problem, parts, filter_layout);
    if (kernel->is_fast()) return kernel;
  } catch (const dnnl::error&) {  // it has no kernel at all
  }
  return nullptr;
}

/// Whole where the library cannot do the parts.
std::unique_ptr<OpKernel> try_direct(const ConvolutionProblem& problem,
                                     dnnl::memory::format_tag filter_layout) {
  const std::vector<ConvolutionPart> parts = cut_convolution(problem);
  auto kernel = try_parts(problem, parts, filter_layout);
  if (kernel || parts.size() == 1) return kernel;
  return try_parts(problem, {ConvolutionPart{problem}}, filter_layout);
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
  if (!p.fits_32_bits()) {
    why_not = "sizes, strides or padding beyond 2^31";
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
