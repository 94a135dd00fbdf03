#include "tenon/base/configuration_node.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tenon/base/error.h"
#include "tenon/base/strings.h"

namespace tenon {
namespace {

using Node = Configuration::Node;
using Kind = Configuration::Kind;

std::string toml_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\r':
        out += "\\r";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
          out += fmt::format("\\u{:04X}", static_cast<unsigned char>(c));
        else
          out += c;
    }
  }
  return out + "\"";
}

std::string number_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  std::string text = fmt::format("{}", value);
  // "1" would be read back as an integer.
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

/// Whether a table says to be something else than the one before: by another name, or by a list of
/// layers in place of a name, or the other way round.
bool is_another(const Node& base, const Node& change) {
  const Node* before = base.child("name");
  const Node* after = change.child("name");
  if (before != nullptr && after != nullptr) return before->string != after->string;
  return (before != nullptr && change.child("layers") != nullptr) ||
         (after != nullptr && base.child("layers") != nullptr);
}

}  // namespace

std::string Configuration::Node::where() const {
  return line == 0 ? origin : fmt::format("{}:{}:{}", origin, line, column);
}

Node* Configuration::Node::child(std::string_view name) const {
  if (kind == Kind::list) {
    const auto index = parse_int(name);
    if (!index || *index < 0 || *index >= static_cast<int64_t>(list.size())) return nullptr;
    return list[static_cast<size_t>(*index)].get();
  }
  const auto entry = std::find_if(table.begin(), table.end(),
                                  [&](const auto& candidate) { return candidate.first == name; });
  return entry == table.end() ? nullptr : entry->second.get();
}

std::shared_ptr<Node>& Configuration::Node::slot(std::string_view name) {
  for (auto& [key, value] : table)
    if (key == name) return value;
  return table.emplace_back(std::string(name), nullptr).second;
}

const Node& require(const Node* node, std::string_view key, const Node& root) {
  if (node != nullptr) return *node;
  Error error = make_error(ErrorCode::not_found, "missing key {}", key);
  if (!root.origin.empty()) error.note("in {}", root.origin);
  throw error;
}

std::string toml_key(std::string_view name) {
  const bool bare = !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-';
  });
  return bare ? std::string(name) : toml_string(name);
}

std::string to_toml(const Node& node) {
  std::vector<std::string> parts;
  switch (node.kind) {
    case Kind::missing:
      return "";
    case Kind::boolean:
      return node.boolean ? "true" : "false";
    case Kind::integer:
      return std::to_string(node.integer);
    case Kind::number:
      return number_text(node.number);
    case Kind::string:
      return toml_string(node.string);
    case Kind::list:
      for (const auto& element : node.list) parts.push_back(to_toml(*element));
      return fmt::format("[{}]", fmt::join(parts, ", "));
    case Kind::table:
      for (const auto& [name, child] : node.table)
        parts.push_back(fmt::format("{} = {}", toml_key(name), to_toml(*child)));
      return fmt::format("{{{}}}", fmt::join(parts, ", "));
  }
  return "";
}

void merge(Node& base, const Node& change) {
  for (const auto& [name, value] : change.table) {
    std::shared_ptr<Node>& slot = base.slot(name);
    const bool both_tables =
        slot != nullptr && slot->kind == Kind::table && value->kind == Kind::table;
    if (both_tables && !is_another(*slot, *value))
      merge(*slot, *value);
    else
      slot = value;
  }
}

}  // namespace tenon
