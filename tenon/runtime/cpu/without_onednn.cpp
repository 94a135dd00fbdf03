// What a build without oneDNN answers: generated kernels do the work.
#if !TENON_HAS_ONEDNN

#include "tenon/runtime/cpu/convolution.h"
#include "tenon/runtime/cpu/matmul.h"

namespace tenon {

std::unique_ptr<OpKernel> make_matmul(const MatmulProblem&, std::string& why_not) {
  why_not = "built without oneDNN";
  return nullptr;
}

std::unique_ptr<OpKernel> make_convolution(const ConvolutionProblem&, std::string& why_not) {
  why_not = "built without oneDNN";
  return nullptr;
}

}  // namespace tenon

#endif
