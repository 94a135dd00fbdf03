// Multi-layer perceptron.
//
//   auto model = models::mlp({.hidden = {512, 512}, .classes = 10});
//   nn::Variables v = nn::init(model, {Type::parse("f32[1,784]")}, 0);
#pragma once

#include "tenon/nn/layers.h"

namespace tenon::models {

struct MlpOptions {
  std::vector<int64_t> hidden = {512, 512};
  int64_t classes = 10;
};
/// x [batch, …] is flattened; ReLU between the layers fc1, fc2, …; logits [batch, classes].
nn::ModelFunction mlp(MlpOptions options = {});

}  // namespace tenon::models
