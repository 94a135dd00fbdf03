#include "tenon/base/configuration.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "tenon/base/configuration_node.h"
#include "tenon/base/error.h"
#include "tenon/base/strings.h"

namespace tenon {
namespace {

using Node = Configuration::Node;
using Kind = Configuration::Kind;

const char* kind_name(Kind kind) {
  switch (kind) {
    case Kind::missing:
      return "nothing";
    case Kind::boolean:
      return "a boolean";
    case Kind::integer:
      return "an integer";
    case Kind::number:
      return "a number";
    case Kind::string:
      return "a string";
    case Kind::list:
      return "a list";
    case Kind::table:
      return "a table";
  }
  return "nothing";
}

Error wrong_kind(const Node& node, std::string_view key, const char* wanted) {
  const bool scalar = node.kind != Kind::table && node.kind != Kind::list;
  return make_error(ErrorCode::invalid_argument, "{}: expected {}, found {}{}", key, wanted,
                    kind_name(node.kind), scalar ? " " + to_toml(node) : "")
      .add_note("in " + node.where());
}

struct UnknownKey {
  std::string key;
  const Node* node;
  std::string hint;
};

void find_unread(const Node& node, const std::string& path, std::vector<UnknownKey>& unknown) {
  const std::vector<std::string> asked(node.asked.begin(), node.asked.end());
  for (const auto& [name, child] : node.table) {
    const std::string key = path.empty() ? name : path + "." + name;
    if (!node.asked.contains(name)) {
      unknown.push_back({key, child.get(), asked.empty() ? "" : hint(name, asked)});
    } else {
      find_unread(*child, key, unknown);
    }
  }
  for (size_t i = 0; i < node.list.size(); ++i)
    find_unread(*node.list[i], fmt::format("{}.{}", path, i), unknown);
}

// Leaves by full key. Lists are leaves too: a changed list reads best as a whole.
void collect_leaves(const Node& node, const std::string& path,
                    std::vector<std::pair<std::string, std::string>>& leaves) {
  if (node.kind == Kind::table && !(node.table.empty() && !path.empty())) {
    for (const auto& [name, child] : node.table) {
      const std::string part = toml_key(name);
      collect_leaves(*child, path.empty() ? part : path + "." + part, leaves);
    }
    return;
  }
  leaves.emplace_back(path, to_toml(node));
}

template <typename T, typename Get>
std::vector<T> read_list(const Configuration& config, std::string_view key, Get get) {
  std::vector<T> values;
  for (const Configuration& element : config.list(key)) values.push_back((element.*get)(""));
  return values;
}

}  // namespace

Configuration::Configuration() : Configuration(std::make_shared<Node>(), "") {}

Configuration::Configuration(std::shared_ptr<Node> node, std::string prefix)
    : node_(std::move(node)), prefix_(std::move(prefix)) {}

std::string Configuration::full_key(std::string_view key) const {
  if (prefix_.empty()) return std::string(key);
  return key.empty() ? prefix_ : fmt::format("{}.{}", prefix_, key);
}

const Configuration::Node* Configuration::find(std::string_view key) const {
  if (key.empty()) return node_.get();
  const Node* node = node_.get();
  for (const std::string& part : split(key, '.')) {
    node->asked.insert(part);
    node = node->child(part);
    if (node == nullptr) return nullptr;
  }
  return node;
}

Configuration::Kind Configuration::kind(std::string_view key) const {
  const Node* node = find(key);
  return node == nullptr ? Kind::missing : node->kind;
}

bool Configuration::get_bool(std::string_view key) const {
  const Node& node = require(find(key), full_key(key), *node_);
  if (node.kind != Kind::boolean) throw wrong_kind(node, full_key(key), "true or false");
  return node.boolean;
}

int64_t Configuration::get_int(std::string_view key) const {
  const Node& node = require(find(key), full_key(key), *node_);
  if (node.kind != Kind::integer) throw wrong_kind(node, full_key(key), "an integer");
  return node.integer;
}

double Configuration::get_double(std::string_view key) const {
  const Node& node = require(find(key), full_key(key), *node_);
  if (node.kind == Kind::integer) return static_cast<double>(node.integer);
  if (node.kind != Kind::number) throw wrong_kind(node, full_key(key), "a number");
  return node.number;
}

std::string Configuration::get_string(std::string_view key) const {
  const Node& node = require(find(key), full_key(key), *node_);
  if (node.kind != Kind::string) throw wrong_kind(node, full_key(key), "a string");
  return node.string;
}

bool Configuration::get_bool(std::string_view key, bool otherwise) const {
  return has(key) ? get_bool(key) : otherwise;
}
int64_t Configuration::get_int(std::string_view key, int64_t otherwise) const {
  return has(key) ? get_int(key) : otherwise;
}
double Configuration::get_double(std::string_view key, double otherwise) const {
  return has(key) ? get_double(key) : otherwise;
}
std::string Configuration::get_string(std::string_view key, std::string_view otherwise) const {
  return has(key) ? get_string(key) : std::string(otherwise);
}

std::vector<int64_t> Configuration::get_ints(std::string_view key) const {
  using Get = int64_t (Configuration::*)(std::string_view) const;
  return read_list<int64_t>(*this, key, static_cast<Get>(&Configuration::get_int));
}
std::vector<double> Configuration::get_doubles(std::string_view key) const {
  using Get = double (Configuration::*)(std::string_view) const;
  return read_list<double>(*this, key, static_cast<Get>(&Configuration::get_double));
}
std::vector<std::string> Configuration::get_strings(std::string_view key) const {
  using Get = std::string (Configuration::*)(std::string_view) const;
  return read_list<std::string>(*this, key, static_cast<Get>(&Configuration::get_string));
}

Configuration Configuration::section(std::string_view key) const {
  const Node* node = find(key);
  if (node == nullptr) {
    auto missing = std::make_shared<Node>();
    missing->origin = node_->origin;  // for errors about what it lacks
    return {missing, full_key(key)};
  }
  if (node->kind != Kind::table) throw wrong_kind(*node, full_key(key), "a table");
  // Shares ownership of the root, so the section outlives the object it came from.
  return {std::shared_ptr<Node>(node_, const_cast<Node*>(node)), full_key(key)};
}

std::vector<Configuration> Configuration::list(std::string_view key) const {
  const Node& node = require(find(key), full_key(key), *node_);
  if (node.kind != Kind::list) throw wrong_kind(node, full_key(key), "a list");
  std::vector<Configuration> elements;
  for (size_t i = 0; i < node.list.size(); ++i) {
    elements.push_back(Configuration(std::shared_ptr<Node>(node_, node.list[i].get()),
                                     full_key(fmt::format("{}.{}", key, i))));
  }
  return elements;
}

std::vector<std::string> Configuration::keys(std::string_view key) const {
  std::vector<std::string> names;
  if (const Node* node = find(key); node != nullptr)
    for (const auto& [name, child] : node->table) names.push_back(name);
  return names;
}

std::string Configuration::where(std::string_view key) const {
  const Node* node = find(key);
  return node == nullptr ? "" : node->where();
}

void Configuration::reject_unknown_keys() const {
  std::vector<UnknownKey> unknown;
  find_unread(*node_, prefix_, unknown);
  if (unknown.empty()) return;
  Error error(ErrorCode::invalid_argument, unknown.size() == 1
                                               ? fmt::format("unknown key {}", unknown[0].key)
                                               : fmt::format("{} unknown keys", unknown.size()));
  for (const UnknownKey& entry : unknown)
    error.note("{}: {}{}{}", entry.node->where(), entry.key, entry.hint.empty() ? "" : ": ",
               entry.hint);
  throw error;
}

std::string Configuration::to_toml() const {
  std::vector<std::pair<std::string, std::string>> leaves;
  collect_leaves(*node_, "", leaves);
  std::string text;
  for (const auto& [key, value] : leaves) text += fmt::format("{} = {}\n", key, value);
  return text;
}

std::vector<ConfigurationChange> diff(const Configuration& before, const Configuration& after) {
  const auto lines_of = [](const Configuration& config) {
    std::vector<std::pair<std::string, std::string>> lines;
    for (const std::string& line : split(config.to_toml(), '\n'))
      if (const size_t equals = line.find(" = "); equals != std::string::npos)
        lines.emplace_back(line.substr(0, equals), line.substr(equals + 3));
    return lines;
  };
  const auto first = lines_of(before), second = lines_of(after);
  const std::map<std::string, std::string> in_first(first.begin(), first.end());
  const std::map<std::string, std::string> in_second(second.begin(), second.end());
  std::vector<ConfigurationChange> changes;
  for (const auto& [key, value] : first) {
    const auto other = in_second.find(key);
    if (other == in_second.end())
      changes.push_back({key, value, ""});
    else if (other->second != value)
      changes.push_back({key, value, other->second});
  }
  for (const auto& [key, value] : second)
    if (!in_first.contains(key)) changes.push_back({key, "", value});
  return changes;
}

}  // namespace tenon
