#include "tenon/data/dataset.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <numeric>

#include "tenon/base/error.h"
#include "tenon/base/random.h"
#include "tenon/base/strings.h"

namespace tenon::data {

namespace {

Literal gather_rows(const Literal& column, std::span<const int64_t> indices) {
  std::vector<int64_t> shape = column.shape();
  shape[0] = static_cast<int64_t>(indices.size());
  Literal result(column.dtype(), std::move(shape));
  const size_t bytes = row_bytes(column);
  if (bytes == 0) return result;
  std::byte* out = result.data();
  for (int64_t row : indices) {
    std::memcpy(out, column.data() + static_cast<size_t>(row) * bytes, bytes);
    out += bytes;
  }
  return result;
}

}  // namespace

Dataset::Dataset(std::vector<std::pair<std::string, Literal>> columns) {
  for (auto& [name, values] : columns) add(std::move(name), std::move(values));
}

Dataset& Dataset::add(std::string name, Literal column) {
  if (contains(name)) {
    fail(ErrorCode::already_exists, "dataset: there is a column '{}' already", name);
  }
  if (column.shape().empty()) {
    fail(ErrorCode::shape_mismatch, "dataset: column '{}' is a scalar, not one value a row", name);
  }
  const int64_t rows = column.shape()[0];
  if (!columns_.empty() && rows != size_) {
    throw make_error(ErrorCode::shape_mismatch, "dataset: columns have different numbers of rows")
        .note("'{}' has {}", columns_[0].name, size_)
        .note("'{}' has {}", name, rows);
  }
  size_ = rows;
  columns_.push_back({std::move(name), std::make_shared<const Literal>(std::move(column))});
  return *this;
}

Dataset& Dataset::set_classes(std::vector<std::string> names) {
  std::map<std::string, size_t> first;
  for (size_t i = 0; i < names.size(); ++i) {
    if (const auto [other, is_new] = first.emplace(names[i], i); !is_new)
      fail(ErrorCode::invalid_argument, "dataset: classes {} and {} are both called '{}'",
           other->second, i, names[i]);
  }
  classes_ = std::move(names);
  return *this;
}

std::vector<std::string> Dataset::names() const {
  std::vector<std::string> result;
  for (const Column& column : columns_) result.push_back(column.name);
  return result;
}

const Dataset::Column* Dataset::find(std::string_view name) const {
  const auto found = std::ranges::find(columns_, name, &Column::name);
  return found == columns_.end() ? nullptr : &*found;
}

const Literal& Dataset::operator[](std::string_view name) const {
  if (const Column* column = find(name)) return *column->values;
  throw make_error(ErrorCode::not_found, "dataset: no column '{}'", name)
      .add_note(hint(name, names()));
}

Dataset Dataset::rows(int64_t begin, int64_t end) const {
  if (begin < 0 || begin > end || end > size_) {
    fail(ErrorCode::out_of_range, "dataset: rows {} to {} of {}", begin, end, size_);
  }
  std::vector<int64_t> indices(static_cast<size_t>(end - begin));
  std::iota(indices.begin(), indices.end(), begin);
  return rows(indices);
}

Dataset Dataset::rows(std::span<const int64_t> indices) const {
  for (int64_t row : indices) {
    if (row < 0 || row >= size_) {
      fail(ErrorCode::out_of_range, "dataset: row {} of {}", row, size_);
    }
  }
  Dataset result;
  for (const Column& column : columns_) {
    result.add(column.name, gather_rows(*column.values, indices));
  }
  result.classes_ = classes_;
  return result;
}

std::pair<Dataset, Dataset> Dataset::split(double fraction, uint64_t seed) const {
  if (!(fraction >= 0 && fraction <= 1)) {
    fail(ErrorCode::invalid_argument, "dataset: a fraction of {} is not between 0 and 1", fraction);
  }
  std::vector<int64_t> order = permutation(RandomKey(seed).fold_in("split"), size_);
  const auto cut = order.begin() + std::llround(fraction * static_cast<double>(size_));
  std::sort(order.begin(), cut);
  std::sort(cut, order.end());
  return {rows(std::span(order.begin(), cut)), rows(std::span(cut, order.end()))};
}

std::string Dataset::to_string() const {
  size_t width = 0;
  for (const Column& column : columns_) width = std::max(width, column.name.size());
  std::string text;
  for (const Column& column : columns_) {
    text += fmt::format("{:{}}  {}\n", column.name, width, column.values->type().to_string());
  }
  return text;
}

}  // namespace tenon::data
