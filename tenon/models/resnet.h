// Residual networks for small images.
//
//   nn::Variables v = nn::init(models::resnet18(), {Type::parse("f32[1,32,32,3]")}, 0);
#pragma once

#include "tenon/nn/layers.h"

namespace tenon::models {

struct ResnetOptions {
  int64_t classes = 10;
};
/// ResNet-18 (He et al. 2016, table 1) with the 3x3 stem of the CIFAR experiments: x [batch, 32,
/// 32, 3] to logits.
nn::ModelFunction resnet18(ResnetOptions options = {});

/// Two 3x3 convolutions and a shortcut, projected by a 1x1 convolution where sizes change.
Tensor residual_block(nn::Scope s, const Tensor& x, int64_t filters, int64_t stride);

}  // namespace tenon::models
