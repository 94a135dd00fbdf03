// A small convolutional network with batch norm.
//
//   nn::Variables v = nn::init(models::cnn(), {Type::parse("f32[1,28,28,1]")}, 0);
#pragma once

#include "tenon/nn/layers.h"

namespace tenon::models {

struct CnnOptions {
  int64_t width = 64;
  int64_t classes = 10;
};
/// Three 3x3 convolutions with batch norm and ReLU, max pooling after the second, global average
/// pooling at the end.
nn::ModelFunction cnn(CnnOptions options = {});

}  // namespace tenon::models
