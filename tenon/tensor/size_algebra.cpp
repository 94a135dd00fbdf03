#include "tenon/tensor/size_algebra.h"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

namespace tenon::detail {

Dim SizeAlgebra::add_symbol(size_t position, const Column& column, int64_t factor, int64_t offset,
                            bool is_free) {
  std::string name = fmt::format("n{}", position);
  for (size_t i = 0; i < column.size(); ++i) values_[i][name] = (column[i] - offset) / factor;
  Dim symbol = Dim::symbol(name);
  symbols_.push_back({std::move(name), position, factor, offset, is_free});
  Dim size = symbol * factor + offset;
  learn(size);
  if (size != symbol) learn(symbol);
  return size;
}

void SizeAlgebra::learn(const Dim& dim) {
  constexpr size_t kMaxKnown = 256;  // each is compared with every size to come
  if (dim.is_constant() || known_.size() == kMaxKnown) return;
  auto same = [&](const Known& known) { return known.dim == dim; };
  if (std::ranges::none_of(known_, same)) known_.push_back({dim, column_of(dim)});
}

Column SizeAlgebra::column_of(const Dim& dim) const {
  if (dim.is_constant()) return Column(values_.size(), dim.constant());
  for (const Known& known : known_) {
    if (known.dim == dim) return known.column;
  }
  Column column;
  for (const SymbolValues& values : values_) column.push_back(dim.evaluate(values));
  return column;
}

std::optional<Dim> SizeAlgebra::find(const Column& column) const {
  for (const Known& known : known_) {
    if (known.column == column) return known.dim;
  }
  return std::nullopt;
}

void SizeAlgebra::go_back_to(const Mark& mark) {
  while (symbols_.size() > mark.symbols) {
    for (SymbolValues& values : values_) values.erase(symbols_.back().name);
    symbols_.pop_back();
  }
  known_.resize(mark.known);
}

namespace {

/// The factor by which `b` is a multiple of `a` everywhere, or 0.
int64_t multiple(const Column& a, const Column& b) {
  if (a[0] == 0 || b[0] % a[0] != 0) return 0;
  const int64_t factor = b[0] / a[0];
  for (size_t i = 1; i < a.size(); ++i) {
    if (a[i] * factor != b[i]) return 0;
  }
  return factor;
}

Column combine(const Column& a, const Column& b, int64_t sign) {
  Column result;
  for (size_t i = 0; i < a.size(); ++i) result.push_back(a[i] + sign * b[i]);
  return result;
}

/// b = (rise * a + offset) / run, rounded down, with the smallest numbers.
struct Line {
  int64_t rise = 0, run = 0, offset = 0;
};

std::optional<Line> line_through(const Column& a, const Column& b) {
  constexpr int64_t kMaxRun = 16;
  size_t other = 1;
  while (other < a.size() && a[other] == a[0]) ++other;
  if (other == a.size()) return std::nullopt;
  Line line{b[other] - b[0], a[other] - a[0], 0};
  const int64_t common = std::gcd(line.rise, line.run) * (line.run < 0 ? -1 : 1);
  line.rise /= common;
  line.run /= common;
  if (line.rise == 0 || line.run > kMaxRun) return std::nullopt;
  line.offset = line.run * b[0] - line.rise * a[0];
  for (size_t i = 0; i < a.size(); ++i) {
    if (line.run * b[i] != line.rise * a[i] + line.offset) return std::nullopt;
  }
  return line;
}

bool contains(const std::vector<Dim>& dims, const Dim& dim) {
  return std::ranges::find(dims, dim) != dims.end();
}

}  // namespace

std::optional<Dim> SizeAlgebra::find_shifted(const Column& column) const {
  for (const SymbolicForm::Symbol& symbol : symbols_) {
    const Dim dim = Dim::symbol(symbol.name);
    std::optional<Line> line = line_through(column_of(dim), column);
    if (line && line->run == 1) return dim * line->rise + line->offset;
  }
  return std::nullopt;
}

/// Collects them in the order in which they are tried.
class SizeAlgebra::Choices {
 public:
  Choices(const SizeAlgebra& algebra, const Column& column) : algebra_(algebra), column_(column) {}

  std::vector<Dim> all;

  void add(const Dim& dim) {
    constexpr size_t kMaxChoices = 12;
    if (all.size() < kMaxChoices && !dim.is_constant() && !contains(all, dim)) all.push_back(dim);
  }

  void add_equal(std::span<const Type> inputs) {
    for (const Type& input : inputs) {
      for (const Dim& dim : input.shape) {
        if (algebra_.column_of(dim) == column_) add(dim);
      }
    }
    for (const Known& known : algebra_.known_) {
      if (known.column == column_) add(known.dim);
    }
    for (const Known& known : algebra_.known_) {
      if (multiple(known.column, column_) == -1) add(known.dim * -1);
    }
  }

  /// What reshapes make of neighbouring axes: all of them together, or a part of that.
  void add_products(std::span<const Type> inputs) {
    for (const Type& input : inputs) {
      for (size_t first = 0; first < input.rank(); ++first) {
        Dim product(1);
        for (size_t last = first; last < input.rank(); ++last) {
          product = product * input.dim(last);
          add_multiple(product);
        }
      }
    }
  }

  void add_lines() {
    for (const SymbolicForm::Symbol& symbol : algebra_.symbols_) {
      const Dim dim = Dim::symbol(symbol.name);
      std::optional<Line> line = line_through(algebra_.column_of(dim), column_);
      if (line && line->run == 1) add(dim * line->rise + line->offset);
    }
  }

  void add_sums(std::span<const Type> inputs) {
    constexpr size_t kMaxTerms = 16;
    std::vector<Dim> terms;
    for (const SymbolicForm::Symbol& symbol : algebra_.symbols_)
      terms.push_back(Dim::symbol(symbol.name));
    for (const Type& input : inputs) {
      for (const Dim& dim : input.shape) {
        if (!dim.is_constant() && !contains(terms, dim)) terms.push_back(dim);
      }
    }
    terms.resize(std::min(terms.size(), kMaxTerms));
    for (const Dim& a : terms) {
      for (const Dim& b : terms) {
        const Column left = algebra_.column_of(a), right = algebra_.column_of(b);
        if (combine(left, right, 1) == column_) add(a + b);
        if (combine(left, right, -1) == column_) add(a - b);
      }
    }
  }

  void add_quotients() {
    for (const SymbolicForm::Symbol& symbol : algebra_.symbols_) {
      const Dim dim = Dim::symbol(symbol.name);
      std::optional<Line> line = line_through(algebra_.column_of(dim), column_);
      if (line && line->run > 1) add(Dim::floor_div(dim * line->rise + line->offset, line->run));
    }
  }

 private:
  void add_multiple(const Dim& dim) {
    const Column column = algebra_.column_of(dim);
    if (int64_t factor = multiple(column, column_); factor > 0) add(dim * factor);
    if (int64_t factor = multiple(column_, column); factor > 1) {
      if (std::optional<Dim> part = dim.divided_by(factor)) add(*part);
    }
  }

  const SizeAlgebra& algebra_;
  const Column& column_;
};

std::vector<Dim> SizeAlgebra::choices(const Column& column, std::span<const Type> inputs,
                                      const Dim& own, bool prefers_own) const {
  Choices choices(*this, column);
  choices.add_equal(inputs);
  if (prefers_own) choices.add(own);
  choices.add_products(inputs);
  choices.add_lines();
  choices.add_sums(inputs);
  choices.add(own);
  choices.add_quotients();
  return std::move(choices.all);
}

}  // namespace tenon::detail
