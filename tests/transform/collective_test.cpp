// What vmap over a named axis makes of collectives: values, derivatives, regions, errors.
#include <gmock/gmock.h>

#include "support.h"
#include "tenon/base/error.h"
#include "tenon/runtime/executable.h"
#include "tenon/transform/jvp.h"
#include "tenon/transform/vjp.h"
#include "tenon/transform/vmap.h"
#include "tests/support.h"

namespace tenon {
namespace {

using namespace test;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

BatchingOptions over(const char* axis, const Dim& size) {
  return {.size = size, .axis_name = axis};
}

Attributes on(const char* axis, Attributes attributes = {}) {
  attributes.set("axis_name", axis);
  return attributes;
}

/// x0 of `type` through one collective over "data".
std::unique_ptr<Graph> call(const char* op, const char* type, Attributes attributes) {
  return make_graph({type}, [&](Build& b, const Values& in) -> Values {
    return {b.call(op, {in[0]}, on("data", attributes))};
  });
}

/// The same for participants that hold the rows of `x`.
std::vector<double> on_rows(const char* op, const char* type, const Attributes& attributes,
                            const Literal& x) {
  auto mapped = vmap(*call(op, type, attributes), core_ops(), over("data", x.shape()[0]));
  return numbers(run(*mapped, {x})[0]);
}

TEST(Collective, AllReduceCombines) {
  Literal x = reals({3, 2}, {1, 7, 2, -8, 6, 4});
  auto reduced = [&](const char* kind) {
    return on_rows("all_reduce", "f64[2]", {{"kind", kind}}, x);
  };
  EXPECT_THAT(reduced("sum"), ElementsAre(9, 3, 9, 3, 9, 3));
  EXPECT_THAT(reduced("mean"), ElementsAre(3, 1, 3, 1, 3, 1));
  EXPECT_THAT(reduced("max"), ElementsAre(6, 7, 6, 7, 6, 7));
  EXPECT_THAT(reduced("min"), ElementsAre(1, -8, 1, -8, 1, -8));
}

TEST(Collective, PartsAreGatheredScatteredAndExchanged) {
  Literal x = reals({2, 4}, {1, 2, 3, 4, 10, 20, 30, 40});
  Attributes two{{"size", Shape{2}}};
  EXPECT_THAT(on_rows("all_gather", "f64[4]", two, x),
              ElementsAre(1, 2, 3, 4, 10, 20, 30, 40, 1, 2, 3, 4, 10, 20, 30, 40));
  EXPECT_THAT(on_rows("reduce_scatter", "f64[4]", two, x), ElementsAre(11, 22, 33, 44));
  Attributes exchange{{"size", Shape{2}}, {"split_axis", 0}, {"concat_axis", 0}};
  EXPECT_THAT(on_rows("all_to_all", "f64[4]", exchange, x),
              ElementsAre(1, 2, 10, 20, 3, 4, 30, 40));
  // Rows of a matrix that is spread by rows become columns of one that is spread by columns.
  exchange.set("concat_axis", 0);
  exchange.set("split_axis", 1);
  EXPECT_THAT(on_rows("all_to_all", "f64[1,4]", exchange, x.reshaped({2, 1, 4})),
              ElementsAre(1, 2, 10, 20, 3, 4, 30, 40));
}

TEST(Collective, PermuteSendsRoundTheRingOrInPairs) {
  Literal x = reals({3}, {1, 2, 3});
  auto sent = [&](Attributes attributes) {
    return on_rows("collective_permute", "f64[]", attributes, x);
  };
  EXPECT_THAT(sent({{"shift", 1}}), ElementsAre(3, 1, 2));
  EXPECT_THAT(sent({{"shift", -1}}), ElementsAre(2, 3, 1));
  EXPECT_THAT(sent({{"shift", 7}}), ElementsAre(3, 1, 2));
  EXPECT_THAT(sent({{"pairs", Integers{0, 2, 2, 0}}}), ElementsAre(3, 0, 1));
}

TEST(Collective, TheSizeMayBeASymbol) {
  Dim n = Dim::symbol("n");
  auto f = make_graph({"f64[]"}, [&](Build& b, const Values& in) -> Values {
    Value gathered = b.call("all_gather", {reshape(in[0], {1})}, on("data", {{"size", Shape{n}}}));
    Value next = b.call("collective_permute", {in[0]}, on("data", {{"shift", 1}}));
    Value swapped =
        b.call("collective_permute", {in[0]}, on("data", {{"pairs", Integers{0, 1, 1, 0}}}));
    Value sum = b.call("all_reduce", {in[0]}, on("data"));
    Value mean = b.call("all_reduce", {in[0]}, on("data", {{"kind", "mean"}}));
    return {gathered, next, swapped, sum, mean};
  });
  auto mapped = vmap(*f, core_ops(), over("data", n));
  auto results = run(*mapped, {reals({3}, {1, 2, 6})});
  EXPECT_THAT(numbers(results[0]), ElementsAre(1, 2, 6, 1, 2, 6, 1, 2, 6));
  EXPECT_THAT(numbers(results[1]), ElementsAre(6, 1, 2));
  EXPECT_THAT(numbers(results[2]), ElementsAre(2, 1, 0));
  EXPECT_THAT(numbers(results[3]), ElementsAre(9, 9, 9));
  EXPECT_THAT(numbers(results[4]), ElementsAre(3, 3, 3));
}

TEST(Collective, WhatAllHoldIsCountedForEach) {
  auto f = make_graph({"f64[2]"}, [](Build& b, const Values& in) -> Values {
    Value sum = b.call("all_reduce", {in[0]}, on("data"));
    Value mean = b.call("all_reduce", {in[0]}, on("data", {{"kind", "mean"}}));
    Value whole = b.call("all_gather", {in[0]}, on("data", {{"size", Shape{3}}}));
    Value number = b.call("axis_index", {}, on("data"));
    return {sum, mean, whole, number};
  });
  auto shared = vmap(*f, core_ops(),
                     {.in_axes = {std::nullopt},
                      .out_axes = {std::nullopt, std::nullopt, std::nullopt, 0},
                      .size = 3,
                      .axis_name = "data"});
  auto results = run(*shared, {reals({2}, {1, 5})});
  EXPECT_THAT(numbers(results[0]), ElementsAre(3, 15));
  EXPECT_THAT(numbers(results[1]), ElementsAre(1, 5));
  EXPECT_THAT(numbers(results[2]), ElementsAre(1, 5, 1, 5, 1, 5));
  EXPECT_THAT(numbers(results[3]), ElementsAre(0, 1, 2));
}

/// Every sample of every collective, with three participants in place of one.
struct Case {
  std::string name;
  std::unique_ptr<Graph> graph;
};
std::vector<Case> cases_of_three() {
  std::vector<Case> cases;
  for (const auto& op : core_ops().all()) {
    if (!op->is_collective || op->inputs.empty()) continue;
    for (const Sample& sample : op->samples) {
      Type type = Type::parse(sample.inputs);
      if (!is_floating(type.dtype)) continue;
      type = {DType::f64, Shape::of(type.shape.evaluate({{"n", 3}}))};
      Attributes attributes = sample.attributes;
      attributes.set("size", Shape{3});
      cases.push_back({op->name + " of " + type.to_string() + " " + attributes.to_string(),
                       make_graph({type.to_string()}, [&](Build& b, const Values& in) -> Values {
                         return b.call_multi(*op, in, attributes);
                       })});
    }
  }
  return cases;
}

double product(const Literal& a, const Literal& b) {
  double sum = 0;
  for (int64_t i = 0; i < a.size(); ++i) sum += a.to_double(i) * b.to_double(i);
  return sum;
}

Literal moved(const Literal& x, const Literal& direction, double step) {
  Literal result = x;
  for (int64_t i = 0; i < x.size(); ++i)
    result.set_double(i, x.to_double(i) + step * direction.to_double(i));
  return result;
}

TEST(Collective, DerivativesTakenBeforeMappingAgreeWithFiniteDifferences) {
  constexpr double kStep = 1e-5;
  for (const Case& sample : cases_of_three()) {
    SCOPED_TRACE(sample.name);
    auto mapped = vmap(*sample.graph, core_ops(), over("data", 3));
    Literal x = some_inputs(*mapped)[0], u = some_reals(x.shape(), 11);
    Literal y = run(*mapped, {x})[0], v = some_reals(y.shape(), 12);
    double numeric = (product(v, run(*mapped, {moved(x, u, kStep)})[0]) -
                      product(v, run(*mapped, {moved(x, u, -kStep)})[0])) /
                     (2 * kStep);
    auto forward = vmap(*jvp(*sample.graph, core_ops()), core_ops(), over("data", 3));
    auto backward = vmap(*vjp(*sample.graph, core_ops()), core_ops(), over("data", 3));
    EXPECT_NEAR(product(v, run(*forward, {x, u})[1]), numeric, 1e-6);
    EXPECT_NEAR(product(u, run(*backward, {x, v})[1]), numeric, 1e-6);
    expect_derivatives_agree(*mapped);
  }
}

TEST(Collective, CommutesWithOtherMappings) {
  for (const Case& sample : cases_of_three()) {
    SCOPED_TRACE(sample.name);
    BatchingOptions participants{.in_axes = {1}, .out_axes = {1}, .size = 3, .axis_name = "data"};
    auto inside = vmap(*vmap(*sample.graph, core_ops(), over("data", 3)), core_ops(), {.size = 2});
    auto outside =
        vmap(*vmap(*sample.graph, core_ops(), over("other", 2)), core_ops(), participants);
    std::vector<Literal> inputs = some_inputs(*inside);
    expect_near(run(*outside, inputs)[0], run(*inside, inputs)[0]);
  }
}

TEST(Collective, WorksInRegions) {
  auto body = make_region({"f64[]", "f64[]"}, [](Build& b, const Values& in) -> Values {
    Value number = cast(b.call("axis_index", {}, on("data")), DType::f64);
    Value next = b.call("collective_permute", {in[0] + number}, on("data", {{"shift", 1}}));
    return {next, b.call("all_reduce", {next}, on("data")) * in[1]};
  });
  auto f = make_graph({"f64[2]"}, [&](Build& b, const Values& in) -> Values {
    Value zero = b.full({DType::f64, {}}, 0);
    return b.call_multi(core_ops().get("scan"), std::vector{zero, in[0]},
                        {{"body", body}, {"carries", 1}, {"length", Shape{2}}});
  });
  auto mapped =
      vmap(*f, core_ops(),
           {.in_axes = {std::nullopt}, .out_axes = {0, 0}, .size = 3, .axis_name = "data"});
  // The carries are 0, 0, 0, then 2, 0, 1, then 3, 2, 1: each gets its neighbour's plus number.
  auto results = run(*mapped, {reals({2}, {1, 10})});
  EXPECT_THAT(numbers(results[0]), ElementsAre(3, 2, 1));
  EXPECT_THAT(numbers(results[1]), ElementsAre(3, 60, 3, 60, 3, 60));
  expect_derivatives_agree(*mapped);

  auto rematerialised = make_graph({"f64[2]"}, [&](Build& b, const Values& in) -> Values {
    auto inner = make_region({"f64[2]"}, [](Build& c, const Values& x) -> Values {
      return {sin(c.call("all_reduce", {x[0] * x[0]}, on("data")))};
    });
    return b.call_multi(core_ops().get("call"), in, {{"body", inner}, {"remat", true}});
  });
  expect_derivatives_agree(*vmap(*rematerialised, core_ops(), over("data", 3)));
  auto gradient = vjp(*rematerialised, core_ops());
  auto each = vmap(*gradient, core_ops(), over("data", 3));
  std::vector<Literal> inputs = some_inputs(*each);
  auto whole = vjp(*vmap(*rematerialised, core_ops(), over("data", 3)), core_ops());
  expect_near(run(*each, inputs)[1], run(*whole, inputs)[1]);
}

TEST(Collective, CompilesToWhatTheReferenceGives) {
  for (const Case& sample : cases_of_three()) {
    SCOPED_TRACE(sample.name);
    auto mapped = vmap(*vjp(*sample.graph, core_ops()), core_ops(), over("data", 3));
    std::vector<Literal> inputs = some_inputs(*mapped), wanted = run(*mapped, inputs);
    std::vector<Buffer> buffers;
    for (const Literal& input : inputs) buffers.push_back(Buffer::copy_of(input));
    std::vector<Buffer> results = compile(*mapped, core_ops())->run(std::move(buffers));
    for (size_t i = 0; i < wanted.size(); ++i) expect_near(results[i].to_literal(), wanted[i]);
  }
}

TEST(Collective, AnAxisThatNothingBindsIsAnError) {
  auto f = make_graph({"f64[2]"}, [](Build& b, const Values& in) -> Values {
    b.set_label("encoder.sync");
    return {b.call("all_reduce", {in[0]}, on("data"))};
  });
  auto says = AllOf(HasSubstr("all_reduce: axis 'data' is not bound"), HasSubstr("vmap(f, {.axis_"),
                    HasSubstr("in encoder.sync"));
  EXPECT_THAT(error_of([&] { interpret(*f, {reals({2}, {1, 2})}); }), says);
  EXPECT_THAT(error_of([&] { compile(*f, core_ops()); }), says);
  auto other = vmap(*f, core_ops(), over("model", 2));
  EXPECT_THAT(error_of([&] { compile(*other, core_ops()); }), says);
}

TEST(Collective, OneParticipantIsLeftAlone) {
  auto f = call("reduce_scatter", "f64[2]", {{"size", Shape{1}}});
  Literal x = reals({2}, {1, 2});
  EXPECT_EQ(interpret(*f, {x})[0], x);
  auto executable = compile(*f, core_ops());
  EXPECT_EQ(executable->run({Buffer::copy_of(x)})[0].to_literal(), x);
  EXPECT_THAT(executable->report().text, testing::Not(HasSubstr("reference")));
}

TEST(Collective, CallsThatDoNotFitSaySo) {
  auto called = [](const char* op, const char* type, Attributes attributes) {
    return error_of([&] { call(op, type, attributes); });
  };
  EXPECT_THAT(called("all_gather", "f64[2]", {}),
              AllOf(HasSubstr("all_gather: the size of axis 'data' is not known"),
                    HasSubstr("or give the size")));
  EXPECT_THAT(called("reduce_scatter", "f64[5]", {{"size", Shape{2}}}),
              HasSubstr("reduce_scatter: axis 0 of f64[5] does not divide into 2 parts"));
  EXPECT_THAT(called("all_reduce", "f64[5]", {{"kind", "maximum"}}),
              AllOf(HasSubstr("there is no kind 'maximum'"), HasSubstr("max")));
  EXPECT_THAT(called("all_reduce", "i32[5]", {{"kind", "mean"}}),
              HasSubstr("the mean of i32[5] is not an integer"));
  EXPECT_THAT(called("all_reduce", "f64[5]", {{"size", Shape{0}}}),
              HasSubstr("size is [0]; it must be at least 1"));
  auto pairs = [&](Integers numbers) {
    return called("collective_permute", "f64[]", {{"pairs", numbers}, {"size", Shape{3}}});
  };
  EXPECT_THAT(pairs({0, 1, 2}), HasSubstr("3 numbers"));
  EXPECT_THAT(pairs({0, 1, 1, 1}), HasSubstr("1 is a target twice"));
  EXPECT_THAT(pairs({0, 1, 0, 2}), HasSubstr("0 is a source twice"));
  EXPECT_THAT(pairs({0, 3}), HasSubstr("target 3 is not one of the 3 participants"));
  EXPECT_THAT(called("collective_permute", "f64[]", {{"pairs", Integers{-1, 0}}}),
              HasSubstr("source -1 is not one of the participants"));
  auto of_four = call("all_gather", "f64[2]", {{"size", Shape{4}}});
  EXPECT_THAT(error_of([&] { vmap(*of_four, core_ops(), over("data", 3)); }),
              HasSubstr("all_gather: axis 'data' has 3 participants, not 4"));
}

}  // namespace
}  // namespace tenon
