// Ten training steps that PyTorch took, taken again: tests/reference/make_torch_golden.py wrote the
// files and says what is in them.

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "tenon/format/safetensors.h"
#include "tenon/models/gpt.h"
#include "tenon/models/lenet.h"
#include "tenon/nn/losses.h"
#include "tenon/nn/optimizer.h"
#include "tenon/tensor/jit.h"

namespace tenon {
namespace {

class Golden {
 public:
  explicit Golden(const std::string& name) : file_("tests/golden/torch/" + name + ".safetensors") {}

  double number(const std::string& key) const { return std::stod(file_.metadata().at(key)); }
  int64_t integer(const std::string& key) const { return std::stol(file_.metadata().at(key)); }
  Literal read(const std::string& name) const { return file_.read(name); }
  Tensor tensor(const std::string& name) const { return Tensor(file_.read(name)); }

  /// The model's variables with the values of the file, which must have the same paths and shapes.
  nn::Variables variables(const nn::ModelFunction& model) const {
    Type input = tensor("input")[0].type();
    input.shape[0] = Dim::symbol("batch");
    nn::Variables v = nn::init(model, {input}, 0);
    size_t in_file = 0;
    for (const SafetensorsEntry& entry : file_.tensors())
      in_file += entry.name.starts_with("initial/");
    EXPECT_EQ(v.parameters.leaf_count(), in_file);
    for_each_leaf(v.parameters, [&](const std::string& path, Tensor& leaf) {
      Tensor value = tensor("initial/" + path);
      EXPECT_EQ(leaf.type().to_string(), value.type().to_string()) << path;
      leaf = value;
    });
    return v;
  }

 private:
  SafetensorsFile file_;
};

struct Step {
  Tensor loss;
  Tree gradient;
  Tree parameters;
  Tree slots;
};

double norm(const Literal& x) {
  double sum = 0;
  for (int64_t i = 0; i < x.size(); ++i) sum += x.to_double(i) * x.to_double(i);
  return std::sqrt(sum);
}

/// |a - b| / |b| in the Euclidean norm.
double relative_distance(const Literal& a, const Literal& b) {
  EXPECT_EQ(a.shape(), b.shape());
  double sum = 0;
  for (int64_t i = 0; i < b.size(); ++i) sum += std::pow(a.to_double(i) - b.to_double(i), 2);
  return std::sqrt(sum) / norm(b);
}

void expect_close(const Tree& actual, const Golden& golden, const std::string& prefix,
                  double tolerance) {
  for_each_leaf(actual, [&](const std::string& path, const Tensor& leaf) {
    EXPECT_LE(relative_distance(leaf.literal(), golden.read(prefix + path)), tolerance)
        << prefix << path;
  });
}

/// A key bias shifts all scores of a query by the same amount, which softmax takes out again: its
/// gradient is rounding noise, which Adam then scales to whole steps. It is left out.
Literal without_key_bias(Literal qkv_bias) {
  int64_t depth = qkv_bias.size() / 3;
  for (int64_t i = depth; i < 2 * depth; ++i) qkv_bias.set_double(i, 0);
  return qkv_bias;
}

/// Trains on the batches of the file; returns the final parameters.
Tree expect_same_training(const nn::ModelFunction& model, const nn::Optimizer& optimizer,
                          const Golden& golden) {
  auto step = jit([&](Tree parameters, Tree slots, Tensor count, Tensor inputs, Tensor targets) {
    auto objective = [&](const Tree& p) {
      return nn::cross_entropy(nn::apply_training(model, {p, {}}, Tensor(), inputs).first, targets);
    };
    auto [loss, gradient] = value_and_grad(objective)(parameters);
    nn::Updated next = optimizer.update(parameters, slots, gradient, count);
    return Step{loss, gradient, next.parameters, next.slots};
  });
  Tree parameters = golden.variables(model).parameters;
  Tree slots = optimizer.init(parameters);
  Tensor inputs = golden.tensor("input");
  Tensor targets = golden.tensor("target");
  Literal losses = golden.read("loss");
  for (int i = 0; i < 10; ++i) {
    Step now = step(std::move(parameters), std::move(slots), Tensor(i), inputs[i].eval(),
                    targets[i].eval());
    double wanted = losses.to_double(i);
    EXPECT_NEAR(now.loss.item(), wanted, 1e-5 * wanted) << "step " << i + 1;
    for_each_leaf(now.gradient, [&](const std::string& path, const Tensor& leaf) {
      double wanted_norm = golden.read("gradient_norm/" + path).to_double(i);
      EXPECT_NEAR(norm(leaf.literal()), wanted_norm, 1e-4 * wanted_norm)
          << "step " << i + 1 << ", " << path;
    });
    if (i == 0) expect_close(now.gradient, golden, "gradient/1/", 1e-4);
    if (i == 9) expect_close(now.gradient, golden, "gradient/10/", 1e-4);
    parameters = now.parameters;
    slots = now.slots;
  }
  EXPECT_EQ(step.compilations(), 1u);
  return parameters;
}

TEST(Golden, LeNetTrainsAsInPyTorch) {
  Golden golden("lenet");
  nn::Optimizer optimizer = nn::sgd(
      {.learning_rate = golden.number("learning_rate"), .momentum = golden.number("momentum")});
  Tree final = expect_same_training(models::lenet5(), optimizer, golden);
  expect_close(final, golden, "final/", 1e-5);
}

TEST(Golden, GptTrainsAsInPyTorch) {
  Golden golden("gpt");
  nn::Optimizer optimizer = nn::adamw({.learning_rate = golden.number("learning_rate"),
                                       .beta1 = golden.number("beta1"),
                                       .beta2 = golden.number("beta2"),
                                       .epsilon = golden.number("epsilon"),
                                       .weight_decay = golden.number("weight_decay")});
  nn::ModelFunction model = models::gpt({.tokens = golden.integer("vocabulary"),
                                         .context = golden.integer("time"),
                                         .depth = golden.integer("width"),
                                         .heads = golden.integer("heads"),
                                         .layers = golden.integer("layers")});
  Tree final = expect_same_training(model, optimizer, golden);
  for_each_leaf(final, [&](const std::string& path, const Tensor& leaf) {
    Literal actual = leaf.literal();
    Literal wanted = golden.read("final/" + path);
    if (path.ends_with("qkv.bias")) {
      actual = without_key_bias(actual);
      wanted = without_key_bias(wanted);
    }
    EXPECT_LE(relative_distance(actual, wanted), 1e-4) << path;
  });
}

}  // namespace
}  // namespace tenon
