// Kernels of single calls, from a library, in native code or generated for their sizes, chosen by
// asking an ordered list.
//
//   ChosenKernel chosen = make_kernel(request);      // the first that accepts
//   chosen.kernel->run(inputs, outputs, scratch);
//   chosen.trace;                                    // why those before it did not
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

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

struct KernelRequest {
  const OpDef& op;
  const Attributes& attributes;
  std::vector<ConcreteType> inputs;
  std::vector<ConcreteType> outputs;
  CodeGenerator* generator = nullptr;  // for kernels that are made for the sizes of the call
  bool exact_convolutions = false;     // as in CompileOptions
};

/// One call with fixed types. Thread-safe. run() does not allocate, except where the reference, a
/// sort or a custom call runs.
class OpKernel {
 public:
  virtual ~OpKernel() = default;
  virtual void run(void* const* inputs, void* const* outputs, void* scratch) const = 0;
  virtual int64_t scratch_bytes() const { return 0; }
  virtual double flops() const { return 0; }
  virtual std::string description() const = 0;
};

/// One candidate for calls of an op.
struct KernelEntry {
  std::string op;
  std::string name;  // "matrix product"
  /// Whether it takes calls of these types, before sizes are known.
  bool (*claims)(const Graph& graph, const Node& node);
  /// The kernel, or null and the reason.
  std::unique_ptr<OpKernel> (*make)(const KernelRequest& request, std::string& why_not);
};

/// In order of preference. The last entry, for every op, is the reference: it runs what the others
/// decline.
const std::vector<KernelEntry>& cpu_kernels();

struct ChosenKernel {
  std::unique_ptr<OpKernel> kernel;
  std::string trace;  // "matrix product declined: …; reference"
};
/// Throws Error(unsupported) with every reason when none accepts.
ChosenKernel make_kernel(const KernelRequest& request);

}  // namespace tenon
