#include "tenon/nn/scope.h"

#include <gmock/gmock.h>

#include "tenon/tensor/jit.h"
#include "tenon/tensor/numpy.h"
#include "tests/support.h"

namespace tenon::nn {
namespace {

using testing::HasSubstr;

Tensor counting(const Scope& s, const Tensor& x) {
  Tensor steps = s.state("steps", {}, 0);
  s.set_state("steps", steps + 1);
  return x + steps;
}

TEST(Scope, StateIsCarriedFromCallToCall) {
  Variables v = init(counting, {Type::parse("f32[2]")}, 0);
  auto step = jit([](const Tree& state, Tensor x) {
    return apply_training(counting, Variables{{}, state}, Tensor(), x);
  });
  for (int i = 0; i < 3; ++i) v.state = step(v.state, Tensor{0, 0}).second;
  EXPECT_EQ(v.state.at("steps").item(), 3);
}

TEST(Scope, LayersAtOnePathSeeEachOthersState) {
  auto twice = [](Scope s, Tensor x) { return counting(s, counting(s, x)); };
  Variables v = init(twice, {Type::parse("f32[2]")}, 0);
  auto [y, state] = apply_training(twice, v, Tensor(), Tensor{0, 0});
  EXPECT_EQ(state.at("steps").item(), 2);
  EXPECT_EQ(y.item(0), 1);
}

TEST(Scope, StateIsNotSetInsideAScan) {
  auto model = [](Scope s, Tensor xs) {
    auto body = [&](Tensor carry, Tensor x) { return std::pair{carry, counting(s / "part", x)}; };
    return scan(body, Tensor(0.0), xs).second;
  };
  auto says = HasSubstr("part.steps: state cannot be set inside scan, cond, while_loop");
  EXPECT_THAT(error_of([&] { init(model, {Type::parse("f32[2]")}, 0); }), says);
  Variables v;
  v.state["part.steps"] = Tensor(0.0);
  EXPECT_THAT(error_of([&] { apply_training(model, v, Tensor(), Tensor{1, 2}); }), says);
}

}  // namespace
}  // namespace tenon::nn
