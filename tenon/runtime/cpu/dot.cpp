#include <algorithm>

#include "tenon/base/alignment.h"
#include "tenon/base/parallel.h"
#include "tenon/ops/dot.h"
#include "tenon/ops/reference.h"
#include "tenon/runtime/cpu/library.h"
#include "tenon/runtime/cpu/long_matmul.h"

namespace tenon {

namespace {

/// An axis of the product as its operands step through it; a step of 0 where one has it not.
struct Axis {
  int64_t size = 1;
  int64_t lhs = 0, rhs = 0, out = 0;
};
using Axes = std::vector<Axis>;

/// Multiplications below which a call of the library costs more than it does.
constexpr int64_t kSmallProduct = int64_t{16} * 16 * 16;

/// Drops axes of one entry and merges neighbours that all operands step through as through one.
Axes merged(const Axes& axes) {
  Axes result;
  for (const Axis& axis : axes) {
    if (axis.size == 1) continue;
    if (!result.empty()) {
      Axis& last = result.back();
      const auto continues = [&](int64_t outer, int64_t inner) {
        return outer == inner * axis.size;
      };
      if (continues(last.lhs, axis.lhs) && continues(last.rhs, axis.rhs) &&
          continues(last.out, axis.out)) {
        last = {last.size * axis.size, axis.lhs, axis.rhs, axis.out};
        continue;
      }
    }
    result.push_back(axis);
  }
  return result;
}

struct Product {
  Axes batch, m, n, k;
};

Product axes_of(const KernelRequest& request) {
  const auto& lhs = request.inputs[0].shape;
  const auto& rhs = request.inputs[1].shape;
  const DotAxes axes = dot_axes(request.attributes, lhs.size(), rhs.size());
  const auto lhs_steps = row_major_strides(lhs), rhs_steps = row_major_strides(rhs);
  const auto out_steps = row_major_strides(request.outputs[0].shape);
  const auto at = [](int64_t axis) { return static_cast<size_t>(axis); };
  Product p;
  size_t out = 0;
  for (size_t i = 0; i < axes.lhs_batch.size(); ++i) {
    const size_t l = at(axes.lhs_batch[i]), r = at(axes.rhs_batch[i]);
    p.batch.push_back({lhs[l], lhs_steps[l], rhs_steps[r], out_steps[out++]});
  }
  for (const int64_t axis : axes.lhs_free) {
    p.m.push_back({lhs[at(axis)], lhs_steps[at(axis)], 0, out_steps[out++]});
  }
  for (const int64_t axis : axes.rhs_free) {
    p.n.push_back({rhs[at(axis)], 0, rhs_steps[at(axis)], out_steps[out++]});
  }
  for (size_t i = 0; i < axes.lhs_contract.size(); ++i) {
    const size_t l = at(axes.lhs_contract[i]), r = at(axes.rhs_contract[i]);
    p.k.push_back({lhs[l], lhs_steps[l], rhs_steps[r], 0});
  }
  // The order in which products are added is free: that of lhs in memory merges best.
  std::ranges::stable_sort(p.k, std::greater<>(), &Axis::lhs);
  return p;
}

/// The product as a batch of matrix products without moving data, as far as that goes.
bool as_matmul(const Product& product, DType dtype, MatmulProblem& p) {
  Axes batch = product.batch, m = merged(product.m), n = merged(product.n), k = merged(product.k);
  if (k.size() > 1) return false;
  const auto last_size = [](const Axes& axes) { return axes.empty() ? 1 : axes.back().size; };
  const bool cut = m.size() > 1 || n.size() > 1;
  if (cut && last_size(m) * last_size(n) * last_size(k) < kSmallProduct) return false;
  // Free axes that do not merge repeat the product, with the other operand unchanged.
  const auto take_last = [&](Axes& axes) {
    if (axes.empty()) return Axis{};
    const Axis last = axes.back();
    batch.insert(batch.end(), axes.begin(), axes.end() - 1);
    return last;
  };
  const Axis row = take_last(m), column = take_last(n), inner = k.empty() ? Axis{} : k[0];
  p = {.dtype = dtype, .m = row.size, .n = column.size, .k = inner.size};
  p.lhs = {row.lhs, inner.lhs, {}};
  p.rhs = {inner.rhs, column.rhs, {}};
  p.out = {row.out, column.out, {}};
  for (const Axis& axis : batch) {
    p.batch.push_back(axis.size);
    p.lhs.batch.push_back(axis.lhs);
    p.rhs.batch.push_back(axis.rhs);
    p.out.batch.push_back(axis.out);
  }
  return true;
}

/// Brings an operand into row-major order of the given axes.
class RowMajor {
 public:
  /// `step` picks the operand's step and is set to the packed one.
  RowMajor(const std::vector<Axes*>& groups, int64_t Axis::* step, DType dtype)
      : element_(size_of(dtype)) {
    for (const Axes* group : groups) {
      for (const Axis& axis : *group) {
        sizes_.push_back(axis.size);
        steps_.push_back(axis.*step);
      }
    }
    int64_t packed = 1;
    for (size_t g = groups.size(); g-- > 0;) {
      for (size_t i = groups[g]->size(); i-- > 0;) {
        (*groups[g])[i].*step = packed;
        packed *= (*groups[g])[i].size;
      }
    }
    size_ = packed;
  }

  void add_to(Hasher& hasher) const {
    hasher.add("row-major").add(element_).add(std::span<const int64_t>(sizes_));
    hasher.add(std::span<const int64_t>(steps_));
  }

  size_t bytes() const { return round_up(static_cast<size_t>(size_) * element_, kBufferAlignment); }

  void run(const void* from, void* to) const {
    const int64_t inner = sizes_.empty() ? 1 : sizes_.back();
    parallel_for(size_ / inner, std::max<int64_t>(1, 8192 / inner), [&](int64_t b, int64_t e) {
      for (int64_t row = b; row < e; ++row) copy_row(from, to, row, inner);
    });
  }

 private:
  void copy_row(const void* from, void* to, int64_t row, int64_t inner) const {
    int64_t offset = 0, rest = row;
    for (size_t d = sizes_.size(); d-- > 1;) {
      offset += rest % sizes_[d - 1] * steps_[d - 1];
      rest /= sizes_[d - 1];
    }
    const int64_t step = steps_.empty() ? 1 : steps_.back();
    const auto copy = [&]<class T>(T) {
      const T* source = static_cast<const T*>(from) + offset;
      T* target = static_cast<T*>(to) + row * inner;
      for (int64_t i = 0; i < inner; ++i) target[i] = source[i * step];
    };
    element_ == 4 ? copy(uint32_t{}) : copy(uint16_t{});
  }

  std::vector<int64_t> sizes_, steps_;
  int64_t size_ = 0;
  size_t element_ = 4;
};

class DotKernel : public OpKernel {
 public:
  DotKernel(std::unique_ptr<OpKernel> matmul, std::vector<RowMajor> orders,
            const KernelRequest& request)
      : matmul_(std::move(matmul)), orders_(std::move(orders)) {
    for (size_t i = 0; i < orders_.size(); ++i) {
      is_known_.push_back(request.is_known(i));
      if (!is_known_[i]) ordered_bytes_ += orders_[i].bytes();
    }
  }

  /// First into row-major order, then into the library's.
  std::optional<Packing> packing(size_t input) const override {
    if (!is_known_[input]) return std::nullopt;
    const RowMajor& order = orders_[input];
    Hasher hasher;
    order.add_to(hasher);
    const auto into_order = [order](const void* from, void* to) { order.run(from, to); };
    return in_turn({hasher.finish(), order.bytes(), into_order}, matmul_->packing(input));
  }

  void run(void* const* inputs, void* const* outputs, void* scratch) const override {
    void* operands[] = {inputs[0], inputs[1]};
    auto* free = static_cast<char*>(scratch);
    for (size_t i = 0; i < orders_.size(); ++i) {
      if (is_known_[i]) continue;
      orders_[i].run(inputs[i], free);
      operands[i] = free;
      free += orders_[i].bytes();
    }
    matmul_->run(operands, outputs, free);
  }
  int64_t scratch_bytes() const override {
    return static_cast<int64_t>(ordered_bytes_) + matmul_->scratch_bytes();
  }
  double flops() const override { return matmul_->flops(); }
  std::string description() const override {
    return matmul_->description() + " of operands in another order";
  }

 private:
  std::unique_ptr<OpKernel> matmul_;
  std::vector<RowMajor> orders_;  // of lhs and rhs
  std::vector<bool> is_known_;
  size_t ordered_bytes_ = 0;
};

}  // namespace

std::unique_ptr<OpKernel> make_dot(const KernelRequest& request, std::string& why_not) {
  const DType dtype = request.inputs[0].dtype;
  if (request.inputs[0].size() == 0 || request.inputs[1].size() == 0) {
    return make_zeros(request.outputs[0]);
  }
  Product product = axes_of(request);
  MatmulProblem problem;
  const auto as_known_matmul = [&] {
    if (!as_matmul(product, dtype, problem)) return false;
    problem.lhs.is_known = request.is_known(0);
    problem.rhs.is_known = request.is_known(1);
    return true;
  };
  if (as_known_matmul()) {
    if (auto kernel = make_product(problem, why_not)) return kernel;
  }
  std::vector<RowMajor> orders;
  orders.emplace_back(std::vector{&product.batch, &product.m, &product.k}, &Axis::lhs, dtype);
  orders.emplace_back(std::vector{&product.batch, &product.n, &product.k}, &Axis::rhs, dtype);
  if (!as_known_matmul()) return nullptr;
  auto kernel = make_product(problem, why_not);
  if (!kernel) return nullptr;
  return std::make_unique<DotKernel>(std::move(kernel), std::move(orders), request);
}

}  // namespace tenon
