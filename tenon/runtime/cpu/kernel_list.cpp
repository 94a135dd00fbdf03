#include <algorithm>
#include <iterator>

#include "tenon/base/fork_safe_mutex.h"
#include "tenon/runtime/cpu/library.h"
#include "tenon/runtime/cpu/narrow_convolution.h"
#include "tenon/runtime/cpu/native.h"
#include "tenon/runtime/cpu/winograd.h"
#include "tenon/runtime/kernel.h"

namespace tenon {

namespace {

/// Of extensions, in the order in which they were loaded. Never destroyed.
std::vector<KernelEntry>& extension_kernels() {
  static constinit MadeOnce<std::vector<KernelEntry>> kernels;
  return kernels.get([] { return new std::vector<KernelEntry>; });
}

/// As entries name the op that they are for.
std::string own_op(CoreOp op) { return std::string(name_of(op)); }

}  // namespace

void extend_cpu_kernels(std::vector<KernelEntry> kernels) {
  std::ranges::move(kernels, std::back_inserter(extension_kernels()));
}

const std::vector<KernelEntry>& cpu_kernels() {
  static constinit MadeOnce<const std::vector<KernelEntry>> kernels;
  return kernels.get([] {
    auto* all = new std::vector<KernelEntry>(extension_kernels());
    const std::vector<KernelEntry> own = {
        {own_op(CoreOp::dot), "matrix product", claims_library, make_dot},
        {own_op(CoreOp::convolution), "generated convolution", claims_library,
         make_narrow_convolution},
        {own_op(CoreOp::convolution_input_gradient), "generated convolution", claims_library,
         make_narrow_convolution},
        {own_op(CoreOp::convolution), "winograd", claims_library, make_winograd_op},
        {own_op(CoreOp::convolution_input_gradient), "winograd", claims_library, make_winograd_op},
        {own_op(CoreOp::convolution_filter_gradient), "winograd", claims_library, make_winograd_op},
        {own_op(CoreOp::convolution), "onednn convolution", claims_library, make_convolution_op},
        {own_op(CoreOp::convolution_input_gradient), "onednn convolution", claims_library,
         make_convolution_op},
        {own_op(CoreOp::convolution_filter_gradient), "onednn convolution", claims_library,
         make_convolution_op},
        {own_op(CoreOp::scatter), "native scatter", claims_any, make_scatter},
        {own_op(CoreOp::sort), "native sort", claims_any, make_sort},
        {own_op(CoreOp::search_sorted), "native search", claims_any, make_search_sorted},
        {own_op(CoreOp::cumulative_sum), "native cumulative", claims_any, make_cumulative},
        {own_op(CoreOp::cumulative_product), "native cumulative", claims_any, make_cumulative},
        {own_op(CoreOp::cumulative_max), "native cumulative", claims_any, make_cumulative},
        {own_op(CoreOp::cumulative_min), "native cumulative", claims_any, make_cumulative},
        {own_op(CoreOp::linear_recurrence), "native recurrence", claims_any,
         make_linear_recurrence},
        {own_op(CoreOp::argmax), "native argmax", claims_any, make_argument},
        {own_op(CoreOp::argmin), "native argmin", claims_any, make_argument},
        {own_op(CoreOp::custom_call), "custom call", claims_any, make_custom_call},
        // Anything else that has neither a library kernel nor a loop definition runs by its
        // reference semantics.
        {"*", "reference", claims_any, make_reference},
    };
    all->insert(all->end(), own.begin(), own.end());
    return all;
  });
}

}  // namespace tenon
