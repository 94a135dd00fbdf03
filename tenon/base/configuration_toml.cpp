// Reading: TOML text to nodes, `base` files, and --set.

#include <fmt/format.h>

#include <toml++/toml.h>
#include <algorithm>

#include "tenon/base/configuration_node.h"
#include "tenon/base/error.h"
#include "tenon/base/files.h"
#include "tenon/base/strings.h"

namespace tenon {

struct ConfigurationReader {
  using Node = Configuration::Node;
  using Kind = Configuration::Kind;
  using NodePointer = std::shared_ptr<Node>;

  static Configuration make(NodePointer node) { return {std::move(node), ""}; }
  static NodePointer& node_of(Configuration& config) { return config.node_; }
  static NodePointer read(std::string_view text, const std::string& origin,
                          std::vector<std::string>& open_files);
  static NodePointer read_file(const std::filesystem::path& path,
                               std::vector<std::string>& open_files);
  static NodePointer convert(const toml::node& source, const std::string& origin);
  static NodePointer parse(std::string_view text, const std::string& origin);
};

namespace {

using Node = Configuration::Node;
using Kind = Configuration::Kind;

// Tables in tables are walked by recursion, here and in the parser, whose own limit counts brackets
// but not the dots of a key.
constexpr size_t kMostLevels = 100;

// The end of the string or comment that begins at `at`, or `at` where none does.
size_t skip_quoted(std::string_view text, size_t at) {
  const char quote = text[at];
  if (quote == '#') return std::min(text.find('\n', at), text.size());
  if (quote != '"' && quote != '\'') return at;
  const std::string triple(3, quote);
  const std::string_view mark = text.substr(at).starts_with(triple) ? triple : text.substr(at, 1);
  for (size_t i = at + mark.size(); i < text.size(); ++i) {
    if (quote == '"' && text[i] == '\\') {
      ++i;
    } else if (text.substr(i).starts_with(mark)) {
      return i + mark.size();
    }
  }
  return text.size();
}

// Error parse, with the line, for text whose keys and brackets go deeper.
void check_depth(std::string_view text, const std::string& origin) {
  std::vector<size_t> open;  // levels that each open bracket adds: its own and the dots before it
  size_t levels = 0, dots = 0, line = 1;
  for (size_t i = 0; i < text.size(); ++i) {
    if (const size_t end = skip_quoted(text, i); end != i) {
      const std::string_view quoted = text.substr(i, end - i);
      line += static_cast<size_t>(std::count(quoted.begin(), quoted.end(), '\n'));
      i = end - 1;
      continue;
    }
    const char c = text[i];
    if (c == '\n') ++line;
    if (c == '.') ++dots;
    if (c == '\n' || c == ',') dots = 0;
    if (c == '[' || c == '{') {
      levels += open.emplace_back(dots + 1);
      dots = 0;
    } else if ((c == ']' || c == '}') && !open.empty()) {
      levels -= open.back();
      open.pop_back();
      dots = 0;
    }
    if (levels + dots > kMostLevels)
      fail(ErrorCode::parse, "{}:{}: more than {} tables or lists inside each other", origin, line,
           kMostLevels);
  }
}

// Settings from the command line have no lines and columns.
void forget_lines(Node& node) {
  node.line = 0;
  for (const auto& element : node.list) forget_lines(*element);
  for (const auto& [name, child] : node.table) forget_lines(*child);
}

}  // namespace

std::shared_ptr<Node> ConfigurationReader::convert(const toml::node& source,
                                                   const std::string& origin) {
  auto node = std::make_shared<Node>();
  node->origin = origin;
  node->line = static_cast<int>(source.source().begin.line);
  node->column = static_cast<int>(source.source().begin.column);
  if (const auto* boolean = source.as_boolean()) {
    node->kind = Kind::boolean;
    node->boolean = boolean->get();
  } else if (const auto* integer = source.as_integer()) {
    node->kind = Kind::integer;
    node->integer = integer->get();
  } else if (const auto* number = source.as_floating_point()) {
    node->kind = Kind::number;
    node->number = number->get();
  } else if (const auto* string = source.as_string()) {
    node->kind = Kind::string;
    node->string = string->get();
  } else if (const auto* array = source.as_array()) {
    node->kind = Kind::list;
    for (const toml::node& element : *array) node->list.push_back(convert(element, origin));
  } else if (const auto* table = source.as_table()) {
    node->kind = Kind::table;
    for (const auto& [key, value] : *table) {
      NodePointer child = convert(value, origin);
      // Errors about a setting point at its key, where the eye looks.
      child->line = static_cast<int>(key.source().begin.line);
      child->column = static_cast<int>(key.source().begin.column);
      node->table.emplace_back(key.str(), std::move(child));
    }
    // toml++ sorts by name; people expect the order in which they wrote.
    std::stable_sort(node->table.begin(), node->table.end(), [](const auto& a, const auto& b) {
      return std::pair(a.second->line, a.second->column) <
             std::pair(b.second->line, b.second->column);
    });
  } else {
    throw make_error(ErrorCode::invalid_argument,
                     "dates and times are not supported in configurations")
        .add_note("in " + node->where());
  }
  return node;
}

std::shared_ptr<Node> ConfigurationReader::parse(std::string_view text, const std::string& origin) {
  check_depth(text, origin);
  try {
    NodePointer node = convert(toml::parse(text, origin), origin);
    node->line = 0;  // the whole file has no line
    return node;
  } catch (const toml::parse_error& error) {
    const auto place = error.source().begin;
    fail(ErrorCode::parse, "{}:{}:{}: {}", origin, place.line, place.column, error.description());
  }
}

std::shared_ptr<Node> ConfigurationReader::read(std::string_view text, const std::string& origin,
                                                std::vector<std::string>& open_files) {
  NodePointer own = parse(text, origin);
  const Node* base = own->child("base");
  if (base == nullptr) return own;

  std::vector<const Node*> files;
  if (base->kind == Kind::list)
    for (const NodePointer& element : base->list) files.push_back(element.get());
  else
    files.push_back(base);

  auto merged = std::make_shared<Node>();
  merged->origin = origin;
  for (const Node* file : files) {
    if (file->kind != Kind::string)
      throw make_error(ErrorCode::invalid_argument, "base: expected a path or a list of paths")
          .add_note("in " + base->where());
    try {
      merge(*merged,
            *read_file(std::filesystem::path(origin).parent_path() / file->string, open_files));
    } catch (Error& error) {
      throw error.note("which is the base of {}", base->where());
    }
  }
  std::erase_if(own->table, [](const auto& entry) { return entry.first == "base"; });
  merge(*merged, *own);
  return merged;
}

std::shared_ptr<Node> ConfigurationReader::read_file(const std::filesystem::path& path,
                                                     std::vector<std::string>& open_files) {
  const std::string name = path.lexically_normal().string();
  if (std::find(open_files.begin(), open_files.end(), name) != open_files.end())
    fail(ErrorCode::invalid_argument, "{} starts from itself", name);
  open_files.push_back(name);
  NodePointer node = read(tenon::read_file(path), name, open_files);
  open_files.pop_back();
  return node;
}

Configuration Configuration::load(const std::filesystem::path& path) {
  std::vector<std::string> open_files;
  return ConfigurationReader::make(ConfigurationReader::read_file(path, open_files));
}

Configuration Configuration::parse(std::string_view text, std::string_view origin) {
  std::vector<std::string> open_files;
  return ConfigurationReader::make(
      ConfigurationReader::read(text, std::string(origin), open_files));
}

void Configuration::set(std::string_view assignment) {
  const size_t equals = assignment.find('=');
  const std::string_view key = trim(assignment.substr(0, equals));
  if (equals == std::string_view::npos || key.empty())
    fail(ErrorCode::invalid_argument, "--set {}: expected key=value", assignment);
  const std::string text(trim(assignment.substr(equals + 1)));
  const std::string origin = fmt::format("--set {}", assignment);

  std::shared_ptr<Node> value;
  try {
    // A line break would let a value smuggle in further keys.
    if (text.find('\n') == std::string::npos)
      value = ConfigurationReader::parse("value = " + text, origin)->table.at(0).second;
  } catch (const Error&) {
    value = nullptr;
  }
  if (value == nullptr) {
    value = std::make_shared<Node>();
    value->kind = Kind::string;
    value->string = text;
    value->origin = origin;
  }

  forget_lines(*value);  // those of the temporary line "value = …"

  const std::vector<std::string> parts = split(key, '.');
  if (parts.size() > kMostLevels)
    fail(ErrorCode::invalid_argument, "--set: a key of {} parts, at most {} are possible",
         parts.size(), kMostLevels);
  Node* parent = node_.get();
  for (size_t i = 0; i < parts.size(); ++i) {
    const std::string path = join(std::span(parts).first(i + 1), ".");
    if (parts[i].empty()) fail(ErrorCode::invalid_argument, "--set {}: empty name", assignment);
    if (parent->kind != Kind::table && parent->kind != Kind::list)
      fail(ErrorCode::invalid_argument, "--set {}: {} is neither a table nor a list", assignment,
           join(std::span(parts).first(i), "."));
    std::shared_ptr<Node>* slot = nullptr;
    if (parent->kind == Kind::list) {
      if (parent->child(parts[i]) == nullptr)
        fail(ErrorCode::out_of_range, "--set {}: {} is not an element; the list has {}", assignment,
             path, parent->list.size());
      slot = &parent->list[static_cast<size_t>(*parse_int(parts[i]))];
    } else {
      slot = &parent->slot(parts[i]);
    }
    if (i + 1 == parts.size()) {
      *slot = value;
    } else if (*slot == nullptr) {
      *slot = std::make_shared<Node>();
      (*slot)->origin = origin;
    }
    parent = slot->get();
  }
}

}  // namespace tenon
