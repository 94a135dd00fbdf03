// A fingerprint of data, to check that they have not changed since a run began.
//
//   given: data::Dataset dataset;
//   Hash128 before = train::fingerprint(dataset, {"image", "label"});
#pragma once

#include <string>
#include <vector>

#include "tenon/base/hash.h"
#include "tenon/data/dataset.h"

namespace tenon::train {

/// A hash of types and values: of every row up to about 64 MiB per column, of evenly spaced rows
/// beyond, so that it takes about ten milliseconds at most.
Hash128 fingerprint(const data::Dataset& dataset, const std::vector<std::string>& columns);

}  // namespace tenon::train
