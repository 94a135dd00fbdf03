// Trains a multi-layer perceptron on Fashion-MNIST and prints its test accuracy.
//
//   mnist_mlp          a tenth of the training images, for a quick try
//   mnist_mlp 60000    all of them
#include <tenon/tenon.h>

#include <algorithm>
#include <cstdlib>

using namespace tenon;

// A model is a function of a scope, which holds its parameters, and of its input.
Tensor perceptron(nn::Scope s, Tensor x) {  // x: f32[batch, 28, 28, 1]
  x = flatten(x);
  x = relu(nn::dense(s / "hidden", x, 128));
  return nn::dense(s / "logits", x, 10);
}

// Used if Fashion-MNIST is not installed: noise, brighter in the rows that encode the label.
data::Dataset stripes(int64_t count) {
  Literal images(DType::u8, {count, 28, 28, 1}), labels(DType::i32, {count});
  RandomStream noise(RandomKey(7));
  for (int64_t i = 0; i < count; ++i) {
    labels.set_int(i, i % 10);
    for (int64_t p = 0; p < 784; ++p)
      images.set_int(i * 784 + p, noise() % 128 + (p / 56 == i % 10 ? 100 : 0));
  }
  return data::Dataset({{"image", std::move(images)}, {"label", std::move(labels)}});
}

int main(int argc, char** argv) {
  data::TrainTest data;
  try {
    data = data::fashion_mnist();
  } catch (const Error& error) {
    print("{}\nusing synthetic images instead\n", error.what());
    data = {stripes(6000), stripes(1000)};
  }
  int64_t rows = argc > 1 ? std::atoll(argv[1]) : 6000;
  data.train = data.train.rows(0, std::min(rows, data.train.size()));

  auto result = train::fit(
      perceptron, data.train,
      {.optimizer = nn::adamw({.learning_rate = nn::one_cycle(4e-3)}), .epochs = 2, .batch = 64});
  auto evaluation = train::evaluate(result.model, data.test);
  print("{}", evaluation);
  return evaluation.accuracy > 0.7 ? 0 : 1;
}
