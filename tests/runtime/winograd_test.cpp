#include "tenon/runtime/cpu/winograd.h"

#include "convolution_reference.h"

namespace tenon {
namespace {

using test::Data;
using test::describe;
using test::kKinds;
using test::make_data;
using test::Threads;
using test::three_by_three;

bool is_missing() { return !make_winograd_of(three_by_three(kKinds[0], 1, 4, 8, 8), 4); }

/// As test::reference does, in a hundredth of the time.
std::vector<double> sums_in_f64(const ConvolutionProblem& p, const Data& data) {
  std::vector<double> result(data.output.size(), 0.0);
  const auto& first = data.inputs[0];
  const auto& second = data.inputs[1];
  const auto add_row = [&](int64_t x, int64_t filter, int64_t y) {
    const auto at = [](int64_t begin, int64_t o) { return static_cast<size_t>(begin + o); };
    for (int64_t o = 0; o < p.out_channels; ++o) {
      if (p.kind == ConvolutionKind::forward) {
        result[at(y, o)] += static_cast<double>(first[at(x, 0)]) * second[at(filter, o)];
      } else if (p.kind == ConvolutionKind::input_gradient) {
        result[at(x, 0)] += static_cast<double>(first[at(y, o)]) * second[at(filter, o)];
      } else {
        result[at(filter, o)] += static_cast<double>(first[at(x, 0)]) * second[at(y, o)];
      }
    }
  };
  test::for_each({p.batch, p.output[0], p.output[1], 3, 3}, [&](const test::Extents& i) {
    const int64_t row = i[1] + i[3] - p.padding_low[0], column = i[2] + i[4] - p.padding_low[1];
    if (row < 0 || row >= p.input[0] || column < 0 || column >= p.input[1]) return;
    const int64_t x = ((i[0] * p.input[0] + row) * p.input[1] + column) * p.in_channels;
    const int64_t y = ((i[0] * p.output[0] + i[1]) * p.output[1] + i[2]) * p.out_channels;
    for (int64_t c = 0; c < p.in_channels; ++c) {
      add_row(x + c, ((i[3] * 3 + i[4]) * p.in_channels + c) * p.out_channels, y);
    }
  });
  return result;
}

/// Root mean square of the errors, as a part of that of the result, and the largest of them.
struct Errors {
  Errors(const std::vector<float>& got, const std::vector<double>& want) {
    double square = 0, squares = 0;
    for (size_t i = 0; i < got.size(); ++i) {
      const double error = std::abs(got[i] - want[i]);
      largest = std::isnan(error) ? HUGE_VAL : std::max(largest, error);
      square += error * error;
      squares += want[i] * want[i];
    }
    const double of_result = std::sqrt(squares / static_cast<double>(got.size()));
    if (of_result == 0) return;
    rms = std::sqrt(square / static_cast<double>(got.size())) / of_result;
    largest /= of_result;
  }
  double rms = 0, largest = 0;
};

/// What docs/modules/runtime.md states: sums of n products, one for each channel that is read or,
/// in gradients of filters, for each tile, have an error that grows with the root of n.
double stated_error(const ConvolutionProblem& p, int tile) {
  int64_t terms = p.in_channels;
  if (p.kind == ConvolutionKind::input_gradient) terms = p.out_channels;
  if (p.kind == ConvolutionKind::filter_gradient) {
    terms = p.batch * ((p.output[0] + tile - 1) / tile) * ((p.output[1] + tile - 1) / tile);
    terms = std::min<int64_t>(terms, 2000);
  }
  return (tile == 4 ? 2e-7 : 1e-7) * std::sqrt(static_cast<double>(16 + terms));
}

void expect_stated_errors(const ConvolutionProblem& p, int tile, std::mt19937& random) {
  const auto kernel = make_winograd_of(p, tile);
  Data data = make_data(p, random);
  const std::vector<float> got = test::run(*kernel, data.inputs, data.output);
  const Errors errors(got, sums_in_f64(p, data));
  const double stated = stated_error(p, tile);
  const std::string what = describe(p) + " " + kernel->description();
  EXPECT_LE(errors.rms, stated) << what;
  EXPECT_LE(errors.largest, 20 * stated) << what;
  if (p.kind == ConvolutionKind::filter_gradient) return;
  ConvolutionProblem known = p;
  known.known_filter = true;
  const auto packed = make_winograd_of(known, tile);
  EXPECT_TRUE(packed->packing(1)) << what;
  EXPECT_EQ(test::run(*packed, data.inputs, data.output), got) << what;
}

ConvolutionProblem random_problem(std::mt19937& random) {
  const auto number = [&](int64_t least, int64_t most) {
    return least + static_cast<int64_t>(random() % static_cast<unsigned>(most - least + 1));
  };
  ConvolutionProblem p;
  p.kind = static_cast<ConvolutionKind>(random() % 3);
  p.batch = number(1, 5);
  p.kernel = {3, 3};
  p.strides = p.dilation = {1, 1};
  for (int axis = 0; axis < 2; ++axis) {
    p.input.push_back(number(1, 13));
    const int64_t low = number(0, 3), least = std::max<int64_t>(0, 3 - low - p.input.back());
    p.padding_low.push_back(low);
    p.padding_high.push_back(number(least, least + 2));
  }
  test::set_output(p);
  p.in_channels = number(1, random() % 2 == 0 ? 20 : 100);
  p.out_channels = number(1, random() % 2 == 0 ? 20 : 100);
  return p;
}

TEST(Winograd, HasTheStatedErrorsForRandomProblems) {
  if (is_missing()) GTEST_SKIP();
  std::mt19937 random(61);
  for (int i = 0; i < 120; ++i) expect_stated_errors(random_problem(random), i % 2 ? 2 : 4, random);
}

/// Sizes at which tiles are cut into blocks and groups, the filter into blocks of columns.
TEST(Winograd, HasTheStatedErrorsForLargeProblems) {
  if (is_missing()) GTEST_SKIP();
  std::mt19937 random(67);
  for (const ConvolutionKind kind : kKinds) {
    for (const auto& [batch, extent, in, out] :
         {std::array<int64_t, 4>{40, 20, 24, 24}, {1, 4, 200, 264}, {6, 5, 520, 72}}) {
      for (const int tile : {2, 4}) {
        expect_stated_errors(three_by_three(kind, batch, extent, in, out), tile, random);
      }
    }
  }
}

TEST(Winograd, HasTheSameBitsOnEveryNumberOfThreads) {
  if (is_missing()) GTEST_SKIP();
  std::mt19937 random(71);
  std::vector<ConvolutionProblem> problems;
  for (int i = 0; i < 20; ++i) problems.push_back(random_problem(random));
  for (const ConvolutionKind kind : kKinds) {
    problems.push_back(three_by_three(kind, 37, 20, 32, 48));
    problems.push_back(three_by_three(kind, 3, 6, 192, 256));
  }
  for (const ConvolutionProblem& p : problems) {
    const int tile = random() % 2 == 0 ? 2 : 4;
    Data data = make_data(p, random);
    EXPECT_TRUE(test::expect_same_bits_on_threads([&] { return make_winograd_of(p, tile); },
                                                  data.inputs, data.output, describe(p)));
  }
}

std::string chosen(const ConvolutionProblem& p) {
  std::string why_not;
  const auto kernel = make_winograd(p, why_not);
  return kernel ? kernel->description() : why_not;
}

TEST(Winograd, IsChosenWhereItCostsLess) {
  if (is_missing()) GTEST_SKIP();
  for (const ConvolutionKind kind : kKinds) {
    EXPECT_EQ(chosen(three_by_three(kind, 64, 32, 64, 64)), "winograd F(4x4, 3x3)");
    EXPECT_EQ(chosen(three_by_three(kind, 64, 2, 512, 512)), "winograd F(2x2, 3x3)");
    // Two tiles of 4x4 a side would compute 64 results for 36.
    EXPECT_EQ(chosen(three_by_three(kind, 64, 6, 256, 256)), "winograd F(2x2, 3x3)");
    // A sum over so many channels would lose more digits with tiles of 4x4 than is stated.
    EXPECT_EQ(chosen(three_by_three(kind, 64, 16, 2048, 2048)), "winograd F(2x2, 3x3)");
    EXPECT_NE(chosen(three_by_three(kind, 1, 1, 64, 64)).find("times a direct sum"),
              std::string::npos);
  }
}

TEST(Winograd, SaysWhyNot) {
  if (is_missing()) GTEST_SKIP();
  const ConvolutionProblem good = three_by_three(ConvolutionKind::forward, 64, 32, 64, 64);
  ConvolutionProblem p = good;
  p.exact = true;
  EXPECT_EQ(chosen(p), "an exact sum is asked for");
  p = good, p.dtype = DType::bf16;
  EXPECT_EQ(chosen(p), "Winograd's algorithm is for f32");
  p = good, p.strides = {2, 1};
  EXPECT_EQ(chosen(p), "Winograd's algorithm is for 3x3 with stride 1");
  p = good, p.groups = 2;
  EXPECT_EQ(chosen(p), "Winograd's algorithm is for 3x3 with stride 1");
  p = good, p.in_channels = 3;
  EXPECT_EQ(chosen(p), "its channels fill no vectors");
  p = good, p.padding_high = {int64_t{1} << 61, 1};
  EXPECT_EQ(chosen(p), "sizes or padding beyond 2^31");
}

TEST(Winograd, KeepsANaNWithinTheTilesThatReadIt) {
  if (is_missing()) GTEST_SKIP();
  std::mt19937 random(73);
  const auto p = three_by_three(ConvolutionKind::forward, 1, 16, 8, 8);
  const auto kernel = make_winograd_of(p, 4);
  Data data = make_data(p, random);
  const auto without = test::run(*kernel, data.inputs, data.output);
  data.inputs[0][size_t{6 * 16 + 6} * 8] = NAN;
  const auto with = test::run(*kernel, data.inputs, data.output);
  for (size_t row = 0; row < 16; ++row) {
    for (size_t column = 0; column < 16; ++column) {
      // Of the tiles of 4x4 results, only the second reads rows 3 to 8.
      const bool spoiled = row / 4 == 1 && column / 4 == 1;
      const size_t at = (row * 16 + column) * 8;
      EXPECT_TRUE(spoiled ? std::isnan(with[at]) : with[at] == without[at]) << row << " " << column;
    }
  }
}

TEST(Winograd, TakesLittleScratchMemory) {
  if (is_missing()) GTEST_SKIP();
  const Threads threads(2);
  for (const ConvolutionKind kind : kKinds) {
    // The arrays have 2 x 67 MB.
    const auto kernel = make_winograd_of(three_by_three(kind, 256, 32, 64, 64), 4);
    EXPECT_LT(kernel->scratch_bytes(), 10'000'000) << kernel->description();
  }
}

}  // namespace
}  // namespace tenon
