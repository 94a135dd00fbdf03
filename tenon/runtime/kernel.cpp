#include "tenon/runtime/kernel.h"

#include <exception>
#include <new>

#include "tenon/base/blob.h"
#include "tenon/base/error.h"
#include "tenon/base/strings.h"

namespace tenon {

int64_t ConcreteType::bytes() const {
  int64_t bytes = 0;
  if (__builtin_mul_overflow(size(), static_cast<int64_t>(size_of(dtype)), &bytes))
    fail(ErrorCode::resource_exhausted, "{} has more than 2^63 bytes", to_string());
  return bytes;
}

Packing in_turn(Packing first, std::optional<Packing> rest) {
  if (!rest) return first;
  const Hash128 layout = Hasher().add(first.layout).add(rest->layout).finish();
  const size_t bytes = rest->bytes;
  const auto pack = [first = std::move(first), rest = std::move(*rest)](const void* operand,
                                                                        void* packed) {
    const std::shared_ptr<Blob> between = Blob::allocate(first.bytes);
    if (!between) {
      fail(ErrorCode::resource_exhausted, "cannot allocate {} to pack an operand",
           format_bytes(first.bytes));
    }
    first.pack(operand, between->data());
    rest.pack(between->data(), packed);
  };
  return {layout, bytes, pack, true};
}

namespace {

/// Kernels of extensions are written by others: what they throw is said to be theirs.
std::unique_ptr<OpKernel> made_by(const KernelEntry& entry, const KernelRequest& request,
                                  std::string& why_not) {
  try {
    return entry.make(request, why_not);
  } catch (const Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    fail(ErrorCode::invalid_argument, "kernel '{}' for {}: {}", entry.name, request.op.name,
         error.what());
  }
}

}  // namespace

ChosenKernel make_kernel(const KernelRequest& request) {
  ChosenKernel chosen;
  for (const KernelEntry& entry : cpu_kernels()) {
    if (entry.op != request.op.name && entry.op != "*") continue;
    std::string why_not;
    chosen.kernel = made_by(entry, request, why_not);
    if (chosen.kernel) {
      chosen.reasons += entry.name;
      return chosen;
    }
    chosen.reasons +=
        entry.name + " declined: " + (why_not.empty() ? "it says no reason" : why_not) + "; ";
  }
  Error error = make_error(ErrorCode::unsupported, "no kernel runs {}", request.op.name);
  for (const ConcreteType& input : request.inputs) error.note("input {}", input.to_string());
  error.note("{}", chosen.reasons);
  throw error;
}

}  // namespace tenon
