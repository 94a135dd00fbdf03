// Inputs named on a command line: pictures, arrays and rows of them.
//
//   InputRows one = read_rows("shirt.png", model.example());
//   InputRows ten = read_rows("images.npy#0:10", model.example());    // ten.values: u8[10,28,28,1]
#pragma once

#include <string>
#include <vector>

#include "tenon/graph/literal.h"

namespace tenon::cli {

struct InputRows {
  std::vector<std::string> names;  // one a row
  Literal values;                  // [rows, example…]
};

/// "FILE", "FILE#row" or "FILE#begin:end", as rows_like makes them. `column` is what is read of an
/// .npz.
InputRows read_rows(const std::string& argument, const Type& example, const std::string& column);

/// Rows [rows, …] as a model takes them: of the example's dtype where that loses nothing, and of
/// its shape where axes of one entry make the difference, [28,28] for [28,28,1], or where all
/// elements of a row stand in one axis. Errors begin with the name.
Literal rows_like(Literal values, const Type& example, const std::string& name);

/// Whether it is "FILE#row" or "FILE#begin:end" rather than a file.
bool names_rows(const std::string& argument);

/// Some of the rows of an array.
Literal rows_between(const Literal& all, int64_t begin, int64_t end);

/// The rows alone, of any shape and dtype: [rows, …]. An .npz needs a column.
Literal read_array_rows(const std::string& argument, const std::string& column = "");

}  // namespace tenon::cli
