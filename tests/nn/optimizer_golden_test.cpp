// Ten steps of every optimiser, and the rates of schedules, against PyTorch in float64, or against
// the algorithms of the papers: tests/reference/make_nn_golden.py says what the problem is.
#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "tenon/nn/lbfgs.h"
#include "tenon/nn/optimizer.h"
#include "tenon/nn/plateau.h"
#include "tenon/tensor/numpy.h"
#include "tenon/tensor/transforms.h"
#include "tests/nn/golden_file.h"

namespace tenon::nn {
namespace {

Tensor read(const std::string& key, DType dtype) {
  return Tensor(golden_file("optimizers").read(key)).cast(dtype);
}

Tree start(DType dtype) {
  Tree parameters;
  for (const char* name : {"w", "b"})
    parameters.set(name, read(std::string("initial/") + name, dtype));
  return parameters;
}

std::function<Tensor(const Tree&)> problem(DType dtype) {
  return [x = read("x", dtype), y = read("y", dtype)](const Tree& p) {
    return mean(square(tanh(matmul(x, p.at("w")) + p.at("b")) - y));
  };
}

std::map<std::string, Optimizer> optimizers() {
  return {
      {"sgd", sgd({.learning_rate = 0.2, .weight_decay = 0.1})},
      {"momentum", sgd({.learning_rate = 0.1, .momentum = 0.9, .weight_decay = 0.1})},
      {"nesterov", sgd({.learning_rate = 0.1, .momentum = 0.9, .nesterov = true})},
      {"adam", adam({.learning_rate = 0.05, .weight_decay = 0.1})},
      {"amsgrad", adam({.learning_rate = 0.3, .beta1 = 0.5, .beta2 = 0.7, .amsgrad = true})},
      {"adamw", adamw({.learning_rate = 0.05, .epsilon = 1e-3, .weight_decay = 0.1})},
      {"adamw_groups",
       adamw({.learning_rate = 0.04, .weight_decay = 0.1})
           .with_groups({{.pattern = "b", .learning_rate = 0.5, .weight_decay = 0}})},
      {"adagrad", adagrad({.learning_rate = 0.1})},
      {"adagrad_decay", adagrad({.learning_rate = 0.1, .initial = 0.1, .weight_decay = 0.1})},
      {"rmsprop", rmsprop({.learning_rate = 0.01})},
      {"rmsprop_all", rmsprop({.learning_rate = 0.01,
                               .decay = 0.9,
                               .momentum = 0.5,
                               .centered = true,
                               .weight_decay = 0.1})},
      {"rmsprop_centered", rmsprop({.learning_rate = 0.01, .decay = 0.5, .centered = true})},
      {"rmsprop_momentum", rmsprop({.learning_rate = 0.01, .decay = 0.9, .momentum = 0.9})},
      {"lars", lars({.learning_rate = 1, .trust = 0.02, .weight_decay = 0.1})},
      {"lars_matrices", lars({.learning_rate = 0.1, .trust = 0.2, .adapt_vectors = false})},
      {"lamb", lamb({.learning_rate = 0.05, .weight_decay = 0.1})},
      {"lion", lion({.learning_rate = 0.01, .weight_decay = 0.1})},
      {"clip_norm", sgd({.learning_rate = 0.2}).with_clipped_gradient(0.05)},
      {"clip_value", sgd({.learning_rate = 0.2}).with_clipped_values(0.02)},
  };
}

class OptimizerGolden : public testing::TestWithParam<std::string> {};

TEST_P(OptimizerGolden, TakesTheSameTenSteps) {
  const Optimizer optimizer = optimizers().at(GetParam());
  for (auto [dtype, tolerance] : {std::pair(DType::f32, 1e-6), std::pair(DType::f64, 1e-8)}) {
    SCOPED_TRACE(name_of(dtype));
    struct State {
      Tree parameters, slots;
      Tensor step;
    };
    State state{start(dtype), optimizer.init(start(dtype)), 0};
    auto slope = grad(problem(dtype));
    for (int i = 0; i < 10; ++i) state = optimizer.update(state, slope(state.parameters));
    for (const char* name : {"w", "b"}) {
      SCOPED_TRACE(name);
      expect_near(state.parameters.at(name),
                  golden_file("optimizers").read(GetParam() + "/" + name), tolerance);
    }
  }
}

std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const auto& [name, optimizer] : optimizers()) all.push_back(name);
  return all;
}
INSTANTIATE_TEST_SUITE_P(Cases, OptimizerGolden, testing::ValuesIn(names()),
                         [](const auto& info) { return info.param; });

std::map<std::string, LearningRate> schedules() {
  return {
      {"step", step_decay(0.5, 0.3, 7)},
      {"multi_step", multi_step(0.5, 0.3, {5, 20, 21})},
      {"exponential", exponential(0.5, 0.93)},
      {"polynomial", polynomial(0.5, 2)},
      {"linear", polynomial(0.5)},
      {"restarts", cosine_restarts(0.5, 9, 1, 0.1)},
      {"longer_restarts", cosine_restarts(0.5, 4, 2)},
      {"inverse_square_root", inverse_square_root(1 / std::sqrt(64.0 * 20), 20)},
  };
}

TEST(SchedulesGolden, RatesOfEachStepAreThoseOfPyTorch) {
  for (const auto& [name, schedule] : schedules()) {
    SCOPED_TRACE(name);
    const Literal rates = golden_file("optimizers").read("schedule/" + name);
    for (int64_t step = 0; step < rates.size(); ++step)
      EXPECT_NEAR(schedule(Tensor(step), 50).item(), rates.to_double(step), 1e-7) << step;
  }
}

TEST(Plateau, IsThatOfPyTorch) {
  const Literal losses = golden_file("optimizers").read("plateau/losses");
  const std::map<std::string, PlateauOptions> cases = {
      {"plain", {.factor = 0.5, .patience = 2}},
      {"cooled", {.patience = 1, .threshold = 0.05, .cooldown = 3}},
      {"least", {.factor = 0.3, .patience = 0, .least = 0.2}}};
  for (const auto& [name, options] : cases) {
    Plateau plateau(options);
    const Literal rates = golden_file("optimizers").read("plateau/" + name);
    for (int64_t i = 0; i < losses.size(); ++i) {
      const double before = plateau.factor();
      const bool fell = plateau.update(losses.to_double(i));
      EXPECT_EQ(fell, plateau.factor() < before);
      EXPECT_NEAR(plateau.factor(), rates.to_double(i), 1e-12) << name << " " << i;
    }
  }
}

TEST(Plateau, OfNegativeLossesLessIsBetter) {
  Plateau plateau({.factor = 0.5, .patience = 1, .threshold = 0.01});
  for (double loss : {-100.0, -99.5, -99.6}) plateau.update(loss);
  EXPECT_EQ(plateau.factor(), 0.5);
  EXPECT_THROW(Plateau({.factor = 1}), Error);
  EXPECT_THROW(Plateau({.patience = -1}), Error);
}

TEST(OptimizerGolden, EveryCaseOfTheFileIsTested) {
  for (const SafetensorsEntry& entry : golden_file("optimizers").tensors()) {
    const size_t slash = entry.name.find('/');
    const std::string name = entry.name.substr(0, slash);
    if (slash == std::string::npos || name == "initial" || name == "lbfgs" || name == "plateau")
      continue;
    EXPECT_TRUE(name == "schedule" ? schedules().contains(entry.name.substr(slash + 1))
                                   : optimizers().contains(name))
        << entry.name;
  }
}

TEST(Lbfgs, TakesPyTorchsTenIterations) {
  const LbfgsOptions options{.iterations = 10, .evaluations = 100, .history = 3};
  auto [found, report] = lbfgs(problem(DType::f64), start(DType::f64), options);
  EXPECT_EQ(report.iterations, 10);
  EXPECT_EQ(report.reason, "10 iterations");
  for (const char* name : {"w", "b"})
    expect_near(found.at(name), golden_file("optimizers").read(std::string("lbfgs/") + name), 1e-8);
  // In f32 the last digits of the loss decide where a search ends; how low it gets is the same.
  auto [narrow, narrow_report] = lbfgs(problem(DType::f32), start(DType::f32), options);
  EXPECT_EQ(narrow.at("w").dtype(), DType::f32);
  EXPECT_NEAR(narrow_report.loss, report.loss, 1e-6);
}

}  // namespace
}  // namespace tenon::nn
