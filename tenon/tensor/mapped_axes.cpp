#include "tenon/tensor/mapped_axes.h"

#include <utility>
#include <vector>

namespace tenon::detail {

namespace {
thread_local std::vector<std::pair<std::string, Dim>> mapped_axes;
}

MappedAxis::MappedAxis(std::string name, Dim size) {
  mapped_axes.emplace_back(std::move(name), std::move(size));
}

MappedAxis::~MappedAxis() { mapped_axes.pop_back(); }

std::optional<Dim> mapped_axis_size(std::string_view name) {
  for (auto axis = mapped_axes.rbegin(); axis != mapped_axes.rend(); ++axis) {
    if (axis->first == name) return axis->second;
  }
  return std::nullopt;
}

}  // namespace tenon::detail
