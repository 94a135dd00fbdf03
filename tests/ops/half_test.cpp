// Half precision in compiled code: computed in f32, rounded where it is stored and where a cast
// says so, fused or not.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "samples.h"
#include "tenon/graph/text.h"
#include "tenon/interpret/interpret.h"
#include "tenon/runtime/executable.h"

namespace tenon {
namespace {

std::vector<Literal> run_compiled(const char* text, const std::vector<Literal>& inputs) {
  auto graph = parse_graph(text, core_ops());
  std::vector<Buffer> buffers;
  for (const Literal& input : inputs) buffers.push_back(Buffer::copy_of(input));
  std::vector<Literal> outputs;
  for (const Buffer& output : compile(*graph, core_ops())->run(std::move(buffers)))
    outputs.push_back(output.to_literal());
  return outputs;
}

TEST(HalfPrecision, CastsRoundInsideFusedCode) {
  for (const char* half : {"bf16", "f16"}) {
    std::string text = fmt::format(R"(
graph f(%x: f32[n]) -> (f32[n]) {{
  %0: {0}[n] = cast(%x) {{dtype={0}}}
  %1: f32[n] = cast(%0) {{dtype=f32}}
  %2: f32[n] = subtract(%x, %1)
  return %2
}})",
                                   half);
    Literal x = random_literal(DType::f32, {100}, 1, 2, 3);
    auto graph = parse_graph(text, core_ops());
    EXPECT_EQ(run_compiled(text.c_str(), {x}), interpret(*graph, {x})) << half;
  }
}

TEST(HalfPrecision, ArithmeticFollowsCasts) {
  for (DType half : {DType::bf16, DType::f16}) {
    std::string text = fmt::format(R"(
graph f(%x: f32[3,n]) -> ({0}[3,n], {0}[3], {0}[n], f32[3,n]) {{
  %0: {0}[3,n] = cast(%x) {{dtype={0}}}
  %1: {0}[3,n] = multiply(%0, %0)
  %2: {0}[3,n] = sin(%1)
  %3: {0}[3] = reduce_sum(%2) {{axes=[1]}}
  %4: {0}[n] = reduce_max(%0) {{axes=[0]}}
  %5: {0}[3,n] = softmax(%0)
  %6: f32[3,n] = cast(%5) {{dtype=f32}}
  return %2, %3, %4, %6
}})",
                                   name_of(half));
    Literal x = random_literal(DType::f32, {3, 5}, -1, 1, 1);
    auto graph = parse_graph(text, core_ops());
    std::vector<Literal> got = run_compiled(text.c_str(), {x});
    std::vector<Literal> wanted = interpret(*graph, {x});
    for (size_t i = 0; i < got.size(); ++i)
      EXPECT_EQ(difference(got[i], wanted[i], tolerance_of(half)), "") << name_of(half) << i;
  }
}

TEST(HalfPrecision, ChainsComputeInSinglePrecision) {
  for (DType half : {DType::bf16, DType::f16}) {
    std::string text = fmt::format(R"(
graph f(%x: {0}[n], %y: {0}[n]) -> ({0}[n], {0}[]) {{
  %0: {0}[n] = multiply(%x, %y)
  %1: {0}[n] = exp(%0)
  %2: {0}[n] = maximum(%1, %x)
  %3: {0}[] = reduce_sum(%2) {{axes=[0], keep=false}}
  return %2, %3
}})",
                                   name_of(half));
    std::vector<Literal> inputs = {random_literal(half, {37}, -1, 1, 1),
                                   random_literal(half, {37}, -1, 1, 2)};
    auto graph = parse_graph(text, core_ops());
    std::vector<Literal> got = run_compiled(text.c_str(), inputs);
    std::vector<Literal> wanted = interpret(*graph, inputs);
    for (size_t i = 0; i < got.size(); ++i)
      EXPECT_EQ(difference(got[i], wanted[i], tolerance_of(half)), "") << name_of(half);
  }
}

}  // namespace
}  // namespace tenon
