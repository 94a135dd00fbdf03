// Native kernels of ops whose writes depend on data, which the loop IR cannot express, of custom
// calls, and the reference as a last resort.
#pragma once

#include "tenon/runtime/kernel.h"

namespace tenon {

bool claims_any(const Graph& graph, const Node& node);

std::unique_ptr<OpKernel> make_scatter(const KernelRequest& request, std::string& why_not);
std::unique_ptr<OpKernel> make_sort(const KernelRequest& request, std::string& why_not);
std::unique_ptr<OpKernel> make_search_sorted(const KernelRequest& request, std::string& why_not);
std::unique_ptr<OpKernel> make_cumulative(const KernelRequest& request, std::string& why_not);
std::unique_ptr<OpKernel> make_linear_recurrence(const KernelRequest& request,
                                                 std::string& why_not);
/// For argmax and argmin. Error(out_of_range) if the result's dtype cannot hold the positions.
std::unique_ptr<OpKernel> make_argument(const KernelRequest& request, std::string& why_not);
/// The user's function; Error(not_found) if none is registered.
std::unique_ptr<OpKernel> make_custom_call(const KernelRequest& request, std::string& why_not);
std::unique_ptr<OpKernel> make_reference(const KernelRequest& request, std::string& why_not);

}  // namespace tenon
