#include <algorithm>
#include <cmath>
#include <cstring>

#include "tenon/base/parallel.h"
#include "tenon/runtime/cpu/elements.h"
#include "tenon/runtime/cpu/native.h"

namespace tenon {

namespace {

enum class Mode : uint8_t { add, set, max, min };

/// out = operand; out[b, a, indices[b, i], c] (mode) updates[b, a, i, c]. Rows b x a are
/// independent and run in parallel; within one, updates apply in order, so the result never depends
/// on threads.
template <class T, class I>
class Scatter : public OpKernel {
 public:
  Scatter(const KernelRequest& request, Mode mode) : mode_(mode) {
    const auto& x = request.inputs[0].shape;
    const auto& indices = request.inputs[1].shape;
    auto axis = static_cast<size_t>(request.attributes.integer("axis"));
    auto batch = static_cast<size_t>(request.attributes.integer("batch_dims"));
    std::span<const int64_t> dims(x);
    batch_ = element_count(dims.first(batch));
    outer_ = element_count(dims.subspan(batch, axis - batch));
    size_ = x[axis];
    inner_ = element_count(dims.subspan(axis + 1));
    count_ = element_count(std::span<const int64_t>(indices).subspan(batch));
    bytes_ = static_cast<size_t>(request.outputs[0].bytes());
  }

  void run(void* const* inputs, void* const* outputs, void*) const override {
    const auto* indices = static_cast<const I*>(inputs[1]);
    const auto* updates = static_cast<const T*>(inputs[2]);
    auto* out = static_cast<T*>(outputs[0]);
    if (bytes_ > 0 && inputs[0] != outputs[0]) std::memcpy(out, inputs[0], bytes_);
    int64_t rows = batch_ * outer_;
    // One long row is cut along its columns instead: each column sees the updates in the same
    // order.
    if (rows == 1 && inner_ >= 16 && count_ * inner_ > (int64_t{1} << 15)) {
      parallel_for(inner_, std::max<int64_t>(16, inner_ / 8),
                   [&](int64_t begin, int64_t end) { apply(out, indices, updates, begin, end); });
      return;
    }
    parallel_for(rows,
                 std::max<int64_t>(1, (int64_t{1} << 14) / std::max<int64_t>(1, count_ * inner_)),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t row = begin; row < end; ++row) {
                     apply(out + row * size_ * inner_, indices + row / outer_ * count_,
                           updates + row * count_ * inner_, 0, inner_);
                   }
                 });
  }
  std::string description() const override {
    return "scatter of " + std::to_string(count_) + " updates";
  }

 private:
  void apply(T* out, const I* indices, const T* updates, int64_t begin, int64_t end) const {
    for (int64_t i = 0; i < count_; ++i) {
      auto at = static_cast<int64_t>(indices[i]);
      if (at < 0 || at >= size_) continue;
      T* target = out + at * inner_;
      const T* update = updates + i * inner_;
      switch (mode_) {
        case Mode::add:
          for (int64_t c = begin; c < end; ++c)
            target[c] = narrow<T>(wrapped_sum(widen(target[c]), widen(update[c])));
          break;
        case Mode::set:
          for (int64_t c = begin; c < end; ++c) target[c] = update[c];
          break;
        case Mode::max:
          for (int64_t c = begin; c < end; ++c) {
            if (widen(update[c]) > widen(target[c]) || is_nan(update[c])) target[c] = update[c];
          }
          break;
        case Mode::min:
          for (int64_t c = begin; c < end; ++c) {
            if (widen(update[c]) < widen(target[c]) || is_nan(update[c])) target[c] = update[c];
          }
          break;
      }
    }
  }
  static bool is_nan(T x) { return widen(x) != widen(x); }

  Mode mode_;
  int64_t batch_ = 1, outer_ = 1, size_ = 0, inner_ = 1, count_ = 0;
  size_t bytes_ = 0;
};

template <class T>
std::unique_ptr<OpKernel> make_for(const KernelRequest& request, Mode mode) {
  if (request.inputs[1].dtype == DType::i64)
    return std::make_unique<Scatter<T, int64_t>>(request, mode);
  return std::make_unique<Scatter<T, int32_t>>(request, mode);
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
    return make_for<decltype(element)>(request, mode);
  });
}

}  // namespace tenon
