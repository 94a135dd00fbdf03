// Loads, addresses and types of the LLVM emitter.
#include <llvm/IR/MDBuilder.h>

#include <bit>
#include <numeric>

#include "tenon/compile/codegen/llvm/kernel_emitter.h"

namespace tenon::detail {

llvm::Type* KernelEmitter::element_type(DType dtype) {
  switch (dtype) {
    case DType::boolean:
      return b_.getInt1Ty();
    case DType::u8:
    case DType::i8:
      return b_.getInt8Ty();
    case DType::i32:
      return b_.getInt32Ty();
    case DType::i64:
      return b_.getInt64Ty();
    case DType::f16:
    case DType::bf16:
      return b_.getInt16Ty();
    case DType::f32:
      return b_.getFloatTy();
    case DType::f64:
      return b_.getDoubleTy();
  }
  return nullptr;
}

llvm::Type* KernelEmitter::memory_type(DType dtype) {
  return dtype == DType::boolean ? b_.getInt8Ty() : element_type(dtype);
}

KernelEmitter::Value* KernelEmitter::from_memory(Value* v, DType dtype) {
  if (dtype != DType::boolean) return v;
  return b_.CreateICmpNE(v, llvm::Constant::getNullValue(v->getType()));
}

KernelEmitter::Value* KernelEmitter::to_memory(Value* v, DType dtype) {
  if (dtype != DType::boolean) return v;
  llvm::Type* byte = b_.getInt8Ty();
  return b_.CreateZExt(v, v->getType()->isVectorTy() ? vector_type(byte) : byte);
}

KernelEmitter::Value* KernelEmitter::address(uint32_t buffer, Value* offset) {
  return b_.CreateInBoundsGEP(memory_type(kernel_.buffers[buffer].dtype), buffer_pointers_[buffer],
                              offset);
}

void KernelEmitter::annotate(llvm::Instruction* access, uint32_t buffer, bool is_load) {
  access->setMetadata(llvm::LLVMContext::MD_alias_scope, own_scope_[buffer]);
  access->setMetadata(llvm::LLVMContext::MD_noalias, other_scopes_[buffer]);
  if (is_load && is_constant_memory_[buffer]) {
    access->setMetadata(llvm::LLVMContext::MD_invariant_load, llvm::MDNode::get(context_, {}));
  }
}

llvm::AllocaInst* KernelEmitter::entry_alloca(llvm::Type* type, Value* count, uint64_t alignment) {
  llvm::IRBuilderBase::InsertPointGuard restore(b_);
  b_.SetInsertPoint(entry_end_);
  if (auto* fixed = llvm::dyn_cast_or_null<llvm::ConstantInt>(count)) {
    type = llvm::ArrayType::get(type, fixed->getZExtValue());
    count = nullptr;
  }
  auto* memory = b_.CreateAlloca(type, count);
  memory->setAlignment(llvm::Align(alignment));
  return memory;
}

KernelEmitter::Value* KernelEmitter::lane_numbers(llvm::IntegerType* type) {
  std::vector<llvm::Constant*> numbers;
  for (unsigned i = 0; i < lanes_wide(); ++i) numbers.push_back(llvm::ConstantInt::get(type, i));
  return llvm::ConstantVector::get(numbers);
}

KernelEmitter::Value* KernelEmitter::load_scalar(Expr e) {
  const ExprNode& n = e.node();
  Value* at = address(n.aux, scalar(e.operand(0)));
  if (guard_.scalar) at = b_.CreateSelect(guard_.scalar, at, safe_address_);
  auto* load = b_.CreateAlignedLoad(memory_type(n.dtype), at, llvm::Align(size_of(n.dtype)));
  // A load that may go to the safe address is not one of the buffer's.
  if (!guard_.scalar) annotate(load, n.aux, true);
  return from_memory(load, n.dtype);
}

std::optional<unsigned> KernelEmitter::first_lanes(DType dtype, bool is_load) {
  // AVX-512 masks any access for nothing. AVX2 has no masks for small numbers, and its masked
  // stores take AMD's processors a dozen cycles.
  if (options_.lanes == 16 || (is_load && size_of(dtype) >= 4)) return std::nullopt;
  const auto* mask = llvm::dyn_cast_or_null<llvm::Constant>(guard_.lanes);
  if (!mask) return std::nullopt;
  unsigned count = 0, last = 0;
  for (unsigned i = 0; i < lanes_wide(); ++i) {
    const auto* lane = llvm::dyn_cast_or_null<llvm::ConstantInt>(mask->getAggregateElement(i));
    if (!lane) return std::nullopt;
    if (lane->isOne()) ++count, last = i + 1;
  }
  return count == last ? std::optional(count) : std::nullopt;
}

namespace {

/// Calls function(first, lanes) for powers of two that make up `count` lanes.
template <class Function>
void for_each_part(unsigned count, Function function) {
  for (unsigned first = 0; first < count;) {
    const unsigned lanes = std::bit_floor(count - first);
    function(first, lanes);
    first += lanes;
  }
}

}  // namespace

KernelEmitter::Value* KernelEmitter::read_lanes(uint32_t buffer, Value* at) {
  const DType dtype = kernel_.buffers[buffer].dtype;
  const llvm::Align align(size_of(dtype));
  llvm::Type* element = memory_type(dtype);
  llvm::Type* wide = vector_type(element);
  Value* all = llvm::Constant::getNullValue(wide);
  if (const auto count = first_lanes(dtype, true)) {
    for_each_part(*count, [&](unsigned first, unsigned lanes) {
      Value* from = b_.CreateConstInBoundsGEP1_64(element, at, first);
      auto* part = b_.CreateAlignedLoad(llvm::FixedVectorType::get(element, lanes), from, align);
      annotate(part, buffer, true);
      std::vector<int> widened(lanes_wide(), -1), order(lanes_wide());
      std::iota(widened.begin(), widened.begin() + lanes, 0);
      std::iota(order.begin(), order.end(), 0);
      std::iota(order.begin() + first, order.begin() + first + lanes,
                static_cast<int>(lanes_wide()));
      all = b_.CreateShuffleVector(all, b_.CreateShuffleVector(part, widened), order);
    });
    return all;
  }
  llvm::Instruction* load =
      guard_.lanes
          ? static_cast<llvm::Instruction*>(b_.CreateMaskedLoad(wide, at, align, guard_.lanes, all))
          : b_.CreateAlignedLoad(wide, at, align);
  annotate(load, buffer, true);
  return load;
}

void KernelEmitter::write_lanes(uint32_t buffer, Value* at, Value* v) {
  const DType dtype = kernel_.buffers[buffer].dtype;
  const llvm::Align align(size_of(dtype));
  if (const auto count = first_lanes(dtype, false)) {
    for_each_part(*count, [&](unsigned first, unsigned lanes) {
      std::vector<int> order(lanes);
      std::iota(order.begin(), order.end(), static_cast<int>(first));
      Value* to = b_.CreateConstInBoundsGEP1_64(memory_type(dtype), at, first);
      annotate(b_.CreateAlignedStore(b_.CreateShuffleVector(v, order), to, align), buffer, false);
    });
    return;
  }
  annotate(guard_.lanes ? b_.CreateMaskedStore(v, at, align, guard_.lanes)
                        : static_cast<llvm::Instruction*>(b_.CreateAlignedStore(v, at, align)),
           buffer, false);
}

KernelEmitter::Value* KernelEmitter::load_vector(Expr e) {
  const ExprNode& n = e.node();
  const Expr offset = e.operand(0);
  llvm::Type* element = memory_type(n.dtype);
  llvm::Type* wide = vector_type(element);
  const llvm::Align align(size_of(n.dtype));
  Value* nothing = llvm::Constant::getNullValue(wide);
  const auto step = lane_step(offset);
  const auto known = step ? step->as_integer() : std::nullopt;
  if (known && *known == 1) {
    return from_memory(read_lanes(n.aux, address(n.aux, scalar(offset))), n.dtype);
  }
  if (known && *known == -1 && !guard_.lanes) {
    Value* last = b_.CreateSub(scalar(offset), i64(width_ - 1));
    auto* load = b_.CreateAlignedLoad(wide, address(n.aux, last), align);
    annotate(load, n.aux, true);
    std::vector<int> order(lanes_wide());
    std::iota(order.rbegin(), order.rend(), 0);
    return from_memory(b_.CreateShuffleVector(load, order), n.dtype);
  }
  Value* mask =
      guard_.lanes ? guard_.lanes : llvm::Constant::getAllOnesValue(vector_type(b_.getInt1Ty()));
  Value* pointers = nullptr;
  if (step) {
    // One base and small lane offsets: the processor's cheaper form of gather.
    Value* strides = b_.CreateMul(lane_numbers(b_.getInt64Ty()), splat(scalar(*step)));
    pointers = b_.CreateGEP(element, address(n.aux, scalar(offset)), strides);
  } else {
    pointers = b_.CreateGEP(element, buffer_pointers_[n.aux], vector(offset));
  }
  auto* load = b_.CreateMaskedGather(wide, pointers, align, mask, nothing);
  annotate(load, n.aux, true);
  return from_memory(load, n.dtype);
}

}  // namespace tenon::detail
