// Scalar expressions for the values of a fused region, with statements emitted where reductions
// need loops.
//
//   RegionKernel region(body, "softmax", temporaries);
//   Expr i = region.pool().loop_index("i", region.dim(rows));
//   Expr value = region.element(output, {i, k});         // loads of the region's inputs, inlined producers
//   region.store_output(0, offset, value);
#pragma once

#include <map>
#include <span>
#include <unordered_map>
#include <vector>

#include "tenon/compile/lower/lower.h"
#include "tenon/ops/element.h"

namespace tenon {

class RegionKernel {
 public:
  /// Makes buffers for the used inputs and results of the fusion, followed by `temporaries`.
  RegionKernel(const Graph& body, std::string name, const std::vector<Type>& temporaries);

  Kernel& kernel() { return kernel_; }
  ExprPool& pool() { return kernel_.pool(); }
  const Graph& body() const { return body_; }
  Expr dim(const Dim& dim);
  std::vector<Expr> dims(const Shape& shape);

  /// The element of a value at a position (one index per axis), in the compute type of its dtype.
  Expr element(ValueId value, std::span<const Expr> index);
  /// The same by row-major index, for regions without index maps: every value has the same number
  /// of elements, or one.
  Expr flat_element(ValueId value, Expr linear);
  /// Overrides the elements of `value` from now on, for example by a row's reduction in a register.
  using Override = std::function<Expr(std::span<const Expr> index)>;
  void set_override(ValueId value, Override give) {
    overrides_[value.index] = std::move(give);
    memo_.clear();
  }

  /// Statements go into this block: reductions need loops before the value that uses them.
  void set_block(Block* block) { block_ = block; }
  Block& block() { return *block_; }
  void emit(Statement statement) { block_->push_back(std::move(statement)); }
  /// Emits a store of result `output` (converted to its dtype) into the current block.
  void store_output(size_t output, Expr offset, Expr value);
  void store_temporary(size_t temporary, Expr offset, Expr value);
  Expr load_temporary(size_t temporary, Expr offset);

  /// A result may share the memory of an input if every load of the input is at the offset of the
  /// store.
  void find_shared_buffers();
  Launch finish();

  /// Position in `shape` of the element with row-major number `linear`.
  std::vector<Expr> delinearize(Expr linear, const Shape& shape);
  /// The same from two numbers: of the first `split` axes, and of the others.
  std::vector<Expr> delinearize(Expr leading, Expr trailing, const Shape& shape, size_t split);
  Expr linearize(std::span<const Expr> index, const Shape& shape);

 private:
  friend class RegionContext;
  uint32_t buffer_of_input(size_t input);
  uint32_t buffer_of_output(size_t output);
  uint32_t buffer_of_temporary(size_t temporary);
  uint32_t add_buffer(uint32_t operand, std::string name, const Type& type, BufferRole role);
  Expr element_of_node(const Node& node, std::span<const Expr> index);
  Expr reduce(ReduceKind kind, std::span<const Dim> extents,
              const std::function<Expr(std::span<const Expr>)>& body);

  const Graph& body_;
  const std::vector<Type>& temporaries_;
  Kernel kernel_;
  Block* block_ = nullptr;
  std::vector<uint32_t> operands_;          // per buffer
  std::map<uint32_t, uint32_t> buffer_of_;  // operand to buffer
  std::vector<int64_t> input_number_;       // per value: which input of the body, or -1
  std::unordered_map<uint32_t, Override> overrides_;
  std::map<std::pair<uint32_t, std::vector<ExprId>>, Expr> memo_;
  std::map<uint32_t, std::vector<ExprId>> loads_;   // offsets, by buffer
  std::map<uint32_t, std::vector<ExprId>> stores_;  // offsets, by buffer
};

/// Sums of more terms than this are sums of sums, as rounding errors grow with the length. Each
/// lane of a vector is a separate sum.
constexpr int64_t longest_sum(LoopKind kind) { return kind == LoopKind::vector ? 4096 : 512; }

struct Reduction {
  ReduceKind kind;
  std::string name;
  std::function<Expr(Expr k)> element;
};
/// Emits reductions of element(k) for k < extent, all in one loop, into the current block; returns
/// their registers.
std::vector<Expr> reduce_along(RegionKernel& region, std::span<const Reduction> reductions,
                               const Dim& extent, LoopKind loop_kind);

/// The second kernel of a reduction in parts. The first one stored them in temporary i for result
/// i: [parts, elements] if `parts_first`, else [elements, parts]. Vectorised along the last axis of
/// both.
Launch join_parts(const Graph& body, const std::string& name, const std::vector<Type>& temporaries,
                  const Dim& elements, const Dim& parts, bool parts_first);

Combine combine_of(ReduceKind kind);
/// The neutral element of `kind`, in a compute type.
Expr identity_of(ExprPool& pool, ReduceKind kind, DType dtype);

/// Makes the dimension from the symbols of a kernel.
Expr dim_expression(ExprPool& pool, const Dim& dim);

}  // namespace tenon
