#include "tenon/compile/codegen/llvm/kernel_emitter.h"

#include <llvm/IR/Intrinsics.h>
#include <llvm/IR/MDBuilder.h>

#include <algorithm>
#include <unordered_set>

#include "tenon/base/error.h"

namespace tenon {

llvm::Function* emit_kernel(llvm::Module& module, const Kernel& unrolled, const std::string& symbol,
                            const EmitOptions& options) {
  return detail::KernelEmitter(module, unrolled, options).run(symbol);
}

namespace detail {
namespace {

/// Buffers whose memory another one may be.
bool may_overlap(const Kernel& kernel, uint32_t a, uint32_t b) {
  const auto lists = [&](uint32_t output, uint32_t input) {
    const auto& shared = kernel.buffers[output].may_share;
    return std::find(shared.begin(), shared.end(), input) != shared.end();
  };
  return a == b || lists(a, b) || lists(b, a);
}

}  // namespace

KernelEmitter::KernelEmitter(llvm::Module& module, const Kernel& kernel, const EmitOptions& options)
    : module_(module),
      context_(module.getContext()),
      kernel_(kernel),
      options_(options),
      b_(context_),
      width_(options.lanes) {
  llvm::FastMathFlags flags;
  flags.setAllowContract();
  b_.setFastMathFlags(flags);
}

llvm::Function* KernelEmitter::run(const std::string& symbol) {
  llvm::Type* pointer = b_.getPtrTy();
  llvm::Type* number = b_.getInt64Ty();
  auto* type = llvm::FunctionType::get(b_.getVoidTy(), {pointer, pointer, number, number}, false);
  function_ = llvm::Function::Create(type, llvm::Function::ExternalLinkage, symbol, module_);
  function_->addFnAttr(llvm::Attribute::NoUnwind);
  function_->addFnAttr("no-builtins");
  function_->addFnAttr("prefer-vector-width", "512");
  auto* entry = llvm::BasicBlock::Create(context_, "entry", function_);
  auto* start = llvm::BasicBlock::Create(context_, "start", function_);
  b_.SetInsertPoint(entry);
  entry_end_ = b_.CreateBr(start);
  b_.SetInsertPoint(entry_end_);
  push_scope();

  ExprPool& pool = kernel_.pool();
  for (size_t i = 0; i < pool.symbol_names().size(); ++i) {
    Value* at = b_.CreateConstInBoundsGEP1_64(number, function_->getArg(1), i);
    const Expr symbol_expr = pool.symbol(pool.symbol_names()[i]);
    memo_.back()[{symbol_expr.id(), 0, false}] = b_.CreateLoad(number, at, pool.symbol_names()[i]);
  }
  llvm::MDBuilder metadata(context_);
  llvm::MDNode* domain = metadata.createAnonymousAliasScopeDomain(symbol);
  std::vector<llvm::MDNode*> scopes;
  for (uint32_t i = 0; i < kernel_.buffers.size(); ++i) {
    const KernelBuffer& buffer = kernel_.buffers[i];
    scopes.push_back(metadata.createAnonymousAliasScope(domain, buffer.name));
    if (buffer.role == BufferRole::scratch) {
      buffer_pointers_.push_back(entry_alloca(memory_type(buffer.dtype), scalar(buffer.size)));
    } else {
      Value* at = b_.CreateConstInBoundsGEP1_64(pointer, function_->getArg(0), i);
      buffer_pointers_.push_back(b_.CreateLoad(pointer, at, buffer.name));
    }
  }
  for (uint32_t i = 0; i < kernel_.buffers.size(); ++i) {
    std::vector<llvm::Metadata*> others;
    bool shared = false;
    for (uint32_t j = 0; j < kernel_.buffers.size(); ++j) {
      if (!may_overlap(kernel_, i, j))
        others.push_back(scopes[j]);
      else if (i != j)
        shared = true;
    }
    own_scope_.push_back(llvm::MDNode::get(context_, scopes[i]));
    other_scopes_.push_back(llvm::MDNode::get(context_, others));
    is_constant_memory_.push_back(kernel_.buffers[i].role == BufferRole::input && !shared);
  }
  safe_address_ = entry_alloca(b_.getInt64Ty());
  b_.CreateStore(b_.getInt64(0), safe_address_);

  b_.SetInsertPoint(start);
  block(kernel_.body);
  b_.CreateRetVoid();
  return function_;
}

void KernelEmitter::block(const Block& statements) {
  for (size_t i = 0; i < statements.size();) {
    if (std::holds_alternative<Store>(statements[i].what)) {
      const size_t end = store_run_end(statements, i);
      stores(statements, i, end);
      i = end;
      continue;
    }
    const Statement& s = statements[i++];
    // What a statement loads may be stale after the next one, so values are kept within it.
    push_scope();
    if (const auto* l = std::get_if<Loop>(&s.what))
      statement(*l);
    else if (const auto* d = std::get_if<Declare>(&s.what))
      statement(*d);
    else if (const auto* u = std::get_if<Update>(&s.what))
      statement(*u);
    else
      statement(std::get<If>(s.what));
    pop_scope();
  }
}

void KernelEmitter::stores(const Block& statements, size_t first, size_t last) {
  push_scope();
  std::vector<std::pair<Value*, bool>> values;
  for (size_t i = first; i < last; ++i) {
    const Store& s = std::get<Store>(statements[i].what);
    const bool as_vector = lanes_ && (is_varying(s.offset) || is_varying(s.value));
    values.emplace_back(value(s.value, as_vector), as_vector);
  }
  for (size_t i = first; i < last; ++i) {
    write(std::get<Store>(statements[i].what), values[i - first].first, values[i - first].second);
  }
  pop_scope();
}

void KernelEmitter::write(const Store& s, Value* v, bool as_vector) {
  if (!as_vector) return write_scalar(s, v);
  const auto step = lane_step(s.offset);
  const auto known = step ? step->as_integer() : std::nullopt;
  known && *known == 1 ? write_contiguous(s, v) : write_scattered(s, v);
}

KernelEmitter::Value* KernelEmitter::combined(const Store& s, Value* old, Value* v) {
  const DType dtype = kernel_.buffers[s.buffer].dtype;
  const DType compute = compute_type(dtype);
  return convert(apply(s.combine, convert(from_memory(old, dtype), dtype, compute),
                       convert(v, dtype, compute), compute),
                 compute, dtype);
}

void KernelEmitter::write_scalar(const Store& s, Value* v) {
  if (guard_.scalar) {
    auto* then = llvm::BasicBlock::Create(context_, "then", function_);
    auto* after = llvm::BasicBlock::Create(context_, "after", function_);
    b_.CreateCondBr(guard_.scalar, then, after);
    b_.SetInsertPoint(then);
    push_scope();
    const Guard outer = guard_;
    guard_.scalar = nullptr;
    write_scalar(s, v);
    guard_ = outer;
    pop_scope();
    b_.CreateBr(after);
    b_.SetInsertPoint(after);
    return;
  }
  const DType dtype = kernel_.buffers[s.buffer].dtype;
  const llvm::Align align(size_of(dtype));
  Value* at = address(s.buffer, scalar(s.offset));
  if (s.combine != Combine::assign) {
    auto* old = b_.CreateAlignedLoad(memory_type(dtype), at, align);
    annotate(old, s.buffer, true);
    v = combined(s, old, v);
  }
  annotate(b_.CreateAlignedStore(to_memory(v, dtype), at, align), s.buffer, false);
}

void KernelEmitter::write_contiguous(const Store& s, Value* v) {
  Value* at = address(s.buffer, scalar(s.offset));
  if (s.combine != Combine::assign) v = combined(s, read_lanes(s.buffer, at), v);
  write_lanes(s.buffer, at, to_memory(v, kernel_.buffers[s.buffer].dtype));
}

void KernelEmitter::write_scattered(const Store& s, Value* v) {
  const DType dtype = kernel_.buffers[s.buffer].dtype;
  const llvm::Align align(size_of(dtype));
  llvm::Type* memory = memory_type(dtype);
  Value* offsets = vector(s.offset);
  Value* pointers = b_.CreateGEP(memory, buffer_pointers_[s.buffer], offsets);
  Value* mask =
      guard_.lanes ? guard_.lanes : llvm::Constant::getAllOnesValue(vector_type(b_.getInt1Ty()));
  if (s.combine != Combine::assign) {
    llvm::Type* wide = vector_type(memory);
    auto* old =
        b_.CreateMaskedGather(wide, pointers, align, mask, llvm::Constant::getNullValue(wide));
    annotate(old, s.buffer, true);
    v = combined(s, old, v);
  }
  annotate(b_.CreateMaskedScatter(to_memory(v, dtype), pointers, align, mask), s.buffer, false);
}

void KernelEmitter::statement(const Declare& d) {
  const KernelLocal& local = kernel_.locals[d.local];
  Slot slot;
  slot.is_vector = lanes_ != nullptr;
  llvm::Type* type =
      slot.is_vector ? vector_type(element_type(local.dtype)) : element_type(local.dtype);
  slot.memory = entry_alloca(type, local.count > 1 ? i64(local.count) : nullptr);
  slots_[d.local] = slot;
  varying_.clear();
  Value* initial = value(d.initial, slot.is_vector);
  for (int i = 0; i < local.count; ++i) {
    b_.CreateStore(initial,
                   b_.CreateConstInBoundsGEP1_64(type, slot.memory, static_cast<uint64_t>(i)));
  }
}

KernelEmitter::Value* KernelEmitter::local_address(uint32_t id, Expr element) {
  const Slot& slot = slots_.at(id);
  llvm::Type* type = element_type(kernel_.locals[id].dtype);
  if (slot.is_vector) type = vector_type(type);
  return b_.CreateInBoundsGEP(type, slot.memory, scalar(element));
}

void KernelEmitter::statement(const Update& u) {
  const KernelLocal& local = kernel_.locals[u.local];
  const Slot& slot = slots_.at(u.local);
  const auto reduction = std::find_if(reductions_.begin(), reductions_.end(),
                                      [&](const Reduction& r) { return r.local == u.local; });
  const bool reduces = lanes_ && !slot.is_vector && reduction != reductions_.end();
  const bool as_vector = slot.is_vector || reduces;
  llvm::Type* type = element_type(local.dtype);
  if (as_vector) type = vector_type(type);
  Value* at = nullptr;
  if (reduces) {
    Value* first = i64(int64_t{reduction_copy_} * local.count);
    at = b_.CreateInBoundsGEP(type, reduction->memory, b_.CreateAdd(first, scalar(u.element)));
  } else {
    at = local_address(u.local, u.element);
  }
  Value* next = value(u.value, as_vector);
  Value* old = nullptr;
  if (u.combine != Combine::assign || (as_vector && guard_.lanes)) old = b_.CreateLoad(type, at);
  if (u.combine != Combine::assign) next = apply(u.combine, old, next, local.dtype);
  if (as_vector && guard_.lanes) next = b_.CreateSelect(guard_.lanes, next, old);
  b_.CreateStore(next, at);
}

void KernelEmitter::statement(const If& i) {
  if (lanes_ && is_varying(i.condition)) {
    const Guard outer = guard_;
    guard_ = enter(i.condition, false);
    block(i.body);
    guard_ = outer;
    return;
  }
  auto* then = llvm::BasicBlock::Create(context_, "then", function_);
  auto* after = llvm::BasicBlock::Create(context_, "after", function_);
  b_.CreateCondBr(scalar(i.condition), then, after);
  b_.SetInsertPoint(then);
  push_scope();
  block(i.body);
  pop_scope();
  b_.CreateBr(after);
  b_.SetInsertPoint(after);
}

void KernelEmitter::statement(const Loop& l) {
  Value* begin = i64(0);
  Value* end = nullptr;
  if (l.parallel) {
    begin = function_->getArg(2);
    end = function_->getArg(3);
  } else {
    end = scalar(l.extent);
  }
  if (l.kind == LoopKind::vector)
    vector_loop(l, begin, end);
  else
    serial_loop(l, begin, end);
}

/// for (i = begin; i < end; i += step), tested once before and then at the bottom, so that what the
/// body always does can be moved out of it.
template <typename Body>
void KernelEmitter::counted_loop(Value* begin, Value* end, int64_t step, bool at_most_once,
                                 const char* name, Body body) {
  const auto* first = llvm::dyn_cast<llvm::ConstantInt>(begin);
  const auto* last = llvm::dyn_cast<llvm::ConstantInt>(end);
  if (first && last && last->getSExtValue() <= first->getSExtValue()) return;
  if (first && last && last->getSExtValue() <= first->getSExtValue() + step) {
    push_scope();
    body(begin);
    pop_scope();
    return;
  }
  if (at_most_once) {
    auto* inside = llvm::BasicBlock::Create(context_, name, function_);
    auto* after = llvm::BasicBlock::Create(context_, std::string(name) + ".end", function_);
    b_.CreateCondBr(b_.CreateICmpSLT(begin, end), inside, after);
    b_.SetInsertPoint(inside);
    push_scope();
    body(begin);
    pop_scope();
    b_.CreateBr(after);
    b_.SetInsertPoint(after);
    return;
  }
  auto* before = b_.GetInsertBlock();
  auto* inside = llvm::BasicBlock::Create(context_, name, function_);
  auto* after = llvm::BasicBlock::Create(context_, std::string(name) + ".end", function_);
  b_.CreateCondBr(b_.CreateICmpSLT(begin, end), inside, after);
  b_.SetInsertPoint(inside);
  llvm::PHINode* index = b_.CreatePHI(b_.getInt64Ty(), 2, name);
  index->addIncoming(begin, before);
  push_scope();
  body(index);
  pop_scope();
  Value* next = b_.CreateNSWAdd(index, i64(step));
  index->addIncoming(next, b_.GetInsertBlock());
  b_.CreateCondBr(b_.CreateICmpSLT(next, end), inside, after);
  b_.SetInsertPoint(after);
}

void KernelEmitter::serial_loop(const Loop& l, Value* begin, Value* end) {
  counted_loop(begin, end, 1, false, kernel_.pool().variable_name(l.index.node().aux).c_str(),
               [&](Value* index) {
                 memo_.back()[{l.index.id(), 0, false}] = index;
                 block(l.body);
               });
}

void KernelEmitter::collect_updates(const Block& body, std::vector<Update>& found) {
  for (const Statement& s : body) {
    if (const auto* u = std::get_if<Update>(&s.what)) {
      const auto slot = slots_.find(u->local);
      const bool known = std::any_of(found.begin(), found.end(),
                                     [&](const Update& f) { return f.local == u->local; });
      if (slot != slots_.end() && !slot->second.is_vector && !known) found.push_back(*u);
    } else if (const auto* l = std::get_if<Loop>(&s.what)) {
      collect_updates(l->body, found);
    } else if (const auto* i = std::get_if<If>(&s.what)) {
      collect_updates(i->body, found);
    }
  }
}

std::vector<KernelEmitter::Reduction> KernelEmitter::find_reductions(const Block& body,
                                                                     int copies) {
  std::vector<Update> updates;
  collect_updates(body, updates);
  std::vector<Reduction> result;
  for (const Update& u : updates) {
    const KernelLocal& local = kernel_.locals[u.local];
    llvm::Type* type = vector_type(element_type(local.dtype));
    const int64_t count = int64_t{local.count} * copies;
    Value* memory = entry_alloca(type, i64(count));
    Value* identity = splat(scalar(combine_identity(kernel_.pool(), u.combine, local.dtype)));
    for (int64_t i = 0; i < count; ++i) {
      b_.CreateStore(identity,
                     b_.CreateConstInBoundsGEP1_64(type, memory, static_cast<uint64_t>(i)));
    }
    result.push_back({u.local, u.combine, memory});
  }
  return result;
}

/// Joins copies, then lanes, by halves.
void KernelEmitter::finish_reduction(const Reduction& r, int copies) {
  const KernelLocal& local = kernel_.locals[r.local];
  llvm::Type* type = vector_type(element_type(local.dtype));
  for (int element = 0; element < local.count; ++element) {
    std::vector<Value*> parts;
    for (int copy = 0; copy < copies; ++copy) {
      const int64_t at = int64_t{copy} * local.count + element;
      parts.push_back(b_.CreateLoad(
          type, b_.CreateConstInBoundsGEP1_64(type, r.memory, static_cast<uint64_t>(at))));
    }
    for (size_t step = 1; step < parts.size(); step *= 2) {
      for (size_t i = 0; i + step < parts.size(); i += 2 * step) {
        parts[i] = apply(r.combine, parts[i], parts[i + step], local.dtype);
      }
    }
    Value* all = parts[0];
    for (int half = width_ / 2; half >= 1; half /= 2) {
      std::vector<int> low, high;
      for (int i = 0; i < half; ++i) {
        low.push_back(i);
        high.push_back(half + i);
      }
      all = apply(r.combine, b_.CreateShuffleVector(all, low), b_.CreateShuffleVector(all, high),
                  local.dtype);
    }
    Value* joined = b_.CreateExtractElement(all, uint64_t{0});
    Value* at = local_address(r.local, kernel_.pool().index(element));
    llvm::Type* scalar_type = element_type(local.dtype);
    b_.CreateStore(apply(r.combine, b_.CreateLoad(scalar_type, at), joined, local.dtype), at);
  }
}

void KernelEmitter::vector_body(const Loop& l, Value* base, Value* mask, int copy) {
  const Lanes lanes{l.index.id(), base};
  const Lanes* outer_lanes = lanes_;
  const Guard outer_guard = guard_;
  check(outer_lanes == nullptr, "a vector loop inside a vector loop");
  lanes_ = &lanes;
  guard_ = {.lanes = mask, .scalar = nullptr, .id = 0};
  reduction_copy_ = copy;
  varying_.clear();
  push_scope();
  memo_.back()[{l.index.id(), 0, false}] = base;
  block(l.body);
  pop_scope();
  varying_.clear();
  guard_ = outer_guard;
  lanes_ = outer_lanes;
}

namespace {

/// What decides how many lanes and copies of a vector loop's body keep the processor busy.
struct BodyShape {
  bool has_loop = false;
  int registers = 0;   // of locals declared in the body
  int operations = 0;  // distinct expressions that compute something

  explicit BodyShape(const Kernel& kernel, const Block& body) : kernel_(kernel) { add(body); }

 private:
  void add(const Block& body) {
    for (const Statement& s : body) {
      if (const auto* l = std::get_if<Loop>(&s.what)) {
        has_loop = true;
        add(l->body);
      } else if (const auto* i = std::get_if<If>(&s.what)) {
        add(i->condition);
        add(i->body);
      } else if (const auto* d = std::get_if<Declare>(&s.what)) {
        const KernelLocal& local = kernel_.locals[d->local];
        registers += local.count * (size_of(local.dtype) == 8 ? 2 : 1);
      } else if (const auto* u = std::get_if<Update>(&s.what)) {
        add(u->value);
      } else {
        add(std::get<Store>(s.what).value);
      }
    }
  }
  void add(Expr e) {
    const ExprNode& n = e.node();
    if (n.operand_count() == 0 || !seen_.insert(e.id()).second) return;
    if (n.op == ExprOp::load || n.op == ExprOp::local) return;
    ++operations;
    for (int i = 0; i < n.operand_count(); ++i) add(e.operand(i));
  }

  const Kernel& kernel_;
  std::unordered_set<ExprId> seen_;
};

/// Additions take about four cycles: that many must be under way at once. Where each lane has a
/// loop of its own the lanes are widened, where the loop itself reduces its body is copied.
int busy_factor(const BodyShape& body, bool reduces, int lanes) {
  constexpr int kMostCopies = 4;
  const int registers = lanes == 16 ? 16 : 12;  // of 32 with AVX-512, of 16 without
  int factor = 1;
  const bool is_heavy = body.operations > 12;
  if (reduces || body.has_loop) factor = is_heavy ? 1 : body.operations > 4 ? 2 : kMostCopies;
  if (!reduces) {
    while (factor > 1 && body.registers * factor > registers) factor /= 2;
  }
  return factor;
}

}  // namespace

void KernelEmitter::vector_loop(const Loop& l, Value* begin, Value* end) {
  constexpr int64_t kUnknown = -1;
  const int64_t extent = l.extent.as_integer().value_or(kUnknown);
  std::vector<Update> updates;
  collect_updates(l.body, updates);
  const bool reduces = !updates.empty();
  int factor = busy_factor(BodyShape(kernel_, l.body), reduces, options_.lanes);
  while (extent != kUnknown && factor > 1 && extent < int64_t{factor} * options_.lanes) factor /= 2;
  const int copies = reduces ? factor : 1;
  const int outer_width = width_;
  width_ = reduces ? options_.lanes : options_.lanes * factor;
  const auto reductions = find_reductions(l.body, copies);
  const auto outer_reductions = reductions_;
  reductions_.insert(reductions_.end(), reductions.begin(), reductions.end());

  const int64_t width = width_;
  const int64_t step = width * copies;
  // A parallel loop is run in chunks, which may be shorter than its extent.
  const bool has_main = l.parallel || extent == kUnknown || extent >= step;
  const bool has_tail = l.parallel || extent == kUnknown || extent % step != 0;
  Value* count = b_.CreateNSWSub(end, begin);
  Value* main_end = b_.CreateAdd(begin, b_.CreateAnd(count, i64(-step)));  // step is a power of two
  if (has_main) {
    counted_loop(begin, main_end, step, false, "lanes", [&](Value* base) {
      for (int copy = 0; copy < copies; ++copy) {
        vector_body(l, b_.CreateNSWAdd(base, i64(copy * width)), nullptr, copy);
      }
    });
  }
  if (has_tail) {
    counted_loop(main_end, end, width, copies == 1, "tail", [&](Value* base) {
      // Fewer than 2^31 are left.
      Value* left = splat(b_.CreateTrunc(b_.CreateNSWSub(end, base), b_.getInt32Ty()));
      vector_body(l, base, b_.CreateICmpULT(lane_numbers(b_.getInt32Ty()), left), 0);
    });
  }
  for (const Reduction& r : reductions) finish_reduction(r, copies);
  reductions_ = outer_reductions;
  width_ = outer_width;
}

}  // namespace detail
}  // namespace tenon
