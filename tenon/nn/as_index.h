// Converts labels and ids to the dtypes that ops take. Private to nn.
#pragma once

#include "tenon/tensor/functions.h"

namespace tenon::nn {

/// Narrow integers, as found in files, become i32.
inline Tensor as_index(const Tensor& ids) {
  return kIndex.contains(ids.dtype()) || !is_integer(ids.dtype()) ? ids : ids.cast(DType::i32);
}

}  // namespace tenon::nn
