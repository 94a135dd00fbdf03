// Functions of the user's own inside graphs.
#include "tenon/tensor/custom_call.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "tenon/base/log.h"
#include "tenon/graph/build.h"
#include "tenon/graph/text.h"
#include "tenon/interpret/interpret.h"
#include "tenon/ops/registry.h"
#include "tenon/runtime/executable.h"
#include "tenon/tensor/functions.h"
#include "tenon/tensor/jit.h"
#include "tenon/tensor/numpy.h"
#include "tenon/tensor/transforms.h"
#include "tests/tensor/values.h"

namespace tenon {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

/// Registers what the tests call, once a process.
void register_functions() {
  static const bool done = [] {
    register_custom_function("test.power", [](const CustomCall& call) {
      double exponent = std::stod(std::string(call.config));
      std::span<const float> x = call.inputs[0].values<float>();
      std::ranges::transform(x, call.outputs[0].values<float>().begin(), [exponent](float value) {
        return static_cast<float>(std::pow(value, exponent));
      });
    });
    register_custom_function("test.outer", [](const CustomCall& call) {
      std::span<const float> a = call.inputs[0].values<float>(), b = call.inputs[1].values<float>();
      std::span<float> products = call.outputs[0].values<float>();
      for (size_t i = 0; i < products.size(); ++i) products[i] = a[i / b.size()] * b[i % b.size()];
      call.outputs[1].values<int32_t>()[0] = static_cast<int32_t>(call.outputs[0].shape[0]);
    });
    register_custom_function("test.fails", [](const CustomCall&) {
      throw std::runtime_error("the sensor is unplugged");
    });
    register_custom_function("test.wrong_dtype",
                             [](const CustomCall& call) { call.inputs[0].values<int64_t>(); });
    return true;
  }();
  (void)done;
}

class CustomCalls : public testing::Test {
 protected:
  void SetUp() override { register_functions(); }
};

Tensor cubed(const Tensor& x) { return custom_call("test.power", {x}, x.type(), "3"); }

TEST_F(CustomCalls, RunTheFunction) {
  EXPECT_THAT(values_of(cubed(Tensor{1, 2, 3}) + 1), ElementsAre(2, 9, 28));
  std::vector<Tensor> results = custom_call_multi("test.outer", {Tensor{1, 2}, Tensor{3, 4, 5}},
                                                  {Type::parse("f32[2,3]"), Type::parse("i32[]")});
  EXPECT_THAT(values_of(results[0]), ElementsAre(3, 4, 5, 6, 8, 10));
  EXPECT_EQ(results[1].item_int(), 2);
}

TEST_F(CustomCalls, ServeEverySizeInOnePlan) {
  auto f = jit([](Tensor x) { return sum(cubed(x * 1.0)); });
  for (int64_t n = 2; n < 6; ++n) EXPECT_EQ(f(ones({n}) * 2).item(), 8.0 * static_cast<double>(n));
  EXPECT_EQ(f.compilations(), 2u);
}

constexpr const char* kText = R"(graph doubled(%x: f32[n]) -> (f32[2*n]) {
  %0: f32[n] = custom_call(%x) {config="2", results=[f32[n]], target="test.power"}  @front
  %1: f32[2*n] = concatenate(%0, %x) {axis=0}
  return %1
})";

TEST_F(CustomCalls, AreFoundByTheNameInAGraphsText) {
  auto graph = parse_graph(kText, core_ops());
  EXPECT_EQ(to_text(*graph), kText);
  Literal x = Literal::of<float>({2}, {3, 4}), wanted = Literal::of<float>({4}, {9, 16, 3, 4});
  EXPECT_EQ(interpret(*graph, {x})[0], wanted);
  EXPECT_EQ(compile(*graph, core_ops())->run({Buffer::copy_of(x)})[0].to_literal(), wanted);
}

TEST_F(CustomCalls, AnUnknownTargetIsAnErrorWithASuggestion) {
  std::string text = kText;
  text.replace(text.find("test.power"), 10, "test.powre");
  auto graph = parse_graph(text, core_ops());
  Literal x = Literal::of<float>({2}, {3, 4});
  auto says = AllOf(HasSubstr("no function 'test.powre' is registered"),
                    HasSubstr("did you mean 'test.power'?"), HasSubstr("in front"));
  EXPECT_THAT(error_of([&] { interpret(*graph, {x}); }), says);
  EXPECT_THAT(error_of([&] { compile(*graph, core_ops())->run({Buffer::copy_of(x)}); }), says);
}

TEST_F(CustomCalls, ErrorsOfTheFunctionNameTheCall) {
  LabelScope label("camera");
  Tensor x{1, 2};
  auto says = AllOf(HasSubstr("custom_call of 'test.fails': the sensor is unplugged"),
                    HasSubstr("in camera"));
  Tensor pending = custom_call("test.fails", {x}, x.type());
  EXPECT_THAT(error_of([&] { pending.eval(); }), says);
  EXPECT_THAT(error_of([&] { pending.eval(); }), says);  // still pending
  EXPECT_THAT(error_of([&] { custom_call("test.wrong_dtype", {x}, x.type()).eval(); }),
              HasSubstr("custom_call of 'test.wrong_dtype': the values of an array of f32 were "
                        "requested as i64"));
  EXPECT_THAT(error_of([&] { custom_call_multi("test.power", {x}, {}); }),
              HasSubstr("has no results"));
}

TEST_F(CustomCalls, ATargetHasOneFunction) {
  auto nothing = [](const CustomCall&) {};
  EXPECT_THAT(error_of([&] { register_custom_function("test.power", nothing); }),
              HasSubstr("'test.power' is already registered"));
  EXPECT_THAT(error_of([&] { register_custom_function("test.empty", {}); }),
              HasSubstr("'test.empty' is empty"));
}

TEST_F(CustomCalls, HaveTheDerivativeThatIsStatedForThem) {
  auto refused = [](Tensor x) { return sum(cubed(x)); };
  auto says = AllOf(HasSubstr("custom_call"), HasSubstr("has no derivative"),
                    HasSubstr("test.power"), HasSubstr("hint: wrap the call in custom_vjp"));
  EXPECT_THAT(error_of([&] { grad(refused)(Tensor{1, 2}); }), says);
  EXPECT_THAT(error_of([&] { jvp(refused, Tensor{1, 2}, Tensor{1, 0}); }), says);
  EXPECT_THAT(values_of(grad([](Tensor x) { return sum(x * cubed(stop_gradient(x))); })(Tensor{2})),
              ElementsAre(8));

  auto differentiable = custom_vjp(
      cubed, [](Tensor x) { return std::pair{cubed(x), std::vector<Tensor>{x}}; },
      [](const std::vector<Tensor>& kept, Tensor cotangent) {
        return std::tuple{3 * square(kept[0]) * cotangent};
      });
  auto loss = [&](Tensor x) { return sum(differentiable(x)); };
  EXPECT_THAT(values_of(grad(loss)(Tensor{1, 2})), ElementsAre(3, 12));
  EXPECT_THAT(values_of(jit(grad(loss))(Tensor{1, 2})), ElementsAre(3, 12));
}

TEST_F(CustomCalls, AreMappedInALoop) {
  std::string said;
  set_log_sink([&](LogLevel, std::string_view text) { said += text; });
  auto rows = vmap(
      [](Tensor a, Tensor b) {
        return custom_call_multi("test.outer", {a, b},
                                 {Type::parse("f32[2,2]"), Type::parse("i32[]")});
      },
      {.in = {0, none}});
  std::vector<Tensor> results = rows(Tensor{{1, 2}, {3, 4}}, Tensor{1, 10});
  set_log_sink(nullptr);
  EXPECT_THAT(said, HasSubstr("custom_call has no batching rule"));
  EXPECT_THAT(values_of(results[0]), ElementsAre(1, 10, 2, 20, 3, 30, 4, 40));
  EXPECT_THAT(values_of(results[1]), ElementsAre(2, 2));
}

}  // namespace
}  // namespace tenon
