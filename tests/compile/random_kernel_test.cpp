// Random kernels give the same results as machine code and as bytecode.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "tenon/base/version.h"
#include "tests/compile/kernel_helpers.h"

namespace tenon {
namespace {

class RandomKernel {
 public:
  explicit RandomKernel(uint32_t seed) : random_(seed), kernel_("random") {}

  Kernel make() {
    ExprPool& p = kernel_.pool();
    const Expr rows = p.symbol("rows"), columns = p.symbol("columns");
    const DType type =
        pick(std::vector{DType::f32, DType::f64, DType::i32, DType::i64, DType::f32});
    for (int i = 0; i < 3; ++i) {
      const DType stored =
          is_floating(type) ? pick(std::vector{DType::f32, DType::bf16, DType::f16, DType::f64})
                            : pick(std::vector{DType::i32, DType::u8, DType::i8, DType::boolean});
      inputs_.push_back(
          kernel_.add_buffer({.name = "x", .dtype = stored, .size = rows * columns + 40}));
    }
    const uint32_t y = kernel_.add_buffer(
        {.name = "y", .dtype = type, .size = rows * columns, .role = BufferRole::output});
    const uint32_t s =
        kernel_.add_buffer({.name = "s", .dtype = type, .size = rows, .role = BufferRole::output});
    r_ = p.loop_index("r", rows);
    c_ = p.loop_index("c", columns);
    rows_ = rows;
    columns_ = columns;
    const uint32_t best = kernel_.add_local({.name = "best", .dtype = type});
    const Combine combine = pick(std::vector{Combine::max, Combine::min});
    const Expr value = expression(type, 4);
    Block inner = {store(y, r_ * columns + c_, value), update(best, expression(type, 2), combine)};
    if (chance(3))
      inner.push_back(if_then(condition(type),
                              {store(y, r_ * columns + c_, expression(type, 1), Combine::add)}));
    k_body(best, combine, type, std::move(inner), s);
    return kernel_;
  }

 private:
  void k_body(uint32_t best, Combine combine, DType type, Block inner, uint32_t s) {
    kernel_.body = {parallel_loop(
        r_, LoopKind::serial,
        {declare(best, combine_identity(kernel_.pool(), combine, type)),
         loop(c_, LoopKind::vector, std::move(inner)), store(s, r_, kernel_.read(best))})};
  }

  template <typename T>
  T pick(const std::vector<T>& options) {
    return options[random_() % options.size()];
  }
  bool chance(uint32_t one_in) { return random_() % one_in == 0; }

  Expr load(DType type) {
    ExprPool& p = kernel_.pool();
    const uint32_t buffer = pick(inputs_);
    const Expr full = r_ * columns_ + c_;
    const Expr offset = pick(
        std::vector<Expr>{full, full + 3, r_, c_, c_ * rows_ + r_, (rows_ - 1 - r_) * columns_ + c_,
                          r_ * columns_ + (columns_ - 1 - c_), c_ * 2, floor_div(c_, p.index(3))});
    // c*2 may leave a small buffer.
    return cast(kernel_.load(buffer, min(offset, rows_ * columns_ + 39)), type);
  }

  Expr condition(DType type) {
    const Expr a = expression(type, 1), b = expression(type, 1);
    switch (random_() % 4) {
      case 0:
        return a < b;
      case 1:
        return equal(floor_mod(c_, kernel_.pool().index(3)), 0.0);
      case 2:
        return (a <= b) | (c_ < 5.0);
      default:
        return !(b < a);
    }
  }

  Expr expression(DType type, int depth) {
    ExprPool& p = kernel_.pool();
    if (depth == 0) {
      if (chance(4))
        return p.constant(type, static_cast<double>(static_cast<int>(random_() % 7) - 3));
      if (chance(6)) return cast(c_, type);
      return load(type);
    }
    const Expr a = expression(type, depth - 1), b = expression(type, depth - 1);
    switch (random_() % 10) {
      case 0:
        return a + b;
      case 1:
        return a - b;
      case 2:
        return is_floating(type) ? a * 0.5 : a * b;
      case 3:
        return min(a, b);
      case 4:
        return max(a, b);
      case 5:
        return abs(a);
      case 6:
        return -a;
      case 7:
        return is_floating(type) ? floor(a) : (a & b);
      case 8: {
        const Expr on = condition(type);
        return chance(2) ? guard(on, a, b) : select(on, a, b);
      }
      default: {
        const Expr on = a > b;
        return rare(on, a - 1.0, b);
      }
    }
  }

  std::mt19937 random_;
  Kernel kernel_;
  std::vector<uint32_t> inputs_;
  Expr r_, c_, rows_, columns_;
};

TEST(RandomKernels, MachineCodeAgreesWithBytecode) {
  if (!built_with_llvm()) GTEST_SKIP() << "this build has no LLVM";
  const auto bytecode = make_code_generator(options_for(CodeGeneratorOptions::Backend::bytecode));
  std::vector<std::unique_ptr<CodeGenerator>> machines;
  for (const InstructionSet set :
       {InstructionSet::baseline, InstructionSet::avx2, InstructionSet::avx512}) {
    if (set > host_instruction_set()) continue;
    CodeGeneratorOptions options = options_for(CodeGeneratorOptions::Backend::llvm);
    options.instruction_set = set;
    machines.push_back(make_code_generator(options));
  }
  for (uint32_t seed = 0; seed < 24; ++seed) {
    const Kernel k = RandomKernel(seed).make();
    for (const int64_t columns : {1, 19, 70}) {
      KernelRun expected(k, {{"rows", 3}, {"columns", columns}});
      expected.set_random(seed);
      expected.on(*bytecode);
      const auto& machine = machines[seed % machines.size()];
      KernelRun got(k, {{"rows", 3}, {"columns", columns}});
      got.set_random(seed);
      ASSERT_EQ(got.on(*machine, 2).data(), expected.data())
          << "seed " << seed << ", " << columns << " columns\n"
          << to_string(k);
    }
  }
}

}  // namespace
}  // namespace tenon
