#include "element_evaluate.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "tenon/base/error.h"
#include "tenon/ops/element.h"
#include "tenon/ops/reference.h"

namespace tenon {

namespace {

class ConstantElements : public ElementContext {
 public:
  ConstantElements(const Attributes& attributes, const std::vector<Literal>& inputs,
                   const Type& output)
      : attributes_(attributes), inputs_(inputs), output_(output) {
    for (const Literal& input : inputs) types_.push_back(input.type());
  }

  void move_to(const std::vector<int64_t>& position) {
    index_.clear();
    for (int64_t i : position) index_.push_back(pool_.index(i));
  }

  ExprPool& pool() override { return pool_; }
  const Attributes& attributes() const override { return attributes_; }
  std::span<const Expr> index() const override { return index_; }
  size_t input_count() const override { return inputs_.size(); }
  const Type& input_type(size_t operand) const override { return types_[operand]; }
  const Type& output_type() const override { return output_; }

  Expr input(size_t operand, std::span<const Expr> indices) override {
    const Literal& from = inputs_[operand];
    check(indices.size() == from.shape().size(), "one index an axis");
    int64_t offset = 0;
    bool inside = true;
    for (size_t i = 0; i < indices.size(); ++i) {
      int64_t at = indices[i].as_integer().value();
      inside = inside && at >= 0 && at < from.shape()[i];
      offset = offset * from.shape()[i] + at;
    }
    // A value outside must not be used: NaN shows where it is.
    if (!inside && is_floating(from.dtype())) return pool_.constant(from.dtype(), std::nan(""));
    uint64_t bits = inside ? 0 : 0x5a;
    if (!inside && from.dtype() == DType::boolean) bits = 1;
    if (inside) {
      size_t size = size_of(from.dtype());
      std::memcpy(&bits, from.data() + static_cast<size_t>(offset) * size, size);
    }
    return pool_.constant_bits(from.dtype(), bits);
  }

  Expr dim(const Dim& dim) override { return pool_.index(dim.constant()); }

  Expr reduce(ReduceKind kind, std::span<const Dim> extents,
              const std::function<Expr(std::span<const Expr>)>& body) override {
    std::vector<int64_t> shape;
    for (const Dim& extent : extents) shape.push_back(extent.constant());
    Expr sum;
    for (BoxIndex at(shape); !at.done(); at.next()) {
      std::vector<Expr> position;
      for (int64_t i : at.position()) position.push_back(pool_.index(i));
      Expr next = body(position);
      sum = sum.valid() ? combine(kind, sum, next) : next;
    }
    return sum.valid() ? sum : identity(kind);
  }

 private:
  static Expr combine(ReduceKind kind, Expr a, Expr b) {
    switch (kind) {
      case ReduceKind::sum:
        return a + b;
      case ReduceKind::product:
        return a * b;
      case ReduceKind::maximum:
        return max(a, b);
      case ReduceKind::minimum:
        return min(a, b);
      case ReduceKind::logical_and:
        return a & b;
      case ReduceKind::logical_or:
        return a | b;
    }
    return a;
  }

  Expr identity(ReduceKind kind) {
    DType dtype = compute_type(output_.dtype);
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    const bool is_bool = dtype == DType::boolean;
    switch (kind) {
      case ReduceKind::sum:
      case ReduceKind::logical_or:
        return pool_.constant(dtype, 0);
      case ReduceKind::product:
      case ReduceKind::logical_and:
        return pool_.constant(dtype, 1);
      case ReduceKind::maximum:
        return pool_.constant(dtype, is_bool ? 0 : -kInfinity);  // saturates for integers
      case ReduceKind::minimum:
        return pool_.constant(dtype, kInfinity);
    }
    return pool_.constant(dtype, 0);
  }

  ExprPool pool_;
  const Attributes& attributes_;
  const std::vector<Literal>& inputs_;
  Type output_;
  std::vector<Type> types_;
  std::vector<Expr> index_;
};

void store(Literal& to, int64_t index, Expr value) {
  check(value.is_constant(), "an element of constants is a constant");
  uint64_t bits = cast(value, to.dtype()).node().bits;
  size_t size = size_of(to.dtype());
  std::memcpy(to.data() + static_cast<size_t>(index) * size, &bits, size);
}

}  // namespace

std::optional<Literal> evaluate_element(const OpDef& op, const Attributes& attributes,
                                        const std::vector<Literal>& inputs, const Type& output) {
  if (!op.expand && !op.element) return std::nullopt;
  ConstantElements elements(attributes, inputs, output);
  Literal result(output.dtype, output.shape.constants());
  for (BoxIndex at(result.shape()); !at.done(); at.next()) {
    elements.move_to(at.position());
    if (op.element) {
      store(result, at.linear(), op.element(elements));
      continue;
    }
    std::vector<Expr> arguments;
    for (size_t i = 0; i < inputs.size(); ++i)
      arguments.push_back(
          cast(elements.input(i, elements.index()), compute_type(inputs[i].dtype())));
    store(result, at.linear(), op.expand(elements.pool(), arguments, attributes));
  }
  return result;
}

}  // namespace tenon
