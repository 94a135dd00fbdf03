// The named axes that functions being traced are mapped over. Private to tensor/.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tenon/graph/dim.h"

namespace tenon::detail {

/// While alive, this thread traces a function under vmap over the axis.
class MappedAxis {
 public:
  MappedAxis(std::string name, Dim size);
  ~MappedAxis();
  MappedAxis(const MappedAxis&) = delete;
  MappedAxis& operator=(const MappedAxis&) = delete;
};

/// The size of the innermost axis of that name.
std::optional<Dim> mapped_axis_size(std::string_view name);

}  // namespace tenon::detail
