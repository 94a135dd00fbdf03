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

}  // namespace

void extend_cpu_kernels(std::vector<KernelEntry> kernels) {
  std::ranges::move(kernels, std::back_inserter(extension_kernels()));
}

const std::vector<KernelEntry>& cpu_kernels() {
  static constinit MadeOnce<const std::vector<KernelEntry>> kernels;
  return kernels.get([] {
    auto* all = new std::vector<KernelEntry>(extension_kernels());
    const std::vector<KernelEntry> own = {
        {"dot", "matrix product", claims_library, make_dot},
        {"convolution", "generated convolution", claims_library, make_narrow_convolution},
        {"convolution_input_gradient", "generated convolution", claims_library,
         make_narrow_convolution},
        {"convolution", "winograd", claims_library, make_winograd_op},
        {"convolution_input_gradient", "winograd", claims_library, make_winograd_op},
        {"convolution_filter_gradient", "winograd", claims_library, make_winograd_op},
        {"convolution", "onednn convolution", claims_library, make_convolution_op},
        {"convolution_input_gradient", "onednn convolution", claims_library, make_convolution_op},
        {"convolution_filter_gradient", "onednn convolution", claims_library, make_convolution_op},
        {"scatter", "native scatter", claims_any, make_scatter},
        {"sort", "native sort", claims_any, make_sort},
        {"search_sorted", "native search", claims_any, make_search_sorted},
        {"cumulative_sum", "native cumulative", claims_any, make_cumulative},
        {"cumulative_product", "native cumulative", claims_any, make_cumulative},
        {"cumulative_max", "native cumulative", claims_any, make_cumulative},
        {"cumulative_min", "native cumulative", claims_any, make_cumulative},
        {"linear_recurrence", "native recurrence", claims_any, make_linear_recurrence},
        {"argmax", "native argmax", claims_any, make_argument},
        {"argmin", "native argmin", claims_any, make_argument},
        {"custom_call", "custom call", claims_any, make_custom_call},
        // Anything else that has neither a library kernel nor a loop definition runs by its
        // reference semantics.
        {"*", "reference", claims_any, make_reference},
    };
    all->insert(all->end(), own.begin(), own.end());
    return all;
  });
}

}  // namespace tenon
