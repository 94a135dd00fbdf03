#pragma once

// All that a user of Tenon needs; each module's own header says more.
//
//   auto f = [](Tensor x) { return sum(sin(x) * exp(-x * x)); };
//   auto df = grad(f);                        // a function again
//   print("{}\n", df(Tensor{1.0, 2.0, 3.0}));  // evaluated when it is looked at

#include <fmt/core.h>

#include "tenon/base/configuration.h"
#include "tenon/base/cpu.h"
#include "tenon/base/error.h"
#include "tenon/base/files.h"
#include "tenon/base/hash.h"
#include "tenon/base/interrupt.h"
#include "tenon/base/log.h"
#include "tenon/base/parallel.h"
#include "tenon/base/progress.h"
#include "tenon/base/random.h"
#include "tenon/base/strings.h"
#include "tenon/base/trace.h"
#include "tenon/base/version.h"
#include "tenon/data/dataset.h"
#include "tenon/data/loader.h"
#include "tenon/data/sources.h"
#include "tenon/format/array_view.h"
#include "tenon/format/dlpack.h"
#include "tenon/format/idx.h"
#include "tenon/format/image.h"
#include "tenon/format/npy.h"
#include "tenon/format/safetensors.h"
#include "tenon/format/tensor_files.h"
#include "tenon/models/char_lstm.h"
#include "tenon/models/cnn.h"
#include "tenon/models/gpt.h"
#include "tenon/models/layer_list.h"
#include "tenon/models/lenet.h"
#include "tenon/models/mlp.h"
#include "tenon/models/resnet.h"
#include "tenon/models/zoo.h"
#include "tenon/nn/initialise.h"
#include "tenon/nn/layers.h"
#include "tenon/nn/losses.h"
#include "tenon/nn/optimizer.h"
#include "tenon/nn/schedule.h"
#include "tenon/nn/scope.h"
#include "tenon/runtime/caches.h"
#include "tenon/tensor/custom_call.h"
#include "tenon/tensor/functions.h"
#include "tenon/tensor/jit.h"
#include "tenon/tensor/numpy.h"
#include "tenon/tensor/plan_cache.h"
#include "tenon/tensor/print.h"
#include "tenon/tensor/random.h"
#include "tenon/tensor/tensor.h"
#include "tenon/tensor/transforms.h"
#include "tenon/tensor/tree.h"
#include "tenon/train/checkpoint.h"
#include "tenon/train/configured.h"
#include "tenon/train/evaluate.h"
#include "tenon/train/fit.h"
#include "tenon/train/model.h"
#include "tenon/train/report.h"

namespace tenon {
using fmt::print;
}
