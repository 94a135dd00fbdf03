#include "tenon/models/options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "tenon/base/error.h"
#include "tenon/base/strings.h"

namespace tenon::models {

std::string to_string(const OptionValue& value) {
  struct Print {
    std::string operator()(bool x) const { return x ? "true" : "false"; }
    std::string operator()(int64_t x) const { return std::to_string(x); }
    std::string operator()(double x) const { return fmt::format("{}", x); }
    std::string operator()(const std::string& x) const { return fmt::format("\"{}\"", x); }
    std::string operator()(const std::vector<int64_t>& x) const {
      return fmt::format("[{}]", fmt::join(x, ", "));
    }
  };
  return std::visit(Print{}, value);
}

const OptionValue* find_option(const Options& options, std::string_view name) {
  for (const auto& [known, value] : options) {
    if (known == name) return &value;
  }
  return nullptr;
}

void put_option(Options& options, const std::string& name, OptionValue value) {
  auto known = std::ranges::find(options, name, [](const auto& option) { return option.first; });
  if (known == options.end()) {
    options.emplace_back(name, std::move(value));
  } else {
    known->second = std::move(value);
  }
}

namespace {

void check_size(std::string_view model, const std::string& option, int64_t now, int64_t given) {
  const int64_t least = now >= 1 ? 1 : 0;
  if (given < least)
    fail(ErrorCode::invalid_argument, "model {}: {} is {}, it must be at least {}", model, option,
         given, least);
}

int64_t one_number(std::string_view model, const std::string& option, int64_t now,
                   const OptionValue& given) {
  if (const auto* list = std::get_if<std::vector<int64_t>>(&given); list && list->size() == 1)
    return one_number(model, option, now, list->front());
  if (const auto* list = std::get_if<std::vector<int64_t>>(&given))
    fail(ErrorCode::invalid_argument, "model {}: {} is one number, not {}", model, option,
         list->size());
  const auto* number = std::get_if<int64_t>(&given);
  if (number == nullptr)
    fail(ErrorCode::invalid_argument, "model {}: {} is a whole number, not {}", model, option,
         to_string(given));
  check_size(model, option, now, *number);
  return *number;
}

std::vector<int64_t> numbers(std::string_view model, const std::string& option,
                             const std::vector<int64_t>& now, const OptionValue& given) {
  const int64_t least = std::ranges::any_of(now, [](int64_t n) { return n < 1; }) ? 0 : 1;
  const auto* list = std::get_if<std::vector<int64_t>>(&given);
  if (list == nullptr) return {one_number(model, option, least, given)};
  for (int64_t number : *list) check_size(model, option, least, number);
  return *list;
}

}  // namespace

OptionValue detail::converted(std::string_view model, const std::string& option,
                              const OptionValue& now, const OptionValue& given) {
  if (const auto* size = std::get_if<int64_t>(&now)) return one_number(model, option, *size, given);
  if (const auto* sizes = std::get_if<std::vector<int64_t>>(&now))
    return numbers(model, option, *sizes, given);
  const auto* whole = std::get_if<int64_t>(&given);
  if (std::holds_alternative<double>(now) && whole) return static_cast<double>(*whole);
  if (now.index() == given.index()) return given;
  fail(ErrorCode::invalid_argument, "model {}: {} is {} by default, {} is of another kind", model,
       option, to_string(now), to_string(given));
}

void detail::fail_unknown(std::string_view model, const std::string& option, const Options& known) {
  std::vector<std::string> names;
  for (const auto& [name, value] : known) names.push_back(name);
  throw make_error(ErrorCode::not_found, "model {} has no option '{}'", model, option)
      .note("hint: {}", hint(option, names));
}

}  // namespace tenon::models
