#include "tenon/train/fingerprint.h"

#include <algorithm>

namespace tenon::train {

namespace {

constexpr size_t kBytes = size_t{64} << 20;  // a column
constexpr size_t kRows = 65'536;             // where not all of them: each costs a visit to memory

void add_column(const Literal& values, Hasher& hasher) {
  hasher.add(values.type().to_string());
  if (values.bytes() <= kBytes) {
    hasher.add_bytes(values.data(), values.bytes());
    return;
  }
  const size_t row = data::row_bytes(values);
  const size_t rows = values.bytes() / row;
  const size_t chosen = std::min({rows, kRows, std::max<size_t>(1, kBytes / row)});
  for (size_t i = 0; i < chosen; ++i)
    hasher.add_bytes(values.data() + i * rows / chosen * row, std::min(row, kBytes));
}

}  // namespace

Hash128 fingerprint(const data::Dataset& dataset, const std::vector<std::string>& columns) {
  Hasher hasher;
  for (const std::string& name : columns) add_column(dataset[name], hasher);
  return hasher.finish();
}

}  // namespace tenon::train
