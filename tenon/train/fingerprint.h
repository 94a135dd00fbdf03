// Whether data are the same as when a run began.
//
//   given: data::Dataset dataset;
//   Hash128 before = train::fingerprint(dataset, {"image", "label"});
#pragma once

#include <string>
#include <vector>

#include "tenon/base/hash.h"
#include "tenon/data/dataset.h"

namespace tenon::train {

/// Of types and values: of every row up to some 64 MiB a column, of evenly chosen rows beyond, so
/// that it takes some ten milliseconds at most.
Hash128 fingerprint(const data::Dataset& dataset, const std::vector<std::string>& columns);

}  // namespace tenon::train
