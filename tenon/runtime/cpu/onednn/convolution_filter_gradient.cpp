#include <fmt/format.h>

#include <algorithm>

#include "tenon/base/parallel.h"
#include "tenon/runtime/cpu/onednn/convolution_step.h"

namespace tenon::detail {
namespace {

/// The library would cut the sum over the batch by the number of threads. Here it is cut into parts
/// that depend on the problem alone, each done by one thread and added in order.
class FilterGradient : public ConvolutionKernel {
 public:
  explicit FilterGradient(const ConvolutionProblem& problem) : ConvolutionKernel(problem) {
    images_ = images_per_part();
    parts_ = (problem.batch + images_ - 1) / images_;
    step_ = make_step(images_);
    if (const int64_t rest = problem.batch % images_) last_ = make_step(rest);
    to_result_ = Reorder(step_.filter, plain_filter(problem, whole_of(problem), problem.dtype));

    slots_ = std::min<int64_t>(parts_, thread_count());
    slot_bytes_ = round_up(std::max(step_.scratch_bytes, last_.scratch_bytes), kBufferAlignment);
    sum_bytes_ = round_up(step_.filter.get_size(), kBufferAlignment);
    sums_ = reserve(sum_bytes_ * static_cast<size_t>(parts_));
    own_ = reserve(slot_bytes_ * static_cast<size_t>(slots_));
    description_ =
        fmt::format("onednn filter gradient {} in {} parts", step_.implementation, parts_);
  }

  const std::string& implementation() const { return step_.implementation; }
  bool same_layouts() const { return same_filter(step_, last_); }

  void run(void* const* inputs, void* const* outputs, void* scratch) const override {
    const ConvolutionOperands whole = operands(inputs, outputs);
    char* const base = static_cast<char*>(scratch);
    const auto sum = [&](int64_t part) {
      return base + sums_ + static_cast<size_t>(part) * sum_bytes_;
    };
    for_each_item(parts_, slots_, [&](int64_t i, size_t slot) {
      const auto image = static_cast<size_t>(i * images_);
      const bool full = (i + 1) * images_ <= problem_.batch;
      run_step(full ? step_ : last_,
               {whole.x + image * x_image_bytes(), sum(i), whole.y + image * y_image_bytes()},
               base + own_ + slot * slot_bytes_);
    });
    add_parts(reinterpret_cast<float*>(sum(0)), parts_,
              static_cast<int64_t>(sum_bytes_ / sizeof(float)),
              static_cast<int64_t>(step_.filter.get_size() / sizeof(float)));
    to_result_.run(sum(0), whole.filter);
  }

 private:
  ConvolutionStep make_step(int64_t batch) const {
    return {problem_, Part{batch, problem_.in_channels, problem_.out_channels}};
  }

  /// Up to 16 parts of at least 20 us, while their sums stay below 16 MB.
  int64_t images_per_part() const {
    int64_t filter_bytes = problem_.in_channels / problem_.groups * problem_.out_channels * 4;
    for (int64_t extent : problem_.kernel) filter_bytes *= extent;
    const int64_t by_memory = (int64_t{16} << 20) / filter_bytes;
    const auto by_work = static_cast<int64_t>(flops() / 2e6);
    const int64_t parts =
        std::clamp<int64_t>(std::min(std::max<int64_t>(by_memory, 2), by_work), 1, 16);
    return (problem_.batch + parts - 1) / parts;
  }

  int64_t images_ = 0, parts_ = 0, slots_ = 0;
  ConvolutionStep step_, last_;
  Reorder to_result_;
  size_t slot_bytes_ = 0, sum_bytes_ = 0, sums_ = 0, own_ = 0;
};

}  // namespace

std::unique_ptr<OpKernel> make_filter_gradient(const ConvolutionProblem& problem,
                                               std::string& why_not) {
  auto kernel = std::make_unique<FilterGradient>(problem);
  if (kernel->implementation().starts_with("ref")) {
    why_not = "oneDNN has only its reference kernel";
    return nullptr;
  }
  if (!kernel->same_layouts()) {
    why_not = "oneDNN changes its layout with the batch";
    return nullptr;
  }
  return kernel;
}

}  // namespace tenon::detail
