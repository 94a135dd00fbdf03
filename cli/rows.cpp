#include "cli/rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "cli/content.h"
#include "tenon/base/error.h"
#include "tenon/base/files.h"
#include "tenon/base/strings.h"
#include "tenon/format/idx.h"
#include "tenon/format/image.h"
#include "tenon/format/npy.h"

namespace tenon::cli {

namespace {

/// A picture or an array, or an error that says what would do.
Content picture_or_array(const MappedFile& file) {
  std::string_view text = file.text();
  Content content = content_of(text);
  if (content == Content::picture || content == Content::npy || content == Content::npz ||
      content == Content::idx)
    return content;
  Error error = make_error(ErrorCode::unsupported, "{}: neither a picture nor an array",
                           file.path().string());
  error.note("known: PNG, PBM, PGM and PPM pictures; .npy, .npz and idx arrays (plain or .gz)");
  if (text.starts_with("\xff\xd8")) error.note("hint: turn the JPEG into a PNG first");
  throw error;
}

struct Selection {
  std::string path;
  bool chosen = false;
  int64_t begin = 0, end = 0;
};

Selection parse_selection(const std::string& argument) {
  Selection selection{argument};
  if (!names_rows(argument)) return selection;
  size_t hash = argument.rfind('#');
  std::vector<std::string> bounds = split(std::string_view(argument).substr(hash + 1), ':');
  auto begin = parse_int(bounds[0]);
  auto end = bounds.size() == 2 ? parse_int(bounds[1]) : begin;
  if (!begin || !end || bounds.size() > 2) {
    throw make_error(ErrorCode::invalid_argument, "{}: which rows?", argument)
        .note("expected: FILE#17 or FILE#0:10");
  }
  return {argument.substr(0, hash), true, *begin, bounds.size() == 2 ? *end : *begin + 1};
}

Literal selected(const Literal& all, const Selection& selection) {
  int64_t count = all.shape()[0];
  const auto& [path, chosen, begin, end] = selection;
  if (begin < 0 || begin >= end)
    fail(ErrorCode::invalid_argument, "{}: {}:{} selects no rows", path, begin, end);
  if (end > count) {
    const int64_t missing = std::max(begin, count);
    fail(ErrorCode::out_of_range, "{}: there is no row {}: the file has {} row{}, counted from 0",
         path, missing, count, count == 1 ? "" : "s");
  }
  return rows_between(all, selection.begin, selection.end);
}

/// The same numbers in another dtype: only where every value survives.
Literal converted(Literal values, DType dtype, const std::string& path) {
  if (values.dtype() == dtype) return values;
  Literal result = Literal::uninitialized(dtype, values.shape());
  for (int64_t i = 0; i < values.size(); ++i) {
    double value = values.to_double(i);
    result.set_double(i, value);
    // 2^63 becomes the largest i64, which as a double is 2^63 again.
    const bool beyond = dtype == DType::i64 && value >= 0x1p63;
    if (!is_floating(dtype) && (beyond || result.to_double(i) != value)) {
      throw make_error(ErrorCode::type_mismatch, "{}: the model takes {}, not {}", path,
                       name_of(dtype), values.type().to_string())
          .note("element {} is {}", i, value);
    }
  }
  return result;
}

/// Of a picture for rows of this shape: grey for [h,w] and [1,h,w]; 0, what it has, where the shape
/// does not tell.
int channels_for(const std::vector<int64_t>& shape) {
  if (shape.size() == 2) return 1;
  if (shape.size() != 3) return 0;
  if (shape[2] <= 4) return static_cast<int>(shape[2]);
  return shape[0] == 1 ? 1 : 0;
}

/// Equal but for axes of one entry, or all in one axis: the elements are in the same order then.
bool are_same_row(std::vector<int64_t> row, std::vector<int64_t> wanted) {
  if (row.size() == 1 && row[0] == element_count(wanted)) return true;
  std::erase(row, 1);
  std::erase(wanted, 1);
  return row == wanted;
}

Literal parse_array(const MappedFile& file, Content content, const std::string& path,
                    const std::string& column) {
  if (content == Content::npy) return parse_npy(file.bytes(), path);
  if (content == Content::idx) return parse_idx(file.bytes(), path);
  NpzFile columns(file.bytes(), path);
  if (columns.contains(column)) return columns.read(column);
  if (column.empty()) {
    throw make_error(ErrorCode::invalid_argument, "{}: an archive has no rows of its own", path)
        .note("hint: numpy.save writes one of its arrays ({}) as an .npy",
              join(columns.names(), ", "));
  }
  throw make_error(ErrorCode::not_found, "{}: no column '{}'", path, column)
      .note("it has {}; --input names another one", join(columns.names(), ", "));
}

Literal read_selected(const Selection& selection, const MappedFile& file, Content content,
                      const std::string& column) {
  const std::string& path = selection.path;
  if (content == Content::picture)
    fail(ErrorCode::invalid_argument, "{} is a picture, which has no rows to choose from", path);
  Literal values = parse_array(file, content, path, column);
  if (values.shape().empty())
    fail(ErrorCode::shape_mismatch, "{} holds one number, not rows", path);
  return selection.chosen ? selected(values, selection) : std::move(values);
}

}  // namespace

bool names_rows(const std::string& argument) {
  return argument.find('#') != std::string::npos && !std::filesystem::exists(argument);
}

Literal rows_between(const Literal& all, int64_t begin, int64_t end) {
  std::vector<int64_t> shape = all.shape();
  const size_t row = shape[0] == 0 ? 0 : all.bytes() / static_cast<size_t>(shape[0]);
  shape[0] = end - begin;
  Literal result = Literal::uninitialized(all.dtype(), shape);
  std::memcpy(result.data(), all.data() + row * static_cast<size_t>(begin), result.bytes());
  return result;
}

Literal read_array_rows(const std::string& argument, const std::string& column) {
  Selection selection = parse_selection(argument);
  const MappedFile file(selection.path);
  return read_selected(selection, file, picture_or_array(file), column);
}

Literal rows_like(Literal values, const Type& example, const std::string& name) {
  std::vector<int64_t> wanted = example.shape.constants();
  std::vector<int64_t> row(values.shape().begin() + 1, values.shape().end());
  if (!are_same_row(row, wanted)) {
    Error error = make_error(ErrorCode::shape_mismatch, "{}: the model takes {}, not {}", name,
                             example.to_string(), Type{values.dtype(), Shape::of(row)}.to_string());
    if (std::ranges::is_permutation(row, wanted))
      error.note("hint: bring the axes into this order first, as with numpy.moveaxis");
    throw error;
  }
  wanted.insert(wanted.begin(), values.shape().at(0));
  return converted(std::move(values).reshaped(wanted), example.dtype, name);
}

InputRows read_rows(const std::string& argument, const Type& example, const std::string& column) {
  Selection selection = parse_selection(argument);
  const MappedFile file(selection.path);  // once: a pipe cannot be read again
  Content content = picture_or_array(file);
  bool picture = content == Content::picture && !selection.chosen;
  Literal values;
  if (picture) {
    std::vector<int64_t> wanted = example.shape.constants();
    Literal pixels = parse_image(file.bytes(), selection.path, {.channels = channels_for(wanted)});
    std::vector<int64_t> shape = pixels.shape();
    shape.insert(shape.begin(), 1);
    values = std::move(pixels).reshaped(shape);
  } else {
    values = read_selected(selection, file, content, column);
  }
  InputRows result;
  try {
    result.values = rows_like(std::move(values), example, argument);
  } catch (Error& error) {
    if (picture && error.code() == ErrorCode::shape_mismatch)
      error.note("hint: scale the picture to the model's size first");
    throw;
  }
  for (int64_t i = 0; i < result.values.shape()[0]; ++i) {
    result.names.push_back(picture ? selection.path
                                   : fmt::format("{}#{}", selection.path, selection.begin + i));
  }
  return result;
}

}  // namespace tenon::cli
