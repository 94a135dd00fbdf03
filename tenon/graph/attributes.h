// The compile-time arguments of a node: named values of a few kinds, kept sorted by name.
//
//   Attributes a{{"axes", Integers{0, 1}}, {"keep", true}};
//   a.integers("axes");                    // {0, 1}
//   a.set("keep", false);
//   a.to_string();                         // "{axes=[0,1], keep=false}"
#pragma once

#include <algorithm>
#include <atomic>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "tenon/graph/literal.h"
#include "tenon/graph/type.h"

namespace tenon {

class Graph;
class Hasher;

using Reals = std::vector<double>;
using Types = std::vector<Type>;
using LiteralRef = std::shared_ptr<const Literal>;
using GraphRef = std::shared_ptr<const Graph>;

enum class AttributeKind : uint8_t {
  boolean,
  integer,
  real,
  string,
  dtype,
  integers,
  reals,
  shape,
  literal,
  graph,
  types
};
std::string_view name_of(AttributeKind kind);

/// The order of the alternatives is the order of AttributeKind.
class Attribute {
 public:
  using Storage = std::variant<bool, int64_t, double, std::string, DType, Integers, Reals, Shape,
                               LiteralRef, GraphRef, Types>;

  Attribute(bool value) : value_(value) {}
  Attribute(int value) : value_(static_cast<int64_t>(value)) {}
  Attribute(int64_t value) : value_(value) {}
  Attribute(double value) : value_(value) {}
  Attribute(const char* value) : value_(std::string(value)) {}
  Attribute(std::string value) : value_(std::move(value)) {}
  Attribute(DType value) : value_(value) {}
  Attribute(Integers value) : value_(std::move(value)) {}
  Attribute(Reals value) : value_(std::move(value)) {}
  Attribute(Shape value) : value_(std::move(value)) {}
  /// Seals it: nobody writes to a constant.
  Attribute(LiteralRef value);
  Attribute(GraphRef value) : value_(std::move(value)) {}
  Attribute(Types value) : value_(std::move(value)) {}

  AttributeKind kind() const { return static_cast<AttributeKind>(value_.index()); }
  template <class T>
  const T* get_if() const& {
    return std::get_if<T>(&value_);
  }
  template <class T>
  const T* get_if() const&& = delete;
  const Storage& storage() const& { return value_; }
  Storage storage() && { return std::move(value_); }

  std::string to_string() const;
  void hash(Hasher& hasher) const;
  /// Literals and graphs compare by content.
  friend bool operator==(const Attribute& a, const Attribute& b);

 private:
  Storage value_;
};

class Attributes {
 public:
  using Entry = std::pair<std::string, Attribute>;

  Attributes() = default;
  Attributes(std::initializer_list<Entry> entries);
  Attributes(const Attributes& other) : shared_(other.shared_) {
    if (shared_) shared_->users.fetch_add(1, std::memory_order_relaxed);
  }
  Attributes(Attributes&& other) noexcept : shared_(std::exchange(other.shared_, nullptr)) {}
  Attributes& operator=(Attributes other) noexcept {
    std::swap(shared_, other.shared_);
    return *this;
  }
  ~Attributes() {
    if (shared_ && shared_->users.fetch_sub(1, std::memory_order_acq_rel) == 1) delete shared_;
  }

  bool empty() const { return entries().empty(); }
  const Entry* begin() const& { return entries().data(); }
  const Entry* end() const& { return entries().data() + entries().size(); }
  auto begin() const&& = delete;
  auto end() const&& = delete;
  const Attribute* find(std::string_view name) const&;
  const Attribute* find(std::string_view name) const&& = delete;
  void set(std::string_view name, Attribute value);
  void erase(std::string_view name);

  /// Typed access; an internal error if absent or of another kind (schemas have already checked
  /// user input).
  bool boolean(std::string_view name) const;
  int64_t integer(std::string_view name) const;
  double real(std::string_view name) const;
  const std::string& string(std::string_view name) const&;
  DType dtype(std::string_view name) const;
  const Integers& integers(std::string_view name) const&;
  const Reals& reals(std::string_view name) const&;
  const Shape& shape(std::string_view name) const&;
  const LiteralRef& literal(std::string_view name) const&;
  const GraphRef& graph(std::string_view name) const&;
  const Types& types(std::string_view name) const&;
  std::string string(std::string_view name) && { return string(name); }
  Integers integers(std::string_view name) && { return integers(name); }
  Reals reals(std::string_view name) && { return reals(name); }
  Shape shape(std::string_view name) && { return shape(name); }
  LiteralRef literal(std::string_view name) && { return literal(name); }
  GraphRef graph(std::string_view name) && { return graph(name); }
  Types types(std::string_view name) && { return types(name); }

  std::string to_string() const;
  void hash(Hasher& hasher) const;
  friend bool operator==(const Attributes& a, const Attributes& b) {
    return a.shared_ == b.shared_ || std::ranges::equal(a.entries(), b.entries());
  }

 private:
  /// What copies have in common until one of them changes: passes copy nodes far more often than
  /// they change what is in them.
  struct Shared {
    std::atomic<uint32_t> users = 1;
    std::vector<Entry> entries;
  };

  template <class T>
  const T& get(std::string_view name) const;
  std::span<const Entry> entries() const {
    return shared_ ? std::span<const Entry>(shared_->entries) : std::span<const Entry>();
  }
  /// A list that no copy of this shares.
  std::vector<Entry>& own_entries();

  Shared* shared_ = nullptr;  // null where there are none
};

}  // namespace tenon
