#include "tenon/tensor/transforms.h"
#include "tenon/tensor/tracing.h"

#include <gmock/gmock.h>

#include <cmath>

#include "tenon/graph/text.h"
#include "tenon/ops/registry.h"
#include "tenon/runtime/executable.h"
#include "tenon/tensor/jit.h"
#include "tenon/tensor/numpy.h"
#include "tenon/transform/vjp.h"
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

TEST(Grad, OfALineHasTheDTypeOfItsArgument) {
  Tensor slope = grad([](Tensor x) { return x * 3; })(full({}, 2, DType::f32));
  EXPECT_EQ(slope.item(), 3);
  EXPECT_EQ((slope * full({2}, 1, DType::f16)).dtype(), DType::f32) << "it is no bare number";
}

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
              HasSubstr("no floating-point tensor"));
  std::string text =
      error_of([] { grad([](Tensor x) { return x.item() > 0 ? sum(x) : -sum(x); })(Tensor{1.0}); });
  EXPECT_THAT(text, HasSubstr("is not known yet"));
  EXPECT_THAT(text, HasSubstr("argument '0'"));
  EXPECT_THAT(text, HasSubstr("cond"));
  auto second = [](Tensor x, Tensor y) { return sum(x) * (sum(y * y).item() > 0 ? 1 : -1); };
  EXPECT_THAT(error_of([&] { grad(second)(Tensor{1.0}, Tensor{2.0}); }),
              HasSubstr("depends on argument '1'"));
  EXPECT_THAT(error_of([] { vmap([](Tensor x) { return x; }, {.in = {3}})(Tensor{1.0}); }),
              HasSubstr("vmap: axis 3 of argument '0' is out of range: it is f32[1]"));
  EXPECT_THAT(error_of([] { remat([](Tensor x) { return x; })(Tensor()); }),
              HasSubstr("argument '0': the tensor has no value"));
}

TEST(Grad, ArgumentsThatEscapeAreAnError) {
  Tensor stolen;
  grad([&](Tensor x) {
    stolen = x;
    return sum(x);
  })(Tensor{1, 2});
  EXPECT_THAT(error_of([&] { stolen.eval(); }),
              HasSubstr("f32[2] argument '0' was made inside a function that was traced and has "
                        "returned"));
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

TEST(Grad, ByChosenArguments) {
  auto f = [](Tensor x, int power, Layer layer, Tensor y) {
    for (int i = 0; i < power; ++i) x = x * layer.weight;
    return sum(x * y + layer.bias);
  };
  Tensor x{1, 2}, y{3, 4};
  Layer layer{Tensor{2, 2}, Tensor{0, 0}};
  expect_near(grad<3>(f)(x, 2, layer, y), {4, 8});
  auto [value, gradients] = value_and_grad<0, 2>(f)(x, 2, layer, y);
  expect_near(value, {44});
  auto& [by_x, by_layer] = gradients;
  expect_near(by_x, {12, 16});
  expect_near(by_layer.weight, {12, 32});
  expect_near(by_layer.bias, {1, 1});
  expect_near(grad<1>([](Tensor x, Tensor y) { return x * y; })(3.0, 4.0), {3});
}

TEST(Grad, OfHalfPrecisionParametersAndCasts) {
  for (DType half : {DType::f16, DType::bf16}) {
    // Weights are kept in f32 and used in half precision, as mixed precision training does.
    auto loss = [half](Tensor w, Tensor x) {
      Tensor y = gelu(matmul(x.cast(half), w.cast(half)) * 2);
      return mean(square(softmax(y))).cast(DType::f32);
    };
    Tensor w{{0.5, -1, 2}, {1, 0.25, 0}}, x{{1, 2}, {-1, 0.5}};
    auto exact = [](Tensor w, Tensor x) { return mean(square(softmax(gelu(matmul(x, w) * 2)))); };
    Tensor gradient = grad(loss)(w, x);
    EXPECT_EQ(gradient.dtype(), DType::f32);
    EXPECT_THAT(values_of(gradient), Pointwise(DoubleNear(2e-2), values_of(grad(exact)(w, x))));
    auto bump_of_half = grad([](Tensor x) { return bump(x); })(Tensor{0.5, 1}.cast(half));
    EXPECT_THAT(values_of(bump_of_half),
                Pointwise(DoubleNear(1e-2), std::vector{bump_slope(0.5), bump_slope(1)}));
  }
}

TEST(Transforms, FunctionsOfSeveralArguments) {
  auto f = [](Tensor x, Tensor y) { return x * y; };
  Tensor x{1, 2}, y{3, 4};
  auto [value, pull] = vjp(f, x, y);
  auto [by_x, by_y] = pull(Tensor{1, 10});
  expect_near(value, {3, 8});
  expect_near(by_x, {3, 40});
  expect_near(by_y, {1, 20});
  auto pushed = jvp(f, std::tuple{x, y}, std::tuple{Tensor{1, 0}, Tensor{0, 1}});
  expect_near(pushed.tangent, {3, 2});
  expect_near(jvp(f, std::tuple{x, 3.0}, std::tuple{Tensor{0, 0}, 1.0}).tangent, {1, 2});
  auto first = [](std::tuple<Tensor, Tensor> both) { return std::get<0>(both) * 2; };
  expect_near(jvp(first, std::tuple{x, y}, std::tuple{x, y}).tangent, {2, 4});
}

TEST(Jacobian, BothModesAgree) {
  auto f = [](Tensor x, double scale) { return sin(x.slice(0, 0, 2)) * sum(x) * scale; };
  Tensor x{0.5, 1, 2};
  Tensor by_rows = jacobian(f)(x, 2.0), by_columns = jacobian_forward(f)(x, 2.0);
  EXPECT_EQ(by_rows.type().to_string(), "f32[2,3]");
  expect_near(by_columns, values_of(by_rows));
  expect_near(by_rows[{0, 1}], {2 * std::sin(0.5)});
  auto product = [](Tensor x) { return matmul(x, Tensor{{1, 2, 3}, {4, 5, 6}}); };
  EXPECT_EQ(jacobian(product)(ones({4, 2})).type().to_string(), "f32[4,3,4,2]");
  EXPECT_EQ(jacobian(f)(x.cast(DType::f64), 2.0).dtype(), DType::f64);
}

TEST(Hessian, OfAScalarFunction) {
  auto f = [](Tensor x) { return sum(x * x * x) + prod(x); };
  expect_near(hessian(f)(Tensor{1, 2}), {6, 1, 1, 12});
  auto rows = vmap(hessian(f))(Tensor{{1, 2}, {3, 4}});
  expect_near(rows[1], {18, 1, 1, 24});
  auto fast = jit(hessian(f));
  for (int64_t n : {2, 3, 4}) EXPECT_EQ(fast(ones({n})).item(0), 6);
  EXPECT_EQ(fast.compilations(), 2u);
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
  auto f = remat([](Tensor x) { return sum(tanh(x) * x); });
  auto plain = [](Tensor x) { return sum(tanh(x) * x); };
  Tensor x{0.3, -0.7};
  expect_near(grad(f)(x), values_of(grad(plain)(x)));
  expect_near(f(x), values_of(plain(x)));
}

TEST(Checkpoint, TakesLessMemory) {
  auto block = [](Tensor x, Tensor w) {
    for (int i = 0; i < 4; ++i) x = tanh(matmul(x, w) * 0.5 + x);
    return x;
  };
  auto peak = [&](auto layer) {
    auto loss = [&](std::vector<Tensor> in) {
      Tensor x = in[0];
      for (int i = 0; i < 8; ++i) x = layer(x, in[1][i]);
      return std::vector<Tensor>{sum(x)};
    };
    std::vector<Type> types = {Type::parse("f32[1024,16]"), Type::parse("f32[8,16,16]")};
    auto gradients = gradient(*trace(loss, types).graph, core_ops(), {.wrt = {size_t{1}}});
    return compile(*gradients, core_ops())->report().peak_bytes;
  };
  EXPECT_LT(peak(remat(block)) * 2, peak(block));
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

TEST(Cond, OfABatchLeaksNothingFromTheBranchThatIsNotTaken) {
  auto f = [](Tensor x) {
    return cond(x > 0, [](Tensor x) { return sqrt(x); }, [](Tensor x) { return 0 * x; }, x);
  };
  auto slopes = grad([&](Tensor xs) { return sum(vmap(f)(xs)); });
  expect_near(slopes(Tensor{0.0}), {0});
  expect_near(slopes(Tensor{0.0, 4.0, -1.0}), {0, 0.25, 0});
  expect_near(jit(slopes)(Tensor{0.0, 4.0, -1.0}), {0, 0.25, 0});
  expect_near(jit(slopes)(zeros({0})), {});
}

TEST(Cond, OfABatchDoesNotRunALoopThatNobodyEnters) {
  auto halved = [](Tensor x) {  // never done below 0
    return while_loop([](Tensor x) { return x > 1 || x < 0; },
                      [](Tensor x) { return where(x < 0, x, x / 2); }, x);
  };
  auto f = [&](Tensor x) { return cond(x > 0, halved, [](Tensor x) { return -x; }, x); };
  expect_near(vmap(f)(Tensor{5.0, -1.0, 3.0}), {0.625, 1, 0.75});
  expect_near(vmap(f)(Tensor{-5.0, -1.0}), {5, 1});
  expect_near(jit(vmap(vmap(f)))(Tensor({{5.0, -1.0}, {-3.0, -4.0}})), {0.625, 1, 3, 4});
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

TEST(WhileLoop, DoesNotCopyWhatItCaptures) {
  Tensor table = (zeros(Shape{1000}) + 2.0).eval();
  auto f = [&](Tensor x) {
    return while_loop([&](Tensor s) { return sum(s) < sum(table); },
                      [&](Tensor s) { return s * 3 + slice_axis(table, 0, 0, 2); }, x);
  };
  expect_near(f(Tensor{0.0, 1.0}), {728, 1457});
  expect_near(vmap(f)(Tensor{{0.0, 1.0}, {2000.0, 0.0}}), {728, 1457, 2000, 0});
  auto [value, tangent] = jvp(f, Tensor{0.0, 1.0}, Tensor{1.0, 2.0});
  expect_near(value, {728, 1457});
  expect_near(tangent, {729, 1458});
  // What is captured goes in as it is, and comes out of nothing.
  auto flat = [&](std::vector<Tensor> x) { return std::vector<Tensor>{f(x[0])}; };
  Traced traced = trace(flat, std::vector<Type>{Type::parse("f32[2]")});
  for (const Node& node : traced.graph->nodes()) {
    if (node.op->name != "while") continue;
    EXPECT_EQ(node.attributes.integer("constants"), 1);
    EXPECT_EQ(node.outputs.size(), 1u);
  }
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
  auto f = [&](std::vector<Tensor> x) {
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
