#include "tenon/tensor/transforms.h"

#include <gmock/gmock.h>

#include <cmath>

#include "tenon/graph/text.h"
#include "tenon/tensor/numpy.h"
#include "tests/tensor/values.h"

namespace tenon {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pointwise;

void expect_near(const Tensor& actual, std::vector<double> expected) {
  EXPECT_THAT(values_of(actual), Pointwise(DoubleNear(1e-5), expected));
}

Tensor bump(const Tensor& x) { return sum(sin(x) * exp(-x * x)); }
double bump_slope(double x) { return std::exp(-x * x) * (std::cos(x) - 2 * x * std::sin(x)); }

struct Layer {
  Tensor weight, bias;
};
struct Model {
  Layer hidden;
  std::vector<Tensor> scales;
  int64_t steps = 0;
};

TEST(Grad, IsTheDerivative) {
  auto df = grad([](Tensor x) { return bump(x); });
  expect_near(df(Tensor{0.5, 1.0, 2.0}), {bump_slope(0.5), bump_slope(1), bump_slope(2)});
}

TEST(Grad, TakesNumbers) {
  expect_near(grad([](Tensor x) { return x * x * x; })(2.0), {12});
}

TEST(Grad, OfTrees) {
  Model model{{Tensor{{1, 2}, {3, 4}}, Tensor{0.5, 0.5}}, {Tensor(2.0)}, 3};
  auto loss = [](const Model& m, Tensor x) {
    Tensor y = matmul(x, m.hidden.weight) + m.hidden.bias;
    return sum(y * m.scales[0]) * static_cast<double>(m.steps);
  };
  auto [value, gradient] = value_and_grad(loss)(model, Tensor{1, 1});
  expect_near(value, {(4.5 + 6.5) * 6});
  expect_near(gradient.hidden.weight, {6, 6, 6, 6});
  expect_near(gradient.hidden.bias, {6, 6});
  expect_near(gradient.scales[0], {33});
  EXPECT_EQ(gradient.steps, 3);
}

TEST(Grad, OfNamedTreesWithAuxiliaryResults) {
  Tree parameters;
  parameters["a.weight"] = Tensor{2, 3};
  auto loss = [](const Tree& p, Tensor x) {
    Tensor y = p["a.weight"] * x;
    return std::pair{sum(y), y};
  };
  auto [value, gradient] = value_and_grad(loss)(parameters, Tensor{5, 7});
  expect_near(value.first, {31});
  expect_near(value.second, {10, 21});
  expect_near(gradient.at("a.weight"), {5, 7});
}

TEST(Grad, NestsInAnyOrder) {
  auto cube = [](Tensor x) { return x * x * x; };
  expect_near(grad(grad(cube))(2.0), {12});
  expect_near(grad(grad(grad(cube)))(2.0), {6});
  expect_near(jvp(grad(cube), 2.0, 1.0).tangent, {12});
  Tensor x{1, 2, 3};
  expect_near(vmap(grad(cube))(x), {3, 12, 27});
  expect_near(vmap(grad(grad(cube)))(x), {6, 12, 18});
  auto hessian_times = [&](Tensor v) {
    return jvp(grad([](Tensor x) { return bump(x); }), x, v).tangent;
  };
  EXPECT_EQ(hessian_times(Tensor{1, 0, 0}).type().to_string(), "f32[3]");
}

TEST(Grad, SeesTensorsFromOutside) {
  Tensor outside = Tensor{1, 2} * 3.0;
  auto f = [&](Tensor x) { return sum(x * outside); };
  expect_near(grad(f)(Tensor{1, 1}), {3, 6});
  // An inner function uses an argument of the outer one.
  auto g = [](Tensor y) { return grad([&](Tensor x) { return x * x * y; })(3.0); };
  expect_near(grad(g)(5.0), {6});
}

TEST(Grad, ErrorsSayWhatIsWrong) {
  EXPECT_THAT(error_of([] { grad([](Tensor x) { return x * x; })(Tensor{1, 2}); }),
              HasSubstr("returns f32[2], not a floating scalar"));
  EXPECT_THAT(error_of([] { grad([](Tensor x) { return sum(x); })(arange(3)); }),
              HasSubstr("no floating tensor"));
  std::string text =
      error_of([] { grad([](Tensor x) { return x.item() > 0 ? sum(x) : -sum(x); })(Tensor{1.0}); });
  EXPECT_THAT(text, HasSubstr("is not known yet"));
  EXPECT_THAT(text, HasSubstr("argument '0'"));
  EXPECT_THAT(text, HasSubstr("cond"));
}

TEST(Grad, ArgumentsThatEscapeAreAnError) {
  Tensor stolen;
  grad([&](Tensor x) {
    stolen = x;
    return sum(x);
  })(Tensor{1, 2});
  EXPECT_THAT(error_of([&] { stolen.eval(); }), HasSubstr("not known yet"));
  EXPECT_THAT(error_of([&] { grad([&](Tensor x) { return sum(x * stolen); })(Tensor{1, 2}); }),
              HasSubstr("outside of its function"));
}

TEST(Jvp, PushesATangent) {
  auto result = jvp([](Tensor x) { return std::pair{x * x, sum(x)}; }, Tensor{1, 2}, Tensor{1, 10});
  expect_near(result.value.first, {1, 4});
  expect_near(result.tangent.first, {2, 40});
  expect_near(result.tangent.second, {11});
}

TEST(Vjp, PullsCotangents) {
  auto [value, pull] = vjp([](Tensor x) { return x * x; }, Tensor{1, 2});
  expect_near(value, {1, 4});
  expect_near(pull(Tensor{1, 0}), {2, 0});
  expect_near(pull(Tensor{0, 1}), {0, 4});
  EXPECT_THAT(error_of([&pull = pull] { pull(Tensor{1}); }), HasSubstr("its cotangent f32[1]"));
}

TEST(Vmap, MapsOverAxes) {
  auto f = [](Tensor row, Tensor vector) { return sum(row * vector); };
  Tensor rows{{1, 2}, {3, 4}, {5, 6}};
  expect_near(vmap(f, {.in = {0, none}})(rows, Tensor{1, 10}), {21, 43, 65});
  expect_near(vmap(f, {.in = {1, none}})(rows, Tensor{1, 1, 1}), {9, 12});
  Tensor doubled = vmap([](Tensor x) { return x * 2; }, {.in = {0}, .out = 1})(rows);
  EXPECT_EQ(doubled.type().to_string(), "f32[2,3]");
  EXPECT_THAT(error_of([&] { vmap(f)(rows, Tensor{1, 2}); }), HasSubstr("batches of 3 and 2"));
  EXPECT_THAT(error_of([&] { vmap(f, {.in = {none, none}})(rows, rows); }),
              HasSubstr("no argument is mapped"));
}

TEST(Vmap, GivesOneGradientAnExample) {
  auto loss = [](Tensor weight, Tensor x) { return square(sum(weight * x)); };
  Tensor weight{1, 2}, examples{{1, 0}, {1, 1}};
  Tensor each = vmap(grad(loss), {.in = {none, 0}})(weight, examples);
  expect_near(each, {2, 0, 6, 6});
}

TEST(Checkpoint, GivesTheSameGradient) {
  auto f = checkpoint([](Tensor x) { return sum(tanh(x) * x); });
  auto plain = [](Tensor x) { return sum(tanh(x) * x); };
  Tensor x{0.3, -0.7};
  expect_near(grad(f)(x), values_of(grad(plain)(x)));
  expect_near(f(x), values_of(plain(x)));
}

TEST(CustomVjp, ReplacesTheDerivative) {
  Tensor factor = Tensor{10, 10} * 1.0;
  auto clipped =
      custom_vjp([](Tensor x) { return x * x; }, [](Tensor x) { return std::pair{x * x, x}; },
                 [&](Tensor x, Tensor cotangent) {
                   return std::tuple{clip(cotangent * 2 * x * factor, -1, 1)};
                 });
  expect_near(clipped(Tensor{2, 3}), {4, 9});
  expect_near(grad([&](Tensor x) { return sum(clipped(x)); })(Tensor{0.01, 3}), {0.2, 1});
}

TEST(Cond, RunsOneBranch) {
  auto f = [](Tensor x) {
    return cond(sum(x) > 0, [](Tensor x) { return x * 2; }, [](Tensor x) { return -x; }, x);
  };
  expect_near(f(Tensor{1, 2}), {2, 4});
  expect_near(f(Tensor{-1, -2}), {1, 2});
  expect_near(grad([&](Tensor x) { return sum(f(x)); })(Tensor{1, 2}), {2, 2});
  expect_near(grad([&](Tensor x) { return sum(f(x)); })(Tensor{-1, -2}), {-1, -1});
}

TEST(Cond, BranchesUseTensorsFromOutside) {
  Tensor a = Tensor{1, 2} + 0.0, b = Tensor{5, 5} + 0.0;
  auto y = cond(
      Tensor(true), [&](Tensor x) { return x + a; }, [&](Tensor x) { return x + b; }, Tensor{1, 1});
  expect_near(y, {2, 3});
}

TEST(WhileLoop, RunsUntilTheConditionFails) {
  Tensor limit = Tensor(100.0) * 1.0;
  auto [steps, x] =
      while_loop([&](std::pair<Tensor, Tensor> s) { return s.second < limit; },
                 [](std::pair<Tensor, Tensor> s) { return std::pair{s.first + 1, s.second * 2}; },
                 std::pair{Tensor(0), Tensor(1.0)});
  EXPECT_EQ(steps.item_int(), 7);
  EXPECT_EQ(x.item(), 128);
}

TEST(Scan, CarriesAndStacks) {
  Tensor decay = Tensor(0.5) * 1.0;
  auto body = [&](Tensor carry, Tensor x) {
    Tensor next = carry * decay + x;
    return std::pair{next, next * 10};
  };
  auto [last, all] = scan(body, Tensor(0.0), Tensor{1, 2, 3});
  expect_near(last, {4.25});
  expect_near(all, {10, 25, 42.5});
  auto loss = [&](Tensor xs) { return scan(body, Tensor(0.0), xs).first; };
  expect_near(grad(loss)(Tensor{1, 2, 3}), {0.25, 0.5, 1});
  expect_near(scan(body, Tensor(0.0), Tensor{1, 2, 3}, true).first, {2.75});
}

TEST(Trace, RecordsAGraph) {
  Tensor weights = Tensor{1, 2, 3} * 1.0;
  FlatFunction f = [&](std::vector<Tensor> x) {
    LabelScope label("layer");
    return std::vector<Tensor>{tanh(x[0] * weights) + 1};
  };
  Type type{DType::f32, {Dim::symbol("batch"), 3}};
  Traced traced = trace(f, std::span(&type, 1), "model");
  EXPECT_EQ(traced.captures.size(), 1u);
  std::string text = to_text(*traced.graph);
  EXPECT_THAT(text, HasSubstr("graph model(%arg0: f32[batch,3], %captured0: f32[3])"));
  EXPECT_THAT(text, HasSubstr("tanh("));
  EXPECT_THAT(text, HasSubstr("@layer"));
  std::vector<Tensor> inputs = {Tensor{{1, 2, 3}}, weights};
  expect_near(apply_graph(*traced.graph, inputs)[0],
              {std::tanh(1) + 1, std::tanh(4) + 1, std::tanh(9) + 1});
}

}  // namespace
}  // namespace tenon
