// A character model of stacked LSTMs.
//
//   nn::Variables v = nn::init(models::char_lstm({.tokens = 65}), {Type::parse("i32[1,50]")}, 0);
#pragma once

#include "tenon/nn/layers.h"

namespace tenon::models {

struct CharLstmOptions {
  int64_t tokens = 65;
  int64_t depth = 128;
  int64_t layers = 2;
};
/// ids i32[batch, time] to logits [batch, time, tokens].
nn::ModelFunction char_lstm(CharLstmOptions options = {});

}  // namespace tenon::models
