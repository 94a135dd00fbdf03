#include "tenon/runtime/cpu/convolution.h"

#include "convolution_reference.h"
#include "tenon/base/cpu.h"

namespace tenon {
namespace {

using test::Data;
using test::describe;
using test::kKinds;
using test::make_data;
using test::reference;
using test::set_output;
using test::three_by_three;

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

bool without_library() {
  std::string why_not;
  make_convolution(three_by_three(ConvolutionKind::forward, 1, 4, 1, 1), why_not);
  return why_not == "built without oneDNN";
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
    made += test::expect_same_bits_on_threads([&] { return make_convolution(p, why_not); },
                                              data.inputs, data.output, describe(p))
                ? 1
                : 0;
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
