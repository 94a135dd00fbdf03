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

/// "FILE", "FILE#row" or "FILE#begin:end", as rows_like makes them.
InputRows read_rows(const std::string& argument, const Type& example);

/// Rows [rows, …] as a model takes them: of the example's dtype where that loses nothing, and of
/// its shape where there are as many elements, [28,28,1] for [28,28]. Errors begin with the name.
Literal rows_like(Literal values, const Type& example, const std::string& name);

/// The rows alone, of any shape and dtype: [rows, …].
Literal read_array_rows(const std::string& argument);

}  // namespace tenon::cli
