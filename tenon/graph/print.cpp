#include <algorithm>
#include <set>

#include "tenon/base/hash.h"
#include "tenon/graph/text.h"

namespace tenon {

namespace {

/// A name as it is, or in quotes where the grammar needs them.
std::string spelled(const std::string& name) {
  if (!name.empty() && std::all_of(name.begin(), name.end(), is_name_char)) return name;
  return Attribute(name).to_string();
}

class Printer {
 public:
  Printer(const Graph& graph, const PrintOptions& options, std::string indent)
      : graph_(graph), options_(options), indent_(std::move(indent)), names_(graph.value_count()) {
    // Every value has its own name, whatever the inputs are called.
    std::set<std::string> taken;
    for (size_t i = 0; i < graph.inputs().size(); ++i) {
      std::string unique = graph.input_names()[i];
      for (int copy = 2; !taken.insert(unique).second; ++copy)
        unique = graph.input_names()[i] + "'" + std::to_string(copy);
      names_[graph.inputs()[i].index] = spelled(unique);
    }
    uint32_t next = 0;
    for (const Node& node : graph.nodes()) {
      for (ValueId output : node.outputs) {
        while (taken.contains(std::to_string(next))) ++next;
        names_[output.index] = std::to_string(next++);
      }
    }
  }

  std::string print() {
    text_ = "graph " + spelled(graph_.name()) + "(";
    for (size_t i = 0; i < graph_.inputs().size(); ++i) {
      if (i > 0) text_ += ", ";
      text_ += name(graph_.inputs()[i]) + ": " + graph_.type(graph_.inputs()[i]).to_string();
    }
    text_ += ") -> (";
    for (size_t i = 0; i < graph_.outputs().size(); ++i) {
      if (i > 0) text_ += ", ";
      if (!graph_.output_names().empty()) text_ += "%" + spelled(graph_.output_names()[i]) + ": ";
      text_ += graph_.type(graph_.outputs()[i]).to_string();
    }
    text_ += ") {\n";
    for (const auto& [symbol, bounds] : graph_.symbol_bounds()) {
      text_ += indent_ + "  where " + symbol + " in [" + std::to_string(bounds.low) + "," +
               (bounds.high ? std::to_string(*bounds.high) : "inf") + "]\n";
    }
    for (const DimCondition& condition : graph_.conditions())
      text_ += indent_ + "  where " + condition.to_string() + "\n";
    for (const Node& node : graph_.nodes()) print_node(node);
    text_ += indent_ + "  return";
    for (size_t i = 0; i < graph_.outputs().size(); ++i)
      text_ += (i > 0 ? ", " : " ") + name(graph_.outputs()[i]);
    return text_ + "\n" + indent_ + "}";
  }

 private:
  std::string name(ValueId id) const { return "%" + names_[id.index]; }

  void print_node(const Node& node) {
    text_ += indent_ + "  ";
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (i > 0) text_ += ", ";
      text_ += name(node.outputs[i]) + ": " + graph_.type(node.outputs[i]).to_string();
    }
    text_ += (node.outputs.empty() ? "" : " = ") + node.op->name + "(";
    for (size_t i = 0; i < node.inputs.size(); ++i)
      text_ += (i > 0 ? ", " : "") + name(node.inputs[i]);
    text_ += ")";
    bool first = true;
    for (const auto& [key, value] : node.attributes) {
      text_ += (first ? " {" : ", ") + key + "=" + print_attribute(value);
      first = false;
    }
    if (!first) text_ += "}";
    if (options_.labels && !node.label.empty()) text_ += "  @" + spelled(node.label);
    text_ += "\n";
  }

  std::string print_attribute(const Attribute& value) {
    if (auto* region = value.get_if<GraphRef>())
      return Printer(**region, options_, indent_ + "  ").print();
    if (auto* literal = value.get_if<LiteralRef>()) {
      if (options_.max_literal_elements >= 0 &&
          (*literal)->size() > options_.max_literal_elements) {
        return "dense<" + (*literal)->type().to_string() + ": …>";
      }
    }
    return value.to_string();
  }

  const Graph& graph_;
  const PrintOptions& options_;
  std::string indent_;
  std::vector<std::string> names_;
  std::string text_;
};

}  // namespace

bool is_long(const Literal& literal) {
  constexpr int64_t kMostPrinted = 65536;
  return literal.size() > kMostPrinted;
}

std::string name_of(const Literal& literal) {
  Hasher hasher;
  hasher.add(literal.dtype()).add(std::span<const int64_t>(literal.shape()));
  return hasher.add(literal.content_hash()).finish().hex();
}

std::map<std::string, Literal> long_literals(const Graph& graph) {
  std::map<std::string, Literal> found;
  for (const Node& node : graph.nodes()) {
    for (const auto& [key, value] : node.attributes) {
      if (auto* literal = value.get_if<LiteralRef>(); literal && is_long(**literal))
        found.emplace(name_of(**literal), **literal);
      if (auto* region = value.get_if<GraphRef>()) found.merge(long_literals(**region));
    }
  }
  return found;
}

std::string to_text(const Graph& graph, const PrintOptions& options) {
  return Printer(graph, options, "").print();
}

}  // namespace tenon
