// One element of a view: the same elements in the same order, in another shape.
#pragma once

#include "tenon/ops/element.h"

namespace tenon {

/// Divides and multiplies no more than the shapes make necessary: `[b, t, 64]` as `[b*t, 64]` keeps
/// its last index as it is.
Expr element_of_view(ElementContext& c);

}  // namespace tenon
