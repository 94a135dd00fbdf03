// A GPT-style decoder.
//
//   nn::Variables v = nn::init(models::gpt({.tokens = 65, .context = 64}), {Type::parse("i32[1,64]")}, 0);
#pragma once

#include "tenon/nn/layers.h"

namespace tenon::models {

struct GptOptions {
  int64_t tokens = 65;
  int64_t context = 64;
  int64_t depth = 128;
  int64_t heads = 4;
  int64_t layers = 4;
};
/// Pre-norm decoder blocks as in GPT-2 (Radford et al. 2019): ids i32[batch, time] to logits
/// [batch, time, tokens], time at most `context`.
nn::ModelFunction gpt(GptOptions options = {});

}  // namespace tenon::models
