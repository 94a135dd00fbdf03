#include "tenon/nn/layers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tenon/base/error.h"
#include "tenon/nn/losses.h"
#include "tenon/tensor/jit.h"
#include "tenon/tensor/numpy.h"
#include "tenon/tensor/random.h"
#include "tests/support.h"
#include "tests/tensor/values.h"

namespace tenon::nn {
namespace {

Tensor column(const std::vector<float>& values) {
  return Tensor::of<float>(values, {static_cast<int64_t>(values.size()), 1});
}

ModelFunction batch_norm_alone() {
  return [](Scope s, Tensor x) { return batch_norm(s / "norm", x); };
}

TEST(BatchNorm, TrainingUsesTheBatchAndUpdatesTheAverages) {
  ModelFunction model = batch_norm_alone();
  Variables v = init(model, {Type::parse("f32[batch,2]")}, 0);
  Tensor x{{1, 10}, {3, 30}};
  auto [y, state] = apply_training(model, v, Tensor(), x);
  EXPECT_NEAR(y.item(0), -1, 1e-4);  // mean 2, variance 1
  EXPECT_NEAR(y.item(2), 1, 1e-4);
  EXPECT_NEAR(y.item(1), -1, 1e-4);
  EXPECT_NEAR(state.at("norm.running_mean").item(0), 0.1 * 2, 1e-6);
  EXPECT_NEAR(state.at("norm.running_mean").item(1), 0.1 * 20, 1e-6);
  // The unbiased variance: 2 and 200.
  EXPECT_NEAR(state.at("norm.running_var").item(0), 0.9 + 0.1 * 2, 1e-6);
  EXPECT_NEAR(state.at("norm.running_var").item(1), 0.9 + 0.1 * 200, 1e-4);
}

TEST(BatchNorm, EvaluationUsesTheAverages) {
  ModelFunction model = batch_norm_alone();
  Variables v = init(model, {Type::parse("f32[batch,1]")}, 0);
  v.state.set("norm.running_mean", Tensor{5.0});
  v.state.set("norm.running_var", Tensor{4.0});
  Tensor y = apply(model, v, column({1, 9, 5}));
  EXPECT_NEAR(y.item(0), -2, 1e-4);
  EXPECT_NEAR(y.item(1), 2, 1e-4);
  EXPECT_NEAR(y.item(2), 0, 1e-4);
}

TEST(BatchNorm, CountsTheRowsOfABatchThatIsASymbol) {
  ModelFunction model = batch_norm_alone();
  Variables v = init(model, {Type::parse("f32[batch,1]")}, 0);
  auto step = jit([&](Tensor x) { return apply_training(model, v, Tensor(), x).second; });
  auto variance = [&](Tensor x) { return step(x).at("norm.running_var").item(); };
  EXPECT_NEAR(variance(column({0, 2})), 0.9 + 0.1 * 2, 1e-6);
  EXPECT_NEAR(variance(column({0, 2, 4})), 0.9 + 0.1 * 4, 1e-6);
  EXPECT_NEAR(variance(column({0, 2, 0, 2})), 0.9 + 0.1 * 4 / 3, 1e-6);
  EXPECT_LE(step.compilations(), 2u);
}

TEST(LayerNorm, NormalisesEachRow) {
  ModelFunction model = [](Scope s, Tensor x) { return layer_norm(s / "norm", x); };
  Variables v = init(model, {Type::parse("f32[batch,2]")}, 0);
  Tensor y = apply(model, v, Tensor{{1, 3}, {-50, 50}});
  EXPECT_NEAR(y.item(0), -1, 1e-4);
  EXPECT_NEAR(y.item(1), 1, 1e-4);
  EXPECT_NEAR(y.item(3), 1, 1e-4);
}

TEST(Conv, SamePaddingKeepsTheSizeAndStridesDivideIt) {
  auto shape = [](ConvOptions options, const std::string& input) {
    ModelFunction model = [&](Scope s, Tensor x) { return conv(s / "conv", x, options); };
    Variables v = init(model, {Type::parse(input)}, 0);
    return apply(model, v, zeros(Type::parse(input).shape)).type().to_string();
  };
  EXPECT_EQ(shape({.filters = 4, .kernel = {5, 5}}, "f32[2,9,8,3]"), "f32[2,5,4,4]");
  EXPECT_EQ(shape({.filters = 4, .kernel = {5, 5}, .padding = "same"}, "f32[2,9,8,3]"),
            "f32[2,9,8,4]");
  EXPECT_EQ(
      shape({.filters = 4, .kernel = {3, 3}, .stride = {2, 2}, .padding = "same"}, "f32[2,9,8,3]"),
      "f32[2,5,4,4]");
  EXPECT_EQ(shape({.filters = 6, .kernel = {3}, .pad = {1}, .groups = 3}, "f32[2,7,3]"),
            "f32[2,7,6]");
}

TEST(Conv, SamePaddingIsTheSameForASizeThatIsASymbol) {
  for (int64_t stride : {1, 2, 3}) {
    for (int64_t kernel : {1, 3, 4}) {
      ConvOptions options{.filters = 1, .kernel = {kernel}, .stride = {stride}, .padding = "same"};
      ModelFunction model = [&](Scope s, Tensor x) { return conv(s / "conv", x, options); };
      Variables v = init(model, {Type::parse("f32[1,time,1]")}, 0);
      auto compiled = jit([&](Tensor x) { return apply(model, v, x); });
      for (int64_t size = 5; size < 11; ++size) {
        Tensor x = sin(arange(size).cast(DType::f32)).reshape({1, size, 1});
        Tensor wanted = apply(model, v, x), y = compiled(x);
        ASSERT_EQ(y.type(), wanted.type()) << "kernel " << kernel << ", stride " << stride;
        EXPECT_TRUE(all_close(y, wanted, 1e-5, 1e-6).item()) << y.to_string();
      }
      EXPECT_LE(compiled.compilations(), 2u);
    }
  }
}

TEST(Layers, PromoteInputsToTheirParameters) {
  auto type_of = [](const ModelFunction& model, const std::string& input) {
    Type type = Type::parse(input);
    return apply(model, init(model, {type}, 0), ones(type.shape, type.dtype)).type().to_string();
  };
  EXPECT_EQ(type_of([](Scope s, Tensor x) { return dense(s, x, 2); }, "f16[3,4]"), "f32[3,2]");
  EXPECT_EQ(type_of([](Scope s, Tensor x) { return conv(s, x, {.filters = 2, .kernel = {1}}); },
                    "bf16[1,3,4]"),
            "f32[1,3,2]");
  EXPECT_EQ(type_of([](Scope s, Tensor x) { return lstm(s, x, 2).h; }, "f16[1,3,4]"), "f32[1,2]");
  EXPECT_EQ(type_of([](Scope s, Tensor x) { return gru(s, x, 2).h; }, "f16[1,3,4]"), "f32[1,2]");
}

TEST(Norms, OfRootMeanSquaresAndOfGroups) {
  auto values = [](const ModelFunction& model, const Tensor& x) {
    return apply(model, init(model, {x.type()}, 0), x).to_vector<float>();
  };
  ModelFunction rms = [](Scope s, Tensor x) { return rms_norm(s, x); };
  EXPECT_THAT(values(rms, Tensor{{3, 4}}),
              testing::Pointwise(testing::FloatNear(1e-5f), {0.848528f, 1.131371f}));
  ModelFunction group = [](Scope s, Tensor x) { return group_norm(s, x, 2); };
  EXPECT_THAT(values(group, Tensor{{1, 3, -50, 50}}),
              testing::Pointwise(testing::FloatNear(1e-4f), {-1.f, 1.f, -1.f, 1.f}));
}

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

TEST(Lstm, FollowsItsEquations) {
  ModelFunction model = [](Scope s, Tensor x) { return lstm(s / "rnn", x, 1).outputs; };
  Variables v = init(model, {Type::parse("f32[batch,time,1]")}, 0);
  v.parameters.set("rnn.input.weight", Tensor{{0.5, -0.4, 0.3, 0.2}});
  v.parameters.set("rnn.hidden.weight", Tensor{{0.1, 0.6, -0.7, 0.8}});
  v.parameters.set("rnn.bias", Tensor{0.2, 1.0, -0.1, 0.3});
  Tensor y = apply(model, v, Tensor::of<float>({1, -2}, {1, 2, 1}));
  double h = 0, c = 0;
  for (int64_t t = 0; t < 2; ++t) {
    double x = t == 0 ? 1 : -2;
    double i = sigmoid(0.5 * x + 0.1 * h + 0.2);
    double f = sigmoid(-0.4 * x + 0.6 * h + 1.0);
    double g = std::tanh(0.3 * x - 0.7 * h - 0.1);
    double o = sigmoid(0.2 * x + 0.8 * h + 0.3);
    c = f * c + i * g;
    h = o * std::tanh(c);
    EXPECT_NEAR(y.item(t), h, 1e-6) << "step " << t;
  }
}

TEST(Gru, FollowsItsEquations) {
  ModelFunction model = [](Scope s, Tensor x) { return gru(s / "rnn", x, 1).outputs; };
  Variables v = init(model, {Type::parse("f32[batch,time,1]")}, 0);
  v.parameters.set("rnn.input.weight", Tensor{{0.5, -0.4, 0.3}});
  v.parameters.set("rnn.input.bias", Tensor{0.2, 1.0, -0.1});
  v.parameters.set("rnn.hidden.weight", Tensor{{0.1, 0.6, -0.7}});
  v.parameters.set("rnn.hidden.bias", Tensor{-0.3, 0.4, 0.9});
  Tensor y = apply(model, v, Tensor::of<float>({1, -2}, {1, 2, 1}));
  double h = 0;
  for (int64_t t = 0; t < 2; ++t) {
    double x = t == 0 ? 1 : -2;
    double r = sigmoid(0.5 * x + 0.2 + 0.1 * h - 0.3);
    double z = sigmoid(-0.4 * x + 1.0 + 0.6 * h + 0.4);
    double n = std::tanh(0.3 * x - 0.1 + r * (-0.7 * h + 0.9));
    h = (1 - z) * n + z * h;
    EXPECT_NEAR(y.item(t), h, 1e-6) << "step " << t;
  }
}

ModelFunction dropout_alone(double rate, std::string path = "drop") {
  return [=](Scope s, Tensor x) { return dropout(s / path, x, rate); };
}

Tensor key(int64_t step) { return Tensor::of<int64_t>({1, step}, {2}); }

Tensor dropped(const ModelFunction& model, const Tensor& k, int64_t count = 20000) {
  return apply_training(model, Variables(), k, ones(Shape{count})).first.eval();
}

TEST(Dropout, ZeroesAtItsRateAndKeepsTheMean) {
  for (double rate : {0.1, 0.5, 0.8, 1.0}) {
    auto values = dropped(dropout_alone(rate), key(0));
    double zeros = 0;
    for (float x : values.values<float>()) {
      if (x == 0) {
        ++zeros;
      } else {
        EXPECT_NEAR(x, 1 / (1 - rate), 1e-5);
      }
    }
    // Four standard deviations of a binomial.
    EXPECT_NEAR(zeros / 20000, rate, 4 * std::sqrt(rate * (1 - rate) / 20000)) << rate;
  }
}

TEST(Dropout, DiffersBetweenStepsAndPathsAndRepeatsForAKey) {
  Literal one = dropped(dropout_alone(0.5), key(0)).literal();
  auto equal_to_one = [&](const ModelFunction& model, const Tensor& k) {
    Literal other = dropped(model, k).literal();
    int64_t equal = 0;
    for (int64_t i = 0; i < one.size(); ++i) equal += one.to_double(i) == other.to_double(i);
    return static_cast<double>(equal) / static_cast<double>(one.size());
  };
  EXPECT_EQ(equal_to_one(dropout_alone(0.5), key(0)), 1);
  EXPECT_NEAR(equal_to_one(dropout_alone(0.5), key(1)), 0.5, 0.02);
  EXPECT_NEAR(equal_to_one(dropout_alone(0.5, "other"), key(0)), 0.5, 0.02);
}

TEST(Checkpoint, OfABlockWithStateChangesNoBit) {
  auto block = [](Scope s, Tensor x) {
    return relu(batch_norm(s / "norm", dense(s / "fc", x, 8)));
  };
  auto model = [&](bool again) {
    return [&, again](Scope s, Tensor x) {
      for (const char* name : {"a", "b"})
        x = again ? remat(s / name, block, x) : block(s / name, x);
      return x;
    };
  };
  Variables v = init(model(true), {Type::parse("f32[n,4]")}, 0);
  EXPECT_EQ(v.parameters.paths(),
            init(model(false), {Type::parse("f32[n,4]")}, 0).parameters.paths());
  Tensor x = random::normal(random::key(1), {16, 4});
  EXPECT_EQ(values_of(apply(model(true), v, x)), values_of(apply(model(false), v, x)));
  auto gradient_and_state = [&](bool again) {
    auto loss = [&](const Tree& parameters) {
      auto [y, state] = apply_training(model(again), Variables{parameters, v.state}, Tensor(), x);
      return std::pair{sum(y * y), state};
    };
    auto [value, gradient] = value_and_grad(loss)(v.parameters);
    std::vector<std::vector<double>> all;
    std::pair moved{value.second, gradient};
    for_each_leaf(moved, [&](const Tensor& leaf) { all.push_back(values_of(leaf)); });
    return all;
  };
  EXPECT_EQ(gradient_and_state(true), gradient_and_state(false));
  EXPECT_NE(gradient_and_state(true)[0][0], v.state.at(v.state.paths()[0]).item(0))
      << "state moves on";
}

TEST(Dropout, IsOffInEvaluationAndSaysWhatItNeedsInTraining) {
  Tensor y = apply(dropout_alone(0.5), Variables(), Tensor{1.0, 2.0});
  EXPECT_EQ(y.item(1), 2);
  EXPECT_EQ(error_of([] { dropped(dropout_alone(0.5), Tensor()); }),
            "drop needs random numbers, but this call of the model has no key\n"
            "  hint: pass a key to nn::apply_training");
  EXPECT_EQ(error_of([] { dropped(dropout_alone(1.5), key(0)); }),
            "dropout: rate 1.5 is not in [0, 1] (drop)");
}

TEST(Losses, AreMeansOverAllRows) {
  Tensor logits{{0.0, 0.0}, {0.0, std::log(3.0)}};
  Tensor labels = Tensor::of<int32_t>({0, 1}, {2});
  EXPECT_NEAR(cross_entropy(logits, labels).item(), (std::log(2.0) + std::log(4.0 / 3)) / 2, 1e-6);
  EXPECT_NEAR(accuracy(logits, labels).item(), 1, 1e-6);
  EXPECT_NEAR(accuracy(logits, Tensor::of<int32_t>({1, 1}, {2})).item(), 0.5, 1e-6);
  EXPECT_NEAR(nn::mean_squared_error(Tensor{1.0, 2.0}, Tensor{1.0, 4.0}).item(), 2, 1e-6);
}

TEST(Losses, SumHalfPrecisionInF32) {
  Tensor logits = zeros({70000, 2}, DType::f16), labels = zeros({70000}, DType::i32);
  Tensor loss = cross_entropy(logits, labels);
  EXPECT_EQ(loss.dtype(), DType::f16);
  EXPECT_NEAR(loss.item(), std::log(2), 1e-3);
}

TEST(Losses, TakeLabelsOfBytes) {
  Tensor logits{{0.0, 1.0}, {0.0, 1.0}};
  Tensor labels = Tensor::of<uint8_t>({0, 1}, {2});
  EXPECT_EQ(accuracy(logits, labels).item(), 0.5);
  EXPECT_EQ(cross_entropy(logits, labels).item(),
            cross_entropy(logits, labels.cast(DType::i32)).item());
  ModelFunction table = [](Scope s, Tensor ids) { return embedding(s, ids, 2, 3); };
  Variables v = init(table, {labels.type()}, 0);
  EXPECT_EQ(apply(table, v, labels).type().to_string(), "f32[2,3]");
}

ModelFunction two_layers() {
  return [](Scope s, Tensor x) { return dense(s / "encoder" / "fc2", dense(s / "fc1", x, 4), 3); };
}

TEST(Errors, NameTheLayerWhoseInputIsWrong) {
  ModelFunction model = two_layers();
  Variables v = init(model, {Type::parse("f32[batch,8]")}, 0);
  std::string wrong_size = error_of([&] { apply(model, v, zeros(Shape{2, 7})); });
  EXPECT_EQ(wrong_size,
            "parameter fc1.weight is f32[8,4], the model needs [7,4]\n"
            "  hint: these variables were made for a model or an input of other sizes");
  ModelFunction image = [](Scope s, Tensor x) {
    return conv(s / "stem" / "conv1", x, {.filters = 2, .kernel = {3, 3}});
  };
  EXPECT_EQ(error_of([&] { init(image, {Type::parse("f32[batch,28,28]")}, 0); }),
            "conv: the input has 3 dimensions, not 4\n"
            "  input f32[batch,28,28]  stem.conv1\n"
            "  hint: the first axis is the batch; inside vmap add one with expand_dims(x, 0)\n"
            "  a kernel of 2 sizes takes [batch, 2 spatial axes, channels]");
  EXPECT_EQ(error_of([&] { init(two_layers(), {Type::parse("f32[batch,width]")}, 0); }),
            "dense: the last dimension of the input is the symbol 'width'\n"
            "  input f32[batch,width]  fc1\n"
            "  hint: parameters need a number here");
}

TEST(Errors, NameWhatTheVariablesLack) {
  ModelFunction model = two_layers();
  Tree parameters;
  parameters.set("fc1.weight", zeros(Shape{8, 4}));
  parameters.set("fc1.bias", zeros(Shape{4}));
  parameters.set("encoder.fc3.weight", zeros(Shape{4, 3}));
  std::string text = error_of([&] { apply(model, parameters, zeros(Shape{2, 8})); });
  EXPECT_NE(text.find("the model has a parameter encoder.fc2.weight that its variables lack"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("encoder.fc3.weight"), std::string::npos) << text;
  std::string state = error_of([] {
    Variables v = init(batch_norm_alone(), {Type::parse("f32[2,1]")}, 0);
    apply(batch_norm_alone(), v.parameters, zeros(Shape{2, 1}));
  });
  EXPECT_NE(state.find("norm.running_mean"), std::string::npos) << state;
}

TEST(Errors, OfOpsInALayerCarryItsPath) {
  ModelFunction model = [](Scope s, Tensor x) {
    return self_attention(s / "blocks" / "0", x, 3, {.causal = true});
  };
  std::string text = error_of([&] { init(model, {Type::parse("f32[batch,5,8]")}, 0); });
  EXPECT_EQ(text, "self_attention: depth 8 does not divide into 3 heads (blocks.0)");
  ModelFunction bad = [](Scope s, Tensor x) {
    LabelScope label((s / "head").path());
    return dense(s / "head", x, 4) + zeros(Shape{3});
  };
  std::string sum = error_of([&] { init(bad, {Type::parse("f32[batch,8]")}, 0); });
  EXPECT_NE(sum.find("head"), std::string::npos) << sum;
  EXPECT_NE(sum.find("f32[batch,4]"), std::string::npos) << sum;
  EXPECT_NE(sum.find("f32[3]"), std::string::npos) << sum;
}

}  // namespace
}  // namespace tenon::nn
