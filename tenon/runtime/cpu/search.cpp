#include <algorithm>

#include "tenon/base/parallel.h"
#include "tenon/ops/rules.h"
#include "tenon/runtime/cpu/elements.h"
#include "tenon/runtime/cpu/native.h"

namespace tenon {

namespace {

/// Binary search of values[b, i] in sorted[b, count].
template <class T>
class SearchSorted : public OpKernel {
 public:
  explicit SearchSorted(const KernelRequest& request)
      : right_(request.attributes.boolean("right")),
        is_wide_(request.outputs[0].dtype == DType::i64) {
    auto batch = static_cast<size_t>(request.attributes.integer("batch_dims"));
    std::span<const int64_t> values(request.inputs[1].shape);
    count_ = request.inputs[0].shape[batch];
    size_ = element_count(values);
    per_line_ = element_count(values.subspan(batch));
  }

  void run(void* const* inputs, void* const* outputs, void*) const override {
    const auto* sorted = static_cast<const T*>(inputs[0]);
    const auto* values = static_cast<const T*>(inputs[1]);
    if (is_wide_) return search(sorted, values, static_cast<int64_t*>(outputs[0]));
    search(sorted, values, static_cast<int32_t*>(outputs[0]));
  }
  std::string description() const override {
    return "binary search in " + std::to_string(count_) + " elements";
  }

 private:
  /// NaN is behind every number.
  static bool before(T a, T b) {
    auto x = widen(a), y = widen(b);
    return x < y || (y != y && x == x);
  }

  template <class Index>
  void search(const T* sorted, const T* values, Index* out) const {
    parallel_for(size_, 2048, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const T* line = sorted + i / per_line_ * count_;
        const T* found = right_ ? std::upper_bound(line, line + count_, values[i], before)
                                : std::lower_bound(line, line + count_, values[i], before);
        out[i] = static_cast<Index>(found - line);
      }
    });
  }

  bool right_, is_wide_;
  int64_t count_, size_, per_line_;
};

}  // namespace

std::unique_ptr<OpKernel> make_search_sorted(const KernelRequest& request, std::string&) {
  auto batch = static_cast<size_t>(request.attributes.integer("batch_dims"));
  check_positions_fit(request.op.name, request.inputs[0].shape[batch] + 1,
                      request.outputs[0].dtype);
  return with_element_type(request.inputs[0].dtype, [&](auto element) -> std::unique_ptr<OpKernel> {
    return std::make_unique<SearchSorted<decltype(element)>>(request);
  });
}

}  // namespace tenon
