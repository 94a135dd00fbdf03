#include "tenon/data/dataset.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <numeric>
#include <utility>

#include "tenon/base/error.h"
#include "tenon/base/random.h"
#include "tenon/base/strings.h"

namespace tenon::data {

namespace {

Literal gather_rows(const Literal& column, std::span<const int64_t> indices) {
  std::vector<int64_t> shape = column.shape();
  shape[0] = static_cast<int64_t>(indices.size());
  Literal result = Literal::uninitialized(column.dtype(), std::move(shape));
  const size_t bytes = row_bytes(column);
  if (bytes == 0) return result;
  std::byte* out = result.data();
  for (int64_t row : indices) {
    std::memcpy(out, column.data() + static_cast<size_t>(row) * bytes, bytes);
    out += bytes;
  }
  return result;
}

/// Rows move to the front of their column, in place: none has to go back, since they ascend.
void move_rows_up(Literal& column, std::span<const int64_t> ascending) {
  const size_t bytes = row_bytes(column);
  std::byte* out = column.data();
  for (int64_t row : ascending) {
    if (bytes == 0) break;
    std::memmove(out, column.data() + static_cast<size_t>(row) * bytes, bytes);
    out += bytes;
  }
  column.keep_rows(static_cast<int64_t>(ascending.size()));
}

/// Which rows are chosen at random and which are not, both ascending.
struct Choice {
  std::vector<int64_t> chosen, others;
};

Choice choose(int64_t rows, double fraction, uint64_t seed) {
  if (!(fraction >= 0 && fraction <= 1)) {
    fail(ErrorCode::invalid_argument, "dataset: a fraction of {} is not between 0 and 1", fraction);
  }
  const std::vector<int64_t> order = permutation(RandomKey(seed).fold_in("split"), rows);
  const auto cut = order.begin() + std::llround(fraction * static_cast<double>(rows));
  Choice choice{{order.begin(), cut}, {cut, order.end()}};
  std::ranges::sort(choice.chosen);
  std::ranges::sort(choice.others);
  return choice;
}

Error no_column(std::string_view name, const std::vector<std::string>& names) {
  return make_error(ErrorCode::not_found, "dataset: no column '{}'", name)
      .add_note(hint(name, names));
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
  // Not of a const Literal: where nobody else has it, keep_rows may change it.
  columns_.push_back({std::move(name), std::make_shared<Literal>(std::move(column))});
  return *this;
}

Dataset& Dataset::replace(std::string_view name, Literal column) {
  const auto old = std::ranges::find(columns_, name, &Column::name);
  if (old == columns_.end()) throw no_column(name, names());
  check(!column.shape().empty() && column.shape()[0] == size_, "as many rows as before");
  old->values = std::make_shared<Literal>(std::move(column));
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

const Literal& Dataset::operator[](std::string_view name) const& {
  if (const Column* column = find(name)) return *column->values;
  throw no_column(name, names());
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

Dataset Dataset::keep_rows(std::span<const int64_t> ascending) && {
  Dataset result = std::exchange(*this, {});
  for (Column& column : result.columns_) {
    if (column.values.use_count() == 1) {
      move_rows_up(*std::const_pointer_cast<Literal>(column.values), ascending);
    } else {
      column.values = std::make_shared<Literal>(gather_rows(*column.values, ascending));
    }
  }
  result.size_ = static_cast<int64_t>(ascending.size());
  return result;
}

std::pair<Dataset, Dataset> Dataset::split(double fraction, uint64_t seed) const& {
  const Choice choice = choose(size_, fraction, seed);
  return {rows(choice.chosen), rows(choice.others)};
}

std::pair<Dataset, Dataset> Dataset::split(double fraction, uint64_t seed) && {
  const Choice choice = choose(size_, fraction, seed);
  const bool most_are_chosen = choice.chosen.size() > choice.others.size();
  Dataset few = rows(most_are_chosen ? choice.others : choice.chosen);
  Dataset most = std::move(*this).keep_rows(most_are_chosen ? choice.chosen : choice.others);
  if (most_are_chosen) std::swap(few, most);
  return {std::move(few), std::move(most)};
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
