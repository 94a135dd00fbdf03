#include <fmt/format.h>

#include <algorithm>

#include "tenon/base/parallel.h"
#include "tenon/runtime/cpu/onednn/convolution_step.h"

// Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2016): F(4x4, 3x3) makes 16
// results from 36 products instead of 144. The library has it for its own layout of activations
// only, so pieces of them are converted on the way, while they are in the cache.
//
// Every thread does pieces alone: the bits do not depend on the number of threads, and there is one
// wait for the others instead of one in each stage. Pieces are groups of images, or of the channels
// that are written where so few tiles share the transform of the filter that it should be paid
// once.

namespace tenon::detail {
namespace {

/// A kernel in pieces. Its scratch memory is what all pieces share, then a block for each thread.
class Pieces : public ConvolutionKernel {
 public:
  using ConvolutionKernel::ConvolutionKernel;

 protected:
  void plan(int64_t pieces, size_t shared_bytes, size_t own_bytes) {
    pieces_ = pieces;
    slots_ = std::min<int64_t>(pieces, thread_count());
    own_bytes_ = round_up(own_bytes, kBufferAlignment);
    shared_ = reserve(shared_bytes);
    own_ = reserve(own_bytes_ * static_cast<size_t>(slots_));
  }

  char* shared(void* scratch) const { return static_cast<char*>(scratch) + shared_; }

  /// Calls function(piece, memory of its thread).
  template <class Function>
  void for_each_piece(void* scratch, Function&& function) const {
    char* const own = static_cast<char*>(scratch) + own_;
    for_each_item(pieces_, slots_,
                  [&](int64_t i, size_t slot) { function(i, own + slot * own_bytes_); });
  }

  int64_t pieces_ = 0;

 private:
  int64_t slots_ = 0;
  size_t own_bytes_ = 0, shared_ = 0, own_ = 0;
};

constexpr auto kWinograd = dnnl::algorithm::convolution_winograd;

/// With fewer tiles in all, the filter's transform, which every group of images does anew, costs
/// too much beside their products: pieces are groups of channels, each with a transform of its own
/// part.
constexpr int64_t kTilesForImages = 1024;
/// Of a group of images: enough to pay for the transform, few enough to stay in a core's cache.
constexpr int64_t kTilesPerPiece = 256;
/// Of a group of channels. The library's scratch memory for gradients of filters grows with them:
/// there 128 take no less time than 64, and ResNet-18 holds the most memory.
constexpr int64_t kMostChannels = 128, kMostGradientChannels = 64;
/// What the sums of all pieces of a filter's gradient may take, and how many pieces there are at
/// most: all of it is written, and read once more to add it up.
constexpr int64_t kMostSumBytes = int64_t{8} << 20, kMostSums = 64;
/// Fewer do not pay for the transform of the filter at all.
constexpr int64_t kLeastTiles = 64;

/// A part of the channels, `most` or fewer, that leaves work for two threads or more.
int64_t channels_per_piece(int64_t channels, int64_t most) {
  for (const int64_t part : {128, 64, 48, 32}) {
    if (part <= most && channels % part == 0 && channels / part > 1) return part;
  }
  return 16;
}

/// Results and gradients of inputs. What is read is called input, what is written output, whichever
/// of x and y that is.
class WinogradConvolution : public Pieces {
 public:
  WinogradConvolution(const ConvolutionProblem& problem, int64_t tiles_per_image)
      : Pieces(problem), forward_(problem.kind == ConvolutionKind::forward) {
    const int64_t channels = forward_ ? problem.out_channels : problem.in_channels;
    by_channels_ = tiles_per_image * problem.batch < kTilesForImages;
    if (by_channels_) {
      images_ = problem.batch;
      channels_ = channels_per_piece(channels, kMostChannels);
    } else {
      const int64_t most = std::max<int64_t>(kTilesPerPiece / tiles_per_image, 1);
      const int64_t groups = (problem.batch + most - 1) / most;
      images_ = (problem.batch + groups - 1) / groups;
      channels_ = channels;
    }
    main_ = Piece(problem, images_, forward_, channels_);
    if (const int64_t rest = problem.batch % images_) {
      last_ = Piece(problem, rest, forward_, channels_);
    }
    const Piece& a = main_;
    const Piece& b = last_;
    input_bytes_ = round_up(std::max(a.input_bytes, b.input_bytes), kBufferAlignment);
    output_bytes_ = round_up(std::max(a.output_bytes, b.output_bytes), kBufferAlignment);
    filter_bytes_ =
        round_up(std::max(a.step.filter.get_size(), b.step.filter.get_size()), kBufferAlignment);
    const size_t shared = by_channels_ ? input_bytes_ : filter_bytes_;
    const size_t own = by_channels_ ? filter_bytes_ : input_bytes_;
    plan(by_channels_ ? channels / channels_ : (problem.batch + images_ - 1) / images_, shared,
         own + output_bytes_ + std::max(a.step.scratch_bytes, b.step.scratch_bytes));
    description_ =
        fmt::format("onednn convolution {} in {} pieces", a.step.implementation, pieces_);
  }

  bool same_layouts() const { return same_filter(main_.step, last_.step); }

  std::optional<Packing> packing(size_t input) const override {
    if (input != 1 || !problem_.known_filter) return std::nullopt;
    if (!by_channels_) return main_.filter.packing();
    // The filters of all groups of channels, one after the other.
    const Packing part = main_.filter.packing();
    const int64_t pieces = pieces_;
    const size_t from_step = filter_step(), to_step = filter_bytes_;
    const auto pack = [pack_part = part.pack, pieces, from_step, to_step](const void* from,
                                                                          void* to) {
      for (size_t i = 0; i < static_cast<size_t>(pieces); ++i) {
        pack_part(static_cast<const char*>(from) + i * from_step,
                  static_cast<char*>(to) + i * to_step);
      }
    };
    Hasher hasher;
    hasher.add("pieces").add(part.layout).add(pieces).add(from_step).add(to_step);
    return Packing{hasher.finish(), filter_bytes_ * static_cast<size_t>(pieces), pack};
  }

  void run(void* const* inputs, void* const* outputs, void* scratch) const override {
    const ConvolutionOperands whole = operands(inputs, outputs);
    char* common = shared(scratch);
    if (by_channels_) {
      main_.input.run(forward_ ? whole.x : whole.y, common);
    } else if (problem_.known_filter) {
      common = whole.filter;
    } else {
      main_.filter.run(whole.filter, common);
    }
    for_each_piece(scratch, [&](int64_t index, char* own) {
      by_channels_ ? run_channels(whole, index, common, own)
                   : run_images(whole, index, common, own);
    });
  }

 private:
  struct Piece {
    Piece() = default;
    Piece(const ConvolutionProblem& p, int64_t batch, bool forward, int64_t channels) {
      Part part = whole_of(p);
      part.batch = batch;
      (forward ? part.out_channels : part.in_channels) = channels;
      step = ConvolutionStep(p, part, kWinograd, DataLayout::library);
      filter = Reorder(plain_filter(p, part, p.dtype), step.filter);
      const auto x = plain_x(p, part), y = plain_y(p, part);
      input = forward ? Reorder(x, step.x) : Reorder(y, step.y);
      output = forward ? Reorder(step.y, y) : Reorder(step.x, x);
      input_bytes = (forward ? step.x : step.y).get_size();
      output_bytes = (forward ? step.y : step.x).get_size();
    }
    ConvolutionStep step;
    Reorder filter, input, output;
    size_t input_bytes = 0, output_bytes = 0;
  };

  void run_step_of(const Piece& piece, char* input, char* filter, char* output,
                   char* scratch) const {
    run_step(piece.step, {forward_ ? input : output, filter, forward_ ? output : input}, scratch);
  }

  void run_images(const ConvolutionOperands& whole, int64_t index, char* filter, char* own) const {
    const auto image = static_cast<size_t>(index * images_);
    const Piece& piece = (index + 1) * images_ <= problem_.batch ? main_ : last_;
    char* const x = whole.x + image * x_image_bytes();
    char* const y = whole.y + image * y_image_bytes();
    char* const output = own + input_bytes_;
    piece.input.run(forward_ ? x : y, own);
    run_step_of(piece, own, filter, output, output + output_bytes_);
    piece.output.run(output, forward_ ? y : x);
  }

  /// Bytes from the filter of one group of channels to the next, as they are given.
  size_t filter_step() const {
    const size_t row = forward_ ? 1 : static_cast<size_t>(problem_.out_channels);
    return static_cast<size_t>(channels_) * size_of(problem_.dtype) * row;
  }

  void run_channels(const ConvolutionOperands& whole, int64_t index, char* input, char* own) const {
    const auto group = static_cast<size_t>(index);
    const size_t offset = group * static_cast<size_t>(channels_) * size_of(problem_.dtype);
    char* filter = own;
    if (problem_.known_filter) {
      filter = whole.filter + group * filter_bytes_;
    } else {
      main_.filter.run(whole.filter + group * filter_step(), own);
    }
    char* const output = own + filter_bytes_;
    run_step_of(main_, input, filter, output, output + output_bytes_);
    main_.output.run(output, (forward_ ? whole.y : whole.x) + offset);
  }

  bool forward_, by_channels_ = false;
  int64_t images_ = 0, channels_ = 0;
  Piece main_, last_;
  size_t input_bytes_ = 0, output_bytes_ = 0, filter_bytes_ = 0;
};

/// Gradients of filters. Parts of the images are added in order; parts of the output channels leave
/// nothing to add.
class WinogradFilterGradient : public Pieces {
 public:
  WinogradFilterGradient(const ConvolutionProblem& problem, int64_t tiles_per_image)
      : Pieces(problem) {
    by_channels_ = tiles_per_image * problem.batch < kTilesForImages;
    channels_ = by_channels_ ? channels_per_piece(problem.out_channels, kMostGradientChannels)
                             : problem.out_channels;
    images_ = by_channels_ ? problem.batch : images_per_piece(problem);
    main_ = Piece(problem, images_, channels_);
    if (const int64_t rest = problem.batch % images_) last_ = Piece(problem, rest, channels_);

    x_bytes_ =
        round_up(std::max(main_.step.x.get_size(), last_.step.x.get_size()), kBufferAlignment);
    y_bytes_ =
        round_up(std::max(main_.step.y.get_size(), last_.step.y.get_size()), kBufferAlignment);
    sum_bytes_ = round_up(main_.step.filter.get_size(), kBufferAlignment);
    const int64_t pieces =
        by_channels_ ? problem.out_channels / channels_ : (problem.batch + images_ - 1) / images_;
    // Parts of the channels share the converted images; parts of the images keep their sums.
    const size_t library = std::max(main_.step.scratch_bytes, last_.step.scratch_bytes);
    plan(pieces, by_channels_ ? x_bytes_ : sum_bytes_ * static_cast<size_t>(pieces),
         (by_channels_ ? sum_bytes_ : x_bytes_) + y_bytes_ + library);
    description_ =
        fmt::format("onednn filter gradient {} in {} pieces", main_.step.implementation, pieces);
  }

  bool same_layouts() const { return same_filter(main_.step, last_.step); }

  void run(void* const* inputs, void* const* outputs, void* scratch) const override {
    const ConvolutionOperands whole = operands(inputs, outputs);
    char* const common = shared(scratch);
    if (by_channels_) {
      main_.x.run(whole.x, common);
      for_each_piece(scratch, [&](int64_t index, char* own) {
        const size_t offset = static_cast<size_t>(index * channels_) * size_of(problem_.dtype);
        char* const sum = own + y_bytes_;
        main_.y.run(whole.y + offset, own);
        run_step(main_.step, {common, sum, own}, sum + sum_bytes_);
        main_.result.run(sum, whole.filter + offset);
      });
      return;
    }
    for_each_piece(scratch, [&](int64_t index, char* own) {
      const auto image = static_cast<size_t>(index * images_);
      const Piece& piece = (index + 1) * images_ <= problem_.batch ? main_ : last_;
      char* const x = own + y_bytes_;
      piece.x.run(whole.x + image * x_image_bytes(), x);
      piece.y.run(whole.y + image * y_image_bytes(), own);
      char* const sum = common + static_cast<size_t>(index) * sum_bytes_;
      run_step(piece.step, {x, sum, own}, x + x_bytes_);
    });
    add_parts(reinterpret_cast<float*>(common), pieces_,
              static_cast<int64_t>(sum_bytes_ / sizeof(float)),
              static_cast<int64_t>(main_.step.filter.get_size() / sizeof(float)));
    main_.result.run(common, whole.filter);
  }

 private:
  struct Piece {
    Piece() = default;
    Piece(const ConvolutionProblem& p, int64_t batch, int64_t channels) {
      const Part part{batch, p.in_channels, channels};
      step = ConvolutionStep(p, part, kWinograd, DataLayout::library);
      x = Reorder(plain_x(p, part), step.x);
      y = Reorder(plain_y(p, part), step.y);
      result = Reorder(step.filter, plain_filter(p, part, p.dtype));
    }
    ConvolutionStep step;
    Reorder x, y, result;
  };

  /// Few, to stay in the cache.
  static int64_t images_per_piece(const ConvolutionProblem& p) {
    const int64_t sum_bytes = p.in_channels * p.out_channels * 9 * 4;
    const int64_t pieces = std::clamp<int64_t>(kMostSumBytes / sum_bytes, 2, kMostSums);
    return (p.batch + pieces - 1) / pieces;
  }

  bool by_channels_ = false;
  int64_t images_ = 0, channels_ = 0;
  Piece main_, last_;
  size_t x_bytes_ = 0, y_bytes_ = 0, sum_bytes_ = 0;
};

/// The tiles of 4x4 results that one image is cut into, or 0 with the reason why another algorithm
/// is better.
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
  if (tiles * p.batch < kLeastTiles)
    return decline("too few tiles of 4x4 share the filter's transform");
  return tiles;
}

template <class Kernel, class... Arguments>
std::unique_ptr<OpKernel> make(std::string& why_not, Arguments&&... arguments) {
  auto kernel = std::make_unique<Kernel>(arguments...);
  if (kernel->same_layouts()) return kernel;
  why_not = "oneDNN changes its layout with the batch";
  return nullptr;
}

}  // namespace

std::unique_ptr<OpKernel> make_winograd_convolution(const ConvolutionProblem& problem,
                                                    std::string& why_not) {
  const int64_t tiles = winograd_tiles(problem, why_not);
  if (tiles == 0) return nullptr;
  try {
    if (problem.kind == ConvolutionKind::filter_gradient) {
      return make<WinogradFilterGradient>(why_not, problem, tiles);
    }
    return make<WinogradConvolution>(why_not, problem, tiles);
  } catch (const dnnl::error& error) {  // the direct way remains
    why_not = error.what();
    return nullptr;
  }
}

}  // namespace tenon::detail
