#include "tenon/runtime/kernel.h"

#include "tenon/base/error.h"

namespace tenon {

int64_t ConcreteType::bytes() const {
  int64_t bytes = 0;
  if (__builtin_mul_overflow(size(), static_cast<int64_t>(size_of(dtype)), &bytes))
    fail(ErrorCode::resource_exhausted, "{} has more than 2^63 bytes", to_string());
  return bytes;
}

ChosenKernel make_kernel(const KernelRequest& request) {
  ChosenKernel chosen;
  for (const KernelEntry& entry : cpu_kernels()) {
    if (entry.op != request.op.name && entry.op != "*") continue;
    std::string why_not;
    chosen.kernel = entry.make(request, why_not);
    if (chosen.kernel) {
      chosen.reasons += entry.name;
      return chosen;
    }
    chosen.reasons += entry.name + " declined: " + why_not + "; ";
  }
  Error error = make_error(ErrorCode::unsupported, "no kernel runs {}", request.op.name);
  for (const ConcreteType& input : request.inputs) error.note("input {}", input.to_string());
  error.note("{}", chosen.reasons);
  throw error;
}

}  // namespace tenon
