#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "tenon/base/error.h"
#include "tenon/format/array_view.h"
#include "tests/support.h"

namespace tenon {

inline std::vector<std::byte> file_bytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

/// Reading any part of a file from its start must be Error corrupt that names file and byte.
inline void expect_every_prefix_is_corrupt(
    std::span<const std::byte> bytes,
    const std::function<void(std::span<const std::byte>, std::string_view)>& parse) {
  for (size_t length = 0; length < bytes.size(); ++length) {
    // A copy of exactly this length, so that the address sanitizer sees a read beyond it.
    const std::vector<std::byte> prefix(bytes.begin(),
                                        bytes.begin() + static_cast<std::ptrdiff_t>(length));
    const Error error = thrown_by([&] { parse(prefix, "cut.bin"); });
    EXPECT_EQ(error.code(), ErrorCode::corrupt) << "after " << length << " bytes";
    EXPECT_TRUE(error.message().starts_with("cut.bin")) << error.message();
    EXPECT_NE(error.message().find(": byte "), std::string::npos) << error.message();
  }
}

/// Reading with any one byte changed must give an array or an Error, nothing else.
inline void expect_every_change_is_survived(
    std::span<const std::byte> bytes,
    const std::function<void(std::span<const std::byte>, std::string_view)>& parse) {
  std::vector<std::byte> changed(bytes.begin(), bytes.end());
  for (std::byte& byte : changed) {
    for (const int value : {0x00, 0xff, 0x80, 0x2d, 0x39}) {
      const std::byte old = std::exchange(byte, static_cast<std::byte>(value));
      try {
        parse(changed, "changed.bin");
      } catch (const Error& error) {
        EXPECT_NE(error.code(), ErrorCode::internal) << error.what();
      }
      byte = old;
    }
  }
}

/// One small array of each dtype, with the values that break careless code.
inline NamedLiterals one_of_each_dtype() {
  NamedLiterals result;
  for (DType dtype : kAllDTypes) {
    Literal array(dtype, {2, 3});
    for (int64_t i = 0; i < array.size(); ++i) {
      array.set_double(i, is_floating(dtype)        ? static_cast<double>(i) * 1.5 - 3
                          : dtype == DType::boolean ? static_cast<double>(i % 2)
                                                    : static_cast<double>(i * 20));
    }
    if (is_floating(dtype)) {
      array.set_double(4, std::numeric_limits<double>::infinity());
      array.set_double(5, std::nan(""));
    }
    result.emplace(std::string(name_of(dtype)), std::move(array));
  }
  result.emplace("scalar", Literal::scalar(DType::f32, 2.5));
  result.emplace("empty", Literal(DType::f64, {0, 3}));
  return result;
}

/// The Python of the environment that bench/peers/requirements.txt describes, or "".
inline std::string peers_python() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  std::filesystem::path folder;
  if (cache != nullptr && *cache != '\0') {
    folder = cache;
  } else if (home != nullptr) {
    folder = std::filesystem::path(home) / ".cache";
  }
  const auto python = folder / "tenon/peers/bin/python";
  return std::filesystem::exists(python) ? python.string() : "";
}

/// Runs a script of tests/reference; true when it ends well.
inline bool run_python(const std::string& script, const std::string& arguments) {
  const std::string command = peers_python() + " tests/reference/" + script + " " + arguments;
  return std::system(command.c_str()) == 0;
}

}  // namespace tenon
