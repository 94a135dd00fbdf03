#pragma once

//   return fuzz_parser(data, size, [](auto bytes, auto name) { parse_npy(bytes, name); });

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

#include "tenon/base/error.h"

namespace tenon {

/// One input of libFuzzer: the parser succeeds or throws an Error, which is not about itself.
template <class Parse>
int fuzz_parser(const uint8_t* data, size_t size, Parse parse) {
  try {
    parse(std::as_bytes(std::span(data, size)), std::string_view("input"));
  } catch (const Error& error) {
    if (error.code() == ErrorCode::internal) std::abort();
  }
  return 0;
}

}  // namespace tenon
