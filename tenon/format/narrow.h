#pragma once

//   given: std::span<const std::byte> data;               // u16 of a file, two of them
//   Literal array = Literal::uninitialized(dtype_of(Narrow::u16), {2});      // i32
//   std::ranges::copy(data, bytes_in_file(array, Narrow::u16).begin());      // at its end
//   widen(array, Narrow::u16, "labels.npy");

#include <span>
#include <string_view>

#include "tenon/graph/literal.h"

namespace tenon {

/// Whole numbers of files that no dtype is. They are read as the next dtype that has all of their
/// values, u64 as i64.
enum class Narrow : uint8_t { none, i16, u16, u32, u64 };

size_t size_of(Narrow type);
DType dtype_of(Narrow type);

/// Where in the memory of an array the numbers of a file go before they are widened: all of it for
/// `none`, else its end.
std::span<std::byte> bytes_in_file(Literal& array, Narrow type);

/// Makes elements of those numbers, in place. Error out_of_range, which begins with `name`, for a
/// u64 that i64 has not.
void widen(Literal& array, Narrow type, std::string_view name);

}  // namespace tenon
