#include "tenon/transform/vjp.h"

#include <cmath>

#include "support.h"
#include "tenon/base/error.h"
#include "tenon/transform/jvp.h"
#include "tenon/transform/vmap.h"

namespace tenon {
namespace {

using namespace test;

std::unique_ptr<Graph> dense_layer() {
  return make_graph({"f64[3,4]", "f64[4,2]", "f64[2]"}, [](Build& b, const Values& in) -> Values {
    b.set_label("fc1");
    return {tanh(matmul(in[0], in[1]) + in[2])};
  });
}

TEST(Vjp, AgreesWithFiniteDifferencesForADenseLayer) { expect_derivatives_agree(*dense_layer()); }

TEST(Vjp, SumsTheCotangentsOfAValueThatIsReadTwice) {
  auto f = make_graph({"f64[]"},
                      [](Build&, const Values& in) -> Values { return {in[0] * in[0] * in[0]}; });
  auto results = run(*gradient(*f, core_ops()), {scalar(2)});
  EXPECT_DOUBLE_EQ(results[0].to_double(0), 8);
  EXPECT_DOUBLE_EQ(results[1].to_double(0), 12);
}

TEST(Vjp, GivesZerosForInputsThatDoNotMatter) {
  auto f = make_graph({"f64[]", "f64[2]"},
                      [](Build&, const Values& in) -> Values { return {sin(in[0])}; });
  auto results = run(*gradient(*f, core_ops(), {.wrt = {1}}), {scalar(2), reals({2}, {1, 2})});
  EXPECT_EQ(numbers(results[1]), (std::vector<double>{0, 0}));
}

TEST(Vjp, EmitsNoDerivativeOfWhatIsNotAskedFor) {
  auto f = dense_layer();
  auto for_bias = vjp(*f, core_ops(), {.wrt = {{2}}});
  EXPECT_EQ(count_ops(*for_bias, "dot"), 1u);
  auto for_weight = vjp(*f, core_ops(), {.wrt = {{1}}});
  EXPECT_EQ(count_ops(*for_weight, "dot"), 2u);
}

TEST(Vjp, StopsAtStopGradient) {
  auto f = make_graph(
      {"f64[]"}, [](Build&, const Values& in) -> Values { return {in[0] * stop_gradient(in[0])}; });
  EXPECT_DOUBLE_EQ(run(*gradient(*f, core_ops()), {scalar(3)})[1].to_double(0), 3);
}

TEST(Vjp, TakesCotangentsForChosenOutputsOnly) {
  auto f = make_graph({"f64[]"},
                      [](Build&, const Values& in) -> Values { return {sin(in[0]), in[0] * 5.0}; });
  auto g = vjp(*f, core_ops(), {.outputs = {{1}}});
  EXPECT_EQ(g->inputs().size(), 2u);
  EXPECT_DOUBLE_EQ(run(*g, {scalar(1), scalar(2)})[2].to_double(0), 10);
}

TEST(Vjp, LabelsDerivativesByWhatTheyDerive) {
  auto g = vjp(*dense_layer(), core_ops());
  EXPECT_EQ(g->nodes().back().label, "fc1'");
}

TEST(Vjp, RefusesIntegersReadably) {
  auto f = make_graph({"i32[3]", "f64[3]"}, [](Build&, const Values& in) -> Values {
    return {cast(in[0], DType::f64) * in[1]};
  });
  try {
    vjp(*f, core_ops(), {.wrt = {{0}}});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::type_mismatch);
    EXPECT_EQ(error.message(), "vjp: input 0 of graph 'f' is i32[3]");
  }
}

TEST(Gradient, RefusesAnOutputThatIsNoScalar) {
  try {
    gradient(*dense_layer(), core_ops());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::shape_mismatch);
    EXPECT_EQ(error.message(), "gradient: output 0 of graph 'f' is f64[3,2], not a scalar");
  }
}

TEST(Jvp, PushesThroughOneInputOnly) {
  auto f = make_graph({"f64[]", "f64[]"},
                      [](Build&, const Values& in) -> Values { return {in[0] * in[1]}; });
  auto g = jvp(*f, core_ops(), {.wrt = {{1}}});
  auto results = run(*g, {scalar(3), scalar(5), scalar(1)});
  EXPECT_DOUBLE_EQ(results[0].to_double(0), 15);
  EXPECT_DOUBLE_EQ(results[1].to_double(0), 3);
}

std::unique_ptr<Graph> bump() {
  return make_graph({"f64[3]"}, [](Build&, const Values& in) -> Values {
    return {reduce_sum(sin(in[0]) * exp(-(in[0] * in[0])), {0})};
  });
}

TEST(Nesting, GradientOfGradientHasTheClosedForm) {
  auto f = make_graph({"f64[]"},
                      [](Build&, const Values& in) -> Values { return {sin(in[0]) * in[0]}; });
  auto second = gradient(*gradient(*f, core_ops()), core_ops(), {.output = 1});
  // (x sin x)'' = 2 cos x - x sin x
  EXPECT_NEAR(run(*second, {scalar(0.7)})[2].to_double(0), 2 * std::cos(0.7) - 0.7 * std::sin(0.7),
              1e-12);
}

TEST(Nesting, AllPairsOfModesAgreeOnAHessian) {
  auto f = bump();
  auto first = gradient(*f, core_ops());
  expect_derivatives_agree(*first);
  expect_derivatives_agree(*jvp(*f, core_ops()));
  expect_derivatives_agree(*vjp(*dense_layer(), core_ops()));
  expect_derivatives_agree(*jvp(*gradient(*first, core_ops(), {.output = 0}), core_ops()));
}

TEST(Nesting, PerExampleGradients) {
  auto loss = make_graph({"f64[4,2]", "f64[4]", "f64[2]"}, [](Build&, const Values& in) -> Values {
    Value difference = dot(in[1], in[0], {{0}, {0}}) - in[2];
    return {reduce_sum(difference * difference, {0})};
  });
  expect_vmap_is_a_loop(*gradient(*loss, core_ops()), {std::nullopt, 0, 0});
}

TEST(Nesting, GradientOfVmap) {
  auto f = make_graph({"f64[3]", "f64[3]"}, [](Build&, const Values& in) -> Values {
    return {dot(tanh(in[0]), in[1], {{0}, {0}})};
  });
  auto batched = vmap(*f, core_ops(), {.in_axes = {0, std::nullopt}, .size = 4});
  expect_derivatives_agree(*batched);
}

TEST(Vmap, MovesAxesInAndOut) {
  auto f = make_graph({"f64[2,3]"},
                      [](Build&, const Values& in) -> Values { return {reduce_sum(in[0], {0})}; });
  auto g = vmap(*f, core_ops(), {.in_axes = {-1}, .out_axes = {1}, .size = 5});
  EXPECT_EQ(g->type(g->inputs()[0]).to_string(), "f64[2,3,5]");
  EXPECT_EQ(g->type(g->outputs()[0]).to_string(), "f64[3,5]");
  verify(*g);
}

TEST(Vmap, TakesASymbolicSize) {
  auto g = vmap(*bump(), core_ops(), {.size = Dim::symbol("batch")});
  EXPECT_EQ(g->type(g->outputs()[0]).to_string(), "f64[batch]");
  auto rows = run(*g, {some_reals({4, 3}, 1)});
  EXPECT_EQ(rows[0].size(), 4);
}

TEST(Vmap, RefusesABatchedOutputWithoutAxis) {
  EXPECT_THROW(vmap(*bump(), core_ops(), {.out_axes = {std::nullopt}, .size = 2}), Error);
}

}  // namespace
}  // namespace tenon
