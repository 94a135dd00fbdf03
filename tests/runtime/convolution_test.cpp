#include "tenon/runtime/cpu/convolution.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "library_kernel.h"
#include "tenon/base/cpu.h"

namespace tenon {
namespace {

using test::Threads;
using Extents = std::vector<int64_t>;

int64_t product(const Extents& extents) {
  int64_t result = 1;
  for (const int64_t extent : extents) result *= extent;
  return result;
}

/// Steps through every position of an array.
template <class Function>
void for_each(const Extents& extents, Function&& function) {
  Extents at(extents.size(), 0);
  for (int64_t i = 0; i < product(extents); ++i) {
    function(at);
    for (size_t d = extents.size(); d-- > 0 && ++at[d] == extents[d];) at[d] = 0;
  }
}

Extents x_shape(const ConvolutionProblem& p) {
  Extents shape = {p.batch};
  shape.insert(shape.end(), p.input.begin(), p.input.end());
  shape.push_back(p.in_channels);
  return shape;
}
Extents y_shape(const ConvolutionProblem& p) {
  Extents shape = {p.batch};
  shape.insert(shape.end(), p.output.begin(), p.output.end());
  shape.push_back(p.out_channels);
  return shape;
}
Extents filter_shape(const ConvolutionProblem& p) {
  Extents shape = p.kernel;
  shape.push_back(p.in_channels / p.groups);
  shape.push_back(p.out_channels);
  return shape;
}

/// Calls function(x index, filter index, y index) for each product of the convolution.
template <class Function>
void for_each_product(const ConvolutionProblem& p, Function&& function) {
  const int64_t group_in = p.in_channels / p.groups, group_out = p.out_channels / p.groups;
  for_each(y_shape(p), [&](const Extents& y) {
    for_each(p.kernel, [&](const Extents& k) {
      int64_t x_at = y[0], filter_at = 0, y_at = y[0];
      for (size_t d = 0; d < k.size(); ++d) {
        const int64_t position = y[d + 1] * p.strides[d] - p.padding_low[d] + k[d] * p.dilation[d];
        if (position < 0 || position >= p.input[d]) return;
        x_at = x_at * p.input[d] + position;
        filter_at = filter_at * p.kernel[d] + k[d];
        y_at = y_at * p.output[d] + y[d + 1];
      }
      const int64_t out = y.back(), group = out / group_out;
      for (int64_t c = 0; c < group_in; ++c) {
        function(static_cast<size_t>(x_at * p.in_channels + group * group_in + c),
                 static_cast<size_t>((filter_at * group_in + c) * p.out_channels + out),
                 static_cast<size_t>(y_at * p.out_channels + out));
      }
    });
  });
}

std::string describe(const ConvolutionProblem& p) {
  return fmt::format(
      "kind {} batch {} input {} output {} kernel {} channels {} -> {} groups {} strides {} "
      "padding {} {} dilation {}",
      static_cast<int>(p.kind), p.batch, p.input, p.output, p.kernel, p.in_channels, p.out_channels,
      p.groups, p.strides, p.padding_low, p.padding_high, p.dilation);
}

struct Data {
  std::vector<std::vector<float>> inputs;
  std::vector<float> output;
};

Data make_data(const ConvolutionProblem& p, std::mt19937& random) {
  const auto numbers = [&](const Extents& shape) {
    return test::random_floats(static_cast<size_t>(product(shape)), random);
  };
  switch (p.kind) {
    case ConvolutionKind::input_gradient:
      return {{numbers(y_shape(p)), numbers(filter_shape(p))}, numbers(x_shape(p))};
    case ConvolutionKind::filter_gradient:
      return {{numbers(x_shape(p)), numbers(y_shape(p))}, numbers(filter_shape(p))};
    default:
      break;
  }
  return {{numbers(x_shape(p)), numbers(filter_shape(p))}, numbers(y_shape(p))};
}

std::vector<double> reference(const ConvolutionProblem& p, const Data& data) {
  std::vector<double> result(data.output.size(), 0.0);
  const auto& first = data.inputs[0];
  const auto& second = data.inputs[1];
  for_each_product(p, [&](size_t x, size_t filter, size_t y) {
    if (p.kind == ConvolutionKind::forward) {
      result[y] += static_cast<double>(first[x]) * second[filter];
    } else if (p.kind == ConvolutionKind::input_gradient) {
      result[x] += static_cast<double>(first[y]) * second[filter];
    } else {
      result[filter] += static_cast<double>(first[x]) * second[y];
    }
  });
  return result;
}

void set_output(ConvolutionProblem& p) {
  p.output.clear();
  for (size_t d = 0; d < p.input.size(); ++d) {
    const int64_t window = (p.kernel[d] - 1) * p.dilation[d] + 1;
    p.output.push_back((p.input[d] + p.padding_low[d] + p.padding_high[d] - window) / p.strides[d] +
                       1);
  }
}

ConvolutionProblem random_problem(std::mt19937& random) {
  const auto number = [&](int64_t least, int64_t most) {
    return least + static_cast<int64_t>(random() % static_cast<unsigned>(most - least + 1));
  };
  ConvolutionProblem p;
  p.kind = static_cast<ConvolutionKind>(random() % 3);
  p.batch = number(1, 5);
  const auto rank = number(1, 10) < 8 ? 2 : number(1, 3);
  for (int64_t d = 0; d < rank; ++d) {
    p.kernel.push_back(number(1, 5));
    p.dilation.push_back(number(1, 4) == 1 ? 2 : 1);
    p.strides.push_back(number(1, 3) == 1 ? number(2, 3) : 1);
    p.input.push_back(number(
        (p.kernel[static_cast<size_t>(d)] - 1) * p.dilation[static_cast<size_t>(d)] + 1, 14));
    p.padding_low.push_back(number(0, 2));
    p.padding_high.push_back(number(0, 2));
  }
  set_output(p);
  const int64_t groups[] = {1, 1, 1, 2, 3};
  p.groups = groups[random() % 5];
  p.in_channels = p.groups * (random() % 4 == 0 ? 16 : number(1, 9));
  p.out_channels = p.groups * (random() % 4 == 0 ? 16 : number(1, 9));
  if (random() % 6 == 0) p.groups = p.in_channels = p.out_channels = number(2, 20);  // depthwise
  return p;
}

/// What a filter is packed into once is what it is packed into in every run.
void expect_same_when_packed(ConvolutionProblem p, Data& data, const std::vector<float>& wanted) {
  if (p.kind == ConvolutionKind::filter_gradient) return;
  p.known_filter = true;
  std::string why_not;
  const auto kernel = make_convolution(p, why_not);
  ASSERT_TRUE(kernel) << describe(p) << ": " << why_not;
  EXPECT_EQ(test::run(*kernel, data.inputs, data.output), wanted)
      << describe(p) << " " << kernel->description();
}

ConvolutionProblem three_by_three(ConvolutionKind kind, int64_t batch, int64_t extent,
                                  int64_t in_channels, int64_t out_channels) {
  ConvolutionProblem p;
  p.kind = kind;
  p.batch = batch;
  p.input = p.output = {extent, extent};
  p.kernel = {3, 3};
  p.in_channels = in_channels, p.out_channels = out_channels;
  p.strides = p.dilation = p.padding_low = p.padding_high = {1, 1};
  return p;
}

constexpr ConvolutionKind kKinds[] = {ConvolutionKind::forward, ConvolutionKind::input_gradient,
                                      ConvolutionKind::filter_gradient};

bool without_library() {
  std::string why_not;
  make_convolution(three_by_three(ConvolutionKind::forward, 1, 4, 1, 1), why_not);
  return why_not == "built without oneDNN";
}

/// Not where ONEDNN_MAX_CPU_ISA, which the library reads itself, forbids AVX-512 either.
bool has_winograd() {
  return cpu_info().has("avx512f") && std::getenv("ONEDNN_MAX_CPU_ISA") == nullptr;
}

TEST(Convolution, EqualsLoopsForRandomProblems) {
  if (without_library()) GTEST_SKIP();
  std::mt19937 random(5);
  int made = 0;
  for (int i = 0; i < 150; ++i) {
    const ConvolutionProblem p = random_problem(random);
    std::string why_not;
    const auto kernel = make_convolution(p, why_not);
    if (!kernel) {
      EXPECT_FALSE(why_not.empty());
      continue;
    }
    ++made;
    Data data = make_data(p, random);
    const std::vector<float> got = test::run(*kernel, data.inputs, data.output);
    test::expect_close(got, reference(p, data), 1e-5, describe(p) + " " + kernel->description());
    expect_same_when_packed(p, data, got);
  }
  EXPECT_GT(made, 80);
}

TEST(Convolution, EqualsLoopsWhereItIsCut) {
  if (without_library()) GTEST_SKIP();
  std::mt19937 random(6);
  int in_rows = 0, in_images = 0;
  for (int i = 0; i < 300; ++i) {
    ConvolutionProblem p = random_problem(random);
    if (p.kind == ConvolutionKind::filter_gradient) continue;
    // Large enough for several parts: of the images, or of the rows of the few there are.
    p.batch = i % 2 == 0 ? 1 + i % 3 : 16;
    for (int64_t& extent : p.input) extent += i % 2 == 0 ? 20 : 4;
    p.in_channels *= 2, p.out_channels *= 2;
    set_output(p);
    std::string why_not;
    const auto kernel = make_convolution(p, why_not);
    if (!kernel || kernel->flops() > 4e7) continue;
    if (kernel->description().find(" parts") == std::string::npos) continue;
    int& count = p.batch < 4 ? in_rows : in_images;
    if (++count > 8) continue;
    Data data = make_data(p, random);
    const std::vector<float> got = test::run(*kernel, data.inputs, data.output);
    test::expect_close(got, reference(p, data), 1e-5, describe(p) + " " + kernel->description());
    expect_same_when_packed(p, data, got);
  }
  EXPECT_GT(in_rows, 5);
  EXPECT_GT(in_images, 5);
}

TEST(Convolution, WinogradIsCloseToLoops) {
  if (without_library()) GTEST_SKIP();
  if (!has_winograd()) GTEST_SKIP() << "oneDNN's Winograd kernels need AVX-512";
  std::mt19937 random(9);
  for (const ConvolutionKind kind : kKinds) {
    for (const auto& [batch, extent, in, out] :
         {std::array<int64_t, 4>{5, 14, 32, 48}, {43, 20, 32, 48}, {67, 4, 128, 96}}) {
      ConvolutionProblem p = three_by_three(kind, batch, extent, in, out);
      std::string why_not;
      const auto kernel = make_convolution(p, why_not);
      ASSERT_TRUE(kernel) << why_not;
      EXPECT_NE(kernel->description().find("wino"), std::string::npos)
          << kernel->description() << why_not;
      Data data = make_data(p, random);
      const auto want = reference(p, data);
      const std::vector<float> got = test::run(*kernel, data.inputs, data.output);
      test::expect_close(got, want, 2e-5, describe(p) + " " + kernel->description());
      expect_same_when_packed(p, data, got);
      p.exact = true;
      EXPECT_EQ(make_convolution(p, why_not)->description().find("wino"), std::string::npos);
    }
  }
}

TEST(Convolution, HasTheSameBitsOnOneThreadAndOnTwo) {
  if (without_library()) GTEST_SKIP();
  std::mt19937 random(13);
  std::vector<ConvolutionProblem> problems;
  for (int i = 0; i < 30; ++i) problems.push_back(random_problem(random));
  for (const ConvolutionKind kind : kKinds) {
    problems.push_back(three_by_three(kind, 67, 16, 32, 64));
    problems.push_back(three_by_three(kind, 6, 16, 128, 128));
    problems.push_back(three_by_three(kind, 33, 28, 3, 32));
    problems.push_back(three_by_three(kind, 9, 12, 6, 16));
  }
  size_t made = 0;
  for (const ConvolutionProblem& p : problems) {
    std::string why_not;
    Data data = make_data(p, random);
    const auto with = [&](int made_for, int run_on) {
      std::unique_ptr<OpKernel> kernel;
      {
        const Threads threads(made_for);
        kernel = make_convolution(p, why_not);
      }
      const Threads threads(run_on);
      return kernel ? test::run(*kernel, data.inputs, data.output) : std::vector<float>();
    };
    const auto one = with(1, 1);
    made += one.empty() ? 0 : 1;
    EXPECT_EQ(one, with(2, 2)) << describe(p);
    EXPECT_EQ(one, with(2, 1)) << describe(p);
    EXPECT_EQ(one, with(1, 2)) << describe(p);
    EXPECT_EQ(one, with(3, 3)) << describe(p);
  }
  EXPECT_GT(made, 30u);
}

TEST(Convolution, UsesOnlyInstructionsThatAreAllowed) {
  if (without_library()) GTEST_SKIP();
  for (const ConvolutionKind kind : kKinds) {
    std::string why_not;
    const auto kernel = make_convolution(three_by_three(kind, 8, 14, 32, 48), why_not);
    ASSERT_TRUE(kernel) << why_not;
    const std::string description = kernel->description();
    if (host_instruction_set() < InstructionSet::avx512) {
      EXPECT_EQ(description.find("avx512"), std::string::npos) << description;
    }
    if (instruction_set_is_limited() && host_instruction_set() < InstructionSet::avx2) {
      EXPECT_EQ(description.find("avx"), std::string::npos) << description;
    }
  }
}

TEST(Convolution, SaysWhyNot) {
  if (without_library()) GTEST_SKIP();
  std::string why_not;
  ConvolutionProblem p = three_by_three(ConvolutionKind::forward, 1, 8, 4, 4);
  p.dtype = DType::f64;
  EXPECT_FALSE(make_convolution(p, why_not));
  EXPECT_EQ(why_not, "oneDNN has no fast f64 convolution");
  p.dtype = DType::f32;
  p.strides[0] = p.padding_low[0] = int64_t{1} << 61;
  EXPECT_FALSE(make_convolution(p, why_not));
  EXPECT_EQ(why_not, "sizes, strides or padding beyond 2^31");
}

TEST(Convolution, CountsItsOperations) {
  if (without_library()) GTEST_SKIP();
  std::string why_not;
  const auto p = three_by_three(ConvolutionKind::forward, 2, 8, 4, 6);
  EXPECT_EQ(make_convolution(p, why_not)->flops(), 2.0 * 2 * 64 * 9 * 4 * 6);
}

}  // namespace
}  // namespace tenon
