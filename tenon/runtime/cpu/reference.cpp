#include <cstring>

#include "tenon/base/error.h"
#include "tenon/graph/build.h"
#include "tenon/interpret/interpret.h"
#include "tenon/ops/collective.h"
#include "tenon/ops/reference.h"
#include "tenon/ops/registry.h"
#include "tenon/runtime/cpu/native.h"

namespace tenon {

namespace {

std::vector<RefArray> as_operands(const std::vector<ConcreteType>& types, void* const* memory) {
  std::vector<RefArray> operands;
  for (size_t i = 0; i < types.size(); ++i) {
    Literal literal(types[i].dtype, types[i].shape);
    if (literal.bytes() > 0) std::memcpy(literal.data(), memory[i], literal.bytes());
    operands.push_back(RefArray::from(literal));
  }
  return operands;
}

void write(const RefArray& result, void* memory) {
  const Literal literal = result.to_literal();
  if (literal.bytes() > 0) std::memcpy(memory, literal.data(), literal.bytes());
}

class ReferenceKernel : public OpKernel {
 public:
  explicit ReferenceKernel(const KernelRequest& request)
      : op_(request.op),
        attributes_(request.attributes),
        inputs_(request.inputs),
        outputs_(request.outputs) {}

  void run(void* const* inputs, void* const* outputs, void*) const override {
    std::vector<RefArray> results;
    for (const ConcreteType& type : outputs_) results.emplace_back(type.dtype, type.shape);
    ReferenceCall call(attributes_, as_operands(inputs_, inputs), std::move(results), nullptr);
    op_.reference(call);
    for (size_t i = 0; i < outputs_.size(); ++i) write(call.output(i), outputs[i]);
  }
  std::string description() const override { return op_.name + " in double precision, slow"; }

 private:
  const OpDef& op_;
  Attributes attributes_;
  std::vector<ConcreteType> inputs_, outputs_;
};

/// A composite that a kernel claimed, so that it was not decomposed, and then declined for its
/// sizes.
class CompositeKernel : public OpKernel {
 public:
  explicit CompositeKernel(const KernelRequest& request)
      : name_(request.op.name), inputs_(request.inputs) {
    Build build(call_, core_ops());
    std::vector<Value> operands;
    for (const ConcreteType& type : inputs_) {
      operands.push_back(build.input("x" + std::to_string(operands.size()),
                                     Type{type.dtype, Shape::of(type.shape)}));
    }
    std::vector<ValueId> results;
    for (const Value& value : build.call_multi(request.op, operands, request.attributes))
      results.push_back(value.id());
    call_.set_outputs(std::move(results));
  }

  void run(void* const* inputs, void* const* outputs, void*) const override {
    const std::vector<RefArray> results = interpret(call_, as_operands(inputs_, inputs));
    for (size_t i = 0; i < results.size(); ++i) write(results[i], outputs[i]);
  }
  std::string description() const override { return name_ + " in double precision, slow"; }

 private:
  std::string name_;
  std::vector<ConcreteType> inputs_;
  Graph call_;
};

}  // namespace

bool claims_any(const Graph&, const Node&) { return true; }

std::unique_ptr<OpKernel> make_reference(const KernelRequest& request, std::string& why_not) {
  if (request.op.kind == OpKind::composite) return std::make_unique<CompositeKernel>(request);
  if (!request.op.reference) {
    why_not = "the op has no reference semantics";
    return nullptr;
  }
  if (request.op.is_collective) check_is_bound(request.op, request.attributes);
  return std::make_unique<ReferenceKernel>(request);
}

}  // namespace tenon
