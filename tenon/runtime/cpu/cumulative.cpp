#include <algorithm>
#include <limits>
#include <string_view>

#include "tenon/base/parallel.h"
#include "tenon/runtime/cpu/elements.h"
#include "tenon/runtime/cpu/native.h"

namespace tenon {

namespace {

enum class Operation : uint8_t { sum, product, max, min };

template <class W>
W identity(Operation operation) {
  using Limits = std::numeric_limits<W>;
  switch (operation) {
    case Operation::sum:
      return W{0};
    case Operation::product:
      return W{1};
    case Operation::max:
      return Limits::has_infinity ? -Limits::infinity() : Limits::lowest();
    case Operation::min:
      return Limits::has_infinity ? Limits::infinity() : Limits::max();
  }
  return W{};
}

template <class W>
W combine(Operation operation, W a, W b) {
  if constexpr (std::is_floating_point_v<W>) {
    if (operation >= Operation::max && (a != a || b != b))
      return std::numeric_limits<W>::quiet_NaN();
  }
  switch (operation) {
    case Operation::sum:
      return wrapped_sum(a, b);
    case Operation::product:
      return wrapped_product(a, b);
    case Operation::max:
      return std::max(a, b);
    case Operation::min:
      return std::min(a, b);
  }
  return a;
}

template <class T>
class Cumulative : public OpKernel {
 public:
  Cumulative(const KernelRequest& request, Operation operation)
      : operation_(operation),
        reverse_(request.attributes.boolean("reverse")),
        exclusive_(request.attributes.find("exclusive") &&
                   request.attributes.boolean("exclusive")) {
    const auto& shape = request.inputs[0].shape;
    auto axis = static_cast<size_t>(request.attributes.integer("axis"));
    outer_ = element_count(std::span<const int64_t>(shape).first(axis));
    count_ = shape[axis];
    inner_ = element_count(std::span<const int64_t>(shape).subspan(axis + 1));
  }

  void run(void* const* inputs, void* const* outputs, void*) const override {
    using W = decltype(widen(T{}));
    const auto* x = static_cast<const T*>(inputs[0]);
    auto* y = static_cast<T*>(outputs[0]);
    parallel_for(outer_ * inner_, std::max<int64_t>(1, 16384 / std::max<int64_t>(1, count_)),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t line = begin; line < end; ++line) {
                     int64_t base = line / inner_ * count_ * inner_ + line % inner_;
                     W total = identity<W>(operation_);
                     for (int64_t i = 0; i < count_; ++i) {
                       int64_t at = base + (reverse_ ? count_ - 1 - i : i) * inner_;
                       W with = combine<W>(operation_, total, widen(x[at]));
                       y[at] = narrow<T>(exclusive_ ? total : with);
                       total = with;
                     }
                   }
                 });
  }
  std::string description() const override {
    return "running combination over lines of " + std::to_string(count_);
  }

 private:
  Operation operation_;
  bool reverse_, exclusive_;
  int64_t outer_, count_, inner_;
};

}  // namespace

std::unique_ptr<OpKernel> make_cumulative(const KernelRequest& request, std::string&) {
  std::string_view name = request.op.name;
  Operation operation = name.ends_with("sum")       ? Operation::sum
                        : name.ends_with("product") ? Operation::product
                        : name.ends_with("max")     ? Operation::max
                                                    : Operation::min;
  return with_element_type(request.inputs[0].dtype, [&](auto element) -> std::unique_ptr<OpKernel> {
    return std::make_unique<Cumulative<decltype(element)>>(request, operation);
  });
}

}  // namespace tenon
