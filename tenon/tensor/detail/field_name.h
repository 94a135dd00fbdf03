// The names of an aggregate's members, as the compiler spells them: paths in a tree then stay the
// same when members are moved or added.
//
//   struct Layer { Tensor weight, bias; };
//   field_name<Layer, 1>();                 // "bias"
#pragma once

#include <boost/pfr/core.hpp>
#include <string_view>
#include <type_traits>

namespace tenon::detail {

#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wundefined-var-template"
#endif

template <class T>
struct FieldOwner {
  T value;
};
/// Never defined: only the addresses of its members are written down, in names of functions.
template <class T>
extern const FieldOwner<T> field_owner;

template <class T>
struct FieldAddress {
  const T* address;
};

template <class T, size_t kField>
constexpr auto field_address() {
  const auto& field = boost::pfr::get<kField>(field_owner<T>.value);
  return FieldAddress<std::remove_cvref_t<decltype(field)>>{&field};
}

/// Ends in "{&field_owner<Layer>.value.Layer::bias}", or nearly so.
template <auto kAddress>
constexpr std::string_view spelled() {
  return __PRETTY_FUNCTION__;
}

constexpr bool is_identifier(char c) {
  return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         static_cast<unsigned char>(c) >= 0x80;
}

/// The last identifier before the last brace.
constexpr std::string_view last_name(std::string_view text) {
  size_t end = text.rfind('}');
  while (end > 0 && !is_identifier(text[end - 1])) --end;
  size_t begin = end;
  while (begin > 0 && is_identifier(text[begin - 1])) --begin;
  return text.substr(begin, end - begin);
}

template <class T, size_t kField>
constexpr std::string_view field_name() {
  constexpr std::string_view kName = last_name(spelled<field_address<T, kField>()>());
  return kName;
}

#if defined(__clang__)
#pragma clang diagnostic pop
#endif

}  // namespace tenon::detail
