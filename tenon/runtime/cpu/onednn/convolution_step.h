// One oneDNN convolution of a part of a problem, and what its kernels have in common. Private.
//
//   ConvolutionStep step(problem, {8, 64, 64});
//   step.primitive.run({x, filter, y, scratch});
#pragma once

#include <variant>

#include "tenon/runtime/cpu/convolution.h"
#include "tenon/runtime/cpu/onednn/primitive.h"

namespace tenon::detail {

/// The images and channels that one primitive takes. Layouts of a part have the gaps that the rest
/// of the array leaves.
struct Part {
  int64_t batch;
  int64_t in_channels;
  int64_t out_channels;
};
Part whole_of(const ConvolutionProblem& problem);

/// Row-major layouts of a part, seen with the library's order of axes.
dnnl::memory::desc plain_x(const ConvolutionProblem& problem, const Part& part);
dnnl::memory::desc plain_y(const ConvolutionProblem& problem, const Part& part);
dnnl::memory::desc plain_filter(const ConvolutionProblem& problem, const Part& part, DType dtype);

/// By name, or that of another step.
using FilterLayout = std::variant<dnnl::memory::format_tag, dnnl::memory::desc>;

/// A primitive that runs with x, filter, y and scratch: whichever of the first three the problem's
/// kind makes is written.
struct ConvolutionStep {
  ConvolutionStep() = default;
  /// The filter has a layout of the library's choice, unless one is given. The gradient of a filter
  /// is made in f32. Throws dnnl::error if the library cannot do it.
  ConvolutionStep(const ConvolutionProblem& problem, const Part& part,
                  const FilterLayout& filter_layout = dnnl::memory::format_tag::any);

  Primitive primitive;
  dnnl::memory::desc x, filter, y;
  size_t scratch_bytes = 0;
  std::string implementation;
};

/// Two for each product of the sums.
double operations_of(const ConvolutionProblem& problem);

/// Addresses of a call by role.
struct ConvolutionOperands {
  char *x, *filter, *y;
};

class ConvolutionKernel : public OpKernel {
 public:
  explicit ConvolutionKernel(const ConvolutionProblem& problem) : problem_(problem) {}
  int64_t scratch_bytes() const override { return static_cast<int64_t>(scratch_bytes_); }
  double flops() const override { return operations_of(problem_); }
  std::string description() const override { return description_; }

 protected:
  ConvolutionOperands operands(void* const* inputs, void* const* outputs) const;
  void run_step(const ConvolutionStep& step, const ConvolutionOperands& at, void* scratch) const;
  /// Whether filters of `last`, which takes the images that are left over, if any are, lie in
  /// memory as those of `main` do.
  static bool same_filter(const ConvolutionStep& main, const ConvolutionStep& last) {
    return !last.primitive || last.filter == main.filter;
  }
  /// Takes `bytes` of the scratch memory and returns where they begin.
  size_t reserve(size_t bytes);
  /// Bytes from one image of x or y to the next.
  size_t x_image_bytes() const;
  size_t y_image_bytes() const;

  ConvolutionProblem problem_;
  std::string description_;

 private:
  size_t scratch_bytes_ = 0;
};

/// Each is null, with the reason, if it does not take the problem.
std::unique_ptr<OpKernel> make_direct_convolution(const ConvolutionProblem& problem,
                                                  std::string& why_not);
std::unique_ptr<OpKernel> make_filter_gradient(const ConvolutionProblem& problem,
                                               std::string& why_not);

/// For fewer channels than a vector has lanes; null without a reason where the others do as well.
std::unique_ptr<OpKernel> make_restated_convolution(const ConvolutionProblem& problem,
                                                    std::string& why_not);

/// Adds arrays of `size` numbers, each `step` numbers after the one before, to the first, in order.
void add_parts(float* first, int64_t count, int64_t step, int64_t size);

}  // namespace tenon::detail
