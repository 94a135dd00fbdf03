#include <cstring>

#include "tenon/base/error.h"
#include "tenon/ops/collective.h"
#include "tenon/ops/reference.h"
#include "tenon/runtime/cpu/native.h"

namespace tenon {

namespace {

class ReferenceKernel : public OpKernel {
 public:
  explicit ReferenceKernel(const KernelRequest& request)
      : op_(request.op),
        attributes_(request.attributes),
        inputs_(request.inputs),
        outputs_(request.outputs) {}

  void run(void* const* inputs, void* const* outputs, void*) const override {
    std::vector<RefArray> operands;
    for (size_t i = 0; i < inputs_.size(); ++i) {
      Literal literal(inputs_[i].dtype, inputs_[i].shape);
      if (literal.bytes() > 0) std::memcpy(literal.data(), inputs[i], literal.bytes());
      operands.push_back(RefArray::from(literal));
    }
    std::vector<RefArray> results;
    for (const ConcreteType& type : outputs_) results.emplace_back(type.dtype, type.shape);
    ReferenceCall call(attributes_, std::move(operands), std::move(results), nullptr);
    op_.reference(call);
    for (size_t i = 0; i < outputs_.size(); ++i) {
      Literal literal = call.output(i).to_literal();
      if (literal.bytes() > 0) std::memcpy(outputs[i], literal.data(), literal.bytes());
    }
  }
  std::string description() const override { return op_.name + " in double precision, slow"; }

 private:
  const OpDef& op_;
  Attributes attributes_;
  std::vector<ConcreteType> inputs_, outputs_;
};

}  // namespace

bool claims_any(const Graph&, const Node&) { return true; }

std::unique_ptr<OpKernel> make_reference(const KernelRequest& request, std::string& why_not) {
  if (!request.op.reference) {
    why_not = "the op has no reference semantics";
    return nullptr;
  }
  if (request.op.is_collective) check_is_bound(request.op, request.attributes);
  return std::make_unique<ReferenceKernel>(request);
}

}  // namespace tenon
