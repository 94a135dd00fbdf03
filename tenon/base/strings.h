#pragma once

//   auto parts = split("encoder.0.weight", '.');                  // {"encoder", "0", "weight"}
//   join(parts, "/");                                             // "encoder/0/weight"
//   suggest("learning_rte", {"learning_rate", "momentum"});       // "learning_rate"
//   hint("wieght", parts);                                        // "did you mean 'weight'?"
//   auto n = parse_int("64");                                     // 64, or nothing for "64x"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tenon {

/// Splits at each separator; empty parts are kept, and "" is one empty part.
std::vector<std::string> split(std::string_view text, char separator);
std::string join(std::span<const std::string> parts, std::string_view separator);
std::string_view trim(std::string_view text);

/// The whole text as a number, or none.
std::optional<int64_t> parse_int(std::string_view text);
std::optional<double> parse_double(std::string_view text);

/// The number of single-character edits (Levenshtein, adjacent swaps count as one) between two
/// words.
int edit_distance(std::string_view a, std::string_view b);

/// The candidate closest to `name`, or "" if none is close.
std::string suggest(std::string_view name, std::span<const std::string> candidates);
std::string suggest(std::string_view name, std::initializer_list<std::string> candidates);

/// For an error note: "did you mean 'x'?", or "known: a, b, c" if none is close; of many names, the
/// nearest few.
std::string hint(std::string_view name, std::span<const std::string> candidates);

/// 12345678 is "12,345,678".
std::string group_digits(int64_t value);

/// 1536 is "1.5 KiB".
std::string format_bytes(uint64_t bytes);

/// Whether a path of names joined by dots matches a pattern: `*` stands for any part of one name,
/// `**` for any part of the path. "*.weight" matches fc1.weight; "**.bias" matches bias, fc1.bias
/// and blocks.0.fc1.bias.
bool matches_path(std::string_view pattern, std::string_view path);

}  // namespace tenon
