#include "tenon/graph/attributes.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include <fmt/format.h>

#include "tenon/base/error.h"
#include "tenon/base/hash.h"
#include "tenon/graph/graph.h"
#include "tenon/graph/text.h"

namespace tenon {

std::string_view name_of(AttributeKind kind) {
  constexpr std::array<std::string_view, 11> kNames = {"boolean", "integer",  "real",  "string",
                                                       "dtype",   "integers", "reals", "shape",
                                                       "literal", "graph",    "types"};
  return kNames[static_cast<size_t>(kind)];
}

namespace {

std::string print_real(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  std::string text = fmt::format("{}", value);
  return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

template <class T, class Print>
std::string print_list(const std::vector<T>& values, Print print) {
  std::string text = "[";
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0) text += ',';
    text += print(values[i]);
  }
  return text + "]";
}

std::string quote(const std::string& text) {
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    if (c == '\n') {
      quoted += "\\n";
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

struct Printer {
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(int64_t value) const { return std::to_string(value); }
  std::string operator()(double value) const { return print_real(value); }
  std::string operator()(const std::string& value) const { return quote(value); }
  std::string operator()(DType value) const { return std::string(name_of(value)); }
  std::string operator()(const Integers& value) const {
    return print_list(value, [](int64_t v) { return std::to_string(v); });
  }
  std::string operator()(const Reals& value) const { return print_list(value, print_real); }
  std::string operator()(const Shape& value) const { return value.to_string(); }
  std::string operator()(const LiteralRef& value) const {
    if (is_long(*value))
      return "dense<" + value->type().to_string() + ": " + quote(name_of(*value)) + ">";
    return "dense<" + value->to_string() + ">";
  }
  std::string operator()(const GraphRef& value) const { return to_text(*value); }
  std::string operator()(const Types& value) const {
    return print_list(value, [](const Type& type) { return type.to_string(); });
  }
};

struct HashVisitor {
  Hasher& hasher;
  void operator()(bool value) const { hasher.add(value); }
  void operator()(int64_t value) const { hasher.add(value); }
  void operator()(double value) const { hasher.add(value); }
  void operator()(const std::string& value) const { hasher.add(value); }
  void operator()(DType value) const { hasher.add(value); }
  void operator()(const Integers& value) const { hasher.add(std::span<const int64_t>(value)); }
  void operator()(const Reals& value) const {
    hasher.add(value.size());
    for (double v : value) hasher.add(v);
  }
  void operator()(const Shape& value) const {
    hasher.add(value.rank());
    for (const Dim& dim : value) dim.hash(hasher);
  }
  void operator()(const LiteralRef& value) const {
    hasher.add(value->dtype());
    hasher.add(std::span<const int64_t>(value->shape()));
    hasher.add(value->content_hash());
  }
  void operator()(const GraphRef& value) const { hasher.add(value->structural_hash()); }
  void operator()(const Types& value) const {
    hasher.add(value.size());
    for (const Type& type : value) {
      hasher.add(type.dtype);
      (*this)(type.shape);
    }
  }
};

bool same_bits(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

}  // namespace

Attribute::Attribute(LiteralRef value) : value_(std::move(value)) {
  std::get<LiteralRef>(value_)->seal();
}

std::string Attribute::to_string() const { return std::visit(Printer{}, value_); }

void Attribute::hash(Hasher& hasher) const {
  hasher.add(value_.index());
  std::visit(HashVisitor{hasher}, value_);
}

bool operator==(const Attribute& a, const Attribute& b) {
  if (a.value_.index() != b.value_.index()) return false;
  if (auto* x = a.get_if<LiteralRef>()) {
    const LiteralRef& y = *b.get_if<LiteralRef>();
    // Hashes are remembered: large constants are compared only where they are equal.
    return *x == y ||
           ((*x)->type() == y->type() && (*x)->content_hash() == y->content_hash() && **x == *y);
  }
  if (auto* x = a.get_if<GraphRef>()) {
    const GraphRef& y = *b.get_if<GraphRef>();
    return *x == y || (*x)->structural_hash() == y->structural_hash();
  }
  // By bits, as they are hashed: NaN is NaN, and 0 is not -0.
  if (auto* x = a.get_if<double>()) return same_bits(*x, *b.get_if<double>());
  if (auto* x = a.get_if<Reals>()) return std::ranges::equal(*x, *b.get_if<Reals>(), same_bits);
  return a.value_ == b.value_;
}

Attributes::Attributes(std::initializer_list<Entry> entries) {
  if (entries.size() > 0) own_entries().reserve(entries.size());
  for (const Entry& entry : entries) set(entry.first, entry.second);
}

std::vector<Attributes::Entry>& Attributes::own_entries() {
  if (!shared_) {
    shared_ = new Shared;
  } else if (shared_->users.load(std::memory_order_acquire) > 1) {
    auto own = std::make_unique<Shared>();
    own->entries = shared_->entries;
    Attributes released;
    std::swap(released.shared_, shared_);
    shared_ = own.release();
  }
  return shared_->entries;
}

const Attribute* Attributes::find(std::string_view name) const& {
  for (const Entry& entry : entries()) {
    if (entry.first == name) return &entry.second;
  }
  return nullptr;
}

void Attributes::set(std::string_view name, Attribute value) {
  std::vector<Entry>& own = own_entries();
  auto at =
      std::lower_bound(own.begin(), own.end(), name,
                       [](const Entry& entry, std::string_view key) { return entry.first < key; });
  if (at != own.end() && at->first == name) {
    at->second = std::move(value);
  } else {
    own.emplace(at, std::string(name), std::move(value));
  }
}

void Attributes::erase(std::string_view name) {
  if (!find(name)) return;
  std::erase_if(own_entries(), [name](const Entry& entry) { return entry.first == name; });
}

template <class T>
const T& Attributes::get(std::string_view name) const {
  const Attribute* attribute = find(name);
  if (!attribute) fail(ErrorCode::internal, "attribute '{}' is absent from {}", name, to_string());
  const T* value = attribute->get_if<T>();
  if (!value) {
    fail(ErrorCode::internal, "attribute '{}' is of kind {}, not what is asked for", name,
         name_of(attribute->kind()));
  }
  return *value;
}

bool Attributes::boolean(std::string_view name) const { return get<bool>(name); }
int64_t Attributes::integer(std::string_view name) const { return get<int64_t>(name); }
double Attributes::real(std::string_view name) const { return get<double>(name); }
const std::string& Attributes::string(std::string_view name) const& {
  return get<std::string>(name);
}
DType Attributes::dtype(std::string_view name) const { return get<DType>(name); }
const Integers& Attributes::integers(std::string_view name) const& { return get<Integers>(name); }
const Reals& Attributes::reals(std::string_view name) const& { return get<Reals>(name); }
const Shape& Attributes::shape(std::string_view name) const& { return get<Shape>(name); }
const LiteralRef& Attributes::literal(std::string_view name) const& {
  return get<LiteralRef>(name);
}
const GraphRef& Attributes::graph(std::string_view name) const& { return get<GraphRef>(name); }
const Types& Attributes::types(std::string_view name) const& { return get<Types>(name); }

std::string Attributes::to_string() const {
  std::string text = "{";
  for (const auto& [name, value] : entries()) {
    if (text.size() > 1) text += ", ";
    text += name + "=" + value.to_string();
  }
  return text + "}";
}

void Attributes::hash(Hasher& hasher) const {
  hasher.add(entries().size());
  for (const Entry& entry : entries()) {
    hasher.add(entry.first);
    entry.second.hash(hasher);
  }
}

}  // namespace tenon
