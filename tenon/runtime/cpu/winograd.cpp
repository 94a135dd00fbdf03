#include "tenon/runtime/cpu/winograd.h"

#include "tenon/runtime/cpu/winograd_kernel.h"

namespace tenon {

std::unique_ptr<OpKernel> make_winograd_of(const ConvolutionProblem& problem, int tile) {
  const VectorKernels& vector = *vector_kernels();
  const WinogradKernels& kernels = tile == 4 ? vector.winograd4 : vector.winograd2;
  if (problem.kind == ConvolutionKind::filter_gradient) {
    return make_winograd_filter_gradient(problem, kernels);
  }
  return make_winograd_convolution(problem, kernels);
}

}  // namespace tenon
