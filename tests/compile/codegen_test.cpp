#include "tenon/compile/codegen/codegen.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "tenon/base/version.h"
#include "tests/compile/kernel_helpers.h"

namespace tenon {
namespace {

using Backend = CodeGeneratorOptions::Backend;

struct Target {
  const char* name;
  Backend backend;
  InstructionSet set = InstructionSet::baseline;
};

std::vector<Target> targets() {
  std::vector<Target> all = {{"bytecode", Backend::bytecode}};
  if (!built_with_llvm()) return all;
  all.push_back({"llvm_baseline", Backend::llvm, InstructionSet::baseline});
  if (host_instruction_set() >= InstructionSet::avx2)
    all.push_back({"llvm_avx2", Backend::llvm, InstructionSet::avx2});
  if (host_instruction_set() >= InstructionSet::avx512)
    all.push_back({"llvm_avx512", Backend::llvm, InstructionSet::avx512});
  return all;
}

class Codegen : public ::testing::TestWithParam<Target> {
 protected:
  void SetUp() override {
    CodeGeneratorOptions options = options_for(GetParam().backend);
    options.instruction_set = GetParam().set;
    generator = make_code_generator(options);
  }
  std::unique_ptr<CodeGenerator> generator;
};

std::vector<float> ramp(int64_t n, float start = 0.0f, float step = 1.0f) {
  std::vector<float> values(static_cast<size_t>(n));
  for (size_t i = 0; i < values.size(); ++i) values[i] = start + step * static_cast<float>(i);
  return values;
}

TEST_P(Codegen, ElementwiseInChunksOfAnySize) {
  Kernel k("relu_twice");
  const Expr n = k.pool().symbol("n");
  const uint32_t x = k.add_buffer({.name = "x", .size = n});
  const uint32_t y = k.add_buffer({.name = "y", .size = n, .role = BufferRole::output});
  const Expr i = k.pool().loop_index("i", n);
  k.body = {parallel_loop(i, LoopKind::vector, {store(y, i, max(k.load(x, i), 0.0) * 2.0)})};
  for (const int64_t size : {0, 1, 15, 16, 17, 100, 1000}) {
    for (const int64_t chunk : {7, 64, 10000}) {
      KernelRun run(k, {{"n", size}});
      run.set("x", ramp(size, -5.0f));
      const auto result = run.on(*generator, chunk).get<float>("y");
      for (size_t e = 0; e < result.size(); ++e) {
        EXPECT_EQ(result[e], std::max(0.0f, static_cast<float>(e) - 5.0f) * 2.0f);
      }
      EXPECT_FALSE(run.wrote_past_end());
    }
  }
}

TEST_P(Codegen, BroadcastTransposeAndReverse) {
  constexpr int64_t kRows = 5, kColumns = 21;
  Kernel k("mixed");
  ExprPool& p = k.pool();
  const uint32_t a = k.add_buffer({.name = "a", .size = p.index(kRows * kColumns)});
  const uint32_t bias = k.add_buffer({.name = "bias", .size = p.index(kRows)});
  const uint32_t t = k.add_buffer({.name = "t", .size = p.index(kRows * kColumns)});
  const uint32_t y =
      k.add_buffer({.name = "y", .size = p.index(kRows * kColumns), .role = BufferRole::output});
  const Expr i = p.loop_index("i", p.index(kRows)), j = p.loop_index("j", p.index(kColumns));
  const Expr reversed = i * kColumns + (kColumns - 1 - j);
  const Expr value = k.load(a, reversed) + k.load(bias, i) * k.load(t, j * kRows + i);
  k.body = {parallel_loop(i, LoopKind::serial,
                          {loop(j, LoopKind::vector, {store(y, i * kColumns + j, value)})})};
  KernelRun run(k, {});
  run.set("a", ramp(kRows * kColumns));
  run.set("bias", ramp(kRows, 1.0f));
  run.set("t", ramp(kRows * kColumns, 0.0f, 0.5f));
  const auto result = run.on(*generator, 2).get<float>("y");
  for (int64_t r = 0; r < kRows; ++r) {
    for (int64_t c = 0; c < kColumns; ++c) {
      const float expected = static_cast<float>(r * kColumns + kColumns - 1 - c) +
                             static_cast<float>(r + 1) * 0.5f * static_cast<float>(c * kRows + r);
      EXPECT_EQ(result[static_cast<size_t>(r * kColumns + c)], expected);
    }
  }
  EXPECT_FALSE(run.wrote_past_end());
}

TEST_P(Codegen, SoftmaxRowsInOneKernel) {
  // exp is left out: the shape of the kernel is what is tested.
  Kernel k("normalise");
  ExprPool& p = k.pool();
  const Expr rows = p.symbol("rows"), columns = p.symbol("columns");
  const uint32_t x = k.add_buffer({.name = "x", .size = rows * columns});
  const uint32_t y =
      k.add_buffer({.name = "y", .size = rows * columns, .role = BufferRole::output});
  const uint32_t row = k.add_buffer({.name = "row", .size = columns, .role = BufferRole::scratch});
  const uint32_t largest = k.add_local({.name = "largest"});
  const uint32_t total = k.add_local({.name = "total"});
  const Expr r = p.loop_index("r", rows);
  const Expr c1 = p.loop_index("c", columns), c2 = p.loop_index("c", columns),
             c3 = p.loop_index("c", columns);
  k.body = {parallel_loop(
      r, LoopKind::serial,
      {declare(largest, combine_identity(p, Combine::max, DType::f32)),
       loop(c1, LoopKind::vector, {update(largest, k.load(x, r * columns + c1), Combine::max)}),
       declare(total, p.constant(DType::f32, 0)),
       loop(c2, LoopKind::vector,
            {store(row, c2, k.load(x, r * columns + c2) - k.read(largest)),
             update(total, k.load(row, c2), Combine::add)}),
       loop(c3, LoopKind::vector, {store(y, r * columns + c3, k.load(row, c3) / k.read(total))})})};
  for (const int64_t width : {1, 3, 16, 40, 64, 100, 300}) {
    constexpr int64_t kRows = 3;
    KernelRun run(k, {{"rows", kRows}, {"columns", width}});
    run.set("x", ramp(kRows * width));
    const auto result = run.on(*generator, 1).get<float>("y");
    const double sum = -static_cast<double>(width * (width - 1)) / 2.0;
    for (int64_t e = 0; e < kRows * width; ++e) {
      const double shifted = static_cast<double>(e % width - (width - 1));
      if (sum != 0) {
        EXPECT_NEAR(result[static_cast<size_t>(e)], shifted / sum, 1e-6) << width;
      }
    }
  }
}

TEST_P(Codegen, ColumnSumsVectoriseOverColumns) {
  Kernel k("column_sum");
  ExprPool& p = k.pool();
  const Expr rows = p.symbol("rows"), columns = p.symbol("columns");
  const uint32_t x = k.add_buffer({.name = "x", .dtype = DType::bf16, .size = rows * columns});
  const uint32_t y = k.add_buffer({.name = "y", .size = columns, .role = BufferRole::output});
  const uint32_t total = k.add_local({.name = "total"});
  const Expr c = p.loop_index("c", columns), r = p.loop_index("r", rows);
  const Expr element = cast(k.load(x, r * columns + c), DType::f32);
  k.body = {parallel_loop(c, LoopKind::vector,
                          {declare(total, p.constant(DType::f32, 0)),
                           loop(r, LoopKind::serial, {update(total, element, Combine::add)}),
                           store(y, c, k.read(total))})};
  constexpr int64_t kRows = 9, kColumns = 35;
  KernelRun run(k, {{"rows", kRows}, {"columns", kColumns}});
  std::vector<uint16_t> values;
  for (int64_t e = 0; e < kRows * kColumns; ++e)
    values.push_back(float_to_bf16(static_cast<float>(e % 50)));
  run.set("x", values);
  const auto result = run.on(*generator, 16).get<float>("y");
  for (int64_t column = 0; column < kColumns; ++column) {
    float expected = 0;
    for (int64_t e = 0; e < kRows; ++e)
      expected += static_cast<float>((e * kColumns + column) % 50);
    EXPECT_EQ(result[static_cast<size_t>(column)], expected);
  }
  EXPECT_FALSE(run.wrote_past_end());
}

TEST_P(Codegen, RegisterTiledDot) {
  // y[m, n] = a[m, k] b[k, n], four rows at a time.
  constexpr int64_t kM = 8, kN = 20, kK = 13, kTile = 4;
  Kernel k("dot");
  ExprPool& p = k.pool();
  const uint32_t a = k.add_buffer({.name = "a", .size = p.index(kM * kK)});
  const uint32_t b = k.add_buffer({.name = "b", .size = p.index(kK * kN)});
  const uint32_t y =
      k.add_buffer({.name = "y", .size = p.index(kM * kN), .role = BufferRole::output});
  const uint32_t acc = k.add_local({.name = "acc", .count = kTile});
  const Expr m = p.loop_index("m", p.index(kM / kTile)), n = p.loop_index("n", p.index(kN));
  const Expr inner = p.loop_index("k", p.index(kK));
  const Expr u = p.loop_index("u", p.index(kTile)), v = p.loop_index("v", p.index(kTile));
  const Expr product = k.load(a, (m * kTile + u) * kK + inner) * k.load(b, inner * kN + n);
  k.body = {parallel_loop(
      m, LoopKind::serial,
      {loop(n, LoopKind::vector,
            {declare(acc, p.constant(DType::f32, 0)),
             loop(inner, LoopKind::serial,
                  {loop(u, LoopKind::unroll, {update(acc, u, product, Combine::add)})}),
             loop(v, LoopKind::unroll, {store(y, (m * kTile + v) * kN + n, k.read(acc, v))})})})};
  KernelRun run(k, {});
  run.set("a", ramp(kM * kK));
  run.set("b", ramp(kK * kN, 1.0f, 0.25f));
  const auto result = run.on(*generator, 1).get<float>("y");
  for (int64_t row = 0; row < kM; ++row) {
    for (int64_t column = 0; column < kN; ++column) {
      double expected = 0;
      for (int64_t e = 0; e < kK; ++e) {
        expected +=
            static_cast<double>(row * kK + e) * (1.0 + 0.25 * static_cast<double>(e * kN + column));
      }
      EXPECT_NEAR(result[static_cast<size_t>(row * kN + column)], expected, 1e-3 * expected + 1e-3);
    }
  }
}

TEST_P(Codegen, GuardedLoadsStayInside) {
  // Padding by two on both sides and a choice of two inputs by position.
  Kernel k("pad");
  ExprPool& p = k.pool();
  const Expr n = p.symbol("n");
  const uint32_t x = k.add_buffer({.name = "x", .size = n});
  const uint32_t y = k.add_buffer({.name = "y", .size = n + 4, .role = BufferRole::output});
  const Expr i = p.loop_index("i", n + 4);
  const Expr inside = (i >= 2.0) & (i < n + 2);
  k.body = {
      parallel_loop(i, LoopKind::vector,
                    {store(y, i, guard(inside, k.load(x, i - 2), p.constant(DType::f32, -1)))})};
  for (const int64_t size : {1, 12, 16, 40}) {
    KernelRun run(k, {{"n", size}});
    run.set("x", ramp(size));
    const auto result = run.on(*generator).get<float>("y");
    for (int64_t e = 0; e < size + 4; ++e) {
      EXPECT_EQ(result[static_cast<size_t>(e)],
                e < 2 || e >= size + 2 ? -1.0f : static_cast<float>(e - 2));
    }
  }
}

TEST_P(Codegen, BranchesMaskLanes) {
  Kernel k("branch");
  ExprPool& p = k.pool();
  const Expr n = p.symbol("n");
  const uint32_t x = k.add_buffer({.name = "x", .dtype = DType::i32, .size = n});
  const uint32_t y =
      k.add_buffer({.name = "y", .dtype = DType::i32, .size = n, .role = BufferRole::output});
  const uint32_t odd = k.add_buffer(
      {.name = "odd", .dtype = DType::i32, .size = p.index(1), .role = BufferRole::output});
  const uint32_t count = k.add_local({.name = "count", .dtype = DType::i32});
  const Expr i = p.loop_index("i", n);
  const Expr is_odd = equal(k.load(x, i) & p.integer(DType::i32, 1), 1.0);
  k.body = {declare(count, p.integer(DType::i32, 0)),
            loop(i, LoopKind::vector,
                 {if_then(is_odd, {store(y, i, k.load(x, i) * 10),
                                   update(count, p.integer(DType::i32, 1), Combine::add)})}),
            store(odd, p.index(0), k.read(count))};
  for (const int64_t size : {5, 16, 150}) {
    KernelRun run(k, {{"n", size}});
    std::vector<int32_t> values(static_cast<size_t>(size));
    std::iota(values.begin(), values.end(), 0);
    run.set("x", values);
    run.on(*generator);
    const auto result = run.get<int32_t>("y");
    for (int32_t e = 0; e < size; ++e)
      EXPECT_EQ(result[static_cast<size_t>(e)], e % 2 == 1 ? e * 10 : 0);
    EXPECT_EQ(run.get<int32_t>("odd")[0], size / 2);
  }
}

TEST_P(Codegen, InPlaceUpdateOfSeveralOutputs) {
  // weight and slot share memory with their inputs, as a donated optimiser state does.
  Kernel k("momentum");
  ExprPool& p = k.pool();
  const Expr n = p.symbol("n");
  const uint32_t w = k.add_buffer({.name = "w", .size = n});
  const uint32_t m = k.add_buffer({.name = "m", .size = n});
  const uint32_t w2 =
      k.add_buffer({.name = "w2", .size = n, .role = BufferRole::output, .may_share = {w}});
  const uint32_t m2 =
      k.add_buffer({.name = "m2", .size = n, .role = BufferRole::output, .may_share = {m}});
  const Expr i = p.loop_index("i", n);
  k.body = {parallel_loop(i, LoopKind::vector,
                          {store(m2, i, k.load(m, i) * 0.5 + k.load(w, i)),
                           store(w2, i, k.load(w, i) - k.load(m, i))})};
  const auto compiled = generator->compile(std::span(&k, 1))[0];
  for (const int64_t size : {3, 16, 77}) {
    auto weights = ramp(size, 10.0f), slots = ramp(size, 1.0f, 2.0f);
    const auto weights_before = weights, slots_before = slots;
    void* buffers[] = {weights.data(), slots.data(), weights.data(), slots.data()};
    compiled->run(buffers, &size, 0, size);
    for (size_t e = 0; e < weights.size(); ++e) {
      EXPECT_EQ(weights[e], weights_before[e] - slots_before[e]);
      EXPECT_EQ(slots[e], slots_before[e] * 0.5f + weights_before[e]);
    }
  }
}

TEST_P(Codegen, ConvertsBetweenAllTypes) {
  for (const DType from : kAllDTypes) {
    for (const DType to : kAllDTypes) {
      Kernel k("cast");
      ExprPool& p = k.pool();
      const uint32_t x = k.add_buffer({.name = "x", .dtype = from, .size = p.index(37)});
      const uint32_t y =
          k.add_buffer({.name = "y", .dtype = to, .size = p.index(37), .role = BufferRole::output});
      const Expr i = p.loop_index("i", p.index(37));
      k.body = {loop(i, LoopKind::vector, {store(y, i, cast(k.load(x, i), to))})};
      KernelRun run(k, {}), oracle(k, {});
      run.set_random(7);
      oracle.set_random(7);
      const auto bytecode = make_code_generator(options_for(Backend::bytecode));
      EXPECT_EQ(run.on(*generator).data(), oracle.on(*bytecode).data())
          << name_of(from) << " to " << name_of(to);
    }
  }
}

/// Rows of a known length leave lanes of the last vector over, which belong to the next row.
TEST_P(Codegen, RowsOfAnyKnownLength) {
  constexpr int64_t kRows = 3;
  for (const DType dtype : {DType::u8, DType::bf16, DType::f32, DType::f64}) {
    for (const int64_t columns : {1, 2, 3, 5, 6, 7, 9, 12, 15, 23, 31}) {
      Kernel k("rows");
      ExprPool& p = k.pool();
      const Expr size = p.index(kRows * columns);
      const uint32_t x = k.add_buffer({.name = "x", .dtype = dtype, .size = size});
      const uint32_t y =
          k.add_buffer({.name = "y", .dtype = dtype, .size = size, .role = BufferRole::output});
      const Expr row = p.loop_index("row", p.index(kRows));
      const Expr column = p.loop_index("column", p.index(columns));
      const Expr at = row * p.index(columns) + column;
      const Block body = {store(y, at, k.load(x, at))};
      k.body = {loop(row, LoopKind::serial, {loop(column, LoopKind::vector, body)})};
      KernelRun run(k, {}), oracle(k, {});
      run.set_random(3);
      oracle.set_random(3);
      const auto bytecode = make_code_generator(options_for(Backend::bytecode));
      EXPECT_EQ(run.on(*generator).data(), oracle.on(*bytecode).data())
          << name_of(dtype) << " " << columns;
      EXPECT_FALSE(run.wrote_past_end());
    }
  }
}

TEST_P(Codegen, IntegerDivisionNeverTraps) {
  for (const DType dtype : {DType::i8, DType::u8, DType::i32, DType::i64}) {
    Kernel k("divide");
    ExprPool& p = k.pool();
    constexpr int64_t kSize = 40;
    const uint32_t a = k.add_buffer({.name = "a", .dtype = dtype, .size = p.index(kSize)});
    const uint32_t b = k.add_buffer({.name = "b", .dtype = dtype, .size = p.index(kSize)});
    const uint32_t q = k.add_buffer(
        {.name = "q", .dtype = dtype, .size = p.index(kSize), .role = BufferRole::output});
    const uint32_t r = k.add_buffer(
        {.name = "r", .dtype = dtype, .size = p.index(kSize), .role = BufferRole::output});
    const Expr i = p.loop_index("i", p.index(kSize));
    const Expr lowest = p.constant(dtype, -1e30);
    const Expr x = select(i < 3.0, lowest, k.load(a, i));
    const Expr divisor = select(equal(i, 1.0), p.integer(dtype, 0),
                                select(equal(i, 2.0), p.integer(dtype, -1), k.load(b, i)));
    k.body = {loop(i, LoopKind::vector,
                   {store(q, i, floor_div(x, divisor)), store(r, i, floor_mod(x, divisor))})};
    KernelRun run(k, {}), oracle(k, {});
    run.set_random(3);
    oracle.set_random(3);
    const auto bytecode = make_code_generator(options_for(Backend::bytecode));
    EXPECT_EQ(run.on(*generator).data(), oracle.on(*bytecode).data()) << name_of(dtype);
  }
}

INSTANTIATE_TEST_SUITE_P(All, Codegen, ::testing::ValuesIn(targets()),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace tenon
