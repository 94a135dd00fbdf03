#pragma once

//   Json report = {{"loss", 0.25}, {"epoch", 3}};
//   std::string text = dump_json(report);
//   Json back = parse_json(text, "report.json");      // errors name file, line and column
//   int64_t epoch = json_integer(back, "epoch", "report.json");
//
// Heavy: include it from .cpp files only, never from a header.

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace tenon {

/// Keeps the insertion order of keys, so that output is readable and comparable.
using Json = nlohmann::ordered_json;

enum class JsonStyle { compact, indented };

/// `source` names the text in errors: a path, or "request body".
Json parse_json(std::string_view text, std::string_view source);

/// Bytes that are not UTF-8 become U+FFFD instead of an error.
std::string dump_json(const Json& value, JsonStyle style = JsonStyle::indented);

/// Members of an object, checked: a missing key or a wrong type is an Error that names the source.
const Json& json_member(const Json& object, std::string_view key, std::string_view source);
int64_t json_integer(const Json& object, std::string_view key, std::string_view source);
std::string json_string(const Json& object, std::string_view key, std::string_view source);
std::vector<std::string> json_strings(const Json& object, std::string_view key,
                                      std::string_view source);
/// A member that is an object of strings.
std::map<std::string, std::string> json_texts(const Json& object, std::string_view key,
                                              std::string_view source);

}  // namespace tenon
