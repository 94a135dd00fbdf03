// Derivatives and batching through control flow.
#include <cmath>

#include "support.h"
#include "tenon/base/error.h"
#include "tenon/base/log.h"
#include "tenon/transform/jvp.h"
#include "tenon/transform/vjp.h"
#include "tenon/transform/vmap.h"

namespace tenon {
namespace {

using namespace test;

Values call(Build& build, std::string_view op, const Values& inputs, Attributes attributes) {
  return build.call_multi(build.ops().get(op), inputs, std::move(attributes));
}

Attributes scan_attributes(GraphRef body, int64_t constants, int64_t carries, int64_t length,
                           bool reverse = false) {
  return {{"body", std::move(body)},
          {"constants", constants},
          {"carries", carries},
          {"length", Shape{length}},
          {"reverse", reverse}};
}

/// A recurrent layer: weights and bias are constants, h is carried, x comes step by step.
std::unique_ptr<Graph> recurrent(bool reverse = false) {
  GraphRef cell = make_region({"f64[5,3]", "f64[3]", "f64[2,3]", "f64[2,2]"},
                              [](Build& b, const Values& in) -> Values {
                                b.set_label("cell");
                                Value joined = concatenate(std::vector<Value>{in[2], in[3]}, 1);
                                Value h = tanh(matmul(joined, in[0]) + in[1]);
                                return {h, h * h};
                              });
  return make_graph({"f64[5,3]", "f64[3]", "f64[2,3]", "f64[4,2,2]"},
                    [&](Build& b, const Values& in) {
                      return call(b, "scan", in, scan_attributes(cell, 2, 1, 4, reverse));
                    });
}

const Node& find_op(const Graph& graph, std::string_view op, size_t skip = 0) {
  for (const Node& node : graph.nodes()) {
    if (node.op->name == op && skip-- == 0) return node;
  }
  throw Error(ErrorCode::not_found, "no such op in the graph");
}

TEST(Scan, DerivativesAgree) {
  expect_derivatives_agree(*recurrent());
  expect_derivatives_agree(*recurrent(/*reverse=*/true));
}

TEST(Scan, SecondDerivativesAgree) {
  expect_derivatives_agree(*vjp(*recurrent(), core_ops()));
  expect_derivatives_agree(*jvp(*recurrent(), core_ops()));
}

TEST(Scan, WeightGradientIsOneDotBehindTheLoop) {
  auto g = vjp(*recurrent(), core_ops(), {.wrt = {{0, 1}}});
  EXPECT_EQ(count_ops(*g, "dot"), 1u);
  EXPECT_EQ(count_ops(*g, "reduce_sum"), 1u);
  // The backward loop carries the cotangent of h alone: no accumulator of a weight's size.
  const Node& backward = find_op(*g, "scan", 1);
  EXPECT_EQ(backward.attributes.integer("carries"), 1);
  EXPECT_EQ(count_ops(*backward.attributes.graph("body"), "dot"), 1u);
}

TEST(Scan, AccumulatesGradientsThatAreNoDot) {
  GraphRef body = make_region({"f64[3]", "f64[3]"}, [](Build&, const Values& in) -> Values {
    return {sin(in[0] * in[1])};
  });
  auto f = make_graph({"f64[3]", "f64[3]"}, [&](Build& b, const Values& in) {
    return call(b, "scan", in, scan_attributes(body, 1, 1, 5));
  });
  expect_derivatives_agree(*f);
}

TEST(Scan, SavesOnlyWhatTheWayBackCannotComputeCheaply) {
  auto g = vjp(*recurrent(), core_ops());
  // Besides the last h and h*h of every step: h before the step, which the weight's gradient reads,
  // and h after it, of which 1 - h*h is computed again.
  EXPECT_EQ(find_op(*g, "scan").outputs.size(), 4u);
}

TEST(Scan, CumulativeProductHasTheClosedForm) {
  GraphRef body = make_region({"f64[]", "f64[]"},
                              [](Build&, const Values& in) -> Values { return {in[0] * in[1]}; });
  auto f = make_graph({"f64[3]"}, [&](Build& b, const Values& in) {
    Value one = b.constant(scalar(1));
    return call(b, "scan", {one, in[0]}, scan_attributes(body, 0, 1, 3));
  });
  auto results = run(*gradient(*f, core_ops()), {reals({3}, {2, 3, 5})});
  EXPECT_DOUBLE_EQ(results[0].to_double(0), 30);
  EXPECT_EQ(numbers(results[1]), (std::vector<double>{15, 10, 6}));
}

TEST(Scan, VmapIsALoop) {
  expect_vmap_is_a_loop(*recurrent(), {std::nullopt, std::nullopt, std::nullopt, 0});
  expect_vmap_is_a_loop(*recurrent(), {0, std::nullopt, 0, std::nullopt});
  expect_vmap_is_a_loop(*vjp(*recurrent(), core_ops()), {std::nullopt, std::nullopt, 0, 0, 0, 0});
}

std::unique_ptr<Graph> conditional() {
  GraphRef then = make_region({"f64[3]", "f64[3]"}, [](Build&, const Values& in) -> Values {
    return {sin(in[0]) * in[1], exp(in[0])};
  });
  GraphRef otherwise = make_region({"f64[3]", "f64[3]"}, [](Build&, const Values& in) -> Values {
    return {in[0] * in[0], in[1] * 3.0};
  });
  return make_graph({"f64[]", "f64[3]", "f64[3]"}, [&](Build& b, const Values& in) {
    Value predicate = greater(in[0], 0.0);
    Attributes branches = {{"then", then}, {"otherwise", otherwise}};
    return call(b, "cond", {predicate, in[1], in[2]}, std::move(branches));
  });
}

TEST(Cond, DerivativesAgreeInBothBranches) {
  auto f = conditional();
  for (double chosen : {0.5, -0.5}) {
    std::vector<Literal> inputs = some_inputs(*f);
    inputs[0] = scalar(chosen);
    expect_derivatives_agree(*f, inputs);
    auto g = vjp(*f, core_ops());
    std::vector<Literal> again = some_inputs(*g);
    again[0] = scalar(chosen);
    expect_derivatives_agree(*g, again);
  }
}

TEST(Cond, VmapIsALoop) {
  expect_vmap_is_a_loop(*conditional(), {std::nullopt, 0, std::nullopt});
  expect_vmap_is_a_loop(*conditional(), {0, 0, std::nullopt}, 6);
}

/// x > 0 ? w * f(x) : 0 * x.
std::unique_ptr<Graph> only_where_positive(const std::string& f) {
  GraphRef then = make_region({"f64[]", "f64[]"}, [&](Build& b, const Values& in) -> Values {
    Value y = f == "divide"    ? 1.0 / in[0]
              : f == "power"   ? power(in[0], b.full_like(in[0], 0.5))
              : f == "x log x" ? in[0] * log(in[0])
                               : b.call(f, {in[0]});
    return {in[1] * y};
  });
  GraphRef otherwise = make_region(
      {"f64[]", "f64[]"}, [](Build&, const Values& in) -> Values { return {in[0] * 0.0}; });
  return make_graph({"f64[]", "f64[]"}, [&](Build& b, const Values& in) {
    return call(b, "cond", {greater(in[0], 0.0), in[0], in[1]},
                {{"then", then}, {"otherwise", otherwise}});
  });
}

/// Values, then derivatives by x and by w in reverse mode, then along x and w in forward mode.
std::vector<std::vector<double>> with_derivatives(const Graph& f, const std::vector<Literal>& in) {
  const Type& type = f.type(f.outputs()[0]);
  Literal ones(type.dtype, type.shape.constants());
  for (int64_t i = 0; i < ones.size(); ++i) ones.set_double(i, 1);
  std::vector<Literal> reverse = in, forward = in;
  reverse.push_back(ones);
  for (const Literal& x : in) {
    Literal direction(x.dtype(), x.shape());
    for (int64_t i = 0; i < direction.size(); ++i) direction.set_double(i, 1);
    forward.push_back(std::move(direction));
  }
  std::vector<std::vector<double>> results;
  for (const Literal& y : run(*vjp(f, core_ops()), reverse)) results.push_back(numbers(y));
  results.push_back(numbers(run(*jvp(f, core_ops()), forward)[1]));
  return results;
}

class UntakenBranch : public testing::TestWithParam<std::string> {};

INSTANTIATE_TEST_SUITE_P(Functions, UntakenBranch,
                         testing::Values("sqrt", "log", "rsqrt", "cbrt", "divide", "power",
                                         "x log x"));

/// What the batch gives is what each example gives, and no NaN comes of those that go elsewhere:
/// not into their own derivatives, and not into those of what all share.
TEST_P(UntakenBranch, OfABatchHasNoSay) {
  auto one = only_where_positive(GetParam());
  for (const std::vector<double>& xs : std::vector<std::vector<double>>{
           {0}, {-1, 0, -0.0}, {0, 2, -1}, {2, 3, 0.5}, {1e-300, 0, -std::nan("")}}) {
    const auto count = static_cast<int64_t>(xs.size());
    auto all = vmap(*one, core_ops(), {.in_axes = {0, std::nullopt}, .size = count});
    auto got = with_derivatives(*all, {reals({count}, xs), scalar(1.5)});
    double by_w = 0;
    for (size_t i = 0; i < xs.size(); ++i) {
      auto wanted = with_derivatives(*one, {scalar(xs[i]), scalar(1.5)});
      for (size_t k : {size_t{0}, size_t{1}, size_t{3}}) {
        if (std::isnan(wanted[k][0])) {
          EXPECT_TRUE(std::isnan(got[k][i])) << GetParam() << "(" << xs[i] << "), " << k;
        } else {
          EXPECT_DOUBLE_EQ(got[k][i], wanted[k][0]) << GetParam() << "(" << xs[i] << "), " << k;
        }
      }
      by_w += wanted[2][0];
    }
    EXPECT_DOUBLE_EQ(got[2][0], by_w) << GetParam() << " by w";
  }
}

/// One derivative an example: the batch of the reverse mode, not the reverse mode of the batch.
TEST_P(UntakenBranch, HasNoSayInDerivativesOfEachExample) {
  auto one = only_where_positive(GetParam());
  const std::vector<double> xs = {0, 2, -1, 0.5};
  auto each =
      vmap(*vjp(*one, core_ops()), core_ops(), {.in_axes = {0, std::nullopt, 0}, .size = 4});
  std::vector<Literal> got = run(*each, {reals({4}, xs), scalar(1.5), reals({4}, {1, 1, 1, 1})});
  for (size_t i = 0; i < xs.size(); ++i) {
    auto wanted = with_derivatives(*one, {scalar(xs[i]), scalar(1.5)});
    for (size_t k = 0; k < 3; ++k)
      EXPECT_DOUBLE_EQ(numbers(got[k])[i], wanted[k][0])
          << GetParam() << "(" << xs[i] << "), " << k;
  }
}

TEST(UntakenBranch, OfABatchOfBatchesHasNoSay) {
  auto one = only_where_positive("sqrt");
  auto rows = vmap(*one, core_ops(), {.in_axes = {0, std::nullopt}, .size = 2});
  auto all = vmap(*rows, core_ops(), {.in_axes = {0, std::nullopt}, .size = 3});
  auto got = with_derivatives(*all, {reals({3, 2}, {0, 4, 0, -1, 1, 16}), scalar(2)});
  EXPECT_THAT(got[0], testing::ElementsAre(0, 4, 0, 0, 2, 8));
  EXPECT_THAT(got[1], testing::ElementsAre(0, 0.5, 0, 0, 1, 0.25));
  EXPECT_THAT(got[2], testing::ElementsAre(7));
}

/// x > 0 ? (halved until it is at most 1) : -x, where the loop would never end for x below 0: it
/// goes on while x is not what it is at the end.
std::unique_ptr<Graph> endless_below_zero() {
  GraphRef condition = make_region({"f64[]"}, [](Build&, const Values& in) -> Values {
    return {logical_or(greater(in[0], 1.0), less(in[0], 0.0))};
  });
  GraphRef body = make_region({"f64[]"}, [](Build&, const Values& in) -> Values {
    return {in[0] * 0.5 - select(less(in[0], 0.0), 1.0, in[0] * 0.0)};
  });
  GraphRef then = make_region({"f64[]"}, [&](Build& b, const Values& in) -> Values {
    return call(b, "while", in, {{"condition", condition}, {"body", body}});
  });
  GraphRef otherwise =
      make_region({"f64[]"}, [](Build&, const Values& in) -> Values { return {-in[0]}; });
  return make_graph({"f64[]"}, [&](Build& b, const Values& in) {
    return call(b, "cond", {greater(in[0], 0.0), in[0]},
                {{"then", then}, {"otherwise", otherwise}});
  });
}

TEST(UntakenBranch, OfABatchDoesNotLoopForEver) {
  auto one = endless_below_zero();
  auto all = vmap(*one, core_ops(), {.size = 3});
  EXPECT_THAT(numbers(run(*all, {reals({3}, {5, -1, 3})})[0]),
              testing::ElementsAre(0.625, 1, 0.75));
  EXPECT_THAT(numbers(run(*all, {reals({3}, {-5, -1, 0})})[0]), testing::ElementsAre(5, 1, 0));
  auto nested = vmap(*all, core_ops(), {.size = 2});
  EXPECT_THAT(numbers(run(*nested, {reals({2, 3}, {5, -1, 3, -1, -2, -3})})[0]),
              testing::ElementsAre(0.625, 1, 0.75, 1, 2, 3));
  auto pushed = vmap(*jvp(*one, core_ops()), core_ops(), {.size = 2});
  EXPECT_THAT(numbers(run(*pushed, {reals({2}, {3, -4}), reals({2}, {1, 1})})[1]),
              testing::ElementsAre(0.25, -1));
}

/// Counts down to 0 by an inner loop that ends for what is not yet 0 only.
TEST(While, LoopsInsideABatchEndForExamplesThatAreDone) {
  GraphRef inner_condition =
      make_region({"f64[]", "f64[]"},
                  [](Build&, const Values& in) -> Values { return {not_equal(in[0], in[1])}; });
  GraphRef inner_body = make_region(
      {"f64[]", "f64[]"}, [](Build&, const Values& in) -> Values { return {in[0] + 1.0, in[1]}; });
  GraphRef condition = make_region(
      {"f64[]"}, [](Build&, const Values& in) -> Values { return {greater(in[0], 0.0)}; });
  // Counts from -2 to what is left after the step: for what is done, -3, it never gets there.
  GraphRef body = make_region({"f64[]"}, [&](Build& b, const Values& in) -> Values {
    Value start = b.full_like(in[0], -2.0);
    return {call(b, "while", {start, in[0] - 3.0},
                 {{"condition", inner_condition}, {"body", inner_body}})[0]};
  });
  auto one = make_graph({"f64[]"}, [&](Build& b, const Values& in) {
    return call(b, "while", in, {{"condition", condition}, {"body", body}});
  });
  auto all = vmap(*one, core_ops(), {.size = 3});
  EXPECT_THAT(numbers(run(*all, {reals({3}, {7, 0, 1})})[0]), testing::ElementsAre(-2, 0, -2));
}

/// Doubles x until its sum is over 10.
std::unique_ptr<Graph> doubling() {
  GraphRef condition = make_region({"f64[2]", "f64[2]"}, [](Build&, const Values& in) -> Values {
    return {less(reduce_sum(in[0], {0}), in[0].build().full(Type::parse("f64[]"), 10.0))};
  });
  GraphRef body = make_region({"f64[2]", "f64[2]"}, [](Build&, const Values& in) -> Values {
    return {in[0] * 2.0 + in[1] * in[1], in[1]};
  });
  return make_graph({"f64[2]", "f64[2]"}, [&](Build& b, const Values& in) {
    Values start = {in[0] * in[0] + 1.0, in[1]};
    return call(b, "while", start, {{"condition", condition}, {"body", body}});
  });
}

TEST(While, ForwardModeAgreesWithFiniteDifferences) {
  auto f = doubling();
  auto at = [&](double step) {
    return run(*f, {reals({2}, {0.5 + step, 0.25}), reals({2}, {0.3, 0.1 - step})})[0].to_double(0);
  };
  auto pushed = run(*jvp(*f, core_ops()), {reals({2}, {0.5, 0.25}), reals({2}, {0.3, 0.1}),
                                           reals({2}, {1, 0}), reals({2}, {0, -1})});
  EXPECT_NEAR(pushed[2].to_double(0), (at(1e-5) - at(-1e-5)) / 2e-5, 1e-6);
}

/// The same with what is added as a constant of the loop.
std::unique_ptr<Graph> doubling_with_constant() {
  GraphRef condition = make_region({"f64[2]", "f64[2]"}, [](Build&, const Values& in) -> Values {
    return {less(reduce_sum(in[1], {0}), in[1].build().full(Type::parse("f64[]"), 10.0))};
  });
  GraphRef body = make_region({"f64[2]", "f64[2]"}, [](Build&, const Values& in) -> Values {
    return {in[1] * 2.0 + in[0] * in[0]};
  });
  return make_graph({"f64[2]", "f64[2]"}, [&](Build& b, const Values& in) {
    Values start = {in[1], in[0] * in[0] + 1.0};
    Values end =
        call(b, "while", start, {{"condition", condition}, {"body", body}, {"constants", 1}});
    return Values{end[0], in[1] + 0.0};
  });
}

TEST(While, ConstantsAreStatesThatNoStepChanges) {
  auto f = doubling(), g = doubling_with_constant();
  const std::vector<Literal> inputs = {reals({2}, {0.5, 0.25}), reals({2}, {0.3, 0.1})};
  EXPECT_TRUE(run(*f, inputs)[0] == run(*g, inputs)[0]);
  using Wanted = std::vector<bool>;
  for (const Wanted& wanted : {Wanted{true, true}, Wanted{true, false}, Wanted{false, true}}) {
    std::vector<size_t> wrt;
    std::vector<Literal> with_tangents = inputs;
    for (size_t i = 0; i < 2; ++i) {
      if (!wanted[i]) continue;
      wrt.push_back(i);
      with_tangents.push_back(reals({2}, {1.0 - static_cast<double>(i), 0.5}));
    }
    auto pushed_f = run(*jvp(*f, core_ops(), {.wrt = wrt}), with_tangents);
    auto pushed_g = run(*jvp(*g, core_ops(), {.wrt = wrt}), with_tangents);
    for (size_t i : {size_t{0}, size_t{2}}) expect_near(pushed_g[i], pushed_f[i], 0);
  }
}

TEST(While, VmapSharesConstantsThatAreTheSame) {
  expect_vmap_is_a_loop(*doubling_with_constant(), {0, std::nullopt}, 5);
  expect_vmap_is_a_loop(*doubling_with_constant(), {std::nullopt, 0}, 5);
  expect_vmap_is_a_loop(*doubling_with_constant(), {0, 0}, 4);
  auto batched =
      vmap(*doubling_with_constant(), core_ops(), {.in_axes = {0, std::nullopt}, .size = 5});
  for (const Node& node : batched->nodes()) {
    if (node.op->name != "while") continue;
    EXPECT_EQ(batched->type(node.inputs[0]).to_string(), "f64[2]");
    EXPECT_EQ(batched->type(node.inputs[1]).to_string(), "f64[5,2]");
  }
}

TEST(While, CountsOfConstantsThatDoNotFitAreErrors) {
  for (int64_t constants : {-1, 3, 1}) {
    auto f = doubling();
    const Node* loop = nullptr;
    for (const Node& node : f->nodes()) loop = node.op->name == "while" ? &node : loop;
    Attributes attributes = loop->attributes;
    attributes.set("constants", constants);
    const std::vector<Type> types(2, Type::parse("f64[2]"));
    EXPECT_THROW(check_call(*loop->op, types, attributes, nullptr), Error) << constants;
  }
}

TEST(While, ReverseModeSaysToUseScan) {
  try {
    vjp(*doubling(), core_ops());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::unsupported);
    EXPECT_NE(std::string(error.what()).find("use scan"), std::string::npos);
  }
}

TEST(While, VmapGoesOnUntilAllAreDone) {
  expect_vmap_is_a_loop(*doubling(), {0, std::nullopt}, 5);
  expect_vmap_is_a_loop(*doubling(), {std::nullopt, 0}, 5);
}

std::unique_ptr<Graph> rematerialised(bool remat) {
  GraphRef body = make_region({"f64[3,3]", "f64[2,3]"}, [](Build& b, const Values& in) -> Values {
    b.set_label("block");
    return {tanh(matmul(tanh(matmul(in[1], in[0])), in[0]))};
  });
  return make_graph({"f64[3,3]", "f64[2,3]"}, [&](Build& b, const Values& in) {
    Values h = call(b, "call", in, {{"body", body}, {"remat", remat}});
    return call(b, "call", {in[0], h[0]}, {{"body", body}, {"remat", remat}});
  });
}

TEST(Checkpoint, RecomputesBehindABarrier) {
  expect_derivatives_agree(*rematerialised(true));
  auto g = vjp(*rematerialised(true), core_ops());
  EXPECT_EQ(count_ops(*g, "call"), 2u);
  EXPECT_EQ(count_ops(*g, "barrier"), 2u);
  EXPECT_EQ(count_ops(*vjp(*rematerialised(false), core_ops()), "barrier"), 0u);
  expect_derivatives_agree(*g);
}

TEST(Checkpoint, SurvivesForwardModeAndVmap) {
  EXPECT_EQ(count_ops(*jvp(*rematerialised(true), core_ops()), "call"), 2u);
  auto batched = vmap(*rematerialised(true), core_ops(), {.in_axes = {std::nullopt, 0}, .size = 3});
  EXPECT_EQ(count_ops(*batched, "call"), 2u);
  expect_vmap_is_a_loop(*rematerialised(true), {std::nullopt, 0});
}

TEST(Checkpoint, WorksInsideScan) {
  GraphRef cell = make_region({"f64[3]", "f64[3]"}, [](Build&, const Values& in) -> Values {
    return {sin(in[0] * in[1])};
  });
  GraphRef step = make_region({"f64[3]", "f64[3]"}, [&](Build& b, const Values& in) {
    return call(b, "call", in, {{"body", cell}, {"remat", true}});
  });
  auto f = make_graph({"f64[3]", "f64[4,3]"}, [&](Build& b, const Values& in) {
    return call(b, "scan", in, scan_attributes(step, 0, 1, 4));
  });
  expect_derivatives_agree(*f);
  // The loop saves what the cell reads, not what it computes.
  auto g = vjp(*f, core_ops());
  EXPECT_EQ(find_op(*g, "scan").outputs.size(), 2u);
}

/// tanh with a derivative ten times too large, to tell that the user's rule is used.
std::unique_ptr<Graph> custom() {
  GraphRef primal = make_region({"f64[3]", "f64[3]"}, [](Build&, const Values& in) -> Values {
    return {tanh(in[0]) * in[1]};
  });
  GraphRef forward = make_region({"f64[3]", "f64[3]"}, [](Build&, const Values& in) -> Values {
    Value y = tanh(in[0]);
    return {y * in[1], y, in[1]};
  });
  GraphRef backward =
      make_region({"f64[3]", "f64[3]", "f64[3]"}, [](Build&, const Values& in) -> Values {
        return {in[2] * in[1] * (1.0 - in[0] * in[0]) * 10.0, in[2] * in[0]};
      });
  return make_graph({"f64[3]", "f64[3]"}, [&](Build& b, const Values& in) {
    Attributes rules = {{"primal", primal}, {"forward", forward}, {"backward", backward}};
    return call(b, "custom_vjp", in, std::move(rules));
  });
}

TEST(CustomVjp, BothModesUseTheUsersRule) {
  auto f = custom();
  Literal x = reals({3}, {0.1, 0.2, 0.3});
  Literal ones = reals({3}, {1, 1, 1});
  Literal zeros = reals({3}, {0, 0, 0});
  auto pulled = run(*vjp(*f, core_ops()), {x, ones, ones});
  auto pushed = run(*jvp(*f, core_ops()), {x, ones, ones, zeros});
  for (int64_t i = 0; i < 3; ++i) {
    double slope = 10 * (1 - std::pow(std::tanh(x.to_double(i)), 2));
    EXPECT_NEAR(pulled[1].to_double(i), slope, 1e-12);
    EXPECT_NEAR(pushed[1].to_double(i), slope, 1e-12);
  }
}

TEST(CustomVjp, VmapKeepsTheRule) {
  expect_vmap_is_a_loop(*custom(), {0, std::nullopt});
  auto batched = vmap(*custom(), core_ops(), {.in_axes = {0, std::nullopt}, .size = 4});
  EXPECT_EQ(count_ops(*batched, "custom_vjp"), 1u);
  expect_vmap_is_a_loop(*vjp(*custom(), core_ops()), {0, std::nullopt, 0});
  std::vector<Literal> inputs = some_inputs(*vjp(*batched, core_ops()));
  run(*vjp(*batched, core_ops()), inputs);
}

/// A scan whose body holds a conditional, a call with a rule of its own, and an inner scan.
std::unique_ptr<Graph> nested() {
  GraphRef inner =
      make_region({"f64[3]", "f64[3]", "f64[3]"}, [](Build&, const Values& in) -> Values {
        Value next = sin(in[1] * in[0] + in[2]);
        return {next, next * in[2]};
      });
  GraphRef chosen = make_region({"f64[3]", "f64[3]", "f64[2,3]"}, [&](Build& b, const Values& in) {
    Values loop = call(b, "scan", in, scan_attributes(inner, 1, 1, 2));
    return Values{loop[0] + reduce_sum(loop[1], {0})};
  });
  GraphRef other = make_region({"f64[3]", "f64[3]", "f64[2,3]"}, [&](Build& b, const Values& in) {
    return call(
        b, "call", {in[0] * in[1]},
        {{"body", make_region({"f64[3]"},
                              [](Build&, const Values& x) -> Values { return {exp(tanh(x[0]))}; })},
         {"remat", true}});
  });
  GraphRef step = make_region({"f64[3]", "f64[3]", "f64[2,3]"}, [&](Build& b, const Values& in) {
    Value predicate = greater(reduce_sum(in[1], {0}), 0.3);
    Values operands = {predicate, in[0], in[1], in[2]};
    return call(b, "cond", operands, {{"then", chosen}, {"otherwise", other}});
  });
  return make_graph({"f64[3]", "f64[3]", "f64[4,2,3]"}, [&](Build& b, const Values& in) {
    return call(b, "scan", in, scan_attributes(step, 1, 1, 4));
  });
}

TEST(Regions, NestInOneAnother) {
  expect_derivatives_agree(*nested());
  expect_derivatives_agree(*vjp(*nested(), core_ops()));
  expect_vmap_is_a_loop(*nested(), {std::nullopt, 0, 0});
  expect_vmap_is_a_loop(*vjp(*nested(), core_ops()), {0, std::nullopt, 0, 0});
}

TEST(Regions, ForwardModeAndVmapPassThroughALoopInALoop) {
  GraphRef step = make_region({"f64[2]", "f64[2]"}, [](Build& b, const Values& in) {
    return Values{b.inline_graph(*doubling(), std::vector<Value>{in[0], in[1]})[0] * 0.1};
  });
  auto f = make_graph({"f64[2]", "f64[3,2]"}, [&](Build& b, const Values& in) {
    return call(b, "scan", in, scan_attributes(step, 0, 1, 3));
  });
  run(*jvp(*f, core_ops()), some_inputs(*jvp(*f, core_ops())));
  expect_vmap_is_a_loop(*f, {0, std::nullopt});
  expect_vmap_is_a_loop(*jvp(*f, core_ops()), {0, std::nullopt, 0, std::nullopt});
}

}  // namespace
}  // namespace tenon
