// One machine operation on columns. The loops are plain: the C++ compiler vectorises them.
#include <cmath>
#include <cstring>
#include <type_traits>

#include "tenon/base/error.h"
#include "tenon/compile/codegen/bytecode/program.h"
#include "tenon/ops/expr_fold.h"

namespace tenon::detail {
namespace {

template <typename T>
const T* as(const std::byte* column) {
  return reinterpret_cast<const T*>(column);
}

template <typename R, typename T, typename F>
void each1(std::byte* result, const std::byte* const* v, size_t lanes, F f) {
  R* r = reinterpret_cast<R*>(result);
  const T* a = as<T>(v[0]);
  for (size_t l = 0; l < lanes; ++l) r[l] = f(a[l]);
}

template <typename R, typename T, typename F>
void each2(std::byte* result, const std::byte* const* v, size_t lanes, F f) {
  R* r = reinterpret_cast<R*>(result);
  const T *a = as<T>(v[0]), *b = as<T>(v[1]);
  for (size_t l = 0; l < lanes; ++l) r[l] = f(a[l], b[l]);
}

template <typename T>
bool compare(ExprOp op, std::byte* r, const std::byte* const* v, size_t lanes) {
  switch (op) {
    case ExprOp::equal:
      each2<uint8_t, T>(r, v, lanes, [](T a, T b) { return a == b; });
      return true;
    case ExprOp::not_equal:
      each2<uint8_t, T>(r, v, lanes, [](T a, T b) { return a != b; });
      return true;
    case ExprOp::less:
      each2<uint8_t, T>(r, v, lanes, [](T a, T b) { return a < b; });
      return true;
    case ExprOp::less_equal:
      each2<uint8_t, T>(r, v, lanes, [](T a, T b) { return a <= b; });
      return true;
    default:
      return false;
  }
}

template <typename T>
bool floating(ExprOp op, std::byte* r, const std::byte* const* v, size_t lanes) {
  switch (op) {
    case ExprOp::add:
      each2<T, T>(r, v, lanes, [](T a, T b) { return a + b; });
      return true;
    case ExprOp::sub:
      each2<T, T>(r, v, lanes, [](T a, T b) { return a - b; });
      return true;
    case ExprOp::mul:
      each2<T, T>(r, v, lanes, [](T a, T b) { return a * b; });
      return true;
    case ExprOp::div:
      each2<T, T>(r, v, lanes, [](T a, T b) { return a / b; });
      return true;
    case ExprOp::min:
      each2<T, T>(r, v, lanes, [](T a, T b) { return a != a || a < b ? a : b; });
      return true;
    case ExprOp::max:
      each2<T, T>(r, v, lanes, [](T a, T b) { return a != a || a > b ? a : b; });
      return true;
    case ExprOp::neg:
      each1<T, T>(r, v, lanes, [](T a) { return -a; });
      return true;
    case ExprOp::abs:
      each1<T, T>(r, v, lanes, [](T a) { return std::fabs(a); });
      return true;
    case ExprOp::sqrt:
      each1<T, T>(r, v, lanes, [](T a) { return std::sqrt(a); });
      return true;
    case ExprOp::floor:
      each1<T, T>(r, v, lanes, [](T a) { return std::floor(a); });
      return true;
    case ExprOp::ceil:
      each1<T, T>(r, v, lanes, [](T a) { return std::ceil(a); });
      return true;
    case ExprOp::trunc:
      each1<T, T>(r, v, lanes, [](T a) { return std::trunc(a); });
      return true;
    case ExprOp::round_even:
      each1<T, T>(r, v, lanes, [](T a) { return std::nearbyint(a); });
      return true;
    case ExprOp::fma: {
      T* to = reinterpret_cast<T*>(r);
      const T *a = as<T>(v[0]), *b = as<T>(v[1]), *c = as<T>(v[2]);
      for (size_t l = 0; l < lanes; ++l) to[l] = std::fma(a[l], b[l], c[l]);
      return true;
    }
    default:
      return compare<T>(op, r, v, lanes);
  }
}

template <typename T>
bool integer(ExprOp op, std::byte* r, const std::byte* const* v, size_t lanes) {
  using U = std::make_unsigned_t<T>;
  constexpr T kMask = static_cast<T>(sizeof(T) * 8 - 1);
  switch (op) {
    case ExprOp::add:
      each2<U, U>(r, v, lanes, [](U a, U b) { return static_cast<U>(a + b); });
      return true;
    case ExprOp::sub:
      each2<U, U>(r, v, lanes, [](U a, U b) { return static_cast<U>(a - b); });
      return true;
    case ExprOp::mul:
      each2<U, U>(r, v, lanes, [](U a, U b) { return static_cast<U>(uint64_t{a} * b); });
      return true;
    case ExprOp::min:
      each2<T, T>(r, v, lanes, [](T a, T b) { return a < b ? a : b; });
      return true;
    case ExprOp::max:
      each2<T, T>(r, v, lanes, [](T a, T b) { return a > b ? a : b; });
      return true;
    case ExprOp::neg:
      each1<U, U>(r, v, lanes, [](U a) { return static_cast<U>(U{0} - a); });
      return true;
    case ExprOp::bit_and:
      each2<U, U>(r, v, lanes, [](U a, U b) { return static_cast<U>(a & b); });
      return true;
    case ExprOp::bit_or:
      each2<U, U>(r, v, lanes, [](U a, U b) { return static_cast<U>(a | b); });
      return true;
    case ExprOp::bit_xor:
      each2<U, U>(r, v, lanes, [](U a, U b) { return static_cast<U>(a ^ b); });
      return true;
    case ExprOp::bit_not:
      each1<U, U>(r, v, lanes, [](U a) { return static_cast<U>(~a); });
      return true;
    case ExprOp::shift_left:
      each2<U, U>(r, v, lanes, [](U a, U b) {
        return static_cast<U>(uint64_t{a} << (b & static_cast<U>(kMask)));
      });
      return true;
    case ExprOp::shift_right:
      each2<T, T>(r, v, lanes, [](T a, T b) { return static_cast<T>(a >> (b & kMask)); });
      return true;
    case ExprOp::shift_right_logical:
      each2<U, U>(r, v, lanes,
                  [](U a, U b) { return static_cast<U>(a >> (b & static_cast<U>(kMask))); });
      return true;
    default:
      return compare<T>(op, r, v, lanes);
  }
}

template <typename T>
void choose(std::byte* result, const std::byte* const* v, size_t lanes) {
  T* r = reinterpret_cast<T*>(result);
  const uint8_t* condition = as<uint8_t>(v[0]);
  const T *a = as<T>(v[1]), *b = as<T>(v[2]);
  for (size_t l = 0; l < lanes; ++l) r[l] = condition[l] ? a[l] : b[l];
}

/// The conversions worth their own loop; the rest go one by one.
bool convert(const Instruction& i, std::byte* r, const std::byte* const* v, size_t lanes) {
  const auto is = [&](DType from, DType to) { return i.operand == from && i.dtype == to; };
  if (is(DType::f32, DType::bf16)) return each1<uint16_t, float>(r, v, lanes, float_to_bf16), true;
  if (is(DType::bf16, DType::f32)) return each1<float, uint16_t>(r, v, lanes, bf16_to_float), true;
  if (is(DType::f32, DType::f16)) return each1<uint16_t, float>(r, v, lanes, float_to_f16), true;
  if (is(DType::f16, DType::f32)) return each1<float, uint16_t>(r, v, lanes, f16_to_float), true;
  if (is(DType::f32, DType::f64))
    return each1<double, float>(r, v, lanes, [](float a) { return a; }), true;
  if (is(DType::f64, DType::f32)) {
    return each1<float, double>(r, v, lanes, [](double a) { return static_cast<float>(a); }), true;
  }
  if (is(DType::i32, DType::f32)) {
    return each1<float, int32_t>(r, v, lanes, [](int32_t a) { return static_cast<float>(a); }),
           true;
  }
  if (is(DType::boolean, DType::f32)) {
    return each1<float, uint8_t>(r, v, lanes, [](uint8_t a) { return a ? 1.0f : 0.0f; }), true;
  }
  return false;
}

uint64_t get(const std::byte* column, DType dtype, size_t lane) {
  uint64_t bits = 0;
  std::memcpy(&bits, column + lane * size_of(dtype), size_of(dtype));
  return bits;
}

}  // namespace

void run_operation(const Instruction& i, std::byte* result, const std::byte* const* v,
                   size_t lanes) {
  switch (i.op) {
    case ExprOp::select:
    case ExprOp::guard:
    case ExprOp::rare:
      switch (size_of(i.dtype)) {
        case 1:
          return choose<uint8_t>(result, v, lanes);
        case 2:
          return choose<uint16_t>(result, v, lanes);
        case 4:
          return choose<uint32_t>(result, v, lanes);
        default:
          return choose<uint64_t>(result, v, lanes);
      }
    case ExprOp::bitcast:
      std::memcpy(result, v[0], lanes * size_of(i.dtype));
      return;
    case ExprOp::cast:
      if (convert(i, result, v, lanes)) return;
      break;
    default: {
      bool done = false;
      switch (i.operand) {
        case DType::f32:
          done = floating<float>(i.op, result, v, lanes);
          break;
        case DType::f64:
          done = floating<double>(i.op, result, v, lanes);
          break;
        case DType::i32:
          done = integer<int32_t>(i.op, result, v, lanes);
          break;
        case DType::i64:
          done = integer<int64_t>(i.op, result, v, lanes);
          break;
        default:
          break;
      }
      if (done) return;
    }
  }
  const bool is_unary = v[1] == nullptr;
  for (size_t l = 0; l < lanes; ++l) {
    uint64_t operands[3] = {get(v[0], i.operand, l), is_unary ? 0 : get(v[1], i.operand, l),
                            v[2] ? get(v[2], i.operand, l) : 0};
    const uint64_t bits = fold(i.op, i.dtype, i.operand, operands);
    std::memcpy(result + l * size_of(i.dtype), &bits, size_of(i.dtype));
  }
}

}  // namespace tenon::detail
