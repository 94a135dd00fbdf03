#include "tenon/compile/lower/region.h"

#include <algorithm>
#include <optional>

#include "tenon/base/error.h"

namespace tenon {

/// Answers an op's element definition with expressions of the region.
class RegionContext : public ElementContext {
 public:
  RegionContext(RegionKernel& region, const Node& node, std::span<const Expr> index)
      : region_(region), node_(node), index_(index) {}

  ExprPool& pool() override { return region_.pool(); }
  const Attributes& attributes() const override { return node_.attributes; }
  std::span<const Expr> index() const override { return index_; }
  size_t input_count() const override { return node_.inputs.size(); }
  const Type& input_type(size_t operand) const override {
    return region_.body().type(node_.inputs[operand]);
  }
  const Type& output_type() const override { return region_.body().type(node_.outputs[0]); }
  Expr input(size_t operand, std::span<const Expr> indices) override {
    return region_.element(node_.inputs[operand], indices);
  }
  Expr dim(const Dim& dim) override { return region_.dim(dim); }
  Expr reduce(ReduceKind kind, std::span<const Dim> extents,
              const std::function<Expr(std::span<const Expr>)>& body) override {
    return region_.reduce(kind, extents, body);
  }

 private:
  RegionKernel& region_;
  const Node& node_;
  std::span<const Expr> index_;
};

Combine combine_of(ReduceKind kind) {
  switch (kind) {
    case ReduceKind::sum:
      return Combine::add;
    case ReduceKind::product:
      return Combine::mul;
    case ReduceKind::maximum:
    case ReduceKind::logical_or:
      return Combine::max;
    case ReduceKind::minimum:
    case ReduceKind::logical_and:
      return Combine::min;
  }
  return Combine::assign;
}

Expr identity_of(ExprPool& pool, ReduceKind kind, DType dtype) {
  return combine_identity(pool, combine_of(kind), dtype);
}

Expr dim_expression(ExprPool& pool, const Dim& dim) {
  return dim.is_constant() ? pool.index(dim.constant()) : pool.symbol(dim.to_string());
}

RegionKernel::RegionKernel(const Graph& body, std::string name,
                           const std::vector<Type>& temporaries)
    : body_(body),
      temporaries_(temporaries),
      kernel_(std::move(name)),
      input_number_(body.value_count(), -1) {
  for (size_t i = 0; i < body.inputs().size(); ++i) {
    input_number_[body.inputs()[i].index] = static_cast<int64_t>(i);
  }
}

Expr RegionKernel::dim(const Dim& dim) { return dim_expression(pool(), dim); }

std::vector<Expr> RegionKernel::dims(const Shape& shape) {
  std::vector<Expr> result;
  for (const Dim& d : shape) result.push_back(dim(d));
  return result;
}

uint32_t RegionKernel::add_buffer(uint32_t operand, std::string name, const Type& type,
                                  BufferRole role) {
  auto [entry, fresh] = buffer_of_.try_emplace(operand, 0);
  if (fresh) {
    Dim count = type.shape.element_count();
    entry->second = kernel_.add_buffer(
        {.name = std::move(name), .dtype = type.dtype, .size = dim(count), .role = role});
    operands_.push_back(operand);
  }
  return entry->second;
}

uint32_t RegionKernel::buffer_of_input(size_t input) {
  return add_buffer(static_cast<uint32_t>(input), "p" + std::to_string(input),
                    body_.type(body_.inputs()[input]), BufferRole::input);
}

uint32_t RegionKernel::buffer_of_output(size_t output) {
  auto operand = static_cast<uint32_t>(body_.inputs().size() + output);
  return add_buffer(operand, "r" + std::to_string(output), body_.type(body_.outputs()[output]),
                    BufferRole::output);
}

uint32_t RegionKernel::buffer_of_temporary(size_t temporary) {
  auto operand = static_cast<uint32_t>(body_.inputs().size() + body_.outputs().size() + temporary);
  return add_buffer(operand, "t" + std::to_string(temporary), temporaries_[temporary],
                    BufferRole::output);
}

std::vector<Expr> RegionKernel::delinearize(Expr linear, const Shape& shape) {
  std::vector<Expr> index(shape.rank());
  Expr rest = linear;
  for (size_t axis = shape.rank(); axis-- > 0;) {
    if (axis == 0) {
      index[0] = rest;
      break;
    }
    Expr extent = dim(shape[axis]);
    index[axis] = floor_mod(rest, extent);
    rest = floor_div(rest, extent);
  }
  return index;
}

std::vector<Expr> RegionKernel::delinearize(Expr leading, Expr trailing, const Shape& shape,
                                            size_t split) {
  const auto middle = shape.begin() + static_cast<std::ptrdiff_t>(split);
  std::vector<Expr> index = delinearize(leading, Shape(std::vector<Dim>(shape.begin(), middle)));
  const std::vector<Expr> rest =
      delinearize(trailing, Shape(std::vector<Dim>(middle, shape.end())));
  index.insert(index.end(), rest.begin(), rest.end());
  return index;
}

Expr RegionKernel::linearize(std::span<const Expr> index, const Shape& shape) {
  std::vector<Expr> extents = dims(shape);
  return index.empty() ? pool().index(0) : row_major_offset(index, extents);
}

Expr RegionKernel::element(ValueId value, std::span<const Expr> index) {
  if (auto found = overrides_.find(value.index); found != overrides_.end())
    return found->second(index);
  std::pair<uint32_t, std::vector<ExprId>> key{value.index, {}};
  for (const Expr& e : index) key.second.push_back(e.id());
  if (auto found = memo_.find(key); found != memo_.end()) return found->second;
  Expr result;
  if (int64_t input = input_number_[value.index]; input >= 0) {
    const Type& type = body_.type(value);
    uint32_t buffer = buffer_of_input(static_cast<size_t>(input));
    Expr offset = linearize(index, type.shape);
    loads_[buffer].push_back(offset.id());
    result = cast(kernel_.load(buffer, offset), compute_type(type.dtype));
  } else {
    result = element_of_node(*body_.producer(value), index);
  }
  memo_.emplace(std::move(key), result);
  return result;
}

Expr RegionKernel::flat_element(ValueId value, Expr linear) {
  const Type& type = body_.type(value);
  Expr at = type.shape.element_count().is(1) ? pool().index(0) : linear;
  std::pair<uint32_t, std::vector<ExprId>> key{value.index, {at.id()}};
  if (auto found = memo_.find(key); found != memo_.end()) return found->second;
  Expr result;
  const Node* node = body_.producer(value);
  if (int64_t input = input_number_[value.index]; input >= 0) {
    uint32_t buffer = buffer_of_input(static_cast<size_t>(input));
    loads_[buffer].push_back(at.id());
    result = cast(kernel_.load(buffer, at), compute_type(type.dtype));
  } else if (node->op->is_elementwise && node->op->expand) {
    std::vector<Expr> arguments;
    for (ValueId operand : node->inputs) arguments.push_back(flat_element(operand, at));
    // A cast to half precision gives a storage type: it rounds, and computing goes on in f32.
    result = cast(node->op->expand(pool(), arguments, node->attributes), compute_type(type.dtype));
  } else if (node->inputs.empty()) {
    result = element_of_node(*node, delinearize(at, type.shape));
  } else {
    result = flat_element(node->inputs[0], at);  // reshape, or broadcast of one element
  }
  memo_.emplace(std::move(key), result);
  return result;
}

Expr RegionKernel::element_of_node(const Node& node, std::span<const Expr> index) {
  const OpDef& op = *node.op;
  DType compute = compute_type(body_.type(node.outputs[0]).dtype);
  if (op.is_elementwise && op.expand) {
    std::vector<Expr> arguments;
    for (ValueId input : node.inputs) arguments.push_back(element(input, index));
    return cast(op.expand(pool(), arguments, node.attributes), compute);
  }
  check(static_cast<bool>(op.element), "only ops with an element definition are fused");
  RegionContext context(*this, node, index);
  return cast(op.element(context), compute);
}

Expr RegionKernel::reduce(ReduceKind kind, std::span<const Dim> extents,
                          const std::function<Expr(std::span<const Expr>)>& body) {
  const Dim count = Shape(std::vector<Dim>(extents.begin(), extents.end())).element_count();
  constexpr int64_t kLongest = longest_sum(LoopKind::serial);
  // An axis that is long by itself has two loops: over its blocks, and over the places in one.
  std::vector<Expr> variables, position;
  for (const Dim& extent : extents) {
    if (extent.is_constant() && extent.constant() <= kLongest) {
      position.push_back(variables.emplace_back(pool().loop_index("r", dim(extent))));
      continue;
    }
    const Dim blocks = Dim::floor_div(extent + (kLongest - 1), kLongest);
    const Expr first =
        variables.emplace_back(pool().loop_index("b", dim(blocks))) * static_cast<double>(kLongest);
    const Expr places = min(pool().index(kLongest), dim(extent) - first);
    position.push_back(first + variables.emplace_back(pool().loop_index("r", places)));
  }
  Block inner;
  Block* outer = block_;
  block_ = &inner;
  const Expr value = body(position);
  block_ = outer;
  const bool is_long = !(count.is_constant() && count.constant() <= kLongest);
  // Beside an empty axis others may be long: no loop over them is needed, or written out.
  if (count.is(0)) return identity_of(pool(), kind, value.dtype());
  const bool few = count.is_constant() && count.constant() <= kFewElements;
  auto declare_sum = [&](Block& into) {
    const uint32_t local = kernel_.add_local({.name = "acc", .dtype = value.dtype()});
    into.push_back(declare(local, identity_of(pool(), kind, value.dtype())));
    return local;
  };
  // Of a long sum, each loop has its own register.
  Block here;
  const uint32_t total = declare_sum(here);
  std::vector<uint32_t> sums{total};
  std::vector<Block> before(variables.size());
  for (size_t level = 1; level < variables.size(); ++level)
    sums.push_back(is_long ? declare_sum(before[level]) : total);
  inner.push_back(update(variables.empty() ? total : sums.back(), value, combine_of(kind)));
  for (size_t level = variables.size(); level-- > 0;) {
    Block wrapped = std::move(before[level]);
    wrapped.push_back(
        loop(variables[level], few ? LoopKind::unroll : LoopKind::serial, std::move(inner)));
    if (level > 0 && is_long)
      wrapped.push_back(update(sums[level - 1], kernel_.read(sums[level]), combine_of(kind)));
    inner = std::move(wrapped);
  }
  for (Statement& statement : here) emit(std::move(statement));
  for (Statement& statement : inner) emit(std::move(statement));
  return kernel_.read(total);
}

std::vector<Expr> reduce_along(RegionKernel& region, std::span<const Reduction> reductions,
                               const Dim& extent, LoopKind loop_kind) {
  const int64_t longest = longest_sum(loop_kind);
  ExprPool& pool = region.pool();
  Kernel& kernel = region.kernel();
  Block* here = &region.block();
  auto declare_one = [&](Block& block, const Reduction& r, const std::string& name, DType dtype) {
    const uint32_t local = kernel.add_local({.name = name, .dtype = dtype});
    block.push_back(declare(local, identity_of(pool, r.kind, dtype)));
    return local;
  };
  auto add = [&](Block& block, Expr index, Expr k) {
    Block inside;
    std::vector<Expr> sums;
    for (const Reduction& r : reductions) {
      // The dtype is known once an element is made, which has to be in the block of its loop.
      region.set_block(&inside);
      const Expr value = r.element(k);
      region.set_block(here);
      const uint32_t local = declare_one(block, r, r.name, value.dtype());
      inside.push_back(update(local, value, combine_of(r.kind)));
      sums.push_back(kernel.read(local));
    }
    block.push_back(loop(index, loop_kind, std::move(inside)));
    return sums;
  };
  if (extent.is_constant() && extent.constant() <= longest) {
    const Expr k = pool.loop_index("k", region.dim(extent));
    return add(*here, k, k);
  }
  const Dim blocks = Dim::floor_div(extent + (longest - 1), longest);
  const Expr block = pool.loop_index("b", region.dim(blocks));
  const Expr first = block * static_cast<double>(longest);
  const Expr places = min(pool.index(longest), region.dim(extent) - first);
  const Expr k = pool.loop_index("k", places);
  Block inside;
  const std::vector<Expr> sums = add(inside, k, first + k);
  std::vector<Expr> totals;
  for (size_t i = 0; i < sums.size(); ++i) {
    const Reduction& r = reductions[i];
    const uint32_t total = declare_one(*here, r, r.name + "_total", sums[i].dtype());
    inside.push_back(update(total, sums[i], combine_of(r.kind)));
    totals.push_back(kernel.read(total));
  }
  region.emit(loop(block, LoopKind::serial, std::move(inside)));
  return totals;
}

Launch join_parts(const Graph& body, const std::string& name, const std::vector<Type>& temporaries,
                  const Dim& elements, const Dim& parts, bool parts_first) {
  RegionKernel region(body, name + "_combine", temporaries);
  const LoopKind along_elements = parts_first ? LoopKind::vector : LoopKind::serial;
  const LoopKind along_parts = parts_first ? LoopKind::serial : LoopKind::vector;
  const Expr at = region.pool().loop_index(parts_first ? "column" : "row", region.dim(elements));
  Block block;
  region.set_block(&block);
  for (size_t i = 0; i < body.outputs().size(); ++i) {
    const ReduceKind kind = *body.producer(body.outputs()[i])->op->reduction;
    const Reduction joined{kind, "total", [&](Expr part) {
                             const Expr place = parts_first ? part * region.dim(elements) + at
                                                            : at * region.dim(parts) + part;
                             return region.load_temporary(i, place);
                           }};
    region.store_output(i, at, reduce_along(region, {&joined, 1}, parts, along_parts)[0]);
  }
  region.kernel().body.push_back(parallel_loop(at, along_elements, std::move(block)));
  return region.finish();
}

void RegionKernel::store_output(size_t output, Expr offset, Expr value) {
  uint32_t buffer = buffer_of_output(output);
  stores_[buffer].push_back(offset.id());
  emit(store(buffer, offset, cast(value, body_.type(body_.outputs()[output]).dtype)));
}

void RegionKernel::store_temporary(size_t temporary, Expr offset, Expr value) {
  emit(store(buffer_of_temporary(temporary), offset, cast(value, temporaries_[temporary].dtype)));
}

Expr RegionKernel::load_temporary(size_t temporary, Expr offset) {
  return kernel_.load(buffer_of_temporary(temporary), offset);
}

void RegionKernel::find_shared_buffers() {
  for (const auto& [out, offsets] : stores_) {
    for (const auto& [in, reads] : loads_) {
      bool same =
          kernel_.buffers[in].dtype == kernel_.buffers[out].dtype && offsets.size() == 1 &&
          std::all_of(reads.begin(), reads.end(), [&](ExprId read) { return read == offsets[0]; });
      if (same) kernel_.buffers[out].may_share.push_back(in);
    }
  }
}

Launch RegionKernel::finish() { return {std::move(kernel_), std::move(operands_)}; }

}  // namespace tenon
