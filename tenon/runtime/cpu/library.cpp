#include "tenon/runtime/cpu/library.h"

#include <cstring>

#include "tenon/base/cpu.h"
#include "tenon/ops/convolution.h"
#include "tenon/runtime/cpu/convolution.h"

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

ConvolutionKind kind_of(const std::string& op) {
  if (op == "convolution") return ConvolutionKind::forward;
  return op == "convolution_input_gradient" ? ConvolutionKind::input_gradient
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

std::unique_ptr<OpKernel> make_zeros(const ConcreteType& output) {
  return std::make_unique<ZeroKernel>(output.bytes());
}

std::unique_ptr<OpKernel> make_convolution_op(const KernelRequest& request, std::string& why_not) {
  ConvolutionProblem p;
  p.kind = kind_of(request.op.name);
  p.dtype = request.inputs[0].dtype;
  const bool forward = p.kind == ConvolutionKind::forward;
  const bool input_gradient = p.kind == ConvolutionKind::input_gradient;
  const ConcreteType& x = input_gradient ? request.outputs[0] : request.inputs[0];
  const ConcreteType& y = forward          ? request.outputs[0]
                          : input_gradient ? request.inputs[0]
                                           : request.inputs[1];
  const ConcreteType& filter =
      p.kind == ConvolutionKind::filter_gradient ? request.outputs[0] : request.inputs[1];
  if (x.size() == 0 || y.size() == 0 || filter.size() == 0) return make_zeros(request.outputs[0]);

  p.batch = x.shape.front();
  p.input.assign(x.shape.begin() + 1, x.shape.end() - 1);
  p.output.assign(y.shape.begin() + 1, y.shape.end() - 1);
  p.kernel.assign(filter.shape.begin(), filter.shape.end() - 2);
  p.in_channels = x.shape.back();
  p.out_channels = y.shape.back();
  p.groups = p.in_channels / filter.shape[filter.shape.size() - 2];
  const ConvolutionGeometry geometry = convolution_geometry(request.attributes);
  p.strides = geometry.strides;
  p.padding_low = geometry.padding_low;
  p.padding_high = geometry.padding_high;
  p.dilation = geometry.dilation;
  return make_convolution(p, why_not);
}

}  // namespace tenon
