#include "tenon/base/json.h"

#include <algorithm>

#include "tenon/base/error.h"
#include "tenon/base/strings.h"

namespace tenon {
namespace {

// Parsing recurses with each '[' or '{'; a hostile file must not reach the end of the stack.
constexpr int kMaxDepth = 500;

[[noreturn]] void wrong_type(const Json& value, std::string_view key, const char* wanted,
                             std::string_view source) {
  fail(ErrorCode::corrupt, "{}: '{}' should be {}, found {}", source, key, wanted,
       value.type_name());
}

}  // namespace

Json parse_json(std::string_view text, std::string_view source) {
  const auto limit_depth = [&](int depth, Json::parse_event_t, Json&) {
    if (depth > kMaxDepth) fail(ErrorCode::parse, "{}: nested deeper than {}", source, kMaxDepth);
    return true;
  };
  try {
    return Json::parse(text.begin(), text.end(), limit_depth);
  } catch (const nlohmann::json::parse_error& error) {
    const size_t offset = std::min(error.byte == 0 ? 0 : error.byte - 1, text.size());
    const std::string_view before = text.substr(0, offset);
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
    std::string_view what = error.what();
    // nlohmann says "[json.exception.…] parse error at line 1, column 2: syntax error …".
    if (const size_t colon = what.find(": "); colon != what.npos) what.remove_prefix(colon + 2);
    fail(ErrorCode::parse, "{}:{}:{}: {}", source, line, offset - line_start + 1, what);
  } catch (const nlohmann::json::exception& error) {  // a number beyond double, such as 1e999
    fail(ErrorCode::parse, "{}: {}", source, error.what());
  }
}

std::string dump_json(const Json& value, JsonStyle style) {
  const int indent = style == JsonStyle::indented ? 2 : -1;
  return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

const Json& json_member(const Json& object, std::string_view key, std::string_view source) {
  if (!object.is_object())
    fail(ErrorCode::corrupt, "{}: looked for '{}' in {}, which is not an object", source, key,
         object.type_name());
  const auto found = object.find(std::string(key));
  if (found != object.end()) return *found;
  std::vector<std::string> keys;
  for (const auto& [name, value] : object.items()) keys.push_back(name);
  throw make_error(ErrorCode::corrupt, "{}: '{}' is missing", source, key)
      .add_note(hint(key, keys));
}

int64_t json_integer(const Json& object, std::string_view key, std::string_view source) {
  const Json& value = json_member(object, key, source);
  if (!value.is_number_integer()) wrong_type(value, key, "an integer", source);
  if (value.is_number_unsigned() && value.get<uint64_t>() > INT64_MAX)
    fail(ErrorCode::corrupt, "{}: '{}' = {} is too large", source, key, value.get<uint64_t>());
  return value.get<int64_t>();
}

std::string json_string(const Json& object, std::string_view key, std::string_view source) {
  const Json& value = json_member(object, key, source);
  if (!value.is_string()) wrong_type(value, key, "a string", source);
  return value.get<std::string>();
}

std::vector<std::string> json_strings(const Json& object, std::string_view key,
                                      std::string_view source) {
  const Json& value = json_member(object, key, source);
  if (!value.is_array()) wrong_type(value, key, "a list of strings", source);
  std::vector<std::string> texts;
  for (const Json& element : value) {
    if (!element.is_string()) wrong_type(element, key, "a list of strings", source);
    texts.push_back(element.get<std::string>());
  }
  return texts;
}

std::map<std::string, std::string> json_texts(const Json& object, std::string_view key,
                                              std::string_view source) {
  const Json& value = json_member(object, key, source);
  if (!value.is_object()) wrong_type(value, key, "an object of strings", source);
  std::map<std::string, std::string> texts;
  for (const auto& [name, text] : value.items()) texts[name] = json_string(value, name, source);
  return texts;
}

}  // namespace tenon
