#include "tenon/runtime/cpu/winograd.h"

#include "tenon/runtime/cpu/library.h"
#include "tenon/runtime/cpu/winograd_cost.h"
#include "tenon/runtime/cpu/winograd_kernel.h"

namespace tenon {

std::unique_ptr<OpKernel> make_winograd_of(const ConvolutionProblem& problem, int tile) {
  const VectorKernels* const vector = vector_kernels();
  if (!vector) return nullptr;
  const WinogradKernels& kernels = tile == 4 ? vector->winograd4 : vector->winograd2;
  if (problem.kind == ConvolutionKind::filter_gradient) {
    return make_winograd_filter_gradient(problem, kernels);
  }
  return make_winograd_convolution(problem, kernels);
}

std::unique_ptr<OpKernel> make_winograd(const ConvolutionProblem& problem, std::string& why_not) {
  const VectorKernels* const vector = vector_kernels();
  if (!vector) {
    why_not = "this processor has no vectors of AVX2";
    return nullptr;
  }
  const int tile = winograd_tile(problem, vector->lanes, why_not);
  return tile == 0 ? nullptr : make_winograd_of(problem, tile);
}

std::unique_ptr<OpKernel> make_winograd_op(const KernelRequest& request, std::string& why_not) {
  if (request.inputs[0].size() == 0 || request.inputs[1].size() == 0 ||
      request.outputs[0].size() == 0) {
    why_not = "an operand is empty";
    return nullptr;
  }
  return make_winograd(convolution_problem(request), why_not);
}

}  // namespace tenon
