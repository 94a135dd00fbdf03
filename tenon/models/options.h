// The options of a model as plain data: the members of its struct by their names, which
// configurations, the command line and C++ share.
//
//   models::MlpOptions options;
//   models::Options all = models::options_of(options);            // hidden = [512, 512], classes = 10
//   models::set_options(options, {{"classes", int64_t{5}}}, "mlp");   // options.classes is 5
#pragma once

#include <boost/pfr/core.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "tenon/tensor/detail/field_name.h"

namespace tenon::models {

using OptionValue = std::variant<bool, int64_t, double, std::string, std::vector<int64_t>>;
/// In the order of the struct's members.
using Options = std::vector<std::pair<std::string, OptionValue>>;

/// "[512, 512]", "0.1", "\"relu\""
std::string to_string(const OptionValue& value);
/// Null where there is none.
const OptionValue* find_option(const Options& options, std::string_view name);
/// Replaces an option or adds it.
void put_option(Options& options, const std::string& name, OptionValue value);

namespace detail {

/// A value as an option of the kind of `now`: a number does for a list of one, and a whole number
/// for a real one. Errors name the model and the option. What is at least 1 by default, a size, has
/// to stay so.
OptionValue converted(std::string_view model, const std::string& option, const OptionValue& now,
                      const OptionValue& given);
[[noreturn]] void fail_unknown(std::string_view model, const std::string& option,
                               const Options& known);

}  // namespace detail

template <class O>
Options options_of(const O& options) {
  Options all;
  boost::pfr::for_each_field(options, [&](const auto& field, auto i) {
    put_option(all, std::string(tenon::detail::field_name<O, i>()), OptionValue(field));
  });
  return all;
}

/// Sets the members that `given` names. Error not_found with the nearest name, invalid_argument or
/// out_of_range for a value that will not do.
template <class O>
void set_options(O& options, const Options& given, std::string_view model) {
  const Options known = options_of(options);
  for (const auto& [name, value] : given) {
    if (find_option(known, name) == nullptr) detail::fail_unknown(model, name, known);
  }
  boost::pfr::for_each_field(options, [&](auto& field, auto i) {
    const std::string name(tenon::detail::field_name<O, i>());
    if (const OptionValue* value = find_option(given, name)) {
      field = std::get<std::remove_cvref_t<decltype(field)>>(
          detail::converted(model, name, OptionValue(field), *value));
    }
  });
}

}  // namespace tenon::models
