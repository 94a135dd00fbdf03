#include <algorithm>
#include <numeric>
#include <vector>

#include "tenon/base/parallel.h"
#include "tenon/runtime/cpu/elements.h"
#include "tenon/runtime/cpu/native.h"

namespace tenon {

namespace {

/// Stable; NaN comes last in either direction.
template <class T>
bool comes_before(T a, T b, bool descending) {
  auto x = widen(a);
  auto y = widen(b);
  if (x != x) return false;
  if (y != y) return true;
  return descending ? y < x : x < y;
}

/// Copies `count` elements of `size` bytes to consecutive places from places `stride` elements
/// apart, in `order`.
void gather_bytes(std::byte* to, const std::byte* from, const std::vector<int64_t>& order,
                  int64_t stride, size_t size) {
  for (size_t i = 0; i < order.size(); ++i) {
    const std::byte* element = from + order[i] * stride * static_cast<int64_t>(size);
    std::copy(element, element + size,
              to + static_cast<int64_t>(i) * stride * static_cast<int64_t>(size));
  }
}

template <class T>
class Sort : public OpKernel {
 public:
  explicit Sort(const KernelRequest& request)
      : descending_(request.attributes.boolean("descending")) {
    const auto& shape = request.inputs[0].shape;
    auto axis = static_cast<size_t>(request.attributes.integer("axis"));
    outer_ = element_count(std::span<const int64_t>(shape).first(axis));
    count_ = shape[axis];
    inner_ = element_count(std::span<const int64_t>(shape).subspan(axis + 1));
    for (const ConcreteType& type : request.inputs) sizes_.push_back(size_of(type.dtype));
  }

  void run(void* const* inputs, void* const* outputs, void*) const override {
    const auto* keys = static_cast<const T*>(inputs[0]);
    parallel_for(outer_ * inner_, std::max<int64_t>(1, 4096 / std::max<int64_t>(1, count_)),
                 [&](int64_t begin, int64_t end) {
                   std::vector<int64_t> order(static_cast<size_t>(count_));
                   for (int64_t line = begin; line < end; ++line) {
                     int64_t base = line / inner_ * count_ * inner_ + line % inner_;
                     std::iota(order.begin(), order.end(), int64_t{0});
                     std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
                       return comes_before(keys[base + a * inner_], keys[base + b * inner_],
                                           descending_);
                     });
                     for (size_t operand = 0; operand < sizes_.size(); ++operand) {
                       auto offset = base * static_cast<int64_t>(sizes_[operand]);
                       gather_bytes(static_cast<std::byte*>(outputs[operand]) + offset,
                                    static_cast<const std::byte*>(inputs[operand]) + offset, order,
                                    inner_, sizes_[operand]);
                     }
                   }
                 });
  }
  std::string description() const override {
    return "stable sort of lines of " + std::to_string(count_);
  }

 private:
  bool descending_;
  int64_t outer_, count_, inner_;
  std::vector<size_t> sizes_;
};

}  // namespace

std::unique_ptr<OpKernel> make_sort(const KernelRequest& request, std::string&) {
  return with_element_type(request.inputs[0].dtype, [&](auto element) -> std::unique_ptr<OpKernel> {
    return std::make_unique<Sort<decltype(element)>>(request);
  });
}

}  // namespace tenon
