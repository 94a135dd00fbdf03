#pragma once

//   given: std::span<const std::byte> data;               // u16 of a file, two of them
//   Literal array = Literal::uninitialized(dtype_of(Narrow::u16), {2});      // i32
//   std::ranges::copy(data, bytes_in_file(array, Narrow::u16).begin());      // at its end
//   widen(array, Narrow::u16, "labels.npy");

#include <span>
#include <string_view>

#include "tenon/graph/literal.h"

namespace tenon {

/// Integer types of files that are not dtypes of Tenon. They are read as the next wider dtype, u64
/// as i64.
enum class Narrow : uint8_t { none, i16, u16, u32, u64 };

size_t size_of(Narrow type);
DType dtype_of(Narrow type);

/// The part of an array's memory into which the numbers of a file are read before they are widened:
/// all of it for `none`, else its end.
std::span<std::byte> bytes_in_file(Literal& array, Narrow type);

/// Widens those numbers to elements, in place. Error out_of_range, which begins with `name`, for a
/// u64 that does not fit i64.
void widen(Literal& array, Narrow type, std::string_view name);

}  // namespace tenon
