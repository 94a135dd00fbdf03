#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <numeric>

#include "tenon/base/parallel.h"
#include "tenon/runtime/cpu/elements.h"
#include "tenon/runtime/cpu/native.h"

namespace tenon {

namespace {

enum class Mode : uint8_t { add, set, max, min };

/// out[b, a, n, c] from x of that shape, indices[b, i] and updates[b, a, i, c].
struct ScatterSizes {
  int64_t batch, outer, size, inner, count;

  explicit ScatterSizes(const KernelRequest& request) {
    std::span<const int64_t> x(request.inputs[0].shape), indices(request.inputs[1].shape);
    auto axis = static_cast<size_t>(request.attributes.integer("axis"));
    auto shared = static_cast<size_t>(request.attributes.integer("batch_dims"));
    batch = element_count(x.first(shared));
    outer = element_count(x.subspan(shared, axis - shared));
    size = x[axis];
    inner = element_count(x.subspan(axis + 1));
    count = element_count(indices.subspan(shared));
  }
};

/// What the ops of one kernel have in common.
class ScatterKernel : public OpKernel {
 public:
  explicit ScatterKernel(const KernelRequest& request)
      : at_(request), bytes_(static_cast<size_t>(request.outputs[0].bytes())) {}
  std::string description() const override {
    return "scatter of " + std::to_string(at_.count) + " updates";
  }

 protected:
  void copy_operand(const void* x, void* out) const {
    if (bytes_ > 0 && x != out) std::memcpy(out, x, bytes_);
  }

  ScatterSizes at_;

 private:
  size_t bytes_;
};

/// The update, or what it is combined with, in the mode.
template <class T>
T combined(Mode mode, T now, T update) {
  auto a = widen(now), b = widen(update);
  switch (mode) {
    case Mode::add:
      if constexpr (std::is_integral_v<T>)
        return static_cast<T>(static_cast<uint64_t>(now) + static_cast<uint64_t>(update));
      else
        return narrow<T>(a + b);
    case Mode::set:
      return update;
    case Mode::max:
      return b > a || b != b ? update : now;
    case Mode::min:
      return b < a || b != b ? update : now;
  }
  return now;
}

/// Rows b x a are independent and run in parallel; within one, updates apply in order, so the
/// result never depends on threads.
template <class T, class I>
class ScatterInOrder : public ScatterKernel {
 public:
  ScatterInOrder(const KernelRequest& request, Mode mode) : ScatterKernel(request), mode_(mode) {}

  void run(void* const* inputs, void* const* outputs, void*) const override {
    const auto* indices = static_cast<const I*>(inputs[1]);
    const auto* updates = static_cast<const T*>(inputs[2]);
    auto* out = static_cast<T*>(outputs[0]);
    copy_operand(inputs[0], out);
    int64_t rows = at_.batch * at_.outer, per_row = at_.count * at_.inner;
    // One long row is cut along its columns instead: each column sees the updates in the same
    // order.
    if (rows == 1 && at_.inner >= 16 && per_row > (int64_t{1} << 15)) {
      parallel_for(at_.inner, std::max<int64_t>(16, at_.inner / 8),
                   [&](int64_t begin, int64_t end) { apply(out, indices, updates, begin, end); });
      return;
    }
    int64_t grain = std::max<int64_t>(1, (int64_t{1} << 14) / std::max<int64_t>(1, per_row));
    parallel_for(rows, grain, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        apply(out + row * at_.size * at_.inner, indices + row / at_.outer * at_.count,
              updates + row * per_row, 0, at_.inner);
      }
    });
  }

 private:
  void apply(T* out, const I* indices, const T* updates, int64_t begin, int64_t end) const {
    for (int64_t i = 0; i < at_.count; ++i) {
      auto to = static_cast<int64_t>(indices[i]);
      if (to < 0 || to >= at_.size) continue;
      T* target = out + to * at_.inner;
      const T* update = updates + i * at_.inner;
      for (int64_t c = begin; c < end; ++c) target[c] = combined(mode_, target[c], update[c]);
    }
  }

  Mode mode_;
};

/// Sums of f16, bf16 and f32, in double precision and rounded once: the updates of each target are
/// found first, and those of one are added up in order.
template <class T, class I>
class ScatterSum : public ScatterKernel {
 public:
  explicit ScatterSum(const KernelRequest& request)
      : ScatterKernel(request), counts_(at_.size <= 4 * at_.count + 64) {}

  int64_t scratch_bytes() const override {
    return at_.batch * per_batch() * static_cast<int64_t>(sizeof(int64_t));
  }

  void run(void* const* inputs, void* const* outputs, void* scratch) const override {
    const auto* indices = static_cast<const I*>(inputs[1]);
    const auto* updates = static_cast<const T*>(inputs[2]);
    auto* out = static_cast<T*>(outputs[0]);
    auto* space = static_cast<int64_t*>(scratch);
    copy_operand(inputs[0], out);
    int64_t work = std::max<int64_t>(1, at_.outer * at_.count * at_.inner);
    parallel_for(at_.batch, std::max<int64_t>(1, kWork / work), [&](int64_t begin, int64_t end) {
      for (int64_t b = begin; b < end; ++b) {
        Groups groups = group(indices + b * at_.count, space + b * per_batch());
        int64_t items = at_.outer * groups.count * tiles();
        parallel_for(items, std::max<int64_t>(1, items * kWork / work),
                     [&](int64_t first, int64_t last) {
                       for (int64_t item = first; item < last; ++item)
                         add(groups, item, updates + b * at_.outer * at_.count * at_.inner,
                             out + b * at_.outer * at_.size * at_.inner);
                     });
      }
    });
  }

 private:
  static constexpr int64_t kWork = int64_t{1} << 14, kTile = 64;

  /// Numbers of updates, those of group g at [ends[g - 1], ends[g]); a group may be empty.
  struct Groups {
    const I* indices;
    const int64_t* order;
    const int64_t* ends;
    int64_t count;
  };

  int64_t tiles() const { return (at_.inner + kTile - 1) / kTile; }
  int64_t per_batch() const { return at_.count + (counts_ ? at_.size : at_.count); }

  Groups group(const I* indices, int64_t* order) const {
    int64_t* ends = order + at_.count;
    return {indices, order, ends,
            counts_ ? count(indices, order, ends) : sort(indices, order, ends)};
  }

  bool is_inside(I index) const { return index >= 0 && static_cast<int64_t>(index) < at_.size; }

  /// One group a target.
  int64_t count(const I* indices, int64_t* order, int64_t* ends) const {
    std::fill(ends, ends + at_.size, 0);
    for (int64_t i = 0; i < at_.count; ++i) {
      if (is_inside(indices[i])) ++ends[indices[i]];
    }
    // First where each group begins; every update moves that on, to the end at last.
    std::exclusive_scan(ends, ends + at_.size, ends, int64_t{0});
    for (int64_t i = 0; i < at_.count; ++i) {
      if (is_inside(indices[i])) order[ends[indices[i]]++] = i;
    }
    return at_.size;
  }

  /// One group a target that has updates: for few updates of a large x.
  int64_t sort(const I* indices, int64_t* order, int64_t* ends) const {
    int64_t inside = 0, groups = 0;
    for (int64_t i = 0; i < at_.count; ++i) {
      if (is_inside(indices[i])) order[inside++] = i;
    }
    std::sort(order, order + inside, [&](int64_t a, int64_t b) {
      return indices[a] != indices[b] ? indices[a] < indices[b] : a < b;
    });
    for (int64_t i = 0; i < inside; ++i) {
      if (i + 1 == inside || indices[order[i]] != indices[order[i + 1]]) ends[groups++] = i + 1;
    }
    return groups;
  }

  /// Adds the updates of one group to one tile of columns of its target.
  void add(const Groups& groups, int64_t item, const T* updates, T* out) const {
    int64_t tile = item % tiles(), line = item / tiles();
    int64_t g = line % groups.count, outer = line / groups.count;
    int64_t first = g == 0 ? 0 : groups.ends[g - 1], last = groups.ends[g];
    if (first == last) return;
    int64_t column = tile * kTile, width = std::min(kTile, at_.inner - column);
    auto to = static_cast<int64_t>(groups.indices[groups.order[first]]);
    T* target = out + (outer * at_.size + to) * at_.inner + column;
    const T* source = updates + outer * at_.count * at_.inner + column;
    std::array<double, kTile> sums;
    for (int64_t c = 0; c < width; ++c) sums[static_cast<size_t>(c)] = widen(target[c]);
    for (int64_t i = first; i < last; ++i) {
      const T* update = source + groups.order[i] * at_.inner;
      for (int64_t c = 0; c < width; ++c) sums[static_cast<size_t>(c)] += widen(update[c]);
    }
    for (int64_t c = 0; c < width; ++c) target[c] = narrow<T>(sums[static_cast<size_t>(c)]);
  }

  bool counts_;
};

template <class T, class I>
std::unique_ptr<OpKernel> make_for(const KernelRequest& request, Mode mode) {
  constexpr bool kRounds = !std::is_integral_v<T> && !std::is_same_v<T, double>;
  if constexpr (kRounds) {
    if (mode == Mode::add) return std::make_unique<ScatterSum<T, I>>(request);
  }
  return std::make_unique<ScatterInOrder<T, I>>(request, mode);
}

}  // namespace

std::unique_ptr<OpKernel> make_scatter(const KernelRequest& request, std::string& why_not) {
  const std::string& name = request.attributes.string("mode");
  Mode mode = name == "add"   ? Mode::add
              : name == "set" ? Mode::set
              : name == "max" ? Mode::max
                              : Mode::min;
  DType index = request.inputs[1].dtype;
  if (index != DType::i32 && index != DType::i64) {
    why_not = "indices are neither i32 nor i64";
    return nullptr;
  }
  return with_element_type(request.inputs[0].dtype, [&](auto element) {
    using T = decltype(element);
    return index == DType::i64 ? make_for<T, int64_t>(request, mode)
                               : make_for<T, int32_t>(request, mode);
  });
}

}  // namespace tenon
