#include "tenon/base/error.h"

#include <fmt/format.h>

namespace tenon {

std::string_view name_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument:
      return "invalid_argument";
    case ErrorCode::not_found:
      return "not_found";
    case ErrorCode::already_exists:
      return "already_exists";
    case ErrorCode::out_of_range:
      return "out_of_range";
    case ErrorCode::type_mismatch:
      return "type_mismatch";
    case ErrorCode::shape_mismatch:
      return "shape_mismatch";
    case ErrorCode::unsupported:
      return "unsupported";
    case ErrorCode::parse:
      return "parse";
    case ErrorCode::io:
      return "io";
    case ErrorCode::corrupt:
      return "corrupt";
    case ErrorCode::resource_exhausted:
      return "resource_exhausted";
    case ErrorCode::not_finite:
      return "not_finite";
    case ErrorCode::interrupted:
      return "interrupted";
    case ErrorCode::internal:
      return "internal";
  }
  return "unknown";
}

Error::Error(ErrorCode code, std::string message)
    : code_(code), message_(std::move(message)), text_(message_) {}

Error& Error::add_note(std::string note) {
  text_ += "\n  ";
  text_ += note;
  notes_.push_back(std::move(note));
  return *this;
}

namespace detail {

void vfail(ErrorCode code, fmt::string_view format, fmt::format_args args) {
  throw Error(code, fmt::vformat(format, args));
}

void check_failed(const char* what, const std::source_location& where) {
  throw make_error(ErrorCode::internal, "internal error: {}", what)
      .note("at {}:{} in {}", where.file_name(), where.line(), where.function_name())
      .note("this is a bug in Tenon, please report it");
}

}  // namespace detail
}  // namespace tenon
