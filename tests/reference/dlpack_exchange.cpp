// A library for tests/reference/dlpack_exchange.py: Tenon's end of an exchange of arrays.

#include "tenon/format/dlpack.h"

namespace {

tenon::Literal counting(tenon::DType dtype) {
  tenon::Literal array(dtype, {2, 3});
  for (int64_t i = 0; i < array.size(); ++i) array.set_double(i, static_cast<double>(i % 2));
  return array;
}

}  // namespace

extern "C" {

/// [[0, 1, 0], [1, 0, 1]] in the dtype of that number.
tenon::DLManagedTensorVersioned* give(int dtype) {
  return tenon::to_dlpack(counting(static_cast<tenon::DType>(dtype)));
}
tenon::DLManagedTensor* give_unversioned(int dtype) {
  return tenon::to_dlpack_unversioned(counting(static_cast<tenon::DType>(dtype)));
}

/// Takes an array; the sum of element times row-major index + 1, or -1 for an error.
double take(tenon::DLManagedTensorVersioned* managed, tenon::DLManagedTensor* unversioned) try {
  const tenon::Literal array = managed != nullptr ? tenon::DlpackArray(managed).copy()
                                                  : tenon::DlpackArray(unversioned).copy();
  double sum = 0;
  for (int64_t i = 0; i < array.size(); ++i) {
    sum += array.to_double(i) * static_cast<double>(i + 1);
  }
  return sum;
} catch (const std::exception&) {
  return -1;
}
}
