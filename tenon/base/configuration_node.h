#pragma once

// The settings behind Configuration; private to base/configuration*.cpp.

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tenon/base/configuration.h"

namespace tenon {

struct Configuration::Node {
  Kind kind = Kind::table;
  bool boolean = false;
  int64_t integer = 0;
  double number = 0;
  std::string string;
  std::vector<std::shared_ptr<Node>> list;
  std::vector<std::pair<std::string, std::shared_ptr<Node>>> table;  // in the order of the file

  std::string origin;  // file name or "--set"
  int line = 0;
  int column = 0;

  mutable std::set<std::string> asked;  // names of children that a getter requested

  std::string where() const;
  /// A table entry by name or a list element by number, or nullptr.
  Node* child(std::string_view name) const;
  std::shared_ptr<Node>& slot(std::string_view name);
};

/// The node, or an error that names the missing key and suggests the closest.
const Configuration::Node& require(const Configuration::Node* node, std::string_view key,
                                   const Configuration::Node& root);

/// A value or inline table as TOML source.
std::string to_toml(const Configuration::Node& node);
/// Quoted if TOML requires it.
std::string toml_key(std::string_view name);

/// `change` over `base`, by the rules in configuration.h.
void merge(Configuration::Node& base, const Configuration::Node& change);

}  // namespace tenon
