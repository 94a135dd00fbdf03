// What a model costs: numbers that are trained, and multiply-adds of one prediction.
//
//   given: nn::ModelFunction model;
//   models::Cost cost = models::cost_of(model, {{"", Type::parse("f32[1,28,28,1]")}});
//   cost.parameters;                       // 61,706 of LeNet-5
//   cost.multiply_adds;                    // 416,520
#pragma once

#include "tenon/graph/graph.h"
#include "tenon/nn/model_function.h"

namespace tenon::models {

struct Cost {
  int64_t parameters = 0;
  int64_t state = 0;  // numbers that are carried along: running averages
  /// Of matrix products and convolutions, as papers count them; what is elementwise is left out.
  int64_t multiply_adds = 0;
};

/// In evaluation, for one example: symbols of the inputs' types count as 1. Nothing is computed, so
/// that a model of gigabytes needs none.
Cost cost_of(const nn::ModelFunction& model, const nn::Signature& inputs);

/// Of all dots and convolutions of a graph, those of loops as often as they run; symbols count
/// as 1.
int64_t multiply_adds(const Graph& graph);

}  // namespace tenon::models
