#include <charconv>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "tenon/base/error.h"
#include "tenon/graph/build.h"
#include "tenon/graph/text.h"

namespace tenon {

namespace {

bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
/// A recursive-descent parser; regions nest, everything else is flat.
class Parser {
 public:
  Parser(std::string_view text, const OpRegistry& ops,
         const std::map<std::string, Literal>& literals)
      : text_(text), ops_(ops), literals_(literals) {}

  std::unique_ptr<Graph> parse() {
    auto graph = parse_graph(0);
    skip_space();
    if (at_ != text_.size()) unexpected("the end of the text");
    return graph;
  }

 private:
  static constexpr int kMaxDepth = 32;
  static constexpr int64_t kMaxLiteralBytes = int64_t{1} << 31;
  using Names = std::unordered_map<std::string, ValueId>;

  [[noreturn]] void error(std::string_view message, size_t at) const {
    size_t line = 1;
    size_t column = 1;
    for (size_t i = 0; i < at && i < text_.size(); ++i) {
      bool newline = text_[i] == '\n';
      line += newline ? 1 : 0;
      column = newline ? 1 : column + 1;
    }
    fail(ErrorCode::parse, "graph text, line {}, column {} (byte {}): {}", line, column, at,
         message);
  }
  [[noreturn]] void unexpected(std::string_view wanted) const {
    error("expected " + std::string(wanted), at_);
  }

  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_space() {
    while (at_ < text_.size()) {
      char c = text_[at_];
      if (c == '#') {
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      } else if (c == ' ' || c == '\n' || c == '\t' || c == '\r') {
        ++at_;
      } else {
        return;
      }
    }
  }
  bool take(std::string_view token) {
    skip_space();
    if (text_.substr(at_, token.size()) != token) return false;
    at_ += token.size();
    return true;
  }
  void expect(std::string_view token) {
    if (!take(token)) unexpected("'" + std::string(token) + "'");
  }
  std::string word() {
    skip_space();
    size_t begin = at_;
    while (is_name_start(peek()) || (at_ > begin && is_digit(peek()))) ++at_;
    if (begin == at_) unexpected("a name");
    return std::string(text_.substr(begin, at_ - begin));
  }
  /// Names may be paths such as encoder.0.weight, with the ' of derivatives; anything, in quotes.
  std::string path() {
    if (peek() == '"') return quoted();
    size_t begin = at_;
    while (is_name_char(peek())) ++at_;
    if (begin == at_) unexpected("a name");
    return std::string(text_.substr(begin, at_ - begin));
  }
  std::string value_name() {
    expect("%");
    return path();
  }

  Type type() {
    skip_space();
    size_t begin = at_;
    size_t close = text_.find(']', at_);
    if (close == std::string_view::npos || !is_name_start(peek()))
      unexpected("a type such as f32[2,3]");
    at_ = close + 1;
    try {
      return Type::parse(text_.substr(begin, at_ - begin));
    } catch (const Error& parse_error) {
      error(parse_error.message(), begin);
    }
  }

  int64_t integer() {
    skip_space();
    int64_t value = 0;
    auto [end, code] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (code != std::errc()) unexpected("an integer");
    at_ = static_cast<size_t>(end - text_.data());
    return value;
  }

  std::unique_ptr<Graph> parse_graph(int depth) {
    if (depth > kMaxDepth) unexpected("regions nested less deeply");
    expect("graph");
    skip_space();
    auto graph = std::make_unique<Graph>(path());
    Names names;
    expect("(");
    for (bool first = true; !take(")"); first = false) {
      if (!first) expect(",");
      size_t at = at_;
      std::string name = value_name();
      expect(":");
      ValueId id = graph->add_input(name, type());
      if (!names.emplace(name, id).second) error("%" + name + " is defined twice", at);
    }
    expect("->");
    expect("(");
    std::vector<Type> result_types;
    std::vector<std::string> result_names;
    for (bool first = true; !take(")"); first = false) {
      if (!first) expect(",");
      if (take("%")) {
        result_names.push_back(path());
        expect(":");
      }
      result_types.push_back(type());
    }
    if (!result_names.empty() && result_names.size() != result_types.size())
      unexpected("a name for every output or none");
    expect("{");
    while (take("where ")) parse_where(*graph);
    Build build(*graph, ops_);
    while (!take("return")) parse_node(build, names, depth);
    parse_return(*graph, names, result_types);
    graph->set_output_names(std::move(result_names));
    return graph;
  }

  /// `n in [1,64]`, `2*n != m+1` or `n % 2 != 0`.
  void parse_where(Graph& graph) {
    skip_space();
    const size_t at = at_;
    Dim left = spelled_dim();
    if (take("in")) return parse_bounds(graph, left, at);
    auto kind = DimCondition::Kind::different;
    Dim right;
    if (take("%")) {
      kind = DimCondition::Kind::indivisible;
      right = spelled_dim();
      expect("!=");
      expect("0");
    } else {
      expect("!=");
      right = spelled_dim();
    }
    graph.add_condition({kind, std::move(left), std::move(right)});
  }

  /// Up to the next space.
  Dim spelled_dim() {
    skip_space();
    const size_t begin = at_;
    while (at_ < text_.size() && !std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
    try {
      return Dim::parse(text_.substr(begin, at_ - begin));
    } catch (const Error& parse_error) {
      error(parse_error.message(), begin);
    }
  }

  void parse_bounds(Graph& graph, const Dim& dim, size_t at) {
    std::vector<std::string> symbols;
    dim.collect_symbols(symbols);
    if (symbols.size() != 1 || !(dim.always_equals(Dim::symbol(symbols[0]))))
      error("bounds are those of a symbol", at);
    const std::string& symbol = symbols[0];
    expect("[");
    SymbolBounds bounds;
    bounds.low = integer();
    expect(",");
    if (!take("inf")) bounds.high = integer();
    expect("]");
    graph.set_symbol_bounds(symbol, bounds);
  }

  ValueId find(const Names& names) {
    skip_space();
    size_t at = at_;
    std::string name = value_name();
    auto found = names.find(name);
    if (found == names.end()) error("%" + name + " is not defined before this use", at);
    return found->second;
  }

  void parse_return(Graph& graph, const Names& names, const std::vector<Type>& types) {
    std::vector<ValueId> outputs;
    size_t at = at_;
    for (bool first = true; !take("}"); first = false) {
      if (!first) expect(",");
      outputs.push_back(find(names));
    }
    graph.set_outputs(outputs);
    if (graph.output_types() != types)
      error("the types returned are not those in the graph's head", at);
  }

  void parse_node(Build& build, Names& names, int depth) {
    skip_space();
    std::vector<std::string> result_names;
    std::vector<Type> result_types;
    if (peek() == '%') {
      do {
        result_names.push_back(value_name());
        expect(":");
        result_types.push_back(type());
      } while (take(","));
      expect("=");
    }
    skip_space();
    size_t at = at_;
    std::string op_name = word();
    const OpDef* op = ops_.find(op_name);
    if (!op) error("there is no op '" + op_name + "'", at);
    std::vector<ValueId> inputs;
    expect("(");
    for (bool first = true; !take(")"); first = false) {
      if (!first) expect(",");
      inputs.push_back(find(names));
    }
    Attributes attributes;
    if (take("{")) {
      for (bool first = true; !take("}"); first = false) {
        if (!first) expect(",");
        std::string key = word();
        expect("=");
        const AttributeSchema* schema = op->find_attribute(key);
        if (!schema) error("op '" + op_name + "' has no attribute '" + key + "'", at_);
        attributes.set(key, attribute(schema->kind, depth));
      }
    }
    skip_space();
    std::string label;
    if (take("@")) label = path();
    add(build, *op, std::move(attributes), std::move(inputs), std::move(label), result_types, at);
    const Node& node = build.graph().nodes().back();
    for (size_t i = 0; i < result_names.size(); ++i) {
      if (!names.emplace(result_names[i], node.outputs[i]).second)
        error("%" + result_names[i] + " is defined twice", at);
    }
  }

  /// Adds the call as written: no broadcasting, and its types must be what is inferred.
  void add(Build& build, const OpDef& op, Attributes attributes, std::vector<ValueId> inputs,
           std::string label, const std::vector<Type>& types, size_t at) {
    Graph& graph = build.graph();
    std::vector<Type> input_types;
    for (ValueId input : inputs) input_types.push_back(graph.type(input));
    std::vector<Type> inferred;
    try {
      auto describe = [&](size_t i) { return graph.describe(inputs[i]); };
      inferred = check_call(op, input_types, attributes, describe);
    } catch (const Error& call_error) {
      if (call_error.code() == ErrorCode::internal) throw;
      error(call_error.what(), at);
    }
    if (inferred != types) {
      std::string wanted;
      for (const Type& t : inferred) wanted += (wanted.empty() ? "" : ", ") + t.to_string();
      error("op '" + op.name + "' gives " + wanted, at);
    }
    graph.add_node(&op, std::move(attributes), std::move(inputs), std::move(inferred),
                   std::move(label));
  }

  Attribute attribute(AttributeKind kind, int depth) {
    skip_space();
    switch (kind) {
      case AttributeKind::boolean:
        if (take("true")) return true;
        if (take("false")) return false;
        unexpected("true or false");
      case AttributeKind::integer:
        return integer();
      case AttributeKind::real:
        return real();
      case AttributeKind::string:
        return quoted();
      case AttributeKind::dtype: {
        size_t begin = at_;
        auto dtype = parse_dtype(word());
        if (!dtype) error("expected a dtype", begin);
        return *dtype;
      }
      case AttributeKind::integers: {
        Integers values;
        list([&] { values.push_back(integer()); });
        return values;
      }
      case AttributeKind::reals: {
        Reals values;
        list([&] { values.push_back(real()); });
        return values;
      }
      case AttributeKind::shape:
        return shape();
      case AttributeKind::literal:
        return literal();
      case AttributeKind::graph:
        return GraphRef(parse_graph(depth + 1));
      case AttributeKind::types: {
        Types types;
        list([&] { types.push_back(type()); });
        return types;
      }
    }
    unexpected("an attribute");
  }

  template <class Item>
  void list(Item item) {
    expect("[");
    for (bool first = true; !take("]"); first = false) {
      if (!first) expect(",");
      item();
    }
  }

  double real() {
    skip_space();
    if (take("nan")) return std::numeric_limits<double>::quiet_NaN();
    if (take("inf")) return std::numeric_limits<double>::infinity();
    if (take("-inf")) return -std::numeric_limits<double>::infinity();
    double value = 0;
    auto [end, code] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (code != std::errc()) unexpected("a number");
    at_ = static_cast<size_t>(end - text_.data());
    return value;
  }

  /// A number just read, which the dtype must have.
  template <class T>
  T fitting(T value, DType dtype) {
    try {
      Number(value).check_fits(dtype);
    } catch (const Error& misfit) {
      error(misfit.message(), at_);
    }
    return value;
  }

  std::string quoted() {
    expect("\"");
    std::string value;
    while (at_ < text_.size() && text_[at_] != '"') {
      char c = text_[at_++];
      if (c == '\\' && at_ < text_.size()) {
        c = text_[at_++];
        if (c == 'n') c = '\n';
      }
      value += c;
    }
    if (at_ >= text_.size()) unexpected("a closing quote");
    ++at_;
    return value;
  }

  Shape shape() {
    skip_space();
    size_t begin = at_;
    size_t close = text_.find(']', at_);
    if (peek() != '[' || close == std::string_view::npos) unexpected("a shape such as [batch,3]");
    at_ = close + 1;
    // Offsets (of pad, say) may be negative, so this is not Type::parse.
    Shape result;
    std::string_view dims = text_.substr(begin + 1, close - begin - 1);
    size_t start = 0;
    int depth = 0;
    for (size_t i = 0; !dims.empty() && i <= dims.size(); ++i) {
      if (i < dims.size() && dims[i] == '(') ++depth;
      if (i < dims.size() && dims[i] == ')') --depth;
      if (i < dims.size() && (dims[i] != ',' || depth > 0)) continue;
      try {
        result.push_back(Dim::parse(dims.substr(start, i - start)));
      } catch (const Error& dim_error) {
        error(dim_error.message(), begin + 1 + start);
      }
      start = i + 1;
    }
    return result;
  }

  LiteralRef literal() {
    expect("dense<");
    size_t at = at_;
    Type literal_type = type();
    if (!literal_type.shape.is_constant()) error("a literal's shape is numbers", at);
    expect(":");
    skip_space();
    if (peek() == '"') return named_literal(literal_type);
    std::vector<int64_t> dims = literal_type.shape.constants();
    // Every element takes at least two characters, so a shape cannot ask for more than the text
    // holds.
    int64_t count = 1;
    for (int64_t dim : dims) {
      if (dim != 0 && count > kMaxLiteralBytes / dim) error("the literal is too large", at);
      count *= dim;
    }
    if (count > static_cast<int64_t>(text_.size()))
      error("the literal has fewer elements than its shape", at);
    auto value = std::make_shared<Literal>(literal_type.dtype, dims);
    for (int64_t i = 0; i < count; ++i) {
      if (i > 0) expect(",");
      if (is_floating(literal_type.dtype)) {
        value->set_double(i, fitting(real(), literal_type.dtype));
      } else {
        value->set_int(i, fitting(integer(), literal_type.dtype));
      }
    }
    expect(">");
    return value;
  }

  LiteralRef named_literal(const Type& type) {
    const size_t at = at_;
    const std::string name = quoted();
    expect(">");
    const auto found = literals_.find(name);
    if (found == literals_.end())
      error("the literal '" + name + "' was not given beside the text", at);
    if (found->second.type() != type) {
      error("the literal '" + name + "' was given as " + found->second.type().to_string() +
                ", not " + type.to_string(),
            at);
    }
    return std::make_shared<const Literal>(found->second.seal());
  }

  std::string_view text_;
  const OpRegistry& ops_;
  const std::map<std::string, Literal>& literals_;
  size_t at_ = 0;
};

}  // namespace

std::unique_ptr<Graph> parse_graph(std::string_view text, const OpRegistry& ops,
                                   const std::map<std::string, Literal>& literals) {
  return Parser(text, ops, literals).parse();
}

}  // namespace tenon
