#include "tenon/runtime/cpu/matmul.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "library_kernel.h"
#include "tenon/runtime/cpu/long_matmul.h"
#include "tenon/runtime/cpu/packed_product.h"
#include "tenon/runtime/cpu/vector/vector_kernels.h"

namespace tenon {
namespace {

using test::Threads;

int64_t product(const std::vector<int64_t>& dims) {
  int64_t result = 1;
  for (const int64_t dim : dims) result *= dim;
  return result;
}

int64_t offset(const MatmulProblem& p, const MatrixStrides& s, int64_t matrix, int64_t row,
               int64_t column) {
  int64_t at = row * s.row + column * s.column;
  for (size_t d = p.batch.size(); d-- > 0;) {
    at += matrix % p.batch[d] * s.batch[d];
    matrix /= p.batch[d];
  }
  return at;
}

/// Elements that an operand spans.
size_t extent(const MatmulProblem& p, const MatrixStrides& s, int64_t rows, int64_t columns) {
  int64_t last = (rows - 1) * s.row + (columns - 1) * s.column;
  for (size_t d = 0; d < p.batch.size(); ++d) last += (p.batch[d] - 1) * s.batch[d];
  return static_cast<size_t>(last) + 1;
}

std::string describe(const MatmulProblem& p) {
  return fmt::format("batch {} m {} n {} k {} lhs {} {} rhs {} {} out {} {}",
                     fmt::join(p.batch, ","), p.m, p.n, p.k, p.lhs.row, p.lhs.column, p.rhs.row,
                     p.rhs.column, p.out.row, p.out.column);
}

struct Data {
  std::vector<std::vector<float>> inputs;
  std::vector<float> output;
};

Data make_data(const MatmulProblem& p, std::mt19937& random) {
  Data data;
  data.inputs.push_back(test::random_floats(extent(p, p.lhs, p.m, p.k), random));
  data.inputs.push_back(test::random_floats(extent(p, p.rhs, p.k, p.n), random));
  data.output = test::random_floats(extent(p, p.out, p.m, p.n), random);
  return data;
}

std::vector<double> reference(const MatmulProblem& p, const Data& data) {
  std::vector<double> result(data.output.begin(), data.output.end());
  for (int64_t b = 0; b < product(p.batch); ++b) {
    for (int64_t i = 0; i < p.m; ++i) {
      for (int64_t j = 0; j < p.n; ++j) {
        const auto at = [](const std::vector<float>& values, int64_t index) {
          return static_cast<double>(values[static_cast<size_t>(index)]);
        };
        const int64_t out = offset(p, p.out, b, i, j);
        double sum = 0;
        for (int64_t l = 0; l < p.k; ++l) {
          sum += at(data.inputs[0], offset(p, p.lhs, b, i, l)) *
                 at(data.inputs[1], offset(p, p.rhs, b, l, j));
        }
        result[static_cast<size_t>(out)] = sum;
      }
    }
  }
  return result;
}

/// Strides of a matrix, with gaps sometimes, in a batch whose dimensions lie in either order.
MatrixStrides random_strides(int64_t rows, int64_t columns, bool may_transpose,
                             const std::vector<int64_t>& batch, std::mt19937& random) {
  const auto chance = [&](unsigned one_in) { return random() % one_in == 0; };
  MatrixStrides s;
  const int64_t gap = chance(3) ? static_cast<int64_t>(random() % 9) : 0;
  if (may_transpose && chance(2)) {
    s.row = 1, s.column = rows + gap;
  } else {
    s.row = columns + gap, s.column = 1;
  }
  int64_t step = std::max(s.row * rows, s.column * columns);
  s.batch.resize(batch.size());
  for (size_t i = batch.size(); i-- > 0;) {
    s.batch[i] = step;
    step *= batch[i];
  }
  if (batch.size() == 2 && chance(3)) {  // heads inside rows of time steps, as attention has them
    s.batch[1] = s.batch[0];
    s.batch[0] = s.batch[1] * batch[1];
  }
  return s;
}

MatmulProblem random_problem(std::mt19937& random) {
  const auto extent = [&](int64_t most) {
    return 1 + static_cast<int64_t>(random() % static_cast<unsigned>(most));
  };
  MatmulProblem p;
  p.m = extent(70), p.n = extent(70), p.k = extent(random() % 8 == 0 ? 3000 : 90);
  for (auto dims = random() % 3; dims > 0; --dims) p.batch.push_back(extent(4));
  p.lhs = random_strides(p.m, p.k, true, p.batch, random);
  p.rhs = random_strides(p.k, p.n, true, p.batch, random);
  p.out = random_strides(p.m, p.n, true, p.batch, random);
  return p;
}

bool without_library() {
  std::string why_not;
  make_matmul({.m = 1, .n = 1, .k = 1, .lhs = {1, 1, {}}, .rhs = {1, 1, {}}, .out = {1, 1, {}}},
              why_not);
  return why_not == "built without oneDNN";
}

using Make = std::unique_ptr<OpKernel> (*)(const MatmulProblem&, std::string&);

void expect_equals_loops(Make make) {
  std::mt19937 random(7);
  int same = 0, packings = 0, newer = 0;
  for (int i = 0; i < 150; ++i) {
    const MatmulProblem p = random_problem(random);
    Data data = make_data(p, random);
    std::string why_not;
    const auto kernel = make(p, why_not);
    ASSERT_TRUE(kernel) << describe(p) << ": " << why_not;
    const auto want = reference(p, data);
    const std::vector<float> got = test::run(*kernel, data.inputs, data.output);
    test::expect_close(got, want, 3e-5, describe(p) + " " + kernel->description());
    MatmulProblem known = p;
    known.lhs.is_known = i % 3 == 0, known.rhs.is_known = i % 3 < 2;
    const auto packed = make(known, why_not);
    ASSERT_TRUE(packed) << describe(p) << ": " << why_not;
    const std::vector<float> from_packed = test::run(*packed, data.inputs, data.output);
    test::expect_close(from_packed, want, 3e-5, describe(p) + " " + packed->description());
    if (packed->description() == kernel->description()) {
      EXPECT_EQ(from_packed, got) << describe(p) << " " << packed->description();
      ++same;
    }
    packings += packed->packing(0) || packed->packing(1);
    newer += packed->description().find("brg") != std::string::npos;
  }
  // Of the library's kernels only the newer, where there is AVX-512, has an order of its own.
  EXPECT_TRUE(packings > 20 || newer == 0) << packings << " of " << newer;
  EXPECT_GT(same, 100);
}

void expect_same_bits(Make make) {
  std::mt19937 random(11);
  std::vector<MatmulProblem> problems;
  for (const int64_t m : {4, 50, 200}) {
    for (const int64_t n : {1, 10, 96}) {
      for (const int64_t k : {64, 1500, 5000}) {
        for (int transposes = 0; transposes < 4; ++transposes) {
          MatmulProblem p{.m = m, .n = n, .k = k};
          p.lhs.row = k, p.rhs.row = n, p.out.row = n;
          if (transposes & 1) p.lhs.row = 1, p.lhs.column = m;
          if (transposes & 2) p.rhs.row = 1, p.rhs.column = k;
          problems.push_back(p);
        }
      }
    }
  }
  for (int i = 0; i < 40; ++i) problems.push_back(random_problem(random));
  size_t made = 0;
  for (const MatmulProblem& p : problems) {
    std::string why_not;
    Data data = make_data(p, random);
    made += test::expect_same_bits_on_threads([&] { return make(p, why_not); }, data.inputs,
                                              data.output, describe(p))
                ? 1
                : 0;
  }
  EXPECT_EQ(made, problems.size());
}

/// As gradients of weights have them: rows of each part lie apart, with gaps now and then.
TEST(Matmul, EqualsLoopsWhereATransposedOperandIsCut) {
  if (without_library()) GTEST_SKIP();
  std::mt19937 random(17);
  const auto between = [&](unsigned least, unsigned most) {
    return static_cast<int64_t>(least + random() % (most - least));
  };
  for (int i = 0; i < 40; ++i) {
    MatmulProblem p{.m = between(64, 400), .n = between(50, 140), .k = between(30, 170)};
    p.lhs = {1, p.m + (i % 3 == 0 ? between(0, 9) : 0), {}};
    p.rhs = random_strides(p.k, p.n, true, {}, random);
    p.out = random_strides(p.m, p.n, true, {}, random);
    Data data = make_data(p, random);
    const auto want = reference(p, data);
    for (const int count : {1, 2}) {
      const Threads threads(count);
      std::string why_not;
      const auto kernel = make_matmul(p, why_not);
      ASSERT_TRUE(kernel) << describe(p) << ": " << why_not;
      test::expect_close(test::run(*kernel, data.inputs, data.output), want, 3e-5,
                         describe(p) + " " + kernel->description());
    }
  }
}

TEST(Matmul, EqualsLoopsForRandomProblems) {
  if (without_library()) GTEST_SKIP();
  expect_equals_loops(make_matmul);
}

TEST(Matmul, HasTheSameBitsOnOneThreadAndOnTwo) {
  if (without_library()) GTEST_SKIP();
  expect_same_bits(make_matmul);
}

TEST(PackedProduct, EqualsLoopsForRandomProblems) {
  if (!vector_kernels()) GTEST_SKIP() << "it needs AVX2";
  expect_equals_loops(make_any_packed_product);
}

TEST(PackedProduct, HasTheSameBitsOnEveryNumberOfThreads) {
  if (!vector_kernels()) GTEST_SKIP() << "it needs AVX2";
  expect_same_bits(make_any_packed_product);
}

MatmulProblem plain(int64_t m, int64_t n, int64_t k) {
  return {.m = m, .n = n, .k = k, .lhs = {k, 1, {}}, .rhs = {n, 1, {}}, .out = {n, 1, {}}};
}

TEST(PackedProduct, IsChosenWhereItIsFaster) {
  if (without_library() || !vector_kernels()) GTEST_SKIP();
  std::string why_not;
  EXPECT_EQ(make_product(plain(32, 32, 32), why_not)->description(), "packed product");
  const bool short_vectors = vector_kernels()->lanes == 8;
  EXPECT_EQ(make_packed_product(plain(128, 512, 784), why_not) != nullptr, short_vectors);
  EXPECT_FALSE(make_packed_product(plain(4, 2048, 512), why_not));
  EXPECT_FALSE(make_packed_product(plain(2048, 2048, 512), why_not));
  EXPECT_TRUE(make_product(plain(2048, 2048, 512), why_not));
}

TEST(PackedProduct, SaysWhyNot) {
  if (!vector_kernels()) GTEST_SKIP() << "it needs AVX2";
  std::string why_not;
  MatmulProblem p = plain(4, 4, 4);
  p.dtype = DType::bf16;
  EXPECT_FALSE(make_packed_product(p, why_not));
  EXPECT_EQ(why_not, "not f32");
  p.dtype = DType::f32;
  p.lhs = {8, 2, {}};
  EXPECT_FALSE(make_packed_product(p, why_not));
  EXPECT_EQ(why_not, "neither rows nor columns of an operand are contiguous");
}

TEST(Matmul, RepeatsAMatrixOverABatch) {
  if (without_library()) GTEST_SKIP();
  std::mt19937 random(3);
  MatmulProblem p{.batch = {3, 2}, .m = 5, .n = 6, .k = 7};
  p.lhs = {7, 1, {70, 35}};
  p.rhs = {6, 1, {0, 42}};
  p.out = {6, 1, {60, 30}};
  Data data = make_data(p, random);
  std::string why_not;
  const auto kernel = make_matmul(p, why_not);
  ASSERT_TRUE(kernel) << why_not;
  test::expect_close(test::run(*kernel, data.inputs, data.output), reference(p, data), 1e-5,
                     kernel->description());
}

TEST(Matmul, SaysWhyNot) {
  if (without_library()) GTEST_SKIP();
  std::string why_not;
  MatmulProblem p{.m = 4, .n = 4, .k = 4};
  p.lhs = p.rhs = p.out = {4, 1, {}};
  p.dtype = DType::f64;
  EXPECT_FALSE(make_matmul(p, why_not));
  EXPECT_EQ(why_not, "oneDNN has no fast f64 matmul");
  p.dtype = DType::f32;
  p.lhs = {8, 2, {}};
  EXPECT_FALSE(make_matmul(p, why_not));
  EXPECT_EQ(why_not, "neither rows nor columns of an operand are contiguous");
}

TEST(Matmul, CountsItsOperations) {
  if (without_library()) GTEST_SKIP();
  std::string why_not;
  MatmulProblem p{.batch = {2}, .m = 3, .n = 4, .k = 5};
  p.lhs = {5, 1, {15}}, p.rhs = {4, 1, {20}}, p.out = {4, 1, {12}};
  EXPECT_EQ(make_matmul(p, why_not)->flops(), 2.0 * 2 * 3 * 4 * 5);
}

}  // namespace
}  // namespace tenon
