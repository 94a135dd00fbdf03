#include <fmt/format.h>

#include <algorithm>

#include "tenon/base/parallel.h"
#include "tenon/runtime/cpu/onednn/convolution_step.h"

// Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2016): F(4x4, 3x3) makes 16
// results from 36 products instead of 144. The library has it for its own layout of activations
// only, so pieces of them are converted on the way, while they are in the cache.

namespace tenon::detail {
namespace {

constexpr auto kWinograd = dnnl::algorithm::convolution_winograd;

/// Results and gradients of inputs: groups of images, one after the other, each by all threads.
class WinogradConvolution : public ConvolutionKernel {
 public:
  WinogradConvolution(const ConvolutionProblem& problem, int64_t tiles_per_image)
      : ConvolutionKernel(problem) {
    // The transform of the filter is paid for each group: enough tiles have to share it.
    const int64_t wanted = std::clamp<int64_t>(512 / tiles_per_image, 1, problem.batch);
    const int64_t groups = (problem.batch + wanted - 1) / wanted;
    images_ = (problem.batch + groups - 1) / groups;
    main_ = Group(problem, images_);
    if (const int64_t rest = problem.batch % images_) last_ = Group(problem, rest);

    x_ = reserve(std::max(main_.step.x.get_size(), last_.step.x.get_size()));
    y_ = reserve(std::max(main_.step.y.get_size(), last_.step.y.get_size()));
    filter_ = reserve(std::max(main_.step.filter.get_size(), last_.step.filter.get_size()));
    own_ = reserve(std::max(main_.step.scratch_bytes, last_.step.scratch_bytes));
    description_ = fmt::format("onednn convolution {}, {} images at a time",
                               main_.step.implementation, images_);
  }

  void run(void* const* inputs, void* const* outputs, void* scratch) const override {
    const ConvolutionOperands whole = operands(inputs, outputs);
    char* const base = static_cast<char*>(scratch);
    for (int64_t image = 0; image < problem_.batch; image += images_) {
      const Group& group = image + images_ <= problem_.batch ? main_ : last_;
      if (image == 0 || &group == &last_) {
        group.filter.run({whole.filter, base + filter_});
      }
      char* const x = whole.x + static_cast<size_t>(image) * x_image_bytes();
      char* const y = whole.y + static_cast<size_t>(image) * y_image_bytes();
      const bool forward = problem_.kind == ConvolutionKind::forward;
      void* const from = forward ? x : y;
      void* const to = forward ? y : x;
      group.input.run({from, base + (forward ? x_ : y_)});
      run_step(group.step, {base + x_, base + filter_, base + y_, whole.bias}, base + own_);
      group.output.run({base + (forward ? y_ : x_), to});
    }
  }

 private:
  struct Group {
    Group() = default;
    Group(const ConvolutionProblem& p, int64_t batch)
        : step(p, Part{batch, p.out_channels}, kWinograd, DataLayout::library) {
      const Part part{batch, p.out_channels};
      filter = make_reorder(plain_filter(p, part, p.dtype), step.filter);
      const bool forward = p.kind == ConvolutionKind::forward;
      input =
          forward ? make_reorder(plain_x(p, part), step.x) : make_reorder(plain_y(p, part), step.y);
      output =
          forward ? make_reorder(step.y, plain_y(p, part)) : make_reorder(step.x, plain_x(p, part));
    }
    ConvolutionStep step;
    Primitive filter, input, output;
  };

  int64_t images_ = 0;
  Group main_, last_;
  size_t x_ = 0, y_ = 0, filter_ = 0, own_ = 0;
};

/// Gradients of filters: every thread takes a range of images or of output channels alone, so that
/// no sum depends on the number of threads. Filters that are small beside the activations are cut
/// by images, and the parts added in order; large ones by output channels, which leaves nothing to
/// add and keeps the memory for their transforms small.
class WinogradFilterGradient : public ConvolutionKernel {
 public:
  explicit WinogradFilterGradient(const ConvolutionProblem& problem) : ConvolutionKernel(problem) {
    const OneThread alone;
    const bool by_channels = problem.in_channels * problem.out_channels > 64 * 128;
    channels_ = by_channels ? channels_per_part(problem.out_channels) : problem.out_channels;
    images_ = by_channels ? problem.batch : (problem.batch + 7) / 8;
    channel_parts_ = problem.out_channels / channels_;
    image_parts_ = (problem.batch + images_ - 1) / images_;
    main_ = PartStep(problem, images_, channels_);
    if (const int64_t rest = problem.batch % images_) last_ = PartStep(problem, rest, channels_);

    const int64_t parts = channel_parts_ * image_parts_;
    slots_ = std::min<int64_t>(parts, thread_count());
    x_bytes_ = round_up(std::max(main_.step.x.get_size(), last_.step.x.get_size()), 64);
    y_bytes_ = round_up(std::max(main_.step.y.get_size(), last_.step.y.get_size()), 64);
    sum_bytes_ = round_up(main_.step.filter.get_size(), 64);
    slot_bytes_ =
        round_up(std::max(main_.step.scratch_bytes, last_.step.scratch_bytes), 64) + y_bytes_;
    // Parts of the channels share the converted images.
    x_ = reserve(x_bytes_ * static_cast<size_t>(by_channels ? 1 : slots_));
    sums_ = reserve(sum_bytes_ * static_cast<size_t>(parts));
    own_ = reserve(slot_bytes_ * static_cast<size_t>(slots_));
    description_ =
        fmt::format("onednn filter gradient {} in {} parts", main_.step.implementation, parts);
  }

  bool same_layouts() const {
    return !last_.step.primitive || last_.step.filter == main_.step.filter;
  }

  void run(void* const* inputs, void* const* outputs, void* scratch) const override {
    const ConvolutionOperands whole = operands(inputs, outputs);
    char* const base = static_cast<char*>(scratch);
    const bool by_channels = channel_parts_ > 1;
    if (by_channels) main_.x.run({whole.x, base + x_});
    const int64_t parts = channel_parts_ * image_parts_;
    parallel_for(slots_, 1, [&](int64_t first, int64_t end) {
      const OneThread alone;
      for (int64_t slot = first; slot < end; ++slot) {
        char* const own = base + own_ + static_cast<size_t>(slot) * slot_bytes_;
        char* const x = base + x_ + (by_channels ? 0 : static_cast<size_t>(slot) * x_bytes_);
        for (int64_t i = parts * slot / slots_; i < parts * (slot + 1) / slots_; ++i) {
          run_part(whole, i, x, own, base);
        }
      }
    });
    if (by_channels) return;
    auto* const sum = reinterpret_cast<float*>(base + sums_);
    add_parts(sum, image_parts_, static_cast<int64_t>(sum_bytes_ / sizeof(float)),
              static_cast<int64_t>(main_.step.filter.get_size() / sizeof(float)));
    main_.result.run({sum, whole.filter});
  }

 private:
  struct PartStep {
    PartStep() = default;
    PartStep(const ConvolutionProblem& p, int64_t batch, int64_t channels)
        : step(p, Part{batch, channels}, kWinograd, DataLayout::library) {
      const Part part{batch, channels};
      x = make_reorder(plain_x(p, part), step.x);
      y = make_reorder(plain_y(p, part), step.y);
      result = make_reorder(step.filter, plain_filter(p, part, p.dtype));
    }
    ConvolutionStep step;
    Primitive x, y, result;
  };

  static int64_t channels_per_part(int64_t channels) {
    for (const int64_t part : {64, 48, 32}) {
      if (channels % part == 0) return part;
    }
    return 16;
  }

  void run_part(const ConvolutionOperands& whole, int64_t index, char* x, char* own,
                char* base) const {
    const auto image = static_cast<size_t>(index / channel_parts_ * images_);
    const auto channel = static_cast<size_t>(index % channel_parts_ * channels_);
    const PartStep& part = static_cast<int64_t>(image) + images_ <= problem_.batch ? main_ : last_;
    const size_t channel_bytes = channel * size_of(problem_.dtype);
    if (channel_parts_ == 1) part.x.run({whole.x + image * x_image_bytes(), x});
    part.y.run({whole.y + image * y_image_bytes() + channel_bytes, own});
    char* const sum = base + sums_ + static_cast<size_t>(index) * sum_bytes_;
    run_step(part.step, {x, sum, own, nullptr}, own + y_bytes_);
    if (channel_parts_ > 1) part.result.run({sum, whole.filter + channel_bytes});
  }

  int64_t images_ = 0, channels_ = 0, image_parts_ = 0, channel_parts_ = 0, slots_ = 0;
  PartStep main_, last_;
  size_t x_bytes_ = 0, y_bytes_ = 0, sum_bytes_ = 0, slot_bytes_ = 0;
  size_t x_ = 0, sums_ = 0, own_ = 0;
};

}  // namespace

int64_t winograd_tiles(const ConvolutionProblem& p, std::string& why_not) {
  const auto all = [](const std::vector<int64_t>& list, int64_t value) {
    return std::ranges::all_of(list, [&](int64_t entry) { return entry == value; });
  };
  const auto small = [](const std::vector<int64_t>& list) {
    return std::ranges::all_of(list, [](int64_t entry) { return entry <= 1; });
  };
  const auto decline = [&](const char* reason) {
    why_not = reason;
    return 0;
  };
  if (p.exact) return decline("an exact sum is asked for");
  if (p.dtype != DType::f32) return decline("Winograd's algorithm is for f32");
  if (p.input.size() != 2 || !all(p.kernel, 3) || !all(p.strides, 1) || !all(p.dilation, 1) ||
      p.groups != 1 || !small(p.padding_low) || !small(p.padding_high)) {
    return decline("Winograd's algorithm is for 3x3 with stride 1");
  }
  if (p.in_channels % 16 != 0 || p.out_channels % 16 != 0 || p.in_channels < 32 ||
      p.out_channels < 32) {
    return decline("Winograd's algorithm needs 32 channels or more, in sixteens");
  }
  const auto& written = p.kind == ConvolutionKind::input_gradient ? p.input : p.output;
  const int64_t tiles = ((written[0] + 3) / 4) * ((written[1] + 3) / 4);
  if (tiles * 16 > written[0] * written[1] * 3 / 2) return decline("its tiles of 4x4 do not fit");
  if (tiles * p.batch < 64) return decline("too few tiles of 4x4 share the filter's transform");
  return tiles;
}

std::unique_ptr<OpKernel> make_winograd_convolution(const ConvolutionProblem& problem,
                                                    std::string& why_not) {
  const int64_t tiles = winograd_tiles(problem, why_not);
  if (tiles == 0) return nullptr;
  try {
    if (problem.kind != ConvolutionKind::filter_gradient) {
      return std::make_unique<WinogradConvolution>(problem, tiles);
    }
    auto kernel = std::make_unique<WinogradFilterGradient>(problem);
    if (kernel->same_layouts()) return kernel;
    why_not = "oneDNN changes its layout with the batch";
  } catch (const dnnl::error& error) {  // where the library has it not, the direct way remains
    why_not = error.what();
  }
  return nullptr;
}

}  // namespace tenon::detail
