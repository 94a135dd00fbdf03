#include <fmt/format.h>

#include <algorithm>

#include "tenon/runtime/cpu/onednn/convolution_step.h"

// Convolutions with fewer channels than a vector has lanes, such as the first ones of small image
// models, leave most of the library's lanes idle. Each of the kernels here states the same sums in
// another way that idles fewer.

namespace tenon::detail {
namespace {

bool all_ones(const std::vector<int64_t>& list) {
  return std::ranges::all_of(list, [](int64_t entry) { return entry == 1; });
}

char* bytes(void* pointer) { return static_cast<char*>(pointer); }

/// A forward convolution with stride 1 is the input gradient of the convolution with the filter
/// turned round, for which the library blocks few input channels better.
class TurnedConvolution : public OpKernel {
 public:
  TurnedConvolution(const ConvolutionProblem& problem, std::unique_ptr<OpKernel> gradient)
      : positions_(element_count(problem.kernel)),
        inputs_(problem.in_channels),
        outputs_(problem.out_channels),
        known_filter_(problem.known_filter),
        flops_(operations_of(problem)),
        gradient_(std::move(gradient)) {}

  std::optional<Packing> packing(size_t input) const override {
    if (input != 1 || !known_filter_) return std::nullopt;
    Hasher hasher;
    hasher.add("turned").add(positions_).add(inputs_).add(outputs_);
    const auto turn = [positions = positions_, in = inputs_, out = outputs_](const void* from,
                                                                             void* to) {
      turn_filter(static_cast<const float*>(from), static_cast<float*>(to), positions, in, out);
    };
    return in_turn({hasher.finish(), filter_bytes(), turn}, gradient_->packing(1));
  }

  static ConvolutionProblem turned(const ConvolutionProblem& problem) {
    ConvolutionProblem p = problem;
    p.kind = ConvolutionKind::input_gradient;
    std::swap(p.input, p.output);
    std::swap(p.in_channels, p.out_channels);
    for (size_t d = 0; d < p.kernel.size(); ++d) {
      const int64_t reach = (p.kernel[d] - 1) * p.dilation[d];
      p.padding_low[d] = reach - p.padding_low[d];
      p.padding_high[d] = reach - p.padding_high[d];
    }
    return p;
  }

  void run(void* const* inputs, void* const* outputs, void* scratch) const override {
    if (known_filter_) {
      gradient_->run(inputs, outputs, scratch);
      return;
    }
    auto* const turned = static_cast<float*>(scratch);
    turn_filter(static_cast<const float*>(inputs[1]), turned, positions_, inputs_, outputs_);
    void* const operands[] = {inputs[0], turned};
    gradient_->run(operands, outputs, bytes(scratch) + filter_bytes());
  }
  int64_t scratch_bytes() const override {
    return static_cast<int64_t>(known_filter_ ? 0 : filter_bytes()) + gradient_->scratch_bytes();
  }
  double flops() const override { return flops_; }
  std::string description() const override { return gradient_->description() + " turned round"; }

 private:
  static void turn_filter(const float* filter, float* turned, int64_t positions, int64_t inputs,
                          int64_t outputs) {
    for (int64_t k = 0; k < positions; ++k) {
      const float* const from = filter + (positions - 1 - k) * inputs * outputs;
      float* const to = turned + k * inputs * outputs;
      for (int64_t c = 0; c < inputs; ++c) {
        for (int64_t o = 0; o < outputs; ++o) to[o * inputs + c] = from[c * outputs + o];
      }
    }
  }

  size_t filter_bytes() const {
    return round_up(static_cast<size_t>(positions_ * inputs_ * outputs_) * sizeof(float),
                    kBufferAlignment);
  }

  int64_t positions_, inputs_, outputs_;
  bool known_filter_;
  double flops_;
  std::unique_ptr<OpKernel> gradient_;
};

/// Neighbouring pairs of columns [width, channels] are [width / 2, 2 channels] in memory. A filter
/// for pairs holds the filter twice, at the left and the right column of a pair of y, and zeros.
class PairedColumns {
 public:
  explicit PairedColumns(const ConvolutionProblem& problem)
      : given_(problem), paired_(problem), shift_(problem.padding_low.back() % 2) {
    ConvolutionProblem& p = paired_;
    p.input.back() /= 2;
    p.output.back() /= 2;
    p.in_channels *= 2;
    p.out_channels *= 2;
    p.kernel.back() = (given_.kernel.back() + shift_) / 2 + 1;
    p.padding_low.back() = (given_.padding_low.back() + shift_) / 2;
    p.padding_high.back() =
        p.output.back() - p.input.back() - p.padding_low.back() + p.kernel.back() - 1;
  }

  bool is_possible() const {
    const ConvolutionProblem& p = given_;
    return p.input.back() % 2 == 0 && p.output.back() % 2 == 0 && p.strides.back() == 1 &&
           p.dilation.back() == 1 && p.groups == 1 && paired_.padding_high.back() >= 0;
  }

  const ConvolutionProblem& problem() const { return paired_; }
  size_t filter_size() const {
    return static_cast<size_t>(element_count(paired_.kernel) * paired_.in_channels *
                               paired_.out_channels);
  }
  size_t filter_bytes() const { return round_up(filter_size() * sizeof(float), kBufferAlignment); }

  /// Calls function(at, left, right): where a row of out_channels of the filter begins, and where
  /// its two places in the paired filter do.
  template <class Function>
  void for_each_row(Function&& function) const {
    const int64_t in = given_.in_channels, out = given_.out_channels;
    const int64_t width = given_.kernel.back();
    int64_t at = 0;
    for (int64_t row = 0; row < element_count(given_.kernel) / width; ++row) {
      for (int64_t column = 0; column < width; ++column) {
        const auto place = [&](int64_t side) {
          const int64_t tap = side + column + shift_;
          return ((row * paired_.kernel.back() + tap / 2) * 2 + tap % 2) * in * 2 * out +
                 side * out;
        };
        const int64_t left = place(0), right = place(1);
        for (int64_t c = 0; c < in; ++c, at += out) {
          function(at, left + c * 2 * out, right + c * 2 * out);
        }
      }
    }
  }

 private:
  ConvolutionProblem given_, paired_;
  int64_t shift_;
};

/// The gradient for pairs has twice the lanes filled; the filter's is the sum of its two places.
class PairedFilterGradient : public OpKernel {
 public:
  PairedFilterGradient(const ConvolutionProblem& problem, const PairedColumns& pairs,
                       std::unique_ptr<OpKernel> gradient)
      : out_channels_(problem.out_channels),
        flops_(operations_of(problem)),
        pairs_(pairs),
        gradient_(std::move(gradient)) {}

  void run(void* const* inputs, void* const* outputs, void* scratch) const override {
    void* const paired[] = {scratch};
    gradient_->run(inputs, paired, bytes(scratch) + pairs_.filter_bytes());
    const auto* const from = static_cast<const float*>(scratch);
    auto* const to = static_cast<float*>(outputs[0]);
    pairs_.for_each_row([&](int64_t at, int64_t left, int64_t right) {
      for (int64_t o = 0; o < out_channels_; ++o) to[at + o] = from[left + o] + from[right + o];
    });
  }
  int64_t scratch_bytes() const override {
    return static_cast<int64_t>(pairs_.filter_bytes()) + gradient_->scratch_bytes();
  }
  double flops() const override { return flops_; }
  std::string description() const override { return gradient_->description() + ", columns paired"; }

 private:
  int64_t out_channels_;
  double flops_;
  PairedColumns pairs_;
  std::unique_ptr<OpKernel> gradient_;
};

constexpr int64_t kHalfLanes = 8;

std::unique_ptr<OpKernel> make_turned(const ConvolutionProblem& p, std::string& why_not) {
  if (!all_ones(p.strides) || p.groups != 1 || p.in_channels >= kHalfLanes ||
      p.out_channels > 2 * kHalfLanes) {
    return nullptr;
  }
  const ConvolutionProblem turned = TurnedConvolution::turned(p);
  if (std::ranges::min(turned.padding_low) < 0 || std::ranges::min(turned.padding_high) < 0) {
    return nullptr;
  }
  auto gradient = make_direct_convolution(turned, why_not);
  if (!gradient) return nullptr;
  return std::make_unique<TurnedConvolution>(p, std::move(gradient));
}

std::unique_ptr<OpKernel> make_paired_filter(const ConvolutionProblem& p, std::string& why_not) {
  const PairedColumns pairs(p);
  if (p.out_channels > kHalfLanes || !pairs.is_possible()) return nullptr;
  auto gradient = make_filter_gradient(pairs.problem(), why_not);
  if (!gradient) return nullptr;
  return std::make_unique<PairedFilterGradient>(p, pairs, std::move(gradient));
}

}  // namespace

std::unique_ptr<OpKernel> make_restated_convolution(const ConvolutionProblem& problem,
                                                    std::string& why_not) {
  if (problem.dtype != DType::f32) return nullptr;
  switch (problem.kind) {
    case ConvolutionKind::forward:
      return make_turned(problem, why_not);
    case ConvolutionKind::filter_gradient:
      return make_paired_filter(problem, why_not);
    default:
      return nullptr;
  }
}

}  // namespace tenon::detail
