#include "tenon/compile/lower/lower.h"

#include "tenon/compile/lower/kinds.h"

namespace tenon {

Lowered lower_fusion(const Node& fusion, const Schedule& schedule) {
  check_schedule(fusion, schedule);
  const Graph& body = fusion_body(fusion);
  // Kernels are named by what they end in, so that profiles read well.
  std::string name = body.nodes().empty() ? "copy" : body.nodes().back().op->name;
  const Shape& rows = fusion.attributes.shape("rows");
  const Shape& inner = fusion.attributes.shape("inner");
  switch (fusion_kind(fusion)) {
    case FusionKind::row:
      return lower_row(body, "row_" + name, rows[0], inner[0]);
    case FusionKind::long_row:
      return lower_long_row(body, "row_" + name, rows[0], inner[0], schedule);
    case FusionKind::column:
      return lower_column(body, "column_" + name, rows[0], inner[0], schedule);
    case FusionKind::loop:
    case FusionKind::general:
      break;
  }
  return lower_loop(body, name, schedule);
}

}  // namespace tenon
