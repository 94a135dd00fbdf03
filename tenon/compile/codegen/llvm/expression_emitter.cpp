#include <llvm/IR/Intrinsics.h>

#include <cmath>

#include "tenon/base/error.h"
#include "tenon/compile/codegen/llvm/kernel_emitter.h"

namespace tenon::detail {
namespace {

constexpr uint64_t kExactIntegers = uint64_t{1} << 53;  // f64 holds all up to here

}  // namespace

KernelEmitter::Value* KernelEmitter::find(const ValueKey& key) const {
  for (auto scope = memo_.rbegin(); scope != memo_.rend(); ++scope) {
    if (const auto known = scope->find(key); known != scope->end()) return known->second;
  }
  return nullptr;
}

bool KernelEmitter::is_varying(Expr e) {
  if (!lanes_) return false;
  if (e.id() == lanes_->index) return true;
  const ExprNode& n = e.node();
  if (n.operand_count() == 0) return false;
  if (const auto known = varying_.find(e.id()); known != varying_.end()) return known->second;
  bool varying = n.op == ExprOp::local && slots_.at(n.aux).is_vector;
  for (int i = 0; i < n.operand_count() && !varying; ++i) varying = is_varying(e.operand(i));
  varying_[e.id()] = varying;
  return varying;
}

std::optional<Expr> KernelEmitter::lane_step(Expr offset) {
  const Expr index = kernel_.pool().at(lanes_->index);
  const auto step = coefficient(offset, index);
  // A local that differs between lanes hides in the rest: it does not name the index.
  if (!step || is_varying(*step) || is_varying(offset - *step * index)) return std::nullopt;
  return step;
}

bool KernelEmitter::has_load(Expr e) {
  const ExprNode& n = e.node();
  if (n.op == ExprOp::load) return true;
  if (n.operand_count() == 0) return false;
  if (const auto known = has_load_.find(e.id()); known != has_load_.end()) return known->second;
  bool found = false;
  for (int i = 0; i < n.operand_count() && !found; ++i) found = has_load(e.operand(i));
  has_load_[e.id()] = found;
  return found;
}

/// In a vector loop this is the value in lane 0, which for a uniform expression is the value.
KernelEmitter::Value* KernelEmitter::scalar(Expr e) {
  const ValueKey key{e.id(), has_load(e) ? guard_.id : 0, false};
  if (Value* known = find(key)) return known;
  Value* result = compute(e, false);
  memo_.back()[key] = result;
  return result;
}

KernelEmitter::Value* KernelEmitter::vector(Expr e) {
  const ValueKey key{e.id(), has_load(e) ? guard_.id : 0, true};
  if (Value* known = find(key)) return known;
  Value* result = is_varying(e) ? compute(e, true) : splat(scalar(e));
  memo_.back()[key] = result;
  return result;
}

KernelEmitter::Value* KernelEmitter::compute(Expr e, bool as_vector) {
  const ExprNode& n = e.node();
  switch (n.op) {
    case ExprOp::constant: {
      llvm::Type* type = element_type(n.dtype);
      if (n.dtype == DType::f32) {
        return llvm::ConstantFP::get(
            context_, llvm::APFloat(llvm::APFloat::IEEEsingle(), llvm::APInt(32, n.bits)));
      }
      if (n.dtype == DType::f64) {
        return llvm::ConstantFP::get(
            context_, llvm::APFloat(llvm::APFloat::IEEEdouble(), llvm::APInt(64, n.bits)));
      }
      return llvm::ConstantInt::get(type, n.bits);
    }
    case ExprOp::loop_index: {
      check(as_vector, "a loop variable has a value inside its loop");
      return b_.CreateAdd(splat(lanes_->base), lane_numbers(b_.getInt64Ty()));
    }
    case ExprOp::load:
      return as_vector ? load_vector(e) : load_scalar(e);
    case ExprOp::local:
      return local(e, as_vector);
    case ExprOp::select: {
      Value* condition = value(e.operand(0), as_vector);
      Value* a = value(e.operand(1), as_vector);
      return b_.CreateSelect(condition, a, value(e.operand(2), as_vector));
    }
    case ExprOp::guard:
      return choice(e, as_vector);
    case ExprOp::rare:
      return rare_choice(e, as_vector);
    case ExprOp::cast: {
      const Expr from = e.operand(0);
      return convert(value(from, as_vector), from.dtype(), n.dtype);
    }
    case ExprOp::bitcast: {
      llvm::Type* type = element_type(n.dtype);
      return b_.CreateBitCast(value(e.operand(0), as_vector), as_vector ? vector_type(type) : type);
    }
    default:
      return arithmetic(e, as_vector);
  }
}

KernelEmitter::Value* KernelEmitter::arithmetic(Expr e, bool as_vector) {
  const ExprNode& n = e.node();
  Value* v[3] = {nullptr, nullptr, nullptr};
  for (int i = 0; i < n.operand_count(); ++i) v[i] = value(e.operand(i), as_vector);
  const DType dtype = e.operand(n.operand_count() - 1).dtype();
  if (is_floating(dtype)) return floating(e, v[0], v[1], v[2]);
  return integer(n.op, dtype, v[0], v[1], v[2]);
}

KernelEmitter::Value* KernelEmitter::floating(Expr e, Value* a, Value* b, Value* c) {
  const ExprOp op = e.node().op;
  const auto is_number = [](Expr x) { return x.as_double() && !std::isnan(*x.as_double()); };
  const auto intrinsic = [&](llvm::Intrinsic::ID id) { return b_.CreateUnaryIntrinsic(id, a); };
  switch (op) {
    case ExprOp::add:
      return b_.CreateFAdd(a, b);
    case ExprOp::sub:
      return b_.CreateFSub(a, b);
    case ExprOp::mul:
      return b_.CreateFMul(a, b);
    case ExprOp::div:
      return b_.CreateFDiv(a, b);
    case ExprOp::fma:
      return b_.CreateIntrinsic(llvm::Intrinsic::fma, {a->getType()}, {a, b, c});
    case ExprOp::min:
    case ExprOp::max:
      return minimum_or_maximum(op, a, b, is_number(e.operand(0)), is_number(e.operand(1)));
    case ExprOp::neg:
      return b_.CreateFNeg(a);
    case ExprOp::abs:
      return intrinsic(llvm::Intrinsic::fabs);
    case ExprOp::sqrt:
      return intrinsic(llvm::Intrinsic::sqrt);
    case ExprOp::floor:
      return intrinsic(llvm::Intrinsic::floor);
    case ExprOp::ceil:
      return intrinsic(llvm::Intrinsic::ceil);
    case ExprOp::trunc:
      return intrinsic(llvm::Intrinsic::trunc);
    case ExprOp::round_even:
      return intrinsic(llvm::Intrinsic::nearbyint);
    case ExprOp::equal:
      return b_.CreateFCmpOEQ(a, b);
    case ExprOp::not_equal:
      return b_.CreateFCmpUNE(a, b);
    case ExprOp::less:
      return b_.CreateFCmpOLT(a, b);
    case ExprOp::less_equal:
      return b_.CreateFCmpOLE(a, b);
    default:
      fail(ErrorCode::internal, "no machine operation {} for floating types", static_cast<int>(op));
  }
}

/// x86 gives its second operand when either is NaN: with the operand that is certainly a number
/// first, one instruction does it.
KernelEmitter::Value* KernelEmitter::minimum_or_maximum(ExprOp op, Value* a, Value* b,
                                                        bool a_is_number, bool b_is_number) {
  if (b_is_number) std::swap(a, b);
  Value* first = op == ExprOp::min ? b_.CreateFCmpOLT(a, b) : b_.CreateFCmpOGT(a, b);
  Value* chosen = b_.CreateSelect(first, a, b);
  if (a_is_number || b_is_number) return chosen;
  return b_.CreateSelect(b_.CreateFCmpUNO(a, a), a, chosen);
}

KernelEmitter::Value* KernelEmitter::apply(Combine combine, Value* a, Value* b, DType dtype) {
  switch (combine) {
    case Combine::assign:
      return b;
    case Combine::add:
      if (dtype == DType::boolean) return b_.CreateOr(a, b);
      return is_floating(dtype) ? b_.CreateFAdd(a, b) : b_.CreateAdd(a, b);
    case Combine::mul:
      return is_floating(dtype) ? b_.CreateFMul(a, b) : b_.CreateMul(a, b);
    case Combine::min:
    case Combine::max:
      break;
  }
  const ExprOp op = combine == Combine::min ? ExprOp::min : ExprOp::max;
  if (is_floating(dtype)) return minimum_or_maximum(op, a, b, false, false);
  return integer(op, dtype, a, b, nullptr);
}

KernelEmitter::Value* KernelEmitter::integer(ExprOp op, DType dtype, Value* a, Value* b, Value* c) {
  const bool is_signed = tenon::is_signed(dtype);
  const bool logical = dtype == DType::boolean;
  switch (op) {
    case ExprOp::add:
      return b_.CreateAdd(a, b);
    case ExprOp::sub:
      return b_.CreateSub(a, b);
    case ExprOp::mul:
      return b_.CreateMul(a, b);
    case ExprOp::fma:
      return b_.CreateAdd(b_.CreateMul(a, b), c);
    case ExprOp::floor_div:
      return floor_divide(dtype, a, b, false);
    case ExprOp::floor_mod:
      return floor_divide(dtype, a, b, true);
    case ExprOp::min:
      if (logical) return b_.CreateAnd(a, b);
      return b_.CreateSelect(is_signed ? b_.CreateICmpSLT(a, b) : b_.CreateICmpULT(a, b), a, b);
    case ExprOp::max:
      if (logical) return b_.CreateOr(a, b);
      return b_.CreateSelect(is_signed ? b_.CreateICmpSGT(a, b) : b_.CreateICmpUGT(a, b), a, b);
    case ExprOp::neg:
      return b_.CreateNeg(a);
    case ExprOp::abs:
      if (!is_signed) return a;
      return b_.CreateIntrinsic(llvm::Intrinsic::abs, {a->getType()}, {a, b_.getFalse()});
    case ExprOp::equal:
      return b_.CreateICmpEQ(a, b);
    case ExprOp::not_equal:
      return b_.CreateICmpNE(a, b);
    case ExprOp::less:
      return is_signed ? b_.CreateICmpSLT(a, b) : b_.CreateICmpULT(a, b);
    case ExprOp::less_equal:
      return is_signed ? b_.CreateICmpSLE(a, b) : b_.CreateICmpULE(a, b);
    case ExprOp::bit_and:
      return b_.CreateAnd(a, b);
    case ExprOp::bit_or:
      return b_.CreateOr(a, b);
    case ExprOp::bit_xor:
      return b_.CreateXor(a, b);
    case ExprOp::bit_not:
      return b_.CreateNot(a);
    case ExprOp::shift_left:
      return b_.CreateShl(a, b);
    case ExprOp::shift_right:
      return is_signed ? b_.CreateAShr(a, b) : b_.CreateLShr(a, b);
    case ExprOp::shift_right_logical:
      return b_.CreateLShr(a, b);
    default:
      fail(ErrorCode::internal, "no machine operation {} for integer types", static_cast<int>(op));
  }
}

/// The processor traps on x / 0 and on the least value / -1; both divide by 1 instead and are
/// mended.
KernelEmitter::Value* KernelEmitter::floor_divide(DType dtype, Value* a, Value* b, bool remainder) {
  llvm::Type* type = a->getType();
  Value* zero = llvm::Constant::getNullValue(type);
  Value* one = llvm::ConstantInt::get(type, 1);
  if (!tenon::is_signed(dtype)) {
    Value* by_zero = b_.CreateICmpEQ(b, zero);
    Value* safe = b_.CreateSelect(by_zero, one, b);
    if (remainder) return b_.CreateSelect(by_zero, a, b_.CreateURem(a, safe));
    return b_.CreateSelect(by_zero, zero, b_.CreateUDiv(a, safe));
  }
  Value* by_zero = b_.CreateICmpEQ(b, zero);
  Value* by_minus_one = b_.CreateICmpEQ(b, llvm::Constant::getAllOnesValue(type));
  Value* safe = b_.CreateSelect(b_.CreateOr(by_zero, by_minus_one), one, b);
  Value* quotient = b_.CreateSDiv(a, safe);
  Value* rest = b_.CreateSub(a, b_.CreateMul(quotient, safe));
  Value* inexact = b_.CreateICmpNE(rest, zero);
  Value* signs_differ = b_.CreateICmpSLT(b_.CreateXor(rest, safe), zero);
  Value* mend = b_.CreateAnd(inexact, signs_differ);
  if (remainder) {
    rest = b_.CreateSelect(mend, b_.CreateAdd(rest, safe), rest);
    return b_.CreateSelect(by_zero, a, rest);
  }
  quotient = b_.CreateSelect(mend, b_.CreateSub(quotient, one), quotient);
  quotient = b_.CreateSelect(by_minus_one, b_.CreateNeg(a), quotient);
  return b_.CreateSelect(by_zero, zero, quotient);
}

KernelEmitter::Value* KernelEmitter::convert(Value* v, DType from, DType to) {
  if (from == to) return v;
  const auto typed = [&](llvm::Type* type) -> llvm::Type* {
    auto* wide = llvm::dyn_cast<llvm::VectorType>(v->getType());
    return wide ? llvm::VectorType::get(type, wide->getElementCount()) : type;
  };
  // Storage types go through f32.
  if (from == DType::bf16) {
    Value* wide = b_.CreateShl(b_.CreateZExt(v, typed(b_.getInt32Ty())), 16);
    return convert(b_.CreateBitCast(wide, typed(b_.getFloatTy())), DType::f32, to);
  }
  if (from == DType::f16) {
    Value* half = b_.CreateBitCast(v, typed(b_.getHalfTy()));
    return convert(b_.CreateFPExt(half, typed(b_.getFloatTy())), DType::f32, to);
  }
  if (to == DType::f16) {
    Value* half = b_.CreateFPTrunc(single_for_rounding(v, from), typed(b_.getHalfTy()));
    return b_.CreateBitCast(half, typed(b_.getInt16Ty()));
  }
  if (to == DType::bf16) {
    // Round to nearest even on the bits; a NaN keeps its sign and becomes quiet.
    Value* number = single_for_rounding(v, from);
    Value* bits = b_.CreateBitCast(number, typed(b_.getInt32Ty()));
    llvm::Type* type = bits->getType();
    Value* odd = b_.CreateAnd(b_.CreateLShr(bits, 16), llvm::ConstantInt::get(type, 1));
    Value* rounded = b_.CreateAdd(bits, b_.CreateAdd(odd, llvm::ConstantInt::get(type, 0x7fff)));
    Value* quiet = b_.CreateOr(bits, llvm::ConstantInt::get(type, 0x400000));
    Value* kept = b_.CreateSelect(b_.CreateFCmpUNO(number, number), quiet, rounded);
    return b_.CreateTrunc(b_.CreateLShr(kept, 16), typed(b_.getInt16Ty()));
  }
  llvm::Type* target = typed(element_type(to));
  if (to == DType::boolean) {
    Value* zero = llvm::Constant::getNullValue(v->getType());
    return is_floating(from) ? b_.CreateFCmpUNE(v, zero) : b_.CreateICmpNE(v, zero);
  }
  if (is_floating(from) && is_floating(to)) return b_.CreateFPCast(v, target);
  if (is_floating(from)) {
    const auto id =
        tenon::is_signed(to) ? llvm::Intrinsic::fptosi_sat : llvm::Intrinsic::fptoui_sat;
    return b_.CreateIntrinsic(id, {target, v->getType()}, {v});
  }
  if (is_floating(to)) {
    return tenon::is_signed(from) ? b_.CreateSIToFP(v, target) : b_.CreateUIToFP(v, target);
  }
  return b_.CreateIntCast(v, target, tenon::is_signed(from));
}

/// The number in f32, which is rounded to f16 or bf16 next: where f32 does not hold it, rounded to
/// odd, so that the two roundings are as one (graph/dtype.cpp has the same in C++).
KernelEmitter::Value* KernelEmitter::single_for_rounding(Value* v, DType from) {
  if (from == DType::i64) {
    // Beyond 2^53 the last 11 bits become one that says whether there were any.
    llvm::Type* type = v->getType();
    Value* rest = b_.CreateAnd(v, llvm::ConstantInt::get(type, 0x7ff));
    Value* any = b_.CreateICmpNE(rest, llvm::Constant::getNullValue(type));
    Value* sticky = b_.CreateShl(b_.CreateZExt(any, type), 11);
    Value* odd = b_.CreateOr(b_.CreateSub(v, rest), sticky);
    Value* exact = b_.CreateICmpULT(b_.CreateAdd(v, llvm::ConstantInt::get(type, kExactIntegers)),
                                    llvm::ConstantInt::get(type, 2 * kExactIntegers));
    v = b_.CreateSelect(exact, v, odd);
  }
  if (from == DType::i32 || from == DType::i64) {
    v = convert(v, from, DType::f64);
    from = DType::f64;
  }
  Value* nearest = convert(v, from, DType::f32);
  if (from != DType::f64) return nearest;
  Value* back = convert(nearest, DType::f32, DType::f64);
  const auto magnitude = [&](Value* x) {
    return b_.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, x);
  };
  Value* is_larger = b_.CreateFCmpOGT(magnitude(back), magnitude(v));
  Value* is_inexact = b_.CreateFCmpONE(back, v);
  llvm::Type* bits_type = b_.getInt32Ty();
  if (auto* wide = llvm::dyn_cast<llvm::VectorType>(v->getType()))
    bits_type = llvm::VectorType::get(bits_type, wide->getElementCount());
  Value* bits = b_.CreateBitCast(nearest, bits_type);
  Value* toward_zero = b_.CreateSub(bits, b_.CreateZExt(is_larger, bits_type));
  Value* to_odd = b_.CreateOr(toward_zero, b_.CreateZExt(is_inexact, bits_type));
  return b_.CreateBitCast(to_odd, nearest->getType());
}

/// Loads on a side happen only in lanes where the condition chooses it.
KernelEmitter::Value* KernelEmitter::choice(Expr e, bool as_vector) {
  const Expr condition = e.operand(0);
  Value* chosen = value(condition, as_vector);
  const Guard outer = guard_;
  guard_ = enter(condition, false);
  Value* a = value(e.operand(1), as_vector);
  guard_ = outer;
  if (has_load(e.operand(2))) guard_ = enter(condition, true);
  Value* b = value(e.operand(2), as_vector);
  guard_ = outer;
  return b_.CreateSelect(chosen, a, b);
}

KernelEmitter::Guard KernelEmitter::enter(Expr condition, bool negated) {
  Guard result = guard_;
  const uint64_t name =
      (uint64_t{guard_.id} << 33) | (uint64_t{condition.id()} << 1) | (negated ? 1 : 0);
  const auto [known, fresh] = guard_ids_.try_emplace(name, next_guard_);
  if (fresh) ++next_guard_;
  result.id = known->second;
  const auto both = [&](Value* a, Value* b) { return a ? b_.CreateAnd(a, b) : b; };
  if (lanes_ && is_varying(condition)) {
    Value* on = vector(condition);
    if (negated) on = b_.CreateNot(on);
    result.lanes = both(guard_.lanes, on);
    result.scalar = b_.CreateOrReduce(result.lanes);
  } else {
    Value* on = scalar(condition);
    if (negated) on = b_.CreateNot(on);
    result.scalar = both(guard_.scalar, on);
    if (lanes_) result.lanes = both(guard_.lanes, splat(on));
  }
  return result;
}

KernelEmitter::Value* KernelEmitter::rare_choice(Expr e, bool as_vector) {
  Value* usual = value(e.operand(2), as_vector);
  Value* condition = value(e.operand(0), as_vector);
  Value* any = as_vector ? b_.CreateOrReduce(condition) : condition;
  auto* before = b_.GetInsertBlock();
  auto* seldom = llvm::BasicBlock::Create(context_, "rare", function_);
  auto* after = llvm::BasicBlock::Create(context_, "after", function_);
  b_.CreateCondBr(any, seldom, after);
  b_.SetInsertPoint(seldom);
  push_scope();
  Value* special = b_.CreateSelect(condition, value(e.operand(1), as_vector), usual);
  pop_scope();
  auto* seldom_end = b_.GetInsertBlock();
  b_.CreateBr(after);
  b_.SetInsertPoint(after);
  llvm::PHINode* result = b_.CreatePHI(usual->getType(), 2);
  result->addIncoming(usual, before);
  result->addIncoming(special, seldom_end);
  return result;
}

KernelEmitter::Value* KernelEmitter::local(Expr e, bool as_vector) {
  const ExprNode& n = e.node();
  const Slot& slot = slots_.at(n.aux);
  check(slot.is_vector == as_vector, "a local of a vector loop read as a scalar");
  llvm::Type* type = element_type(n.dtype);
  return b_.CreateLoad(as_vector ? vector_type(type) : type, local_address(n.aux, e.operand(0)));
}

}  // namespace tenon::detail
