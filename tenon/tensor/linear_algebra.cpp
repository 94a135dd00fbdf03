#include <algorithm>
#include <limits>
#include <map>
#include <numeric>
#include <string>

#include "tenon/graph/build.h"
#include "tenon/tensor/node.h"
#include "tenon/tensor/numpy.h"
#include "tenon/tensor/op_functions.h"

namespace tenon {

namespace {

std::pair<Tensor, Tensor> promoted(const Tensor& a, const Tensor& b) {
  DType dtype = promote(a.dtype(), b.dtype());
  return {a.cast(dtype), b.cast(dtype)};
}

int64_t last_axis(const Tensor& x) { return static_cast<int64_t>(x.rank()) - 1; }

[[noreturn]] void fail_pair(std::string_view what, const Tensor& a, const Tensor& b) {
  Error error = make_error(ErrorCode::shape_mismatch, "{}: lhs {} and rhs {}", what,
                           a.type().to_string(), b.type().to_string());
  for (const auto& [name, x] : {std::pair("lhs", &a), std::pair("rhs", &b)}) {
    std::string label = detail::describe(*x->node());
    if (!label.empty()) error.note("{}  {:<20} {}", name, x->type().to_string(), label);
  }
  if (!detail::current_label().empty()) error.note("in {}", detail::current_label());
  throw error;
}

}  // namespace

Tensor matmul(const Tensor& lhs, const Tensor& rhs) {
  auto [a, b] = promoted(lhs, rhs);
  if (a.rank() == 0 || b.rank() == 0)
    fail(ErrorCode::shape_mismatch, "matmul: {} and {}: scalars cannot be matrices; use *",
         a.type().to_string(), b.type().to_string());
  if (a.dim(-1) != b.dim(b.rank() == 1 ? -1 : -2))
    fail_pair("matmul: inner dimensions differ", lhs, rhs);
  if (b.rank() <= 2) return ops::dot(a, b, {last_axis(a)}, {0});
  if (a.rank() == 1) return squeeze(matmul(expand_dims(a, 0), b), -2);
  Shape a_batch(std::vector<Dim>(a.shape().begin(), a.shape().end() - 2));
  Shape b_batch(std::vector<Dim>(b.shape().begin(), b.shape().end() - 2));
  Shape batch;
  try {
    batch = broadcast_shapes(a_batch, b_batch);
  } catch (const Error&) {
    fail_pair("matmul: the axes before the matrices do not broadcast", lhs, rhs);
  }
  auto full = [&batch](const Tensor& x) {
    Shape shape = batch;
    shape.push_back(x.dim(-2));
    shape.push_back(x.dim(-1));
    return broadcast_to(x, shape);
  };
  Integers axes(batch.rank());
  std::iota(axes.begin(), axes.end(), int64_t{0});
  auto rank = static_cast<int64_t>(batch.rank());
  return ops::dot(full(a), full(b), {rank + 1}, {rank}, axes, axes);
}

Tensor dot(const Tensor& lhs, const Tensor& rhs) {
  auto [a, b] = promoted(lhs, rhs);
  if (a.rank() == 0 || b.rank() == 0) return a * b;
  int64_t inner = b.rank() == 1 ? 0 : last_axis(b) - 1;
  if (a.dim(-1) != b.dim(inner)) fail_pair("dot: inner dimensions differ", lhs, rhs);
  return ops::dot(a, b, {last_axis(a)}, {inner});
}

Tensor outer(const Tensor& a, const Tensor& b) { return a.reshape({-1, 1}) * b.reshape({-1}); }

namespace {

/// A tensor whose axes have names.
struct Named {
  Tensor tensor;
  std::string axes;
};

bool has(std::string_view names, char name) { return names.find(name) != std::string_view::npos; }

/// Sums over the axes that nobody else needs.
Named without_lone_axes(Named x, std::string_view needed) {
  Integers lone;
  std::string left;
  for (size_t i = 0; i < x.axes.size(); ++i) {
    if (has(needed, x.axes[i])) {
      left += x.axes[i];
    } else {
      lone.push_back(static_cast<int64_t>(i));
    }
  }
  return lone.empty() ? x : Named{sum(x.tensor, lone), left};
}

/// The product of two, summed over what both have and nobody needs later.
Named contract(const Named& a, const Named& b, std::string_view needed) {
  Integers a_contract, b_contract, a_batch, b_batch;
  std::string batch, a_free, b_free;
  for (size_t i = 0; i < a.axes.size(); ++i) {
    size_t other = b.axes.find(a.axes[i]);
    if (other == std::string::npos) {
      a_free += a.axes[i];
      continue;
    }
    bool kept = has(needed, a.axes[i]);
    (kept ? a_batch : a_contract).push_back(static_cast<int64_t>(i));
    (kept ? b_batch : b_contract).push_back(static_cast<int64_t>(other));
    if (kept) batch += a.axes[i];
  }
  for (char name : b.axes) {
    if (!has(a.axes, name)) b_free += name;
  }
  auto [lhs, rhs] = promoted(a.tensor, b.tensor);
  return {ops::dot(lhs, rhs, a_contract, b_contract, a_batch, b_batch), batch + a_free + b_free};
}

struct Formula {
  std::vector<std::string> operands;
  std::string result;
};

[[noreturn]] void refuse(std::string_view text, std::string_view why) {
  throw make_error(ErrorCode::invalid_argument, "einsum: '{}' {}", text, why);
}

constexpr char kEllipsis = '.';

/// The formula as it is written, with one '.' for each "...".
Formula parse(std::string_view text) {
  Formula formula;
  std::string current;
  bool after_arrow = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == ' ') continue;
    if (c == ',' && !after_arrow) {
      formula.operands.push_back(std::exchange(current, {}));
    } else if (text.substr(i).starts_with("->") && !after_arrow) {
      formula.operands.push_back(std::exchange(current, {}));
      after_arrow = true;
      ++i;
    } else if (text.substr(i).starts_with("...") && !has(current, kEllipsis)) {
      current += kEllipsis;
      i += 2;
    } else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
      if (after_arrow && has(current, c)) refuse(text, "names an axis of the result twice");
      current += c;
    } else {
      refuse(text, "has a character that is neither a letter, ',', '...' nor '->'");
    }
  }
  if (after_arrow) {
    formula.result = current;
    return formula;
  }
  formula.operands.push_back(current);
  // NumPy's implicit result: what further axes there are, then the names that occur once, sorted.
  std::string all;
  for (const std::string& operand : formula.operands) all += operand;
  if (has(all, kEllipsis)) formula.result += kEllipsis;
  std::sort(all.begin(), all.end());
  for (char name : all) {
    if (name != kEllipsis && std::count(all.begin(), all.end(), name) == 1) formula.result += name;
  }
  return formula;
}

/// Gives the axes behind "..." names that no letter has, the same from the last axis on.
void name_ellipses(Formula& formula, std::string_view text, const std::vector<Tensor>& operands) {
  size_t most = 0;
  for (size_t i = 0; i < operands.size(); ++i) {
    const std::string& names = formula.operands[i];
    size_t named = names.size() - (has(names, kEllipsis) ? 1 : 0);
    bool fits = has(names, kEllipsis) ? operands[i].rank() >= named : operands[i].rank() == named;
    if (!fits)
      fail(ErrorCode::shape_mismatch, "einsum: '{}' names {} axes of {} in '{}'", names, named,
           operands[i].type().to_string(), text);
    if (has(names, kEllipsis)) most = std::max(most, operands[i].rank() - named);
  }
  if (most > 9) refuse(text, "stands for more than 9 further axes with '...'");
  auto expand = [](std::string& names, size_t count) {
    size_t at = names.find(kEllipsis);
    if (at == std::string::npos) return;
    std::string axes;
    for (size_t i = count; i > 0; --i) axes += static_cast<char>('0' + i);
    names.replace(at, 1, axes);
  };
  for (size_t i = 0; i < operands.size(); ++i) {
    std::string& names = formula.operands[i];
    expand(names, operands[i].rank() + 1 - names.size());
  }
  expand(formula.result, most);
}

/// One name stands for one size.
void check_sizes(const Formula& formula, std::string_view text,
                 const std::vector<Tensor>& operands) {
  std::map<char, std::pair<Dim, size_t>> sizes;
  for (size_t i = 0; i < operands.size(); ++i) {
    for (size_t axis = 0; axis < operands[i].rank(); ++axis) {
      char name = formula.operands[i][axis];
      const Dim& size = operands[i].shape()[axis];
      const auto& [known, first] = sizes.try_emplace(name, size, i).first->second;
      if (known == size) continue;
      throw make_error(ErrorCode::shape_mismatch, "einsum: '{}': axis {} is {} and {}", text, name,
                       known.to_string(), size.to_string())
          .note("operand {}  {}", first, operands[first].type().to_string())
          .note("operand {}  {}", i, operands[i].type().to_string());
    }
  }
}

/// Takes diagonals until no name occurs twice.
Named without_repeats(Named x) {
  for (size_t i = 0; i < x.axes.size(); ++i) {
    size_t other = x.axes.find(x.axes[i], i + 1);
    if (other == std::string::npos) continue;
    auto end = static_cast<int64_t>(x.axes.size()) - 1;
    Tensor moved = move_axis(x.tensor, static_cast<int64_t>(other), end);
    x.tensor = diagonal(move_axis(moved, static_cast<int64_t>(i), end));
    std::string kept(1, x.axes[i]);
    x.axes.erase(other, 1);
    x.axes.erase(i, 1);
    return without_repeats({x.tensor, x.axes + kept});
  }
  return x;
}

}  // namespace

namespace {

/// The lesser of two numbers of rows and columns, of which symbols may be part.
Dim lesser(const Tensor& x, const Dim& rows, const Dim& columns) {
  const Dim difference = rows - columns;
  if (!difference.is_constant()) {
    throw make_error(ErrorCode::unsupported,
                     "diagonal: which of the last two axes of {} is shorter is not known",
                     x.type().to_string())
        .note("hint: slice the longer one to the size of the other first");
  }
  return difference.constant() < 0 ? rows : columns;
}

/// The part whose main diagonal is the one `offset` above that of x.
Tensor square_around(const Tensor& x, int64_t offset) {
  if (x.rank() < 2)
    fail(ErrorCode::shape_mismatch, "diagonal: {} is not a matrix", x.type().to_string());
  offset = std::max(offset, -std::numeric_limits<int64_t>::max());  // negating it fits
  const Dim &rows = x.dim(-2), &columns = x.dim(-1);
  if (offset == 0 && rows == columns) return x;
  // Beyond the corner nothing is left.
  auto beyond = [](const Dim& size, int64_t first) {
    return size.is_constant() && size.constant() < first;
  };
  Dim first_row = std::max<int64_t>(-offset, 0), first_column = std::max<int64_t>(offset, 0);
  if (beyond(rows, -offset) || beyond(columns, offset))
    return slice_axis(slice_axis(x, -2, 0, 0), -1, 0, 0);
  Dim size = lesser(x, rows - first_row, columns - first_column);
  return slice_axis(slice_axis(x, -2, first_row, first_row + size), -1, first_column,
                    first_column + size);
}

}  // namespace

Tensor diagonal(const Tensor& whole, int64_t offset) {
  Tensor x = square_around(whole, offset);
  return sum(where(eye(x.dim(-1), DType::boolean), x, zeros_like(x)), -1).cast(x.dtype());
}

Tensor einsum(std::string_view text, const std::vector<Tensor>& operands) {
  Formula formula = parse(text);
  if (formula.operands.size() != operands.size())
    fail(ErrorCode::invalid_argument, "einsum: '{}' is for {} operands, not {}", text,
         formula.operands.size(), operands.size());
  name_ellipses(formula, text, operands);
  check_sizes(formula, text, operands);
  for (char name : formula.result) {
    auto known = [name](const std::string& axes) { return has(axes, name); };
    if (std::none_of(formula.operands.begin(), formula.operands.end(), known))
      fail(ErrorCode::invalid_argument, "einsum: no operand of '{}' has the axis {}", text, name);
  }
  auto needed_after = [&](size_t next) {
    std::string needed = formula.result;
    for (size_t i = next; i < operands.size(); ++i) needed += formula.operands[i];
    return needed;
  };
  auto operand = [&](size_t i) { return without_repeats({operands[i], formula.operands[i]}); };
  Named total = without_lone_axes(operand(0), needed_after(1));
  for (size_t i = 1; i < operands.size(); ++i) {
    std::string later = needed_after(i + 1);
    Named next = without_lone_axes(operand(i), later + total.axes);
    total = without_lone_axes(contract(total, next, later), later);
  }
  Integers order;
  for (char name : formula.result) order.push_back(static_cast<int64_t>(total.axes.find(name)));
  return total.tensor.transpose(order);
}

}  // namespace tenon
