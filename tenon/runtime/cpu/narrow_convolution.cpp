#include "tenon/runtime/cpu/narrow_convolution.h"

#include <algorithm>
#include <limits>

#include "tenon/base/cpu.h"
#include "tenon/base/parallel.h"
#include "tenon/compile/codegen/codegen.h"
#include "tenon/runtime/cpu/library.h"

namespace tenon {

namespace {

/// One spatial axis of a sum over windows: output o reads input o * stride + k * dilation -
/// padding.
struct WindowAxis {
  int64_t input, output, window;
  int64_t stride, dilation, padding;

  /// Input positions in front of the first and behind the last one that a window reaches.
  int64_t behind() const {
    return std::max<int64_t>(0,
                             (output - 1) * stride + (window - 1) * dilation + 1 - padding - input);
  }
};

/// y[o, r] = sum over window places and channels of x[.., c] * filter[.., r, c]: a forward
/// convolution, or an input gradient with stride 1, which is the forward convolution of dy with the
/// filter rotated by 180 degrees.
struct NarrowProblem {
  explicit NarrowProblem(const ConvolutionProblem& p)
      : turned(p.kind == ConvolutionKind::input_gradient),
        batch(p.batch),
        channels(turned ? p.out_channels : p.in_channels),
        results(turned ? p.in_channels : p.out_channels),
        y(axis(p, 0)),
        x(axis(p, 1)) {}

  int64_t padded_width() const { return x.padding + x.input + x.behind(); }
  int64_t padded_size() const { return y.input * padded_width() * channels; }
  int64_t places() const { return y.window * x.window; }
  int64_t filter_size() const { return places() * results * channels; }

  bool turned;
  int64_t batch, channels, results;
  WindowAxis y, x;

 private:
  WindowAxis axis(const ConvolutionProblem& p, size_t i) const {
    const int64_t reach = (p.kernel[i] - 1) * p.dilation[i];
    if (turned) {
      return {p.output[i], p.input[i], p.kernel[i], 1, p.dilation[i], reach - p.padding_low[i]};
    }
    return {p.input[i], p.output[i], p.kernel[i], p.strides[i], p.dilation[i], p.padding_low[i]};
  }
};

/// Neighbours in a row that are summed together: most products for each number loaded, fewest done
/// twice, in the registers that remain beside what is multiplied.
int64_t neighbours(const NarrowProblem& p) {
  const int64_t registers = host_instruction_set() == InstructionSet::avx512 ? 24 : 12;
  int64_t best = 1;
  double best_cost = std::numeric_limits<double>::infinity();
  for (int64_t n = 1; n <= p.x.output && n * p.results <= registers; ++n) {
    const auto groups = static_cast<double>((p.x.output + n - 1) / n);
    const auto products = static_cast<double>(n * p.results);
    const auto loads = static_cast<double>(n + p.results);
    const double cost = groups * (products + loads / 2);
    if (cost < best_cost) best = n, best_cost = cost;
  }
  return best;
}

/// One image an iteration. It is copied with the padding at the sides of its rows first, so that no
/// product asks where it is; places of the window that lie in the padding for all neighbours of a
/// group, and rows of padding, are left out.
class KernelBuilder {
 public:
  explicit KernelBuilder(const NarrowProblem& problem) : p_(problem), k_("narrow_convolution") {
    image_ = index("image", p_.batch);
    const auto add = [&](const char* name, int64_t size, BufferRole role) {
      return k_.add_buffer({.name = name, .dtype = DType::f32, .size = number(size), .role = role});
    };
    const int64_t positions = p_.y.output * p_.x.output;
    input_ = add("x", p_.batch * p_.y.input * p_.x.input * p_.channels, BufferRole::input);
    filter_ = add("filter", p_.filter_size(), BufferRole::input);
    output_ = add("y", p_.batch * positions * p_.results, BufferRole::output);
    padded_ = add("padded", p_.padded_size(), BufferRole::scratch);
  }

  Kernel build() {
    Block body;
    Expr i = index("i", p_.padded_size());
    body.push_back(loop(i, LoopKind::vector, one(store(padded_, i, zero()))));
    body.push_back(copy());
    body.push_back(sums());
    k_.body.push_back(parallel_loop(image_, LoopKind::serial, std::move(body)));
    return std::move(k_);
  }

 private:
  Expr number(int64_t value) const { return k_.pool().index(value); }
  Expr zero() const { return k_.pool().constant(DType::f32, 0.0); }
  Expr index(const char* name, int64_t extent) const {
    return k_.pool().loop_index(name, number(extent));
  }
  static Expr scaled(Expr e, int64_t factor) { return e * static_cast<double>(factor); }
  static Block one(Statement statement) {
    Block block;
    block.push_back(std::move(statement));
    return block;
  }

  Statement copy() const {
    const int64_t run = p_.x.input * p_.channels;
    Expr row = index("row", p_.y.input), at = index("at", run);
    Expr from = scaled(scaled(image_, p_.y.input) + row, run) + at;
    Expr to = scaled(scaled(row, p_.padded_width()) + number(p_.x.padding), p_.channels) + at;
    return loop(row, LoopKind::serial,
                one(loop(at, LoopKind::vector, one(store(padded_, to, k_.load(input_, from))))));
  }

  struct Places {
    Expr first, index;
    Expr at() const { return first + index; }
  };
  /// The places of the window that lie inside the input for some of the outputs whose windows begin
  /// between `begin` and `begin + reach`.
  Places inside(const char* name, const WindowAxis& axis, Expr begin, int64_t reach) const {
    Expr dilation = number(axis.dilation);
    Expr below = number(axis.padding - reach + axis.dilation - 1) - begin;
    Expr above = number(axis.padding + axis.input - 1) - begin;
    Expr first = max(number(0), floor_div(below, dilation));
    Expr end = min(number(axis.window), floor_div(above, dilation) + 1.0);
    return {first, k_.pool().loop_index(name, max(number(0), end - first))};
  }

  Statement sums() {
    const int64_t together = neighbours(p_);
    const uint32_t sums =
        k_.add_local({.name = "sums", .count = static_cast<int>(together * p_.results)});
    Expr row = index("row", p_.y.output);
    Expr group = index("group", (p_.x.output + together - 1) / together);
    Expr c = index("c", p_.channels);
    const Places rows = inside("ky", p_.y, scaled(row, p_.y.stride), 0);
    const Places columns =
        inside("kx", p_.x, scaled(group, together * p_.x.stride), (together - 1) * p_.x.stride);
    Expr place = scaled(rows.at(), p_.x.window) + columns.at();
    Expr read_row =
        scaled(row, p_.y.stride) + scaled(rows.at(), p_.y.dilation) - number(p_.y.padding);
    Block products, stores;
    for (int64_t n = 0; n < together; ++n) {
      // The last group sums some columns again rather than fewer.
      Expr column = min(scaled(group, together) + number(n), number(p_.x.output - 1));
      Expr read = scaled(read_row, p_.padded_width()) + scaled(column, p_.x.stride) +
                  scaled(columns.at(), p_.x.dilation);
      Expr x = k_.load(padded_, scaled(read, p_.channels) + c);
      Expr written = scaled(scaled(image_, p_.y.output) + row, p_.x.output) + column;
      for (int64_t r = 0; r < p_.results; ++r) {
        Expr sum = number(n * p_.results + r);
        Expr weight =
            k_.load(filter_, scaled(scaled(place, p_.results) + number(r), p_.channels) + c);
        products.push_back(update(sums, sum, x * weight, Combine::add));
        stores.push_back(
            store(output_, scaled(written, p_.results) + number(r), k_.read(sums, sum)));
      }
    }
    Block tile = one(declare(sums, zero()));
    tile.push_back(
        loop(c, LoopKind::vector,
             one(loop(rows.index, LoopKind::serial,
                      one(loop(columns.index, LoopKind::serial, std::move(products)))))));
    for (Statement& s : stores) tile.push_back(std::move(s));
    return loop(row, LoopKind::serial, one(loop(group, LoopKind::serial, std::move(tile))));
  }

  NarrowProblem p_;
  Kernel k_;
  Expr image_;
  uint32_t input_ = 0, filter_ = 0, output_ = 0, padded_ = 0;
};

class NarrowConvolution : public OpKernel {
 public:
  NarrowConvolution(const NarrowProblem& problem, bool known_filter, double flops,
                    CodeGenerator& generator)
      : p_(problem), known_filter_(known_filter), flops_(flops) {
    const Kernel kernel = KernelBuilder(p_).build();
    compiled_ = generator.compile({&kernel, 1})[0];
  }

  std::optional<Packing> packing(size_t input) const override {
    if (input != 1 || !known_filter_) return std::nullopt;
    Hasher hasher;
    hasher.add("narrow").add(p_.turned).add(p_.places()).add(p_.results).add(p_.channels);
    const auto pack = [p = p_](const void* from, void* to) {
      arrange_filter(p, static_cast<const float*>(from), static_cast<float*>(to));
    };
    return Packing{hasher.finish(), static_cast<size_t>(p_.filter_size()) * sizeof(float), pack};
  }

  void run(void* const* inputs, void* const* outputs, void* scratch) const override {
    void* filter = inputs[1];
    if (!known_filter_) {
      filter = scratch;
      arrange_filter(p_, static_cast<const float*>(inputs[1]), static_cast<float*>(scratch));
    }
    void* const buffers[] = {inputs[0], filter, outputs[0]};
    parallel_for(p_.batch, 1,
                 [&](int64_t begin, int64_t end) { compiled_->run(buffers, nullptr, begin, end); });
  }
  int64_t scratch_bytes() const override {
    return known_filter_ ? 0 : p_.filter_size() * static_cast<int64_t>(sizeof(float));
  }
  double flops() const override { return flops_; }
  std::string description() const override { return compiled_->name(); }

 private:
  /// From the op's [window…, in_channels, out_channels] to [window…, results, channels].
  static void arrange_filter(const NarrowProblem& p, const float* given, float* arranged) {
    const int64_t size = p.results * p.channels;
    for (int64_t place = 0; place < p.places(); ++place, arranged += size) {
      if (p.turned) {  // out_channels are what is read: the order is there already
        std::copy_n(given + (p.places() - 1 - place) * size, size, arranged);
        continue;
      }
      for (int64_t c = 0; c < p.channels; ++c) {
        for (int64_t r = 0; r < p.results; ++r) arranged[r * p.channels + c] = *given++;
      }
    }
  }

  NarrowProblem p_;
  bool known_filter_;
  double flops_;
  std::shared_ptr<const CompiledKernel> compiled_;
};

/// With more results half of a library's lanes are full; with fewer channels ours are not.
constexpr int64_t kMostResults = 7, kLeastChannels = 8;
/// The padded image lies on a thread's stack and should stay in its second-level cache.
constexpr int64_t kMostPadded = 65536;

}  // namespace

std::unique_ptr<OpKernel> make_narrow_convolution(const KernelRequest& request,
                                                  std::string& why_not) {
  const auto decline = [&](const char* reason) {
    why_not = reason;
    return nullptr;
  };
  if (!request.generator || request.generator->backend_name() != "llvm") {
    return decline("no machine code is generated");
  }
  if (request.inputs[0].dtype != DType::f32) return decline("not f32");
  if (request.inputs[0].size() == 0 || request.inputs[1].size() == 0) return decline("empty");
  const ConvolutionProblem given = convolution_problem(request);
  if (!given.fits_32_bits()) return decline("sizes, strides or padding beyond 2^31");
  if (given.input.size() != 2 || given.groups != 1) return decline("not a plain 2-D convolution");
  const bool strided = given.strides != std::vector<int64_t>{1, 1};
  if (strided && given.kind == ConvolutionKind::input_gradient) return decline("it has strides");
  const NarrowProblem p(given);
  if (p.results > kMostResults) return decline("its results fill the lanes of a library");
  if (p.channels < kLeastChannels) return decline("its channels fill no lanes");
  if (p.y.padding < 0 || p.x.padding < 0) return decline("negative padding");
  if (p.padded_size() > kMostPadded) return decline("a large image");
  const double products = static_cast<double>(p.batch * p.y.output * p.x.output * p.results) *
                          static_cast<double>(p.places() * p.channels);
  return std::make_unique<NarrowConvolution>(p, given.known_filter, 2 * products,
                                             *request.generator);
}

}  // namespace tenon
