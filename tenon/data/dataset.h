#pragma once

//   given: Literal images, labels;
//   data::Dataset set({{"image", images}, {"label", labels}});   // equal first dimensions
//   set.size();                                                  // rows
//   set["label"].at<int32_t>(0);
//   auto [train, validation] = set.split(0.9, /*seed=*/0);
//   set.rows(0, 100);                                            // the first hundred
//   auto [few, rest] = std::move(set).split(0.1, 0);             // without a second copy of the rest

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tenon/graph/literal.h"

namespace tenon::data {

/// Named columns with one row per example: u8[n,28,28,1] images beside i32[n] labels. Copies share
/// the columns, which never change.
class Dataset {
 public:
  Dataset() = default;
  /// Error shape_mismatch if the first dimensions differ, already_exists for a duplicate name.
  explicit Dataset(std::vector<std::pair<std::string, Literal>> columns);

  int64_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::vector<std::string> names() const;
  bool contains(std::string_view name) const { return find(name) != nullptr; }
  /// Error not_found lists the existing names.
  const Literal& operator[](std::string_view name) const&;
  Literal operator[](std::string_view name) && { return (*this)[name]; }

  /// Adds a column (or the first one).
  Dataset& add(std::string name, Literal column);
  /// Replaces the values of an existing column; all others stay shared.
  Dataset& replace(std::string_view name, Literal column);
  /// The names of the values in the label column: {"t-shirt", "trouser", …}. May be empty.
  const std::vector<std::string>& classes() const& { return classes_; }
  std::vector<std::string> classes() && { return std::move(classes_); }
  /// Error invalid_argument for a duplicate name.
  Dataset& set_classes(std::vector<std::string> names);

  /// Copies of rows [begin, end), or of chosen rows in the order given.
  Dataset rows(int64_t begin, int64_t end) const;
  Dataset rows(std::span<const int64_t> indices) const;
  /// A random `fraction` of the rows, and the rest; both keep the order of the rows.
  std::pair<Dataset, Dataset> split(double fraction, uint64_t seed) const&;
  /// The same if the whole is no longer needed: the rest takes over the memory of columns that are
  /// not shared.
  std::pair<Dataset, Dataset> split(double fraction, uint64_t seed) &&;

  /// One line per column: "image  u8[60000,28,28,1]".
  std::string to_string() const;

  struct Column {
    std::string name;
    std::shared_ptr<const Literal> values;
  };
  const std::vector<Column>& columns() const& { return columns_; }
  std::vector<Column> columns() && { return std::move(columns_); }

 private:
  const Column* find(std::string_view name) const;
  Dataset keep_rows(std::span<const int64_t> ascending) &&;

  std::vector<Column> columns_;
  std::vector<std::string> classes_;
  int64_t size_ = 0;
};

/// Bytes from one row of a column to the next.
inline size_t row_bytes(const Literal& column) {
  return column.shape()[0] == 0 ? 0 : column.bytes() / static_cast<size_t>(column.shape()[0]);
}

}  // namespace tenon::data
