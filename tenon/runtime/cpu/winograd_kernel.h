// The common base of the kernels of Winograd's algorithm. Private.
#pragma once

#include <fmt/format.h>

#include "tenon/base/parallel.h"
#include "tenon/runtime/cpu/slots.h"
#include "tenon/runtime/cpu/winograd_shape.h"

namespace tenon {

inline double winograd_operations(const ConvolutionProblem& p) {
  return 2.0 * 9 * static_cast<double>(p.batch * p.output[0] * p.output[1]) *
         static_cast<double>(p.in_channels * p.out_channels);
}

/// Scratch memory: a shared part, then a block for each slot.
class WinogradKernel : public OpKernel {
 public:
  WinogradKernel(const ConvolutionProblem& problem, const WinogradKernels& kernels)
      : vector_(*vector_kernels()),
        kernels_(kernels),
        shape_(problem, kernels.m),
        flops_(winograd_operations(problem)),
        name_(fmt::format("winograd F({0}x{0}, 3x3)", kernels.m)) {}

  int64_t scratch_bytes() const override {
    return static_cast<int64_t>(shared_bytes_ + own_bytes_ * static_cast<size_t>(slots_));
  }
  double flops() const override { return flops_; }
  std::string description() const override { return name_; }

 protected:
  size_t share(size_t bytes) { return reserve(shared_bytes_, bytes); }
  size_t own(size_t bytes) { return reserve(own_bytes_, bytes); }

  /// Calls function(item, memory of its slot).
  template <class Function>
  void for_each(int64_t items, char* scratch, Function&& function) const {
    for_each_item(items, std::min(slots_, items), [&](int64_t item, size_t slot) {
      function(item, scratch + shared_bytes_ + slot * own_bytes_);
    });
  }

  const VectorKernels& vector_;
  const WinogradKernels& kernels_;
  WinogradShape shape_;
  int64_t slots_ = 1;

 private:
  static size_t reserve(size_t& end, size_t bytes) {
    const size_t begin = end;
    end += round_up(bytes, kBufferAlignment);
    return begin;
  }

  double flops_;
  std::string name_;
  size_t shared_bytes_ = 0, own_bytes_ = 0;
};

/// Results and gradients of inputs; gradients of filters.
std::unique_ptr<OpKernel> make_winograd_convolution(const ConvolutionProblem& problem,
                                                    const WinogradKernels& kernels);
std::unique_ptr<OpKernel> make_winograd_filter_gradient(const ConvolutionProblem& problem,
                                                        const WinogradKernels& kernels);

}  // namespace tenon
