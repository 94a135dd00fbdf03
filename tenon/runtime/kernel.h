// Kernels of single calls, from a library, in native code or generated for their sizes, chosen from
// an ordered list.
//
//   given: extern KernelRequest& request; void *const *inputs, *const *outputs, *scratch;
//   ChosenKernel chosen = make_kernel(request);      // the first that accepts
//   chosen.kernel->run(inputs, outputs, scratch);
//   chosen.reasons;                                  // why those before it declined
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tenon/base/hash.h"
#include "tenon/graph/graph.h"
#include "tenon/graph/op.h"

namespace tenon {

class CodeGenerator;

/// The type of an operand in one run: numbers only.
struct ConcreteType {
  DType dtype = DType::f32;
  std::vector<int64_t> shape;

  int64_t size() const { return element_count(shape); }
  /// Error resource_exhausted beyond 2^63.
  int64_t bytes() const;
  std::string to_string() const { return Type{dtype, Shape::of(shape)}.to_string(); }
};

/// An operand in a kernel's own layout, packed once if its value is known.
struct Packing {
  Hash128 layout;    // distinguishes different packings of equal bytes
  size_t bytes = 0;  // of the result, which is aligned to kBufferAlignment
  /// Thread-safe. May be called after the kernel is gone.
  std::function<void(const void* operand, void* packed)> pack;
  bool allocates = false;  // while it packs
};

/// `first`, then `rest`, if given, on its result: for kernels that pass an operand on in another
/// layout. Packing throws resource_exhausted if there is no memory for the intermediate result.
Packing in_turn(Packing first, std::optional<Packing> rest);

struct KernelRequest {
  const OpDef& op;
  const Attributes& attributes;
  std::vector<ConcreteType> inputs;
  std::vector<ConcreteType> outputs;
  CodeGenerator* generator = nullptr;  // for kernels that are generated for the sizes of the call
  bool exact_convolutions = false;     // as in CompileOptions
  /// One per input, or empty: whether it is constant or bound, with the same value in every run, or
  /// the same in all steps of a loop.
  std::vector<bool> known = {};

  bool is_known(size_t input) const { return input < known.size() && known[input]; }
};

/// One call with fixed types. Thread-safe. run() does not allocate, except in the reference, sorts
/// and custom calls.
class OpKernel {
 public:
  virtual ~OpKernel() = default;
  virtual void run(void* const* inputs, void* const* outputs, void* scratch) const = 0;
  /// The packing that run() takes in place of an input; none: the input itself. Only for inputs
  /// that were known when the kernel was made. Always returns the same.
  virtual std::optional<Packing> packing(size_t input) const {
    static_cast<void>(input);
    return std::nullopt;
  }
  virtual int64_t scratch_bytes() const { return 0; }
  virtual double flops() const { return 0; }
  virtual std::string description() const = 0;
};

/// One candidate for calls of an op.
struct KernelEntry {
  std::string op;
  std::string name;  // "matrix product"
  /// Whether it takes calls of these types, before sizes are known.
  std::function<bool(const Graph& graph, const Node& node)> claims;
  /// The kernel, or null and the reason.
  std::function<std::unique_ptr<OpKernel>(const KernelRequest& request, std::string& why_not)> make;
};

/// In order of preference: those of extensions, then Tenon's. The last entry, for every op, is the
/// reference, which runs calls that all others decline.
const std::vector<KernelEntry>& cpu_kernels();
/// For load() (extension.h), before anything is compiled.
void extend_cpu_kernels(std::vector<KernelEntry> kernels);

struct ChosenKernel {
  std::unique_ptr<OpKernel> kernel;
  std::string reasons;  // "matrix product declined: …; reference"
};
/// Throws Error(unsupported) with every reason if none accepts.
ChosenKernel make_kernel(const KernelRequest& request);

}  // namespace tenon
