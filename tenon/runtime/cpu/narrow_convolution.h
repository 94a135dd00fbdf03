// Convolutions whose result has fewer channels than a vector has lanes, such as the input gradient
// of a small image model's second convolution. A library vectorises over the channels of the result
// and leaves most lanes idle; here the lanes are the input channels, in a kernel that is
// generated for the call's sizes.
//
//   std::string why_not;
//   auto kernel = make_narrow_convolution(request, why_not);    // request.generator makes the code
#pragma once

#include "tenon/runtime/kernel.h"

namespace tenon {

/// Of the ops `convolution` and `convolution_input_gradient`, in f32.
std::unique_ptr<OpKernel> make_narrow_convolution(const KernelRequest& request,
                                                  std::string& why_not);

}  // namespace tenon
