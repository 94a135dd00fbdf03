#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "tenon/base/error.h"
#include "tenon/base/parallel.h"
#include "tenon/runtime/cpu/elements.h"
#include "tenon/runtime/cpu/native.h"

namespace tenon {

namespace {

/// Lines of `count` elements that are `inner` apart, taken from the end where `reverse`.
struct Lines {
  int64_t outer, count, inner;
  bool reverse;

  Lines(const KernelRequest& request, const std::vector<int64_t>& shape) {
    auto axis = static_cast<size_t>(request.attributes.integer("axis"));
    outer = element_count(std::span<const int64_t>(shape).first(axis));
    count = shape[axis];
    inner = element_count(std::span<const int64_t>(shape).subspan(axis + 1));
    reverse = request.attributes.boolean("reverse");
  }
  /// Element `step` of the line after `base`.
  int64_t at(int64_t base, int64_t step) const {
    return base + (reverse ? count - 1 - step : step) * inner;
  }
};

/// Lines that are next to each other are walked together, so many at a time.
constexpr int64_t kTile = 32;

/// Calls visit(base, width) for all lines, `width` neighbours of the one at `base` together.
template <class Visit>
void for_each_tile(const Lines& lines, Visit visit) {
  int64_t tiles = (lines.inner + kTile - 1) / kTile;
  int64_t work = std::max<int64_t>(1, lines.count * std::min(kTile, lines.inner));
  parallel_for(lines.outer * tiles, std::max<int64_t>(1, 16384 / work),
               [&](int64_t begin, int64_t end) {
                 for (int64_t tile = begin; tile < end; ++tile) {
                   int64_t column = tile % tiles * kTile;
                   visit(tile / tiles * lines.count * lines.inner + column,
                         std::min(kTile, lines.inner - column));
                 }
               });
}

// How elements of T are combined: sums and products of floating dtypes in double precision, those
// of integers modulo 2^n.
template <class T>
struct Combining {
  using Value = double;
};
template <class T>
  requires std::is_integral_v<T>
struct Combining<T> {
  using Value = uint64_t;
};

template <class T>
struct Sum {
  using Value = typename Combining<T>::Value;
  static Value identity() { return 0; }
  static Value combine(Value a, Value b) { return a + b; }
  /// Adds a block, and to `lost` what rounding takes from that sum (Knuth's two-sum).
  static void add_block(Value& before, Value& lost, Value block) {
    Value sum = before + block;
    if constexpr (std::is_floating_point_v<Value>) {
      Value added = sum - before;
      Value error = (before - (sum - added)) + (block - added);
      if (std::isfinite(error)) lost += error;
    }
    before = sum;
  }
};
template <class T>
struct Product {
  using Value = typename Combining<T>::Value;
  static Value identity() { return 1; }
  static Value combine(Value a, Value b) { return a * b; }
  static void add_block(Value& before, Value&, Value block) { before *= block; }
};
template <class T, bool kLargest>
struct Extremum {
  using Value = decltype(widen(T{}));
  using Limits = std::numeric_limits<Value>;
  static Value identity() {
    if constexpr (Limits::has_infinity) return kLargest ? -Limits::infinity() : Limits::infinity();
    return kLargest ? Limits::lowest() : Limits::max();
  }
  static Value combine(Value a, Value b) {
    if (a != a || b != b) return a != a ? a : b;
    return kLargest ? std::max(a, b) : std::min(a, b);
  }
  static void add_block(Value& before, Value&, Value block) { before = combine(before, block); }
};

/// A line is the sum of blocks: what comes before a block, and what is added up within it. Errors
/// then grow with the length of a block, not with that of the line.
constexpr int64_t kBlock = 512;

template <class T, class Operation>
class Cumulative : public OpKernel {
 public:
  explicit Cumulative(const KernelRequest& request)
      : lines_(request, request.inputs[0].shape),
        exclusive_(request.attributes.find("exclusive") &&
                   request.attributes.boolean("exclusive")) {}

  void run(void* const* inputs, void* const* outputs, void*) const override {
    const auto* x = static_cast<const T*>(inputs[0]);
    auto* y = static_cast<T*>(outputs[0]);
    for_each_tile(lines_, [&](int64_t base, int64_t width) {
      width == 1 ? run_line<1>(x, y, base, 1) : run_line<kTile>(x, y, base, width);
    });
  }
  std::string description() const override {
    return "running combination over lines of " + std::to_string(lines_.count);
  }

 private:
  using Value = typename Operation::Value;

  template <int64_t kWidth>
  void run_line(const T* x, T* y, int64_t base, int64_t width) const {
    std::array<Value, kWidth> before, lost, within;
    before.fill(Operation::identity());
    lost.fill(Operation::identity());
    for (int64_t first = 0; first < lines_.count; first += kBlock) {
      within.fill(Operation::identity());
      int64_t last = std::min(lines_.count, first + kBlock);
      for (int64_t step = first; step < last; ++step) {
        const T* from = x + lines_.at(base, step);
        T* to = y + lines_.at(base, step);
        for (size_t c = 0; c < static_cast<size_t>(width); ++c) {
          Value without = within[c];
          within[c] = Operation::combine(without, static_cast<Value>(widen(from[c])));
          Value here = Operation::combine(lost[c], exclusive_ ? without : within[c]);
          to[c] = narrow<T>(Operation::combine(before[c], here));
        }
      }
      for (size_t c = 0; c < static_cast<size_t>(width); ++c)
        Operation::add_block(before[c], lost[c], within[c]);
    }
  }

  Lines lines_;
  bool exclusive_;
};

/// y = a y + b along the lines, in double precision.
template <class T>
class LinearRecurrence : public OpKernel {
 public:
  explicit LinearRecurrence(const KernelRequest& request)
      : lines_(request, request.inputs[0].shape) {}

  void run(void* const* inputs, void* const* outputs, void*) const override {
    const auto* a = static_cast<const T*>(inputs[0]);
    const auto* b = static_cast<const T*>(inputs[1]);
    auto* y = static_cast<T*>(outputs[0]);
    for_each_tile(lines_, [&](int64_t base, int64_t width) {
      width == 1 ? run_line<1>(a, b, y, base, 1) : run_line<kTile>(a, b, y, base, width);
    });
  }
  std::string description() const override {
    return "linear recurrence over lines of " + std::to_string(lines_.count);
  }

 private:
  template <int64_t kWidth>
  void run_line(const T* a, const T* b, T* y, int64_t base, int64_t width) const {
    std::array<double, kWidth> state;
    for (int64_t step = 0; step < lines_.count; ++step) {
      int64_t at = lines_.at(base, step);
      for (size_t c = 0; c < static_cast<size_t>(width); ++c) {
        auto place = at + static_cast<int64_t>(c);
        double fresh = widen(b[place]);
        // The first element has nothing before it, whatever its coefficient is.
        state[c] = step == 0 ? fresh : widen(a[place]) * state[c] + fresh;
        y[place] = narrow<T>(state[c]);
      }
    }
  }

  Lines lines_;
};

template <class T>
std::unique_ptr<OpKernel> make_for(const KernelRequest& request) {
  switch (request.op.core.value()) {
    case CoreOp::cumulative_sum:
      return std::make_unique<Cumulative<T, Sum<T>>>(request);
    case CoreOp::cumulative_product:
      return std::make_unique<Cumulative<T, Product<T>>>(request);
    case CoreOp::cumulative_max:
      return std::make_unique<Cumulative<T, Extremum<T, true>>>(request);
    case CoreOp::cumulative_min:
      return std::make_unique<Cumulative<T, Extremum<T, false>>>(request);
    default:
      fail(ErrorCode::internal, "{} is no cumulative op", request.op.name);
  }
}

}  // namespace

std::unique_ptr<OpKernel> make_cumulative(const KernelRequest& request, std::string&) {
  return with_element_type(request.inputs[0].dtype,
                           [&](auto element) { return make_for<decltype(element)>(request); });
}

std::unique_ptr<OpKernel> make_linear_recurrence(const KernelRequest& request,
                                                 std::string& why_not) {
  return with_element_type(request.inputs[0].dtype, [&](auto element) -> std::unique_ptr<OpKernel> {
    using T = decltype(element);
    if constexpr (std::is_integral_v<T>) {
      why_not = "integers have no recurrence";
      return nullptr;
    } else {
      return std::make_unique<LinearRecurrence<T>>(request);
    }
  });
}

}  // namespace tenon
