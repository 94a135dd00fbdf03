#pragma once

//   given: std::string lhs, rhs, input_shape, weight_shape; int index = 0, size = 1;
//   if (lhs != rhs) fail(ErrorCode::shape_mismatch, "add: {} and {} differ", lhs, rhs);
//   throw make_error(ErrorCode::shape_mismatch, "dense: inner dimensions differ")
//       .note("input  {}", input_shape)
//       .note("weight {}", weight_shape);
//   check(index < size, "index was validated by the builder");

#include <fmt/core.h>

#include <exception>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tenon {

/// The kind of error, for programs; the message is for people.
enum class ErrorCode {
  invalid_argument,    ///< a value, option or configuration that makes no sense
  not_found,           ///< a name, key or file that does not exist
  already_exists,      ///< a name or file that may not be replaced
  out_of_range,        ///< an index or number beyond its bounds
  type_mismatch,       ///< dtypes that do not go together
  shape_mismatch,      ///< shapes that do not go together
  unsupported,         ///< correct, but not something this build or op can do
  parse,               ///< text that cannot be read, with its line and column
  io,                  ///< the operating system reported an error for a file or a socket
  corrupt,             ///< data that contradicts its own format, with its byte offset
  resource_exhausted,  ///< memory or disk beyond the limit
  not_finite,          ///< a loss or gradient that became NaN or infinite
  interrupted,         ///< stopped on request
  internal,            ///< a broken invariant: a bug in Tenon, never a mistake of the user
};

/// `ErrorCode::shape_mismatch` is "shape_mismatch".
std::string_view name_of(ErrorCode code);

/// The only exception type of the library. `what()` is the message and one indented line per note.
class Error : public std::exception {
 public:
  Error(ErrorCode code, std::string message);

  ErrorCode code() const noexcept { return code_; }
  const std::string& message() const& noexcept { return message_; }
  std::string message() && noexcept { return std::move(message_); }
  const std::vector<std::string>& notes() const& noexcept { return notes_; }
  std::vector<std::string> notes() && noexcept { return std::move(notes_); }
  const char* what() const noexcept override { return text_.c_str(); }

  /// Adds what the caller knows: the user's label, the file, a hint. Returns itself for chaining.
  template <typename... Args>
  Error& note(fmt::format_string<Args...> format, Args&&... args) {
    return add_note(fmt::vformat(fmt::string_view(format), fmt::make_format_args(args...)));
  }
  Error& add_note(std::string note);

 private:
  ErrorCode code_;
  std::string message_;
  std::vector<std::string> notes_;
  std::string text_;
};

/// An error with a formatted message, to which notes can be added before it is thrown.
template <typename... Args>
Error make_error(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  return Error(code, fmt::vformat(fmt::string_view(format), fmt::make_format_args(args...)));
}

namespace detail {
[[noreturn]] void vfail(ErrorCode code, fmt::string_view format, fmt::format_args args);
[[noreturn]] void check_failed(const char* what, const std::source_location& where);
}  // namespace detail

/// Throws an Error with a formatted message.
template <typename... Args>
[[noreturn]] void fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  detail::vfail(code, fmt::string_view(format), fmt::make_format_args(args...));
}

/// For invariants that no user input can break. Throws ErrorCode::internal with the call's place.
inline void check(bool condition, const char* what,
                  const std::source_location& where = std::source_location::current()) {
  if (!condition) [[unlikely]]
    detail::check_failed(what, where);
}

}  // namespace tenon
