// What holds for every model of the zoo. tests/golden/models/*.txt lists the paths and types of the
// parameters: files of trained weights depend on them. TENON_UPDATE_GOLDEN=1 writes them again.

#include <gtest/gtest.h>

#include <cstdlib>

#include "tenon/base/error.h"
#include "tenon/base/files.h"
#include "tenon/base/random.h"
#include "tenon/models/char_lstm.h"
#include "tenon/models/cnn.h"
#include "tenon/models/gpt.h"
#include "tenon/models/lenet.h"
#include "tenon/models/mlp.h"
#include "tenon/models/resnet.h"
#include "tenon/models/zoo.h"
#include "tenon/nn/losses.h"
#include "tenon/nn/optimizer.h"
#include "tenon/tensor/jit.h"
#include "tenon/tensor/numpy.h"
#include "tenon/tensor/random.h"
#include "tenon/tensor/tracing.h"

namespace tenon {
namespace {

struct Entry {
  std::string name;
  nn::ModelFunction model;
  std::string input;   // type of the inputs; the batch is a symbol
  std::string logits;  // type of the results
  int64_t parameters;  // how many numbers
};

std::vector<Entry> test_entries() {
  return {
      {"mlp", models::mlp(), "f32[batch,784]", "f32[batch,10]", 669706},
      {"lenet5", models::lenet5(), "f32[batch,28,28,1]", "f32[batch,10]", 61706},
      {"cnn", models::cnn(), "f32[batch,28,28,1]", "f32[batch,10]", 75530},
      {"resnet18", models::resnet18(), "f32[batch,8,8,3]", "f32[batch,10]", 11173962},
      {"char_lstm", models::char_lstm(), "i32[batch,7]", "f32[batch,7,65]", 279873},
      {"gpt", models::gpt(), "i32[batch,9]", "f32[batch,9,65]", 818176},
  };
}

nn::Variables initial(const Entry& entry, uint64_t seed = 0) {
  return nn::init(entry.model, {Type::parse(entry.input)}, seed);
}

/// Inputs for `batch` rows: normal numbers, or ids below 65.
Tensor inputs_for(const Entry& entry, int64_t batch) {
  Type type = Type::parse(entry.input);
  Literal value(type.dtype, type.shape.evaluate({{"batch", batch}}));
  RandomStream random(RandomKey(7));
  for (int64_t i = 0; i < value.size(); ++i) {
    if (is_floating(type.dtype)) {
      value.set_double(i, random.normal());
    } else {
      value.set_int(i, random.below(65));
    }
  }
  return Tensor(value);
}

/// One class for each row of the logits.
Tensor labels_for(const Entry& entry, int64_t batch) {
  std::vector<int64_t> shape = Type::parse(entry.logits).shape.evaluate({{"batch", batch}});
  shape.pop_back();
  Literal value(DType::i32, shape);
  for (int64_t i = 0; i < value.size(); ++i) value.set_int(i, i * 3 % 10);
  return Tensor(value);
}

class Zoo : public testing::TestWithParam<Entry> {};

TEST_P(Zoo, GivesLogitsForEveryBatchSize) {
  const Entry& entry = GetParam();
  nn::Variables v = initial(entry);
  auto logits = [&](std::vector<Tensor> x) {
    return std::vector<Tensor>{nn::apply(entry.model, v, x[0])};
  };
  Traced traced = trace(logits, std::vector<Type>{Type::parse(entry.input)});
  EXPECT_EQ(traced.graph->type(traced.graph->outputs()[0]).to_string(), entry.logits);
}

TEST_P(Zoo, HasTheKnownNumberOfParameters) {
  nn::Variables v = initial(GetParam());
  int64_t count = 0;
  for_each_leaf(v.parameters, [&](const Tensor& leaf) { count += leaf.buffer().size(); });
  EXPECT_EQ(count, GetParam().parameters);
}

TEST_P(Zoo, KeepsThePathsOfItsParameters) {
  nn::Variables v = initial(GetParam());
  std::string actual = v.parameters.to_string();
  if (!v.state.empty()) actual += "state\n" + v.state.to_string();
  std::string path = "tests/golden/models/" + GetParam().name + ".txt";
  if (std::getenv("TENON_UPDATE_GOLDEN")) {
    atomic_write(path, actual);
  } else {
    EXPECT_EQ(actual, read_file(path));
  }
}

TEST_P(Zoo, StartsFromTheSameNumbersForTheSameSeed) {
  nn::Variables one = initial(GetParam(), 1);
  nn::Variables same = initial(GetParam(), 1);
  nn::Variables other = initial(GetParam(), 2);
  for_each_leaf(one.parameters, [&](const std::string& path, const Tensor& leaf) {
    EXPECT_TRUE(leaf.literal() == same.parameters.at(path).literal()) << path;
  });
  EXPECT_FALSE(one.parameters.at("logits.weight").literal() ==
               other.parameters.at("logits.weight").literal());
}

struct Step {
  Tensor loss;
  Tree parameters;
  Tree slots;
  Tree state;
};

TEST_P(Zoo, LearnsATinyBatch) {
  const Entry& entry = GetParam();
  nn::Optimizer optimizer = nn::adam({.learning_rate = 3e-3});
  auto step =
      jit([&](Tree parameters, Tree slots, Tree state, Tensor count, Tensor inputs, Tensor labels) {
        auto objective = [&](const Tree& p) {
          auto [logits, next] = nn::apply_training(entry.model, {p, state}, Tensor(), inputs);
          return std::pair{nn::cross_entropy(logits, labels), next};
        };
        auto [value, gradient] = value_and_grad(objective)(parameters);
        nn::Updated next = optimizer.update(parameters, slots, gradient, count);
        return Step{value.first, next.parameters, next.slots, value.second};
      });
  nn::Variables v = initial(entry);
  Step now{Tensor(), v.parameters, optimizer.init(v.parameters), v.state};
  double first = 0;
  for (int i = 0; i < 6; ++i) {
    now = step(std::move(now.parameters), std::move(now.slots), std::move(now.state), Tensor(i),
               inputs_for(entry, 2), labels_for(entry, 2));
    if (i == 0) first = now.loss.item();
  }
  EXPECT_LT(now.loss.item(), 0.9 * first);
}

/// Residual blocks as in ResNet, with softplus in place of ReLU: rounding then changes derivatives
/// by as little as values, and what the layers do can be told from double precision closely.
Tensor smooth_residual(nn::Scope s, Tensor x) {
  auto conv_norm = [](nn::Scope part, Tensor y, int64_t filters, int64_t stride) {
    y = nn::conv(part / "conv", y,
                 {.filters = filters,
                  .kernel = {3, 3},
                  .stride = {stride, stride},
                  .pad = {1, 1},
                  .bias = false});
    return nn::batch_norm(part / "norm", y);
  };
  x = softplus(conv_norm(s / "stem", x, 32, 1));
  x = softplus(x + conv_norm(s / "a2", softplus(conv_norm(s / "a1", x, 32, 1)), 32, 1));
  Tensor shortcut = nn::batch_norm(
      s / "norm", nn::conv(s / "shortcut", x,
                           {.filters = 48, .kernel = {1, 1}, .stride = {2, 2}, .bias = false}));
  x = softplus(shortcut + conv_norm(s / "b2", softplus(conv_norm(s / "b1", x, 48, 2)), 48, 1));
  return nn::dense(s / "logits", mean(x, {1, 2}), 10);
}

// In f64 every convolution and product is a generated loop; in f32 the library does them,
// Winograd's algorithm among it.
TEST(Residual, GradientsAndStateInF32AreThoseInF64) {
  nn::Variables v = nn::init(smooth_residual, {Type::parse("f32[16,8,8,3]")}, 0);
  Tensor images = random::normal(random::key(1), {16, 8, 8, 3});
  Tensor labels = random::integers(random::key(2), {16}, 0, 10);
  auto derived = [&](DType dtype) {
    auto loss = [&](const Tree& parameters) {
      auto [logits, state] =
          nn::apply_training(smooth_residual, {parameters, v.state}, Tensor(), images.cast(dtype));
      return std::pair{nn::cross_entropy(logits, labels), state};
    };
    auto [value, gradient] = jit([&](const Tree& p) { return value_and_grad(loss)(p); })(
        map_leaves([&](const Tensor& leaf) { return leaf.cast(dtype); }, v.parameters));
    return std::tuple{value.first.cast(DType::f64).item(), gradient, value.second};
  };
  auto [loss, gradient, state] = derived(DType::f32);
  auto [exact_loss, exact_gradient, exact_state] = derived(DType::f64);
  EXPECT_NEAR(loss, exact_loss, 1e-6);
  auto expect_close = [](const Tree& tree, const Tree& exact) {
    for_each_leaf(exact, [&](const std::string& path, const Tensor& wanted) {
      Tensor apart = tree.at(path).cast(DType::f64) - wanted;
      EXPECT_LT(norm(apart).item(), 1e-4 * norm(wanted).item()) << path;
    });
  };
  expect_close(gradient, exact_gradient);
  expect_close(state, exact_state);
}

INSTANTIATE_TEST_SUITE_P(Models, Zoo, testing::ValuesIn(test_entries()),
                         [](const auto& info) { return info.param.name; });

TEST(ZooByName, IsWhatTheseTestsCover) {
  std::vector<std::string> tested, named;
  for (const Entry& entry : test_entries()) tested.push_back(entry.name);
  for (const models::ZooEntry& entry : models::zoo()) named.push_back(entry.name);
  EXPECT_EQ(tested, named);
}

TEST(ZooByName, MakesTheSameModels) {
  for (const Entry& entry : test_entries()) {
    nn::Variables v = nn::init(models::make(entry.name), {Type::parse(entry.input)}, 0);
    EXPECT_EQ(v.parameters.to_string(), initial(entry).parameters.to_string()) << entry.name;
  }
}

TEST(ZooByName, SuggestsNamesAndRefusesSizesThatMakeNoSense) {
  auto error_of = [](std::string_view name, const models::Options& sizes) -> std::string {
    try {
      models::make(name, sizes);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_NE(error_of("lenet", {}).find("lenet5"), std::string::npos);
  EXPECT_NE(error_of("gpt", {{"head", int64_t{2}}}).find("heads"), std::string::npos);
  EXPECT_EQ(error_of("gpt", {{"heads", int64_t{0}}}),
            "model gpt: heads is 0, it must be at least 1");
}

TEST(Gpt, RefusesMoreTokensThanItsContext) {
  try {
    nn::init(models::gpt({.context = 8}), {Type::parse("i32[1,9]")}, 0);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::shape_mismatch);
    EXPECT_EQ(error.message(), "gpt: 9 tokens are more than the context of 8");
  }
}

TEST(Gpt, NoTokenSeesLaterOnes) {
  nn::ModelFunction model =
      models::gpt({.tokens = 11, .context = 6, .depth = 8, .heads = 2, .layers = 2});
  nn::Variables v = nn::init(model, {Type::parse("i32[1,6]")}, 0);
  Tensor one = nn::apply(model, v, Tensor::of<int32_t>({1, 2, 3, 4, 5, 6}, {1, 6}));
  Tensor other = nn::apply(model, v, Tensor::of<int32_t>({1, 2, 3, 9, 9, 9}, {1, 6}));
  constexpr int64_t kEqual = int64_t{3} * 11;  // the logits of three steps
  for (int64_t i = 0; i < kEqual; ++i) EXPECT_NEAR(one.item(i), other.item(i), 1e-6) << i;
  EXPECT_NE(one.item(kEqual), other.item(kEqual));
}

}  // namespace
}  // namespace tenon
