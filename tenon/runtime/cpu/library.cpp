#include "tenon/runtime/cpu/library.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "tenon/base/cpu.h"
#include "tenon/ops/convolution.h"

namespace tenon {

namespace {

class ZeroKernel : public OpKernel {
 public:
  explicit ZeroKernel(int64_t bytes) : bytes_(static_cast<size_t>(bytes)) {}
  void run(void* const*, void* const* outputs, void*) const override {
    if (bytes_ > 0) std::memset(outputs[0], 0, bytes_);
  }
  std::string description() const override { return "zeros"; }

 private:
  size_t bytes_;
};

ConvolutionKind kind_of(const OpDef& op) {
  if (op.is(CoreOp::convolution)) return ConvolutionKind::forward;
  return op.is(CoreOp::convolution_input_gradient) ? ConvolutionKind::input_gradient
                                                   : ConvolutionKind::filter_gradient;
}

}  // namespace

bool claims_library(const Graph& graph, const Node& node) {
#if TENON_HAS_ONEDNN
  const DType dtype = graph.type(node.inputs[0]).dtype;
  return dtype == DType::f32 || (dtype == DType::bf16 && cpu_info().has("avx512_bf16"));
#else
  static_cast<void>(graph), static_cast<void>(node);
  return false;
#endif
}

bool ConvolutionProblem::fits_32_bits() const {
  const auto large = [](int64_t number) { return number > INT32_MAX; };
  if (large(batch) || large(in_channels) || large(out_channels)) return false;
  for (const auto* list :
       {&input, &output, &kernel, &strides, &padding_low, &padding_high, &dilation}) {
    if (std::ranges::any_of(*list, large)) return false;
  }
  return true;
}

std::unique_ptr<OpKernel> make_zeros(const ConcreteType& output) {
  return std::make_unique<ZeroKernel>(output.bytes());
}

namespace {

/// The roles of a convolution's operands in a call of the op or of one of its gradients.
struct ConvolutionTypes {
  explicit ConvolutionTypes(const KernelRequest& request) : kind(kind_of(request.op)) {
    const bool forward = kind == ConvolutionKind::forward;
    const bool input_gradient = kind == ConvolutionKind::input_gradient;
    x = input_gradient ? &request.outputs[0] : &request.inputs[0];
    y = forward ? &request.outputs[0] : input_gradient ? &request.inputs[0] : &request.inputs[1];
    filter = kind == ConvolutionKind::filter_gradient ? &request.outputs[0] : &request.inputs[1];
  }
  bool any_empty() const { return x->size() == 0 || y->size() == 0 || filter->size() == 0; }

  ConvolutionKind kind;
  const ConcreteType *x, *y, *filter;
};

}  // namespace

ConvolutionProblem convolution_problem(const KernelRequest& request) {
  const ConvolutionTypes types(request);
  const std::vector<int64_t>&x = types.x->shape, &y = types.y->shape;
  const std::vector<int64_t>& filter = types.filter->shape;
  ConvolutionProblem p;
  p.kind = types.kind;
  p.dtype = request.inputs[0].dtype;
  p.batch = x.front();
  p.input.assign(x.begin() + 1, x.end() - 1);
  p.output.assign(y.begin() + 1, y.end() - 1);
  p.kernel.assign(filter.begin(), filter.end() - 2);
  p.in_channels = x.back();
  p.out_channels = y.back();
  p.groups = p.in_channels / filter[filter.size() - 2];
  const ConvolutionGeometry geometry = convolution_geometry(request.attributes);
  p.strides = geometry.strides;
  p.padding_low = geometry.padding_low;
  p.padding_high = geometry.padding_high;
  p.dilation = geometry.dilation;
  p.exact = request.exact_convolutions;
  p.known_filter = types.kind != ConvolutionKind::filter_gradient && request.is_known(1);
  return p;
}

std::unique_ptr<OpKernel> make_convolution_op(const KernelRequest& request, std::string& why_not) {
  if (ConvolutionTypes(request).any_empty()) return make_zeros(request.outputs[0]);
  return make_convolution(convolution_problem(request), why_not);
}

}  // namespace tenon
