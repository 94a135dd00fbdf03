// Models of several inputs and outputs, and what fit does to parameters besides training them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tenon/nn/layers.h"
#include "tenon/tensor/numpy.h"
#include "tenon/train/fit.h"
#include "tenon/train/step.h"
#include "tests/support.h"

namespace tenon::train {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// y = 2 * left - right, and z = left + right.
data::Dataset sums(int64_t rows) {
  Literal left(DType::f32, {rows, 1}), right(DType::f32, {rows, 1}), y(DType::f32, {rows, 1}),
      z(DType::f32, {rows, 1});
  for (int64_t i = 0; i < rows; ++i) {
    const double a = std::sin(static_cast<double>(i)), b = std::cos(static_cast<double>(3 * i));
    left.set_double(i, a);
    right.set_double(i, b);
    y.set_double(i, 2 * a - b);
    z.set_double(i, a + b);
  }
  return data::Dataset({{"left", left}, {"right", right}, {"y", y}, {"z", z}});
}

struct Pair {
  Tensor left, right;
};
struct Results {
  Tensor y, z;
};

Results two_heads(nn::Scope s, const Pair& in) {
  Tensor both = concatenate({in.left, in.right}, -1);
  return {nn::dense(s / "y", both, 1), nn::dense(s / "z", both, 1)};
}

FitOptions for_sums(int64_t epochs) {
  FitOptions options;
  options.loss = [](const Tree& outputs, const Tree& labels) {
    Tensor y = nn::mean_squared_error(outputs.at("y"), labels.at("y"));
    Tensor z = nn::mean_squared_error(outputs.at("z"), labels.at("z"));
    return LossTerms{.value = y + z, .parts = {{"y", y}, {"z", z}}};
  };
  options.optimizer = nn::adam({.learning_rate = 0.05});
  options.input = {"left", "right"};
  options.label = {"y", "z"};
  options.epochs = epochs;
  options.batch = 32;
  options.progress = false;
  return options;
}

TEST(Signature, SeveralInputsAndOutputsAreTrainedAndEvaluated) {
  data::Dataset data = sums(100);
  FitOptions options = for_sums(80);
  options.validation = data;
  FitResult result = fit(two_heads, data, options);
  EXPECT_LT(result.history.epochs.back().loss, 1e-3);
  EXPECT_NEAR(result.history.epochs[0].parts.at("y") + result.history.epochs[0].parts.at("z"),
              result.history.epochs[0].loss, 1e-5);
  EXPECT_LT(result.history.epochs.back().validation_loss, 1e-3);
  EXPECT_LT(result.history.epochs.back().metrics.at("z"), 1e-3);
  ASSERT_EQ(result.model.inputs().size(), 2u);
  EXPECT_EQ(result.model.inputs()[1], (nn::NamedType{"right", Type::parse("f32[batch,1]")}));
  EXPECT_EQ(result.model.outputs()[1], (nn::NamedType{"z", Type::parse("f32[batch,1]")}));
  Tree in;
  in.set("right", full({1, 1}, 0.5));
  in.set("left", full({1, 1}, 1.0));
  EXPECT_NEAR(result.model.predict(in).at("y").item(), 1.5, 0.1);
}

TEST(Signature, AFileKeepsNamesAndOrder) {
  TemporaryFolder folder;
  FitResult result = fit(two_heads, sums(64), for_sums(1));
  result.model.save(folder / "m.tenon");
  Model loaded = Model::load(folder / "m.tenon");
  EXPECT_EQ(loaded.inputs(), result.model.inputs());
  EXPECT_EQ(loaded.outputs(), result.model.outputs());
  Tree in;
  in.set("left", Tensor{1.0, 2.0}.reshape({2, 1}));
  in.set("right", Tensor{0.5, 0.25}.reshape({2, 1}));
  for (const char* name : {"y", "z"})
    EXPECT_EQ(loaded.predict(in).at(name).literal(), result.model.predict(in).at(name).literal());
  EXPECT_THAT(error_of([&] { loaded.predict(full({1, 1}, 1.0)); }), HasSubstr("left"));
  in.set("left", Tensor{1.0, 2.0});
  EXPECT_THAT(error_of([&] { loaded.predict(in); }),
              HasSubstr("the model takes left f32[batch,1], not f32[2]"));
  EXPECT_THAT(error_of([&] { loaded.example(); }), HasSubstr("left, right"));
}

TEST(Signature, ColumnsThatAreMissingAreNamed) {
  FitOptions options = for_sums(1);
  options.input = {"left", "rigth"};
  EXPECT_THAT(error_of([&] { fit(two_heads, sums(8), options); }), HasSubstr("'rigth'"));
  options.input = {"left", "y"};
  EXPECT_THAT(error_of([&] { fit(two_heads, sums(8), options); }), HasSubstr("right"));
}

TEST(Signature, AModelOfOneTensorRefusesSeveral) {
  nn::ModelFunction one = [](nn::Scope s, Tensor x) { return nn::dense(s, x, 1); };
  FitOptions options = for_sums(1);
  EXPECT_THAT(error_of([&] { fit(one, sums(8), options); }),
              HasSubstr("the model takes one tensor, here are left, right"));
}

Tree parameters_after(const FitOptions& options, int64_t rows = 96) {
  return fit(two_heads, sums(rows), options).model.variables().parameters;
}

Tree initial() {
  return nn::init(nn::ModelFunction(two_heads),
                  {{"left", Type::parse("f32[2,1]")}, {"right", Type::parse("f32[2,1]")}}, 0)
      .parameters;
}

TEST(FitOptions, FrozenParametersStayAndTheOthersTrain) {
  FitOptions options = for_sums(2);
  options.frozen = {"y.**"};
  Tree after = parameters_after(options);
  EXPECT_EQ(after.at("y.weight").literal(), initial().at("y.weight").literal());
  EXPECT_FALSE(after.at("z.weight").literal() == initial().at("z.weight").literal());
  options.frozen = {};
  options.train_only = {"y.bias"};
  after = parameters_after(options);
  EXPECT_EQ(after.at("z.bias").literal(), initial().at("z.bias").literal());
  EXPECT_FALSE(after.at("y.bias").literal() == initial().at("y.bias").literal());
  options.frozen = {"q.**"};
  EXPECT_THAT(error_of([&] { parameters_after(options); }),
              HasSubstr("no parameter matches 'q.**'"));
  options.frozen = {"**"};
  EXPECT_THAT(error_of([&] { parameters_after(options); }), HasSubstr("no parameter is left"));
}

TEST(FitOptions, GroupsHaveRatesAndDecaysOfTheirOwn) {
  FitOptions options = for_sums(1);
  options.optimizer = nn::sgd({.learning_rate = 0.1, .weight_decay = 0.5})
                          .with_groups({{.pattern = "y.**", .learning_rate = 0},
                                        {.pattern = "**.bias", .weight_decay = 0}});
  Tree after = parameters_after(options);
  EXPECT_EQ(after.at("y.weight").literal(), initial().at("y.weight").literal());
  EXPECT_FALSE(after.at("y.bias").literal() == initial().at("y.bias").literal())
      << "the last group that matches counts";
}

/// One update of three batches that are not equally long is that of all their rows.
TEST(FitOptions, AccumulatedGradientsAreThoseOfOneLargeBatch) {
  FitOptions whole = for_sums(1), parts = for_sums(1);
  whole.optimizer = parts.optimizer = nn::sgd({.learning_rate = 0.1, .momentum = 0.9});
  whole.batch = 80;
  parts.batch = 32;
  parts.accumulate = 3;
  Tree expected = parameters_after(whole, 80), got = parameters_after(parts, 80);
  for_each_leaf(expected, [&](const std::string& path, const Tensor& leaf) {
    const std::vector<float> a = leaf.to_vector<float>(), b = got.at(path).to_vector<float>();
    for (size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-6) << path;
  });
}

TEST(FitOptions, AveragedWeightsFollowTheTrainedOnes) {
  FitOptions options = for_sums(1);
  options.optimizer = nn::sgd({.learning_rate = 0.1});
  options.average_decay = 0.9;
  // By hand: after each step average = decay * average + (1 - decay) * weight.
  FitOptions by_hand = options;
  by_hand.average_decay = 0;
  std::vector<Tree> steps;
  nn::ModelFunction model = two_heads;
  nn::Variables variables{initial(), {}};
  TrainState state = initial_state(variables, by_hand);
  StepFunction step = make_step(model, by_hand, 3);
  data::Loader loader(sums(96), {.batch = 32, .seed = 0, .scale_bytes = false});
  double average = initial().at("y.bias").item();
  for (double t = 0; auto batch = loader.next(); ++t) {
    state = step(std::move(state), options.input.of(*batch), options.label.of(*batch)).state;
    const double decay = std::min(0.9, (t + 1) / (t + 10));
    average = decay * average + (1 - decay) * state.parameters.at("y.bias").item();
  }
  EXPECT_NEAR(parameters_after(options).at("y.bias").item(), average, 1e-6);
}

TEST(FitOptions, StartsFromGivenWeights) {
  FitOptions options = for_sums(1);
  options.optimizer = nn::sgd({.learning_rate = 0});
  options.start.parameters.set("y.bias", Tensor{7.0});
  Tree after = parameters_after(options);
  EXPECT_EQ(after.at("y.bias").item(), 7.0f);
  EXPECT_EQ(after.at("z.bias").literal(), initial().at("z.bias").literal());
  options.start.parameters.set("y.offset", Tensor{7.0});
  EXPECT_THAT(error_of([&] { parameters_after(options); }),
              HasSubstr("the model has no parameter y.offset"));
}

TEST(FitOptions, CallersSeeStepsAndEpochsAndMayEndTheRun) {
  FitOptions options = for_sums(10);
  std::vector<int64_t> steps, epochs;
  options.on_step = [&](const StepRecord& r) {
    steps.push_back(r.step);
    return true;
  };
  options.on_epoch = [&](const EpochRecord& r, const Model& model) {
    epochs.push_back(r.epoch);
    EXPECT_EQ(model.variables().parameters.leaf_count(), 4u);
    return r.epoch < 2;
  };
  FitResult result = fit(two_heads, sums(96), options);
  EXPECT_THAT(epochs, ElementsAre(1, 2));
  EXPECT_THAT(steps, ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_EQ(result.history.epochs.size(), 2u);
}

TEST(FitOptions, ARunWithAllOfThemGoesOnToTheSameBits) {
  TemporaryFolder folder;
  FitOptions options = for_sums(4);
  options.average_decay = 0.9;
  options.accumulate = 2;  // 3 batches an epoch: one waits over the end
  options.frozen = {"z.bias"};
  Tree expected = parameters_after(options);
  options.checkpoint = folder / "run";
  options.checkpoint_seconds = 0;
  options.on_epoch = [](const EpochRecord& r, const Model&) { return r.epoch < 1; };
  parameters_after(options);
  options.on_epoch = {};
  Tree got = parameters_after(options);
  for_each_leaf(expected, [&](const std::string& path, const Tensor& leaf) {
    EXPECT_EQ(leaf.literal(), got.at(path).literal()) << path;
  });
}

}  // namespace
}  // namespace tenon::train
