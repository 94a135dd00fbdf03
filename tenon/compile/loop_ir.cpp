#include "tenon/compile/loop_ir.h"

#include <algorithm>
#include <limits>

#include "tenon/base/error.h"

namespace tenon {

std::string Kernel::unique_name(const std::string& wanted) const {
  const auto taken = [&](const std::string& candidate) {
    return std::any_of(buffers.begin(), buffers.end(),
                       [&](const auto& b) { return b.name == candidate; }) ||
           std::any_of(locals.begin(), locals.end(),
                       [&](const auto& l) { return l.name == candidate; });
  };
  std::string candidate = wanted;
  for (int i = 2; taken(candidate); ++i) candidate = fmt::format("{}_{}", wanted, i);
  return candidate;
}

uint32_t Kernel::add_buffer(KernelBuffer buffer) {
  buffer.name = unique_name(buffer.name);
  if (!buffers.empty() && buffer.role != BufferRole::scratch) {
    check(buffers.back().role != BufferRole::scratch, "scratch buffers come last");
  }
  buffers.push_back(std::move(buffer));
  return static_cast<uint32_t>(buffers.size() - 1);
}

uint32_t Kernel::add_local(KernelLocal local) {
  local.name = unique_name(local.name);
  locals.push_back(std::move(local));
  return static_cast<uint32_t>(locals.size() - 1);
}

const Loop* Kernel::parallel_loop() const {
  if (body.size() != 1) return nullptr;
  const Loop* outer = std::get_if<Loop>(&body[0].what);
  return outer && outer->parallel ? outer : nullptr;
}

namespace {

void rebind(Expr& e, ExprPool& pool) {
  if (e.valid()) e = pool.at(e.id());
}

void rebind(Block& block, ExprPool& pool) {
  for (Statement& s : block) {
    if (auto* l = std::get_if<Loop>(&s.what)) {
      rebind(l->index, pool);
      rebind(l->extent, pool);
      rebind(l->body, pool);
    } else if (auto* st = std::get_if<Store>(&s.what)) {
      rebind(st->offset, pool);
      rebind(st->value, pool);
    } else if (auto* d = std::get_if<Declare>(&s.what)) {
      rebind(d->initial, pool);
    } else if (auto* u = std::get_if<Update>(&s.what)) {
      rebind(u->element, pool);
      rebind(u->value, pool);
    } else if (auto* i = std::get_if<If>(&s.what)) {
      rebind(i->condition, pool);
      rebind(i->body, pool);
    }
  }
}

Statement make_loop(Expr index, LoopKind kind, bool parallel, Block body) {
  check(index.node().op == ExprOp::loop_index, "a loop runs over a loop index");
  const Expr extent = index.pool().at(index.pool().variable_extent(index.node().aux));
  return {Loop{index, extent, kind, parallel, std::move(body)}};
}

}  // namespace

Kernel Kernel::clone() const {
  Kernel copy = *this;
  copy.pool_ = std::make_shared<ExprPool>(*pool_);
  for (KernelBuffer& b : copy.buffers) rebind(b.size, *copy.pool_);
  rebind(copy.body, *copy.pool_);
  return copy;
}

Statement loop(Expr index, LoopKind kind, Block body) {
  return make_loop(index, kind, false, std::move(body));
}
Statement parallel_loop(Expr index, LoopKind kind, Block body) {
  return make_loop(index, kind, true, std::move(body));
}
Statement store(uint32_t buffer, Expr offset, Expr value, Combine combine) {
  return {Store{buffer, offset, value, combine}};
}
Statement declare(uint32_t local, Expr initial) { return {Declare{local, initial}}; }
Statement update(uint32_t local, Expr value, Combine combine) {
  return {Update{local, value.pool().index(0), value, combine}};
}
Statement update(uint32_t local, Expr element, Expr value, Combine combine) {
  return {Update{local, element, value, combine}};
}
Statement if_then(Expr condition, Block body) { return {If{condition, std::move(body)}}; }

Expr row_major_offset(std::span<const Expr> indices, std::span<const Expr> shape) {
  check(!indices.empty() && indices.size() == shape.size(), "one index an axis");
  Expr offset = indices[0];
  for (size_t i = 1; i < indices.size(); ++i) offset = offset * shape[i] + indices[i];
  return offset;
}

Expr combine_identity(ExprPool& pool, Combine combine, DType dtype) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  switch (combine) {
    case Combine::assign:
    case Combine::add:
      return pool.constant(dtype, 0.0);
    case Combine::mul:
      return pool.constant(dtype, 1.0);
    // Saturates to the limits of integers.
    case Combine::min:
      return pool.constant(dtype, kInfinity);
    case Combine::max:
      return pool.constant(dtype, dtype == DType::boolean ? 0.0 : -kInfinity);
  }
  return {};
}

}  // namespace tenon
