// Graphs that once compiled to something else than they mean: against the reference, with and
// without donation.
#include <gtest/gtest.h>

#include <cmath>

#include "tenon/base/cpu.h"
#include "tenon/graph/text.h"
#include "tenon/interpret/interpret.h"
#include "tenon/ops/registry.h"
#include "tenon/runtime/executable.h"
#include "tenon/tensor/numpy.h"

namespace tenon {
namespace {

struct EdgeGraph {
  std::string name;
  std::string text;
  std::vector<double> first = {};  // the values of input 0; others are 1, 2, 3 …
  SymbolValues symbols = {};
};

std::vector<Literal> inputs_of(const Graph& graph, const EdgeGraph& edge) {
  std::vector<Literal> inputs;
  for (const Type& type : graph.input_types()) {
    Literal values(type.dtype, type.shape.evaluate(edge.symbols));
    for (int64_t i = 0; i < values.size(); ++i) {
      const bool given = inputs.empty() && !edge.first.empty();
      const double value = given ? edge.first[static_cast<size_t>(i) % edge.first.size()]
                                 : static_cast<double>(i % 7 + 1);
      is_floating(type.dtype) ? values.set_double(i, value)
                              : values.set_int(i, static_cast<int64_t>(value));
    }
    inputs.push_back(std::move(values));
  }
  return inputs;
}

void expect_same(const Literal& got, const Literal& wanted) {
  ASSERT_EQ(got.type(), wanted.type());
  for (int64_t i = 0; i < got.size(); ++i) {
    if (!is_floating(got.dtype())) {
      ASSERT_EQ(got.to_int(i), wanted.to_int(i)) << "element " << i;
      continue;
    }
    const double a = got.to_double(i), b = wanted.to_double(i);
    const bool same = a == b || (std::isnan(a) && std::isnan(b));
    ASSERT_TRUE(same || std::fabs(a - b) <= 1e-3 * std::fabs(b))
        << "element " << i << ": " << a << " instead of " << b;
  }
}

const std::vector<EdgeGraph>& edge_graphs() {
  static const std::vector<EdgeGraph> all = {
      {"RowResultOnAnInputThatIsReadAgain",
       "graph f(%p: f32[64], %x: f32[64,48]) -> (f32[64], f32[64,48]) {\n"
       "  %0: f32[64] = reduce_sum(%x) {axes=[1]}\n"
       "  %1: f32[64] = add(%p, %0)\n"
       "  %2: f32[64,48] = broadcast(%p) {shape=[64,48], dims=[0]}\n"
       "  %3: f32[64,48] = multiply(%x, %2)\n"
       "  return %1, %3\n}\n"},
      {"TheSameWithoutDonation",
       "graph f(%q: f32[64], %x: f32[64,48]) -> (f32[64], f32[64,48]) {\n"
       "  %p: f32[64] = cumulative_sum(%q) {axis=0}\n"
       "  %0: f32[64] = reduce_sum(%x) {axes=[1]}\n"
       "  %1: f32[64] = add(%p, %0)\n"
       "  %2: f32[64,48] = broadcast(%p) {shape=[64,48], dims=[0]}\n"
       "  %3: f32[64,48] = multiply(%x, %2)\n"
       "  %s: f32[64] = cumulative_sum(%1) {axis=0}\n"
       "  return %s, %3\n}\n"},
      {"IntegersKeepAllTheirBits",
       "graph f(%x: i64[2]) -> (i64[2], i64[2]) {\n"
       "  %c: i64[] = constant() {value=dense<i64[]: 9007199254740993>}\n"
       "  %b: i64[2] = broadcast(%c) {shape=[2], dims=[]}\n"
       "  %0: i64[2] = add(%b, %x)\n"
       "  %d: i64[2] = constant() {value=dense<i64[2]: 9007199254740992,9007199254740993>}\n"
       "  %1: i64[2] = reverse(%d) {axes=[0]}\n"
       "  return %0, %1\n}\n"},
      {"ASumOfNothing",
       "graph f(%x: f32[3]) -> (f32[3]) {\n"
       "  %b: f32[3,0] = broadcast(%x) {shape=[3,0], dims=[0]}\n"
       "  %0: f32[3] = reduce_sum(%b) {axes=[1]}\n"
       "  return %0\n}\n",
       {INFINITY, NAN, 1}},
      {"ACountBeyondHalfPrecision",
       "graph f(%x: f16[3]) -> (f16[3]) {\n"
       "  %b: f16[3,131072] = broadcast(%x) {shape=[3,131072], dims=[0]}\n"
       "  %0: f16[3] = reduce_sum(%b) {axes=[1]}\n"
       "  return %0\n}\n",
       {1e-4, 2e-4, 0}},
      {"AReciprocalThatOverflows",
       "graph f(%x: f16[4]) -> (f16[4]) {\n"
       "  %c: f16[] = constant() {value=dense<f16[]: 7.62939453125e-06>}\n"
       "  %b: f16[4] = broadcast(%c) {shape=[4], dims=[]}\n"
       "  %0: f16[4] = divide(%x, %b)\n"
       "  return %0\n}\n",
       {0.1, 0, 0.2, -0.1}},
      {"CastsOfIntegersWrap",
       "graph f(%x: i32[n]) -> (i32[n]) {\n"
       "  %c: i64[] = constant() {value=dense<i64[]: 1099511627783>}\n"
       "  %b: i64[n] = broadcast(%c) {shape=[n], dims=[]}\n"
       "  %0: i32[n] = cast(%b) {dtype=i32}\n"
       "  %1: i32[n] = add(%0, %x)\n"
       "  return %1\n}\n",
       {},
       {{"n", 3}}},
      {"TensorIntegersWrapWhereIndicesDoNot",
       "graph f(%x: i64[n]) -> (bool[n], i64[n]) {\n"
       "  %i: i64[n] = iota() {dtype=i64, shape=[n], axis=0}\n"
       "  %c: i64[] = constant() {value=dense<i64[]: 6364136223846793005>}\n"
       "  %b: i64[n] = broadcast(%c) {shape=[n], dims=[]}\n"
       "  %m: i64[n] = multiply(%i, %b)\n"
       "  %z: i64[] = constant() {value=dense<i64[]: 0>}\n"
       "  %y: i64[n] = broadcast(%z) {shape=[n], dims=[]}\n"
       "  %0: bool[n] = less(%m, %y)\n"
       "  %1: i64[n] = maximum(%m, %y)\n"
       "  return %0, %1\n}\n",
       {},
       {{"n", 5}}},
      {"ADimensionNamedAsALoop",
       "graph f(%x: f32[m,4], %y: f32[k_2]) -> (f32[m]) {\n"
       "  %0: f32[m] = reduce_max(%x) {axes=[1]}\n"
       "  return %0\n}\n",
       {4, 3, 2, 1, 8, 7, 6, 5, 9, 1, 2, 3},
       {{"m", 3}, {"k_2", 2}}},
      {"HalfADimensionDoesNotBindIt",
       "graph f(%x: f32[floor(h+1,2)], %y: f32[h]) -> (f32[h]) {\n"
       "  %0: f32[h] = negate(%y)\n"
       "  return %0\n}\n",
       {},
       {{"h", 2}}},
  };
  return all;
}

class EdgeGraphs : public testing::TestWithParam<size_t> {};
INSTANTIATE_TEST_SUITE_P(All, EdgeGraphs, testing::Range(size_t{0}, edge_graphs().size()),
                         [](const auto& info) { return edge_graphs()[info.param].name; });

TEST_P(EdgeGraphs, CompileToWhatTheyMean) {
  const EdgeGraph& edge = edge_graphs()[GetParam()];
  const auto graph = parse_graph(edge.text, core_ops());
  const std::vector<Literal> inputs = inputs_of(*graph, edge);
  const std::vector<Literal> wanted = interpret(*graph, inputs);
  for (bool donate : {false, true}) {
    SCOPED_TRACE(donate ? "donated" : "held");
    const auto executable =
        compile(*graph, core_ops(), {.donated = std::vector<bool>(inputs.size(), donate)});
    std::vector<Buffer> buffers;
    for (const Literal& input : inputs) buffers.push_back(Buffer::copy_of(input));
    const std::vector<Buffer> got = executable->run(std::move(buffers));
    for (size_t i = 0; i < wanted.size(); ++i) expect_same(got[i].to_literal(), wanted[i]);
  }
}

/// Errors of one rounding after the other grow with the length; here they do not. With fewer lanes
/// each of them adds more numbers.
TEST(LongSums, KeepTheirDigits) {
  const double factor = host_instruction_set() == InstructionSet::baseline ? 4 : 1;
  for (int64_t n : {10'000, 1'000'000, 10'000'000}) {
    const Tensor x = full({n}, 0.1f).eval();
    const auto exact = static_cast<double>(n) * static_cast<double>(0.1f);
    EXPECT_NEAR(sum(Tensor(x.literal())).item() / exact, 1, 2e-6 * factor) << n;
  }
  EXPECT_EQ(mean(Tensor(ones({1 << 25}).literal())).item(), 1);
  const Tensor two = Tensor((arange(2'000'000) % 2).cast(DType::f32).literal()) + 1000;
  EXPECT_NEAR(variance(two).item(), 0.25, 1e-4);
  const auto exact = 1e6 * static_cast<double>(0.1f);
  const Tensor middle = sum(Tensor(full({2, 1'000'000, 4}, 0.1f).literal()), Integers{1});
  for (int64_t i = 0; i < 8; ++i) EXPECT_NEAR(middle.item(i) / exact, 1, 2e-5);
  const Tensor rows = sum(Tensor(full({8, 50'000}, 0.1f).literal()), Integers{1});
  EXPECT_NEAR(rows.item(3) / (5e4 * static_cast<double>(0.1f)), 1, 5e-6);
  const Tensor columns = sum(Tensor(full({1'000'000, 3}, 0.1f).literal()), Integers{0});
  EXPECT_NEAR(columns.item(1) / exact, 1, 1e-5);
}

}  // namespace
}  // namespace tenon
