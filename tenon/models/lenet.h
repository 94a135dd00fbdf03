// LeNet-5 (LeCun et al. 1998, section II.B) with ReLU and max pooling.
//
//   nn::Variables v = nn::init(models::lenet5(), {Type::parse("f32[1,28,28,1]")}, 0);
#pragma once

#include "tenon/nn/layers.h"

namespace tenon::models {

struct LenetOptions {
  int64_t classes = 10;
};
/// x [batch, 28, 28, 1] to logits [batch, classes].
nn::ModelFunction lenet5(LenetOptions options = {});

}  // namespace tenon::models
